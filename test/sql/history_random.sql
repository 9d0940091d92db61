-- The history under chance: after any sequence of refreshes of every kind, corrections of the same instant, trainings,
-- decisions, slips that are reset and purges, periods neither overlap nor leave gaps, every instant has the members
-- that it had, and what is worked out of the history agrees with it.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE walk_orders (customer_id integer, at timestamptz, amount numeric);
CREATE TABLE walk_facts (id integer, points integer, spend float8, visits float8, seen_at timestamptz);
-- who was where after the last refresh of an instant
CREATE TABLE truth (as_of timestamptz, customer text, segment_id integer);
CREATE INDEX ON truth (as_of);

CREATE FUNCTION change_things(day integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE walk_facts SET points = random() * 100 WHERE random() < 0.2;
    UPDATE walk_facts SET spend = spend + random() * 10, visits = visits * random() * 2 WHERE random() < 0.1;
    UPDATE walk_facts SET seen_at = timestamptz '2025-01-01' + day * interval '1 day' WHERE random() < 0.1;
    DELETE FROM walk_facts WHERE random() < 0.06;
    INSERT INTO walk_facts SELECT n, random() * 100, n % 3 * 40 + random(), n % 3 * 20 + random(),
                                  timestamptz '2025-01-01' + day * interval '1 day'
    FROM generate_series(1, 50) AS n WHERE random() < 0.15 AND n NOT IN (SELECT id FROM walk_facts);
    DELETE FROM walk_orders WHERE random() < 0.08;
    INSERT INTO walk_orders
    SELECT ceil(random() * 50), timestamptz '2025-01-01' + day * interval '1 day' - random() * interval '40 days',
           round((random() * 300)::numeric, 2) FROM generate_series(1, 30);
END;
$$;

-- how much of all that has to hold does not
CREATE FUNCTION faults(s segmentation) RETURNS TABLE (law text, wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
    key name := segment_internal.key_column(s.members);
    same text := CASE WHEN segment_internal.overlapping(s) THEN ' AND n.segment_id = p.segment_id' ELSE '' END;
    kept timestamptz := coalesce(s.history_from, '-infinity');
    first timestamptz := (SELECT min(as_of) FROM truth WHERE as_of >= kept);
BEGIN
    EXECUTE format('CREATE TEMP TABLE place AS
                    SELECT format(''%%s'', %1$I) AS customer, segment_id, entered_at, left_at FROM %2$s
                    UNION ALL SELECT format(''%%s'', %1$I), segment_id, entered_at, ''infinity'' FROM %3$s',
                   key, s.history, s.members);
    RETURN QUERY EXECUTE 'SELECT ''overlap'', count(*) FROM place AS p JOIN place AS n
                          ON n.customer = p.customer AND n.ctid <> p.ctid' || same ||
                         ' AND n.entered_at < p.left_at AND p.entered_at < n.left_at';
    -- a place is left for the next one at the same instant, or for good: then nobody was there at that instant
    RETURN QUERY EXECUTE 'SELECT ''gap'', count(*) FROM place AS p
                          WHERE p.left_at < ''infinity'' AND p.left_at >= $1
                            AND EXISTS (SELECT FROM truth AS n WHERE n.customer = p.customer AND n.as_of = p.left_at' || same || ')
                                <> EXISTS (SELECT FROM place AS n WHERE n.customer = p.customer AND n.entered_at = p.left_at' || same || ')'
    USING kept;
    RETURN QUERY
    WITH told AS (SELECT i.as_of, p.customer, p.segment_id FROM (SELECT DISTINCT as_of FROM truth WHERE as_of >= kept) AS i
                  JOIN place AS p ON p.entered_at <= i.as_of AND p.left_at > i.as_of),
         was AS (SELECT * FROM truth WHERE as_of >= kept)
    SELECT 'replay', (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE was) AS a)
                     + (SELECT count(*) FROM (TABLE was EXCEPT ALL TABLE told) AS b);
    RETURN QUERY SELECT 'size', count(*) FROM segment AS g
    WHERE g.segmentation = s.name AND g.customers <> (SELECT count(*) FROM place AS m
                                                      WHERE m.segment_id = g.segment_id AND m.left_at = 'infinity');
    RETURN QUERY SELECT 'lint', count(*) FROM lint_segmentation(s.name) AS l WHERE l.finding = 'history_overlap';
    -- trend: sizes are those of the instant, and what came and went explains them
    RETURN QUERY
    WITH t AS (SELECT * FROM segment_trend(s.name, (ARRAY['1 day', '1 week', '12 hours'])[ceil(random() * 3)]::interval)),
         e AS (SELECT t.*, lag(t.customers) OVER (PARTITION BY t.segment_id ORDER BY t.period_end) AS before,
                      (SELECT count(*) FROM place AS p WHERE p.segment_id = t.segment_id
                          AND p.entered_at <= t.period_end AND p.left_at > t.period_end) AS there FROM t)
    SELECT 'trend', count(*) FILTER (WHERE e.customers <> e.there)
                    + count(*) FILTER (WHERE e.customers <> coalesce(e.before, e.customers - e.net) + e.added - e.removed) FROM e;
    RETURN QUERY
    SELECT 'trend whole', count(*) FROM (
        SELECT t.period_end, sum(t.net) AS net,
               (SELECT count(*) FROM place AS p WHERE p.entered_at <= t.period_end AND p.left_at > t.period_end)
               - (SELECT count(*) FROM place AS p WHERE p.entered_at <= t.period_start AND p.left_at > t.period_start) AS whole
        FROM segment_trend(s.name, '1 day') AS t GROUP BY t.period_start, t.period_end) AS n WHERE n.net <> n.whole;
    -- a matrix adds up to the sizes at both of its instants
    RETURN QUERY
    WITH i AS (SELECT i.a, i.b FROM (SELECT DISTINCT as_of AS a FROM truth WHERE as_of >= kept) AS x
               CROSS JOIN (SELECT DISTINCT as_of AS b FROM truth WHERE as_of >= kept) AS y
               CROSS JOIN LATERAL (SELECT x.a, y.b) AS i WHERE i.a <= i.b ORDER BY random() LIMIT 2),
         m AS (SELECT i.*, m.* FROM i CROSS JOIN LATERAL segment_migration(s.name, i.a, i.b) AS m),
         sums AS (SELECT m.a, m.b, 'from' AS side, m.from_segment AS segment, sum(m.customers) AS n FROM m GROUP BY 1, 2, 3, 4
                  UNION ALL SELECT m.a, m.b, 'to', m.to_segment, sum(m.customers) FROM m GROUP BY 1, 2, 3, 4),
         sizes AS (SELECT i.a, i.b, x.side, g.name, count(*)::numeric FROM i
                   CROSS JOIN LATERAL (VALUES ('from', i.a), ('to', i.b)) AS x (side, at) JOIN truth AS t ON t.as_of = x.at
                   JOIN segment AS g ON g.segmentation = s.name AND g.segment_id = t.segment_id GROUP BY 1, 2, 3, 4)
    SELECT 'migration', (SELECT count(*) FROM (SELECT * FROM sums WHERE segment IS NOT NULL EXCEPT TABLE sizes) AS d)
                        + (SELECT count(*) FROM (TABLE sizes EXCEPT SELECT * FROM sums) AS d);
    -- events since any instant lead from its members to the present ones
    RETURN QUERY
    WITH e AS (SELECT * FROM segment_events(s.name, first + interval '1 microsecond')),
         step AS (SELECT customer, from_segment AS segment, -1 AS n FROM e WHERE from_segment IS NOT NULL
                  UNION ALL SELECT customer, to_segment, 1 FROM e WHERE to_segment IS NOT NULL
                  UNION ALL SELECT customer, segment, 1 FROM segment_members(s.name, first)
                  UNION ALL SELECT customer, segment, -1 FROM segment_members(s.name))
    SELECT 'events', count(*) FROM (SELECT customer FROM step GROUP BY customer, segment HAVING sum(n) <> 0) AS d;
    -- and where there is a table of events, the last one up to any instant is the place of then
    IF segment_internal.has_events(s) THEN
        RETURN QUERY EXECUTE format('
            WITH last AS (
                SELECT DISTINCT ON (i.as_of, e.key%1$s) i.as_of, format(''%%s'', e.key) AS customer, e.to_segment_id
                FROM (SELECT DISTINCT as_of FROM truth WHERE as_of >= $1) AS i
                JOIN (SELECT %2$I AS key, * FROM %3$s) AS e ON e.event_at <= i.as_of AND e.key IS NOT NULL
                WHERE NOT EXISTS (SELECT FROM %3$s AS b WHERE b.event = ''reset'' AND b.event_id > e.event_id AND b.event_at < e.event_at)
                ORDER BY i.as_of, e.key%1$s, e.event_id DESC),
            told AS (SELECT * FROM last WHERE to_segment_id IS NOT NULL), was AS (SELECT * FROM truth WHERE as_of >= $1)
            SELECT ''event table'', (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE was) AS a)
                                    + (SELECT count(*) FROM (TABLE was EXCEPT ALL TABLE told) AS b)',
            CASE WHEN same <> '' THEN ', coalesce(e.to_segment_id, e.from_segment_id)' ELSE '' END,
            segment_internal.key_column(s.events), s.events) USING kept;
        -- who only follows the present need not know of resets
        RETURN QUERY EXECUTE format('
            WITH told AS (SELECT DISTINCT ON (%1$I%2$s) format(''%%s'', %1$I) AS customer, to_segment_id FROM %3$s AS e
                          WHERE %1$I IS NOT NULL ORDER BY %1$I%2$s, event_id DESC)
            SELECT ''present'', count(*) FROM (SELECT * FROM told WHERE to_segment_id IS NOT NULL) AS t
            FULL JOIN (SELECT customer, segment_id FROM place WHERE left_at = ''infinity'') AS m
            ON m.customer = t.customer AND m.segment_id = t.to_segment_id WHERE m.customer IS NULL OR t.customer IS NULL',
            segment_internal.key_column(s.events),
            CASE WHEN same <> '' THEN ', coalesce(e.to_segment_id, e.from_segment_id)' ELSE '' END, s.events);
        -- what was purged is gone, but for the last event of who was there then
        RETURN QUERY EXECUTE format('
            SELECT ''purged events'', greatest(0, count(*) - (SELECT count(*) FROM segment_members($1, $2))) FROM %s AS e
            WHERE e.event_at < $2 AND e.event <> ''reset''', s.events) USING s.name, s.history_from;
    END IF;
    DROP TABLE place;
END;
$$;

CREATE PROCEDURE walk(name text, rounds integer, INOUT checks integer = 0, INOUT wrong text[] = '{}') LANGUAGE plpgsql AS $$
DECLARE
    s segmentation;
    day integer := 1;
    at timestamptz;
    act float8;
    back timestamptz;
    fault record;
    who integer;
    whom text;
BEGIN
    TRUNCATE truth;
    FOR round IN 1 .. rounds LOOP
        act := random();
        PERFORM change_things(day);
        SELECT * INTO s FROM segmentation AS g WHERE g.name = walk.name;
        who := ceil(random() * 50);
        SELECT g.name INTO whom FROM segment AS g WHERE g.segmentation = walk.name AND g.closed_at IS NULL ORDER BY random() LIMIT 1;
        IF act < 0.5 OR round < 4 THEN
            -- a third corrects the same instant
            day := day + CASE WHEN random() < 0.34 THEN 0 ELSE 1 END;
            at := timestamptz '2025-01-01' + day * interval '18 hours';
            IF (refresh_segmentation(name, at, CASE WHEN random() < 0.3 THEN s.kind = 'cluster' END, 1)).outcome <> 'ok' THEN
                wrong := wrong || format('%s: refresh', round);
            END IF;
        ELSIF act < 0.7 THEN
            PERFORM CASE WHEN random() < 0.6 THEN include_customer(name, whom, who, until => at + interval '30 hours')
                         ELSE exclude_customer(name, whom, who) END;
        ELSIF act < 0.75 THEN
            PERFORM undecide_customer(name, NULL, who);
        ELSIF act < 0.88 THEN
            -- one or two slips; back to any instant that is known
            PERFORM refresh_segmentation(name, at + interval '1 hour', s.kind <> 'rules', 1);
            PERFORM change_things(day);
            PERFORM refresh_segmentation(name, '2205-01-01', NULL, 1, future => true) WHERE random() < 0.5;
            SELECT t.as_of INTO back FROM truth AS t
            WHERE t.as_of >= coalesce(s.history_from, '-infinity') AND t.as_of > at - interval '3 days'
            ORDER BY random() LIMIT 1;
            PERFORM reset_segmentation(name, back + random() * interval '1 hour');
            DELETE FROM truth WHERE as_of > (SELECT g.refreshed_as_of FROM segmentation AS g WHERE g.name = walk.name);
            at := (SELECT g.refreshed_as_of FROM segmentation AS g WHERE g.name = walk.name);
            day := extract(epoch FROM at - timestamptz '2025-01-01') / 64800;
        ELSE
            PERFORM purge_history(name, least(at, coalesce(s.history_from, at - interval '5 days')
                                                  + random() * interval '2 days'));
        END IF;
        DELETE FROM truth WHERE as_of = at;
        EXECUTE format('INSERT INTO truth SELECT $1, format(''%%s'', %I), segment_id FROM %s',
                       segment_internal.key_column(s.members), s.members) USING at;
        SELECT * INTO s FROM segmentation AS g WHERE g.name = walk.name;
        FOR fault IN SELECT * FROM faults(s) LOOP
            checks := checks + 1;
            IF fault.wrong <> 0 THEN
                wrong := wrong || format('%s (%s): %s %s', round, act, fault.law, fault.wrong);
            END IF;
        END LOOP;
    END LOOP;
END;
$$;

SELECT setseed(0.33);
DO $$ BEGIN FOR n IN -8 .. 0 LOOP PERFORM change_things(n); END LOOP; END $$;
\set rules '''{"new": "seen_at > as_of() - interval ''''36 hours''''", "many": "points > 70", "spent": "spend > 60"}'''
SELECT create_rule_segmentation('one', 'walk_facts', :rules, keep => '{points}');
SELECT create_rule_segmentation('several', 'walk_facts', :rules, exclusive => false, keep => '{points}');
SELECT create_rfm_segmentation('loyal', 'walk_orders');
SELECT create_cluster_segmentation('groups', 'walk_facts', 3, features => '{spend,visits}');
SELECT event_table('one'), event_table('several'), event_table('groups');
CALL walk('one', 20);
CALL walk('several', 20);
CALL walk('loyal', 14);
CALL walk('groups', 14);
SELECT segmentation, count(*) FILTER (WHERE outcome = 'reset') > 0 AS reset,
       count(*) FILTER (WHERE segment_internal.undone(r)) > 0 AS undone, bool_or(s.history_from IS NOT NULL) AS purged
FROM run AS r JOIN segmentation AS s ON s.name = r.segmentation GROUP BY 1 ORDER BY 1;
SELECT count(drop_segmentation(name)) FROM segmentation;
DROP TABLE walk_orders, walk_facts, truth;
DROP PROCEDURE walk;
DROP FUNCTION change_things, faults;
