-- ---- what a version would change ----

CREATE FUNCTION segment_internal.values_as_owner(name text, value text, OUT customer text, OUT value_of numeric)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    PERFORM segment_internal.set_clock(s, greatest(clock_timestamp(), s.refreshed_as_of));
    RETURN QUERY EXECUTE format(
        'SELECT format(''%%s'', r.customer), sum(r.value)
         FROM segment_internal.query_rows(%L, %L) AS r (customer %s, value numeric)
         WHERE r.customer IS NOT NULL GROUP BY 1',
        format(E'SELECT source.%I AS customer, (%s\n)::numeric AS value FROM (\n%s\n) AS source', s.source_columns[1],
               value, segment_internal.source_statement(s)),
        s.search_path, format_type(segment_internal.key_type(s.members), -1));
END;
$$;
COMMENT ON FUNCTION segment_internal.values_as_owner(text, text) IS
'What each customer of a source is worth by an expression over its columns, as the owner, summed over his rows.';

CREATE FUNCTION model_impact(name text, version integer, value text DEFAULT NULL,
    OUT from_segment text, OUT to_segment text, OUT customers bigint, OUT revenue numeric)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 50 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    definition json := CASE s.kind WHEN 'rules' THEN json_build_object('version', version) ELSE '{}' END;
    model segment.segment_model;
BEGIN
    IF version IS NULL THEN
        RAISE EXCEPTION 'version must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF s.kind <> 'rules' THEN
        model := segment.get_model(s.name, version);
    END IF;
    IF value IS NULL THEN
        RETURN QUERY
        SELECT d.from_segment, d.to_segment, d.customers, d.revenue
        FROM segment.diff_segmentation(s.name, definition, NULL, model, false) AS d
        WHERE d.from_segment IS DISTINCT FROM d.to_segment;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT d.from_segment, d.to_segment, count(*), sum(w.value_of)
    FROM segment.diff_customers(s.name, definition, NULL, model, false) AS d
    LEFT JOIN segment_internal.rows_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT w.* FROM segment_internal.values_as_owner($1, $2) AS w', s.name, model_impact.value)
        AS w (customer text, value_of numeric) ON w.customer = d.customer
    GROUP BY 1, 2 ORDER BY 1, 2;
END;
$$;
COMMENT ON FUNCTION model_impact(text, integer, text) IS
$$Who would move if a version of the model of a segmentation, or of its rules, were in use now; nothing is written.
from_segment, to_segment: now and then; NULL: nowhere. Who would stay is in no row.
customers: how many; where customers may be in several segments, a place that is given up or added counts by itself.
revenue: what they are worth: RFM: their total; of others by value, else NULL.
value: an expression over the columns of the source, run with the rights of the owner, for instance 'revenue'; summed
over the rows of a customer, and over customers; NULL, the default: as the kind has it.
The whole, with who would stay and shares, is diff_segmentation(name, model => get_model(name, version)), and for rules
diff_segmentation(name, '{"version": 3}').
Errors: undefined_object for an unknown segmentation or version, null_value_not_allowed, insufficient_privilege, those
of diff_segmentation and of the expression.$$;
