-- ---- track_source and untrack_source, and what a refresh asks of them ----

CREATE FUNCTION segment_internal.check_trackable(s segmentation, everybody regclass[]) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    why text;
    list text;
    watermark CONSTANT text
    := format('or let refreshes look at a column that grows: track_source(%L, watermark => ...)', s.name);
BEGIN
    SELECT min(t.detail) INTO why FROM segment_internal.trace(s) AS t WHERE t.what = 'unseen';
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'the source of segmentation "%" cannot be tracked: %', s.name, why
            USING ERRCODE = 'feature_not_supported',
                  HINT = format('Say in the source itself what the function reads, or declare it IMMUTABLE if it is, '
                                '%s.', watermark);
    END IF;
    SELECT min(e.relation::text) INTO why FROM unnest(everybody) AS e (relation)
    WHERE e.relation NOT IN (SELECT t.relation FROM segment_internal.trace(s) AS t WHERE t.what = 'table');
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'table % is not read by the source of segmentation "%"', why, s.name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('It reads: %s.', (SELECT string_agg(t.relation::text, ', ' ORDER BY t.relation::text)
                                                  FROM segment_internal.trace(s) AS t WHERE t.what = 'table'));
    END IF;
    SELECT string_agg(format('%L', t.relation::text), ', ' ORDER BY t.relation::text),
           string_agg(format('%s: %s', t.relation, t.keyless), '; ' ORDER BY t.relation::text)
    INTO list, why
    FROM segment_internal.tracked_parts(s, everybody) AS t WHERE t.keyless IS NOT NULL AND t.depth = 0;
    IF list IS NOT NULL THEN
        RAISE EXCEPTION 'of table % it is not known to which customers its rows belong', replace(list, '''', '')
            USING ERRCODE = 'feature_not_supported', DETAIL = why || '.',
                  HINT = format('If any change there may concern all customers, everybody => ARRAY[%s]::regclass[]; '
                                '%s.', list, watermark);
    END IF;
    FOR one IN SELECT t.relation FROM segment_internal.tracked_parts(s, everybody) AS t ORDER BY t.relation LOOP
        why := segment_internal.no_trigger_reason(one.relation);
        IF why IS NOT NULL THEN
            RAISE EXCEPTION 'changes of table % cannot be tracked: %', one.relation, why
                USING ERRCODE = 'feature_not_supported',
                      HINT = format('Let refreshes look at a column that grows: track_source(%L, watermark => ...).',
                                    s.name);
        END IF;
        IF NOT has_table_privilege(one.relation, 'TRIGGER') THEN
            RAISE EXCEPTION 'permission denied to track changes of table %', one.relation
                USING ERRCODE = 'insufficient_privilege',
                      HINT = format('Its owner consents by GRANT TRIGGER ON %s TO %I.', one.relation, current_user);
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_trackable(segmentation, regclass[]) IS
'The errors of track_source for what cannot be tracked by triggers.';

CREATE FUNCTION segment_internal.present_state(s segmentation, parts regclass[]) RETURNS text
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT segment_internal.source_state(string_agg(t.detail, ' ' ORDER BY q.n), parts)
    FROM unnest(segment_internal.traced_statements(s)) WITH ORDINALITY AS q (query, n)
    CROSS JOIN LATERAL segment_internal.trace_source(
        q.query, s.search_path, segment_internal.key_type(s.members), NULL) AS t
    WHERE t.what = 'definition'
$$;
COMMENT ON FUNCTION segment_internal.present_state(segmentation, regclass[]) IS
'source_state of a segmentation whose tracked tables are these.';

CREATE FUNCTION segment_internal.keep_tracked(s segmentation, everybody regclass[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tables jsonb;
    parts regclass[];
BEGIN
    SELECT coalesce(jsonb_agg(jsonb_build_object('relation', t.relation::oid, 'key_columns', to_jsonb(t.key_columns))),
                    '[]'),
           coalesce(array_agg(t.relation), '{}')
    INTO tables, parts
    FROM segment_internal.tracked_parts(s, everybody) AS t
    WHERE s.watermark IS NULL OR t.relation = s.decisions;
    PERFORM segment_internal.change_catalogue('track_tables', s.name, s.refresh_mode, s.watermark, s.lateness, tables,
                                              -- where answers change by themselves, none is enough
                                              CASE WHEN NOT EXISTS (SELECT FROM segment_internal.trace(s) AS t
                                                                    WHERE t.what IN ('clock', 'chance')
                                                                       OR (t.what = 'unseen' AND s.watermark IS NULL))
                                                   THEN segment_internal.present_state(s, parts) END);
END;
$$;
COMMENT ON FUNCTION segment_internal.keep_tracked(segmentation, regclass[]) IS
'Enters into the catalogue what is tracked, as s has it, and what it looks like now.';

CREATE FUNCTION segment_internal.start_tracking(s segmentation, everybody regclass[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    before regclass[] := ARRAY(SELECT t.relation FROM segment.tracked_table AS t WHERE t.segmentation = s.name);
BEGIN
    IF s.watermark IS NULL THEN
        PERFORM segment_internal.check_trackable(s, everybody);
    END IF;
    FOR one IN
        SELECT t.relation FROM segment_internal.tracked_parts(s, everybody) AS t
        WHERE s.watermark IS NULL OR t.relation = s.decisions
        ORDER BY t.depth, t.relation
    LOOP
        PERFORM segment_internal.lock_writers(one.relation);
        PERFORM segment_internal.create_triggers(one.relation);
    END LOOP;
    PERFORM segment_internal.keep_tracked(s, everybody);
    -- who wrote before this has not been noted
    EXECUTE format('INSERT INTO %s DEFAULT VALUES', s.changes);
    PERFORM segment_internal.drop_triggers(ARRAY(
        SELECT b FROM unnest(before) AS b
        EXCEPT SELECT t.relation FROM segment.tracked_table AS t WHERE t.segmentation = s.name));
END;
$$;
COMMENT ON FUNCTION segment_internal.start_tracking(segmentation, regclass[]) IS
$$Puts triggers where they are needed and enters it into the catalogue, as s has it; the next refresh reads everything.
everybody: tables whose every change concerns all customers.
Errors: those of track_source.$$;

CREATE FUNCTION segment_internal.retrack(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    IF s.refresh_mode = 'manual' THEN
        RETURN;
    END IF;
    PERFORM segment_internal.start_tracking(s, ARRAY(
        SELECT t.relation FROM segment.tracked_table AS t JOIN segment_internal.trace(s) AS r ON r.relation = t.relation
        WHERE t.segmentation = s.name AND t.key_columns = '{}'));
EXCEPTION WHEN feature_not_supported OR insufficient_privilege OR undefined_table THEN
    RAISE WARNING 'refreshes of segmentation "%" read everything from now on: %', name, SQLERRM
        USING HINT = format('track_source(%L) tracks it again.', name);
END;
$$;
COMMENT ON FUNCTION segment_internal.retrack(text) IS
$$After source or rules changed: tracks what they read now, where they were tracked;
a WARNING tells where that cannot be.$$;

CREATE FUNCTION segment_internal.check_watermark(s segmentation) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    column_type regtype;
    list text;
BEGIN
    SELECT min(c.type::oid) FILTER (WHERE c.name = s.watermark)::regtype,
           string_agg(quote_ident(c.name), ', ' ORDER BY c.number)
               FILTER (WHERE segment_internal.watermark_base(c.type) IS NOT NULL)
    INTO column_type, list
    FROM segment_internal.query_columns(s.source, s.search_path) AS c;
    IF column_type IS NULL THEN
        RAISE EXCEPTION 'the source has no column "%"', s.watermark
            USING ERRCODE = 'undefined_column',
                  HINT = coalesce(format('Of times and numbers it has: %s.', list),
                                  'It has no column of a time or number: add one that only grows.');
    END IF;
    IF segment_internal.watermark_base(column_type) IS NULL THEN
        RAISE EXCEPTION 'the watermark must be a time or a number, and column "%" is of type %', s.watermark,
            column_type
            USING ERRCODE = 'datatype_mismatch',
                  HINT = coalesce(format('Of times and numbers the source has: %s.', list), 'The source has none.');
    END IF;
    IF s.lateness IS NOT NULL AND segment_internal.watermark_base(column_type) = 'numeric' THEN
        RAISE EXCEPTION 'lateness is a time, and the watermark "%" a number', s.watermark
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Take a column of times, or leave out lateness.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_watermark(segmentation) IS
'Errors for what is no watermark: undefined_column, datatype_mismatch, invalid_parameter_value.';

CREATE FUNCTION segment_internal.watermark_base(type regtype) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN type IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) THEN type::text
            WHEN type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype,
                          'real'::regtype, 'double precision'::regtype) THEN 'numeric' END;
COMMENT ON FUNCTION segment_internal.watermark_base(regtype) IS
'As what a watermark of a type is compared: the type of a time, or numeric; NULL: it cannot be one.';

CREATE FUNCTION segment_internal.watermark_keys(s segmentation, OUT keys text, OUT seen text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    column_type regtype := (SELECT c.type FROM segment_internal.query_columns(s.source, s.search_path) AS c
                            WHERE c.name = s.watermark);
    base text := segment_internal.watermark_base(column_type);
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    least text;
    value text := format('source.%I', s.watermark);
BEGIN
    PERFORM segment_internal.check_watermark(s);
    IF s.watermark_seen IS NOT NULL THEN
        -- of a date, the day that the instant lies in
        EXECUTE format('SELECT to_jsonb((CAST($1 AS %s)%s)::%1$s) #>> ''{}''', base,
                       CASE WHEN s.lateness IS NOT NULL THEN ' - $2' ELSE '' END)
        INTO least USING s.watermark_seen, s.lateness;
    END IF;
    -- an instant to come, or infinity, must not hide all that comes before it
    EXECUTE format(
        'SELECT array_agg(DISTINCT r.key) FILTER (WHERE r.key IS NOT NULL)::text, to_jsonb(max(r.seen)) #>> ''{}'' '
        'FROM segment_internal.query_rows(%L, %L) AS r (key %s, seen %s)',
        format(E'SELECT source.%1$I AS key, CASE WHEN %2$s THEN CAST(%3$s AS %4$s) END AS seen '
               'FROM (\n%5$s\n) AS source%6$s',
               s.source_columns[1],
               CASE base WHEN 'numeric'
                             THEN format('%s::pg_catalog.text NOT IN (''NaN'', ''Infinity'', ''-Infinity'')',
                                         value)
                         ELSE format('pg_catalog.isfinite(%s)', value) END,
               CASE base WHEN 'numeric' THEN value ELSE format('LEAST(%s, %L::pg_catalog.timestamptz::%s)', value,
                                                               segment_internal.instant(now()), base) END,
               base, s.source,
               CASE WHEN least IS NOT NULL THEN format(' WHERE %s OPERATOR(pg_catalog.>=) %L::%s', value, least,
                                                       CASE base WHEN 'numeric' THEN column_type::text ELSE base END)
                    ELSE '' END),
        s.search_path, key_type, base)
    INTO keys, seen;
    IF s.watermark_seen IS NULL THEN
        keys := NULL;
    ELSE
        keys := coalesce(keys, '{}');
        EXECUTE format('SELECT to_jsonb(greatest(CAST($1 AS %s), CAST($2 AS %1$s))) #>> ''{}''', base)
        INTO seen USING seen, s.watermark_seen;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.watermark_keys(segmentation) IS
$$keys: an array as text of the customers of whom the source has rows whose watermark is not less than
the greatest seen, less lateness; NULL: everybody, since none was seen yet.
seen: the greatest there is now, at most this instant.
To be called as the owner, under the settings of the segmentation, before the source is read.
Errors: those of check_watermark, and of the source.$$;

CREATE FUNCTION segment_internal.untracked_reason(s segmentation) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reason text;
    everybody regclass[];
    parts regclass[];
    one record;
BEGIN
    IF s.changes IS NULL OR s.refresh_mode = 'manual' THEN
        RETURN 'its source is not tracked';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.changes) THEN
        RETURN 'its change log was dropped; track_source makes it anew';
    END IF;
    IF segment_internal.changed_log(s) THEN
        RETURN format('its change log %s is not as track_source made it', s.changes);
    END IF;
    parts := ARRAY(SELECT t.relation FROM segment.tracked_table AS t WHERE t.segmentation = s.name ORDER BY t.relation);
    -- as a rule all is as it was, and nothing more is to be looked at
    IF s.tracked_state = segment_internal.present_state(s, parts) AND NOT EXISTS (
           SELECT FROM unnest(parts) AS p
           WHERE NOT has_table_privilege(p, 'TRIGGER')
              OR (EXISTS (SELECT FROM pg_subscription_rel AS r WHERE r.srrelid = p)
                  AND segment_internal.lacks_triggers(p))) THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(t.detail, ', ') INTO reason FROM segment_internal.trace(s) AS t
    WHERE t.what IN ('clock', 'chance') OR (t.what = 'unseen' AND s.watermark IS NULL);
    IF reason IS NOT NULL THEN
        RETURN 'answers may change though no table does: ' || reason;
    END IF;
    everybody := ARRAY(SELECT t.relation FROM segment.tracked_table AS t
                       WHERE t.segmentation = s.name AND t.key_columns = '{}');
    -- what is worst first; what no trigger is needed for is repaired
    FOR one IN
        SELECT e.keyless, e.relation AS expected, t.relation AS tracked, e.key_columns, t.key_columns AS tracked_columns
        FROM (SELECT p.* FROM segment_internal.tracked_parts(s, everybody) AS p
              WHERE s.watermark IS NULL OR p.relation = s.decisions) AS e
        FULL JOIN (SELECT r.* FROM segment.tracked_table AS r WHERE r.segmentation = s.name) AS t
        ON t.relation = e.relation
        ORDER BY t.relation IS NULL DESC, e.keyless IS NULL, e.relation IS NULL, 2, 3
    LOOP
        IF one.tracked IS NULL THEN
            RETURN format('table %s is read by now, and is not tracked; track_source tracks it', one.expected);
        ELSIF one.keyless IS NOT NULL THEN
            RETURN format('of table %s it is not known any more whose its rows are: %s', one.expected, one.keyless);
        ELSIF one.expected IS NULL THEN
            reason := coalesce(reason, CASE WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = one.tracked)
                THEN format('table %s is no part of its source any more', one.tracked)
                ELSE 'a table of its source was dropped' END);
        ELSIF NOT has_table_privilege(one.tracked, 'TRIGGER') THEN
            RETURN format('"%s" has no TRIGGER privilege on table %s', current_user, one.tracked);
        ELSIF segment_internal.lacks_triggers(one.tracked) THEN
            RETURN format('a trigger of track_source is not on table %s any more, or is disabled', one.tracked);
        ELSIF one.key_columns <> one.tracked_columns THEN
            -- as long as the old names are there, somebody may be noting what is in them
            IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = one.tracked AND NOT a.attisdropped
                       AND a.attname = ANY (one.tracked_columns) AND a.attname <> ALL (one.key_columns)) THEN
                RETURN format('the customer key of table %s is in another column by now; track_source tracks it',
                              one.tracked);
            END IF;
            reason := coalesce(reason, format('the customer key of table %s has another name', one.tracked));
        END IF;
    END LOOP;
    IF s.tracked_state IS DISTINCT FROM segment_internal.present_state(s, parts) THEN
        reason := coalesce(reason,
                           'its source, or a table, view, policy or function in it, was defined anew or altered');
    END IF;
    IF reason IS NOT NULL THEN
        PERFORM segment_internal.keep_tracked(s, everybody);
    END IF;
    RETURN reason;
END;
$$;
COMMENT ON FUNCTION segment_internal.untracked_reason(segmentation) IS
$$Why the change log, or the watermark, does not tell of all changes since the last refresh; NULL: it does.
Some of it is over with a refresh that reads everything, and is entered into the catalogue as it is now.
To be called as the owner, under the settings of the segmentation, before the source is read, by a refresh that
will read everything where this is not NULL.$$;

CREATE FUNCTION segment_internal.changed_log(s segmentation) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
    SELECT c.relkind <> 'r' OR c.relispartition OR c.relowner <> m.relowner OR c.relhasrules OR c.relhastriggers
           OR (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0) <> 2
           OR segment_internal.key_type(c.oid) <> segment_internal.key_type(s.members)
           OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0
                      AND (a.attisdropped OR a.attgenerated <> '' OR (a.attnum = 1 AND a.attnotnull)
                           OR (a.attnum = 2 AND a.atttypid <> 'timestamptz'::regtype)))
           OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype <> 'n')
           OR EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
                      WHERE i.indrelid = c.oid
                        AND (i.indisunique OR i.indexprs IS NOT NULL
                             -- whom refreshes put there; writers need not write that index
                             OR pg_get_expr(i.indpred, i.indrelid)
                                <> '(due_at > ''-infinity''::timestamp with time zone)'
                             OR x.relam <> (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree')))
    FROM pg_class AS c, pg_class AS m WHERE c.oid = s.changes AND m.oid = s.members);
END;
$$;
COMMENT ON FUNCTION segment_internal.changed_log(segmentation) IS
'Whether the change log of a segmentation is not as create_change_log made it, so that it is not written.';

CREATE FUNCTION segment_internal.track_as_owner(
    name text, watermark text, lateness interval, refresh_mode text, everybody regclass[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    why text;
BEGIN
    PERFORM segment_internal.enter_settings(s);
    IF NOT segment_internal.keys_can_be_listed(s) THEN
        RAISE EXCEPTION 'segmentation "%" cannot be tracked, because its keys are of type %', s.name,
            format_type(segment_internal.key_type(s.members), -1)
            USING ERRCODE = 'feature_not_supported', HINT = 'A key that is no array can be tracked.';
    END IF;
    s.watermark := watermark;
    s.lateness := lateness;
    s.refresh_mode := refresh_mode;
    IF s.watermark IS NOT NULL THEN
        PERFORM segment_internal.check_watermark(s);
    END IF;
    IF segment_internal.changed_log(s) THEN
        EXECUTE format('DROP TABLE %s', s.changes);
    END IF;
    s.changes := segment_internal.create_change_log(s.name);
    PERFORM segment_internal.start_tracking(s, everybody);
    SELECT string_agg(t.detail, ', ') INTO why FROM segment_internal.trace(s) AS t WHERE t.what IN ('clock', 'chance');
    IF why IS NOT NULL THEN
        RAISE NOTICE 'refreshes of segmentation "%" read everything, because answers may change though no table does',
            s.name
            USING DETAIL = why || '.',
                  HINT = 'Rules may compare as_of() with columns of the source, see docs/rules.md.';
    END IF;
    IF s.retrain_every IS NULL
       AND (SELECT k.retrains = 'always' FROM segment_internal.kind AS k WHERE k.kind = s.kind) THEN
        RAISE NOTICE 'refreshes of segmentation "%" read everything, because each of them trains', s.name
            USING HINT = format('SELECT alter_segmentation(%L, retrain_every => ''30 days'') '
                                'keeps a model for 30 days.', s.name);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.track_as_owner(text, text, interval, text, regclass[]) IS
'The work of track_source, with the rights of the owner.';

CREATE FUNCTION track_source(
    segmentation text, watermark text DEFAULT NULL, lateness interval DEFAULT NULL,
    refresh_mode text DEFAULT 'deferred', everybody regclass[] DEFAULT '{}')
    RETURNS TABLE (relation regclass, key_columns name[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(track_source.segmentation);
    mode text := coalesce(track_source.refresh_mode, 'deferred');
    done text;
BEGIN
    IF mode NOT IN ('deferred', 'immediate') OR (mode = 'immediate' AND watermark IS NOT NULL) THEN
        RAISE EXCEPTION 'refresh_mode must be ''deferred''%, not %',
            CASE WHEN watermark IS NULL THEN ' or ''immediate''' ELSE ' with a watermark' END, quote_literal(mode)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = CASE WHEN mode = 'manual' THEN 'untrack_source() ends tracking.'
                              WHEN mode = 'immediate' THEN 'Nobody is told at once of what a watermark finds.' END;
    END IF;
    IF (lateness IS NOT NULL AND watermark IS NULL) OR lateness < interval '0' THEN
        RAISE EXCEPTION 'lateness %',
            CASE WHEN watermark IS NULL THEN 'is that of a watermark, and there is none'
                 ELSE 'must not be negative' END
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance watermark => ''updated_at'', lateness => ''1 hour''.';
    END IF;
    IF array_position(everybody, NULL) IS NOT NULL OR array_ndims(everybody) > 1
       OR (watermark IS NOT NULL AND cardinality(everybody) > 0) THEN
        RAISE EXCEPTION 'everybody %', CASE WHEN watermark IS NOT NULL
                                                 THEN 'is not for a watermark, which watches no table'
                                            ELSE 'must be a list of tables, not ' || everybody::text END
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    done := segment_internal.run_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT segment_internal.track_as_owner($1, $2, $3::interval, $4, $5::oid[]::regclass[])',
        s.name, watermark, lateness::text, mode, coalesce(everybody, '{}')::oid[]::text);
    RETURN QUERY
        SELECT t.relation, t.key_columns FROM segment.tracked_table AS t
        WHERE t.segmentation = s.name
          AND NOT EXISTS (SELECT FROM pg_inherits AS i JOIN segment.tracked_table AS p ON p.relation = i.inhparent
                          WHERE i.inhrelid = t.relation AND p.segmentation = s.name)
        ORDER BY t.relation::text;
END;
$$;
COMMENT ON FUNCTION track_source(text, text, interval, text, regclass[]) IS
$$Lets a segmentation know what changes in its source: from now on refreshes look at the customers concerned, and not at
all of them.
Returns the tables that are tracked, and their columns with customer keys; none: every change concerns everybody.
Triggers on all tables that source, rules and list of customers read, behind views and in sub-selects, too, and on their
partitions and children, note the keys of rows that are inserted, updated and deleted, by whatever statement,
in the change log NAME_changes beside the member table.
The owner of the segmentation has to own these tables, or to have the TRIGGER privilege on them.
Partitions that are attached later are told of by the next refresh, which reads everything until this is called again.
everybody: tables whose every change concerns all customers, as that of a list of prices does;
TRUNCATE does so in any case.
watermark: in place of triggers, a column of the source that grows with whatever is added or changed,
a time or a number;
for tables that are foreign or lie on other servers.
Refreshes look at customers with rows that have at least the greatest value seen.
What is deleted is not seen by it, nor a row whose watermark is NULL.
lateness: how far below the greatest value seen a value may still turn up, an interval.
refresh_mode: 'deferred', the default, works the change log off at the next refresh; 'immediate' places customers in the
transaction that changes the source.
Called again, it replaces what was tracked, for instance after the source changed.
The first refresh after it reads everything.
NOTICEs tell where refreshes will read everything in any case.
Errors: undefined_object, insufficient_privilege, feature_not_supported where it is not known to whom the rows of
a table belong, or its changes cannot be seen, undefined_column and datatype_mismatch for what is no watermark,
invalid_parameter_value.$$;

CREATE FUNCTION segment_internal.untrack_as_owner(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    before regclass[] := ARRAY(SELECT t.relation FROM segment.tracked_table AS t WHERE t.segmentation = s.name
                               ORDER BY t.relation);
BEGIN
    PERFORM segment_internal.change_catalogue('track_tables', s.name, 'manual'::text, NULL::text, NULL::interval,
                                              '[]'::jsonb, NULL::text);
    PERFORM segment_internal.drop_triggers(before);
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.changes) THEN
        EXECUTE format('DROP TABLE %s', s.changes);
    END IF;
    PERFORM segment_internal.change_catalogue('keep_table', s.name, 'changes'::text, NULL::regclass);
END;
$$;
COMMENT ON FUNCTION segment_internal.untrack_as_owner(text) IS
'The work of untrack_source, with the rights of the owner.';

CREATE FUNCTION untrack_source(segmentation text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    done text;
BEGIN
    done := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.untrack_as_owner($1)', s.name);
END;
$$;
COMMENT ON FUNCTION untrack_source(text) IS
$$Ends what track_source began: refreshes read the whole source again.
Drops the change log, and the triggers from tables that no other segmentation tracks; those on tables of others stay,
do nothing, and a NOTICE tells of them.
Nothing where it was not tracked.
Errors: undefined_object, insufficient_privilege.$$;
