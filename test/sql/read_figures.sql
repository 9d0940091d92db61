-- Figures of segments: medians that are exact where the data are, shares that mean
-- something, moves that came back; each against plain SQL.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = public, segment;

-- ---- medians ----
-- (1152.78 + 1153.00) / 2 is 1152.89; interpolated in floats it may be 1152.8899999999999
CREATE TABLE fig_order AS
SELECT * FROM (VALUES (1, timestamptz '2024-01-01Z', 1152.78), (2, '2024-01-01Z', 1153.00)) AS o (id, at, amount);
SELECT create_rfm_segmentation('fig', 'fig_order');
SELECT outcome FROM refresh_segmentation('fig', '2024-02-01Z');
UPDATE fig_segments SET segment_id = (SELECT min(segment_id) FROM fig_segments);
SELECT median_monetary, revenue, revenue_share FROM segment_profile('fig') WHERE customers > 0;
-- of amounts with two digits, for many pairs: never more digits than half a cent has
SELECT count(*) AS pairs, count(*) FILTER (WHERE scale((segment_internal.middle(two))::float8::text::numeric) > 3) AS with_noise,
       count(*) FILTER (WHERE scale((two[1]::float8 + 0.5 * (two[2]::float8 - two[1]::float8))::text::numeric) > 3) > 0 AS interpolated_has
FROM (SELECT ARRAY[n * 7919 % 200003 / 100.0, n * 7919 % 200003 / 100.0 + n % 701 / 100.0] AS two
      FROM generate_series(1, 20000) AS n) AS p;
-- the median of n values is what percentile_cont says, whatever n
SELECT n FROM generate_series(1, 40) AS n, LATERAL (
    SELECT segment_internal.middle(percentile_disc(segment_internal.middle_two()) WITHIN GROUP (ORDER BY value::numeric)) AS exact,
           segment_internal.middle(percentile_disc(segment_internal.middle_two()) WITHIN GROUP (ORDER BY value::float8)) AS float,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8) AS expected
    FROM (SELECT v * 7919 % 101 AS value FROM generate_series(1, n) AS v) AS o) AS m
WHERE (m.exact::float8, m.float) IS DISTINCT FROM (m.expected, m.expected);
SELECT segment_internal.middle('{1.7e308,1.7e308}'::float8[]), segment_internal.middle('{1.6e308,1.7e308}'::float8[]),
       segment_internal.middle('{5e-324,5e-324}'::float8[]), segment_internal.middle(NULL::numeric[]);

-- ---- shares of a total that is not positive ----
UPDATE fig_order SET amount = -5;
SELECT outcome FROM refresh_segmentation('fig', '2024-02-02Z');
SELECT sum(revenue) <= 0 AS not_positive, count(revenue_share) AS shares, sum(customer_share) AS customers FROM segment_profile('fig');

-- ---- moves undone at the next refresh ----
-- 300 customers whose amount jumps about for 8 refreshes, of which one changes nothing
CREATE TABLE fig_jump (id integer, amount numeric);
INSERT INTO fig_jump SELECT n, 0 FROM generate_series(1, 300) AS n;
SELECT create_rfm_segmentation('jump', 'SELECT id, timestamptz ''2024-01-01Z'' AS at, amount FROM fig_jump',
    cuts => 'thresholds', bins => 3,
    thresholds => '{"recency": [1000, 2000], "frequency": [5, 6], "monetary": [10, 20]}', scheme => 'regress_jump')
FROM (SELECT create_rfm_scheme('regress_jump', '[{"segment": "High", "monetary": [3, 3]}, {"segment": "Middle", "monetary": [2, 2]},
                                                 {"segment": "Low"}]', bins => 3)) AS scheme;
CREATE TABLE fig_seen (at timestamptz, id integer, segment text);
CREATE PROCEDURE fig_step(day date, seed integer) LANGUAGE plpgsql AS $$
BEGIN
    IF seed > 0 THEN
        UPDATE fig_jump SET amount = ('x' || substr(md5(id || '/' || seed), 1, 6))::bit(24)::integer % 30 WHERE (id + seed) % 3 > 0;
    END IF;
    PERFORM refresh_segmentation('jump', day);
    INSERT INTO fig_seen SELECT day, m.id, m.segment FROM jump_segments AS m;
END;
$$;
CALL fig_step('2024-03-01', 1);
CALL fig_step('2024-03-02', 2);
CALL fig_step('2024-03-03', 3);
-- nothing changes, so the next refresh that does is 5 March
CALL fig_step('2024-03-04', 0);
CALL fig_step('2024-03-05', 5);
-- customers who are gone for one refresh: neither a move nor undone
DELETE FROM fig_jump WHERE id <= 20;
CALL fig_step('2024-03-06', 6);
INSERT INTO fig_jump SELECT n, 0 FROM generate_series(1, 20) AS n;
CALL fig_step('2024-03-07', 7);
CALL fig_step('2024-03-08', 8);
-- from what was seen, without the history
CREATE VIEW fig_expected AS
WITH state AS (
    SELECT d.at, d.n, i.id, s.segment
    FROM (SELECT at, row_number() OVER (ORDER BY at) AS n FROM (SELECT DISTINCT at FROM fig_seen WHERE at <> '2024-03-04') AS a) AS d
    CROSS JOIN generate_series(1, 300) AS i (id) LEFT JOIN fig_seen AS s ON s.at = d.at AND s.id = i.id
)
SELECT a.segment AS from_segment, b.segment AS to_segment, b.at, c.segment IS NOT DISTINCT FROM a.segment AS undone
FROM state AS a JOIN state AS b ON b.id = a.id AND b.n = a.n + 1 LEFT JOIN state AS c ON c.id = a.id AND c.n = a.n + 2
WHERE a.segment <> b.segment;
SELECT since, count(*) AS differ
FROM unnest('{-infinity,2024-03-03Z,2024-03-06Z}'::timestamptz[]) AS since, LATERAL (
    SELECT from_segment, to_segment, count(*), count(*) FILTER (WHERE undone), round(avg(undone::int), 6),
           round(count(*) FILTER (WHERE undone) / sum(count(*)) OVER (), 6)
    FROM fig_expected WHERE at >= since GROUP BY 1, 2
    EXCEPT ALL SELECT * FROM segment_flapping('jump', since)) AS d
GROUP BY 1;
SELECT since, count(*) AS pairs, sum(moves) > 200 AS many, sum(undone) BETWEEN 20 AND sum(moves) - 20 AS some
FROM unnest('{-infinity,2024-03-03Z,2024-03-06Z}'::timestamptz[]) AS since, segment_flapping('jump', since) GROUP BY 1 ORDER BY 1;
SELECT (SELECT count(*) FROM segment_flapping('jump', '2024-03-09Z')) AS none,
       (SELECT count(*) FROM segment_flapping('jump', NULL)) = (SELECT count(*) FROM segment_flapping('jump')) AS all_of_it;

SET client_min_messages = error;
SELECT drop_segmentation(name, true) FROM unnest('{fig,jump}'::text[]) AS name;
SELECT drop_rfm_scheme('regress_jump');
DROP VIEW fig_expected;
DROP PROCEDURE fig_step;
DROP TABLE fig_order, fig_jump, fig_seen;
