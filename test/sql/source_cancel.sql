--
-- refunds => 'cancel': an order whose lines add up to 0 or less is no order.
--
SET search_path = public, segment, segment_internal;
SET TimeZone = 'UTC';

CREATE TABLE order_line (customer text, at timestamptz, amount numeric, order_id int);
INSERT INTO order_line VALUES
    ('one order, wholly refunded', '2025-01-05Z', 80, 3), ('one order, wholly refunded', '2025-01-06Z', -80, 3),
    ('two orders, one refunded', '2025-01-01Z', 100, 1), ('two orders, one refunded', '2025-01-10Z', 40, 2),
    ('two orders, one refunded', '2025-01-20Z', -100, 1),
    ('a part refunded', '2025-01-01Z', 100, 1), ('a part refunded', '2025-01-02Z', -99.999, 1),
    ('refunded later than as_of', '2025-01-01Z', 5, 9), ('refunded later than as_of', '2025-03-01Z', -5, 9),
    ('buyer for years, refund in the window', '2023-01-01Z', 500, 5), ('buyer for years, refund in the window', '2025-01-15Z', -200, 5),
    ('beyond int64', '2025-01-02Z', 9e18, 6), ('beyond int64', '2025-01-02Z', 9e18, 6), ('beyond int64', '2025-01-03Z', -18e18, 6),
    ('beyond int64', '2025-01-02Z', 1e20, 7), ('beyond int64', '2025-01-03Z', -1e20, 7), ('beyond int64', '2025-01-04Z', 0.01, 7);
SELECT customer, frequency, monetary, first_order_at::date, last_order_at::date, recency
FROM rfm_summary(NULL::text, 'order_line', '2025-02-01Z', '1 year', 'cancel') ORDER BY customer;
SELECT rfm_summary_counts() -> 'orders_cancelled' AS orders_cancelled, rfm_summary_counts() -> 'refunds_netted' AS refunds_netted;
SELECT customer FROM rfm_summary(NULL::text, 'SELECT customer, at, amount FROM order_line', '2025-02-01Z', refunds => 'cancel');
SELECT customer FROM rfm_summary(NULL::text, 'order_line', '2025-02-01Z', refunds => 'void');

-- the same as by SQL, in memory and by files
CREATE TABLE many_line AS
SELECT i % 1500 AS customer, timestamptz '2025-01-01Z' + i * interval '1 minute' AS at,
       (hashint4(i) % 1000 / 100.0)::numeric * CASE WHEN i % 1000 = 3 THEN 1e15 ELSE 1 END AS amount,
       'order ' || i % 1500 || '-' || i / 1500 % 7 AS order_id
FROM generate_series(1, 60000) AS i;
CREATE VIEW many_expected AS
SELECT customer, min(f) FILTER (WHERE s > 0) AS first_at, max(l) FILTER (WHERE s > 0) AS last_at,
       count(*) FILTER (WHERE s > 0) AS orders, sum(s) AS total
FROM (SELECT customer, order_id, sum(amount) AS s, min(at) FILTER (WHERE amount >= 0) AS f, max(at) FILTER (WHERE amount >= 0) AS l
      FROM many_line GROUP BY 1, 2) AS o
GROUP BY 1;
-- since 20 January: who has a line then, and the first order of all; lines before are an order of their own
CREATE VIEW many_expected_late AS
SELECT customer, CASE WHEN count(*) FILTER (WHERE s > 0 AND within) > 0 THEN min(f) FILTER (WHERE s > 0) END AS first_at,
       max(l) FILTER (WHERE s > 0 AND within) AS last_at, count(*) FILTER (WHERE s > 0 AND within) AS orders,
       sum(s) FILTER (WHERE within) AS total
FROM (SELECT customer, order_id, at >= '2025-01-20Z' AS within, sum(amount) AS s,
             min(at) FILTER (WHERE amount >= 0) AS f, max(at) FILTER (WHERE amount >= 0) AS l
      FROM many_line WHERE customer % 9 > 0 OR at < '2025-01-20Z' GROUP BY 1, 2, 3) AS o
GROUP BY 1 HAVING bool_or(within);
CREATE FUNCTION pg_temp.differences_late() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
    FROM many_expected_late AS e FULL JOIN
         rfm_summary(NULL::int, 'SELECT * FROM many_line WHERE customer % 9 > 0 OR at < ''2025-01-20Z''',
                     '2026-01-01Z', '346 days', 'cancel') AS s USING (customer)
    WHERE (e.first_at, e.last_at, e.orders, e.total) IS DISTINCT FROM (s.first_order_at, s.last_order_at, s.frequency, s.monetary)
$$;
CREATE FUNCTION pg_temp.differences() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
    FROM many_expected AS e FULL JOIN rfm_summary(NULL::int, 'many_line', '2026-01-01Z', refunds => 'cancel') AS s USING (customer)
    WHERE (e.first_at, e.last_at, e.orders, e.total) IS DISTINCT FROM (s.first_order_at, s.last_order_at, s.frequency, s.monetary)
$$;
SELECT pg_temp.differences(), pg_temp.differences_late();
SELECT rfm_summary_counts() -> 'rows_spilled' AS rows_spilled, rfm_summary_counts() -> 'customers' AS customers;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT pg_temp.differences();
SELECT (rfm_summary_counts() -> 'rows_spilled')::int > 0 AS spilled;
SELECT pg_temp.differences_late();
SELECT (rfm_summary_counts() -> 'rows_spilled')::int > 0 AS spilled;
SELECT count(*), count(DISTINCT k)
FROM query_keys(NULL::int, 'SELECT amount::int * 7 + customer FROM many_line WHERE abs(amount) < 1e6', NULL) AS k;
SELECT count(DISTINCT amount::int * 7 + customer) FROM many_line WHERE abs(amount) < 1e6;
DROP VIEW many_expected, many_expected_late;
DROP TABLE order_line, many_line;
