-- ---- who gets which ----

CREATE FUNCTION segment_internal.columns_as(query text, search_path text, names text) RETURNS text
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN format(E'SELECT * FROM (\n%s\n) AS q (%s)', segment_internal.source_query(query, search_path), names);
COMMENT ON FUNCTION segment_internal.columns_as(text, text, text) IS
'A query, or the name of a table or view, as a query whose first columns have these names.';

CREATE FUNCTION segment_internal.treatments_query(s segmentation, as_of timestamptz, consent text, contacts text,
                                                  search_path text) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz := CASE WHEN isfinite(as_of) THEN as_of ELSE segment_internal.shown_as_of(s) END;
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    equals text := segment_internal.equality_operator(segment_internal.key_type(s.members));
    capped text := (SELECT min(t.treatment) FROM segment.treatment AS t
                    WHERE t.segmentation = s.name AND t.cap IS NOT NULL AND t.valid_from <= at
                      AND (t.valid_to > at OR t.valid_to IS NULL));
BEGIN
    IF capped IS NOT NULL AND contacts IS NULL THEN
        RAISE EXCEPTION 'treatment "%" has a cap, and it is not known who was contacted', capped
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give contacts: a query that yields customer, treatment and time.';
    END IF;
    RETURN format(
        'SELECT DISTINCT ON (p.customer, t.channel) p.customer, t.channel, t.treatment,
                CASE WHEN segment.hash_fraction(t.salt, format(''%%s'', p.customer)) < t.holdout THEN ''control''
                     ELSE ''treated'' END AS arm,
                g.name AS segment, t.message, t.offer, t.purpose, greatest(p.entered_at, t.valid_from) AS since
         FROM (%1$s OFFSET 0) AS p
         JOIN segment.treatment AS t ON t.segmentation = %2$L AND t.segment_id = p.segment_id
              AND t.valid_from <= %3$L::timestamptz AND (t.valid_to > %3$L::timestamptz OR t.valid_to IS NULL)
         JOIN unnest($1) AS g ON g.segment_id = p.segment_id%4$s%5$s
         ORDER BY p.customer, t.channel, t.priority, t.treatment, t.segment_id',
        segment_internal.members_query(s, as_of), s.name, segment_internal.instant(at),
        CASE WHEN contacts IS NOT NULL THEN format(
            ' LEFT JOIN (SELECT r.customer, r.treatment, count(*) AS contacts
                         FROM segment_internal.query_rows(%L, %L) AS r (customer %s, treatment text, at timestamptz)
                         WHERE r.at < %L::timestamptz GROUP BY r.customer, r.treatment) AS l
                  ON l.customer %s p.customer AND l.treatment = t.treatment',
            segment_internal.columns_as(contacts, search_path, 'customer, treatment, at'), search_path, key_type,
            segment_internal.instant(at), equals) ELSE '' END,
        concat_ws(' AND ', CASE WHEN consent IS NOT NULL OR contacts IS NOT NULL THEN ' WHERE true' END,
            CASE WHEN contacts IS NOT NULL THEN '(l.contacts < t.cap) IS NOT FALSE' END,
            CASE WHEN consent IS NOT NULL THEN format(
                'EXISTS (SELECT FROM segment_internal.query_rows(%L, %L) AS r (customer %s, channel text)
                         WHERE r.customer %s p.customer AND r.channel = t.channel)',
                segment_internal.columns_as(consent, search_path, 'customer, channel'), search_path, key_type, equals)
                 END));
END;
$$;
COMMENT ON FUNCTION segment_internal.treatments_query(segmentation, timestamptz, text, text, text) IS
$$The text of a query for who gets which treatment at an instant, of the names of segments as $1; see
customer_treatments.$$;

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION customer_treatments(key anyelement, name text, as_of timestamptz,
    consent text DEFAULT NULL, contacts text DEFAULT NULL,
    search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT customer anyelement, OUT channel text, OUT treatment text, OUT arm text, OUT segment text,
    OUT message text, OUT offer text, OUT purpose text, OUT since timestamptz)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10000
    -- how many consent is not known, and all joins are by equal values
    SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    IF pg_typeof(key) <> segment_internal.key_type(s.members) THEN
        RAISE EXCEPTION 'the key of segmentation "%" is of type %, not %', name,
            segment_internal.key_type(s.members), pg_typeof(key)
            USING ERRCODE = 'datatype_mismatch',
                  HINT = format('Call customer_treatments(null::%s, ...).',
                                format_type(segment_internal.key_type(s.members), -1));
    END IF;
    RETURN QUERY EXECUTE segment_internal.treatments_query(s, as_of, consent, contacts, search_path)
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION customer_treatments(anyelement, text, timestamptz, text, text, text) IS
$$Who is to get which treatment at an instant, a row for each customer and channel for which there is one:
customer_treatments(null::bigint, 'loyalty', '2024-07-01').
Of the treatments that hold then, for a segment that the customer is in then (see segment_members), that he consents to
and whose cap he has not come to, it is the one of the lowest priority; of equal ones the first by name.
as_of: NULL: after the last refresh.
arm: 'treated', or 'control' for who is held out of this treatment: he gets nothing on this channel.
since: from when on the customer was in the segment and the treatment held: the instant of exposure for an experiment.
segment: its present name.
consent: a query, or the name of a table or view, of which the first two columns are customer and channel, a row for
where a customer may be reached; NULL: everybody everywhere.
contacts: the same of customer, treatment and time, a row for each contact there was, of both arms, so that caps mean
the same for both; only those before the instant count. Needed where a treatment has a cap.
Both run with the rights of the current user, under search_path, by default the session's.
Errors: undefined_object, datatype_mismatch for a wrong key type, invalid_parameter_value for a cap without contacts,
insufficient_privilege for whoever may not read the tables, and those of segment_members and of the queries.$$;

CREATE FUNCTION customer_treatments(name text, as_of timestamptz DEFAULT NULL,
    consent text DEFAULT NULL, contacts text DEFAULT NULL,
    search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT customer text, OUT channel text, OUT treatment text, OUT arm text, OUT segment text,
    OUT message text, OUT offer text, OUT purpose text, OUT since timestamptz)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10000
    -- how many consent is not known, and all joins are by equal values
    SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT format(''%%s'', q.customer), q.channel, q.treatment, q.arm, q.segment, q.message, q.offer, q.purpose,
                q.since
         FROM (%s) AS q', segment_internal.treatments_query(s, as_of, consent, contacts, search_path))
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION customer_treatments(text, timestamptz, text, text, text) IS
$$Who is to get which treatment at an instant, with the customer key as text.
See customer_treatments(key, name, as_of, consent, contacts, search_path).$$;
