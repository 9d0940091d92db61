-- Experiments under chance: outcomes and results against plain SQL over the same rows, with the segments that the test
-- itself wrote down at each refresh; and what is found where there is something to find, and where there is not.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

SELECT setseed(0.25);
CREATE TABLE chance_who (id bigint, points integer);
CREATE TABLE chance_run (at timestamptz);
CREATE TABLE chance_was (at timestamptz, id bigint, segment text, PRIMARY KEY (id, at));
INSERT INTO chance_who SELECT n, random() * 100 FROM generate_series(1, 2000) AS n;
SELECT create_rule_segmentation('chance', 'chance_who', '{"low": "points < 20", "mid": "points < 50", "high": "points < 97",
    "top": "true"}',
                                max_departed => 1);
CREATE PROCEDURE live(until date) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := '2024-01-01';
BEGIN
    WHILE at < until LOOP
        UPDATE chance_who SET points = random() * 100 WHERE random() < 0.2;
        DELETE FROM chance_who WHERE random() < 0.05;
        INSERT INTO chance_who SELECT n, random() * 100 FROM generate_series(1, 2200) AS n
        WHERE random() < 0.1 AND n NOT IN (SELECT id FROM chance_who);
        PERFORM refresh_segmentation('chance', at);
        INSERT INTO chance_run VALUES (at);
        INSERT INTO chance_was
        SELECT at, id, CASE WHEN points < 20 THEN 'low' WHEN points < 50 THEN 'mid' WHEN points < 97 THEN 'high' ELSE 'top' END FROM
            chance_who;
        at := at + interval '5 days';
    END LOOP;
END $$;
CALL live('2024-03-01');
-- exposures, some at the very instants of refreshes, some twice, some in two arms
CREATE TABLE chance_sent AS
SELECT n::bigint AS customer, (ARRAY['none', 'mail', 'call', 'mail', 'none'])[1 + floor(random() * 5)::integer] AS arm,
       CASE WHEN random() < 0.2 THEN timestamptz '2024-01-01' + floor(random() * 12) * interval '5 days'
            ELSE timestamptz '2024-01-01' + random() * interval '59 days' END AS at
FROM generate_series(1, 2300) AS n;
INSERT INTO chance_sent SELECT customer, CASE WHEN random() < 0.3 THEN 'mail' ELSE arm END, at + (random() - 0.5) * interval '8 days'
FROM chance_sent WHERE random() < 0.2;
CREATE TABLE chance_bought AS
SELECT 1 + floor(random() * 2300)::bigint AS customer, timestamptz '2023-12-10' + random() * interval '80 days' AS at,
       floor(random() * 100 - 5) AS value, 1 + floor(random() * 3)::integer AS items
FROM generate_series(1, 9000);
CREATE INDEX ON chance_bought (customer, at);
UPDATE chance_bought SET value = NULL WHERE random() < 0.003;
UPDATE chance_bought SET value = 'infinity' WHERE random() < 0.001;

SELECT create_metric('c mean', 'chance_bought', 'mean');
SELECT create_metric('c rate', 'SELECT customer, at, value > 50 AS value FROM chance_bought', 'rate');
SELECT create_metric('c ratio', 'SELECT customer, at, value, items AS denominator FROM chance_bought', 'ratio', better => 'down');
SELECT create_experiment(name, 'chance', metric, 'chance_sent', '{"none": 2, "mail": 2, "call": 1}', 'none', '10 days', w, tuned_for => n)
FROM (VALUES ('r mean', 'c mean', NULL::interval, NULL::bigint), ('r sharp', 'c mean', '14 days', NULL), ('r rate', 'c rate', NULL, NULL),
             ('r rate sharp', 'c rate', '14 days', 1000), ('r ratio', 'c ratio', NULL, 500)) AS e (name, metric, w, n);

-- ---- what each did ----
CREATE FUNCTION expected(kind text, w interval) RETURNS TABLE (customer bigint, arm text, segment text, exposed_at timestamptz,
    complete boolean,
    value float8, denominator float8, before float8, left_out text) LANGUAGE sql AS $$
WITH first AS (
    SELECT customer, min(at) AS at, min(arm) AS arm, count(DISTINCT arm) AS arms FROM chance_sent WHERE at < '2024-03-01' GROUP BY 1),
told AS (
    SELECT f.customer, CASE WHEN f.arms = 1 THEN f.arm END AS arm,
           (SELECT s.segment FROM chance_was AS s
            WHERE s.id = f.customer AND s.at = (SELECT max(r.at) FROM chance_run AS r WHERE r.at <= f.at)) AS segment,
           f.at, f.at + interval '10 days' <= '2024-03-01' AS complete, d.*
    FROM first AS f CROSS JOIN LATERAL (
        SELECT CASE WHEN kind = 'rate' THEN CASE WHEN bool_or(b.value > 50) FILTER (WHERE b.at >= f.at) THEN 1
                                            WHEN bool_or(b.value IS NULL) FILTER (WHERE b.at >= f.at) THEN NULL ELSE 0 END
               ELSE CASE WHEN count(b.at) FILTER (WHERE b.at >= f.at) = count(b.value) FILTER (WHERE b.at >= f.at)
                         THEN coalesce(sum(b.value) FILTER (WHERE b.at >= f.at), 0) END END AS value,
               coalesce(sum(b.items) FILTER (WHERE b.at >= f.at), 0) AS denominator,
               CASE WHEN kind = 'rate' THEN CASE WHEN bool_or(b.value > 50) FILTER (WHERE b.at < f.at) THEN 1
                                            WHEN bool_or(b.value IS NULL) FILTER (WHERE b.at < f.at) THEN NULL ELSE 0 END
               ELSE CASE WHEN count(b.at) FILTER (WHERE b.at < f.at) = count(b.value) FILTER (WHERE b.at < f.at)
                         THEN coalesce(sum(b.value) FILTER (WHERE b.at < f.at), 0) END END AS before
        FROM chance_bought AS b
        WHERE b.customer = f.customer AND b.at >= f.at - coalesce(w,
            '0') AND b.at < f.at + interval '10 days' AND b.at < '2024-03-01') AS d)
SELECT t.customer, t.arm, t.segment, t.at, t.complete, t.value, CASE WHEN kind = 'ratio' THEN t.denominator END,
       CASE WHEN w IS NOT NULL THEN t.before END,
       CASE WHEN t.arm IS NULL THEN 'in several arms' WHEN NOT t.complete THEN 'window not over'
            WHEN t.value IS NULL OR abs(t.value) = 'infinity' OR w IS NOT NULL AND (t.before IS NULL OR abs(t.before) = 'infinity')
                THEN 'value missing' END
FROM told AS t $$;
CREATE TABLE want AS
SELECT e.name, e.metric, e.covariate_window, e.tuned_for, x.*
FROM experiment AS e CROSS JOIN LATERAL expected(split_part(e.metric, ' ', 2), e.covariate_window) AS x WHERE e.name LIKE 'r %';
CREATE TABLE got AS
SELECT e.name, o.* FROM experiment AS e CROSS JOIN LATERAL experiment_outcomes(null::bigint, e.name,
    '2024-03-01') AS o WHERE e.name LIKE 'r %';
SELECT name, count(*) > 2000 AS many, count(DISTINCT left_out) FROM want GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differ FROM want AS w FULL JOIN got AS g USING (name, customer)
WHERE (w.arm, w.segment, w.exposed_at, w.complete, w.value, w.denominator, w.before, w.left_out)
      IS DISTINCT FROM (g.arm, g.segment, g.exposed_at, g.complete, g.value, g.denominator, g.before, g.left_out);
SELECT count(DISTINCT segment) AS segments, bool_or(segment IS NULL) AS some_in_none FROM want;

-- ---- what came of it: lift() over plain SQL, Benjamini-Hochberg and Cochran's Q as in books ----
CREATE TABLE result AS
SELECT e.name, r.* FROM experiment AS e CROSS JOIN LATERAL experiment_result(e.name, '2024-03-01', 1) AS r WHERE e.name LIKE 'r %';
CREATE FUNCTION of_rows(kind text, adjusted boolean, rows want[]) RETURNS outcome LANGUAGE sql AS $$
SELECT CASE WHEN kind = 'ratio' THEN (SELECT outcome_ratio(r.value, r.denominator) FROM unnest(rows) AS r)
            WHEN adjusted THEN (SELECT outcome(VARIADIC ARRAY[r.value, r.before]) FROM unnest(rows) AS r)
            WHEN kind = 'rate' THEN (SELECT outcome(r.value = 1) FROM unnest(rows) AS r)
            ELSE (SELECT outcome(r.value) FROM unnest(rows) AS r) END $$;
CREATE TABLE cell AS
SELECT name, arm, scope, max(tuned_for) AS tuned_for, of_rows(split_part(min(metric), ' ', 2), min(covariate_window) IS NOT NULL,
    array_agg(w)) AS o
FROM want AS w CROSS JOIN LATERAL (VALUES ('all'), (coalesce(segment, 'nobody'))) AS s (scope)
WHERE left_out IS NULL GROUP BY 1, 2, 3;
CREATE TABLE compared AS
SELECT t.name, t.arm, t.scope, l.*, (te.std_error ^ 2 + ce.std_error ^ 2) * (1 - coalesce(l.variance_reduction, 0)) AS variance,
       detectable_lift(c.o, te.customers, ce.customers) AS detectable
FROM cell AS t JOIN cell AS c ON c.name = t.name AND c.scope = t.scope AND c.arm = 'none',
     lift(t.o, c.o, 0.95, t.tuned_for) AS l, estimate(t.o) AS te, estimate(c.o) AS ce WHERE t.arm <> 'none';
SELECT count(*) AS compared, sum((w.name IS NULL OR r.name IS NULL
        OR (w.treated_customers, w.control_customers, w.treated_value, w.control_value, w.difference, w.difference_lower,
            w.difference_upper,
            w.lift, w.lift_lower, w.lift_upper, w.p_value, w.variance_reduction, w.detectable) IS DISTINCT FROM
           (r.treated_customers, r.control_customers, r.treated_value, r.control_value, r.difference, r.difference_lower,
               r.difference_upper,
            r.lift, r.lift_lower, r.lift_upper, r.p_value, r.variance_reduction, r.detectable_lift))::integer) AS differ
FROM compared AS w
FULL JOIN result AS r ON r.name = w.name AND r.arm = w.arm AND w.scope = CASE r.what WHEN 'all' THEN 'all' WHEN 'segment' THEN
    r.segment ELSE 'nobody' END;
SELECT count(*) AS adjusted, count(*) FILTER (WHERE abs(r.p_adjusted - b.p_bh) <= 1e-14) AS alike
FROM (SELECT name, arm, scope, least(1, min(p * m / i) OVER (PARTITION BY name, arm ORDER BY p DESC)) AS p_bh
      FROM (SELECT name, arm, scope, p_value AS p, count(*) OVER (PARTITION BY name, arm) AS m,
                   row_number() OVER (PARTITION BY name, arm ORDER BY p_value) AS i
            FROM compared WHERE scope <> 'all' AND p_value IS NOT NULL) AS x) AS b
JOIN result AS r ON r.name = b.name AND r.arm = b.arm AND b.scope = CASE r.what WHEN 'segment' THEN r.segment WHEN 'no segment' THEN
    'nobody' END;
SELECT count(*) AS tests, count(*) FILTER (WHERE r.heterogeneity_segments = q.k AND abs(r.heterogeneity_q / q.q - 1) <= 1e-9
                                                 AND abs(r.heterogeneity_p - chi_squared_p(q.q, q.k - 1)) <= 1e-9) AS alike
FROM (SELECT name, arm, count(*) AS k,
             sum(difference ^ 2 / variance) - sum(difference / variance) ^ 2 / sum(1 / variance) AS q
      FROM compared WHERE scope <> 'all' AND variance > 0 GROUP BY 1, 2) AS q
JOIN result AS r ON r.name = q.name AND r.arm = q.arm AND r.what = 'all';
-- arms of the planned sizes: two to two to one, of all who are in one arm
SELECT count(*) AS tests, count(*) FILTER (WHERE abs(r.ratio_p - s.p) <= 1e-12) AS alike
FROM (SELECT name, chi_squared_p(sum((n - total * share) ^ 2 / (total * share)), 2) AS p
      FROM (SELECT name, arm, count(*)::float8 AS n, sum(count(*)) OVER (PARTITION BY name)::float8 AS total,
                   CASE arm WHEN 'call' THEN 0.2 ELSE 0.4 END::float8 AS share
            FROM want WHERE arm IS NOT NULL GROUP BY 1, 2) AS a GROUP BY 1) AS s
JOIN result AS r ON r.name = s.name AND r.what = 'all';
SELECT count(*) AS scopes, count(*) FILTER (WHERE r.left_out = coalesce(w.left_out, '{}')) AS alike
FROM result AS r
LEFT JOIN (SELECT name, scope, jsonb_object_agg(left_out, n) AS left_out
           FROM (SELECT name, scope, left_out, count(*) AS n
                 FROM want CROSS JOIN LATERAL (VALUES ('all'), (coalesce(segment, 'nobody'))) AS s (scope)
                 WHERE left_out IS NOT NULL GROUP BY 1, 2, 3) AS g GROUP BY 1, 2) AS w
ON w.name = r.name AND w.scope = CASE r.what WHEN 'all' THEN 'all' WHEN 'segment' THEN r.segment ELSE 'nobody' END;
-- small ones: the total less what is shown is never of fewer than min_customers in an arm
SELECT count(*) FILTER (WHERE shown < total) > 0 AS some_withheld,
    count(*) FILTER (WHERE total - shown BETWEEN 1 AND least_customers - 1) AS told
FROM (SELECT e.name, r.arm, k.least_customers, sum(treated_customers) FILTER (WHERE what <> 'all' AND difference IS NOT NULL) AS shown,
             sum(treated_customers) FILTER (WHERE what = 'all') AS total
      FROM experiment AS e CROSS JOIN (VALUES (10), (40), (100)) AS k (least_customers)
      CROSS JOIN LATERAL experiment_result(e.name, '2024-03-01', k.least_customers) AS r WHERE e.name IN ('r mean',
          'r sharp') GROUP BY 1, 2, 3) AS s;

-- ---- verdicts follow the intervals, and none says that there is no effect ----
SELECT count(*) AS rows, count(*) FILTER (WHERE verdict ~* 'no (effect|difference)|not significant|same') AS too_sure,
       count(*) FILTER (WHERE (verdict ~ 'does (better|worse)') <> (difference_lower > 0 OR difference_upper < 0)
                              AND p_adjusted IS NULL) AS contradict
FROM result;
-- with nothing to find one in twenty is found; of twice as many buyers each one
CREATE FUNCTION draw(salt text, rate float8) RETURNS TABLE (name text, verdict text, p float8, lower float8,
    upper float8) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM create_metric(salt, format('SELECT n::bigint AS customer, timestamptz ''2024-02-02'' AS at, hash_fraction(%1$L,
        n::bigint) < CASE
        WHEN hash_fraction(%2$L, n::bigint) < 0.5 THEN %3$s ELSE 0.1 END AS value FROM generate_series(1, 1500) AS n', salt || 'did',
            salt, rate), 'rate');
    PERFORM create_experiment(salt, 'chance', salt, format('SELECT n::bigint AS customer, CASE WHEN hash_fraction(%L,
        n::bigint) < 0.5 THEN ''a''
        ELSE ''b'' END AS arm, timestamptz ''2024-02-01'' AS at FROM generate_series(1, 1500) AS n', salt), '{"a": 1, "b": 1}', 'b',
            '7 days', salt => salt);
    RETURN QUERY SELECT salt, r.verdict, r.p_value, r.difference_lower, r.difference_upper FROM experiment_result(salt, '2024-03-01') AS r
    WHERE r.what = 'all';
    PERFORM drop_experiment(salt), drop_metric(salt);
END $$;
SELECT count(*) FILTER (WHERE verdict LIKE 'Not settled%') BETWEEN 34 AND 40 AS mostly_not_settled, count(DISTINCT p) > 35 AS all_others
FROM generate_series(1, 40) AS n, draw('nothing ' || n, 0.1);
SELECT count(*) FILTER (WHERE verdict LIKE '"a" does better than "b"%') AS found,
    count(*) FILTER (WHERE 0.1 BETWEEN lower AND upper) >= 16 AS held
FROM generate_series(1, 20) AS n, draw('something ' || n, 0.2);

SELECT count(drop_experiment(name)) FROM experiment;
SELECT count(drop_metric(name)) FROM metric;
SELECT drop_segmentation('chance');
DROP TABLE compared, cell, result, got;
DROP FUNCTION draw, of_rows, expected;
DROP PROCEDURE live;
DROP TABLE want, chance_who, chance_run, chance_was, chance_sent, chance_bought;
