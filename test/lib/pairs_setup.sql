-- What test/specs/pairs_*.spec begin with, see scripts/pairs-specs: a segmentation that is tracked, and
-- wrongs(), what of the laws does not hold.  No brace in it: there it would be the end.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE TABLE people AS SELECT n AS id, n * 37 % 101 AS points FROM generate_series(1, 40) AS n;
CREATE INDEX ON people (id);
SELECT FROM segment.create_rule_segmentation('tiers', 'public.people', json_build_object('High', 'points > 60', 'Low', 'points < 30'),
    rest => 'Middle', schema => 'public', search_path => 'public', max_departed => 1);
SELECT FROM segment.create_event_consumer('mail', 'tiers');
SELECT FROM segment.exclude_customer('tiers', 'Low', '6', refresh => false);
SELECT FROM segment.track_source('tiers', refresh_mode => 'MODE');
SELECT FROM segment.refresh_segmentation('tiers', '2024-04-02');
DELETE FROM people WHERE id = 7;
UPDATE people SET points = 100 - points WHERE id < 5;
INSERT INTO people VALUES (101, 65), (102, 5);
CREATE TABLE heard (event_id bigint PRIMARY KEY, id integer, segment text);
CREATE FUNCTION hear() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO heard SELECT event_id, customer::integer, to_segment FROM segment.next_segment_events('mail') ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM segment.acknowledge_segment_events('mail', max(event_id)) FROM heard;
    RETURN n;
END $$;
CREATE FUNCTION disagreeing() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM (SELECT segment_id, count(*) AS n FROM tiers_segments GROUP BY 1) AS m
    FULL JOIN (SELECT segment_id, customers FROM segment.segment_size
               WHERE segmentation = 'tiers' AND customers > 0) AS g USING (segment_id)
    WHERE n IS DISTINCT FROM customers $$;
CREATE FUNCTION settle() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM segment.segmentation AS s, segment.refresh_segmentation(s.name) AS r;
    PERFORM hear() FROM segment.event_consumer;
END $$;
CREATE FUNCTION wrongs(settled boolean) RETURNS TABLE (wrong text) LANGUAGE plpgsql AS $$
DECLARE
    s segment.segmentation;
    truth text;
    at timestamptz;
    waiting boolean := true;
BEGIN
    SELECT g.* INTO s FROM segment.segmentation AS g WHERE g.name = 'tiers';
    IF s.name IS NULL OR s.refresh_mode = 'manual' THEN
        RETURN QUERY SELECT c.relname || ' is left of it' FROM pg_class AS c
        WHERE c.relname LIKE CASE WHEN s.name IS NULL THEN 'tiers\_%' ELSE 'tiers\_changes%' END;
        RETURN QUERY SELECT t.tgname || ' is left of it' FROM pg_trigger AS t WHERE t.tgrelid = 'people'::regclass;
    END IF;
    IF s.name IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT 'law 6: ' || g.segment FROM segment.segment_size AS g
    WHERE g.segmentation = 'tiers'
      AND g.customers <> (SELECT count(*) FROM tiers_segments AS m WHERE m.segment_id = g.segment_id AND m.segment = g.segment);
    RETURN QUERY SELECT 'law 8: two places of ' || a.id
    FROM (SELECT id, entered_at, left_at FROM tiers_history
          UNION ALL SELECT id, entered_at, 'infinity' FROM tiers_segments) AS a
    JOIN (SELECT id, entered_at, left_at FROM tiers_history
          UNION ALL SELECT id, entered_at, 'infinity' FROM tiers_segments) AS b
      ON b.id = a.id AND a.entered_at < b.entered_at AND b.entered_at < a.left_at;
    RETURN QUERY SELECT 'law 8: out before he was in: ' || h.id FROM tiers_history AS h WHERE h.left_at <= h.entered_at;
    FOR at IN SELECT DISTINCT r.as_of FROM segment.run AS r WHERE r.segmentation = 'tiers' AND r.outcome = 'ok'
              UNION SELECT clock_timestamp() WHERE settled LOOP
        RETURN QUERY SELECT 'law 8: events until a run are not its members: ' || coalesce(e.customer, m.customer)
        FROM (SELECT DISTINCT ON (v.customer) v.customer, v.to_segment FROM segment.segment_events('tiers') AS v
              WHERE v.event_at <= at ORDER BY v.customer, v.event_at DESC) AS e
        FULL JOIN segment.segment_members('tiers', at) AS m ON m.customer = e.customer
        WHERE e.to_segment IS DISTINCT FROM m.segment;
        RETURN QUERY SELECT 'law 8: by the table of events another place: ' || coalesce(e.id::text, m.customer)
        FROM (SELECT DISTINCT ON (v.id) v.id, v.to_segment FROM tiers_events AS v
              WHERE v.event_at <= at ORDER BY v.id, v.event_id DESC NULLS FIRST, v.insertion DESC) AS e
        FULL JOIN segment.segment_members('tiers', at) AS m ON m.customer = e.id::text
        WHERE e.to_segment IS DISTINCT FROM m.segment;
    END LOOP;
    RETURN QUERY SELECT 'the log does not add up' FROM segment.run AS r WHERE r.segmentation = 'tiers' AND r.outcome = 'ok'
    HAVING (sum(r.entered) - sum(r.departed) <> (SELECT count(*) FROM tiers_segments)
            -- a decision is placed as of the last refresh, and corrects its history
            OR count(*) = count(DISTINCT r.as_of) AND sum(r.departed) + sum(r.moved) <> (SELECT count(*) FROM tiers_history))
        -- writers who place customers themselves are in no log
        AND NOT EXISTS (SELECT FROM tiers_events AS e WHERE e.event_at <> ALL (SELECT u.as_of FROM segment.run AS u
                                                                                WHERE u.segmentation = 'tiers' AND u.outcome = 'ok'))
        OR max(r.as_of) <> s.refreshed_as_of;
    RETURN QUERY SELECT 'the rules are not their last version'
    WHERE s.options <> (SELECT v.definition FROM segment.rule_version AS v WHERE v.segmentation = 'tiers'
                        ORDER BY v.version DESC LIMIT 1);
    RETURN QUERY SELECT 'event not heard, or another: ' || coalesce(e.event_id, h.event_id)
    FROM (SELECT v.* FROM tiers_events AS v WHERE settled OR v.event_id <= (SELECT max(u.event_id) FROM heard AS u)) AS e
    FULL JOIN heard AS h ON h.event_id = e.event_id
    WHERE (h.id, h.segment) IS DISTINCT FROM (e.id, e.to_segment) OR e.event_id IS NULL;
    -- what is told of to the next refresh is not in its place yet
    IF s.changes IS NOT NULL THEN
        EXECUTE 'SELECT count(*) > 0 FROM tiers_changes' INTO waiting;
    END IF;
    IF NOT settled AND (waiting OR s.placed_by IS DISTINCT FROM segment_internal.definition_hash(s)) THEN
        RETURN;
    END IF;
    SELECT format('CASE %s ELSE %L END', string_agg(format('WHEN %s THEN %L', r.rule, r.segment), ' ' ORDER BY r.priority)
           FILTER (WHERE r.rule IS NOT NULL), max(r.segment) FILTER (WHERE r.rule IS NULL)) INTO truth
    FROM segment.segment_rules('tiers') AS r;
    RETURN QUERY EXECUTE format('SELECT ''law 9: not in its place: '' || coalesce(m.id, t.id)
        FROM (SELECT p.id, coalesce(i.name, CASE WHEN e.name IS DISTINCT FROM %1$s THEN %1$s END) AS segment
              FROM people AS p
              LEFT JOIN (tiers_decisions AS d
                         JOIN segment.segment AS i ON i.segmentation = ''tiers'' AND i.segment_id = d.segment_id)
                ON d.id = p.id AND d.include
              LEFT JOIN (tiers_decisions AS x
                         JOIN segment.segment AS e ON e.segmentation = ''tiers'' AND e.segment_id = x.segment_id)
                ON x.id = p.id AND NOT x.include) AS t
        FULL JOIN tiers_segments AS m ON m.id = t.id
        WHERE m.segment IS DISTINCT FROM t.segment', truth);
END $$;
