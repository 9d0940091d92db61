-- Segmentations by rules: definition, evaluation, versions, help for the writer.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never

CREATE TABLE facts (
    customer_id bigint PRIMARY KEY, revenue numeric, orders integer,
    first_order_at timestamptz, last_order_at timestamptz, unsubscribed boolean);
INSERT INTO facts
SELECT n, n * 37 % 2000, n % 9, timestamptz '2020-11-01' - n % 100 * interval '1 day',
       timestamptz '2020-11-20' - n % 300 * interval '1 day', CASE n % 3 WHEN 0 THEN true WHEN 1 THEN false END
FROM generate_series(1, 1000) AS n;

-- ---- exclusive: the first rule that holds ----
SELECT create_rule_segmentation('lifecycle', 'facts', '{
    "VIP":     "revenue > 1000 AND orders >= 5",
    "New":     "first_order_at >= as_of() - interval ''30 days'' OR customer_id % 10 = 9",
    "At risk": {"rule": "last_order_at < as_of() - interval ''90 days'' AND NOT unsubscribed -- NULL: no",
                "description": "silent for long"}}',
    rest => 'Others', keep => '{revenue,orders}', note => 'as agreed');
\d lifecycle_segments
SELECT outcome, trained, customers, entered, rows_read, rows_used, counts, details
FROM refresh_segmentation('lifecycle', '2020-11-25');
SELECT * FROM segment_rules('lifecycle');
CREATE FUNCTION wrong_places(at timestamptz) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*)
    FROM (SELECT customer_id, revenue, orders,
                 CASE WHEN revenue > 1000 AND orders >= 5 THEN 'VIP'
                      WHEN first_order_at >= at - interval '30 days' OR customer_id % 10 = 9 THEN 'New'
                      WHEN last_order_at < at - interval '90 days' AND NOT unsubscribed THEN 'At risk'
                      ELSE 'Others' END AS segment FROM facts) AS f
    FULL JOIN lifecycle_segments AS m USING (customer_id)
    WHERE (f.segment, f.revenue, f.orders) IS DISTINCT FROM (m.segment, m.revenue, m.orders)
$$;
SELECT wrong_places('2020-11-25');
SELECT outcome, unchanged, moved FROM refresh_segmentation('lifecycle', '2020-11-25');
-- time alone, facts that are kept, and others
SELECT outcome, moved, entered, departed FROM refresh_segmentation('lifecycle', '2020-11-26');
SELECT wrong_places('2020-11-26');
UPDATE facts SET revenue = revenue + 900 WHERE customer_id % 50 = 0;
UPDATE facts SET unsubscribed = true WHERE customer_id % 50 = 1;
DELETE FROM facts WHERE customer_id % 200 = 7;
SELECT outcome, moved, entered, departed FROM refresh_segmentation('lifecycle', '2020-11-26 01:00');
SELECT wrong_places('2020-11-26 01:00');
SELECT event_at, event, reason, count(*) FROM segment_events('lifecycle') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- ---- seen before it is done ----
SELECT change, from_segment, to_segment, reason, count(*) FROM preview_refresh('lifecycle', '2020-12-31')
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
CREATE TABLE foreseen AS SELECT customer, change, from_segment, to_segment FROM preview_refresh('lifecycle', '2020-12-31');
SELECT outcome FROM refresh_segmentation('lifecycle', '2020-12-31');
SELECT count(*) FROM (
    (TABLE foreseen EXCEPT SELECT customer, event, from_segment, to_segment FROM segment_events('lifecycle', '2020-12-31'))
    UNION ALL
    (SELECT customer, event, from_segment, to_segment FROM segment_events('lifecycle', '2020-12-31') EXCEPT TABLE foreseen)) AS d;
SELECT * FROM preview_refresh('lifecycle', '2020-12-31');
SELECT * FROM preview_refresh('lifecycle', '2020-12-01');
SELECT * FROM preview_segment('revenue > 1000 AND (orders > 3 OR unsubscribed) AND orders BETWEEN 2 AND 5', 'lifecycle');
SELECT count(*) AS customers, count(*) FILTER (WHERE orders BETWEEN 2 AND 5) AS in_range FROM facts
WHERE revenue > 1000 AND (orders > 3 OR unsubscribed) AND orders BETWEEN 2 AND 5;
SELECT condition, customers, unknown, customers_in_turn FROM preview_segment('orders > 0 AND revenue / orders > 100', source => 'facts');
SELECT condition, customers, unknown
FROM preview_segment('last_order_at < as_of() - interval ''90 days''', source => 'facts', as_of => '2020-06-01');
SELECT preview_segment('orders', source => 'facts');
SELECT preview_segment('true', source => 'facts', key => 'no_such');
SELECT preview_segment('1 / (orders - 3) > 0', source => 'facts');
SHOW segment.as_of;
-- conditions as they were written
SELECT segment_internal.rule_conditions(r) FROM unnest(ARRAY[
    'a', 'a AND b', '(a AND b)', '((a AND b) AND c)', 'a AND b OR c', '(a OR b) AND c', 'a BETWEEN 1 AND 2 AND b',
    'NOT a AND b', 'CASE WHEN a AND b THEN c AND d END AND e', 't.end AND t."case"', '''a AND b'' = c AND d', 'a[1] = b AND c -- x AND y',
    '(SELECT a FROM b WHERE c AND d)', '(a) AND (b)', 'a BETWEEN SYMMETRIC (1 AND 2) AND 3 AND b', 'a /* AND */ AND b']) AS r;

-- ---- why ----
SELECT what, value, explanation FROM explain_customer('lifecycle', 27);
SELECT what, value, explanation FROM explain_customer('lifecycle', 3);
SELECT what, value, explanation FROM explain_customer('lifecycle', 5000);

-- from here on the data are so old that time changes nothing any more, whenever this is run
-- ---- versions ----
SELECT outcome, moved, details FROM set_segment_rule('lifecycle', 'Lost', 'orders = 0', 1, 'never came back', 'asked for by sales');
SELECT outcome, moved FROM set_segment_rule('lifecycle', 'VIP', priority => 1);
SELECT rename_segment('lifecycle', 'VIP', 'Gold');
SELECT outcome, moved > 0 AS moved FROM set_segment_rule('lifecycle', 'Gold', 'revenue > 1500', description => 'the best');
SELECT outcome, moved > 0 AS moved FROM drop_segment_rule('lifecycle', 'New');
SELECT outcome, departed > 0 AS departed FROM drop_segment_rule('lifecycle', 'Others', 'no rest');
SELECT drop_segment_rule('lifecycle', 'At risk', refresh => false) IS NULL AS no_run;
-- most customers would be in no segment
SELECT set_segment_rule('lifecycle', 'Gold', 'false');
SELECT outcome, departed > 0 AS departed FROM refresh_segmentation('lifecycle', max_departed => 1);
SELECT set_segment_rule('lifecycle', 'Lost', 'orders = 1', refresh => false) IS NULL AS no_run;
SELECT priority, segment_id, segment, rule, description, customers FROM segment_rules('lifecycle');
SELECT version, changed_by = session_user AS changed_by, note, segment, change, value_before, value_after
FROM segment_rule_versions WHERE segmentation = 'lifecycle' ORDER BY version, change, segment;
-- as it was: same segments, same ids, and names as they are now
SELECT outcome, entered > 0 AS entered FROM revert_segment_rules('lifecycle', 1);
SELECT priority, segment_id, segment, rule, description FROM segment_rules('lifecycle');
SELECT segment_id, name, closed_at IS NULL AS open, close_reason FROM segment.segment
WHERE segmentation = 'lifecycle' ORDER BY segment_id;
SELECT a.definition -> 'rest' = b.definition -> 'rest'
       AND (SELECT jsonb_agg(r - 'segment') FROM jsonb_array_elements(a.definition -> 'rules') AS r)
         = (SELECT jsonb_agg(r - 'segment') FROM jsonb_array_elements(b.definition -> 'rules') AS r) AS same
FROM segment.rule_version AS a, segment.rule_version AS b
WHERE a.segmentation = 'lifecycle' AND b.segmentation = 'lifecycle' AND a.version = 1
  AND b.version = (SELECT max(version) FROM segment.rule_version WHERE segmentation = 'lifecycle');
-- one event per transition: a replay of the events is the members
WITH last AS (
    SELECT DISTINCT ON (customer) customer, to_segment FROM segment_events('lifecycle')
    ORDER BY customer, event_at DESC, (event = 'departed'))
SELECT count(*) FROM last FULL JOIN (SELECT customer_id::text AS customer, segment FROM lifecycle_segments) AS m USING (customer)
WHERE last.to_segment IS DISTINCT FROM m.segment;
-- a segmentation is altered by its rules
SELECT alter_segmentation('lifecycle', options => '{"keep": []}');
SELECT alter_segmentation('lifecycle', description => 'for the newsletter');
-- retraining means nothing here
SELECT outcome, trained FROM retrain_segmentation('lifecycle');

-- ---- overlapping ----
SELECT create_rule_segmentation('tags', 'facts', '{"big": "revenue > 1000", "many": "orders > 4", "none": "orders = 0"}',
                                exclusive => false, rest => 'others');
SELECT outcome, customers, entered, rows_read, rows_used FROM refresh_segmentation('tags', '2020-11-25');
SELECT count(*) AS wrong FROM (
    SELECT customer_id, tag FROM facts, LATERAL (VALUES ('big', revenue > 1000), ('many', orders > 4), ('none', orders = 0),
        ('others', (revenue > 1000 OR orders > 4 OR orders = 0) IS NOT TRUE)) AS t (tag, holds) WHERE holds) AS f
FULL JOIN tags_segments AS m ON m.customer_id = f.customer_id AND m.segment = f.tag
WHERE f.customer_id IS NULL OR m.customer_id IS NULL;
SELECT outcome, unchanged, entered FROM refresh_segmentation('tags', '2020-11-25');
SELECT drop_segmentation('tags');
-- without a rest: who is in none is no member
SELECT create_rule_segmentation('tags', 'facts', '{"big": "revenue > 1000", "never": "false"}', exclusive => false);
SELECT outcome, customers, counts FROM refresh_segmentation('tags', '2020-11-25');
SELECT segment, customers FROM segment_rules('tags');
SELECT drop_segmentation('tags');

-- ---- what a rule may be ----
CREATE FUNCTION refused(rule text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
BEGIN
    RETURN 'reads ' || check_rule(rule, source => 'facts')::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || message || coalesce(' / ' || nullif(hint, ''), '');
END;
$$;
SELECT rule, refused(rule) FROM unnest(ARRAY[
    'revenue > 1000', 'source.revenue > 1000', '(revenue, orders) = (1, 2)', 'revenue > (SELECT avg(revenue) FROM facts)',
    'EXISTS (SELECT FROM facts AS f WHERE f.orders = source.orders AND f.revenue > source.revenue)', 'source IS NOT NULL', 'true',
    'unsubscribed', E'revenue > 1 -- a comment', E'revenue > 1 /* another */', 'last_order_at > as_of()',
    'status = ''today''', '', ' ', '-- nothing', 'revenue', 'revenue > ''x''', 'revenu > 1', 'revenue > 1 AND',
                                             'revenue > 1; DROP TABLE facts',
    '1) FROM facts WHERE (true', 'true) OR (true', '(true', 'true UNION SELECT false', 'true AS t', 'true t',
                                             'true, false', 'DISTINCT true',
    'ALL true', '*', 'source.*', 'true FROM facts', 'true WHERE true', 'true ORDER BY 1', 'true LIMIT 1', 'true FOR UPDATE', 'revenue > $1',
    'revenue > 1 /* open', 'status = ''open', 'sum(revenue) > 1', 'rank() OVER (ORDER BY revenue) < 10', 'generate_series(1, 2) > 1',
    'unnest(ARRAY[true, false])', 'random() < 0.5', 'nextval(''s'') > 1', 'last_order_at > now()', 'last_order_at > CURRENT_TIMESTAMP',
    'last_order_at::date = CURRENT_DATE', 'last_order_at > ''now''', 'last_order_at > ''yesterday''::timestamptz',
    'last_order_at > timestamp ''  TODAY 10:00''', 'age(last_order_at) > ''1 year''', 'last_order_at > clock_timestamp()',
    '(SELECT now() - last_order_at) > ''1 day''', '(SELECT true FROM facts LIMIT 1 FOR UPDATE)',
    '(WITH d AS (DELETE FROM facts RETURNING 1) SELECT true FROM d)', 'no_such_function(revenue)', 'revenue = NULL']) AS rule;
SELECT refused(NULL);
-- where in the rule
\set VERBOSITY default
SELECT check_rule('revenue > 1000 AND ordrs >= 5', 'lifecycle');
SELECT check_rule('revenue > 1000 AND sum(orders) >= 5', 'lifecycle');
SELECT set_segment_rule('lifecycle', 'Gold', E'revenue > 1000\nAND now() > last_order_at');
SELECT check_rule('true');
SELECT check_rule('true', 'no_such');
SELECT check_rule('true', source => 'no_such');

-- ---- bad definitions ----
SELECT create_rule_segmentation('bad', 'facts', '{}');
SELECT create_rule_segmentation('bad', 'facts', '[]');
SELECT create_rule_segmentation('bad', 'facts', NULL);
SELECT create_rule_segmentation('bad', 'facts', '{"": "true"}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true", "a": "false"}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": 5}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": {"rule": "true", "colour": "red"}}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": {"rule": "true", "description": 7}}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true"}', rest => 'a');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true"}', rest => '');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true"}', keep => '{revenu}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true"}', keep => '{segment_id}');
SELECT create_rule_segmentation('bad', 'facts', '{"a": "true"}', key => 'id');
SELECT create_rule_segmentation('bad', 'SELECT 1 AS id, 2 AS a, 3 AS a', '{"a": "true"}', keep => '{a}');
SELECT create_rule_segmentation('bad', 'SELECT 1 AS id, json ''{}'' AS a', '{"a": "true"}', keep => '{a}');
SELECT create_rule_segmentation('bad', 'SELECT 1 AS id, 2 AS next_transition_at', '{"a": "true"}');
SELECT create_rule_segmentation('bad', 'facts', '{"good": "true", "bad": "revenue"}');
SELECT set_segment_rule('lifecycle', 'nobody');
SELECT set_segment_rule('lifecycle', 'Others', 'true');
SELECT set_segment_rule('lifecycle', '', 'true');
SELECT set_segment_rule('lifecycle', 'Gold', priority => 0);
SELECT set_segment_rule('lifecycle', 'Gold', priority => 4);
SELECT drop_segment_rule('lifecycle', 'nobody');
SELECT revert_segment_rules('lifecycle', 99);
-- the last one
SELECT create_rule_segmentation('one', 'facts', '{"a": "true"}');
SELECT drop_segment_rule('one', 'a');
-- names of all sorts, and many rules
SELECT outcome FROM set_segment_rule('one', E'it''s "x"; -- {members} %s \\', 'orders = 3 OR ''{key} %s'' = ''''', 1);
SELECT segment, customers FROM segment_rules('one');
SELECT drop_segmentation('one');
SELECT create_rule_segmentation('many', 'facts',
    (SELECT json_object_agg(format('s%s', n), format('customer_id %% 2000 = %s', n)) FROM generate_series(1, 2000) AS n));
SELECT outcome, customers, counts ->> 'in_no_segment' AS in_no_segment FROM refresh_segmentation('many', '2020-11-25');
SELECT count(*) FROM many_segments WHERE segment <> 's' || customer_id;
-- a rule of a megabyte
SELECT outcome, customers FROM set_segment_rule('many', 's1', 'customer_id = 1 AND revenue::text <> ''' || repeat('x', 1000000) || '''');
SELECT drop_segmentation('many');

-- ---- a refresh that fails leaves all as it was ----
CREATE TABLE before AS TABLE lifecycle_segments;
SELECT set_segment_rule('lifecycle', 'Gold', '100 / (customer_id - 517) > 50');
SELECT set_segment_rule('lifecycle', 'Gold', '100 / (customer_id - 517) > 50', refresh => false);
SELECT outcome, error_code, error FROM refresh_segmentation('lifecycle');
SELECT count(*) FROM ((TABLE before EXCEPT TABLE lifecycle_segments) UNION ALL (TABLE lifecycle_segments EXCEPT TABLE before)) AS d;
SELECT outcome FROM revert_segment_rules('lifecycle', 1);
INSERT INTO facts SELECT 1001, revenue FROM facts WHERE customer_id IN (1, 2, 3) LIMIT 1;
ALTER TABLE facts DROP CONSTRAINT facts_pkey;
INSERT INTO facts (customer_id) VALUES (1);
SELECT outcome, error FROM refresh_segmentation('lifecycle');
DELETE FROM facts WHERE customer_id = 1 AND revenue IS NULL OR customer_id = 1001;
ALTER TABLE facts ALTER orders TYPE text;
SELECT outcome, error FROM refresh_segmentation('lifecycle');
SELECT set_segment_rule('lifecycle', 'Gold', 'revenue > 5');
ALTER TABLE facts ALTER orders TYPE integer USING orders::integer;
ALTER TABLE facts ADD colour text;
SELECT outcome FROM refresh_segmentation('lifecycle', max_departed => 1);

-- ---- as_of() ----
SET segment.as_of = '2025-01-01 12:00+02';
SELECT as_of(), as_of() = timestamptz '2025-01-01 10:00Z' AS same;
SET segment.as_of = 'nonsense';
SELECT as_of();
RESET segment.as_of;
SELECT as_of() = now() AS now;
-- a source of another kind may call it, too
SELECT create_cluster_segmentation('recent', 'SELECT customer_id, extract(epoch FROM as_of() - last_order_at) AS age FROM facts', k => 2);
SELECT outcome FROM refresh_segmentation('recent', '2020-12-01');
SELECT max(age) FROM recent_segments;
SELECT drop_segmentation('recent');

-- days are those of the segmentation, whoever refreshes where
SET timezone = 'Asia/Tokyo';
SELECT create_rule_segmentation('days', 'SELECT 1 AS id, timestamptz ''2026-01-01 20:00Z'' AS at',
                                '{"second": "at::date = ''2026-01-02''"}');
SET timezone = 'UTC';
SELECT outcome, customers FROM refresh_segmentation('days', '2026-02-01');
SHOW timezone;
SELECT drop_segmentation('days');
-- what the source knows of the next change is kept
SELECT create_rule_segmentation('soon', 'SELECT 1 AS id, timestamptz ''2026-03-01 00:00Z'' AS next_transition_at', '{"all": "true"}');
SELECT outcome FROM refresh_segmentation('soon', '2026-02-01');
SELECT id, segment, next_transition_at FROM soon_segments;
SELECT drop_segmentation('soon');

-- ---- only some customers, and staged: as a refresh of all ----
CREATE TABLE points AS SELECT n AS id, n % 10 AS points FROM generate_series(1, 100) AS n;
SELECT create_rule_segmentation('tags', 'points', '{"big": "points > 6", "even": "points % 2 = 0"}',
                                exclusive => false, rest => 'others', keep => '{points}');
SELECT outcome, entered FROM refresh_segmentation('tags', '2025-01-01');
UPDATE points SET points = points + 1 WHERE id % 5 = 0;
SELECT segment_internal.begin_run('tags') AS lost \gset
SELECT segment_internal.refresh_as_owner('tags', '2025-01-02', NULL, NULL, NULL, '{5,10,11}') AS run_id \gset
SELECT outcome, entered, departed, updated, rows_read FROM run WHERE run_id = :run_id;
SELECT segment_internal.begin_run('tags') AS lost \gset
SELECT segment_internal.refresh_as_owner('tags', '2025-01-03', NULL, NULL, NULL, NULL, true) AS run_id \gset
SELECT outcome, entered, departed, updated, rows_read FROM run WHERE run_id = :run_id;
SELECT outcome, entered, departed, updated FROM refresh_segmentation('tags', '2025-01-03');
SELECT count(*) AS wrong FROM (
    SELECT id, tag FROM points, LATERAL (VALUES ('big', points > 6), ('even', points % 2 = 0),
        ('others', points <= 6 AND points % 2 = 1)) AS t (tag, holds) WHERE holds) AS p
FULL JOIN tags_segments AS m ON m.id = p.id AND m.segment = p.tag WHERE m.id IS NULL OR p.id IS NULL;
SELECT drop_segmentation('tags');
DROP TABLE points;

SELECT drop_segmentation('lifecycle');
SELECT count(*) FROM segment.rule_version;
DROP TABLE facts, before, foreseen;
DROP FUNCTION wrong_places, refused;
