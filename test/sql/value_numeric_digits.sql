--
-- Numeric values are read from their digits; the result is that of the
-- server's own conversion to double precision.
--
SET search_path = public, segment;
SET extra_float_digits = 1;

-- What a numeric turns into, shown by feature_rows
CREATE TABLE digits AS
WITH mantissa AS (
    SELECT i, CASE WHEN i % 2 = 0 THEN -1
                   ELSE 1 END * ((hashint8(i) & 2147483647)::numeric * 2147483648 + (hashint8(i + 77777) & 2147483647)) AS m
    FROM generate_series(1, 6000) AS i
)
-- of 1 to 19 digits, at every scale from 0 to 40, shifted by -20 to 20 places
SELECT (trunc(m / 10::numeric ^ (i % 19)) * 10::numeric ^ (i % 41 - 20))::numeric AS x FROM mantissa
UNION ALL SELECT round(m / 10::numeric ^ (i % 23), i % 20) FROM mantissa WHERE i <= 4000
-- display scales beyond the digits, trailing and leading zeros
UNION ALL SELECT round(trunc(m / 10::numeric ^ (i % 19)), i % 25) FROM mantissa WHERE i <= 1000
UNION ALL SELECT round(m * m * m / 7, i % 30) FROM mantissa WHERE i <= 500
UNION ALL SELECT 10::numeric ^ i FROM generate_series(-300, 300) AS i
UNION ALL SELECT -3 * 10::numeric ^ i FROM generate_series(-40, 40) AS i
-- around the limits of the fast path: 2^53, 10^18, four groups of digits
UNION ALL SELECT sign * (power + d) * 10::numeric ^ scale
FROM unnest(
    '{9007199254740992,9007199254740991,999999999999999999,1000000000000000000,9223372036854775807,'
    '9999999999999999,10000000000000000,99999999,100000000,9999,10000}'::numeric[]) AS power,
     generate_series(-2, 2) AS d, generate_series(-20, 3) AS scale, unnest('{1,-1}'::int[]) AS sign
UNION ALL SELECT unnest(
    '{0,0.0,0.00000000000000000000000,-0,NaN,Infinity,-Infinity,0.1,0.3,1e-20,'
    '123456789012345678901234567890.123456789,4.35,2.675,1.005}'::numeric[])
UNION ALL SELECT NULL;
SELECT count(*) > 14000 AS enough, count(DISTINCT scale(x)) > 25 AS scales FROM digits;

-- expect no rows
SELECT x, ours, x::float8 FROM (SELECT DISTINCT x FROM digits WHERE x IS NOT NULL AND x <> 'NaN') AS d
LEFT JOIN (SELECT r.row_features[1]::numeric AS x, r.row_features[2]::float8 AS ours
           FROM (SELECT feature_set(s) AS f FROM (SELECT x::text AS key, x AS value FROM digits WHERE x <> 'NaN') AS s) AS t,
                feature_rows(f) AS r) AS o USING (x)
WHERE ours IS DISTINCT FROM x::float8 LIMIT 20;
-- missing is what is NULL or NaN
SELECT count(*)
FROM (SELECT feature_set(s) AS f FROM (SELECT i, x AS value FROM (SELECT row_number() OVER () AS i, x FROM digits) AS n) AS s) AS t,
     feature_rows(f) AS r WHERE r.row_features[2] IS NULL;
-- from a table and from an expression, short and long headers: the sums are the same.  Expect true
SELECT feature_set_info(feature_set(d.x)) -> 'features' -> 0 ->> 'sum'
       = feature_set_info(feature_set(d.x + 0)) -> 'features' -> 0 ->> 'sum' AS same
FROM digits AS d WHERE x NOT IN ('NaN', 'Infinity', '-Infinity') AND abs(x) < 1e300;

-- toasted numerics: 20,000 digits
CREATE TABLE huge (x numeric);
ALTER TABLE huge ALTER x SET STORAGE external;
INSERT INTO huge SELECT (repeat('123456789', 30) || '.' || repeat('987654321', 1800))::numeric;
INSERT INTO huge SELECT ('-0.' || repeat('0', 300) || repeat('123456789', 1300))::numeric;
SELECT (feature_set_info(feature_set(huge)) -> 'features' -> 0 ->> 'sum')::float8 = (SELECT sum(x::float8) FROM huge) AS same FROM huge;

-- the same path in the row functions: a score counts the cuts below x::float8.  Expect no rows
CREATE TABLE cut AS SELECT rfm_model(
    feature_set(x, 1, x), 10, 'thresholds',
    '{"recency": [-1e17, -1e6, -1, -1e-7, 0, 1e-7, 1, 1e6, 1e17], "frequency": [1,2,3,4,5,6,7,8,9], '
    '"monetary": [-1e17, -1e6, -1, -1e-7, 0, 1e-7, 1, 1e6, 1e17]}',
    scheme => 'eleven_names') AS m FROM digits;
SELECT x, monetary_score(m, x) FROM digits, cut
WHERE monetary_score(m, x) IS DISTINCT FROM CASE WHEN x <> 'NaN' THEN 1
                                                 + (SELECT count(*) FROM unnest('{-1e17,-1e6,-1,-1e-7,0,1e-7,1,1e6,1e17}'::float8[]) AS c
                                                    WHERE x::float8 > c) END;
DROP TABLE digits, huge, cut;
