--
-- A segmentation by value of the CDNOW sample, of daily orders on: its model against the fits of others (reference/README.md,
-- section 1, of the data), its members against plain SQL over the row functions.  Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/reference/clv_fits_computed.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
CREATE FUNCTION pg_temp.load(relation regclass, command text) RETURNS void LANGUAGE plpgsql AS
$$BEGIN EXECUTE format('COPY %s FROM PROGRAM %L (FORMAT csv, HEADER)', relation, command); END$$;
CREATE TABLE cdnow_orders (master int, id int, day date, cds int, amount numeric);
SELECT pg_temp.load('cdnow_orders', format('gzip -dc %L', :'data' || '/data/cdnow_sample.csv.gz'));
CREATE TEMP TABLE reference (data text, model text, n int, names text, p1 float8, p2 float8, p3 float8, p4 float8, se1 float8, se2 float8,
        se3 float8, se4 float8, loglik float8, source text) ON COMMIT DROP;
SELECT pg_temp.load('reference', format('cat %L', :'data' || '/reference/clv_fits_computed.csv'));

SELECT is(create_value_segmentation('cdnow', 'SELECT id, day, amount FROM cdnow_orders', time_zone => 'UTC', retrain_every =>
    '1 year')::text, 'cdnow_segments', 'created');
SELECT is((SELECT outcome || ' ' || customers FROM refresh_segmentation('cdnow', '1997-10-01')), 'ok 2357', 'refreshed');
SELECT ok(abs((f.m -> 'log_likelihood')::float8 - loglik) <= 1e-4 AND bool_and(abs((f.m -> 'parameters' ->> e.name)::float8 - e.p)
        <= 1e-4 * greatest(1, abs(e.p))), 'the fit of others: ' || r.model)
FROM (SELECT model_metrics(get_model('cdnow')) AS m) AS k, LATERAL (VALUES ('MBG/NBD', k.m -> 'buying'), ('Gamma-Gamma', k.m ->
    'spending'))
    AS f (model, m),
    reference AS r, LATERAL unnest(ARRAY[p1, p2, p3, p4], string_to_array(regexp_replace(names, '[(].*[)]', ''), ',')) AS e (p, name)
WHERE r.model = f.model AND r.data IN ('CDNOW sample, days, cal 39w', 'CDNOW sample, exact zbar (BTYD m.x), 946 customers x>0') AND e.p IS
    NOT NULL
GROUP BY r.model, f.m, loglik ORDER BY r.model;
CREATE TEMP TABLE placed ON COMMIT DROP AS
SELECT h.*, customer_lifetime_value(m, m, x, t_x, t, mean_value, 365.25) AS value, probability_alive(m, x, t_x, t) AS alive
FROM buying_history(null::int, 'SELECT id, day, amount FROM cdnow_orders', '1997-10-01', 'day', time_zone => 'UTC') AS h,
    get_model('cdnow') AS m;
SELECT is(count(*) FILTER (WHERE s.tier IS NOT DISTINCT FROM p.tier AND s.band = p.band AND s.purchases = p.x + 1
        AND s.mean_value IS NOT DISTINCT FROM p.mean_value), 2357::bigint, 'tiers and bands by plain SQL')
FROM (SELECT r.*, CASE WHEN before < 0.8 * total THEN 'A' WHEN before < 0.95 * total THEN 'B' ELSE 'C' END AS tier,
             CASE WHEN alive >= 0.7 THEN 'active' WHEN alive >= 0.3 THEN 'at risk' ELSE 'lapsed' END AS band
      FROM (SELECT p.*, sum(value) OVER () AS total, coalesce(sum(value) OVER (ORDER BY value DESC RANGE BETWEEN UNBOUNDED PRECEDING
                AND CURRENT ROW EXCLUDE GROUP), 0) AS before FROM placed AS p) AS r) AS p JOIN cdnow_segments AS s ON s.id = p.customer;
SELECT cmp_ok(abs(sum(lifetime_value) / (SELECT sum(value) FROM placed) - 1), '<=', 1e-12::float8, 'the value of all segments')
FROM segment_value_profile('cdnow');
SELECT is(sum(revenue), (SELECT sum(amount) FROM cdnow_orders WHERE day < '1997-10-01'), 'the revenue of all segments')
FROM segment_value_profile('cdnow');
-- at the instant told the segment is another one, and was not a microsecond before
SELECT is(count(*) FILTER (WHERE assign_segment_id(m, x, t_x, t + days, mean_value) <> segment_id
        AND assign_segment_id(m, x, t_x, t + days - 1, mean_value) = segment_id), count(*), 'the days of transitions')
FROM (SELECT p.*, s.segment_id, ((s.next_transition_at - interval '1 us')::date - date '1997-09-30') AS days
      FROM placed AS p JOIN cdnow_segments AS s ON s.id = p.customer
      WHERE s.next_transition_at::time = '00:00:00.000001' AND NOT EXISTS (SELECT FROM cdnow_orders AS o WHERE o.id = s.id
          AND o.day = s.next_transition_at::date)) AS p, get_model('cdnow') AS m;
\else
SELECT skip('no test data (SEGMENT_TEST_DATA)', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
