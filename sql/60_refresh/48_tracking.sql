-- ---- tracking the tables of a source: see docs/tracking.md ----

CREATE FUNCTION segment_internal.log_changes() RETURNS trigger
    AS 'MODULE_PATHNAME', 'segment_log_changes' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.log_changes() IS
$$The trigger that track_source puts on tables: notes the customers whose rows were changed in the change logs of the
segmentations that track the table, where their owner owns the table or has the TRIGGER privilege on it.
Does nothing for others, and never fails for what is not as it should be.
Error (trigger_protocol_violated) where it is called otherwise than by an AFTER trigger.$$;

CREATE FUNCTION segment_internal.lock_writers(relation regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_lock_writers' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.lock_writers(regclass) IS
$$Waits until nobody writes a table, and keeps others from it to the end of the transaction;
for who may put a trigger on it.
Error: insufficient_privilege.$$;

CREATE FUNCTION segment_internal.traced_statements(s segmentation) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    statement text;
BEGIN
    IF to_regproc(format('segment_internal.%I', s.kind || '_statement')) IS NOT NULL THEN
        EXECUTE format('SELECT segment_internal.%I($1)', s.kind || '_statement') INTO statement USING s;
    ELSE
        statement := segment_internal.source_statement(s);
    END IF;
    RETURN ARRAY[statement, s.customers];
END;
$$;
COMMENT ON FUNCTION segment_internal.traced_statements(segmentation) IS
$$The queries over tables of others that a refresh runs: source with rules, and customers (NULL: none).
To be called as the owner.$$;

CREATE FUNCTION segment_internal.trace(s segmentation,
    OUT what text, OUT relation regclass, OUT key_columns name[], OUT detail text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 5
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    always_due text[];
    -- a kind that knows by itself when time changes an answer says what it does not know
    knows CONSTANT boolean := to_regprocedure(format('segment_internal.%I(segment.segmentation)', s.kind || '_next'))
                              IS NOT NULL;
BEGIN
    IF knows THEN
        EXECUTE format('SELECT n.always_due FROM segment_internal.%I($1) AS n', s.kind || '_next')
        INTO always_due USING s;
    END IF;
    RETURN QUERY
        WITH one AS MATERIALIZED (
            SELECT t.* FROM unnest(segment_internal.traced_statements(s)) AS q (query)
            CROSS JOIN LATERAL segment_internal.trace_source(
                q.query, s.search_path, segment_internal.key_type(s.members),
                (SELECT a.attcollation FROM pg_attribute AS a
                 WHERE a.attrelid = s.members AND a.attnum = 1)::regcollation) AS t
            UNION ALL
            SELECT 'table', s.decisions, ARRAY[segment_internal.key_column(s.decisions)], NULL
            WHERE EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.decisions)
            UNION ALL
            SELECT 'clock', NULL, NULL, format('%s may change answers at any time', array_to_string(always_due, ', '))
            WHERE always_due IS NOT NULL)
        SELECT 'table', o.relation,
               CASE WHEN NOT bool_or(o.key_columns IS NULL) THEN
                   ARRAY(SELECT DISTINCT u FROM one AS p, unnest(p.key_columns) AS u WHERE p.relation = o.relation
                         ORDER BY u) END,
               min(o.detail)
        FROM one AS o WHERE o.what = 'table' GROUP BY o.relation
        UNION ALL
        SELECT o.what, NULL, NULL, string_agg(DISTINCT o.detail, CASE o.what WHEN 'definition' THEN ' ' ELSE ', ' END)
        FROM one AS o WHERE o.what <> 'table' AND NOT (knows AND o.what = 'clock' AND o.detail NOT LIKE '% at any time')
        GROUP BY o.what;
END;
$$;
COMMENT ON FUNCTION segment_internal.trace(segmentation) IS
$$What the refreshes of a segmentation read: as trace_source, of source, rules and customers together, each table once,
and the table of decisions.
To be called as the owner.
Errors: those of the server's parser, and of what rules use.$$;

CREATE FUNCTION segment_internal.with_parts(relation regclass, key_columns name[])
    RETURNS TABLE(part regclass, columns name[], depth integer)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE below AS (
        SELECT with_parts.relation AS part, 0 AS depth
        UNION ALL
        SELECT i.inhrelid, b.depth + 1 FROM below AS b JOIN pg_inherits AS i ON i.inhparent = b.part)
    SELECT b.part, with_parts.key_columns, b.depth FROM below AS b
$$;
COMMENT ON FUNCTION segment_internal.with_parts(regclass, name[]) IS
$$A table, its partitions and children, each with the same key columns; depth: 0 the table itself.$$;

CREATE FUNCTION segment_internal.no_trigger_reason(relation regclass) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN c.relkind = 'f' THEN 'it is a foreign table, and no trigger sees what is changed where it lies'
        WHEN c.relkind = 'm' THEN 'it is a materialized view, which has no triggers'
        WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table'
        WHEN c.oid < 16384 THEN 'it is a system catalogue'
        WHEN c.relpersistence = 't' THEN 'it is temporary'
        WHEN c.relpersistence = 'u' THEN 'it is unlogged, and a crash empties it unseen'
        WHEN segment_internal.distribution_column(c.oid) IS NOT NULL THEN 'its rows lie on other servers' END
    FROM pg_class AS c WHERE c.oid = no_trigger_reason.relation
$$;
COMMENT ON FUNCTION segment_internal.no_trigger_reason(regclass) IS
'Why triggers cannot tell of all changes of a table; NULL: they can, if they may be put there.';

CREATE FUNCTION segment_internal.lacks_triggers(relation regclass) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
    -- tgtype: 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE, after, for a statement; 29: of the first three, for a row
    SELECT count(*) FILTER (WHERE t.tgenabled IN ('O', 'A')
                              AND (t.tgtype = 32 OR (t.tgtype = 4 AND t.tgnewtable IS NOT NULL)
                                   OR (t.tgtype = 8 AND t.tgoldtable IS NOT NULL)
                                   OR (t.tgtype = 16 AND t.tgoldtable IS NOT NULL AND t.tgnewtable IS NOT NULL))) < 4
           OR (EXISTS (SELECT FROM pg_subscription_rel AS r WHERE r.srrelid = lacks_triggers.relation)
               AND count(*) FILTER (WHERE t.tgtype = 29 AND t.tgenabled IN ('R', 'A')) = 0)
    FROM pg_trigger AS t
    WHERE t.tgrelid = lacks_triggers.relation AND t.tgfoid = 'segment_internal.log_changes()'::regprocedure
      AND t.tgqual IS NULL AND t.tgattr = '' AND t.tgname LIKE 'segment\_changes\_%');
END;
$$;
COMMENT ON FUNCTION segment_internal.lacks_triggers(regclass) IS
'Whether a table lacks one of the triggers that track_source makes, or it is disabled.';

CREATE FUNCTION segment_internal.create_triggers(relation regclass) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    -- who has the privilege may make triggers, and only the table's owner says when they fire
    is_owner CONSTANT boolean := (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c
                                  WHERE c.oid = create_triggers.relation);
BEGIN
    IF is_owner IS NULL THEN
        RAISE EXCEPTION 'there is no such table' USING ERRCODE = 'undefined_table';
    END IF;
    FOR one IN
        SELECT v.* FROM (VALUES
            ('insert', 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'ENABLE', false),
            ('update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'ENABLE', false),
            ('delete', 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT', 'ENABLE', false),
            ('truncate', 'FOR EACH STATEMENT', 'ENABLE ALWAYS', false),
            -- fired by what replication applies, which fires no other
            ('replica', 'FOR EACH ROW', 'ENABLE REPLICA', true)) AS v (name, clause, enable, owners_only)
        WHERE NOT v.owners_only OR (is_owner AND (SELECT c.relkind = 'r' FROM pg_class AS c
                                                  WHERE c.oid = create_triggers.relation))
    LOOP
        IF NOT EXISTS (SELECT FROM pg_trigger AS t
                       WHERE t.tgrelid = create_triggers.relation AND t.tgname = 'segment_changes_' || one.name) THEN
            EXECUTE format('CREATE TRIGGER segment_changes_%s AFTER %s ON %s %s'
                           ' EXECUTE FUNCTION segment_internal.log_changes()',
                           one.name, CASE WHEN one.owners_only THEN 'INSERT OR UPDATE OR DELETE' ELSE one.name END,
                           relation, one.clause);
            IF is_owner AND one.enable <> 'ENABLE' THEN
                EXECUTE format('ALTER TABLE ONLY %s %s TRIGGER segment_changes_%s', relation, one.enable, one.name);
            END IF;
        ELSIF is_owner THEN
            EXECUTE format('ALTER TABLE ONLY %s %s TRIGGER segment_changes_%s', relation, one.enable, one.name);
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_triggers(regclass) IS
'Puts the triggers of track_source on a table, those that are not there, and enables them.';

CREATE FUNCTION segment_internal.drop_triggers(relations regclass[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT t.tgrelid::regclass AS relation, t.tgname, pg_has_role(c.relowner, 'USAGE') AS is_owner,
               row_number() OVER (PARTITION BY t.tgrelid) AS n, pg_get_userbyid(c.relowner) AS owner
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE t.tgrelid = ANY (relations::oid[]) AND t.tgfoid = 'segment_internal.log_changes()'::regprocedure
          AND t.tgname LIKE 'segment\_changes\_%' AND NOT t.tgisinternal
        ORDER BY t.tgrelid, t.tgname
    LOOP
        IF one.is_owner THEN
            IF segment_internal.change_catalogue('count_trackers', one.relation) = 0 THEN
                EXECUTE format('DROP TRIGGER %I ON %s', one.tgname, one.relation);
            END IF;
        ELSIF one.n = 1 THEN
            RAISE NOTICE 'triggers segment_changes_* stay on table %, which belongs to "%"', one.relation, one.owner
                USING HINT = 'They do nothing; its owner may drop them.';
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_triggers(regclass[]) IS
$$Drops the triggers of track_source from tables that no segmentation tracks any more; a NOTICE tells of those
that belong to somebody else.$$;

CREATE FUNCTION segment_internal.source_state(definition text, relations regclass[]) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
    SELECT md5(coalesce(definition, '') || coalesce((
        SELECT string_agg(format('%s %s %s %s %s', c.oid, c.xmin, (
                   SELECT string_agg(format('%s %s', t.oid, t.xmin), ',' ORDER BY t.oid) FROM pg_trigger AS t
                   WHERE t.tgrelid = c.oid AND t.tgfoid = 'segment_internal.log_changes()'::regprocedure),
                          (SELECT string_agg(a.xmin::text, ',' ORDER BY a.attnum) FROM pg_attribute AS a
                           WHERE a.attrelid = c.oid AND a.attnum > 0),
                          (SELECT string_agg(i.inhrelid::text, ',' ORDER BY i.inhrelid) FROM pg_inherits AS i
                           WHERE i.inhparent = c.oid)), ';' ORDER BY c.oid)
        FROM pg_class AS c WHERE c.oid = ANY (relations::oid[])), '')));
END;
$$;
COMMENT ON FUNCTION segment_internal.source_state(text, regclass[]) IS
$$A text that is another one when a source, or a view, policy or function in it, was defined anew, or one of its
tables was altered or rewritten, got or lost a partition, or our triggers on it were touched.$$;

CREATE FUNCTION segment_internal.tracked_parts(s segmentation, everybody regclass[])
    RETURNS TABLE(relation regclass, key_columns name[], depth integer, keyless text)
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 5 SET search_path = pg_catalog, pg_temp
AS $$
    WITH one AS MATERIALIZED (
        SELECT p.part, p.columns, p.depth,
               CASE WHEN t.key_columns IS NULL AND t.relation <> ALL (everybody) THEN t.detail END AS keyless
        FROM segment_internal.trace(s) AS t
        CROSS JOIN LATERAL segment_internal.with_parts(
            t.relation,
            CASE WHEN t.key_columns IS NULL OR t.relation = ANY (everybody) THEN '{}' ELSE t.key_columns END) AS p
        WHERE t.what = 'table')
    SELECT o.part,
           CASE WHEN bool_or(o.columns = '{}') THEN '{}'::name[]
                ELSE ARRAY(SELECT DISTINCT u FROM one AS q, unnest(q.columns) AS u
                           WHERE q.part = o.part ORDER BY u) END,
           max(o.depth), min(o.keyless)
    FROM one AS o GROUP BY o.part
$$;
COMMENT ON FUNCTION segment_internal.tracked_parts(segmentation, regclass[]) IS
$$The tables that are to be tracked, with partitions and children; everybody: those whose every change concerns all.
keyless: why it is not known whose the rows are; NULL: it is, or it need not be.$$;
