-- Schemes with tenure, the shipped default, and what scheme_check finds in the shipped ones.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS segment;
SET search_path = segment, public;
RESET client_min_messages;

-- steps of the ranked name against a score: 100 steps a feature with 5 bins
SELECT s.name, c.problem, c.feature, count(*)
FROM rfm_scheme AS s, scheme_check(s.name) AS c
WHERE s.shipped AND c.problem IN ('rise', 'hole', 'unreachable')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT segment, codes FROM scheme_check('eleven_names') WHERE feature = 'recency';

-- the default: complete and monotone in each direction, for every number of bins, told apart from scheme_check
CREATE TEMP TABLE score AS
SELECT b.bins, x.r, x.f, x.m, x.t, array_position(s.ranking, names[cells[cell]]) AS place, names[cells[cell]] AS name
FROM generate_series(3, 10) AS b(bins), rfm_scheme AS s,
     LATERAL segment_internal.scheme_cells('default', b.bins, true),
     LATERAL segment_internal.scheme_scores(1, b.bins, true) AS x
WHERE s.name = 'default';
SELECT count(*) = sum(CASE WHEN place IS NOT NULL THEN 1 END) AS complete, count(*) FROM score;
SELECT count(*) FILTER (WHERE b.r = a.r + 1) AS recency_steps, count(*) FILTER (WHERE b.r = a.r + 1 AND b.place > a.place) AS recency,
       count(*) FILTER (WHERE b.f = a.f + 1 AND b.place > a.place) AS frequency,
       count(*) FILTER (WHERE b.m = a.m + 1 AND b.place > a.place) AS monetary,
       count(*) FILTER (WHERE b.t = a.t + 1 AND b.place < a.place) AS tenure
FROM (VALUES (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)) AS step(r, f, m, t),
     score AS a JOIN score AS b USING (bins)
WHERE (b.r, b.f, b.m, b.t) = (a.r + step.r, a.f + step.f, a.m + step.m, a.t + step.t);
-- none is New who is known for long
SELECT bins, max(t) FROM score WHERE name = 'New' GROUP BY bins ORDER BY bins;

-- scores and places
CREATE TEMP TABLE trained AS
SELECT rfm_model(feature_set(v, v, v, v)) AS model FROM generate_series(1, 1000) AS v;
SELECT frequency, tenure, assign_segment(model, 1, frequency, 1, tenure), tenure_score(model, tenure), rfm_score(model, 1, frequency, 1)
FROM trained, (VALUES (1, 0), (1, 90), (1, 91), (1, 365), (1, 5000), (900, 10), (1, NULL)) AS v(frequency, tenure);
SELECT assign_segment(model, NULL, 0, 0, NULL) AS none, assign_segment(model, NULL, 0, -5, NULL) AS refunds_only,
       assign_segment(model, NULL, 0, NULL, NULL) AS nothing, rfm_score(model, NULL, 0, -5, NULL) AS no_score,
       explain_segment(model, NULL, 0, -5, NULL) ->> 'reason' AS reason FROM trained;
SELECT feature, score, lower_cut, upper_cut FROM trained, rfm_cut_points(model) WHERE feature = 'tenure';
SELECT model::text::segment_model::text = model::text AS same,
       jsonb_array_length(model::text::jsonb -> 'cells') AS cells, model::text::jsonb ->> 'cuts' AS cuts FROM trained;

-- a set without tenure is told, and never gives New; a scheme without tenure takes three
SELECT assign_segment(rfm_model(feature_set(v, v, v)), 1, 1, 1), tenure_score(rfm_model(feature_set(v, v, v)), 1)
FROM generate_series(1, 100) AS v;
SELECT rfm_model(feature_set(v, v, v, v), scheme => 'eleven_names') FROM generate_series(1, 10) AS v;
SELECT rfm_model(feature_set(v, v)) FROM generate_series(1, 10) AS v;

-- NULL means the default
SELECT rfm_model(feature_set(v, v, v, v), NULL, NULL, NULL, NULL)::text = rfm_model(feature_set(v, v, v, v))::text AS same
FROM generate_series(1, 100) AS v;
\set VERBOSITY default
SELECT rfm_model(feature_set(v, v, v, v), thresholds => '{"recency": [30, 60, 90]}') FROM generate_series(1, 10) AS v;
SELECT create_rfm_scheme('bad', '[{"segment": "A"}]', ranking => '{A,B}');
SELECT create_rfm_scheme('bad', '[{"segment": "A"}]', ranking => '{A,A}');
\set VERBOSITY terse

-- law 17: values that differ by rounding only are ties; thresholds are exact
SELECT cuts, frequency_score(model, 3e-1) = frequency_score(model, 0.1::float8 + 0.2::float8) AS tie
FROM unnest('{quantile,natural_breaks}'::text[]) AS cuts,
     LATERAL (SELECT rfm_model(feature_set(v, CASE v % 4 WHEN 0 THEN 0.3 WHEN 1 THEN 0.1::float8 + 0.2::float8 WHEN 2 THEN 0.9 ELSE 7 END,
                                           v),
                               bins => 4, cuts => cuts, scheme => 'rf_grid') AS model FROM generate_series(1, 40) AS v) AS t;
SELECT frequency_score(model, 0.3::float8) AS on_it, frequency_score(model, 0.1::float8 + 0.2::float8) AS beyond
FROM (SELECT rfm_model(feature_set(v, v, v), bins => 3, thresholds => '{"frequency": [0.3, 5]}', scheme => 'rf_grid') AS model
      FROM generate_series(1, 40) AS v) AS t;

-- a segmentation: New by the first order, in calendar days of its time zone; refunds only is no prospect
CREATE TABLE tenure_orders (customer integer, at timestamptz, amount numeric);
INSERT INTO tenure_orders
SELECT c, '2024-12-31 12:00Z'::timestamptz - (c % 10 + n * 30) * interval '1 day', c % 7
FROM generate_series(1, 100) AS c, generate_series(0, c % 5 * 3) AS n;
INSERT INTO tenure_orders VALUES (1000, '2024-12-01Z', -5);
SET client_min_messages = warning;
SELECT create_rfm_segmentation('tenure', 'tenure_orders', time_zone => 'UTC', customers => 'SELECT 2000 UNION SELECT 1');
SELECT customers, entered FROM refresh_segmentation('tenure', '2025-01-01Z');
SELECT segment, count(*), min('2025-01-01Z' - first_order_at), max('2025-01-01Z' - first_order_at)
FROM tenure_segments WHERE segment IN ('New', 'Promising') GROUP BY segment ORDER BY segment;
SELECT customer, segment, rfm_score FROM tenure_segments WHERE customer >= 1000 ORDER BY customer;
-- a later refresh moves customers under the kept model and under a new one
SELECT customers FROM refresh_segmentation('tenure', '2025-03-01Z');
SELECT count(*) FROM tenure_segments WHERE segment = 'New' AND '2025-03-01Z' - first_order_at > interval '91 days';
SELECT drop_segmentation('tenure');

-- a lookback does not make somebody new who bought for years: tenure is by the first order of all
SELECT create_rfm_segmentation('tenure', 'tenure_orders', time_zone => 'UTC', lookback => '60 days');
SELECT outcome FROM refresh_segmentation('tenure', '2025-01-01Z');
SELECT count(*) AS members, count(*) FILTER (WHERE m.first_order_at IS DISTINCT FROM o.first_order_at) AS wrong_first,
       count(*) FILTER (WHERE o.days > 90) AS known_long, count(*) FILTER (WHERE o.days > 90 AND m.segment = 'New') AS known_and_new,
       count(*) FILTER (WHERE m.segment = 'New') AS new
FROM tenure_segments AS m
FULL JOIN (SELECT customer, min(at) AS first_order_at, date '2025-01-01' - (min(at) AT TIME ZONE 'UTC')::date AS days
           FROM tenure_orders WHERE amount >= 0 GROUP BY 1
           HAVING max(at) >= timestamptz '2025-01-01Z' - interval '60 days') AS o USING (customer)
WHERE m.frequency > 0 OR o.customer IS NOT NULL;
SELECT value, score, explanation LIKE 'first order on%' AS told FROM explain_customer('tenure', 4) WHERE what = 'tenure';
SELECT (date '2025-01-01' - (min(at) AT TIME ZONE 'UTC')::date)::text AS tenure FROM tenure_orders WHERE customer = 4;
SELECT drop_segmentation('tenure');
DROP TABLE tenure_orders;
