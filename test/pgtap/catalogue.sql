--
-- What holds for every object of the extension, read from the system catalogue.
--
\ir ../lib/pgtap_begin.psql

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend AS d
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segment') AND d.deptype = 'e';
CREATE TEMP VIEW routine AS
SELECT p.oid::regprocedure::text AS routine, p.*, l.lanname
FROM member AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid JOIN pg_language AS l ON l.oid = p.prolang;

-- ---- comments ----
SELECT ok((SELECT count(*) > 50 FROM member), 'the extension has objects');
SELECT is_empty($$
    SELECT object FROM member
    WHERE obj_description(objid, CASE classid WHEN 'pg_authid'::regclass THEN 'pg_authid' ELSE classid::regclass::name END) IS NULL
      -- array types, row types and casts of arrays come by themselves; sequences of identity columns with their column
      AND NOT (classid = 'pg_type'::regclass AND objid IN (SELECT oid FROM pg_type WHERE typelem <> 0 OR typrelid <> 0))
      AND NOT (classid = 'pg_class'::regclass AND objid IN (SELECT oid FROM pg_class WHERE relkind IN ('S', 'i', 't')))
      AND classid NOT IN ('pg_rewrite'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass)
$$, 'every object of the extension has a comment');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
$$, 'every column of tables, views and composite types has a comment');
SELECT is_empty($$
    SELECT polrelid::regclass, polname FROM pg_policy
    WHERE polrelid IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass) AND obj_description(oid, 'pg_policy') IS NULL
$$, 'every policy has a comment');
SELECT is_empty($$
    SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal
      AND tgrelid IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass) AND obj_description(oid, 'pg_trigger') IS NULL
$$, 'every trigger has a comment');
SELECT isnt(obj_description((SELECT oid FROM pg_extension WHERE extname = 'segment'), 'pg_extension'), NULL, 'the extension has a comment');

-- ---- functions ----
SELECT is_empty($$ SELECT routine FROM routine WHERE prosecdef $$, 'no function runs with the rights of its owner');
SELECT is_empty($$ SELECT routine FROM routine WHERE proleakproof $$, 'no function claims to be leakproof');
SELECT is_empty($$ SELECT routine FROM routine WHERE provolatile = 'i' AND proparallel <> 's' $$, 'what is immutable is parallel safe');
SELECT is_empty($$
    SELECT routine FROM routine WHERE provolatile = 's' AND proparallel = 'u'
      -- these prepare a query of the user's, which may do whatever preparing does
      AND proname NOT IN ('query_columns', 'source_query', 'source_key', 'choose_source_columns', 'bind_rfm_columns', 'bind_value_columns',
                          'bind_cluster_columns', 'check_source', 'count_customers', 'refine_query', 'refine_model',
                          'qualified_query', 'staged_source', 'staged_places', 'rfm_staged_places', 'cluster_staged_places',
                          'steps_of', 'refresh_steps', 'table_to_lie_beside', 'rule_columns', 'bind_rules_columns', 'rule_source',
                          'check_rule_as_owner', 'explain_customer', 'rules_clock', 'rules_next', 'rules_places', 'check_decisions',
                          'query_relations', 'describable', 'label_query', 'label_features_query',
                          -- and these run it, for an instant after the last refresh
                          'segment_members', 'segment_migration',
                          'trace_source', 'trace', 'traced_statements', 'tracked_parts', 'check_trackable',
                          'check_watermark', 'present_state',
                          'candidate_source', 'check_candidate_key', 'candidate_places', 'asks_for_as_of', 'placing_steps',
                          'full_reason', 'immediate_steps', 'named_types', 'check_named_types')
$$, 'what is stable is parallel safe or restricted, with stated exceptions');
SELECT is_empty($$
    SELECT routine FROM routine
    WHERE provolatile = 'i' AND lanname <> 'c' AND prokind = 'f'
      AND EXISTS (SELECT FROM pg_depend AS d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = routine.oid AND d.refclassid = 'pg_class'::regclass
                  -- the row types of its arguments do not count
                  AND d.refobjid NOT IN (SELECT typrelid FROM pg_type WHERE oid = ANY (proargtypes)))
$$, 'no immutable function reads a table');
SELECT is_empty($$
    SELECT routine FROM routine
    WHERE lanname = 'plpgsql' AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
      -- they commit, which they could not then
      AND proname NOT IN ('refresh_all_segmentations', 'replay_segmentation')
      -- these run the caller's query, under the caller's path
      AND proname NOT IN ('label_at', 'label_query', 'label_features_query')
$$, 'PL/pgSQL functions set search_path');
SELECT is_empty($$
    SELECT routine FROM routine
    WHERE lanname = 'sql' AND prosqlbody IS NULL AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
$$, 'SQL functions have bodies parsed at creation, or set search_path');
SELECT is_empty($$ SELECT routine FROM routine WHERE lanname NOT IN ('c', 'sql', 'plpgsql', 'internal') $$, 'no other language');
SELECT is_empty($$ SELECT routine FROM routine
                   WHERE lanname = 'c' AND prosrc NOT LIKE 'segment\_%' $$, 'C functions have symbols that start with segment_');
SELECT is_empty($$
    SELECT routine FROM routine WHERE proretset AND prorows = 1000 AND proname <> 'feature_rows' AND lanname = 'c'
$$, 'set-returning functions in C say how many rows to expect');
SELECT is_empty($$
    SELECT routine FROM routine WHERE proname IN ('assign_segment', 'assign_segment_id', 'explain_segment', 'rfm_score') AND
        provolatile <> CASE WHEN proargtypes[0] = 'segment_model'::regtype THEN 'i' ELSE 's' END
$$, 'assigning by a model is immutable, by a name stable');
SELECT is_empty($$
    SELECT routine FROM routine
    WHERE proname = ANY (
        '{rfm_summary,association_rules,item_similarity,recommend,refresh_segmentation,retrain_segmentation,create_rfm_segmentation,'
        'create_cluster_segmentation,query_rows,drop_segmentation,rfm_summary_counts,create_rfm_scheme,'
        'drop_rfm_scheme}'::text[])
      AND provolatile <> 'v'
$$, 'what writes or runs a query is volatile');
SELECT is_empty($$ SELECT routine FROM routine WHERE NOT has_function_privilege('public', oid, 'EXECUTE')
                     AND (prokind = 'a'
                          OR routine.oid IN (SELECT unnest(ARRAY[aggtransfn, aggcombinefn, aggfinalfn]) FROM pg_aggregate)) $$,
    'aggregates and their support functions can be called by everyone: workers of other nodes do');

-- ---- types: text and binary, both ways ----
SELECT set_eq($$ SELECT typname::text FROM pg_type AS t JOIN member AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
                 WHERE typtype = 'b' AND typelem = 0 $$,
              ARRAY['cronbach_state', 'decayed_state', 'event_times', 'feature_set', 'kmeans_state', 'outcome', 'segment_model'],
              'base types');
SELECT is_empty($$
    SELECT typname FROM pg_type AS t JOIN member AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    WHERE typtype = 'b' AND typelem = 0 AND (typinput = 0 OR typoutput = 0 OR typreceive = 0 OR typsend = 0 OR typlen <> -1)
$$, 'base types have text and binary forms, in and out');

-- ---- aggregates: the rules for running on many nodes ----
CREATE TEMP VIEW aggregate AS
SELECT r.routine, a.*, r.proargtypes, r.proparallel, r.provariadic FROM routine AS r JOIN pg_aggregate AS a ON a.aggfnoid = r.oid;
SELECT ok((SELECT array_agg(proname::text) @> ARRAY['feature_set', 'feature_set_merge', 'feature_set_weighted'] FROM routine
           WHERE prokind = 'a'), 'the aggregates are there');
SELECT is_empty($$ SELECT routine FROM aggregate WHERE aggcombinefn = 0 OR aggkind <> 'n'
                      OR cardinality(proargtypes::oid[]) = 0 $$, 'rule 1: a combine function, arguments, no ordered set');
SELECT is_empty($$ SELECT routine FROM aggregate WHERE aggtranstype = 'internal'::regtype
                      OR aggtranstype NOT IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass) $$,
                'rule 2: a state type of its own');
SELECT is_empty($$
    SELECT routine FROM aggregate
    WHERE EXISTS (SELECT FROM unnest(proargtypes::oid[]) AS t WHERE t IN (SELECT oid FROM pg_type WHERE typtype = 'p'))
      -- a convenience for one node, beside the form with numbers
      AND routine NOT IN ('feature_set(record)')
$$, 'rule 3: no polymorphic argument, but for rows with names');
SELECT is_empty($$
    SELECT routine FROM aggregate AS a JOIN pg_type AS t ON t.oid = a.aggtranstype
    WHERE t.typinput = 0 OR t.typoutput = 0 OR t.typreceive = 0 OR t.typsend = 0
$$, 'rule 4: the state has text and binary forms');
SELECT is_empty($$ SELECT routine FROM aggregate WHERE aggserialfn <> 0 OR aggdeserialfn <> 0 $$, 'the state crosses as itself');
SELECT is_empty($$ SELECT routine FROM aggregate WHERE aggtransspace = 0 $$, 'the size of the state is stated');
SELECT is_empty($$
    SELECT routine FROM aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid
    WHERE CASE WHEN aggfinalfn = 0 OR aggtranstype = prorettype THEN aggtranstype <> prorettype
          ELSE NOT EXISTS (SELECT FROM pg_proc AS f WHERE f.oid = aggfinalfn AND f.proname = regexp_replace(p.proname, '_weighted$', '')
                             AND f.prorettype = p.prorettype AND f.pronargs = 1 AND f.proargtypes[0] = aggtranstype) END
$$, 'the result is the state, so that it can be merged, or a function of that name, but for _weighted, takes the state');
SELECT is_empty($$ SELECT routine FROM aggregate WHERE proparallel <> 's' $$, 'aggregates are parallel safe');
SELECT is_empty($$ SELECT a.routine FROM aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid
                   WHERE p.prorettype = 'text'::regtype $$, 'no aggregate returns text, which would lose its collation');
SELECT is_empty($$
    SELECT r.proname FROM routine AS r WHERE r.prokind = 'a'
      AND EXISTS (SELECT FROM pg_proc AS p WHERE p.prokind = 'a' AND p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = r.proname)
$$, 'no aggregate has the name of a built-in one');

-- ---- tables ----
SELECT is_empty($$
    SELECT object FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    WHERE c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
      -- rows to be added up, by many at once
      AND NOT (c.relname = 'segment_shift' AND c.relreplident = 'f')
$$, 'every table has a primary key');
SELECT is_empty($$
    SELECT object FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    WHERE c.relkind IN ('r', 'S') AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'segment' AND c.oid = ANY (e.extconfig))
      -- its rows come with the extension, and with nothing else
      AND c.oid <> 'segment_internal.kind'::regclass
$$, 'every table and sequence is marked for pg_dump');
SELECT is_empty($$
    SELECT object FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    WHERE c.relkind = 'r' AND NOT c.relrowsecurity
      -- holds nothing of anybody's, and may be written by nobody
      AND (c.oid <> 'segment_internal.kind'::regclass OR has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
$$, 'every table has row security');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND a.attnum > 0 AND a.atttypid IN ('oid'::regtype, 'regclass'::regtype, 'regproc'::regtype, 'regtype'::regtype,
                                                              'pg_node_tree'::regtype, 'regrole'::regtype, 'regnamespace'::regtype)
      -- a segmentation is its member table: regclass is dumped as a name
      AND NOT (c.relname = 'segmentation' AND a.attname IN ('members', 'history', 'decisions', 'changes', 'events')
               AND a.atttypid = 'regclass'::regtype)
      AND NOT (c.relname = 'tracked_table' AND a.attname = 'relation')
      -- and a role, too
      AND NOT (c.relname IN ('rfm_scheme', 'rule_template', 'event_consumer', 'metric') AND a.attname = 'owner'
               AND a.atttypid = 'regrole'::regtype)
$$, 'no table holds OIDs or node trees, but for the tables of a segmentation and the owner of a scheme, template, consumer or metric');
SELECT is_empty($$
    SELECT object FROM member AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
    WHERE c.relkind = 'v'
      AND NOT coalesce(c.reloptions, '{}') && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1']
$$, 'views are read with the rights of who reads');
SELECT is((SELECT extrelocatable FROM pg_extension WHERE extname = 'segment'), false, 'the extension stays in its schema');
SELECT is((SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'segment'), 'segment', 'which is segment');
SELECT is_empty($$
    SELECT object FROM member AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    WHERE p.pronamespace NOT IN ('segment'::regnamespace, 'segment_internal'::regnamespace)
$$, 'nothing of it lies elsewhere');
SELECT * FROM finish();
ROLLBACK;
