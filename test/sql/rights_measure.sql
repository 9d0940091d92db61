-- Metrics, their figures and experiments: who sees and makes them, and that no stored query runs with anybody else's rights.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
SET client_min_messages = warning;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO all

-- ---- the owner's metric and experiment ----
SET SESSION AUTHORIZATION regress_segment_owner;
SET search_path = regress_shop, segment;
CREATE TABLE secret_orders AS SELECT customer_id AS customer, ordered_at + interval '130 days' AS at, amount AS value FROM orders;
CREATE TABLE mailed AS SELECT n::bigint AS customer, CASE WHEN n % 2 = 0 THEN 'mail' ELSE 'none' END AS arm,
    timestamptz '2024-05-10' AS at FROM generate_series(0, 49) AS n;
SELECT create_metric('spend', 'secret_orders', 'mean', period => '14 days');
SELECT create_experiment('spring', 'loyal', 'spend', 'mailed', '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT customers, not_kept FROM snapshot_metrics('2024-05-20');

-- ---- a reader sees what can be seen of the segmentation, and runs nothing ----
RESET SESSION AUTHORIZATION;
SET search_path = regress_shop, segment;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM metric;
SELECT count(*) FROM metric_by_segment;
SELECT count(*) FROM experiment;
SELECT experiment_result('spring');
RESET SESSION AUTHORIZATION;
GRANT SELECT ON loyal_segments TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT name, owner FROM metric;
SELECT name, metric FROM experiment;
SELECT what, customers FROM metric_by_segment WHERE what = 'all';
SELECT count(*) FROM snapshot_metrics('2024-05-20');
SELECT count(*) FROM experiment_outcomes('spring', '2024-06-01');
SELECT count(*) FROM experiment_outcomes(null::bigint, 'spring', '2024-06-01');
SELECT count(*) FROM experiment_result('spring', '2024-06-01');
SELECT drop_metric('spend');
SELECT set_metric_goal('spend', 1);
SELECT drop_experiment('spring');
SELECT create_experiment('mine', 'loyal', 'spend', 'mailed', '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT count(*) FROM segment_internal.rows_as_owner('regress_segment_owner', 'SELECT 1') AS r (n integer);
-- by hand
INSERT INTO metric (name, owner, query, query_types, kind, time_zone, search_path)
VALUES ('forged', 'regress_segment_owner', 'x', '{a,b,c}', 'mean', 'UTC', '');
UPDATE metric SET query = 'SELECT 1';
DELETE FROM experiment;
UPDATE metric_snapshot SET outcome = make_outcome(1, 1);
SELECT segment_internal.change_catalogue('drop_metric', 'spend'::text);
SELECT segment_internal.change_catalogue('set_metric_goal', 'spend'::text, 1::float8, NULL::timestamptz);
SELECT segment_internal.change_catalogue('drop_experiment', 'loyal'::text, 'spring'::text);
SELECT segment_internal.change_catalogue('store_snapshot', 'spend'::text, 'loyal'::text, timestamptz '2024-01-01', timestamptz '2024-02-01',
    '{1}'::int[], ARRAY[make_outcome(1, 1)]);
SELECT segment_internal.change_catalogue('create_experiment', 'loyal'::text, e) FROM experiment AS e;
SELECT segment_internal.metric_rows_as_owner('spend', '2024-01-01', '2025-01-01', '2025-01-01');
SELECT segment_internal.outcomes_as_owner('spring', '2025-01-01');
SELECT segment_internal.snapshot_as_owner('spend', 'loyal', '2024-05-02', '2024-06-01');

-- ---- who acts as the owner does; who does not inherit his rights does not ----
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT what, segment, treated_customers FROM experiment_result('spring', '2024-06-01', 1) WHERE what = 'all';
SELECT count(*) FROM snapshot_metrics('2024-05-20');
SET SESSION AUTHORIZATION regress_segment_noinherit;
SELECT count(*) FROM metric;
SELECT experiment_result('spring', '2024-06-01');

-- ---- a metric of somebody else is not to be measured by, nor to be seen by that ----
SET SESSION AUTHORIZATION regress_segment_other;
SET search_path = regress_play, segment;
SELECT create_rfm_segmentation('trapped', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('trapped', '2024-05-01');
CREATE TABLE baited AS SELECT n::bigint AS customer, CASE WHEN n % 2 = 0 THEN 'mail' ELSE 'none' END AS arm, timestamptz '2024-05-10' AS at
FROM generate_series(0, 49) AS n;
SELECT create_experiment('spy', 'trapped', 'spend', 'baited', '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT create_metric('own', 'SELECT customer_id AS customer, ordered_at AS at, amount AS value FROM bait WHERE steal()', 'mean');
SELECT create_experiment('own', 'trapped', 'own', 'SELECT * FROM baited WHERE steal()', '{"mail": 1, "none": 1}', 'none', '7 days');
SELECT segment_internal.change_catalogue('create_experiment', 'trapped'::text,
    jsonb_populate_record(e, '{"name": "spy", "metric": "spend"}')) FROM experiment AS e;
SELECT segment_internal.change_catalogue('store_snapshot', 'own'::text, 'loyal'::text, timestamptz '2024-01-01', timestamptz '2024-02-01',
    '{1}'::int[], ARRAY[make_outcome(1, 1)]);
SELECT segment_internal.change_catalogue('create_metric', jsonb_populate_record(m, '{"name": "forged", "owner": "regress_segment_owner"}'))
    FROM metric AS m WHERE m.name = 'own';
SELECT name, owner FROM metric ORDER BY 1;

-- ---- elevation_via_metric: queries that steal, and types that are SQL, run by those who may do more ----
RESET SESSION AUTHORIZATION;
GRANT SELECT ON trapped_segments, trapped_history TO PUBLIC;
SELECT count(*) FROM experiment_outcomes('own', '2024-06-01');
SELECT count(*) FROM experiment_result('own', '2024-06-01', 1) WHERE what = 'all';
SELECT metric_name, customers, not_kept FROM snapshot_metrics('2024-06-01', 'own');
SELECT regress_play.robbed();
SET SESSION AUTHORIZATION regress_segment_other;
SELECT segment_internal.change_catalogue('create_metric', jsonb_populate_record(m, jsonb_build_object('name', 'typed', 'query_types',
    ARRAY['bigint, x text) WHERE regress_play.steal() --', 'timestamp with time zone', 'numeric']))) FROM metric AS m WHERE m.name = 'own';
SELECT segment_internal.change_catalogue('create_metric', jsonb_populate_record(m, jsonb_build_object('name', 'zoned', 'time_zone',
    'nowhere')))
FROM metric AS m WHERE m.name = 'own';
SELECT segment_internal.change_catalogue('create_metric', jsonb_populate_record(m, jsonb_build_object('name', 'set', 'settings',
    '{"search_path": "regress_play", "role": "regress_segment_owner",
        "DateStyle": "nothing"}'::jsonb))) FROM metric AS m WHERE m.name = 'own';
SELECT segment_internal.change_catalogue('create_experiment', 'trapped'::text, jsonb_populate_record(e, jsonb_build_object('name', 'typed',
    'exposure_types', ARRAY['bigint, x text) WHERE regress_play.steal() --', 'text', 'timestamp with time zone'], 'control', 'mail')))
FROM experiment AS e WHERE e.name = 'own';
SELECT segment_internal.change_catalogue('create_experiment', 'trapped'::text, jsonb_populate_record(e, jsonb_build_object('name',
    'typed too',
    'metric', 'typed'))) FROM experiment AS e WHERE e.name = 'own';
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT count(*) FROM segment.experiment_outcomes(''typed'', ''2024-06-01'')');
SELECT regress_play.attempt('SELECT count(*) FROM segment.experiment_outcomes(''typed too'', ''2024-06-01'')');
SELECT metric_name, segmentation_name, customers, not_kept FROM snapshot_metrics('2024-06-01') ORDER BY 1, 2;
SELECT current_user, current_setting('search_path'), current_setting('datestyle'), current_setting('timezone');
SELECT regress_play.robbed();

-- ---- injection_via_name ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_metric('x'') || regress_play.steal() --', 'SELECT customer_id AS customer, ordered_at AS at, amount AS value FROM bait',
    'mean');
SELECT create_experiment('"; SELECT steal(); --', 'trapped', 'x'') || regress_play.steal() --', 'baited',
    '{"mail''; SELECT regress_play.steal() --": 1, "mail": 1, "none": 1}', 'none', '7 days');
ALTER TABLE trapped_segments RENAME customer_id TO "x, regress_play.steal()";
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM experiment_outcomes('"; SELECT steal(); --', '2024-06-01');
SELECT count(*) FROM experiment_result('"; SELECT steal(); --', '2024-06-01', 1) WHERE what = 'all';
SELECT customers, not_kept FROM snapshot_metrics('2024-06-01', 'x'') || regress_play.steal() --', 'trapped');
SELECT regress_play.robbed();

-- ---- elevation_via_experiment: code on the owner's own tables ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE INDEX ON trapped_segments (segment_id) WHERE regress_play.steal();
RESET SESSION AUTHORIZATION;
SELECT regress_play.attempt('SELECT count(*) FROM segment.experiment_outcomes(''own'', ''2024-06-01'')');
SELECT not_kept FROM snapshot_metrics('2024-06-01', 'own');
SELECT regress_play.robbed();

-- ---- what is left of others a superuser takes away ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT drop_segmentation('trapped');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM experiment WHERE segmentation = 'trapped';
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT drop_metric('own');
RESET SESSION AUTHORIZATION;
SELECT drop_metric(name) FROM metric WHERE name <> 'spend';
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT drop_metric('spend');
SELECT drop_experiment('spring');
SELECT drop_metric('spend');
\set ECHO none
\i test/lib/rights_end.psql
