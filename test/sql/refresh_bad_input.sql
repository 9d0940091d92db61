-- Law 12: whatever the source, the options or the tables are like, a refresh ends in
-- a stated result, or in an error that is logged and changes nothing.
SET search_path = public, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = error;
\set SHOW_CONTEXT never

CREATE TABLE bad_orders (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO bad_orders SELECT n % 30, timestamptz '2024-01-01 00:00Z' + n * interval '5 hours', n * 7919 % 101
FROM generate_series(1, 200) AS n;

-- ---- little or odd data, by every method ----
CREATE TABLE bad_data (n integer GENERATED ALWAYS AS IDENTITY, what text, rows text);
INSERT INTO bad_data (what, rows) VALUES
    ('no row', 'SELECT 1::bigint, timestamptz ''2024-01-01'', 1 WHERE false'),
    ('one customer', 'VALUES (1::bigint, timestamptz ''2024-01-01'', 10)'),
    ('all equal', 'SELECT n, timestamptz ''2024-01-01'', 10 FROM generate_series(1::bigint, 20) AS n'),
    ('two values', 'SELECT n, timestamptz ''2024-01-01'', 10 + n % 2 FROM generate_series(1::bigint, 20) AS n'),
    ('all after as_of', 'SELECT n, timestamptz ''2024-06-01'' + n * interval ''1 day'', 10 FROM generate_series(1::bigint, 20) AS n'),
    ('all NULL', 'SELECT NULL::bigint, NULL::timestamptz, NULL::numeric FROM generate_series(1, 20) AS n'),
    ('no customer', 'SELECT NULL::bigint, timestamptz ''2024-01-01'', 10 FROM generate_series(1, 20) AS n'),
    ('no time', 'SELECT n, NULL::timestamptz, 10 FROM generate_series(1::bigint, 20) AS n'),
    ('no amount', 'SELECT n, timestamptz ''2024-01-01'', NULL::numeric FROM generate_series(1::bigint, 20) AS n'),
    ('infinite times',
     'SELECT n, CASE n % 3 WHEN 0 THEN ''infinity'' WHEN 1 THEN ''-infinity'' ELSE timestamptz ''2024-01-01'' END, 10 '
     'FROM generate_series(1::bigint, 20) AS n'),
    ('infinite dates',
     'SELECT n, CASE n % 3 WHEN 0 THEN ''infinity'' WHEN 1 THEN ''-infinity'' ELSE date ''2024-01-01'' END, 10 '
     'FROM generate_series(1::bigint, 20) AS n'),
    ('NaN and infinite amounts',
     'SELECT n, timestamptz ''2024-01-01'', (''{NaN,Infinity,-Infinity,5}''::numeric[])[n % 4 + 1] '
     'FROM generate_series(1::bigint, 20) AS n'),
    ('NaN and infinite doubles',
     'SELECT n, timestamptz ''2024-01-01'', (''{NaN,Infinity,-Infinity,5}''::float8[])[n % 4 + 1] '
     'FROM generate_series(1::bigint, 20) AS n'),
    ('refunds only', 'SELECT n, timestamptz ''2024-01-01'', -n FROM generate_series(1::bigint, 20) AS n'),
    ('zeros only', 'SELECT n, timestamptz ''2024-01-01'', 0 FROM generate_series(1::bigint, 20) AS n'),
    ('first and last day there is',
     'SELECT n, CASE n % 2 WHEN 0 THEN timestamptz ''4713-01-01 00:00Z BC'' ELSE ''2024-04-30 23:59:59.999999Z'' END, 10 '
     'FROM generate_series(1::bigint, 20) AS n'),
    ('beyond double', 'SELECT n, timestamptz ''2024-01-01'', 1e300::numeric * 10::numeric ^ n FROM generate_series(1::bigint, 20) AS n');
CREATE TABLE bad_found (n integer, method text, outcome text, error text, customers bigint, used bigint, skipped bigint, segments bigint);
DO $$
DECLARE
    d bad_data;
    method text;
    first segment.run;
BEGIN
    FOR d IN SELECT * FROM bad_data ORDER BY n LOOP
        FOREACH method IN ARRAY '{quantile,natural_breaks,r_rfm,thresholds}'::text[] LOOP
            PERFORM create_rfm_segmentation('bad', d.rows, cuts => method, bins => 5, scheme => 'eleven_names',
                thresholds => CASE method WHEN 'thresholds' THEN
                                   '{"recency": [10, 20, 30, 40], "frequency": [1, 2, 3, 4], "monetary": [1, 2, 3, 4]}'::jsonb END);
            first := refresh_segmentation('bad', '2024-05-01 00:00Z');
            INSERT INTO bad_found
            SELECT d.n, method, first.outcome, left(regexp_replace(first.error, '[\d.]{9,}', '...'), 60), first.customers,
                   first.rows_used, first.rows_skipped, (SELECT count(DISTINCT segment_id) FROM bad_segments);
            -- again without training: nothing moves (law 7)
            INSERT INTO bad_found SELECT d.n, method, 'again: ' || r.outcome, NULL, r.customers
            FROM refresh_segmentation('bad', '2024-05-01 00:00Z', false) AS r
            WHERE r.outcome <> 'failed' AND r.moved + r.entered + r.departed <> 0;
            PERFORM count(*) FROM segment_profile('bad');
            PERFORM count(*) FROM segment_events('bad');
            PERFORM drop_segmentation('bad');
        END LOOP;
    END LOOP;
END;
$$;
SELECT what, string_agg(method, ' ' ORDER BY method) AS methods, outcome, customers, used, skipped, segments, error
FROM bad_found JOIN bad_data USING (n) GROUP BY n, what, outcome, customers, used, skipped, segments, error
ORDER BY n, methods \g (format=unaligned)

-- ---- an as_of at the ends of time; before all orders, then later ----
SELECT create_rfm_segmentation('bad', 'bad_orders', scheme => 'eleven_names');
SELECT outcome, customers FROM refresh_segmentation('bad', '4713-01-01 00:00Z BC');
SELECT outcome, customers FROM refresh_segmentation('bad', '2024-01-01 00:00Z');
SELECT outcome, customers FROM refresh_segmentation('bad', '2024-02-01 00:00Z');
SELECT outcome, customers FROM refresh_segmentation('bad', '294276-12-31 23:59:59.999999Z', future => true);
SELECT count(*) FROM segment_members('bad', '2024-03-01 00:00Z');
SELECT count(*) FROM segment_members('bad', 'infinity');
SELECT count(*) FROM segment_members('bad', '-infinity');
SELECT drop_segmentation('bad');

-- ---- an instant is the same under every DateStyle and TimeZone, also where the zone's abbreviation means another one (IST) ----
SET timezone = 'Asia/Kolkata';
SELECT count(*) FROM unnest('{ISO,SQL,Postgres,German}'::text[]) AS style, unnest('{MDY,DMY,YMD}'::text[]) AS fields,
    LATERAL set_config('datestyle', style || ', ' || fields, false) AS set,
    unnest('{2024-02-10 00:00:00Z,2024-02-10 11:12:13.000001+05:30,1850-01-02 03:04:05Z,0099-03-04 00:00:00Z,'
           '0099-03-04 00:00:00Z BC,4713-01-01 00:00:00Z BC,10000-01-01 00:00:00Z,294276-12-31 23:59:59.999999Z,'
           'infinity,-infinity}'::text[])
    AS t
WHERE set <> '' AND segment_internal.instant(t::timestamptz)::timestamptz <> t::timestamptz;
SET datestyle = 'SQL, DMY';
SELECT create_rfm_segmentation('bad', 'bad_orders', scheme => 'eleven_names');
SELECT as_of = '2024-02-10 00:00Z' AS as_given FROM refresh_segmentation('bad', '2024-02-10 00:00Z');
SELECT DISTINCT entered_at = '2024-02-10 00:00Z' AS entered FROM bad_segments;
SELECT count(*) FROM segment_members('bad', '2024-02-09 23:59:59.999999Z');
SELECT count(*) FROM segment_members('bad', '2024-02-10 00:00Z');
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- ---- sources that went bad after the segmentation was made ----
CREATE TABLE bad_members AS TABLE bad_segments;
CREATE TABLE bad_log (a integer);
CREATE FUNCTION bad_call(command text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; RETURN true; END $$;
CREATE TABLE bad_source (n integer GENERATED ALWAYS AS IDENTITY, source text, customers text);
INSERT INTO bad_source (source) VALUES
    (''), ('SELEC'), ('SELECT customer_id FROM bad_orders'), ('SELECT amount, ordered_at, customer_id FROM bad_orders'),
    ('SELECT customer_id::integer, ordered_at, amount FROM bad_orders'),
    ('SELECT $1 AS customer_id, ordered_at, amount FROM bad_orders'), ('TABLE bad_orders; TABLE bad_orders'),
    ('TABLE bad_orders; DELETE FROM bad_orders'), ('DELETE FROM bad_orders RETURNING *'),
    ('TABLE bad_segments'), ('TABLE no_such'), ('SELECT customer_id, ordered_at, amount / 0 AS amount FROM bad_orders');
-- with side effects
INSERT INTO bad_source (source) SELECT format('SELECT * FROM bad_orders WHERE bad_call(%L)', command)
FROM unnest(ARRAY['INSERT INTO bad_log VALUES (1)', 'SELECT nextval(''bad_source_n_seq'')', 'CREATE TABLE bad_new ()',
                  'CREATE TEMP TABLE bad_new ()', 'DROP TABLE bad_segments', 'TRUNCATE bad_segments',
    'DELETE FROM bad_segments', 'UPDATE bad_history SET segment_id = 1', 'DELETE FROM segment.segmentation', 'DELETE FROM segment.model',
    'SELECT segment.refresh_segmentation(''bad'')', 'SELECT segment.drop_segmentation(''bad'')',
                  'SELECT segment.rename_segment(''bad'', ''New'', ''Newer'')', 'DROP EXTENSION segment CASCADE',
    'COMMIT', 'ROLLBACK', 'LISTEN bad', 'SET TRANSACTION READ WRITE', 'SET ROLE none', 'SET work_mem = ''77MB''']) AS command;
INSERT INTO bad_source (source, customers) VALUES ('TABLE bad_orders', 'SELECT 1'), ('TABLE bad_orders', 'SELECT 5::bigint / 0'),
    ('TABLE bad_orders', 'SELECT 1::bigint WHERE bad_call(''DELETE FROM bad_segments'')'),
    ('TABLE bad_orders', 'SELECT $1'), ('TABLE bad_orders', 'SELECT NULL::bigint FROM generate_series(1, 5)'),
    ('TABLE bad_orders', 'SELECT customer_id FROM bad_orders'), ('TABLE bad_orders', 'SELECT customer_id FROM bad_segments');
CREATE TABLE bad_result (n integer, outcome text, error_code text, error text, members_changed bigint);
DO $$
DECLARE
    b bad_source;
BEGIN
    FOR b IN SELECT * FROM bad_source ORDER BY n LOOP
        UPDATE segmentation SET source = b.source, customers = b.customers WHERE name = 'bad';
        INSERT INTO bad_result
        SELECT b.n, r.outcome, r.error_code, left(r.error, 110),
               (SELECT count(*) FROM bad_segments AS m FULL JOIN bad_members AS k ON m = k WHERE m IS NULL OR k IS NULL)
        FROM refresh_segmentation('bad', '2024-02-10 00:00Z') AS r;
    END LOOP;
END;
$$;
SELECT coalesce(customers, replace(source, 'SELECT * FROM bad_orders WHERE ', '')) AS source, outcome, error_code, error, members_changed
FROM bad_result JOIN bad_source USING (n) ORDER BY n \g (format=unaligned)
SELECT (SELECT count(*) FROM bad_log) AS logged, to_regclass('bad_new'), current_setting('work_mem') = '77MB' AS set;
SELECT outcome FROM segment_run WHERE segmentation = 'bad' GROUP BY 1
HAVING count(*) <> (SELECT count(*) FROM bad_result AS b WHERE b.outcome = segment_run.outcome) + CASE outcome WHEN 'ok' THEN 1 ELSE 0 END;
UPDATE segmentation SET source = 'TABLE bad_orders', customers = NULL WHERE name = 'bad';

-- ---- what a source or a member table may become, step by step ----
CREATE FUNCTION bad_refresh() RETURNS text LANGUAGE sql
RETURN (SELECT concat_ws(' ', outcome, error_code, left(error, 110))
        FROM refresh_segmentation('bad', '2024-02-11 00:00Z', max_departed => 1));
ALTER TABLE bad_orders ALTER customer_id TYPE integer;
SELECT bad_refresh();
ALTER TABLE bad_orders ALTER customer_id TYPE bigint;
ALTER TABLE bad_orders DROP COLUMN amount;
SELECT bad_refresh();
ALTER TABLE bad_orders ADD COLUMN amount integer DEFAULT 7;
SELECT bad_refresh();
DROP TABLE bad_orders;
SELECT bad_refresh();
-- in its place something else
CREATE VIEW bad_orders AS SELECT n % 10 AS customer_id, timestamptz '2024-01-01 00:00Z' AS ordered_at, n AS amount
FROM generate_series(1::bigint, 50) AS n;
SELECT bad_refresh();
ALTER TABLE bad_segments ADD COLUMN note text;
SELECT bad_refresh();
ALTER TABLE bad_segments ADD COLUMN must text NOT NULL DEFAULT '';
SELECT bad_refresh();
ALTER TABLE bad_segments DROP CONSTRAINT bad_segments_pkey;
SELECT bad_refresh();
SELECT count(*) FROM pg_constraint WHERE conrelid = 'bad_segments'::regclass AND contype = 'p';
ALTER TABLE bad_segments RENAME TO bad_renamed;
SELECT bad_refresh();
ALTER TABLE bad_renamed RENAME TO bad_segments;
ALTER TABLE bad_history RENAME TO bad_renamed;
SELECT bad_refresh();
ALTER TABLE bad_renamed RENAME TO bad_history;
ALTER TABLE bad_segments RENAME COLUMN rfm_score TO code;
SELECT bad_refresh();
ALTER TABLE bad_segments RENAME COLUMN code TO rfm_score;
ALTER TABLE bad_segments ALTER monetary TYPE text;
SELECT bad_refresh();
ALTER TABLE bad_segments ALTER monetary TYPE numeric USING monetary::numeric;
SELECT bad_refresh();
SELECT count(*), count(*) FILTER (WHERE g.customers = (SELECT count(*) FROM bad_segments AS m WHERE m.segment_id = g.segment_id)) AS right
FROM segment.segment AS g WHERE segmentation = 'bad';
DROP TABLE bad_segments;
SELECT bad_refresh();
SELECT count(*) FROM segment_size;
SELECT count(*) FROM segment_profile;
SELECT outcome FROM segment_run ORDER BY run_id DESC LIMIT 1;
SELECT drop_segmentation('bad');
SELECT to_regclass('bad_history'), count(*) FROM segmentation;

DROP FUNCTION bad_refresh(), bad_call(text);
DROP VIEW bad_orders;
DROP TABLE bad_data, bad_found, bad_members, bad_log, bad_source, bad_result;
