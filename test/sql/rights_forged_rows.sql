-- Law 11: no text in a row of the catalogue runs with more rights than those of
-- the segmentation's owner, should such a row ever be there: users cannot write one, a
-- superuser here does it for them.
\set ECHO none
\i test/lib/rights_setup.psql
\i test/lib/rights_loyal.psql
\i test/lib/rights_theft.psql
\set ECHO all

-- ---- elevation_via_catalogue_row ----
SET SESSION AUTHORIZATION regress_segment_other;
SELECT create_rfm_segmentation('forged', 'bait', scheme => 'eleven_names');
SELECT outcome FROM refresh_segmentation('forged', '2024-05-01');
GRANT SELECT ON forged_segments, forged_history TO PUBLIC;
-- a column beside ours, whose only cast is that to a feature
CREATE TYPE box3 AS (v integer);
CREATE FUNCTION open_float(box3) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE CAST (box3 AS float8) WITH FUNCTION open_float(box3) AS IMPLICIT;
ALTER TABLE forged_segments ADD evil regress_play.box3 DEFAULT ROW(1)::regress_play.box3;
-- users are refused any change of a row
SELECT attempt($$UPDATE segment.segmentation SET members = 'regress_shop.orders' WHERE name = 'forged'$$) AS members,
       attempt($$UPDATE segment.segmentation SET name = 'loyal' WHERE name = 'forged'$$) AS name,
       attempt($$UPDATE segment.segment SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS into_other,
       attempt($$UPDATE segment.model SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS model_into_other,
       attempt($$UPDATE segment.run SET segmentation = 'loyal' WHERE segmentation = 'forged'$$) AS run_into_other;
CREATE TABLE original AS SELECT * FROM segment.segmentation WHERE name = 'forged';
CREATE TABLE forgery (n integer GENERATED ALWAYS AS IDENTITY, change text);
INSERT INTO forgery (change) VALUES
    ($$source_types = '{"bigint AND regress_play.steal()",timestamptz,numeric}'$$),
    ($$source_types = '{"bigint, regress_play.steal()",timestamptz,numeric}'$$),
    ($$source_types = '{"bigint; SELECT regress_play.steal()",timestamptz,numeric}'$$),
    ($$source_types = '{"text) AS x, LATERAL regress_play.steal() --",timestamptz,numeric}'$$),
    ($$source_columns = '{"customer_id\", regress_play.steal(), \"",ordered_at,amount}'$$),
    ($$source_columns = '{"customer_id, regress_play.steal()",ordered_at,amount}'$$),
    ($$source_columns = '{"x'', regress_play.steal())",ordered_at,amount}'$$), ($$source_columns = '{}', source_types = '{}'$$),
    ($$source_columns = '{NULL,NULL,NULL}'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait WHERE regress_play.steal()'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait) WHERE regress_play.steal() --'$$),
    ($$source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait; SELECT regress_play.steal()'$$),
    ($$customers = 'SELECT customer_id FROM regress_play.bait WHERE regress_play.steal()'$$),
    ($$customers = 'SELECT customer_id FROM regress_play.bait) AS c(customer), regress_play.steal() --'$$),
    ($$search_path = 'regress_play, pg_catalog'$$), ($$time_zone = 'UTC''; SELECT regress_play.steal(); --'$$),
    ($$options = options || '{"scheme": "default''); SELECT regress_play.steal(); --", "bins": "5), regress_play.steal()"}'$$),
    ($$options = options || '{"hysteresis": "0.1), regress_play.steal()"}'$$),
    ($$options = options || '{"cuts": "quantile''), regress_play.steal(", "lookback": "1 day'', regress_play.steal()"}'$$),
    ($$members = 'regress_play.bait'$$), ($$members = 'pg_class', history = 'pg_attribute'$$), ($$members = 0$$), ($$history = 0$$),
    ($$members = 'regress_shop.orders', history = 'regress_shop.orders'$$), ($$history = 'regress_play.bait'$$),
    ($$max_departed = 1, source = 'SELECT customer_id, ordered_at, amount FROM regress_play.bait WHERE false'$$),
    ($$refreshed_as_of = 'infinity'$$), ($$model_version = 77$$), ($$description = 'x'' IS NULL; SELECT regress_play.steal()'$$),
    ($$kind = 'x'$$), ($$kind = 'rfm_steps(NULL), regress_play.steal()'$$), ($$kind = 'cluster'$$), ($$method = 'regress_play.steal'$$),
    ($$features = '{evil}', feature_types = '{double precision}'$$),
    ($$features = '{evil}', feature_types = '{double precision}', kind = 'cluster', method = 'kmeans'$$);
-- operators as the forged search_path finds them
CREATE FUNCTION fake_eq(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_eq(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_eq(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.=) $2;
CREATE FUNCTION fake_gt(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.>) $2;
CREATE FUNCTION fake_gt(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.>) $2;
CREATE FUNCTION fake_join(text, text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN $1 OPERATOR(pg_catalog.||) $2 END;
CREATE FUNCTION fake_match(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN regress_play.steal() AND $1 OPERATOR(pg_catalog.!~) $2;
CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = fake_eq);
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_eq);
CREATE OPERATOR = (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fake_eq);
CREATE OPERATOR > (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fake_gt);
CREATE OPERATOR > (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = fake_gt);
CREATE OPERATOR || (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_join);
CREATE OPERATOR !~ (LEFTARG = text, RIGHTARG = text, FUNCTION = fake_match);
CREATE FUNCTION regress_play.coalesce(text, text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.count(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.format(text, text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN $1 END;
CREATE FUNCTION regress_play.assign_segment(model segment.segment_model, a float8, b bigint, c numeric) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN 'x' END;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.forged_row (n integer, who text, refused text, done text, robbed boolean, hidden boolean);
GRANT INSERT ON regress_play.forged_row TO PUBLIC;
-- for each forgery, not echoed: refused to its owner, done by a superuser
\set ECHO none
SELECT format($$
SET SESSION AUTHORIZATION regress_segment_other;
INSERT INTO regress_play.forged_row (n, who, refused) VALUES (%2$s, 'owner', regress_play.attempt(%3$L));
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.forged_row (n, who, done) VALUES (%2$s, 'forger', regress_play.attempt(%3$L));
CALL regress_play.touch('forged');
INSERT INTO regress_play.forged_row (n, who, robbed, hidden)
SELECT %2$s, 'superuser', regress_play.robbed(),
       regress_play.attempt('SELECT count(*) FROM segment.segment_members WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''')
           OPERATOR(pg_catalog.<>) '50';
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('forged');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.forged_row (n, who, robbed) SELECT %2$s, 'reader', regress_play.robbed();
DELETE FROM segment.segmentation WHERE name = 'forged';
INSERT INTO segment.segmentation SELECT * FROM regress_play.original;$$,
    change, n, pg_catalog.format($$UPDATE segment.segmentation SET %s WHERE name = 'forged'$$, change))
FROM forgery ORDER BY n
\gexec
\set ECHO all
SELECT f.change, who, robbed, hidden FROM forged_row JOIN forgery AS f USING (n) WHERE robbed OR hidden ORDER BY n, who;
SELECT count(*) FILTER (WHERE robbed IS NOT NULL) AS tried, count(*) FILTER (WHERE refused <> '42501') AS not_refused,
       string_agg(DISTINCT done, ' ' ORDER BY done) AS forged FROM forged_row;
-- nothing of the others was harmed
SELECT count(*) FROM regress_shop.orders;
SELECT count(*) FROM regress_shop.loyal_segments;
SELECT drop_segmentation('forged');

-- ---- elevation_via_features: a clustering, its names, types and columns ----
SET SESSION AUTHORIZATION regress_segment_other;
CREATE TABLE traits AS SELECT n::bigint AS customer_id, (n % 7)::float8 AS a, (n * n % 11)::float8 AS b FROM generate_series(1, 60) AS n;
SELECT create_cluster_segmentation('grouped', 'traits', k => 3);
SELECT outcome, customers FROM refresh_segmentation('grouped', '2024-05-01');
GRANT SELECT ON grouped_segments, grouped_history TO PUBLIC;
-- a column of his own type beside ours, with casts to all that our statements could want
CREATE TYPE box2 AS (v integer);
CREATE FUNCTION open_float(box2) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN ($1).v END;
CREATE FUNCTION open_text(box2) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN regress_play.steal() THEN ($1).v::text END;
CREATE CAST (box2 AS float8) WITH FUNCTION open_float(box2) AS IMPLICIT;
CREATE CAST (box2 AS text) WITH FUNCTION open_text(box2) AS IMPLICIT;
ALTER TABLE grouped_segments ADD evil regress_play.box2 DEFAULT ROW(1)::regress_play.box2, ADD word text DEFAULT 'x',
    ADD "a, regress_play.steal()" float8 DEFAULT 1;
CREATE TABLE original_group AS SELECT * FROM segment.segmentation WHERE name = 'grouped';
CREATE TABLE group_forgery (n integer GENERATED ALWAYS AS IDENTITY, change text);
INSERT INTO group_forgery (change) VALUES
    ($$features = '{a,evil}'$$), ($$features = '{a,evil}', feature_types = '{double precision,text}'$$),
    ($$features = '{evil,b}', kind = 'rfm'$$), ($$features = '{evil,b}', kind = 'x'$$),
    ($$features = '{a,b}', feature_types = '{double precision,regress_play.box2}'$$),
    ($$features = '{a,b}', feature_types = '{double precision,"float8, regress_play.steal()"}'$$),
    ($$features = '{a,"b, regress_play.steal()"}'$$), ($$features = '{a,"a, regress_play.steal()"}'$$),
    ($$features = '{a,"b\", regress_play.steal(), \"a"}'$$), ($$features = '{a,word}', feature_types = '{double precision,text}'$$),
    ($$features = NULL$$), ($$features = '{}', feature_types = '{}'$$), ($$features = '{{a,b}}'$$), ($$features = '[2:3]={a,b}'$$),
    ($$features = '{a,NULL}'$$), ($$features = '{a}'$$), ($$feature_types = NULL$$), ($$features = NULL, feature_types = NULL$$),
    ($$method = 'kmeans(NULL), regress_play.steal(), segment.kmeans'$$), ($$method = 'steal'$$), ($$method = 'regress_play.kmeans'$$),
    ($$method = NULL$$), ($$kind = 'rfm'$$), ($$kind = 'kmeans'$$),
    ($$options = '{"k": "3), regress_play.steal()"}'$$), ($$options = '{"k": 3, "seed => 1), regress_play.steal(": 1}'$$),
    ($$options = '[]'$$), ($$options = '{"k": 3, "log": ["a'', regress_play.steal()"]}'$$),
    ($$options = '{"k": 3, "hysteresis": "0.1), regress_play.steal()"}'$$),
    ($$source_columns = '{a,a,b}'$$), ($$source_columns = '{"customer_id, regress_play.steal()",a,b}'$$),
    ($$source_types = '{regress_play.box2,"double precision","double precision"}'$$),
    ($$source = 'SELECT customer_id, a, b FROM regress_play.traits WHERE regress_play.steal()'$$),
    ($$search_path = 'regress_play, pg_catalog'$$);
CREATE FUNCTION regress_play.kmeans(features segment.feature_set, k integer) RETURNS segment.segment_model LANGUAGE sql
RETURN CASE WHEN regress_play.steal() THEN segment.kmeans(features, k) END;
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_play.grouped_row (n integer, who text, refused text, done text, robbed boolean, hidden boolean);
GRANT INSERT ON regress_play.grouped_row TO PUBLIC;
-- for each forgery, not echoed: refused to its owner, done by a superuser
\set ECHO none
SELECT format($$
SET SESSION AUTHORIZATION regress_segment_other;
INSERT INTO regress_play.grouped_row (n, who, refused) VALUES (%2$s, 'owner', regress_play.attempt(%3$L));
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.grouped_row (n, who, done) VALUES (%2$s, 'forger', regress_play.attempt(%3$L));
CALL regress_play.touch('grouped');
INSERT INTO regress_play.grouped_row (n, who, robbed, hidden)
SELECT %2$s, 'superuser', regress_play.robbed(),
       regress_play.attempt('SELECT count(*) FROM segment.segment_members WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''')
           OPERATOR(pg_catalog.<>) '50'
       OR regress_play.attempt('SELECT count(*) FROM segment.segment_feature_profile WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''')
           OPERATOR(pg_catalog.<>) '0'
       OR regress_play.attempt('SELECT count(*) OPERATOR(pg_catalog.>) 0 FROM segment.segment_profile
                                WHERE segmentation OPERATOR(pg_catalog.=) ''loyal''') OPERATOR(pg_catalog.<>) 'true';
SET SESSION AUTHORIZATION regress_segment_reader;
CALL regress_play.touch('grouped');
RESET SESSION AUTHORIZATION;
INSERT INTO regress_play.grouped_row (n, who, robbed) SELECT %2$s, 'reader', regress_play.robbed();
DELETE FROM segment.segmentation WHERE name = 'grouped';
INSERT INTO segment.segmentation SELECT * FROM regress_play.original_group;$$,
    change, n, pg_catalog.format($$UPDATE segment.segmentation SET %s WHERE name = 'grouped'$$, change))
FROM group_forgery ORDER BY n
\gexec
\set ECHO all
SELECT f.change, who, robbed, hidden FROM grouped_row JOIN group_forgery AS f USING (n) WHERE robbed OR hidden ORDER BY n, who;
SELECT count(*) FILTER (WHERE robbed IS NOT NULL) AS tried, count(*) FILTER (WHERE refused <> '42501') AS not_refused,
       string_agg(DISTINCT done, ' ' ORDER BY done) AS forged FROM grouped_row;
SELECT drop_segmentation('grouped');
\set ECHO none
\i test/lib/rights_end.psql
\set ECHO all
