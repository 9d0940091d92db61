-- What test/specs/pairs_*.spec begin with, see scripts/pairs-specs: a segmentation, and
-- wrongs(), what of the laws does not hold.  No brace in it: there it would be the end.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE TABLE people AS SELECT n AS id, n * 37 % 101 AS points FROM generate_series(1, 40) AS n;
SELECT FROM segment.create_rule_segmentation('tiers', 'public.people', json_build_object('High', 'points > 60', 'Low', 'points < 30'),
    rest => 'Middle', schema => 'public', search_path => 'public', max_departed => 1);
SELECT FROM segment.refresh_segmentation('tiers', '2024-04-01');
SELECT FROM segment.exclude_customer('tiers', 'Low', '6', refresh => false);
SELECT FROM segment.refresh_segmentation('tiers', '2024-04-02');
DELETE FROM people WHERE id = 7;
UPDATE people SET points = 100 - points WHERE id < 5;
INSERT INTO people VALUES (101, 65), (102, 5);
CREATE FUNCTION disagreeing() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM (SELECT segment_id, count(*) AS n FROM tiers_segments GROUP BY 1) AS m
    FULL JOIN (SELECT segment_id, customers FROM segment.segment
               WHERE segmentation = 'tiers' AND customers > 0) AS g USING (segment_id)
    WHERE n IS DISTINCT FROM customers $$;
CREATE FUNCTION wrongs() RETURNS TABLE (wrong text) LANGUAGE plpgsql AS $$
DECLARE
    truth text;
    at timestamptz;
BEGIN
    IF NOT EXISTS (SELECT FROM segment.segmentation WHERE name = 'tiers') THEN
        RETURN QUERY SELECT c.relname || ' is left of it' FROM pg_class AS c WHERE c.relname LIKE 'tiers\_%';
        RETURN;
    END IF;
    RETURN QUERY SELECT 'law 6: ' || g.name FROM segment.segment AS g
    WHERE g.segmentation = 'tiers'
      AND g.customers <> (SELECT count(*) FROM tiers_segments AS m WHERE m.segment_id = g.segment_id AND m.segment = g.name);
    RETURN QUERY SELECT 'law 8: two places of ' || a.id
    FROM (SELECT id, entered_at, left_at FROM tiers_history
          UNION ALL SELECT id, entered_at, 'infinity' FROM tiers_segments) AS a
    JOIN (SELECT id, entered_at, left_at FROM tiers_history
          UNION ALL SELECT id, entered_at, 'infinity' FROM tiers_segments) AS b
      ON b.id = a.id AND a.entered_at < b.entered_at AND b.entered_at < a.left_at;
    FOR at IN SELECT DISTINCT r.as_of FROM segment.run AS r WHERE r.segmentation = 'tiers' AND r.outcome = 'ok' LOOP
        RETURN QUERY SELECT 'law 8: events until a run are not its members: ' || coalesce(e.customer, m.customer)
        FROM (SELECT DISTINCT ON (v.customer) v.customer, v.to_segment FROM segment.segment_events('tiers') AS v
              WHERE v.event_at <= at ORDER BY v.customer, v.event_at DESC) AS e
        FULL JOIN segment.segment_members('tiers', at) AS m ON m.customer = e.customer
        WHERE e.to_segment IS DISTINCT FROM m.segment;
    END LOOP;
    RETURN QUERY SELECT 'the log does not add up' FROM segment.run AS r WHERE r.segmentation = 'tiers' AND r.outcome = 'ok'
    HAVING sum(r.entered) - sum(r.departed) <> (SELECT count(*) FROM tiers_segments)
        -- a decision is placed as of the last refresh, and corrects its history
        OR count(*) = count(DISTINCT r.as_of) AND sum(r.departed) + sum(r.moved) <> (SELECT count(*) FROM tiers_history)
        OR max(r.as_of) <> (SELECT s.refreshed_as_of FROM segment.segmentation AS s WHERE s.name = 'tiers');
    RETURN QUERY SELECT 'the rules are not their last version' FROM segment.segmentation AS s WHERE s.name = 'tiers'
    AND s.options <> (SELECT v.definition FROM segment.rule_version AS v WHERE v.segmentation = 'tiers'
                      ORDER BY v.version DESC LIMIT 1);
    SELECT format('CASE %s ELSE %L END', string_agg(format('WHEN %s THEN %L', r.rule, r.segment), ' ' ORDER BY r.priority)
           FILTER (WHERE r.rule IS NOT NULL), max(r.segment) FILTER (WHERE r.rule IS NULL)) INTO truth
    FROM segment.segment_rules('tiers') AS r;
    RETURN QUERY EXECUTE format('SELECT ''not in its place: '' || coalesce(m.id, t.id)
        FROM (SELECT p.id, coalesce(i.name, CASE WHEN e.name IS DISTINCT FROM %1$s THEN %1$s END) AS segment
              FROM people AS p
              LEFT JOIN (tiers_decisions AS d
                         JOIN segment.segment AS i ON i.segmentation = ''tiers'' AND i.segment_id = d.segment_id)
                ON d.id = p.id AND d.include
              LEFT JOIN (tiers_decisions AS x
                         JOIN segment.segment AS e ON e.segmentation = ''tiers'' AND e.segment_id = x.segment_id)
                ON x.id = p.id AND NOT x.include) AS t
        FULL JOIN tiers_segments AS m ON m.id = t.id
        WHERE m.segment IS DISTINCT FROM t.segment
          -- what came since the last refresh is not in its place yet
          AND (SELECT max(r.as_of) > ''2025-01-01'' FROM segment.run AS r
               WHERE r.segmentation = ''tiers'' AND r.outcome = ''ok'')', truth);
END $$;
