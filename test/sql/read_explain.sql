-- explain_customer: rows for people, with values that were worked out by hand.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = public, segment;

-- ---- RFM with cut points of one's own ----
CREATE TABLE exp_order (customer_id integer, at timestamptz, amount numeric);
INSERT INTO exp_order VALUES
    (1, '2024-03-01 12:00Z', 10), (1, '2024-03-28 23:30Z', 15.50),
    (2, '2024-01-05 08:00Z', 300), (2, '2024-01-20 08:00Z', 200), (2, '2024-02-01 08:00Z', 1),
    (3, '2024-03-30 10:00Z', 5), (4, '2023-01-01 00:00Z', 0);
SELECT create_rfm_segmentation('exp', 'exp_order', customers => 'SELECT generate_series(1, 6)', time_zone => 'Europe/Berlin',
    cuts => 'thresholds', bins => 3, thresholds => '{"recency": [7, 30], "frequency": [2, 3], "monetary": [10, 100]}',
    scheme => 'regress_exp')
FROM (SELECT create_rfm_scheme('regress_exp', '[{"segment": "Good", "recency": [2, 3], "monetary": [2, 3]},
                                                {"segment": "Small", "recency": [3, 3]}, {"segment": "Rest"}]', bins => 3)) AS scheme;
SELECT outcome FROM refresh_segmentation('exp', '2024-03-30 00:00Z');
SELECT outcome FROM refresh_segmentation('exp', '2024-04-01 22:00Z');
-- in Berlin the last order of 1 is of 29 March, and as_of is 2 April: 4 days
SELECT * FROM explain_customer('exp', 1) \g (format=unaligned)
SELECT what, value, lower_bound, upper_bound, score, explanation FROM explain_customer('exp', '2') \g (format=unaligned)
-- the scores are those of the member table, and a value lies between its bounds
SELECT m.customer_id, e.what, e.score FROM exp_segments AS m, explain_customer('exp', m.customer_id) AS e
WHERE e.score IS DISTINCT FROM CASE e.what WHEN 'recency' THEN m.recency_score WHEN 'frequency' THEN m.frequency_score
                                           WHEN 'monetary' THEN m.monetary_score END
   OR CASE WHEN e.score IS NOT NULL THEN e.value::numeric > e.upper_bound OR e.value::numeric <= e.lower_bound END;
-- without orders; never a member; NULL; not a key
SELECT * FROM explain_customer('exp', 5);
SELECT * FROM explain_customer('exp', 99);
SELECT * FROM explain_customer('exp', NULL::integer);
SELECT * FROM explain_customer('exp', 'five');
SELECT * FROM explain_customer('nobody', 1);
-- who has left: where to, and why
DELETE FROM exp_order WHERE customer_id = 2;
UPDATE segmentation SET customers = 'SELECT 1 UNION SELECT 3' WHERE name = 'exp';
SELECT outcome, departed FROM refresh_segmentation('exp', '2024-04-10 22:00Z', max_departed => 1);
SELECT what, value, explanation FROM explain_customer('exp', 2);
SELECT what, value, explanation FROM explain_customer('exp', 3);
-- the hint to it, for whoever gives a key
SELECT explain_segment('exp', 13085);

-- ---- clusters ----
-- two groups: visits 1, 2, 3 and 11, 12, 13; spend is 10 for all
CREATE TABLE exp_customer AS SELECT 'c' || v AS id, v::float8 AS visits, 10 AS spend FROM unnest('{1,2,3,11,12,13}'::int[]) AS v;
SELECT create_cluster_segmentation('exp_group', 'exp_customer', k => 2, options => '{"scale": "none"}');
SELECT outcome FROM refresh_segmentation('exp_group', '2024-04-01Z');
-- centres are 2 and 12: 3 lies 1 from its own, 9 from the other
SELECT * FROM explain_customer('exp_group', 'c3') \g (format=unaligned)
SELECT rename_segment('exp_group', (SELECT segment_of('exp_group', 'c3')), 'Rare');
UPDATE exp_customer SET visits = 11.5 WHERE id = 'c3';
SELECT outcome, moved FROM refresh_segmentation('exp_group', '2024-04-02Z');
SELECT what, value, strength, explanation FROM explain_customer('exp_group', 'c3');
SELECT create_cluster_segmentation('exp_kind', 'SELECT *, CASE WHEN visits < 10 THEN ''few'' ELSE ''many'' END AS how FROM exp_customer',
                                   k => 2, method => 'kprototypes');
SELECT outcome FROM refresh_segmentation('exp_kind', '2024-04-01Z');
SELECT what, value, explanation FROM explain_customer('exp_kind', 'c1') WHERE what IN ('segment', 'how');
SELECT create_cluster_segmentation('exp_mixture', 'exp_customer', k => 2, method => 'gaussian_mixture', features => '{visits}',
                                   options => '{"scale": "none"}');
SELECT outcome FROM refresh_segmentation('exp_mixture', '2024-04-01Z');
SELECT what, value, explanation ~ '^of probability .*, ".*" of 1$' AS with_probabilities FROM explain_customer('exp_mixture', 'c1')
WHERE what = 'runner_up';

-- ---- hysteresis: what the member has is told, and what it would be without ----
-- two groups: 10 and 20 visits; who moves to 15.5 stays until further away
CREATE TABLE exp_held AS SELECT n AS id, CASE WHEN n % 2 = 0 THEN 10 ELSE 20 END::float8 AS visits FROM generate_series(1, 20) AS n;
SELECT create_cluster_segmentation('exp_held', 'exp_held', k => 2, options => '{"scale": "none", "hysteresis": 0.5}');
SELECT outcome FROM refresh_segmentation('exp_held', '2024-04-01Z');
UPDATE exp_held SET visits = 15.5 WHERE id = 2;
SELECT outcome, moved, updated FROM refresh_segmentation('exp_held', '2024-04-02Z');
SELECT what, value, explanation FROM explain_customer('exp_held', 2);
CREATE TABLE exp_kept AS SELECT 1 AS id, timestamptz '2024-03-01Z' AS at, 20 AS amount;
SELECT create_rfm_segmentation('exp_kept', 'exp_kept', cuts => 'thresholds', bins => 3, hysteresis => 0.5, scheme => 'regress_exp',
    thresholds => '{"recency": [7, 30], "frequency": [2, 3], "monetary": [10, 100]}');
SELECT outcome FROM refresh_segmentation('exp_kept', '2024-03-30 00:00Z');
SELECT outcome, moved FROM refresh_segmentation('exp_kept', '2024-04-03 00:00Z');
SELECT what, value, lower_bound, upper_bound, score, explanation FROM explain_customer('exp_kept', 1)
WHERE what IN ('segment', 'recency', 'rfm_score', 'runner_up') \g (format=unaligned)

-- ---- keys: equal as the column has it, called whatever it is called ----
CREATE COLLATION exp_folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE exp_mail (email text COLLATE exp_folded, at timestamptz, amount numeric);
INSERT INTO exp_mail
SELECT 'Ann' || n || '@Shop.test', timestamptz '2024-01-01Z' + n * interval '1 day', n FROM generate_series(1, 20) AS n;
SELECT create_rfm_segmentation('exp_mail', 'exp_mail');
SELECT outcome FROM refresh_segmentation('exp_mail', '2024-02-01Z');
UPDATE exp_mail SET email = upper(email), at = at + interval '9 days';
SELECT outcome, entered, departed FROM refresh_segmentation('exp_mail', '2024-03-01Z');
ALTER TABLE exp_mail_segments RENAME email TO mail;
ALTER TABLE exp_mail_history RENAME email TO "E-Mail";
SELECT segment_of('exp_mail', 'ann7@shop.TEST') = segment_of('exp_mail', 'ANN7@SHOP.TEST'::text COLLATE "C") AS same,
       segment_of('exp_mail', 'ann7@shop.test') IS NOT NULL AS found, segment_of('exp_mail', 'änn7@shop.test') AS other;
SELECT count(*), count(DISTINCT customer) FROM segment_members(NULL::text, 'exp_mail', '2024-02-15Z');
SELECT count(*) > 0 AS found FROM explain_customer('exp_mail', 'aNN7@shop.test');
-- one customer before and after, in whatever case: nobody came or left
SELECT count(*) FILTER (WHERE from_segment IS NULL OR to_segment IS NULL) AS came_or_left, sum(customers)
FROM segment_migration('exp_mail', '2024-02-01Z'::timestamptz, '2024-03-01Z');
SELECT count(*) FROM segment_events('exp_mail', '2024-02-15Z') WHERE event <> 'moved';

SET client_min_messages = error;
SELECT drop_segmentation(name, true) FROM unnest('{exp,exp_group,exp_kind,exp_mixture,exp_held,exp_kept,exp_mail}'::text[]) AS name;
SELECT drop_rfm_scheme('regress_exp');
DROP TABLE exp_order, exp_customer, exp_held, exp_kept, exp_mail;
DROP COLLATION exp_folded;
