-- A slip that was reset leaves nothing behind: a segmentation that made slips and took them back has the members, figures,
-- history, model and segments of its twin that made none, at once and after the next refreshes.
SET search_path = public, segment;
SET timezone = 'UTC';
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE slip_orders (customer_id integer, at timestamptz, amount numeric);
CREATE TABLE slip_facts (id integer, points integer, spend float8, visits float8, seen_at timestamptz);

-- orders of the day alone, so that what was true of a day stays so
CREATE FUNCTION change_things(day integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := timestamptz '2025-01-01' + day * interval '1 day';
BEGIN
    UPDATE slip_facts SET points = random() * 100 WHERE random() < 0.2;
    UPDATE slip_facts SET spend = spend + random() * 10, visits = visits * random() * 2 WHERE random() < 0.1;
    UPDATE slip_facts SET seen_at = at WHERE random() < 0.1;
    DELETE FROM slip_facts WHERE random() < 0.06;
    INSERT INTO slip_facts SELECT n, random() * 100, n % 3 * 40 + random(), n % 3 * 20 + random(), at
    FROM generate_series(1, 50) AS n WHERE random() < 0.15 AND n NOT IN (SELECT id FROM slip_facts);
    INSERT INTO slip_orders SELECT ceil(random() * 50), at - random() * interval '23 hours', round((random() * 300)::numeric, 2)
    FROM generate_series(1, 8);
END;
$$;

-- in what a segmentation differs from its twin; by names, as an id that a slip used is not used again
CREATE FUNCTION differs(name text, with_reasons boolean) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    s segmentation;
    t segmentation;
    own text;
    result text[] := '{}';
    n bigint;
    pair text[];
BEGIN
    SELECT * INTO s FROM segmentation AS g WHERE g.name = differs.name;
    SELECT * INTO t FROM segmentation AS g WHERE g.name = differs.name || '2';
    own := CASE WHEN with_reasons THEN coalesce((SELECT string_agg(quote_ident(c.name), ', ') || ', ' FROM segment_internal.member_columns(s) AS c), '')
           ELSE '' END;
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['members', 'SELECT %1$I, segment, entered_at, ' || own || CASE WHEN with_reasons THEN 'entered_reason' ELSE 'NULL' END || ' FROM %2$s'],
        ['history', 'SELECT %3$I, g.name, h.entered_at, h.left_at, ' || CASE WHEN with_reasons THEN 'entered_reason, left_reason' ELSE 'NULL' END
                    || ' FROM %4$s AS h JOIN segment AS g ON g.segmentation = %5$L AND g.segment_id = h.segment_id'],
        ['segments', 'SELECT name, customers FROM segment WHERE segmentation = %5$L AND closed_at IS NULL'],
        ['state', 'SELECT refreshed_as_of, trained_as_of FROM segmentation WHERE name = %5$L'],
        ['due', 'SELECT next_transition_at FROM segmentation_status WHERE segmentation = %5$L'],
        ['model', 'SELECT l.name, m.model::jsonb - ''segments'' - ''scheme'' FROM segmentation AS l JOIN model AS m ON m.segmentation = l.name
                   AND m.version = l.model_version AND l.kind = ''cluster'' AND l.name = %5$L WHERE false']]
    LOOP
        CONTINUE WHEN pair[1] = 'due';
        EXECUTE format('WITH a AS (%s), b AS (%s) SELECT (SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) AS d)
                        + (SELECT count(*) FROM (TABLE b EXCEPT ALL TABLE a) AS d)',
            format(pair[2], segment_internal.key_column(s.members), s.members, segment_internal.key_column(s.history), s.history, s.name),
            format(pair[2], segment_internal.key_column(t.members), t.members, segment_internal.key_column(t.history), t.history, t.name))
        INTO n;
        IF n > 0 THEN
            result := result || format('%s %s', pair[1], n);
        END IF;
    END LOOP;
    IF s.model_version IS NOT NULL AND (SELECT count(DISTINCT m::jsonb - 'segments') FROM (VALUES (get_model(s.name)), (get_model(t.name))) AS v (m)) > 1 THEN
        result := result || 'model'::text;
    END IF;
    RETURN result;
END;
$$;
