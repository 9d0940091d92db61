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
cluster: those of the function of their method, k and others.$$;
COMMENT ON COLUMN segmentation.time_zone IS 'Time zone of calendar days, of the source as of retrain_every.';
COMMENT ON COLUMN segmentation.search_path IS
'search_path under which source and customers are run: that of the creator.';
COMMENT ON COLUMN segmentation.settings IS
$$Other settings that change what a source or a rule means, for instance DateStyle, as the creator's session had them;
source and rules are read and run under them.$$;
COMMENT ON COLUMN segmentation.retrain_every IS
$$How long a model is kept before a refresh trains anew, in calendar days of time_zone where it is of days or longer.
NULL: as the kind does by itself; rfm trains at every refresh, clusterings at the first and when told to.$$;
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
rfm: see rfm_summary_counts(); cluster: rows_read, rows_used, null_customer (no key), not_placed
(a feature is missing).$$;
COMMENT ON COLUMN run.details IS
$$Figures of the kind: rfm: newest_order_at; cluster: warm_start,
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

-- ---- who sees and changes what ----

CREATE FUNCTION segment_internal.acts_as(owner name) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                   WHERE r.rolname = acts_as.owner AND pg_catalog.pg_has_role(r.oid, 'USAGE'));
END;
$$;
COMMENT ON FUNCTION segment_internal.acts_as(name) IS
'Whether the current user has the rights of a role; false when there is no such role.';

CREATE FUNCTION segment_internal.may_read(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_catalog.pg_class AS c
               WHERE c.oid = relation
                 AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
                 AND pg_catalog.has_table_privilege(c.oid, 'SELECT'));
COMMENT ON FUNCTION segment_internal.may_read(regclass) IS
'Whether the current user may read a table; false when there is none.';

CREATE FUNCTION segment_internal.owner_of(members regclass) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c WHERE c.oid = members);
END;
$$;
COMMENT ON FUNCTION segment_internal.owner_of(regclass) IS
'The owner of a segmentation, who is that of its member table; NULL when the table is gone.';

CREATE FUNCTION segment_internal.owns(members regclass) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = members)
                THEN segment_internal.acts_as(segment_internal.owner_of(members))
                -- what is left of a segmentation whose table somebody dropped
                ELSE (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.owns(regclass) IS
$$Whether the current user has the rights of the owner of a segmentation, given its member table.
Of one whose table is gone a superuser has them.$$;

-- A segmentation, and all that hangs on it, is visible to its owner and to whoever may
-- read its members.  Nobody has the right to write: see change_catalogue.
ALTER TABLE segmentation ENABLE ROW LEVEL SECURITY;
ALTER TABLE segment ENABLE ROW LEVEL SECURITY;
ALTER TABLE segment_shift ENABLE ROW LEVEL SECURITY;
ALTER TABLE model ENABLE ROW LEVEL SECURITY;
ALTER TABLE run ENABLE ROW LEVEL SECURITY;
ALTER TABLE rfm_scheme ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracked_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON segmentation FOR SELECT USING (segment_internal.may_read(members));
CREATE POLICY owner ON segmentation FOR SELECT USING (segment_internal.owns(members));
CREATE POLICY reader ON segment FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON segment_shift FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON model FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON run FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON tracked_table FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON rfm_scheme FOR SELECT USING (true);
COMMENT ON POLICY reader ON segmentation IS 'Who may read the members sees the segmentation.';
COMMENT ON POLICY owner ON segmentation IS 'The owner sees it, too.';
COMMENT ON POLICY reader ON segment IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON segment_shift IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON model IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON run IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON tracked_table IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON rfm_scheme IS 'Schemes are for all.';

CREATE FUNCTION segment_internal.run_as_owner(owner name, command text, VARIADIC arguments text[] DEFAULT '{}')
    RETURNS text
    AS 'MODULE_PATHNAME', 'segment_run_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.run_as_owner(name, text, VARIADIC text[]) IS
$body$Runs a command with the rights of a role that the current user may act as,
in a security-restricted operation as REFRESH MATERIALIZED VIEW does,
and returns the first column of its first row as text.
arguments: what the command calls $1, $2, ..., of type text.
So a superuser's refresh runs an owner's SQL with the owner's rights.
Settings changed by the command end with it.
Errors: undefined_object when there is no such role,
insufficient_privilege when the current user may not act as it.$body$;

CREATE FUNCTION segment_internal.rows_as_owner(owner name, command text, VARIADIC arguments text[] DEFAULT '{}')
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rows_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION segment_internal.rows_as_owner(name, text, VARIADIC text[]) IS
$$As run_as_owner, but returns all rows of the command, whose columns a column definition list names.
Errors: as there, and datatype_mismatch where the command returns other columns.$$;

CREATE FUNCTION segment_internal.instant(at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.isfinite(at)
            THEN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00" BC') ELSE at::text END;
COMMENT ON FUNCTION segment_internal.instant(timestamptz) IS
$$An instant as text that reads back as the same instant under any DateStyle and TimeZone, for our statements;
'SQL' and 'Postgres' write zones as abbreviations, which may mean another zone: IST is Israel's.
NULL for NULL.$$;

-- ---- Citus, which is used where it is and never required ----

CREATE FUNCTION segment_internal.has_citus() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'citus');
COMMENT ON FUNCTION segment_internal.has_citus() IS 'Whether the extension citus is in the database.';

CREATE FUNCTION segment_internal.distribution_column(relation regclass) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result name;
BEGIN
    IF segment_internal.has_citus() THEN
        EXECUTE 'SELECT column_to_column_name(d.logicalrelid, d.partkey) FROM pg_dist_partition AS d'
                ' WHERE d.logicalrelid = $1 AND d.partmethod = ''h''' INTO result USING relation;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.distribution_column(regclass) IS
'The column that Citus distributes a table by; NULL: it does not, or there is no Citus.';

CREATE FUNCTION segment_internal.on_worker() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result boolean := false;
BEGIN
    IF segment_internal.has_citus() THEN
        EXECUTE 'SELECT bool_or(g.groupid <> 0) FROM pg_dist_local_group AS g' INTO result;
    END IF;
    RETURN coalesce(result, false);
END;
$$;
COMMENT ON FUNCTION segment_internal.on_worker() IS
'Whether this is a worker of Citus, where the catalogue of segmentations is empty: it is on the coordinator.';

CREATE FUNCTION segment_internal.nearest_name(name text, names text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- names that share most of their pairs of letters (Dice's coefficient), as a slip of the finger does
    SELECT n.name
    FROM unnest(names) AS n (name) CROSS JOIN LATERAL (
        SELECT 2.0 * count(*) FILTER (WHERE p.wanted AND p.there)
               / nullif(count(*) + count(*) FILTER (WHERE p.wanted AND p.there), 0) AS likeness
        FROM (SELECT bool_or(a.wanted) AS wanted, bool_or(NOT a.wanted) AS there
              FROM (SELECT substr(lower(nearest_name.name), i, 2) AS pair, true AS wanted
                    FROM generate_series(1, length(nearest_name.name) - 1) AS i
                    UNION SELECT substr(lower(n.name), i, 2), false
                    FROM generate_series(1, length(n.name) - 1) AS i) AS a
              GROUP BY a.pair) AS p) AS l
    WHERE l.likeness > 0.5 ORDER BY l.likeness DESC, n.name LIMIT 1;
END;
COMMENT ON FUNCTION segment_internal.nearest_name(text, text[]) IS
'The name of a list that is most like a given one; NULL: none is like it.';

CREATE FUNCTION segment_internal.nearest_name_hint(name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(
    'Perhaps you meant "' || segment_internal.nearest_name(name, ARRAY(SELECT s.name FROM segmentation AS s)) || '".',
    'create_rfm_segmentation(), create_cluster_segmentation() and create_rule_segmentation() create one; '
    || 'those of others are visible to whoever may read their member tables.');
COMMENT ON FUNCTION segment_internal.nearest_name_hint(text) IS
'The hint for an unknown name of a segmentation: the visible one whose name is most alike, or how to create one.';

CREATE FUNCTION segment_internal.segmentation_row(name text) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row segment.segmentation;
BEGIN
    SELECT * INTO found_row FROM segment.segmentation AS s WHERE s.name = segmentation_row.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segmentation "%" does not exist', coalesce(name, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = CASE WHEN segment_internal.on_worker() THEN
                      format(
                          'This is a worker, and segmentations are known to the coordinator. There, give a query over '
                          'distributed tables the model as a value: assign_segment((SELECT get_model(%L)), ...).', name)
                      ELSE segment_internal.nearest_name_hint(name) END;
    END IF;
    RETURN found_row;
END;
$$;
COMMENT ON FUNCTION segment_internal.segmentation_row(text) IS
$$A segmentation by name.
Error (undefined_object) when there is none that the current user may see.$$;

CREATE FUNCTION segment_internal.kept_instant(at timestamptz, name text, history_from timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF at < history_from THEN
        RAISE EXCEPTION 'the history of segmentation "%" begins at %, and % lies before', name, history_from, at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'What was before has been removed by purge_history().';
    END IF;
    RETURN at;
END;
$$;
COMMENT ON FUNCTION segment_internal.kept_instant(timestamptz, text, timestamptz) IS
$$An instant that a history is asked about, or the error (object_not_in_prerequisite_state) that it lies before
history_from, where that history begins; NULL: NULL.$$;

-- ---- models of segmentations ----

CREATE FUNCTION get_model(segmentation text, version integer DEFAULT NULL) RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    found_model segment.segment_model;
BEGIN
    IF version IS NULL AND s.model_version IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no model yet', segmentation
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'The first refresh_segmentation() trains one.';
    END IF;
    SELECT m.model INTO found_model FROM segment.model AS m
    WHERE m.segmentation = s.name AND m.version = coalesce(get_model.version, s.model_version);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segmentation "%" has no model of version %', segmentation, version
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.model lists the versions.';
    END IF;
    RETURN found_model;
END;
$$;
COMMENT ON FUNCTION get_model(text, integer) IS
$$The current model of a segmentation, or the model of a version.
Errors: undefined_object for an unknown segmentation or version,
object_not_in_prerequisite_state before the first refresh.$$;

CREATE FUNCTION segment_internal.equality_operator(type regtype) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_equality_operator' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.equality_operator(regtype) IS
$$The equality operator of a type's default operator class, as OPERATOR(schema.name): what our statements compare
customer keys with, whatever the search_path has.
Error (undefined_function) when there is none.$$;

-- ---- what the member table says of the customer key ----

CREATE FUNCTION segment_internal.key_column(relation regclass) RETURNS name
    AS 'MODULE_PATHNAME', 'segment_key_column' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.key_column(regclass) IS
'The name of the customer key in a member or history table: the first column, whatever it is called now.';

CREATE FUNCTION segment_internal.key_type(members regclass) RETURNS regtype
    AS 'MODULE_PATHNAME', 'segment_key_type' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.key_type(regclass) IS 'The type of the customer key, as the member table has it.';

CREATE FUNCTION segment_internal.collate_clause(relation regclass) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT format(' COLLATE %I.%I', n.nspname, k.collname)
                     FROM pg_catalog.pg_attribute AS a
                     JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
                     JOIN pg_catalog.pg_collation AS k ON k.oid = a.attcollation
                     JOIN pg_catalog.pg_namespace AS n ON n.oid = k.collnamespace
                     WHERE a.attrelid = relation AND a.attnum = 1 AND a.attcollation <> t.typcollation), '');
END;
$$;
COMMENT ON FUNCTION segment_internal.collate_clause(regclass) IS
'COLLATE with the collation of the customer key of a member table; empty where it is that of the type.';
