-- An error of an argument has at most two lines of CONTEXT: none of our statements and inner functions.
SET client_min_messages = warning;
SET search_path = public, segment;

CREATE TABLE context_orders AS
SELECT c AS customer_id, timestamptz '2025-01-01 12:00Z' + n * interval '1 day' AS at, 10 * n AS amount
FROM generate_series(1, 50) AS c, generate_series(1, c % 7 + 1) AS n;
SELECT create_rfm_segmentation('context', 'context_orders');
CREATE VIEW context_view AS SELECT customer_id FROM context_segments;

-- the message of an error, and how many lines of context there are beside this function's own two
CREATE FUNCTION context_of(command text, OUT message text, OUT lines integer) LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    EXECUTE command;
    message := 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    message := left(SQLERRM, 70);
    lines := cardinality(string_to_array(context, E'\n')) - 2;
END $$;
-- each in a transaction of its own: after an error in it PL/pgSQL evaluates another way, and tells more
CREATE TABLE context_told (n integer GENERATED ALWAYS AS IDENTITY, command text, message text, lines integer);
SELECT format('INSERT INTO context_told (command, message, lines) SELECT %L, e.* FROM context_of(%L) AS e', c, 'SELECT ' || c)
FROM unnest(ARRAY[
    $$create_rfm_scheme('x', '{"a": 1}')$$, $$create_rfm_scheme('x', NULL)$$, $$create_rfm_scheme('', '[{"segment": "a"}]')$$,
    $$create_rfm_scheme(NULL, '[{"segment": "a"}]')$$, $$create_rfm_scheme('x', '[{"segment": "a"}]', bins => 11)$$,
    $$create_rfm_scheme('x', '[{"segment": "a"}]', lowest_score => 2)$$,
                  $$create_rfm_scheme('x', '[{"segment": "a"}]', thresholds => '[1]')$$,
    $$create_rfm_scheme('x', '[{"segment": "a"}]', rest => '')$$, $$create_rfm_scheme('x', '[{"segment": "a"}]', no_orders => '')$$,
    $$create_rfm_scheme('default', '[{"segment": "a"}]')$$, $$create_rfm_scheme('x', '[{"name": "a"}]')$$, $$create_rfm_scheme('x', '[]')$$,
    $$create_rfm_scheme('x', '[{"segment": "a", "recency": [1, 2]}]')$$, $$create_rfm_scheme('x', '[{"segment": "a"}]', ranking => '{b}')$$,
    $$drop_rfm_scheme('default')$$, $$drop_rfm_scheme('unknown')$$,
    $$create_rfm_segmentation('other', 'context_orders', scheme => 'unknown')$$,
                  $$create_rfm_segmentation('other', 'context_orders', bins => 2)$$,
    $$create_rfm_segmentation('other', 'context_orders', hysteresis => 2)$$, $$create_rfm_segmentation('other', 'SELECT 1')$$,
    $$create_rfm_segmentation('other', 'context_orders', customers => 'SELECT now()')$$,
    $$create_rfm_segmentation('context', 'context_orders')$$, $$create_rfm_segmentation('other', 'nowhere')$$,
    $$create_cluster_segmentation('other', 'context_orders', method => 'x')$$, $$create_cluster_segmentation('other', 'SELECT 1, now()')$$,
    $$create_cluster_segmentation('other', 'SELECT 1 AS a, 2 AS b', k => 0)$$,
    $$alter_segmentation('context', '{"bins": 50}')$$, $$alter_segmentation('context', '{"scheme": "unknown"}')$$,
    $$alter_segmentation('context', max_departed => 7)$$, $$alter_segmentation('context', '[]')$$, $$alter_segmentation('unknown')$$,
    $$rename_segment('context', 'unknown', 'b')$$, $$rename_segment('context', 'unknown', '')$$,
    $$drop_segmentation('unknown')$$, $$drop_segmentation('context')$$, $$refresh_segmentation('unknown')$$]) AS c
\set ECHO none
\gexec
\set ECHO all
SELECT command, message, CASE WHEN lines <= 2 THEN '' ELSE lines::text END AS too_many FROM context_told ORDER BY n;
ALTER TABLE context_orders RENAME TO context_gone;
SELECT message, lines <= 2 AS few FROM context_of($$SELECT accept_source('context')$$);
SELECT drop_segmentation('context', cascade => true);
DROP TABLE context_gone, context_told;
DROP FUNCTION context_of;
