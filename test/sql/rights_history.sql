-- Purging and resetting: for the owner alone, by whatever way; and nothing of it runs with anybody else's rights.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
SET client_min_messages = warning;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO all
SET search_path = regress_shop, segment;
SELECT refreshed_as_of AS last FROM segmentation WHERE name = 'loyal' \gset
SELECT outcome FROM refresh_segmentation('loyal', timestamptz :'last' + interval '1 day');
CREATE TABLE regress_play.kept AS SELECT (SELECT count(*) FROM loyal_segments) AS members, (SELECT count(*) FROM loyal_history) AS history,
    (SELECT format('%s', s) FROM segmentation AS s WHERE s.name = 'loyal') AS row, (SELECT max(run_id) FROM run) AS run;

-- ---- a reader, and somebody else, even by what is behind the functions ----
GRANT SELECT ON loyal_segments, loyal_history TO regress_segment_reader;
CREATE FUNCTION regress_play.all_ways(last timestamptz) RETURNS TABLE (way text, result text) LANGUAGE sql AS $$
    SELECT w, regress_play.attempt(format(w, last)) FROM unnest(ARRAY[
        'SELECT segment.purge_history(''loyal'', %L)', 'SELECT segment.reset_segmentation(''loyal'', %L)',
        'SELECT segment_internal.purge_as_owner(''loyal'', %L)', 'SELECT segment_internal.reset_as_owner(''loyal'', %L)',
        'SELECT segment_internal.change_catalogue(''keep_history_from'', ''loyal''::text, %L::timestamptz)',
        'SELECT segment_internal.change_catalogue(''reset'', ''loyal''::text, %L::timestamptz)',
        'SELECT segment_internal.change_catalogue(''finish_reset'', ''loyal''::text, %L::timestamptz, now(), 1::bigint,
                                                  1::bigint, 1::bigint)',
        'SELECT segment_internal.restore_places(s, %L) FROM segment.segmentation AS s WHERE s.name = ''loyal''',
        'SELECT segment_internal.restore_figures(s) FROM segment.segmentation AS s WHERE s.name = ''loyal'' AND %L < now()',
        'SELECT segment_internal.unknown_figures(s) FROM segment.segmentation AS s WHERE s.name = ''loyal'' AND %L < now()',
        'UPDATE segment.segmentation SET history_from = %L', 'DELETE FROM regress_shop.loyal_history WHERE left_at < %L']) AS w
$$;
GRANT EXECUTE ON FUNCTION regress_play.all_ways TO PUBLIC;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regexp_replace(way, '\s+', ' ', 'g') AS way, result FROM regress_play.all_ways(:'last');
SET SESSION AUTHORIZATION regress_segment_other;
SELECT result, count(*) FROM regress_play.all_ways(:'last') GROUP BY 1 ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT k.members = (SELECT count(*) FROM loyal_segments) AND k.history = (SELECT count(*) FROM loyal_history)
       AND k.row = (SELECT format('%s', s) FROM segmentation AS s WHERE s.name = 'loyal')
       AND k.run = (SELECT max(run_id) FROM run) AS untouched FROM regress_play.kept AS k;
-- what a reader may read he may ask; who may not read the history is told nothing of it
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) > 0 AS trend FROM segment_trend('loyal', '1 month');
SELECT segment_of('loyal', '7', :'last') IS NOT NULL AS asked;
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON loyal_history FROM regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT count(*) FROM segment_trend('loyal', '1 month');
SELECT segment_of('loyal', '7', :'last');
SELECT count(*) FROM lint_segmentation('loyal') WHERE finding = 'history_overlap';
RESET SESSION AUTHORIZATION;

-- ---- the owner's deputy may; the owner by what is behind it does no harm to the log ----
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT outcome, run_by FROM reset_segmentation('loyal', :'last');
SELECT history_rows FROM purge_history('loyal', :'last');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_segment_owner;
SELECT segment_internal.change_catalogue('keep_history_from', 'loyal'::text, 'infinity'::timestamptz) AS after_the_last;
SELECT segment_internal.change_catalogue('keep_history_from', 'loyal'::text, '-infinity'::timestamptz) AS endless;
SELECT segment_internal.change_catalogue('reset', 'loyal'::text, '-infinity'::timestamptz) AS before_the_first;
SELECT segment_internal.change_catalogue('reset', 'loyal'::text, timestamptz :'last' - interval '1 hour', 1);
SELECT refreshed_as_of = :'last' AS as_it_was, history_from = :'last' AS kept_from FROM segmentation WHERE name = 'loyal';
SELECT count(*) FILTER (WHERE run_by <> 'regress_segment_deputy') AS others FROM run WHERE outcome = 'reset';
RESET SESSION AUTHORIZATION;

-- ---- a source that would steal: run by a superuser's reset it has the owner's rights, in a restricted operation ----
SET SESSION AUTHORIZATION regress_segment_owner;
CREATE FUNCTION regress_shop.spy(bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'as % (%)', current_user, regress_play.attempt('SET ROLE pg_monitor');
    RETURN $1;
END $$;
CREATE TABLE regress_shop.few AS SELECT n::bigint AS id, n AS points FROM generate_series(1, 1) AS n;
CREATE VIEW regress_shop.watched AS SELECT regress_shop.spy(id) AS id, points FROM regress_shop.few;
SET client_min_messages = error;
SELECT create_rule_segmentation('watched', 'watched', '{"all": "points > 0"}');
SELECT outcome FROM refresh_segmentation('watched', '2024-01-01');
SELECT outcome FROM refresh_segmentation('watched', '2024-01-02');
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT outcome FROM reset_segmentation('watched', '2024-01-01');
-- and so has what hangs on the tables
SET SESSION AUTHORIZATION regress_segment_owner;
CREATE FUNCTION regress_shop.spy_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'row as %', current_user;
    RETURN OLD;
END $$;
CREATE TRIGGER spy BEFORE DELETE ON watched_history FOR EACH ROW EXECUTE FUNCTION regress_shop.spy_row();
INSERT INTO watched_history VALUES (1, 1, '2020-01-01', '2020-01-02', 'x', 'x');
RESET SESSION AUTHORIZATION;
SELECT history_rows FROM purge_history('watched', '2024-01-01');
SELECT drop_segmentation('watched');
\set ECHO none
\i test/lib/rights_end.psql
