-- Treatments: who gets which, on random data as plain SQL has it; holdouts that stay; changes that keep the past.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA treat;
SET search_path = treat, segment;
\i test/lib/try.psql
CREATE TABLE customers AS SELECT n AS id, n * 7919 % 10007 / 5.0 AS revenue, n * 31 % 12 AS orders FROM generate_series(1, 1000) AS n;
SELECT FROM create_rule_segmentation('tier', 'customers', '{"Gold": "revenue > 1500", "Silver": "revenue > 800"}', rest => 'Others',
                                     max_departed => 1);
SELECT outcome FROM refresh_segmentation('tier', '2025-06-01');
SELECT create_treatment('gold call', 'tier', 'Gold', 'phone', 'We thank you', priority => 1, valid_from => '2025-06-01',
                        holdout => 0.2, salt => 'gold 2025');
SELECT create_treatment('gold mail', 'tier', 'Gold', 'mail', offer => '10 %', purpose => 'buy again', priority => 10,
                        valid_from => '2025-06-01', valid_to => '2025-07-01');
SELECT create_treatment('b mail', 'tier', 'Gold', 'mail', priority => 20, valid_from => '2025-05-01');
SELECT create_treatment('a mail', 'tier', 'Gold', 'mail', priority => 20, valid_from => '2025-05-01');
SELECT create_treatment('silver mail', 'tier', 'Silver', 'mail', valid_from => '2025-06-01', holdout => 1, salt => 'all');
SELECT create_treatment('standard', 'tier', 'Others', 'service', 'answer within 2 days', valid_from => '2025-06-01');
SELECT create_treatment('first line', 'tier', 'Gold', 'service', 'answer within 2 hours', valid_from => '2025-06-01');
SELECT channel, treatment, segment, arm, count(*), min(message) AS message, min(offer) AS offer, min(since) AS since
FROM customer_treatments('tier', '2025-06-15') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4;
-- the holdout is that of hash_fraction, and of sha256
SELECT count(*) AS wrong FROM customer_treatments(null::int, 'tier', '2025-06-15') AS t
WHERE channel = 'phone' AND (arm = 'control') <> ((('x' || left(encode(sha256(
    convert_to('gold 2025', 'UTF8') || '\x00'::bytea || convert_to(customer::text, 'UTF8')), 'hex'), 13))::bit(52)::bigint
    / 4503599627370496.0::float8) < 0.2);
SELECT (SELECT array_agg(customer::text ORDER BY customer, channel) FROM customer_treatments(null::int, 'tier', NULL))
     = (SELECT array_agg(customer ORDER BY customer::int, channel) FROM customer_treatments('tier')) AS same_as_text;
-- when one ends the next in order comes; of equal priority the first by name
SELECT treatment, count(*) FROM customer_treatments('tier', '2025-07-01') WHERE channel = 'mail' GROUP BY 1 ORDER BY 1;
SELECT end_treatment('a mail', 'tier', '2025-07-10');
SELECT as_of, treatment, count(*) FROM (VALUES (timestamptz '2025-07-09 23:59'), ('2025-07-10')) AS v (as_of),
    customer_treatments('tier', as_of) WHERE channel = 'mail' AND segment = 'Gold' GROUP BY 1, 2 ORDER BY 1, 2;
-- a change is another row; a greater share holds out who was, and others
CREATE TABLE before AS SELECT * FROM customer_treatments('tier', '2025-06-15');
SELECT create_treatment('gold call', 'tier', 'Gold', 'phone', 'We thank you all',
                        valid_from => '2025-08-01', holdout => 0.4, salt => 'gold 2025');
SELECT treatment, message, holdout, valid_from, valid_to FROM treatment WHERE treatment = 'gold call' ORDER BY valid_from;
SELECT count(*) AS changed FROM (TABLE before EXCEPT SELECT * FROM customer_treatments('tier', '2025-06-15')) AS t;
SELECT count(*) FILTER (WHERE b.arm = 'control') AS held_before, count(*) FILTER (WHERE a.arm = 'control') AS held_after,
       count(*) FILTER (WHERE b.arm = 'control' AND a.arm = 'treated') AS let_go
FROM before AS b JOIN customer_treatments('tier', '2025-08-02') AS a USING (customer, channel) WHERE channel = 'phone';
-- members as of then; names of now
UPDATE customers SET revenue = 1 WHERE id % 2 = 0;
SELECT outcome FROM refresh_segmentation('tier', '2025-06-20');
SELECT count(*) AS changed FROM (TABLE before EXCEPT SELECT * FROM customer_treatments('tier', '2025-06-15')) AS t;
SELECT rename_segment('tier', 'Gold', 'Best');
SELECT segment, count(*) FROM customer_treatments('tier', '2025-06-21') WHERE channel = 'phone' GROUP BY 1;

-- ---- consent and caps ----
CREATE TABLE consent AS SELECT id, c FROM customers, unnest('{mail,phone}'::text[]) AS c WHERE id % 3 <> 0 OR c = 'phone';
SELECT channel, bool_and(k.id IS NOT NULL) AS all_consent, count(*)
FROM customer_treatments(null::int, 'tier', '2025-06-21', consent => 'TABLE consent') AS t
LEFT JOIN consent AS k ON k.id = t.customer AND k.c = t.channel GROUP BY 1 ORDER BY 1;
SELECT create_treatment('once', 'tier', 'Best', 'shop', priority => 1, valid_from => '2025-06-21', cap => 2),
       create_treatment('else', 'tier', 'Best', 'shop', priority => 2, valid_from => '2025-06-21');
SELECT try($$SELECT count(*) FROM customer_treatments('tier', '2025-06-22')$$);
CREATE TABLE contacts AS
SELECT id, 'once' AS treatment, timestamptz '2025-06-20' + n * interval '1 day' AS at FROM customers, generate_series(1, 1 + id % 3) AS n;
SELECT as_of, treatment, array_agg(DISTINCT customer % 3) AS contacts_less_one
FROM (VALUES (timestamptz '2025-06-21'), ('2025-06-22 12:00'), ('2025-06-23')) AS v (as_of),
     customer_treatments(null::int, 'tier', as_of, contacts => 'SELECT id, treatment, at FROM contacts')
WHERE channel = 'shop' GROUP BY 1, 2 ORDER BY 1, 2 DESC;

-- ---- what is refused ----
SELECT try(c) FROM (VALUES
    ($$SELECT create_treatment('x', 'tier', 'Nobody', 'mail')$$), ($$SELECT create_treatment('x', 'nothing', 'Best', 'mail')$$),
    ($$SELECT create_treatment('', 'tier', 'Best', 'mail')$$), ($$SELECT create_treatment('x', 'tier', 'Best', NULL)$$),
    ($$SELECT create_treatment('x', 'tier', 'Best', 'mail', holdout => 0.1)$$),
    ($$SELECT create_treatment('x', 'tier', 'Best', 'mail', holdout => 1.1, salt => 's')$$),
    ($$SELECT create_treatment('x', 'tier', 'Best', 'mail', cap => 0)$$),
    ($$SELECT create_treatment('x', 'tier', 'Best', 'mail', valid_from => '2025-01-01', valid_to => '2025-01-01')$$),
    ($$SELECT create_treatment('gold call', 'tier', 'Best', 'mail', valid_from => '2025-07-01')$$),
    ($$SELECT end_treatment('nothing', 'tier', '2025-07-10')$$), ($$SELECT end_treatment('a mail', 'tier', '2025-07-10')$$),
    ($$SELECT count(*) FROM customer_treatments(null::text, 'tier', NULL)$$),
    ($$SELECT count(*) FROM customer_treatments('tier', '2025-06-21', contacts => 'contacts',
                                              consent => 'SELECT id FROM consent')$$)) AS v (c);
-- one that never began is gone
SELECT create_treatment('next year', 'tier', 'Best', 'mail', valid_from => '2035-01-01'), end_treatment('next year', 'tier', '2034-01-01');
SELECT count(*) FROM treatment WHERE treatment = 'next year';
SELECT drop_segmentation('tier');
SELECT count(*) FROM treatment;

-- ---- chance: overlapping segments, many treatments, plain SQL ----
SELECT setseed(0.375);
SELECT FROM create_rule_segmentation('tags', 'customers', '{"a": "orders > 3", "b": "orders < 8", "c": "id % 5 = 0", "d": "id < 300"}',
                                     exclusive => false);
SELECT outcome FROM refresh_segmentation('tags', '2025-01-01');
DO $$ BEGIN PERFORM create_treatment('t' || n, 'tags', chr(97 + (random() * 3)::int), 'c' || (random() * 2)::int,
    priority => (random() * 3)::int,
    valid_from => timestamptz '2025-01-01' + (random() * 10)::int * interval '1 day',
    valid_to => timestamptz '2025-01-12' + (random() * 10)::int * interval '1 day', holdout => random() / 2, salt => 's' || n % 3)
    FROM generate_series(1, 40) AS n; END $$;
CREATE VIEW truth AS
SELECT a.at, m.id, c.channel, t.treatment, CASE WHEN hash_fraction(t.salt, m.id) < t.holdout THEN 'control' ELSE 'treated' END AS arm
FROM generate_series(timestamptz '2025-01-01', '2025-01-22', '1 day') AS a (at)
CROSS JOIN (SELECT DISTINCT id FROM tags_segments) AS m CROSS JOIN (SELECT DISTINCT channel FROM treatment) AS c
CROSS JOIN LATERAL (
    SELECT * FROM treatment AS t WHERE t.channel = c.channel AND a.at >= t.valid_from AND a.at < t.valid_to
       AND t.segment_id IN (SELECT o.segment_id FROM tags_segments AS o WHERE o.id = m.id)
       AND (m.id % 7 <> 0 OR c.channel = 'c1')
    ORDER BY t.priority, t.treatment LIMIT 1) AS t;
CREATE TABLE told AS SELECT a.at, t.customer AS id, t.channel, t.treatment, t.arm
FROM generate_series(timestamptz '2025-01-01', '2025-01-22', '1 day') AS a (at),
     customer_treatments(null::int, 'tags', a.at,
         'SELECT id, c FROM customers, unnest(''{c0,c1,c2}''::text[]) AS c WHERE id % 7 <> 0 OR c = ''c1''') AS t;
SELECT (SELECT count(*) FROM (TABLE truth EXCEPT ALL TABLE told) AS w) AS untold,
       (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE truth) AS w) AS untrue,
       count(*) > 10000 AS rows, count(DISTINCT treatment) > 20 AS treatments, count(DISTINCT arm) AS arms FROM told;
DROP VIEW truth;
SELECT drop_segmentation('tags');
DROP SCHEMA treat CASCADE;
