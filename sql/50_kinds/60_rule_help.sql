-- ---- help for whoever writes rules ----

CREATE FUNCTION segment_internal.rule_conditions(rule text) RETURNS text[]
    AS 'MODULE_PATHNAME', 'segment_rule_conditions' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.rule_conditions(text) IS
$$The conditions that a rule joins by AND at its top, as they were written;
the rule itself where it is one condition.
The rule must be one expression, see rule_columns.$$;

CREATE FUNCTION segment_internal.asked_conditions(conditions text[], in_turn boolean) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN in_turn AND i > 1
                           THEN format(E'CASE WHEN (\n%s\n) THEN (\n%s\n) END',
                                       array_to_string(conditions[:i - 1], E'\n) AND (\n'), conditions[i])
                           ELSE format(E'(\n%s\n)', conditions[i]) END, E',\n' ORDER BY i)
    FROM generate_series(1, cardinality(conditions)) AS i;
END;
COMMENT ON FUNCTION segment_internal.asked_conditions(text[], boolean) IS
$$The conditions of a rule as a list of SQL expressions.
in_turn: each is asked only where those before it hold, as it may fail elsewhere.$$;

-- A rule is asked of a segmentation, or of a source that somebody thinks of making one from.
CREATE FUNCTION segment_internal.rule_source(segmentation text, source text, key text, search_path text)
    RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    IF (segmentation IS NULL) = (source IS NULL) THEN
        RAISE EXCEPTION 'a rule is asked of a segmentation or of a source: give one of both'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance segmentation => ''lifecycle'', or source => ''customers''.';
    END IF;
    IF segmentation IS NOT NULL THEN
        s := segment_internal.segmentation_row(segmentation);
        IF s.kind <> 'rules' THEN
            RAISE EXCEPTION 'segmentation "%" is not made of rules', segmentation
                USING ERRCODE = 'wrong_object_type', HINT = 'Give a source: source => ''customers''.';
        END IF;
        RETURN s;
    END IF;
    s.search_path := search_path;
    s.source := segment_internal.source_query(source, s.search_path);
    s.options := '{}';
    SELECT ARRAY[c.name], ARRAY[format_type(c.type, -1)] INTO s.source_columns, s.source_types
    FROM segment_internal.query_columns(s.source, s.search_path) AS c
    WHERE c.name = key OR key IS NULL AND c.number = 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the source has no column "%"', key
            USING ERRCODE = 'undefined_column', HINT = 'key names the column that identifies the customer.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rule_source(text, text, text, text) IS
$$The segmentation by rules of a name; or for a source, a row that has of a segmentation what rules are asked with:
source, search_path and key (NULL: the first column).
Errors: invalid_parameter_value, undefined_object, wrong_object_type, undefined_column, and those of the source.$$;

CREATE FUNCTION segment_internal.rule_role(segmentation text) RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce((SELECT segment_internal.owner_of(s.members) FROM segmentation AS s
                 WHERE s.name = segmentation), current_user);
COMMENT ON FUNCTION segment_internal.rule_role(text) IS
'Whose rights a rule is asked with: those of the owner of a segmentation, or for a source (NULL), one''s own.';
