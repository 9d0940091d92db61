-- ---- renaming, altering and dropping ----

CREATE FUNCTION segment_internal.drop_as_owner(name text, cascade boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    tables text;
    tracked regclass[] := ARRAY(SELECT t.relation FROM segment.tracked_table AS t WHERE t.segmentation = s.name
                                ORDER BY t.relation);
BEGIN
    IF cascade THEN
        PERFORM segment_internal.release_uses(s.name, NULL);
    END IF;
    -- first, while the member table is there to say whose it is
    BEGIN
        PERFORM segment_internal.change_catalogue('drop_segmentation', s.name);
    EXCEPTION WHEN foreign_key_violation THEN
        -- by a rule that this transaction, which has one snapshot, does not see
        RAISE EXCEPTION 'segmentation "%" cannot be dropped, because rules use it', s.name
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Another transaction sees them.';
    END;
    PERFORM segment_internal.drop_triggers(tracked);
    PERFORM segment_internal.forget_job(segment_internal.job_name(s.name));
    -- the change log first, as writers lock it
    SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid <> s.changes, c.oid) INTO tables FROM pg_class AS c
    WHERE c.oid IN (s.members, s.history, s.decisions, s.changes, s.events);
    -- NULL: somebody dropped them
    IF tables IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s %s', tables, CASE WHEN cascade THEN 'CASCADE' ELSE 'RESTRICT' END);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_as_owner(text, boolean) IS
'The work of drop_segmentation, with the rights of the owner.';

CREATE FUNCTION drop_segmentation(name text, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    done text;
BEGIN
    IF cascade THEN
        PERFORM segment_internal.drop_using_rules(s.name, NULL);
    END IF;
    -- of a segmentation whose member table is gone a superuser drops what is left; assigned, because PERFORM would be
    -- shown in the context of an error
    done := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.drop_as_owner($1, $2::boolean)',
                                          name, coalesce(cascade, false)::text);
END;
$$;
COMMENT ON FUNCTION drop_segmentation(text, boolean) IS
$$Drops a segmentation with its tables, history, decisions, events and their consumers, models, run log,
experiments and figures of metrics.
cascade: also views and other objects that depend on the tables, and rules of other segmentations that use it
by in_segment: of those that the current user may change, the rules are dropped as a new version, or where none
would be left, the segmentation; of others the rules stay, and their next refresh fails;
NOTICEs tell which.
Without it both are an error (dependent_objects_still_exist) that lists them.
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.rename_as_owner(name text, old_name text, new_name text, cascade boolean)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    renamed integer;
BEGIN
    s := segment_internal.locked_segmentation(name);
    IF s.refresh_mode = 'immediate' THEN
        -- who writes it under the old name
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', s.members);
    END IF;
    renamed := segment_internal.change_catalogue('rename_segment', s.name, old_name, new_name, cascade);
    IF renamed IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, old_name
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.segment lists them.';
    END IF;
    EXECUTE format('UPDATE %s AS o SET segment = $1 WHERE o.segment_id = $2', s.members)
    USING new_name, renamed;
    RETURN renamed;
END;
$$;
COMMENT ON FUNCTION segment_internal.rename_as_owner(text, text, text, boolean) IS
'The work of rename_segment, with the rights of the owner; returns the id of the segment.';

CREATE FUNCTION rename_segment(segmentation text, old_name text, new_name text, cascade boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    renamed integer;
BEGIN
    IF old_name IS NULL OR coalesce(new_name, '') = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be %',
            CASE WHEN old_name IS NULL OR new_name IS NULL THEN 'null' ELSE 'empty' END
            USING ERRCODE = 'invalid_name';
    END IF;
    renamed := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                             'SELECT segment_internal.rename_as_owner($1, $2, $3, $4::boolean)',
                                             segmentation, old_name, new_name, coalesce(cascade, false)::text);
    IF cascade THEN
        PERFORM segment_internal.rename_in_using_rules(s.name, renamed, old_name, new_name);
    END IF;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'segmentation "%" already has a segment "%"', segmentation, new_name
        USING ERRCODE = 'duplicate_object';
END;
$$;
COMMENT ON FUNCTION rename_segment(text, text, text, boolean) IS
$$Names a segment anew, in the catalogue, the current model and the member table; its id and history stay,
and retraining keeps the name.
cascade: also in the rules of other segmentations that use it by in_segment and that the current user may change,
each as a new version; rules of others keep their text, and go on to mean the same segment.
Without it such rules are an error (dependent_objects_still_exist) that lists them.
Errors: undefined_object, duplicate_object when the name is taken, invalid_name when one is NULL or empty,
insufficient_privilege.$$;

CREATE FUNCTION segment_internal.alter_as_owner(
    name text, options jsonb, retrain_every interval, max_departed double precision, description text,
    max_age interval) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    PERFORM segment_internal.enter_settings(s);
    IF options IS NOT NULL THEN
        s.options := segment_internal.changed_options(s, options);
        -- what creation checks; a kind of somebody's own need not have any
        IF to_regproc(format('segment_internal.%I', 'check_' || s.kind || '_options')) IS NOT NULL THEN
            s := segment_internal.checked(('check_' || s.kind || '_options')::name, s);
        END IF;
    END IF;
    PERFORM segment_internal.change_catalogue('alter_segmentation', s.name, s.options,
                                              retrain_every, max_departed, description, max_age);
END;
$$;
COMMENT ON FUNCTION segment_internal.alter_as_owner(text, jsonb, interval, double precision, text, interval) IS
'The work of alter_segmentation, with the rights of the owner.';

CREATE FUNCTION alter_segmentation(
    name text, options jsonb DEFAULT NULL, retrain_every interval DEFAULT NULL,
    max_departed double precision DEFAULT NULL,
    description text DEFAULT NULL, max_age interval DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    done text;
BEGIN
    IF max_age < interval '0' THEN
        RAISE EXCEPTION 'max_age must not be negative, not %', max_age
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance ''2 days''; 0 for none.';
    END IF;
    IF jsonb_typeof(options) NOT IN ('object', 'null') THEN
        RAISE EXCEPTION 'options must be an object, not %', options
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"k": 6}.';
    END IF;
    IF max_departed NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'max_departed must be from 0 to 1, not %', max_departed
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    done := segment_internal.run_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT segment_internal.alter_as_owner($1, $2::jsonb, '
        'make_interval(months => $3::integer, days => $4::integer) + $5::bigint * interval ''1 microsecond'', '
        '$6::float8, $7, $8::interval)',
        name, options::text,
        -- in parts, because an interval as text depends on settings
        (extract(year FROM retrain_every) * 12 + extract(month FROM retrain_every))::text,
        extract(day FROM retrain_every)::text,
        (extract(epoch FROM retrain_every - date_trunc('day', retrain_every)) * 1000000)::bigint::text,
        max_departed::text, description,
        (extract(year FROM max_age) * 12 + extract(month FROM max_age))::text || ' months '
        || extract(day FROM max_age)::text || ' days '
        || (extract(epoch FROM max_age - date_trunc('day', max_age)) * 1000000)::bigint::text || ' microseconds');
END;
$$;
COMMENT ON FUNCTION alter_segmentation(text, jsonb, interval, double precision, text, interval) IS
$$Changes options of a segmentation; what is NULL stays as it is.
options: options of source and model, added to those there are, for instance {"k": 6};
null gives one its default again.
They are checked as at creation, and count from the next training, or the next refresh where they are of the source.
retrain_every, max_departed, description: as at creation; a retrain_every of 0 trains at every refresh.
max_age: how old the newest row of the source, and a change that waits for a refresh, may be before segmentation_health
complains; 0: as old as they like, as without it.
Errors: undefined_object, insufficient_privilege, and whatever an option is refused for at creation.$$;
