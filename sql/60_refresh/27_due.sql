-- ---- whom the clock changes ----

CREATE FUNCTION segment_internal.everybody_is_due(s segmentation, at timestamptz, with_training boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- NULL: there is no change log, in which those wait who are in no segment
    changes text := s.changes;
    details jsonb := (SELECT r.details FROM segment.run AS r
                      WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty') ORDER BY r.run_id DESC LIMIT 1);
    everybody boolean;
BEGIN
    IF s.refreshed_as_of IS NULL THEN
        RETURN 'there was no refresh yet';
    ELSIF with_training AND segment_internal.trains(s, at, NULL) THEN
        RETURN CASE WHEN s.retrain_every IS NULL THEN 'each refresh trains a model' ELSE 'a model is to be trained' END;
    ELSIF NOT segment_internal.keys_can_be_listed(s) THEN
        RETURN 'keys that are arrays cannot be listed';
    ELSIF details -> 'always_due' <> 'null' THEN
        RETURN format('answers may change at any time: %s', (SELECT string_agg(a, '; ')
                      FROM jsonb_array_elements_text(details -> 'always_due') AS a));
    ELSIF changes IS NULL AND (details ->> 'next_transition_of_others')::timestamptz <= at THEN
        RETURN 'somebody who is in no segment may be in one, and there is no change log to tell whom';
    ELSIF changes IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE due_at <= $1 AND %I IS NULL)', changes,
                       segment_internal.key_column(changes::regclass)) INTO everybody USING at;
        IF everybody THEN
            RETURN 'the change log says that everybody may have changed';
        END IF;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.everybody_is_due(segmentation, timestamptz, boolean) IS
$$Why a list of customers does not do to bring a segmentation to an instant, where time is all that passed and what the
change log tells; NULL: it does.
with_training: whether a training that is due is a reason.$$;

CREATE FUNCTION segment_internal.due_query(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes regclass := s.changes;
    key name := segment_internal.key_column(s.members);
    has_clock boolean := EXISTS (SELECT FROM segment_internal.member_columns(s) AS c
                                 WHERE c.name = 'next_transition_at' AND c.type::regtype = 'timestamptz'::regtype);
BEGIN
    RETURN concat_ws(E'\nUNION ',
        CASE WHEN has_clock THEN
            format('SELECT m.%I AS customer FROM %s AS m WHERE m.next_transition_at <= $1', key, s.members) END,
        CASE WHEN changes IS NOT NULL THEN
            format('SELECT w.%I FROM %s AS w WHERE w.due_at <= $1', segment_internal.key_column(changes), changes) END,
        CASE WHEN s.decisions IS NOT NULL THEN
            format('SELECT d.%1$I AS customer FROM %2$s AS d WHERE d.until > $2 AND d.until <= $1',
                   segment_internal.key_column(s.decisions), s.decisions) END,
        -- who is kept out of the segment that he has, and so is nobody, may get another one by time
        CASE WHEN s.decisions IS NOT NULL AND has_clock THEN
            format('SELECT d.%1$I FROM %2$s AS d WHERE NOT d.include AND d.segment_id IS NOT NULL'
                   ' AND (d.until > $1 OR d.until IS NULL)'
                   ' AND NOT EXISTS (SELECT FROM %3$s AS m WHERE m.%4$I %5$s d.%1$I)',
                   segment_internal.key_column(s.decisions), s.decisions, s.members, key,
                   segment_internal.equality_operator(segment_internal.key_type(s.members))) END);
END;
$$;
COMMENT ON FUNCTION segment_internal.due_query(segmentation) IS
$$The text of a query for the keys of those who are due as of $1, where the last refresh was as of $2: members by their
next_transition_at, who waits in the change log, about whom a decision came to its end, and who is kept out of his
segment; empty: nobody ever is.$$;

CREATE FUNCTION segment_internal.due_keys(s segmentation, at timestamptz, with_training boolean DEFAULT true,
                                          OUT keys text, OUT reason text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    query text := segment_internal.due_query(s);
BEGIN
    reason := segment_internal.everybody_is_due(s, at, with_training);
    IF reason IS NULL THEN
        IF query <> '' THEN
            EXECUTE format('SELECT array_agg(d.customer)::text FROM (%s) AS d (customer)', query)
            INTO keys USING at, s.refreshed_as_of;
        END IF;
        keys := coalesce(keys, '{}');
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.due_keys(segmentation, timestamptz, boolean) IS
$$The customers to look at so that a segmentation is as of an instant, an array of keys as text;
NULL: everybody, and reason says why.
with_training: whether a training that is due is a reason.
To be called with the rights of the owner.$$;

CREATE FUNCTION segment_internal.due_as_owner(name text, as_of text, with_training text) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    at timestamptz := coalesce(as_of::timestamptz, clock_timestamp());
BEGIN
    RETURN CASE WHEN at < s.refreshed_as_of THEN '{"keys": "{}"}'
                ELSE (SELECT to_jsonb(d) FROM segment_internal.due_keys(s, at, with_training::boolean) AS d) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.due_as_owner(text, text, text) IS
$$due_keys of a segmentation as an object, for run_as_owner; as_of: NULL is the clock;
nobody is due for an instant before the last refresh.$$;
