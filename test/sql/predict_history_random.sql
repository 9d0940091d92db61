--
-- buying_history against plain SQL on random orders: keys, times and amounts of several types, in several orders, with and without
-- the memory for it.
--
CREATE SCHEMA history_random;
SET search_path = history_random, segment;
SET client_min_messages = warning;
SET TimeZone = 'Europe/Berlin';
SELECT setseed(0.25);
-- few customers with many orders, many with few; some on one day; amounts of 0 to 25 digits after the point
CREATE TABLE event AS
SELECT i, (floor(300 * random() ^ 3))::bigint::text AS customer,
       timestamp '2021-01-01' + floor(random() * 3 * 365) * interval '1 day' + floor(random() * 24) * interval '1 hour' AS at,
       CASE WHEN i % 50 = 0 THEN -5 WHEN i % 97 = 0 THEN round(random()::numeric, 25) WHEN i % 89 = 0 THEN 9e18 - i
            ELSE round((random() * 100)::numeric, i % 5) END AS amount
FROM generate_series(1, 6000) AS i;
-- the number of the period of a local time
CREATE FUNCTION period(at timestamp, unit text) RETURNS integer LANGUAGE sql IMMUTABLE RETURN CASE unit
    WHEN 'day' THEN at::date - date '2000-01-03' WHEN 'week' THEN floor((at::date - date '2000-01-03') / 7.0)::integer
    WHEN 'year' THEN extract(year FROM at)::integer
    ELSE (extract(year FROM at)::integer * 12 + extract(month FROM at)::integer - 1) / CASE unit WHEN 'quarter' THEN 3 ELSE 1 END END;
-- by window functions, nothing of it as buying_history does it; local times
CREATE FUNCTION expected(as_of timestamp, unit text, since timestamp, holdout_from timestamp, whole boolean)
RETURNS TABLE (customer text, x float8, t_x float8, t float8, mean_value float8, holdout_x float8, holdout_t float8,
               holdout_mean_value float8)
LANGUAGE sql STABLE SET work_mem = '64MB' AS $$
WITH option AS (
    SELECT CASE WHEN whole THEN unit ELSE 'day' END AS purchase, COALESCE(holdout_from, as_of) AS parted,
           CASE WHEN whole THEN 1 ELSE (ARRAY[1, 7, 30.4375, 91.3125, 365.25])[array_position('{day,week,month,quarter,year}', unit)] END
               AS days
), purchase AS (
    SELECT e.customer, period(e.at, o.purchase) AS n, e.at >= o.parted AS holdout, sum(e.amount) AS amount, min(e.at) AS at
    FROM event AS e, option AS o WHERE e.amount >= 0 AND e.at < as_of GROUP BY 1, 2, 3
), numbered AS (
    SELECT p.*, min(p.n) OVER w AS first, min(p.at) OVER w AS first_at FROM purchase AS p WINDOW w AS (PARTITION BY p.customer)
)
SELECT p.customer, count(*) FILTER (WHERE NOT holdout) - 1, ((max(n) FILTER (WHERE NOT holdout) - first) / days)::float8,
       ((period(parted - interval '1 us', purchase) - first) / days)::float8, avg(amount) FILTER (WHERE NOT holdout AND n > first),
       CASE WHEN holdout_from IS NOT NULL THEN count(*) FILTER (WHERE holdout) END,
       CASE WHEN holdout_from IS NOT NULL
            THEN ((period(as_of - interval '1 us', purchase) - period(parted - interval '1 us', purchase)) / days)::float8 END,
       avg(amount) FILTER (WHERE holdout)
FROM numbered AS p, option WHERE first_at < parted AND (since IS NULL OR first_at >= since)
GROUP BY p.customer, first, days, parted, purchase
$$;
-- figures of two results that are not the same, but for a last digit or two
CREATE FUNCTION off(a float8, b float8) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN (a IS NULL) <> (b IS NULL) OR abs(a - b) > 1e-15 * greatest(abs(a), abs(b));
CREATE FUNCTION wrong(key anyelement, query text, as_of timestamp, unit text, since timestamp, holdout timestamp, whole boolean)
RETURNS bigint LANGUAGE sql AS $$
SELECT count(*)
FROM buying_history(key, query, as_of AT TIME ZONE 'Europe/Berlin', unit, since AT TIME ZONE 'Europe/Berlin',
                    holdout AT TIME ZONE 'Europe/Berlin', whole) AS h
FULL JOIN expected(as_of, unit, since, holdout, whole) AS e ON e.customer = h.customer::text
WHERE h.customer IS NULL OR e.customer IS NULL OR h.x <> e.x OR off(h.t_x, e.t_x) OR off(h.t, e.t) OR off(h.mean_value, e.mean_value)
      OR h.holdout_x IS DISTINCT FROM e.holdout_x OR off(h.holdout_t, e.holdout_t) OR off(h.holdout_mean_value, e.holdout_mean_value)
$$;
-- the hour that a zone has twice a year belongs to no local time
DELETE FROM event WHERE at::date IN ('2021-03-28', '2021-10-31', '2022-03-27', '2022-10-30', '2023-03-26', '2023-10-29');
CREATE TABLE request AS
SELECT unit, whole, since, holdout FROM unnest('{day,week,month,quarter,year}'::text[]) AS unit, (VALUES (false), (true)) AS w (whole),
    (VALUES (NULL::timestamp, NULL::timestamp), (NULL, '2022-06-15 12:00'), ('2021-02-01', '2022-07-01')) AS v (since, holdout);
SELECT count(*) AS requests, sum(wrong(NULL::text, 'SELECT customer, at, amount FROM event ORDER BY i', '2023-06-30 18:00', unit, since,
    holdout, whole)) AS wrong FROM request;
SELECT sum(wrong(NULL::bigint, 'SELECT customer::bigint, at AT TIME ZONE ''Europe/Berlin'', amount FROM event ORDER BY at', '2023-06-30',
    unit, since, holdout, whole)) AS wrong FROM request;
SELECT sum(wrong(NULL::numeric, 'SELECT customer::numeric, at, amount FROM event ORDER BY at DESC', '2023-06-30', unit, since, holdout,
    whole)) AS wrong FROM request;
-- dates, and amounts in double precision
UPDATE event SET at = at::date, amount = round(amount % 1000, 2);
SELECT sum(wrong(NULL::text, 'SELECT customer, at::date, amount::float8 FROM event ORDER BY md5(i::text)', '2023-06-30', unit, since,
    holdout, whole)) AS wrong FROM request;
-- without memory for all customers, and for all periods of few
TRUNCATE event;
INSERT INTO event SELECT i, 'a customer with a longer name ' || hashint4(i) % 20000, timestamp '2020-01-01' + i % 997 * interval '1 day'
    + i % 24 * interval '1 hour', i % 101 FROM generate_series(1, 30000) AS i;
INSERT INTO event SELECT i, 'few ' || i % 5, timestamp '1900-01-01' + hashint8extended(i, 1) % 40000 * interval '1 day', i % 7 / 3.0
    FROM generate_series(1, 30000) AS i;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT unit, wrong(NULL::text, 'SELECT customer, at, amount FROM event ORDER BY md5(i::text)', '2022-06-30', unit, NULL, '2021-05-05 05:00',
    whole) FROM request WHERE since IS NULL AND holdout IS NULL AND unit IN ('day', 'month') ORDER BY unit, whole;
SELECT wrong(NULL::text, 'SELECT customer, at, amount FROM event ORDER BY at', '2022-06-30', 'week', NULL, NULL, true);
RESET work_mem;
RESET hash_mem_multiplier;
-- the order of rows and memory change nothing, not the last bit
CREATE TABLE result AS SELECT 0 AS run, h.* FROM buying_history(NULL::text, 'SELECT customer, at, amount FROM event', '2022-06-30') AS h;
INSERT INTO result SELECT 1, h.* FROM buying_history(NULL::text, 'SELECT customer, at, amount FROM event ORDER BY md5(i::text)',
    '2022-06-30') AS h;
SET work_mem = '64kB';
INSERT INTO result SELECT 2, h.* FROM buying_history(NULL::text, 'SELECT customer, at, amount FROM event ORDER BY customer, i DESC',
    '2022-06-30') AS h;
RESET work_mem;
SELECT count(*) > 10000 AS many, count(*) FILTER (WHERE n <> 3) AS not_the_same
FROM (SELECT count(*) AS n FROM result GROUP BY customer, x, t_x, t, mean_value) AS r;
SELECT count(*) FROM pg_ls_tmpdir();
DROP SCHEMA history_random CASCADE;
