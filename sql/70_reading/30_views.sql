-- ---- views over all segmentations that the current user may read ----
--
-- A view shows the segmentations of everybody; where tables cannot be read, a row
-- with the name and the reason stands in their place (law 18), so that figures are
-- never taken for those of all.  Nothing is read in the first branch of such a view
-- before its WHERE has decided.

CREATE VIEW segment_size WITH (security_invoker = true) AS
    SELECT g.segmentation, g.segment_id, g.name AS segment, g.customers,
           round(g.customers / nullif(sum(g.customers) OVER (PARTITION BY g.segmentation), 0), 6) AS customer_share,
           s.refreshed_as_of, NULL::text AS not_shown
    FROM (SELECT o.segmentation, o.segment_id, o.name, o.closed_at,
                 o.customers + coalesce((SELECT sum(d.customers)::bigint FROM segment_shift AS d
                                         WHERE d.segmentation = o.segmentation
                                           AND d.segment_id = o.segment_id), 0) AS customers
          FROM segment AS o) AS g JOIN segmentation AS s ON s.name = g.segmentation
    WHERE (g.closed_at IS NULL OR g.customers > 0) AND segment_internal.not_shown(s, with_history => false) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, segment_internal.not_shown(s, with_history => false)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => false) IS NOT NULL;
COMMENT ON VIEW segment_size IS
$$Size of every segment after the last refresh.
A segmentation that is not shown has one row, which says why.$$;
COMMENT ON COLUMN segment_size.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_size.segment_id IS 'Id of the segment, stable over renaming and retraining.';
COMMENT ON COLUMN segment_size.segment IS 'Name of the segment.';
COMMENT ON COLUMN segment_size.customers IS 'Number of members.';
COMMENT ON COLUMN segment_size.customer_share IS 'Share of all members, 0 to 1.';
COMMENT ON COLUMN segment_size.refreshed_as_of IS 'The instant the figures speak of.';
COMMENT ON COLUMN segment_size.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW segment_profile WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, p.*, NULL::text AS not_shown
    FROM segmentation AS s CROSS JOIN LATERAL segment_profile(s.name) AS p
    WHERE segment_internal.not_shown(s, with_history => false) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           segment_internal.not_shown(s, with_history => false)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => false) IS NOT NULL;
COMMENT ON VIEW segment_profile IS
'What the segments of every segmentation are like after the last refresh, as segment_profile(name) tells it.';
COMMENT ON COLUMN segment_profile.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_profile.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN segment_profile.segment IS 'Name of the segment.';
COMMENT ON COLUMN segment_profile.customers IS 'Number of members.';
COMMENT ON COLUMN segment_profile.customer_share IS 'Share of all members, 0 to 1.';
COMMENT ON COLUMN segment_profile.revenue IS 'Total monetary value of the members.';
COMMENT ON COLUMN segment_profile.revenue_share IS 'Share of the revenue of all members, 0 to 1.';
COMMENT ON COLUMN segment_profile.median_recency IS 'Median number of calendar days since the last order.';
COMMENT ON COLUMN segment_profile.median_frequency IS 'Median number of orders.';
COMMENT ON COLUMN segment_profile.median_monetary IS 'Median total amount.';
COMMENT ON COLUMN segment_profile.mean_frequency IS 'Mean number of orders.';
COMMENT ON COLUMN segment_profile.mean_monetary IS 'Mean total amount.';
COMMENT ON COLUMN segment_profile.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW segment_feature_profile WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, p.*, NULL::text AS not_shown
    FROM segmentation AS s CROSS JOIN LATERAL segment_feature_profile(s.name) AS p
    WHERE segment_internal.has_features(s) AND segment_internal.not_shown(s, with_history => false) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           segment_internal.not_shown(s, with_history => false)
    FROM segmentation AS s
    WHERE segment_internal.has_features(s) AND segment_internal.not_shown(s, with_history => false) IS NOT NULL;
COMMENT ON VIEW segment_feature_profile IS
'What the segments of every clustering are like, feature by feature, as segment_feature_profile(name) tells it.';
COMMENT ON COLUMN segment_feature_profile.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_feature_profile.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN segment_feature_profile.segment IS 'Name of the segment.';
COMMENT ON COLUMN segment_feature_profile.customers IS 'Number of members.';
COMMENT ON COLUMN segment_feature_profile.customer_share IS 'Share of all members, 0 to 1.';
COMMENT ON COLUMN segment_feature_profile.feature IS 'Name of the feature.';
COMMENT ON COLUMN segment_feature_profile.mean IS
'Mean of the members, in the feature''s own unit; NULL for a category.';
COMMENT ON COLUMN segment_feature_profile.median IS 'Median of the members; NULL for a category.';
COMMENT ON COLUMN segment_feature_profile.overall_mean IS
'Mean of all members of the segmentation; NULL for a category.';
COMMENT ON COLUMN segment_feature_profile.z IS
$$How many standard deviations of all members the mean lies above (below: negative) that of all;
NULL for a category and where all are equal.$$;
COMMENT ON COLUMN segment_feature_profile.value IS 'Most common category; NULL for a number.';
COMMENT ON COLUMN segment_feature_profile.value_share IS 'Its share of the segment, 0 to 1.';
COMMENT ON COLUMN segment_feature_profile.overall_share IS 'Its share of all members, 0 to 1.';
COMMENT ON COLUMN segment_feature_profile.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW segment_run WITH (security_invoker = true) AS
    SELECT r.run_id, r.segmentation, r.as_of, r.outcome, r.way, r.way_reason, r.model_version, r.trained, r.customers,
           r.entered, r.departed, r.moved, r.updated, r.unchanged,
           r.rows_read, r.rows_used, r.rows_skipped, r.counts, r.details, r.steps, r.started_at,
           r.finished_at, r.finished_at - r.started_at AS duration,
           r.error_code, r.error, r.run_by
    FROM run AS r
    UNION ALL
    SELECT NULL, s.name, NULL, 'unfinished', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL, NULL,
           u.started_at, NULL, NULL, NULL, NULL, NULL
    FROM segmentation AS s CROSS JOIN LATERAL segment_internal.unfinished_run(s) AS u;
COMMENT ON VIEW segment_run IS
$$Every refresh, and every reset: what it found, what it changed, how long each step took, and why it failed if it did.
For the owner also a refresh that has begun and of which nothing more is known (no run_id).$$;
COMMENT ON COLUMN segment_run.run_id IS
$$Number of the run, in the order in which they were logged; NULL: unfinished.
For the latest first, ORDER BY run_id DESC NULLS LAST.$$;
COMMENT ON COLUMN segment_run.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_run.as_of IS 'The instant the run speaks of; NULL: interrupted or unfinished, not known.';
COMMENT ON COLUMN segment_run.outcome IS
$$'ok', 'empty' (nothing to train with and no model), 'refused', 'failed', 'skipped'
(by refresh_all_segmentations, because what it uses was not refreshed), 'interrupted'
(cancelled, lost in a crash or rolled back, as the next refresh found), 'reset' (no refresh, but
reset_segmentation, to as_of) or 'unfinished' (running, or interrupted with no refresh since).$$;
COMMENT ON COLUMN segment_run.way IS
$$'full': the whole source was read; 'incremental': only the customers who may have changed were looked at;
NULL: nothing was read.$$;
COMMENT ON COLUMN segment_run.way_reason IS 'Why it went that way.';
COMMENT ON COLUMN segment_run.model_version IS 'Version of the model that placed the customers.';
COMMENT ON COLUMN segment_run.trained IS 'Whether the run trained a model.';
COMMENT ON COLUMN segment_run.customers IS 'Members after the run.';
COMMENT ON COLUMN segment_run.entered IS 'Customers who became members.';
COMMENT ON COLUMN segment_run.departed IS 'Members who left the segmentation.';
COMMENT ON COLUMN segment_run.moved IS 'Members who changed segment.';
COMMENT ON COLUMN segment_run.updated IS 'Members whose figures or scores changed, but not their segment.';
COMMENT ON COLUMN segment_run.unchanged IS 'Members for whom nothing was written.';
COMMENT ON COLUMN segment_run.rows_read IS 'Rows the source yielded.';
COMMENT ON COLUMN segment_run.rows_used IS 'Rows that counted.';
COMMENT ON COLUMN segment_run.rows_skipped IS 'Rows skipped for a missing or infinite value.';
COMMENT ON COLUMN segment_run.counts IS 'How many rows were left out for which reason; see segment.run.';
COMMENT ON COLUMN segment_run.details IS 'Figures of the kind, see the table run.';
COMMENT ON COLUMN segment_run.steps IS 'What each step did: step, rows, ms (milliseconds).';
COMMENT ON COLUMN segment_run.started_at IS 'When it began.';
COMMENT ON COLUMN segment_run.finished_at IS 'When it ended; NULL: interrupted or unfinished.';
COMMENT ON COLUMN segment_run.duration IS 'How long it took.';
COMMENT ON COLUMN segment_run.error_code IS 'SQLSTATE of the error.';
COMMENT ON COLUMN segment_run.error IS 'Message of the error.';
COMMENT ON COLUMN segment_run.run_by IS 'Role that was logged in; NULL: interrupted or unfinished, not known.';

CREATE VIEW segment_migration WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, before.as_of AS from_as_of, s.refreshed_as_of AS to_as_of, m.*,
           NULL::text AS not_shown
    FROM segmentation AS s
    CROSS JOIN LATERAL (SELECT max(r.as_of) AS as_of FROM run AS r
                        WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                          AND r.as_of < s.refreshed_as_of AND NOT segment_internal.undone(r)
                          AND (r.as_of >= s.history_from OR s.history_from IS NULL)) AS before
    CROSS JOIN LATERAL segment_migration(s.name, before.as_of, s.refreshed_as_of) AS m
    WHERE before.as_of IS NOT NULL AND segment_internal.not_shown(s, with_history => true) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, segment_internal.not_shown(s, with_history => true)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => true) IS NOT NULL;
COMMENT ON VIEW segment_migration IS
$$What segment_migration(name, from_at, to_at) tells of the last two instants that every segmentation was refreshed
for.$$;
COMMENT ON COLUMN segment_migration.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_migration.from_as_of IS 'The earlier instant.';
COMMENT ON COLUMN segment_migration.to_as_of IS 'The later instant.';
COMMENT ON COLUMN segment_migration.from_segment IS 'Segment at the earlier instant; NULL: not a member.';
COMMENT ON COLUMN segment_migration.to_segment IS 'Segment at the later instant; NULL: no longer a member.';
COMMENT ON COLUMN segment_migration.customers IS 'Number of customers.';
COMMENT ON COLUMN segment_migration.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW segment_members WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, m.*, NULL::text AS not_shown
    FROM segmentation AS s CROSS JOIN LATERAL segment_members(s.name) AS m
    WHERE segment_internal.not_shown(s, with_history => false) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, segment_internal.not_shown(s, with_history => false)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => false) IS NOT NULL;
COMMENT ON VIEW segment_members IS
'The present segment of every customer in every segmentation, as segment_members(name) tells it.';
COMMENT ON COLUMN segment_members.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_members.customer IS 'Key of the customer as text.';
COMMENT ON COLUMN segment_members.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN segment_members.segment IS 'Name of the segment.';
COMMENT ON COLUMN segment_members.entered_at IS 'Since when.';
COMMENT ON COLUMN segment_members.reason IS
$$Why the customer entered it: new, model, orders or time (RFM), features (clusterings), facts, source or rules (rules),
decision or undecided (somebody decided so, and no longer).$$;
COMMENT ON COLUMN segment_members.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW customer_table WITH (security_invoker = true) AS
    SELECT t.relation, s.name AS segmentation, segment_internal.key_column(t.relation) AS key_column, t.what
    FROM segmentation AS s
    CROSS JOIN LATERAL (VALUES (s.members, 'members'), (s.history, 'history'), (s.decisions, 'decisions'),
                               (s.changes, 'changes'), (s.events, 'events'))
         AS t (relation, what)
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.relation);
COMMENT ON VIEW customer_table IS
$$Every table of the extension that holds keys of customers, of the segmentations that the current user sees:
what erasing, telling and merging of customers has to look at.$$;
COMMENT ON COLUMN customer_table.relation IS 'The table.';
COMMENT ON COLUMN customer_table.segmentation IS 'Name of the segmentation that it belongs to.';
COMMENT ON COLUMN customer_table.key_column IS 'The column with the key of the customer.';
COMMENT ON COLUMN customer_table.what IS '''members'', ''history'', ''decisions'', ''changes'' or ''events''.';

CREATE VIEW segment_events WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, e.*, NULL::text AS not_shown
    FROM segmentation AS s CROSS JOIN LATERAL segment_events(s.name) AS e
    WHERE segment_internal.not_shown(s, with_history => true) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, NULL, segment_internal.not_shown(s, with_history => true)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => true) IS NOT NULL;
COMMENT ON VIEW segment_events IS
'Every transition of every customer in every segmentation, as segment_events(name, since) tells it.';
COMMENT ON COLUMN segment_events.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_events.event_at IS 'as_of of the refresh that saw it.';
COMMENT ON COLUMN segment_events.customer IS 'Key of the customer as text.';
COMMENT ON COLUMN segment_events.event IS '''entered'', ''moved'' or ''departed''.';
COMMENT ON COLUMN segment_events.from_segment IS 'Segment before; NULL: none.';
COMMENT ON COLUMN segment_events.to_segment IS 'Segment after; NULL: none.';
COMMENT ON COLUMN segment_events.reason IS
$$Why: new, model, gone, orders or time (RFM), features (clusterings), facts, source or rules (rules),
decision or undecided (somebody decided so, and no longer).$$;
COMMENT ON COLUMN segment_events.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';

CREATE VIEW segmentation_status WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, s.kind, s.method, segment_internal.owner_of(s.members) AS owner,
           s.members::text AS members, s.history::text AS history, s.refreshed_as_of, s.model_version,
           r.outcome AS last_outcome, r.error AS last_error, r.started_at AS last_started_at,
           (SELECT u.started_at FROM segment_internal.unfinished_run(s) AS u) AS unfinished_since,
           segment_internal.not_shown(s, with_history => false) AS not_shown,
           segment_internal.not_shown(s, with_history => true) AS history_not_shown
    FROM segmentation AS s
    LEFT JOIN LATERAL (SELECT l.outcome, l.error, l.started_at FROM run AS l
                       WHERE l.segmentation = s.name ORDER BY l.run_id DESC LIMIT 1) AS r ON true;
COMMENT ON VIEW segmentation_status IS
$$How every segmentation is: whose, in which tables, when last refreshed and how that ended,
and whether the views show it to the current user.$$;
COMMENT ON COLUMN segmentation_status.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segmentation_status.kind IS 'Its kind: rfm, cluster or rules.';
COMMENT ON COLUMN segmentation_status.method IS
'Clusterings: the function that trains the model; NULL for other kinds.';
COMMENT ON COLUMN segmentation_status.owner IS 'Role that owns it, and its member table; NULL: the table is gone.';
COMMENT ON COLUMN segmentation_status.members IS 'Table of present members; a number: it is gone.';
COMMENT ON COLUMN segmentation_status.history IS 'Table of places that customers had before; a number: it is gone.';
COMMENT ON COLUMN segmentation_status.refreshed_as_of IS 'as_of of the last successful refresh.';
COMMENT ON COLUMN segmentation_status.model_version IS 'Version of the current model; NULL before the first training.';
COMMENT ON COLUMN segmentation_status.last_outcome IS 'How the last refresh in the log ended, see segment_run.';
COMMENT ON COLUMN segmentation_status.last_error IS 'Its error.';
COMMENT ON COLUMN segmentation_status.last_started_at IS 'When it began.';
COMMENT ON COLUMN segmentation_status.unfinished_since IS
$$For the owner: when a refresh began of which nothing more is known: it is running, or was cancelled,
lost in a crash or rolled back; the next refresh logs it.
NULL: none.$$;
COMMENT ON COLUMN segmentation_status.not_shown IS
'Why the members are not shown to the current user by views and functions; NULL: they are.';
COMMENT ON COLUMN segmentation_status.history_not_shown IS
'Why movements are not shown to the current user; NULL: they are.';
