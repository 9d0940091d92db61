--
-- only_keys: a source is read for some customers alone, by its own index.
--
SET search_path = public, segment, segment_internal;
SET TimeZone = 'UTC';

CREATE TABLE only_order AS
SELECT c::bigint AS customer_id, timestamptz '2025-01-01Z' + c * interval '1 minute' + o * interval '1 day' AS ordered_at, c + o AS amount,
       'c' || c AS customer_text, 'Order ' || c || '-' || o AS order_text
FROM generate_series(1, 5000) AS c, generate_series(1, 2) AS o;
CREATE INDEX only_order_key ON only_order (customer_id);
CREATE INDEX only_order_text ON only_order (customer_text);
VACUUM ANALYZE only_order;

-- the same figures as those of all customers
CREATE VIEW only_order_view AS SELECT customer_id, ordered_at, amount FROM only_order;
SELECT count(*) AS customers,
       array_agg(o ORDER BY customer) = (SELECT array_agg(a ORDER BY customer)
                                         FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z') AS a
                                         WHERE customer IN (7, 70, 4999)) AS same
FROM rfm_summary(NULL::bigint, 'SELECT customer_id, ordered_at, amount FROM only_order', '2025-02-01Z',
                 only_keys => '{7,70,4999,-1,NULL}'::bigint[]) AS o;
SELECT count(*) FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => '{7,70,4999,-1}'::bigint[]);
SELECT rfm_summary_counts() -> 'rows_read' AS rows_read;

-- none and all
SELECT count(*) FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => '{}'::bigint[]);
SELECT count(*) FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => NULL::bigint[]);
SELECT count(*) FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => NULL);
-- a bare literal is an array of keys
SELECT customer FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => '{12}');

-- keys of other functions, by the first column or one by name; whatever the query ends with and other columns are called
SELECT * FROM query_keys(NULL::bigint, 'SELECT customer_id, customer_id FROM only_order ; -- end', NULL, '{3,4}'::bigint[]) AS k ORDER BY k;
SELECT * FROM query_keys(NULL::text, 'SELECT customer_text FROM only_order', NULL, '{c3,C4}'::text[]) AS k;
SELECT * FROM query_rows('SELECT amount, customer_id AS "The key" FROM only_order -- end', NULL, 'The key', '{3,4}'::bigint[])
    AS t ("The key" bigint, amount float8) ORDER BY 1, 2;
SELECT * FROM query_rows('SELECT customer_text::varchar AS k FROM only_order', NULL, 'k', '{c3}'::text[]) AS t (k text);
SELECT * FROM query_rows('only_order_view', NULL, 'customer_id', NULL) AS t (customer_id bigint) LIMIT 1;
SELECT count(*) FROM query_rows('only_order_view', NULL, 'customer_id', '{}'::bigint[]) AS t (customer_id bigint);

-- the operators of the key's type, whatever the search_path has
CREATE SCHEMA only_trap;
CREATE FUNCTION only_trap.all_equal(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true;
CREATE OPERATOR only_trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = only_trap.all_equal);
SELECT customer FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z',
                                 search_path => 'only_trap, pg_catalog, public', only_keys => '{12}'::bigint[]);

-- the index serves, also below a view and a GROUP BY
BEGIN;
SELECT pg_stat_get_xact_numscans('only_order_key'::regclass) AS before \gset
SELECT pg_stat_get_xact_numscans('only_order'::regclass) AS before_seq \gset
SELECT count(*) FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => '{12}'::bigint[]);
SELECT count(*) FROM query_keys(NULL::bigint, 'SELECT customer_id FROM only_order GROUP BY 1', NULL, '{12}'::bigint[]);
SELECT count(*) FROM query_rows('SELECT customer_id, count(*) AS n FROM only_order GROUP BY 1', NULL,
                                'customer_id', '{12}'::bigint[]) AS t (customer_id bigint, n float8);
SELECT pg_stat_get_xact_numscans('only_order_key'::regclass) - :before AS index_scans,
       pg_stat_get_xact_numscans('only_order'::regclass) - :before_seq AS sequential_scans;
ROLLBACK;

-- refused
SELECT * FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => '{12}'::int[]);
SELECT * FROM rfm_summary(NULL::bigint, 'only_order_view', '2025-02-01Z', only_keys => 12);
SELECT * FROM query_rows('only_order_view', NULL, 'nobody', '{12}'::int[]) AS t (customer_id bigint);
SELECT * FROM query_rows('only_order_view', NULL, 'customer_id', 12) AS t (customer_id bigint);
-- a column of another type is told as without only
SELECT * FROM rfm_summary(NULL::integer, 'only_order_view', '2025-02-01Z', only_keys => '{12}'::int[]);

DROP VIEW only_order_view;
DROP TABLE only_order;
DROP SCHEMA only_trap CASCADE;
