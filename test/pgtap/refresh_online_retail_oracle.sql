--
-- Online Retail: the published counts, and RFM recomputed in plain SQL for
-- every customer.
--
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' || '/data/online_retail.csv.xz' AS orders_file,
       :'data' || '/reference/online_retail_rfm.csv.gz' AS expected_file \gset
SELECT :'data' <> '' AND (pg_stat_file(:'orders_file', true)).size IS NOT NULL
       AND (pg_stat_file(:'expected_file', true)).size IS NOT NULL AS have_data \gset
\if :have_data

SELECT format('xz -dc %s', quote_literal(:'orders_file')) AS unpack,
       format('gzip -dc %s', quote_literal(:'expected_file')) AS unpack_expected \gset
CREATE TEMP TABLE line (
    invoice text, stock_code text, description text, quantity integer, invoice_date timestamp,
    price numeric, customer_id integer, country text) ON COMMIT DROP;
COPY line FROM PROGRAM :'unpack' WITH (FORMAT csv, HEADER);
CREATE TEMP TABLE expected (
    customer_id integer PRIMARY KEY, recency_days integer, frequency integer, monetary numeric,
    r_ntile integer, f_ntile integer, m_ntile integer) ON COMMIT DROP;
COPY expected FROM PROGRAM :'unpack_expected' WITH (FORMAT csv, HEADER);
ANALYZE line;

CREATE TEMP VIEW clean AS
SELECT customer_id, invoice_date, quantity * price AS amount, invoice
FROM line WHERE customer_id IS NOT NULL AND quantity > 0 AND price > 0 AND invoice NOT LIKE 'C%';

CREATE TEMP TABLE customers ON COMMIT DROP AS
SELECT * FROM rfm_summary(null::integer, 'SELECT * FROM clean', as_of => '2011-12-10 00:00 UTC', time_zone => 'UTC');
SELECT is((rfm_summary_counts() - 'seconds' - '{rows_read,rows_used,customers,rows_spilled}'::text[]),
          '{"null_customer": 0, "null_time": 0, "null_amount": 0, "null_order": 0, "not_finite": 0, "after_as_of": 0,
            "before_lookback": 0, "refunds_netted": 0, "refunds_ignored": 0, "orders_cancelled": 0, "zero_ignored": 0}'::jsonb,
          'nothing skipped');
SELECT is((rfm_summary_counts() ->> 'rows_used')::bigint, 397884::bigint, '397,884 lines');
SELECT is((SELECT count(*) FROM customers), 4338::bigint, '4,338 customers');
SELECT is((SELECT sum(frequency) FROM customers), 18532::numeric, '18,532 invoices');
SELECT is((SELECT sum(monetary) FROM customers), 8911407.904, 'revenue 8,911,407.904');
SELECT is((SELECT format('%s %s %s', round(avg(recency)::numeric, 4), round(avg(frequency), 4), round(avg(monetary), 4)) FROM customers),
          '93.0595 4.2720 2054.2665', 'means');
SELECT is((SELECT format('%s %s %s', max(recency), max(frequency), round(max(monetary), 2)) FROM customers),
          '374 209 280206.02', 'maxima');
SELECT is_empty($$
    SELECT customer, e.customer_id FROM customers AS c FULL JOIN expected AS e ON e.customer_id = customer
    WHERE (c.recency, c.frequency, c.monetary) IS DISTINCT FROM (e.recency_days, e.frequency, e.monetary)
$$, 'recency, frequency and monetary value of every customer as in the reference');
SELECT is_empty($$
    SELECT * FROM customers AS c FULL JOIN (
        SELECT customer_id AS customer, min(invoice_date) AT TIME ZONE 'UTC' AS first, max(invoice_date) AT TIME ZONE 'UTC' AS last,
               date '2011-12-10' - max(invoice_date)::date AS recency, count(DISTINCT invoice) AS frequency, sum(amount) AS monetary,
               sum(amount)::float8 / count(DISTINCT invoice) AS mean
        FROM clean GROUP BY 1) AS p USING (customer)
    WHERE (c.first_order_at, c.last_order_at, c.recency, c.frequency, c.monetary, c.mean_amount)
          IS DISTINCT FROM (p.first, p.last, p.recency, p.frequency, p.monetary, p.mean)
$$, 'and as GROUP BY has it');

-- All lines, refunds netted: what a shop would feed in
CREATE TEMP TABLE all_lines ON COMMIT DROP AS
SELECT * FROM rfm_summary(null::integer, 'SELECT customer_id, invoice_date, quantity * price, invoice FROM line',
                          as_of => '2011-12-10 00:00 UTC', time_zone => 'UTC');
SELECT is((rfm_summary_counts() ->> 'null_customer')::bigint, 135080::bigint, '135,080 lines without customer');
SELECT is((SELECT count(*) FROM all_lines), 4372::bigint, '4,372 customers in the raw data');
SELECT is_empty($$
    SELECT * FROM all_lines AS c FULL JOIN (
        SELECT customer_id AS customer, max(invoice_date) FILTER (WHERE quantity * price >= 0) AT TIME ZONE 'UTC' AS last,
               count(DISTINCT invoice) FILTER (WHERE quantity * price >= 0) AS frequency, sum(quantity * price) AS monetary
        FROM line WHERE customer_id IS NOT NULL GROUP BY 1) AS p USING (customer)
    WHERE (c.last_order_at, c.frequency, c.monetary) IS DISTINCT FROM (p.last, p.frequency, p.monetary)
$$, 'with refunds');

-- Scores, independently: cut i is the smallest value with a cumulative share of at least i/5
CREATE TEMP TABLE model ON COMMIT DROP AS
SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS m FROM customers;
CREATE TEMP VIEW long AS
SELECT customer, v.*
FROM customers, LATERAL (VALUES ('recency', recency::numeric), ('frequency', frequency), ('monetary', monetary)) AS v (feature, value);
CREATE TEMP TABLE cut ON COMMIT DROP AS
SELECT feature, i, min(value) AS value
FROM (SELECT feature, value, count(*) OVER (PARTITION BY feature ORDER BY value) AS up_to, count(*) OVER (PARTITION BY feature) AS n
      FROM long) AS s,
     generate_series(1, 4) AS i
WHERE up_to * 5 >= i * n GROUP BY 1, 2;
SELECT is_empty($$
    SELECT * FROM (SELECT feature, array_agg(value::float8 ORDER BY i) AS cuts FROM cut GROUP BY 1) AS p
    FULL JOIN (SELECT feature, array_agg(upper_cut ORDER BY upper_cut) FILTER (WHERE upper_cut IS NOT NULL) AS cuts
               FROM model, rfm_cut_points(m) GROUP BY 1) AS o USING (feature)
    WHERE p.cuts IS DISTINCT FROM o.cuts
$$, 'cut points');
CREATE TEMP TABLE score ON COMMIT DROP AS
SELECT customer, r::text || f || mo AS code FROM (
    SELECT customer, 5 - count(*) FILTER (WHERE feature = 'recency' AND l.value > c.value) AS r,
           1 + count(*) FILTER (WHERE feature = 'frequency' AND l.value > c.value) AS f,
           1 + count(*) FILTER (WHERE feature = 'monetary' AND l.value > c.value) AS mo
    FROM long AS l JOIN cut AS c USING (feature) GROUP BY 1) AS s;
SELECT is_empty($$
    SELECT customer, code, rfm_score(m, recency, frequency, monetary) FROM model, customers FULL JOIN score USING (customer)
    WHERE rfm_score(m, recency, frequency, monetary) IS DISTINCT FROM code
$$, 'scores of every customer');
SELECT is_empty($$
    SELECT customer FROM model, customers JOIN score USING (customer)
    WHERE assign_segment(m, recency, frequency, monetary) IS DISTINCT FROM
          (SELECT rule ->> 'segment' FROM rfm_scheme AS s, jsonb_array_elements(s.rules) AS rule
           WHERE s.name = 'eleven_names' AND rule -> 'codes' ? code)
$$, 'segment of every customer');
SELECT is_empty($$
    SELECT c.score, c.customers, count(s.*) FROM model, rfm_cut_points(m) AS c
    LEFT JOIN score AS s ON substr(s.code, CASE feature WHEN 'recency' THEN 1 WHEN 'frequency' THEN 2 ELSE 3 END, 1) = c.score::text
    GROUP BY feature, 1, 2 HAVING c.customers <> count(s.*)
$$, 'customers by score');

-- Ties are equal, where NTILE splits them
SELECT isnt((SELECT count(*) FROM (SELECT FROM expected GROUP BY frequency HAVING count(DISTINCT f_ntile) > 1) AS t), 0::bigint,
            'ntile gives equal frequencies unequal scores');
SELECT is_empty($$
    SELECT frequency FROM model, customers GROUP BY 1 HAVING count(DISTINCT frequency_score(m, frequency)) > 1
$$, 'we do not');
\else
SELECT skip('the Online Retail data are not there (SEGMENT_TEST_DATA)', 18);
\endif
SELECT * FROM finish();
ROLLBACK;
