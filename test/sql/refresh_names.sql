-- injection_via_name: names are data, whatever they hold.  Every function takes
-- every name; the canary lives; only what is not as it should be is printed.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = error;

CREATE TABLE canary (a integer);
CREATE TABLE naming_orders AS
SELECT (n % 40)::bigint AS customer, timestamptz '2024-01-01 00:00Z' + n * interval '5 hours' AS ordered_at,
       (n * 7919 % 101)::numeric AS amount
FROM generate_series(1, 300) AS n;

CREATE TABLE hostile (n integer GENERATED ALWAYS AS IDENTITY, name text);
INSERT INTO hostile (name) VALUES
    ('it''s'), ('"quoted"'), ('semi;colon'), ('with space'), (' leading'), ('trailing '), ('UPPER'), ('select'),
    ('a.b'), ('a"."b'), ('1st'),
    ('Kunden-Größe Ω 顧客'), ('x''; DROP TABLE canary; --'), ('x"; DROP TABLE canary; --'),
    ('x$$; DROP TABLE canary; $$'), ('%I %s %L %1$s %'), ('back\slash\'), (E'\\''; DROP TABLE canary; --'),
    (E'new\nline'), (E'tab\ttab'), (':name :''name'''), ('{"json": "x"}'), ('--'), ('/* comment'), ('$1'),
    ('null'), ('x.pg_class'), (repeat('x', 53)), (repeat('ö', 26)), (U&'\+01F600');

CREATE TABLE naming_problem (n integer, problem text, detail text);

-- once with the name for the segmentation, once for everything else too
CREATE PROCEDURE naming_try(n integer, name text, everywhere boolean) LANGUAGE plpgsql AS $$
DECLARE
    schema_name text := CASE WHEN everywhere THEN name ELSE 'public' END;
    key_name text := CASE WHEN everywhere THEN name ELSE 'customer' END;
    scheme_name text := CASE WHEN everywhere THEN name ELSE 'naming' END;
    best text := CASE WHEN everywhere THEN name ELSE 'Best' END;
    renamed text := CASE WHEN everywhere THEN name || name ELSE name END;
    member_table regclass;
    members bigint;
    outcome text;
BEGIN
    IF everywhere THEN
        EXECUTE format('CREATE SCHEMA %I', schema_name);
    END IF;
    PERFORM create_rfm_scheme(scheme_name, jsonb_build_array(jsonb_build_object('segment', best, 'recency', '[4, 5]'::jsonb)),
                              rest => 'Rest', no_orders => 'None');
    member_table := create_rfm_segmentation(name, format('SELECT customer AS %I, ordered_at, amount FROM public.naming_orders -- comment',
                                                         key_name),
        customers => 'SELECT generate_series(0, 49)::bigint -- comment', scheme => scheme_name, schema => schema_name, description => name);
    INSERT INTO naming_problem SELECT n, 'table', member_table::text
    WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = member_table AND c.relname = name || '_segments'
                        AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = schema_name))
       OR to_regclass(format('%I.%I', schema_name, name || '_history')) IS NULL
       OR to_regclass(format('%I.%I', schema_name, name || '_refresh'))
          IS DISTINCT FROM (SELECT segment_internal.run_mark(s) FROM segmentation AS s WHERE s.name = naming_try.name);
    INSERT INTO naming_problem SELECT n, 'key', attname FROM pg_attribute
    WHERE attrelid = member_table AND attnum = 1 AND attname <> key_name;
    outcome := (refresh_segmentation(name, '2024-03-10')).outcome;
    UPDATE naming_orders SET amount = amount + customer WHERE ordered_at < '2024-02-01';
    outcome := outcome || (refresh_segmentation(name, '2024-05-01')).outcome;
    PERFORM rename_segment(name, best, renamed);
    outcome := outcome || (refresh_segmentation(name, '2024-05-02', false)).outcome
        || (refresh_segmentation(name, '2024-06-01', true)).outcome;
    EXECUTE format('SELECT count(*) FROM %s', member_table) INTO members;
    INSERT INTO naming_problem SELECT n, 'refresh', format('%s %s', outcome, members) WHERE outcome <> 'okokokok' OR members <> 50;
    INSERT INTO naming_problem SELECT n, f.what, f.found::text FROM (
        SELECT 'members' AS what, count(*) AS found, 50 AS wanted FROM segment_members(name)
        UNION ALL SELECT 'members typed', count(*), 50 FROM segment_members(null::bigint, name, '2024-05-01')
        UNION ALL SELECT 'renamed', count(*), (SELECT customers FROM segment.segment AS g WHERE g.segmentation = naming_try.name
                                                 AND origin = best) FROM segment_members(name) WHERE segment = renamed
        UNION ALL SELECT 'renamed at all', count(*), 1 FROM segment.segment AS g
        WHERE g.segmentation = naming_try.name AND g.name = renamed AND g.origin = best
        UNION ALL SELECT 'segment_of', count(*), 50 FROM segment_members(null::bigint, name, NULL) AS m
            WHERE m.segment = segment_of(naming_try.name, m.customer) AND m.segment = segment_of(naming_try.name, m.customer::text)
        UNION ALL SELECT 'assign', count(*), 1 FROM (SELECT assign_segment(name, 1, 100, 100000) AS s) AS a WHERE s = renamed
        UNION ALL SELECT 'explain', count(*), 1
        FROM (SELECT explain_segment(name, 1, 100, 100000) ->> 'segment' AS s) AS a WHERE s = renamed
        UNION ALL SELECT 'model', count(*), 1 FROM segments(get_model(name)) WHERE segment = renamed
        UNION ALL SELECT 'profile', sum(customers), 50 FROM segment_profile(name)
        UNION ALL SELECT 'view profile', sum(customers), 50 FROM segment_profile AS v WHERE v.segmentation = naming_try.name
        UNION ALL SELECT 'view size', sum(customers), 50 FROM segment_size AS v WHERE v.segmentation = naming_try.name
        UNION ALL SELECT 'view members', count(*), 50 FROM segment_members AS v WHERE v.segmentation = naming_try.name
        UNION ALL SELECT 'view migration', sum(customers), 50 FROM segment_migration AS v WHERE v.segmentation = naming_try.name
        UNION ALL SELECT 'view run', count(*), 4 FROM segment_run AS v WHERE v.segmentation = naming_try.name
        UNION ALL SELECT 'migration', sum(customers), 50 FROM segment_migration(name, '2024-05-01'::timestamptz, NULL)
        UNION ALL SELECT 'events', (SELECT count(*) FROM segment_events(name)),
                         (SELECT count(*) FROM segment_events AS v WHERE v.segmentation = naming_try.name)
        UNION ALL SELECT 'comment', count(*), 14 FROM pg_attribute AS a
        WHERE attrelid = member_table AND attnum > 0 AND col_description(attrelid, attnum) <> '') AS f
    WHERE f.found IS DISTINCT FROM f.wanted;
    PERFORM drop_segmentation(name);
    PERFORM drop_rfm_scheme(scheme_name);
    INSERT INTO naming_problem SELECT n, 'left behind', relname FROM pg_class WHERE relname IN (name || '_segments', name || '_history');
    IF everywhere THEN
        EXECUTE format('DROP SCHEMA %I', schema_name);
    END IF;
END;
$$;

-- a clustering: the name for its key, or for a feature, and for a segment
CREATE PROCEDURE naming_try_cluster(n integer, name text, for_key boolean) LANGUAGE plpgsql AS $$
DECLARE
    member_table regclass;
    told text := CASE WHEN for_key THEN 'amount' ELSE name END;
    outcome text;
BEGIN
    member_table := create_cluster_segmentation(
        name, format('SELECT customer AS %I, sum(amount) AS %I, count(*) AS orders FROM public.naming_orders GROUP BY customer -- comment',
                     CASE WHEN for_key THEN name ELSE 'customer' END, told),
        k => 3, options => jsonb_build_object('log', jsonb_build_array(told), 'weights', jsonb_build_object(told, 2)), description => name);
    outcome := (refresh_segmentation(name, '2024-03-10')).outcome;
    PERFORM rename_segment(naming_try_cluster.name, g.name, naming_try_cluster.name) FROM segment.segment AS g
    WHERE g.segmentation = naming_try_cluster.name AND g.segment_id = 1 AND g.name <> naming_try_cluster.name;
    UPDATE naming_orders SET amount = amount * 1.1;
    outcome := outcome || (refresh_segmentation(name, '2024-03-11')).outcome || (retrain_segmentation(name, '2024-03-12')).outcome;
    INSERT INTO naming_problem SELECT n, 'cluster ' || f.what, f.found::text FROM (
        SELECT 'outcome' AS what, outcome AS found, 'okokok' AS wanted
        UNION ALL SELECT 'members', count(*)::text, '40' FROM segment_members(name)
        UNION ALL SELECT 'name', count(*)::text, '1' FROM segments(get_model(name)) WHERE segment = name AND segment_id = 1
        UNION ALL SELECT 'profile', count(*)::text, '6' FROM segment_feature_profile(name) AS p WHERE p.feature IN (told, 'orders')
        UNION ALL SELECT 'view', count(*)::text, '6' FROM segment_feature_profile AS p WHERE p.segmentation = naming_try_cluster.name
        UNION ALL SELECT 'report', sum(customers)::text, '40' FROM homogeneity_report(name)
        UNION ALL SELECT 'comment', count(*)::text, '7' FROM pg_attribute AS a
        WHERE attrelid = member_table AND attnum > 0 AND col_description(attrelid, attnum) <> '') AS f
    WHERE f.found IS DISTINCT FROM f.wanted;
    PERFORM drop_segmentation(name);
END;
$$;

DO $$
DECLARE
    h record;
    everywhere boolean;
    context text;
BEGIN
    FOR h IN SELECT * FROM hostile ORDER BY n LOOP
        FOREACH everywhere IN ARRAY '{false,true}'::boolean[] LOOP
            BEGIN
                CALL naming_try(h.n, h.name, everywhere);
                CALL naming_try_cluster(h.n, h.name, everywhere);
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
                INSERT INTO naming_problem VALUES (h.n, format('error %s, everywhere %s: %s', SQLSTATE, everywhere, SQLERRM), context);
            END;
        END LOOP;
    END LOOP;
END;
$$;
SELECT h.name, p.problem, p.detail FROM naming_problem AS p JOIN hostile AS h USING (n) ORDER BY n, problem COLLATE "C";
SELECT count(*) FROM canary;
SELECT count(*) FROM segment.segmentation;

-- ---- names that cannot be ----
\set VERBOSITY sqlstate
SELECT create_rfm_segmentation(repeat('x', 55), 'naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation(repeat('ö', 28), 'naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('', 'naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation(NULL, 'naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', NULL, scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', schema => 'no such; DROP TABLE canary', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer AS segment_id, ordered_at, amount FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer AS left_at, ordered_at, amount FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', scheme => 'x''; DROP TABLE canary; --');
SELECT create_rfm_segmentation('x', 'naming_orders', cuts => 'x''; DROP TABLE canary; --', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', refunds => 'x''; DROP TABLE canary; --', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', zero_amounts => 'x''; DROP TABLE canary; --', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', time_zone => 'x''; DROP TABLE canary; --', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', bins => 11, scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', cuts => 'thresholds', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'no_such_table', scheme => 'eleven_names');
-- ---- sources that must not be ----
SELECT create_rfm_segmentation('x', 'DROP TABLE canary', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer, ordered_at, amount FROM naming_orders; DROP TABLE canary', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer, ordered_at, amount FROM naming_orders) AS x; DROP TABLE canary; --',
                               scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'WITH d AS (DELETE FROM naming_orders RETURNING *) SELECT customer, ordered_at, amount FROM d',
                               scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer, ordered_at, amount INTO stolen FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer, ordered_at, amount FROM naming_orders FOR UPDATE', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT $1, ordered_at, amount FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', '', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', '-- nothing', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'SELECT customer, amount, ordered_at FROM naming_orders', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', customers => 'SELECT 1::text', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders', customers => 'DELETE FROM naming_orders RETURNING customer', scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders',
                               customers => 'SELECT customer FROM naming_orders) AS c(customer); DROP TABLE canary; --',
                               scheme => 'eleven_names');
SELECT create_rfm_segmentation('x', 'naming_orders',
                               customers => 'WITH d AS (DELETE FROM naming_orders RETURNING *) SELECT customer FROM d',
                               scheme => 'eleven_names');
\set VERBOSITY default
SELECT count(*) FROM segment.segmentation;
SELECT to_regclass('x_segments'), to_regclass('x_history');
SELECT count(*) FROM canary;

-- ---- names of segments that meet: closed, renamed, brought back ----
SELECT create_rfm_scheme('regress_meet', '[{"segment": "A", "recency": [4, 5]}, {"segment": "B"}]');
SELECT create_rfm_segmentation('meet', 'naming_orders', scheme => 'regress_meet');
SELECT outcome FROM refresh_segmentation('meet', '2024-03-01');
-- a segment takes the name that the scheme gives a new one later
SELECT rename_segment('meet', 'A', 'C');
UPDATE segment.rfm_scheme SET rules = '[{"segment": "A", "recency": [4, 5]}, {"segment": "C", "recency": [3, 3]}, {"segment": "B"}]'
WHERE name = 'regress_meet';
SELECT outcome, error FROM refresh_segmentation('meet', '2024-03-02');
-- A (called C) is lost, B takes its name, A comes back
UPDATE segment.rfm_scheme SET rules = '[{"segment": "B"}]' WHERE name = 'regress_meet';
SELECT outcome, error FROM refresh_segmentation('meet', '2024-03-03');
SELECT rename_segment('meet', 'B', 'A');
UPDATE segment.rfm_scheme SET rules = '[{"segment": "A", "recency": [4, 5]}, {"segment": "B"}]' WHERE name = 'regress_meet';
SELECT outcome, error FROM refresh_segmentation('meet', '2024-03-04');
-- open names differ, and ids are those of the origins
SELECT count(*) = count(DISTINCT name) AS distinct_names, count(DISTINCT origin) AS origins,
       min(segment_id) FILTER (WHERE origin = 'B') AS b
FROM segment.segment WHERE segmentation = 'meet' AND closed_at IS NULL;
SELECT drop_segmentation('meet');
SELECT drop_rfm_scheme('regress_meet');
DROP TABLE canary, hostile, naming_orders, naming_problem;
DROP PROCEDURE naming_try, naming_try_cluster;
