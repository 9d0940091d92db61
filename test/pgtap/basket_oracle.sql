--
-- Rules of arules on real baskets, rule by rule; its counts of itemsets; and how often the next month's items of
-- Online Retail are among ten recommendations, against the most popular ones.
--
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' <> '' AND (pg_stat_file(:'data' || '/data/groceries.csv.gz', true)).size IS NOT NULL
       AND (pg_stat_file(:'data' || '/reference/groceries_rule_counts.csv', true)).size IS NOT NULL AS have_data \gset
\if :have_data
SELECT format('gzip -dc %s', quote_literal(:'data' || '/data/groceries.csv.gz')) AS groceries,
       format('xz -dc %s', quote_literal(:'data' || '/data/t10i4d100k.dat.xz')) AS synthetic,
       format('xz -dc %s', quote_literal(:'data' || '/data/online_retail.csv.xz')) AS retail \gset
SET LOCAL work_mem = '128MB';

-- ---- groceries: 9,835 baskets ----
CREATE TEMP TABLE basket (tid integer, item text) ON COMMIT DROP;
COPY basket FROM PROGRAM :'groceries' WITH (FORMAT csv, HEADER);
CREATE FUNCTION pg_temp.ours(support float8, confidence float8)
RETURNS TABLE (lhs text, rhs text, n bigint, support float8, confidence float8,
    coverage float8, lift float8, leverage float8, conviction float8, chi2 float8)
LANGUAGE sql AS $$
    SELECT (SELECT '{' || coalesce(string_agg(i, ',' ORDER BY i COLLATE "C"), '') || '}' FROM unnest(antecedent) AS i),
           '{' || consequent || '}', baskets, r.support, r.confidence, antecedent_baskets / 9835.0, r.lift, r.leverage, r.conviction, r.chi2
    FROM segment.association_rules(null::text, 'SELECT tid, item FROM pg_temp.basket', $1, $2, 1) AS r $$;
CREATE FUNCTION pg_temp.sorted(items text) RETURNS text LANGUAGE sql AS
$$ SELECT '{' || coalesce(string_agg(i, ',' ORDER BY i COLLATE "C"), '') || '}'
   FROM unnest(string_to_array(btrim(items, '{}'), ',')) AS i $$;
CREATE FUNCTION pg_temp.near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
$$ SELECT abs(a - b) <= 1e-12 * greatest(1, abs(b)) $$;

CREATE TEMP TABLE expected (lhs text, rhs text, support float8, confidence float8,
    coverage float8, lift float8, n bigint) ON COMMIT DROP;
SELECT format('COPY expected FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/groceries_rules_s0.001_c0.8.csv') AS copy \gset
:copy;
SELECT is((SELECT count(*) FROM expected), 410::bigint, '410 rules at 0.001 and 0.8');
SELECT is_empty($$ SELECT * FROM expected AS e FULL JOIN pg_temp.ours(0.001, 0.8) AS o ON o.lhs = pg_temp.sorted(e.lhs) AND o.rhs = e.rhs
                   WHERE (o.n = e.n AND pg_temp.near(o.support, e.support) AND pg_temp.near(o.confidence, e.confidence)
                          AND pg_temp.near(o.coverage, e.coverage) AND pg_temp.near(o.lift, e.lift)) IS NOT TRUE $$,
                'rule by rule as arules');
TRUNCATE expected;
SELECT format('COPY expected FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/groceries_rules_s0.006_c0.25.csv') AS copy \gset
:copy;
-- the file is of rules of two items and more, the first row of arules' list is from nothing
SELECT is_empty($$ SELECT * FROM expected AS e FULL JOIN (SELECT * FROM pg_temp.ours(0.006, 0.25) WHERE lhs <> '{}') AS o
                       ON o.lhs = pg_temp.sorted(e.lhs) AND o.rhs = e.rhs
                   WHERE (o.n = e.n AND pg_temp.near(o.support, e.support) AND pg_temp.near(o.confidence, e.confidence)
                          AND pg_temp.near(o.coverage, e.coverage) AND pg_temp.near(o.lift, e.lift)) IS NOT TRUE
                     AND e.lhs IS DISTINCT FROM '{}' $$, 'and those at 0.006 and 0.25');

CREATE TEMP TABLE line (l text) ON COMMIT DROP;
SELECT format('COPY line FROM PROGRAM %L',
              format('sed -n ''2,$p'' %s', quote_literal(:'data' || '/reference/groceries_rules_s0.01_c0.5_measures.csv'))) AS copy \gset
:copy;
CREATE TEMP TABLE measure ON COMMIT DROP AS
SELECT pg_temp.sorted(m[1]) AS lhs, m[2] AS rhs, string_to_array(m[3], ',')::float8[] AS v
FROM line, regexp_match(l, '^"([^"]*)","([^"]*)",(.*)$') AS m;
-- count support confidence coverage rhsSupport lift leverage conviction cosine jaccard kulczynski imbalance oddsRatio phi chiSquared
SELECT is_empty($$ SELECT * FROM measure AS e FULL JOIN pg_temp.ours(0.01, 0.5) AS o USING (lhs, rhs)
                   WHERE (pg_temp.near(o.leverage, v[7])
                          AND pg_temp.near(o.conviction, v[8]) AND pg_temp.near(o.chi2, v[15])) IS NOT TRUE $$,
                'leverage, conviction and chi squared');
SELECT is((SELECT count(*) FROM measure), 15::bigint, 'of 15 rules');

CREATE TEMP TABLE rule_count (support float8, confidence float8, minlen integer, maxlen integer, rules text,
    by_size text) ON COMMIT DROP;
SELECT format('COPY rule_count FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/groceries_rule_counts.csv') AS copy \gset
:copy;
SELECT is_empty($$ SELECT c.*, s.n, s.sizes FROM rule_count AS c,
                       LATERAL (SELECT sum(n) AS n, string_agg(size || ':' || n, ' ' ORDER BY size) AS sizes
                                FROM (SELECT cardinality(antecedent) + 1 AS size, count(*) AS n
                                      FROM association_rules(null::text, 'SELECT tid, item FROM pg_temp.basket', c.support, c.confidence, 1)
                                      GROUP BY 1) AS r) AS s
                   WHERE coalesce(s.n, 0) <> c.rules::integer
                      OR coalesce(s.sizes, '') <> btrim(regexp_replace(coalesce(c.by_size, ''), '\(.*', '')) $$,
                'rules by their size, as printed by many');

-- itemsets are rules without regard to confidence, each as often as it has items
CREATE TEMP TABLE synthetic (l text) ON COMMIT DROP;
COPY synthetic FROM PROGRAM :'synthetic';
CREATE TEMP TABLE quest ON COMMIT DROP AS
SELECT b, i::integer AS item FROM (SELECT row_number() OVER () AS b, l FROM synthetic) AS s, string_to_table(btrim(l), ' ') AS i;
CREATE TEMP TABLE itemset (data text, support float8, itemsets bigint, by_size text, closed text, maximal text) ON COMMIT DROP;
SELECT format('COPY itemset FROM %L WITH (FORMAT csv, HEADER)', :'data' || '/reference/itemset_counts.csv') AS copy \gset
:copy;
SELECT is_empty($$ SELECT e.*, s.sizes FROM itemset AS e,
                       LATERAL (SELECT string_agg(size || ':' || n / size, ' ' ORDER BY size) AS sizes
                                FROM (SELECT cardinality(antecedent) + 1 AS size, count(*) AS n
                                      FROM association_rules(null::text, 'SELECT tid, item FROM pg_temp.basket', e.support, 0, 1)
                                      WHERE e.data = 'groceries' GROUP BY 1
                                      UNION ALL
                                      SELECT cardinality(antecedent) + 1, count(*)
                                      FROM association_rules(null::integer, 'SELECT b, item FROM pg_temp.quest', e.support, 0, 1)
                                      WHERE e.data = 't10i4d100k' GROUP BY 1) AS r) AS s
                   WHERE s.sizes IS DISTINCT FROM e.by_size $$, 'itemsets by their size');

-- ---- the next month of Online Retail ----
CREATE TEMP TABLE retail (invoice text, stock_code text, description text, quantity integer, invoice_date timestamp,
    price numeric, customer_id integer, country text) ON COMMIT DROP;
COPY retail FROM PROGRAM :'retail' WITH (FORMAT csv, HEADER);
-- products have codes of five digits; others are postage and the like
DELETE FROM retail WHERE (customer_id IS NOT NULL AND quantity > 0 AND price > 0 AND stock_code ~ '^[0-9]{5}') IS NOT TRUE;
CREATE TEMP TABLE past ON COMMIT DROP AS
SELECT DISTINCT customer_id, stock_code AS item FROM retail WHERE invoice_date < '2011-11-01';
CREATE INDEX ON past (customer_id, item);
CREATE TEMP TABLE placed ON COMMIT DROP AS
WITH summary AS (SELECT * FROM rfm_summary(null::integer, 'SELECT customer_id, invoice_date, quantity * price, invoice FROM pg_temp.retail',
                                           as_of => '2011-11-01 00:00 UTC', time_zone => 'UTC') WHERE frequency > 0),
     trained AS (SELECT rfm_model(feature_set(recency, frequency, monetary::float8)) AS model FROM summary)
SELECT customer AS customer_id, assign_segment(model, recency, frequency, monetary::float8) AS segment FROM trained, summary;
CREATE TEMP TABLE bought ON COMMIT DROP AS
SELECT DISTINCT customer_id, stock_code AS item FROM retail
WHERE invoice_date >= '2011-11-01' AND invoice_date < '2011-12-01' AND customer_id IN (SELECT customer_id FROM past);
CREATE TEMP TABLE popular ON COMMIT DROP AS SELECT item, count(*) AS n FROM past GROUP BY 1;
CREATE TEMP TABLE popular_in ON COMMIT DROP AS
SELECT segment, item, count(*) AS n FROM past JOIN placed USING (customer_id) GROUP BY 1, 2;
CREATE INDEX ON popular (n DESC, item);
CREATE INDEX ON popular_in (segment, n DESC, item);
ANALYZE past, placed, bought, popular, popular_in;
CREATE TEMP TABLE asked ON COMMIT DROP AS
SELECT b.*, NOT EXISTS (SELECT FROM past AS p WHERE p.customer_id = b.customer_id AND p.item = b.item) AS is_new FROM bought AS b;
CREATE TEMP TABLE buyer ON COMMIT DROP AS SELECT DISTINCT customer_id, segment FROM asked JOIN placed USING (customer_id);
CREATE TEMP TABLE proposal (what text, only_new boolean, customer_id integer, item text) ON COMMIT DROP;
INSERT INTO proposal SELECT 'popular', only_new, customer_id, p.item FROM buyer AS c, unnest('{f,t}'::boolean[]) AS only_new,
    LATERAL (SELECT item FROM popular AS p
             WHERE NOT (only_new AND EXISTS (SELECT FROM past AS q WHERE q.customer_id = c.customer_id AND q.item = p.item))
             ORDER BY n DESC, item LIMIT 10) AS p;
INSERT INTO proposal
SELECT 'popular in the segment', only_new, customer_id, p.item FROM buyer AS c, unnest('{f,t}'::boolean[]) AS only_new,
    LATERAL (SELECT item FROM popular_in AS p WHERE p.segment = c.segment AND
                 NOT (only_new AND EXISTS (SELECT FROM past AS q WHERE q.customer_id = c.customer_id AND q.item = p.item))
             ORDER BY n DESC, item LIMIT 10) AS p;
INSERT INTO proposal SELECT 'recommend', only_new, customer, item FROM unnest('{f,t}'::boolean[]) AS only_new,
    LATERAL recommend(null::integer, null::text, 'SELECT * FROM pg_temp.past', 'SELECT * FROM pg_temp.placed',
                      (SELECT array_agg(customer_id) FROM buyer), 10, only_new);
INSERT INTO proposal SELECT 'recommend, no segments', only_new, customer, item FROM unnest('{f,t}'::boolean[]) AS only_new,
    LATERAL recommend(null::integer, null::text, 'SELECT * FROM pg_temp.past', NULL,
                      (SELECT array_agg(customer_id) FROM buyer), 10, only_new);
CREATE TEMP TABLE hit ON COMMIT DROP AS
WITH found AS (SELECT what, only_new, customer_id, count(*) AS n FROM proposal JOIN asked USING (customer_id, item)
               WHERE is_new OR NOT only_new GROUP BY 1, 2, 3),
     customer AS (SELECT DISTINCT only_new, customer_id FROM asked, unnest('{f,t}'::boolean[]) AS only_new WHERE is_new OR NOT only_new)
SELECT only_new, what, avg((coalesce(n, 0) > 0)::integer) AS rate, avg(coalesce(n, 0)) / 10 AS precision, count(*) AS customers
FROM customer CROSS JOIN (SELECT DISTINCT what FROM proposal) AS w LEFT JOIN found USING (what, only_new, customer_id) GROUP BY 1, 2;
SELECT diag(format('%s, %s: hit rate at 10 %s, precision %s, %s customers', CASE WHEN only_new THEN 'new items' ELSE 'all items' END,
                   what, round(rate, 4), round(precision, 4), customers)) FROM hit ORDER BY only_new, rate;
SELECT ok(r.rate > p.rate AND r.rate > s.rate AND r.precision > greatest(p.precision, s.precision),
          format('%s: recommendations hit more often than the most popular, of all and of the segment', r.only_new))
FROM hit AS r JOIN hit AS p USING (only_new) JOIN hit AS s USING (only_new)
WHERE r.what = 'recommend' AND p.what = 'popular' AND s.what = 'popular in the segment' ORDER BY r.only_new;
\else
SELECT skip('data of baskets are not there (SEGMENT_TEST_DATA)', 9);
\endif
SELECT * FROM finish();
ROLLBACK;
