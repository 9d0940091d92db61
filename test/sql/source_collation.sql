--
-- Keys that are equal are one customer, whatever the order of rows.
--
SET search_path = public, segment, segment_internal;
SET TimeZone = 'UTC';
CREATE COLLATION case_ignored (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE mail_order (email text COLLATE case_ignored, at timestamptz, amount numeric);
INSERT INTO mail_order VALUES
    ('Ann@shop.test', '2025-01-01Z', 10), ('ann@shop.test', '2025-01-10Z', 20),
    ('ANN@SHOP.TEST', '2025-01-20Z', 30), ('bob@shop.test', '2025-01-02Z', 1);

SELECT customer, frequency, monetary FROM rfm_summary(NULL::text, 'SELECT * FROM mail_order ORDER BY at', '2025-02-01Z') ORDER BY monetary;
SELECT customer, frequency, monetary FROM rfm_summary(NULL::text, 'SELECT * FROM mail_order ORDER BY at DESC', '2025-02-01Z')
ORDER BY monetary;
SELECT customer, frequency FROM rfm_summary(NULL::text, 'mail_order', '2025-02-01Z', only_keys => '{aNN@sHOP.test}'::text[]);
SELECT * FROM query_keys(NULL::text, 'SELECT email FROM mail_order ORDER BY at DESC', NULL) AS k;
SELECT * FROM query_keys(NULL::text, 'SELECT email FROM mail_order', NULL, '{ANN@shop.test}'::text[]) AS k;
SELECT c.name, c.type, c.collation FROM query_columns('mail_order') AS c;
-- the result has the collation of the first argument
SELECT customer = 'ANN@shop.TEST' AS found FROM rfm_summary(NULL::text COLLATE case_ignored, 'mail_order', '2025-02-01Z') ORDER BY 1;

-- equal numbers of different spelling
SELECT customer
FROM rfm_summary(NULL::numeric, 'SELECT k, ''2025-01-01Z''::timestamptz, 1 FROM unnest(''{1.00,1.0,1}''::numeric[]) AS k', '2025-02-01Z');
SELECT customer
FROM rfm_summary(NULL::numeric, 'SELECT k, ''2025-01-01Z''::timestamptz, 1 FROM unnest(''{1,1.0,1.00}''::numeric[]) AS k', '2025-02-01Z');
SELECT customer
FROM rfm_summary(NULL::float8, 'SELECT k, ''2025-01-01Z''::timestamptz, 1 FROM unnest(''{-0,0}''::float8[]) AS k', '2025-02-01Z');
DROP TABLE mail_order;
DROP COLLATION case_ignored;
