-- ---- how far a running refresh is ----
--
-- Told by src/base/progress.c in the place where the server keeps the progress of VACUUM: no
-- memory of ours, nothing to preload, cleared by the server on any error.

CREATE FUNCTION segment_internal.begin_progress(
    members regclass, as_of timestamptz, started_at timestamptz, steps integer) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_begin_progress' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.begin_progress(regclass, timestamptz, timestamptz, integer) IS
$$From here to show_step(NULL), or the end of the transaction or a subtransaction by an error,
other sessions see how far the refresh of a segmentation is, given its member table.
steps: how many there will be.$$;

CREATE FUNCTION segment_internal.show_step(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_show_step' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.show_step(text) IS
$$Lets other sessions see that the next step of the refresh has begun; those that run_steps runs it tells by itself.
NULL: the refresh is done.
Does nothing where no refresh has begun.$$;

CREATE FUNCTION segment_internal.running_refreshes(
    OUT pid integer, OUT members regclass, OUT step text, OUT step_number integer, OUT steps integer,
    OUT rows_read bigint, OUT rows bigint, OUT started_at timestamptz, OUT step_started_at timestamptz,
    OUT as_of timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_running_refreshes' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION segment_internal.running_refreshes() IS
$$The refreshes that run now in this database, of segmentations whose members the current user may read,
or whose owner he may act as; columns as in segment_progress.$$;
