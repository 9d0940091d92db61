--
-- Schemes: which scores make which segment.
--
-- The shipped schemes are compared, cell by cell, with the published lists as
-- they are written down here once more.
--
SET search_path = public, segment;
-- of schemes with tenure, that they were given none: see model_rfm_tenure
SET client_min_messages = warning;

\set ECHO none
\i test/lib/error_of.psql
\set ECHO all

CREATE FUNCTION pg_temp.model_of(scheme text, bins integer DEFAULT NULL) RETURNS segment_model
RETURN (SELECT rfm_model(feature_set(i, i, i), bins, scheme => scheme) FROM generate_series(1, 100) AS i);

-- (scheme, code, segment) as our models have it
CREATE TEMP VIEW ours AS
SELECT s.name AS scheme, code, g.segment
FROM rfm_scheme AS s, segments(pg_temp.model_of(s.name)) AS g, unnest(g.codes) AS code
WHERE s.shipped;

CREATE TEMP VIEW cell AS
SELECT r::text || f || m AS code, r, f, m, (f + m) / 2.0 AS fm
FROM generate_series(0, 5) AS r, generate_series(0, 5) AS f, generate_series(0, 5) AS m;

-- Lists of codes
CREATE TEMP TABLE published (scheme text, code text, segment text);
INSERT INTO published
SELECT scheme, code, trim(split_part(line, ':', 1))
FROM (VALUES
('eleven_names', 'Champions: 555 554 544 545 454 455 445
Loyal: 543 444 435 355 354 345 344 335
Potential Loyalist: 553 551 552 541 542 533 532 531 452 451 442 441 431 453 433 432 423 353 352 351 342 341 333 323
New: 512 511 422 421 412 411 311
Promising: 525 524 523 522 521 515 514 513 425 424 413 414 415 315 314 313
Need Attention: 535 534 443 434 343 334 325 324
About To Sleep: 331 321 312 221 213
At Risk: 255 254 245 244 253 252 243 242 235 234 225 224 153 152 145 143 142 135 134 133 125 124
Can''t Lose: 155 154 144 214 215 115 114 113
Hibernating: 332 322 231 241 251 233 232 223 222 132 123 122 212 211
Lost: 111 112 121 131 141 151'),
('klaviyo', 'Champions: 333 332 323
Loyal: 321 322 331 232 233
Recent: 312 313 311 222 223
Needs Attention: 213 221 123 132 133
At Risk: 231 212 122 131 211
Inactive: 111 112 113 121')) AS list (scheme, lines),
regexp_split_to_table(lines, E'\n') AS line,
regexp_split_to_table(trim(split_part(line, ':', 2)), ' +') AS code;

-- Lists of ranges, first match
INSERT INTO published
SELECT 'rf_grid', code,
       CASE WHEN r <= 2 AND f <= 2 THEN 'Hibernating'
            WHEN r <= 2 AND f <= 4 THEN 'At Risk'
            WHEN r <= 2 THEN 'Can''t Lose'
            WHEN r = 3 AND f <= 2 THEN 'About To Sleep'
            WHEN r = 3 AND f = 3 THEN 'Need Attention'
            WHEN r <= 4 AND f >= 4 THEN 'Loyal'
            WHEN r = 4 AND f = 1 THEN 'Promising'
            WHEN r = 5 AND f = 1 THEN 'New'
            WHEN r >= 4 AND f <= 3 THEN 'Potential Loyalists'
            ELSE 'Champions' END
FROM cell WHERE r > 0 AND f > 0 AND m > 0;
INSERT INTO published
SELECT 'r_rfm', code,
       CASE WHEN code = '555' THEN 'Champions'
            WHEN r >= 3 AND f >= 3 AND m >= 2 THEN 'Potential Loyalist'
            WHEN r BETWEEN 2 AND 4 AND f BETWEEN 2 AND 4 AND m BETWEEN 2 AND 4 THEN 'Loyal Customers'
            WHEN r BETWEEN 3 AND 4 AND f <= 3 AND m >= 3 THEN 'Promising'
            WHEN r >= 4 AND f <= 3 THEN 'New Customers'
            WHEN r <= 2 AND f BETWEEN 3 AND 4 AND m >= 4 THEN 'Can''t Lose Them'
            WHEN r <= 2 AND f >= 2 AND m >= 4 THEN 'At Risk'
            WHEN r <= 3 AND f >= 3 AND m >= 3 THEN 'Need Attention'
            WHEN r BETWEEN 2 AND 3 AND f <= 3 AND m <= 4 THEN 'About To Sleep'
            WHEN r = 1 THEN 'Lost'
            ELSE 'Others' END
FROM cell WHERE r > 0 AND f > 0 AND m > 0;
INSERT INTO published
SELECT 'braze', code,
       CASE WHEN r = 3 AND f >= 2 AND m >= 2 THEN 'Champions'
            WHEN r >= 2 AND f >= 2 AND m >= 1 THEN 'Loyal'
            WHEN r = 3 AND f >= 1 AND m >= 1 THEN 'Potential'
            WHEN r = 3 AND m >= 1 THEN 'Promising'
            WHEN r = 3 THEN 'New'
            WHEN r = 2 THEN 'Needing Attention'
            WHEN f >= 2 AND m >= 2 THEN 'Cannot Lose'
            WHEN f >= 1 AND m >= 1 THEN 'At Risk'
            WHEN r = 1 THEN 'About to Sleep'
            WHEN f <= 2 THEN 'Hibernating'
            ELSE 'Other' END
FROM cell WHERE r <= 3 AND f <= 3 AND m <= 3;
INSERT INTO published
SELECT 'default', code, -- without tenure
       CASE WHEN r = 5 AND fm > 3.5 OR r = 4 AND fm > 4 THEN 'Champions'
            WHEN r >= 3 AND fm > 3 THEN 'Loyal'
            WHEN r >= 4 AND fm > 2 THEN 'Potential Loyalist'
            WHEN r >= 4 THEN 'Promising'
            WHEN r = 3 AND fm > 2 THEN 'Need Attention'
            WHEN r = 3 THEN 'About To Sleep'
            WHEN fm > 4 THEN 'Can''t Lose'
            WHEN fm > 2 THEN 'At Risk'
            WHEN r = 2 THEN 'Hibernating'
            ELSE 'Lost' END
FROM cell WHERE r > 0 AND f > 0 AND m > 0;
INSERT INTO published
SELECT 'shopify', code,
       CASE WHEN r = 5 AND fm > 3 THEN 'Champions'
            WHEN r >= 3 AND fm > 3 THEN 'Loyal'
            WHEN r >= 4 AND fm > 1 THEN 'Active'
            WHEN r = 5 THEN 'New'
            WHEN r = 4 THEN 'Promising'
            WHEN r = 3 AND fm > 2 THEN 'Needs attention'
            WHEN r = 3 THEN 'Almost lost'
            WHEN fm > 4 THEN 'Previously loyal'
            WHEN fm > 2 THEN 'At risk'
            ELSE 'Dormant' END
FROM cell WHERE r > 0 AND f > 0 AND m > 0;

SELECT scheme, count(*) AS cells, count(DISTINCT segment) AS segments FROM published GROUP BY 1 ORDER BY 1;
-- expect no rows: cells that differ
SELECT * FROM published AS p FULL JOIN ours AS o USING (scheme, code)
WHERE p.segment IS DISTINCT FROM o.segment ORDER BY 1, 2;

-- Holes, exactly
SELECT s.name, c.problem, c.segment, c.codes
FROM rfm_scheme AS s LEFT JOIN scheme_check(s.name) AS c ON c.problem NOT IN ('overlap', 'rise')
WHERE s.shipped ORDER BY 1, 2;
-- Overlaps are what a later rule wanted and an earlier one took.  Three sets of rules have any.
SELECT DISTINCT s.name FROM rfm_scheme AS s, scheme_check(s.name) AS c
WHERE s.shipped AND c.problem = 'overlap' ORDER BY 1;
-- expect no rows: a code said to overlap that the segment has
SELECT s.name, c.segment, u.code
FROM rfm_scheme AS s, scheme_check(s.name) AS c, unnest(c.codes) AS u (code)
JOIN ours AS o ON o.code = u.code
WHERE c.problem = 'overlap' AND o.scheme = s.name AND o.segment = c.segment;

-- Every scheme covers all cells of every number of bins, each once.  Expect no rows
SELECT s.name, b, count(*), count(DISTINCT code)
FROM rfm_scheme AS s, generate_series(3, 10) AS b, segments(pg_temp.model_of(s.name, b)) AS g, unnest(g.codes) AS code
WHERE s.shipped
GROUP BY 1, 2 HAVING count(*) <> b ^ 3 OR count(DISTINCT code) <> b ^ 3;
-- Other numbers of bins: scores are scaled linearly, halves up.  Expect no rows
WITH scaled AS (
    SELECT s.name, b, code, g.segment,
           ARRAY(SELECT floor((d::numeric - s.lowest_score) * (s.bins - 1) / (b - 1) + 0.5)::integer + s.lowest_score
                 FROM regexp_split_to_table(code, CASE WHEN code ~ '-' THEN '-' ELSE '' END) AS d) AS native
    FROM rfm_scheme AS s, generate_series(3, 10) AS b, segments(pg_temp.model_of(s.name, b)) AS g, unnest(g.codes) AS code
    WHERE s.shipped
)
SELECT name, b, scaled.code, scaled.segment, p.segment
FROM scaled LEFT JOIN published AS p ON p.scheme = name AND p.code = array_to_string(native, '')
WHERE p.segment IS DISTINCT FROM scaled.segment;
-- the codes of ten bins: '555' would not do
SELECT min(code COLLATE "C"), max(code COLLATE "C"), count(*) FROM segments(pg_temp.model_of('default', 10)) AS g, unnest(g.codes) AS code;

-- What belongs to a scheme beside its rules
SELECT name, bins, lowest_score, thresholds, rest, no_orders FROM rfm_scheme WHERE shipped ORDER BY name;
-- fixed recency cuts of klaviyo: 180 days is still 3, 365 still 2; other numbers of bins have none
SELECT recency_score(m, 180) AS "180", recency_score(m, 181) AS "181", recency_score(m, 365) AS "365", recency_score(m, 366) AS "366"
FROM pg_temp.model_of('klaviyo') AS m;
SELECT lower_cut, upper_cut FROM rfm_cut_points(pg_temp.model_of('klaviyo', 4)) WHERE feature = 'recency' ORDER BY score DESC;
-- thresholds of the caller come before those of the scheme, feature by feature
SELECT array_agg(upper_cut ORDER BY upper_cut) FILTER (WHERE feature = 'recency') AS recency,
       array_agg(upper_cut ORDER BY upper_cut) FILTER (WHERE feature = 'monetary') AS monetary
FROM (SELECT rfm_model(feature_set(i, i, i), thresholds => '{"monetary": [3, 4]}', scheme => 'klaviyo')
      FROM generate_series(1, 9) AS i) AS t (m),
     rfm_cut_points(m);

-- ---- schemes of one's own ----

-- The segment table of R rfm's own tests: 36 holes, three of ten names out of reach
CREATE TEMP TABLE r_test AS
SELECT * FROM unnest(
    ARRAY['Champions', 'Loyal Customers', 'Potential Loyalist', 'New Customers', 'Promising',
          'Need Attention', 'About To Sleep', 'At Risk', 'Can''t Lose Them', 'Lost'],
    ARRAY[4,2,3,4,3,2,2,1,1,1], ARRAY[5,5,5,5,4,3,3,2,1,2],
    ARRAY[4,3,1,1,1,2,1,2,4,1], ARRAY[5,5,3,1,1,3,2,5,5,2])
    WITH ORDINALITY AS t (segment, r_low, r_high, fm_low, fm_high, place);
SELECT jsonb_agg(jsonb_build_object('segment', segment, 'recency', ARRAY[r_low, r_high],
                                    'frequency', ARRAY[fm_low, fm_high], 'monetary', ARRAY[fm_low, fm_high]) ORDER BY place) AS r_rules
FROM r_test \gset
SELECT pg_temp.error_of(format('SELECT create_rfm_scheme(''r_test'', %L)', :'r_rules'));
SELECT create_rfm_scheme('r_test', :'r_rules', rest => 'Others');
SELECT problem, segment, cardinality(codes) FROM scheme_check('r_test') WHERE problem <> 'overlap';
-- expect no rows: holes and cells recomputed
WITH winner AS (
    SELECT code, coalesce((SELECT t.segment FROM r_test AS t
                           WHERE c.r BETWEEN r_low AND r_high AND c.f BETWEEN fm_low AND fm_high AND c.m BETWEEN fm_low AND fm_high
                           ORDER BY place LIMIT 1), 'Others') AS segment
    FROM cell AS c WHERE r > 0 AND f > 0 AND m > 0
), made AS (
    SELECT code, g.segment FROM segments(pg_temp.model_of('r_test')) AS g, unnest(g.codes) AS code
)
SELECT 'cell', * FROM winner AS w FULL JOIN made USING (code) WHERE w.segment IS DISTINCT FROM made.segment
UNION ALL
SELECT 'hole', *, NULL FROM ((SELECT code, segment FROM winner WHERE segment = 'Others')
                       EXCEPT SELECT unnest(codes), 'Others' FROM scheme_check('r_test') WHERE problem = 'hole') AS x;

-- Shopify's bands with both bounds strict leave 4 cells of R x FM open
SELECT jsonb_agg(CASE WHEN rule ->> 'segment' IN ('At risk', 'Dormant')
                      THEN rule || jsonb_build_object('fm_to', (rule ->> 'fm_to')::numeric - 0.5) ELSE rule END ORDER BY n) AS strict
FROM rfm_scheme, jsonb_array_elements(rules) WITH ORDINALITY AS e (rule, n) WHERE name = 'shopify' \gset
SELECT create_rfm_scheme('strict', :'strict', rest => 'open');
SELECT problem, count(DISTINCT (r, fm)) AS cells, count(*) AS codes
FROM scheme_check('strict'), unnest(codes) AS code JOIN cell USING (code) GROUP BY 1;

-- Incomplete: refused without a rest, accepted with one
SELECT pg_temp.error_of($$SELECT create_rfm_scheme('half', '[{"segment": "a", "recency": [3, 5]}]')$$);
SELECT create_rfm_scheme('half', '[{"segment": "a", "recency": [3, 5]}]', rest => 'b', no_orders => 'nobody');
SELECT assign_segment(m, 1, 1, 1), assign_segment(m, 100, 1, 1), assign_segment(m, NULL, NULL, NULL)
FROM pg_temp.model_of('half') AS m;
SELECT segment_id, segment, cardinality(codes) FROM segments(pg_temp.model_of('half'));
-- rest and no_orders may be segments of the rules
SELECT create_rfm_scheme('two', '[{"segment": "a", "recency": [3, 5]}, {"segment": "b", "recency": [1, 1]}]',
                         rest => 'b', no_orders => 'b');
SELECT segment_id, segment, cardinality(codes) FROM segments(pg_temp.model_of('two'));
SELECT name, shipped, owner = current_user::regrole AS own FROM rfm_scheme WHERE name IN ('half', 'braze') ORDER BY 1;
-- direct writes are checked, too
SELECT pg_temp.error_of($$INSERT INTO rfm_scheme (name, rules) VALUES ('x', '[{"segment": "a", "recency": [3, 5]}]')$$);
SELECT pg_temp.error_of($$UPDATE rfm_scheme SET rest = NULL WHERE name = 'half'$$);
-- Malformed ones
SELECT rules, pg_temp.error_of(format('SELECT create_rfm_scheme(%L, %L, rest => ''r'')', rules, rules))
FROM (VALUES ('[]'), ('[1]'), ('[{}]'), ('[{"segment": ""}]'), ('[{"segment": 1}]'), ('[{"segment": "a", "codes": "555"}]'),
             ('[{"segment": "a", "codes": [555]}]'), ('[{"segment": "a", "recency": 5}]'), ('[{"segment": "a", "recency": [5]}]'),
             ('[{"segment": "a", "monetary": [1.5, 2]}]'), ('[{"segment": "a", "frequency": ["x", 2]}]'),
             ('[{"segment": "a", "fm_to": "1"}]'), ('[{"segment": "a", "color": "red"}]')) AS v (rules);
SELECT rules, left(pg_temp.error_of(format('SELECT create_rfm_scheme(%L, %L, rest => ''r'')', rules, rules)), 5)
FROM (VALUES ('{}'), ('[{"segment": "a", "frequency": [null, 2]}]'), ('[{"segment": "a", "frequency": [1, 99999999999]}]')) AS v (rules);
SELECT pg_temp.error_of($$SELECT create_rfm_scheme('', '[{"segment": "a"}]')$$) ~ '^22023' AS empty_name,
       pg_temp.error_of($$SELECT create_rfm_scheme(NULL, '[{"segment": "a"}]')$$) ~ '^22023' AS null_name,
       pg_temp.error_of($$SELECT create_rfm_scheme('half', '[{"segment": "a"}]')$$) ~ '^23505' AS taken,
       pg_temp.error_of($$SELECT create_rfm_scheme('x', '[{"segment": "a"}]', bins => 2)$$) ~ '^22023' AS two_bins,
       pg_temp.error_of($$SELECT create_rfm_scheme('x', '[{"segment": "a"}]', bins => 11)$$) ~ '^22023' AS eleven_bins,
       pg_temp.error_of($$SELECT create_rfm_scheme('x', '[{"segment": "a"}]', lowest_score => 2)$$) ~ '^22023' AS lowest;
SELECT pg_temp.error_of('SELECT scheme_check(''nope'')'), pg_temp.error_of('SELECT scheme_check(NULL)');
SELECT pg_temp.error_of('SELECT scheme_check(''default'', 2)'), pg_temp.error_of('SELECT scheme_check(''default'', 11)');

-- Dropping
SELECT pg_temp.error_of('SELECT drop_rfm_scheme(''default'')');
SELECT pg_temp.error_of('SELECT drop_rfm_scheme(''nope'')');
CREATE TEMP TABLE kept AS SELECT pg_temp.model_of('half') AS m;
SELECT drop_rfm_scheme('half'), drop_rfm_scheme('two'), drop_rfm_scheme('strict'), drop_rfm_scheme('r_test');
SELECT count(*) FROM rfm_scheme WHERE NOT shipped;
-- its models live on
SELECT assign_segment(m, 100, 1, 1) FROM kept;
