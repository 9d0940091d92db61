--
-- rule_tree against scikit-learn's DecisionTreeClassifier on the bank marketing data; smaller sets are in test/sql/model_rule_tree.sql.
--
-- accuracy: DecisionTreeClassifier(max_depth, min_samples_leaf, random_state=0).fit(X, y).score(X, y) of scikit-learn 1.2.1 on the
-- numbers age, balance, day, duration, campaign, pdays and previous of bank.csv.
-- Skipped where the data are not there.
--
\ir ../lib/pgtap_begin.psql
\ir ../lib/test_data.psql
SELECT :'data' || '/data' AS folder \gset
SELECT :'data' <> '' AND (pg_stat_file(:'folder' || '/bank.csv.gz', true)).size IS NOT NULL AS have_data \gset
\if :have_data
CREATE TEMP TABLE bank (age float8, job text, marital text, education text, "default" text, balance float8, housing text, loan text,
        contact text,
    day float8, month text, duration float8, campaign float8, pdays float8, previous float8, poutcome text, y text) ON COMMIT DROP;
SELECT format('COPY bank FROM PROGRAM %L (FORMAT csv, HEADER)', 'gzip -dc ' || quote_literal(:'folder' || '/bank.csv.gz')) AS load \gset
:load;
SELECT ok(abs(ours - accuracy) <= 0.01, format('max_depth %s, min_leaf %s: %s, scikit-learn %s', max_depth, min_leaf, round(ours, 4),
        accuracy))
FROM (VALUES (2, 1, 0.8912), (4, 1, 0.9020), (4, 10, 0.9016), (8, 5, 0.9244)) AS published (max_depth, min_leaf, accuracy),
    (SELECT feature_set(b) AS f FROM (SELECT y, age, balance, day, duration, campaign, pdays, previous FROM bank) AS b) AS s,
    LATERAL (SELECT (model_metrics(rule_tree(f, max_depth, min_leaf)) ->> 'accuracy')::numeric AS ours) AS m;
-- all columns, categories too: each row meets the rule of its leaf alone
SELECT rule_tree(feature_set(b), 8, 5) AS tree FROM (SELECT y, b.* FROM (SELECT age, job, marital, education, "default", balance,
        housing, loan, contact,
    day, month, duration, campaign, pdays, previous, poutcome, y AS label FROM bank) AS c (age, job, marital, education, "default",
        balance, housing,
    loan, contact, day, month, duration, campaign, pdays, previous, poutcome, y), LATERAL (SELECT c.age, c.job, c.marital, c.education,
        c."default",
    c.balance, c.housing, c.loan, c.contact, c.day, c.month, c.duration, c.campaign, c.pdays, c.previous, c.poutcome) AS b) AS b \gset
SELECT string_agg(format('CASE WHEN %s THEN %L END', rule, segment), ', ') AS cases FROM rule_tree_rules(:'tree') \gset
SELECT is((SELECT count(*) FROM bank AS b WHERE array_remove(ARRAY[:cases], NULL) <> ARRAY[assign_segment(:'tree'::segment_model, b)]),
        0::bigint,
          'rules over numbers and categories are the tree');
\else
SELECT skip('no test data (SEGMENT_TEST_DATA)', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
