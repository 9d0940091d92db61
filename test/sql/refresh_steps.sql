-- A refresh is a list of statements: refresh_steps prints them, and each can be run
-- alone on tables of the names that the steps before it have.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE step_orders AS
SELECT n % 40 AS customer_id, timestamptz '2025-01-01' + n * interval '5 hours' AS at, n * 7919 % 503 / 10.0 AS amount
FROM generate_series(1, 300) AS n;
CREATE TABLE step_customers AS
SELECT n AS id, n % 3 * 20 + n % 7 AS visits, n * 7919 % 101 AS spend FROM generate_series(1, 60) AS n;

-- ---- what is printed ----
SELECT create_rfm_segmentation('printed', 'step_orders');
SELECT ordinality, name, split_part(statement, ' ', 1) AS verb FROM refresh_steps('printed', '2025-03-10') WITH ORDINALITY;
SELECT outcome FROM refresh_segmentation('printed', '2025-03-10');
SELECT ordinality, name, split_part(statement, ' ', 1) AS verb FROM refresh_steps('printed', '2025-03-11') WITH ORDINALITY;
SELECT statement FROM refresh_steps('printed', '2025-03-11') WHERE name = 'summary';
SELECT count(*) FILTER (WHERE statement ~ 'rfm_model') AS trains FROM refresh_steps('printed', '2025-03-11', false);
SELECT count(*) FILTER (WHERE statement ~ 'rfm_model') AS trains FROM refresh_steps('printed', '2025-03-11', true);
SELECT count(*) AS changed FROM refresh_steps('printed') AS s WHERE s.statement ~ '[{](\w|_)+[}]';        -- no place is left
SELECT refresh_steps('nobody');
-- braces in what the user gives stay
SELECT create_rfm_segmentation('braces', 'SELECT customer_id AS "{members}", at, amount AS "a}b{" FROM step_orders WHERE ''{key}'' <> ''''',
                               customers => 'SELECT 41 AS "{history}"');
SELECT outcome, customers FROM refresh_segmentation('braces', '2025-03-10');
SELECT outcome, customers FROM refresh_segmentation('braces', '2025-03-11');
SELECT count(*) FILTER (WHERE statement ~ '[{]members[}]') AS with_braces FROM refresh_steps('braces');

-- ---- the run log's steps ----
SELECT s ->> 'step' AS step, (s ->> 'rows')::bigint AS rows, (s ->> 'ms')::float8 >= 0 AS timed,
       (SELECT count(*) FROM jsonb_object_keys(s)) AS keys
FROM run AS r, jsonb_array_elements(r.steps) WITH ORDINALITY AS e (s, n) WHERE segmentation = 'printed' ORDER BY n;

-- ---- each step alone gives what the refresh gives ----
-- Two segmentations of the same source: one is refreshed, the steps of the other are run one by one on tables.
CREATE FUNCTION alone(name text, at timestamptz, retrain boolean) RETURNS TABLE (step text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    s segmentation := (SELECT g FROM segmentation AS g WHERE g.name = alone.name);
    e record;
    old_model segment_model := (SELECT m.model FROM model AS m WHERE m.segmentation = alone.name AND m.version = s.model_version);
    trained boolean := segment_internal.trains(s, at, retrain) AND s.model_version IS NOT NULL;
    again boolean := s.refreshed_as_of IS NOT DISTINCT FROM at AND s.refreshed_as_of IS NOT NULL;
    made text[] := '{}';
    only_keys integer[];
BEGIN
    FOR e IN SELECT t.name, t.statement FROM refresh_steps(alone.name, at, retrain) AS t LOOP
        step := coalesce(e.name, split_part(e.statement, ' ', 1));
        IF e.name IS NULL THEN
            EXECUTE e.statement USING at, trained, old_model, again, only_keys;
        ELSE
            EXECUTE format('CREATE TEMPORARY TABLE %I AS %s', e.name, e.statement) USING at, trained, old_model, again, only_keys;
            made := made || e.name;
        END IF;
        GET DIAGNOSTICS rows = ROW_COUNT;
        RETURN NEXT;
    END LOOP;
    EXECUTE 'INSERT INTO alone_result SELECT model, counts - ''seconds'', entered, departed, moved, updated FROM result';
    EXECUTE (SELECT 'DROP TABLE ' || string_agg(quote_ident(m), ', ') FROM unnest(made) AS m);
END;
$$;
CREATE TABLE alone_result (model segment_model, counts jsonb, entered bigint, departed bigint, moved bigint, updated bigint);
-- the steps of "alone_x" against the refresh of "whole_x": rows of each step, the last row, members and history
CREATE FUNCTION compare(kind text, at timestamptz, retrain boolean DEFAULT NULL) RETURNS TABLE (what text, differ bigint)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    stepped jsonb;
    r segment.run;
    n bigint;
BEGIN
    TRUNCATE alone_result;
    SELECT jsonb_agg(jsonb_build_object('step', a.step, 'rows', a.rows)) INTO stepped FROM alone('alone_' || kind, at, retrain) AS a;
    r := refresh_segmentation('whole_' || kind, at, retrain, max_departed => 1);
    RETURN QUERY SELECT 'outcome', (r.outcome <> 'ok')::integer::bigint;
    RETURN QUERY SELECT 'steps', count(*) FROM (
        SELECT n, e ->> 'step', e ->> 'rows' FROM jsonb_array_elements(stepped) WITH ORDINALITY AS a (e, n)
        EXCEPT SELECT n, e ->> 'step', e ->> 'rows' FROM jsonb_array_elements(r.steps) WITH ORDINALITY AS a (e, n)) AS d
        WHERE jsonb_array_length(stepped) = jsonb_array_length(r.steps);
    EXECUTE format('SELECT count(*) FROM alone_%s_segments', kind) INTO n;
    RETURN QUERY SELECT 'result', (SELECT count(*) FROM alone_result AS a
        WHERE (coalesce(a.entered, n), a.departed, a.moved, a.updated) IS DISTINCT FROM (r.entered, r.departed, r.moved, r.updated)
        OR a.model::text <> (SELECT m.model::text FROM model AS m WHERE m.segmentation = r.segmentation AND m.version = r.model_version)
        OR (a.counts || '{"rows_used": 0, "not_placed": 0}') <> (r.counts || '{"rows_used": 0, "not_placed": 0}'));
    EXECUTE format('SELECT count(*) FROM (TABLE alone_%1$s_segments EXCEPT TABLE whole_%1$s_segments) AS d', kind) INTO n;
    RETURN QUERY SELECT 'members', n;
    EXECUTE format('SELECT count(*) FROM (TABLE alone_%1$s_history EXCEPT TABLE whole_%1$s_history) AS d', kind) INTO n;
    RETURN QUERY SELECT 'history', n;
    EXECUTE format('SELECT abs((SELECT count(*) FROM alone_%1$s_segments) - (SELECT count(*) FROM whole_%1$s_segments))
                         + abs((SELECT count(*) FROM alone_%1$s_history) - (SELECT count(*) FROM whole_%1$s_history))', kind) INTO n;
    RETURN QUERY SELECT 'rows', n;
    -- what a refresh does besides its steps, by one that writes nothing more
    r := refresh_segmentation('alone_' || kind, at, retrain, max_departed => 1);
    EXECUTE format('SELECT count(*) FROM (TABLE alone_%1$s_segments EXCEPT TABLE whole_%1$s_segments) AS d', kind) INTO n;
    RETURN QUERY SELECT 'after', n;
END;
$$;
CREATE FUNCTION wrong(kind text, at timestamptz, retrain boolean DEFAULT NULL) RETURNS TABLE (what text, differ bigint)
    LANGUAGE sql AS 'SELECT what, differ FROM compare(kind, at, retrain) WHERE differ <> 0';
SELECT create_rfm_segmentation(w || '_rfm', 'step_orders'),
       create_cluster_segmentation(w || '_cluster', 'step_customers', k => 3),
       create_rfm_segmentation(w || '_listed', 'step_orders', customers => 'SELECT id FROM step_customers', retrain_every => '1 month'),
       create_rfm_segmentation(w || '_summed', 'SELECT customer_id, max(at) AS last_order_at, count(*) AS orders, sum(amount) AS total
           FROM step_orders GROUP BY 1', summarised => true)
FROM unnest('{alone,whole}'::text[]) AS w;
SELECT k, w.* FROM unnest('{rfm,cluster,listed,summed}'::text[]) AS k, wrong(k, '2025-03-10') AS w;
UPDATE step_orders SET amount = amount * 5 WHERE customer_id % 7 = 0;
DELETE FROM step_orders WHERE customer_id % 11 = 3;
INSERT INTO step_orders VALUES (70, '2025-03-10 10:00', 5), (71, '2025-03-10 11:00', 50);
UPDATE step_customers SET visits = 60 - visits, spend = spend * 2 WHERE id % 7 = 0;
DELETE FROM step_customers WHERE id % 11 = 3;
INSERT INTO step_customers VALUES (70, 5, 5), (71, 50, 50);
SELECT k, w.* FROM unnest('{rfm,cluster,listed,summed}'::text[]) AS k, wrong(k, '2025-03-20') AS w;
SELECT outcome, entered, departed, moved > 0 AS moved FROM run
WHERE segmentation ~ 'whole' AND as_of = '2025-03-20' ORDER BY segmentation;
SELECT (SELECT count(*) FROM whole_rfm_history) > 0 AS history;
-- trained anew, and the same instant again after a correction
UPDATE step_customers SET visits = visits + 3 WHERE id % 5 = 0;
SELECT k, w.* FROM unnest('{rfm,cluster,listed,summed}'::text[]) AS k, wrong(k, '2025-03-25', true) AS w;

-- ---- filling places ----
SELECT segment_internal.fill_places('a {x} b {y}{x}', '{"x": "{y}", "y": "}{"}');
SELECT segment_internal.fill_places('no place', '{}');
SELECT segment_internal.fill_places('', '{}') = '' AS empty, segment_internal.fill_places(NULL, '{}');
SELECT segment_internal.fill_places('a {z} b', '{"x": 1}');
SELECT segment_internal.fill_places('a {x} b', '{"x": null}');
SELECT segment_internal.fill_places('a {} b', '{"x": 1}');
SELECT segment_internal.fill_places('{x', '{"x": 1}');
SELECT segment_internal.fill_places('x} and {x}', '{"x": 1}');

-- ---- running steps: what is refused ----
CREATE FUNCTION steps(names text[], statements text[]) RETURNS record LANGUAGE sql AS
$$ SELECT r.entered, r.departed, r.details, jsonb_path_query_array(r.steps, '$[*].step'), jsonb_path_query_array(r.steps, '$[*].rows')
   FROM segment_internal.run_steps(names, statements, now(), false, NULL, false, NULL::integer[]) AS r $$;
\set row 'SELECT NULL::segment.segment_model, NULL::jsonb, NULL::jsonb, 1::bigint, 2::bigint, 3::bigint, 4::bigint'
SELECT steps('{result}', ARRAY[:'row']);
SELECT steps('{one,result}', ARRAY['SELECT g FROM generate_series(1, 5) AS g', :'row' || ' WHERE (SELECT count(*) FROM one) = 5']);
SELECT steps('{one,result}', ARRAY[:'row']);
SELECT steps('{}', '{}');
SELECT steps(NULL, NULL);
SELECT steps('{result}', '{NULL}');
SELECT steps('{result}', ARRAY[:'row' || ' UNION ALL ' || :'row']);
SELECT steps('{result}', ARRAY[:'row' || ' WHERE false']);
SELECT steps('{result}', ARRAY['SELECT 1']);
SELECT steps('{NULL}', ARRAY[:'row']);
SELECT steps('{result}', ARRAY[replace(:'row', '2::bigint', '2::integer')]);
SELECT steps('{same,same,result}', ARRAY['SELECT 1 AS a', 'SELECT 2 AS a', :'row']);
SELECT steps('{one,result}', ARRAY['SELECT 1 AS a; SELECT 2', :'row']);
SELECT steps('{one,result}', ARRAY['CREATE TABLE one (a integer)', :'row']);
SELECT steps('{one,result}', ARRAY['SELECT $7', :'row']);
SELECT steps('{one,result}', ARRAY['SELECT 1 / 0 AS a', :'row']);
SELECT steps('{one,result}', ARRAY['SELECT 1 AS a FROM two', :'row']);
SELECT steps('{one,result}', ARRAY['', :'row']);
SELECT steps('{one,result}', ARRAY['COMMIT', :'row']);
-- the parameters
SELECT r.details FROM segment_internal.run_steps('{result}',
    ARRAY[$$SELECT NULL::segment.segment_model, NULL::jsonb, jsonb_build_array($1, $2, $3 IS NULL, $4, $5),
       0::bigint, 0::bigint, 0::bigint, 0::bigint$$],
    '2025-01-01', true, NULL, false, '{1,2}'::integer[]) AS r;
-- after an error the session goes on
SELECT steps('{result}', ARRAY[:'row']);

-- ---- rows that do not fit into work_mem go to files, without a word ----
SET work_mem = '64kB';
SELECT steps('{many,more,result}', ARRAY['SELECT g, repeat(''x'', 100) AS t FROM generate_series(1, 50000) AS g',
                                         'SELECT g + 1 AS g, t FROM many', :'row' || ' WHERE (SELECT sum(g) FROM more) = 1250075000']);
DO $$
BEGIN
    PERFORM segment_internal.run_steps('{many,result}', ARRAY[
        'SELECT g, repeat(''x'', 100) AS t FROM generate_series(1, 50000) AS g', 'SELECT 1 FROM many'],
        now(), false, NULL, false, NULL::integer[]);
EXCEPTION WHEN datatype_mismatch THEN
    RAISE WARNING '%', SQLERRM;
END;
$$;
CREATE TABLE many_orders AS SELECT n AS customer_id, timestamptz '2025-01-01' AS at, n % 97 AS amount FROM generate_series(1, 20000) AS n;
SELECT create_rfm_segmentation('many', 'many_orders');
SELECT outcome, customers FROM refresh_segmentation('many', '2025-02-01');
UPDATE many_orders SET amount = amount + 1;
SELECT outcome, customers, moved + updated AS changed FROM refresh_segmentation('many', '2025-02-02');
RESET work_mem;
-- ---- a step that calls a function of rows, and steps that do a little more ----
CREATE FUNCTION step_rows(n integer, OUT a integer, OUT b text, OUT c integer) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    IF n IS NULL THEN
        RAISE EXCEPTION 'no rows for NULL';
    END IF;
    RETURN QUERY SELECT g, repeat('x', g), g * 4 FROM generate_series(1, n) AS g;
END;
$$;
CREATE TABLE step_call (call text);
INSERT INTO step_call VALUES
    ('* FROM step_rows(2)'), ('* FROM step_rows(2) AS r (x, y, z)'), ('a, b, c FROM step_rows(2)'),
    ('b, a, c FROM step_rows(2)'), ('a, b FROM step_rows(2)'), ('a, b, c, c AS d FROM step_rows(2)'),
    ('* FROM step_rows(2) WHERE a > 1'), ('* FROM step_rows(2) LIMIT 1'), ('* FROM step_rows(2) ORDER BY a DESC'),
    ('* FROM step_rows(2) WITH ORDINALITY'), ('* FROM ROWS FROM (step_rows(2), generate_series(7, 8))'),
    ('count(*) AS n FROM step_rows(2)'), ('a, b COLLATE "C" AS b, c FROM step_rows(2)'), ('* FROM step_rows(0)'),
    ('* FROM generate_series(5, 6)'), ('* FROM step_rows(coalesce(cardinality($5), 1))'),
    ('* FROM jsonb_to_recordset(''[{"b": "x", "a": 1}, {"a": 2}]'') AS j (b text, a integer)'),
    ('* FROM step_rows(1) AS q UNION ALL SELECT * FROM step_rows(1)');
\set zeros ', 0::bigint, 0::bigint, 0::bigint, 0::bigint'
\set rows 'SELECT NULL::segment.segment_model, NULL::jsonb, (SELECT to_jsonb(string_agg(k::text, '' '')) FROM kept AS k)' :zeros
SELECT call, r.details AS rows
FROM step_call, LATERAL segment_internal.run_steps('{kept,again,result}', ARRAY['SELECT ' || call, 'SELECT * FROM kept',
    :'rows' || ' WHERE (SELECT count(*) FROM kept) = (SELECT count(*) FROM again)'], now(), false, NULL, false, NULL::integer[]) AS r;
SELECT r.details AS names FROM segment_internal.run_steps('{kept,result}', ARRAY['SELECT * FROM step_rows(1) AS r (x, y, z)',
    replace(:'rows', 'k::text', 'to_jsonb(k)::text')], now(), false, NULL, false, NULL::integer[]) AS r;
SELECT steps('{kept,result}', ARRAY['SELECT * FROM step_rows(NULL)', :'row']);
-- what the step before wrote is seen
CREATE FUNCTION step_seen(OUT n bigint, OUT m bigint) RETURNS SETOF record LANGUAGE plpgsql AS
'BEGIN RETURN QUERY SELECT count(*), count(*) FROM step_call; END';
SELECT (SELECT count(*) - 1 FROM step_call) AS expected, r.details AS seen
FROM segment_internal.run_steps('{NULL,kept,result}', ARRAY['DELETE FROM step_call WHERE call ~ ''jsonb''',
    'SELECT * FROM step_seen()', :'rows'], now(), false, NULL, false, NULL::integer[]) AS r;
-- it is called with no more rights than those who call it have
CREATE ROLE step_role;
GRANT USAGE ON SCHEMA segment_internal TO step_role;
GRANT EXECUTE ON FUNCTION segment_internal.run_steps TO step_role;
REVOKE EXECUTE ON FUNCTION step_rows FROM public;
SET ROLE step_role;
SELECT steps('{kept,result}', ARRAY['SELECT * FROM public.step_rows(1)', :'row']);
RESET ROLE;
DROP OWNED BY step_role;
DROP ROLE step_role;
DROP TABLE step_call;
DROP FUNCTION step_rows, step_seen;
SELECT count(drop_segmentation(name)) AS dropped FROM segmentation;
DROP TABLE step_orders, step_customers, alone_result, many_orders;
DROP FUNCTION alone, compare, wrong, steps;
