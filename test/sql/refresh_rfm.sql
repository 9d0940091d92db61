-- Segmentations from end to end, by their words: what a refresh writes and what
-- not, models and their versions, failures, schemes, key types, sources.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE seg_orders (order_id bigint GENERATED ALWAYS AS IDENTITY, customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO seg_orders (customer_id, ordered_at, amount)
SELECT 1 + (n::bigint * n * 31 % 199), timestamptz '2024-01-01 00:00Z' + n * interval '2 hours', n::bigint * 7919 % 1013 / 10.0
FROM generate_series(1, 1000) AS n;

-- ---- create and refresh ----
SELECT create_rfm_segmentation('seg', 'SELECT customer_id, ordered_at, amount FROM seg_orders',
                               description => 'test', scheme => 'eleven_names');
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'seg_segments' ORDER BY ordinal_position;
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'seg_history' ORDER BY ordinal_position;
SELECT count(*) FROM seg_segments;
SELECT get_model('seg');
SELECT assign_segment('seg', 1, 2, 3);
SELECT segment_of('seg', 1);
SELECT count(*) FROM segment_members('seg');
SELECT outcome, as_of, model_version, trained, entered = customers AS all_entered, departed, moved, updated,
       unchanged, rows_read, rows_used, rows_skipped, error_code, error
FROM refresh_segmentation('seg', '2024-04-01') \gx
SELECT run_id > 0 AS numbered, started_at <= finished_at AS in_time, run_by = current_user AS by,
    (SELECT string_agg(step ->> 'step', ' ' ORDER BY n)
     FROM jsonb_array_elements(steps) WITH ORDINALITY AS t (step, n) WHERE (step ->> 'ms')::float8 >= 0) AS timed
FROM segment.run WHERE segmentation = 'seg';
SELECT count(*), count(DISTINCT customer_id), (SELECT count(DISTINCT customer_id) FROM seg_orders) FROM seg_segments;
SELECT DISTINCT entered_at, entered_reason FROM seg_segments;

-- ---- law 7: nothing changed, no row written ----
-- the server's own counters, which may hold those of earlier transactions
\set ECHO none
\i test/lib/writes.psql
\set ECHO all
CREATE TABLE seg_before AS SELECT xmin::text AS x, ctid::text AS c, m.* FROM seg_segments AS m;
BEGIN;
CALL count_writes();
SELECT outcome, unchanged = customers AS all_unchanged, entered, departed, moved, updated, trained, model_version
FROM refresh_segmentation('seg', '2024-04-01');
SELECT * FROM writes('seg_segments', 'seg_history', 'segment', 'model');
COMMIT;
BEGIN;
CALL count_writes();
SELECT outcome, unchanged = customers AS all_unchanged, trained, model_version FROM refresh_segmentation('seg', '2024-04-01', false);
SELECT * FROM writes('seg_segments', 'seg_history', 'segment', 'model');
COMMIT;
SELECT count(*) FROM seg_before AS b
FULL JOIN (SELECT xmin::text AS x, ctid::text AS c, m.* FROM seg_segments AS m) AS a USING (customer_id) WHERE a IS DISTINCT FROM b;
SELECT count(*) FROM seg_history;
SELECT count(*) FROM segment.model WHERE segmentation = 'seg';

-- law 7: a small change with the model kept writes those rows only
INSERT INTO seg_orders (customer_id, ordered_at, amount) VALUES (3, '2024-03-31', 5000), (4, '2024-03-31', 0.01), (9001, '2024-03-31', 10);
DELETE FROM seg_orders WHERE customer_id = 5;
BEGIN;
CALL count_writes();
SELECT outcome, trained, model_version, entered, departed, moved + updated AS changed, customers - unchanged AS written
FROM refresh_segmentation('seg', '2024-04-01', false);
SELECT * FROM writes('seg_segments', 'seg_history', 'segment', 'model') WHERE relname = 'seg_segments';
COMMIT;
SELECT coalesce(a.customer_id, b.customer_id) AS touched
FROM seg_before AS b FULL JOIN (SELECT xmin::text AS x, ctid::text AS c, m.* FROM seg_segments AS m) AS a USING (customer_id)
WHERE a IS DISTINCT FROM b ORDER BY 1;
DROP FUNCTION writes;
DROP PROCEDURE count_writes;
DROP TABLE seg_before, write_counts;

-- ---- time: forwards only, at any instant, again at the same ----
SELECT outcome, error_code, error FROM refresh_segmentation('seg', '2024-03-31');
SELECT outcome, error_code, error FROM refresh_segmentation('seg', '2124-01-01');
-- NULL is left out: the time at which the refresh has its turn
SELECT create_rfm_segmentation('seg_now', 'SELECT customer_id, ordered_at, amount FROM seg_orders', scheme => 'eleven_names');
SELECT outcome, as_of BETWEEN now() AND clock_timestamp() AS is_now, trained FROM refresh_segmentation('seg_now', NULL, NULL, NULL, NULL);
SELECT drop_segmentation('seg_now');
SELECT * FROM refresh_segmentation('seg', 'infinity');
SELECT * FROM refresh_segmentation('nobody');
SELECT max(as_of) FROM segment.run WHERE segmentation = 'seg' AND outcome = 'ok';
-- orders of the future do not count until then
INSERT INTO seg_orders (customer_id, ordered_at, amount) VALUES (9002, '2024-06-01', 10);
SELECT outcome, entered FROM refresh_segmentation('seg', '2024-06-01', false);
SELECT outcome, entered FROM refresh_segmentation('seg', '2024-06-01 00:00:00.000001', false);

-- ---- models: trained when told to, versions by number ----
SELECT trained, model_version FROM refresh_segmentation('seg', '2024-06-02', true);
SELECT trained, model_version FROM refresh_segmentation('seg', '2024-06-03', false);
SELECT trained, model_version FROM refresh_segmentation('seg', '2024-06-03');
SELECT version, trained_as_of FROM segment.model WHERE segmentation = 'seg' ORDER BY 1;
SELECT count(*) FROM segment.model AS m WHERE segmentation = 'seg' AND NOT m.model = get_model('seg', m.version);
SELECT get_model('seg') = get_model('seg', max(version)) AS current_is_last FROM segment.model WHERE segmentation = 'seg';
SELECT get_model('seg', 99);
SELECT assign_segment('nobody', 1, 2, 3);
SELECT assign_segment('seg', 1, 2);
-- retrain_every
CREATE VIEW seg_orders_view AS SELECT customer_id, ordered_at, amount FROM seg_orders;
SELECT create_rfm_segmentation('monthly', 'seg_orders_view', retrain_every => '1 month', scheme => 'eleven_names');
SELECT as_of, trained, model_version
FROM unnest('{2024-03-01,2024-03-20,2024-03-31 23:59,2024-04-01,2024-04-30,2024-05-02}'::timestamptz[]) AS t(a)
CROSS JOIN LATERAL refresh_segmentation('monthly', a) ORDER BY as_of;
SELECT trained_as_of, refreshed_as_of FROM segment.segmentation WHERE name = 'monthly';
SELECT drop_segmentation('monthly');

-- ---- rename_segment survives retraining; ids are stable ----
CREATE TABLE seg_ids AS SELECT segment_id, origin FROM segment.segment WHERE segmentation = 'seg';
SELECT rename_segment('seg', 'Champions', 'VIP');
SELECT rename_segment('seg', 'Lost', 'Champions');
SELECT rename_segment('seg', 'Nobody', 'X');
SELECT rename_segment('seg', 'New', 'VIP');
SELECT rename_segment('seg', 'New', '');
SELECT rename_segment('nobody', 'New', 'X');
SELECT count(*) AS not_renamed FROM seg_segments AS m JOIN segment.segment AS g ON g.segmentation = 'seg' AND g.segment_id = m.segment_id
WHERE m.segment <> g.name;
SELECT assign_segment('seg', 0, 1000, 100000), explain_segment('seg', 0, 1000, 100000) ->> 'segment' AS explained;
INSERT INTO seg_orders (customer_id, ordered_at, amount) SELECT 1 + n % 50, timestamptz '2024-06-03 00:00Z' + n * interval '1 hour', n
FROM generate_series(1, 300) AS n;
SELECT outcome, trained, model_version FROM refresh_segmentation('seg', '2024-07-01', true);
SELECT name, origin FROM segment.segment WHERE segmentation = 'seg' AND name <> origin ORDER BY 1;
SELECT * FROM seg_ids EXCEPT SELECT segment_id, origin FROM segment.segment WHERE segmentation = 'seg';
SELECT assign_segment('seg', 0, 1000, 100000);
DROP TABLE seg_ids;

-- ---- an own scheme: reordered, one segment less, one more; ids are never used again ----
SELECT create_rfm_scheme('seg_own', '[{"segment": "A", "recency": [5, 5]}, {"segment": "B", "recency": [3, 4]}, {"segment": "C"}]');
SELECT create_rfm_segmentation('own', 'TABLE seg_orders_view', scheme => 'seg_own');
SELECT outcome FROM refresh_segmentation('own', '2024-07-01');
SELECT segment_id, name, priority, opened_at, closed_at, close_reason FROM segment.segment WHERE segmentation = 'own' ORDER BY 1;
UPDATE segment.rfm_scheme SET rules = '[{"segment": "B", "recency": [3, 4]}, {"segment": "A", "recency": [5, 5]}, {"segment": "C"}]'
WHERE name = 'seg_own';
SELECT outcome, moved FROM refresh_segmentation('own', '2024-07-01');
SELECT name, segment_id FROM segment.segment WHERE segmentation = 'own' ORDER BY priority, segment_id;
UPDATE segment.rfm_scheme SET rules = '[{"segment": "D", "recency": [4, 4]}, {"segment": "A", "recency": [5, 5]}, {"segment": "C"}]'
WHERE name = 'seg_own';
SELECT outcome, moved > 0 AS moved FROM refresh_segmentation('own', '2024-07-02');
SELECT DISTINCT reason FROM segment_events('own', '2024-07-02') WHERE 'D' IN (from_segment, to_segment) ORDER BY 1;
SELECT segment_id, name, customers > 0 AS customers, opened_at, closed_at, close_reason FROM segment.segment WHERE segmentation = 'own'
ORDER BY 1;
SELECT DISTINCT segment FROM segment_members('own', '2024-07-01') ORDER BY 1;
UPDATE segment.rfm_scheme SET rules =
    '[{"segment": "B", "recency": [4, 4]}, {"segment": "E", "recency": [3, 3]}, {"segment": "A", "recency": [5, 5]}, {"segment": "C"}]'
WHERE name = 'seg_own';
SELECT outcome FROM refresh_segmentation('own', '2024-07-03');
SELECT segment_id, name, opened_at, closed_at FROM segment.segment WHERE segmentation = 'own' ORDER BY 1;
SELECT count(*) FROM seg_segments AS m
WHERE NOT EXISTS (SELECT FROM segment.segment AS g WHERE g.segmentation = 'seg' AND g.segment_id = m.segment_id AND g.closed_at IS NULL);
SELECT drop_rfm_scheme('seg_own');
SELECT drop_segmentation('own');
SELECT drop_rfm_scheme('seg_own');

-- ---- law 14: customers without orders ----
CREATE TABLE seg_customers AS SELECT DISTINCT customer_id AS id, 'x' AS other FROM seg_orders
UNION SELECT n, 'y' FROM generate_series(20001, 20010) AS n;
SELECT create_rfm_segmentation('all', 'seg_orders_view', customers => 'seg_customers', scheme => 'eleven_names');
SELECT outcome, customers FROM refresh_segmentation('all', '2024-07-01');
SELECT segment, count(*), count(rfm_score) + count(recency_score) + count(frequency_score) + count(monetary_score) AS scores,
       count(last_order_at) AS times, max(frequency) AS frequency, max(monetary) AS monetary
FROM all_segments WHERE customer_id > 20000 GROUP BY 1;
SELECT assign_segment('all', NULL, NULL, NULL), assign_segment('all', NULL, 0, 0);
-- the first order makes a member of them
INSERT INTO seg_orders (customer_id, ordered_at, amount) VALUES (20001, '2024-06-30', 50);
SELECT outcome, entered, moved FROM refresh_segmentation('all', '2024-07-01', false);
SELECT event, from_segment, reason FROM segment_events('all', '2024-07-01') WHERE customer = '20001';
SELECT drop_segmentation('all');

-- ---- no orders: 'empty'; later there are; later they are all gone ----
CREATE TABLE seg_late (customer_id bigint, ordered_at timestamptz, amount numeric);
SELECT create_rfm_segmentation('late', 'seg_late', customers => 'SELECT 7::bigint', max_departed => 1, scheme => 'eleven_names');
SELECT outcome, customers, entered, model_version, trained, rows_read FROM refresh_segmentation('late', '2024-01-01');
SELECT assign_segment('late', 1, 2, 3);
SELECT count(*) FROM segment_members('late');
INSERT INTO seg_late SELECT customer_id, ordered_at, amount FROM seg_orders WHERE customer_id < 50;
SELECT outcome, customers = entered AS filled, model_version, trained FROM refresh_segmentation('late', '2024-02-01');
DELETE FROM seg_late;
SELECT outcome, customers, moved > 0 AS moved, departed > 0 AS departed, model_version FROM refresh_segmentation('late', '2024-03-01');
TABLE late_segments \gx
UPDATE segment.segmentation SET customers = NULL WHERE name = 'late';
SELECT outcome, customers, departed FROM refresh_segmentation('late', '2024-04-01');
SELECT count(*) FROM late_segments;
SELECT count(*) FROM segment.segment WHERE segmentation = 'late' AND customers <> 0;
SELECT count(*) > 10 AS past FROM segment_members('late', '2024-02-15');
INSERT INTO seg_late SELECT customer_id, ordered_at, amount FROM seg_orders WHERE customer_id < 50;
SELECT outcome, customers = entered AS filled, moved FROM refresh_segmentation('late', '2024-05-01');
SELECT count(*) FROM segment_members('late', '2024-04-15');
SELECT drop_segmentation('late');

-- ---- an error in the source: told, logged, nothing lost ----
CREATE TABLE seg_kept AS TABLE seg_segments;
CREATE TABLE seg_kept_history AS TABLE seg_history;
ALTER TABLE seg_orders RENAME COLUMN amount TO price;
SELECT outcome, error_code, error, customers, trained FROM refresh_segmentation('seg', '2024-08-01');
ALTER TABLE seg_orders RENAME COLUMN price TO amount;
UPDATE segment.segmentation SET source = 'SELECT customer_id, ordered_at, amount / (amount - amount) AS amount FROM seg_orders'
WHERE name = 'seg';
SELECT outcome, error_code, error FROM refresh_segmentation('seg', '2024-08-01');
UPDATE segment.segmentation SET source = 'SELECT customer_id::text, ordered_at, amount FROM seg_orders' WHERE name = 'seg';
SELECT outcome, error_code FROM refresh_segmentation('seg', '2024-08-01');
UPDATE segment.segmentation SET source = 'SELECT customer_id, ordered_at, amount FROM seg_orders' WHERE name = 'seg';
(TABLE seg_kept EXCEPT TABLE seg_segments) UNION ALL (TABLE seg_segments EXCEPT TABLE seg_kept) \gx
(TABLE seg_kept_history EXCEPT TABLE seg_history) UNION ALL (TABLE seg_history EXCEPT TABLE seg_kept_history);
SELECT outcome, error_code FROM segment_run WHERE segmentation = 'seg' AND outcome = 'failed' ORDER BY run_id;
SELECT refreshed_as_of FROM segment.segmentation WHERE name = 'seg';
SELECT outcome FROM refresh_segmentation('seg', '2024-08-01');
DROP TABLE seg_kept, seg_kept_history;

-- ---- drop ----
CREATE VIEW seg_dependent AS SELECT * FROM seg_segments;
\set VERBOSITY sqlstate
SELECT drop_segmentation('seg');
SELECT drop_segmentation('nobody');
\set VERBOSITY default
SELECT count(*) > 0 AS still_there FROM seg_segments;
SET client_min_messages = warning;
SELECT drop_segmentation('seg', cascade => true);
SELECT to_regclass('seg_dependent'), to_regclass('seg_segments'), to_regclass('seg_history');
SELECT (SELECT count(*) FROM segment.segment) + (SELECT count(*) FROM segment.model) + (SELECT count(*) FROM segment.run) AS left_over;
-- the name is free again
SELECT create_rfm_segmentation('seg', 'seg_orders_view', scheme => 'eleven_names');
SELECT drop_segmentation('seg');

-- ---- every way to cut, scheme and option: refresh agrees with the lower floor ----
CREATE TABLE seg_case (n integer GENERATED ALWAYS AS IDENTITY, scheme text DEFAULT 'default',
                       cuts text DEFAULT 'quantile', bins integer, thresholds jsonb,
    lookback interval, refunds text DEFAULT 'net', zero_amounts text DEFAULT 'order', time_zone text DEFAULT 'UTC');
INSERT INTO seg_case (scheme) VALUES ('default'), ('eleven_names'), ('rf_grid'), ('r_rfm'), ('klaviyo'), ('braze'), ('shopify');
INSERT INTO seg_case (scheme, cuts) VALUES ('r_rfm', 'r_rfm'), ('default', 'natural_breaks');
INSERT INTO seg_case (cuts, thresholds)
    VALUES ('thresholds', '{"recency": [30, 60, 90, 120], "frequency": [2, 4, 6, 8], "monetary": [50, 100, 250, 500]}'),
           ('quantile', '{"recency": [30, 60, 90, 120]}');
INSERT INTO seg_case (bins) VALUES (3), (10), (NULL);
INSERT INTO seg_case (scheme, bins) VALUES ('shopify', 10), ('braze', 10), ('klaviyo', 5);
INSERT INTO seg_case (lookback, refunds, zero_amounts, time_zone)
    VALUES ('90 days', 'ignore', 'ignore', 'Asia/Tokyo'), (NULL, 'order', 'order', 'America/New_York'), ('1 month', 'net', 'ignore', 'UTC');
UPDATE seg_orders SET amount = -amount WHERE order_id % 13 = 0;
UPDATE seg_orders SET amount = 0 WHERE order_id % 29 = 0;
DO $$
DECLARE
    c seg_case;
BEGIN
    FOR c IN SELECT * FROM seg_case ORDER BY n LOOP
        PERFORM create_rfm_segmentation('case ' || c.n, 'seg_orders_view', scheme => c.scheme, max_departed => 1,
                                        cuts => c.cuts, bins => c.bins, thresholds => c.thresholds,
            lookback => c.lookback, refunds => c.refunds, zero_amounts => c.zero_amounts, time_zone => c.time_zone);
        PERFORM refresh_segmentation('case ' || c.n, '2024-05-05 03:30Z');
        PERFORM refresh_segmentation('case ' || c.n, '2024-07-05 16:30Z');
    END LOOP;
END;
$$;
SELECT c.n, c.scheme, c.cuts, count(*) AS differ
FROM seg_case AS c
CROSS JOIN LATERAL (SELECT refreshed_as_of AS as_of FROM segment.segmentation WHERE name = 'case ' || c.n) AS r
CROSS JOIN LATERAL (
    SELECT array_agg(b) AS buyers,
           -- the scheme called default is the one that asks for tenure
           CASE WHEN c.scheme = 'default' THEN rfm_model(feature_set(recency, frequency, monetary, tenure),
                                                         c.bins, c.cuts, c.thresholds, c.scheme)
                ELSE rfm_model(feature_set(recency, frequency, monetary), c.bins, c.cuts, c.thresholds, c.scheme) END AS model
    FROM (SELECT customer, recency, frequency, monetary,
                 (r.as_of AT TIME ZONE c.time_zone)::date - (first_order_at AT TIME ZONE c.time_zone)::date AS tenure
          FROM rfm_summary(NULL::bigint, 'TABLE seg_orders_view', r.as_of, c.lookback, c.refunds, c.zero_amounts, c.time_zone)) AS b) AS m
CROSS JOIN LATERAL (
    SELECT customer, CASE WHEN c.scheme = 'default' THEN assign_segment(m.model, recency, frequency, monetary, tenure)
                          ELSE assign_segment(m.model, recency, frequency, monetary) END AS segment
    FROM unnest(m.buyers) AS b (customer bigint, recency float8, frequency bigint, monetary numeric, tenure integer)) AS s
WHERE segment_of('case ' || c.n, s.customer) IS DISTINCT FROM s.segment
GROUP BY 1, 2, 3 ORDER BY 1;
SELECT name, refreshed_as_of FROM segment.segmentation AS s
WHERE refreshed_as_of IS DISTINCT FROM '2024-07-05 16:30Z' OR name NOT LIKE 'case %';
SELECT segmentation, sum(customers) AS counted FROM segment_size GROUP BY 1
EXCEPT SELECT segmentation, count(*) FROM segment_members GROUP BY 1;
-- the key of days: where the last order's day ends depends on the zone
SELECT count(*) > 0 AS zone_matters
FROM rfm_summary(NULL::bigint, 'TABLE seg_orders_view', '2024-07-05 16:30Z', time_zone => 'Asia/Tokyo') AS a
JOIN rfm_summary(NULL::bigint, 'TABLE seg_orders_view', '2024-07-05 16:30Z', time_zone => 'America/New_York') AS b USING (customer)
WHERE a.recency <> b.recency;
SELECT count(drop_segmentation(name)) FROM (SELECT name FROM segment.segmentation ORDER BY 1) AS s;

-- ---- keys of every kind of type ----
CREATE TYPE seg_enum AS ENUM ('a', 'b', 'c', 'd', 'e', 'f');
CREATE DOMAIN seg_domain AS bigint CHECK (VALUE > 0);
CREATE TABLE seg_type (type text, expression text);
INSERT INTO seg_type VALUES ('bigint', 'n::bigint'), ('integer', 'n'), ('smallint', 'n::smallint'),
    ('text', '''c'' || n'), ('uuid', 'md5(n::text)::uuid'), ('date', 'date ''2000-01-01'' + n'),
    ('varchar', '(''c'' || n)::varchar'), ('varchar(20)', '(''c'' || n)::varchar(20)'), ('numeric', 'n / 10.0'),
    ('numeric(12,2)', '(n / 10.0)::numeric(12,2)'), ('name', '(''c'' || n)::name'), ('char(8)', 'n::char(8)'),
    ('timestamptz', 'timestamptz ''2000-01-01'' + n * interval ''1 day'''), ('boolean', 'n % 2 = 0'),
    ('inet', '''10.0.0.1''::inet + n'), ('bytea', 'n::text::bytea'), ('jsonb', 'to_jsonb(n)'), ('float8', 'n::float8'),
    ('seg_enum', 'substr(''abcdef'', 1 + n % 6, 1)::seg_enum'), ('seg_domain', '(n + 1)::seg_domain'),
    ('bigint[]', 'ARRAY[n, n]::bigint[]'), ('int4range', 'int4range(n, n + 1)');
CREATE TABLE seg_type_problem (type text, problem text, detail text);
CREATE PROCEDURE seg_try_type(type text, expression text) LANGUAGE plpgsql AS $$
DECLARE
    members bigint;
    found bigint;
    wanted bigint;
    outcome text;
BEGIN
    EXECUTE format(
        'CREATE TABLE typed AS SELECT %s AS who, '
        'timestamptz ''2024-01-01'' + i * interval ''3 hours'' AS ordered_at, i AS amount '
        'FROM generate_series(1, 200) AS i, LATERAL (SELECT i %% 30 AS n) AS x',
        expression);
    PERFORM create_rfm_segmentation('typed', 'SELECT who, ordered_at, amount FROM typed',
                                    customers => 'SELECT who FROM typed', scheme => 'eleven_names');
    outcome := (refresh_segmentation('typed', '2024-01-20')).outcome;
    EXECUTE 'DELETE FROM typed WHERE amount % 7 = 0 AND amount < 100';
    outcome := outcome || (refresh_segmentation('typed', '2024-02-20')).outcome;
    outcome := outcome || (refresh_segmentation('typed', '2024-02-20')).outcome;
    EXECUTE 'SELECT count(*) FROM typed_segments' INTO members;
    EXECUTE 'SELECT count(DISTINCT who) FROM typed' INTO wanted;
    INSERT INTO seg_type_problem
    SELECT type, 'refresh',
           format('%s: %s of %s: %s', outcome, members, wanted, (SELECT max(error) FROM segment.run WHERE segmentation = 'typed'))
    WHERE outcome <> 'okokok' OR members <> wanted;
    EXECUTE format('SELECT count(*) FROM typed_segments WHERE segment_of(''typed'', who) = segment') INTO found;
    INSERT INTO seg_type_problem SELECT type, 'segment_of', found::text WHERE found <> wanted;
    EXECUTE format('SELECT count(*) FROM typed_segments WHERE segment_of(''typed'', format(''%%s'', who)) = segment') INTO found;
    INSERT INTO seg_type_problem SELECT type, 'segment_of by text', found::text WHERE found <> wanted;
    EXECUTE format(
        'SELECT count(*) FROM typed_segments AS t '
        'JOIN segment_members(NULL::%s, ''typed'', NULL) AS m ON m.customer = t.who AND m.segment = t.segment',
        type) INTO found;
    INSERT INTO seg_type_problem SELECT type, 'segment_members typed', found::text WHERE found <> wanted;
    EXECUTE format(
        'SELECT count(*) FROM typed_segments AS t '
        'JOIN segment_members(''typed'') AS m ON m.customer = format(''%%s'', t.who) AND m.segment = t.segment',
        type) INTO found;
    INSERT INTO seg_type_problem SELECT type, 'segment_members', found::text WHERE found <> wanted;
    SELECT count(*) INTO found FROM segment_events('typed') AS e WHERE event_at = '2024-02-20' AND event = 'moved';
    EXECUTE 'SELECT count(*) FROM typed_history WHERE left_at = ''2024-02-20''' INTO wanted;
    INSERT INTO seg_type_problem SELECT type, 'events', format('%s of %s', found, wanted) WHERE found <> wanted;
    EXECUTE 'SELECT sum(customers) FROM segment_migration(''typed'', ''2024-01-20''::timestamptz, NULL)' INTO found;
    INSERT INTO seg_type_problem SELECT type, 'migration', format('%s of %s', found, members) WHERE found <> members;
END;
$$;
DO $$
DECLARE
    t seg_type;
BEGIN
    FOR t IN SELECT * FROM seg_type LOOP
        BEGIN
            CALL seg_try_type(t.type, t.expression);
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO seg_type_problem VALUES (t.type, SQLSTATE, SQLERRM);
        END;
        IF to_regclass('typed_segments') IS NOT NULL THEN
            PERFORM drop_segmentation('typed');
        END IF;
        DROP TABLE IF EXISTS typed;
    END LOOP;
END;
$$;
SELECT * FROM seg_type_problem ORDER BY 1, 2;

-- ---- sources: a relation by name, in another schema, odd names, four columns, dates ----
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Orders" AS SELECT customer_id AS "Customer Id", ordered_at::date AS day, amount, order_id % 100 AS order_id
FROM seg_orders_view JOIN (SELECT order_id, customer_id, ordered_at FROM seg_orders) AS o USING (customer_id, ordered_at);
SELECT create_rfm_segmentation('odd', '"Odd Schema"."Orders"', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('odd', '2024-07-05');
SELECT count(*) FROM odd_segments AS m
FULL JOIN (SELECT "Customer Id", count(DISTINCT order_id) FILTER (WHERE amount >= 0) AS orders, sum(amount) AS total,
                  max(day) FILTER (WHERE amount >= 0) AS last FROM "Odd Schema"."Orders" GROUP BY 1) AS t USING ("Customer Id")
WHERE (m.monetary, (m.last_order_at AT TIME ZONE 'UTC')::date) IS DISTINCT FROM (t.total, t.last);
SELECT count(*) FROM odd_segments AS m
JOIN (SELECT "Customer Id", count(DISTINCT order_id) AS orders, count(*) AS rows FROM "Odd Schema"."Orders" GROUP BY 1
      HAVING min(amount) >= 0) AS t USING ("Customer Id")
WHERE m.frequency <> t.orders;
-- the path of its maker is kept
SET search_path = "Odd Schema", segment;
SELECT create_rfm_segmentation('kept_path', '"Orders"', schema => 'public', scheme => 'eleven_names');
SELECT create_rfm_segmentation('kept_query', 'SELECT "Customer Id", day, amount FROM "Orders" -- with a comment',
                               schema => 'public', scheme => 'eleven_names');
SET search_path = public, segment;
SELECT outcome, customers > 0 AS customers FROM refresh_segmentation('kept_path', '2024-07-05');
SELECT outcome, customers > 0 AS customers FROM refresh_segmentation('kept_query', '2024-07-05');
SELECT count(drop_segmentation(name)) FROM (SELECT name FROM segment.segmentation ORDER BY 1) AS s;
DROP SCHEMA "Odd Schema" CASCADE;
DROP VIEW seg_orders_view;
DROP TABLE seg_orders, seg_customers, seg_late, seg_case, seg_type, seg_type_problem;
DROP TYPE seg_enum;
DROP DOMAIN seg_domain;
DROP PROCEDURE seg_try_type;
