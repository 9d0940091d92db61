--
-- Hysteresis: a score, or a segment, changes only when a value lies a share of a bin beyond it.
--
SET client_min_messages = warning;
SET search_path = public, segment;
-- fixed cuts at 10, 20, 30, 40 days: bins are 10 wide
CREATE TABLE hys_orders AS
SELECT c AS customer_id, timestamptz '2025-01-01 12:00Z' - c * interval '1 day' AS ordered_at, 10 AS amount
FROM generate_series(1, 50) AS c;
SELECT create_rfm_segmentation('hys_' || share * 100, 'hys_orders', time_zone => 'UTC', scheme => 'rf_grid', cuts => 'thresholds',
    thresholds => '{"recency": [10, 20, 30, 40], "frequency": [1, 2, 3, 4], "monetary": [1, 2, 3, 4]}', hysteresis => share)
FROM unnest('{0,0.3}'::float8[]) AS share;
SELECT outcome FROM refresh_segmentation('hys_0', '2025-01-02Z')
UNION ALL SELECT outcome FROM refresh_segmentation('hys_30', '2025-01-02Z');
-- the first time there is no score to hold
SELECT count(*) AS differ FROM hys_0_segments AS a JOIN hys_30_segments AS b USING (customer_id) WHERE a.recency_score <> b.recency_score;
-- three days later nobody is more than 3 days, 0.3 of a bin, beyond the cut: nobody moves, where 12 would
SELECT moved + updated > 0 AS changed FROM refresh_segmentation('hys_0', '2025-01-05Z');
SELECT moved, updated FROM refresh_segmentation('hys_30', '2025-01-05Z');
SELECT count(*) AS held FROM hys_0_segments AS a JOIN hys_30_segments AS b USING (customer_id) WHERE a.recency_score <> b.recency_score;
-- a day later those who crossed first are 4 days beyond, and move: one at each of the four cuts, of which two lie within a segment
SELECT refresh_segmentation('hys_0', '2025-01-06Z') IS NULL AS x, (refresh_segmentation('hys_30', '2025-01-06Z')).moved
    + (SELECT count(*) FROM hys_30_segments WHERE false) AS moved;
SELECT a.customer_id, b.recency_score AS score, a.recency_score AS score_without
FROM hys_0_segments AS a JOIN hys_30_segments AS b USING (customer_id) WHERE a.recency_score <> b.recency_score ORDER BY 1;
-- figures are those of the orders, never those that a score was held by
SELECT count(*) AS differ FROM hys_0_segments AS a JOIN hys_30_segments AS b USING (customer_id)
WHERE (a.frequency, a.monetary, a.last_order_at) IS DISTINCT FROM (b.frequency, b.monetary, b.last_order_at);
-- tenure: who passes the cut at 90 days stays New until a tenth of a bin, 9 days, beyond; who came as known longer is not New for it
CREATE TABLE hys_tenure AS
SELECT c AS customer_id, timestamptz '2025-04-01 12:00Z' - (80 + c) * interval '1 day' AS ordered_at, 10 AS amount
FROM generate_series(1, 30) AS c;
SELECT create_rfm_segmentation('hys_tenure', 'hys_tenure', time_zone => 'UTC', cuts => 'thresholds', hysteresis => 0.1,
    thresholds => '{"recency": [200, 400, 600, 800], "frequency": [1, 2, 3, 4], "monetary": [100, 200, 300, 400]}');
CREATE TABLE hys_expected (customer_id integer, segment text);
CREATE FUNCTION hys_day(day date, OUT moved bigint, OUT new bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
    moved := (refresh_segmentation('hys_tenure', day::timestamptz)).moved;
    CREATE TEMP TABLE hys_next AS
    SELECT o.customer_id,
           CASE WHEN day - ordered_at::date <= CASE WHEN e.segment = 'New' THEN 99 ELSE 90 END THEN 'New' ELSE 'Promising' END AS segment
    FROM hys_tenure AS o LEFT JOIN hys_expected AS e USING (customer_id);
    TRUNCATE hys_expected;
    INSERT INTO hys_expected TABLE hys_next;
    DROP TABLE hys_next;
    SELECT count(*) FILTER (WHERE e.segment = 'New'), count(*) FILTER (WHERE e.segment IS DISTINCT FROM s.segment) INTO new, wrong
    FROM hys_expected AS e FULL JOIN hys_tenure_segments AS s USING (customer_id);
END $$;
SET timezone = 'UTC';
SELECT d.day::date, h.* FROM generate_series(timestamp '2025-04-01', '2025-04-22', '3 days') AS d (day), hys_day(d.day::date) AS h;
SELECT alter_segmentation('hys_tenure', '{"hysteresis": 50}');
SELECT what, value, score, explanation FROM explain_customer('hys_tenure', 1) WHERE what IN ('tenure', 'runner_up', 'segment');
SELECT drop_segmentation('hys_tenure');
DROP TABLE hys_tenure, hys_expected;
DROP FUNCTION hys_day;
-- clusterings: who is about as near to the old centre stays
CREATE TABLE hys_customer AS SELECT c AS id, CASE WHEN c <= 50 THEN 0 ELSE 10 END + c % 5 * 0.1 AS x FROM generate_series(1, 100) AS c;
SELECT create_cluster_segmentation('hys_near', 'hys_customer', k => 2);
SELECT create_cluster_segmentation('hys_held', 'hys_customer', k => 2, options => '{"hysteresis": 0.3}');
SELECT outcome FROM refresh_segmentation('hys_near', '2025-01-01Z')
UNION ALL SELECT outcome FROM refresh_segmentation('hys_held', '2025-01-01Z');
-- centres are at 0.2 and 10.2, the border at 5.2: 5.5 is just beyond, 8 well inside
UPDATE hys_customer SET x = CASE id WHEN 1 THEN 5.5 ELSE 8 END WHERE id IN (1, 2);
SELECT moved FROM refresh_segmentation('hys_near', '2025-01-02Z');
SELECT moved FROM refresh_segmentation('hys_held', '2025-01-02Z');
SELECT create_rfm_segmentation('hys_bad', 'hys_orders', hysteresis => 1.5);
SELECT create_cluster_segmentation('hys_bad', 'hys_customer', k => 2, options => '{"hysteresis": -1}');
SELECT drop_segmentation(name) FROM segmentation WHERE name LIKE 'hys\_%';
DROP TABLE hys_orders, hys_customer;
