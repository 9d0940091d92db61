-- ---- the catalogue: segmentations, their segments, models and runs ----

CREATE TABLE segmentation (
    name text PRIMARY KEY CHECK (name <> ''),
    members regclass NOT NULL UNIQUE,
    history regclass NOT NULL UNIQUE,
    decisions regclass UNIQUE,
    changes regclass UNIQUE,
    events regclass UNIQUE,
    last_event_id bigint NOT NULL DEFAULT 0,
    kind text NOT NULL,
    method text,
    source text NOT NULL,
    source_columns text[] NOT NULL,
    source_types text[] NOT NULL,
    customers text,
    features text[],
    feature_types text[],
    options jsonb NOT NULL DEFAULT '{}',
    time_zone text,
    search_path text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    retrain_every interval,
    max_departed double precision NOT NULL DEFAULT 0.5 CHECK (max_departed BETWEEN 0 AND 1),
    refresh_mode text NOT NULL DEFAULT 'manual' CHECK (refresh_mode IN ('manual', 'deferred', 'immediate')),
    watermark text,
    lateness interval,
    watermark_seen text,
    tracked_state text,
    max_age interval CHECK (max_age > '0'),
    model_version integer,
    rule_version integer,
    trained_as_of timestamptz,
    refreshed_as_of timestamptz,
    placed_by text,
    last_run_at timestamptz,
    history_from timestamptz,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    needs_approval boolean NOT NULL DEFAULT false,
    approval_waived_by name[],
    approval_waived_at timestamptz,
    CONSTRAINT approval_waived_by_two CHECK (approval_waived_by IS NULL OR (
        cardinality(approval_waived_by) = CASE WHEN needs_approval THEN 1 ELSE 2 END
        AND (approval_waived_by[1] <> approval_waived_by[2]) IS NOT FALSE)),
    CHECK (cardinality(source_columns) = cardinality(source_types)),
    CHECK (features IS NULL OR (cardinality(features) > 0 AND cardinality(features) = cardinality(feature_types)
           AND array_ndims(features) = 1 AND array_ndims(feature_types) = 1
           AND array_lower(features, 1) = 1 AND array_lower(feature_types, 1) = 1
           AND array_position(features, NULL) IS NULL) IS TRUE)
);
COMMENT ON TABLE segmentation IS
$$Segmentations: named, versioned divisions of customers.
A segmentation is its member table: owner, schema, and name,
type and collation of the customer key are those of that table, so what is renamed,
moved or given to another owner there is so here.$$;
COMMENT ON COLUMN segmentation.name IS 'Name of the segmentation, unique in the database.';
COMMENT ON COLUMN segmentation.members IS
'Table of present members; its owner owns the segmentation, its first column is the customer key.';
COMMENT ON COLUMN segmentation.history IS
'Table of places that customers had before; its first column is the customer key.';
COMMENT ON COLUMN segmentation.decisions IS
$$Table of decisions about single customers, see include_customer; its first column is the customer key.
NULL: none was ever made.$$;
COMMENT ON COLUMN segmentation.changes IS
$$Table of customers to look at, see track_source: its first column is the customer key, NULL for everybody,
due_at the first as_of of a refresh that looks.
NULL: the source is not tracked.$$;
COMMENT ON COLUMN segmentation.events IS
$$Table of events, one row a transition, see event_table; its first column is the customer key.
NULL: nobody asked for it, and none are written.$$;
COMMENT ON COLUMN segmentation.last_event_id IS 'The greatest event_id that was given to an event; 0: none yet.';
COMMENT ON COLUMN segmentation.kind IS 'Kind of segmentation: rfm, cluster or rules.';
COMMENT ON COLUMN segmentation.method IS
'Clusterings: the function that trains the model, for instance kmeans; NULL for other kinds.';
COMMENT ON COLUMN segmentation.source IS
$$Query that is read at each refresh.
rfm: the orders (customer, time, amount and optionally order id), or with the option summarised one row per customer;
value: the orders (customer, time, amount);
cluster: one row per customer, the key and the features by name.$$;
COMMENT ON COLUMN segmentation.source_columns IS
$$Columns of the source that are read, by name, in the order of their meaning,
as they were when the segmentation was created or accept_source was called; others may come and go.$$;
COMMENT ON COLUMN segmentation.source_types IS
'Their types; a refresh that finds another name or type fails and says so.';
COMMENT ON COLUMN segmentation.customers IS
$$Query that yields all customers, so that those without orders are members, too; NULL: only customers with orders.$$;
COMMENT ON COLUMN segmentation.features IS
'Clusterings: columns of the source that tell customers apart, in the model''s order; NULL for rfm.';
COMMENT ON COLUMN segmentation.feature_types IS 'Their types in the member table: double precision or text.';
COMMENT ON COLUMN segmentation.options IS
$$Options of source and model as given when the segmentation was created.
rfm: scheme, cuts, bins, thresholds, lookback, refunds, zero_amounts, summarised;
value: tiers, cuts, bands, horizon, discount, buying, tier_names, band_names;
cluster: those of the function of their method, k and others.$$;
COMMENT ON COLUMN segmentation.time_zone IS 'Time zone of calendar days, of the source as of retrain_every.';
COMMENT ON COLUMN segmentation.search_path IS
'search_path under which source and customers are run: that of the creator.';
COMMENT ON COLUMN segmentation.settings IS
$$Other settings that change what a source or a rule means, for instance DateStyle, as the creator's session had them;
source and rules are read and run under them.$$;
COMMENT ON COLUMN segmentation.retrain_every IS
$$How long a model is kept before a refresh trains anew, in calendar days of time_zone where it is of days or longer.
NULL: as the kind does by itself; rfm and value train at every refresh, clusterings at the first and when told to.$$;
COMMENT ON COLUMN segmentation.max_departed IS
$$The share of members that may depart in one refresh, 0 to 1;
a refresh that would lose more changes nothing and has the outcome refused.$$;
COMMENT ON COLUMN segmentation.refresh_mode IS
$$'manual': a refresh reads the whole source; 'deferred': it reads what changed since the last one, see track_source;
'immediate': who writes the source places the customers at once.$$;
COMMENT ON COLUMN segmentation.watermark IS
$$Column of the source that only grows for rows that are added or changed, by which a refresh finds them,
in place of triggers; NULL: none.$$;
COMMENT ON COLUMN segmentation.lateness IS
'How far below the greatest value seen a value of the watermark may still turn up; NULL: not at all.';
COMMENT ON COLUMN segmentation.watermark_seen IS
'The greatest value of the watermark that a refresh has seen, as text; NULL: none.';
COMMENT ON COLUMN segmentation.tracked_state IS
$$What the source, and the tables that are tracked, were when they were looked at last;
where they are another thing, the next refresh reads everything.
NULL: not tracked.$$;
COMMENT ON COLUMN segmentation.max_age IS
$$How old the newest row of the source, and a change that waits for a refresh, may be before segmentation_health
complains; NULL: as old as they like.$$;
COMMENT ON COLUMN segmentation.model_version IS 'Version of the current model; NULL before the first training.';
COMMENT ON COLUMN segmentation.rule_version IS
'Version of the rules in use; NULL: it is of another kind, or none of its versions is approved yet.';
COMMENT ON COLUMN segmentation.trained_as_of IS 'as_of of the last training.';
COMMENT ON COLUMN segmentation.refreshed_as_of IS 'as_of of the last successful refresh.';
COMMENT ON COLUMN segmentation.placed_by IS
$$What definition and model placed all customers, as a hash; of another definition everybody is placed anew,
see run.way.$$;
COMMENT ON COLUMN segmentation.last_run_at IS 'Start of the last refresh that ended, well or failed.';
COMMENT ON COLUMN segmentation.history_from IS
'The first instant that the history still tells of, see purge_history; NULL: all of it is there.';
COMMENT ON COLUMN segmentation.description IS 'What the segmentation is for.';
COMMENT ON COLUMN segmentation.created_at IS 'When the segmentation was created.';
COMMENT ON COLUMN segmentation.needs_approval IS
'Whether a version of its model, or of its rules, is used only once somebody else approved it, see require_approval.';
COMMENT ON COLUMN segmentation.approval_waived_by IS
$$Who asked that it need no approval any more, as logged in; of two of them the second one had his way.
NULL: nobody did, or somebody required it again since.$$;
COMMENT ON COLUMN segmentation.approval_waived_at IS 'When the last of them asked.';

CREATE TABLE segment (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    segment_id integer NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    origin text NOT NULL,
    description text,
    priority integer NOT NULL,
    customers bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    close_reason text,
    PRIMARY KEY (segmentation, segment_id)
);
CREATE UNIQUE INDEX segment_open_name ON segment (segmentation, name) WHERE closed_at IS NULL;
COMMENT ON TABLE segment IS 'Segments of all segmentations. An id is never used again.';
COMMENT ON COLUMN segment.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment.segment_id IS 'Id of the segment, stable over renaming and retraining.';
COMMENT ON COLUMN segment.name IS 'Name shown; see rename_segment.';
COMMENT ON COLUMN segment.origin IS 'Name the scheme or training gave; what retraining recognises the segment by.';
COMMENT ON COLUMN segment.description IS 'What the segment means, for people.';
COMMENT ON COLUMN segment.priority IS 'Order within the segmentation, first is highest.';
COMMENT ON COLUMN segment.customers IS
$$Number of members: the same as count(*) in the member table.
Of segmentations with refresh mode immediate as of the last refresh; segment_size has those of now.$$;
COMMENT ON COLUMN segment.opened_at IS 'as_of of the first refresh that knew the segment.';
COMMENT ON COLUMN segment.closed_at IS 'as_of of the refresh whose model no longer had it; NULL: open.';
COMMENT ON COLUMN segment.close_reason IS 'Why it was closed.';

-- no foreign key: it would lock the row of the segmentation for each writer
CREATE TABLE segment_shift (
    segmentation text NOT NULL,
    segment_id integer NOT NULL,
    customers bigint NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX segment_shift_segmentation ON segment_shift (segmentation, changed_at);
-- its rows have no key, and are deleted, also where a publication has all tables
ALTER TABLE segment_shift REPLICA IDENTITY FULL;
COMMENT ON TABLE segment_shift IS
$$How sizes of segments changed since the last refresh by writers who bring members up to date themselves
(refresh mode immediate): they add rows here side by side, the next refresh adds them to segment.customers.
segment_size has the sum.$$;
COMMENT ON COLUMN segment_shift.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_shift.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN segment_shift.customers IS 'By how many members it grew; 0: as many came as went.';
COMMENT ON COLUMN segment_shift.changed_at IS
'entered_at and left_at of these changes; what was after the last refresh is after that one, too.';

CREATE TABLE model (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    version integer NOT NULL,
    model segment_model NOT NULL,
    trained_as_of timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    training feature_set[],
    proposed_by name NOT NULL DEFAULT session_user,
    note text,
    approved_by name,
    approved_at timestamptz,
    PRIMARY KEY (segmentation, version),
    CONSTRAINT approver_is_not_proposer CHECK (approved_by <> proposed_by),
    CONSTRAINT approved_by_somebody CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);
COMMENT ON TABLE model IS
'Models of all segmentations, by version: those in use, that were, and that were proposed, see approve_model.';
COMMENT ON COLUMN model.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN model.version IS 'Version, from 1.';
COMMENT ON COLUMN model.model IS 'The model. Renaming a segment renames it in the current version.';
COMMENT ON COLUMN model.trained_as_of IS 'as_of of the refresh that trained it.';
COMMENT ON COLUMN model.created_at IS 'When it was written.';
COMMENT ON COLUMN model.training IS
$$What segment_drift compares with, of the members as of the training: the means of each segment, sizes,
each feature by itself, and distances to centres, see training_figures.
Bounded: some 32 kB a feature, and only of the current version; no customer key, and no two features of one customer
but as the means of a segment that has no other member.
NULL: of an earlier version, or of a segmentation that trains at every refresh.$$;
COMMENT ON COLUMN model.proposed_by IS 'Role that was logged in when it was trained or proposed.';
COMMENT ON COLUMN model.note IS 'Why, as whoever proposed it said.';
COMMENT ON COLUMN model.approved_by IS
'Role that was logged in and approved it, the last time that somebody did; NULL: nobody has.';
COMMENT ON COLUMN model.approved_at IS 'When.';

CREATE TABLE run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    as_of timestamptz,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text NOT NULL CHECK (outcome IN ('ok', 'empty', 'refused', 'failed', 'skipped', 'interrupted',
                                            'reset')),
    way text CHECK (way IN ('full', 'incremental')),
    way_reason text,
    model_version integer,
    trained boolean,
    customers bigint,
    entered bigint,
    departed bigint,
    moved bigint,
    updated bigint,
    unchanged bigint,
    rows_read bigint,
    rows_used bigint,
    rows_skipped bigint,
    counts jsonb,
    details jsonb,
    steps jsonb,
    sizes jsonb,
    error_code text,
    error text,
    run_by name DEFAULT session_user,
    CHECK (outcome = 'interrupted' OR (as_of IS NOT NULL AND finished_at IS NOT NULL AND run_by IS NOT NULL))
);
CREATE INDEX run_segmentation ON run (segmentation, run_id);
-- what segmentation_health compares sizes with: the last one of a day
CREATE INDEX run_instant ON run (segmentation, as_of, run_id) WHERE outcome IN ('ok', 'empty');
COMMENT ON TABLE run IS 'Log of refreshes, successful or not.';
COMMENT ON COLUMN run.run_id IS 'Number of the run.';
COMMENT ON COLUMN run.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN run.as_of IS 'The instant the run speaks of; NULL: interrupted, not known.';
COMMENT ON COLUMN run.started_at IS 'When it began.';
COMMENT ON COLUMN run.finished_at IS 'When it ended; NULL: interrupted.';
COMMENT ON COLUMN run.outcome IS
$$'ok'; 'empty': there was nothing to train with and no model to place anybody with, error says why;
'refused': nothing was changed, because more members would have departed than the segmentation allows,
or nearly all rows of the source would have been skipped, see error; 'failed': nothing was changed, see error;
'skipped': nothing was changed, because refresh_all_segmentations could not refresh what it uses, see error;
'interrupted': nothing was changed, and the run itself could not log it (cancelled, lost in a crash,
rolled back): the next one did;
'reset': no refresh, but reset_segmentation: as_of is the instant that it went back to, entered, departed and moved
tell whose places it changed, and model, rows, counts and details are those of the refresh whose state it brought
back.$$;
COMMENT ON COLUMN run.way IS
$$'full': the whole source was read; 'incremental': only the customers who may have changed were looked at;
NULL: nothing was read.$$;
COMMENT ON COLUMN run.way_reason IS 'Why it went that way.';
COMMENT ON COLUMN run.model_version IS 'Version of the model that placed the customers.';
COMMENT ON COLUMN run.trained IS 'Whether the run trained a model.';
COMMENT ON COLUMN run.customers IS 'Members after the run.';
COMMENT ON COLUMN run.entered IS 'Customers who became members.';
COMMENT ON COLUMN run.departed IS 'Members who left the segmentation.';
COMMENT ON COLUMN run.moved IS 'Members who changed segment.';
COMMENT ON COLUMN run.updated IS 'Members whose figures or scores changed, but not their segment.';
COMMENT ON COLUMN run.unchanged IS 'Members for whom nothing was written.';
COMMENT ON COLUMN run.rows_read IS 'Rows the source yielded.';
COMMENT ON COLUMN run.rows_used IS 'Rows that counted.';
COMMENT ON COLUMN run.rows_skipped IS 'Rows skipped for a missing or infinite value.';
COMMENT ON COLUMN run.counts IS
$$How many rows were left out for which reason.
Where people decided: included, customers whom a decision puts into a segment, and excluded,
whom one keeps out of where the kind would have put them.
only_customers: the run looked at that many customers, and no others.
rfm, value: see rfm_summary_counts(); cluster: rows_read, rows_used, null_customer (no key), not_placed
(a feature is missing).$$;
COMMENT ON COLUMN run.details IS
$$Figures of the kind: rfm, value: newest_order_at; cluster: warm_start,
whether training started from the centroids of the model before, and fresh_gain,
the share by which one start afresh ended with less inertia (0 where with more).$$;
COMMENT ON COLUMN run.steps IS
$$What each step of the refresh did, in order: step (its name, or the first word of a statement that writes), rows,
ms (milliseconds); see refresh_steps.$$;
COMMENT ON COLUMN run.sizes IS
'Members of each segment after the run, by segment_id; NULL: nothing was changed, or there are no segments.';
COMMENT ON COLUMN run.error_code IS 'SQLSTATE of the error.';
COMMENT ON COLUMN run.error IS 'Message of the error.';
COMMENT ON COLUMN run.run_by IS 'Role that was logged in; NULL: interrupted, not known.';

CREATE TABLE tracked_table (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    relation regclass NOT NULL,
    key_columns name[] NOT NULL,
    PRIMARY KEY (segmentation, relation)
);
CREATE INDEX tracked_table_relation ON tracked_table (relation);
COMMENT ON TABLE tracked_table IS
$$Tables whose changes are kept for a segmentation, partitions and children by themselves; see track_source.$$;
COMMENT ON COLUMN tracked_table.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN tracked_table.relation IS 'The table.';
COMMENT ON COLUMN tracked_table.key_columns IS
'Its columns with customer keys; none: every change of the table concerns all customers.';

CREATE FUNCTION segment_internal.undone(r run) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM run AS b
               WHERE b.segmentation = r.segmentation AND b.run_id > r.run_id AND b.outcome = 'reset'
                 AND b.as_of < r.as_of);
COMMENT ON FUNCTION segment_internal.undone(run) IS
'Whether a later reset_segmentation took back what a run did.';

-- Config tables: their rows are part of a dump, names and SQL text, never OIDs.
SELECT pg_catalog.pg_extension_config_dump('segmentation', '');
SELECT pg_catalog.pg_extension_config_dump('segment', '');
SELECT pg_catalog.pg_extension_config_dump('segment_shift', '');
SELECT pg_catalog.pg_extension_config_dump('model', '');
SELECT pg_catalog.pg_extension_config_dump('run', '');
SELECT pg_catalog.pg_extension_config_dump('run_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tracked_table', '');
COMMENT ON SEQUENCE run_run_id_seq IS 'Numbers of runs.';
