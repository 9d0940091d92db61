-- NULL, as a driver passes an argument that was left empty, is the argument left out;
-- where there is no default it is an error that says so, or NULL in gives NULL out.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE null_orders AS
SELECT c AS customer_id, timestamptz '2025-01-01 23:30Z' + n * interval '1 day' AS at, 10.0 * n * c AS amount
FROM generate_series(1, 50) AS c, generate_series(1, c % 7 + 1) AS n;
CREATE TABLE null_customers AS SELECT c AS id, c % 5 AS visits, c % 3 AS baskets FROM generate_series(1, 50) AS c;

CREATE FUNCTION null_scheme(given text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    made jsonb;
BEGIN
    EXECUTE format('SELECT create_rfm_scheme(''n'', ''[{"segment": "All"}]'', %s)', given);
    SELECT to_jsonb(r) INTO made FROM rfm_scheme AS r WHERE name = 'n';
    PERFORM drop_rfm_scheme('n');
    RETURN made;
END $$;

-- creating: the catalogue has the same row, whichever argument is NULL
CREATE TABLE null_created (function text, argument text, definition jsonb, error text);
DO $$
DECLARE
    f record;
    argument text;
    given text;
    created jsonb;
BEGIN
    FOR f IN
        SELECT p.proname, p.proargnames[1:p.pronargs] AS arguments, p.pronargs - p.pronargdefaults AS required,
               CASE p.proname WHEN 'create_rfm_segmentation' THEN 'null_orders' ELSE 'null_customers' END AS source
        FROM pg_proc AS p
        WHERE p.pronamespace = 'segment'::regnamespace AND p.proname IN ('create_rfm_segmentation', 'create_cluster_segmentation')
    LOOP
        FOREACH argument IN ARRAY '{}'::text[] || '(none)'::text || f.arguments LOOP
            given := (SELECT string_agg(format('%I => %s', a.name, CASE WHEN a.name = argument THEN 'NULL' WHEN a.name = 'name' THEN '''n'''
                                                                        ELSE quote_literal(f.source) END), ', ')
                      FROM unnest(f.arguments) WITH ORDINALITY AS a (name, n) WHERE a.n <= f.required OR a.name = argument);
            BEGIN
                EXECUTE format('SELECT %I(%s)', f.proname, given);
                SELECT to_jsonb(s) - '{members,history,created_at}'::text[]
                       || jsonb_build_object('tables', array[s.members::text, s.history::text]) INTO STRICT created FROM segmentation AS s;
                PERFORM drop_segmentation('n');
                INSERT INTO null_created VALUES (f.proname, argument, created);
            EXCEPTION WHEN OTHERS THEN
                INSERT INTO null_created VALUES (f.proname, argument, NULL, SQLSTATE || ': ' || SQLERRM);
            END;
        END LOOP;
    END LOOP;
END;
$$;
SELECT function, count(*) > 10 AS many, count(*) FILTER (WHERE definition IS NOT NULL) > 10 AS most FROM null_created GROUP BY 1 ORDER BY 1;
SELECT function, argument, error FROM null_created WHERE error IS NOT NULL ORDER BY 1, 2;
SELECT n.function, n.argument, d.key, n.definition -> d.key AS found, d.value AS expected
FROM null_created AS n JOIN null_created AS none ON none.function = n.function AND none.argument = '(none)',
     jsonb_each(none.definition) AS d
WHERE n.error IS NULL AND n.definition -> d.key IS DISTINCT FROM d.value ORDER BY 1, 2, 3;

-- options of a clustering; schemes, but for their names; altering, where NULL is what it was
SELECT create_cluster_segmentation('n', 'null_customers', options => '{"k": null, "n_init": null, "hysteresis": null, "warm_start": null}');
SELECT options FROM segmentation;
SELECT drop_segmentation('n');
SELECT create_cluster_segmentation('n', 'null_customers', options => 'null');
SELECT alter_segmentation('n', '{"k": 3, "n_init": 2, "hysteresis": 0.1}', '1 day', 0.1, 'for what');
CREATE TABLE null_altered AS TABLE segmentation;
SELECT alter_segmentation('n', NULL, NULL, NULL, NULL), alter_segmentation('n', 'null'), alter_segmentation('n', '{}');
SELECT count(*) AS as_it_was FROM segmentation AS s JOIN null_altered AS a ON a.* IS NOT DISTINCT FROM s.*;
SELECT alter_segmentation('n', '{"k": null, "n_init": null, "hysteresis": null}');
SELECT options FROM segmentation;
SELECT drop_segmentation('n');
DROP TABLE null_altered;
SELECT create_rfm_segmentation('n', 'null_orders', scheme => 'rf_grid', cuts => 'r_rfm', bins => 4,
                               lookback => '1 year', refunds => 'order', zero_amounts => 'ignore');
SELECT alter_segmentation('n', (SELECT jsonb_object_agg(o, NULL) FROM jsonb_object_keys(options) AS o)) FROM segmentation;
SELECT options FROM segmentation;
SELECT (refresh_segmentation('n', '2025-02-01Z')).outcome;
SELECT (retrain_segmentation('n', options => '{"scheme": null, "cuts": null}')).outcome;
SELECT retrain_segmentation('n', options => '[]');
SELECT drop_segmentation('n');
SELECT p AS argument, null_scheme - 'name' = none - 'name' AS as_left_out
FROM unnest('{bins,lowest_score,thresholds,rest,no_orders,description,ranking}'::text[]) AS p,
     LATERAL (SELECT null_scheme(format('%I => NULL', p)), null_scheme('rest => NULL') AS none) AS made;

-- the zone is the creator's, and the same instant gives the same scores whoever's session refreshes
SELECT create_rfm_segmentation('n', 'null_orders', time_zone => NULL, cuts => 'thresholds',
                               thresholds => '{"recency": [1, 2, 3, 4], "frequency": [1, 2, 3, 4], "monetary": [1, 2, 3, 4]}');
SELECT outcome FROM refresh_segmentation('n', '2025-01-05 00:30Z');
SELECT md5(string_agg(customer_id || rfm_score, ' ' ORDER BY customer_id)) AS scores FROM n_segments \gset
SET timezone = 'Pacific/Auckland';
SELECT outcome, updated FROM refresh_segmentation('n', '2025-01-05 00:30Z');
SELECT md5(string_agg(customer_id || rfm_score, ' ' ORDER BY customer_id)) = :'scores' AS same FROM n_segments;
SELECT bool_and(median_recency IS NOT NULL) AS told FROM segment_profile('n') WHERE customers > 0;
SET timezone = 'UTC';

-- refreshing
SELECT create_cluster_segmentation('c', 'null_customers', k => 3, key => NULL);
SELECT outcome, trained FROM refresh_segmentation('n', NULL, NULL, NULL, NULL);
SELECT outcome, trained FROM refresh_segmentation('c', '2025-02-01Z', NULL, NULL, NULL);
SELECT outcome, trained FROM refresh_segmentation('c', as_of => '2025-02-02Z', retrain => NULL, max_departed => NULL, future => NULL);
SELECT outcome, trained FROM retrain_segmentation('c', '2025-02-03Z', NULL);
SELECT outcome, trained FROM retrain_segmentation('c', '2025-02-03Z', '{"warm_start": null}');
SELECT outcome, trained FROM retrain_segmentation('c', NULL);
SELECT refresh_segmentation('c', '2125-02-01Z', future => NULL);
SELECT refresh_segmentation(NULL);
SELECT retrain_segmentation(NULL);
SELECT accept_source(NULL);
SELECT refresh_steps(NULL);
SELECT count(*) > 5 AS steps FROM refresh_steps('n', NULL, NULL);
SELECT drop_segmentation(NULL);
SELECT rename_segment('n', NULL, 'a');
SELECT rename_segment('n', 'Champions', NULL);
SELECT rename_segment('n', 'Champions', '');
SELECT rename_segment(NULL::text, 'Champions', 'a');

-- reading: every public function that takes the name of a segmentation, with NULL for it, and for all that follows it
CREATE FUNCTION null_call(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
    result text;
BEGIN
    EXECUTE format('SELECT count(*), min(r::text) FROM (SELECT * FROM %s) AS r', call) INTO n, result;
    RETURN format('%s rows%s', n, CASE WHEN n = 1 AND (result IS NULL OR result = '()') THEN ', NULL' END);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT call, null_call(call) FROM unnest(ARRAY[
    'segment_of(NULL, 1)', 'segment_of(''n'', NULL)', 'segment_of(''n'', NULL::integer)', 'segment_flapping(NULL)',
    'segment_members(NULL)', 'segment_members(NULL::integer, NULL, NULL)', 'segment_members(NULL::integer, ''n'', NULL)',
    'segment_migration(NULL, NULL, NULL)', 'segment_migration(''n'', NULL, NULL)', 'segment_migration(NULL::bigint, NULL::bigint)',
    'explain_customer(NULL, ''1'')', 'explain_customer(''n'', NULL)', 'segment_feature_profile(NULL)',
    'segment_internal.rows_skipped(NULL)',
    'segment_events(NULL)', 'segment_profile(NULL)', 'get_model(NULL)', 'assign_segment(NULL::text, 1, 2, 3)',
    'assign_segment_id(NULL::text, 1, 2, 3)']) AS call;
SELECT call, null_call(call) = null_call(other) AS as_left_out FROM (VALUES
    ('segment_events(''n'', NULL)', 'segment_events(''n'')'),
    ('segment_flapping(''n'', NULL)', 'segment_flapping(''n'')'),
    ('get_model(''n'', NULL)', 'get_model(''n'')'),
    ('segment_members(''n'', NULL)', 'segment_members(''n'')')) AS v (call, other);
SELECT count(drop_segmentation(name, cascade => NULL)) AS dropped FROM segmentation;
DROP TABLE null_orders, null_customers, null_created;
DROP FUNCTION null_call, null_scheme;
