-- Decisions about single customers: include_customer, exclude_customer, undecide_customer, and the table they are in.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE member (id integer PRIMARY KEY, points integer);
INSERT INTO member SELECT n, n * 10 FROM generate_series(1, 12) AS n;
SELECT create_rule_segmentation('tiers', 'member', '{"gold": "points > 90", "silver": "points > 60"}', keep => '{points}');
SELECT decisions IS NULL AS none_yet FROM segmentation;

-- ---- who is put in, and who is kept out, before the first refresh and after ----
SELECT include_customer('tiers', 'gold', 3, 'a friend');
SELECT exclude_customer('tiers', 'gold', 12);
SELECT outcome, customers, entered, rows_used, counts FROM refresh_segmentation('tiers', '2025-01-01');
TABLE tiers_segments ORDER BY id;
-- at once, as of that refresh: one who is placed elsewhere, one whom no rule takes, one who is not in the source
SELECT include_customer('tiers', 'gold', '7', note => 'complained', until => '2025-01-04');
SELECT include_customer('tiers', 'silver', 1);
SELECT include_customer('tiers', 'silver', 99, 'by letter');
SELECT exclude_customer('tiers', 'silver', 8);
TABLE tiers_segments ORDER BY id;
TABLE tiers_history;
SELECT as_of, outcome, entered, departed, moved, rows_read, counts FROM run ORDER BY run_id OFFSET 1 \g (format=unaligned)
-- a second refresh as of the same instant writes nothing
SELECT outcome, customers, entered, departed, moved, updated, unchanged FROM refresh_segmentation('tiers', '2025-01-01');
-- they last, whatever the facts
UPDATE member SET points = points + 30 WHERE id IN (1, 8, 12);
SELECT outcome, entered, departed, moved, updated FROM refresh_segmentation('tiers', '2025-01-02');
SELECT * FROM tiers_segments WHERE id IN (1, 3, 7, 8, 12, 99) ORDER BY id;
-- why
SELECT what, value, regexp_replace(explanation, 'by \S+ on \d{4}-\d\d-\d\d \d\d:\d\d', 'by ME on DATE') AS explanation
FROM (VALUES (7), (99), (8), (12), (6)) AS c (id), explain_customer('tiers', c.id) \g (format=unaligned)
SELECT id, segment_id, include, note, until, decided_by = session_user AS by_me, decided_at <= now() AS at
FROM tiers_decisions ORDER BY 1, 2;

-- ---- a decision ends by itself, and by being taken back ----
SELECT next_transition_at FROM tiers_segments WHERE id = 7;
SELECT customer, change, from_segment, to_segment, reason FROM preview_refresh('tiers', '2025-01-04');
SELECT outcome, entered, departed, moved, updated FROM refresh_segmentation('tiers', '2025-01-03');
SELECT outcome, entered, departed, moved, updated FROM refresh_segmentation('tiers', '2025-01-04');
SELECT undecide_customer('tiers', 'gold', 3), undecide_customer('tiers', 'silver', '99'), undecide_customer('tiers', 'gold', 6) AS never,
       undecide_customer('tiers', NULL, 8) AS kept_out;
SELECT event_at, customer, event, from_segment, to_segment, reason FROM segment_events('tiers', '2025-01-02') ORDER BY 1, customer::integer;
SELECT id, segment, entered_at, entered_reason FROM tiers_segments WHERE id IN (3, 7, 8, 99) ORDER BY 1;
-- what is said later counts: there is one decision for a customer and a segment, and one inclusion
SELECT include_customer('tiers', 'silver', 5), include_customer('tiers', 'gold', 5, 'better');
SELECT exclude_customer('tiers', 'gold', 5);
SELECT segment_of('tiers', 5);
SELECT include_customer('tiers', 'gold', 5, refresh => false);
SELECT segment_of('tiers', 5) AS not_yet;
SELECT exclude_customer('tiers', NULL, 5, 'none at all'), include_customer('tiers', 'silver', 5, 'but this one');
SELECT segment_id, include, note FROM tiers_decisions WHERE id = 5 ORDER BY 1;
SELECT segment, entered_reason FROM tiers_segments WHERE id = 5;
SELECT undecide_customer('tiers', NULL, 5);
SELECT segment_of('tiers', 5);
-- shown before it is done
SELECT include_customer('tiers', 'gold', 2, refresh => false), exclude_customer('tiers', NULL, 11, refresh => false);
SELECT * FROM preview_refresh('tiers', '2025-01-05') ORDER BY 1;
SELECT outcome, entered, departed FROM refresh_segmentation('tiers', '2025-01-05');

-- ---- a segment that is dropped takes nobody; brought back, it does again ----
SELECT drop_segment_rule('tiers', 'gold', refresh => false) IS NULL AS not_yet;
SELECT outcome FROM refresh_segmentation('tiers', '2025-01-06');
SELECT segment_of('tiers', 2);
SELECT what, value, regexp_replace(explanation, 'by \S+ on \d{4}-\d\d-\d\d \d\d:\d\d', 'by ME on DATE') AS explanation
FROM explain_customer('tiers', 2) WHERE what = 'decision';
SELECT include_customer('tiers', 'gold', 1);
SELECT undecide_customer('tiers', 'gold', 11) AS none;
SELECT revert_segment_rules('tiers', 1, refresh => false) IS NULL AS not_yet;
SELECT outcome FROM refresh_segmentation('tiers', '2025-01-07');
SELECT segment_of('tiers', 2);
SELECT undecide_customer('tiers', 'gold', 2);
SELECT segment_of('tiers', 2);

-- ---- the table, filled by its owner: a segment that is a list ----
SELECT create_rule_segmentation('pilots', 'member', '{"pilot": "false", "control": "false"}', keep => '{points}');
SELECT decision_table('pilots');
SELECT decision_table('pilots') = 'pilots_decisions'::regclass AS same;
COPY pilots_decisions (id, segment_id) FROM stdin;
3	1
500	1
\.
INSERT INTO pilots_decisions (id, segment_id, note, until)
SELECT m.id, g.segment_id, 'odd ones', '2025-03-01' FROM member AS m, segment AS g
WHERE g.segmentation = 'pilots' AND g.name = 'control' AND m.id % 2 = 1 AND m.id <> 3;
SELECT outcome, customers, entered FROM refresh_segmentation('pilots', '2025-02-01');
TABLE pilots_segments ORDER BY id;
SELECT outcome, customers, departed FROM refresh_segmentation('pilots', '2025-03-01', max_departed => 1);
SELECT left_reason, count(*) FROM pilots_history GROUP BY 1;
-- what cannot be followed fails the refresh, and says why
INSERT INTO pilots_decisions (id, segment_id) VALUES (4, 7);
SELECT outcome, error_code, error FROM refresh_segmentation('pilots', '2025-03-02');
DELETE FROM pilots_decisions WHERE segment_id = 7;
INSERT INTO pilots_decisions (id, segment_id) VALUES (3, 2);
SELECT outcome, error_code, error FROM refresh_segmentation('pilots', '2025-03-02');
SELECT * FROM preview_refresh('pilots', '2025-03-02');
SELECT include_customer('pilots', 'control', 3);
SELECT outcome FROM refresh_segmentation('pilots', '2025-03-02');
\set VERBOSITY terse
INSERT INTO pilots_decisions (id) VALUES (4);
INSERT INTO pilots_decisions (id, segment_id) VALUES (500, 1);
INSERT INTO pilots_decisions (id, include) VALUES (11, false), (11, false);
\set VERBOSITY default
ALTER TABLE pilots_decisions RENAME TO picked;
ALTER TABLE picked RENAME id TO who;
SELECT include_customer('pilots', 'pilot', 6);
SELECT segment_of('pilots', 6);
DROP TABLE picked;
SELECT outcome, error FROM refresh_segmentation('pilots', '2025-03-03');
SELECT decision_table('pilots');
SELECT outcome, customers, departed FROM refresh_segmentation('pilots', '2025-03-03', max_departed => 1);

-- ---- in several segments at once ----
SELECT create_rule_segmentation('tags', 'member', '{"many": "points > 90", "even": "id % 2 = 0", "few": "points < 40"}',
                                exclusive => false, keep => '{points}');
SELECT outcome, customers FROM refresh_segmentation('tags', '2025-01-01');
SELECT include_customer('tags', 'many', 2), include_customer('tags', 'many', 5), include_customer('tags', 'many', 77),
       include_customer('tags', 'few', 77, until => '2025-01-02'), exclude_customer('tags', 'even', 4),
       exclude_customer('tags', NULL, 10), include_customer('tags', 'few', 10), exclude_customer('tags', NULL, 12);
SELECT id, array_agg(segment ORDER BY segment) AS segments, array_agg(entered_reason ORDER BY segment) AS reasons, min(points) AS points,
       min(next_transition_at) AS next FROM tags_segments WHERE id IN (2, 4, 5, 10, 12, 77) GROUP BY 1 ORDER BY 1;
SELECT outcome, customers, entered, departed, counts FROM refresh_segmentation('tags', '2025-01-02');
SELECT customer, event, from_segment, to_segment, reason FROM segment_events('tags', '2025-01-02');
SELECT undecide_customer('tags', NULL, 10), undecide_customer('tags', 'many', 2);
SELECT customer, event, from_segment, to_segment, reason FROM segment_events('tags', '2025-01-02') ORDER BY 1, 3, 4;

-- ---- RFM and clusters ----
CREATE TABLE bought AS
SELECT n % 40 AS customer_id, timestamptz '2025-01-01' + n * interval '5 hours' AS at, n * 7919 % 503 / 10.0 AS amount
FROM generate_series(1, 300) AS n;
SELECT create_rfm_segmentation('loyal', 'bought');
SELECT include_customer('loyal', 'Champions', 7);
SELECT outcome, customers FROM refresh_segmentation('loyal', '2025-03-10');
SELECT segment_of('loyal', 7);
SELECT include_customer('loyal', 'Champions', 7, 'founder'), include_customer('loyal', 'Champions', 1000),
       exclude_customer('loyal', NULL, 8);
SELECT customer_id, segment, rfm_score, frequency, monetary, entered_reason FROM loyal_segments
WHERE customer_id IN (7, 8, 1000) ORDER BY 1;
SELECT what, value, regexp_replace(explanation, 'by \S+ on \d{4}-\d\d-\d\d \d\d:\d\d', 'by ME on DATE') AS explanation
FROM (VALUES (7), (1000), (8)) AS c (id), explain_customer('loyal', c.id);
SELECT outcome, trained, entered, departed, moved, rows_used FROM refresh_segmentation('loyal', '2025-04-10');
SELECT customer_id, segment, entered_at FROM loyal_segments WHERE customer_id IN (7, 8, 1000) ORDER BY 1;
-- a segment of another name is the same
SELECT rename_segment('loyal', 'Champions', 'Stars');
SELECT outcome FROM refresh_segmentation('loyal', '2025-04-11');
SELECT customer_id, segment FROM loyal_segments WHERE customer_id IN (7, 1000) ORDER BY 1;
SELECT sum(customers) = (SELECT count(*) FROM loyal_segments) AS counted FROM segment WHERE segmentation = 'loyal';
SELECT count(*) FROM segment_profile('loyal');

CREATE TABLE shopper AS
SELECT n AS id, n % 3 * 20 + n % 7 AS visits, CASE WHEN n <> 60 THEN n % 3 * 50 + n % 11 END AS spend FROM generate_series(1, 60) AS n;
SELECT create_cluster_segmentation('groups', 'shopper', 3);
SELECT outcome, customers, rows_used, rows_skipped, counts FROM refresh_segmentation('groups', '2025-01-01');
SELECT name AS first_group FROM segment WHERE segmentation = 'groups' AND segment_id = 1 \gset
SELECT include_customer('groups', :'first_group', 60), include_customer('groups', :'first_group', 61),
       include_customer('groups', :'first_group', g.id), exclude_customer('groups', NULL, 2)
FROM groups_segments AS g WHERE segment_id = 3 ORDER BY id LIMIT 1;
SELECT id, segment_id, visits, spend, entered_reason FROM groups_segments WHERE entered_reason <> 'new' OR id = 2 ORDER BY 1;
SELECT outcome, customers, rows_used, rows_skipped, counts, updated FROM refresh_segmentation('groups', '2025-01-02');
SELECT outcome, trained, moved, rows_used FROM retrain_segmentation('groups', '2025-01-03');
SELECT what FROM explain_customer('groups', 60);

-- ---- keys ----
CREATE COLLATION case_ignored (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE mail (note text COLLATE case_ignored, points integer);
INSERT INTO mail VALUES ('ann@x', 1), ('bob@x', 2);
SELECT create_rule_segmentation('mails', 'mail', '{"two": "points = 2", "one": "points = 1"}', keep => '{points}');
SELECT outcome FROM refresh_segmentation('mails', '2025-01-01');
SELECT include_customer('mails', 'two', 'ANN@x');
SELECT note, segment, points FROM mails_segments ORDER BY 1;
SELECT include_customer('mails', 'one', 'Ann@X', 'again'), exclude_customer('mails', 'two', 'aNN@x');
SELECT customer, segment_id, include, decisions.note FROM mails_decisions AS decisions ORDER BY 2;
SELECT undecide_customer('mails', NULL, 'aNN@X');
SELECT undecide_customer('mails', NULL, 'nobody@x');
CREATE TABLE numbered AS SELECT 1.0::numeric AS n, ARRAY[1, 2] AS a, 'x'::text AS t;
SELECT create_rule_segmentation('numbers', 'numbered', '{"some": "t = ''y''"}');
SELECT outcome FROM refresh_segmentation('numbers', '2025-01-01');
SELECT include_customer('numbers', 'some', '1'), include_customer('numbers', 'some', 1.00);
SELECT n, segment FROM numbers_segments;
SELECT include_customer('numbers', 'some', 'one');
-- of arrays there is no list, so all are placed anew
SELECT create_rule_segmentation('arrays', 'numbered', '{"some": "t = ''y''"}', key => 'a');
SELECT outcome FROM refresh_segmentation('arrays', '2025-01-01');
SELECT include_customer('arrays', 'some', '{1,2}'), include_customer('arrays', 'some', ARRAY[3]);
SELECT a, segment FROM arrays_segments ORDER BY 1;
SELECT undecide_customer('arrays', 'some', '{3}');
SELECT a FROM arrays_segments;

-- ---- the registry: no table with keys of customers is missing ----
SELECT c.relation, c.segmentation, c.key_column, c.what FROM customer_table AS c WHERE segmentation IN ('tiers', 'mails') ORDER BY 2, 4;
SELECT count(*) AS tables, count(c.relation) AS listed
FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = 1
LEFT JOIN customer_table AS c ON c.relation = t.oid AND c.key_column = a.attname
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p', 'm', 'f')
  AND t.relname NOT IN ('member', 'bought', 'shopper', 'mail', 'numbered');
SELECT count(*) AS in_the_catalogue FROM pg_attribute AS a JOIN pg_class AS t ON t.oid = a.attrelid AND t.relkind IN ('r', 'p', 'm', 'f')
WHERE t.relnamespace IN ('segment'::regnamespace, 'segment_internal'::regnamespace) AND a.attname ~ 'customer|key'
  AND a.atttypid <> 'int8'::regtype
  AND (t.relname, a.attname) NOT IN (('segmentation', 'customers'), ('tracked_table', 'key_columns'),
                                       ('metric', 'min_customers'));

-- ---- errors ----
SELECT include_customer('tires', 'gold', 1);
SELECT include_customer('tiers', 'golden', 1);
SELECT undecide_customer('tiers', 'golden', 1);
SELECT include_customer('tiers', NULL, 1);
SELECT include_customer('tiers', 'gold', NULL);
SELECT exclude_customer('tiers', 'gold', NULL::integer);
SELECT undecide_customer('tiers', 'gold', NULL);
SELECT include_customer('tiers', 'gold', 'one');
SELECT include_customer('tiers', 'gold', 1, until => '2024-12-31');
SELECT decision_table('tires');
-- a refresh that fails takes the decision back
ALTER TABLE member RENAME points TO score;
SELECT include_customer('tiers', 'gold', 1);
SELECT include_customer('tiers', 'gold', 1, refresh => false);
SELECT count(*) FROM tiers_decisions WHERE id = 1 AND segment_id = 1;
ALTER TABLE member RENAME score TO points;
-- an owner's change of one table alone
CREATE ROLE regress_segment_decider;
ALTER TABLE tiers_decisions OWNER TO regress_segment_decider;
SET client_min_messages = error;
SELECT outcome, error ~ '^table public.tiers_decisions belongs to "regress_segment_decider", and segmentation "tiers" to' AS told
FROM refresh_segmentation('tiers', '2025-02-01');
SET client_min_messages = warning;
ALTER TABLE tiers_decisions OWNER TO CURRENT_USER;
DROP ROLE regress_segment_decider;
-- all goes with the segmentation
SELECT count(drop_segmentation(name)) FROM segmentation;
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ 'decisions|picked';
DROP TABLE member, bought, shopper, mail, numbered;
DROP COLLATION case_ignored;
