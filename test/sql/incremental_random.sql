-- Incremental equals full (law 9): a tracked segmentation of each kind beside its twin, which reads everything at
-- every refresh, through random writes, rollbacks, clocks, rules, decisions and trainings.  More rounds by hand:
-- SEGMENT_TEST_ROUNDS=500.
\getenv rounds SEGMENT_TEST_ROUNDS
\if :{?rounds}
\else
  \set rounds 15
\endif
SET search_path = public, segment;
SET timezone = 'Europe/Berlin';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;

CREATE TABLE clients (id bigint PRIMARY KEY, country text, spend numeric, visits integer);
CREATE TABLE orders (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint, at timestamptz, amount numeric);
CREATE TABLE visits (customer_id bigint, at timestamptz);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON visits (customer_id);
INSERT INTO clients SELECT i, CASE WHEN i % 3 = 0 THEN 'DE' ELSE 'AT' END, i * 37 % 1000, i * i % 50 FROM generate_series(1, 120) AS i;
INSERT INTO orders (customer_id, at, amount)
SELECT 1 + i * 7 % 110, timestamptz '2023-06-01 00:00Z' + i * i % 270 * interval '1 day' + i * interval '7 minutes', i * 13 % 90
FROM generate_series(1, 500) AS i;
INSERT INTO visits SELECT 1 + i * 11 % 120, timestamptz '2023-09-01 00:00Z' + i * 17 % 150 * interval '1 day' + i * interval '1 hour'
FROM generate_series(1, 300) AS i;

-- the pairs: NAME is tracked, NAME_twin is not
CREATE TABLE pair (name text PRIMARY KEY, columns text);
CREATE FUNCTION make(name text, definition text, tracking text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(definition, name);
    EXECUTE format(definition, name || '_twin');
    EXECUTE format('SELECT count(*) FROM track_source(%L%s)', name, tracking);
    INSERT INTO pair VALUES (name);
END;
$$;
SELECT make('held', $$SELECT create_rfm_segmentation(%L, 'SELECT customer_id, at, amount FROM orders', retrain_every => '1 year',
    max_departed => 1)$$);
SELECT make('lately', $$SELECT create_rfm_segmentation(%L, 'SELECT customer_id, at, amount FROM orders',
    customers => 'SELECT id FROM clients', lookback => '2 months', retrain_every => '1 year', hysteresis => 0.2, max_departed => 1)$$);
SELECT make('windows', $$SELECT create_rule_segmentation(%L, 'SELECT c.id, c.country, c.spend, max(v.at) AS last_visit
    FROM clients AS c LEFT JOIN visits AS v ON v.customer_id = c.id GROUP BY c.id',
    '{"Fresh": "last_visit >= as_of() - interval ''7 days'' AND last_visit < as_of()",
      "Lapsed": "last_visit < as_of() - interval ''1 month'' AND country = ''AT''", "Big": "spend > 700"}',
    keep => '{country}', max_departed => 1)$$);
-- the segments of held are known once it was refreshed
SELECT refresh_segmentation('held', '2024-02-28 12:00Z') IS NULL, refresh_segmentation('held_twin', '2024-02-28 12:00Z') IS NULL;
SELECT make('several', $$SELECT create_rule_segmentation(%L, 'clients',
    '{"Buys": "EXISTS (SELECT FROM orders AS o WHERE o.customer_id = source.id AND o.amount > 80)",
      "German": "country = ''DE''", "Held": "in_segment(''held'', ''Champions'')"}',
    exclusive => false, rest => 'Others', max_departed => 1)$$);
SELECT make('worth', $$SELECT create_value_segmentation(%L, 'SELECT customer_id, at, amount FROM orders',
    customers => 'SELECT id FROM clients', discount => 0.1, retrain_every => '1 year', max_departed => 1)$$);
SELECT make('groups', $$SELECT create_cluster_segmentation(%L, 'SELECT id, spend, visits FROM clients', k => 3, max_departed => 1)$$);

-- what differs between a segmentation and its twin
CREATE FUNCTION differs(name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    part text;
    n bigint;
BEGIN
    FOREACH part IN ARRAY '{segments,history}'::text[] LOOP
        EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT TABLE %2$I) UNION ALL (TABLE %2$I EXCEPT TABLE %1$I)) AS d',
                       name || '_' || part, name || '_twin_' || part) INTO n;
        IF n > 0 THEN
            RETURN NEXT format('%s: %s rows of %s', name, n, part);
        END IF;
    END LOOP;
    SELECT count(*) INTO n FROM ((SELECT * FROM segment_events(name) EXCEPT SELECT * FROM segment_events(name || '_twin'))
        UNION ALL (SELECT * FROM segment_events(name || '_twin') EXCEPT SELECT * FROM segment_events(name))) AS d;
    IF n > 0 THEN
        RETURN NEXT format('%s: %s events', name, n);
    END IF;
    -- law 6
    EXECUTE format('SELECT count(*) FROM segment AS g WHERE g.segmentation = %L AND g.customers <>
                        (SELECT count(*) FROM %I AS m WHERE m.segment_id = g.segment_id)', name, name || '_segments') INTO n;
    IF n > 0 THEN
        RETURN NEXT format('%s: %s sizes', name, n);
    END IF;
END;
$$;

CREATE FUNCTION pick(n integer) RETURNS integer LANGUAGE sql AS 'SELECT floor(random() * n)::integer';
-- one write of a random kind
CREATE FUNCTION write_something(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    client bigint := 1 + pick(130);
    at_random timestamptz := at + (pick(70) - 65) * interval '1 day' + pick(100000) * interval '1 second';
BEGIN
    CASE pick(13)
        WHEN 0, 1 THEN INSERT INTO orders (customer_id, at, amount) VALUES (client, at_random, pick(200));
        WHEN 2 THEN INSERT INTO orders (customer_id, at, amount) SELECT 1 + pick(130), at_random, pick(90) FROM generate_series(1, 5);
        WHEN 3 THEN UPDATE orders AS o SET amount = o.amount + 10 WHERE o.order_id % 97 = pick(97);
        WHEN 4 THEN UPDATE orders AS o SET customer_id = client WHERE o.order_id % 193 = 7;
        WHEN 5 THEN DELETE FROM orders AS o WHERE o.order_id % 89 = client % 89;
        WHEN 6, 7 THEN INSERT INTO visits VALUES (client, at_random), (1 + pick(130), at);
        WHEN 8 THEN DELETE FROM visits AS v WHERE v.customer_id = client;
        WHEN 9 THEN UPDATE clients AS c SET spend = pick(1000), country = CASE pick(3) WHEN 0 THEN 'DE' WHEN 1 THEN 'AT' END
            WHERE c.id = client;
        WHEN 10 THEN INSERT INTO clients VALUES (client, 'AT', pick(1000), pick(50))
            ON CONFLICT (id) DO UPDATE SET visits = excluded.visits;
        WHEN 11 THEN DELETE FROM clients AS c WHERE c.id = client;
        ELSE MERGE INTO clients AS c USING (VALUES (client)) AS n (id) ON c.id = n.id
             WHEN MATCHED THEN UPDATE SET spend = c.spend + 300 WHEN NOT MATCHED THEN INSERT VALUES (n.id, 'DE', 10, 1);
    END CASE;
    IF pick(150) = 0 THEN
        TRUNCATE visits;
    END IF;
END;
$$;
-- some of it rolled back
CREATE FUNCTION write_some(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. pick(6) LOOP
        BEGIN
            PERFORM write_something(at);
            IF pick(5) = 0 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END;
$$;
-- what people do to a definition, the same to both of a pair
CREATE FUNCTION edit_something(at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    client bigint := 1 + pick(130);
    deed integer := pick(6);
    days integer := 5 + pick(20);
    one text := (SELECT p.name FROM pair AS p ORDER BY p.name OFFSET pick((SELECT count(*)::integer FROM pair)) LIMIT 1);
    target text;
    until timestamptz := CASE pick(2) WHEN 0 THEN at + days * interval '1 day' END;
BEGIN
    FOREACH target IN ARRAY ARRAY[one, one || '_twin'] LOOP
        IF deed = 0 AND one IN ('windows') THEN
            PERFORM set_segment_rule(target, 'Fresh', format('last_visit >= as_of() - interval ''%s days''', days), refresh => false);
        ELSIF deed = 1 AND one IN ('held', 'groups', 'worth') THEN
            PERFORM retrain_segmentation(target, at);
        ELSIF deed = 2 THEN
            PERFORM include_customer(target, (SELECT g.name FROM segment AS g WHERE g.segmentation = one AND g.closed_at IS NULL
                                              ORDER BY g.segment_id LIMIT 1), client, until => until);
        ELSIF deed = 3 THEN
            PERFORM exclude_customer(target, (SELECT g.name FROM segment AS g WHERE g.segmentation = one AND g.closed_at IS NULL
                                              ORDER BY g.segment_id DESC LIMIT 1), client, until => until, refresh => days % 2 = 0);
        ELSIF deed = 4 AND (SELECT s.decisions FROM segmentation AS s WHERE s.name = target) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I AS d WHERE d.decided_at IS NOT NULL AND hashint8(d.%I) %% 5 = %s', target || '_decisions',
                           segment_internal.key_column((target || '_decisions')::regclass), days % 5);
        END IF;
    END LOOP;
END;
$$;

SELECT setseed(0.42);
CREATE TABLE wrong (round integer, what text);
CREATE FUNCTION run_round(round integer, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one text;
    outcomes text[];
BEGIN
    PERFORM write_some(at);
    IF round > 1 AND pick(3) = 0 THEN
        PERFORM edit_something(at);
    END IF;
    -- held before several, which uses it
    FOR one IN SELECT p.name FROM pair AS p ORDER BY p.name LOOP
        outcomes := ARRAY[(refresh_segmentation(one, at)).outcome, (refresh_segmentation(one || '_twin', at)).outcome];
        IF outcomes[1] <> outcomes[2] THEN
            INSERT INTO wrong VALUES (round, format('%s: %s and %s', one, outcomes[1], outcomes[2]));
        END IF;
        INSERT INTO wrong SELECT round, d FROM differs(one) AS d;
    END LOOP;
END;
$$;
CREATE PROCEDURE run_rounds(rounds integer) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := '2024-03-01 12:00Z';
BEGIN
    FOR i IN 1 .. rounds LOOP
        PERFORM run_round(i, at);
        COMMIT;
        -- the same instant again, some hours, or weeks; many rounds are nearer to each other, so that none is to come
        at := at + (CASE pick(4) WHEN 0 THEN interval '0' WHEN 1 THEN pick(100) * interval '1 hour' WHEN 2 THEN pick(30) * interval '1 day'
                   ELSE interval '1 day' END) * least(1, 200.0 / rounds);
    END LOOP;
END;
$$;
CALL run_rounds(:rounds);
SELECT * FROM wrong ORDER BY round, what LIMIT 20;
-- both ways were gone
SELECT p.name, count(*) FILTER (WHERE r.way = 'full') > 0 AS full, count(*) FILTER (WHERE r.way = 'incremental') > 0 AS incremental
FROM pair AS p JOIN run AS r ON r.segmentation = p.name GROUP BY 1 ORDER BY 1;
SELECT r.outcome FROM run AS r GROUP BY 1;

SELECT count(drop_segmentation(s.name, cascade => true)) FROM (SELECT name FROM segmentation ORDER BY name DESC) AS s;
DROP TABLE clients, orders, visits, pair, wrong;
DROP FUNCTION make, differs, pick, write_something, write_some, edit_something, run_round;
DROP PROCEDURE run_rounds;
