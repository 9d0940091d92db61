-- ---- the steps of a refresh inside of the transaction that writes ----

CREATE FUNCTION segment_internal.immediate_steps(s segmentation, OUT name text, OUT statement text, OUT needs text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- plans are kept, so what is always so is not asked
    asked CONSTANT text := format('%I %s ANY ($5)', segment_internal.key_column(s.members),
                                  segment_internal.equality_operator(segment_internal.key_type(s.members)));
    step record;
    changed boolean := false;
BEGIN
    FOR step IN
        SELECT t.* FROM segment_internal.steps_of(s, false, false, false, instead => jsonb_build_object(
            'asked', asked, 'model', '(SELECT $3 AS model)', 'if_again', 'false',
            'if_trained', 'false', 'event_number', 'NULL'))
            WITH ORDINALITY AS t (name, statement, n)
        ORDER BY t.n
    LOOP
        -- nobody is refused one row for what it does to the others, sizes are put aside, and no instant comes twice
        CONTINUE WHEN step.name IN ('source_counts', 'model', 'tally', 'guard', 'by_decision', 'sizes', 'result')
                   OR step.name IS NULL AND step.statement ~ '\nWHERE \$4 AND ';
        name := step.name;
        statement := step.statement;
        needs := CASE
            WHEN NOT changed THEN NULL
            WHEN starts_with(statement, format('INSERT INTO %s ', s.events)) THEN 'moved'
            WHEN starts_with(statement, format('UPDATE %s ', s.members)) THEN 'kept'
            WHEN starts_with(statement, format('INSERT INTO %s ', s.members)) THEN 'entered'
            WHEN starts_with(statement, format('DELETE FROM %s ', s.members)) THEN 'departed'
            WHEN starts_with(statement, format('INSERT INTO %s ', s.history)) THEN 'left'
            WHEN starts_with(statement, format('DELETE FROM %s ', s.changes))
                 OR starts_with(statement, format('INSERT INTO %s ', s.changes)) THEN 'waits' END;
        changed := changed OR step.name IS NOT DISTINCT FROM 'changed';
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.immediate_steps(segmentation) IS
$$The statements that place some customers in the transaction that changed their data, in order, with the parameters of
a refresh ($3: the present model).
needs: what rows the step changed must have for this one to do anything: kept (of members before and after), entered,
departed, left (a place that goes into the history), moved (any change of place), waits (somebody may be or have been in
no segment); NULL: it is run in any case.$$;
