-- Rules that reproduce the segments of any segmentation: describe_segments.
CREATE SCHEMA described;
SET search_path = described, segment;
SET TimeZone = 'UTC';
\set VERBOSITY default
\i test/lib/try.psql
CREATE FUNCTION h(i bigint, salt integer) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(i, salt) & 9223372036854775807) % 1000003;
CREATE TABLE customer AS
SELECT i AS id, (h(i, 1) % 1000 / 10.0)::numeric AS revenue, (h(i, 2) % 20)::integer AS "Order""s", h(i, 3) % 2 = 0 AS newsletter,
       (ARRAY['web', 'shop', 'it''s', NULL])[1 + h(i, 4) % 4] AS channel, date '2024-01-01' + (h(i, 5) % 300)::integer AS first_order,
       timestamp '2024-01-01 00:00' + h(i, 6) % 8000 * interval '1 hour 0.000001 second' AS seen_at,
       timestamptz '2024-01-01 00:00+02' + h(i, 7) % 8000 * interval '1 hour 0.000001 second' AS last_order_at,
       'c' || i AS name, point(i, 1) AS place
FROM generate_series(1, 2000) AS i;
SELECT create_rule_segmentation('told', 'customer', '{"time": "first_order > ''2024-08-01''",
    "late": "last_order_at > ''2024-10-01 00:00+00''", "seen": "seen_at <= ''2024-02-01 12:00''",
    "news": "newsletter AND channel IN (''web'', ''it''''s'')", "none": "channel IS NULL AND revenue > 50"}');
SELECT outcome FROM refresh_segmentation('told');

-- ---- the rules come back, of all types of columns; who is in no segment is a row of its own ----
SELECT segment, rule, customers, share_right, share_found, held_out, accuracy
FROM describe_segments('told', 'SELECT * FROM customer', max_depth => 7, min_leaf => 1);
-- what creation takes gives the same figures: by hand, for the customers held out
CREATE TABLE rules_again AS SELECT * FROM describe_segments('told', 'customer', max_depth => 3);
SELECT create_rule_segmentation('again', 'customer', (SELECT json_object_agg(segment, rule) FROM rules_again
        WHERE segment IS NOT NULL AND rule IS NOT NULL));
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SELECT outcome FROM refresh_segmentation('again');
CREATE VIEW compared AS
SELECT c.id, t.segment AS told, a.segment AS again,
       ('x' || left(encode(sha256(convert_to('1:' || c.id, 'UTF8')), 'hex'), 12))::bit(48)::bigint / 2.0 ^ 48 < 0.2 AS held
FROM customer AS c LEFT JOIN told_segments AS t USING (id) LEFT JOIN again_segments AS a USING (id);
SELECT (SELECT count(*) FILTER (WHERE held) = min(r.held_out) AND
               round(avg((told IS NOT DISTINCT FROM again)::integer) FILTER (WHERE held), 6) = min(r.accuracy) FROM compared) AS same
FROM rules_again AS r;
SELECT count(*), bool_and(r.customers IS NOT DISTINCT FROM c.customers AND r.share_right IS NOT DISTINCT FROM c.share_right) AS customers,
       bool_and(r.share_found = (SELECT round(avg((x.again IS NOT DISTINCT FROM x.told)::integer), 6) FROM compared AS x
                                 WHERE NOT x.held AND x.told IS NOT DISTINCT FROM r.segment)) AS found
FROM rules_again AS r
LEFT JOIN (SELECT again, count(*) AS customers, round(avg((told IS NOT DISTINCT FROM again)::integer), 6) AS share_right
           FROM compared WHERE NOT held GROUP BY 1) AS c ON c.again IS NOT DISTINCT FROM r.segment AND r.rule IS NOT NULL
WHERE r.rule IS NOT NULL;
-- the session's zone and style do not show
SELECT count(*) AS differing FROM (SELECT * FROM describe_segments('told', 'customer', max_depth => 3) EXCEPT SELECT *
        FROM rules_again) AS d;
RESET TimeZone;
RESET DateStyle;
SET TimeZone = 'UTC';

-- ---- clusters and RFM, by what the member table keeps ----
SELECT create_cluster_segmentation('groups', 'SELECT id, revenue, "Order""s" FROM customer', k => 4);
SELECT outcome FROM refresh_segmentation('groups');
SELECT segment, rule, share_right > 0.95 AS is_right, share_found > 0.95 AS found, accuracy > 0.95 AS accurate
        FROM describe_segments('groups');
CREATE TABLE orders AS
SELECT c.id, timestamptz '2025-01-01 12:00+00' - h(c.id * 20 + n, 8) % (200 + 100 * (c.id % 5)) * interval '1 day' AS at, (h(c.id,
        9) % 90 + 1)::numeric AS amount
FROM customer AS c, generate_series(1, 1 + (h(c.id, 10) % 12)::integer) AS n;
SELECT create_rfm_segmentation('loyal', 'SELECT id, at, amount FROM orders');
SELECT outcome FROM refresh_segmentation('loyal', '2025-01-02 00:00+00');
SELECT segment, left(rule, 110) AS rule, share_right > 0.9 AS is_right, accuracy > 0.85 AS accurate FROM describe_segments('loyal',
        max_depth => 6, min_leaf => 5)
ORDER BY customers DESC LIMIT 3;
-- nobody held out; all held out
SELECT segment, customers, held_out, accuracy FROM describe_segments('groups', holdout => 0);
SELECT try('SELECT describe_segments(''groups'', ''SELECT * FROM customer WHERE id < 3'', holdout => 0.999999)');
-- another seed holds out others
SELECT count(DISTINCT held_out) > 1 AS seeds FROM generate_series(1, 5) AS seed, describe_segments('groups', seed => seed);

-- ---- NaN, which is missing, is kept apart where a column has it ----
SELECT create_rule_segmentation('nan', 'SELECT i AS id, i % 7 AS a, CASE WHEN i % 5 = 0 THEN float8 ''NaN'' ELSE i % 13 END AS x
        FROM generate_series(1, 500) AS i',
                                '{"low": "x <= 6", "nan": "x = ''NaN''", "high": "true"}');
SELECT outcome FROM refresh_segmentation('nan');
SELECT segment, rule, share_right, accuracy
FROM describe_segments('nan', 'SELECT i AS id, CASE WHEN i % 5 = 0 THEN float8 ''NaN'' ELSE i % 13 END AS x FROM generate_series(1,
        500) AS i');

-- ---- as_of() in the source is the instant of the last refresh ----
SELECT create_rule_segmentation('due', 'customer', '{"due": "last_order_at < as_of() - interval ''100 days''"}', rest => 'not due');
SELECT outcome FROM refresh_segmentation('due', '2024-12-01 00:00+00');
SELECT segment, rule, accuracy FROM describe_segments('due', 'SELECT id, extract(epoch
        FROM as_of() - last_order_at) / 86400 AS days FROM customer', min_leaf => 1)
WHERE accuracy > 0.99;

-- ---- errors ----
SELECT create_rule_segmentation('both', 'customer', '{"a": "id < 9", "b": "id < 7"}', exclusive => false);
SELECT try(q) FROM unnest(ARRAY['SELECT describe_segments(''nobody'')', 'SELECT describe_segments(NULL)',
        'SELECT describe_segments(''both'')',
    'SELECT describe_segments(''told'')', 'SELECT describe_segments(''told'', ''SELECT id FROM customer'')',
    'SELECT describe_segments(''told'', ''SELECT id, place FROM customer'')',
    'SELECT describe_segments(''told'', ''customer'', key => ''nothing'')', 'SELECT describe_segments(''told'', ''nothing'')',
    'SELECT describe_segments(''told'', ''SELECT id, 1 AS a FROM customer WHERE id < 3 UNION ALL SELECT 1, 2'')',
    'SELECT describe_segments(''told'', ''DELETE FROM customer'')',
    'SELECT describe_segments(''told'', ''customer'', 0)', 'SELECT describe_segments(''told'', ''customer'', NULL)',
    'SELECT describe_segments(''told'', ''customer'', holdout => 1)', 'SELECT describe_segments(''told'', ''customer'', holdout => -0.1)',
    'SELECT describe_segments(''told'', ''customer'', min_leaf => 0)', 'SELECT describe_segments(''told'', ''SELECT name, id
        FROM customer'')']) AS q;

-- ---- describe_runs_as_the_owner: of a superuser's call nothing of the source has a superuser's rights ----
CREATE ROLE regress_describe;
CREATE ROLE regress_describe_other;
CREATE SCHEMA play AUTHORIZATION regress_describe;
GRANT USAGE ON SCHEMA described TO PUBLIC;
SET SESSION AUTHORIZATION regress_describe;
SET search_path = play, segment, described;
CREATE TABLE mine AS SELECT i AS id, i % 10 AS a FROM generate_series(1, 100) AS i;
SELECT create_rule_segmentation('mine', 'mine', '{"low": "a < 5"}', rest => 'high');
SELECT outcome FROM refresh_segmentation('mine');
CREATE FUNCTION who(a integer) RETURNS integer LANGUAGE plpgsql STABLE AS
$$ BEGIN RAISE EXCEPTION 'run as % of %', current_user, session_user; END $$;
CREATE VIEW spy AS SELECT id, who(a) AS a FROM mine;
RESET SESSION AUTHORIZATION;
SELECT try('SELECT describe_segments(''mine'', ''SELECT * FROM play.spy'')') ~ 'run as regress_describe of' AS as_owner;
SELECT try('SELECT describe_segments(''mine'', ''SELECT oid::int AS id, rolpassword FROM pg_authid'')');
SELECT segment, rule FROM describe_segments('mine', 'SELECT * FROM play.mine');
SET SESSION AUTHORIZATION regress_describe_other;
SELECT try('SELECT segment.describe_segments(''mine'', ''SELECT 1, 2'')');
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA play TO regress_describe_other;
GRANT SELECT ON play.mine_segments TO regress_describe_other;
SET SESSION AUTHORIZATION regress_describe_other;
SELECT described.try('SELECT segment.describe_segments(''mine'', ''SELECT 1, 2'')');
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT drop_segmentation('mine');
DROP OWNED BY regress_describe, regress_describe_other CASCADE;
DROP ROLE regress_describe, regress_describe_other;
DROP VIEW compared;
SELECT count(drop_segmentation(name)) FROM unnest('{told,again,groups,loyal,nan,due,both}'::text[]) AS name;
DROP SCHEMA described CASCADE;
