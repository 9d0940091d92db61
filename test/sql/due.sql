-- When answers of rules change by time alone: next_transition_at against the server's own answers.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;

-- ---- comparisons by chance, at instants by chance and at those where clocks and months do what they do ----
CREATE FUNCTION chance(VARIADIC what text[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashtextextended(array_to_string(what, ' '), 3) & 1048575) / 1048576.0 $$;
CREATE FUNCTION pick(x float8, VARIADIC items text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT items[1 + floor(x * cardinality(items))::integer] $$;
-- hours around changes of the clocks and ends of months, and others
CREATE FUNCTION moment(seed text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT pick(chance(seed, 'day'), '2025-03-30', '2025-10-26', '2025-03-09', '2025-11-02', '2025-04-06', '2025-10-05', '2025-02-28',
        '2024-02-29',
                '2025-03-31', '2025-05-31', '2025-12-31', '2026-01-30', (date '2024-06-01' + floor(chance(seed,
                    'any') * 700)::integer)::text)::timestamptz
           + floor(chance(seed, 'off') * 7 - 3) * interval '1 day'
           + pick(chance(seed, 'hour'), '0', '24 hours', '1 hour', '2 hours', '2 hours 30 minutes', '3 hours', '03:00:00.000001',
               '01:59:59.999999',
                  (chance(seed, 'time') * 86400)::text || ' seconds')::interval
$$;
CREATE TABLE thing (id integer, t timestamptz, ts timestamp, d date, iv interval, n integer);
CREATE TABLE instant (at timestamptz);
CREATE FUNCTION a_rule(form text, seed text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT replace(replace(replace(form, '{op}', pick(chance(seed, 'op'), '<', '<=', '>', '>=', '=', '<>')),
        '{iv}', quote_literal(pick(chance(seed, 'iv'), '90 days', '1 month', '3 months 5 days', '1 year', '36 hours', '1 day', '-1 month',
                                   '1 mon -2 days +03:30', '0', '13 months', '-5 days +01:00', '30 minutes'))),
        '{iv2}', quote_literal(pick(chance(seed, 'iv2'), '1 month', '1 day', '2 days 02:00', '12 months')))
$$;
CREATE TABLE form AS SELECT ROW_NUMBER() OVER ()::integer AS n, f AS form FROM unnest(ARRAY[
    't {op} as_of()', 't {op} as_of() - interval {iv}', 'as_of() - interval {iv} {op} t', 'interval {iv} + as_of() {op} t',
    't + interval {iv} {op} as_of()', 't - interval {iv} {op} as_of() - interval {iv2}', 'as_of() - t {op} interval {iv}',
    't - as_of() {op} interval {iv}', 't - (as_of() - interval {iv}) {op} interval {iv2}', 'd {op} as_of()::date',
    'd {op} (as_of() - interval {iv})::date', 'as_of()::date - d {op} n', 'd - as_of()::date {op} n', 'ts {op} as_of()',
    'ts {op} as_of()::timestamp', 'ts {op} as_of()::timestamp - interval {iv}', 'as_of()::timestamp - ts {op} interval {iv}',
    't {op} (as_of() - interval {iv})::date', 'd {op} as_of()', 'd {op} as_of() - interval {iv}', 'd + n {op} as_of()::date',
    'd + interval {iv} {op} as_of()', 'as_of()::date + n {op} d', 'as_of()::date - interval {iv} {op} ts',
    't {op} as_of() - interval ''1 day'' * n', 't {op} as_of() - n * interval ''1 mon 12:00''',
    't {op} as_of() - make_interval(months => n, days => 3)', 't {op} as_of() - iv', 't + iv {op} as_of()', 'as_of() - t {op} iv',
    '(as_of() - interval {iv}) + interval {iv2} {op} t', 'ts::timestamptz {op} as_of() - interval {iv}', 't::date {op} as_of()::date - n',
    'coalesce(t, ''2025-05-01 12:00Z'') {op} as_of() - interval {iv}', 'greatest(t, ''2025-03-30 01:30Z'') {op} as_of()::timestamp',
    '(as_of()::timestamp - interval {iv})::date {op} ts', '(as_of()::date)::timestamptz + interval {iv} {op} t',
    '(as_of()::timestamp + interval {iv})::timestamptz {op} t', '(ts + interval {iv})::timestamptz {op} as_of()::date']) AS f;
CREATE FUNCTION check_rule_by_chance(rule text, as_of timestamptz,
    OUT checked bigint, OUT flips bigint, OUT early bigint, OUT late bigint, OUT no_change bigint) LANGUAGE plpgsql AS $$
DECLARE
    clock record;
    -- an infinite time has no distance
    finite text := CASE WHEN rule ~ '\m(t|ts|d) - \(?as_of' OR rule ~ '- (t|ts|d)\M'
                        THEN 'isfinite(source.t) AND isfinite(source.ts) AND isfinite(source.d)' ELSE 'true' END;
    at_instant text := replace(rule, 'as_of()', 'i.at');
BEGIN
    SELECT * INTO clock FROM segment_internal.rules_clock('SELECT * FROM thing', 'public, segment', ARRAY[rule]);
    IF clock.unknown <> '{}' OR cardinality(clock.flips) <> 1 THEN
        RAISE WARNING 'not understood: % %', rule, clock;
    END IF;
    PERFORM set_config('segment.as_of', as_of::text, true);
    EXECUTE format($q$
        WITH f AS MATERIALIZED (
            SELECT source.*, %1$s AS flip, (SELECT %2$s FROM (VALUES (%3$L::timestamptz)) AS i (at)) AS was FROM thing AS source WHERE %4$s)
        SELECT count(*), count(DISTINCT source.id) FILTER (WHERE source.flip IS NOT NULL),
               count(DISTINCT source.id) FILTER (WHERE source.flip <= %3$L),
               count(DISTINCT source.id) FILTER (WHERE i.at < coalesce(source.flip, 'infinity') AND (%2$s) IS DISTINCT FROM source.was),
               count(DISTINCT source.id) FILTER (WHERE i.at = source.flip AND (%2$s) IS NOT DISTINCT FROM source.was)
        FROM f AS source, LATERAL (SELECT x.at FROM instant AS x WHERE x.at > %3$L
            UNION ALL SELECT source.flip WHERE source.flip IS NOT NULL UNION ALL SELECT source.flip - interval '1 microsecond'
            UNION ALL SELECT source.flip - interval '30 minutes' WHERE source.flip - interval '30 minutes' > %3$L) AS i$q$,
        clock.flips[1], at_instant, as_of, finite)
    INTO checked, flips, early, late, no_change;
END;
$$;
CREATE FUNCTION check_zone(zone text, rounds integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    f record;
    rule text;
    at timestamptz;
    r record;
    n bigint := 0;
    flips bigint := 0;
    wrong bigint := 0;
BEGIN
    PERFORM set_config('timezone', zone, true);
    TRUNCATE thing, instant;
    INSERT INTO thing
    SELECT i, CASE WHEN i = 1 THEN 'infinity' WHEN i = 2 THEN '-infinity' WHEN i > 3 THEN moment(zone || i || 't') END,
           CASE WHEN i = 2 THEN 'infinity' WHEN i > 3 THEN moment(zone || i || 'ts')::timestamp END,
           CASE WHEN i = 1 THEN '-infinity' WHEN i > 3 THEN moment(zone || i || 'd')::date END,
           CASE WHEN i > 3 THEN pick(chance(zone, i::text, 'iv'), '1 month', '40 days', '1 mon 1 day -01:00', '0', '-2 months',
               '50:00')::interval END,
           CASE WHEN i > 3 THEN floor(chance(zone, i::text, 'n') * 40) - 8 END
    FROM generate_series(1, 24) AS i;
    INSERT INTO instant SELECT moment(zone || i || 'at') FROM generate_series(1, 120) AS i;
    FOR f IN SELECT * FROM form LOOP
        FOR i IN 1 .. rounds LOOP
            rule := a_rule(f.form, zone || f.n || ' ' || i);
            at := moment(zone || f.n || ' ' || i || 'as_of');
            SELECT * INTO r FROM check_rule_by_chance(rule, at);
            n := n + r.checked;
            flips := flips + r.flips;
            IF r.early > 0 OR r.late > 0 OR r.no_change > 0 THEN
                wrong := wrong + 1;
                IF wrong <= 5 THEN
                    RAISE WARNING '% as of %: %', rule, at, r;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
    RETURN format('%s: %s wrong, %s, %s', zone, wrong, CASE WHEN n > 100000 * rounds THEN 'many answers' ELSE n::text END,
                  CASE WHEN flips > 200 * rounds THEN 'many changes' ELSE flips::text END);
END;
$$;
SELECT check_zone(z, 3) FROM unnest('{UTC,Europe/Berlin,America/New_York,Australia/Lord_Howe,Asia/Kolkata}'::text[]) AS z;

-- ---- what is not understood may change at any time ----
CREATE FUNCTION days_ago(at timestamptz) RETURNS double precision LANGUAGE sql STABLE AS
'SELECT extract(epoch FROM segment.as_of() - at) / 86400';
CREATE FUNCTION since(at timestamptz, till timestamptz) RETURNS interval LANGUAGE sql IMMUTABLE AS 'SELECT till - at';
SELECT rule, cardinality(c.flips) AS comparisons, c.unknown
FROM unnest(ARRAY[
    'n > 3', 'true', 't > ''2025-01-01''', 't::text LIKE ''2025%''', 'date_trunc(''day'', t) = ''2025-01-01''',
    't < as_of() AND n > 3', 'NOT (t < as_of()) OR t BETWEEN as_of() - interval ''1 day'' AND as_of()', 't >= as_of() AND NOT t < as_of()',
    'CASE WHEN t < as_of() THEN n = 1 ELSE n = 2 END', 'coalesce(t < as_of(), true)', '(t < as_of()) IS NOT TRUE',
        '(t < as_of()) = (n = 3)',
    'date_trunc(''day'', as_of()) > t', 'age(as_of(), t) > ''1 year''', 'extract(isodow FROM as_of()) = n', 'as_of() IS NOT NULL',
    't IN (as_of(), ''2025-01-01'')', 'CASE WHEN n > 3 THEN as_of() ELSE as_of() - interval ''1 day'' END > t',
    'as_of() - t > as_of() - ts::timestamptz', 'as_of()::text > ''2025''', 't IS DISTINCT FROM as_of()', '(t, n) < (as_of(), 3)',
    'EXISTS (SELECT FROM thing AS o WHERE o.t > as_of() AND o.id = source.id)', 'EXISTS (SELECT FROM thing AS o WHERE o.t > source.t)',
    'days_ago(t) > 90', 'since(t, ''2025-01-01'') > ''1 day''', 'since(t, as_of()) > ''1 day''',
    't > as_of() - interval ''1 day'' / n', 't > as_of() - iv * n', 't > as_of() - c::interval', 'c::timestamptz > as_of()',
    't > as_of() AT TIME ZONE ''UTC''', 'current_setting(''segment.as_of'') > ''2025''', 'as_of() - t > NULL',
    'in_segment(''a'', ''b'')', 'in_segment(''a'', ''b'', t)', 'in_segment(''a'', ''b'', as_of())']) AS rule,
    LATERAL segment_internal.rules_clock('SELECT *, ''x''::text AS c FROM thing', 'public, segment', ARRAY[rule]) AS c;
SELECT source, c.unknown
FROM unnest(ARRAY['SELECT 1 AS id', 'SELECT 1 AS id WHERE as_of() > ''2025-01-01''', 'SELECT id, CURRENT_DATE - d AS age FROM thing',
    'SELECT id, now() FROM thing', 'SELECT id FROM (SELECT id FROM thing WHERE d = ''today'') AS t', 'SELECT id, days_ago(t) FROM thing',
    'SELECT id, d = ''2025-01-01'' FROM thing']) AS source, LATERAL segment_internal.rules_clock(source, 'public, segment', '{id > 0}')
        AS c;
-- what would fail is not calculated, or only where it does not
SELECT n, segment_internal.next_flip('2025-01-01', '> @', v) FROM (VALUES
    (1, timestamptz '294000-01-01'), (2, 'infinity'), (3, '-infinity'), (4, '4000-01-01 BC'), (5, NULL)) AS t (n, v);
SELECT segment_internal.next_flip('2025-01-01', '- > @', interval '150000 years', timestamptz '2025-01-01'),
       segment_internal.next_flip('2025-01-01', '> @ +', timestamptz '294000-01-01', interval '1000 years'),
       segment_internal.next_flip('2025-01-01', '> @ +length', timestamptz '2025-01-01', interval '178000000 years'),
       segment_internal.next_flip('2025-01-01', '> @ -', date '2025-01-01', 2000000000),
       segment_internal.next_flip('2025-01-01', 'date > @ +', date '2025-01-01', 9223372036854775807),
       segment_internal.next_flip('9999-01-02', '> @', timestamptz '9999-02-01');
CREATE TABLE odd (id integer, t timestamptz, n bigint, r float8);
INSERT INTO odd VALUES (1, '2025-01-01', 5, 0.5), (2, '2025-01-01', 9223372036854775807, 'Infinity'), (3, '2025-01-01', -4e15, 'NaN'),
    (4, '2025-01-01', NULL, NULL);
SELECT create_rule_segmentation('odd', 'odd', '{"a": "CASE WHEN n BETWEEN 0 AND 100 THEN t > as_of() - interval ''1 month'' * n END",
    "b": "CASE WHEN r < 10 THEN t > as_of() - r * interval ''1 day'' END"}', rest => 'c');
SELECT outcome FROM refresh_segmentation('odd', '2024-12-01');
SELECT id, segment, next_transition_at FROM odd_segments ORDER BY id;
SELECT outcome, updated FROM refresh_segmentation('odd', '2024-12-02');
SELECT drop_segmentation('odd');
DROP TABLE odd;

-- ---- between refreshes ----
CREATE TABLE facts AS
SELECT n AS id, timestamptz '2025-01-01' + chance('t', n::text) * interval '200 days' AS t,
       (date '2025-01-01' + floor(chance('d', n::text) * 200)::integer) AS d,
       CASE WHEN n % 10 <> 0 THEN floor(chance('n', n::text) * 60)::integer END AS n
FROM generate_series(1, 400) AS n;
SELECT create_rule_segmentation('days', 'facts', '{
    "new": "t BETWEEN as_of() - interval ''1 month'' AND as_of() AND n > 10",
    "birthday": "d = as_of()::date", "soon": "d - as_of()::date BETWEEN 1 AND 7",
    "lost": "NOT t > as_of() - make_interval(days => n) AND t < as_of() - interval ''40 days''"}');
SELECT create_rule_segmentation('days_all', 'facts', (SELECT json_object_agg(segment, rule) FROM segment_rules('days')),
                                exclusive => false, rest => 'others');
-- whoever changes was due: as a member, or, with those who are in no segment, by the run
CREATE FUNCTION not_due(name text, as_of timestamptz, OUT changes bigint, OUT not_due bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($q$
        SELECT count(*), count(*) FILTER (WHERE NOT CASE WHEN m.id IS NULL THEN o.next <= %2$L ELSE coalesce(m.next <= %2$L, false) END)
        FROM preview_refresh(%1$L, %2$L) AS p
        LEFT JOIN (SELECT id, min(next_transition_at) AS next FROM %3$I GROUP BY id) AS m ON m.id::text = p.customer,
             (SELECT coalesce((SELECT (details ->> 'next_transition_of_others')::timestamptz FROM segment_run
                               WHERE segmentation = %1$L ORDER BY run_id DESC LIMIT 1), 'infinity') AS next) AS o$q$,
        name, as_of, name || '_segments') INTO changes, not_due;
END;
$$;
CREATE FUNCTION go_through_time(name text, OUT refreshes bigint, OUT changes bigint, OUT not_due bigint, OUT written_for_nothing bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := '2025-02-01';
    d record;
    r record;
    due bigint;
BEGIN
    refreshes := 0; changes := 0; not_due := 0; written_for_nothing := 0;
    FOR i IN 1 .. 30 LOOP
        IF i > 1 THEN
            SELECT * INTO d FROM not_due(name, at);
            changes := changes + d.changes;
            not_due := not_due + d.not_due;
        END IF;
        EXECUTE format('SELECT count(*) FROM %I WHERE next_transition_at <= %L', name || '_segments', at) INTO due;
        SELECT * INTO r FROM refresh_segmentation(name, at, max_departed => 1);
        refreshes := refreshes + CASE WHEN r.outcome = 'ok' THEN 1 ELSE 0 END;
        written_for_nothing := written_for_nothing + greatest(r.updated - due, 0);
        at := at + chance('step', i::text) ^ 2 * interval '10 days';
    END LOOP;
END;
$$;
SELECT refreshes, changes > 100 AS changes, not_due, written_for_nothing FROM go_through_time('days');
SELECT refreshes, changes > 100 AS changes, not_due, written_for_nothing FROM go_through_time('days_all');
SELECT segmentation, details - 'next_transition_of_others' AS details, details ? 'next_transition_of_others' AS others
FROM (SELECT DISTINCT ON (segmentation) * FROM segment_run WHERE segmentation LIKE 'days%' ORDER BY segmentation, run_id DESC) AS r;
-- with the rest everybody is a member
SELECT count(*) > 0 AS members, count(next_transition_at) > 0 AS some FROM days_all_segments WHERE segment = 'others';
-- nothing is due, nothing is written
SELECT min(next_transition_at) AS next_at FROM days_all_segments, segmentation WHERE name = 'days_all'
    AND next_transition_at > refreshed_as_of \gset
CREATE TABLE before AS SELECT id, segment, xmin::text AS written_by FROM days_all_segments;
SELECT outcome, unchanged = customers AS all_unchanged, entered, updated
FROM refresh_segmentation('days_all', timestamptz :'next_at' - interval '1 microsecond');
SELECT count(*) AS written FROM days_all_segments AS m LEFT JOIN before AS b ON b.id = m.id AND b.segment = m.segment
WHERE b.written_by IS DISTINCT FROM m.xmin::text;
SELECT outcome, unchanged < customers AS some_changed FROM refresh_segmentation('days_all', :'next_at');
-- of some customers only: what is known of the others stays
SELECT details ->> 'next_transition_of_others' AS others_before FROM segment_run WHERE segmentation = 'days' ORDER BY run_id DESC
    LIMIT 1 \gset
SELECT id AS somebody FROM days_segments ORDER BY next_transition_at DESC NULLS LAST LIMIT 1 \gset
SELECT segment_internal.begin_run('days') AS lost \gset
SELECT refreshed_as_of AS days_at FROM segmentation WHERE name = 'days' \gset
SELECT segment_internal.refresh_as_owner('days', timestamptz :'days_at' + interval '1 microsecond', NULL, NULL, NULL,
                                         ARRAY[:somebody]::text) AS run_id \gset
SELECT outcome, rows_read, details ->> 'next_transition_of_others' = :'others_before' AS same FROM run WHERE run_id = :run_id;
-- indexed
SELECT replace(indexdef, 'public.', '') AS index FROM pg_indexes WHERE tablename = 'days_segments' ORDER BY 1;

-- ---- told ----
SELECT set_segment_rule('days', 'soon', 'days_ago(d) > -7', refresh => false) IS NULL AS no_run;
SELECT outcome, details - 'rule_version' AS details FROM refresh_segmentation('days', '2026-01-01', max_departed => 1);
SELECT count(*) > 0 AS members, count(*) FILTER (WHERE next_transition_at > '-infinity') AS not_always_due FROM days_segments;
SELECT outcome, updated FROM refresh_segmentation('days', '2026-01-01 00:00:01', max_departed => 1);
SELECT drop_segment_rule('days', 'soon', refresh => false) IS NULL AS no_run;
SELECT outcome, details ? 'always_due' AS always_due FROM refresh_segmentation('days', '2026-01-02', max_departed => 1);
-- a rule that depends on the clock may come later
SELECT create_rule_segmentation('later', 'facts', '{"a": "n > 10"}');
SELECT outcome, details FROM refresh_segmentation('later', '2025-03-01');
SELECT count(*), count(next_transition_at) FROM later_segments;
SELECT set_segment_rule('later', 'b', 't > as_of()', refresh => false) IS NULL AS no_run;
SELECT outcome, updated > 0 AS updated FROM refresh_segmentation('later', '2025-03-02', max_departed => 1);
SELECT count(*) AS wrong FROM later_segments AS m JOIN facts AS f USING (id)
WHERE m.next_transition_at IS DISTINCT FROM CASE WHEN f.t > '2025-03-02' THEN f.t END;
SELECT drop_segmentation('later');
-- the source's own column takes part, and answers for what the source does with the clock
CREATE VIEW aged AS SELECT id, t, floor(extract(epoch FROM as_of() - t) / 86400)::integer AS age FROM facts;
SELECT create_rule_segmentation('aged', 'aged', '{"old": "age > 90"}', rest => 'young');
SELECT outcome, details FROM refresh_segmentation('aged', '2025-04-15');
SELECT create_rule_segmentation('told', 'SELECT *, t + (greatest(age, -1) + 1) * interval ''24 hours'' AS next_transition_at FROM aged',
                                '{"old": "age > 90 OR t < as_of() - interval ''100 days 1 hour''"}', rest => 'young');
SELECT outcome, details FROM refresh_segmentation('told', '2025-04-15');
SELECT count(*) AS wrong FROM told_segments AS m JOIN facts AS f USING (id)
WHERE m.next_transition_at <> (
    SELECT min(a) FROM (VALUES (f.t + interval '100 days 01:00:00.000001'),
                               (f.t + (greatest(floor(extract(epoch FROM '2025-04-15' - t) / 86400), -1) + 1) * interval '24 hours'))
                                   AS v (a)
    WHERE a > '2025-04-15');
SELECT drop_segmentation('aged'), drop_segmentation('told');
-- as many comparisons as are calculated, and one more; and the same ones in many rules
SELECT create_rule_segmentation('many', 'facts', (SELECT json_object_agg(i, format('t < as_of() - interval ''%s hours''', i))
                                                  FROM generate_series(1, 256) AS i));
SELECT outcome, details - 'next_transition_of_others' AS details FROM refresh_segmentation('many', '2025-03-01');
SELECT set_segment_rule('many', 'one more', 't > as_of()', refresh => false) IS NULL AS no_run;
SELECT outcome, details - 'next_transition_of_others' AS details FROM refresh_segmentation('many', '2025-03-01');
SELECT drop_segmentation('many');
SELECT create_rule_segmentation('many', 'facts', (SELECT json_object_agg(i, format('t < as_of() - interval ''1 hour'' AND n <> %s', i))
                                                  FROM generate_series(1, 2000) AS i));
SELECT outcome, details - 'next_transition_of_others' AS details FROM refresh_segmentation('many', '2025-03-01');
SELECT drop_segmentation('many');

-- ---- who departs is in no segment any more ----
CREATE TABLE tagged AS SELECT i AS id, 'a' AS tag FROM generate_series(1, 10) AS i;
SELECT create_rule_segmentation('tags', 'tagged', '{"a": "tag LIKE ''%a%''", "b": "tag LIKE ''%b%''"}', exclusive => false);
SELECT outcome, entered FROM refresh_segmentation('tags', '2025-01-01');
UPDATE tagged SET tag = 'b';
SELECT outcome, entered, departed FROM refresh_segmentation('tags', '2025-01-02');
UPDATE tagged SET tag = CASE WHEN id <= 5 THEN 'ab' WHEN id = 10 THEN 'none' ELSE 'a' END;
SELECT outcome, entered, departed FROM refresh_segmentation('tags', '2025-01-03');
-- six of nine customers; with their segments, it is eleven of fourteen rows
UPDATE tagged SET tag = CASE WHEN id <= 6 THEN 'none' WHEN id = 10 THEN 'ab' ELSE 'a' END;
SET client_min_messages = notice;
SELECT outcome FROM refresh_segmentation('tags', '2025-01-04');
SET client_min_messages = warning;
SELECT outcome, entered, departed FROM refresh_segmentation('tags', '2025-01-04', max_departed => 0.7);
SELECT drop_segmentation('tags');
DROP TABLE tagged;

-- ---- dates as text are those of whoever wrote them ----
SET datestyle = 'SQL, DMY';
SET intervalstyle = sql_standard;
SELECT create_rule_segmentation('dates', 'SELECT id, t, d, n FROM facts WHERE t > ''01/02/2025''', '{
    "march": "d >= ''01/03/2025'' AND d::text LIKE ''__/03/2025''", "near": "t > as_of() - interval ''-1 2:00:00''"}');
SELECT create_cluster_segmentation('groups', 'SELECT id, n::float8 AS n, (d - date ''02/01/2025'')::float8 AS days FROM facts', k => 2);
SET datestyle = 'ISO, MDY';
SET intervalstyle = postgres;
SELECT outcome, rows_read FROM refresh_segmentation('dates', '2025-04-01');
SELECT count(*) AS source_rows, count(*) FILTER (WHERE d BETWEEN '2025-03-01' AND '2025-03-31') AS march,
       count(*) FILTER (WHERE NOT d BETWEEN '2025-03-01' AND '2025-03-31' AND t > timestamptz '2025-04-01' + interval '1 day 2 hours')
           AS near
FROM facts WHERE t > '2025-02-01';
SELECT segment, customers FROM segment_rules('dates');
SELECT DISTINCT next_transition_at - t AS before FROM dates_segments JOIN facts USING (id) WHERE next_transition_at IS NOT NULL;
SHOW datestyle;
SHOW intervalstyle;
-- checked, previewed and explained as it is refreshed
SELECT check_rule('d > ''31/03/2025''', 'dates');
SELECT customers FROM preview_segment('d > ''31/03/2025''', 'dates') LIMIT 1;
SELECT count(*) FROM facts WHERE d > '2025-03-31' AND t > '2025-02-01';
\set VERBOSITY terse
SELECT check_rule('d > ''31/03/2025''', source => 'facts');
\set VERBOSITY default
SELECT set_segment_rule('dates', 'near', 'd > ''31/03/2025''', refresh => false) IS NULL AS no_run;
SELECT outcome FROM refresh_segmentation('dates', '2025-04-02', max_departed => 1);
SELECT customers FROM segment_rules('dates') WHERE segment = 'near';
SELECT count(*) AS told FROM explain_customer('dates', (SELECT min(id)::text FROM dates_segments WHERE segment = 'near'))
WHERE value = 'near' AND explanation LIKE 'holds: d = __/__/2025';
SELECT count(*) FROM preview_refresh('dates', '2025-04-02');
SELECT outcome FROM refresh_segmentation('groups', '2025-04-01');
SELECT count(*) AS wrong FROM groups_segments JOIN facts USING (id) WHERE days <> d - date '2025-01-02';
SELECT settings ->> 'DateStyle' AS datestyle, settings ->> 'IntervalStyle' AS intervalstyle FROM segmentation WHERE name = 'dates';
SELECT drop_segmentation('dates'), drop_segmentation('groups'), drop_segmentation('days'), drop_segmentation('days_all');
DROP VIEW aged;
DROP TABLE thing, instant, form, facts, before;
DROP FUNCTION chance, pick, moment, a_rule, check_rule_by_chance, check_zone, days_ago, since, not_due, go_through_time;
