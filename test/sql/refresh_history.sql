-- Laws 6, 8 and 9 on random data: a refresh gives what a recomputation from
-- scratch in plain SQL gives, after any sequence of inserts, updates, deletes
-- and clock movement; what was true at an instant stays readable; every
-- transition is told once, with the right reason.  Only mismatches are printed.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;

-- a number in [0, 1) that depends on the text alone, on every server
CREATE FUNCTION hist_random(seed text) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(seed), 1, 8))::bit(32)::bigint / 4294967296.0;

CREATE TABLE hist_orders (
    order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint,
    ordered_at timestamptz,
    amount numeric
);
CREATE TABLE hist_customers (customer_id bigint);
INSERT INTO hist_customers SELECT generate_series(1, 260, 3);
INSERT INTO hist_customers VALUES (NULL), (1), (1);

-- rows that must be left out of everything
INSERT INTO hist_orders (customer_id, ordered_at, amount) VALUES
    (NULL, '2024-01-01', 10), (7, NULL, 10), (7, '2024-01-01', NULL),
    (8, 'infinity', 10), (8, '-infinity', 10), (8, '2024-01-01', 'NaN'), (9, '2030-01-01', 1000);

-- The segmentation: with refunds, a customer list, and a window, so that time alone changes every figure.
SELECT create_rfm_segmentation('hist', 'SELECT customer_id, ordered_at, amount FROM hist_orders',
    customers => 'SELECT customer_id FROM hist_customers', lookback => '150 days', time_zone => 'Europe/Berlin',
    retrain_every => '40 days', scheme => 'eleven_names');

-- The oracle: RFM figures in plain SQL.
CREATE FUNCTION hist_truth(as_of timestamptz)
    RETURNS TABLE (customer_id bigint, first_order_at timestamptz, last_order_at timestamptz, recency float8,
                   frequency bigint, monetary numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH used AS (
        SELECT o.customer_id, o.ordered_at, o.amount FROM hist_orders AS o
        WHERE o.customer_id IS NOT NULL AND o.amount <> 'NaN' AND isfinite(o.ordered_at)
          AND o.ordered_at < as_of
    ), placed AS (
        -- the first order is the first of all; whatever else is told is of the window
        SELECT u.*, u.amount >= 0 AND w.within AS counts, w.within
        FROM used AS u,
             LATERAL (SELECT u.ordered_at >= (as_of AT TIME ZONE 'Europe/Berlin' - interval '150 days') AT TIME ZONE 'Europe/Berlin') AS w (
                 within)
    ), figures AS (
        SELECT u.customer_id, CASE WHEN bool_or(u.counts) THEN min(u.ordered_at) FILTER (WHERE u.amount >= 0) END AS first_order_at,
               max(u.ordered_at) FILTER (WHERE u.counts) AS last_order_at,
               count(*) FILTER (WHERE u.counts) AS frequency, sum(u.amount) FILTER (WHERE u.within) AS monetary
        FROM placed AS u GROUP BY 1 HAVING bool_or(u.within)
    )
    SELECT f.customer_id, f.first_order_at, f.last_order_at,
           ((as_of AT TIME ZONE 'Europe/Berlin')::date - (f.last_order_at AT TIME ZONE 'Europe/Berlin')::date)::float8,
           f.frequency, f.monetary
    FROM figures AS f
    UNION ALL
    SELECT DISTINCT c.customer_id, NULL::timestamptz, NULL::timestamptz, NULL::float8, 0::bigint, 0::numeric
    FROM hist_customers AS c WHERE c.customer_id IS NOT NULL AND NOT EXISTS (SELECT FROM figures AS f WHERE f.customer_id = c.customer_id);
END;

CREATE VIEW segment_members_now AS SELECT * FROM segment_members('hist');
CREATE TABLE hist_snapshot (as_of timestamptz, customer bigint, segment_id integer, entered_at timestamptz, reason text);
CREATE TABLE hist_old (LIKE hist_segments);
CREATE TABLE hist_run (step integer, as_of timestamptz, trained boolean, expected boolean);
CREATE TABLE hist_problem (step integer, problem text, detail text);

-- One step: change the orders, move the clock, refresh.  The old state is kept in hist_old.
CREATE PROCEDURE hist_change(step integer) LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz := timestamptz '2024-01-10 00:00Z' + step * interval '11 days';
BEGIN
    INSERT INTO hist_orders (customer_id, ordered_at, amount)
    SELECT (hist_random(format('c %s %s', step, n)) ^ 2 * 240)::bigint,
           start - hist_random(format('t %s %s', step, n)) * CASE WHEN step = 0 THEN 200 ELSE 60 END * interval '1 day',
           round((hist_random(format('a %s %s', step, n)) ^ 3 * 500 - CASE WHEN n % 9 = 0 THEN 30 ELSE 0 END)::numeric, (n % 3))
    FROM generate_series(1, CASE WHEN step = 0 THEN 900 WHEN step % 5 = 4 THEN 0 ELSE 60 END) AS n;
    UPDATE hist_orders SET amount = amount * 2, ordered_at = ordered_at - interval '3 days'
    WHERE hist_random(format('u %s %s', step, order_id)) < 0.02 AND step % 3 = 1;
    UPDATE hist_orders SET customer_id = customer_id + 1
    WHERE hist_random(format('m %s %s', step, order_id)) < 0.01 AND step % 4 = 2;
    DELETE FROM hist_orders WHERE hist_random(format('d %s %s', step, order_id)) < 0.02 AND step % 2 = 1 AND order_id > 7;
    -- some customers vanish whole, some come back at a later step by new orders
    DELETE FROM hist_orders WHERE customer_id % 40 = step AND step > 0 AND order_id > 7;
    DELETE FROM hist_customers WHERE customer_id % 31 = step;
    INSERT INTO hist_customers SELECT 300 + step;
END;
$$;

CREATE PROCEDURE hist_check(step integer, at timestamptz, old_version integer, run segment.run) LANGUAGE plpgsql AS $$
DECLARE
    truth_model segment_model;
    old_model segment_model := CASE WHEN old_version IS NOT NULL THEN get_model('hist', old_version) END;
    t timestamptz;
BEGIN
    -- law 9: members equal the recomputation, trained anew or with the model kept
    IF run.trained THEN
        SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') INTO truth_model FROM hist_truth(at)
        WHERE frequency > 0;
    ELSE
        truth_model := get_model('hist', run.model_version);
    END IF;
    INSERT INTO hist_problem
    SELECT step, 'members differ from recomputation', format('%s: stored %s, truth %s', coalesce(m.customer_id, u.customer_id), m, u)
    FROM (SELECT s.customer_id, g.origin, s.recency_score, s.frequency_score, s.monetary_score, s.rfm_score,
                 s.first_order_at, s.last_order_at, s.frequency, s.monetary
          FROM hist_segments AS s JOIN segment.segment AS g ON g.segmentation = 'hist'
                 AND g.segment_id = s.segment_id AND g.name = s.segment AND g.closed_at IS NULL) AS m
    FULL JOIN (SELECT f.customer_id, o.origin, recency_score(truth_model, f.recency), frequency_score(truth_model, f.frequency),
                      CASE WHEN f.frequency > 0 THEN monetary_score(truth_model, f.monetary) END,
                      rfm_score(truth_model, f.recency, f.frequency, f.monetary),
                      f.first_order_at, f.last_order_at, f.frequency, f.monetary
               FROM hist_truth(at) AS f
               JOIN segments(truth_model) AS o ON o.segment_id = assign_segment_id(truth_model, f.recency, f.frequency, f.monetary)) AS u
    ON u.customer_id = m.customer_id
    WHERE m IS DISTINCT FROM u;
    INSERT INTO hist_problem
    SELECT step, 'assign_segment by name differs', s.customer_id::text
    FROM hist_segments AS s JOIN hist_truth(at) AS f USING (customer_id)
    WHERE assign_segment('hist', f.recency, f.frequency, f.monetary) IS DISTINCT FROM s.segment
       OR assign_segment_id('hist', f.recency, f.frequency, f.monetary) IS DISTINCT FROM s.segment_id
       OR segment_of('hist', s.customer_id) IS DISTINCT FROM s.segment;

    -- law 6: stored counts
    INSERT INTO hist_problem
    SELECT step, 'stored count', format('%s: %s, %s, %s, really %s', g.name, g.customers, z.customers, p.customers, n.customers)
    FROM segment.segment AS g
    CROSS JOIN LATERAL (SELECT count(*) AS customers FROM hist_segments AS s WHERE s.segment_id = g.segment_id) AS n
    LEFT JOIN segment_size AS z ON z.segmentation = 'hist' AND z.segment_id = g.segment_id
    LEFT JOIN segment_profile AS p ON p.segmentation = 'hist' AND p.segment_id = g.segment_id
    WHERE g.segmentation = 'hist'
      AND (g.customers <> n.customers OR z.customers IS DISTINCT FROM n.customers OR p.customers IS DISTINCT FROM n.customers);
    INSERT INTO hist_problem
    SELECT step, 'run counts', format('%s, really %s', (run.customers, run.entered, run.departed, run.moved,
                                                        run.updated, run.unchanged, run.rows_read, run.rows_skipped), x)
    FROM (SELECT count(s.customer_id) AS customers,
                 count(*) FILTER (WHERE o.customer_id IS NULL) AS entered, count(*) FILTER (WHERE s.customer_id IS NULL) AS departed,
                 count(*) FILTER (WHERE s.segment_id <> o.segment_id) AS moved,
                 count(*) FILTER (WHERE s.segment_id = o.segment_id AND s IS DISTINCT FROM o) AS updated,
                 count(*) FILTER (WHERE s IS NOT DISTINCT FROM o) AS unchanged,
                 (SELECT count(*) FROM hist_orders) AS rows_read,
                 -- 1 without customer, time, amount each and 3 that are not finite
                 6 AS rows_skipped
          FROM hist_segments AS s FULL JOIN hist_old AS o USING (customer_id)) AS x
    WHERE (run.customers, run.entered, run.departed, run.moved, run.updated, run.unchanged, run.rows_read, run.rows_skipped)
          IS DISTINCT FROM (x.customers, x.entered, x.departed, x.moved, x.updated, x.unchanged, x.rows_read, x.rows_skipped::bigint);

    -- reasons, from the definition of each
    INSERT INTO hist_problem
    SELECT step, 'reason', format('%s: %s, should be %s', x.customer_id, x.stored, x.truth)
    FROM (SELECT coalesce(s.customer_id, o.customer_id) AS customer_id,
                 CASE WHEN s.customer_id IS NULL THEN h.left_reason ELSE s.entered_reason END AS stored,
                 CASE WHEN o.customer_id IS NULL THEN 'new'
                      WHEN s.customer_id IS NULL THEN 'gone'
                      WHEN run.model_version > old_version
                      AND assign_segment_id(old_model, f.recency, f.frequency, f.monetary) = o.segment_id THEN 'model'
                      WHEN (s.frequency, s.monetary,
                            s.last_order_at) IS DISTINCT FROM (o.frequency, o.monetary, o.last_order_at) THEN 'orders'
                      ELSE 'time' END AS truth
          FROM hist_segments AS s FULL JOIN hist_old AS o USING (customer_id)
          LEFT JOIN hist_truth(at) AS f USING (customer_id)
          LEFT JOIN hist_history AS h ON h.customer_id = o.customer_id AND h.entered_at = o.entered_at
          WHERE s.segment_id IS DISTINCT FROM o.segment_id
            -- a second refresh as of one instant corrects the first: the history below says what must hold
            AND NOT EXISTS (SELECT FROM hist_snapshot AS b WHERE b.as_of = at)) AS x
    WHERE x.stored IS DISTINCT FROM x.truth;
    INSERT INTO hist_problem
    SELECT step, 'place changed without a transition', s.customer_id::text
    FROM hist_segments AS s JOIN hist_old AS o USING (customer_id)
    WHERE s.segment_id = o.segment_id AND (s.entered_at, s.entered_reason) IS DISTINCT FROM (o.entered_at, o.entered_reason)
      AND NOT EXISTS (SELECT FROM hist_snapshot AS b WHERE b.as_of = at);
    INSERT INTO hist_problem
    SELECT step, 'entered_at', s.customer_id::text
    FROM hist_segments AS s
    LEFT JOIN (SELECT customer, segment_id FROM hist_snapshot WHERE as_of = (SELECT max(as_of) FROM hist_snapshot WHERE as_of < at)) AS o
        ON o.customer = s.customer_id
    WHERE s.segment_id IS DISTINCT FROM o.segment_id AND s.entered_at <> at OR s.segment_id = o.segment_id AND s.entered_at = at;

    -- history: no overlap, no gap but an absence, no place followed by itself
    INSERT INTO hist_problem
    SELECT step, 'history', format('%s: %s to %s (%s), then %s to %s (%s)', p.customer_id, p.segment_id,
                                   p.left_at, p.left_reason, p.next_id, p.next_at, p.next_reason)
    FROM (SELECT customer_id, segment_id, entered_at, left_at, left_reason,
                 lead(segment_id) OVER w AS next_id, lead(entered_at) OVER w AS next_at, lead(entered_reason) OVER w AS next_reason
          FROM (SELECT customer_id, segment_id, entered_at, left_at, entered_reason, left_reason FROM hist_history
                UNION ALL SELECT customer_id, segment_id, entered_at, NULL, entered_reason, NULL FROM hist_segments) AS places
          WINDOW w AS (PARTITION BY customer_id ORDER BY entered_at)) AS p
    WHERE (p.next_at IS NOT NULL AND p.left_at IS NULL)
       OR p.left_at <= p.entered_at OR p.left_at > at OR p.entered_at > at
       OR p.next_at < p.left_at
       OR (p.next_at = p.left_at AND (p.next_id = p.segment_id OR p.next_reason <> p.left_reason OR p.left_reason = 'gone'))
       OR (p.next_at > p.left_at AND (p.left_reason <> 'gone' OR p.next_reason <> 'new'))
       OR (p.next_at IS NULL AND p.left_at IS NOT NULL AND p.left_reason <> 'gone');

    -- law 8: every instant of the past reads as it was
    DELETE FROM hist_snapshot WHERE as_of = at;
    INSERT INTO hist_snapshot SELECT at, s.customer_id, s.segment_id, s.entered_at, s.entered_reason FROM hist_segments AS s;
    FOR t IN SELECT DISTINCT as_of FROM hist_snapshot LOOP
        INSERT INTO hist_problem
        SELECT step, 'past', format('%s as of %s: read %s, was %s', coalesce(p.customer, w.customer), t, p, w)
        FROM (SELECT m.customer, m.segment_id, m.entered_at, m.reason FROM segment_members(null::bigint, 'hist', t) AS m) AS p
        FULL JOIN (SELECT s.customer, s.segment_id, s.entered_at, s.reason FROM hist_snapshot AS s WHERE s.as_of = t) AS w USING (customer)
        WHERE p IS DISTINCT FROM w;
        -- until just before the next refresh
        INSERT INTO hist_problem
        SELECT step, 'past between refreshes', format('%s after %s', coalesce(p.customer, w.customer), t)
        FROM (SELECT m.customer, m.segment_id
              FROM segment_members('hist', (SELECT coalesce(min(as_of) - interval '1 microsecond', t) FROM hist_snapshot
                                            WHERE as_of > t)) AS m) AS p
        FULL JOIN (SELECT s.customer::text, s.segment_id FROM hist_snapshot AS s WHERE s.as_of = t) AS w USING (customer)
        WHERE p IS DISTINCT FROM w;
    END LOOP;
    INSERT INTO hist_problem SELECT step, 'present', format('%s', p)
    FROM (TABLE segment_members_now EXCEPT ALL SELECT customer_id::text, segment_id, segment, entered_at, entered_reason
                                               FROM hist_segments) AS p;

    -- law 8: events replay to the members, each of them once
    INSERT INTO hist_problem
    SELECT step, 'event', format('%s', e)
    FROM (SELECT e.*, count(*) OVER (PARTITION BY customer, event_at) AS n,
                 lag(to_segment) OVER (PARTITION BY customer ORDER BY event_at) AS place
          FROM segment_events('hist') AS e) AS e
    WHERE n > 1 OR from_segment IS DISTINCT FROM place OR from_segment IS NOT DISTINCT FROM to_segment
       OR event <> CASE WHEN from_segment IS NULL THEN 'entered' WHEN to_segment IS NULL THEN 'departed' ELSE 'moved' END
       OR reason <> ALL (CASE event WHEN 'entered' THEN '{new}'::text[] WHEN 'departed' THEN '{gone}' ELSE '{orders,time,model}' END)
       OR reason IS NULL;
    INSERT INTO hist_problem
    SELECT step, 'replay', format('%s: %s, member of %s', coalesce(customer, customer_id::text), to_segment, segment)
    FROM (SELECT DISTINCT ON (customer) customer, to_segment, event_at, reason FROM segment_events('hist')
          ORDER BY customer, event_at DESC) AS e
    FULL JOIN hist_segments AS s ON s.customer_id::text = e.customer
    WHERE to_segment IS DISTINCT FROM segment OR event_at <> entered_at AND to_segment IS NOT NULL OR reason <> entered_reason;
    INSERT INTO hist_problem
    SELECT step, 'events since', format('%s', e) FROM (
        (SELECT * FROM segment_events('hist', at) EXCEPT ALL SELECT * FROM segment_events('hist') WHERE event_at >= at)
        UNION ALL (SELECT event_at, customer, event, from_segment, to_segment, reason FROM segment_events AS v WHERE segmentation = 'hist'
                   EXCEPT ALL SELECT * FROM segment_events('hist'))) AS e;

    -- migration adds up to the members at both ends
    INSERT INTO hist_problem
    SELECT step, 'migration', format('%s', d) FROM (
        WITH told AS (
            SELECT * FROM segment_migration('hist', (SELECT max(as_of) FROM hist_snapshot WHERE as_of < at), at)
            WHERE EXISTS (SELECT FROM hist_snapshot WHERE as_of < at)
        ), true_ones AS (
            SELECT f.name AS from_segment, t.name AS to_segment, count(*) AS customers
            FROM (SELECT * FROM hist_snapshot WHERE as_of = (SELECT max(as_of) FROM hist_snapshot WHERE as_of < at)) AS a
            FULL JOIN (SELECT * FROM hist_snapshot WHERE as_of = at) AS b USING (customer)
            LEFT JOIN segment.segment AS f ON f.segmentation = 'hist' AND f.segment_id = a.segment_id
            LEFT JOIN segment.segment AS t ON t.segmentation = 'hist' AND t.segment_id = b.segment_id
            WHERE EXISTS (SELECT FROM hist_snapshot WHERE as_of < at)
            GROUP BY 1, 2
        ), viewed AS (
            SELECT from_segment, to_segment, customers FROM segment_migration WHERE segmentation = 'hist'
        )
        (TABLE told EXCEPT ALL TABLE true_ones) UNION ALL (TABLE true_ones EXCEPT ALL TABLE told)
        UNION ALL (TABLE told EXCEPT ALL TABLE viewed) UNION ALL (TABLE viewed EXCEPT ALL TABLE told)) AS d;
END;
$$;

-- Steps 3, 6 and 11 stay at the as_of before, with corrected data; 7 and 12 move by hours only.
CREATE PROCEDURE hist_step(step integer, at timestamptz, retrain boolean) LANGUAGE plpgsql AS $$
DECLARE
    old_version integer := (SELECT model_version FROM segment.segmentation WHERE name = 'hist');
    run segment.run;
BEGIN
    CALL hist_change(step);
    DELETE FROM hist_old;
    INSERT INTO hist_old SELECT * FROM hist_segments;
    run := refresh_segmentation('hist', at, retrain);
    IF run.outcome <> 'ok' THEN
        INSERT INTO hist_problem VALUES (step, 'outcome', format('%s %s %s', run.outcome, run.error_code, run.error));
        RETURN;
    END IF;
    INSERT INTO hist_run VALUES (step, at, run.trained, retrain);
    CALL hist_check(step, at, old_version, run);
END;
$$;

CREATE TABLE hist_plan AS
SELECT step,
       timestamptz '2024-01-10 00:00Z' + days * interval '1 day' + CASE WHEN step IN (7, 12) THEN interval '5 hours' ELSE '0' END AS as_of,
       CASE step % 4 WHEN 1 THEN false WHEN 2 THEN true END AS retrain
FROM unnest(ARRAY[0, 9, 20, 20, 35, 47, 47, 47, 61, 90, 91, 91, 91, 110, 135, 160, 185]) WITH ORDINALITY AS d(days, n),
    LATERAL (SELECT (n - 1)::integer AS step) AS s;

DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT * FROM hist_plan ORDER BY step LOOP
        CALL hist_step(p.step, p.as_of, p.retrain);
        IF p.step = 8 THEN
            -- from here on names are not those of the scheme
            PERFORM rename_segment('hist', 'Champions', 'VIP');
            PERFORM rename_segment('hist', 'Lost', 'Champions');
        END IF;
    END LOOP;
END;
$$;
SELECT * FROM hist_problem ORDER BY step, problem, detail LIMIT 20;
SELECT step, problem, count(*) FROM hist_problem GROUP BY 1, 2 ORDER BY 1, 2;

-- retrain decides; without it, retrain_every does.
SELECT r.step, r.trained, w.should FROM hist_run AS r
JOIN LATERAL (SELECT CASE WHEN r.step = 0 THEN true ELSE coalesce(r.expected,
        r.as_of >= (SELECT max(t.as_of) FROM hist_run AS t WHERE t.step < r.step AND t.trained) + interval '40 days') END AS should) AS w
    ON true
WHERE r.trained IS DISTINCT FROM w.should ORDER BY 1;

-- The test is worth something only if everything occurred.
SELECT wanted.reason FROM unnest('{new,orders,time,model,gone}'::text[]) AS wanted(reason)
WHERE (SELECT count(*) FROM segment_events('hist') AS e WHERE e.reason = wanted.reason) < 20;
SELECT count(DISTINCT customer_id) > 5 AS came_back FROM hist_history AS h
WHERE left_reason = 'gone' AND EXISTS (SELECT FROM hist_segments AS s WHERE s.customer_id = h.customer_id);
SELECT count(DISTINCT as_of) AS instants, count(*) AS refreshes FROM hist_run;
SELECT count(*) > 3 AS several_models, max(version) = count(*) AS no_gaps FROM segment.model WHERE segmentation = 'hist';

DROP VIEW segment_members_now;
SELECT drop_segmentation('hist');
SELECT count(*) FROM segment.run WHERE segmentation = 'hist';
SELECT to_regclass('hist_segments'), to_regclass('hist_history');

-- Everybody gone and back as of one instant: nobody has left, nobody is new.
CREATE TABLE hist_back (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO hist_back SELECT i, timestamptz '2024-01-01' + i * interval '1 day', i FROM generate_series(1, 20) AS i;
SELECT create_rfm_segmentation('hist_back', 'hist_back', scheme => 'eleven_names');
SELECT outcome, customers, entered FROM refresh_segmentation('hist_back', '2024-02-01');
CREATE TABLE hist_before AS SELECT * FROM hist_back_segments;
BEGIN;
CREATE TABLE hist_kept AS SELECT * FROM hist_back;
DELETE FROM hist_back;
SELECT customers, departed FROM refresh_segmentation('hist_back', '2024-02-02', false, max_departed => 1);
INSERT INTO hist_back SELECT * FROM hist_kept;
SELECT customers FROM refresh_segmentation('hist_back', '2024-02-02', false);
COMMIT;
SELECT event, reason, count(*) FROM segment_events('hist_back') WHERE event <> 'moved' GROUP BY 1, 2;
SELECT customer_id FROM hist_back_segments AS s JOIN hist_before AS b USING (customer_id)
WHERE s.segment_id = b.segment_id AND s.entered_at <> b.entered_at;
SELECT customer_id FROM hist_back_history WHERE left_reason = 'gone';
SELECT drop_segmentation('hist_back');
-- A first refresh without orders, corrected as of the same instant: the key is there.
DELETE FROM hist_back;
SELECT create_rfm_segmentation('hist_back', 'hist_back', scheme => 'eleven_names');
SELECT outcome, customers FROM refresh_segmentation('hist_back', '2024-02-01');
INSERT INTO hist_back SELECT * FROM hist_kept;
SELECT outcome, customers, entered FROM refresh_segmentation('hist_back', '2024-02-01');
SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'hist_back_segments'::regclass AND contype = 'p';
SELECT drop_segmentation('hist_back');
