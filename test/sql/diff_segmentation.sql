-- A candidate, told before, is what comes of it when it is made: on random data, for all kinds, the matrix and the list
-- equal members before and after in plain SQL.  Nothing is written, decisions are followed, the present definition is
-- what preview_refresh tells.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA shop;
SET search_path = shop, segment;
SELECT setseed(0.25);
CREATE TABLE orders AS
SELECT (random() * random() * 400)::int AS customer_id, timestamptz '2024-01-01' + random() * interval '300 days' AS ordered_at,
       (random() ^ 3 * 1000)::numeric(8, 2) AS amount
FROM generate_series(1, 3000);
CREATE VIEW facts AS
SELECT customer_id, count(*) AS orders, sum(amount)::float8 AS total, max(ordered_at) AS last_at,
       count(*) FILTER (WHERE ordered_at > as_of() - interval '90 days') AS recent, 'c' || customer_id % 4 AS city
FROM orders WHERE ordered_at < as_of() GROUP BY 1;
CREATE VIEW half AS SELECT * FROM facts WHERE customer_id % 7 < 4 OR total > 1500;

SELECT FROM create_rfm_segmentation('rfm', 'orders', max_departed => 1);
SELECT FROM create_rfm_segmentation('held', 'orders', scheme => 'eleven_names', hysteresis => 0.3, retrain_every => '1 year');
SELECT FROM create_cluster_segmentation('cluster', 'facts', k => 4, features => '{orders,total,recent}', max_departed => 1);
SELECT FROM create_rule_segmentation('tier', 'facts', '{"Gold": "total > 1500", "Often": "orders > 8", "Late": "recent = 0"}',
                                     rest => 'Others', max_departed => 1);
SELECT FROM create_rule_segmentation('traits', 'facts', '{"Gold": "total > 1500", "Often": "orders > 8", "Late": "recent = 0"}',
                                     exclusive => false, max_departed => 1);
SELECT name, (refresh_segmentation(name, '2024-08-01')).outcome FROM segmentation ORDER BY 1;

-- Differences between what a candidate was told to do and what it did.  done: makes it so; of: where its members are then.
CREATE FUNCTION wrong(name text, definition json, done text, of text DEFAULT NULL, worth text DEFAULT 'NULL::numeric',
                      overlapping boolean DEFAULT false, model segment_model DEFAULT NULL, retrain boolean DEFAULT NULL)
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n record;
BEGIN
    CREATE TEMP TABLE matrix AS SELECT * FROM diff_segmentation(name, definition, '2024-10-15', model, retrain);
    CREATE TEMP TABLE list AS SELECT * FROM diff_customers(name, definition, '2024-10-15', model, retrain);
    EXECUTE format('CREATE TEMP TABLE was AS SELECT customer_id, segment, %s AS worth FROM %I', worth, name || '_segments');
    EXECUTE done;
    EXECUTE format('CREATE TEMP TABLE truth AS
        SELECT coalesce(a.customer_id, b.customer_id)::text AS customer, b.segment AS was, a.segment AS "then",
               coalesce(a.worth, b.worth) AS worth
        FROM (SELECT customer_id, segment, %s AS worth FROM %I) AS a FULL JOIN was AS b ON a.customer_id = b.customer_id%s',
        worth, coalesce(of, name || '_segments'), CASE WHEN overlapping THEN ' AND a.segment = b.segment' END);
    CREATE TEMP VIEW counted AS
    SELECT was, "then", count(*) AS customers,
           CASE WHEN was IS NOT NULL THEN round(count(*) / sum(count(*)) OVER (PARTITION BY was), 6) END AS share,
           sum(worth) AS worth FROM truth GROUP BY 1, 2;
    SELECT (SELECT count(*) FROM (TABLE matrix EXCEPT TABLE counted) AS a) AS untrue,
           (SELECT count(*) FROM (TABLE counted EXCEPT TABLE matrix) AS a) AS untold,
           (SELECT count(*) FROM (TABLE list EXCEPT SELECT * FROM truth WHERE was IS DISTINCT FROM "then") AS a) AS listed,
           (SELECT count(*) FROM (SELECT * FROM truth WHERE was IS DISTINCT FROM "then" EXCEPT TABLE list) AS a) AS unlisted,
           (SELECT count(*) FROM matrix) - (SELECT count(DISTINCT (from_segment, to_segment)) FROM matrix) AS twice,
           (SELECT count(*) FROM list) AS moves
    INTO n;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE =
        CASE WHEN n.untrue + n.untold + n.listed + n.unlisted + n.twice > 0 OR n.moves = 0 THEN n::text ELSE 'as told' END;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    -- all that was done is undone with it
    RETURN SQLERRM;
END $$;
CREATE FUNCTION changed(name text, definition json, options jsonb, worth text DEFAULT 'NULL::numeric') RETURNS text LANGUAGE sql AS $$
    SELECT wrong(name, definition, format('DO $do$ BEGIN PERFORM alter_segmentation(%1$L, %2$L);
        PERFORM refresh_segmentation(%1$L, ''2024-10-15'', true); END $do$', name, options), worth => worth) $$;

CREATE FUNCTION worth_of(kind text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN kind = 'rfm' THEN 'monetary' ELSE 'NULL::numeric' END $$;

-- nothing but time
SELECT name, wrong(name, '{}', format('SELECT refresh_segmentation(%L, ''2024-10-15'')', name), worth => worth_of(kind),
                   overlapping => name = 'traits') FROM segmentation ORDER BY 1;
SELECT name, wrong(name, NULL, format('SELECT retrain_segmentation(%L, ''2024-10-15'')', name), worth => worth_of(kind), retrain => true)
FROM segmentation WHERE name IN ('held', 'cluster') ORDER BY 1;
-- options
SELECT o, changed('rfm', o::json, o::jsonb, 'monetary')
FROM (VALUES ('{"scheme": "eleven_names"}'), ('{"cuts": "natural_breaks", "bins": 4}'),
    ('{"lookback": "100 days"}'),
    ('{"thresholds": {"recency": [10, 20, 50, 90], "frequency": [2, 4, 6, 9], "monetary": [100, 200, 500, 900]},
      "cuts": "thresholds"}')) AS v (o);
SELECT o, changed('held', o::json, o::jsonb, 'monetary')
FROM (VALUES ('{"hysteresis": null}'), ('{"scheme": "default"}'),
    ('{"hysteresis": 0.9, "cuts": "natural_breaks"}')) AS v (o);
SELECT o, changed('cluster', o::json, o::jsonb)
FROM (VALUES ('{"k": 6}'), ('{"k": 3, "log": ["total"]}'), ('{"hysteresis": 0.5, "warm_start": false}'),
    ('{"scale": "robust"}')) AS v (o);
-- another source, and customers: names of segments are those of the scheme, or of the rules
SELECT wrong('rfm', '{"source": "SELECT customer_id, ordered_at, amount FROM shop.orders WHERE amount > 50"}',
    $$DO $do$ BEGIN PERFORM create_rfm_segmentation('cand', 'SELECT customer_id, ordered_at, amount FROM shop.orders WHERE amount > 50');
      PERFORM refresh_segmentation('cand', '2024-10-15'); END $do$ $$, 'cand_segments', 'monetary');
SELECT wrong('rfm', '{"customers": "SELECT generate_series(1, 500)", "zero_amounts": "ignore", "summarised": true,
                     "source": "SELECT customer_id, orders, total, last_at AS last_order_at FROM half"}',
    $$DO $do$ BEGIN PERFORM create_rfm_segmentation('cand', 'SELECT customer_id, orders, total, last_at AS last_order_at FROM half',
                                                    summarised => true,
                                                    customers => 'SELECT generate_series(1, 500)');
      PERFORM refresh_segmentation('cand', '2024-10-15'); END $do$ $$, 'cand_segments', 'monetary');
SELECT wrong(name, '{"source": "half"}', format(
    $$DO $do$ BEGIN PERFORM create_rule_segmentation('cand', 'half',
          '{"Gold": "total > 1500", "Often": "orders > 8", "Late": "recent = 0"}', %L, %L);
      PERFORM refresh_segmentation('cand', '2024-10-15'); END $do$ $$, name = 'tier', CASE name WHEN 'tier' THEN 'Others' END),
    'cand_segments', overlapping => name = 'traits')
FROM segmentation WHERE kind = 'rules' ORDER BY name;
-- other rules, in another order, with a new segment, without one, with another rest, of one or of several
CREATE TABLE trial (n int, definition json, rules text, exclusive boolean, rest text);
INSERT INTO trial VALUES
    (1, '{"rules": {"Often": "orders > 9", "Gold": "total > 1500", "New": "orders = 1"}}',
     '{"Often": "orders > 9", "Gold": "total > 1500", "New": "orders = 1"}', NULL, 'same'),
    (2, '{"rules": {"Others": "orders > 3"}, "rest": "Few"}', '{"Others": "orders > 3"}', NULL, 'Few'),
    (3, '{"rest": null}', '{"Gold": "total > 1500", "Often": "orders > 8", "Late": "recent = 0"}', NULL, NULL),
    (4, '{"exclusive": true}', '{"Gold": "total > 1500", "Often": "orders > 8", "Late": "recent = 0"}', true, 'same'),
    (5, '{"exclusive": false, "rules": {"Late": "recent < 1", "Gold": "total > 1500"}}',
     '{"Late": "recent < 1", "Gold": "total > 1500"}', false, 'same');
SELECT t.n, s.name, wrong(s.name, t.definition, format(
    $$DO $do$ BEGIN PERFORM create_rule_segmentation('cand', 'facts', %L, %L, %L);
      PERFORM refresh_segmentation('cand', '2024-10-15'); END $do$ $$, t.rules, coalesce(t.exclusive, s.name = 'tier'),
    CASE WHEN t.rest <> 'same' THEN t.rest WHEN s.name = 'tier' AND t.rest = 'same' THEN 'Others' END), 'cand_segments',
    overlapping => s.name = 'traits' OR t.exclusive IS FALSE)
FROM trial AS t, segmentation AS s WHERE s.kind = 'rules' ORDER BY 1, 2;

-- models: another version, and one just trained
SELECT (retrain_segmentation('cluster', '2024-08-01', '{"k": 3, "warm_start": false}')).model_version;
SELECT (retrain_segmentation('held', '2024-08-02')).model_version;
CREATE FUNCTION placed(m segment_model) RETURNS TABLE (customer_id int, segment text, worth numeric) LANGUAGE sql
    SET segment.as_of = '2024-10-15' AS $$
    SELECT f.customer_id, n.name, NULL::numeric
    FROM (TABLE facts) AS f, LATERAL (SELECT assign_segment_id(m, f.orders, f.total, f.recent) AS id) AS i
        JOIN segment.segment AS n ON n.segmentation = 'cluster' AND n.segment_id = i.id $$;
SELECT wrong('cluster', '{}', 'CREATE TEMP TABLE after AS SELECT * FROM placed(get_model(''cluster'', 1))', 'after',
             model => get_model('cluster', 1));
-- the cut points of a version, taken as thresholds
SELECT wrong('held', '{"hysteresis": null}', format('DO $do$ BEGIN PERFORM alter_segmentation(''held'', %L);
    PERFORM refresh_segmentation(''held'', ''2024-10-15'', true); END $do$',
        jsonb_build_object('hysteresis', NULL, 'cuts', 'thresholds', 'thresholds',
        (SELECT jsonb_object_agg(f.feature, f.cuts) FROM (SELECT feature, jsonb_agg(upper_cut ORDER BY upper_cut) AS cuts
         FROM rfm_cut_points(get_model('held', 1)) WHERE upper_cut IS NOT NULL GROUP BY 1) AS f))),
    worth => 'monetary', model => get_model('held', 1));
SELECT sum(d.customers) = (SELECT count(*) FROM facts) AS all_of_them,
       count(*) FILTER (WHERE d.from_segment = d.to_segment) > 0 AS some_recognised
FROM (SELECT set_config('segment.as_of', '2024-08-01', true), kmeans(feature_set(f), k => 5) AS model
      FROM (SELECT orders, total, recent FROM facts) AS f) AS m, diff_segmentation('cluster', '{}', '2024-08-02', m.model) AS d;
-- other features and methods have nothing to recognise segments by, and all are new
SELECT count(*) FILTER (WHERE from_segment = to_segment) AS recognised, count(DISTINCT to_segment) AS segments,
       sum(customers) - count(DISTINCT from_segment) > 0 AS told
FROM diff_segmentation('cluster', '{"features": ["total", "city"], "method": "kprototypes", "k": 4}', '2024-10-15');

-- decisions are followed
SELECT FROM include_customer('tier', 'Gold', '3', refresh => false);
SELECT FROM exclude_customer('tier', 'Others', '5', refresh => false);
SELECT FROM include_customer('traits', 'Late', '3', refresh => false);
SELECT FROM exclude_customer('traits', NULL, '5', refresh => false);
SELECT segment FROM rfm_segments WHERE customer_id <> 3 ORDER BY customer_id LIMIT 1 \gset
SELECT FROM include_customer('rfm', :'segment', '3', refresh => false);
SELECT FROM exclude_customer('cluster', NULL, '5', refresh => false);
SELECT name, wrong(name, '{}', format('SELECT refresh_segmentation(%L, ''2024-10-15'')', name), worth => worth_of(kind),
                   overlapping => name = 'traits') FROM segmentation ORDER BY 1;
SELECT to_segment FROM diff_customers('tier', '{"rules": {"Gold": "false", "Other": "true"}}', '2024-10-15')
WHERE customer IN ('3', '5') ORDER BY customer::int;
SELECT changed('rfm', '{"bins": 3}', '{"bins": 3}', 'monetary');

-- the present definition is what preview_refresh tells, and nothing is written
BEGIN READ ONLY;
SELECT s.name, d.from_segment, d.to_segment FROM segmentation AS s, diff_customers(s.name, '{}', '2024-10-15') AS d
EXCEPT SELECT s.name, p.from_segment, p.to_segment FROM segmentation AS s, preview_refresh(s.name, '2024-10-15') AS p;
SELECT s.name, p.customer, p.from_segment, p.to_segment FROM segmentation AS s, preview_refresh(s.name, '2024-10-15') AS p
EXCEPT SELECT s.name, d.customer, d.from_segment, d.to_segment FROM segmentation AS s, diff_customers(s.name, '{}', '2024-10-15') AS d;
SELECT s.name FROM segmentation AS s, diff_segmentation(s.name, as_of => '2024-10-15') AS d WHERE d.from_segment IS NOT NULL
GROUP BY 1 HAVING sum(d.customers) <> (SELECT sum(g.customers) FROM segment.segment AS g WHERE g.segmentation = s.name);
COMMIT;

-- never refreshed: all would enter
SELECT FROM create_rfm_segmentation('fresh', 'orders');
SELECT count(*) FILTER (WHERE from_segment IS NOT NULL) AS before, sum(customers) > 100 AS entering
FROM diff_segmentation('fresh', '{"bins": 3}', '2024-10-15');

-- what is refused
CREATE FUNCTION why(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce('; ' || nullif(hint, ''), '');
END $$;
\pset format unaligned
\pset tuples_only on
SELECT why(format('SELECT diff_segmentation(%s)', c)) FROM (VALUES
    ($$'nobody'$$), ($$'rfm', '[]'$$), ($$'rfm', '{"scheme": "nonsense"}'$$), ($$'rfm', '{"k": 3}'$$), ($$'rfm', '{"source": null}'$$),
    ($$'rfm', '{"source": "SELECT 1"}'$$), ($$'rfm', '{"source": "SELECT customer_id::text, ordered_at, amount FROM orders"}'$$),
    ($$'rfm', '{}', '2024-07-01'$$), ($$'rfm', model => get_model('cluster')$$), ($$'cluster', model => get_model('rfm')$$),
    ($$'cluster', '{"k": 0}'$$), ($$'cluster', '{"bins": 3}'$$),
    ($$'cluster', '{"features": "total"}'$$), ($$'cluster', '{"features": ["nothing"]}'$$),
    ($$'cluster', '{"source": "orders"}'$$), ($$'cluster', '{"method": "guess"}'$$),
    ($$'cluster', '{"features": ["total"]}', model => get_model('cluster')$$),
    ($$'tier', '{"rules": {"Gold": "total >"}}'$$),
    ($$'tier', '{"rules": {"Gold": "total > 3", "Gold": "true"}}'$$), ($$'tier', '{"rest": "Gold"}'$$),
    ($$'tier', '{"exclusive": "no"}'$$), ($$'tier', '{"keep": ["total"]}'$$), ($$'tier', '{"source": "orders"}'$$),
    ($$'tier', model => get_model('cluster')$$)) AS v (c);
\pset tuples_only off
\pset format aligned
-- only who may act as the owner
CREATE ROLE diff_reader;
GRANT USAGE ON SCHEMA shop TO diff_reader;
GRANT SELECT ON tier_segments TO diff_reader;
SET ROLE diff_reader;
SELECT segment.diff_segmentation('tier');
RESET ROLE;
DROP OWNED BY diff_reader;
DROP ROLE diff_reader;
\set VERBOSITY terse
DROP SCHEMA shop CASCADE;
SELECT count(drop_segmentation(name)) FROM segment.segmentation;
