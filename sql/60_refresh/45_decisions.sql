-- ---- decisions of people about single customers ----
--
-- A segmentation has a table of them from the first one on, and not before: who decides
-- nothing has no table, no step and no join for it.  It is beside the member table and its
-- owner's, as the history is; he may write it by INSERT and COPY as well.

CREATE FUNCTION segment_internal.create_decision_table(name text) RETURNS oid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    relation regclass;
    fact name;
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.decisions) THEN
        RETURN s.decisions;
    END IF;
    IF segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RAISE EXCEPTION 'nothing can be decided about single customers of segmentation "%", which is distributed',
            s.name
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'A column of the source can say it, and a rule can read that.';
    END IF;
    relation := segment_internal.create_customer_table(
        s, 'decisions',
        '%1$s NOT NULL,
         segment_id integer,
         include boolean NOT NULL DEFAULT true,
         note text,
         until timestamptz,
         decided_by name NOT NULL DEFAULT session_user,
         decided_at timestamptz NOT NULL DEFAULT now(),
         CONSTRAINT included_in_a_segment CHECK (NOT include OR segment_id IS NOT NULL),
         UNIQUE NULLS NOT DISTINCT (%2$I, segment_id)',
        format('Decisions about single customers of the segmentation "%s", whatever its source says: '
               'written by include_customer, exclude_customer and undecide_customer, or by its owner.', s.name),
        ARRAY[['', 'Key of the customer, who need not be in the source.'],
              ['segment_id', 'Id of the segment, see segment.segment; NULL: excluded from all.'],
              ['include', 'true: the customer is in the segment; false: is not.'],
              ['note', 'Why.'],
              ['until', 'The first instant for which the decision does not hold any more; NULL: it holds for good.'],
              ['decided_by', 'Role that was logged in.'],
              ['decided_at', 'When.']]);
    EXECUTE format('CREATE INDEX ON %s (until) WHERE until IS NOT NULL', relation);
    -- may be published: its key has columns that may be NULL
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
    -- who is put in need not be in the source, and has no facts then
    FOR fact IN
        SELECT a.attname FROM segment_internal.member_columns(s) AS c
        JOIN pg_attribute AS a ON a.attrelid = s.members AND a.attname = c.name
        WHERE c.required AND a.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', s.members, fact);
    END LOOP;
    PERFORM segment_internal.retrack(s.name);
    RETURN relation;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_decision_table(text) IS
'The work of decision_table, with the rights of the owner.';

CREATE FUNCTION decision_table(segmentation text) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    RETURN segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                         'SELECT segment_internal.create_decision_table($1)', s.name)::oid;
END;
$$;
COMMENT ON FUNCTION decision_table(text) IS
$$The table with the decisions about single customers of a segmentation, NAME_decisions beside its member table;
made where there is none yet, as the first decision does.
The owner may write it by INSERT and COPY: the customer key and segment_id are enough, include is true,
decided_by and decided_at are whoever is logged in and now; the next refresh follows it.
Errors: undefined_object, insufficient_privilege, duplicate_table where the name is taken,
feature_not_supported for distributed segmentations.$$;

CREATE FUNCTION segment_internal.give_up_decisions(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF s.decisions IS NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.decisions) THEN
        IF segment_internal.count_rows(s.decisions, false, NULL) > 0 THEN
            RAISE EXCEPTION 'segmentation "%" cannot be distributed, because there are decisions about its customers',
                s.name
                USING ERRCODE = 'feature_not_supported', HINT = format('They are in table %s.', s.decisions);
        END IF;
        EXECUTE format('DROP TABLE %s', s.decisions);
    END IF;
    PERFORM segment_internal.change_catalogue('keep_table', s.name, 'decisions'::text, NULL::regclass);
END;
$$;
COMMENT ON FUNCTION segment_internal.give_up_decisions(segmentation) IS
$$Drops the table of decisions of a segmentation.
Error (feature_not_supported) where there are any.$$;

CREATE FUNCTION segment_internal.decided_segment(s segmentation, segment text, closed_too boolean) RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    g segment.segment;
BEGIN
    -- of those of one name the one that is open, or else was closed last
    SELECT * INTO g FROM segment.segment AS o WHERE o.segmentation = s.name AND o.name = decided_segment.segment
    ORDER BY o.closed_at DESC NULLS FIRST, o.segment_id DESC LIMIT 1;
    IF g.segment_id IS NULL OR (g.closed_at IS NOT NULL AND NOT closed_too) THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"%', s.name, segment,
            CASE WHEN g.segment_id IS NULL THEN '' ELSE ' any more' END
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN s.refreshed_as_of IS NULL AND NOT EXISTS (
                                   SELECT FROM segment.segment AS o WHERE o.segmentation = s.name)
                              THEN 'The first refresh_segmentation() finds its segments.'
                              ELSE 'The table segment.segment lists them.' END;
    END IF;
    RETURN g.segment_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.decided_segment(segmentation, text, boolean) IS
$$The id of a segment by its name; closed_too: also of one that is closed.
Error (undefined_object) where there is none.$$;

CREATE FUNCTION segment_internal.place_customer(s segmentation, customer text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    logged boolean;
    later boolean;
BEGIN
    IF s.refreshed_as_of IS NULL THEN
        RETURN;
    END IF;
    IF s.refresh_mode = 'immediate' AND s.refreshed_as_of < clock_timestamp() THEN
        -- by what the decision wrote; and if that was left to a refresh, here it is
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS w WHERE w.due_at = ''-infinity'')', s.changes) INTO logged;
        IF logged THEN
            PERFORM segment_internal.begin_run(s.name);
            PERFORM segment_internal.refresh_as_owner(s.name, NULL, false, NULL, 1);
        END IF;
        RETURN;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS o WHERE %s AND o.entered_at > $1)
                        OR EXISTS (SELECT FROM %s AS h WHERE %s AND h.left_at > $1)',
                   s.members, segment_internal.key_condition(s.members, customer),
                   s.history, segment_internal.key_condition(s.history, customer))
    INTO later USING s.refreshed_as_of;
    PERFORM segment_internal.begin_run(s.name);
    -- one customer never is an alarm
    PERFORM segment_internal.refresh_as_owner(
        s.name, CASE WHEN NOT later THEN s.refreshed_as_of END, false, NULL, 1,
        CASE WHEN NOT later AND segment_internal.keys_can_be_listed(s) THEN ARRAY[customer]::text END,
        way_reason => 'of a decision about one customer');
END;
$$;
COMMENT ON FUNCTION segment_internal.place_customer(segmentation, text) IS
$$Places one customer anew as of the last refresh, with the model of that, as if what was decided had been known then;
in the refresh mode immediate he is placed already, as of the clock, or else a refresh is, of all who may have changed;
who was placed so since the last refresh, when that was the mode, is by a refresh as of now;
everybody where keys cannot be listed, and nobody before the first refresh.$$;

CREATE FUNCTION segment_internal.decide_as_owner(
    name text, segment text, customer text, include boolean, note text, until timestamptz, refresh boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    id integer := CASE WHEN segment IS NOT NULL THEN
                       segment_internal.decided_segment(s, segment, closed_too => false) END;
    relation regclass;
    same_customer text;
BEGIN
    IF until <= s.refreshed_as_of THEN
        RAISE EXCEPTION 'until % is not after the last refresh, which was as of %', until, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A decision holds for refreshes as of before until.';
    END IF;
    relation := segment_internal.create_decision_table(s.name);
    -- or the error that it is no key, with nothing of our statements in it
    EXECUTE format('SELECT CAST($1 AS %s)', format_type(segment_internal.key_type(relation), -1)) USING customer;
    same_customer := segment_internal.key_condition(relation, customer);
    -- what says the contrary is no longer meant
    IF segment IS NULL OR (include AND NOT segment_internal.overlapping(s)) THEN
        EXECUTE format('DELETE FROM %s AS d WHERE d.include AND d.segment_id IS DISTINCT FROM $1 AND %s',
                       relation, same_customer) USING id;
    END IF;
    EXECUTE format('INSERT INTO %1$s AS d (%2$I, segment_id, include, note, until)
                    VALUES (CAST($1 AS %3$s), $2, $3, $4, $5)
                    ON CONFLICT (%2$I, segment_id) DO UPDATE
                    SET include = excluded.include, note = excluded.note, until = excluded.until,
                        decided_by = excluded.decided_by, decided_at = excluded.decided_at',
                   relation, segment_internal.key_column(relation),
                   format_type(segment_internal.key_type(relation), -1))
    USING customer, id, include, note, until;
    IF refresh THEN
        PERFORM segment_internal.place_customer(s, customer);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.decide_as_owner(text, text, text, boolean, text, timestamptz, boolean) IS
'The work of include_customer and exclude_customer, with the rights of the owner.';

CREATE FUNCTION segment_internal.decide(
    name text, segment text, customer text, include boolean, note text, until timestamptz, refresh boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    done text;
BEGIN
    IF customer IS NULL OR (segment IS NULL AND include) THEN
        RAISE EXCEPTION '% must not be null', CASE WHEN customer IS NULL THEN 'customer' ELSE 'segment' END
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    done := segment_internal.run_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT segment_internal.decide_as_owner($1, $2, $3, $4::boolean, $5, $6::timestamptz, $7::boolean)',
        s.name, segment, customer, include::text, note, segment_internal.instant(until),
        coalesce(refresh, true)::text);
END;
$$;
COMMENT ON FUNCTION segment_internal.decide(text, text, text, boolean, text, timestamptz, boolean) IS
'What include_customer and exclude_customer do.';

CREATE FUNCTION include_customer(
    segmentation text, segment text, customer text, note text DEFAULT NULL, until timestamptz DEFAULT NULL,
    refresh boolean DEFAULT true) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.decide(segmentation, segment, customer, true, note, until, refresh);
COMMENT ON FUNCTION include_customer(text, text, text, text, timestamptz, boolean) IS
$$Decides that a customer is in a segment, whatever model, scheme or rules say, at this and all later refreshes;
in segmentations of every kind: include_customer('loyalty', 'Champions', '42', note => 'founder').
Where customers are in one segment each, it is this one, in place of an earlier inclusion; where they may be in several,
it is added.
It takes the place of a decision that was made before about the same customer and segment,
and beats an exclusion from all segments.
customer: the key given as text, equal as type and collation of the key say; need not be in the source:
who is not, has NULL for all facts.
note: why.
until: the decision holds for refreshes as of before that instant; NULL, the default: for good.
refresh: true, the default, places this customer anew at once, as of the instant of the last refresh and logged as a run
of one customer; false leaves that to the next refresh.
The reason in member and history tables is 'decision', for who was not there already.
Who decided, and when, is kept in the table NAME_decisions, see decision_table.
Decisions about a segment that is closed rest until it is open again.
Errors: undefined_object for an unknown segmentation or segment, null_value_not_allowed,
invalid_parameter_value for an until that is not after the last refresh, insufficient_privilege,
feature_not_supported for distributed segmentations, those of reading the text as a key, and those of a refresh.$$;

CREATE FUNCTION include_customer(
    segmentation text, segment text, customer anyelement, note text DEFAULT NULL, until timestamptz DEFAULT NULL,
    refresh boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.decide(segmentation, segment,
                                    CASE WHEN customer IS NOT NULL THEN format('%s', customer) END,
                                    true, note, until, refresh);
END;
$$;
COMMENT ON FUNCTION include_customer(text, text, anyelement, text, timestamptz, boolean) IS
$$Decides that a customer is in a segment, by key: include_customer('loyalty', 'Champions', 42).
See include_customer(segmentation, segment, customer text).$$;

CREATE FUNCTION exclude_customer(
    segmentation text, segment text, customer text, note text DEFAULT NULL, until timestamptz DEFAULT NULL,
    refresh boolean DEFAULT true) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.decide(segmentation, segment, customer, false, note, until, refresh);
COMMENT ON FUNCTION exclude_customer(text, text, text, text, timestamptz, boolean) IS
$$Decides that a customer is not in a segment, whatever model, scheme or rules say, at this and all later refreshes.
segment: NULL: in none, but where the customer is included later on; earlier inclusions are taken back.
Where customers are in one segment each, who is excluded from the one that the kind has for him is in none.
All else is as in include_customer.
The reason in the history is 'decision'.
Errors: as include_customer.$$;

CREATE FUNCTION exclude_customer(
    segmentation text, segment text, customer anyelement, note text DEFAULT NULL, until timestamptz DEFAULT NULL,
    refresh boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.decide(segmentation, segment,
                                    CASE WHEN customer IS NOT NULL THEN format('%s', customer) END,
                                    false, note, until, refresh);
END;
$$;
COMMENT ON FUNCTION exclude_customer(text, text, anyelement, text, timestamptz, boolean) IS
$$Decides that a customer is not in a segment, by key: exclude_customer('loyalty', NULL, 42).
See exclude_customer(segmentation, segment, customer text).$$;

CREATE FUNCTION segment_internal.undecide_as_owner(name text, segment text, customer text, refresh boolean)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    id integer := CASE WHEN segment IS NOT NULL THEN
                       segment_internal.decided_segment(s, segment, closed_too => true) END;
    taken_back bigint := 0;
BEGIN
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.decisions) THEN
        EXECUTE format('DELETE FROM %s AS d WHERE %s%s', s.decisions,
                       segment_internal.key_condition(s.decisions, customer),
                       CASE WHEN segment IS NOT NULL THEN ' AND d.segment_id = $1' ELSE '' END) USING id;
        GET DIAGNOSTICS taken_back = ROW_COUNT;
        IF taken_back > 0 AND refresh THEN
            PERFORM segment_internal.place_customer(s, customer);
        END IF;
    END IF;
    RETURN taken_back;
END;
$$;
COMMENT ON FUNCTION segment_internal.undecide_as_owner(text, text, text, boolean) IS
'The work of undecide_customer, with the rights of the owner.';

CREATE FUNCTION undecide_customer(segmentation text, segment text, customer text, refresh boolean DEFAULT true)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF customer IS NULL THEN
        RAISE EXCEPTION 'customer must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                         'SELECT segment_internal.undecide_as_owner($1, $2, $3, $4::boolean)',
                                         s.name, segment, customer, coalesce(refresh, true)::text);
END;
$$;
COMMENT ON FUNCTION undecide_customer(text, text, text, boolean) IS
$$Takes back what was decided about a customer and a segment; returns how many decisions that were, 0 for none.
segment: NULL: all decisions about the customer; a closed segment has its name still.
customer, refresh: as in include_customer.
Who was where he was by decision alone leaves with the reason 'undecided'.
Errors: undefined_object for an unknown segmentation or segment, null_value_not_allowed, insufficient_privilege,
those of reading the text as a key, and those of a refresh.$$;

CREATE FUNCTION undecide_customer(segmentation text, segment text, customer anyelement, refresh boolean DEFAULT true)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN segment.undecide_customer(segmentation, segment,
                                     CASE WHEN customer IS NOT NULL THEN format('%s', customer) END, refresh);
END;
$$;
COMMENT ON FUNCTION undecide_customer(text, text, anyelement, boolean) IS
$$Takes back what was decided about a customer and a segment, by key: undecide_customer('loyalty', 'Champions', 42).
See undecide_customer(segmentation, segment, customer text).$$;
