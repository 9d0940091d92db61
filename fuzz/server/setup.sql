-- What the fuzz targets inside a server need: segment's lower floor has been
-- loaded already; here come the functions of types.c and values to start from.
\set ON_ERROR_STOP 1
CREATE SCHEMA fuzz;
CREATE FUNCTION fuzz.run(target text, log text, options text[]) RETURNS void
    AS :'module', 'segment_fuzz_run' LANGUAGE C STRICT;
CREATE FUNCTION fuzz.sample(features segment.feature_set, level integer) RETURNS segment.feature_set
    AS :'module', 'segment_fuzz_sample' LANGUAGE C STRICT;

-- three bins, three segments
CREATE TABLE fuzz.scheme AS
SELECT '{Low,Middle,High}'::text[] AS names, array_agg((r + f + m) / 3 + 1 ORDER BY r, f, m) AS cells
FROM generate_series(0, 2) AS r, generate_series(0, 2) AS f, generate_series(0, 2) AS m;

CREATE TABLE fuzz.customer AS
SELECT n * 37 % 100 AS recency, n % 4 AS frequency, n * 7.25 AS monetary, ('{north,south,øst}'::text[])[n % 3 + 1] AS region, n % 5 = 0 AS member
FROM generate_series(1, 24) AS n;

CREATE TABLE fuzz.seed AS
SELECT 'numbers' AS name, segment.feature_set(recency, frequency, monetary) AS set FROM fuzz.customer
UNION ALL SELECT 'one', segment.feature_set(recency) FROM fuzz.customer WHERE recency = 37
UNION ALL SELECT 'missing', segment.feature_set(nullif(recency, 37), nullif(frequency, 0), CASE WHEN member THEN 'Infinity' ELSE monetary END) FROM fuzz.customer
UNION ALL SELECT 'folded', segment.feature_set(recency % 3, frequency, 1) FROM fuzz.customer, generate_series(1, 3)
UNION ALL SELECT 'weighted', segment.feature_set_weighted(monetary, recency, frequency, monetary) FROM fuzz.customer
UNION ALL SELECT 'named', segment.feature_set(c) FROM fuzz.customer AS c
UNION ALL SELECT 'few named', segment.feature_set(c) FROM (SELECT region, monetary, recency, frequency FROM fuzz.customer LIMIT 3) AS c;
INSERT INTO fuzz.seed SELECT name || ' sampled', fuzz.sample(set, 2) FROM fuzz.seed;

CREATE VIEW fuzz.model AS
SELECT name, segment_internal.rfm_train(set, 3, 1, method, NULL, name, names, cells, 'None', false) AS model
FROM fuzz.seed, fuzz.scheme, unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method
WHERE name IN ('numbers', 'weighted sampled', 'named')
UNION ALL SELECT 'mixture ' || covariance, segment.gaussian_mixture(set, 2, covariance, scale => 'none') FROM fuzz.seed, unnest('{full,tied,diag,spherical}'::text[]) AS covariance WHERE name = 'numbers'
UNION ALL SELECT 'prototypes', segment.kprototypes(set, 3, log => '{monetary}', winsorize => '{"recency": 0.1}', weights => '{"region": 2}', nulls => 'mean') FROM fuzz.seed WHERE name = 'named'
UNION ALL SELECT 'means', segment.kmeans(set, 2, metric => 'cosine') FROM fuzz.seed WHERE name = 'numbers'
UNION ALL SELECT 'hierarchy', segment.bisecting_kmeans(set, 3) FROM fuzz.seed WHERE name = 'numbers'
UNION ALL SELECT 'smallest', '{"format": 1, "kind": "rfm", "n_input": 9, "n_used": 4, "n_skipped": 3, "n_unsampled": 2, "cuts": "quantile", "scheme": "s", "bins": 2, "lowest_score": 0, "features": [{"name": "recency", "closed": "right", "min": 1, "max": 2.5, "cuts": [2], "counts": [1, 3]}, {"name": "frequency", "closed": "left", "min": null, "max": null, "cuts": ["-Infinity"], "counts": [4, 0]}, {"name": "monetary", "closed": "right", "min": "-Infinity", "max": 1e300, "cuts": ["Infinity"], "counts": [0, 4]}], "no_orders": 7, "cells": [1, 1, 1, 1, 7, 7, 7, 7], "segments": [{"id": 1, "name": "a", "origin": "b"}, {"id": 7, "name": "\u00e4"}]}';

CREATE VIEW fuzz.state AS
SELECT 'three features' AS name, (SELECT segment.kmeans_step_state(model, recency, frequency, nullif(monetary, 3)) FROM fuzz.customer) AS state
FROM (SELECT segment.kmeans(segment.feature_set(recency, frequency, monetary), 3) AS model FROM fuzz.customer) AS m
UNION ALL SELECT 'one feature', (SELECT segment.kmeans_step_state(model, recency) FROM fuzz.customer)
FROM (SELECT segment.kmeans(segment.feature_set(recency), 2, scale => 'none') AS model FROM fuzz.customer) AS m
UNION ALL SELECT 'weighted', (SELECT segment.kmeans_step_state_weighted(model, monetary, recency) FROM fuzz.customer)
FROM (SELECT segment.kmeans(segment.feature_set(recency), 1) AS model FROM fuzz.customer) AS m
UNION ALL SELECT 'far', (SELECT segment.kmeans_step_state(model, recency * 1e99, frequency) FROM fuzz.customer)
FROM (SELECT segment.kmeans(segment.feature_set(recency, frequency), 1, nulls => 'mean') AS model FROM fuzz.customer) AS m;

CREATE VIEW fuzz.outcome AS
SELECT 'rate' AS name, segment.outcome(frequency > 1) AS outcome FROM fuzz.customer
UNION ALL SELECT 'mean', segment.outcome(monetary - 50) FROM fuzz.customer
UNION ALL SELECT 'far', segment.outcome(v) FROM (VALUES (1e300::float8), (-1e-300), (5e-324), (NULL)) AS f (v)
UNION ALL SELECT 'adjusted', segment.outcome(monetary, recency, frequency * recency) FROM fuzz.customer
UNION ALL SELECT 'ratio', segment.outcome_ratio(monetary, frequency) FROM fuzz.customer
UNION ALL SELECT 'report', segment.make_outcome(1000, 0.1, 7);

-- target, name, bytes in hexadecimal
CREATE VIEW fuzz.input AS
SELECT 'segment_model_in' AS target, name || row_number() OVER () AS name, encode(convert_to(model::text, 'UTF8'), 'hex') AS bytes FROM fuzz.model
UNION ALL SELECT 'segment_model_recv', name || row_number() OVER (), encode(segment_internal.segment_model_send(model), 'hex') FROM fuzz.model
UNION ALL SELECT 'feature_set_in', name || ' as text', '00' || encode(convert_to(set::text, 'UTF8'), 'hex') FROM fuzz.seed
UNION ALL SELECT 'feature_set_in', name || ' as bytes', '01' || encode(segment_internal.feature_set_send(set), 'hex') FROM fuzz.seed
UNION ALL SELECT 'feature_set_recv', name, encode(segment_internal.feature_set_send(set), 'hex') FROM fuzz.seed
UNION ALL SELECT 'kmeans_state_in', name || ' as text', '00' || encode(convert_to(state::text, 'UTF8'), 'hex') FROM fuzz.state
UNION ALL SELECT 'kmeans_state_in', name || ' as bytes', '01' || encode(segment_internal.kmeans_state_send(state), 'hex') FROM fuzz.state
UNION ALL SELECT 'kmeans_state_recv', name, encode(segment_internal.kmeans_state_send(state), 'hex') FROM fuzz.state
UNION ALL SELECT 'outcome_in', name || ' as text', '00' || encode(convert_to(outcome::text, 'UTF8'), 'hex') FROM fuzz.outcome
UNION ALL SELECT 'outcome_in', name || ' as bytes', '01' || encode(segment_internal.outcome_send(outcome), 'hex') FROM fuzz.outcome
UNION ALL SELECT 'outcome_recv', name, encode(segment_internal.outcome_send(outcome), 'hex') FROM fuzz.outcome;
