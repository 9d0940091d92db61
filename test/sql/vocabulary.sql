--
-- Words for rules and sources: functions of a row, aggregates over events and answers.
-- Oracles are plain SQL over random data; laws by number as in value_laws.
--
SET search_path = public, segment;
SET client_min_messages = warning;
SET TimeZone = 'Europe/Berlin';
\i test/lib/try.psql

-- ---- hash_fraction: from SQL's own sha256 ----
CREATE FUNCTION fraction_by_sql(salt text, key text) RETURNS float8 LANGUAGE sql AS $$
    SELECT ('x' || left(encode(sha256(convert_to(salt, 'UTF8') || '\x00' || convert_to(key, 'UTF8')), 'hex'), 13))::bit(52)::bigint
        / 2::float8 ^ 52
$$;
SELECT salt, key, hash_fraction(salt, key) FROM (VALUES ('', ''), ('spring', '1'), ('spring', '-5'), ('sprin', 'g1'), ('é',
    'ü€')) AS v (salt, key);
SELECT count(*) AS differing FROM generate_series(1, 5000) AS i
WHERE hash_fraction('salt' || i % 7, i) IS DISTINCT FROM fraction_by_sql('salt' || i % 7, i::text);
SELECT hash_fraction('a', 42) = hash_fraction('a', '42') AS integers, hash_fraction('a', -42::bigint) = hash_fraction('a',
    '-42') AS bigints,
       hash_fraction('a', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid) = hash_fraction('a',
           'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::text) AS uuids,
       hash_fraction('a', NULL::text) IS NULL AND hash_fraction(NULL, 1) IS NULL AS nulls;
-- tenths hold a tenth, and salts know nothing of each other; each within four standard deviations
SELECT count(*) FILTER (WHERE f < 0.1) BETWEEN 9620 AND 10380 AS tenth, count(*) FILTER (WHERE f < 0.1 AND g < 0.1) BETWEEN 880
    AND 1120 AS both,
       min(f) >= 0 AND max(f) < 1 AS inside
FROM (SELECT hash_fraction('one', i) AS f, hash_fraction('two', i) AS g FROM generate_series(1, 100000) AS i) AS t;

-- ---- band: as width_bucket, with every number in one band ----
SELECT age, band(age, '{18,35,60}', '{minor,young,middle,old}', 'unknown')
FROM unnest('{-1,0,17.999,18,34,35,60,1e300,Infinity,-Infinity,NaN,NULL}'::float8[]) AS age;
SELECT count(*) AS differing FROM generate_series(1, 2000) AS i, LATERAL (SELECT (hashint4(i) % 1000) / 10.0::float8 AS x) AS t
WHERE band(x, '{-50,-1.5,0,20,99.9}', '{a,b,c,d,e,f}') IS DISTINCT FROM ('{a,b,c,d,e,f}'::text[])[1 + width_bucket(x,
    '{-50,-1.5,0,20,99.9}'::float8[])];
SELECT band(5, '{}', '{all}'), band(NULL, '{1}', '{a,b}'), band(5.0::numeric, '{1}', '{a,NULL}'), band(5, '{1}', '[0:1]={a,b}'),
    band(0.1::numeric, '{0.1}', '{a,b}');
SELECT try(format('SELECT segment.band(%s)', a)) FROM unnest(ARRAY['5, ''{2,1}'', ''{a,b,c}''', '5, ''{1,1}'', ''{a,b,c}''',
    '5, ''{1}'', ''{a}''',
    '5, ''{1,NULL}'', ''{a,b,c}''', '5, ''{NaN}'', ''{a,b}''', '5, NULL, ''{a}''', '5, ''{1}'', NULL', '5, ''{{1},{2}}'', ''{a,b,c}''',
    '5, ''{1}'', ''{{a,b}}''', 'NULL, ''{2,1}'', ''{a,b,c}''']) AS a;

-- ---- ages: what SQL has already says it right, 29 February included ----
SELECT as_of, extract(year FROM age(as_of::timestamptz, '2000-02-29'::date))
    FROM unnest('{2023-02-28,2023-03-01,2024-02-28,2024-02-29}'::date[]) AS as_of;
SELECT count(*) FILTER (WHERE extract(year FROM age(as_of::timestamptz, birth)) <> extract(year FROM as_of) - extract(year FROM birth)
                                    - (to_char(as_of, 'MMDD') < to_char(birth, 'MMDD'))::int) AS differing,
       count(*) FILTER (WHERE to_char(birth, 'MMDD') = '0229') > 100 AS leap_days
FROM (SELECT date '1999-12-20' + (hashint4(i) & 8191) % 1600 AS birth, date '2022-01-01' + (hashint4(-i) & 8191) % 1600 AS as_of
    FROM generate_series(1, 200000) AS i) AS t;
SELECT count(*) AS leap_days_differing FROM generate_series(date '2004-02-29', '2011-12-31', '1 day') AS d (as_of)
WHERE extract(year FROM age(as_of, '2000-02-29'::date)) <> extract(year FROM as_of) - 2000 - (to_char(as_of, 'MMDD') < '0229')::int;

-- ---- scales ----
SELECT scale_score('{5,1,4}', '{2}', 1, 5) AS reversed, scale_score('{5,1,4}', '{2,2}', 1, 5) AS twice_is_once,
    scale_score('{5,NULL}', '{}', 1, 5) AS half,
       scale_score('{5,NULL,NULL}', '{}', 1, 5) AS less, scale_score('{5,NULL,NULL}', '{}', 1, 5, 1) AS one_will_do,
           scale_score('{5,NULL}', '{2}', 1, 5, 2) AS all_wanted,
       scale_score('{}', '{}', 1, 5) AS none, scale_score(NULL, '{}', 1, 5) AS "null", scale_score('{0,NaN,10}', '{1}', 0, 10) AS from_0;
SELECT count(*) AS differing
FROM (SELECT i, ARRAY(SELECT CASE WHEN hashint4(i * 10 + q) % 5 <> 0 THEN 1 + (hashint4(i * 100 + q) & 255) % 7 END::float8
    FROM generate_series(1, 6) AS q) AS a
      FROM generate_series(1, 3000) AS i) AS t
WHERE scale_score(a, '{2,5}', 1, 7) IS DISTINCT FROM (
    SELECT CASE WHEN count(x) >= 3 THEN sum(CASE WHEN q IN (2, 5) THEN 8 - x ELSE x END) / count(x) END
        FROM unnest(a) WITH ORDINALITY AS u (x, q));
SELECT try(format('SELECT segment.scale_score(%s)', a)) FROM unnest(ARRAY['''{6}'', ''{}'', 1, 5', '''{0.9}'', ''{}'', 1, 5',
    '''{1}'', ''{2}'', 1, 5',
    '''{1}'', ''{0}'', 1, 5', '''{1}'', NULL, 1, 5', '''{1}'', ''{}'', 5, 5', '''{1}'', ''{}'', NULL, 5',
        '''{1}'', ''{}'', 1, ''Infinity''',
    '''{{1}}'', ''{}'', 1, 5', '''{1}'', ''{NULL}'', 1, 5']) AS a;

-- ---- follows: a B after an A, within a time ----
SELECT follows(at, a, b, '2 days') FROM (VALUES ('2026-01-01'::timestamptz, true, false), ('2026-01-03', false, true)) AS e (at, a, b);
SELECT follows(at, a, b, '2 days') FROM (VALUES ('2026-01-01'::timestamptz, true, false), ('2026-01-03 00:00:00.000001', false,
    true)) AS e (at, a, b);
SELECT follows(at, a, b, '2 days') FROM (VALUES ('2026-01-01'::timestamptz, true, false), ('2026-01-01', false, true)) AS e (at, a, b);
SELECT follows(at, a, b, '2 days') FROM (VALUES ('2026-01-01'::timestamptz, true, true)) AS e (at, a, b);
SELECT follows(at, true, true, '2 days') FROM (VALUES ('2026-01-01'::timestamptz), ('2026-01-02')) AS e (at);
-- a day of 23 hours and one of 25; a month; nothing; what is not known
SELECT follows(at, n = 1, n = 2, '1 day') AS day, follows(at, n = 1, n = 2, '24 hours') AS hours
FROM (VALUES (1, '2026-03-28 12:00'::timestamptz), (2, '2026-03-29 12:00:00.5')) AS e (n, at);
SELECT follows(at, n = 1, n = 2, '1 day') AS day, follows(at, n = 1, n = 2, '24 hours') AS hours
FROM (VALUES (1, '2026-10-24 12:00'::timestamptz), (2, '2026-10-25 12:00')) AS e (n, at);
SELECT follows(at, n = 1, n = 2, '1 month') FROM (VALUES (1, '2026-01-31'::timestamptz), (2, '2026-02-28')) AS e (n, at);
SELECT follows(now(), true, true, '1 day') FROM generate_series(1, 0);
SELECT follows(at, n = 1, n = 2, '1 day') FROM (VALUES (1, '-infinity'::timestamptz), (2, '2026-02-28'), (1, NULL), (NULL,
    '2026-02-27'), (2, 'infinity')) AS e (n, at);
SELECT try(format('SELECT segment.follows(now(), true, false, %s)', w))
FROM unnest(ARRAY['''0''', '''-1 day''', 'NULL', '''1 month -31 days -1 hour''', '''400000 years''']) AS w;

CREATE TABLE event AS
SELECT customer, timestamptz '2026-03-01' + (hashint4(i) & 65535) % (100 + customer * 20) * interval '1 hour' AS at,
       CASE WHEN hashint4(i + 7) % 40 <> 0 THEN (ARRAY['trial', 'order', 'visit', 'both'])[1 + (hashint4(i + 1000000) & 3)] END AS what,
       CASE WHEN i % 50 <> 0 THEN (hashint4(i + 2000000) % 100000) / 100.0::float8 END AS amount
FROM (SELECT i, (hashint4(-i) & 16383) % 600 AS customer FROM generate_series(1, 6000) AS i) AS s;
UPDATE event SET at = NULL WHERE hashint4(customer) % 30 = 1 AND amount > 500;
CREATE INDEX ON event (customer);
ANALYZE event;
CREATE VIEW sequence AS
SELECT w, customer, follows(at, what IN ('trial', 'both'), what IN ('order', 'both'), w) AS follows
FROM event, unnest('{1 hour,5 hours,1 day,3 days,1 month}'::interval[]) AS w GROUP BY 1, 2;
SELECT w, count(*) FILTER (WHERE follows) BETWEEN 5 AND 595 AS both_answers, count(*) FILTER (WHERE follows IS DISTINCT FROM EXISTS (
    SELECT FROM event AS a JOIN event AS b USING (customer)
    WHERE customer = s.customer AND a.what IN ('trial', 'both') AND b.what IN ('order', 'both') AND b.at > a.at
        AND b.at <= a.at + w)) AS differing
FROM sequence AS s GROUP BY w ORDER BY w;
-- as a window: each running answer is right, none changed by the next
SELECT count(*) AS differing FROM (
    SELECT customer, at, follows(at, what = 'trial', what = 'order', '5 hours') OVER (PARTITION BY customer ORDER BY at) AS f
        FROM event WHERE customer < 100) AS s
WHERE f IS DISTINCT FROM EXISTS (SELECT FROM event AS a JOIN event AS b USING (customer) WHERE customer = s.customer AND a.what = 'trial'
                                   AND b.what = 'order' AND b.at > a.at AND b.at <= a.at + interval '5 hours' AND b.at <= s.at);
-- many in one group: sorted, compacted, told
SELECT follows(at, i % 2 = 0, false, '1 day'), follows(at, false, i % 2 = 1, '1 day'), follows(at, i % 1000 = 0, i % 1000 = 999,
    '998 minutes'),
       follows(at, i % 1000 = 0, i % 1000 = 999, '999 minutes')
FROM (SELECT i, timestamptz '2020-01-01Z' + i * interval '1 minute' AS at FROM generate_series(1, 100000) AS i ORDER BY hashint4(i)) AS s;

-- ---- decayed_sum ----
SELECT decayed_sum(amount, at, '30 days', '2026-03-01 00:00Z') FROM (VALUES (8, '2026-01-30 00:00Z'::timestamptz), (8,
    '2025-12-31 00:00Z'), (2, '2025-11-01 00:00Z')) AS e (amount, at);
SELECT decayed_sum(1, at, '1 day', '2026-03-01'), decayed_sum(NULL, at, '1 day', '2026-03-01') IS NULL AS nothing
FROM (VALUES ('2026-03-01'::timestamptz), ('2026-04-01'), ('-infinity'), ('infinity'), (NULL)) AS e (at);
SELECT decayed_sum(1, now(), '1 day', now()) IS NULL AS none FROM generate_series(1, 0);
-- 1e300 and its opposite leave what is between them
SELECT decayed_sum(x, '2026-01-01', '1 day', '2026-01-02') FROM unnest('{1e300,3,-1e300}'::float8[]) AS x;
SELECT decayed_sum(x, '2026-01-01', '1 day', '2026-01-02'), decayed_sum(-x, '2026-01-01', '1 day', '2026-01-02')
    FROM unnest('{1,Infinity}'::float8[]) AS x;
SELECT decayed_sum(x, '2026-01-01', '1 day', '2026-01-02') FROM unnest('{1,Infinity,-Infinity}'::float8[]) AS x;
SELECT decayed_sum(x, '2026-01-01', '1 day', '2026-01-02') FROM unnest('{1,Infinity,NaN}'::float8[]) AS x;
SELECT try($$SELECT segment.decayed_sum(1.7e308, '2026-01-01', '1 day', '2026-01-01 00:00:01') FROM generate_series(1, 3)$$);
SELECT try(format('SELECT segment.decayed_sum(1, now(), %s)', a)) FROM unnest(ARRAY['''0'', now()', '''-1 month'', now()',
    'NULL, now()', '''1 day'', NULL', '''1 day'', ''infinity''']) AS a;
-- by the server's numeric, with 40 digits (its power() of a whole exponent has 16 behind the point); a few units of the last place
SELECT count(*) AS customers, count(*) FILTER (WHERE NOT abs(d - truth) <= 1e-15 * size) AS differing
FROM (SELECT customer, h, decayed_sum(amount, at, h, '2026-05-01') AS d, sum(amount::numeric * f) AS truth,
             sum(abs(amount::numeric) * f) AS size
      FROM event, unnest('{6 hours,7 days 3 hours,1 month}'::interval[]) AS h,
           LATERAL (SELECT exp(round(-extract(epoch FROM timestamptz '2026-05-01' - at) / extract(epoch FROM h), 40)
                               * ln(2.0000000000000000000000000000000000000000)) AS f) AS factor
      WHERE at < '2026-05-01' GROUP BY 1, 2) AS t
WHERE size > 0;

-- ---- cronbach_alpha ----
CREATE TABLE answer AS
SELECT i AS id, i % 3 AS grp, (hashint4(i) & 7) % 5 + 1 AS q1, ((hashint4(i) & 7) + (hashint4(-i) & 3)) % 5 + 1 AS q2,
       CASE WHEN i % 40 <> 0 THEN ((hashint4(i) & 7) + (hashint4(i * 31) & 1)) % 5 + 1 END AS q3, (hashint4(i) & 7)
           / 3.0::float8 + (hashint4(i + 9) & 1023) / 997.0 AS q4
FROM generate_series(1, 3000) AS i;
ANALYZE answer;
SELECT count(*) FILTER (WHERE abs(alpha - truth) < 1e-13) AS same, count(*) AS groups, bool_and(alpha BETWEEN 0.3 AND 0.95) AS sensible
FROM (SELECT grp, cronbach_alpha(q1, q2, q3, q4) AS alpha,
             (SELECT 4 / 3.0::float8 * (1 - (var_samp(q1) + var_samp(q2) + var_samp(q3) + var_samp(q4)) / var_samp(q1 + q2 + q3 + q4))
              FROM answer AS b WHERE b.grp = a.grp AND q3 IS NOT NULL) AS truth
      FROM answer AS a GROUP BY grp) AS t;
-- five questions of the Law School Admission Test, 1000 persons (Bock and Lieberman, Psychometrika 35, 1970): 0.295 (R package ltm)
SELECT count(*) AS persons, round(cronbach_alpha(VARIADIC string_to_array(answers, NULL)::float8[])::numeric, 3) AS alpha
FROM (VALUES ('00000', 3), ('00001', 6), ('00010', 2), ('00011', 11), ('00100', 1), ('00101', 1), ('00110', 3), ('00111', 4),
    ('01000', 1), ('01001', 8),
             ('01011', 16), ('01101', 3), ('01110', 2), ('01111', 15), ('10000', 10), ('10001', 29), ('10010', 14), ('10011', 81),
                 ('10100', 3), ('10101', 28),
             ('10110', 15), ('10111', 80), ('11000', 16), ('11001', 56), ('11010', 21), ('11011', 173), ('11100', 11), ('11101', 61),
                 ('11110', 28),
             ('11111', 298)) AS pattern (answers, n), generate_series(1, n) AS copy;
SET client_min_messages = notice;
SELECT cronbach_alpha(q1, q2, q3) BETWEEN 0 AND 1 AS alpha FROM answer;
SET client_min_messages = warning;
-- a large offset loses nothing; an array; all alike; one row; none; opposites
SELECT cronbach_alpha(q1, q2, q3) = cronbach_alpha(VARIADIC ARRAY[q1 + 1e9, q2 + 1e9, q3]) AS far FROM answer;
SELECT cronbach_alpha(1, 1), cronbach_alpha(i, i) AS same, cronbach_alpha(i, -i) AS opposite, cronbach_alpha(i, NULL)
    FROM generate_series(1, 5) AS i;
SELECT cronbach_alpha(1, 2), (SELECT cronbach_alpha(1, 2) FROM generate_series(1, 0)) AS none;
SELECT cronbach_alpha(x, y) FROM (VALUES (1, 'Infinity'::float8), (1, 2), (2, 3)) AS v (x, y);
SELECT try(format('SELECT segment.cronbach_alpha(%s) FROM generate_series(1, 2) AS i', a))
FROM unnest(ARRAY['1', 'VARIADIC ''{}''::float8[]', 'VARIADIC NULL::float8[]',
    'VARIADIC array_fill(1.0::float8, ARRAY[i + 1])', 'VARIADIC array_fill(1.0::float8, ARRAY[1001])', 'i * ''1e200''::float8, i']) AS a;

-- ---- law 3: same data, same answer, byte by byte ----
CREATE VIEW everything AS
SELECT md5((SELECT string_agg(s::text, ',' ORDER BY w, customer) FROM sequence AS s)
           || (SELECT string_agg(float8send(d)::text, ',' ORDER BY customer)
               FROM (SELECT customer, decayed_sum(amount, at, '7 days', '2026-05-01') AS d FROM event GROUP BY 1) AS t)
           || (SELECT float8send(cronbach_alpha(q1, q2, q3, q4))::text FROM answer)
           || (SELECT float8send(decayed_sum(amount, at, '9 hours', '2026-05-01'))::text || follows(at, what = 'visit',
               what = 'order', '1 second') FROM event)) AS md5;
SELECT md5 AS whole FROM everything \gset
SELECT decayed_sum(amount, at, '9 hours', '2026-05-01') AS decayed, cronbach_alpha(q1, q2, q3, q4) AS alpha
    FROM event FULL JOIN answer ON false;
CREATE TABLE kept AS SELECT * FROM event;
TRUNCATE event;
INSERT INTO event SELECT * FROM kept ORDER BY hashint8(extract(epoch FROM at)::bigint + customer), amount, what;
SELECT md5 = :'whole' AS shuffled FROM everything;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
ALTER TABLE event SET (parallel_workers = 4);
ALTER TABLE answer SET (parallel_workers = 4);
ANALYZE event, answer;
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    partial boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        partial := partial OR line ~ 'Partial (Hash|Group)?Aggregate';
    END LOOP;
    RETURN partial;
END;
$$;
SELECT pg_temp.is_parallel('SELECT follows(at, true, true, ''1 day'') FROM event') AS follows,
       pg_temp.is_parallel('SELECT decayed_sum(amount, at, ''1 day'', ''2026-05-01'') FROM event') AS decayed_sum,
       pg_temp.is_parallel('SELECT cronbach_alpha(q1, q2) FROM answer') AS cronbach_alpha,
       pg_temp.is_parallel('SELECT count(*) FROM event WHERE hash_fraction(''a'', customer) < 0.5') AS hash_fraction;
SELECT md5 = :'whole' AS parallel FROM everything;
SET max_parallel_workers_per_gather = 0;

-- ---- states cross as text and as bytes, and what is forged is refused ----
CREATE AGGREGATE follows_state(timestamptz, boolean, boolean, interval) (
    SFUNC = segment_internal.follows_accum, STYPE = segment_internal.event_times);
CREATE AGGREGATE follows_merge(segment_internal.event_times) (
    SFUNC = segment_internal.follows_combine, STYPE = segment_internal.event_times);
CREATE AGGREGATE decayed_state(float8, timestamptz, interval, timestamptz) (
    SFUNC = segment_internal.decayed_sum_accum, STYPE = segment_internal.decayed_state);
CREATE AGGREGATE decayed_merge(segment_internal.decayed_state) (
    SFUNC = segment_internal.decayed_sum_combine, STYPE = segment_internal.decayed_state);
CREATE AGGREGATE cronbach_state(VARIADIC float8[]) (
    SFUNC = segment_internal.cronbach_alpha_accum, STYPE = segment_internal.cronbach_state);
CREATE AGGREGATE cronbach_merge(segment_internal.cronbach_state) (
    SFUNC = segment_internal.cronbach_alpha_combine, STYPE = segment_internal.cronbach_state);
CREATE TABLE part AS
SELECT k, (SELECT follows_state(at, what = 'visit', what = 'order', '1 second') FROM event WHERE customer % 6 = k) AS f,
       (SELECT decayed_state(amount, at, '9 hours', '2026-05-01') FROM event WHERE customer % 6 = k) AS d,
       (SELECT cronbach_state(q1, q2, q3, q4) FROM answer WHERE id % 6 = k) AS c
FROM generate_series(0, 7) AS k;
CREATE TABLE whole AS
SELECT (SELECT follows_state(at, what = 'visit', what = 'order', '1 second') FROM event)::text AS f,
       (SELECT decayed_state(amount, at, '9 hours', '2026-05-01') FROM event)::text AS d, (SELECT cronbach_state(q1, q2, q3, q4)
           FROM answer)::text AS c;
\copy part TO 'test/output/vocabulary.bin' (FORMAT binary)
CREATE TABLE part_back (LIKE part);
\copy part_back FROM 'test/output/vocabulary.bin' (FORMAT binary)
\! rm -f test/output/vocabulary.bin
SELECT name, length(w.f) > 10000 AS many, m.f = w.f AS follows, m.d = w.d AS decayed, m.c = w.c AS cronbach FROM whole AS w, (
    SELECT 'direct' AS name, follows_merge(f)::text AS f, decayed_merge(d)::text AS d, cronbach_merge(c)::text AS c FROM part
    UNION ALL SELECT 'backwards', follows_merge(f ORDER BY k DESC)::text, decayed_merge(d ORDER BY k DESC)::text,
        cronbach_merge(c ORDER BY k DESC)::text FROM part
    UNION ALL SELECT 'through text', follows_merge(f::text::segment_internal.event_times)::text,
        decayed_merge(d::text::segment_internal.decayed_state)::text,
        cronbach_merge(c::text::segment_internal.cronbach_state)::text FROM part
    UNION ALL SELECT 'through binary', follows_merge(f)::text, decayed_merge(d)::text, cronbach_merge(c)::text FROM part_back) AS m;
SELECT decayed_sum(decayed_merge(d)) = (SELECT decayed_sum(amount, at, '9 hours', '2026-05-01') FROM event) AS decayed,
       cronbach_alpha(cronbach_merge(c)) = (SELECT cronbach_alpha(q1, q2, q3, q4) FROM answer) AS cronbach,
           follows(follows_merge(f)) AS follows FROM part_back;
SELECT bool_and(a.f::text IS NOT DISTINCT FROM b.f::text AND a.d::text IS NOT DISTINCT FROM b.d::text
    AND a.c::text IS NOT DISTINCT FROM b.c::text) AS untouched
FROM part AS a JOIN part_back AS b USING (k);
-- of different numbers of questions; a true one with any
SELECT try($$SELECT cronbach_merge(s) FROM (SELECT cronbach_state(1, 2) AS s UNION ALL SELECT cronbach_state(1, 2, 3)) AS t$$);
SELECT follows(follows_merge(s)) FROM (SELECT follows_state(now() + i * interval '1 s', true, true, '1 day') AS s
    FROM generate_series(1, 2) AS i
                                       UNION ALL SELECT follows_state(now(), true, false, '1 day')) AS t;
SELECT type, try(format('SELECT %L::segment_internal.%s', v, type))
FROM (VALUES ('event_times', ''), ('event_times', 'xyz'), ('event_times', '0002'), ('event_times',
    '000100010000000000000001' || repeat('0', 32)),
             ('event_times', '00010000' || '7fffffffffffffff'), ('event_times', '000100000000000000000001' || repeat('0',
                 15) || '5' || repeat('0', 16)),
             ('event_times', '000100000000000000000000ff'), ('event_times',
                 '000100000000000000000001' || '7fffffffffffffff' || '7fffffffffffffff'),
             ('decayed_state', '0001'), ('decayed_state', '0001' || repeat('f', 64) || '00000000'), ('decayed_state',
                 '0001' || repeat('0', 64) || '00d70002'),
             ('decayed_state', '0001' || repeat('0', 64) || '00000000'), ('decayed_state', '0003' || repeat('0', 64) || '00000000'),
             ('cronbach_state', '00010001'), ('cronbach_state', '0001ffff'), ('cronbach_state', '00010002' || repeat('0',
                 32) || repeat('0', 48)),
             ('cronbach_state', '00010002' || repeat('0', 32) || '00000000' || '00d70001ffffffffffffffff' || repeat('0',
                 32))) AS t (type, v);
-- any bytes changed, cut or added end in a value or in these errors
CREATE FUNCTION pg_temp.survives(type text, final text, good text, round integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n integer := length(good) / 2;
    bytes bytea := decode(good, 'hex');
BEGIN
    FOR i IN 1 .. 1 + round % 3 LOOP
        bytes := set_byte(bytes, (hashint4(round * 5 + i) & 65535) % least(n, 60 + (round % 7) * n), hashint4(round + i * 7919) & 255);
    END LOOP;
    bytes := substr(bytes, 1, n - greatest(round % 40 - 30, 0)) || substr('\x0102'::bytea, 1, greatest(round % 33 - 31, 0));
    EXECUTE format('SELECT segment.%s(%L::segment_internal.%s)', final, encode(bytes, 'hex'), type);
    RETURN 'value';
EXCEPTION WHEN invalid_binary_representation OR protocol_violation OR numeric_value_out_of_range THEN
    RETURN 'error';
END;
$$;
SELECT t.type, count(*) FILTER (WHERE r = 'value') > 0 AS values, count(*) FILTER (WHERE r = 'error') > 0 AS errors, count(*) AS tried
FROM (SELECT f::text, d::text, c::text FROM part WHERE k = 1) AS p (f, d, c),
     LATERAL (VALUES ('event_times', 'follows', f), ('decayed_state', 'decayed_sum', d),
                     ('cronbach_state', 'cronbach_alpha', c)) AS t (type, final, good),
     generate_series(1, 2000) AS round, LATERAL (SELECT pg_temp.survives(t.type, t.final, t.good, round) AS r) AS s
GROUP BY t.type ORDER BY t.type;
SELECT try($$SELECT segment_internal.follows_accum(NULL, now(), true, true, '1 day')$$),
    try($$SELECT segment_internal.decayed_sum_combine(NULL, NULL)$$),
       try($$SELECT segment_internal.cronbach_alpha_accum(NULL, 1, 2)$$);
DROP VIEW everything, sequence;
DROP TABLE event, answer, kept, part, part_back, whole;
DROP AGGREGATE follows_state(timestamptz, boolean, boolean, interval), follows_merge(segment_internal.event_times),
    decayed_state(float8, timestamptz, interval, timestamptz), decayed_merge(segment_internal.decayed_state),
        cronbach_state(VARIADIC float8[]),
    cronbach_merge(segment_internal.cronbach_state);
DROP FUNCTION fraction_by_sql(text, text), try(text);
