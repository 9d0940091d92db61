-- ---- renaming and dropping ----

CREATE FUNCTION segment_internal.drop_as_owner(name text, cascade boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    tables text;
BEGIN
    SELECT string_agg(c.oid::regclass::text, ', ') INTO tables FROM pg_class AS c WHERE c.oid IN (s.members, s.history);
    -- first, while the member table is there to say whose it is
    PERFORM segment_internal.change_catalogue('drop_segmentation', s.name);
    -- NULL: somebody dropped both
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
BEGIN
    -- of a segmentation whose member table is gone a superuser drops what is left
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.drop_as_owner($1, $2::boolean)', name, coalesce(cascade, false)::text);
END;
$$;
COMMENT ON FUNCTION drop_segmentation(text, boolean) IS
$$Drops a segmentation with its tables, history, models and run log.
cascade: also views and other objects that depend on the tables; else they are an error
(dependent_objects_still_exist).
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION segment_internal.rename_as_owner(name text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    renamed integer;
BEGIN
    s := segment_internal.locked_segmentation(name);
    renamed := segment_internal.change_catalogue('rename_segment', s.name, old_name, new_name);
    IF renamed IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, old_name
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.segment lists them.';
    END IF;
    EXECUTE format('UPDATE %s AS o SET segment = $1 WHERE o.segment_id = $2', s.members)
    USING new_name, renamed;
END;
$$;
COMMENT ON FUNCTION segment_internal.rename_as_owner(text, text, text) IS
'The work of rename_segment, with the rights of the owner.';

CREATE FUNCTION rename_segment(segmentation text, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF old_name IS NULL OR coalesce(new_name, '') = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be %', CASE WHEN old_name IS NULL OR new_name IS NULL THEN 'null' ELSE 'empty' END
            USING ERRCODE = 'invalid_name';
    END IF;
    PERFORM segment_internal.run_as_owner(segment_internal.owner_of(s.members), 'SELECT segment_internal.rename_as_owner($1, $2, $3)', segmentation, old_name, new_name);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'segmentation "%" already has a segment "%"', segmentation, new_name USING ERRCODE = 'duplicate_object';
END;
$$;
COMMENT ON FUNCTION rename_segment(text, text, text) IS
$$Names a segment anew, in the catalogue, the current model and the member table; its id and history stay, and
retraining keeps the name.
Errors: undefined_object, duplicate_object when the name is taken, invalid_name when one is NULL or empty,
insufficient_privilege.$$;
