-- ---- the mark of a run: what tells of a refresh that never ended ----
--
-- A refresh that is cancelled, or whose server goes down, rolls back with its row
-- in the run log.  What outlives a rollback is the value of a sequence.  So every
-- segmentation has one, owned by a column of its member table, and a refresh
-- sets it to its start before it does anything else, and last_run_at in the
-- catalogue with it.  The one lasts in any case, the other only if the
-- transaction commits: where they differ, a refresh is running or was lost, and
-- the next one, which has the lock, knows that it was lost and logs it.
--
-- The value is the start in microseconds since 2000, times 1024, plus the number
-- (at most 1023) of lost refreshes just before it, whose rows were lost as well.

CREATE FUNCTION segment_internal.run_mark(s segmentation) RETURNS regclass
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT d.objid::pg_catalog.regclass
            FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_depend AS d
              ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
                 AND d.refobjsubid = a.attnum
             AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'
            JOIN pg_catalog.pg_class AS q ON q.oid = d.objid AND q.relkind = 'S'
            WHERE a.attrelid = s.members AND a.attname = 'entered_at'
            ORDER BY d.objid LIMIT 1);
END;
$$;
COMMENT ON FUNCTION segment_internal.run_mark(segmentation) IS
$$The sequence with the start of the last refresh, which the column entered_at of the member table owns,
so it goes where the table goes; NULL when there is none.$$;

CREATE FUNCTION segment_internal.set_run_mark(mark regclass, started_at timestamptz, lost_before bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'segment_set_run_mark' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.set_run_mark(regclass, timestamptz, bigint) IS
$$Sets the mark of a segmentation to the start of a refresh and the number of lost refreshes just before it
(more than 1023 count as 1023), and waits until it is on disk.
Stays when the transaction rolls back.
Errors: those of setval().$$;

CREATE FUNCTION segment_internal.unfinished_run(s segmentation, OUT started_at timestamptz, OUT lost_before bigint)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 1
BEGIN ATOMIC
    SELECT r.started_at, r.lost_before
    FROM (SELECT timestamptz '2000-01-01 00:00Z' + (v.value >> 10) * interval '1 microsecond', v.value & 1023
          FROM (SELECT CASE WHEN pg_catalog.has_sequence_privilege(m.mark, 'USAGE, SELECT')
                            THEN pg_catalog.pg_sequence_last_value(m.mark) END
                FROM (SELECT segment_internal.run_mark(s)) AS m (mark)) AS v (value)) AS r (started_at, lost_before)
    WHERE r.started_at IS DISTINCT FROM s.last_run_at AND r.started_at IS NOT NULL;
END;
COMMENT ON FUNCTION segment_internal.unfinished_run(segmentation) IS
$$The refresh of a segmentation that has begun and of which nothing more is known: it is running, or was cancelled,
lost in a crash or rolled back.
Its start, and how many before it were lost unlogged.
No row when the last refresh ended, and none for whoever may not read the sequence, which is the owner's.$$;

CREATE FUNCTION segment_internal.create_run_mark(s segmentation) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE c.oid = s.members);
BEGIN
    EXECUTE format('CREATE SEQUENCE %I.%I OWNED BY %s.entered_at', schema, s.name || '_refresh', s.members);
    EXECUTE format('COMMENT ON SEQUENCE %I.%I IS %L', schema, s.name || '_refresh',
                   format('Start of the last refresh of the segmentation "%s", so that one that never ended is known; '
                          'written by refresh_segmentation.', s.name));
    RETURN segment_internal.run_mark(s);
END;
$$;
COMMENT ON FUNCTION segment_internal.create_run_mark(segmentation) IS
$$Creates the sequence NAME_refresh for the mark of a segmentation, beside its member table.
Error (duplicate_table) when the name is taken.$$;

CREATE FUNCTION segment_internal.begin_run(name text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- the lock that makes two refreshes of one segmentation queue
    s segment.segmentation := segment_internal.locked_segmentation(name);
    began timestamptz := clock_timestamp();
    lost record;
    lost_run_id bigint;
    mark regclass := segment_internal.run_mark(s);
BEGIN
    SELECT u.started_at, u.lost_before INTO lost FROM segment_internal.unfinished_run(s) AS u;
    IF FOUND THEN
        lost_run_id := segment_internal.change_catalogue('interrupted_run', s.name, lost.started_at, lost.lost_before);
    END IF;
    -- somebody dropped it; where it is the member table that is gone, the next step says so
    IF mark IS NULL AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.members) THEN
        mark := segment_internal.create_run_mark(s);
    END IF;
    PERFORM segment_internal.set_run_mark(mark, began, coalesce(lost.lost_before + 1, 0));
    PERFORM segment_internal.change_catalogue('begin_run', s.name, began);
    RETURN lost_run_id;
END;
$$;
COMMENT ON FUNCTION segment_internal.begin_run(text) IS
$$The first step of refresh_segmentation, with the rights of the owner: locks the segmentation to the end of the
transaction, logs a refresh before this one that never ended (outcome 'interrupted') and returns its run_id
(NULL: none), and marks the start of this one.
Errors: as locked_segmentation.$$;
