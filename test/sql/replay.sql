-- A replay is what refreshes by hand at its instants would have been, for all kinds; the segmentation itself is not touched.
SET client_min_messages = warning;
SET timezone = 'Europe/Berlin';
CREATE SCHEMA shop;
SET search_path = shop, segment;
SELECT setseed(0.5);
CREATE TABLE orders AS
SELECT (random() * random() * 200)::int AS customer_id, timestamptz '2023-12-20' + random() * interval '380 days' AS ordered_at,
       (random() ^ 3 * 1000)::numeric(8, 2) AS amount
FROM generate_series(1, 3000);
CREATE VIEW facts AS
SELECT customer_id, count(*) AS orders, sum(amount)::float8 AS total,
       count(*) FILTER (WHERE ordered_at > as_of() - interval '60 days') AS recent
FROM orders WHERE ordered_at < as_of() GROUP BY 1;
CREATE VIEW undated AS
SELECT customer_id, count(*) AS orders, sum(amount)::float8 AS total, max(ordered_at) AS last_order_at FROM orders GROUP BY 1;

SELECT FROM create_rfm_segmentation('rfm', 'orders', hysteresis => 0.1, retrain_every => '3 mons');
SELECT FROM create_cluster_segmentation('cluster', 'facts', k => 3, options => '{"log": ["total"]}', retrain_every => '6 mons');
SELECT FROM create_rule_segmentation('tier', 'facts',
    '{"Gold": "total > 1500", "Often": {"rule": "orders > 8", "description": "many"}}', rest => 'Others', keep => '{total}');
SELECT FROM create_rule_segmentation('traits', 'facts',
    '{"Gold": "total > 1500", "Late": "recent = 0", "Fan": "in_segment(''tier'', ''Often'')"}', exclusive => false);
SELECT FROM rename_segment('traits', 'Late', 'Silent');
SELECT name, (refresh_segmentation(name, '2024-12-31', max_departed => 1)).outcome FROM segmentation ORDER BY name = 'traits', name;
SELECT FROM include_customer('tier', 'Gold', '3', refresh => false);
CREATE FUNCTION state_of(s segmentation) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE format('SELECT md5($1::text || (SELECT string_agg(m::text, '' '' ORDER BY m) FROM %s AS m)
                    || coalesce((SELECT string_agg(h::text, '' '' ORDER BY h) FROM %s AS h), '''')
                    || (SELECT string_agg(r::text, '' '' ORDER BY run_id) FROM run AS r WHERE r.segmentation = $1.name))',
                   s.members, s.history) INTO STRICT result USING s;
    RETURN result;
END $$;
CREATE TABLE untouched AS SELECT s.name, state_of(s) AS state FROM segmentation AS s;

-- the same by hand, of which nobody copied anything
CREATE FUNCTION by_hand() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
BEGIN
    PERFORM create_rfm_segmentation('hand_rfm', 'orders', hysteresis => 0.1, retrain_every => '3 mons');
    PERFORM create_cluster_segmentation('hand_cluster', 'facts', k => 3, options => '{"log": ["total"]}', retrain_every => '6 mons');
    PERFORM create_rule_segmentation('hand_tier', 'facts',
        '{"Gold": "total > 1500", "Often": "orders > 8"}', rest => 'Others', keep => '{total}');
    PERFORM create_rule_segmentation('hand_traits', 'facts',
        '{"Gold": "total > 1500", "Silent": "recent = 0", "Fan": "in_segment(''tier'', ''Often'')"}', exclusive => false);
    -- the ends of the months, by the calendar of Berlin
    FOREACH at IN ARRAY '{2024-01-31,2024-02-29,2024-03-31,2024-04-30,2024-05-31,2024-06-30,2024-07-31,
                        2024-08-31,2024-09-30,2024-10-31,2024-11-30,2024-12-31}'::timestamptz[] LOOP
        PERFORM refresh_segmentation('hand_rfm', at);
        PERFORM refresh_segmentation('hand_tier', at);
    END LOOP;
    FOREACH at IN ARRAY '{2024-01-31,2024-04-30,2024-07-31,2024-10-31}'::timestamptz[] LOOP
        PERFORM refresh_segmentation('hand_cluster', at);
        PERFORM refresh_segmentation('hand_traits', at);
    END LOOP;
END $$;
SELECT by_hand();
CALL replay_segmentation('rfm', 'past_rfm', '2024-01-31', '2024-12-31');
CALL replay_segmentation('cluster', 'past_cluster', '2024-01-31', '2024-12-31', every => '3 months');
CALL replay_segmentation('tier', 'past_tier', '2024-01-31', '2024-12-31');
CALL replay_segmentation('traits', 'past_traits', '2024-01-31', '2024-12-31', every => '3 months');

-- members, history and runs of a name are those of another; what differs
CREATE FUNCTION differences(one text, other text) RETURNS TABLE (what text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY '{_segments,_history}'::text[] LOOP
        what := t;
        EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT TABLE %2$I) UNION ALL (TABLE %2$I EXCEPT TABLE %1$I)) AS d',
                       one || t, other || t) INTO rows;
        RETURN NEXT;
    END LOOP;
    what := 'runs';
    SELECT count(*) INTO rows
    FROM (SELECT as_of, outcome, customers, entered, departed, moved, updated, counts, model_version, trained
          FROM run WHERE segmentation = one) AS a
    FULL JOIN (SELECT as_of, outcome, customers, entered, departed, moved, updated, counts, model_version, trained
               FROM run WHERE segmentation = other) AS b ON a = b
    WHERE a IS NULL OR b IS NULL;
    RETURN NEXT;
END $$;
SELECT k, d.* FROM unnest('{rfm,cluster,tier,traits}'::text[]) AS k, differences('past_' || k, 'hand_' || k) AS d WHERE d.rows > 0;
SELECT segmentation, count(*), min(as_of) AS first, max(as_of) AS last, sum(moved) > 0 OR sum(entered) > 200 AS moves
FROM segment_run WHERE segmentation LIKE 'past%' GROUP BY 1 ORDER BY 1;
-- as ever: sizes, and history by events, and what is told of the past
SELECT name FROM segmentation AS s
WHERE name LIKE 'past%' AND (SELECT sum(customers) FROM segment.segment AS g WHERE g.segmentation = s.name)
    <> (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', members), false, true, '')))[1]::text::bigint;
SELECT segment, description FROM segment_rules('past_tier');
SELECT count(*) > 0 AS moved FROM segment_migration('past_rfm', '2024-02-29', '2024-11-30') WHERE from_segment <> to_segment;
-- of the segmentations themselves nothing changed
SELECT u.name FROM untouched AS u JOIN segmentation AS s USING (name) WHERE u.state <> state_of(s);

-- another definition: the same as created with it
CALL replay_segmentation('rfm', 'natural', '2024-06-01', '2024-08-01', definition => '{"cuts": "natural_breaks", "hysteresis": null,
                         "source": "SELECT customer_id, ordered_at, amount FROM orders WHERE amount > 10"}');
SELECT FROM create_rfm_segmentation('hand_natural', 'SELECT customer_id, ordered_at, amount FROM orders WHERE amount > 10',
                                    cuts => 'natural_breaks', retrain_every => '3 mons');
SELECT count(refresh_segmentation('hand_natural', at)) FROM unnest('{2024-06-01,2024-07-01,2024-08-01}'::timestamptz[]) AS at;
SELECT * FROM differences('natural', 'hand_natural') WHERE rows > 0;
CALL replay_segmentation('tier', 'strict', '2024-06-01', '2024-08-01',
                         definition => '{"rules": {"Gold": "total > 2500", "New": "orders = 1"}, "rest": null}');
SELECT segment_id, segment, rule, customers > 0 AS has_some FROM segment_rules('strict') ORDER BY 2;

-- it goes on where it ended, for the days that are new, and a refused instant is passed over
CALL replay_segmentation('tier', 'past_tier', '2024-01-31', '2025-02-28');
SELECT as_of FROM segment_run WHERE segmentation = 'past_tier' AND as_of > '2024-12-30' ORDER BY 1;
CREATE VIEW ends AS SELECT * FROM facts WHERE as_of() < '2024-03-10' OR as_of() > '2024-05-10' OR customer_id = 1;
SELECT FROM create_rule_segmentation('ends', 'ends', '{"All": "true"}');
CALL replay_segmentation('ends', 'past_ends', '2024-02-01', '2024-06-15');
SELECT as_of, outcome FROM segment_run WHERE segmentation = 'past_ends' ORDER BY run_id;
-- clocks: hours over a night that has one more, and days
CALL replay_segmentation('ends', 'clocks', '2024-10-27 00:00', '2024-10-27 04:00', every => '1 hour');
SELECT string_agg(to_char(as_of AT TIME ZONE 'UTC', 'HH24'), ' ' ORDER BY as_of) FROM segment_run WHERE segmentation = 'clocks';
SELECT segment_internal.replay_instants('2024-03-30 02:30', '2024-04-01 02:30', '1 day', 'Europe/Berlin');
SELECT segment_internal.replay_instants('2024-01-31', '2024-06-01', '1 month 6 hours', 'America/New_York');

-- one that fails ends it, with what was done before
SET client_min_messages = error;
CREATE VIEW breaks AS SELECT customer_id, 1 / (as_of() < '2024-03-10')::int AS one FROM facts;
SELECT FROM create_rule_segmentation('breaks', 'breaks', '{"All": "one = 1"}');
\set VERBOSITY terse
CALL replay_segmentation('breaks', 'past_breaks', '2024-02-01', '2024-06-15');
SELECT as_of, outcome, customers > 0 AS has_some FROM segment_run WHERE segmentation = 'past_breaks' ORDER BY run_id;

-- what is told, and what is refused
SET client_min_messages = notice;
SELECT FROM create_rule_segmentation('undated', 'undated', '{"All": "true"}');
CALL replay_segmentation('undated', 'past_undated', '2024-02-01', '2024-02-01');
CALL replay_segmentation('rfm', 'past_summary', '2024-02-01', '2024-02-01',
                         definition => '{"source": "undated", "summarised": true, "hysteresis": 0}');
CALL replay_segmentation('rfm', 'past_rfm', '2024-01-31', '2024-12-31', definition => '{"bins": 3}');
CALL replay_segmentation('rfm', 'tier', '2024-01-31');
CALL replay_segmentation('rfm', 'rfm', '2024-01-31');
CALL replay_segmentation('nobody', 'past', '2024-01-31');
CALL replay_segmentation('rfm', NULL, '2024-01-31');
CALL replay_segmentation('rfm', 'past', NULL, '2024-01-31');
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2023-01-31');
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2999-01-31');
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2024-03-31', every => '0');
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2024-03-31', every => '1 second');
CALL replay_segmentation('rfm', 'past', '2024-01-31', definition => '{"bins": 0}');
BEGIN;
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2024-03-31');
ROLLBACK;
CREATE ROLE replay_reader;
GRANT USAGE, CREATE ON SCHEMA shop TO replay_reader;
GRANT SELECT ON rfm_segments TO replay_reader;
SET ROLE replay_reader;
CALL replay_segmentation('rfm', 'past', '2024-01-31', '2024-03-31');
RESET ROLE;
DROP OWNED BY replay_reader;
-- whoever may act as the owner replays, and the owner owns it
CREATE ROLE replay_owner;
GRANT USAGE, CREATE ON SCHEMA shop TO replay_owner;
GRANT SELECT ON orders TO replay_owner;
SET ROLE replay_owner;
SET client_min_messages = warning;
SELECT FROM create_rfm_segmentation('theirs', 'orders');
RESET ROLE;
CALL replay_segmentation('theirs', 'past_theirs', '2024-01-31', '2024-02-10', every => '1 week');
SELECT tableowner, count(*) FROM pg_tables WHERE tablename LIKE 'past\_theirs%' GROUP BY 1;
DO $$ BEGIN
    PERFORM drop_segmentation(name, true) FROM segmentation WHERE name IN ('traits', 'past_traits', 'hand_traits');
    PERFORM drop_segmentation(name) FROM segmentation;
END $$;
DROP SCHEMA shop CASCADE;
DROP OWNED BY replay_owner, replay_reader;
DROP ROLE replay_reader, replay_owner;
