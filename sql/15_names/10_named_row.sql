-- ---- rows by their names ----

CREATE FUNCTION segment_internal.nearest_name(name text, names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- names that share most of their pairs of letters (Dice's coefficient), as a slip of the finger does
    SELECT n.name
    FROM unnest(names) AS n (name) CROSS JOIN LATERAL (
        SELECT 2.0 * count(*) FILTER (WHERE p.wanted AND p.there)
               / nullif(count(*) + count(*) FILTER (WHERE p.wanted AND p.there), 0) AS likeness
        FROM (SELECT bool_or(a.wanted) AS wanted, bool_or(NOT a.wanted) AS there
              FROM (SELECT substr(lower(nearest_name.name), i, 2) AS pair, true AS wanted
                    FROM generate_series(1, length(nearest_name.name) - 1) AS i
                    UNION SELECT substr(lower(n.name), i, 2), false
                    FROM generate_series(1, length(n.name) - 1) AS i) AS a
              GROUP BY a.pair) AS p) AS l
    WHERE l.likeness > 0.5 ORDER BY l.likeness DESC, n.name LIMIT 1;
END;
COMMENT ON FUNCTION segment_internal.nearest_name(text, text[]) IS
'The name of a list that is most like a given one; NULL: none is like it.';

CREATE FUNCTION segment_internal.nearest_name_hint(name text, names text[], otherwise text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('Perhaps you meant "' || segment_internal.nearest_name(name, names) || '".', otherwise);
COMMENT ON FUNCTION segment_internal.nearest_name_hint(text, text[], text) IS
'The hint for an unknown name: the one of a list that is most like it, or another hint where none is.';

CREATE FUNCTION segment_internal.named_row(kind anyelement, what text, name text, creator text DEFAULT NULL,
    OUT found_row anyelement)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n bigint;
    names text[];
BEGIN
    EXECUTE format('SELECT t.* FROM %s AS t WHERE t.name = $1', pg_typeof(kind)) INTO found_row USING name;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n = 0 THEN
        EXECUTE format('SELECT array_agg(t.name ORDER BY t.name) FROM %s AS t', pg_typeof(kind)) INTO names;
        RAISE EXCEPTION '% "%" does not exist', what, coalesce(name, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN creator IS NULL
                              THEN format('%ss are: %s.', initcap(what), array_to_string(names, ', '))
                              ELSE segment_internal.nearest_name_hint(name, names, creator || '() creates one.') END;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.named_row(anyelement, text, text, text) IS
$$The row of a name in one of our tables, which the first argument is of the type of.
creator: the function that creates such, for the hint where no name is like the one given; NULL, the default: the hint
lists all names.
Error (undefined_object) when there is none that the current user may see.$$;
