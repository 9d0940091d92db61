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
