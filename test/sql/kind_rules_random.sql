-- Rules by chance: the engine against plain SQL, row by row; and logic of three values.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;

-- ---- all functions of three truth values ----
-- 27 rows, and a rule for each of the 256 ways to join the 8 cases of a, b and c
CREATE TABLE truth AS
SELECT row_number() OVER ()::integer AS id, a, b, c
FROM unnest(ARRAY[true, false, NULL]) AS a, unnest(ARRAY[true, false, NULL]) AS b, unnest(ARRAY[true, false, NULL]) AS c;
CREATE FUNCTION cases(f integer) RETURNS SETOF integer LANGUAGE sql AS 'SELECT i FROM generate_series(0, 7) AS i WHERE f >> i & 1 = 1';
CREATE FUNCTION literal(name text, case_number integer, place integer) RETURNS text LANGUAGE sql AS
$$ SELECT CASE WHEN case_number >> place & 1 = 1 THEN name ELSE 'NOT ' || name END $$;
SELECT create_rule_segmentation('truths', 'truth', (
    SELECT json_object_agg('f' || f, coalesce((
        SELECT string_agg(format('(%s AND %s AND %s)', literal('a', i, 0), literal('b', i, 1), literal('c', i, 2)), ' OR ')
        FROM cases(f) AS i), 'false') ORDER BY f)
    FROM generate_series(0, 255) AS f), exclusive => false);
SELECT outcome, rows_used FROM refresh_segmentation('truths', '2025-01-01');
-- Kleene's logic in numbers: false 0, unknown 0.5, true 1; AND is the least, OR the greatest, NOT one minus it
CREATE FUNCTION value(t boolean) RETURNS numeric LANGUAGE sql AS 'SELECT CASE WHEN t THEN 1 WHEN NOT t THEN 0 ELSE 0.5 END';
CREATE FUNCTION value(t boolean, case_number integer, place integer) RETURNS numeric LANGUAGE sql AS
'SELECT CASE WHEN case_number >> place & 1 = 1 THEN value(t) ELSE 1 - value(t) END';
SELECT count(*) AS pairs, count(*) FILTER (WHERE holds) AS hold,
       count(*) FILTER (WHERE holds <> EXISTS (SELECT FROM truths_segments AS m WHERE m.id = w.id AND m.segment = 'f' || f)) AS wrong
FROM (SELECT id, f, coalesce((SELECT max(least(value(a, i, 0), value(b, i, 1), value(c, i, 2))) FROM cases(f) AS i), 0) = 1 AS holds
      FROM truth, generate_series(0, 255) AS f) AS w;
SELECT drop_segmentation('truths');

-- ---- 10,000 rules ----
CREATE TABLE thing (id integer PRIMARY KEY, a integer, b numeric, c text, d timestamptz, e boolean);
CREATE FUNCTION chance(VARIADIC what text[]) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashtextextended(array_to_string(what, ' '), 11) & 1048575) / 1048576.0 $$;
CREATE FUNCTION pick(x double precision, VARIADIC items text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT items[1 + floor(x * cardinality(items))::integer] $$;
CREATE FUNCTION random_things(round integer) RETURNS void LANGUAGE sql AS $$
    DELETE FROM thing;
    INSERT INTO thing
    SELECT n, CASE WHEN chance('a', round::text, n::text) < 0.8 THEN floor(chance('a2', round::text, n::text) * 20) - 5 END,
           CASE WHEN chance('b', round::text, n::text) < 0.8 THEN round((chance('b2', round::text, n::text) * 10 - 3)::numeric, 1) END,
           CASE WHEN chance('c', round::text, n::text) < 0.8
                    THEN pick(chance('c2', round::text, n::text), '', 'a', 'ab', 'b', 'it''s', 'B') END,
           CASE WHEN chance('d', round::text, n::text) < 0.8
                    THEN timestamptz '2025-01-01' + chance('d2', round::text, n::text) * interval '60 days' END,
           CASE WHEN chance('e', round::text, n::text) < 0.8 THEN chance('e2', round::text, n::text) < 0.5 END
    FROM generate_series(1, 30) AS n;
$$;
CREATE FUNCTION random_rule(seed text, depth integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h bigint := hashtextextended(seed, 7) & 9223372036854775807;    -- all of the chance of one rule
    x float8 := (h & 1023) / 1024.0;
    pick2 integer := h >> 10 & 1;
    pick3 integer := (h >> 10 & 1023) % 3;
    n integer := (h >> 20 & 1023) % 20 - 5;
    compare text := ('{<,<=,=,<>,>=,>}'::text[])[1 + (h >> 30 & 1023) % 6];
BEGIN
    IF depth > 0 AND x < 0.7 THEN
        RETURN CASE
            WHEN x < 0.25 THEN random_rule(seed || 'l', depth - 1) || ' AND ' || random_rule(seed || 'r', depth - 1)
            WHEN x < 0.45 THEN format('(%s OR %s)', random_rule(seed || 'l', depth - 1), random_rule(seed || 'r', depth - 1))
            WHEN x < 0.60 THEN format('NOT (%s)', random_rule(seed || 'l', depth - 1))
            WHEN x < 0.65 THEN format('(%s) IS %s', random_rule(seed || 'l', depth - 1),
                                      ('{TRUE,NOT TRUE,UNKNOWN}'::text[])[1 + pick3])
            ELSE format('CASE WHEN %s THEN %s ELSE %s END', random_rule(seed || 'l', depth - 1),
                        random_rule(seed || 'r', depth - 1), random_rule(seed || 'm', depth - 1)) END;
    END IF;
    RETURN CASE (h >> 40 & 1023) % 16
        WHEN 0 THEN format('a %s %s', compare, n)
        WHEN 1 THEN format('b %s %s / 2.0', compare, n)
        WHEN 2 THEN format('a %s b', compare)
        WHEN 3 THEN 'e'
        WHEN 4 THEN 'e = (a > 3)'
        WHEN 5 THEN format('a + coalesce(b, 0) %s %s', compare, n)
        WHEN 6 THEN format('c %s %L', compare, ('{a,ab,it''s}'::text[])[1 + pick3])
        WHEN 7 THEN format('c LIKE %L', ('{a%,%b,_}'::text[])[1 + pick3])
        WHEN 8 THEN format('c %s (''a'', ''b'', NULL)', ('{IN,NOT IN}'::text[])[1 + pick2])
        WHEN 9 THEN format('a BETWEEN %s AND %s', n, ('{3,10,b}'::text[])[1 + pick3])
        WHEN 10 THEN format('%s IS %s', ('{b,c,d}'::text[])[1 + pick3], ('{"NULL","NOT NULL"}'::text[])[1 + pick2])
        WHEN 11 THEN format('d %s as_of() - interval ''%s days''', compare, abs(n))
        WHEN 12 THEN format('a %s (SELECT max(t.a) - 3 FROM thing AS t WHERE t.e = source.e)', compare)
        WHEN 13 THEN format('EXISTS (SELECT FROM thing AS t WHERE t.a = source.a + 1 AND t.id %s source.id)', compare)
        WHEN 14 THEN format('b IS DISTINCT FROM %s', n)
        ELSE format('(a, b) %s (%s, 1)', compare, n) END
        || CASE WHEN x > 0.95 THEN E' -- AND false\n' ELSE '' END;
END;
$$;
-- 50 rounds of 200 rules: half exclusive, half overlapping; some refreshed twice, on other data
CREATE TEMPORARY TABLE holds (id integer, n integer);
DO $$
DECLARE
    rules text[];
    wrong bigint;
    checked bigint := 0;
    took bigint := 0;
    result record;
BEGIN
    FOR round IN 1 .. 50 LOOP
        rules := ARRAY(SELECT random_rule(format('%s/%s', round, n), n % 4) FROM generate_series(1, 200) AS n);
        PERFORM random_things(2 * round);
        PERFORM create_rule_segmentation('chance', 'thing', (SELECT json_object_agg(n, r ORDER BY n)
                                                             FROM unnest(rules) WITH ORDINALITY AS u (r, n)),
                                         exclusive => round % 2 = 0, rest => CASE WHEN round % 3 = 0 THEN 'rest' END, max_departed => 1);
        FOR again IN 0 .. CASE WHEN round % 5 < 2 THEN 1 ELSE 0 END LOOP
            PERFORM random_things(2 * round + again);
            SELECT * INTO result FROM refresh_segmentation('chance', timestamptz '2025-03-01' + again * interval '1 day');
            IF result.outcome <> 'ok' THEN
                RAISE WARNING 'round %: % %', round, result.outcome, result.error;
            END IF;
            PERFORM set_config('segment.as_of', (timestamptz '2025-03-01' + again * interval '1 day')::text, true);
            TRUNCATE holds;
            FOR n IN 1 .. 200 LOOP
                EXECUTE format(E'INSERT INTO holds SELECT source.id, %s FROM thing AS source WHERE %s\n', n, rules[n]);
            END LOOP;
            took := took + (SELECT count(*) FROM holds);
            IF round % 2 = 0 THEN
                DELETE FROM holds AS h USING holds AS first WHERE first.id = h.id AND first.n < h.n;
            END IF;
            SELECT count(*) INTO wrong FROM (
                SELECT id, n::text AS segment FROM holds
                UNION ALL SELECT id, 'rest' FROM thing WHERE round % 3 = 0 AND id NOT IN (SELECT id FROM holds)) AS h
            FULL JOIN chance_segments AS m ON m.id = h.id AND m.segment = h.segment WHERE m.id IS NULL OR h.id IS NULL;
            IF wrong > 0 THEN
                RAISE WARNING 'round %: % wrong', round, wrong;
            END IF;
            checked := checked + 200;
        END LOOP;
        PERFORM drop_segmentation('chance');
    END LOOP;
    RAISE WARNING '% rules checked, that held % times', checked, took;
END;
$$;
-- what a preview counts is what plain SQL counts, and conditions in turn come to the rule
DO $$
DECLARE
    rule text;
    wrong integer := 0;
    n integer := 0;
    p record;
    expected bigint;
    unknown bigint;
BEGIN
    PERFORM random_things(1);
    FOR i IN 1 .. 100 LOOP
        rule := random_rule('preview' || i, 3);
        PERFORM set_config('segment.as_of', '2025-03-01 00:00+00', true);
        EXECUTE format(
            E'SELECT count(*) FILTER (WHERE holds), count(*) FILTER (WHERE holds IS NULL) '
            'FROM (SELECT (%s\n) AS holds FROM thing AS source) AS s',
            rule)
        INTO expected, unknown;
        FOR p IN SELECT * FROM preview_segment(rule, source => 'thing', as_of => '2025-03-01') WITH ORDINALITY AS f LOOP
            n := n + 1;
            IF p.condition IS NULL AND (p.customers, p.unknown) IS DISTINCT FROM (expected, unknown) THEN
                wrong := wrong + 1;
            END IF;
        END LOOP;
        IF p.customers_in_turn <> expected THEN
            wrong := wrong + 1;
        END IF;
    END LOOP;
    RAISE WARNING '% wrong of % rows', wrong, n;
END;
$$;
DROP TABLE truth, thing, holds;
DROP FUNCTION cases, literal, value(boolean), value(boolean, integer, integer), chance, pick, random_things, random_rule;
