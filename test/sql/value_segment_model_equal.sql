-- Models are values like others: they group, join, and have a place in sets.
SET search_path = segment, public;
CREATE TABLE trained AS
SELECT n, kmeans(feature_set(x, y), k => k) AS model
FROM (VALUES (1, 2), (2, 3), (3, 2), (4, 3), (5, 2)) AS t (n, k),
	LATERAL (SELECT i % 7 AS x, i % 5 AS y FROM generate_series(1, 60) AS i) AS r
GROUP BY n, k;
SELECT count(*), count(DISTINCT model) FROM trained;
SELECT array_agg(n ORDER BY n) FROM trained GROUP BY model ORDER BY 1;
SELECT count(*) FROM (SELECT DISTINCT model FROM trained) AS d;
SELECT count(*) FROM (SELECT model FROM trained UNION SELECT model FROM trained) AS u;
SELECT count(*) FROM (SELECT model FROM trained EXCEPT SELECT model FROM trained WHERE n = 1) AS e;
SELECT count(*) FROM trained AS a JOIN trained AS b ON a.model <> b.model;

-- each way to join gives the same pairs, and is what was asked for
CREATE FUNCTION pairs(OUT way text, OUT pairs bigint) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXPLAIN (COSTS OFF) SELECT FROM trained AS a JOIN trained AS b USING (model) LOOP
		way := coalesce(way, substring(line FROM '(Hash Join|Merge Join|Nested Loop)'));
	END LOOP;
	SELECT count(*) INTO pairs FROM trained AS a JOIN trained AS b USING (model);
END $$;
SET enable_mergejoin = off; SET enable_nestloop = off;
SELECT * FROM pairs();
SET enable_mergejoin = on; SET enable_hashjoin = off;
SELECT * FROM pairs();
SET enable_mergejoin = off; SET enable_nestloop = on;
SELECT * FROM pairs();
RESET enable_mergejoin; RESET enable_nestloop; RESET enable_hashjoin;

-- grouping by sort and by hash
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT model FROM trained GROUP BY model) AS g;
SET enable_hashagg = on; SET enable_sort = off;
SELECT count(*) FROM (SELECT model FROM trained GROUP BY model) AS g;
RESET enable_hashagg; RESET enable_sort;

-- the order is total: exactly one of <, = and > holds, and the others follow; rows that do not obey
SELECT a.n, b.n FROM trained AS a, trained AS b
WHERE (a.model < b.model)::int + (a.model = b.model)::int + (a.model > b.model)::int <> 1
	OR (a.model <= b.model) <> NOT (a.model > b.model) OR (a.model >= b.model) <> NOT (a.model < b.model)
	OR (a.model = b.model) <> (a.model::text = b.model::text)
	OR (a.model < b.model) <> (a.model::text COLLATE "C" < b.model::text COLLATE "C");
-- equal models hash alike, with seed 0 as without a seed, and a renamed segment makes another model
SELECT a.n, b.n FROM trained AS a, trained AS b, (VALUES (0), (1), (-7)) AS s (seed)
WHERE (a.model = b.model)
		<> (segment_internal.segment_model_hash_extended(a.model, seed) = segment_internal.segment_model_hash_extended(b.model, seed))
	OR segment_internal.segment_model_hash(a.model)::bit(32)::text
		<> right(segment_internal.segment_model_hash_extended(a.model, 0)::bit(64)::text, 32);
SELECT count(DISTINCT m) FROM trained, LATERAL (VALUES (model), (rename_segment(model, 'Segment 1', 'A'))) AS v (m) WHERE n = 1;

-- partitioned and indexed by
CREATE TABLE parted (model segment_model) PARTITION BY HASH (model);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT model FROM trained;
SELECT count(*), count(DISTINCT model), bool_and(model IN (SELECT model FROM trained)) FROM parted;
CREATE INDEX ON trained USING hash (model);
SET enable_seqscan = off;
SELECT count(*) FROM trained WHERE model = (SELECT t.model FROM trained AS t WHERE t.n = 2);
RESET enable_seqscan;
DROP TABLE trained, parted;
DROP FUNCTION pairs;
