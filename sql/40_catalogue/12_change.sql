-- ---- the one way to change the catalogue ----

CREATE FUNCTION segment_internal.change_catalogue(operation text, VARIADIC arguments "any") RETURNS bigint
    AS 'MODULE_PATHNAME', 'segment_change_catalogue' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.change_catalogue(text, VARIADIC "any") IS
$$Changes the catalogue by one of a fixed list of operations, as the owner of the extension,
for a caller who has the rights of the owner of what is changed; src/segmentation/catalogue.c lists the operations.
Nobody else writes the catalogue, so the log of runs is only ever added to,
with the login and the time that it really was.
arguments: those of the operation, of exactly its types.
Returns what the operation is said to return; NULL where it found nothing to do it to.
Errors: insufficient_privilege when the caller has not that right, or there is no such thing;
invalid_parameter_value for an unknown operation or number of arguments, datatype_mismatch for their types.$$;

CREATE FUNCTION segment_internal.tell_failure(failed run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- who listens on a channel may be anybody, so no message of an error, which can hold a customer's values
    IF failed.outcome <> 'skipped' THEN
        PERFORM pg_notify('segment_failures', json_build_object(
            'segmentation', failed.segmentation, 'run_id', failed.run_id, 'outcome', failed.outcome,
            'error_code', failed.error_code)::text);
    END IF;
    RETURN failed.run_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_failure(run) IS
$$Tells who listens on the channel segment_failures, once the transaction commits, of a run that failed, was refused or
interrupted, as a JSON object of segmentation, run_id, outcome and error_code; returns its run_id.
Of one that was skipped nothing is told: what it uses has failed, and that was.$$;
