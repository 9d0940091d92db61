-- The refresh mode immediate: after every statement the members are those of a plain recomputation for that instant.
-- A segmentation of each kind beside its twin, which is not tracked and is refreshed after each statement in the same
-- transaction, through random writes, rollbacks and decisions.  More rounds by hand: SEGMENT_TEST_ROUNDS=300.
\getenv rounds SEGMENT_TEST_ROUNDS
\if :{?rounds}
\else
  \set rounds 5
\endif
CREATE SCHEMA immediate_random;
SET search_path = immediate_random, segment;
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
-- far from midnight, so that no day ends within the test, and all times are half an hour away from full ones
SELECT set_config('timezone', format('Etc/GMT%s', to_char(extract(hour FROM now() AT TIME ZONE 'UTC') - 12, 'FMSG99')), false) IS NULL;

CREATE TABLE clients (id bigint PRIMARY KEY, country text, spend numeric, visits integer);
CREATE TABLE orders (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint, at timestamptz, amount numeric);
CREATE TABLE visits (customer_id bigint, at timestamptz);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON visits (customer_id);
CREATE FUNCTION days_ago(n numeric) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT date_trunc('hour', now()) - interval '12 hours' - floor(n)::integer * interval '1 day' $$;
INSERT INTO clients SELECT i, CASE WHEN i % 3 = 0 THEN 'DE' ELSE 'AT' END, i * 37 % 1000, i * i % 50 FROM generate_series(1, 200) AS i;
INSERT INTO orders (customer_id, at, amount)
SELECT 1 + i * 7 % 190, days_ago(i * i % 270), i * 13 % 90 FROM generate_series(1, 600) AS i;
INSERT INTO visits SELECT 1 + i * 11 % 200, days_ago(i * 17 % 90) FROM generate_series(1, 300) AS i;

-- the pairs: NAME is tracked, NAME_twin is not
CREATE TABLE pair (name text PRIMARY KEY);
CREATE FUNCTION make(name text, definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
BEGIN
    EXECUTE format(definition, name);
    EXECUTE format(definition, name || '_twin');
    PERFORM track_source(name, refresh_mode => 'immediate');
    PERFORM event_table(name);
    INSERT INTO pair VALUES (name);
    PERFORM refresh_segmentation(name, at), refresh_segmentation(name || '_twin', at);
    RETURN (SELECT string_agg(DISTINCT s.refresh_mode, ' ') FROM segmentation AS s WHERE s.name = make.name);
END;
$$;
SELECT make('held', $$SELECT create_rfm_segmentation(%L, 'SELECT customer_id, at, amount FROM orders',
    retrain_every => '1 year', max_departed => 1)$$);
SELECT make('lately', $$SELECT create_rfm_segmentation(%L, 'SELECT customer_id, at, amount FROM orders',
    customers => 'SELECT id FROM clients',
    lookback => '2 months', retrain_every => '1 year', hysteresis => 0.2, max_departed => 1)$$);
SELECT make('windows', $$SELECT create_rule_segmentation(%L, 'SELECT c.id, c.country, c.spend, max(v.at) AS last_visit
    FROM clients AS c LEFT JOIN visits AS v ON v.customer_id = c.id GROUP BY c.id',
    '{"Fresh": "last_visit >= as_of() - interval ''7 days'' AND last_visit < as_of()",
      "Lapsed": "last_visit < as_of() - interval ''1 month'' AND country = ''AT''", "Big": "spend > 700"}',
    keep => '{country}', max_departed => 1)$$);
SELECT make('several', $$SELECT create_rule_segmentation(%L, 'clients',
    '{"Buys": "EXISTS (SELECT FROM orders AS o WHERE o.customer_id = source.id AND o.amount > 80)",
      "German": "country = ''DE''", "Held": "in_segment(''held'', ''Champions'')"}',
    exclusive => false, rest => 'Others', max_departed => 1)$$);
SELECT make('third', $$SELECT create_rule_segmentation(%L, 'clients',
    '{"Both": "in_segment(''several'', ''Held'') AND in_segment(''several'', ''German'')", "Some": "in_segment(''windows'', ''Big'')"}',
    max_departed => 1)$$);
SELECT make('worth', $$SELECT create_value_segmentation(%L, 'SELECT customer_id, at, amount FROM orders',
    tiers => 'deciles', bands => '{}', retrain_every => '1 year', max_departed => 1)$$);
SELECT make('xgroups', $$SELECT create_cluster_segmentation(%L, 'SELECT id, spend, visits FROM clients', k => 3,
    retrain_every => '1 year', max_departed => 1)$$);

-- what differs between a segmentation and its twin, but for the instants
CREATE FUNCTION differs(name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    key name := segment_internal.key_column((name || '_segments')::regclass);
    overlapping boolean := segment_internal.overlapping(segment_internal.segmentation_row(name));
    place text := key || CASE WHEN overlapping THEN ', segment_id' ELSE '' END;
    query text;
    what text;
    n bigint;
BEGIN
    -- each query has no rows, or what is wrong
    FOR what, query IN VALUES
        ('members', $q$(SELECT to_jsonb(m) - 'entered_at' FROM %1$s_segments AS m
                EXCEPT SELECT to_jsonb(m) - 'entered_at' FROM %1$s_twin_segments AS m)
                    UNION ALL (SELECT to_jsonb(m) - 'entered_at' FROM %1$s_twin_segments AS m
                EXCEPT SELECT to_jsonb(m) - 'entered_at' FROM %1$s_segments AS m)$q$),
        ('history', $q$WITH a AS (SELECT %2$s AS c, segment_id, entered_reason, left_reason,
                row_number() OVER (PARTITION BY %3$s ORDER BY entered_at) AS n FROM %1$s_history),
                            b AS (SELECT %2$s AS c, segment_id, entered_reason, left_reason,
                row_number() OVER (PARTITION BY %3$s ORDER BY entered_at) AS n FROM %1$s_twin_history)
                       (TABLE a EXCEPT TABLE b) UNION ALL (TABLE b EXCEPT TABLE a)$q$),
        ('overlaps', $q$SELECT FROM (SELECT *, lag(left_at) OVER (PARTITION BY %3$s ORDER BY entered_at) AS before FROM
                           (SELECT %3$s, entered_at, left_at FROM %1$s_history
                UNION ALL SELECT %3$s, entered_at, 'infinity' FROM %1$s_segments) AS p) AS p
                        WHERE before > entered_at OR entered_at >= left_at$q$),
        -- a reason that tells of a move is one where the place before was left at that instant
        ('gaps', $q$SELECT FROM (SELECT %3$s, entered_at, entered_reason FROM %1$s_history
                UNION ALL SELECT %3$s, entered_at, entered_reason FROM %1$s_segments) AS p
                    WHERE NOT %4$L AND entered_reason <> 'decision'
                      AND (entered_reason = 'new') =
                EXISTS (SELECT FROM %1$s_history AS h WHERE h.%2$s = p.%2$s AND h.left_at = p.entered_at)$q$),
        ('sizes', $q$SELECT FROM segment_size AS g WHERE g.segmentation = '%1$s' AND g.customers <>
                 (SELECT count(*) FROM %1$s_segments AS m WHERE m.segment_id = g.segment_id)$q$),
        ('events', $q$WITH last AS (SELECT DISTINCT ON (%5$s) %2$s AS c, to_segment_id AS at FROM %1$s_events AS e
                ORDER BY %5$s, e.insertion DESC)
                      (SELECT %2$s, segment_id FROM %1$s_segments EXCEPT SELECT c, at FROM last)
                      UNION ALL (SELECT c, at FROM last WHERE at IS NOT NULL EXCEPT SELECT %2$s, segment_id FROM %1$s_segments)$q$),
        ('reasons', $q$(SELECT e.event_at, e.%2$s::text, e.event, e.reason FROM %1$s_events AS e
                EXCEPT SELECT event_at, customer, event, reason FROM segment_events('%1$s'))
                       UNION ALL (SELECT event_at, customer, event, reason FROM segment_events('%1$s')
                EXCEPT SELECT e.event_at, e.%2$s::text, e.event, e.reason FROM %1$s_events AS e)$q$)
    LOOP
        EXECUTE 'SELECT count(*) FROM (' || format(query, name, key, place, overlapping, key || CASE WHEN overlapping THEN
                                                       ', coalesce(to_segment_id, from_segment_id)' ELSE '' END) || ') AS d' INTO n;
        IF n > 0 THEN
            RETURN NEXT format('%s: %s rows of %s', name, n, what);
        END IF;
    END LOOP;
END;
$$;

SELECT setseed(0.17);
CREATE FUNCTION pick(n integer) RETURNS integer LANGUAGE sql AS 'SELECT floor(random() * n)::integer';
CREATE TABLE wrong (round integer, deed integer, what text);
-- the twins follow; what is then different
CREATE FUNCTION compare(round integer, deed integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    FOR one IN SELECT p.name FROM pair AS p ORDER BY p.name LOOP
        PERFORM refresh_segmentation(one || '_twin');
        INSERT INTO wrong SELECT round, deed, d FROM differs(one) AS d;
    END LOOP;
END;
$$;

-- one write of a random kind; which one
CREATE FUNCTION write_something() RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    client bigint := 1 + pick(210);
    at_random timestamptz := days_ago(pick(75));
    deed integer := pick(18);
BEGIN
    CASE deed
        WHEN 0, 1 THEN INSERT INTO orders (customer_id, at, amount) VALUES (client, at_random, pick(200));
        WHEN 2 THEN INSERT INTO orders (customer_id, at, amount) SELECT 1 + pick(210), at_random, pick(90) FROM generate_series(1, 5);
        -- more than are locked one by one
        WHEN 3 THEN INSERT INTO orders (customer_id, at, amount) SELECT i, at_random, pick(90) FROM generate_series(1, 195, 2) AS i;
        WHEN 4 THEN UPDATE orders AS o SET amount = o.amount + 10 WHERE o.order_id % 97 = pick(97);
        WHEN 5 THEN UPDATE orders AS o SET customer_id = client WHERE o.order_id % 193 = pick(193);
        WHEN 6 THEN DELETE FROM orders AS o WHERE o.order_id % 89 = client % 89;
        WHEN 7 THEN DELETE FROM orders AS o WHERE o.customer_id = client;
        WHEN 8 THEN INSERT INTO visits VALUES (client, at_random), (1 + pick(210), days_ago(0));
        WHEN 9 THEN DELETE FROM visits AS v WHERE v.customer_id = client;
        WHEN 10 THEN UPDATE visits AS v SET customer_id = 1 + pick(210) WHERE v.customer_id = client;
        WHEN 11, 12 THEN UPDATE clients AS c SET spend = pick(1000), country = CASE pick(3) WHEN 0 THEN 'DE' WHEN 1 THEN 'AT' END
                WHERE c.id = client;
        WHEN 13 THEN INSERT INTO clients VALUES (client, 'AT', pick(1000), pick(50))
                ON CONFLICT (id) DO UPDATE SET visits = excluded.visits;
        WHEN 14 THEN DELETE FROM clients AS c WHERE c.id = client;
        WHEN 15 THEN UPDATE clients AS c SET id = client WHERE c.id = (SELECT 1 + pick(210))
                AND NOT EXISTS (SELECT FROM clients AS o WHERE o.id = client);
        WHEN 16 THEN UPDATE clients AS c SET spend = c.spend + 250 WHERE c.id BETWEEN client - 40 AND client + 40;
        ELSE MERGE INTO clients AS c USING (VALUES (client), (1 + pick(210))) AS n (id) ON c.id = n.id
             WHEN MATCHED AND c.id % 5 = 0 THEN DELETE
             WHEN MATCHED THEN UPDATE SET spend = c.spend + 300 WHEN NOT MATCHED THEN INSERT VALUES (n.id, 'DE', 10, 1);
    END CASE;
    RETURN deed;
END;
$$;
-- what people decide, the same for both of a pair
CREATE FUNCTION decide_something() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    client bigint := 1 + pick(210);
    deed integer := 20 + pick(3);
    one text := (SELECT p.name FROM pair AS p ORDER BY p.name OFFSET pick((SELECT count(*)::integer FROM pair)) LIMIT 1);
    target text;
    segment text := (SELECT g.name FROM segment AS g WHERE g.segmentation = one AND g.closed_at IS NULL ORDER BY g.segment_id
                     OFFSET pick((SELECT count(*)::integer FROM segment AS g WHERE g.segmentation = one AND g.closed_at IS NULL)) LIMIT 1);
BEGIN
    FOREACH target IN ARRAY ARRAY[one || '_twin', one] LOOP
        CASE deed WHEN 20 THEN PERFORM include_customer(target, segment, client);
                  WHEN 21 THEN PERFORM exclude_customer(target, segment, client);
                  ELSE PERFORM undecide_customer(target, NULL, client); END CASE;
    END LOOP;
    RETURN deed;
END;
$$;
-- a transaction of some statements, some of them rolled back
CREATE FUNCTION run_round(round integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    deed integer;
BEGIN
    FOR i IN 1 .. 1 + pick(3) LOOP
        BEGIN
            deed := CASE WHEN round > 1 AND pick(8) = 0 THEN decide_something() ELSE write_something() END;
            PERFORM compare(round, deed);
            IF pick(5) = 0 THEN
                -- what came out as wrong before is kept
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            PERFORM compare(round, -deed);
        END;
    END LOOP;
END;
$$;
CREATE PROCEDURE run_rounds(rounds integer) LANGUAGE plpgsql AS $$
DECLARE
    one text;
    done run;
BEGIN
    FOR i IN 1 .. rounds LOOP
        PERFORM run_round(i);
        COMMIT;
        -- a refresh finds nothing to do but to add up sizes
        IF pick(4) = 0 THEN
            FOR one IN SELECT p.name FROM pair AS p ORDER BY p.name LOOP
                done := refresh_segmentation(one);
                -- full: a first decision makes a table more to track
                IF (done.entered, done.departed, done.moved, done.updated, coalesce(done.counts ->> 'only_customers', '0'))
                   IS DISTINCT FROM (0, 0, 0, 0, '0') OR EXISTS (SELECT FROM segment_shift AS d WHERE d.segmentation = one) THEN
                    INSERT INTO wrong VALUES (i, NULL, format('%s: refresh %s %s %s: %s %s %s %s, error %s', one, done.way, done.way_reason,
                        done.counts ->> 'only_customers', done.entered, done.departed, done.moved, done.updated, done.error));
                END IF;
                COMMIT;
            END LOOP;
        END IF;
    END LOOP;
END;
$$;
CALL run_rounds(:rounds);
SELECT * FROM wrong ORDER BY round, what LIMIT 20;
-- both ways were gone
SELECT p.name, count(*) FILTER (WHERE r.way = 'incremental') > 0 AS incremental
FROM pair AS p JOIN run AS r ON r.segmentation = p.name GROUP BY 1 ORDER BY 1;
-- what concerns everybody is left to the next refresh
TRUNCATE visits;
SELECT count(*) FROM windows_changes WHERE id IS NULL;
SELECT (refresh_segmentation('windows')).way;
SELECT compare(0, 0);
-- reading everything finds nothing either
SELECT count(untrack_source(p.name)) FROM pair AS p;
SELECT p.name, r.way, r.entered + r.departed + r.moved + r.updated AS changed
FROM pair AS p CROSS JOIN LATERAL refresh_segmentation(p.name) AS r ORDER BY 1;
SELECT * FROM wrong WHERE round = 0;
SELECT count(*) FROM segment_shift;
SELECT count(drop_segmentation(s.name)) FROM (SELECT s.name FROM segmentation AS s
    WHERE s.name IN (SELECT unnest(ARRAY[p.name, p.name || '_twin']) FROM pair AS p)
    ORDER BY s.name <> ALL ('{third,third_twin}'), s.name DESC) AS s;
SET client_min_messages = warning;
DROP SCHEMA immediate_random CASCADE;
