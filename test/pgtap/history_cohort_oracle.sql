--
-- Cohorts of Online Retail by the recipe in docs/recipes.md, against the published counts.
--
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' || '/data/online_retail.csv.xz' AS orders_file,
       :'data' || '/reference/online_retail_cohort_counts.csv' AS expected_file \gset
SELECT :'data' <> '' AND (pg_stat_file(:'orders_file', true)).size IS NOT NULL
       AND (pg_stat_file(:'expected_file', true)).size IS NOT NULL AS have_data \gset
\if :have_data

SELECT format('xz -dc %s', quote_literal(:'orders_file')) AS unpack \gset
CREATE TEMP TABLE line (
    invoice text, stock_code text, description text, quantity integer, invoice_date timestamp,
    price numeric, customer_id integer, country text) ON COMMIT DROP;
COPY line FROM PROGRAM :'unpack' WITH (FORMAT csv, HEADER);
CREATE TEMP TABLE expected (
    cohort text, n0 bigint, n1 bigint, n2 bigint, n3 bigint, n4 bigint, n5 bigint, n6 bigint, n7 bigint, n8 bigint, n9 bigint,
    n10 bigint, n11 bigint, n12 bigint) ON COMMIT DROP;
COPY expected FROM :'expected_file' WITH (FORMAT csv, HEADER);
CREATE TEMP VIEW orders AS
SELECT customer_id, invoice_date AT TIME ZONE 'UTC' AS ordered_at
FROM line WHERE customer_id IS NOT NULL AND quantity > 0 AND price > 0 AND invoice NOT LIKE 'C%';
SELECT is((SELECT count(*) FROM expected), 13::bigint, '13 cohorts');
-- far from the zone of the orders, and with clocks that change
SET LOCAL timezone = 'America/New_York';
SELECT is_empty($$
    WITH ordered AS (
        SELECT DISTINCT customer_id, date_trunc('month', ordered_at AT TIME ZONE 'UTC') AS in_month FROM orders
    ), active AS (
        SELECT customer_id, min(in_month) OVER c AS cohort,
               12 * extract(year FROM age(in_month, min(in_month) OVER c))
               + extract(month FROM age(in_month, min(in_month) OVER c)) AS month
        FROM ordered WINDOW c AS (PARTITION BY customer_id)
    ), counted AS (
        SELECT to_char(cohort, 'YYYY-MM') AS cohort, month, count(*) AS customers FROM active GROUP BY 1, 2
    ), published AS (
        SELECT e.cohort, n.n - 1 AS month, n.customers
        FROM expected AS e, unnest(ARRAY[n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12]) WITH ORDINALITY AS n (customers, n)
        WHERE n.customers > 0)
    SELECT * FROM counted AS c FULL JOIN published AS p USING (cohort, month) WHERE c.customers IS DISTINCT FROM p.customers
$$, 'every cohort in every month as published');

\else
SELECT skip('the Online Retail data are not there (SEGMENT_TEST_DATA)', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
