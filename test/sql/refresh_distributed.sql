-- What a refresh on several servers is made of, without such servers: sources as parts of
-- statements, an aggregate that is added up in parts, tables in place of kept rows.  With
-- Citus itself test/citus does it, by hand.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE spread_orders (customer_id bigint, at timestamptz, amount numeric);
INSERT INTO spread_orders SELECT n * 7919 % 60, timestamptz '2025-01-01Z' + n * interval '1 hour', n % 97 FROM generate_series(1, 900) AS n;
SELECT create_rfm_segmentation(
    'spread', 'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(amount) AS total FROM spread_orders GROUP BY 1',
    summarised => true);

-- ---- without Citus ----
SELECT distribute_segmentation('spread');
SELECT distribute_segmentation('spread', 'spread_orders');
SELECT distribute_segmentation('spred');
SELECT distribute_segmentation(NULL);
CREATE ROLE spread_other;
SET ROLE spread_other;
SELECT distribute_segmentation('spread');
RESET ROLE;
GRANT SELECT ON spread_segments TO spread_other;
SET ROLE spread_other;
SELECT distribute_segmentation('spread');
RESET ROLE;
SELECT segment_internal.distribution_column('spread_segments') IS NULL AS not_distributed, segment_internal.on_worker() AS on_worker;

-- ---- a source as a part of a statement: the names of its search_path, spelled out ----
CREATE SCHEMA "Spread here";
CREATE TABLE "Spread here".things (id integer, "customer" text, n integer);
CREATE VIEW "Spread here".seen AS SELECT id, n FROM "Spread here".things WHERE n > 0;
CREATE FUNCTION "Spread here".plus_one(integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 + 1;
CREATE FUNCTION "Spread here".plus_text(integer, text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 + length($2);
CREATE OPERATOR "Spread here".+ (LEFTARG = integer, RIGHTARG = text, FUNCTION = "Spread here".plus_text);
CREATE FUNCTION spread_qualified(query text) RETURNS TABLE (definition text, relations text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT q.definition, (SELECT string_agg(r, ' ' ORDER BY r COLLATE "C")
                                      FROM (SELECT DISTINCT unnest(q.relations)::text) AS u (r))
    FROM segment_internal.qualified_query(query, '"Spread here"') AS q;
END $$;
SELECT * FROM spread_qualified('SELECT plus_one(id) AS a, n + ''abc''::text AS b FROM things; -- all');
SELECT * FROM spread_qualified('TABLE seen');
SELECT * FROM spread_qualified(NULL);
SELECT * FROM spread_qualified('TABLE nothing');
SELECT * FROM spread_qualified('DELETE FROM things');

-- ---- a feature set added up from arrays: the same bytes as from rows ----
CREATE DOMAIN spread_flag AS boolean;
CREATE TABLE spread_features (id integer, customer numeric, visits integer, plan char(6), active boolean,
                              asked spread_flag, "odd ""name" float4);
INSERT INTO spread_features
SELECT n, CASE WHEN n % 11 = 0 THEN NULL WHEN n % 13 = 0 THEN 'NaN' ELSE n * 7919 % 101 / 7.0 END, n % 9,
       (ARRAY['a', 'bb', NULL])[n % 3 + 1],
       n % 2 = 0, nullif(n % 5, 0) > 2, n / 3.0
FROM generate_series(1, 200) AS n;
SELECT feature_set(f)::text = segment_internal.feature_set_named('{customer,visits,plan,active}', '{f,f,t,t}',
           ARRAY[customer::float8, visits, NULL, NULL],
           ARRAY[NULL, NULL, plan::varchar || repeat(' ', 6 - length(plan)), active::text])::text AS same
FROM (SELECT nullif(customer, 'NaN') AS customer, visits, plan, active FROM spread_features) AS f;
-- in parts
SELECT (SELECT feature_set_merge(part)::text
        FROM (SELECT segment_internal.feature_set_named('{visits,active}', '{f,t}', ARRAY[visits, NULL]::float8[],
                                                        ARRAY[NULL, active::text]) AS part
              FROM spread_features GROUP BY id % 4) AS p)
       = (SELECT feature_set(f)::text FROM (SELECT visits, active FROM spread_features) AS f) AS same;
SELECT segment_internal.feature_set_named('{a}', '{f}', NULL, NULL) FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named(NULL, '{f}', '{1}', NULL) FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named('{a}', '{f,t}', '{1}', NULL) FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named('{a}', '{f}', '{1,2}', NULL) FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named('{a,b}', '{f,t}', '{1,NULL}', '{x}') FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named('{a,NULL}', '{f,t}', '{1,NULL}', '{NULL,x}') FROM generate_series(1, 2);
SELECT segment_internal.feature_set_named('{{a,b}}', '{f,t}', '{1,NULL}', '{NULL,x}') IS NULL AS is_null FROM generate_series(1, 2);

-- ---- the statements, and that they give the same ----
SELECT n, t.name, split_part(t.statement, E'\n', 1) AS begins, t.statement ~ 'WITH NO DATA$' AS empty
FROM segmentation AS s, segment_internal.steps_of(s, true, true, true) WITH ORDINALITY AS t (name, statement, n)
WHERE s.name = 'spread' ORDER BY n;
CREATE FUNCTION spread_refresh(name text, at timestamptz, retrain boolean, only_keys text, staged boolean)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    PERFORM segment_internal.begin_run(name);
    id := segment_internal.refresh_as_owner(name, at, retrain, NULL, NULL, only_keys, staged);
    RETURN (SELECT r.outcome FROM segment.run AS r WHERE r.run_id = id);
END $$;
SET search_path = "Spread here", public, segment;
CREATE VIEW "Spread here".features AS TABLE public.spread_features;
SELECT count(create_cluster_segmentation(n, 'features', k => 3, method => 'kprototypes', schema => 'public',
                                         options => '{"hysteresis": 0.05}'))
FROM unnest('{mixed_here,mixed_apart}'::text[]) AS n;
SELECT count(create_cluster_segmentation(n, 'SELECT id, customer, visits, "odd ""name" FROM features', k => 3,
                                         schema => 'public', options => '{"nulls": "mean"}'))
FROM unnest('{mean_here,mean_apart}'::text[]) AS n;
SET search_path = public, segment;
CREATE FUNCTION spread_differ() RETURNS TABLE (what text, members bigint, differ bigint, same_model boolean) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH what IN ARRAY '{mixed,mean}'::text[] LOOP
        EXECUTE format('SELECT count(*), (SELECT count(*) FROM ((TABLE %1$s_here_segments EXCEPT TABLE %1$s_apart_segments) UNION ALL
                                                                (TABLE %1$s_apart_segments EXCEPT TABLE %1$s_here_segments) ) AS d)
                                + (SELECT count(*) FROM ((TABLE %1$s_here_history EXCEPT TABLE %1$s_apart_history) UNION ALL
                                                         (TABLE %1$s_apart_history EXCEPT TABLE %1$s_here_history) ) AS d),
                               segment.get_model(''%1$s_here'')::text = segment.get_model(''%1$s_apart'')::text
                        FROM %1$s_here_segments', what)
        INTO members, differ, same_model;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT name, spread_refresh(name, '2025-03-01', NULL, NULL, name ~ 'apart') FROM segmentation WHERE name ~ '_(here|apart)$' ORDER BY 1;
SELECT * FROM spread_differ();
UPDATE spread_features SET visits = visits + 20 WHERE id % 7 = 0;
DELETE FROM spread_features WHERE id % 50 = 1;
SELECT name, spread_refresh(name, '2025-03-02', NULL, '{7,14,51,52}', name ~ 'apart') FROM segmentation WHERE name ~ '_(here|apart)$'
ORDER BY 1;
SELECT * FROM spread_differ();
SELECT name, spread_refresh(name, '2025-03-03', true, NULL, name ~ 'apart') FROM segmentation WHERE name ~ '_(here|apart)$' ORDER BY 1;
SELECT * FROM spread_differ();
SELECT count(*) > 5 AS history FROM mixed_apart_history;

SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;
DROP FUNCTION spread_refresh, spread_differ, spread_qualified;
DROP SCHEMA "Spread here" CASCADE;
DROP TABLE spread_orders, spread_features;
DROP DOMAIN spread_flag;
DROP ROLE spread_other;
