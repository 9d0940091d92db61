-- Trends by calendar periods: bounds in every zone, planted changes, slopes and change points against their definitions.
SET search_path = public, segment;
SET timezone = 'Asia/Tokyo';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\i test/lib/try.psql

-- ---- periods are those of date_trunc, whatever the clocks do: midnights that are left out or come twice, too ----
SELECT setseed(0.125);
CREATE TABLE instant AS
SELECT z AS zone, u AS unit, timestamptz '2000-01-01' + random() * interval '25 years' AS at
FROM unnest('{UTC,Europe/Berlin,America/Sao_Paulo,America/Havana,Australia/Lord_Howe,Asia/Kathmandu,Africa/Cairo}'::text[]) AS z,
     unnest('{day,week,month,year}'::text[]) AS u, generate_series(1, 60)
UNION ALL
-- around the change at midnight: the day that begins at one o'clock, and the one whose first hour comes twice
SELECT z, u, timestamptz '2017-10-15 02:07Z' + n * interval '30 minutes'
FROM unnest('{America/Sao_Paulo,America/Havana}'::text[]) AS z, unnest('{day,week,month}'::text[]) AS u, generate_series(0, 1100) AS n;
-- (date_trunc of the first of two equal hours after midnight is the second midnight, which is yet to come)
SELECT count(*) > 5000 AS many,
       count(*) FILTER (WHERE (bounds[1] <= at AND at < bounds[2] AND cardinality(bounds) = 2) IS NOT TRUE) AS wrong,
       count(*) FILTER (WHERE date_trunc(unit, at, zone) <= at AND bounds IS DISTINCT FROM ARRAY[
           date_trunc(unit, at, zone), (date_trunc(unit, at AT TIME ZONE zone) + ('1 ' || unit)::interval) AT TIME ZONE zone]) AS other
FROM (SELECT *, segment_internal.period_bounds(at, at, ('1 ' || unit)::interval, zone, NULL) AS bounds FROM instant) AS b;
-- the same instant as a bound begins a period as from_at and ends one as to_at
SELECT b AT TIME ZONE 'Europe/Berlin' AS berlin, lead(b) OVER (ORDER BY b) - b AS length
FROM unnest(segment_internal.period_bounds('2025-03-29 00:00+01', '2025-04-01 00:00+02', '1 day', 'Europe/Berlin', NULL)) AS b;
-- hours go by, quarters and fortnights are of the calendar
SELECT every, count(*) - 1 AS periods, min(b) AT TIME ZONE 'Europe/Berlin' AS first, max(b) AT TIME ZONE 'Europe/Berlin' AS last
FROM unnest('{1 hour,90 minutes,14 days,3 months,1 year}'::interval[]) AS every,
     unnest(segment_internal.period_bounds('2025-03-30 00:00+01', '2025-03-31 00:00+02', every, 'Europe/Berlin', NULL)) AS b
GROUP BY 1 ORDER BY every;
SELECT try(format('SELECT segment_internal.period_bounds(now(), now(), %L, ''UTC'', NULL)', every))
FROM unnest('{0,-1 day,1 month 1 day,1 day 01:00,NULL}'::interval[]) AS every;
SELECT try($$SELECT segment_internal.period_bounds('2020-01-01', '2025-01-01', '1 minute', 'UTC', NULL)$$);

-- ---- the change point, by its definition: the sum of the signs of all pairs across it ----
SELECT count(*) AS series,
       count(*) FILTER (WHERE p.last_before IS DISTINCT FROM o.at OR p.p IS DISTINCT FROM round(o.p::numeric, 6)) AS wrong,
       count(*) FILTER (WHERE o.p < 0.01) > 5 AS some_changes, count(*) FILTER (WHERE o.at IS NULL) > 0 AS some_none
FROM (SELECT s, array_agg(floor(random() * (s % 5 + 1)) + CASE WHEN n > s % 23 THEN s % 3 ELSE 0 END ORDER BY n) AS x
      FROM generate_series(1, 120) AS s, LATERAL generate_series(1, s % 37 + 1) AS n GROUP BY s) AS a
CROSS JOIN LATERAL segment_internal.pettitt(x) AS p
LEFT JOIN LATERAL (
    SELECT t AS at, least(1, 2 * exp(-6.0 * u * u / (cardinality(x) ^ 3 + cardinality(x) ^ 2))) AS p
    FROM (SELECT t, abs(sum(sign(x[i] - x[j]))) AS u FROM generate_subscripts(x, 1) AS t, generate_series(1, t) AS i,
               generate_series(t + 1, cardinality(x)) AS j GROUP BY t) AS k
    WHERE u > 0 ORDER BY u DESC, t LIMIT 1) AS o ON true;
-- the Nile at Aswan, 1871 to 1970, whose flow fell after 1898 (Cobb, Biometrika 65, 1978)
SELECT 1870 + last_before AS last_before, p FROM segment_internal.pettitt('{
    1120,1160,963,1210,1160,1160,813,1230,1370,1140,995,935,1110,994,1020,960,1180,799,958,1140,1100,1210,1150,1250,1260,
    1220,1030,1100,774,840,874,694,940,833,701,916,692,1020,1050,969,831,726,456,824,702,1120,1100,832,764,821,768,845,864,
    862,698,845,744,796,1040,759,781,865,845,944,984,897,822,1010,771,676,649,846,812,742,801,1040,860,874,848,890,744,749,
    838,1050,918,986,797,923,975,815,1020,906,901,1170,912,746,919,718,714,740}');
SELECT segment_internal.pettitt('{}'), segment_internal.pettitt('{5}'), segment_internal.pettitt('{5,5,5}'), segment_internal.pettitt(NULL);

-- ---- planted: 30 customers more in the week of 17 March, across the change of the clocks; and one more every week ----
SET timezone = 'Europe/Berlin';
CREATE TABLE joined (id integer, kind text, at timestamptz);
INSERT INTO joined SELECT n, 'level', timestamptz '2024-01-01' FROM generate_series(1, 40) AS n
UNION ALL SELECT 100 + n, 'level', '2025-03-18' FROM generate_series(1, 30) AS n
UNION ALL SELECT 200 + n, 'steady', timestamptz '2025-01-01' + n * interval '7 days' FROM generate_series(1, 30) AS n
UNION ALL SELECT 300 + n, 'same', '2024-01-01' FROM generate_series(1, 7) AS n;
SELECT create_rule_segmentation('planted', 'joined',
    '{"level": "kind = ''level'' AND at < as_of()", "steady": "kind = ''steady'' AND at < as_of()", "same": "kind = ''same''"}');
SELECT try($$SELECT count(*) FROM segment_trend('planted', '1 week')$$);
SELECT count(*) FROM (SELECT timestamptz '2025-01-06' + n * interval '7 days' AS at FROM generate_series(0, 22) AS n) AS i,
    LATERAL refresh_segmentation('planted', at) AS r WHERE outcome = 'ok';
SELECT segment, count(*), min(period_start), max(period_end), sum(added) AS added, sum(removed) AS removed,
       abs(min(slope) - regr_slope(customers, extract(epoch FROM period_end AT TIME ZONE 'Europe/Berlin') / 604800)) < 1e-9 AS slope_right,
       round(min(slope)::numeric, 6) AS slope, min(change_at) AS change_at, min(change_p) AS change_p, count(revenue) AS revenue
FROM segment_trend('planted', '1 week') GROUP BY 1 ORDER BY 1;
-- a month is a month, one after the last refresh is not told, and what is before from_at counts for the sizes
SELECT period_start, period_end, segment, customers, added, removed, net
FROM segment_trend('planted', '1 month', '2025-03-20', '2035-01-01') WHERE segment <> 'same';
SELECT count(*) FROM segment_trend('planted', '1 month', '2030-01-01');
SELECT count(*) FROM segment_trend('planted', '1 month', '2025-03-01', '2025-02-01');

-- ---- what members are worth is told of the present alone ----
CREATE TABLE bought (customer_id integer, at timestamptz, amount numeric);
INSERT INTO bought SELECT n % 30, timestamptz '2025-01-01' + n * interval '11 hours', n % 13 FROM generate_series(1, 200) AS n;
SELECT create_rfm_segmentation('worth', 'bought');
SELECT count(*) FROM generate_series(timestamptz '2025-02-01', '2025-04-15', '10 days') AS at, refresh_segmentation('worth', at) AS r;
SELECT period_end, sum(customers) AS customers, sum(revenue) AS revenue,
       (SELECT sum(monetary) FROM worth_segments) AS present, count(*) - count(revenue) AS unknown
FROM segment_trend('worth', '1 month') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM (SELECT segment_id, revenue FROM segment_trend('worth', '1 month', '2025-04-12')
                      EXCEPT SELECT segment_id, revenue FROM segment_profile('worth')) AS d;
SELECT count(drop_segmentation(name)) FROM segmentation;
DROP TABLE instant, joined, bought;
DROP FUNCTION try;
