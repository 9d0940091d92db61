-- Segmentations by clustering from end to end: what a refresh writes and what not,
-- what is skipped, retraining and which segment is which, names, profiles, the
-- report, sources and their columns, errors.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- a number in [0, 1) that depends on the text alone, on every server
CREATE FUNCTION clu_random(seed text) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(seed), 1, 8))::bit(32)::bigint / 4294967296.0;

-- four groups of customers: (visits, spend, days absent)
CREATE TABLE clu AS
SELECT n::bigint AS id, g AS grp,
       (ARRAY[20, 3, 20, 3])[g] + clu_random('v' || n) * 4 AS visits,
       round(((ARRAY[900, 900, 100, 100])[g] + clu_random('s' || n) * 120)::numeric, 2) AS spend,
       ((ARRAY[10, 10, 10, 200])[g] + clu_random('a' || n) * 30)::int AS days_absent
FROM generate_series(1, 400) AS n,
     LATERAL (SELECT CASE WHEN n % 10 < 4 THEN 4 WHEN n % 10 < 7 THEN 3 WHEN n % 10 < 9 THEN 2 ELSE 1 END AS g) AS g;

-- ---- create and refresh ----
SELECT create_cluster_segmentation('clu', 'SELECT id, visits, spend, days_absent FROM clu', k => 4, description => 'test');
SELECT column_name, data_type, is_nullable, col_description('clu_segments'::regclass, ordinal_position::int) AS comment
FROM information_schema.columns WHERE table_name = 'clu_segments' ORDER BY ordinal_position;
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'clu_history' ORDER BY ordinal_position;
SELECT kind, method, features, feature_types, options, retrain_every, time_zone, description
FROM segment.segmentation WHERE name = 'clu' \gx
SELECT assign_segment('clu', 1, 2, 3);
SELECT outcome, as_of, model_version, trained, customers, entered, departed, moved, updated, unchanged,
       rows_read, rows_used, rows_skipped, counts, error
FROM refresh_segmentation('clu', '2024-04-01') \gx
SELECT string_agg(step ->> 'step', ' ' ORDER BY n) AS steps, bool_and((step ->> 'ms')::float8 >= 0) AS timed
FROM segment.run, jsonb_array_elements(steps) WITH ORDINALITY AS t (step, n) WHERE segmentation = 'clu';
SELECT segment_id, name, origin, priority, customers FROM segment.segment WHERE segmentation = 'clu' ORDER BY 1;
-- every group is a segment, and everybody is where the model has them
SELECT count(DISTINCT segment_id), count(DISTINCT (grp, segment_id)) FROM clu JOIN clu_segments USING (id);
SELECT count(*) FROM clu_segments AS m JOIN clu AS c USING (id)
WHERE (m.segment_id, m.segment) IS DISTINCT FROM (assign_segment_id('clu', c.visits, c.spend, c.days_absent),
                                                  assign_segment(get_model('clu'), c.visits, c.spend, c.days_absent))
   OR (m.visits, m.spend, m.days_absent) IS DISTINCT FROM (c.visits::float8, c.spend::float8, c.days_absent::float8)
   OR (m.entered_at, m.entered_reason) IS DISTINCT FROM ('2024-04-01', 'new');
SELECT segment, customers, customer_share, revenue, median_recency FROM segment_profile WHERE segmentation = 'clu' ORDER BY segment_id;

-- ---- law 7: nothing changed, no row written, trained or not ----
\set ECHO none
\i test/lib/writes.psql
\set ECHO all
CREATE TABLE clu_before AS SELECT xmin::text AS x, ctid::text AS c, m.* FROM clu_segments AS m;
BEGIN;
CALL count_writes();
SELECT outcome, unchanged = customers AS all_unchanged, entered, departed, moved, updated, trained, model_version
FROM refresh_segmentation('clu', '2024-04-01');
SELECT outcome, unchanged = customers AS all_unchanged, entered, departed, moved, updated, trained, model_version
FROM refresh_segmentation('clu', '2024-04-02');
SELECT outcome, unchanged = customers AS all_unchanged, entered, departed, moved, updated, trained, model_version
FROM retrain_segmentation('clu', '2024-04-03');
SELECT * FROM writes('clu_segments', 'clu_history', 'segment', 'model');
COMMIT;
SELECT count(*) FROM clu_before AS b FULL JOIN (SELECT xmin::text AS x, ctid::text AS c, m.* FROM clu_segments AS m) AS a USING (id)
WHERE a IS DISTINCT FROM b;
-- one in a hundred changed: those rows, and no others
UPDATE clu SET spend = spend + 0.5 WHERE id IN (100, 200);
UPDATE clu SET days_absent = 215, visits = 4, spend = 150 WHERE id = 9;
INSERT INTO clu VALUES (1001, 4, 4, 150, 215);
DELETE FROM clu WHERE id = 10;
BEGIN;
CALL count_writes();
SELECT outcome, entered, departed, moved, updated, unchanged, trained FROM refresh_segmentation('clu', '2024-04-04');
SELECT * FROM writes('clu_segments', 'clu_history', 'segment', 'model') WHERE relname <> 'segment' ORDER BY 1;
COMMIT;
SELECT coalesce(a.id, b.id) AS touched FROM clu_before AS b
FULL JOIN (SELECT xmin::text AS x, ctid::text AS c, m.* FROM clu_segments AS m) AS a USING (id) WHERE a IS DISTINCT FROM b ORDER BY 1;
SELECT event_at, customer, event, from_segment, to_segment, reason FROM segment_events('clu', '2024-04-04') ORDER BY customer;
DROP FUNCTION writes;
DROP PROCEDURE count_writes;
DROP TABLE clu_before, write_counts;

-- ---- what is skipped is counted; a member without a feature is none any more ----
UPDATE clu SET visits = NULL WHERE id = 20;
UPDATE clu SET visits = 'NaN' WHERE id = 21;
UPDATE clu SET visits = 'Infinity' WHERE id = 22;
UPDATE clu SET id = NULL WHERE id IN (23, 24);
SELECT outcome, customers, departed, moved, rows_read, rows_used, rows_skipped, counts FROM refresh_segmentation('clu', '2024-04-05') \gx
SELECT customer, event, reason FROM segment_events('clu', '2024-04-05') ORDER BY customer;
SELECT outcome, trained, rows_skipped FROM retrain_segmentation('clu', '2024-04-06');
SELECT model_metrics(get_model('clu')) ->> 'n_used' AS n_used, model_metrics(get_model('clu')) ->> 'n_skipped' AS n_skipped;
-- the same as of one instant, corrected: nobody has left
UPDATE clu SET visits = 21 WHERE id IN (20, 21, 22);
SELECT outcome, customers, entered FROM refresh_segmentation('clu', '2024-04-06');
-- with nulls => mean they are members
SELECT create_cluster_segmentation('clu_mean', 'SELECT id, nullif(visits, 21) AS visits, spend FROM clu WHERE id IS NOT NULL',
                                   k => 2, options => '{"nulls": "mean"}');
SELECT outcome, customers, rows_skipped FROM refresh_segmentation('clu_mean', '2024-04-06');
SELECT count(*) FROM clu_mean_segments WHERE visits IS NULL;
SELECT drop_segmentation('clu_mean');

-- ---- a customer with two rows is an error, told and logged; nothing is lost ----
INSERT INTO clu SELECT * FROM clu WHERE id IN (30, 31);
SELECT outcome, error_code, error FROM refresh_segmentation('clu', '2024-04-07');
SELECT count(*) FROM clu_segments WHERE id IN (30, 31);
DELETE FROM clu WHERE ctid IN (SELECT max(ctid) FROM clu WHERE id IN (30, 31) GROUP BY id);
SELECT outcome, unchanged = customers AS all_unchanged FROM refresh_segmentation('clu', '2024-04-07');

-- ---- retraining: ids and names stay, whoever moved is told why ----
SELECT rename_segment('clu', name, 'Lost ones') FROM segment.segment WHERE segmentation = 'clu' AND segment_id = 1;
UPDATE segment.segment SET description = 'write to them' WHERE segmentation = 'clu' AND segment_id = 1;
CREATE TABLE clu_ids AS SELECT g.segment_id, g.name, grp, count(*) FROM clu JOIN clu_segments AS m USING (id)
JOIN segment.segment AS g ON g.segmentation = 'clu' AND g.segment_id = m.segment_id GROUP BY 1, 2, 3;
-- all have grown, and the order by size is another one
UPDATE clu SET spend = spend * 1.1 + 5, visits = visits + 1;
DELETE FROM clu WHERE grp = 4 AND id % 3 > 0;
SELECT outcome, trained, model_version FROM retrain_segmentation('clu', '2024-05-01');
SELECT segment_id, name, origin, description, priority, customers, closed_at FROM segment.segment WHERE segmentation = 'clu' ORDER BY 1;
SELECT i.grp, i.segment_id, m.segment_id AS now, count(*) FROM clu_ids AS i JOIN clu USING (grp) JOIN clu_segments AS m USING (id)
WHERE i.count > 1 AND i.segment_id <> m.segment_id GROUP BY 1, 2, 3;
SELECT count(*) FROM segment_events('clu', '2024-05-01') WHERE event = 'moved';
-- one segment less: what vanished is closed, its members move because of the model
UPDATE segment.segmentation SET options = options || '{"k": 3}' WHERE name = 'clu';
SELECT outcome, moved FROM retrain_segmentation('clu', '2024-05-02');
SELECT segment_id, name, customers > 0 AS customers, opened_at, closed_at, close_reason FROM segment.segment WHERE segmentation = 'clu'
ORDER BY 1;
SELECT from_segment, reason, count(*) FROM segment_events('clu', '2024-05-02') GROUP BY 1, 2;
-- two more than at first: the known ones stay, new ones get new ids
UPDATE segment.segmentation SET options = options || '{"k": 5}' WHERE name = 'clu';
SELECT outcome FROM retrain_segmentation('clu', '2024-05-03');
SELECT segment_id, origin, name, opened_at, closed_at FROM segment.segment WHERE segmentation = 'clu' ORDER BY 1;
SELECT count(*), count(DISTINCT name) FROM segment.segment WHERE segmentation = 'clu' AND closed_at IS NULL;
SELECT DISTINCT segment FROM segment_members('clu', '2024-05-01') ORDER BY 1;
-- retrain_every decides where it is given; without it, the call does
SELECT trained FROM refresh_segmentation('clu', '2025-05-03');
UPDATE segment.segmentation SET retrain_every = '1 month' WHERE name = 'clu';
SELECT trained FROM refresh_segmentation('clu', '2025-05-04');
SELECT trained FROM refresh_segmentation('clu', '2025-05-20');
DROP TABLE clu_ids;

-- ---- empty sources: no model, no members; later the old model places nobody ----
CREATE TABLE clu_late (id integer, a integer, b integer);
SELECT create_cluster_segmentation('late', 'clu_late', k => 2, max_departed => 1);
SELECT outcome, customers, trained, model_version FROM refresh_segmentation('late', '2024-01-01');
INSERT INTO clu_late VALUES (1, NULL, 1);
SELECT outcome, customers, rows_skipped FROM refresh_segmentation('late', '2024-01-01');
INSERT INTO clu_late SELECT i, i % 2, 5 FROM generate_series(2, 20) AS i;
SELECT outcome, customers, trained, model_version FROM refresh_segmentation('late', '2024-01-02');
SELECT name, customers FROM segment.segment WHERE segmentation = 'late' ORDER BY segment_id;
DELETE FROM clu_late;
SELECT outcome, customers, departed, model_version FROM retrain_segmentation('late', '2024-01-03');
-- fewer different customers than segments
INSERT INTO clu_late VALUES (1, 1, 1), (2, 1, 1);
SET client_min_messages = notice;
SELECT outcome, customers, trained FROM retrain_segmentation('late', '2024-01-04');
SET client_min_messages = warning;
SELECT segment_id, name, customers, closed_at FROM segment.segment WHERE segmentation = 'late' ORDER BY segment_id;
SELECT segment, customers, nearest, silhouette, verdict FROM homogeneity_report('late');
SELECT drop_segmentation('late');

-- ---- the profile: plain SQL over the members ----
WITH truth AS (
    SELECT m.segment_id, m.segment, f.feature, count(*) AS customers, avg(f.x) AS mean,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY f.x) AS median
    FROM clu_segments AS m, LATERAL (VALUES ('visits', m.visits), ('spend', m.spend), ('days_absent', m.days_absent)) AS f (feature, x)
    GROUP BY 1, 2, 3
), whole AS (
    SELECT f.feature, avg(f.x) AS mean, stddev_pop(f.x) AS deviation FROM clu_segments AS m,
        LATERAL (VALUES ('visits', m.visits), ('spend', m.spend), ('days_absent', m.days_absent)) AS f (feature, x) GROUP BY 1
)
SELECT p.segment, p.feature
FROM segment_feature_profile('clu') AS p FULL JOIN truth AS t USING (segment_id, feature) LEFT JOIN whole AS w USING (feature)
WHERE (p.segment = t.segment AND p.customers = t.customers
       AND p.customer_share = round(t.customers / (SELECT count(*) FROM clu_segments)::numeric, 6)
       AND p.median = t.median AND p.value IS NULL
       AND abs(p.mean - t.mean) < 1e-9 * abs(t.mean) AND abs(p.overall_mean - w.mean) < 1e-9 * abs(w.mean)
       AND abs(p.z - (t.mean - w.mean) / w.deviation) < 1e-9) IS NOT TRUE;
SELECT count(*) FROM segment_feature_profile WHERE segmentation = 'clu';
-- categories: the tables as a method for mixed features has them
SELECT create_cluster_segmentation('cat', 'SELECT id, days_absent FROM clu WHERE id IS NOT NULL', k => 2);
SELECT outcome FROM refresh_segmentation('cat', '2024-04-01');
ALTER TABLE cat_segments ADD city text;
UPDATE cat_segments SET city = CASE WHEN id % 5 = 0 THEN NULL WHEN id % 3 = 0 OR segment_id = 2 AND id % 2 = 0 THEN 'Rome' ELSE 'Oslo' END;
UPDATE segment.segmentation SET features = '{days_absent,city}', feature_types = '{double precision,text}' WHERE name = 'cat';
SELECT p.segment, p.value, p.value_share, p.overall_share, t.share AS true_share, t.overall AS true_overall
FROM segment_feature_profile('cat') AS p
JOIN LATERAL (SELECT round(avg((city IS NOT DISTINCT FROM p.value)::int) FILTER (WHERE m.segment_id = p.segment_id), 6) AS share,
                     round(avg((city IS NOT DISTINCT FROM p.value)::int), 6) AS overall FROM cat_segments AS m) AS t ON true
WHERE p.feature = 'city' ORDER BY 1;
SELECT drop_segmentation('cat');

-- ---- the report: recomputed from scaled coordinates ----
WITH scaled AS (
    SELECT m.id, m.segment_id, f.n,
           (f.x - (e.f ->> 'sum')::float8 / i.n) / sqrt((e.f ->> 'sum_squares')::float8 / i.n - ((e.f ->> 'sum')::float8 / i.n) ^ 2) AS x
    FROM clu_segments AS m, (SELECT feature_set_info(feature_set(visits, spend, days_absent)) AS info, count(*) AS n
                             FROM clu_segments) AS i,
         jsonb_array_elements(i.info -> 'features') WITH ORDINALITY AS e (f, n)
    JOIN LATERAL (VALUES (1, m.visits), (2, m.spend), (3, m.days_absent)) AS f (n, x) ON f.n = e.n
), center AS (
    SELECT segment_id, array_position('{visits,spend,days_absent}', feature) AS n, scaled FROM centroids(get_model('clu'))
), distance AS (
    SELECT s.id, s.segment_id, c.segment_id AS other_id, sqrt(sum((s.x - c.scaled) ^ 2)) AS d FROM scaled AS s JOIN center AS c USING (n)
    GROUP BY 1, 2, 3
), of_customer AS (
    SELECT segment_id, id, min(d) FILTER (WHERE other_id = segment_id) AS a, min(d) FILTER (WHERE other_id <> segment_id) AS b FROM distance
    GROUP BY 1, 2
), truth AS (
    SELECT segment_id, count(*) AS customers, sqrt(avg(a ^ 2)) AS spread, avg((b - a) / greatest(a, b)) AS silhouette FROM of_customer
    GROUP BY 1
), apart AS (
    SELECT DISTINCT ON (segment_id) *
    FROM (SELECT a.segment_id, b.segment_id AS nearest_id, sqrt(sum((a.scaled - b.scaled) ^ 2)) AS separation FROM center AS a
          JOIN center AS b USING (n) WHERE a.segment_id <> b.segment_id GROUP BY 1, 2) AS p
    ORDER BY segment_id, separation
)
SELECT r.*, t.*, p.* FROM homogeneity_report('clu') AS r FULL JOIN truth AS t USING (segment_id)
FULL JOIN apart AS p USING (segment_id) LEFT JOIN segment.segment AS g ON g.segmentation = 'clu' AND g.segment_id = p.nearest_id
WHERE (r.customers = t.customers AND abs(r.spread - t.spread) < 1e-9 AND abs(r.silhouette - t.silhouette) < 1e-9
       AND abs(r.separation - p.separation) < 1e-9 AND r.nearest = g.name) IS NOT TRUE \gx
SELECT segment, customers, nearest, verdict FROM homogeneity_report('clu') \g (format=unaligned)
SELECT homogeneity_report('nobody');

-- ---- columns: the key and features by name, any names, any number ----
CREATE TABLE "clu odd" AS SELECT n * 2 AS "f", n % 7 AS "r", n % 5 AS model, n % 3 AS "it's", n % 2 AS v1,
    n AS "customer", n % 11 AS "%s \ ""x""", n % 13 AS "reason", n % 4 AS recency FROM generate_series(1, 60) AS n;
SELECT create_cluster_segmentation('odd', '"clu odd"', key => 'customer', k => 3);
SELECT outcome, customers, error FROM refresh_segmentation('odd', '2024-01-01');
UPDATE "clu odd" SET model = model + 20 WHERE customer % 10 = 0;
SELECT outcome, customers, entered, departed, updated + moved AS changed FROM refresh_segmentation('odd', '2024-01-02');
SELECT outcome, trained FROM retrain_segmentation('odd', '2024-01-03');
SELECT features, (SELECT count(*) FROM segment_feature_profile('odd')) AS profiled,
       (SELECT count(*) FROM homogeneity_report('odd')) AS reported FROM segment.segmentation WHERE name = 'odd';
SELECT drop_segmentation('odd');
DO $$ BEGIN
    EXECUTE (SELECT format('CREATE TABLE clu_wide AS SELECT n AS id, %s FROM generate_series(1, 50) AS n',
                           string_agg(format('(n * %s %% 101)::float8 AS f%s', 3 * i + 1, i), ', ')) FROM generate_series(1, 150) AS i);
END $$;
SELECT create_cluster_segmentation('wide', 'clu_wide', k => 3);
SELECT outcome, customers, error FROM refresh_segmentation('wide', '2024-01-01');
UPDATE clu_wide SET f1 = 1000 WHERE id = 7;
SELECT outcome, moved + updated AS changed FROM refresh_segmentation('wide', '2024-01-02');
SELECT outcome, trained FROM retrain_segmentation('wide', '2024-01-03');
SELECT count(*) FROM homogeneity_report('wide');
SELECT drop_segmentation('wide');
-- a text key; numbers of every type; the source may change theirs, but not its key's
CREATE TABLE clu_typed AS SELECT 'k' || n AS key, n::smallint AS a, n::real AS b, (n % 7)::numeric AS c FROM generate_series(1, 30) AS n;
SELECT create_cluster_segmentation('typed', 'clu_typed', k => 2);
SELECT outcome, customers FROM refresh_segmentation('typed', '2024-01-01');
SELECT segment_of('typed', 'k3') IS NOT NULL AS known;
ALTER TABLE clu_typed ALTER a TYPE bigint, ALTER c TYPE double precision;
SELECT outcome, unchanged FROM refresh_segmentation('typed', '2024-01-02');
ALTER TABLE clu_typed ALTER a TYPE text;
SELECT outcome, error_code, error FROM refresh_segmentation('typed', '2024-01-02') \g (format=unaligned)
ALTER TABLE clu_typed DROP a;
SELECT outcome, error_code, error FROM refresh_segmentation('typed', '2024-01-02') \g (format=unaligned)
ALTER TABLE clu_typed ADD a integer DEFAULT 1, ALTER key TYPE bytea USING key::bytea;
SELECT outcome, error_code, error FROM refresh_segmentation('typed', '2024-01-02') \g (format=unaligned)
SELECT drop_segmentation('typed');
-- under the search_path of its creator
CREATE SCHEMA clu_other;
CREATE TABLE clu_other.hidden AS SELECT n AS id, n % 9 AS a FROM generate_series(1, 30) AS n;
SELECT create_cluster_segmentation('path', 'SELECT * FROM hidden', k => 2, search_path => 'clu_other', schema => 'clu_other');
SELECT outcome, customers FROM refresh_segmentation('path', '2024-01-01');
SELECT drop_segmentation('path');
DROP SCHEMA clu_other CASCADE;

-- ---- every method there is: only what is not as it should be is printed ----
CREATE TABLE clu_each AS SELECT n AS id, n % 3 AS grp, n % 3 * 40 + n % 7 AS a, n % 3 * (n % 3) * 15.5 + n % 5 AS b,
    (ARRAY['gold', 'silver', 'bronze'])[1 + n % 3] AS tier, n % 3 = 1 AS flag FROM generate_series(1, 300) AS n WHERE n % 3 > 0 OR n < 100;
CREATE TABLE clu_tried (method text);
CREATE TABLE clu_problem (method text, mixed boolean, problem text, detail text);
CREATE PROCEDURE clu_try(method text, mixed boolean) LANGUAGE plpgsql AS $$
DECLARE
    run segment.run;
    model segment_model;
BEGIN
    TRUNCATE clu_each;
    INSERT INTO clu_each
    SELECT n, n % 3, n % 3 * 40 + n % 7, n % 3 * (n % 3) * 15.5 + n % 5, (ARRAY['gold', 'silver', 'bronze'])[1 + n % 3], n % 3 = 1
    FROM generate_series(1, 300) AS n WHERE n % 3 > 0 OR n < 100;
    PERFORM create_cluster_segmentation('each', 'SELECT id, a, b' || CASE WHEN mixed THEN ', tier, flag' ELSE '' END || ' FROM clu_each',
                                        k => 3, method => clu_try.method);
    run := refresh_segmentation('each', '2024-01-01');
    INSERT INTO clu_problem SELECT method, mixed, 'first', format('%s %s', run.outcome, run.error)
    WHERE run.outcome <> 'ok' OR run.customers <> (SELECT count(*) FROM clu_each);
    model := get_model('each');
    EXECUTE format('INSERT INTO clu_problem SELECT %L, %L, ''elsewhere'', m.id::text
        FROM each_segments AS m JOIN clu_each AS c USING (id)
        WHERE (m.segment_id, m.segment) IS DISTINCT FROM
              (assign_segment_id($1, c.a, c.b %3$s), assign_segment(''each'', c.a, c.b %3$s))',
        method, mixed, CASE WHEN mixed THEN ', c.tier, c.flag' END) USING model;
    CREATE TABLE clu_ids AS SELECT grp, segment_id, segment FROM clu_each JOIN each_segments USING (id) GROUP BY 1, 2, 3;
    INSERT INTO clu_problem SELECT method, mixed, 'groups', c::text FROM clu_ids AS c WHERE (SELECT count(*) FROM clu_ids) <> 3;
    run := retrain_segmentation('each', '2024-01-02');
    INSERT INTO clu_problem SELECT method, mixed, 'retrained', format('%s %s', run.outcome, run.error)
    WHERE (run.outcome, run.model_version, run.unchanged) IS DISTINCT FROM ('ok', 1, run.customers);
    UPDATE clu_each SET a = a + 3, b = b * 1.1;
    DELETE FROM clu_each WHERE grp = 1 AND id % 2 = 0;
    run := retrain_segmentation('each', '2024-01-03');
    INSERT INTO clu_problem SELECT method, mixed, 'moved', format('%s %s %s', run.outcome, run.error, run.moved)
    WHERE (run.outcome, run.model_version, run.moved) IS DISTINCT FROM ('ok', 2, 0::bigint);
    INSERT INTO clu_problem SELECT method, mixed, 'other ids', format('%s %s %s', grp, m.segment_id, m.segment) FROM clu_each
    JOIN each_segments AS m USING (id) LEFT JOIN clu_ids AS i USING (grp, segment_id, segment)
    WHERE i IS NULL GROUP BY grp, m.segment_id, m.segment;
    INSERT INTO clu_problem SELECT method, mixed, 'name', g.name FROM segment.segment AS g
    WHERE g.segmentation = 'each' AND g.name !~ '^(high|low|tier|flag) ';
    INSERT INTO clu_problem SELECT method, mixed, 'profile', count(*)::text FROM segment_feature_profile('each')
    HAVING count(*) <> CASE WHEN mixed THEN 12 ELSE 6 END OR count(value) <> CASE WHEN mixed THEN 6 ELSE 0 END;
    INSERT INTO clu_problem SELECT method, mixed, 'report', r::text FROM homogeneity_report('each') AS r
    WHERE verdict !~ '^holds together' OR silhouette IS NULL OR spread > separation;
    PERFORM drop_segmentation('each');
    DROP TABLE clu_ids;
    INSERT INTO clu_tried SELECT method WHERE NOT mixed;
END;
$$;
DO $$ DECLARE m text; BEGIN
    FOREACH m IN ARRAY cluster_methods() LOOP
        CALL clu_try(m, false);
        IF m = 'kprototypes' THEN CALL clu_try(m, true); END IF;
    END LOOP;
END $$;
SELECT * FROM clu_problem;
SELECT array_agg(method) = cluster_methods() AS all_tried FROM clu_tried;
DROP PROCEDURE clu_try;
DROP TABLE clu_each, clu_problem, clu_tried;

-- ---- errors of creation ----
SELECT create_cluster_segmentation('', 'clu');
SELECT create_cluster_segmentation('clu', 'clu');
SELECT create_cluster_segmentation(repeat('x', 55), 'clu');
SELECT create_cluster_segmentation('bad', 'clu', key => 'nothing');
SELECT create_cluster_segmentation('bad', 'clu', features => '{visits,nothing}');
SELECT create_cluster_segmentation('bad', 'clu', features => '{visits,visits}');
SELECT create_cluster_segmentation('bad', 'clu', features => '{visits,id}');
SELECT create_cluster_segmentation('bad', 'clu', features => '{}');
SELECT create_cluster_segmentation('bad', 'clu', features => '{visits,NULL}');
SELECT create_cluster_segmentation('bad', 'SELECT id FROM clu');
SELECT create_cluster_segmentation('bad', 'SELECT id, visits AS x, spend AS x FROM clu');
SELECT create_cluster_segmentation('bad', 'SELECT id, visits, now() AS seen FROM clu');
SELECT create_cluster_segmentation('bad', 'SELECT id, ''x''::text AS word, visits FROM clu');
SELECT create_cluster_segmentation('bad', 'SELECT id, visits AS entered_reason FROM clu');
SELECT create_cluster_segmentation('bad', 'SELECT id AS segment, visits FROM clu');
SELECT create_cluster_segmentation('bad', 'DELETE FROM clu RETURNING id, visits');
\set VERBOSITY sqlstate
SELECT create_cluster_segmentation('bad', 'clu', method => 'rfm');
\set VERBOSITY default
SELECT create_cluster_segmentation('bad', 'clu', k => 0);
SELECT create_cluster_segmentation('bad', 'clu', options => '{"k": "many"}');
SELECT create_cluster_segmentation('bad', 'clu', options => '[1]');
SELECT create_cluster_segmentation('bad', 'clu', options => '{"bins": 5}');
SELECT create_cluster_segmentation('bad', 'clu', options => '{"features": 5}');
SELECT create_cluster_segmentation('bad', 'clu', options => '{"scale": "nonsense"}');
SELECT create_cluster_segmentation('bad', 'clu', options => '{"log": ["nothing"]}');
SELECT create_cluster_segmentation('bad', 'SELECT point(1, 1) AS id, visits FROM clu');
SELECT count(*) FROM segment.segmentation WHERE name = 'bad';
SELECT to_regclass('bad_segments');
-- NULL means the default
SELECT create_cluster_segmentation('nulls', 'clu', key => NULL, features => NULL, k => NULL, method => NULL, options => NULL,
    schema => NULL, retrain_every => NULL, description => NULL);
SELECT method, features, options, max_departed, time_zone FROM segment.segmentation WHERE name = 'nulls';
SELECT drop_segmentation('nulls');
SELECT segment_feature_profile('nobody');
CREATE TABLE clu_orders AS SELECT id AS customer, timestamptz '2024-01-01 00:00Z' AS ordered_at, spend FROM clu;
SELECT create_rfm_segmentation('rfm', 'clu_orders', scheme => 'eleven_names');
SELECT segment_feature_profile('rfm');
SELECT homogeneity_report('rfm');
SELECT count(*) FROM segment_feature_profile WHERE segmentation = 'rfm';
SELECT drop_segmentation('rfm');
-- every option is taken as the trainer would take it
SELECT create_cluster_segmentation('all', 'SELECT id, visits, spend FROM clu WHERE id IS NOT NULL', k => 2,
    options => '{"n_init": 3, "max_iter": 50, "tol": 0.001, "scale": "robust", "log": ["spend"], '
               '"winsorize": {"visits": 0.01}, "weights": {"visits": 2}, "nulls": "mean", "metric": "euclidean", '
               '"centroids": [[3, 100], [20, 900]], "seed": 7}');
SELECT outcome FROM refresh_segmentation('all', '2024-01-01');
SELECT get_model('all')::jsonb - 'segments'
       = (SELECT kmeans(feature_set(c.*), 2, 3, 50, 0.001, 'robust', '{spend}', '{"visits": 0.01}',
                        '{"visits": 2}', 'mean', 'euclidean', '{{3,100},{20,900}}', 7)::jsonb - 'segments'
       FROM (SELECT visits, spend FROM clu WHERE id IS NOT NULL) AS c) AS the_same;
SELECT drop_segmentation('all');
SELECT drop_segmentation('clu');
DROP TABLE clu, "clu odd", clu_late, clu_wide, clu_typed, clu_orders;
