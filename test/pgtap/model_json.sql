--
-- docs/segment_model.schema.json against real models, and models that break it in one place, which the
-- type has to refuse, too.
--
-- The validator knows the words the schema uses, and refuses any other.
--
\ir ../lib/pgtap_begin.psql

\set schema `cat docs/segment_model.schema.json`
CREATE TEMP TABLE description (schema jsonb) ON COMMIT DROP;
INSERT INTO description VALUES (:'schema');

-- Where and why a value does not fit a schema; NULL: it fits.
CREATE FUNCTION pg_temp.misfit(document jsonb, schema jsonb, place text DEFAULT '$') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    root jsonb := (SELECT d.schema FROM description AS d);
    word text;
    what jsonb;
    problem text;
    kind text := jsonb_typeof(document);
BEGIN
    FOR word, what IN SELECT * FROM jsonb_each(schema) LOOP
        problem := CASE word
            WHEN '$schema' THEN NULL
            WHEN '$defs' THEN NULL
            WHEN 'title' THEN NULL
            WHEN 'description' THEN NULL
            WHEN '$ref' THEN pg_temp.misfit(document, root #> string_to_array(substr(what #>> '{}', 3), '/'), place)
            WHEN 'type' THEN CASE WHEN NOT (kind = what #>> '{}' OR kind = 'number' AND what #>> '{}' = 'integer'
                                            AND (document #>> '{}')::numeric % 1 = 0) THEN format('%s is no %s', kind, what #>> '{}') END
            WHEN 'const' THEN CASE WHEN document <> what THEN format('expected %s', what) END
            WHEN 'enum' THEN CASE WHEN NOT what @> jsonb_build_array(document) THEN format('expected one of %s', what) END
            WHEN 'minimum' THEN CASE WHEN kind = 'number' AND (document #>> '{}')::numeric < (what #>> '{}')::numeric THEN 'too small' END
            WHEN 'maximum' THEN CASE WHEN kind = 'number' AND (document #>> '{}')::numeric > (what #>> '{}')::numeric THEN 'too large' END
            WHEN 'minLength' THEN CASE WHEN kind = 'string' AND length(document #>> '{}') < (what #>> '{}')::integer THEN 'too short' END
            WHEN 'minItems' THEN CASE WHEN kind = 'array' AND jsonb_array_length(document) < (what #>> '{}')::integer THEN 'too few' END
            WHEN 'maxItems' THEN CASE WHEN kind = 'array' AND jsonb_array_length(document) > (what #>> '{}')::integer THEN 'too many' END
            WHEN 'required' THEN (SELECT min(format('%s is missing', key)) FROM jsonb_array_elements_text(what) AS key
                                  WHERE kind = 'object' AND NOT document ? key)
            WHEN 'additionalProperties' THEN (SELECT min(format('%s is not known', key))
                                              FROM jsonb_object_keys(CASE kind WHEN 'object' THEN document ELSE '{}' END) AS key
                                              WHERE what = 'false' AND NOT schema -> 'properties' ? key)
            WHEN 'properties' THEN (SELECT min(pg_temp.misfit(document -> key, described, place || '.' || key))
                                    FROM jsonb_each(what) AS p(key, described) WHERE kind = 'object' AND document ? key)
            WHEN 'items'
                THEN (SELECT min(pg_temp.misfit(element, what, format('%s[%s]', place, i - 1)))
                      FROM jsonb_array_elements(CASE kind WHEN 'array' THEN document ELSE '[]' END) WITH ORDINALITY AS e(element, i))
            WHEN 'anyOf' THEN (SELECT CASE WHEN count(*) = count(m) THEN string_agg(m, ' and ') END
                               FROM (SELECT pg_temp.misfit(document, s, place) AS m FROM jsonb_array_elements(what) AS s) AS a)
            WHEN 'oneOf' THEN (SELECT CASE WHEN count(*) - count(m) <> 1 THEN coalesce(string_agg(m, ' and '), 'fits several') END
                               FROM (SELECT pg_temp.misfit(document, s, place) AS m FROM jsonb_array_elements(what) AS s) AS a)
            ELSE format('the validator does not know "%s"', word) END;
        IF problem IS NOT NULL THEN
            RETURN CASE WHEN problem LIKE '$%' THEN problem ELSE place || ': ' || problem END;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- ---- every model fits ----
CREATE TEMP TABLE bought ON COMMIT DROP AS
SELECT i * 5 % 7 * (i % 3) / 2 AS x, CASE WHEN i * 5 % 7 * (i % 3) / 2 > 0 THEN 12 + i % 9 ELSE 0 END AS t_x, 24 + i % 3 AS t
FROM generate_series(1, 300) AS i;
CREATE TEMP TABLE models ON COMMIT DROP AS
SELECT what, model
FROM (SELECT feature_set(x) AS f,
             (SELECT feature_set(y)
              FROM (SELECT i * 7 % 31 AS recency, (ARRAY['web', 'shop', 'ph"one'])[i % 3 + 1] AS channel, i % 4 = 0 AS letters
                    FROM generate_series(1, 200) AS i) AS y) AS mixed, feature_set(x.recency, x.frequency, x.monetary) AS three,
             feature_set(x.recency, x.monetary * 1e200) AS huge, feature_set_weighted(0.5, x.recency) AS half, feature_set(1, 1,
             1) AS equal,
             (SELECT feature_set(h) FROM bought AS h) AS bought,
             (SELECT feature_set(x, 3 + t_x * 7 % 11) FROM bought WHERE x > 0) AS spent,
             (SELECT feature_set(least(x, 1), t_x, t + i) FROM bought, generate_series(1, 2) AS i) AS rare
      FROM (SELECT i * 7 % 31 AS recency, i % 5 AS frequency, i * 1.5e3 AS monetary, NULLIF(i % 6, 0) AS hole
            FROM generate_series(1, 200) AS i) AS x) AS s,
LATERAL (VALUES
    ('kmeans', kmeans(f, 4)), ('kmeans minmax', kmeans(f, 4, scale => 'minmax', nulls => 'mean')),
    ('kmeans log', kmeans(f, 2, log => '{monetary}', winsorize => '0.1', weights => '{"hole": 2}')),
    ('kmeans cosine', kmeans(f, 3, metric => 'cosine', seed => -9007199254740992)),
    ('kmeans huge', kmeans(huge, 3, scale => 'none')), ('kmeans weighted', kmeans(half, 1)),
    ('kmeans robust, renamed', rename_segment(kmeans(f, 3, scale => 'robust', max_iter => 1), 'Segment 1', 'Ünïcode "name"')),
    ('rfm', rfm_model(three)),
    ('rfm infinite', rfm_model(three, 3, 'thresholds', '{"recency": [1, "Infinity"], "frequency": ["-Infinity", 2], "monetary": [1, 2]}')),
    ('rfm r_rfm', rfm_model(three, cuts => 'r_rfm')), ('rfm natural_breaks', rfm_model(three, 7, 'natural_breaks')),
    ('rfm klaviyo', rename_segment(rfm_model(three, scheme => 'klaviyo'), 'Champions', 'Best')),
    ('rfm of equal rows', rfm_model(equal, 5)),
    ('bisecting_kmeans', bisecting_kmeans(f, 5)), ('bisecting_kmeans of one', bisecting_kmeans(f, 1)),
    ('bisecting_kmeans cosine', rename_segment(bisecting_kmeans(f, 4, metric => 'cosine'), 'Segment 2', 'Second')),
    ('bisecting_kmeans cut', cut_model(bisecting_kmeans(f, 6, log => '{monetary}', winsorize => '0.1', weights => '{"hole": 2}'), 3)),
    ('kprototypes', kprototypes(mixed, 4)),
    ('kprototypes mean', kprototypes(mixed, 3, nulls => 'mean', weights => '{"channel": 2, "recency": 0.5}', gamma => 0)),
    ('kprototypes of numbers',
     rename_segment(kprototypes(f, 3, scale => 'robust', log => '{monetary}', winsorize => '0.1'), 'Segment 3', 'Third')),
    ('gaussian_mixture', gaussian_mixture(f, 3)), ('gaussian_mixture tied', gaussian_mixture(f, 3, 'tied')),
    ('gaussian_mixture diag', rename_segment(gaussian_mixture(f, 3, 'diag', log => '{monetary}', winsorize => '0.1',
                                                              weights => '{"hole": 2}'), 'Segment 3', 'Third')),
    ('gaussian_mixture spherical', gaussian_mixture(half, 2, 'spherical')),
    ('gaussian_mixture collapsed', gaussian_mixture(equal, 1)),
    ('rule_tree', (SELECT rule_tree(feature_set(y), 4, 2) FROM (SELECT i % 3 = 0 AS label, i * 7 % 31 AS recency, nullif(i % 6, 0) AS hole,
                                                                (ARRAY['web', 'shop', 'ph"one'])[i % 3 + 1] AS channel
                                                                FROM generate_series(1, 200) AS i WHERE i % 12 <> 5) AS y)),
    ('customer_value', (SELECT rename_segment(customer_value(feature_set(i % 4, i % 4 * (5 + i % 7), 60 + i, 10 + i), 90),
                                              'A active', 'Best') FROM generate_series(1, 60) AS i)),
    ('customer_value deciles', (SELECT customer_value(feature_set(i % 4, i % 4 * (5 + i % 7), 60 + i, 10 + i), 90, 'deciles',
                                                      bands => '{}', buying => 'pareto_nbd') FROM generate_series(1, 60) AS i)),
    ('rule_tree of numbers', rename_segment(rule_tree(f, 3, 1), '0', 'None')),
    ('linear_regression', linear_regression(f)), ('linear_regression robust', linear_regression(mixed, errors => 'HC3')),
    ('linear_regression ridge', linear_regression(mixed, penalty => 0.5, intercept => false, baseline => '{"channel": "web"}')),
    ('linear_regression left out',
     (SELECT linear_regression(feature_set(i % 7, i, 2 * i, 5)) FROM generate_series(1, 50) AS i)),
    ('logistic_regression', logistic_regression(mixed, 'letters')),
    ('logistic_regression of several',
     logistic_regression(mixed, 'channel', positive => 'ph"one', penalty => 0.1, l1_share => 0.5, standardize => false)),
    ('logistic_regression of numbers', (SELECT logistic_regression(feature_set_weighted(i % 3 + 0.5, i * 7 % 11 / 6, i * 5 % 13))
                                        FROM generate_series(1, 200) AS i)),
    ('bgnbd', bgnbd(bought, 52)), ('mbgnbd', mbgnbd(bought)), ('pareto_nbd', pareto_nbd(bought, 0.5)), ('bgbb', bgbb(bought, 12)),
    ('gamma_gamma', gamma_gamma(spent)),
    ('linear_regression clustered', linear_regression(mixed, cluster => 'channel')),
    ('logistic_regression clustered', (SELECT logistic_regression(feature_set(t), cluster => 'c')
                                       FROM (SELECT i * 7 % 11 > 5 AS y, i * 5 % 13 AS x, i % 9 AS c
                                             FROM generate_series(1, 200) AS i) AS t)),
    ('bgnbd without errors', bgnbd(rare))) AS m(what, model);
SELECT is(pg_temp.misfit(model::jsonb, schema), NULL, 'fits: ' || what) FROM models, description;
SELECT is((SELECT count(*) FROM models), 44::bigint, 'forty-four models');

-- ---- what is broken in one place does not fit, and is no model ----
CREATE TEMP TABLE broken ON COMMIT DROP AS
SELECT m.what, path, value, CASE WHEN value IS NULL THEN m.model::jsonb #- path ELSE jsonb_set(m.model::jsonb, path, value) END AS document
FROM models AS m JOIN (VALUES
    ('kmeans', '{format}'::text[], '2'::jsonb), ('kmeans', '{format}', NULL), ('kmeans', '{kind}', '"kmedoids"'),
    ('kmeans', '{kind}', '"rfm"'), ('kmeans', '{n_input}', '-1'), ('kmeans', '{n_used}', '1.5'), ('kmeans', '{n_skipped}', '"0"'),
    ('kmeans', '{n_unsampled}', NULL), ('kmeans', '{scale}', '"z"'), ('kmeans', '{metric}', '1'), ('kmeans', '{nulls}', '"drop"'),
    ('kmeans', '{unit}', '0'), ('kmeans', '{seed}', '0.5'), ('kmeans', '{n_init}', '-1'), ('kmeans', '{iterations}', NULL),
    ('kmeans', '{converged}', '"yes"'), ('kmeans', '{total}', '-1'), ('kmeans', '{extra}', '1'), ('kmeans', '{features}', '{}'),
    ('kmeans', '{features}', '[]'), ('kmeans', '{features,0,name}', '5'), ('kmeans', '{features,0,spread}', '0'),
    ('kmeans', '{features,0,center}', '"Infinity"'), ('kmeans', '{features,0,fill}', NULL), ('kmeans', '{features,0,log}', 'false'),
    ('kmeans', '{features,0,lower}', '"low"'), ('kmeans', '{features,0,weight}', '-2'), ('kmeans', '{features,0,deviation}', '-1'),
    ('kmeans', '{features,0,colour}', '"red"'), ('kmeans', '{clusters,0,size}', '-1'), ('kmeans', '{clusters,0,inertia}', 'null'),
    ('kmeans', '{clusters,0,center,0}', '1e200'), ('kmeans', '{clusters,0,center}', NULL), ('kmeans', '{clusters}', '[]'),
    ('kmeans', '{segments,0,id}', '0'), ('kmeans', '{segments,0,name}', '""'),
    ('kmeans', '{segments,0,name}', NULL), ('kmeans', '{segments,0,origin}', '7'), ('kmeans', '{segments}', '[]'),
    ('customer_value', '{horizon}', '-1'), ('customer_value', '{step}', '0'), ('customer_value', '{tiers,by}', '"luck"'),
    ('customer_value', '{tiers,names}', '[]'), ('customer_value', '{tiers,cuts,0}', '"high"'), ('customer_value', '{bands,cuts,0}', '2'),
    ('customer_value', '{buying,kind}', '"bgbb"'), ('customer_value', '{buying,steps}', '-1'), ('customer_value', '{spending,kind}', '"x"'),
    ('customer_value', '{spending}', NULL), ('customer_value', '{sizes,0}', '-1'), ('customer_value', '{luck}', '1'),
    ('rfm', '{method}', '1'), ('rfm', '{scheme}', NULL), ('rfm', '{bins}', '1'), ('rfm', '{bins}', '11'), ('rfm', '{lowest_score}', '2'),
    ('rfm', '{features,2}', NULL), ('rfm', '{features,0,name}', '"newness"'), ('rfm', '{features,0,closed}', '"both"'),
    ('rfm', '{features,0,min}', '"low"'), ('rfm', '{features,0,cuts,0}', 'null'),
    ('rfm', '{features,0,counts,0}', '-1'), ('rfm', '{features,0,counts}', NULL), ('rfm', '{no_orders}', '0'),
    ('rfm', '{cells,0}', '0.5'), ('rfm', '{cells}', '{}'), ('rfm', '{total}', '1'))
    AS b(what, path, value) USING (what)
UNION ALL
SELECT m.what, path, value, CASE WHEN value IS NULL THEN m.model::jsonb #- path ELSE jsonb_set(m.model::jsonb, path, value) END
FROM models AS m JOIN (VALUES
    ('bisecting_kmeans', '{kind}'::text[], '"kmeans"'::jsonb), ('bisecting_kmeans', '{splits}', NULL),
    ('bisecting_kmeans', '{splits}', '{}'), ('bisecting_kmeans', '{splits,0,size}', '-1'),
    ('bisecting_kmeans', '{splits,0,inertia}', '"much"'),
    ('bisecting_kmeans', '{splits,0,center}', '5'), ('bisecting_kmeans', '{splits,0,center,1}', '"x"'),
    ('bisecting_kmeans', '{splits,0,center,0}', '-1e102'), ('bisecting_kmeans', '{splits,0,iterations}', '-1'),
    ('bisecting_kmeans', '{splits,0,converged}', '1'),
    ('bisecting_kmeans', '{splits,0,children,1}', NULL), ('bisecting_kmeans', '{splits,0,children,0}', '{}'),
    ('bisecting_kmeans', '{splits,0,children,0}', '{"split": 2, "segment": 1}'),
    ('bisecting_kmeans', '{splits,0,children,0}', '{"split": 1}'),
    ('bisecting_kmeans', '{splits,3,children,0}', '{"segment": 0}'), ('bisecting_kmeans', '{splits,0,children,0}', '{"leaf": 1}'),
    ('bisecting_kmeans', '{splits,0,name}', '"a"'), ('bisecting_kmeans', '{gamma}', '1'),
    ('rule_tree', '{label}', '1'), ('rule_tree', '{max_depth}', '21'), ('rule_tree', '{min_leaf}', '0'), ('rule_tree', '{features}', '[]'),
    ('rule_tree', '{features,0,name}', 'null'), ('rule_tree', '{features,2,categories}', '[]'), ('rule_tree', '{nodes}', '[]'),
    ('rule_tree', '{nodes,0,feature}', '0'), ('rule_tree', '{nodes,0,missing}', '1'), ('rule_tree', '{nodes,0,missing}', NULL),
    ('rule_tree', '{nodes,0}', '{"counts": [-1, 1]}'), ('rule_tree', '{nodes,0,left}', '1'), ('rule_tree', '{nodes}', NULL),
    ('kprototypes', '{kind}', '"kmodes"'), ('kprototypes', '{gamma}', '-0.5'), ('kprototypes', '{gamma}', NULL),
    ('kprototypes', '{gamma}', '1e101'), ('kprototypes', '{metric}', '"cosine"'),
    ('kprototypes', '{total}', '-1'), ('kprototypes', '{features,1,fill}', '3'),
    ('kprototypes', '{features,1,fill}', NULL), ('kprototypes', '{features,1,categories}', '[]'),
    ('kprototypes', '{features,1,categories,0}', '1'), ('kprototypes', '{features,1,categories}', NULL),
    ('kprototypes', '{features,1,center}', '0'), ('kprototypes', '{features,1,weight}', '0'),
    ('kprototypes', '{features,0,categories}', '["a"]'), ('kprototypes', '{features,1,name}', 'null'),
    ('kprototypes', '{clusters,0,cost}', '-1'), ('kprototypes', '{clusters,0,cost}', NULL), ('kprototypes', '{clusters,0,inertia}', '1'),
    ('kprototypes', '{clusters,0,center,0}', '1e101'), ('kprototypes', '{clusters,0,modes,0}', '1'),
    ('kprototypes', '{clusters,0,modes}', NULL), ('kprototypes', '{clusters,1,size}', '"Infinity"'), ('kprototypes', '{splits}', '[]'),
    ('gaussian_mixture', '{kind}', '"gmm"'), ('gaussian_mixture', '{covariance}', '"round"'),
    ('gaussian_mixture', '{covariance}', NULL), ('gaussian_mixture', '{metric}', '"cosine"'),
    ('gaussian_mixture', '{collapsed}', '-1'), ('gaussian_mixture', '{log_likelihood}', '"Infinity"'),
    ('gaussian_mixture', '{log_likelihood}', NULL), ('gaussian_mixture', '{components}', '[]'),
    ('gaussian_mixture', '{components}', NULL), ('gaussian_mixture', '{components,0,weight}', '1.5'),
    ('gaussian_mixture', '{components,0,weight}', '-0.1'), ('gaussian_mixture', '{components,0,size}', '-1'),
    ('gaussian_mixture', '{components,0,center,0}', 'null'),
    ('gaussian_mixture', '{components,0,center}', NULL), ('gaussian_mixture', '{components,0,covariance}', '[]'),
    ('gaussian_mixture', '{components,0,covariance,0}', '"wide"'), ('gaussian_mixture', '{components,0,mean}', '1'),
    ('gaussian_mixture', '{clusters}', '[]'), ('gaussian_mixture', '{total}', '1'), ('gaussian_mixture', '{converged}', 'null'),
    ('gaussian_mixture tied', '{shared}', '[]'), ('gaussian_mixture tied', '{shared,0}', '"x"'), ('gaussian_mixture tied', '{shared}', '7'))
    AS b(what, path, value) USING (what);
INSERT INTO broken
SELECT m.what, path, value, CASE WHEN value IS NULL THEN m.model::jsonb #- path ELSE jsonb_set(m.model::jsonb, path, value) END
FROM models AS m JOIN (VALUES
    ('linear_regression'::text, '{kind}'::text[], '"line"'::jsonb), ('linear_regression', '{kind}', '"kmeans"'),
    ('linear_regression', '{positive}', 'null'), ('linear_regression', '{target}', NULL), ('linear_regression', '{target}', 'null'),
    ('linear_regression', '{weighted}', '0'), ('linear_regression', '{penalty}', '-1'), ('linear_regression', '{penalty}', '"Infinity"'),
    ('linear_regression', '{l1_share}', '1.5'), ('linear_regression', '{l1_share}', 'null'), ('linear_regression', '{standardize}', '1'),
    ('linear_regression', '{errors}', '"best"'), ('linear_regression', '{max_iterations}', '0'),
    ('linear_regression', '{max_iterations}', '2147483648'), ('linear_regression', '{deviance}', '-1'),
    ('linear_regression', '{deviance}', 'null'), ('linear_regression', '{null_deviance}', NULL), ('linear_regression', '{rank}', '-1'),
    ('linear_regression', '{rank}', '0.5'), ('linear_regression', '{iterations}', '0'), ('linear_regression', '{intercept}', '1'),
    ('linear_regression', '{intercept}', '{}'), ('linear_regression', '{intercept,coefficient}', '"Infinity"'),
    ('linear_regression', '{intercept,error}', '-1'), ('linear_regression', '{intercept,p}', '1'), ('linear_regression', '{features}',
    '[]'),
    ('linear_regression', '{features}', 'null'), ('linear_regression', '{features,0}', '1'),
    ('linear_regression', '{features,0,name}', 'null'), ('linear_regression', '{features,0,coefficient}', NULL),
    ('linear_regression', '{features,0,coefficient}', '"NaN"'), ('linear_regression', '{features,0,error}', '"-Infinity"'),
    ('linear_regression', '{features,0,baseline}', '"a"'), ('linear_regression', '{segments}', '[]'), ('linear_regression', '{n_used}',
    '-1'),
    ('logistic_regression', '{positive}', NULL), ('logistic_regression', '{positive}', '1'), ('logistic_regression', '{kind}', '"logit"'),
    ('logistic_regression', '{features,1,categories}', '[]'), ('logistic_regression', '{features,1,categories,0}', '1'),
    ('logistic_regression', '{features,1,baseline}', '2'), ('logistic_regression', '{features,1,baseline}', NULL),
    ('logistic_regression', '{features,1,coefficients}', '[]'), ('logistic_regression', '{features,1,coefficients}', NULL),
    ('logistic_regression', '{features,1,coefficients,1}', '"x"'), ('logistic_regression', '{features,1,errors,1}', '-0.1'),
    ('logistic_regression', '{features,1,errors}', '{}'), ('logistic_regression', '{features,1,coefficient}', '1'),
    ('bgnbd', '{kind}', '"bg"'), ('bgnbd', '{kind}', '"pareto_nbd"'), ('bgnbd', '{parameters}', NULL), ('bgnbd', '{parameters}', '[]'),
    ('bgnbd', '{parameters,r}', '0'), ('bgnbd', '{parameters,r}', '-1'), ('bgnbd', '{parameters,alpha}', '1e31'),
    ('bgnbd', '{parameters,a}', '1e-7'), ('bgnbd', '{parameters,b}', NULL), ('bgnbd', '{parameters,b}', 'null'),
    ('bgnbd', '{parameters,s}', '1'), ('bgnbd', '{standard_errors,r}', '-1'), ('bgnbd', '{standard_errors,r}', '"Infinity"'),
    ('bgnbd', '{standard_errors,r}', NULL), ('bgnbd', '{standard_errors,s}', 'null'), ('bgnbd', '{log_likelihood}', '"-Infinity"'),
    ('bgnbd', '{log_likelihood}', 'null'), ('bgnbd', '{steps}', '-1'), ('bgnbd', '{steps}', '0.5'), ('bgnbd', '{converged}', 'null'),
    ('bgnbd', '{horizon}', '-1'), ('bgnbd', '{horizon}', '1e10'), ('bgnbd', '{horizon}', 'null'), ('bgnbd', '{horizon}', NULL),
    ('bgnbd', '{segments}', '[]'), ('bgnbd', '{extra}', '1'), ('mbgnbd', '{horizon}', '"long"'), ('mbgnbd', '{parameters,a}', 'true'),
    ('mbgnbd', '{parameters,b}', '1000001'),
    ('pareto_nbd', '{parameters,beta}', '0'), ('pareto_nbd', '{parameters,a}', '1'), ('pareto_nbd', '{n_unsampled}', NULL),
    ('bgbb', '{horizon}', '1.5'), ('bgbb', '{horizon}', '100001'), ('bgbb', '{parameters,gamma}', NULL), ('bgbb', '{parameters,r}', '1'),
    ('gamma_gamma', '{horizon}', '1'), ('gamma_gamma', '{horizon}', NULL), ('gamma_gamma', '{parameters,gamma}', '"x"'),
    ('gamma_gamma', '{parameters,delta}', '1'), ('gamma_gamma', '{standard_errors}', 'null')) AS b(what, path, value) USING (what);
SELECT isnt(pg_temp.misfit(document, schema), NULL,
            format('%s, %s: does not fit', what, array_to_string(path, '.') || coalesce(' = ' || value::text, '')))
FROM broken, description;
SELECT throws_ok(format('SELECT %L::segment_model', document), NULL, NULL,
                 format('%s, %s: is no model', what, array_to_string(path, '.') || coalesce(' = ' || value::text, ''))) FROM broken;
SELECT is((SELECT count(*) FROM broken), 233::bigint, 'two hundred and thirty-three ways to break one');
-- what the schema cannot say, the type refuses alone
SELECT throws_ok(format('SELECT %L::segment_model', jsonb_set(model::jsonb, path, value)), '22P02', message, message)
FROM models JOIN (VALUES
    ('linear_regression'::text, '{features,1,name}'::text[], '"recency"'::jsonb,
     'invalid segment_model, "features", element 2: the target "recency" is a feature, too'),
    ('linear_regression left out', '{features,1,name}', '"f2"',
     'invalid segment_model, "features", element 2: two features are named "f2"'),
    ('linear_regression', '{rank}', '5', 'invalid segment_model, "rank": expected a number from 0 to 4, got 5'),
    ('linear_regression', '{iterations}', '51', 'invalid segment_model, "iterations": expected a number from 1 to 50, got 51'),
    ('logistic_regression', '{features,1,baseline}', '"fax"',
     'invalid segment_model, "features", element 2, "baseline": "fax" is no category of the feature'),
    ('logistic_regression', '{features,1,coefficients}', '[0]',
     'invalid segment_model, "features", element 2, "coefficients": expected 3 coefficients, got 1'),
    ('logistic_regression', '{features,1,coefficients,0}', '1',
     'invalid segment_model, "features", element 2, "coefficients": the coefficient of the baseline is not 0'),
    ('logistic_regression', '{features,1,categories}', '["shop", "ph\"one", "web"]',
     'invalid segment_model, "features", element 2, "categories": the categories do not ascend')) AS b(what, path, value, message)
    USING (what);
SELECT throws_ok(format('SELECT %L::segment_model',
                        jsonb_set(model::jsonb, '{features}', (SELECT jsonb_agg(jsonb_build_object('name', n::text, 'coefficient', 0,
                        'error', 0))
                                                               FROM generate_series(1, 2001) AS n))), '22P02',
                 'invalid segment_model, "features": expected 1 to 2000 features, got 2001', 'too many features')
FROM models WHERE what = 'linear_regression';
-- the messages of the validator lead to the place
SELECT is(pg_temp.misfit(document, schema -> '$defs' -> 'kmeans'), '$.clusters[0].center[0]: too large', 'a misfit has a place')
FROM broken, description WHERE what = 'kmeans' AND path = '{clusters,0,center,0}';

-- ---- every kind there is has a description, a model here and a place on the page ----
CREATE FUNCTION pg_temp.kinds() RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM '{"format": 1, "kind": "?"}'::segment_model;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN string_to_array(substring(SQLERRM FROM 'expected one of (.*)$'), ', ');
END $$;
SELECT cmp_ok(cardinality(pg_temp.kinds()), '>=', 13, 'the type says which kinds there are');
SELECT is((SELECT array_agg(substr(one ->> '$ref', 9) ORDER BY substr(one ->> '$ref', 9) COLLATE "C")
           FROM description, jsonb_array_elements(schema -> 'oneOf') AS one),
          (SELECT array_agg(kind ORDER BY kind COLLATE "C") FROM unnest(pg_temp.kinds()) AS kind), 'the schema has them all');
SELECT ok(EXISTS (SELECT FROM models WHERE model::jsonb ->> 'kind' = kind), 'there is a model here: ' || kind)
FROM unnest(pg_temp.kinds()) AS kind;

-- ---- no member goes without a description, and none is described that no model has ----
CREATE FUNCTION pg_temp.members(value jsonb, path text) RETURNS SETOF text LANGUAGE sql AS $$
    WITH RECURSIVE member(value, path) AS (
        SELECT value, path
        UNION ALL
        SELECT m.value, m.path FROM member AS p, LATERAL (
            SELECT e.value, p.path || '.' || e.key AS path
            FROM jsonb_each(CASE jsonb_typeof(p.value) WHEN 'object' THEN p.value ELSE '{}' END) AS e
            UNION ALL SELECT e.value, p.path || '[]'
            FROM jsonb_array_elements(CASE jsonb_typeof(p.value) WHEN 'array' THEN p.value ELSE '[]' END) AS e) AS m)
    SELECT DISTINCT path FROM member WHERE path NOT LIKE '%]' AND path LIKE '%.%';
$$;
CREATE FUNCTION pg_temp.described(part jsonb, path text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    root jsonb := (SELECT d.schema FROM description AS d);
    name text;
    child jsonb;
BEGIN
    IF part ? '$ref' THEN
        RETURN QUERY SELECT pg_temp.described(root #> string_to_array(substr(part ->> '$ref', 3), '/'), path);
    END IF;
    IF part ? 'anyOf' THEN
        RETURN QUERY SELECT d FROM jsonb_array_elements(part -> 'anyOf') AS a, pg_temp.described(a, path) AS d;
    END IF;
    IF part ? 'items' THEN
        RETURN QUERY SELECT pg_temp.described(part -> 'items', path || '[]');
    END IF;
    FOR name, child IN SELECT * FROM jsonb_each(coalesce(part -> 'properties', '{}')) LOOP
        RETURN NEXT path || '.' || name;
        RETURN QUERY SELECT pg_temp.described(child, path || '.' || name);
    END LOOP;
END $$;
SELECT is((SELECT array_agg(DISTINCT m COLLATE "C" ORDER BY m COLLATE "C")
           FROM models, pg_temp.members(model::jsonb, model::jsonb ->> 'kind') AS m),
          (SELECT array_agg(DISTINCT m COLLATE "C" ORDER BY m COLLATE "C")
           FROM description, unnest(pg_temp.kinds()) AS kind,
                pg_temp.described(schema -> '$defs' -> kind, kind) AS m), 'members of models are those described');
-- the page names them all
\set page `cat docs/model_json.md`
SELECT ok(position('`"' || kind || '"`' IN :'page') > 0, 'docs/model_json.md has the kind ' || kind) FROM unnest(pg_temp.kinds()) AS kind;
SELECT is((SELECT array_agg(DISTINCT name)
           FROM description, unnest(pg_temp.kinds()) AS kind,
                pg_temp.described(schema -> '$defs' -> kind, kind) AS m, regexp_replace(m, '.*\.', '') AS name
           WHERE position('`' || name || '`' IN :'page') = 0 AND :'page' !~ ('`[a-z\[\].]*\.?' || name || '`')),
          NULL, 'and docs/model_json.md has all of them');

SELECT * FROM finish();
ROLLBACK;
