-- ---- why a customer is in a segment ----

CREATE FUNCTION segment_internal.brief(value double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(value) < 1e15 AND abs(value) > 1e-15
            THEN trim_scale(round(value::numeric, greatest(0, 3 - floor(log(abs(value)))::integer)))::text
            ELSE value::text END;
COMMENT ON FUNCTION segment_internal.brief(double precision) IS
'A number for people: four digits that count, and all before the point.';

CREATE FUNCTION segment_internal.local_time(at timestamptz, time_zone text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE coalesce(time_zone, 'UTC'), 'YYYY-MM-DD HH24:MI');
COMMENT ON FUNCTION segment_internal.local_time(timestamptz, text) IS
'An instant for people, as the clocks of a zone show it; NULL zone: UTC.';

CREATE FUNCTION segment_internal.why(name text, customer text, OUT what text, OUT value text, OUT explanation text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    PERFORM segment_internal.set_clock(s, coalesce(s.refreshed_as_of, clock_timestamp()));
    RETURN QUERY EXECUTE format('SELECT w.* FROM segment_internal.%I($1, $2) AS w', s.kind || '_why') USING s, customer;
END;
$$;
COMMENT ON FUNCTION segment_internal.why(text, text) IS
'What explain_customer tells that takes running the source, as of the last refresh, with the rights of the owner.';

CREATE FUNCTION segment_internal.decisions_not_shown(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN CASE
    WHEN s.decisions IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.members) THEN NULL
    WHEN EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.decisions)
         AND NOT segment_internal.may_read(s.decisions) THEN format('you may not read table %s', s.decisions)
    ELSE 'table ' || s.decisions || ': ' || segment_internal.table_refusal(
        s.decisions, '{segment_id,include,note,until,decided_by,decided_at}',
        '{integer,boolean,text,timestamptz,name,timestamptz}'::regtype[]) END;
COMMENT ON FUNCTION segment_internal.decisions_not_shown(segmentation) IS
'Why decisions about customers of a segmentation are not shown to the current user; NULL: they are, or there are none.';

CREATE FUNCTION explain_customer(segmentation text, customer text,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 8 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(segmentation);
    condition text := segment_internal.key_condition(s.members, customer);
    place record;
    decisions_hidden text := segment_internal.decisions_not_shown(s);
    included integer[] := '{}';
BEGIN
    IF s.decisions IS NOT NULL AND decisions_hidden IS NULL THEN
        EXECUTE format('SELECT coalesce(array_agg(d.segment_id), ''{}'') FROM %s AS d
                        WHERE d.include AND (d.until > $1 OR d.until IS NULL) AND %s',
                       s.decisions, segment_internal.key_condition(s.decisions, customer))
        INTO included USING coalesce(s.refreshed_as_of, '-infinity');
    END IF;
    FOR place IN EXECUTE format('SELECT segment_id, segment, entered_at, entered_reason FROM %s WHERE %s'
                                ' ORDER BY segment_id', s.members, condition) LOOP
        what := 'segment';
        value := place.segment;
        explanation := format('since %s: %s', segment_internal.local_time(place.entered_at, s.time_zone),
                              place.entered_reason);
        RETURN NEXT;
        -- what the kind says is not why, where somebody decided
        IF to_regproc(format('segment_internal.%I', s.kind || '_explain')) IS NOT NULL
           AND place.segment_id <> ALL (included)
           AND NOT (place.entered_reason = 'decision' AND decisions_hidden IS NOT NULL) THEN
            RETURN QUERY EXECUTE format('SELECT e.* FROM segment_internal.%I($1, $2) AS e', s.kind || '_explain')
                USING s, format('%s AND segment_id = %s', condition, place.segment_id);
        END IF;
    END LOOP;
    what := 'decision';
    value := NULL;
    IF customer IS NOT NULL AND decisions_hidden IS NOT NULL THEN
        explanation := 'not shown: ' || decisions_hidden;
        RETURN NEXT;
    ELSIF s.decisions IS NOT NULL THEN
        FOR place IN EXECUTE format(
            'SELECT d.segment_id, g.name, g.closed_at, d.include, d.decided_by, d.decided_at, d.until, d.note
             FROM %s AS d LEFT JOIN unnest($1) AS g ON g.segment_id = d.segment_id
             WHERE (d.until > $2 OR d.until IS NULL) AND %s ORDER BY d.segment_id NULLS FIRST',
            s.decisions, segment_internal.key_condition(s.decisions, customer))
            USING segment_internal.segment_rows(s.name), coalesce(s.refreshed_as_of, '-infinity')
        LOOP
            value := place.name;
            explanation := format('%s by %s on %s%s%s%s',
                CASE WHEN place.include THEN 'included' WHEN place.segment_id IS NULL THEN 'excluded from all segments'
                     ELSE 'excluded' END,
                place.decided_by, segment_internal.local_time(place.decided_at, s.time_zone),
                ' until ' || CASE WHEN isfinite(place.until)
                                  THEN segment_internal.local_time(place.until, s.time_zone) END,
                CASE WHEN place.closed_at IS NOT NULL THEN ', which rests while the segment is closed' END,
                ': ' || place.note);
            RETURN NEXT;
        END LOOP;
    END IF;
    IF to_regproc(format('segment_internal.%I', s.kind || '_why')) IS NOT NULL AND customer IS NOT NULL
       AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.members) AND segment_internal.owns(s.members) THEN
        FOR place IN SELECT w.* FROM segment_internal.rows_as_owner(
                         segment_internal.owner_of(s.members), 'SELECT w.* FROM segment_internal.why($1, $2) AS w',
                         s.name, customer) AS w (what text, value text, explanation text) LOOP
            what := place.what;
            value := place.value;
            explanation := place.explanation;
            RETURN NEXT;
        END LOOP;
    END IF;
    what := 'before';
    value := NULL;
    IF customer IS NOT NULL AND NOT segment_internal.may_read(s.history) THEN
        explanation := format('not shown: you may not read table %s', s.history);
        RETURN NEXT;
    ELSE
        FOR place IN EXECUTE format(
            'SELECT g.name, h.entered_at, h.left_at, h.left_reason FROM %s AS h
             JOIN unnest($1) AS g ON g.segment_id = h.segment_id
             WHERE %s ORDER BY h.left_at DESC, h.segment_id LIMIT 1',
            s.history, segment_internal.key_condition(s.history, customer))
            USING segment_internal.segment_rows(s.name)
        LOOP
            value := place.name;
            explanation := format('from %s to %s, then: %s', segment_internal.local_time(place.entered_at, s.time_zone),
                                  segment_internal.local_time(place.left_at, s.time_zone), place.left_reason);
            RETURN NEXT;
        END LOOP;
    END IF;
END;
$$;
COMMENT ON FUNCTION explain_customer(text, text) IS
$$Why a customer is in a segment, in rows for people, the key given as text: explain_customer('loyalty', '42').
what: 'segment' (since when, and the reason); for RFM 'recency', 'frequency' and 'monetary', each with its value,
the cuts around it, the score and strength (share of the feature's other scores that would lead elsewhere),
and 'rfm_score'; by value 'purchases', 'lifetime_value' and 'probability_alive', each between its cuts;
for clusterings each feature, those that pulled most first, with strength
(share of the pull, see explain_segment); 'runner_up', the segment that is nearest of the others;
'decision', what people decided about the customer, by whom, when and why, for whoever may read the table of
decisions: what the kind says of a place is left out where one is included there;
for rules, and only for whoever has the owner's rights, each 'rule' by its segment, whether it holds for the row that
the source has now, and else the first condition that does not, with the values it saw,
of customers who are in no segment, too; 'before', the place left last, of those who left, too.
Recency is in calendar days to the as_of of the last refresh; times are those of the segmentation's time zone.
lower_bound, upper_bound, score, strength: NULL where a row has none; an open end is NULL.
No rows for a customer who was never a member, and for NULL.
Errors: undefined_object, object_not_in_prerequisite_state where the tables cannot be read, insufficient_privilege,
and those of reading the text as a key.$$;

CREATE FUNCTION explain_customer(segmentation text, customer anyelement,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 8 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT e.* FROM segment.explain_customer(
        segmentation, CASE WHEN customer IS NOT NULL THEN format('%s', customer) END) AS e;
END;
$$;
COMMENT ON FUNCTION explain_customer(text, anyelement) IS
$$Why a customer is in a segment, by key: explain_customer('loyalty', 42).
See explain_customer(segmentation, customer text).$$;
