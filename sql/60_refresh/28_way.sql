-- ---- which way a refresh goes: everybody, or only who may have changed ----
--
-- An incremental refresh is the same list of steps with a list of customers.  It may be
-- taken when all of this is known, and then gives what a full one gives (law 9):
--
--   whose data changed      the change log, or a watermark in the source
--   whom the clock moves    next_transition_at of the members; the change log, for those who are none
--   whom people decided on  the end of their decisions; what is written there is logged
--   that nothing else did   the definition and the model are those that placed everybody
--
-- What is logged is taken before the source is read: who writes after that is looked at
-- by this refresh, too, or by the next one, or by both.

CREATE FUNCTION segment_internal.definition_hash(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN md5(jsonb_build_array(s.kind, s.method, s.source, s.source_columns, s.source_types, s.customers, s.features,
                                 s.feature_types, s.options, s.time_zone, s.search_path, s.settings,
                                 s.model_version)::text);
END;
$$;
COMMENT ON FUNCTION segment_internal.definition_hash(segmentation) IS
'What places the customers of a segmentation, its definition and the version of its model, as a hash.';

CREATE FUNCTION segment_internal.full_reason(s segmentation, definition text, train boolean) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN s.refreshed_as_of IS NULL THEN 'it is the first refresh'
        WHEN train THEN 'a model is trained'
        WHEN s.changes IS NULL AND s.watermark IS NULL THEN 'the source is not tracked'
        WHEN NOT segment_internal.keys_can_be_listed(s) THEN 'keys that are arrays cannot be listed'
        WHEN s.placed_by IS DISTINCT FROM definition THEN 'the definition or the model changed'
        ELSE segment_internal.untracked_reason(s) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.full_reason(segmentation, text, boolean) IS
$$Why a refresh has to look at everybody, whoever may have changed; NULL: it need not.
definition: definition_hash of the segmentation as the catalogue has it.$$;

CREATE FUNCTION segment_internal.take_changes(s segmentation, at timestamptz, OUT customers text, OUT everybody boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('WITH taken AS (DELETE FROM %1$s WHERE $1 IS NULL OR due_at <= $1 RETURNING %2$I AS customer)
                    SELECT array_agg(t.customer) FILTER (WHERE t.customer IS NOT NULL)::text,
                           coalesce(bool_or(t.customer IS NULL), false)
                    FROM (SELECT customer FROM taken WHERE $1 IS NOT NULL GROUP BY customer) AS t',
                   s.changes, segment_internal.key_column(s.changes))
    INTO customers, everybody USING at;
END;
$$;
COMMENT ON FUNCTION segment_internal.take_changes(segmentation, timestamptz) IS
$$Takes out of the change log what is due as of an instant, NULL: all of it.
customers: whom it names, an array as text; NULL: none; everybody: whether it says that all may have changed.$$;

CREATE FUNCTION segment_internal.choose_way(
    s segmentation, definition text, at timestamptz, train boolean, OUT keys text, OUT reason text, OUT watermark text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- beyond one in so many the whole source is read sooner than one index entry after the other
    one_in CONSTANT integer := 10;
    few CONSTANT integer := 1000;
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    changed text;
    due text;
    due_query text := segment_internal.due_query(s);
    everybody boolean := false;
    marked text;
    n bigint;
    members bigint;
BEGIN
    reason := segment_internal.full_reason(s, definition, train);
    IF s.changes IS NOT NULL THEN
        SELECT t.customers, t.everybody INTO changed, everybody
        FROM segment_internal.take_changes(s, CASE WHEN reason IS NULL THEN at END) AS t;
    END IF;
    IF s.watermark IS NOT NULL THEN
        SELECT w.keys, w.seen INTO marked, watermark FROM segment_internal.watermark_keys(s) AS w;
    END IF;
    IF reason IS NULL AND everybody THEN
        reason := 'a change that may concern everybody was logged';
    ELSIF reason IS NULL AND s.watermark IS NOT NULL AND marked IS NULL THEN
        reason := 'no value of the watermark was seen before';
    END IF;
    IF reason IS NULL THEN
        IF due_query <> '' THEN
            EXECUTE format('SELECT array_agg(d.customer)::text FROM (%s) AS d (customer)', due_query)
            INTO due USING at, s.refreshed_as_of;
        END IF;
        EXECUTE format('SELECT array_agg(k.customer)::text, count(*)
                        FROM (SELECT u.customer FROM unnest($1::%1$s[], $2::%1$s[], $3::%1$s[]) AS c (a, b, d)
                              CROSS JOIN LATERAL (VALUES (c.a), (c.b), (c.d)) AS u (customer)
                              WHERE u.customer IS NOT NULL GROUP BY u.customer) AS k', key_type)
        INTO keys, n
        USING changed, marked, due;
        members := (SELECT sum(g.customers) FROM segment.segment AS g WHERE g.segmentation = s.name);
        IF n > greatest(few, members / one_in) THEN
            keys := NULL;
            reason := format('%s customers may have changed, more than one in %s', n, one_in);
        ELSE
            keys := coalesce(keys, '{}');
            reason := format('%s customer%s may have changed', n, CASE WHEN n <> 1 THEN 's' END);
        END IF;
    END IF;
    IF keys IS NULL AND s.changes IS NOT NULL THEN
        PERFORM segment_internal.take_changes(s, NULL);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.choose_way(segmentation, text, timestamptz, boolean) IS
$$Which way a refresh goes, and takes what the change log has for it.
definition: as in full_reason.
keys: the only customers to look at, an array as text; NULL: all.
reason: why; watermark: the newest value of the watermark column now.$$;
