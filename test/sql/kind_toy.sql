-- A kind of segmentation is one file: a row in segment_internal.kind and functions that
-- are found by the kind's name.  Nothing else knows of this one.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- ---- the kind: customers by the hundreds of their points, without a model ----
CREATE FUNCTION segment_internal.toy_columns(s segment.segmentation,
    OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    VALUES (1, 'points', 'integer', true, true, 'Points of the customer.'),
           (2, 'left "over"', 'integer', false, false, 'Points beyond the hundreds.');
END;

CREATE FUNCTION segment_internal.toy_steps(s segment.segmentation, train boolean) RETURNS SETOF segment.refresh_step
    LANGUAGE sql STABLE
AS $function$
    SELECT * FROM (VALUES
        ('summary', $$
SELECT r.{source_key}{collate} AS customer, r.points::integer AS points
FROM segment_internal.query_rows({source}, {search_path}) AS r ({source_key} {key_type}, points double precision)
WHERE $5 IS NULL OR r.{source_key} {equals} ANY ($5)$$),
        ('source_counts', $$
SELECT jsonb_build_object('rows_read', count(*), 'null_customer', count(*) FILTER (WHERE customer IS NULL)) AS counts
FROM {summary} AS one$$),
        ('model', $$
SELECT {model_value} AS model, jsonb_build_object('most', max(points)) AS details FROM {summary} AS one$$),
        ('placed', $$
SELECT one.customer, g.segment_id, g.segment, one.points AS v1, one.points % 100 AS v2
FROM {summary} AS one JOIN {segments} AS g ON {belongs}
WHERE one.customer IS NOT NULL$$)) AS t
$function$;

-- the segments are those of a model that the row in the catalogue has, so that the shared steps have names to show
CREATE FUNCTION segment_internal.toy_places(s segment.segmentation, train boolean) RETURNS jsonb
    LANGUAGE sql STABLE
RETURN jsonb_build_object(
    'source_key', quote_ident(s.source_columns[1]), 'source', quote_literal(segment_internal.source_statement(s)),
    'features', 'v1', 'further', '',
    'model_value', format('%L::segment.segment_model', s.options ->> 'model'),
    'segments', format('(SELECT * FROM segment.segments(%L::segment.segment_model))', s.options ->> 'model'),
    'belongs', s.options ->> 'belongs');

CREATE FUNCTION segment_internal.toy_figures() RETURNS text
    LANGUAGE sql IMMUTABLE
RETURN $$sum(points)::numeric AS revenue, NULL::float8 AS recency, NULL::float8 AS frequency, NULL::float8 AS monetary,
    NULL::float8 AS mean_frequency, avg(points)::float8 AS mean_monetary, NULL::numeric AS no_revenue$$;

CREATE FUNCTION segment_internal.toy_tell(s segment.segmentation, as_of timestamptz, counts jsonb, details jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
AS $$ BEGIN RAISE NOTICE 'most points: %', details ->> 'most'; END $$;

CREATE FUNCTION segment_internal.bind_toy_columns(s segment.segmentation) RETURNS segment.segmentation
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    SELECT array_agg(c.name ORDER BY c.number), array_agg(format_type(c.type, -1) ORDER BY c.number)
    INTO s.source_columns, s.source_types
    FROM segment_internal.query_columns(s.source, s.search_path) AS c;
    RETURN s;
END $$;

INSERT INTO segment_internal.kind VALUES
    ('toy', 'first', false, 'points', 'model', 'Why: new, points.', 'Why: new, points.', 'Why: points or gone.');

CREATE FUNCTION create_toy_segmentation(name text, source text, belongs text, model segment.segment_model) RETURNS regclass
    LANGUAGE plpgsql
AS $$
DECLARE
    s segment.segmentation;
    key record;
BEGIN
    PERFORM segment_internal.check_new_segmentation(name, source, 'public', 'create_toy_segmentation(...)');
    s.name := name;
    s.kind := 'toy';
    s.search_path := 'public';
    s.source := segment_internal.source_query(source, s.search_path);
    s.options := jsonb_build_object('belongs', belongs, 'model', model::text);
    s.time_zone := 'UTC';
    s := segment_internal.bind_toy_columns(s);
    SELECT * INTO key FROM segment_internal.source_key(s);
    RETURN segment_internal.create_segmentation(s, 'public', key.name, key.type, key.collation);
END $$;

-- segments 1 to 4
CREATE TABLE toy_model AS
SELECT kmeans(feature_set(n, n), 4) AS model FROM generate_series(1, 40) AS n;

-- ---- plain: a customer in one segment ----
CREATE TABLE toy (customer_id text, points integer);
INSERT INTO toy SELECT 'c' || n, n * 7919 % 400 FROM generate_series(1, 60) AS n;
INSERT INTO toy VALUES (NULL, 5);
SELECT create_toy_segmentation('toys', 'toy', 'g.segment_id = points / 100 + 1', model) FROM toy_model;
SET client_min_messages = notice;
SELECT outcome, trained, customers, entered, rows_read, rows_used, counts, details FROM refresh_segmentation('toys', '2025-01-01') \gx
SET client_min_messages = warning;
SELECT count(*) AS wrong
FROM (SELECT customer_id, points / 100 + 1, points, points % 100 FROM toy WHERE customer_id IS NOT NULL
      EXCEPT SELECT customer_id, segment_id, points, "left ""over""" FROM toys_segments) AS w;
UPDATE toy SET points = (points + 100) % 400 WHERE customer_id IN ('c1', 'c2');
UPDATE toy SET points = points / 100 * 100 + 1 WHERE customer_id = 'c3';
DELETE FROM toy WHERE customer_id = 'c4';
INSERT INTO toy VALUES ('c99', 250);
SELECT outcome, customers, entered, departed, moved, updated FROM refresh_segmentation('toys', '2025-01-02');
SELECT outcome, customers, entered, departed, moved, updated FROM refresh_segmentation('toys', '2025-01-03');
-- what it would do, of a kind that knows of no candidates
SELECT sum(customers) FILTER (WHERE from_segment = to_segment) AS stay, count(DISTINCT revenue) AS worth
FROM diff_segmentation('toys', as_of => '2025-01-03');
SELECT * FROM diff_segmentation('toys', '{"source": "nothing"}');
SELECT customer, event, reason FROM segment_events('toys', '2025-01-02') ORDER BY 1, 2;
SELECT sum(customers) AS customers, sum(revenue) = (SELECT sum(points) FROM toy WHERE customer_id IS NOT NULL) AS same_points
FROM segment_profile('toys');
SELECT col_description('toys_segments'::regclass, 4), obj_description('toys_segments'::regclass);
ALTER TABLE toy ALTER points TYPE text;
SELECT outcome, error FROM refresh_segmentation('toys', '2025-01-04') \g (format=unaligned)
ALTER TABLE toy ALTER points TYPE integer USING points::integer;

-- only some customers: they are as after a refresh of all, the others stay
UPDATE toy SET points = (points + 100) % 400 WHERE customer_id IN ('c5', 'c6', 'c7');
DELETE FROM toy WHERE customer_id IN ('c8', 'c9');
INSERT INTO toy VALUES ('c100', 1), ('c101', 1);
SELECT segment_internal.begin_run('toys') AS lost \gset
SELECT segment_internal.refresh_as_owner('toys', '2025-01-04', NULL, NULL, NULL, '{c5,c8,c100,c10,nobody}') AS run_id \gset
SELECT outcome, customers, entered, departed, moved, updated, rows_read, rows_used, rows_skipped FROM run WHERE run_id = :run_id;
SELECT customer, event FROM segment_events('toys', '2025-01-04') ORDER BY 1;
SELECT outcome, customers, entered, departed, moved, updated FROM refresh_segmentation('toys', '2025-01-05');
SELECT customer, event FROM segment_events('toys', '2025-01-05') ORDER BY 1;
-- what people decide comes to it by itself; facts of whom it puts nowhere it does not give
SELECT name AS first FROM segment WHERE segmentation = 'toys' AND segment_id = 1 \gset
INSERT INTO toy VALUES ('c300', 900);
SELECT include_customer('toys', :'first', 'c300'), include_customer('toys', :'first', 'c301'), exclude_customer('toys', NULL, 'c1');
SELECT customer_id, segment_id, points, entered_reason FROM toys_segments WHERE customer_id IN ('c1', 'c300', 'c301') ORDER BY 1;
SELECT outcome, entered, departed, moved, updated, rows_used, counts FROM refresh_segmentation('toys', '2025-01-06');
DELETE FROM toy WHERE customer_id = 'c300';
SELECT drop_segmentation('toys');

-- ---- overlapping: a customer in every segment up to the hundreds of its points ----
UPDATE segment_internal.kind SET overlapping = true WHERE kind = 'toy';
SELECT create_toy_segmentation('toys', 'toy', 'g.segment_id <= points / 100 + 1', model) FROM toy_model;

-- what it ought to be, and what history and members say of each instant that was refreshed
CREATE TABLE toy_truth (as_of timestamptz, customer_id text, segment_id integer);
CREATE FUNCTION toy_refresh(at timestamptz, OUT outcome text, OUT customers bigint, OUT entered bigint, OUT departed bigint,
    OUT moved bigint, OUT updated bigint, OUT rows_used bigint, OUT not_placed text, OUT wrong bigint)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
    SELECT r.outcome, r.customers, r.entered, r.departed, r.moved, r.updated, r.rows_used, r.counts ->> 'not_placed'
    INTO outcome, customers, entered, departed, moved, updated, rows_used, not_placed FROM refresh_segmentation('toys', at) AS r;
    DELETE FROM toy_truth WHERE as_of = at;
    INSERT INTO toy_truth SELECT at, customer_id, g FROM toy, generate_series(1, 4) AS g
    WHERE g <= points / 100 + 1 AND customer_id IS NOT NULL;
    -- members, their figures, and the replay of history at every instant
    SELECT count(*) INTO wrong FROM (
        (TABLE toy_truth EXCEPT SELECT i, customer_id, segment_id FROM (SELECT DISTINCT as_of FROM toy_truth) AS t (i),
            (SELECT customer_id, segment_id, entered_at, left_at FROM toys_history
             UNION ALL SELECT customer_id, segment_id, entered_at, 'infinity' FROM toys_segments) AS p
                                WHERE entered_at <= i AND left_at > i)
        UNION ALL
        (SELECT i, customer_id, segment_id FROM (SELECT DISTINCT as_of FROM toy_truth) AS t (i),
            (SELECT customer_id, segment_id, entered_at, left_at FROM toys_history
             UNION ALL SELECT customer_id, segment_id, entered_at, 'infinity' FROM toys_segments) AS p
         WHERE entered_at <= i AND left_at > i
         EXCEPT TABLE toy_truth)
        UNION ALL
        SELECT at, customer_id, 0 FROM toys_segments JOIN toy USING (customer_id) WHERE toys_segments.points <> toy.points
        UNION ALL
        SELECT at, g.name, 1 FROM segment AS g WHERE segmentation = 'toys'
            AND customers <> (SELECT count(*) FROM toys_segments AS m WHERE m.segment_id = g.segment_id AND m.segment = g.name)) AS w;
END $$;
SELECT * FROM toy_refresh('2025-01-01');
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid IN ('toys_segments'::regclass, 'toys_history'::regclass) AND contype = 'p' ORDER BY 1;
UPDATE toy SET points = (points + 100) % 400 WHERE customer_id IN ('c1', 'c2', 'c20', 'c21', 'c22');
UPDATE toy SET points = points / 100 * 100 + 2 WHERE customer_id = 'c3';
DELETE FROM toy WHERE customer_id = 'c10';
INSERT INTO toy VALUES ('c200', 350);
SELECT * FROM toy_refresh('2025-01-02');
-- the same instant again, after a correction: events of the instant are those of the last refresh
UPDATE toy SET points = (points + 300) % 400 WHERE customer_id IN ('c1', 'c20');
UPDATE toy SET points = 399 WHERE customer_id IN ('c22', 'c30');
INSERT INTO toy VALUES ('c10', 299);
DELETE FROM toy WHERE customer_id IN ('c200', 'c31');
SELECT * FROM toy_refresh('2025-01-02');
SELECT * FROM toy_refresh('2025-01-02');
SELECT * FROM toy_refresh('2025-01-03');
SELECT count(*) AS c200 FROM toys_history WHERE customer_id = 'c200';
SELECT event_at, customer, event, from_segment IS NULL AS comes, to_segment IS NULL AS goes, reason
FROM segment_events('toys', '2025-01-02') WHERE customer IN ('c1', 'c10', 'c22', 'c30', 'c31') ORDER BY 1, 2, 3, from_segment, to_segment;
SELECT r.as_of, e.entered = r.entered AS entered, e.departed = r.departed AS departed
FROM run AS r, LATERAL (SELECT count(*) FILTER (WHERE event = 'entered') AS entered, count(*) FILTER (WHERE event = 'departed') AS departed
                        FROM segment_events('toys') WHERE event_at = r.as_of) AS e
WHERE r.segmentation = 'toys' AND r.as_of IN ('2025-01-01', '2025-01-03') ORDER BY 1;
SELECT obj_description('toys_segments'::regclass);
-- chance: 12 refreshes, each instant twice
DO $$
DECLARE
    r record;
BEGIN
    FOR i IN 1 .. 24 LOOP
        UPDATE toy SET points = (hashint8(i * 1000 + length(customer_id) + ascii(right(customer_id, 1)) * 7) & 511) % 400
        WHERE (hashtext(customer_id || i) & 7) = 0;
        DELETE FROM toy WHERE (hashtext(customer_id || i) & 63) = 1;
        INSERT INTO toy VALUES ('n' || i, i * 37 % 400);
        SELECT * INTO r FROM toy_refresh(timestamptz '2025-02-01' + i / 2 * interval '1 day');
        IF r.wrong <> 0 OR r.outcome <> 'ok' THEN
            RAISE WARNING '% in round %: % wrong', r.outcome, i, r.wrong;
        END IF;
    END LOOP;
END $$;
SELECT count(*) FROM run WHERE segmentation = 'toys' AND outcome = 'ok';
-- only some customers, in whichever segments
UPDATE toy SET points = 150 WHERE customer_id ~ '^c[125]';
DELETE FROM toy WHERE customer_id IN ('c17', 'c18');
CREATE TEMPORARY TABLE before AS TABLE toys_segments;
SELECT segment_internal.begin_run('toys') AS lost \gset
SELECT segment_internal.refresh_as_owner('toys', '2025-03-01', NULL, NULL, NULL, '{c1,c2,c17}') AS run_id \gset
SELECT outcome, rows_read, rows_used, rows_skipped FROM run WHERE run_id = :run_id;
SELECT customer_id, array_agg(segment_id ORDER BY segment_id) FROM toys_segments
WHERE customer_id IN ('c1', 'c2', 'c17') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS touched FROM (SELECT customer_id, segment_id, points FROM toys_segments
    EXCEPT SELECT customer_id, segment_id, points FROM before)
    AS t WHERE customer_id NOT IN ('c1', 'c2', 'c17');
SELECT wrong FROM toy_refresh('2025-03-02');
-- decided
SELECT include_customer('toys', name, 'c1'), exclude_customer('toys', name, 'c2') FROM segment WHERE segmentation = 'toys'
    AND segment_id = 4;
SELECT exclude_customer('toys', name, 'c1') FROM segment WHERE segmentation = 'toys' AND segment_id = 1;
SELECT customer_id, array_agg(segment_id ORDER BY segment_id), min(points) AS points FROM toys_segments WHERE customer_id IN ('c1', 'c2')
GROUP BY 1 ORDER BY 1;
SELECT undecide_customer('toys', NULL, 'c1'), undecide_customer('toys', NULL, 'c2');
SELECT wrong FROM toy_refresh('2025-03-02');
-- staged, and back
UPDATE toy SET points = (points + 200) % 400 WHERE (hashtext(customer_id) & 3) = 0;
SELECT segment_internal.begin_run('toys') AS lost \gset
SELECT segment_internal.refresh_as_owner('toys', '2025-03-03', NULL, NULL, NULL, NULL, true) IS NOT NULL AS staged;
SELECT outcome, entered, departed, updated, wrong FROM toy_refresh('2025-03-03');
SELECT drop_segmentation('toys');
DELETE FROM segment_internal.kind WHERE kind = 'toy';
DROP TABLE toy, toy_model, toy_truth;
DROP FUNCTION toy_refresh, create_toy_segmentation, segment_internal.toy_columns, segment_internal.toy_steps, segment_internal.toy_places,
    segment_internal.toy_figures, segment_internal.toy_tell, segment_internal.bind_toy_columns;
