-- ---- what a refresh would do ----

CREATE FUNCTION segment_internal.steps_to_changes(s segmentation, train boolean, at timestamptz,
    OUT old_model segment_model, OUT names text[], OUT statements text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last integer;
BEGIN
    PERFORM segment_internal.check_source(s);
    PERFORM segment_internal.check_decisions(s, at);
    IF s.model_version IS NOT NULL THEN
        old_model := segment.get_model(s.name);
    END IF;
    SELECT array_agg(t.name ORDER BY t.n), array_agg(t.statement ORDER BY t.n) INTO names, statements
    FROM segment_internal.steps_of(s, train, false, false) WITH ORDINALITY AS t (name, statement, n);
    last := array_position(names, 'changed');
    names := names[:last];
    statements := statements[:last];
END;
$$;
COMMENT ON FUNCTION segment_internal.steps_to_changes(segmentation, boolean, timestamptz) IS
$$The steps of a refresh up to the one that tells who changes, and none that writes; and the model before.
The clock is set. Errors: what a refresh would be refused for because of its source or of decisions.$$;

CREATE FUNCTION segment_internal.preview_refresh_as_owner(name text, as_of text,
    OUT customer text, OUT change text, OUT from_segment text, OUT to_segment text, OUT reason text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET jit = off SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    at timestamptz := segment_internal.turn(s, as_of::timestamptz);
    train boolean := segment_internal.trains(s, at, NULL);
    steps record;
BEGIN
    IF segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RAISE EXCEPTION
            'a refresh of segmentation "%" cannot be shown before it is done, because its tables are distributed',
            s.name
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Its steps keep their rows in tables, which would be written.';
    END IF;
    PERFORM segment_internal.refuse_nothing_in_use(s, 'object_not_in_prerequisite_state');
    PERFORM segment_internal.set_clock(s, at);
    SELECT * INTO steps FROM segment_internal.steps_to_changes(s, train, at);
    RETURN QUERY EXECUTE format(
        'SELECT r.* FROM segment_internal.step_rows($1, $2, $3, $4, $5, $6, NULL::%s[])
         AS r (customer text, change text, from_segment text, to_segment text, reason text)',
        format_type(segment_internal.key_type(s.members), -1))
    USING steps.names || 'preview'::text, steps.statements || format(
              'SELECT format(''%%s'', c.customer), c.change, g.name, c.segment, c.reason
               FROM changed AS c LEFT JOIN segment.segment AS g ON g.segmentation = %L AND g.segment_id = c.was_id
               WHERE c.change <> ''updated''', s.name),
          at, train AND s.model_version IS NOT NULL, steps.old_model, s.refreshed_as_of IS NOT DISTINCT FROM at;
END;
$$;
COMMENT ON FUNCTION segment_internal.preview_refresh_as_owner(text, text) IS
'The work of preview_refresh, with the rights of the owner.';

CREATE FUNCTION preview_refresh(name text, as_of timestamptz DEFAULT NULL,
    OUT customer text, OUT change text, OUT from_segment text, OUT to_segment text, OUT reason text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    RETURN QUERY
    SELECT p.* FROM segment_internal.rows_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT p.* FROM segment_internal.preview_refresh_as_owner($1, $2) AS p', s.name,
        segment_internal.instant(as_of))
        AS p (customer text, change text, from_segment text, to_segment text, reason text);
END;
$$;
COMMENT ON FUNCTION preview_refresh(text, timestamptz) IS
$$What refresh_segmentation(name, as_of) would do now, a row for each customer (key as text) who would be 'entered',
'moved' or 'departed', with the segments before and after and the reason; nothing is written.
It trains where the refresh would, so it takes about as long as one.
from_segment: NULL for who would enter; to_segment: NULL for who would depart;
of segments that a training would make anew the names are those they would get.
Whether max_departed would refuse the refresh is not looked at.
Runs with the rights of the owner.
Errors: undefined_object, insufficient_privilege, feature_not_supported for distributed segmentations,
invalid_parameter_value for an as_of before the last refresh, object_not_in_prerequisite_state where approval is
needed and no version has it, and those of the source.$$;
