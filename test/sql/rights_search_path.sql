-- Law 11: no name is looked up in a schema that somebody else may create in.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
\set ECHO all

-- ---- elevation_via_search_path ----
-- A superuser who has the attacker's schema on his path.  Where the key's type has
-- no operators of its own in pg_catalog (varchar), planted ones fit better.
SET SESSION AUTHORIZATION regress_segment_other;
CREATE FUNCTION fake_eq(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1::text OPERATOR(pg_catalog.=) $2::text;
CREATE FUNCTION fake_ne(varchar, varchar) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1::text OPERATOR(pg_catalog.<>) $2::text;
CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = fake_eq, HASHES, MERGES);
CREATE OPERATOR <> (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = fake_ne);
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_shop.named_orders AS SELECT customer_id::varchar AS customer_id, ordered_at, amount FROM regress_shop.orders;
CREATE TABLE regress_play.planted (path text, robbed boolean);
-- for each path, not echoed
\set ECHO none
SELECT pg_catalog.format($$
SET search_path = %1$s;
SELECT segment.create_rfm_segmentation('wrong_path', 'regress_shop.named_orders', customers => 'TABLE regress_shop.named_orders',
    schema => 'public', scheme => 'eleven_names');
SELECT segment.create_rfm_scheme('regress_path', '[{"segment": "All", "codes": ["555"]}]', rest => 'Rest');
SELECT count(x) FROM segment.scheme_check('regress_path') AS x;
SELECT (segment.refresh_segmentation('wrong_path', '2024-05-01')).outcome;
CALL regress_play.touch('wrong_path');
SELECT (segment.refresh_segmentation('wrong_path', '2024-05-05')).outcome;
SELECT segment.segment_of('wrong_path', '42'), segment.segment_of('wrong_path', '42'::varchar),
    segment.assign_segment('wrong_path'::text, 1, 2, 3);
SELECT count(x) FROM segment.segment_migration('wrong_path', '2024-05-01'::timestamptz, NULL) AS x;
SELECT segment.rename_segment('wrong_path', 'Champions', 'VIP');
SELECT segment.drop_segmentation('wrong_path');
SELECT segment.drop_rfm_scheme('regress_path');
SET search_path = pg_catalog;
INSERT INTO regress_play.planted SELECT %1$L, regress_play.robbed();$$, path)
FROM (VALUES ('regress_play, segment'), ('segment, regress_play, pg_catalog')) AS p(path)
\gexec
\set ECHO all
SELECT * FROM regress_play.planted;
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
