-- Law 11: who may see, use and change a segmentation.
\set ECHO none
\i test/lib/rights_setup.psql
\set ECHO all
-- ---- an owner needs no other right than CREATE on a schema ----
SET SESSION AUTHORIZATION regress_segment_owner;
SET search_path = regress_shop, segment;
CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
INSERT INTO orders
SELECT n % 50, timestamptz '2024-01-01 00:00Z' + n * interval '7 hours', n * 7919 % 101 FROM generate_series(1, 400) AS n;
SELECT create_rfm_scheme('regress_own', '[{"segment": "Best", "recency": [4, 5]}, {"segment": "Rest"}]');
SELECT create_rfm_segmentation('loyal', 'orders', scheme => 'regress_own');
SELECT outcome, customers, entered, run_by FROM refresh_segmentation('loyal', '2024-05-01');
SELECT rename_segment('loyal', 'Best', 'Top');
SELECT outcome, customers, moved, unchanged FROM refresh_segmentation('loyal', '2024-05-01');
SELECT segment, customers FROM segment_size ORDER BY 1;
SELECT count(*) FROM segment_members('loyal');
SELECT segment_of('loyal', 49), assign_segment('loyal', 1, 100, 1000);
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname LIKE 'loyal%' AND relkind = 'r' ORDER BY 1;

-- ---- all that can be done to or with it ----
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.deed (n integer GENERATED ALWAYS AS IDENTITY, name text, command text);
INSERT INTO regress_play.deed (name, command) VALUES
    ('refresh', $$SELECT (segment.refresh_segmentation('loyal', '2024-05-01')).outcome$$),
    ('rename', $$SELECT segment.rename_segment('loyal', 'Rest', 'Others')$$),
    ('rename back', $$SELECT segment.rename_segment('loyal', 'Others', 'Rest')$$),
    ('as owner', $$SELECT segment_internal.run_as_owner('regress_segment_owner', 'SELECT current_user')$$),
    ('as superuser', format($$SELECT segment_internal.run_as_owner(%L, 'SELECT 1')$$, :'superuser')),
    ('model', $$SELECT (segment.model_metrics(segment.get_model('loyal')) ->> 'n_used')$$),
    ('assign', $$SELECT segment.assign_segment('loyal', 1, 100, 1000)$$),
    ('explain', $$SELECT segment.explain_segment('loyal', 1, 100, 1000) ->> 'segment'$$),
    ('segment_of', $$SELECT segment.segment_of('loyal', 49)$$),
    ('members', $$SELECT count(*) FROM segment.segment_members('loyal')$$),
    ('members typed', $$SELECT count(*) FROM segment.segment_members(null::bigint, 'loyal', NULL)$$),
    ('members then', $$SELECT count(*) FROM segment.segment_members('loyal', '2024-04-30')$$),
    ('events', $$SELECT count(*) FROM segment.segment_events('loyal')$$),
    ('profile', $$SELECT sum(customers) FROM segment.segment_profile('loyal')$$),
    ('migration', $$SELECT sum(customers) FROM segment.segment_migration('loyal', '2024-04-30'::timestamptz, NULL)$$),
    ('view segment_members', $$SELECT count(*) FROM segment.segment_members WHERE segmentation = 'loyal'$$),
    ('view segment_size', $$SELECT sum(customers) FROM segment.segment_size WHERE segmentation = 'loyal'$$),
    ('view segment_profile', $$SELECT sum(customers) FROM segment.segment_profile WHERE segmentation = 'loyal'$$),
    ('view segment_run', $$SELECT count(*) > 0 FROM segment.segment_run WHERE segmentation = 'loyal'$$),
    ('view segment_events', $$SELECT count(*) FROM segment.segment_events WHERE segmentation = 'loyal' AND not_shown IS NULL$$),
    ('view segment_migration', $$SELECT count(*) FROM segment.segment_migration WHERE segmentation = 'loyal' AND not_shown IS NULL$$),
    ('table segmentation', $$SELECT count(*) FROM segment.segmentation WHERE name = 'loyal'$$),
    ('table segment', $$SELECT count(*) FROM segment.segment WHERE segmentation = 'loyal'$$),
    ('table model', $$SELECT count(*) > 0 FROM segment.model WHERE segmentation = 'loyal'$$),
    ('member table', $$SELECT count(*) FROM regress_shop.loyal_segments$$),
    ('history table', $$SELECT count(*) FROM regress_shop.loyal_history$$),
    ('write members', $$UPDATE regress_shop.loyal_segments SET segment = 'Top' WHERE false$$),
    ('write segmentation',
     $$WITH w AS (UPDATE segment.segmentation SET description = 'x' WHERE name = 'loyal' RETURNING 1) SELECT count(*) FROM w$$),
    ('write segment',
     $$WITH w AS (UPDATE segment.segment SET description = 'x' WHERE segmentation = 'loyal' RETURNING 1) SELECT count(*) FROM w$$),
    ('write model',
     $$WITH w AS (UPDATE segment.model SET trained_as_of = trained_as_of WHERE segmentation = 'loyal' RETURNING 1)
       SELECT count(*) > 0 FROM w$$),
    ('write run',
     $$WITH w AS (UPDATE segment.run SET error = NULL WHERE segmentation = 'loyal' RETURNING 1)
       SELECT count(*) > 0 FROM w$$),
    ('delete segmentation',
     $$WITH w AS (DELETE FROM segment.segmentation WHERE name = 'loyal' AND source = '' RETURNING 1) SELECT count(*) FROM w$$),
    ('add a segment',
     $$INSERT INTO segment.segment (segmentation, segment_id, name, origin, priority, opened_at)
       VALUES ('loyal', 99, 'forged', 'forged', 99, '2024-01-01')$$),
    ('take it back', $$DELETE FROM segment.segment WHERE segment_id = 99$$),
    ('add a run',
     $$WITH w AS (INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome)
       VALUES ('loyal', now(), now(), now(), 'ok') RETURNING run_id) SELECT 1 FROM w$$),
    ('add a model',
     $$INSERT INTO segment.model SELECT segmentation, version + 1000, model, trained_as_of
       FROM segment.model WHERE segmentation = 'loyal' AND false$$),
    ('change scheme',
     $$WITH w AS (UPDATE segment.rfm_scheme SET description = 'x' WHERE name = 'regress_own' RETURNING 1) SELECT count(*) FROM w$$),
    ('change shipped scheme',
     $$WITH w AS (UPDATE segment.rfm_scheme SET rest = 'x' WHERE name = 'braze' RETURNING 1) SELECT count(*) FROM w$$),
    ('drop scheme', $$SELECT segment.drop_rfm_scheme('regress_own')$$),
    ('drop shipped scheme', $$SELECT segment.drop_rfm_scheme('shopify')$$),
    ('same name',
     $$SELECT segment.create_rfm_segmentation('loyal', 'SELECT 1::bigint AS c, now() AS t, 1 AS a', schema => 'regress_play',
       scheme => 'eleven_names')$$),
    ('with their tables',
     $$INSERT INTO segment.segmentation (name, members, history, kind, source, source_columns, source_types, search_path)
       VALUES ('regress_forged', 'regress_shop.orders', 'regress_shop.loyal_history', 'rfm', 'SELECT 1', '{}', '{}', '')$$),
    ('take that back', $$DELETE FROM segment.segmentation WHERE name = 'regress_forged'$$),
    ('point it elsewhere', $$UPDATE segment.segmentation SET members = 'pg_class' WHERE name = 'loyal'$$),
    ('empty it', $$TRUNCATE segment.segmentation CASCADE$$),
    ('a kind', $$INSERT INTO segment_internal.kind SELECT k.* FROM segment_internal.kind AS k WHERE false$$),
    ('explain a customer', $$SELECT count(*) > 0 FROM segment.explain_customer('loyal', '49'::text)$$),
    ('steps', $$SELECT count(*) > 0 FROM segment.refresh_steps('loyal', '2024-05-01')$$),
    ('accept source', $$SELECT segment.accept_source('loyal')$$);
GRANT SELECT ON regress_play.deed TO PUBLIC;
CREATE TABLE regress_play.outcome (who text, n integer, outcome text);
GRANT SELECT, INSERT ON regress_play.outcome TO PUBLIC;
CREATE PROCEDURE regress_play.try_all(who text) LANGUAGE plpgsql AS $$
DECLARE
    d record;
BEGIN
    FOR d IN SELECT * FROM regress_play.deed ORDER BY n LOOP
        INSERT INTO regress_play.outcome VALUES (who, d.n, regress_play.attempt(d.command));
    END LOOP;
END;
$$;

SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_owner;
CALL regress_play.try_all('owner');
SET SESSION AUTHORIZATION regress_segment_deputy;
CALL regress_play.try_all('deputy');
SET SESSION AUTHORIZATION regress_segment_other;
CALL regress_play.try_all('other');
SET SESSION AUTHORIZATION regress_segment_owner;
GRANT SELECT ON regress_shop.loyal_segments TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.try_all('reader');
SET SESSION AUTHORIZATION regress_segment_owner;
GRANT SELECT ON regress_shop.loyal_history TO regress_segment_reader;
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.try_all('reader of both');
RESET SESSION AUTHORIZATION;
SELECT d.name, max(outcome) FILTER (WHERE who = 'owner') AS owner, max(outcome) FILTER (WHERE who = 'deputy') AS deputy,
       max(outcome) FILTER (WHERE who = 'other') AS other, max(outcome) FILTER (WHERE who = 'reader') AS reader,
       max(outcome) FILTER (WHERE who = 'reader of both') AS reader_of_both
FROM regress_play.outcome AS o JOIN regress_play.deed AS d USING (n) GROUP BY d.n, d.name ORDER BY d.n;
-- Who did it is told, and whose it is stays.
SELECT DISTINCT run_by FROM segment.run WHERE segmentation = 'loyal' AND outcome = 'ok' ORDER BY 1;
SELECT count(*) FROM regress_shop.loyal_segments AS m JOIN pg_class AS c ON c.oid = m.tableoid
WHERE pg_get_userbyid(c.relowner) <> 'regress_segment_owner';

-- ---- a segmentation goes with its owner's consent only ----
SET search_path = pg_catalog;
SET SESSION AUTHORIZATION regress_segment_reader;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$);
SET SESSION AUTHORIZATION regress_segment_other;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$);
SET SESSION AUTHORIZATION regress_segment_deputy;
SELECT regress_play.attempt($$SELECT segment.drop_segmentation('loyal')$$),
    regress_play.attempt($$SELECT segment.drop_rfm_scheme('regress_own')$$);
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM segment.segmentation;
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
