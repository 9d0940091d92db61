--
-- segment_model as a value: text, binary, jsonb; and what is not a model.
--
SET search_path = public, segment;
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.try(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    m segment.segment_model;
BEGIN
    m := input::segment.segment_model;
    -- whatever got in must be usable, and say the same again
    IF m::text::segment.segment_model::text <> m::text OR NOT m = m::jsonb::segment.segment_model THEN
        RETURN 'changed';
    END IF;
    PERFORM segment.model_metrics(m), segment.assign_segment(m, 1, 2, 3), segment.explain_segment(m, 1, 2, 3),
        segment.explain_segment(m, 1e308, 1e308, '-Infinity'::float8),
        (SELECT count(*) FROM segment.segments(m)), (SELECT count(*) FROM segment.rfm_cut_points(m)), segment.rfm_score(m, 5, 5, 5);
    RETURN 'read';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END;
$$;
CREATE FUNCTION pg_temp.message_of(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_typeof(input::segment.segment_model)::text;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END;
$$;

-- ---- the canonical text ----
CREATE TABLE model AS
SELECT method, bins, scheme, rfm_model(feature_set(i, i % 7, i * 1.1), bins, method, NULL, scheme) AS m
FROM generate_series(1, 300) AS i, unnest('{quantile,natural_breaks,r_rfm}'::text[]) AS method,
     unnest('{3,5,10}'::int[]) AS bins, unnest('{eleven_names,braze,shopify}'::text[]) AS scheme GROUP BY 1, 2, 3;
INSERT INTO model SELECT 'thresholds', 3, 'rest',
    rfm_model(feature_set(NULL, 0, NULL), 3, 'thresholds',
              '{"recency": [1, 2], "frequency": [0.1, 1e-300], "monetary": [-1e300, 1e300]}'::jsonb || '{"frequency": [1e-300, 0.1]}',
              scheme => 'eleven_names');
SELECT regexp_split_to_table(m::text, ', (?="cuts": "|"features|"no_orders|"cells|"segments|\{)') AS m
FROM model WHERE (method, scheme) = ('thresholds', 'rest');
SELECT count(*) AS models, count(*) FILTER (WHERE m::text::segment_model::text <> m::text) AS text,
       count(*) FILTER (WHERE NOT m = m::jsonb::segment_model) AS jsonb,
       count(*) FILTER (WHERE m::jsonb::segment_model::text <> m::text) AS canonical,
       count(*) FILTER (WHERE m::jsonb <> m::text::jsonb) AS same_json,
       count(*) FILTER (WHERE convert_from(substr(segment_internal.segment_model_send(m), 3), 'UTF8') <> m::text
                           OR substr(segment_internal.segment_model_send(m), 1, 2) <> '\x0001') AS send,
       count(DISTINCT m::text) AS different FROM model;
-- white space, order of members and spelling of numbers make no difference
SELECT m = regexp_replace(jsonb_pretty(m::jsonb), '\n', E'\t\n  ', 'g')::segment_model AS spaced,
       m = replace(m::text, '"lowest_score": 1,', '"lowest_score": 1.0e0,')::segment_model AS number FROM model
WHERE (method, bins, scheme) = ('quantile', 5, 'eleven_names');
SELECT NULL::segment_model IS NULL AS "null", NULL::jsonb::segment_model IS NULL AS "null";
\copy model TO 'test/output/segment_model.bin' (FORMAT binary)
CREATE TABLE came (LIKE model);
\copy came FROM 'test/output/segment_model.bin' (FORMAT binary)
\! rm -f test/output/segment_model.bin
SELECT count(*), count(*) FILTER (WHERE NOT a.m = b.m OR a.m::text <> b.m::text) AS differing FROM model AS a
JOIN came AS b USING (method, bins, scheme);
-- names of any kind
SELECT segment = name AS kept, m::text::segment_model = m AS text, m::jsonb::segment_model = m AS jsonb
FROM unnest(ARRAY['"', '\', E'\t\n\r\x01\x1f', '/', U&'\00FC\4E2D\+01F600', '''; DROP TABLE x; --',
                  repeat('x', 5000), '{"a": 1}', '%s%n', ' ']) AS name,
     LATERAL (SELECT rename_segment(model.m, 'Lost', name) AS m FROM model
              WHERE (method, bins, scheme) = ('quantile', 3, 'eleven_names')) AS t, segments(t.m) WHERE origin = 'Lost';

-- ---- not a model ----
SELECT input, pg_temp.try(input)
FROM unnest(
    '{"","null","1","[]","{}","{\"format\": 1}","x","{\"format\": 2}","{\"format\": 0}","{\"format\": \"1\"}",'
    '"{\"format\": 1, \"kind\": \"kmeanz\"}","{\"format\": 1, \"kind\": null}","{\"format\": 99999999999}",'
    '"{\"format\": 1e400}","{\"format\": 1.5}"}'::text[]) AS input;
-- every truncation of the text fails, and as what it is
CREATE TABLE small AS SELECT m::text AS t, m::jsonb AS j FROM model WHERE (method, bins, scheme) = ('quantile', 3, 'eleven_names');
SELECT state, count(*) = length(t) - 1 AS every
FROM (SELECT t, pg_temp.try(left(t, n)) AS state FROM small, generate_series(1, length(t) - 1) AS n) AS s GROUP BY state, t;
-- any character replaced: read, or refused with the right state; the server lives.  Expect no rows
SELECT state, min(n) FROM (SELECT n, pg_temp.try(overlay(t PLACING c FROM n)) AS state
                           FROM small, generate_series(1, length(t)) AS n, unnest(ARRAY['9', '-', '"', 'x', '[', ' ', '}']) AS c) AS s
WHERE state NOT IN ('read', '22P02', '0A000', '22003') GROUP BY 1;
-- every member is needed, and no other is taken
SELECT key, pg_temp.message_of(j - key) FROM small, jsonb_object_keys(j) AS key ORDER BY key COLLATE "C";
SELECT pg_temp.message_of(j || '{"extra": 1}') FROM small;
SELECT pg_temp.message_of(jsonb_set(j, '{features,0,extra}', '1')), pg_temp.message_of(jsonb_set(j, '{segments,0,extra}', '1')) FROM small;
-- values that cannot be
SELECT path, value, pg_temp.message_of(jsonb_set(j, path::text[], value::jsonb))
FROM small, (VALUES ('{n_input}', '-1'), ('{n_input}', '1'), ('{n_used}', '301'), ('{n_used}', '0'), ('{n_skipped}', '0'),
                    ('{n_input}', '9223372036854775808'), ('{n_unsampled}', '9223372036854775807'),
                    ('{bins}', '1'), ('{bins}', '11'), ('{bins}', '4'), ('{bins}', '2.5'), ('{lowest_score}', '2'),
                    ('{cuts}', '1'), ('{scheme}', 'null'), ('{no_orders}', '0'), ('{no_orders}', '77'), ('{cells}', '[]'),
                    ('{cells,0}', '0'), ('{cells,0}', '77'), ('{cells,0}', '"1"'), ('{cells,26}', '1.5'), ('{cells}', '{}'),
                    ('{features}', '[]'), ('{features,0,name}', '"age"'), ('{features,0,closed}', '"both"'),
                    ('{features,0,min}', '"1"'), ('{features,0,cuts}', '[1]'), ('{features,0,cuts}', '[2, 1]'),
                    ('{features,0,cuts}', '[1, null]'), ('{features,0,cuts}', '[1, "NaN"]'), ('{features,0,cuts}', '1'),
                    ('{features,0,counts}', '[1, 2]'), ('{features,0,counts}', '[1, 2, 3]'),
                    ('{features,0,counts}', '[-1, 2, 3]'), ('{features,0,counts,0}', '1.5'), ('{features,1}', 'null'),
                    ('{segments}', '[]'), ('{segments}', '{}'), ('{segments,0,id}', '0'), ('{segments,0,id}', '2'),
                    ('{segments,0,id}', '2147483648'), ('{segments,0,name}', '""'), ('{segments,0,name}', '"Loyal"'),
                    ('{segments,0,name}', '1'), ('{segments,0,origin}', '1'), ('{segments,0}', '1'),
                    ('{kind}', '"RFM"'), ('{format}', '"1"')) AS v (path, value) \g (format=unaligned)
-- infinite cuts can be
SELECT pg_temp.try(jsonb_set(j, '{features,0,cuts}', '["-Infinity", "Infinity"]')::text) FROM small;
-- deep nesting, long strings
SELECT pg_temp.try(repeat('[', 100000)) IN ('54001', '22P02') AS deep, pg_temp.try('{"format": "' || repeat('x', 1000000) || '"}') AS long;

-- ---- binary ----
CREATE TABLE target (m segment_model);
CREATE TABLE wire (b bytea);
\set ECHO none
\i test/lib/try_binary.psql
\set ECHO all
SELECT pg_temp.try_binary('\x0001' || convert_to(t, 'UTF8')) AS whole, pg_temp.try_binary('\x0002' || convert_to(t, 'UTF8')) AS newer,
       pg_temp.try_binary('\x0001') AS empty, pg_temp.try_binary('\x00') AS short, pg_temp.try_binary('') AS nothing,
       pg_temp.try_binary('\x0001' || convert_to(t, 'UTF8') || '\x00') AS zero,
       pg_temp.try_binary('\x0001ff' || convert_to(t, 'UTF8')) AS encoding,
       pg_temp.try_binary('\x0001' || convert_to(t || t, 'UTF8')) AS twice FROM small;
SELECT count(*) AS strange FROM (SELECT pg_temp.try_binary('\x0001' || substr(convert_to(t, 'UTF8'), 1, n)) AS state
                                 FROM small, generate_series(1, length(t) - 1, 17) AS n) AS s WHERE state <> '22P02';
DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO PROGRAM %L',
                           'cat > /dev/null; rm -f ' || current_setting('data_directory') || '/segment_test_model');
      END $$;
DROP TABLE model, came, small, target, wire;
