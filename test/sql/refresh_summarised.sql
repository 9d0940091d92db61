-- A source that has one row per customer already gives the members and the very model
-- that the orders give, whatever the types of its columns; and columns or expressions
-- named one by one give what a query written by hand gives.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE FUNCTION chance(seed text, below integer) RETURNS integer
    LANGUAGE sql IMMUTABLE RETURN ('x' || substr(md5(seed), 1, 7))::bit(28)::integer % below;
CREATE TABLE sum_orders AS
SELECT chance('c' || n, 400) AS customer_id, timestamptz '2025-01-01 00:00Z' + chance('t' || n, 90 * 1440) * interval '1 minute' AS at,
       chance('a' || n, 30000) AS cents, chance('i' || n, 900) AS invoice
FROM generate_series(1, 2500) AS n;
CREATE TABLE sum_customers AS SELECT generate_series(0, 450) AS customer_id;

-- pairs of sources: orders, and what they add up to, by types of columns
CREATE TABLE sum_case (name text, orders text, summarised text, customers text, zone text);
INSERT INTO sum_case VALUES
    ('numeric', 'SELECT customer_id, at, cents / 100.0 FROM sum_orders',
     'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(cents / 100.0) AS total, min(at) AS first_order_at
      FROM sum_orders GROUP BY 1', NULL, 'UTC'),
    ('bigint', 'SELECT customer_id, at, cents::bigint FROM sum_orders',
     'SELECT customer_id, sum(cents)::bigint AS total, max(at) AS last_order_at, min(at) AS first_order_at, count(*)::integer AS orders
      FROM sum_orders GROUP BY 1', NULL, 'Europe/Berlin'),
    ('integer', 'SELECT customer_id, at, cents FROM sum_orders',
     'SELECT customer_id, ''x'' AS note, sum(cents)::integer AS total, max(at) AS last_order_at, count(*)::smallint AS orders,
             min(at) AS first_order_at, now() AS unused FROM sum_orders GROUP BY 1', 'sum_customers', 'America/New_York'),
    ('double', 'SELECT customer_id, at, (cents / 4.0)::float8 FROM sum_orders',
     'SELECT customer_id, max(at) AS last_order_at, count(*)::numeric AS orders, sum(cents / 4.0)::float8 AS total,
             min(at) AS first_order_at
      FROM sum_orders GROUP BY 1', NULL, 'Asia/Kolkata'),
    ('date', 'SELECT customer_id, (at AT TIME ZONE ''Pacific/Auckland'')::date, cents FROM sum_orders',
     'SELECT customer_id, max((at AT TIME ZONE ''Pacific/Auckland'')::date) AS last_order_at, count(*) AS orders, sum(cents) AS total,
             min((at AT TIME ZONE ''Pacific/Auckland'')::date) AS first_order_at FROM sum_orders GROUP BY 1', NULL, 'Pacific/Auckland'),
    ('timestamp', 'SELECT customer_id, at AT TIME ZONE ''Europe/Berlin'', cents FROM sum_orders',
     'SELECT customer_id, max(at AT TIME ZONE ''Europe/Berlin'') AS last_order_at, count(*) AS orders, sum(cents) AS total,
             min(at AT TIME ZONE ''Europe/Berlin'') AS first_order_at FROM sum_orders GROUP BY 1', 'sum_customers', 'Europe/Berlin'),
    ('no first', 'SELECT customer_id, at, cents FROM sum_orders',
     'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(cents) AS total FROM sum_orders GROUP BY 1', NULL, 'UTC'),
    ('zeros', 'SELECT customer_id, at, cents FROM sum_orders',
     'SELECT customer_id, max(at) AS last_order_at, count(at) AS orders, coalesce(sum(cents), 0) AS total, min(at) AS first_order_at
      FROM sum_customers LEFT JOIN sum_orders USING (customer_id) GROUP BY 1', 'sum_customers', 'UTC');
CREATE FUNCTION sum_differ(name text) RETURNS TABLE (members bigint, history bigint, model boolean, customers boolean)
    LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    t text;
    n bigint[];
BEGIN
    FOREACH t IN ARRAY '{segments,history}'::text[] LOOP
        EXECUTE format('SELECT %3$s || count(*) FROM (
                (SELECT to_jsonb(a) - %4$s::text[] FROM %1$I AS a EXCEPT SELECT to_jsonb(b) - %4$s::text[] FROM %2$I AS b)
                UNION ALL (SELECT to_jsonb(b) - %4$s::text[] FROM %2$I AS b EXCEPT SELECT to_jsonb(a) - %4$s::text[] FROM %1$I AS a)) AS d',
            'o ' || name || '_' || t, 's ' || name || '_' || t, quote_nullable(coalesce(n, '{}')) || '::bigint[]',
            CASE WHEN name = 'no first' THEN '''{first_order_at}''' ELSE '''{}''' END) INTO n;
    END LOOP;
    RETURN QUERY SELECT n[1], n[2], get_model('o ' || name)::text = get_model('s ' || name)::text,
        (SELECT array_agg(r.customers ORDER BY run_id) FROM run AS r WHERE segmentation = 'o ' || name)
        = (SELECT array_agg(r.customers ORDER BY run_id) FROM run AS r WHERE segmentation = 's ' || name);
END;
$$;
SELECT count(create_rfm_segmentation('o ' || name, orders, customers, scheme => scheme, time_zone => zone)) AS orders,
       count(create_rfm_segmentation('s ' || name, summarised, customers, scheme => scheme, time_zone => zone,
                                     summarised => true)) AS summarised
-- a scheme that asks for tenure needs the first order
FROM sum_case, LATERAL (SELECT CASE WHEN name = 'no first' THEN 'eleven_names' END) AS t (scheme);
SELECT count(*) FROM sum_case, LATERAL refresh_segmentation('o ' || name, '2025-04-01 10:30Z') AS o WHERE o.outcome = 'ok';
SET timezone = 'Asia/Tokyo';                                    -- whoever's session refreshes
SELECT count(*) FROM sum_case, LATERAL refresh_segmentation('s ' || name, '2025-04-01 10:30Z') AS s WHERE s.outcome = 'ok';
SET timezone = 'UTC';
SELECT name, d.* FROM sum_case, LATERAL sum_differ(name) AS d ORDER BY 1;
-- later, with changes
UPDATE sum_orders SET cents = cents * 10 WHERE customer_id % 13 = 2;
DELETE FROM sum_orders WHERE customer_id % 37 = 5;
INSERT INTO sum_orders SELECT n * 9, timestamptz '2025-04-01 12:00Z' + n * interval '1 minute', 100 * n, n FROM generate_series(1, 50) AS n;
SET timezone = 'America/Los_Angeles';
SELECT count(*) FROM sum_case, LATERAL refresh_segmentation('o ' || name, '2025-04-03 22:30Z') AS o WHERE o.outcome = 'ok' AND o.moved > 0;
SET timezone = 'Europe/London';
SELECT count(*) FROM sum_case, LATERAL refresh_segmentation('s ' || name, '2025-04-03 22:30Z') AS s WHERE s.outcome = 'ok' AND s.moved > 0;
SET timezone = 'UTC';
SELECT name, d.* FROM sum_case, LATERAL sum_differ(name) AS d ORDER BY 1;
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;

-- rows that cannot be used are skipped and counted; two rows of a customer, and a column that is not there, are errors
CREATE TABLE summed (customer_id text, last_order_at date, orders bigint, total numeric);
INSERT INTO summed SELECT 'c' || n, date '2025-01-01' + n, n, n * 10 FROM generate_series(1, 20) AS n;
INSERT INTO summed VALUES (NULL, '2025-01-01', 1, 1), ('null time', NULL, 1, 1), ('null orders', '2025-01-01', NULL, 1),
    ('null total', '2025-01-01', 1, NULL), ('nan', '2025-01-01', 1, 'NaN'), ('infinite', '2025-01-01', 1, 'Infinity'),
    ('never', 'infinity', 1, 1), ('later', '2025-06-01', 1, 1), ('none', NULL, 0, 0);
SELECT create_rfm_segmentation('summed', 'summed', summarised => true);
SELECT outcome, customers, rows_read, rows_used, rows_skipped, counts FROM refresh_segmentation('summed', '2025-05-01') \gx
SELECT customer_id, segment, frequency FROM summed_segments WHERE customer_id !~ '^c';
INSERT INTO summed VALUES ('c5', '2025-01-01', 1, 1);
SELECT outcome, error FROM refresh_segmentation('summed', '2025-05-02');
SELECT create_rfm_segmentation('wrong', 'SELECT customer_id, last_order_at, total FROM summed', summarised => true);
SELECT create_rfm_segmentation('wrong', 'SELECT customer_id, orders AS last_order_at, orders, total FROM summed', summarised => true);
SELECT drop_segmentation('summed');

-- ---- columns and expressions by name ----
CREATE TABLE "Lines" ("Customer ID" integer, invoice_date timestamptz, quantity integer, price numeric, invoice integer, "or%der" text);
INSERT INTO "Lines" SELECT customer_id, at, 1 + cents % 3, cents / 100.0, invoice, 'x' FROM sum_orders;
SET client_min_messages = notice;
SELECT create_rfm_segmentation('named', '"Lines"', customer => '"Customer ID"', ordered_at => 'invoice_date', amount => 'quantity * price',
                               order_id => 'invoice');
SET client_min_messages = warning;
SELECT create_rfm_segmentation('written',
    'SELECT "Customer ID" AS customer, invoice_date, quantity * price AS amount, invoice FROM "Lines"');
SELECT r.outcome, r.customers, r.rows_read FROM unnest('{named,written}'::text[]) AS n, LATERAL refresh_segmentation(n, '2025-05-01') AS r;
SELECT get_model('named')::text = get_model('written')::text AS same_model, count(*) AS differ
FROM (TABLE named_segments EXCEPT TABLE written_segments) AS d;
SELECT create_rfm_segmentation('without_id', 'SELECT * FROM "Lines"; -- all', customer => '"Customer ID"',
                               ordered_at => 'invoice_date -- when', amount => 'CASE WHEN quantity > 0 THEN price ELSE 0 END');
SELECT outcome, customers FROM refresh_segmentation('without_id', '2025-05-01');
SELECT create_rfm_segmentation('wrong', '"Lines"', customer => '"Customer ID"');
SELECT create_rfm_segmentation('wrong', '"Lines"', order_id => 'invoice');
SELECT create_rfm_segmentation('wrong', '"Lines"', customer => 'no_such', ordered_at => 'invoice_date', amount => 'price');
SELECT create_rfm_segmentation('wrong', '"Lines"', customer => 'invoice', ordered_at => 'invoice_date', amount => 'price) FROM secret --');
SELECT create_rfm_segmentation('wrong', '"Lines"', customer => 'invoice', ordered_at => 'quantity', amount => 'price');
SELECT create_rfm_segmentation('wrong', '"Lines"', customer => 'invoice', ordered_at => 'invoice_date', amount => '"or%der"');
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;
DROP TABLE sum_orders, sum_customers, sum_case, summed, "Lines";
DROP FUNCTION chance, sum_differ;
