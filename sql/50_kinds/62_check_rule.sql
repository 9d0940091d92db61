-- ---- checking ----

CREATE FUNCTION segment_internal.check_rule_as_owner(segmentation text, source text, rule text,
                                                     key text, search_path text)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.rule_source(segmentation, source, key, search_path);
    columns text[];
BEGIN
    PERFORM segment_internal.enter_settings(s);
    columns := segment_internal.rule_columns(s.source, s.search_path, rule, NULL);
    PERFORM segment_internal.used_segments(s, rule, NULL, NULL);
    RETURN columns;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rule_as_owner(text, text, text, text, text) IS
'The work of check_rule, with the rights of the owner.';

CREATE FUNCTION check_rule(
    rule text, segmentation text DEFAULT NULL, source text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path')) RETURNS text[]
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.run_as_owner(
    segment_internal.rule_role(segmentation), 'SELECT segment_internal.check_rule_as_owner($1, $2, $3, NULL, $4)',
    segmentation, source, rule, coalesce(search_path, current_setting('search_path')))::text[];
COMMENT ON FUNCTION check_rule(text, text, text, text) IS
$$Checks a rule as create_rule_segmentation would, for a segmentation by rules or for a source,
and returns the columns of the source that it reads.
Nothing is run.
search_path: under which source and rule are looked up, default the session's; for a segmentation it is its own.
Errors: what a rule is refused for, with the place in its text: syntax_error where it is not one expression,
undefined_column, datatype_mismatch where it is not boolean, grouping_error for aggregates of the rows of the source,
windowing_error, invalid_parameter_value for volatile functions and the clock;
those of in_segment, null_value_not_allowed for a NULL rule, undefined_object for an unknown segmentation,
insufficient_privilege for one of somebody else.$$;
