-- RFM with kept models: next_transition_at, the instant at which time alone changes a customer's row, against refreshes.
\set VERBOSITY terse
SET TimeZone = 'UTC';
CREATE SCHEMA rfm_clock;
SET search_path = rfm_clock, segment;
SET client_min_messages = warning;

-- orders around changes of clocks, ends of months and the walk's present; some come later than it begins
CREATE TABLE orders AS
    SELECT (h % 40)::int AS customer, timestamptz '2024-01-01 00:00Z' + (h / 40 % 20000) * interval '37 min' AS at,
           (h / 7 % 23 - 3)::int AS amount, i / 2 AS id
    FROM (SELECT i, abs(hashint8(i)::bigint) AS h FROM generate_series(1, 260) AS i) AS r;
INSERT INTO orders VALUES (100, '2024-10-05Z', 5, 1001), (101, '2024-03-09Z', 5, 1002), (101, '2024-12-01Z', 5, 1003),
                          (102, '2024-02-28 23:30Z', 5, 1004), (102, '2024-02-29 12:00Z', 7, 1005);
CREATE TABLE everybody AS SELECT generate_series(0, 120) AS id;

-- Of a member or nobody: all but when he came, and until when it stays so.
CREATE FUNCTION rows_of(name text) RETURNS TABLE (customer text, facts text, next timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT m.customer::text,
        (to_jsonb(m) - ''{entered_at,entered_reason,next_transition_at}''::text[])::text, next_transition_at
        FROM %I AS m', name || '_segments');
END $$;
CREATE FUNCTION next_of_others(name text) RETURNS timestamptz LANGUAGE sql
RETURN (SELECT (r.details ->> 'next_transition_of_others')::timestamptz FROM run AS r
        WHERE r.segmentation = next_of_others.name ORDER BY run_id DESC LIMIT 1);

-- Walks through time: just before the next change, to it, and on by some days; what should not be is returned.
CREATE FUNCTION walk(name text, begin_at timestamptz, steps int, exact boolean)
    RETURNS TABLE (what text, n bigint) LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := begin_at;
    next timestamptz;
    done run;
BEGIN
    CREATE TEMP TABLE now_rows (customer text, facts text, next timestamptz);
    CREATE TEMP TABLE was_rows (LIKE now_rows);
    CREATE TEMP TABLE wrong (what text, at timestamptz, customer text);
    done := refresh_segmentation(name, at);
    INSERT INTO wrong SELECT 'failed ' || done.error, at WHERE done.outcome <> 'ok';
    FOR i IN 1 .. steps LOOP
        TRUNCATE now_rows;
        INSERT INTO now_rows SELECT * FROM rows_of(name);
        SELECT least(min(r.next), next_of_others(name)) INTO next FROM now_rows AS r;
        INSERT INTO wrong SELECT 'past', at, r.customer FROM now_rows AS r WHERE r.next <= at;
        EXIT WHEN next IS NULL OR next > '2027-01-01';
        FOR way IN 1 .. 3 LOOP
            TRUNCATE was_rows;
            INSERT INTO was_rows SELECT * FROM now_rows;
            at := CASE way WHEN 1 THEN greatest(next - interval '1 microsecond', at) WHEN 2 THEN next
                           ELSE at + (hashint4(i) & 255) * interval '11 min' END;
            done := refresh_segmentation(name, at, max_departed => 1);
            INSERT INTO wrong SELECT 'failed ' || done.error, at WHERE done.outcome <> 'ok';
            IF way = 1 THEN
                INSERT INTO wrong SELECT 'changed before its time', at
                WHERE done.entered + done.departed + done.moved + done.updated > 0;
            END IF;
            TRUNCATE now_rows;
            INSERT INTO now_rows SELECT * FROM rows_of(name);
            -- nobody changes who is not due, and who is due at that instant does
            INSERT INTO wrong
            SELECT 'changed and was not due', at, customer
            FROM was_rows AS w JOIN now_rows AS n USING (customer)
            WHERE (w.facts <> n.facts OR w.next IS DISTINCT FROM n.next) AND (w.next <= at) IS NOT TRUE
            UNION ALL
            SELECT 'departed and was not due', at, customer FROM was_rows AS w LEFT JOIN now_rows AS n USING (customer)
            WHERE n.facts IS NULL AND (w.next <= at) IS NOT TRUE
            UNION ALL
            SELECT 'due and did not change', at, customer FROM was_rows AS w LEFT JOIN now_rows AS n USING (customer)
            WHERE exact AND way = 2 AND w.next = at AND w.facts = n.facts;
        END LOOP;
    END LOOP;
    INSERT INTO wrong SELECT 'only ' || count(*) || ' refreshes', at FROM run AS r WHERE r.segmentation = walk.name
    HAVING count(*) < walk.steps * 3;
    RETURN QUERY SELECT w.what || ' of ' || name || ', such as ' || min(concat(w.at, ' ', w.customer)), count(*)
    FROM wrong AS w GROUP BY w.what;
    DROP TABLE now_rows, was_rows, wrong;
END $$;
CREATE FUNCTION try(name text, begin_at timestamptz, steps int, source text, zone text, lookback interval, more text DEFAULT '')
    RETURNS TABLE (what text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT create_rfm_segmentation(%L, %L, time_zone => %L, lookback => %L, retrain_every => ''100 years'', %s)', name,
                   source, zone, lookback, 'scheme => ' ||
                   quote_literal(CASE WHEN more LIKE '%tenure%' THEN 'default' ELSE 'rf_grid' END) || more);
    RETURN QUERY SELECT * FROM walk(name, begin_at, steps, more NOT LIKE '%tenure%');
END $$;
-- scores fall on the day, and orders to come count a microsecond after their time
SELECT * FROM try('plain', '2024-05-01', 7, 'SELECT customer, at, amount FROM rfm_clock.orders', 'America/Sao_Paulo', NULL);
-- a month before 29 March 00:00 is earlier than a month before 28 March 12:00: orders come into the window again
SELECT * FROM try('month', '2024-03-28', 7, 'SELECT customer, at, amount, id FROM rfm_clock.orders', 'Europe/Berlin', '1 month',
                  ', refunds => ''cancel''');
-- local times: at the end of summer time an hour comes twice
SELECT * FROM try('local', '2024-10-26', 5, 'SELECT customer, at::timestamp AS at, amount FROM rfm_clock.orders', 'Europe/Berlin',
                  '40 days');
SELECT * FROM try('dates', '2024-11-02', 5, 'SELECT customer, at::date AS at, amount FROM rfm_clock.orders', 'America/St_Johns',
                  '2 months -3 days', ', customers => ''SELECT id FROM rfm_clock.everybody'', description => ''tenure''');
-- clocks go back at 00:01, and a day begins twice
SELECT * FROM try('twice', '2010-11-06 20:00', 3, 'SELECT customer, at - interval ''4926 days'' AS at, amount FROM rfm_clock.orders',
                  'America/St_Johns', '1 month');
SELECT * FROM try('held', '2024-05-01', 2, 'SELECT customer, at, amount, id FROM rfm_clock.orders WHERE customer < 10', 'UTC', NULL,
                  ', hysteresis => 0.3');
SELECT * FROM try('sums', '2024-03-20', 5, 'SELECT customer, min(at) AS first_order_at, max(at) AS last_order_at, count(*) AS orders,
                  sum(amount) AS total FROM rfm_clock.orders GROUP BY 1', 'Asia/Kathmandu', NULL, ', summarised => true');

-- where each refresh trains nothing is worked out
SELECT create_rfm_segmentation('trained', 'SELECT customer, at, amount FROM orders', scheme => 'rf_grid', time_zone => 'UTC');
SELECT outcome, details ? 'next_transition_of_others' AS others FROM refresh_segmentation('trained', '2024-05-01');
SELECT count(*) > 0 AS members, count(next_transition_at) AS told FROM trained_segments;
-- the index by which the due ones are found, for each kind that has the column
SELECT count(*) FROM pg_indexes
WHERE tablename = 'plain_segments' AND indexdef LIKE '%(next_transition_at) WHERE (next_transition_at IS NOT NULL)';
-- a list of customers: what is known of the others stays
SELECT details ->> 'next_transition_of_others' AS others FROM run WHERE segmentation = 'month' ORDER BY run_id DESC LIMIT 1 \gset
SELECT refreshed_as_of AS at FROM segmentation WHERE name = 'month' \gset
SELECT segment_internal.begin_run('month') IS NOT NULL AS began,
       segment_internal.refresh_as_owner('month', :'at', false, NULL, 1, '{1,2}') > 0 AS done;
SELECT details ->> 'next_transition_of_others' IS NOT DISTINCT FROM :'others' AS same, updated
FROM run WHERE segmentation = 'month' ORDER BY run_id DESC LIMIT 1;

-- through temporary files the same comes out
CREATE TABLE many AS SELECT (abs(h) % 20000)::int AS customer, timestamptz '2024-01-01Z' + (abs(h) / 3 % 20000) * interval '37 min' AS at,
    (abs(h) / 11 % 9 - 2)::int AS amount, i / 3 AS id FROM (SELECT i, hashint8(i)::bigint AS h FROM generate_series(1, 60000) AS i) AS r;
CREATE FUNCTION clocked(query text, refunds text, memory text) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('work_mem', memory, true);
    RETURN QUERY SELECT c.* FROM segment_internal.rfm_summary_clock(NULL::int, query, '2024-10-01Z', '3 months', refunds, 'order',
        'Europe/Berlin') AS c;
END $$;
SELECT t.refunds, t.columns, min(rfm_summary_counts() ->> 'rows_spilled') <> '0' AS spilled, count(*) > 5000 AS customers,
       count(*) FILTER (WHERE n <> 2) AS differ
FROM (VALUES ('net', 'customer, at, amount'), ('net', 'customer, at::timestamp, amount, id'),
             ('cancel', 'customer, at, amount, id')) AS t (refunds, columns),
     LATERAL (SELECT r.customer, r.next, count(*) AS n
              FROM (SELECT * FROM clocked('SELECT ' || t.columns || ' FROM rfm_clock.many', t.refunds, '64MB')
                    AS a (customer int, f timestamptz, l timestamptz, recency float8, n int8, m numeric, mean float8, next timestamptz)
                    UNION ALL SELECT * FROM clocked('SELECT ' || t.columns || ' FROM rfm_clock.many', t.refunds, '64kB')
                    AS b (customer int, f timestamptz, l timestamptz, recency float8, n int8, m numeric, mean float8,
                         next timestamptz)) AS r
              GROUP BY r.customer, r.next, r.recency, r.n, r.m) AS e
GROUP BY 1, 2 ORDER BY 1, 2;

-- days later by the calendar of a zone
SELECT count(*) AS wrong
FROM (SELECT t, z, d, segment_internal.days_later(t, d, z) AS later
      FROM generate_series(timestamptz '2024-01-01 00:30Z', '2024-12-31Z', '13 h 7 min') AS t,
        unnest('{UTC,Europe/Berlin,Asia/Kathmandu,Pacific/Apia}'::text[]) AS z,
           unnest('{1,2,30,400}'::int[]) AS d) AS l
WHERE (later AT TIME ZONE z)::date <> (t AT TIME ZONE z)::date + d
   OR ((later - interval '1 microsecond') AT TIME ZONE z)::date >= (t AT TIME ZONE z)::date + d;
SELECT segment_internal.days_later('2010-11-07 00:00:30-2:30', -1, 'America/St_Johns') AT TIME ZONE 'America/St_Johns' AS back,
       segment_internal.days_later('2024-01-01Z', -8000001, 'UTC'), segment_internal.days_later('2024-01-01Z', 8000000, 'UTC');

SELECT count(drop_segmentation(name)) FROM unnest('{plain,month,local,dates,twice,held,sums,trained}'::text[]) AS name;
DROP SCHEMA rfm_clock CASCADE;
