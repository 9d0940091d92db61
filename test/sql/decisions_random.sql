-- Decisions under chance: after any sequence of decisions, refreshes and changes of the source, members are what
-- plain SQL makes of a twin without decisions and of what was said; and history tells it of every instant.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE chance_orders (customer_id text, at timestamptz, amount numeric);
CREATE TABLE chance_facts (id text, points integer, spend float8, visits float8);

-- what the test itself remembers of what it said, and what was true at each instant
CREATE TABLE said (customer text, segment text, include boolean, until timestamptz);
CREATE TABLE truth (as_of timestamptz, customer text, segment text);
CREATE TABLE twin_now (customer text, segment text);

CREATE FUNCTION expected(at timestamptz, overlapping boolean) RETURNS TABLE (customer text, segment text)
    LANGUAGE sql STABLE
AS $$
    WITH s AS (SELECT * FROM said AS s WHERE s.until > at OR s.until IS NULL), put_in AS (SELECT * FROM s WHERE include)
    SELECT t.customer, t.segment FROM twin_now AS t
    WHERE NOT EXISTS (SELECT FROM s WHERE NOT s.include AND s.customer = t.customer
                                      AND (s.segment = t.segment OR s.segment IS NULL))
      AND NOT EXISTS (SELECT FROM put_in AS i WHERE i.customer = t.customer AND (NOT overlapping OR i.segment = t.segment))
    UNION ALL SELECT i.customer, i.segment FROM put_in AS i
$$;

CREATE FUNCTION change_things(round integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE chance_facts SET points = random() * 100 WHERE random() < 0.2;
    UPDATE chance_facts SET spend = spend + random() * 10, visits = visits * random() * 2 WHERE random() < 0.1;
    UPDATE chance_facts SET spend = NULL WHERE random() < 0.02;
    DELETE FROM chance_facts WHERE random() < 0.04;
    INSERT INTO chance_facts SELECT 'c' || n, random() * 100, n % 3 * 40 + random(), n % 3 * 20 + random()
    FROM generate_series(1, 60) AS n WHERE random() < 0.1 AND 'c' || n NOT IN (SELECT id FROM chance_facts);
    DELETE FROM chance_orders WHERE random() < 0.05;
    INSERT INTO chance_orders
    SELECT 'c' || ceil(random() * 60), timestamptz '2025-01-01' + round * interval '1 day' - random() * interval '40 days',
           round((random() * 300)::numeric, 2) FROM generate_series(1, 40);
END;
$$;

-- the segmentation NAME, and its twin NAME || '2' about whose customers nothing is ever decided
CREATE PROCEDURE by_chance(name text, rounds integer, INOUT steps integer = 0, INOUT wrong bigint = 0) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    s segmentation;
    overlapping boolean;
    key text;
    at timestamptz;
    ok boolean;
    w bigint;
    who text;
    whom text;
    act text;
    ending timestamptz;
    now_too boolean;
BEGIN
    TRUNCATE said, truth, twin_now;
    SELECT * INTO s FROM segmentation AS g WHERE g.name = by_chance.name;
    overlapping := segment_internal.overlapping(s);
    key := segment_internal.key_column(s.members);
    FOR round IN 1 .. rounds LOOP
        PERFORM change_things(round);
        -- each third time as of the same instant again
        at := timestamptz '2025-01-01' + (round - CASE WHEN round % 3 = 0 THEN 1 ELSE 0 END) * interval '1 day';
        SELECT bool_and(r.outcome = 'ok') INTO ok
        FROM unnest(ARRAY[by_chance.name, by_chance.name || '2']) AS n, refresh_segmentation(n, at, max_departed => 1) AS r;
        TRUNCATE twin_now;
        EXECUTE format('INSERT INTO twin_now SELECT %I, segment FROM %I', key, name || '2_segments');
        DELETE FROM truth WHERE as_of = at;
        INSERT INTO truth SELECT at, e.* FROM expected(at, overlapping) AS e;
        FOR i IN 0 .. 12 LOOP
            IF i > 0 THEN
                who := CASE WHEN random() < 0.85 THEN 'c' || ceil(random() * 60) ELSE 'nobody ' || ceil(random() * 5) END;
                SELECT g.name INTO whom FROM segment AS g
                WHERE g.segmentation = by_chance.name AND g.closed_at IS NULL ORDER BY random() LIMIT 1;
                act := (ARRAY['include', 'include', 'exclude', 'exclude all', 'undecide', 'undecide all'])[ceil(random() * 6)];
                ending := CASE WHEN random() < 0.5 THEN at + ceil(random() * 4) * interval '12 hours' END;
                -- the last ones of a round wait for the next refresh
                now_too := i < 9;
                IF act = 'include' THEN
                    PERFORM include_customer(by_chance.name, whom, who, 'by chance', ending, now_too);
                    DELETE FROM said WHERE customer = who AND (segment = whom OR include AND NOT overlapping);
                    INSERT INTO said VALUES (who, whom, true, ending);
                ELSIF act = 'exclude' THEN
                    PERFORM exclude_customer(by_chance.name, whom, who, 'by chance', ending, now_too);
                    DELETE FROM said WHERE customer = who AND segment = whom;
                    INSERT INTO said VALUES (who, whom, false, ending);
                ELSIF act = 'exclude all' THEN
                    PERFORM exclude_customer(by_chance.name, NULL, who, NULL, ending, now_too);
                    DELETE FROM said WHERE customer = who AND (segment IS NULL OR include);
                    INSERT INTO said VALUES (who, NULL, false, ending);
                ELSE
                    PERFORM undecide_customer(by_chance.name, CASE act WHEN 'undecide' THEN whom END, who, now_too);
                    DELETE FROM said WHERE customer = who AND (segment = whom OR act = 'undecide all');
                END IF;
                CONTINUE WHEN NOT now_too;
                DELETE FROM truth WHERE as_of = at AND customer = who;
                INSERT INTO truth SELECT at, e.* FROM expected(at, overlapping) AS e WHERE e.customer = who;
            END IF;
            -- the replay of members and history at every instant there was; and the sizes of segments
            EXECUTE format('WITH place AS (SELECT %1$I AS customer, segment_id, entered_at, left_at FROM %2$s
                                           UNION ALL SELECT %3$I, segment_id, entered_at, ''infinity'' FROM %4$s),
                                 told AS (SELECT i.as_of, p.customer, g.name FROM (SELECT DISTINCT as_of FROM truth) AS i
                                          JOIN place AS p ON p.entered_at <= i.as_of AND p.left_at > i.as_of
                                          JOIN segment AS g ON g.segmentation = $1 AND g.segment_id = p.segment_id)
                            SELECT (SELECT count(*) FROM (TABLE told EXCEPT ALL TABLE truth) AS a)
                                   + (SELECT count(*) FROM (TABLE truth EXCEPT ALL TABLE told) AS b)
                                   + (SELECT count(*) FROM segment AS g WHERE g.segmentation = $1
                                      AND g.customers <> (SELECT count(*) FROM %4$s AS m WHERE m.segment_id = g.segment_id))',
                           segment_internal.key_column(s.history), s.history, key, s.members) INTO w USING by_chance.name;
            steps := steps + 1;
            wrong := wrong + w + CASE WHEN ok THEN 0 ELSE 1 END;
            IF w > 0 OR NOT ok THEN
                RAISE WARNING '%, round %, step %: % wrong after % of % in %', name, round, i, w, act, who, whom;
            END IF;
        END LOOP;
    END LOOP;
END;
$$;

SELECT setseed(0.25);
DO $$ BEGIN FOR n IN -8 .. 0 LOOP PERFORM change_things(n); END LOOP; END $$;
SELECT count(*) > 30 AS facts, (SELECT count(*) > 100 FROM chance_orders) AS orders FROM chance_facts;
DO $$
BEGIN
    FOR i IN 1 .. 2 LOOP
        PERFORM create_rule_segmentation('one' || CASE i WHEN 2 THEN '2' ELSE '' END, 'chance_facts',
            '{"many": "points > 70", "some": "points > 40", "spent": "spend > 60"}', keep => '{points}');
        PERFORM create_rule_segmentation('several' || CASE i WHEN 2 THEN '2' ELSE '' END, 'chance_facts',
            '{"many": "points > 70", "some": "points > 40", "spent": "spend > 60"}', exclusive => false, rest => 'rest',
            keep => '{points}');
        PERFORM create_rfm_segmentation('loyal' || CASE i WHEN 2 THEN '2' ELSE '' END, 'chance_orders');
        PERFORM create_cluster_segmentation('groups' || CASE i WHEN 2 THEN '2' ELSE '' END, 'chance_facts', 3,
                                            features => '{spend,visits}');
    END LOOP;
END;
$$;
CALL by_chance('one', 24);
CALL by_chance('several', 24);
CALL by_chance('loyal', 12);
CALL by_chance('groups', 12);
-- every way of entering and leaving came up
SELECT entered_reason, count(*) > 0 AS there FROM one_history GROUP BY 1 ORDER BY 1;
SELECT left_reason, count(*) > 0 AS there FROM several_history GROUP BY 1 ORDER BY 1;
SELECT left_reason FROM loyal_history WHERE left_reason IN ('decision', 'undecided') GROUP BY 1 ORDER BY 1;
-- rows that counted are those of the kind, whatever was decided
SELECT count(*) AS runs, count(*) FILTER (WHERE a.rows_used <> b.rows_used OR a.counts -> 'not_placed' <> b.counts -> 'not_placed') AS wrong
FROM (SELECT row_number() OVER (ORDER BY run_id) AS n, rows_used, counts FROM run
      WHERE segmentation = 'groups' AND NOT counts ? 'only_customers') AS a
JOIN (SELECT row_number() OVER (ORDER BY run_id) AS n, rows_used, counts FROM run WHERE segmentation = 'groups2') AS b USING (n);
-- staged, the same
SELECT change_things(30);
CREATE TABLE before_staging AS SELECT * FROM several_segments;
SELECT segment_internal.begin_run('several') AS lost \gset
SELECT segment_internal.refresh_as_owner('several', '2025-03-01', NULL, NULL, 1, NULL, true) IS NOT NULL AS staged;
CREATE TABLE staged AS SELECT * FROM several_segments;
SELECT count(*) > 0 AS changed FROM (TABLE staged EXCEPT TABLE before_staging) AS c;
SELECT outcome, entered, departed, updated FROM refresh_segmentation('several', '2025-03-01');
SELECT segment_internal.begin_run('one') AS lost \gset
SELECT segment_internal.refresh_as_owner('one', '2025-03-01', NULL, NULL, 1, NULL, true) IS NOT NULL AS staged;
SELECT outcome, entered, departed, moved, updated FROM refresh_segmentation('one', '2025-03-01');
SELECT count(drop_segmentation(name)) FROM segmentation;
DROP TABLE chance_orders, chance_facts, said, truth, twin_now, before_staging, staged;
DROP PROCEDURE by_chance;
DROP FUNCTION change_things, expected;
