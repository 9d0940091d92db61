--
-- model_to_pmml(): the document carried out step by step, as a reader of PMML would, places rows as
-- assign_segment() does, and predicts what predict() does.
--
-- With SEGMENT_TEST_PMML_XSD, a file with the XML Schema of PMML 4.4, documents are validated by xmllint, too.
--
\ir ../lib/pgtap_begin.psql

SELECT count(*) > 0 AS have_xml FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%libxml%' \gset
\if :have_xml

-- ---- a reader of PMML ----
CREATE FUNCTION pg_temp.nodes(path text, document xml) RETURNS xml[] LANGUAGE sql AS
$$ SELECT xpath(path, document, '{{p,http://www.dmg.org/PMML-4_4}}') $$;
CREATE FUNCTION pg_temp.attribute(node xml, name text) RETURNS text LANGUAGE sql AS
$$ SELECT (xpath('/*/@' || name, node))[1]::text $$;
-- attributes come with their entities
CREATE FUNCTION pg_temp.plain(text) RETURNS text LANGUAGE sql AS
$$ SELECT replace(replace(replace(replace(replace($1, '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#10;', E'\n'), '&amp;', '&') $$;
CREATE FUNCTION pg_temp.value_of(expression xml, fields jsonb) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    kind text := (xpath('local-name(/*)', expression))[1]::text;
    part xml[] := xpath('/*/*', expression);
    a double precision;
    b double precision;
BEGIN
    IF kind = 'FieldRef' THEN
        IF NOT fields ? pg_temp.plain(pg_temp.attribute(expression, 'field')) THEN
            RAISE EXCEPTION 'field % is not defined', pg_temp.attribute(expression, 'field');
        END IF;
        RETURN fields ->> pg_temp.plain(pg_temp.attribute(expression, 'field'));
    ELSIF kind = 'Constant' THEN
        RETURN (xpath('/*/text()', expression))[1]::text;
    ELSIF kind = 'NormDiscrete' THEN
        RETURN CASE WHEN fields ->> pg_temp.plain(pg_temp.attribute(expression, 'field'))
                    = pg_temp.plain(pg_temp.attribute(expression, 'value')) THEN 1 ELSE 0 END;
    ELSIF kind <> 'Apply' THEN
        RAISE EXCEPTION 'unknown expression %', kind;
    END IF;
    IF pg_temp.attribute(expression, 'function') = 'if' THEN
        IF pg_temp.attribute(part[1], 'function') <> 'lessThan' THEN
            RAISE EXCEPTION 'unknown condition';
        END IF;
        RETURN pg_temp.value_of(part[CASE WHEN pg_temp.value_of((xpath('/*/*', part[1]))[1], fields)
                                          < pg_temp.value_of((xpath('/*/*', part[1]))[2], fields) THEN 2 ELSE 3 END], fields);
    ELSIF pg_temp.attribute(expression, 'function') = 'sum' THEN
        RETURN (SELECT sum(pg_temp.value_of(x, fields)) FROM unnest(part) AS x);
    END IF;
    a := pg_temp.value_of(part[1], fields);
    b := CASE WHEN cardinality(part) > 1 THEN pg_temp.value_of(part[2], fields) END;
    CASE pg_temp.attribute(expression, 'function')
        WHEN '+' THEN RETURN a + b;
        WHEN '-' THEN RETURN a - b;
        WHEN '*' THEN RETURN a * b;
        WHEN '/' THEN RETURN a / b;
        WHEN 'min' THEN RETURN least(a, b);
        WHEN 'max' THEN RETURN greatest(a, b);
        WHEN 'sqrt' THEN RETURN sqrt(a);
        WHEN 'pow' THEN RETURN a ^ b;
        WHEN 'ln1p' THEN RETURN ln((1 + a::numeric)::numeric(60, 30));
    END CASE;
END $$;

-- The score of the leaf that a row comes to, by the first child whose predicate holds.
CREATE FUNCTION pg_temp.descend(node xml, fields jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    child xml;
    predicate xml;
    value double precision;
BEGIN
    FOREACH child IN ARRAY xpath('/*/*[local-name() = "Node"]', node) LOOP
        predicate := (xpath('/*/*', child))[1];
        IF (xpath('local-name(/*)', predicate))[1]::text <> 'SimplePredicate'
            OR pg_temp.attribute(predicate, 'operator') NOT IN ('lessOrEqual', 'greaterThan') THEN
            RAISE EXCEPTION 'unknown predicate';
        END IF;
        value := fields ->> pg_temp.plain(pg_temp.attribute(predicate, 'field'));
        IF (CASE pg_temp.attribute(predicate, 'operator') WHEN 'lessOrEqual' THEN value <= pg_temp.attribute(predicate, 'value')::float8
                 ELSE value > pg_temp.attribute(predicate, 'value')::float8 END) THEN
            RETURN pg_temp.descend(child, fields);
        END IF;
    END LOOP;
    RETURN pg_temp.attribute(node, 'score');
END $$;

-- The id and name of a row's segment, and its distance where there are centers; NULL: a value is missing that has no replacement.
CREATE FUNCTION pg_temp.place(document xml, given jsonb, OUT id text, OUT name text, OUT distance double precision) LANGUAGE plpgsql AS $$
DECLARE
    fields jsonb := '{}';
    field xml;
BEGIN
    FOREACH field IN ARRAY pg_temp.nodes('//p:MiningField', document) LOOP
        IF given ->> pg_temp.plain(pg_temp.attribute(field, 'name')) IS NOT NULL THEN
            fields := fields || jsonb_build_object(pg_temp.plain(pg_temp.attribute(field, 'name')),
                                                   given -> pg_temp.plain(pg_temp.attribute(field, 'name')));
        ELSIF pg_temp.attribute(field, 'usageType') = 'target' THEN
            CONTINUE;
        ELSIF pg_temp.attribute(field, 'missingValueTreatment') = 'returnInvalid' THEN
            RETURN;
        ELSE
            fields := fields || jsonb_build_object(pg_temp.plain(pg_temp.attribute(field, 'name')),
                                                   pg_temp.plain(pg_temp.attribute(field, 'missingValueReplacement')));
        END IF;
    END LOOP;
    FOREACH field IN ARRAY pg_temp.nodes('//p:DerivedField', document) LOOP
        fields := fields || jsonb_build_object(pg_temp.plain(pg_temp.attribute(field, 'name')),
                                               pg_temp.value_of((xpath('/*/*', field))[1], fields));
    END LOOP;
    IF cardinality(pg_temp.nodes('//p:TreeModel', document)) = 1 THEN
        id := pg_temp.descend((pg_temp.nodes('//p:TreeModel/p:Node', document))[1], fields);
        SELECT pg_temp.plain(pg_temp.attribute(v, 'displayValue')) INTO name
        FROM unnest(pg_temp.nodes('//p:DataField/p:Value', document)) AS v WHERE pg_temp.attribute(v, 'value') = place.id;
        RETURN;
    END IF;
    SELECT pg_temp.attribute(c, 'id'), pg_temp.plain(pg_temp.attribute(c, 'name')), sqrt(d) INTO id, name, distance
    FROM (SELECT c, o, (SELECT sum(coalesce(pg_temp.attribute(f, 'fieldWeight')::float8, 1)
                                   * ((fields ->> pg_temp.plain(pg_temp.attribute(f, 'field')))::float8 - center.x::float8) ^ 2)
                        FROM unnest(pg_temp.nodes('//p:ClusteringField', document)) WITH ORDINALITY AS fs(f, n),
                             unnest(string_to_array((xpath('//text()', c))[1]::text, ' ')) WITH ORDINALITY AS center(x, n)
                        WHERE fs.n = center.n) AS d
          FROM unnest(pg_temp.nodes('//p:Cluster', document)) WITH ORDINALITY AS cs(c, o)) AS s
    ORDER BY d, o LIMIT 1;
END $$;

-- ---- models of every kind of option, with names that need care ----
CREATE TEMP TABLE shop ON COMMIT DROP AS
SELECT i AS id, round((i % 3 * 40 + 30 * sin(i * 12.9898))::numeric, 3)::float8 AS spend,
       (i % 5 * i % 17)::float8 AS "a<b & ""c""", 1e9 + cos(i * 78.233) AS "scaled(spend)", i % 4 - 1.5::float8 AS segment
FROM generate_series(1, 60) AS i;
CREATE TEMP TABLE sets ON COMMIT DROP AS
SELECT feature_set(s) AS f, feature_set_weighted(0.3 + s.segment ^ 2, s.spend, s."a<b & ""c""", s."scaled(spend)", s.segment) AS weighted
FROM (SELECT spend, "a<b & ""c""", "scaled(spend)", segment FROM shop) AS s;
CREATE TEMP TABLE documents ON COMMIT DROP AS
SELECT what, model, model_to_pmml(model) AS pmml
FROM sets, LATERAL (VALUES
    ('zscore', kmeans(f, 4)),
    ('minmax, weights', kmeans(f, 3, scale => 'minmax', weights => '{"segment": 7.5}')),
    ('robust, renamed', rename_segment(kmeans(f, 3, scale => 'robust'), 'Segment 2', E'"Big" & <loud>\nspenders')),
    ('unscaled', kmeans(f, 5, scale => 'none')),
    ('logarithm, clipped', kmeans(f, 4, log => '{segment,spend}', winsorize => '0.05')),
    ('clipped at one end', kmeans(f, 4, winsorize => '{"spend": [0, 0.9]}')),
    ('the mean for missing values', kmeans(f, 4, nulls => 'mean')),
    ('cosine', kmeans(f, 3, metric => 'cosine')),
    ('weighted rows', kmeans(weighted, 3)),
    ('one segment', kmeans(f, 1)),
    ('hierarchy', bisecting_kmeans(f, 5)),
    ('hierarchy, logarithm, clipped, renamed',
     rename_segment(bisecting_kmeans(f, 4, log => '{spend}', winsorize => '0.05', scale => 'minmax'),
                    'Segment 3', E'"Big" & <loud>\nspenders')),
    ('hierarchy, cosine', bisecting_kmeans(f, 4, metric => 'cosine')),
    ('hierarchy, the mean for missing values', bisecting_kmeans(f, 6, nulls => 'mean')),
    ('hierarchy of one segment', bisecting_kmeans(f, 1)),
    ('prototypes of numbers', kprototypes(f, 4))) AS m(what, model);

-- rows that trained, others anywhere, one far away, and one with a hole
CREATE TEMP TABLE rows ON COMMIT DROP AS
SELECT spend AS x, "a<b & ""c""" AS y, "scaled(spend)" AS z, segment AS w FROM shop WHERE id <= 20
UNION ALL SELECT 150 * sin(i * 39.425) + 40, 15 * cos(i * 93.989), 1e9 + 3 * sin(i * 67.345), 4 * cos(i * 45.164)
FROM generate_series(1, 30) AS i
UNION ALL VALUES (-1e4, 1e5, 1e9, 0), (12, NULL, 1e9 + 1, 2);
CREATE TEMP TABLE placed ON COMMIT DROP AS
SELECT d.what, assign_segment_id(d.model, r.x, r.y, r.z, r.w) AS id,
       assign_segment(d.model, r.x, r.y, r.z, r.w) AS name, segment_distance(d.model, r.x, r.y, r.z, r.w) AS distance,
       p.id AS pmml_id, p.name AS pmml_name, p.distance AS pmml_distance
FROM documents AS d, rows AS r,
     LATERAL pg_temp.place(d.pmml,
                           CASE d.what WHEN 'weighted rows' THEN jsonb_build_object('f1', r.x, 'f2', r.y, 'f3', r.z, 'f4', r.w)
                                ELSE jsonb_build_object('spend', r.x, 'a<b & "c"', r.y, 'scaled(spend)', r.z, 'segment', r.w) END) AS p;
SELECT is(count(*) FILTER (WHERE pmml_id IS NOT DISTINCT FROM id::text AND pmml_name IS NOT DISTINCT FROM name
                             AND coalesce(abs(pmml_distance - distance) <= 1e-12 * (1 + distance), pmml_distance IS NULL
                                          AND (distance IS NULL OR what LIKE 'hierarchy%'))),
          52::bigint, 'places rows as the model does: ' || what) FROM placed GROUP BY what ORDER BY what COLLATE "C";
SELECT is(count(DISTINCT id) > 1 OR what LIKE '%one segment', true, 'in several segments: ' || what) FROM placed GROUP BY what
ORDER BY what COLLATE "C";
SELECT is((SELECT count(*) FROM placed WHERE id IS NULL), 14::bigint, 'a hole has no segment, but where the mean stands in');

-- the nearest of all centroids is another one for some of them: what a tree is for
SELECT ok(count(*) > 0, 'a hierarchy does not place by the nearest centroid') FROM documents AS d, rows AS r,
    LATERAL (
        SELECT segment_id
        FROM (SELECT c.segment_id, c.scaled, (CASE c.feature WHEN 'spend' THEN r.x WHEN 'a<b & "c"' THEN r.y
                                                             WHEN 'scaled(spend)' THEN r.z ELSE r.w END
                                              - (f ->> 'center')::float8) / (f ->> 'spread')::float8 AS x
              FROM centroids(d.model) AS c
              JOIN jsonb_array_elements(d.model::jsonb -> 'features') AS f ON f ->> 'name' = c.feature) AS g
        GROUP BY segment_id ORDER BY sum((scaled - x) ^ 2) LIMIT 1) AS n
WHERE d.what = 'hierarchy' AND r.y IS NOT NULL AND n.segment_id <> assign_segment_id(d.model, r.x, r.y, r.z, r.w);

-- ---- categories ----
CREATE TEMP TABLE sort ON COMMIT DROP AS
SELECT i AS id, (i % 3 * 40 + 30 * sin(i * 12.9898))::float8 AS spend,
       (ARRAY['web', 'shop & "co"', '<phone>', E'two\nlines', ''])[1 + (7 * i % 11 * i % 5)] AS "ch & annel",
       i % 4 = 0 AS letters, (i % 5 * i % 17)::float8 AS visits, 'const' AS same FROM generate_series(1, 90) AS i;
CREATE TEMP TABLE sorted ON COMMIT DROP AS SELECT feature_set(s) AS f, feature_set(c) AS categories
FROM (SELECT spend, "ch & annel", letters, visits, same FROM sort) AS s, LATERAL (SELECT s."ch & annel", s.letters) AS c;
CREATE TEMP TABLE mixed ON COMMIT DROP AS
SELECT what, model, model_to_pmml(model) AS pmml FROM sorted, LATERAL (VALUES
    ('prototypes', kprototypes(f, 4)), ('much gamma', kprototypes(f, 5, gamma => 7.3)),
    ('no gamma', kprototypes(f, 3, gamma => 0)), ('weights', kprototypes(f, 5, weights => '{"letters": 3.7, "spend": 0.5}')),
    ('fill', kprototypes(f, 4, nulls => 'mean')), ('categories only', kprototypes(categories, 4)),
    ('logarithm', rename_segment(kprototypes(f, 4, log => '{spend}', winsorize => '0.1'), 'Segment 1', 'A & B'))) AS m(what, model);
-- categories that training did not meet, and missing ones, among them
CREATE TEMP TABLE mixed_rows ON COMMIT DROP AS
SELECT i, 90 * sin(i * 39.425) + 40 AS x, (ARRAY['web', 'shop & "co"', '<phone>', E'two\nlines', '', 'fax', NULL])[1 + i * 31 % 7] AS c,
       CASE i % 9 WHEN 5 THEN NULL ELSE sin(i * 7.7) > 0 END AS l, 9 * cos(i * 93.989) + 8 AS v,
       CASE i % 6 WHEN 0 THEN 'other' ELSE 'const' END AS s FROM generate_series(1, 60) AS i;
CREATE TEMP TABLE mixed_placed ON COMMIT DROP AS
SELECT what, n.*, p.id AS pmml_id, p.name AS pmml_name, p.distance AS pmml_distance
FROM mixed AS d, mixed_rows AS r,
     LATERAL (SELECT assign_segment_id(d.model, r.x, r.c, r.l, r.v, r.s) AS id, assign_segment(d.model, r.x, r.c, r.l, r.v, r.s) AS name,
                     segment_distance(d.model, r.x, r.c, r.l, r.v, r.s) AS distance WHERE d.what <> 'categories only'
              UNION ALL SELECT assign_segment_id(d.model, r.c, r.l), assign_segment(d.model, r.c, r.l), segment_distance(d.model, r.c, r.l)
              WHERE d.what = 'categories only') AS n,
     LATERAL pg_temp.place(d.pmml,
                           jsonb_build_object('spend', r.x, 'ch & annel', r.c, 'letters', r.l::text, 'visits', r.v, 'same', r.s)) AS p;
SELECT is(count(*) FILTER (WHERE pmml_id IS NOT DISTINCT FROM id::text AND pmml_name IS NOT DISTINCT FROM name
                             AND coalesce(abs(pmml_distance - distance) <= 1e-12 * (1 + distance),
                                          distance IS NULL AND pmml_distance IS NULL)),
          60::bigint, 'places rows with categories as the model does: ' || what) FROM mixed_placed GROUP BY what ORDER BY what COLLATE "C";
SELECT is(count(DISTINCT id) > 1, true, 'in several segments: ' || what) FROM mixed_placed GROUP BY what ORDER BY what COLLATE "C";
SELECT is((SELECT count(*) FROM mixed_placed WHERE id IS NULL) > 50, true, 'those with holes have none');
SELECT is(count(*), count(DISTINCT name), 'names of fields are unique: ' || what)
FROM mixed, LATERAL (SELECT pg_temp.attribute(n, 'name') AS name
                     FROM unnest(pg_temp.nodes('//p:DataField | //p:DerivedField | //p:OutputField', pmml)) AS n) AS n GROUP BY what;
SELECT is((SELECT count(*) FROM unnest(pg_temp.nodes('//p:ClusteringField', pmml)) AS f
           WHERE pg_temp.attribute(f, 'fieldWeight')::float8 <= 0), 0::bigint, 'weights are positive: ' || what) FROM mixed;
INSERT INTO documents SELECT * FROM mixed;
SELECT throws_ok('SELECT model_to_pmml(kprototypes(categories, 3, gamma => 0)) FROM sorted', '0A000',
                 'a model without distances cannot be written as PMML');

-- ---- regressions ----
-- What a reader predicts: of a table intercept + coefficients, in the order of the document; of classification by the
-- logit the probability of the first value, in a table of its own.  NULL: a value is missing or invalid.
CREATE FUNCTION pg_temp.foretell(document xml, given jsonb) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
    field xml;
    predictor xml;
    valid text[];
    name text;
    sums double precision[] := '{}';
    total double precision;
    model xml := (pg_temp.nodes('//p:RegressionModel', document))[1];
BEGIN
    FOREACH field IN ARRAY pg_temp.nodes('//p:MiningField[not(@usageType)]', document) LOOP
        name := pg_temp.plain(pg_temp.attribute(field, 'name'));
        IF given ->> name IS NULL THEN
            IF pg_temp.attribute(field, 'missingValueTreatment') <> 'returnInvalid' THEN
                RAISE EXCEPTION 'a missing value has to be invalid';
            END IF;
            RETURN NULL;
        END IF;
        valid := (SELECT array_agg(pg_temp.plain(pg_temp.attribute(v, 'value')))
                  FROM unnest(pg_temp.nodes('//p:DataField', document)) AS d, unnest(xpath('/*/*', d)) AS v
                  WHERE pg_temp.plain(pg_temp.attribute(d, 'name')) = name);
        IF NOT given ->> name = ANY (valid) AND pg_temp.attribute(field, 'invalidValueTreatment') = 'returnInvalid' THEN
            RETURN NULL;
        END IF;
    END LOOP;
    FOREACH field IN ARRAY pg_temp.nodes('//p:RegressionTable', document) LOOP
        total := pg_temp.attribute(field, 'intercept');
        FOREACH predictor IN ARRAY xpath('/*/*', field) LOOP
            name := pg_temp.plain(pg_temp.attribute(predictor, 'name'));
            total := total + pg_temp.attribute(predictor, 'coefficient')::float8
                * CASE (xpath('local-name(/*)', predictor))[1]::text
                      WHEN 'NumericPredictor' THEN (given ->> name)::float8
                      WHEN 'CategoricalPredictor' THEN (given ->> name = pg_temp.plain(pg_temp.attribute(predictor, 'value')))::integer
                  END;
        END LOOP;
        sums := sums || total;
    END LOOP;
    IF pg_temp.attribute(model, 'functionName') = 'regression' AND pg_temp.attribute(model, 'normalizationMethod') = 'none'
        AND cardinality(sums) = 1 THEN
        RETURN sums[1];
    ELSIF pg_temp.attribute(model, 'functionName') = 'classification' AND pg_temp.attribute(model, 'normalizationMethod') = 'logit'
        AND cardinality(sums) = 2 AND sums[2] = 0 THEN
        RETURN 1 / (1 + exp(-least(greatest(sums[1], -700), 700)));
    END IF;
    RAISE EXCEPTION 'unknown regression';
END $$;
CREATE TEMP TABLE regressed ON COMMIT DROP AS
SELECT what, model, model_to_pmml(model) AS pmml
FROM (SELECT feature_set(r) AS f
      FROM (SELECT 3 * sin(id * 1.7) + id % 3 + spend / 50 AS y, spend, "a<b & ""c""",
                   (ARRAY['x', 'y<"&', 'true'])[1 + id * 7 % 11 % 3] AS letter,
                   id * 5 % 7 > 3 AS flag FROM shop) AS r) AS s,
LATERAL (VALUES
    ('linear', linear_regression(f)), ('linear, robust', linear_regression(f, errors => 'HC3', baseline => '{"letter": "y<\"&"}')),
    ('linear, no intercept', linear_regression(f, intercept => false)),
    ('lasso', linear_regression(f, penalty => 0.3, l1_share => 1)),
    ('columns left out',
     (SELECT linear_regression(feature_set(r)) FROM (SELECT i * i % 7 AS y, i AS spend, 2 * i AS "a<b & ""c""",
                                                     (ARRAY['x', 'y<"&', 'true'])[1 + i % 3] AS letter, i % 3 = 0 AS flag
                                                     FROM generate_series(1, 50) AS i) AS r)),
    ('logistic', logistic_regression(f, 'flag')),
    ('logistic, of a name', logistic_regression(f, 'letter', positive => 'y<"&', penalty => 0.1)),
    ('logistic, of true among others', logistic_regression(f, 'letter', positive => 'true')),
    ('logistic, of numbers',
     (SELECT logistic_regression(feature_set(r)) FROM (SELECT i * 7 % 11 / 6 AS prediction, i AS spend, i * 5 % 13 AS "a<b & ""c"""
                                                       FROM generate_series(1, 100) AS i) AS r))) AS m(what, model);
CREATE TEMP TABLE foretold ON COMMIT DROP AS
SELECT d.what, predict(d.model, r) AS predicted, pg_temp.foretell(d.pmml, to_jsonb(r)) AS pmml
FROM regressed AS d,
     (SELECT 0.5::float8 AS y, spend, "a<b & ""c""", (ARRAY['x', 'y<"&', 'true'])[1 + id % 3] AS letter, id % 2 = 0 AS flag
      FROM shop WHERE id <= 30
      UNION ALL VALUES (0, NULL, 1, 'x', true), (0, 1, 1, 'unheard of', true), (0, 1, 1, NULL, true), (0, 1e5, -1e4, 'true', false)) AS r;
SELECT is(count(*) FILTER (WHERE abs(pmml - predicted) <= 1e-12 * (1 + abs(predicted)) OR pmml IS NULL AND predicted IS NULL),
          34::bigint, 'predicts what the model does: ' || what) FROM foretold GROUP BY what ORDER BY what COLLATE "C";
SELECT ok(count(DISTINCT predicted) > 10, 'many different numbers: ' || what) FROM foretold GROUP BY what ORDER BY what COLLATE "C";
SELECT is(count(predicted), CASE WHEN what LIKE 'logistic, %' THEN 33 ELSE 31 END::bigint, 'a hole has no prediction: ' || what)
FROM foretold GROUP BY what ORDER BY what COLLATE "C";
SELECT is((SELECT string_agg(pg_temp.plain(pg_temp.attribute(v, 'value')), '|' ORDER BY o)
           FROM unnest(pg_temp.nodes('//p:DataField[1]/p:Value', pmml)) WITH ORDINALITY AS u(v, o)), "values",
           'values of the target: ' || what)
FROM regressed JOIN (VALUES ('logistic', 'true|false'), ('logistic, of a name', 'y<"&|not y<"&'),
                            ('logistic, of true among others', 'true|false'), ('logistic, of numbers', '1|0'),
                            ('linear', NULL)) AS v(what, "values") USING (what);
SELECT is((SELECT string_agg((xpath('local-name(/*)', n))[1]::text, ' ' ORDER BY o)
           FROM unnest(pg_temp.nodes('//p:RegressionModel/*', pmml)) WITH ORDINALITY AS u(n, o)),
          'MiningSchema Output RegressionTable RegressionTable', 'parts of a regression in the order that PMML demands') FROM regressed
WHERE what = 'logistic';
SELECT is(pg_temp.attribute((pg_temp.nodes('//p:OutputField', pmml))[1], 'name'), 'prediction_', 'a target may be called prediction, too')
FROM regressed WHERE what = 'logistic, of numbers';
INSERT INTO documents SELECT * FROM regressed;
SELECT throws_ok('SELECT model_to_pmml(bgnbd(feature_set(i % 4, CASE WHEN i % 4 > 0 THEN 3 + i % 5 ELSE 0 END, 20 + i % 3))) '
                 'FROM generate_series(1, 60) AS i', '0A000', 'a model of kind "bgnbd" cannot be written as PMML');

-- ---- the document ----
SELECT ok(xml_is_well_formed_document(pmml::text), 'well-formed: ' || what) FROM documents;
SELECT is((SELECT string_agg((xpath('local-name(/*)', n))[1]::text, ' ' ORDER BY o)
           FROM unnest(pg_temp.nodes('//p:ClusteringModel/*', pmml)) WITH ORDINALITY AS u(n, o)),
          'MiningSchema Output LocalTransformations ComparisonMeasure' || repeat(' ClusteringField', 4) || repeat(' Cluster', 4),
          'parts in the order that PMML demands') FROM documents WHERE what = 'zscore';
SELECT is((SELECT string_agg(pg_temp.attribute(c, 'size'), ' ' ORDER BY o)
           FROM unnest(pg_temp.nodes('//p:Cluster', pmml)) WITH ORDINALITY AS u(c, o)),
          (SELECT string_agg(size::text, ' ' ORDER BY segment_id)
           FROM (SELECT DISTINCT segment_id, size FROM centroids(model)) AS s), 'sizes are rows') FROM documents WHERE what = 'zscore';
SELECT is((SELECT count(pg_temp.attribute(c, 'size')) FROM unnest(pg_temp.nodes('//p:Cluster', pmml)) AS c),
          0::bigint, 'but none where weights are no numbers of rows') FROM documents WHERE what = 'weighted rows';
-- no two fields of one name: features, derived ones, outputs
SELECT is(count(*), count(DISTINCT name), 'names of fields are unique: ' || what)
FROM documents, LATERAL (SELECT pg_temp.attribute(n, 'name') AS name
                         FROM unnest(pg_temp.nodes('//p:DataField | //p:DerivedField | //p:OutputField', pmml)) AS n) AS n GROUP BY what;
SELECT throws_ok($$ SELECT model_to_pmml(rename_segment(kmeans(f, 2), 'Segment 1', E'bell \x07'))
                    FROM sets $$, '22021', 'a name or category of the model has the control character 7, which XML cannot express');
SELECT throws_ok('SELECT model_to_pmml(rfm_model(feature_set(1, 2, 3), scheme => ''eleven_names''))', '0A000',
                 'a model of kind "rfm" cannot be written as PMML');
SELECT throws_ok('SELECT model_to_pmml(gaussian_mixture(f, 2)) FROM sets', '0A000',
                 'a model of kind "gaussian_mixture" cannot be written as PMML');
SELECT is((SELECT string_agg((xpath('local-name(/*)', n))[1]::text, ' ' ORDER BY o)
           FROM unnest(pg_temp.nodes('//p:TreeModel/*', pmml)) WITH ORDINALITY AS u(n, o)),
          'MiningSchema Output LocalTransformations Node', 'and those of a tree') FROM documents WHERE what = 'hierarchy';
SELECT is((SELECT string_agg(pg_temp.attribute(n, 'recordCount'), ' ' ORDER BY pg_temp.attribute(n, 'score'))
           FROM unnest(pg_temp.nodes('//p:Node[@score]', pmml)) AS n),
          (SELECT string_agg(size::text, ' ' ORDER BY segment_id) FROM (SELECT DISTINCT segment_id, size FROM centroids(model)) AS s),
          'leaves have the sizes of segments') FROM documents WHERE what = 'hierarchy';
SELECT is(model_to_pmml(NULL)::text, NULL, 'no model, no document');

\getenv xsd SEGMENT_TEST_PMML_XSD
\if :{?xsd}
SELECT lives_ok(format('COPY (SELECT replace(pmml::text, E''\n'', '' '') FROM documents WHERE what = %L) TO PROGRAM %L',
                       what, 'xmllint --noout --schema ' || quote_literal(:'xsd') || ' -'), 'valid: ' || what) FROM documents;
\else
SELECT skip('SEGMENT_TEST_PMML_XSD names no schema to validate against', 1);
\endif
\else
SELECT skip('the server was built without libxml', 1);
\endif

SELECT * FROM finish();
ROLLBACK;
