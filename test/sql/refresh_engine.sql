-- Parameters of the engine: some customers only, and staging tables in place of
-- ephemeral relations.  Both must give what a plain refresh gives.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- chance that is the same on all servers
CREATE FUNCTION chance(seed text, below integer) RETURNS integer
    LANGUAGE sql IMMUTABLE RETURN ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % below;

CREATE TABLE engine_orders (customer_id bigint, at timestamptz, amount numeric, order_id integer);
INSERT INTO engine_orders
SELECT chance('c' || n, 300), timestamptz '2025-01-01' + chance('t' || n, 60 * 1440) * interval '1 minute',
       chance('a' || n, 20000) / 100.0, n
FROM generate_series(1, 2000) AS n;
CREATE TABLE engine_customers (customer_id bigint);
INSERT INTO engine_customers SELECT generate_series(0, 320);
CREATE TABLE engine_features (customer_id text, spend numeric, visits integer, plan text);
INSERT INTO engine_features
SELECT 'c' || n, CASE WHEN chance('n' || n, 20) > 0 THEN chance('s' || n, 1000) + n % 3 * 2000 END, n % 3 * 20 + chance('v' || n, 9),
       (ARRAY['free', 'paid'])[n % 3 / 2 + 1]
FROM generate_series(1, 300) AS n;

-- three segmentations of each source: by full refreshes, by refreshes of some customers, and staged
CREATE TABLE engine_case (name text, kind text, way text, key text, table_name text);
DO $$
DECLARE
    way text;
BEGIN
    FOREACH way IN ARRAY '{full,only,staged}'::text[] LOOP
        PERFORM create_rfm_segmentation('orders_' || way, 'engine_orders', lookback => '40 days');
        PERFORM create_rfm_segmentation('listed_' || way, 'engine_orders', customers => 'engine_customers');
        PERFORM create_cluster_segmentation('kmeans_' || way, 'SELECT customer_id, spend, visits FROM engine_features', k => 4);
        PERFORM create_cluster_segmentation('mixed_' || way, 'engine_features', k => 3, method => 'kprototypes');
        PERFORM create_rfm_segmentation('summed_' || way,
            'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(amount) AS total
            FROM engine_orders GROUP BY 1', summarised => true);
    END LOOP;
END;
$$;
INSERT INTO engine_case
SELECT n || '_' || w, n, w, CASE WHEN n IN ('kmeans', 'mixed') THEN 'c%s' ELSE '%s' END, n || '_' || w || '_segments'
FROM unnest('{orders,listed,kmeans,mixed,summed}'::text[]) AS n, unnest('{full,only,staged}'::text[]) AS w;

-- as refresh_segmentation does, with the parameters that it does not show
CREATE FUNCTION engine_run(name text, at timestamptz, retrain boolean, max_departed float8, only_keys text, staged boolean) RETURNS bigint
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM segment_internal.begin_run(name);
    RETURN segment_internal.refresh_as_owner(name, at, retrain, NULL, max_departed, only_keys, staged);
END;
$$;
CREATE TABLE engine_found (name text, run segment.run);
CREATE FUNCTION engine_refresh(which text, at timestamptz, only_keys text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c engine_case;
    id bigint;
BEGIN
    FOR c IN SELECT * FROM engine_case WHERE way = which ORDER BY name LOOP
        id := engine_run(c.name, at, NULL, NULL,
            CASE WHEN only_keys IS NOT NULL THEN ARRAY(SELECT format(c.key, k) FROM unnest(only_keys::text[]) AS k)::text END,
            which = 'staged');
        INSERT INTO engine_found SELECT c.name, r FROM segment.run AS r WHERE run_id = id;
    END LOOP;
END;
$$;
-- rows in which a table of one way differs from that of another, for some customers or all but them
CREATE FUNCTION engine_differ(a text, b text, what text, keys text DEFAULT NULL, others boolean DEFAULT false)
    RETURNS TABLE (kind text, differ bigint) LANGUAGE plpgsql AS $$
DECLARE
    n text;
    condition text;
BEGIN
    FOR kind, n IN SELECT DISTINCT c.kind, c.key FROM engine_case AS c ORDER BY 1 LOOP
        condition := coalesce(format('WHERE %s (t.customer_id::text = ANY (ARRAY(SELECT format(%L, k) FROM unnest(%L::text[]) AS k)))',
                              CASE WHEN others THEN 'NOT' ELSE '' END, n, keys), '');
        IF keys IS NULL THEN condition := ''; END IF;
        EXECUTE format('SELECT count(*) FROM ((SELECT * FROM %1$I AS t %3$s EXCEPT SELECT * FROM %2$I AS t %3$s)
                                    UNION ALL (SELECT * FROM %2$I AS t %3$s EXCEPT SELECT * FROM %1$I AS t %3$s)) AS d',
                       format('%s_%s_%s', kind, a, what), format('%s_%s_%s', kind, b, what), condition) INTO differ;
        RETURN NEXT;
    END LOOP;
END;
$$;

-- ---- the first refresh, staged and not ----
SELECT engine_refresh(way, '2025-03-10') FROM unnest('{full,only,staged}'::text[]) AS way;
SELECT * FROM engine_differ('full', 'staged', 'segments');
SELECT f.name, (f.run).outcome, (f.run).customers, (f.run).rows_read, (f.run).rows_used, (f.run).rows_skipped
FROM engine_found AS f WHERE f.name ~ 'full' ORDER BY 1;
SELECT a.name, b.name FROM engine_found AS a JOIN engine_found AS b ON b.name = replace(a.name, 'full', 'staged')
WHERE a.name ~ 'full' AND to_jsonb(a.run) - '{run_id,segmentation,started_at,finished_at,steps}'::text[]
                          IS DISTINCT FROM to_jsonb(b.run) - '{run_id,segmentation,started_at,finished_at,steps}'::text[];
SELECT m.segmentation FROM model AS m JOIN model AS n ON n.segmentation = replace(m.segmentation, 'full', 'staged')
WHERE m.segmentation ~ 'full' AND (m.version, m.model::text) <> (n.version, n.model::text);

-- ---- then changes ----
DELETE FROM engine_orders WHERE customer_id IN (5, 6, 7);
INSERT INTO engine_orders VALUES (10, '2025-03-10 10:00', 999, 9001), (11, '2025-03-10 10:00', 999, 9002), 
    (400, '2025-03-10 10:00', 5, 9003), (401, '2025-03-10 11:00', 5, 9004);
DELETE FROM engine_customers WHERE customer_id IN (6, 7, 310, 311);
INSERT INTO engine_customers VALUES (500), (501);
UPDATE engine_features SET spend = 5000 - spend, visits = 60 - visits WHERE customer_id IN ('c10', 'c11', 'c12');
UPDATE engine_features SET spend = NULL WHERE customer_id IN ('c20', 'c21');
DELETE FROM engine_features WHERE customer_id IN ('c5', 'c6', 'c7');
INSERT INTO engine_features VALUES ('c400', 5, 5, 'free'), ('c401', 5, 5, 'paid');

-- some customers: for them the same as a full refresh by the same model, and nobody else is touched; no model is trained
CREATE TABLE before_orders AS TABLE orders_only_segments;
CREATE TABLE before_kmeans AS TABLE kmeans_only_segments;
CREATE TABLE before_listed AS TABLE listed_only_segments;
\set some '{5,6,10,12,20,310,400,500,777}'
SELECT engine_refresh('only', '2025-03-11', :'some');
SELECT count(*) AS full FROM (SELECT refresh_segmentation(name, '2025-03-11', false) FROM engine_case WHERE way = 'full') AS r;
SELECT * FROM engine_differ('full', 'only', 'segments', :'some');
SELECT * FROM engine_differ('full', 'only', 'history', :'some');
SELECT count(*) FILTER (WHERE differ > 0) AS differ FROM engine_differ('full', 'only', 'segments');
SELECT count(*) AS touched FROM
    (SELECT * FROM (TABLE orders_only_segments EXCEPT TABLE before_orders) AS o WHERE customer_id <> ALL (:'some')) AS a;
SELECT count(*) AS touched FROM
    (SELECT * FROM (TABLE listed_only_segments EXCEPT TABLE before_listed) AS o WHERE customer_id <> ALL (:'some')) AS a;
SELECT count(*) AS touched FROM (SELECT * FROM (TABLE kmeans_only_segments EXCEPT TABLE before_kmeans) AS o
                                 WHERE substr(customer_id, 2)::integer <> ALL (:'some')) AS a;
SELECT f.name, (f.run).outcome, (f.run).trained, (f.run).entered, (f.run).departed, (f.run).rows_used, (f.run).rows_skipped
FROM engine_found AS f WHERE (f.run).as_of = '2025-03-11' ORDER BY 1;
-- nobody: nothing is written
SELECT engine_refresh('only', '2025-03-11', '{}');
SELECT f.name, (f.run).outcome, (f.run).entered + (f.run).departed + (f.run).moved + (f.run).updated AS written
FROM engine_found AS f WHERE (f.run).as_of = '2025-03-11' ORDER BY (f.run).run_id DESC LIMIT 5;
-- the others later, by the same instant: as if all had been refreshed
SELECT engine_refresh('only', '2025-03-11', (SELECT array_agg(k)::text FROM generate_series(0, 800) AS k WHERE k <> ALL (:'some')));
SELECT * FROM engine_differ('full', 'only', 'segments');
SELECT * FROM engine_differ('full', 'only', 'history');

-- staged: the same members, history and counts; no table is left behind, also after an error
SELECT count(*) AS staged FROM (SELECT engine_run(name, '2025-03-11', false, NULL, NULL, true)
                                FROM engine_case WHERE way = 'staged') AS r;
SELECT * FROM engine_differ('full', 'staged', 'segments');
SELECT * FROM engine_differ('full', 'staged', 'history');
SELECT count(*) AS differ
FROM segment.run AS a JOIN segment.run AS b ON b.segmentation = replace(a.segmentation, 'full', 'staged') AND b.as_of = a.as_of
WHERE a.segmentation ~ 'full' AND to_jsonb(a) - '{run_id,segmentation,started_at,finished_at,steps}'::text[]
                               <> to_jsonb(b) - '{run_id,segmentation,started_at,finished_at,steps}'::text[];
SELECT c.relname AS left_behind FROM pg_class AS c
WHERE relname ~ '_staged' AND relkind = 'r' AND relname !~ '_(segments|history)$' ORDER BY 1;
TRUNCATE engine_customers;
SELECT engine_run('listed_staged', '2025-03-12', NULL, 0.01, NULL, true);
SELECT c.relname AS left_behind FROM pg_class AS c
WHERE relname ~ '_staged' AND relkind = 'r' AND relname !~ '_(segments|history)$' ORDER BY 1;
-- a table of that name that somebody else made is not touched
CREATE TABLE orders_staged_summary (mine integer);
SELECT engine_run('orders_staged', '2025-03-12', NULL, NULL, NULL, true);
SELECT count(*) FROM orders_staged_summary;
DROP TABLE orders_staged_summary;

-- ---- a partitioned source, trained, staged ----
CREATE TABLE parts (customer_id bigint, at timestamptz, amount numeric) PARTITION BY HASH (customer_id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT customer_id, at, amount FROM engine_orders;
SELECT create_rfm_segmentation('parts_plain', 'engine_orders', customer => 'customer_id', ordered_at => 'at', amount => 'amount');
SELECT create_rfm_segmentation('parts_staged', 'parts');
SELECT outcome FROM refresh_segmentation('parts_plain', '2025-03-11');
SELECT engine_run('parts_staged', '2025-03-11', NULL, NULL, NULL, true) IS NOT NULL AS staged;
INSERT INTO parts SELECT n, '2025-03-11', n FROM generate_series(1, 40) AS n;
INSERT INTO engine_orders SELECT n, '2025-03-11', n, 10000 + n FROM generate_series(1, 40) AS n;
SELECT outcome FROM refresh_segmentation('parts_plain', '2025-03-13');
SELECT engine_run('parts_staged', '2025-03-13', NULL, NULL, NULL, true) IS NOT NULL AS staged;
SELECT count(*) AS differ FROM ((TABLE parts_plain_segments EXCEPT TABLE parts_staged_segments) UNION ALL
                                (TABLE parts_staged_segments EXCEPT TABLE parts_plain_segments)) AS d;
SELECT count(*) AS differ FROM ((TABLE parts_plain_history EXCEPT TABLE parts_staged_history) UNION ALL
                                (TABLE parts_staged_history EXCEPT TABLE parts_plain_history)) AS d;
SELECT get_model('parts_plain') = get_model('parts_staged') AS same_model;

SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;
DROP TABLE engine_orders, engine_customers, engine_features, engine_case, engine_found;
DROP TABLE before_orders, before_kmeans, before_listed, parts;
DROP FUNCTION chance, engine_run, engine_refresh, engine_differ;
