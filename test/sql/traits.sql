-- segment_traits: shares, cuts and corrections as plain SQL has them; nothing small, and nothing from which it follows.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA traits;
SET search_path = traits, segment;
\i test/lib/try.psql
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(a = b OR abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)), a IS NULL AND b IS NULL) $$;
CREATE TABLE customer AS
SELECT i AS id, ('{Gold,Silver,Rest}'::text[])[1 + (hash_fraction('s', i::bigint) * 2.9)::int % 3] AS segment,
       CASE WHEN hash_fraction('m', i::bigint) < 0.9 THEN ('{mail,phone,shop}'::text[])[1 + (hash_fraction('c', i::bigint) * 2.9)::int % 3]
           END AS channel,
       CASE WHEN hash_fraction('z', i::bigint) < 0.6 THEN 0 ELSE round(1000 * hash_fraction('v', i::bigint)) END AS visits,
       hash_fraction('a', i::bigint) < 0.3 AS abroad, i % 4 AS children,
       date '2025-01-01' + (365 * hash_fraction('d', i::bigint))::int AS born_on
FROM generate_series(1, 3000) AS i;
CREATE VIEW told AS SELECT * FROM segment_traits('SELECT segment, channel, visits, abroad, children, born_on FROM customer');
SELECT segment, kind, value, customers, round(share::numeric, 4) AS share, round(rest_share::numeric, 4) AS rest,
       round(index::numeric, 1) AS index
FROM told WHERE attribute IN ('channel', 'visits') ORDER BY attribute, segment, kind, value;

-- ---- as plain SQL has it ----
WITH value AS (
    SELECT c.id, c.segment, v.attribute, v.value FROM customer AS c, LATERAL (VALUES
        ('channel', channel), ('abroad', abroad::text), ('children', children::text),
        ('visits', (SELECT CASE count(*) FILTER (WHERE visits > cut) WHEN 0 THEN 'to ' || min(cut)
                                WHEN count(*) THEN 'above ' || max(cut)
                                ELSE 'above ' || max(cut) FILTER (WHERE visits > cut) || ' to ' || min(cut) FILTER (WHERE visits <= cut) END
                    FROM (SELECT DISTINCT unnest(percentile_disc('{.2,.4,.6,.8}'::float8[]) WITHIN GROUP (ORDER BY visits::float8)) AS cut
                          FROM customer) AS q))) AS v (attribute, value)
), wanted AS (
    SELECT s.segment, v.attribute, v.value, count(*) FILTER (WHERE v.segment = s.segment) AS customers, s.n,
           count(*) FILTER (WHERE v.segment <> s.segment) AS others, 3000 - s.n AS rest
    FROM (SELECT segment, count(*) AS n FROM customer GROUP BY 1) AS s, value AS v GROUP BY 1, 2, 3, s.n
)
SELECT count(*) AS cells, count(t.segment) AS told,
       count(*) FILTER (WHERE t.customers = w.customers AND near(t.share, w.customers / w.n::float8)
           AND near(t.rest_share, w.others / w.rest::float8)
           AND near(t.difference, t.share - t.rest_share) AND near(t.index, 100 * t.share / t.rest_share)
           AND near(t.p_value, chi_squared_p((w.customers::float8 * (w.rest - w.others) - w.others::float8 * (w.n - w.customers)) ^ 2 * 3000
                / (w.n::float8 * w.rest * (w.customers + w.others) * (3000 - w.customers - w.others)), 1))) AS the_same
FROM wanted AS w LEFT JOIN told AS t ON t.segment = w.segment AND t.attribute = w.attribute AND t.value IS NOT DISTINCT FROM w.value
    AND t.kind <> 'withheld';
-- Benjamini and Hochberg by their definition; intervals agree with p and with each other
SELECT count(*) AS compared, count(*) FILTER (WHERE near(t.p_adjusted, (SELECT min(least(1, u.p_value * 54 / (SELECT count(*) FROM told AS v
           WHERE v.p_value <= u.p_value))) FROM told AS u WHERE u.p_value >= t.p_value))) AS corrected,
       count(*) FILTER (WHERE (difference_lower > 0) <> (index_lower > 100)
                           OR (difference_upper < 0) <> (index_upper < 100)) AS contradictions
FROM told AS t, (SELECT count(p_value) AS n FROM told) AS c WHERE p_value IS NOT NULL AND c.n = 54;
SELECT count(p_value) AS compared FROM told;
-- times are cut, too; all ranges together are all customers
SELECT attribute, sum(customers), count(DISTINCT value) FROM told WHERE attribute IN ('born_on', 'visits') GROUP BY 1 ORDER BY 1;
SELECT DISTINCT value FROM told WHERE attribute = 'born_on' ORDER BY 1;

-- ---- types, missing values, customers in no segment ----
CREATE TYPE size AS ENUM ('small', 'large');
CREATE DOMAIN score AS integer;
SELECT attribute, kind, value, customers FROM segment_traits($$
    SELECT CASE WHEN id <= 60 THEN 7 WHEN id <= 120 THEN 8 END AS anything, (ARRAY['small', 'large'])[1 + id % 2]::size AS enum,
           (ARRAY['NaN', 'infinity', '1'])[1 + id % 3]::float8 AS number, (id % 2)::score AS domain,
           jsonb_build_object('a', id % 2) AS json, ARRAY[id % 2] AS list, ('00000000-0000-0000-0000-00000000000' || id % 2)::uuid AS uuid,
           NULL::text AS nothing, id AS key, '  ' AS blank, timestamptz '2025-01-01' + id % 2 * interval '1 day' AS at
    FROM traits.customer WHERE id <= 240$$) WHERE segment = '7' ORDER BY 1, 2, 3;
SELECT DISTINCT segment, rest_share FROM segment_traits($$
    SELECT CASE WHEN id <= 60 THEN 7 WHEN id <= 120 THEN 8 END, id % 5 = 0 AS fifth FROM traits.customer WHERE id <= 240$$)
WHERE value = 'true';
SELECT * FROM segment_traits('SELECT segment, channel FROM traits.customer WHERE false');
SELECT segment, value, share, rest_share, index, p_value FROM segment_traits($$SELECT 'all', abroad FROM customer$$);
SELECT count(*) FROM segment_traits(NULL);

-- ---- errors ----
SELECT try($$SELECT count(*) FROM segment_traits('SELECT segment FROM customer')$$);
SELECT try($$SELECT count(*) FROM segment_traits('customer', bins => 1)$$);
SELECT try($$SELECT count(*) FROM segment_traits('customer', min_customers => 0)$$);
SELECT try($$SELECT count(*) FROM segment_traits('customer', min_customers => NULL)$$);
SELECT try($$SELECT count(*) FROM segment_traits('SELECT segment, channel, channel FROM customer')$$);
SELECT try($$SELECT count(*) FROM segment_traits('DELETE FROM customer')$$);
SELECT try($$SELECT count(*) FROM segment_traits('SELECT 1, 2; SELECT 1, 2')$$);
SELECT try($$SELECT count(*) FROM segment_traits('customer', search_path => 'pg_catalog')$$);

-- ---- nothing small, nothing from which it follows: tables at random, solved line by line ----
CREATE FUNCTION derivable(salt text) RETURNS TABLE (cells bigint, shown bigint, small bigint, small_shown bigint,
                                                    rest_shown bigint, derived bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    source text := format($q$SELECT CASE WHEN hash_fraction(%1$L || 's', i::bigint) < 0.9
        THEN 's' || floor(6 * hash_fraction(%1$L || 's', i::bigint) ^ 3) END,
        'v' || floor(8 * hash_fraction(%1$L || 'v', i::bigint) ^ 2) AS value FROM generate_series(1, 150 + 2 * ascii(%1$L)) AS i$q$, salt);
    found bigint;
BEGIN
    CREATE TEMP TABLE cell AS
    SELECT s.segment, v.value, count(r.value) AS n, false AS known FROM (SELECT DISTINCT segment FROM rows_of(source)) AS s
        CROSS JOIN (SELECT DISTINCT r.value FROM rows_of(source) AS r) AS v
        LEFT JOIN rows_of(source) AS r ON r.segment IS NOT DISTINCT FROM s.segment AND r.value = v.value GROUP BY 1, 2;
    CREATE TEMP TABLE seen AS SELECT t.segment, t.value, t.customers, t.rest_share
        FROM segment_traits(source, min_customers => 10) AS t WHERE t.kind = 'value';
    UPDATE cell AS c SET known = true FROM seen AS t WHERE t.segment = c.segment AND t.value = c.value;
    SELECT count(*), count(*) FILTER (WHERE c.known), count(*) FILTER (WHERE c.n BETWEEN 1 AND 9),
           count(*) FILTER (WHERE c.known AND c.n BETWEEN 1 AND 9)
    INTO cells, shown, small, small_shown FROM cell AS c;
    SELECT count(*) INTO rest_shown FROM cell AS c, LATERAL (SELECT sum(o.n) AS n FROM cell AS o
        WHERE o.value = c.value AND o.segment IS DISTINCT FROM c.segment) AS o WHERE c.known AND o.n BETWEEN 1 AND 9;
    -- the size of a segment is known, and how many have a value as soon as one segment tells of it
    LOOP
        UPDATE cell AS c SET known = true
        WHERE NOT c.known AND (1 = (SELECT count(*) FROM cell AS o WHERE NOT o.known AND o.segment IS NOT DISTINCT FROM c.segment)
            OR (1 = (SELECT count(*) FROM cell AS o WHERE NOT o.known AND o.value = c.value)
                AND EXISTS (SELECT FROM seen AS o WHERE o.value = c.value)));
        GET DIAGNOSTICS found = ROW_COUNT;
        EXIT WHEN found = 0;
    END LOOP;
    SELECT count(*) INTO derived FROM cell AS c WHERE c.known AND c.n BETWEEN 1 AND 9;
    DROP TABLE cell, seen;
    RETURN NEXT;
END $$;
CREATE FUNCTION rows_of(source text) RETURNS TABLE (segment text, value text) LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE source; END $$;
SELECT count(*) AS tables, sum(cells) AS cells, sum(shown) AS shown, sum(small) AS small, sum(small_shown) AS small_shown,
       sum(rest_shown) AS rest_shown, sum(derived) AS derived
FROM generate_series(1, 60) AS n, derivable(chr(40 + (n % 60)::int) || n);
-- one small cell of two segments: the whole value goes, and of the other two at least
SELECT segment, attribute, kind, value, customers FROM segment_traits($$
    SELECT CASE WHEN i <= 100 THEN 'a' ELSE 'b' END,
           CASE WHEN i <= 3 OR i BETWEEN 101 AND 150 THEN 'x' WHEN i % 2 = 0 THEN 'y' WHEN i % 4 = 1 THEN 'z' ELSE 'w' END AS v
    FROM generate_series(1, 200) AS i$$);
SET client_min_messages = error;
DROP SCHEMA traits CASCADE;
