-- Law 11: what a source calls runs with its owner's rights.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
\set ECHO all

-- ---- elevation_via_source_function ----
SET SESSION AUTHORIZATION regress_segment_other;
-- what it tries comes back as customers, because it may not write
CREATE FUNCTION spy(superuser text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    RETURN NEXT 'current_user ' || current_user;
    FOREACH command IN ARRAY ARRAY[
        format('SET ROLE %I', superuser), 'RESET ROLE', format('SET SESSION AUTHORIZATION %I', superuser), 'RESET SESSION AUTHORIZATION',
        'CREATE TEMP TABLE trap (a int)', 'LISTEN trap', 'PREPARE trap AS SELECT 1', 'DECLARE trap CURSOR WITH HOLD FOR SELECT 1',
        'CREATE TEMP VIEW trap AS SELECT 1', 'SET ROLE regress_segment_owner', 'SET transaction_read_only = off',
        'INSERT INTO regress_play.bait VALUES (1, now(), 1)'] LOOP
        BEGIN
            EXECUTE command;
            RETURN NEXT replace(command, quote_ident(superuser), '...') || ': allowed, then ' || current_user;
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT replace(command, quote_ident(superuser), '...') || ': ' || SQLSTATE;
        END;
    END LOOP;
    PERFORM set_config('search_path', 'regress_play', false),
        set_config('work_mem', '77MB', false), set_config('segment.planted', 'yes', false);
END;
$$;
SELECT format('SELECT seen, timestamptz ''2024-01-01'', 1 FROM spy(%L) AS seen', :'superuser') AS source \gset
SELECT create_rfm_segmentation('spied', :'source', scheme => 'eleven_names');
RESET SESSION AUTHORIZATION;
SHOW search_path;
SELECT outcome FROM refresh_segmentation('spied', '2024-05-01');
SHOW search_path;
SELECT current_user = :'superuser' AS still_superuser, session_user = :'superuser' AS session,
       current_setting('work_mem') = '77MB' AS work_mem_changed,
       coalesce(current_setting('segment.planted', true), '') AS planted;
SELECT seen FROM spied_segments ORDER BY seen COLLATE "C";
-- the owner's own refresh is restricted the same way
SET SESSION AUTHORIZATION regress_segment_other;
SELECT outcome, unchanged, customers FROM refresh_segmentation('spied', '2024-05-02');
RESET SESSION AUTHORIZATION;
SELECT drop_segmentation('spied');
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
