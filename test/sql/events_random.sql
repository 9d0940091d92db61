-- Events under chance (law 8): whatever refreshes, retrains, corrections of an instant and decisions there were, the table
-- of events replayed to any instant is what the history says of it, and a consumer gets each event, in order.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE chance_orders (customer_id text, at timestamptz, amount numeric);
CREATE TABLE chance_facts (id text, points integer, spend float8, visits float8, other integer);
CREATE TABLE problem (name text, round integer, problem text, detail text);
CREATE TABLE h (event_at timestamptz, customer text, from_id integer, to_id integer, reason text);
CREATE TABLE got (name text, event_id bigint, n bigint GENERATED ALWAYS AS IDENTITY);

CREATE FUNCTION change_things(round integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE chance_facts SET points = random() * 100 WHERE random() < 0.15;
    UPDATE chance_facts SET other = random() * 100 WHERE random() < 0.15;
    UPDATE chance_facts SET spend = spend + random() * 10, visits = visits * random() * 2 WHERE random() < 0.15;
    UPDATE chance_facts SET spend = NULL WHERE random() < 0.02;
    DELETE FROM chance_facts WHERE random() < 0.05;
    INSERT INTO chance_facts SELECT 'c' || n, random() * 100, n % 3 * 40 + random(), n % 3 * 20 + random(), random() * 100
    FROM generate_series(1, 60) AS n WHERE random() < 0.2 AND 'c' || n NOT IN (SELECT id FROM chance_facts);
    DELETE FROM chance_orders WHERE random() < 0.05;
    INSERT INTO chance_orders
    SELECT 'c' || ceil(random() * 60), timestamptz '2025-01-01' + round * interval '1 day' - random() * interval '40 days',
           round((random() * 300)::numeric, 2) FROM generate_series(1, 20);
END;
$$;

-- members as of t by the events alone
CREATE FUNCTION replay(events regclass, t timestamptz, overlapping boolean) RETURNS TABLE (customer text, segment_id integer)
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT e.customer, e.to_segment_id
         FROM (SELECT DISTINCT ON (x.customer, x.place) x.* FROM (
                   SELECT %I::text AS customer, CASE WHEN $2 THEN coalesce(to_segment_id, from_segment_id) END AS place,
                          to_segment_id, event_id
                   FROM %s WHERE event_at <= $1) AS x ORDER BY x.customer, x.place, x.event_id DESC) AS e
         WHERE e.to_segment_id IS NOT NULL', segment_internal.key_column(events), events) USING t, overlapping;
END;
$$;

CREATE PROCEDURE check_events(name text, round integer) LANGUAGE plpgsql AS $$
DECLARE
    s segmentation := segment_internal.segmentation_row(name);
    overlapping boolean := segment_internal.overlapping(s);
    t timestamptz;
BEGIN
    FOR t IN SELECT DISTINCT i FROM run AS r, unnest(ARRAY[as_of, as_of + interval '1 hour', as_of - interval '1 hour']) AS i
             WHERE r.segmentation = check_events.name AND r.outcome IN ('ok', 'empty')
               -- after the last refresh members are those to come
               AND i <= s.refreshed_as_of LOOP
        INSERT INTO problem SELECT name, round, 'replay', format('%s: events %s, history %s', t, e, h)
        FROM replay(s.events, t, overlapping) AS e
        FULL JOIN segment_members(check_events.name, t) AS h USING (customer, segment_id)
        WHERE e IS NULL OR h IS NULL;
    END LOOP;
    EXECUTE format('CREATE TEMP TABLE e AS SELECT *, %I::text AS customer FROM %s', segment_internal.key_column(s.events), s.events);
    INSERT INTO problem SELECT name, round, 'chain', format('%s', c)
    FROM (SELECT e.*, lag(to_segment_id) OVER w AS before, lag(event_at) OVER (ORDER BY event_id) AS at_before,
                 row_number() OVER (ORDER BY event_id) AS n, row_number() OVER (ORDER BY insertion) AS m
          FROM e WINDOW w AS (PARTITION BY customer, CASE WHEN overlapping THEN coalesce(from_segment_id, to_segment_id) END
                              ORDER BY event_id)) AS c
    WHERE from_segment_id IS DISTINCT FROM before OR from_segment_id IS NOT DISTINCT FROM to_segment_id
       OR event <> CASE WHEN from_segment_id IS NULL THEN 'entered' WHEN to_segment_id IS NULL THEN 'departed' ELSE 'moved' END
       OR (from_segment IS NULL) <> (from_segment_id IS NULL) OR (to_segment IS NULL) <> (to_segment_id IS NULL)
       OR event_at < at_before OR n <> m
       OR reason <> ALL ('{decision,undecided}' || CASE event WHEN 'departed' THEN '{gone}'::text[] WHEN 'entered' THEN '{new}'
              ELSE '{model}' END
          -- back as of the same instant
          || CASE s.kind WHEN 'rfm' THEN '{orders,time}'::text[] WHEN 'cluster' THEN '{features}'
                  ELSE '{facts,source,rules}' END);
    INSERT INTO problem SELECT name, round, 'numbers', format('%s of %s, %s', count(*), max(event_id), s.last_event_id) FROM e
    HAVING count(*) <> s.last_event_id - (SELECT count(*) FROM got WHERE got.name = 'dropped ' || check_events.name)
        OR max(event_id) <> s.last_event_id;
    -- segment_events() with the ids, as several segments may have had one name
    EXECUTE format('INSERT INTO h SELECT event_at, customer::text, from_id, to_id, reason FROM (%s) AS x',
                   segment_internal.events_query(s)) USING segment_internal.segment_rows(name), '-infinity'::timestamptz;
    -- what the history tells are the same transitions, those of one instant as one
    INSERT INTO problem SELECT name, round, 'history', format('%s', d)
    FROM (SELECT event_at, customer, (array_agg(from_segment_id ORDER BY event_id))[1] AS from_id,
                 (array_agg(to_segment_id ORDER BY event_id DESC))[1] AS to_id,
                 CASE count(*) WHEN 1 THEN min(reason) END AS reason
          FROM e GROUP BY 1, 2, CASE WHEN overlapping THEN coalesce(from_segment_id, to_segment_id) END) AS d
    FULL JOIN h ON h.event_at = d.event_at AND h.customer = d.customer AND h.from_id IS NOT DISTINCT FROM d.from_id
           AND h.to_id IS NOT DISTINCT FROM d.to_id
    WHERE (h.customer IS NULL AND d.from_id IS DISTINCT FROM d.to_id) OR d.customer IS NULL
       -- of an instant that came up again the history may have a better reason for the same transition
       OR (h.reason <> d.reason AND (SELECT count(*) FROM run AS r WHERE r.segmentation = check_events.name
                                                                  AND r.as_of = h.event_at) = 1);
    DROP TABLE e;
    TRUNCATE h;
END;
$$;

-- a consumer, who takes some and does not always say so
CREATE PROCEDURE consume(name text) LANGUAGE plpgsql AS $$
DECLARE
    few integer := ceil(random() * 40);
    last bigint;
BEGIN
    FOR i IN 1 .. 2 LOOP
        SELECT max(e.event_id) INTO last FROM next_segment_events('reader of ' || name, few) AS e;
        CONTINUE WHEN random() < 0.3;
        INSERT INTO got SELECT name, e.event_id FROM next_segment_events('reader of ' || name, few) AS e;
        PERFORM acknowledge_segment_events('reader of ' || name, last);
    END LOOP;
END;
$$;

CREATE PROCEDURE by_chance(name text, rounds integer) LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    at timestamptz;
    who text;
    whom text;
BEGIN
    FOR round IN 1 .. rounds LOOP
        PERFORM change_things(round);
        -- each third time as of the same instant again
        at := timestamptz '2025-01-01' + (round - CASE WHEN round % 3 = 0 THEN 1 ELSE 0 END) * interval '1 day';
        outcome := (refresh_segmentation(name, at, CASE WHEN random() < 0.3 THEN true END, max_departed => 1)).outcome;
        IF outcome <> 'ok' THEN
            INSERT INTO problem VALUES (name, round, 'outcome', outcome);
        END IF;
        IF round = 3 THEN
            PERFORM event_table(name);
            PERFORM create_event_consumer('reader of ' || name, name);
        END IF;
        FOR i IN 1 .. 4 LOOP
            who := CASE WHEN random() < 0.85 THEN 'c' || ceil(random() * 60) ELSE 'nobody ' || ceil(random() * 5) END;
            SELECT g.name INTO whom FROM segment AS g
            WHERE g.segmentation = by_chance.name AND g.closed_at IS NULL ORDER BY random() LIMIT 1;
            CASE ceil(random() * 4)
                WHEN 1 THEN PERFORM include_customer(name, whom, who, until => at + interval '36 hours', refresh => i < 4);
                WHEN 2 THEN PERFORM exclude_customer(name, CASE WHEN random() < 0.5 THEN whom END, who, refresh => i < 4);
                ELSE PERFORM undecide_customer(name, NULL, who, i < 4);
            END CASE;
        END LOOP;
        IF round = 7 THEN
            -- from here on names are others, and what was told before keeps its own
            PERFORM rename_segment(name, whom, 'renamed');
        END IF;
        CONTINUE WHEN round < 3 OR round % 2 = 0;
        CALL check_events(name, round);
        CALL consume(name);
    END LOOP;
    -- all that is left
    INSERT INTO got SELECT by_chance.name, e.event_id FROM next_segment_events('reader of ' || name, NULL) AS e;
    INSERT INTO problem SELECT by_chance.name, rounds, 'consumer', format('%s', g)
    FROM (SELECT event_id, row_number() OVER (ORDER BY n) AS n FROM got WHERE got.name = by_chance.name) AS g
    FULL JOIN (SELECT n FROM generate_series(1, (SELECT last_event_id FROM segmentation AS s WHERE s.name = by_chance.name)) AS n) AS a
        ON a.n = g.event_id
    WHERE g.n IS DISTINCT FROM a.n;
END;
$$;

SELECT setseed(0.5);
DO $$ BEGIN FOR n IN -8 .. 0 LOOP PERFORM change_things(n); END LOOP; END $$;
SELECT FROM create_rule_segmentation('one', 'chance_facts',
    '{"many": "points > 70", "some": "points > 40 AND other > 20", "spent": "spend > 60"}', keep => '{points}');
SELECT FROM create_rule_segmentation('several', 'chance_facts',
    '{"many": "points > 70", "some": "points > 40 AND other > 20", "spent": "spend > 60"}', exclusive => false, rest => 'rest',
    keep => '{points}');
SELECT FROM create_rfm_segmentation('loyal', 'chance_orders', retrain_every => '3 days');
SELECT FROM create_cluster_segmentation('groups', 'chance_facts', 3, features => '{spend,visits}');
CALL by_chance('one', 12);
CALL by_chance('several', 12);
CALL by_chance('loyal', 9);
CALL by_chance('groups', 9);
SELECT * FROM problem ORDER BY name, round, problem, detail LIMIT 20;

-- the test is worth something only if everything occurred
CREATE VIEW all_events AS
    SELECT 'one' AS name, event, reason FROM one_events UNION ALL SELECT 'several', event, reason FROM several_events
    UNION ALL SELECT 'loyal', event, reason FROM loyal_events UNION ALL SELECT 'groups', event, reason FROM groups_events;
SELECT w.reason AS never FROM unnest('{new,gone,decision,undecided,facts,source,features,model,orders,time}'::text[]) AS w (reason)
WHERE w.reason NOT IN (SELECT e.reason FROM all_events AS e);
SELECT name, count(*) > 50 AS many FROM all_events GROUP BY 1 ORDER BY 1;
SELECT count(*) > 0 AS corrected FROM (SELECT FROM one_events GROUP BY id, event_at HAVING count(*) > 1) AS c;
SELECT count(*) > 0 AS renamed FROM one_events AS e JOIN segment AS g ON g.segmentation = 'one' AND g.segment_id = e.to_segment_id
WHERE g.name <> e.to_segment;
-- staged, the same
SELECT change_things(30);
SELECT segment_internal.begin_run('several') AS lost \gset
SELECT segment_internal.refresh_as_owner('several', '2025-03-01', NULL, NULL, 1, NULL, true) IS NOT NULL AS staged;
CALL check_events('several', 100);
-- dropped, and asked for again: all there is to tell, under new numbers
INSERT INTO got SELECT 'dropped loyal', event_id FROM loyal_events;
DROP VIEW all_events;
DROP TABLE loyal_events;
SELECT outcome FROM refresh_segmentation('loyal', '2025-03-01', max_departed => 1);
SELECT event_table('loyal');
CALL check_events('loyal', 101);
-- a first fill with events, and without members by now
SELECT FROM create_rule_segmentation('late', 'chance_facts', '{"many": "points > 70", "some": "other > 20"}', exclusive => false);
SELECT event_table('late');
SELECT outcome FROM refresh_segmentation('late', '2025-01-01');
CALL check_events('late', 102);
TRUNCATE chance_facts;
SELECT outcome FROM refresh_segmentation('late', '2025-01-02', max_departed => 1);
SELECT change_things(31);
SELECT outcome FROM refresh_segmentation('late', '2025-01-03');
CALL check_events('late', 103);
SELECT * FROM problem ORDER BY name, round, problem, detail LIMIT 20;
SELECT count(drop_segmentation(name)) FROM segmentation;
SELECT count(*) AS consumers FROM segment_event_consumer;
SELECT relname FROM pg_class WHERE relname ~ '_events$' AND relkind = 'r' AND relnamespace = 'public'::regnamespace;
DROP TABLE chance_orders, chance_facts, problem, h, got;
DROP PROCEDURE check_events, consume, by_chance;
DROP FUNCTION change_things, replay;
