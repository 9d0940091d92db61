-- ---- the steps of a refresh inside of the transaction that writes ----

CREATE FUNCTION segment_internal.immediate_steps(s segmentation, OUT name text, OUT statement text, OUT always boolean)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- plans are kept, so what is always so is not asked
    asked CONSTANT text := format('%I %s ANY ($5)', segment_internal.key_column(s.members),
                                  segment_internal.equality_operator(segment_internal.key_type(s.members)));
    step record;
BEGIN
    FOR step IN
        SELECT t.* FROM segment_internal.steps_of(s, false, false, false, instead => jsonb_build_object(
            'asked', asked, 'current_model', '$3', 'shift', '''shift_later''', 'event_number', 'NULL'))
            WITH ORDINALITY AS t (name, statement, n)
        ORDER BY t.n
    LOOP
        -- nobody is refused one row for what it does to the others, and no instant comes twice
        CONTINUE WHEN step.name IN ('tally', 'guard', 'by_decision', 'result')
                   OR step.name IS NULL AND step.statement ~ '\nWHERE \$4 AND ';
        name := step.name;
        statement := step.statement;
        always := step.statement ~ format('^(DELETE FROM|INSERT INTO) %s ', s.changes);
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.immediate_steps(segmentation) IS
$$The statements that place some customers in the transaction that changed their data, in order, with the parameters of
a refresh ($3: the present model); always: also where the step changed has no rows.$$;
