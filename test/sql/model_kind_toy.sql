-- A kind of models is one file: here in a module of its own (test/modules/toy_kind.c), which registers
-- it.  Nothing else knows of these two: toy_line predicts a number and has no segments, toy_halves has
-- segments and next to nothing else.
SET search_path = public, segment;
\set SHOW_CONTEXT never
\getenv srcdir PG_ABS_SRCDIR
\getenv suffix PG_DLSUFFIX
\set toy :srcdir '/modules/toy_kind' :suffix
\set counts '"n_input": 9, "n_used": 8, "n_skipped": 1, "n_unsampled": 0'
\set line '{"kind": "toy_line", "format": 1, ' :counts ', "slope": 0.5, "intercept": 2}'
\set segments '"segments": [{"id": 1, "name": "low"}, {"id": 7, "name": "high"}]'
\set halves '{"kind": "toy_halves", "format": 1, ' :counts ', "cut": 10, ' :segments '}'

SELECT :'line'::segment_model;
LOAD :'toy';
SELECT :'line'::segment_model AS line \gset
SELECT :'line' AS line, :'halves'::segment_model AS halves;
CREATE FUNCTION register_again() RETURNS void AS :'toy', 'toy_register_again' LANGUAGE C;
SELECT register_again();

-- no kind that comes with the extension predicts: the function is not among those it creates
CREATE FUNCTION predict(model segment_model, VARIADIC features "any") RETURNS double precision
    AS '$libdir/segment', 'segment_predict' LANGUAGE C IMMUTABLE PARALLEL SAFE;

-- ---- no segments, but a number ----
CREATE TABLE toy AS
SELECT :'line'::segment_model AS line, :'halves'::segment_model AS halves, kmeans(feature_set(n), 2) AS kmeans
FROM generate_series(1, 9) AS n;
SELECT r.x, predict(line, r.x) AS number, predict(line, r) AS by_name
FROM toy, (VALUES ('a', 0::numeric), ('b', 3.5), ('c', -4), ('d', NULL)) AS r (name, x);
SELECT predict(NULL::segment_model, 1) AS nothing;
SELECT line::jsonb::segment_model = line AS same, line::text::segment_model::text = line::text AS same_text FROM toy;
SELECT model_metrics(line) FROM toy;
SELECT s.* FROM toy, segments(line) AS s;
SELECT predict(line, 1, 2) FROM toy;
SELECT assign_segment(line, 1) FROM toy;
SELECT assign_segment_id(line, 1) FROM toy;
SELECT explain_segment(line, 1) FROM toy;
SELECT segment_distance(line, 1) FROM toy;
SELECT segment_probabilities(line, 1) FROM toy;
SELECT centroids(line) FROM toy;
SELECT segment_spacing(line) FROM toy;
SELECT rename_segment(line, 'low', 'lower') FROM toy;
SELECT stability(feature_set(n), line) FROM toy, generate_series(1, 9) AS n GROUP BY line;
SELECT model_to_pmml(line) FROM toy;
SELECT jsonb_set(line::jsonb, '{segments}', '[]')::segment_model FROM toy;
SELECT (line::jsonb - 'slope')::segment_model FROM toy;

-- ---- segments, but no number, and none of what is optional ----
SELECT x, assign_segment(halves, x), assign_segment_id(halves, x) FROM toy, (VALUES (9.9), (10), (NULL)) AS v (x);
SELECT s.* FROM toy, segments(halves) AS s;
SELECT assign_segment(rename_segment(halves, 'low', 'lower'), 3) FROM toy;
SELECT model_to_pmml(halves) FROM toy;
SELECT predict(halves, 1) FROM toy;
SELECT predict(kmeans, 1) FROM toy;
SELECT explain_segment(halves, 1) FROM toy;
SELECT segment_distance(halves, 1) FROM toy;
SELECT silhouette(feature_set(n), halves) = silhouette(feature_set((n >= 10)::integer, n)) AS same_silhouette
FROM toy, generate_series(1, 19) AS n GROUP BY halves;
SELECT stability(feature_set(n), halves) FROM toy, generate_series(1, 9) AS n GROUP BY halves;
SELECT (halves::jsonb - 'segments')::segment_model FROM toy;

DROP FUNCTION register_again(), predict(segment_model, "any");
DROP TABLE toy;
