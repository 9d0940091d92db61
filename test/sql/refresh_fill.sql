-- The first fill of a member table goes many rows at once where that is the same
-- as INSERT, and by INSERT where it is not: the rows are the same either way.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = error;
\set SHOW_CONTEXT never

-- ---- through a refresh: what people attach to a member table before it is filled ----
CREATE TABLE fill_orders AS
SELECT 'customer ' || n % 3000 AS customer_id, timestamptz '2024-01-01 00:00Z' + n * interval '7 minutes' AS ordered_at,
       n * 7919 % 101 AS amount
FROM generate_series(1, 10000) AS n;
SELECT count(create_rfm_segmentation('fill_' || what, 'fill_orders', scheme => 'eleven_names'))
FROM unnest('{plain,trigger,statement,check,generated,default,identity,index,rule,secured,narrow,partial}'::text[]) AS what;

CREATE TABLE fill_seen (table_name text, rows bigint);
CREATE FUNCTION fill_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.customer_id = 'customer 7' THEN
        RETURN NULL;
    END IF;
    RETURN new;
END
$$;
CREATE FUNCTION fill_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.fill_seen SELECT tg_table_name, count(*) FROM added;
    RETURN NULL;
END
$$;
CREATE TRIGGER one BEFORE INSERT ON fill_trigger_segments FOR EACH ROW EXECUTE FUNCTION fill_one();
CREATE TRIGGER all_of_them AFTER INSERT ON fill_statement_segments
    REFERENCING NEW TABLE AS added EXECUTE FUNCTION fill_all();
ALTER TABLE fill_check_segments ADD CONSTRAINT not_too_much CHECK (monetary < 300);
ALTER TABLE fill_generated_segments ADD COLUMN mean numeric GENERATED ALWAYS AS (monetary / frequency) STORED;
ALTER TABLE fill_default_segments ADD COLUMN note text DEFAULT 'new here';
ALTER TABLE fill_identity_segments ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX ON fill_index_segments (lower(customer_id));
CREATE RULE tell AS ON INSERT TO fill_rule_segments DO ALSO INSERT INTO fill_seen VALUES ('fill_rule_segments', 1);
ALTER TABLE fill_secured_segments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE fill_narrow_segments ADD COLUMN note text, ADD COLUMN more integer;
ALTER TABLE fill_narrow_segments DROP COLUMN note;
ALTER TABLE fill_partial_segments ADD COLUMN wanted text NOT NULL;

SELECT r.segmentation, r.outcome, r.customers, r.entered, r.error
FROM segmentation AS s, refresh_segmentation(s.name, '2024-03-01') AS r WHERE s.name ^@ 'fill_' ORDER BY s.name \g (format=unaligned)
SELECT table_name, sum(rows) FROM fill_seen GROUP BY 1 ORDER BY 1;
SELECT mean = monetary / frequency AS computed, count(*) FROM fill_generated_segments GROUP BY 1;
SELECT note, count(*) FROM fill_default_segments GROUP BY note;
SELECT min(number), max(number), count(DISTINCT number) FROM fill_identity_segments;
SELECT more, count(*) FROM fill_narrow_segments GROUP BY more;

-- what both ways have written is the same
CREATE FUNCTION fill_differing(other regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
                     FROM pg_attribute WHERE attrelid = 'fill_plain_segments'::regclass AND attnum > 0);
    result bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL TABLE fill_plain_segments) AS d', columns, other)
    INTO result;
    RETURN result;
END
$$;
SELECT name, fill_differing(members) FROM segmentation WHERE name ^@ 'fill_' ORDER BY name;
-- an instant later nothing has changed, in all of them
SELECT r.outcome, r.entered, r.departed, r.moved, r.updated, count(*)
FROM segmentation AS s, refresh_segmentation(s.name, '2024-03-01 00:01Z') AS r
WHERE s.name ^@ 'fill_' AND s.model_version IS NOT NULL AND s.name <> 'fill_trigger' GROUP BY 1, 2, 3, 4, 5 ORDER BY 6;

-- ---- the statement alone: run_steps with statements of our own ----
CREATE FUNCTION fill_run(insert text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    read text := 'SELECT n, n || ''th'' AS name FROM generate_series(1, 5000) AS n';
    done text := 'SELECT NULL::segment.segment_model, NULL::jsonb, NULL::jsonb, 0::bigint, 0::bigint, 0::bigint, 0::bigint';
BEGIN
    RETURN (SELECT steps -> 1 -> 'rows'
            FROM segment_internal.run_steps('{source,NULL,result}', ARRAY[read, insert, done],
                                            '2024-03-01', false, NULL, false, NULL::bigint[]));
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s: %s', sqlstate, sqlerrm);
END
$$;
CREATE DOMAIN fill_short AS text CHECK (length(value) < 100);
CREATE TABLE fill_target (n integer NOT NULL, name text, short fill_short);
CREATE VIEW fill_summary AS
SELECT count(*), sum(n), max(length(name)) AS longest, max(short) AS short,
       md5(string_agg(format('%s %s', n, name), ',' ORDER BY n, name COLLATE "C"))
FROM fill_target;

-- subqueries, CTEs, conversions, an order that is not among the columns
SELECT fill_run('INSERT INTO fill_target SELECT n, name, (SELECT max(n) FROM source) FROM source ORDER BY n % 7');
TABLE fill_summary;
SELECT fill_run('INSERT INTO fill_target (name, n) WITH half AS MATERIALIZED (SELECT * FROM source WHERE n % 2 = 0)
                 SELECT name, n::numeric FROM half WHERE n <= (SELECT max(n) FROM half)');
SELECT fill_run('WITH half AS MATERIALIZED (SELECT * FROM source WHERE n % 2 = 0)
                 INSERT INTO fill_target (name, n) SELECT name, n FROM half');
TABLE fill_summary;
-- reading what is written to: as it was before
SELECT fill_run('INSERT INTO fill_target SELECT s.n, t.name FROM source AS s LEFT JOIN fill_target AS t USING (n)');
TABLE fill_summary;
-- no rows, one row, values
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source WHERE n < 0');
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source WHERE n = 1');
SELECT fill_run('INSERT INTO fill_target VALUES (1), (2)');
TABLE fill_summary;
-- refused, and nothing of it stays
SELECT fill_run('INSERT INTO fill_target SELECT nullif(n, 4711), name FROM source');
SELECT fill_run('INSERT INTO fill_target SELECT n, name, repeat(name, n / 100) FROM source');
SELECT fill_run('INSERT INTO fill_target SELECT 1 / (4711 - n), name FROM source');
TABLE fill_summary;
-- long values are compressed and moved out
TRUNCATE fill_target;
SELECT fill_run('INSERT INTO fill_target
                 SELECT n, (SELECT string_agg(md5(format(''%s %s'', n, m)), '''') FROM generate_series(1, 300) AS m)
                 FROM source WHERE n <= 100
                 UNION ALL SELECT n, repeat(name, 5000) FROM source WHERE n BETWEEN 101 AND 110');
TABLE fill_summary;
SELECT pg_relation_size(reltoastrelid) > 900000 AS moved_out, pg_relation_size(oid) < 100000 AS short
FROM pg_class WHERE oid = 'fill_target'::regclass;
-- source kept in a file
TRUNCATE fill_target;
SET work_mem = '64kB';
SELECT fill_run('INSERT INTO fill_target SELECT n, repeat(name, 10) FROM source');
RESET work_mem;
TABLE fill_summary;
-- other forms of INSERT
TRUNCATE fill_target;
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source RETURNING n');
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source ON CONFLICT DO NOTHING');
SELECT fill_run('WITH gone AS (DELETE FROM fill_target RETURNING *) INSERT INTO fill_target SELECT * FROM gone');
TABLE fill_summary;
SELECT fill_run('SELECT 1; SELECT 2');
SELECT fill_run('');

-- what is not a plain table
CREATE TABLE fill_parts (n integer NOT NULL, name text) PARTITION BY RANGE (n);
CREATE TABLE fill_part_low PARTITION OF fill_parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE fill_part_high PARTITION OF fill_parts FOR VALUES FROM (1000) TO (4999);
CREATE VIEW fill_view AS SELECT * FROM fill_target WHERE n < 1000 WITH CHECK OPTION;
SELECT fill_run('INSERT INTO fill_parts SELECT n, name FROM source WHERE n < 2000');
SELECT fill_run('INSERT INTO fill_parts SELECT n, name FROM source');
SELECT fill_run('INSERT INTO fill_part_low SELECT n, name FROM source');
SELECT tableoid::regclass, count(*) FROM fill_parts GROUP BY 1 ORDER BY 1;
SELECT fill_run('INSERT INTO fill_view SELECT n, name FROM source WHERE n < 500');
SELECT fill_run('INSERT INTO fill_view SELECT n, name FROM source');

-- rights are those of INSERT, to the column
CREATE ROLE regress_fill;
GRANT USAGE ON SCHEMA segment_internal TO regress_fill;
TRUNCATE fill_target;
SET ROLE regress_fill;
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source');
RESET ROLE;
GRANT INSERT (n) ON fill_target TO regress_fill;
SET ROLE regress_fill;
SELECT fill_run('INSERT INTO fill_target (n) SELECT n FROM source');
SELECT fill_run('INSERT INTO fill_target (n, name) SELECT n, name FROM source');
SELECT fill_run('INSERT INTO fill_target (n) SELECT n FROM fill_target');
SET default_transaction_read_only = on;
SELECT fill_run('INSERT INTO fill_target (n) SELECT n FROM source');
RESET default_transaction_read_only;
RESET ROLE;
TABLE fill_summary;

-- ---- cancelled and rolled back ----
TRUNCATE fill_target;
BEGIN;
SELECT fill_run('INSERT INTO fill_target SELECT n FROM source');
ROLLBACK;
SET statement_timeout = '100ms';
SELECT segment_internal.run_steps(
    '{NULL}', ARRAY['INSERT INTO fill_target SELECT a FROM generate_series(1, 100000) AS a, generate_series(1, 100000)'],
    '2024-03-01', false, NULL, false, NULL::bigint[]);
RESET statement_timeout;
TABLE fill_summary;
-- and the table is as good as new
SELECT fill_run('INSERT INTO fill_target SELECT n, name FROM source');
TABLE fill_summary;
ALTER TABLE fill_target ADD PRIMARY KEY (n);
SELECT fill_run('INSERT INTO fill_target SELECT n, name FROM source');
-- counted for autovacuum
CREATE TABLE fill_counted (n integer);
BEGIN;
SELECT fill_run('INSERT INTO fill_counted SELECT n FROM source');
SELECT pg_stat_get_xact_tuples_inserted('fill_counted'::regclass);
COMMIT;

DROP OWNED BY regress_fill;
DROP ROLE regress_fill;

SELECT count(drop_segmentation(name)) FROM segmentation WHERE name ^@ 'fill_';
DROP TABLE fill_orders, fill_seen, fill_target, fill_parts, fill_counted CASCADE;
DROP FUNCTION fill_one, fill_all, fill_run, fill_differing;
DROP DOMAIN fill_short;
