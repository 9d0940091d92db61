--
-- assign_segment, its relatives, and how a call finds its features.
--
SET search_path = public, segment;
SET client_min_messages = warning;

\set ECHO none
\i test/lib/error_of.psql
\set ECHO all

CREATE TABLE customer AS
SELECT i AS id, (ARRAY['north', 'south', 'east'])[1 + i % 3] AS region, (hashint4(i) & 255) * (1 + i % 3) AS recency,
       1 + (hashint4(i + 1) & 15) AS frequency, ((hashint4(i + 2) & 65535) / 100.0 * (1 + i % 3))::numeric(12,2) AS monetary
FROM generate_series(1, 3000) AS i;
CREATE TABLE model AS SELECT region, rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS m FROM customer
GROUP BY 1;
INSERT INTO model SELECT 'all', rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') FROM customer;
CREATE VIEW one AS SELECT m FROM model WHERE region = 'all';

-- ---- by position, by row, by array: the same.  Expect no rows ----
SELECT id FROM one, customer AS c
WHERE id <= 500 AND (assign_segment(m, recency, frequency, monetary) <> ALL (ARRAY[
        assign_segment(m, c), assign_segment(m, (SELECT r FROM (SELECT c.monetary, c.region, c.recency, c.id, c.frequency) AS r)),
        assign_segment(m, VARIADIC ARRAY[recency::numeric, frequency, monetary]),
        assign_segment(m, VARIADIC ARRAY[recency::float8, frequency, monetary::float8]),
        assign_segment(m, recency::smallint, frequency::bigint, monetary::float8),
        assign_segment(m, recency::float8, frequency::numeric, monetary),
        (SELECT segment FROM segments(m) WHERE segment_id = assign_segment_id(m, recency, frequency, monetary)),
        (SELECT segment FROM segments(m) WHERE segment_id = assign_segment_id(m, c)),
        (SELECT segment FROM segments(m) WHERE codes @> ARRAY[rfm_score(m, recency, frequency, monetary)]),
        explain_segment(m, c) ->> 'segment'])
   OR rfm_score(m, c) <> concat(recency_score(m, recency), frequency_score(m, frequency), monetary_score(m, monetary))
   OR rfm_score(m, VARIADIC ARRAY[recency::numeric, frequency, monetary])
      <> explain_segment(m, recency, frequency, monetary) ->> 'rfm_score');
-- number types, one by one
SELECT DISTINCT assign_segment(m, 5::smallint, 5::smallint, 5::smallint) = s AS int2,
       assign_segment(m, 5, 5, 5) = s AS int4, assign_segment(m, 5::bigint, 5::bigint, 5::bigint) = s AS int8,
       assign_segment(m, 5::float4, 5::float4, 5::float4) = s AS float4,
       assign_segment(m, 5::float8, 5::float8, 5::float8) = s AS float8, assign_segment(m, 5::numeric, 5.0, 5.00) = s AS numeric,
       assign_segment(m, VARIADIC ARRAY[5, 5, 5]::smallint[]) = s AS "int2[]",
       assign_segment(m, VARIADIC ARRAY[5, 5, 5]::bigint[]) = s AS "int8[]",
       assign_segment(m, VARIADIC ARRAY[5, 5, 5]::float4[]) = s AS "float4[]"
FROM one, LATERAL (SELECT assign_segment(m, 5, 5, 5) AS s) AS s;
CREATE DOMAIN pg_temp.euro AS numeric(10,2);
SELECT assign_segment(m, 5, 5, 5::pg_temp.euro) = assign_segment(m, 5, 5, 5) AS domain FROM one;

-- ---- models that change from row to row ----
-- each region's customers by that region's model, in an order that changes the model at every row.  Expect no rows
SELECT c.id FROM customer AS c JOIN model AS o USING (region)
JOIN (SELECT id, assign_segment(m, c) AS by_row, assign_segment(m, recency, frequency, monetary) AS by_position,
             rfm_score(m, recency, frequency, monetary) AS score
      FROM customer AS c JOIN model USING (region) ORDER BY id) AS a USING (id)
WHERE id <= 600 AND (by_row <> by_position OR by_row <> (SELECT segment FROM segments(o.m) WHERE codes @> ARRAY[a.score])
   OR score <> (SELECT string_agg(s, '' ORDER BY n) FROM (
        SELECT n, (SELECT p.score::text FROM rfm_cut_points(o.m) AS p WHERE p.feature = f.feature
                     AND (p.lower_cut IS NULL OR f.x > p.lower_cut) AND (p.upper_cut IS NULL OR f.x <= p.upper_cut)) AS s
        FROM (VALUES (1, 'recency', c.recency::float8), (2, 'frequency', c.frequency),
                     (3, 'monetary', c.monetary)) AS f (n, feature, x)) AS t));
-- also between kinds of models that differ in bins, in one statement
SELECT array_agg(rfm_score(m, 5, 5, 500) ORDER BY bins)
FROM (SELECT bins, rfm_model(feature_set(recency, frequency, monetary), bins, scheme => 'eleven_names') AS m
      FROM customer, generate_series(3, 10) AS bins GROUP BY 1 ORDER BY 1) AS t;
-- in a table, out of line
CREATE TABLE stored (k int, m segment_model);
ALTER TABLE stored ALTER m SET STORAGE external;
INSERT INTO stored SELECT bins, rfm_model(feature_set(recency, frequency, monetary), bins, scheme => 'rf_grid')
FROM customer, generate_series(7, 10) AS bins GROUP BY 1;
SELECT count(*) FILTER (WHERE pg_column_size(m) > 2000) AS large,
       (SELECT pg_relation_size(reltoastrelid) > 0 FROM pg_class WHERE oid = 'stored'::regclass) AS toasted FROM stored;
SELECT count(*) AS differing FROM customer AS c, stored
WHERE assign_segment(m, c) <> assign_segment(m::text::segment_model, recency, frequency, monetary) AND id <= 100;
SELECT count(*) AS differing
FROM (SELECT c.*, k, assign_segment_id(m, recency, frequency, monetary) AS s FROM customer AS c, stored WHERE id <= 300 ORDER BY id, k) AS a
JOIN LATERAL (SELECT assign_segment_id(m, recency, frequency, monetary) AS t FROM stored WHERE stored.k = a.k) AS b ON a.s <> b.t;
-- compressed
ALTER TABLE stored ALTER m SET STORAGE extended;
CREATE TABLE compressed AS SELECT * FROM stored;
SELECT count(*) AS differing FROM stored AS s JOIN compressed AS z USING (k), customer AS c
WHERE id <= 100 AND assign_segment(s.m, c) <> assign_segment(z.m, c);

-- ---- NULL, NaN, infinity ----
SELECT r, f, mo, assign_segment(m, r, f, mo), assign_segment_id(m, r, f, mo) IS NULL AS no_id,
       rfm_score(m, r, f, mo), recency_score(m, r) AS rs, frequency_score(m, f) AS fs, monetary_score(m, mo) AS ms,
       explain_segment(m, r, f, mo) ->> 'segment' IS NOT DISTINCT FROM assign_segment(m, r, f, mo) AS explained,
       explain_segment(m, r, f, mo) ->> 'reason' AS reason
FROM one, (VALUES (1::float8, 5::float8, 100::float8), (NULL, NULL, NULL), (NULL, 0, 0), (NULL, 0, NULL), (1, 0, 100),
                  (1, NULL, 100), (NULL, 5, 100), (1, 5, NULL), ('NaN', 5, 100), (1, 'NaN', 100), (1, 5, 'NaN'),
           ('-Infinity', 'Infinity', 'Infinity'), ('Infinity', 1e-300, '-Infinity'), (-5, -5, -5), (1, '-Infinity', 1)) AS v (r, f, mo);
SELECT assign_segment(NULL::segment_model, 1, 2, 3) IS NULL AS model, assign_segment_id(NULL::segment_model, 1, 2, 3) IS NULL AS id,
       rfm_score(NULL, 1, 2, 3) IS NULL AS score, explain_segment(NULL::segment_model, 1, 2, 3) IS NULL AS explain,
       recency_score(NULL, 1) IS NULL AS recency FROM one;
-- bare NULLs; a NULL row; numerics
SELECT assign_segment(m, NULL, NULL, NULL), assign_segment(m, NULL::customer), assign_segment(m, 'NaN'::numeric, 5, 100),
       assign_segment(m, 1, 'Infinity'::numeric, 1e20), assign_segment(m, VARIADIC ARRAY[NULL, 5, 100]::numeric[]) FROM one;

-- ---- wrong calls ----
SELECT call, pg_temp.error_of('SELECT ' || call || ' FROM one, customer AS c LIMIT 1')
FROM (VALUES ('assign_segment(m, 1, 2)'), ('assign_segment(m, 1)'), ('assign_segment(m)'),
             ('assign_segment(m, 1, 2, 3, 4)'), ('assign_segment(m, VARIADIC ARRAY[1, 2])'),
             ('assign_segment(m, VARIADIC ''{}''::int[])'), ('assign_segment(m, VARIADIC NULL::int[])'),
             ('assign_segment(m, VARIADIC ARRAY[''1'', ''2'', ''3''])'), ('assign_segment(m, 1, 2, ''3''::text)'),
             ('assign_segment(m, 1, 2, true)'), ('assign_segment(m, 1, 2, now())'), ('assign_segment(m, 1, 2, c)'),
             ('assign_segment(m, ROW(1, 2, 3))'), ('assign_segment(m, (SELECT r FROM (SELECT 1 AS recency, 2 AS frequency) AS r))'),
             ('assign_segment(m, (SELECT r FROM (SELECT 1 AS recency, 2 AS frequency, ''x''::text AS monetary) AS r))'),
             ('assign_segment(m, (SELECT r FROM (SELECT 1 AS recency, 2 AS frequency, now() AS monetary) AS r))'),
             ('assign_segment_id(m, 1, 2)'), ('explain_segment(m, 1, 2)'), ('rfm_score(m, 1, 2)'),
             ('recency_score(m, ''x''::text)'), ('assign_segment(''nope'', 1, 2, 3)'), ('assign_segment(NULL::text, 1, 2, 3)'),
             ('get_model(''nope'')')) AS v (call) \g (format=unaligned)

-- ---- explain ----
-- thresholds make every figure plain: recency 1..4 cut at 10 20 30, frequency at 1 2 3, monetary at 100 200 300
SELECT jsonb_pretty(explain_segment(m, 12, 3, 290))
FROM (SELECT rfm_model(feature_set(x, x, x), 4, 'thresholds',
                       '{"recency": [10, 20, 30], "frequency": [1, 2, 3], "monetary": [100, 200, 300]}', 'rf_grid') AS m
      FROM generate_series(1, 400) AS x) AS t;
-- scores, bounds and strength against the model, for every customer.  Expect no rows
SELECT id, f FROM one, customer AS c, LATERAL (SELECT explain_segment(m, c) AS e) AS e, jsonb_array_elements(e -> 'features') AS f
JOIN LATERAL (SELECT * FROM rfm_cut_points(m)) AS p ON p.feature = f ->> 'feature' AND p.score = (f ->> 'score')::int
WHERE id <= 60 AND ((f ->> 'value')::numeric <> (to_jsonb(c) ->> (f ->> 'feature'))::numeric
                    OR (f ->> 'from')::float8 IS DISTINCT FROM p.lower_cut OR (f ->> 'to')::float8 IS DISTINCT FROM p.upper_cut
   OR abs((f ->> 'margin')::float8 - least((f ->> 'value')::float8 - p.lower_cut, p.upper_cut - (f ->> 'value')::float8)) > 1e-9
   OR (f ->> 'strength')::float8 <> (SELECT count(*) FILTER (WHERE g.segment <> e ->> 'segment') / 4.0
                                     FROM segments(m) AS g, unnest(g.codes) AS code,
                                          array_position('{recency,frequency,monetary}'::text[], p.feature) AS digit
                                     WHERE overlay(code PLACING substr(e ->> 'rfm_score', digit, 1) FROM digit) = e ->> 'rfm_score'
                                       AND code <> e ->> 'rfm_score'));

-- ---- renaming ----
SELECT r AS renamed INTO TEMP renamed FROM one, rename_segment(rename_segment(m, 'Champions', 'Stars'), 'Loyal', 'Champions') AS r;
SELECT * FROM (SELECT segment_id, segment, origin, cardinality(codes) FROM renamed, segments(renamed)) AS t WHERE segment <> origin;
SELECT count(*) FILTER (WHERE assign_segment_id(m, c) <> assign_segment_id(renamed, c)) AS moved,
       count(*) FILTER (WHERE assign_segment(renamed, c) = 'Champions') > 0 AS named,
       count(*) FILTER (WHERE (assign_segment(m, c) = 'Loyal') <> (assign_segment(renamed, c) = 'Champions')) AS wrong
FROM one, renamed, customer AS c;
SELECT rename_segment(rename_segment(renamed, 'Champions', 'Loyal'), 'Stars', 'Champions') = m AS back, renamed = m AS same
FROM renamed, one;
SELECT rename_segment(m, 'New', 'New') = m AS itself, rename_segment(NULL::segment_model, 'a', 'b') IS NULL AS null FROM one;
SELECT segment FROM one, segments(rename_segment(m, 'New', U&'Neue "\00FC" \005C ' || E'\n')) WHERE segment <> origin;
SELECT call, pg_temp.error_of('SELECT ' || call || ' FROM one')
FROM (VALUES ('rename_segment(m, ''Nobody'', ''x'')'), ('rename_segment(m, ''New'', ''Lost'')'),
             ('rename_segment(m, ''New'', '''')')) AS v (call);
-- ids and names of before, matched by origin
SELECT segment_id, segment, origin FROM one, segments(segment_internal.model_identify(m, '{70,5}', '{Lost,Loyal}', '{Gone,Fans}', 100))
WHERE segment_id IN (70, 5) OR segment_id < 103 ORDER BY 1;
SELECT call, pg_temp.error_of('SELECT ' || call || ' FROM one')
FROM (VALUES ('segment_internal.model_identify(m, ''{1,2}'', ''{Lost}'', ''{Gone}'', 100)'),
             ('segment_internal.model_identify(m, ''{1,1}'', ''{Lost,Loyal}'', ''{a,b}'', 100)'),
             ('segment_internal.model_identify(m, ''{NULL}'', ''{Lost}'', ''{a}'', 100)'),
             ('segment_internal.model_identify(m, ''{100}'', ''{Lost}'', ''{a}'', 100)'),
             ('segment_internal.model_identify(m, ''{-1}'', ''{Lost}'', ''{a}'', 100)'),
             ('segment_internal.model_identify(m, ''{}'', ''{}'', ''{}'', -5)')) AS v (call) \g (format=unaligned)
DROP TABLE customer, model, stored, compressed CASCADE;
