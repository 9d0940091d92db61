-- ---- treatments: what is done with whom in a segment ----
--
-- A row holds for its range and is never changed: another share, message or priority is
-- another row from then on.  So who was treated, and who was held out, can be worked out for
-- any instant that the history tells of.

CREATE TABLE treatment (
    segmentation text NOT NULL,
    treatment text NOT NULL CHECK (treatment <> ''),
    segment_id integer NOT NULL,
    channel text NOT NULL CHECK (channel <> ''),
    message text,
    offer text,
    purpose text,
    priority integer NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from),
    holdout double precision NOT NULL DEFAULT 0 CHECK (holdout BETWEEN 0 AND 1),
    salt text CHECK (salt <> ''),
    cap integer CHECK (cap > 0),
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (segmentation, treatment, valid_from),
    FOREIGN KEY (segmentation, segment_id) REFERENCES segment ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT holdout_has_salt CHECK (holdout = 0 OR salt IS NOT NULL)
);
COMMENT ON TABLE treatment IS
$$What is done with the customers of segments, channel by channel; see create_treatment, and customer_treatments for
who gets what.$$;
COMMENT ON COLUMN treatment.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN treatment.treatment IS
'Name of the treatment; of several rows of a name each holds for a range of its own.';
COMMENT ON COLUMN treatment.segment_id IS 'Id of the segment that it is for.';
COMMENT ON COLUMN treatment.channel IS
'Where it happens: mail, phone, shop, service and so on, in words of one''s own.';
COMMENT ON COLUMN treatment.message IS 'What is said.';
COMMENT ON COLUMN treatment.offer IS 'What is offered.';
COMMENT ON COLUMN treatment.purpose IS 'What it is to bring about.';
COMMENT ON COLUMN treatment.priority IS 'Which one a customer gets of several on a channel: the lowest number.';
COMMENT ON COLUMN treatment.valid_from IS 'The first instant at which it holds.';
COMMENT ON COLUMN treatment.valid_to IS 'The first instant at which it does not any more; NULL: it has no end yet.';
COMMENT ON COLUMN treatment.holdout IS 'The share of customers who do not get it, to compare with: 0 to 1.';
COMMENT ON COLUMN treatment.salt IS
'Who is held out: whose hash_fraction(salt, key) is below the share; two treatments of one salt hold out the same.';
COMMENT ON COLUMN treatment.cap IS 'How many contacts a customer may have of it; NULL: any number.';
COMMENT ON COLUMN treatment.created_by IS 'Role that was logged in.';
COMMENT ON COLUMN treatment.created_at IS 'When.';
SELECT pg_catalog.pg_extension_config_dump('treatment', '');
ALTER TABLE treatment ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON treatment FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
COMMENT ON POLICY reader ON treatment IS 'Visible with the segmentation.';

CREATE FUNCTION segment_internal.refuse_later_treatment(name text, treatment text, valid_from timestamptz,
                                                        valid_to timestamptz) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM segment.treatment AS t
               WHERE t.segmentation = name AND t.treatment = refuse_later_treatment.treatment
                 AND t.valid_from >= refuse_later_treatment.valid_from
                 AND (t.valid_from < refuse_later_treatment.valid_to OR refuse_later_treatment.valid_to IS NULL)) THEN
        RAISE EXCEPTION 'there is a treatment "%" already that begins between % and %', treatment, valid_from,
            coalesce(valid_to::text, 'ever')
            USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or another range.';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_later_treatment(text, text, timestamptz, timestamptz) IS
'True, or an error (duplicate_object) where a treatment of a name begins in a range (valid_to NULL: without an end).';

CREATE FUNCTION create_treatment(
    treatment text, segmentation text, segment text, channel text, message text DEFAULT NULL, offer text DEFAULT NULL,
    purpose text DEFAULT NULL, priority integer DEFAULT 100, valid_from timestamptz DEFAULT NULL,
    valid_to timestamptz DEFAULT NULL, holdout double precision DEFAULT 0, salt text DEFAULT NULL,
    cap integer DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    since timestamptz := coalesce(valid_from, clock_timestamp());
    share float8 := coalesce(holdout, 0);
BEGIN
    IF coalesce(treatment, '') = '' OR coalesce(channel, '') = '' THEN
        RAISE EXCEPTION 'a treatment needs a name and a channel' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT isfinite(since) OR valid_to <= since THEN
        RAISE EXCEPTION 'treatment "%" cannot hold from % until %', treatment, since, coalesce(valid_to::text, 'ever')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'valid_to, which is not included, is NULL or comes later.';
    END IF;
    IF share NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'holdout must be from 0 to 1, not %', share USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF share > 0 AND coalesce(salt, '') = '' THEN
        RAISE EXCEPTION 'a holdout needs a salt'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A word of its own for who is held out, for instance ''spring 2026'': the same word holds out '
                         'the same customers.';
    END IF;
    IF cap < 1 THEN
        RAISE EXCEPTION 'cap must be at least 1, not %', cap
            USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL for any number of contacts.';
    END IF;
    PERFORM segment_internal.change_catalogue('lock', s.name);
    PERFORM segment_internal.change_catalogue(
        'create_treatment', s.name, treatment,
        segment_internal.decided_segment(s, segment, closed_too => false), channel, message, offer, purpose,
        coalesce(priority, 100), since, valid_to, share, nullif(salt, ''), cap);
END;
$$;
COMMENT ON FUNCTION create_treatment(text, text, text, text, text, text, text, integer, timestamptz, timestamptz,
                                     double precision, text, integer) IS
$$Says what is done with the customers of a segment on a channel; who gets it tells customer_treatments.
treatment: its name. Where there is one of that name in the segmentation, it ends when this one begins: so a treatment
is changed, and what it was before stays known.
segment: by its present name; renaming it changes nothing.
channel: where, in words of one's own, for instance mail, phone, shop; service for service tiers.
message, offer, purpose: for people and for the tools that send.
priority: which one a customer gets of several on a channel: the lowest number; of equal ones the first by name.
valid_from, valid_to: from when and until when, which is not included; NULL: from now on, and without an end.
holdout: the share of customers who do not get it and are compared with, 0 to 1: those whose hash_fraction(salt, key)
is below it, so a greater share holds out who was, and others.
salt: needed for a holdout: a word for who is held out; treatments of one salt hold out the same customers.
cap: how many contacts a customer may have of it; NULL: any number.
Errors: undefined_object for an unknown segmentation or segment, invalid_parameter_value, duplicate_object where one of
the same name begins later in the range, insufficient_privilege for whoever may not act as the owner.$$;

CREATE FUNCTION end_treatment(treatment text, segmentation text, at timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    until timestamptz := coalesce(at, clock_timestamp());
BEGIN
    IF NOT isfinite(until) THEN
        RAISE EXCEPTION 'at must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM segment_internal.change_catalogue('lock', s.name);
    IF segment_internal.change_catalogue('end_treatment', s.name, treatment, until) = 0 THEN
        RAISE EXCEPTION 'segmentation "%" has no treatment "%" after %', s.name, coalesce(treatment, '(null)'), until
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.treatment lists them.';
    END IF;
END;
$$;
COMMENT ON FUNCTION end_treatment(text, text, timestamptz) IS
$$Ends a treatment of a segmentation at an instant, which is not included; NULL, the default: now.
What would begin only then, or later, is removed: it never held.
Errors: undefined_object for an unknown segmentation, or where no treatment of that name holds at the instant or later,
invalid_parameter_value, insufficient_privilege for whoever may not act as the owner.$$;

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
