-- Rules that use other segmentations: what in_segment() says, who may, what cannot be dropped or renamed.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never
\set VERBOSITY default

-- Customers whose data are other ones each month, so that they move; some have no revenue known, one no key.
CREATE TABLE months AS
SELECT month, CASE WHEN n > 0 THEN n END AS customer_id, CASE WHEN h % 11 > 0 THEN h % 1000 END AS revenue, h / 1000 % 10 AS orders,
       timestamptz '2025-01-01' + (h / 7 % 200) * interval '1 day' AS seen_at
FROM generate_series(0, 500) AS n, generate_series(1, 6) AS month,
     LATERAL (SELECT abs(hashint8extended(n * 10 + month, 25)) AS h) AS r WHERE (n + month) % 7 > 0;
CREATE TABLE this_month (month integer);
INSERT INTO this_month VALUES (1);
CREATE VIEW facts AS SELECT customer_id, revenue, orders, seen_at FROM months WHERE month = (TABLE this_month);

SELECT create_rule_segmentation('value', 'facts', '{"High": "revenue > 700", "Middle": "revenue > 300"}', rest => 'Low');
SELECT create_rule_segmentation('habit', 'facts', '{"Often": "orders > 6", "Odd": "orders % 2 = 1", "None": "orders = 0"}',
                                exclusive => false);
-- nobody is a member before the first refresh
SELECT condition, customers, unknown FROM preview_segment('NOT in_segment(''value'', ''High'')', source => 'facts');
CREATE FUNCTION refresh_month(month integer, as_of timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    UPDATE this_month SET month = refresh_month.month;
    SELECT (refresh_segmentation(name, max_departed => 1, as_of => as_of)).outcome FROM (VALUES ('value'), ('habit')) AS s (name)
$$;
SELECT refresh_month(1, '2025-01-31');
SELECT refresh_month(2, '2025-02-28');
SELECT refresh_month(3, '2025-03-31');
SELECT refresh_month(4, '2025-04-30');

-- ---- now, at an instant of all, and of each row; nested, within sub-selects, with names and comments ----
SELECT create_rule_segmentation('mixed', 'facts', '{
    "Now":    "in_segment(''value'', ''High'') AND segment.IN_SEGMENT(segment => $$Often$$, segmentation => ''habit'')",
    "Before": "in_segment(''value'', /* ) */ ''High'', as_of() - interval ''45 days'') AND NOT in_segment(''value'', ''High'') -- )",
    "Then":   "in_segment(''habit'', at => seen_at, segment => ''Odd'')",
    "Nested":
       "in_segment(''value'', ''Low'', CASE WHEN in_segment(''habit'', ''Odd'') THEN as_of() - interval ''2 months'' ELSE seen_at END)",
    "Months":
       "EXISTS (SELECT FROM unnest(''{2025-2-15,2025-3-15,2025-4-15}''::date[]) AS source (t) WHERE in_segment(''value'', ''Middle'', t))",
    "Never":
       "in_segment(''value'', ''High'', NULL) OR in_segment(''habit'', ''Odd'', ''-infinity'')",
    "Known":  "in_segment(''value'', ''High'', ''infinity'') = in_segment(''value'', ''High'')"}', exclusive => false);
SELECT segmentation, how, segment, uses, used_segment FROM segmentation_uses ORDER BY 1, 3, 4, 5;
SELECT outcome, customers, rows_read, counts FROM refresh_segmentation('mixed', '2025-05-02');
SELECT segment, count(*) FROM mixed_segments GROUP BY 1 ORDER BY 1;
-- and what else asks the rules
SELECT segment, finding, message FROM lint_segmentation('mixed', '2025-05-02') ORDER BY 1, 2;
SELECT describe_rule('NOT in_segment(''value'', ''High'') AND revenue > 5');
-- the same by segment_members(), customer by customer
CREATE FUNCTION was_in(name text, of_segment text, customer bigint, at timestamptz) RETURNS boolean LANGUAGE sql AS $$
    SELECT at IS NOT NULL AND EXISTS (SELECT FROM segment_members(NULL::integer, name, at) AS m
                                      WHERE m.customer = was_in.customer AND m.segment = of_segment)
$$;
CREATE FUNCTION is_in(name text, of_segment text, customer bigint) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM segment_members(NULL::integer, name, NULL) AS m
                   WHERE m.customer = is_in.customer AND m.segment = of_segment)
$$;
SELECT count(*) AS wrong FROM (
    SELECT f.customer_id, r.segment
    FROM facts AS f CROSS JOIN LATERAL (VALUES
        ('Now', is_in('value', 'High', customer_id) AND is_in('habit', 'Often', customer_id)),
        ('Before', was_in('value', 'High', customer_id, timestamptz '2025-05-02' - interval '45 days')
                   AND NOT is_in('value', 'High', customer_id)),
        ('Then', was_in('habit', 'Odd', customer_id, seen_at)),
        ('Nested', was_in('value', 'Low', customer_id, CASE WHEN is_in('habit', 'Odd', customer_id)
                                                           THEN timestamptz '2025-05-02' - interval '2 months' ELSE seen_at END)),
        ('Months', was_in('value', 'Middle', customer_id, '2025-02-15') OR was_in('value', 'Middle', customer_id, '2025-03-15')
                   OR was_in('value', 'Middle', customer_id, '2025-04-15')),
        ('Known', true)) AS r (segment, holds)
    WHERE r.holds AND f.customer_id IS NOT NULL) AS wanted
FULL JOIN mixed_segments AS m ON m.customer_id = wanted.customer_id AND m.segment = wanted.segment
WHERE m.customer_id IS NULL OR wanted.customer_id IS NULL;
-- first match wins, and order of rules is as without
SELECT create_rule_segmentation('first', 'facts', '{"A": "in_segment(''value'', ''High'')", "B": "revenue > 500",
    "C": "in_segment(''habit'', ''Odd'', as_of() - interval ''1 day'')"}', rest => 'D', keep => '{revenue}');
SELECT outcome, customers FROM refresh_segmentation('first', '2025-05-02');
SELECT count(*) AS wrong
FROM (SELECT customer_id, CASE WHEN is_in('value', 'High', customer_id) THEN 'A' WHEN revenue > 500 THEN 'B'
                               WHEN is_in('habit', 'Odd', customer_id) THEN 'C' ELSE 'D' END AS segment
      FROM facts WHERE customer_id IS NOT NULL) AS f FULL JOIN first_segments AS m USING (customer_id)
WHERE f.segment IS DISTINCT FROM m.segment;
SELECT outcome, unchanged, entered, departed, moved, updated FROM refresh_segmentation('first', '2025-05-02');
-- the planner joins, once for all rows
CREATE FUNCTION nodes(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        IF line ~ '(Join|SubPlan|Nested Loop)' THEN
            RETURN NEXT regexp_replace(line, '^.*(Hash|Merge|Nested Loop|SubPlan).*$', '\1');
        END IF;
    END LOOP;
END $$;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT nodes(segment_internal.rules_statement(s)), count(*) FROM segmentation AS s WHERE name = 'first' GROUP BY 1;
RESET enable_nestloop;
RESET enable_mergejoin;

-- ---- seen before, and explained ----
SELECT condition, customers, unknown, customers_in_turn
FROM preview_segment('revenue > 100 AND in_segment(''value'', ''High'', seen_at) AND in_segment(''habit'', ''Odd'')', 'first',
                     as_of => '2025-05-02');
SELECT count(*) FILTER (WHERE revenue > 100) AS rich, count(*) FILTER (WHERE was_in('value', 'High', customer_id, seen_at)) AS then_high,
       count(*) FILTER (WHERE is_in('habit', 'Odd', customer_id)) AS odd,
       count(*) FILTER (WHERE revenue > 100 AND was_in('value', 'High', customer_id, seen_at)
                        AND is_in('habit', 'Odd', customer_id)) AS all_three FROM facts WHERE customer_id IS NOT NULL;
SELECT segment, customer_id FROM first_segments WHERE customer_id IN (11, 12, 13, 15) ORDER BY 2;
SELECT what, value, explanation FROM explain_customer('first', '12') WHERE what = 'rule';
SELECT count(*) FROM preview_refresh('first', '2025-05-03');
SELECT refresh_month(5, '2025-05-31');
SELECT change, from_segment, to_segment, count(*) FROM preview_refresh('first', '2025-06-01') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT outcome, entered, departed, moved FROM refresh_segmentation('first', '2025-06-01');
-- a rule that fails is found, and its customer
SELECT set_segment_rule('first', 'B', 'in_segment(''value'', ''High'') OR 1 / (customer_id - 22) > 0', refresh => false);
\set VERBOSITY terse
SELECT outcome, error FROM refresh_segmentation('first', '2025-06-02');
\set VERBOSITY default
SELECT set_segment_rule('first', 'B', 'revenue > 500', refresh => false);

-- ---- refused, in place ----
SELECT check_rule('orders > 1 AND in_segment(''valu'', ''High'')', source => 'facts');
SELECT check_rule('orders > 1 AND in_segment(''value'', ''Middel'')', source => 'facts');
SELECT check_rule('in_segment(''value'', ''Élevé'')', source => 'facts');
SELECT check_rule('''é'' > '''' AND in_segment(''value'', upper(''High''))', source => 'facts');
SELECT check_rule('in_segment(''value'' || '''', ''High'')', source => 'facts');
SELECT check_rule('in_segment(NULL, ''High'')', source => 'facts');
SELECT check_rule('in_segment(''value'')', source => 'facts');
SELECT check_rule('in_segment(''value'', ''High'', 5)', source => 'facts');
SELECT check_rule('in_segment(''value'', ''High'', clock_timestamp())', source => 'facts');
SELECT check_rule('in_segment(''value'', ''High'', no_such)', source => 'facts');
SELECT check_rule('in_segment(''value'', ''High'')', source => 'SELECT customer_id::text AS customer_id FROM facts');
SELECT check_rule('in_segment(''value'', ''High'')', source => 'SELECT customer_id::bigint AS customer_id FROM facts');
SELECT check_rule('orders > 0 AND in_segment(''first'', ''A'')', 'first');
SELECT check_rule(NULL, 'first');
SELECT in_segment('value', 'High');
SELECT count(*) FROM facts WHERE in_segment('value', 'High', seen_at);
CREATE SCHEMA other;
CREATE FUNCTION other.in_segment(text, text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
SELECT check_rule('in_segment(''value'', ''High'')', source => 'TABLE public.facts', search_path => 'other, segment');
SELECT check_rule('other.in_segment(''value'', ''High'')', source => 'TABLE public.facts', search_path => 'other, segment');
SELECT check_rule('segment.in_segment(''value'', ''High'')', source => 'TABLE public.facts', search_path => 'other');
DROP SCHEMA other CASCADE;
-- one that was closed, as training closes it
UPDATE segment SET closed_at = now() WHERE segmentation = 'value' AND name = 'High';
SELECT check_rule('in_segment(''value'', ''High'')', source => 'facts');
\set VERBOSITY terse
SELECT outcome, error_code, error FROM refresh_segmentation('first', '2025-06-03');
\set VERBOSITY default
UPDATE segment SET closed_at = NULL WHERE segmentation = 'value' AND name = 'High';

-- ---- keys of kindred types ----
SELECT create_rule_segmentation('wide', 'SELECT customer_id::bigint AS customer_id FROM facts',
                                '{"In": "in_segment(''value'', ''High'')"}');
SELECT (refresh_segmentation('wide', '2025-06-01')).customers
       = (SELECT count(*) FROM value_segments JOIN facts USING (customer_id) WHERE segment = 'High');
CREATE DOMAIN code AS text;
CREATE TABLE people AS SELECT n::text AS person FROM generate_series(1, 20) AS n;
SELECT create_rule_segmentation('texts', 'people', '{"Short": "length(person) = 1"}');
SELECT customers FROM refresh_segmentation('texts', '2025-06-01');
SELECT create_rule_segmentation('codes', 'SELECT person::code AS "the ""key""" FROM people',
                                '{"In": "in_segment(''texts'', ''Short'')"}');
SELECT customers FROM refresh_segmentation('codes', '2025-06-01');
SELECT create_rule_segmentation('chars', 'SELECT person::varchar(9) AS k FROM people', '{"In": "in_segment(''codes'', ''In'', as_of())"}');
SELECT customers FROM refresh_segmentation('chars', '2025-06-02');
SELECT drop_segmentation(name) FROM unnest(ARRAY['chars', 'codes', 'texts', 'wide']) AS name;

-- ---- renaming ----
SELECT rename_segment('value', 'High', 'Top');
SELECT rename_segment('value', 'High', 'Top "1"', cascade => true);
SELECT segment, rule FROM segment_rules('mixed');
SELECT version, note, segment, change, value_after FROM segment_rule_versions WHERE segmentation = 'first' AND note ~ 'renamed';
-- nothing of it changes who is in which segment
SELECT outcome, moved, entered, departed FROM refresh_segmentation('first', '2025-06-04');
-- a version from before means the segment that it meant
SELECT outcome, moved FROM revert_segment_rules('first', 1);
SELECT rule FROM segment_rules('first') LIMIT 1;
SELECT used_segment FROM segmentation_uses WHERE segmentation = 'first' AND segment = 'A';
-- also when there is another of that name now; a new text means that one
SELECT set_segment_rule('value', 'High', 'revenue > 990', refresh => false);
SELECT outcome FROM set_segment_rule('first', 'D2', 'orders = 3');
SELECT used_segment FROM segmentation_uses WHERE segmentation = 'first' AND segment = 'A';
SELECT outcome FROM set_segment_rule('first', 'A', 'in_segment(''value'', ''High'')');
SELECT used_segment FROM segmentation_uses WHERE segmentation = 'first' AND segment = 'A';
-- what no rule uses is renamed as ever
SELECT rename_segment('mixed', 'Never', 'No');

-- ---- cycles are refused, diamonds are not ----
SELECT create_rule_segmentation('left', 'facts', '{"L": "in_segment(''first'', ''A'')"}');
SELECT create_rule_segmentation('right', 'facts', '{"R": "in_segment(''first'', ''B'') AND in_segment(''value'', ''Low'')"}');
SELECT create_rule_segmentation('bottom', 'facts', '{"Both": "in_segment(''left'', ''L'') OR in_segment(''right'', ''R'')"}');
SELECT set_segment_rule('first', 'B', 'in_segment(''bottom'', ''Both'')', refresh => false);
SELECT set_segment_rule('first', 'B', 'in_segment(''first'', ''A'')', refresh => false);
SELECT set_segment_rule('habit', 'None', 'in_segment(''left'', ''L'')', refresh => false);
-- a source counts, too
SELECT create_rule_segmentation('reader',
                                'SELECT f.*, m.segment AS bottom FROM facts AS f LEFT JOIN bottom_segments AS m USING (customer_id)',
                                '{"R": "bottom IS NOT NULL"}');
SELECT set_segment_rule('value', 'Middle', 'in_segment(''reader'', ''R'')', refresh => false);
SELECT segmentation, how, uses FROM segmentation_uses WHERE segmentation IN ('reader', 'left', 'right', 'bottom')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- ---- dropping ----
SELECT drop_segment_rule('first', 'A');
SELECT drop_segment_rule('first', 'no such', cascade => true);
SELECT drop_segmentation('first');
SELECT outcome FROM drop_segment_rule('first', 'A', cascade => true);
SELECT name FROM segmentation ORDER BY 1;
SELECT segment, change, note FROM segment_rule_versions WHERE segmentation = 'bottom' ORDER BY version DESC LIMIT 1;
-- a version that had another segment closes what is used
SELECT outcome FROM set_segment_rule('first', 'E', 'orders = 9');
SELECT set_segment_rule('right', 'E', 'in_segment(''first'', ''E'')', refresh => false);
SELECT revert_segment_rules('first', 1);
SELECT drop_segmentation('value', cascade => true);
SELECT name FROM segmentation ORDER BY 1;
SELECT segment, rule FROM segment_rules('mixed');
SELECT segment, rule FROM segment_rules('first');
SELECT outcome FROM refresh_segmentation('mixed', max_departed => 1);

-- ---- a rule that uses what its author may not read, and who may not drop what is another's ----
CREATE ROLE regress_segment_one;
CREATE ROLE regress_segment_two;
CREATE SCHEMA regress_one AUTHORIZATION regress_segment_one;
CREATE SCHEMA regress_two AUTHORIZATION regress_segment_two;
SET SESSION AUTHORIZATION regress_segment_one;
SET search_path = regress_one, segment;
CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 10) AS n;
SELECT create_rule_segmentation('secret', 'people', '{"Low": "id < 4", "High": "id > 7", "Nine": "id = 9"}', exclusive => false);
SELECT outcome FROM refresh_segmentation('secret', '2025-01-01');
GRANT USAGE ON SCHEMA regress_one TO regress_segment_two;
SET SESSION AUTHORIZATION regress_segment_two;
SET search_path = regress_two, segment;
CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 10) AS n;
SELECT create_rule_segmentation('curious', 'people', '{"Low": "in_segment(''secret'', ''Low'')"}');
SELECT preview_segment('in_segment(''secret'', ''Low'')', source => 'people');
-- nor by naming it to the catalogue itself
SELECT create_rule_segmentation('curious', 'people', '{"Low": "id < 3", "All": "true"}');
SELECT segment_internal.change_catalogue('use_rules', s.name, segment_internal.change_catalogue('propose_rules', s.name,
    jsonb_set(s.options, '{rules,0,uses}', '[{"segmentation": "secret", "segment": "Low", "segment_id": 1}]'), NULL::text)::integer)
    IS NOT NULL
FROM segmentation AS s;
SELECT segment_internal.change_catalogue('release_uses', 'secret'::text, NULL::integer[]);
SELECT outcome FROM refresh_segmentation('curious', '2025-01-02');
SET SESSION AUTHORIZATION regress_segment_one;
SELECT count(*) FROM segmentation_use;
GRANT SELECT ON regress_one.secret_segments TO regress_segment_two;
SET SESSION AUTHORIZATION regress_segment_two;
-- the history is another table
SELECT set_segment_rule('curious', 'Low', 'in_segment(''secret'', ''Low'', as_of() - interval ''1 day'')');
SELECT outcome, customers FROM set_segment_rule('curious', 'Low', 'in_segment(''secret'', ''Low'')');
SELECT outcome, customers FROM set_segment_rule('curious', 'High', 'in_segment(''secret'', ''High'')');
SELECT * FROM segmentation_uses;
-- the owner of what is used does not see by whom, and need not ask
SET SESSION AUTHORIZATION regress_segment_one;
SELECT * FROM segmentation_uses;
SELECT rename_segment('secret', 'Low', 'Small');
SELECT rename_segment('secret', 'Low', 'Small', cascade => true);
SELECT outcome FROM drop_segment_rule('secret', 'Nine');
SET SESSION AUTHORIZATION regress_segment_two;
SELECT segment, used_segment FROM segmentation_uses;
SELECT outcome, customers FROM refresh_segmentation('curious');
-- a right that is taken back
SET SESSION AUTHORIZATION regress_segment_one;
REVOKE SELECT ON regress_one.secret_segments FROM regress_segment_two;
SET SESSION AUTHORIZATION regress_segment_two;
\set VERBOSITY terse
SELECT outcome, error_code, error FROM refresh_segmentation('curious');
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_segment_one;
SELECT drop_segmentation('secret');
SELECT drop_segmentation('secret', cascade => true);
SET SESSION AUTHORIZATION regress_segment_two;
\set VERBOSITY terse
SELECT outcome, error_code, error FROM refresh_segmentation('curious');
\set VERBOSITY default
SELECT count(*) FROM regress_two.curious_segments;
RESET SESSION AUTHORIZATION;
SET search_path = public, segment;
SET client_min_messages = warning;
DO $$ BEGIN
    WHILE EXISTS (SELECT FROM segmentation) LOOP
        PERFORM drop_segmentation(min(name), cascade => true) FROM segmentation;
    END LOOP;
END $$;
DROP OWNED BY regress_segment_one, regress_segment_two CASCADE;
DROP ROLE regress_segment_one, regress_segment_two;
DROP VIEW facts;
DROP TABLE months, this_month, people;
DROP FUNCTION was_in, is_in, nodes, refresh_month;
DROP DOMAIN code;
