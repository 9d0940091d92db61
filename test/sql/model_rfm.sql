--
-- RFM models: cut points by each method, scores, options, errors.
--
SET search_path = public, segment;

\set ECHO none
\i test/lib/error_of.psql
\set ECHO all

-- Customers with many ties, half-full tails and values between whole numbers
SELECT setseed(0.25);
CREATE TEMP TABLE customer AS
SELECT i AS id, floor(random() * random() * 400)::integer AS recency, ceil(12 * random() * random() * random())::integer AS frequency,
       (floor(random() * random() * 100000) / 100)::numeric(12,2) AS monetary
FROM generate_series(1, 2000) AS i;
CREATE TEMP VIEW value AS
SELECT id, v.*
FROM customer, LATERAL (VALUES ('recency', recency::numeric), ('frequency', frequency), ('monetary', monetary)) AS v (feature, x);
CREATE TEMP TABLE model AS
SELECT bins, method, rfm_model(feature_set(recency, frequency, monetary), bins, method, scheme => 'eleven_names') AS m
FROM customer, generate_series(3, 10) AS bins, unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method GROUP BY 1, 2;
CREATE TEMP TABLE cuts AS
SELECT bins, method, feature, array_agg(upper_cut ORDER BY upper_cut) FILTER (WHERE upper_cut IS NOT NULL) AS cuts
FROM model, rfm_cut_points(m) GROUP BY 1, 2, 3;

-- ---- quantile ----
-- A hand-made case: 1 1 1 1 1 1 2 3 4 5 in five bins has the cuts 1 1 1 3
SELECT score, lower_cut, upper_cut, closed, customers
FROM (SELECT rfm_model(feature_set(5, 1, x), scheme => 'eleven_names') AS m
      FROM unnest('{1,1,1,1,1,1,2,3,4,5}'::float8[]) AS x) AS t, rfm_cut_points(m)
WHERE feature = 'monetary';
-- the same cuts as the smallest value with a cumulative share of at least i / bins.  Expect no rows
SELECT c.bins, feature, c.cuts, p.cuts
FROM cuts AS c JOIN (
    SELECT bins, feature, array_agg(cut ORDER BY i) AS cuts
    FROM (SELECT bins, i, feature, min(x)::float8 AS cut
          FROM (SELECT feature, x, count(*) OVER (PARTITION BY feature ORDER BY x) AS up_to, count(*) OVER (PARTITION BY feature) AS n
                FROM value) AS s,
               generate_series(3, 10) AS bins, generate_series(1, bins - 1) AS i
          WHERE up_to * bins >= i * n GROUP BY 1, 2, 3) AS t
    GROUP BY 1, 2) AS p USING (bins, feature)
WHERE c.method = 'quantile' AND c.cuts <> p.cuts;
-- and as the server's percentile_disc.  Expect no rows
SELECT bins, feature FROM cuts AS c
WHERE method = 'quantile' AND bins <> 10 -- where i / bins is not a double, only up to its rounding
  AND (SELECT count(*) FROM generate_series(1, bins - 1) AS i
       WHERE cuts[i] <> (SELECT percentile_disc(i::float8 / bins) WITHIN GROUP (ORDER BY x) FROM value AS v
                         WHERE v.feature = c.feature)) > 0;
-- without ties the bins are those of NTILE.  Expect no rows
SELECT id, r, f, m FROM (
    SELECT id, recency_score(model, id) AS r, frequency_score(model, 2 * id) AS f,
           monetary_score(model, id / 7.0) AS m, ntile(5) OVER (ORDER BY id) AS tile
    FROM generate_series(1, 1000) AS id,
         (SELECT rfm_model(feature_set(id, 2 * id, id / 7.0), scheme => 'eleven_names') AS model
          FROM generate_series(1, 1000) AS id) AS t) AS s
WHERE (r, f, m) IS DISTINCT FROM (6 - tile, tile, tile);

-- ---- r_rfm: type-7 quantiles plus 1, bins closed on the left ----
-- expect no rows
SELECT bins, feature, cuts[i], q FROM (
    SELECT bins, feature, i, cuts, (SELECT percentile_cont(i::float8 / bins) WITHIN GROUP (ORDER BY x) + 1 FROM value AS v
                                    WHERE v.feature = c.feature) AS q
    FROM cuts AS c, generate_series(1, bins - 1) AS i WHERE method = 'r_rfm') AS s
WHERE abs(cuts[i] - q) > 1e-9 * q;

-- ---- natural_breaks ----
-- the textbook case: three clear groups
SELECT cuts.* FROM (SELECT rfm_model(feature_set(x, x, x), 3, 'natural_breaks', scheme => 'eleven_names') AS m
                    FROM unnest('{1,2,3,50,51,52,100,101,102}'::float8[]) AS x) AS t,
LATERAL (SELECT array_agg(upper_cut ORDER BY score) AS cuts FROM rfm_cut_points(m) WHERE feature = 'monetary') AS cuts;
-- no other cuts of 3 and 4 bins have less squared deviation within bins.  Small columns, all cuts tried; expect no rows
WITH RECURSIVE data AS (
    SELECT k, x, count(*) AS n FROM (
        SELECT k, 1 + (hashint4(k * 1000 + i) & 1023) % (5 + k) + (hashint4(k * 31 + i) & 255) % 3 * 100 AS x
        FROM generate_series(1, 12) AS k, generate_series(1, 14) AS i) AS t GROUP BY 1, 2
), prefix AS (
    SELECT k, row_number() OVER w AS i, x, sum(n) OVER w AS n, sum(n * x) OVER w AS sx, sum(n * x * x) OVER w AS sxx
    FROM data WINDOW w AS (PARTITION BY k ORDER BY x)
    UNION ALL SELECT DISTINCT k, 0, -1, 0::numeric, 0::numeric, 0::numeric FROM data
), bin AS (
    SELECT a.k, a.i AS "from", b.i AS "to", b.x AS top, (b.sxx - a.sxx) - (b.sx - a.sx) ^ 2 / (b.n - a.n) AS cost
    FROM prefix AS a JOIN prefix AS b ON b.k = a.k AND b.i > a.i
), best AS (
    SELECT k, "to", 1 AS bins, cost FROM bin WHERE "from" = 0
    UNION ALL
    SELECT k, "to", bins, cost FROM (
        SELECT p.k, b."to", p.bins + 1 AS bins, p.cost + b.cost AS cost,
               min(p.cost + b.cost) OVER (PARTITION BY p.k, b."to", p.bins) AS least
        FROM best AS p JOIN bin AS b ON b.k = p.k AND b."from" = p."to" WHERE p.bins < 4) AS t
    WHERE cost = least
), optimum AS (
    SELECT k, bins, min(cost) AS cost FROM best AS b
    WHERE "to" = (SELECT max(i) FROM prefix AS p WHERE p.k = b.k) AND bins >= 3 GROUP BY 1, 2
), ours AS (
    SELECT k, bins, sum(cost) AS cost FROM (
        SELECT d.k, bins, frequency_score(m, d.x) AS score, sum(n * x * x) - sum(n * x) ^ 2 / sum(n) AS cost
        FROM data AS d JOIN (
            SELECT k, bins, rfm_model(feature_set(x, x, x), bins, 'natural_breaks', scheme => 'eleven_names') AS m
            FROM data, generate_series(1, n) AS copy, generate_series(3, 4) AS bins GROUP BY 1, 2) AS t USING (k)
        GROUP BY 1, 2, 3) AS s GROUP BY 1, 2
)
SELECT k, bins, ours.cost, optimum.cost FROM ours FULL JOIN optimum USING (k, bins)
WHERE abs(ours.cost - optimum.cost) > 1e-9 * (1 + optimum.cost) IS NOT FALSE;

-- ---- scores count cuts; recency the other way round; a cut belongs below (quantile, natural_breaks) or above (r_rfm) ----
-- expect no rows
SELECT s.bins, s.method, s.id, s.r, s.f, s.m FROM (
    SELECT bins, method, id, recency_score(m, recency) AS r, frequency_score(m, frequency) AS f, monetary_score(m, monetary) AS m,
           rfm_score(m, recency, frequency, monetary) AS code, recency, frequency, monetary
    FROM model, customer WHERE id <= 300) AS s
JOIN cuts AS cr ON (cr.bins, cr.method, cr.feature) = (s.bins, s.method, 'recency')
JOIN cuts AS cf ON (cf.bins, cf.method, cf.feature) = (s.bins, s.method, 'frequency')
JOIN cuts AS cm ON (cm.bins, cm.method, cm.feature) = (s.bins, s.method, 'monetary')
WHERE r <> s.bins - (SELECT count(*) FROM unnest(cr.cuts) AS c WHERE recency > c OR s.method = 'r_rfm' AND recency = c)
   OR f <> 1 + (SELECT count(*) FROM unnest(cf.cuts) AS c WHERE frequency > c OR s.method = 'r_rfm' AND frequency = c)
   OR m <> 1 + (SELECT count(*) FROM unnest(cm.cuts) AS c WHERE monetary::float8 > c OR s.method = 'r_rfm' AND monetary::float8 = c)
   OR code <> concat_ws(CASE s.bins WHEN 10 THEN '-' ELSE '' END, r, f, m);
-- the model's own counts.  Expect no rows
SELECT c.bins, c.method, c.feature, c.score, c.customers, count(s.id)
FROM (SELECT bins, method, p.* FROM model, rfm_cut_points(m) AS p WHERE bins IN (3, 5, 10)) AS c
LEFT JOIN (SELECT bins, method, id, v.* FROM model, customer,
           LATERAL (VALUES ('recency', recency_score(m, recency)), ('frequency', frequency_score(m, frequency)),
                           ('monetary', monetary_score(m, monetary))) AS v (feature, score)) AS s
    ON (s.bins, s.method, s.feature, s.score) = (c.bins, c.method, c.feature, c.score)
GROUP BY 1, 2, 3, 4, 5 HAVING c.customers <> count(s.id);

-- ---- thresholds: a value on one belongs below it ----
SELECT feature, score, lower_cut, upper_cut, closed, customers
FROM (SELECT rfm_model(feature_set(recency, frequency, monetary), 4, 'thresholds',
             '{"recency": [30, 90, 180], "frequency": [1, 2.5, 8], "monetary": [-5, 100, 1e3]}', scheme => 'eleven_names') AS m
      FROM customer) AS t, rfm_cut_points(m)
WHERE feature = 'frequency';
SELECT rfm_score(m, 30, 1, 100) AS "on the cuts", rfm_score(m, 30.000001, 1.000001, 100.000001) AS above,
       rfm_score(m, -1, 1e300, 1e300) AS best, rfm_score(m, 1e300, 0.5, -1e300) AS worst
FROM (SELECT rfm_model(feature_set(1, 1, 1), 4, 'thresholds',
             '{"recency": [30, 90, 180], "frequency": [1, 2.5, 8], "monetary": [-5, 100, 1e3]}', scheme => 'eleven_names') AS m) AS t;
-- thresholds need no data: all rows may be unusable
SELECT jsonb_pretty(model_metrics(rfm_model(
    feature_set(NULL, NULL, NULL), 3, 'thresholds',
    '{"recency": [1, 2], "frequency": [1, 2], "monetary": [1, 2]}', scheme => 'eleven_names')));
-- some features by thresholds, others by the data
SELECT feature, array_agg(upper_cut ORDER BY upper_cut)
FROM (SELECT rfm_model(feature_set(i, i, i), 3, thresholds => '{"recency": [5, 7]}', scheme => 'eleven_names') AS m
      FROM generate_series(1, 9) AS i) AS t, rfm_cut_points(m)
GROUP BY 1 ORDER BY 1;

-- ---- few distinct values: told, and equal ones stay together ----
SELECT score, lower_cut, upper_cut, customers
FROM (SELECT rfm_model(feature_set(7, 1, x), scheme => 'eleven_names') AS m FROM unnest('{3,3,3,8}'::float8[]) AS x) AS t, rfm_cut_points(m)
WHERE feature = 'monetary';
SET client_min_messages = warning;
SELECT method, rfm_score(rfm_model(feature_set(7, 1, 10), cuts => method, scheme => 'eleven_names'), 7, 1, 10)
FROM unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method GROUP BY 1 ORDER BY 1;
-- any number of distinct values from 1 to 12, any bins: scores ascend, all customers counted.  Expect no rows
SELECT method, bins, n FROM (
    SELECT method, bins, n, m, (SELECT sum(customers) FROM rfm_cut_points(m) WHERE feature = 'monetary') AS counted,
           (SELECT bool_and(ok) FROM (SELECT monetary_score(m, x) >= lag(monetary_score(m, x), 1, 1::smallint) OVER (ORDER BY x) AS ok
                                      FROM generate_series(1, n) AS x) AS s) AS ascending
    FROM (SELECT method, bins, n, rfm_model(feature_set(x, x, x), bins, method, scheme => 'eleven_names') AS m
          FROM unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method, generate_series(3, 10) AS bins,
               generate_series(1, 12) AS n, generate_series(1, n) AS x GROUP BY 1, 2, 3) AS t) AS u
WHERE counted <> n OR NOT ascending;
RESET client_min_messages;

-- ---- skipped rows ----
SELECT model_metrics(rfm_model(feature_set(r, f, m), scheme => 'eleven_names'))
FROM (VALUES (1.0::float8, 1.0::float8, 1.0::float8), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5), (NULL, 0, 0),
             (NULL, NULL, NULL), (5, 0, 0), (5, -1, 5), (5, 5, NULL),
             ('NaN', 5, 5), ('Infinity', 5, 5), (5, 'Infinity', 5), (5, 5, '-Infinity')) AS v (r, f, m) \g (format=unaligned)
-- weights: a weight of 3 is as good as three rows; 0 and NULL are skipped and counted
SELECT a.m::jsonb - '{n_input,n_used,n_skipped,features}'::text[] = b.m::jsonb - '{n_input,n_used,n_skipped,features}'::text[] AS same_rest,
       ARRAY(SELECT upper_cut FROM rfm_cut_points(a.m)) IS NOT DISTINCT FROM ARRAY(SELECT upper_cut FROM rfm_cut_points(b.m)) AS same_cuts,
       model_metrics(a.m) ->> 'n_skipped' AS skipped
FROM (SELECT rfm_model(feature_set_weighted(w, recency, frequency, monetary), scheme => 'eleven_names') AS m
      FROM (SELECT id % 4 AS w, * FROM customer UNION ALL SELECT NULL, id, 7, 7, 7 FROM customer WHERE id <= 5) AS t) AS a,
     (SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS m
      FROM customer, generate_series(1, id % 4)) AS b;

-- features by name, in any order and among others
SELECT rfm_model(feature_set(a), scheme => 'eleven_names') = rfm_model(feature_set(b), scheme => 'eleven_names') AS same
FROM (SELECT recency, frequency, monetary FROM customer) AS a, LATERAL (SELECT a.monetary, 'x'::text AS other, a.recency, a.frequency) AS b;

-- NULL
SELECT rfm_model(NULL) IS NULL AS no_set, (SELECT rfm_model(feature_set(1, 2, 3), scheme => 'eleven_names') WHERE false) IS NULL AS no_rows,
       (SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') FROM customer WHERE false) IS NULL AS empty;

-- errors
SET client_min_messages = warning;
SELECT call, left(pg_temp.error_of('SELECT rfm_model(' || call || ') FROM customer'), 80)
FROM (VALUES ('feature_set(recency, frequency)'), ('feature_set(recency, frequency, monetary, 1)'),
             ('feature_set(1, 1, 1), 2'), ('feature_set(1, 1, 1), 11'),
             ('feature_set(1, 1, 1), cuts => ''median'''), ('feature_set(1, 1, 1), scheme => ''none'''),
             ('feature_set(1, 1, 1), scheme => NULL'),
             ('feature_set(1, 1, 1), cuts => NULL'),
             ('feature_set(NULL, 0, 0)'), ('feature_set(1, 1, NULL)'), ('feature_set(1, 1, 1), cuts => ''thresholds'''),
             ('feature_set(1, 1, 1), 3, ''thresholds'', ''{"recency": [1, 2], "frequency": [1, 2]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": [1]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": [1, 2, 3]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": [2, 1]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": [1, 1]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": 1}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": ["1", 2]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"recency": [null, 2]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''{"Recency": [1, 2]}'''),
             ('feature_set(1, 1, 1), 3, thresholds => ''[1, 2]'''), ('feature_set(1, 1, 1), 3, thresholds => ''1'''),
             ('feature_set(ROW(1, 2, ''x''::text))')) AS v (call) \g (format=unaligned)

SELECT left(pg_temp.error_of('SELECT rfm_model(feature_set(1, 1, 1), 3, thresholds => ''{"monetary": [1, 1e400]}'', '
                             'scheme => ''eleven_names'')'), 5) AS beyond_double;

-- the direct trainer trusts nobody
SELECT call, pg_temp.error_of('SELECT segment_internal.rfm_train(' || call || ')')
FROM (VALUES ('NULL::feature_set, 3, 1, ''quantile'', NULL, ''s'', ''{a}'', ''{1}'', ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', ''{1}'', ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(2, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(3, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(0, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(1, ''{3,9}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a,NULL}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(NULL::integer, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{a,a}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{""}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, ''quantile'', NULL, ''s'', ''{}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 99, 1, ''quantile'', NULL, ''s'', ''{a}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 2, ''quantile'', NULL, ''s'', ''{a}'', array_fill(1, ''{27}''), ''n'', false'),
             ('(SELECT feature_set(1, 1, 1)), 3, 1, NULL, NULL, ''s'', ''{a}'', array_fill(1, ''{27}''), ''n'', false'))
     AS v (call) \g (format=unaligned)
