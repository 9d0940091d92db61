-- ---- rules that use other segmentations ----
--
-- in_segment() is a function that is never run.  Where rules are asked, its calls are
-- columns of the source, joined to it:
--
--   SELECT source.*, source.customer_id AS segment_use_key, used_1.key IS NOT NULL AS segment_use_1
--   FROM (the source) AS source
--   LEFT JOIN (SELECT customer_id AS key FROM loyalty_segments WHERE segment_id = 3) AS used_1
--          ON used_1.key = source.customer_id
--
-- so the planner joins as it likes: by hash, by merge, in parallel.  Only where the
-- instant differs from row to row a call becomes a sub-select on members and history.
-- A rule keeps the ids of the segments that it uses beside its text ("uses").

CREATE FUNCTION in_segment(segmentation text, segment text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_in_segment' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION in_segment(text, text) IS
$$In the rule of a segment: whether the row's customer is a member of a segment of another segmentation now,
that is, after its last refresh.
Both names are written out as strings; the rule keeps the ids, so it goes on when others rename what it uses.
True or false, never NULL: a row without a key is in no segment.
The owner of the rule must be allowed to read the member table, and the keys of both must be comparable.
What is used cannot be dropped or renamed without cascade => true, and is refreshed first
by refresh_all_segmentations.
Errors: feature_not_supported where it is called outside of a rule, where a join with the member table says the same;
in a rule, with the place in its text: undefined_object for an unknown segmentation or segment,
object_not_in_prerequisite_state for a closed segment, insufficient_privilege, datatype_mismatch for keys of
different types, invalid_object_definition for a segmentation that would use itself.$$;

CREATE FUNCTION in_segment(segmentation text, segment text, at timestamptz) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_in_segment' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION in_segment(text, text, timestamptz) IS
$$The same as of an instant, any expression of time: in_segment('loyalty', 'Champions', as_of() - interval '30 days').
It is what segment_members(name, as_of) tells of that instant, from members and history, both of which
the owner of the rule must be allowed to read.
NULL at: false.
An instant that purge_history removed is an error (object_not_in_prerequisite_state) of the refresh.
An instant that differs from row to row is asked of each row, by the keys of both tables; one that does not,
of all customers at once.$$;

CREATE FUNCTION segment_internal.rule_uses(rule text,
    OUT call_begin integer, OUT call_end integer, OUT segmentation text, OUT segment text,
    OUT at text, OUT of_row boolean) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rule_uses' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION segment_internal.rule_uses(text) IS
$$The calls of in_segment in a rule, in the order of its text, those within others included.
call_begin, call_end: where one begins and what is behind it, in characters from 1.
at: the expression of the instant; NULL: there is none.
of_row: whether it may differ from row to row.
The rule must be one expression, see rule_columns.
Error (invalid_parameter_value), with the place, for a name that is not written out.$$;

CREATE FUNCTION segment_internal.refuse_in_rule(rule text, at_character integer, code text, message text,
                                                detail text, hint text) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_refuse_in_rule' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.refuse_in_rule(text, integer, text, text, text, text) IS
$$Raises an error of an SQLSTATE that shows a place in a rule.
detail, hint: NULL: none.
Error (null_value_not_allowed) where another argument is NULL.$$;

CREATE FUNCTION segment_internal.equality_operator(of_left regtype, of_right regtype) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_equality_between' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.equality_operator(regtype, regtype) IS
$$The equality operator between two types of one default operator family, as OPERATOR(schema.name):
those of integer and bigint, of text and varchar, of a domain and its type.
NULL: they are not comparable.$$;

CREATE FUNCTION segment_internal.used_segments(s segmentation, rule text, segment text, stored jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb := '[]';
    use record;
    used segment.segmentation;
    found_id integer;
    closed boolean;
    code text;
    message text;
    hint text;
BEGIN
    FOR use IN SELECT u.* FROM segment_internal.rule_uses(rule) AS u LOOP
        code := NULL;
        hint := NULL;
        SELECT g.* INTO used FROM segment.segmentation AS g WHERE g.name = use.segmentation;
        -- a rule that stays means the segment that it meant when it was written
        found_id := coalesce(
            (SELECT (t.one ->> 'segment_id')::integer FROM jsonb_array_elements(stored) AS t (one)
             WHERE t.one ->> 'segmentation' = use.segmentation AND t.one ->> 'segment' = use.segment LIMIT 1),
            (SELECT g.segment_id FROM segment.segment AS g
             WHERE g.segmentation = use.segmentation AND g.name = use.segment
             ORDER BY g.closed_at DESC NULLS FIRST LIMIT 1));
        closed := (SELECT g.closed_at IS NOT NULL FROM segment.segment AS g
                   WHERE g.segmentation = use.segmentation AND g.segment_id = found_id);
        IF use.segmentation = s.name THEN
            code := '42P17';
            message := format('segmentation "%s" would use itself: %1$s -> %1$s', s.name);
            hint := 'A rule tells of the data that members come from, not of the members.';
        ELSIF used.name IS NULL AND EXISTS (SELECT FROM jsonb_array_elements(stored) AS t (one)
                                            WHERE t.one ->> 'segmentation' = use.segmentation) THEN
            code := '42501';
            message := format('segmentation "%s" is not there any more, or "%s" may not read its members any more',
                              use.segmentation, current_user);
            hint := 'Grant SELECT on its member table again, or change the rule by set_segment_rule().';
        ELSIF used.name IS NULL THEN
            code := '42704';
            message := format('segmentation "%s" does not exist', use.segmentation);
            hint := segment_internal.segmentation_hint(use.segmentation);
        ELSIF found_id IS NULL THEN
            code := '42704';
            message := format('segmentation "%s" has no segment "%s"', used.name, use.segment);
            hint := segment_internal.nearest_name_hint(
                use.segment,
                ARRAY(SELECT g.name FROM segment.segment AS g
                      WHERE g.segmentation = used.name AND g.closed_at IS NULL),
                coalesce(CASE WHEN used.refreshed_as_of IS NULL AND used.kind <> 'rules'
                              THEN 'It has segments once it was refreshed.' END,
                         (SELECT format('It has %s.', string_agg(format('"%s"', o.name), ', ' ORDER BY o.priority))
                          FROM (SELECT g.name, g.priority FROM segment.segment AS g
                                WHERE g.segmentation = used.name AND g.closed_at IS NULL
                                ORDER BY g.priority LIMIT 12) AS o HAVING count(*) < 12),
                         'The table segment.segment lists them.'));
        ELSIF closed AND (stored IS NULL OR use.at IS NULL) THEN
            code := '55000';
            message := format('segment "%s" of segmentation "%s" is closed', use.segment, used.name);
            hint := 'It has no members any more. Use another segment, or drop the rule.';
        ELSIF NOT segment_internal.may_read(used.members) THEN
            code := '42501';
            message := format('permission denied for table %s, the members of segmentation "%s"',
                              used.members, used.name);
            hint := format('Its owner may grant SELECT to "%s".', current_user);
        ELSIF use.at IS NOT NULL AND NOT segment_internal.may_read(used.history) THEN
            code := '42501';
            message := format('permission denied for table %s, the history of segmentation "%s"',
                              used.history, used.name);
            hint := format('Its owner may grant SELECT to "%s".', current_user);
        ELSIF segment_internal.unreadable_reason(used) IS NOT NULL THEN
            code := '55000';
            message := format('the tables of segmentation "%s" are not as they were created: %s', used.name,
                              segment_internal.unreadable_reason(used));
            hint := 'Their owner may put them right.';
        ELSIF segment_internal.equality_operator(segment_internal.key_type(used.members),
                                                 s.source_types[1]::regtype) IS NULL THEN
            code := '42804';
            message := format('the key of segmentation "%s" is of type %s, and that of the source of type %s',
                              used.name, format_type(segment_internal.key_type(used.members), -1), s.source_types[1]);
            hint := 'Let the source have a key of the same type, if they are the same customers.';
        END IF;
        IF code IS NOT NULL THEN
            PERFORM segment_internal.refuse_in_rule(rule, use.call_begin, code, message,
                                                    'The rule is that of segment "' || segment || '".', hint);
        END IF;
        IF NOT result @> jsonb_build_array(jsonb_build_object('segmentation', used.name, 'segment', use.segment)) THEN
            result := result || jsonb_build_object('segmentation', used.name, 'segment', use.segment,
                                                   'segment_id', found_id);
        END IF;
    END LOOP;
    RETURN nullif(result, '[]');
END;
$$;
COMMENT ON FUNCTION segment_internal.used_segments(segmentation, text, text, jsonb) IS
$$The segments that a rule uses by in_segment, an array of segmentation, segment (the name in its text) and segment_id;
NULL: none.
To be called as the owner of the segmentation, or of a row that has its source's key as rule_source makes it.
segment: whose rule it is (NULL: none yet); stored: what it used before, whose ids it keeps.
Errors: see in_segment, with the place in the rule.$$;

CREATE FUNCTION segment_internal.rules_with_uses(s segmentation) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN (SELECT jsonb_agg(CASE WHEN r.uses IS NULL THEN r.rule - 'uses'
                              ELSE r.rule || jsonb_build_object('uses', r.uses) END ORDER BY r.n)
        FROM (SELECT a.rule, a.n, segment_internal.used_segments(s, a.rule ->> 'rule', a.rule ->> 'segment',
                                                                 a.rule -> 'uses') AS uses
              FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS a (rule, n)) AS r);
COMMENT ON FUNCTION segment_internal.rules_with_uses(segmentation) IS
'The rules of a segmentation, each with what it uses, if anything. Errors: see in_segment.';

CREATE FUNCTION segment_internal.used_at_query(used segmentation, segment_id integer, at text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN format('SELECT %1$I AS key FROM %2$s WHERE segment_id OPERATOR(pg_catalog.=) %5$s'
              ' AND entered_at OPERATOR(pg_catalog.<=) %6$s'
              ' UNION SELECT %3$I FROM %4$s WHERE segment_id OPERATOR(pg_catalog.=) %5$s'
              ' AND entered_at OPERATOR(pg_catalog.<=) %6$s AND left_at OPERATOR(pg_catalog.>) %6$s',
              segment_internal.key_column(used.members), used.members::text,
              segment_internal.key_column(used.history), used.history::text, segment_id, at);
COMMENT ON FUNCTION segment_internal.used_at_query(segmentation, integer, text) IS
'The text of a query for the keys of who was in a segment at an instant, the text of an expression; each once.';

CREATE FUNCTION segment_internal.used_at_is_kept(used segmentation, at text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN used.history_from IS NULL OR at IS NULL THEN ''
            ELSE format('segment_internal.kept_instant(%s, %L, %L) IS NOT NULL AND ', at, used.name,
                        segment_internal.instant(used.history_from)) END;
COMMENT ON FUNCTION segment_internal.used_at_is_kept(segmentation, text) IS
$$What stands before the condition that somebody was in a segment at an instant, the text of an expression:
an error where the history does not tell of it any more, whoever is asked about; empty where all of it is there.$$;

CREATE FUNCTION segment_internal.key_is_that_of_source(used segmentation, s segmentation, source_key text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN format('%s %s%s', segment_internal.equality_operator(segment_internal.key_type(used.members),
                                                           s.source_types[1]::regtype), source_key,
              segment_internal.collate_clause(used.members));
COMMENT ON FUNCTION segment_internal.key_is_that_of_source(segmentation, segmentation, text) IS
'What stands behind a key of a member table in the condition that it is that of a row of a source.';

CREATE FUNCTION segment_internal.replaced_uses(s segmentation, rule text, uses jsonb, INOUT joined jsonb,
                                               OUT replaced text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done integer := 1;
    call record;
    at text;
    used segment.segmentation;
    id integer;
    one_joined jsonb;
BEGIN
    replaced := '';
    FOR call IN SELECT u.* FROM segment_internal.rule_uses(rule) AS u LOOP
        -- within one that is replaced already
        CONTINUE WHEN call.call_begin < done;
        id := (SELECT (t.one ->> 'segment_id')::integer FROM jsonb_array_elements(uses) AS t (one)
               WHERE t.one ->> 'segmentation' = call.segmentation AND t.one ->> 'segment' = call.segment);
        replaced := replaced || substr(rule, done, call.call_begin - done);
        done := call.call_end;
        IF call.of_row THEN
            used := segment_internal.segmentation_row(call.segmentation);
            SELECT r.joined, r.replaced INTO joined, at
            FROM segment_internal.replaced_uses(s, call.at, uses, joined) AS r;
            -- the instant is worked out before names of ours are in sight
            replaced := replaced || format(
                E'(SELECT %sEXISTS (SELECT FROM (%s) AS segment_used WHERE segment_used.key %s)'
                ' FROM (SELECT CAST((\n%s\n) AS pg_catalog.timestamptz)) AS segment_use (segment_use_at))',
                segment_internal.used_at_is_kept(used, 'segment_use.segment_use_at'),
                segment_internal.used_at_query(used, id, 'segment_use.segment_use_at'),
                segment_internal.key_is_that_of_source(used, s, 'segment_use_key'), at);
        ELSE
            one_joined := jsonb_build_object('segmentation', call.segmentation, 'segment_id', id, 'at', call.at);
            IF NOT joined @> jsonb_build_array(one_joined) THEN
                joined := joined || one_joined;
            END IF;
            replaced := replaced || (SELECT 'segment_use_' || j.n
                                     FROM jsonb_array_elements(joined) WITH ORDINALITY AS j (one, n)
                                     WHERE j.one = one_joined);
        END IF;
    END LOOP;
    replaced := replaced || substr(rule, done);
END;
$$;
COMMENT ON FUNCTION segment_internal.replaced_uses(segmentation, text, jsonb, jsonb) IS
$$A rule whose calls of in_segment are replaced by columns that used_source joins, or by sub-selects.
uses: as used_segments tells it; joined: what is joined, an array of segmentation, segment_id and at,
the text of an instant or null, to which this one adds.$$;

CREATE FUNCTION segment_internal.used_source(s segmentation, source text, rules jsonb,
    OUT statement text, OUT replaced text[])
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    joined jsonb := '[]';
    rule jsonb;
    one record;
    used segment.segmentation;
    columns text := '';
    joins text := '';
BEGIN
    statement := source;
    replaced := ARRAY(SELECT r.rule ->> 'rule' FROM jsonb_array_elements(rules) WITH ORDINALITY AS r (rule, n)
                      ORDER BY n);
    IF NOT rules @? '$[*].uses[*]' THEN
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(replaced) LOOP
        rule := rules -> (i - 1);
        IF rule ? 'uses' THEN
            one := segment_internal.replaced_uses(s, rule ->> 'rule', rule -> 'uses', joined);
            joined := one.joined;
            replaced[i] := one.replaced;
        END IF;
    END LOOP;
    FOR one IN
        SELECT format('segment_used_%s', j.n) AS name, j.n, j.one ->> 'segmentation' AS segmentation,
               (j.one ->> 'segment_id')::integer AS id, j.one ->> 'at' AS at
        FROM jsonb_array_elements(joined) WITH ORDINALITY AS j (one, n) ORDER BY j.n
    LOOP
        used := segment_internal.segmentation_row(one.segmentation);
        one.at := E'(SELECT CAST((\n' || one.at || E'\n) AS pg_catalog.timestamptz))';
        columns := columns || format(', %s%s.key IS NOT NULL AS segment_use_%s',
                                     segment_internal.used_at_is_kept(used, one.at), one.name, one.n);
        joins := joins || format(
            E'\nLEFT JOIN (%s) AS %s ON %2$s.key %s',
            CASE WHEN one.at IS NULL
                     THEN format('SELECT %I AS key FROM %s WHERE segment_id OPERATOR(pg_catalog.=) %s',
                                 segment_internal.key_column(used.members), used.members, one.id)
                 -- a sub-select, which is worked out once
                 ELSE segment_internal.used_at_query(used, one.id, one.at) END,
            one.name, segment_internal.key_is_that_of_source(used, s, format('source.%I', s.source_columns[1])));
    END LOOP;
    statement := format(E'SELECT source.*, source.%I AS segment_use_key%s FROM (\n%s\n) AS source%s',
                        s.source_columns[1], columns, source, joins);
END;
$$;
COMMENT ON FUNCTION segment_internal.used_source(segmentation, text, jsonb) IS
$$A source with what rules use of other segmentations joined to it, and the rules, which ask for these columns.
rules: an array of rule and uses, as rules_with_uses tells them; where none uses anything, all stays as it is.$$;
