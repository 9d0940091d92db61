-- Rules in plain words.
SET search_path = public, segment;
\pset format unaligned
\pset tuples_only on

-- ---- a wording each ----
SELECT rpad(rule, 60) || ' | ' || describe_rule(rule) FROM unnest(ARRAY[
    'revenue > 1000', 'revenue >= 1000.50', 'revenue < -5', 'revenue <= 1e6', 'city = ''Köln''', 'city <> ''it''''s''', 'city != ''a''',
    '1000 < revenue', '5 >= orders', '''a'' = city', 'source.revenue > 5', '"Total Sum" > 5', 'revenue > orders', 'revenue / orders > 200',
    'revenue > -orders', '(a + b) * c > 5', 'lower(city) = ''x''', 'abs(revenue) > round(orders, 2)', 'orders::numeric > 5',
        'coalesce(orders, 0) > 5',
    'orders = CASE WHEN a THEN 1 ELSE 2 END', 'revenue > (SELECT avg(revenue) FROM facts)', 'e = (a > 3)',
        'orders OPERATOR(pg_catalog.>) 5',
    'orders > 1 /* why */ + -- and why
     2',
    'city IN (''a'')', 'city IN (''a'', ''b'', NULL)', 'city NOT IN (''a'', ''b'')', 'city NOT IN (''a'')', 'orders IN (f(1, 2), (3))',
        '(orders) IN (1, 2)',
    'orders = ANY (ARRAY[1, 2])', 'orders = SOME (''{1,2}'')', '''vip'' = ANY (tags)', 'orders <> ALL (ARRAY[1, 2])',
        '''vip'' <> ALL (tags)', 'orders > ANY (tags)',
    'orders BETWEEN 1 AND 5', 'orders NOT BETWEEN 1 AND 5', 'orders BETWEEN SYMMETRIC 5 AND 1', 'orders NOT BETWEEN ASYMMETRIC 1 AND f(2)',
    'city LIKE ''a%''', 'city LIKE ''%a''', 'city LIKE ''%a%''', 'city LIKE ''a_b%''', 'city LIKE ''ab''', 'city LIKE ''%''',
        'city LIKE ''a%b%''', 'city LIKE other',
    'city NOT LIKE ''a%''', 'city NOT LIKE ''_''', 'city ILIKE ''%a%''', 'city NOT ILIKE ''%a''', 'city LIKE ''a!%%'' ESCAPE ''!''',
        'city SIMILAR TO ''a+''',
    'city ~ ''^a''', 'city !~* ''^a''', 'city ~~ ''a%''',
    'city IS NULL', 'city IS NOT NULL', 'city ISNULL', 'city NOTNULL', '(a + b) IS NULL', '(a, b) IS NULL', '(a > 1) IS NULL',
    'unsubscribed', 'NOT unsubscribed', 'unsubscribed = true', 'unsubscribed IS TRUE', 'unsubscribed IS NOT TRUE', 'unsubscribed IS FALSE',
    'unsubscribed IS NOT FALSE', 'unsubscribed IS UNKNOWN', 'unsubscribed IS NOT UNKNOWN', '(a > 1) IS TRUE', '(a > 1) IS NOT TRUE',
        '(a > 1) IS FALSE',
    '(a > 1) IS NOT FALSE', '(a > 1) IS UNKNOWN', '(a > 1) IS NOT UNKNOWN', 'true', 'false', 'NOT true', 'NULL',
    'a IS DISTINCT FROM 5', 'a IS NOT DISTINCT FROM 5', 'a IS DISTINCT FROM b', 'a IS NOT DISTINCT FROM b', 'a IS DISTINCT FROM NULL',
        'a IS NOT DISTINCT FROM NULL',
    'a = NULL', 'a <> NULL::integer', '(a, b) = (1, 2)', 'EXISTS (SELECT FROM facts)', 'a IN (SELECT b FROM facts)',
        'a NOT IN (SELECT b FROM facts)',
    'starts_with(city, ''a'')', 'tags @> ARRAY[''a'']', 'in_segment(''loyalty'', ''Champions'')',
        'NOT in_segment(''loyalty'', ''Champions'')',
    'in_segment(''loyalty'', city)', 'tags[1] = 5', 'a.b.c = 5', 'a::boolean', '(a)', '((a) = (5))', 'x COLLATE "C" < ''a''',
        'CURRENT_USER = city']) AS rule;

-- ---- time ----
SELECT rpad(rule, 60) || ' | ' || describe_rule(rule) FROM unnest(ARRAY[
    'last_order_at < as_of() - interval ''90 days''', 'last_order_at <= as_of() - interval ''3 months''',
        'last_order_at > as_of() - interval ''1 year 2 mons''',
    'last_order_at >= as_of() - interval ''30 days''', 'last_order_at = as_of() - ''1 day''::interval',
        'last_order_at <> as_of() - interval ''1 day''',
    'ends_at < as_of() + interval ''7 days''', 'ends_at <= as_of() + interval ''7 days''',
        'ends_at > segment.as_of() + interval ''7 days''',
    'ends_at >= as_of() + CAST(''7 days'' AS interval)', 'ends_at = as_of() + interval ''7 days''', 'ends_at < as_of()',
        'ends_at <= as_of()', 'ends_at = as_of()',
    'ends_at >= as_of()', 'ends_at > as_of()', 'ends_at <> as_of()', 'as_of() - interval ''90 days'' > last_order_at', 'as_of() >= ends_at',
    'NOT last_order_at < as_of() - interval ''90 days''', 'NOT ends_at = as_of()', 'as_of() - last_order_at > interval ''90 days''',
    'born < date ''2000-01-01''', 'born >= ''2000-01-01''::date', 'at > timestamptz ''2025-01-01 00:00+00''', 'born > ''2000-01-01''',
    'last_order_at BETWEEN as_of() - interval ''90 days'' AND as_of() - interval ''30 days''',
    'last_order_at < as_of() - interval ''-90 days''', 'last_order_at < as_of() - interval ''90 days ago''',
        'last_order_at < as_of() - interval ''01:30''',
    'last_order_at < as_of() - 2 * interval ''1 day''', 'last_order_at < as_of() - interval ''1'' day',
        'last_order_at < date_trunc(''month'', as_of())',
    'extract(year FROM age(as_of(), born)) >= 18', 'last_order_at::date < as_of()::date']) AS rule;

-- ---- joined, nested, negated ----
SELECT '-- ' || rule || E'\n' || describe_rule(rule) FROM unnest(ARRAY[
    'a AND b > 5', 'a OR b > 5', 'a AND b AND c', 'a AND b AND c AND d', '(a AND b) AND c', 'a AND (b AND c)', 'a OR b AND c',
        '(a OR b) AND c',
    '(orders >= 5 OR revenue > 1000) AND NOT unsubscribed AND last_order_at < as_of() - interval ''90 days''',
    'NOT (a AND b)', 'NOT (a OR b)', 'NOT (a OR NOT (b AND NOT c))', 'NOT NOT a', 'NOT (a > 5)', 'NOT a <= 5', 'NOT a = 5', 'NOT a <> 5',
        'NOT (a IN (1, 2))',
    'NOT a BETWEEN 1 AND 2', 'NOT city LIKE ''a%''', 'NOT city IS NULL', 'NOT (a IS TRUE)', 'NOT ((a > 1) IS TRUE)',
        'NOT (a IS DISTINCT FROM 5)', 'NOT f(a)',
    'NOT ((a > 1) IS TRUE AND (b > 1) IS FALSE)', '(a AND b) IS NOT TRUE', '(a AND b OR c) IS UNKNOWN',
        'a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 OR c',
    'CASE WHEN a AND b THEN c ELSE d END AND e', '((a OR b) AND (c OR d AND (e OR f))) OR g', 't.and AND t."or" OR t.end', '(a OR b) OR c',
        'a OR (b OR c)',
    'NOT (a = ANY (ARRAY[1, 2]))', 'NOT (a <> ALL (tags))', '(((a AND b) AND c) AND d) AND e',
        'city = ''x and orders is at least 5'' AND a', 'NOT true OR a']) AS rule;

-- ---- what is no rule ----
SELECT describe_rule(NULL) IS NULL;
\set VERBOSITY terse
SELECT describe_rule('');
SELECT describe_rule('a, b');
SELECT describe_rule('a) OR (b');
SELECT describe_rule('a >');
SELECT describe_rule('*');

-- ---- by the settings of no session ----
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT describe_rule(E'a = \'x\\\' AND b');
RESET standard_conforming_strings;

-- ---- whatever a rule is, it is described, and each of its names is there ----
CREATE FUNCTION random_rule(depth integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pick integer := floor(random() * CASE WHEN depth > 0 THEN 30 ELSE 18 END);
    n integer := floor(random() * 20) - 5;
    name text := 'col' || floor(random() * 1e6);
    spaces text := (ARRAY[' ', '  ', E'\n', ' /* AND ( */ ', E' -- OR )\n'])[1 + floor(random() * 5)];
BEGIN
    RETURN CASE
        WHEN pick = 0 THEN name || ' >' || spaces || n
        WHEN pick = 1 THEN format('%s BETWEEN%s%s AND %s', name, spaces, n, n + 5)
        WHEN pick = 2 THEN format('%s NOT IN (%s, f(%s, ''x''), NULL)', name, n, name)
        WHEN pick = 3 THEN name
        WHEN pick = 4 THEN format('%s LIKE %L', name, (ARRAY['a%', '%b', '_', '%a%', 'a\%'])[1 + floor(random() * 5)])
        WHEN pick = 5 THEN name || ' IS NOT NULL'
        WHEN pick = 6 THEN format('(%s + %s) * -2 <= %s::numeric', name, n, name)
        WHEN pick = 7 THEN format('%s = ANY%s(ARRAY[%s, (%s)])', name, spaces, n, n + 1)
        WHEN pick = 8 THEN format('%s < as_of() - interval ''%s days''', name, n)
        WHEN pick = 9 THEN format('CASE WHEN %s THEN true END', name)
        WHEN pick = 10 THEN format('%s IS DISTINCT FROM %s', name, n)
        WHEN pick = 11 THEN format('EXISTS (SELECT FROM t WHERE %s AND (x OR y))', name)
        WHEN pick = 12 THEN format('%s IN (SELECT x FROM t)', name)
        WHEN pick = 13 THEN format('%s[%s] <> (%s).b', name, n, name)
        WHEN pick = 14 THEN format('(%s, %s) < (1, 2)', name, name)
        WHEN pick = 15 THEN format('%s NOT SIMILAR TO ''a'' ESCAPE ''b''', name)
        WHEN pick = 16 THEN format('%s AT TIME ZONE ''UTC'' > as_of() + interval ''1'' year', name)
        WHEN pick = 17 THEN format('%s IS NOT NFC NORMALIZED OR %s IS DOCUMENT', name, name)
        WHEN pick < 21 THEN random_rule(depth - 1) || spaces || 'AND ' || random_rule(depth - 1)
        WHEN pick < 24 THEN format('(%s OR%s%s)', random_rule(depth - 1), spaces, random_rule(depth - 1))
        WHEN pick < 26 THEN format('NOT%s(%s)', spaces, random_rule(depth - 1))
        WHEN pick < 28 THEN format('(%s) IS %s', random_rule(depth - 1), (ARRAY['TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE',
            'UNKNOWN'])[1 + floor(random() * 5)])
        ELSE format('((%s))%sOR (%s) = (%s)', random_rule(depth - 1), spaces, random_rule(depth - 1), random_rule(depth - 1)) END;
END $$;
SELECT setseed(0.5);
SELECT count(*) AS rules, count(*) FILTER (WHERE words IS NULL OR words = '') AS without_words,
       count(*) FILTER (WHERE EXISTS (SELECT FROM regexp_matches(rule, 'col\d+', 'g') AS c WHERE strpos(words, c[1]) = 0)) AS without_a_name
FROM (SELECT rule, describe_rule(rule) AS words FROM (SELECT random_rule(4) AS rule FROM generate_series(1, 5000) OFFSET 0) AS r) AS w;
DROP FUNCTION random_rule;
