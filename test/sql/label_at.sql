-- label_at: labels against plain SQL on random events; features that look ahead are refused, honest ones are the same by hand.
CREATE SCHEMA labels;
SET search_path = labels, segment;
SET timezone = 'UTC';
\set VERBOSITY terse
\i test/lib/try.psql
SELECT setseed(0.17);
CREATE TABLE event AS
SELECT floor(random() * 300)::integer AS customer, timestamptz '2025-01-01' + floor(random() * 8760) * interval '1 hour' AS at,
       random() < 0.6 AS bought, round((random() * 100 - 10)::numeric, 2) AS amount, 'p' || floor(random() * 5) AS product
FROM generate_series(1, 1500);
-- on the very borders of windows
INSERT INTO event VALUES (1001, '2025-06-01', true, 1, 'p0'), (1002, '2025-05-31 23:59:59.999999', false, 1, 'p0'),
    (1002, '2025-06-01', true, 5, 'p0'), (1003, '2025-05-02', true, 1, 'p0'), (1003, '2025-08-30', true, 7, 'p0'),
    (1004, '2025-04-30', true, 1, 'p0'), (1004, '2025-08-29 23:59:59.999999', true, 7, 'p0');

-- ---- the oracle: each date by itself, from the definition ----
CREATE FUNCTION expected(dates timestamptz[], horizon interval, known timestamptz, churn boolean, active interval, by_amount boolean)
    RETURNS TABLE (customer integer, at timestamptz, label boolean, events bigint, amount numeric, first_event_at timestamptz)
    LANGUAGE sql AS $$
    SELECT c.customer, d, CASE WHEN o.over THEN (w.n > 0) <> churn END, CASE WHEN o.over THEN w.n END,
           CASE WHEN o.over THEN w.amount END, CASE WHEN o.over THEN w.first END
    FROM unnest(dates) AS d, LATERAL (SELECT d + horizon <= known) AS o (over),
        LATERAL (SELECT DISTINCT e.customer FROM event AS e WHERE e.at < d AND (active IS NULL OR e.at >= d - active)) AS c,
        LATERAL (SELECT count(*) FILTER (WHERE CASE WHEN by_amount THEN e.amount >= 0 ELSE e.bought END) AS n,
                        coalesce(sum(e.amount) FILTER (WHERE by_amount OR e.bought), 0) AS amount,
                        min(e.at) FILTER (WHERE CASE WHEN by_amount THEN e.amount >= 0 ELSE e.bought END) AS first
                 FROM event AS e WHERE e.customer = c.customer AND e.at >= d AND e.at < d + horizon) AS w
$$;
CREATE TABLE got AS
SELECT v.n, l.customer, l.at, l.label, l.events, l.amount, l.first_event_at
FROM (VALUES (1, 'customer, at, bought, amount', false, NULL::interval), (2, 'customer, at, amount', true, '30 days'),
             (3, 'customer, at, bought, amount', true, '400 days')) AS v (n, columns, churn, active),
    label_at(null::integer, format('SELECT %s FROM event', v.columns), '{2025-06-01, 2025-07-15, 2025-10-01, 2025-02-01}', '90 days',
             known_until => '2025-12-15', churn => v.churn, active_within => v.active) AS l;
CREATE TABLE wanted AS
SELECT v.n, e.* FROM (VALUES (1, false, NULL::interval, false), (2, true, '30 days', true), (3, true, '400 days', false))
    AS v (n, churn, active, by_amount), expected('{2025-06-01, 2025-07-15, 2025-10-01, 2025-02-01}', '90 days', '2025-12-15', v.churn,
                                                 v.active, v.by_amount) AS e;
SELECT (SELECT count(*) FROM got) = (SELECT count(*) FROM wanted) AS as_many, count(*) AS others
FROM ((TABLE got EXCEPT TABLE wanted) UNION ALL (TABLE wanted EXCEPT TABLE got)) AS d;
SELECT n, at::date, count(*) > 100 AS customers, count(*) FILTER (WHERE label) > 20 AS with,
       count(*) FILTER (WHERE NOT label) > 20 AS without,
       count(*) FILTER (WHERE label IS NULL) = count(*) AS unknown FROM got GROUP BY 1, 2 ORDER BY 1, 2;
SELECT customer, label, events, amount FROM got WHERE n = 1 AND at = '2025-06-01' AND customer > 1000 ORDER BY 1;

-- ---- other types, zones; what is not known ----
SELECT customer, at, label, first_event_at FROM label_at(null::text,
    $$ SELECT * FROM (VALUES ('a', date '2025-03-01'), ('a', '2025-04-01'), ('b', '2025-03-29'), ('c', '2025-03-30')) AS v $$,
    '{2025-03-30 00:00+01}', '2 days', time_zone => 'Europe/Berlin') ORDER BY customer;
-- a day of 23 hours and a day later: the horizon is of calendar days
SELECT customer, at, label, events FROM label_at(null::bigint,
    $$ SELECT 1::bigint, v.at, 'web' AS channel
       FROM (VALUES (timestamp '2025-03-01'), ('2025-04-01 00:30'), ('2025-03-31 23:30')) AS v (at) $$,
    '{2025-03-30 00:00+01}', '2 days', time_zone => 'Europe/Berlin');
-- rows to come do not make the present known
SET client_min_messages = warning;
SELECT customer, at = now() AS at_now, label, events, amount, first_event_at FROM label_at(null::uuid,
    $$ SELECT '00000000-0000-0000-0000-000000000001'::uuid, now() - n * interval '1 day', n FROM generate_series(-50, 50) AS n $$,
    ARRAY[now()], '10 days');
RESET client_min_messages;
SELECT label, count(*) FROM label_at(null::integer,
    $$ VALUES (1, timestamp '2025-01-01', true, 1.0), (2, '2025-01-01', NULL, 1), (NULL, '2025-01-01', true, 1), (3, 'infinity', true, 1),
              (4, NULL, true, 1), (5, '2025-01-01', true, 'NaN'), (1, '2025-05-01', false, 1) $$, '{2025-02-01}', '1 month') GROUP BY 1;
SELECT count(*) FROM label_at(null::integer, 'SELECT customer, at FROM event WHERE false', '{2025-02-01}', '1 month');

-- ---- features ----
-- honest: of history, and the same by hand
CREATE TABLE made AS
SELECT customer, at, to_jsonb(features) AS made FROM label_at(null::integer, 'SELECT customer, at, bought, amount, product FROM event',
    '{2025-06-01, 2025-09-01}', '90 days', feature_query => $$
        SELECT customer, count(*) AS events, sum(amount) AS total, as_of()::date - max(at)::date AS idle, max(at) AS last, min(product) AS p
        FROM history GROUP BY customer -- $$);
SELECT count(*) > 400 AS rows,
       count(*) FILTER (WHERE made - 'label' <> jsonb_build_object('events', h.n, 'total', h.total, 'idle', h.idle, 'p', h.p)) AS others,
       count(*) FILTER (WHERE (made ->> 'label')::boolean IS DISTINCT FROM g.label) AS other_labels
FROM made AS m JOIN LATERAL (
    SELECT count(*) AS n, sum(amount) AS total, m.at::date - max(e.at)::date AS idle, min(product) AS p FROM event AS e
    WHERE e.customer = m.customer AND e.at < m.at) AS h ON true
JOIN expected('{2025-06-01, 2025-09-01}', '90 days', '2025-12-31', false, NULL, false) AS g ON g.customer = m.customer AND g.at = m.at;
SELECT as_of() = now() AS as_before;
-- they train, and a model trained at one date predicts at another
SELECT count(*) > 200 AS predicted, bool_and(predict(m.model, l.features) BETWEEN 0.2 AND 0.99) AS probable
FROM (SELECT logistic_regression(feature_set(features)) AS model FROM label_at(null::integer, 'SELECT customer, at, bought FROM event',
          '{2025-06-01}', '90 days', feature_query => 'SELECT customer, count(*) AS events FROM history GROUP BY customer')) AS m,
    label_at(null::integer, 'SELECT customer, at, bought FROM event', '{2025-09-01}', '90 days',
             feature_query => 'SELECT customer, count(*) AS events FROM history GROUP BY customer') AS l;
-- a table beside the history, which says until when it tells
CREATE TABLE account AS
SELECT c AS customer, timestamptz '2024-01-01' + c * interval '1 day' AS opened_at, 'r' || c % 3 AS region,
       CASE WHEN c % 4 = 0 THEN timestamptz '2025-06-20' + c * interval '1 hour' END AS cancelled_at
FROM generate_series(0, 299) AS c;
CREATE FUNCTION labelled(feature_query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN try(format('SELECT count(features) || '' rows'' FROM label_at(null::integer, ''SELECT customer, at FROM event'',
        ''{2025-06-01}'', ''90 days'', feature_query => %L)', feature_query));
END $$;
SELECT labelled('SELECT customer, region, opened_at AS known_at FROM account');
-- what looks ahead, is refused
SELECT labelled('SELECT customer, count(*) AS all_orders FROM event GROUP BY customer');
SELECT labelled('SELECT customer, count(*) AS all_orders, max(at) AS known_at FROM event GROUP BY customer');
SELECT labelled('SELECT customer, region, opened_at AS known_at, cancelled_at FROM account');
SELECT labelled('SELECT customer, region, cancelled_at AS known_at FROM account WHERE customer < 2');
SELECT labelled('SELECT customer, count(*) AS n, date ''2025-06-01'' AS due FROM history GROUP BY customer');
SELECT labelled('SELECT customer, count(*) AS n, max(at) AS known_at FROM event WHERE at < as_of() GROUP BY customer') LIKE '% rows'
    AS honest;
-- what is no row of features
SELECT labelled('SELECT customer, amount FROM history');
SELECT labelled('SELECT customer, bought FROM event');
SELECT labelled('SELECT customer, 1 AS n FROM history');
SELECT labelled('SELECT customer::text, 1 AS n FROM history');
SELECT labelled('SELECT customer, at FROM history');
SELECT labelled('SELECT customer, true AS label FROM history');
SELECT labelled('SELECT 1; SELECT 2');
SELECT labelled('DELETE FROM event RETURNING customer, 1');

-- ---- refused ----
SELECT try($$ SELECT label_at(null::integer, NULL, '{2025-06-01}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, at FROM event', '{2025-06-01, NULL}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, at FROM event', '{}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, at FROM event', '{2025-06-01, infinity}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, at FROM event', '{2025-06-01}', '0 days') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, at FROM event', '{2025-06-01}', '1 day', active_within => '-1 day') $$);
SELECT try($$ SELECT label_at(null::bigint, 'SELECT customer, at FROM event', '{2025-06-01}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer, amount FROM event', '{2025-06-01}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'SELECT customer FROM event', '{2025-06-01}', '1 day') $$);
SELECT try($$ SELECT label_at(null::integer, 'DELETE FROM event', '{2025-06-01}', '1 day') $$);

-- ---- criteria that say too much are told ----
\set VERBOSITY default
SELECT feature FROM (SELECT feature_set(r) AS s FROM (
    SELECT l.label, l.events, l.customer % 7 AS week FROM label_at(null::integer, 'SELECT customer, at, bought FROM event', '{2025-06-01}',
                                                                  '90 days') AS l) AS r) AS t, rank_criteria(s);
SELECT feature FROM (SELECT feature_set(r) AS s FROM (
    SELECT l.label, l.events, l.events + 1 AS more FROM label_at(null::integer, 'SELECT customer, at, bought FROM event', '{2025-06-01}',
                                                                 '90 days') AS l) AS r) AS t, rank_criteria(s, resamples => 0);
\set VERBOSITY terse
DROP SCHEMA labels CASCADE;
