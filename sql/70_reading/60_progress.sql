-- ---- refreshes that run now ----

CREATE VIEW segment_progress WITH (security_invoker = true) AS
    SELECT p.pid, s.name AS segmentation, p.step, p.step_number, p.steps, p.rows_read, p.rows,
           p.started_at, p.step_started_at, p.as_of
    FROM segment_internal.running_refreshes() AS p JOIN segmentation AS s ON s.members = p.members;
COMMENT ON VIEW segment_progress IS
$$How far every refresh is that runs now, of the segmentations that the current user sees; see refresh_steps.
A refresh that waits for another one of its segmentation is not here before it has its turn.
Empty with track_activities off.
Within a transaction the rows stay what they were at the first look; pg_stat_clear_snapshot() looks anew.$$;
COMMENT ON COLUMN segment_progress.pid IS 'Process of the session, as in pg_stat_activity.';
COMMENT ON COLUMN segment_progress.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_progress.step IS
$$The step that runs: its name, or the first word of a statement that writes, as in run.steps;
finish: index, sizes, and the log.$$;
COMMENT ON COLUMN segment_progress.step_number IS 'Which step that is, from 1.';
COMMENT ON COLUMN segment_progress.steps IS 'How many steps there are.';
COMMENT ON COLUMN segment_progress.rows_read IS
$$Rows that the step has read of the source so far: the first 1023 one by one, then by 512.
NULL: none, or it is a part of a statement and cannot be known.$$;
COMMENT ON COLUMN segment_progress.rows IS
$$Rows that the step has made so far for the steps after it, or written where it fills an empty table;
NULL: none, or it cannot be known.$$;
COMMENT ON COLUMN segment_progress.started_at IS 'When the refresh began, as in segment_run.';
COMMENT ON COLUMN segment_progress.step_started_at IS 'When the step began.';
COMMENT ON COLUMN segment_progress.as_of IS 'The instant the refresh speaks of.';
