-- Refreshes by a watermark from an empty source on, beside a twin that reads everything (law 9).
CREATE SCHEMA marked;
SET search_path = marked, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE TABLE fact (id integer PRIMARY KEY, points integer, changed_at timestamptz);
SELECT create_rule_segmentation(n, 'fact', '{"Many": "points > 50"}', rest => 'Few') FROM unnest('{marked,twin}'::text[]) AS n;
SELECT * FROM track_source('marked', watermark => 'changed_at', lateness => '1 hour');
CREATE FUNCTION refresh(OUT way text, OUT way_reason text, OUT customers bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
    done run := refresh_segmentation('marked');
BEGIN
    PERFORM refresh_segmentation('twin', done.as_of);
    SELECT done.way, done.way_reason, done.customers, count(*) INTO way, way_reason, customers, wrong
    FROM marked_segments AS m FULL JOIN twin_segments AS t ON t.id = m.id WHERE m.segment IS DISTINCT FROM t.segment;
END;
$$;
-- nothing is there yet, so nothing was seen
SELECT * FROM refresh();
INSERT INTO fact SELECT n, n * 10, now() - interval '1 day' FROM generate_series(1, 8) AS n;
SELECT * FROM refresh();
INSERT INTO fact VALUES (9, 90, now() - interval '3 hours');
SELECT * FROM refresh();
UPDATE fact SET points = 1, changed_at = now() - interval '2 hours' WHERE id = 8;
SELECT * FROM refresh();
-- late, and within the lateness
INSERT INTO fact VALUES (10, 100, now() - interval '2 hours 50 minutes');
SELECT * FROM refresh();
DROP SCHEMA marked CASCADE;
SELECT count(drop_segmentation(s.name)) FROM segmentation AS s WHERE s.name IN ('marked', 'twin');
