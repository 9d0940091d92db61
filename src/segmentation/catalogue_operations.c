/*
 * catalogue_operations.c: what can be done to the catalogue: the operations of change_catalogue,
 * each with the right that it takes, its arguments and its statements.
 *
 * What they have to keep to: catalogue.c.
 */
#include "segmentation/catalogue_operations.h"

/*
 * Statements that operations share.  at: when, an expression; the present model of
 * segmentation $1 is m, the rules in use are those in its options.
 */
#define CLOSE_SEGMENTS_NOT_IN_MODEL(at, reason) \
	"UPDATE segment.segment AS g SET closed_at = " at ", close_reason = '" reason "' " \
	"FROM segment.segmentation AS s JOIN segment.model AS m" \
	"    ON m.segmentation = s.name AND m.version = s.model_version " \
	"WHERE s.name = $1 AND g.segmentation = $1 AND g.closed_at IS NULL" \
	"  AND NOT EXISTS (SELECT FROM segment.segments(m.model) AS n WHERE n.segment_id = g.segment_id)"

/* names stay; one whose name another has by now gets its id behind it */
#define OPEN_SEGMENTS_OF_MODEL(at) \
	"UPDATE segment.segment AS g SET closed_at = NULL, close_reason = NULL, priority = n.ordinality," \
	"    opened_at = CASE WHEN g.close_reason = " PROPOSED " THEN " at " ELSE g.opened_at END," \
	"    name = CASE WHEN g.closed_at IS NOT NULL" \
	"                 AND EXISTS (SELECT FROM segment.segment AS o" \
	"                             WHERE o.segmentation = $1 AND o.closed_at IS NULL" \
	"                               AND o.name = g.name)" \
	"                THEN format('%s (%s)', g.name, g.segment_id) ELSE g.name END " \
	"FROM segment.segmentation AS s JOIN segment.model AS m" \
	"    ON m.segmentation = s.name AND m.version = s.model_version," \
	"    segment.segments(m.model) WITH ORDINALITY AS n " \
	"WHERE s.name = $1 AND g.segmentation = $1 AND n.segment_id = g.segment_id" \
	"  AND (g.closed_at IS NOT NULL OR g.priority <> n.ordinality)"

#define NAME_SEGMENTS_IN_MODEL \
	"UPDATE segment.model AS m SET model = (jsonb_set(m.model::jsonb, '{segments}', (" \
	"    SELECT jsonb_agg(e.one || jsonb_build_object('name', g.name) ORDER BY e.n)" \
	"    FROM jsonb_array_elements(m.model::jsonb -> 'segments') WITH ORDINALITY AS e (one, n)" \
	"    JOIN segment.segment AS g" \
	"        ON g.segmentation = $1 AND g.segment_id = (e.one ->> 'id')::int4" \
	"    )))::text::segment.segment_model " \
	"FROM segment.segmentation AS s " \
	"WHERE s.name = $1 AND m.segmentation = $1 AND m.version = s.model_version" \
	"  AND EXISTS (SELECT FROM segment.segments(m.model) AS n JOIN segment.segment AS g" \
	"                  ON g.segmentation = $1 AND g.segment_id = n.segment_id" \
	"              WHERE g.name <> n.segment)"

/* why a segment is closed that no version in use has had yet: its id is taken, though */
#define PROPOSED "'it is proposed, and not approved yet'"

const Operation segment_catalogue_operations[] = {
	/* name: waits for others who change the segmentation; 1, NULL: it was dropped meanwhile */
	{"lock", OF_SEGMENTATION, {"text"}, {
	"SELECT 1::bigint FROM segment.segmentation AS g WHERE g.name = $1 FOR NO KEY UPDATE"
	}},

	/* name: the same without waiting; NULL: somebody else has it */
	{"try_lock", OF_SEGMENTATION, {"text"}, {
	"SELECT 1::bigint FROM segment.segmentation AS g WHERE g.name = $1"
	" FOR NO KEY UPDATE SKIP LOCKED"
	}},

	/* name, how many: ids that events were given; the last one */
	{"take_event_ids", OF_SEGMENTATION, {"text", "int8"}, {
	"UPDATE segment.segmentation AS g SET last_event_id = g.last_event_id + $2 "
	"WHERE g.name = $1 AND $2 > 0 RETURNING g.last_event_id"
	}},

	/*
	 * consumer, segmentation, whether what happened so far is passed over; 1, NULL: the
	 * caller may not read its events
	 */
	{"create_event_consumer", OF_ANYBODY, {"text", "text", "bool"}, {
	"INSERT INTO segment.event_consumer (consumer, segmentation, owner, acknowledged) "
	"SELECT $1, g.name, quote_ident($4)::regrole, CASE WHEN $3 THEN g.last_event_id ELSE 0 END "
	"FROM segment.segmentation AS g "
	"WHERE g.name = $2 AND segment_internal.seen_by($4, g.name)"
	"  AND has_table_privilege($4, g.events, 'SELECT') RETURNING 1::bigint"
	}},

	/* consumer, event_id: how far it has come now; NULL: no such event was ever numbered */
	{"acknowledge_events", OF_CONSUMER, {"text", "int8"}, {
	"UPDATE segment.event_consumer AS c SET acknowledged = greatest(c.acknowledged, $2),"
	"    acknowledged_at = clock_timestamp() "
	"FROM segment.segmentation AS g "
	"WHERE c.consumer = $1 AND g.name = c.segmentation AND $2 <= g.last_event_id "
	"RETURNING c.acknowledged"
	}},

	/* consumer */
	{"drop_event_consumer", OF_CONSUMED, {"text"}, {
	"DELETE FROM segment.event_consumer AS c WHERE c.consumer = $1 RETURNING 1::bigint"
	}},

	/* a new row, of which state and times are set here; 1, NULL: there is no such kind */
	{"create_segmentation", OF_TABLES, {"segment.segmentation"}, {
	"INSERT INTO segment.segmentation (name, members, history, kind, method, source,"
	"    source_columns, source_types, customers, features, feature_types, options, time_zone,"
	"    search_path, settings, retrain_every, max_departed, description) "
	"SELECT ($1).name, ($1).members, ($1).history, k.kind, ($1).method, ($1).source,"
	"    ($1).source_columns, ($1).source_types, ($1).customers, ($1).features, ($1).feature_types,"
	"    coalesce(($1).options, '{}'), ($1).time_zone, ($1).search_path,"
	"    coalesce(($1).settings, '{}'), ($1).retrain_every,"
	"    coalesce(($1).max_departed, 0.5), ($1).description "
	"FROM segment_internal.kind AS k WHERE k.kind = ($1).kind "
	"RETURNING 1::bigint"
	}},

	/*
	 * name, column of such tables, table; NULL: it has none any more.  NULL: there is no
	 * such column, or the table is not the owner's own
	 */
	{"keep_table", OF_SEGMENTATION, {"text", "text", "regclass"}, {
	"UPDATE segment.segmentation AS g "
	"SET decisions = CASE $2 WHEN 'decisions' THEN $3 ELSE g.decisions END,"
	"    events = CASE $2 WHEN 'events' THEN $3 ELSE g.events END,"
	"    changes = CASE $2 WHEN 'changes' THEN $3 ELSE g.changes END "
	"WHERE g.name = $1 AND $2 IN ('decisions', 'events', 'changes')"
	"  AND ($3 IS NULL OR EXISTS (SELECT FROM pg_class AS d, pg_class AS m"
	"                             WHERE d.oid = $3 AND m.oid = g.members AND d.relowner = m.relowner"
	"                               AND d.relkind = 'r' AND d.oid >= 16384"
	"                               AND d.oid NOT IN (g.members, g.history))) "
	"RETURNING 1::bigint"
	}},

	/*
	 * name, refresh_mode, watermark, lateness, tracked tables in place of those there are:
	 * [{"relation": oid, "key_columns": [name, ...]}, ...], and what they and the source were
	 * then, see source_state.  What was seen of another watermark is forgotten.
	 */
	{"track_tables", OF_SEGMENTATION, {"text", "text", "text", "interval", "jsonb", "text"}, {
	"DELETE FROM segment.tracked_table AS t WHERE t.segmentation = $1",

	"INSERT INTO segment.tracked_table (segmentation, relation, key_columns) "
	"SELECT $1, (t.one ->> 'relation')::oid,"
	"    ARRAY(SELECT c.one::name FROM jsonb_array_elements_text(t.one -> 'key_columns')"
	"          WITH ORDINALITY AS c (one, n) ORDER BY c.n) "
	"FROM jsonb_array_elements($5) AS t (one)",

	"UPDATE segment.segmentation AS g SET refresh_mode = $2, watermark = $3, lateness = $4,"
	"    watermark_seen = CASE WHEN g.watermark = $3 THEN g.watermark_seen END, tracked_state = $6 "
	"WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* table of the caller's: how many segmentations track it */
	{"count_trackers", OF_TABLE, {"regclass"}, {
	"SELECT count(*) FROM segment.tracked_table AS t WHERE t.relation = $1"
	}},

	/* name, the greatest value of the watermark that was seen, as text */
	{"watermark_seen", OF_SEGMENTATION, {"text", "text"}, {
	"UPDATE segment.segmentation AS g SET watermark_seen = $2 "
	"WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* name; rows of other tables go with it; an error while rules of others use it */
	{"drop_segmentation", OF_SEGMENTATION, {"text"}, {
	/* waits for those who begin to use it */
	"SELECT 1::bigint FROM segment.segmentation AS g WHERE g.name = $1 FOR UPDATE",

	"SELECT segment_internal.refuse_while_used($1, NULL, 'dropped',"
	"    'cascade => true drops the rules that use it, too.', $2)",

	"DELETE FROM segment.segmentation_use AS u WHERE u.uses = $1 AND u.how = 'source'",

	"DELETE FROM segment.segment_shift AS d WHERE d.segmentation = $1",

	"DELETE FROM segment.segmentation AS g WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* name, columns, types of the source */
	{"bind_source", OF_SEGMENTATION, {"text", "text[]", "text[]"}, {
	"UPDATE segment.segmentation AS g SET source_columns = $2, source_types = $3 "
	"WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* name, options, retrain_every, max_departed, description, max_age (0: none); NULL: as they are */
	{"alter_segmentation", OF_SEGMENTATION,
	{"text", "jsonb", "interval", "float8", "text", "interval"}, {
	"UPDATE segment.segmentation AS g SET options = coalesce($2, g.options),"
	"    retrain_every = coalesce($3, g.retrain_every),"
	"    max_departed = coalesce($4, g.max_departed),"
	"    description = coalesce($5, g.description),"
	"    max_age = nullif(coalesce($6, g.max_age), '0') "
	"WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* name, start: marks that a refresh has begun */
	{"begin_run", OF_SEGMENTATION, {"text", "timestamptz"}, {
	"UPDATE segment.segmentation AS g SET last_run_at = least($2, clock_timestamp()) "
	"WHERE g.name = $1 RETURNING 1::bigint"
	}},

	/* name, start, number of lost ones before it: a run that the next one found lost; its run_id */
	{"interrupted_run", OF_SEGMENTATION, {"text", "timestamptz", "int8"}, {
	"INSERT INTO segment.run AS r (segmentation, started_at, outcome, error, run_by) "
	"VALUES ($1, least($2, clock_timestamp()), 'interrupted',"
	"    'the refresh did not end: it was cancelled, terminated or rolled back, or the server'"
	"    || ' went down'"
	" || CASE WHEN $3 > 0 THEN format('; so did %s before it', $3) ELSE '' END, NULL) "
	"RETURNING segment_internal.tell_failure(r)"
	}},

	/*
	 * name, as_of, whether a model was trained; entered, departed, moved, updated; rows
	 * read, used, skipped; counts, details, steps; why nobody could be placed (NULL: ok);
	 * way, its reason, what placed all (NULL: as before).
	 * The run_id; NULL: no refresh has begun that is not logged, or as_of goes backwards.
	 */
	{"finish_run", OF_SEGMENTATION,
	{"text", "timestamptz", "bool", "int8", "int8", "int8", "int8", "int8", "int8", "int8",
	"jsonb", "jsonb", "jsonb", "text", "text", "text", "text"}, {
	"WITH s AS ("
	"    UPDATE segment.segmentation AS g SET refreshed_as_of = $2,"
	"        trained_as_of = CASE WHEN $3 THEN $2 ELSE g.trained_as_of END,"
	"        placed_by = coalesce($17, g.placed_by)"
	"    WHERE g.name = $1 AND isfinite($2)"
	"      AND (g.refreshed_as_of <= $2 OR g.refreshed_as_of IS NULL)"
	"      AND g.last_run_at IS DISTINCT FROM (SELECT r.started_at FROM segment.run AS r"
	"           WHERE r.segmentation = g.name ORDER BY r.run_id DESC LIMIT 1)"
	"    RETURNING g.name, g.last_run_at, g.model_version) "
	"INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, way,"
	"    way_reason, model_version, trained, customers, entered, departed, moved, updated,"
	"    unchanged, rows_read, rows_used, rows_skipped, counts, details, steps, error,"
	"    sizes) "
	"SELECT s.name, $2, s.last_run_at, clock_timestamp(),"
	"    CASE WHEN $14 IS NULL THEN 'ok' ELSE 'empty' END, $15, $16,"
	"    s.model_version, $3, n.customers, $4, $5, $6, $7, n.customers - $4 - $6 - $7, $8, $9, $10,"
	"    $11, $12, $13, $14, n.sizes "
	"FROM s, (SELECT coalesce(sum(g.customers), 0)::bigint AS customers,"
	"         jsonb_object_agg(g.segment_id, g.customers)"
	"             FILTER (WHERE g.closed_at IS NULL OR g.customers > 0) AS sizes"
	"         FROM segment.segment AS g WHERE g.segmentation = $1) AS n "
	"RETURNING run_id"
	}},

	/* name, as_of, start, SQLSTATE, message: a run that changed nothing; its run_id */
	{"fail_run", OF_SEGMENTATION, {"text", "timestamptz", "timestamptz", "text", "text"}, {
	"INSERT INTO segment.run AS r (segmentation, as_of, started_at, finished_at, outcome, error_code,"
	"    error) "
	"VALUES ($1, coalesce($2, clock_timestamp()),"
	"    least(greatest($3, transaction_timestamp()), clock_timestamp()), clock_timestamp(),"
	"    CASE $4 WHEN 'SR001' THEN 'refused' WHEN 'SR002' THEN 'skipped' ELSE 'failed' END, $4, $5) "
	"RETURNING segment_internal.tell_failure(r)"
	}},

	/*
	 * name, model, as_of, note: the next version, which is not in use yet; its segments that
	 * are new take their ids, and are closed.  The version
	 */
	{"propose_model", OF_SEGMENTATION, {"text", "segment.segment_model", "timestamptz", "text"}, {
	"INSERT INTO segment.model (segmentation, version, model, trained_as_of, note) "
	"SELECT $1, coalesce(max(m.version), 0) + 1, $2, $3, $4 "
	"FROM segment.model AS m WHERE m.segmentation = $1",

	"INSERT INTO segment.segment (segmentation, segment_id, name, origin, priority, opened_at,"
	"    closed_at, close_reason) "
	"SELECT $1, g.segment_id, g.segment, g.origin, g.ordinality, $3, $3, " PROPOSED " "
	"FROM segment.segments($2) WITH ORDINALITY AS g "
	"ON CONFLICT (segmentation, segment_id) DO NOTHING",

	"SELECT max(m.version)::bigint FROM segment.model AS m WHERE m.segmentation = $1"
	}},

	/*
	 * name, version, instant (NULL: now): the model in use, with segments opened and closed
	 * as it has them.  The version; NULL: there is none.  Here and in "reset" a model comes
	 * into use, as rules do in "use_rules", and the trigger check_approval looks at it.
	 */
	{"use_model", OF_SEGMENTATION, {"text", "int4", "timestamptz"}, {
	"UPDATE segment.segmentation AS g SET model_version = m.version, trained_as_of = m.trained_as_of "
	"FROM segment.model AS m WHERE g.name = $1 AND m.segmentation = $1 AND m.version = $2",

	CLOSE_SEGMENTS_NOT_IN_MODEL("coalesce($3, clock_timestamp())", "the model has it no longer"),

	OPEN_SEGMENTS_OF_MODEL("coalesce($3, clock_timestamp())"),

	NAME_SEGMENTS_IN_MODEL,

	"SELECT g.model_version::bigint FROM segment.segmentation AS g "
	"WHERE g.name = $1 AND g.model_version = $2"
	}},

	/*
	 * name, version of its model or rules: the login approves it.  1, NULL: there is none.
	 * An error where the login has proposed it.
	 */
	{"approve", OF_SEGMENTATION_IN_PERSON, {"text", "int4"}, {
	"UPDATE segment.model AS m SET approved_by = session_user, approved_at = clock_timestamp() "
	"WHERE m.segmentation = $1 AND m.version = $2",

	"UPDATE segment.rule_version AS v SET approved_by = session_user, approved_at = clock_timestamp() "
	"WHERE v.segmentation = $1 AND v.version = $2",

	"SELECT 1::bigint FROM segment.segmentation AS g WHERE g.name = $1"
	"  AND (EXISTS (SELECT FROM segment.model AS m WHERE m.segmentation = $1 AND m.version = $2)"
	"       OR EXISTS (SELECT FROM segment.rule_version AS v"
	"                  WHERE v.segmentation = $1 AND v.version = $2))"
	}},

	/*
	 * name, whether it needs approval: from now on; that it needs none any more takes two
	 * logins that ask for it.  1: it needs it now, 0: it does not.  The first rules of a
	 * segmentation that was never refreshed go out of use until they are approved.
	 */
	{"require_approval", OF_SEGMENTATION_IN_PERSON, {"text", "bool"}, {
	"UPDATE segment.segmentation AS g SET needs_approval = true, approval_waived_by = NULL,"
	"    approval_waived_at = NULL,"
	"    rule_version = CASE WHEN g.refreshed_as_of IS NOT NULL"
	"        OR (SELECT v.approved_at IS NOT NULL FROM segment.rule_version AS v"
	"            WHERE v.segmentation = g.name AND v.version = g.rule_version) THEN g.rule_version END "
	"WHERE g.name = $1 AND $2",

	"UPDATE segment.segmentation AS g"
	" SET needs_approval = coalesce(g.approval_waived_by[1] = session_user, true),"
	"    approval_waived_by = CASE WHEN g.approval_waived_by[1] = session_user THEN g.approval_waived_by"
	"                              ELSE g.approval_waived_by || ARRAY[session_user] END,"
	"    approval_waived_at = clock_timestamp() "
	"WHERE g.name = $1 AND NOT $2 AND g.needs_approval",

	"SELECT g.needs_approval::int4::bigint FROM segment.segmentation AS g WHERE g.name = $1"
	}},

	/* name, instant: the history begins there now; NULL: it lies after the last refresh */
	{"keep_history_from", OF_SEGMENTATION, {"text", "timestamptz"}, {
	"UPDATE segment.segmentation AS g SET history_from = greatest(g.history_from, $2) "
	"WHERE g.name = $1 AND $2 <= g.refreshed_as_of AND isfinite($2) RETURNING 1::bigint"
	}},

	/*
	 * name, as_of: back to the last refresh that was not later and that no other reset has
	 * undone: its instant, its model under the present names of its segments, and the
	 * segments of that.  1, NULL: there is none, or as_of is after the last refresh
	 */
	{"reset", OF_SEGMENTATION, {"text", "timestamptz"}, {
	"UPDATE segment.segmentation AS g SET refreshed_as_of = l.as_of, model_version = l.model_version,"
	"    trained_as_of = (SELECT max(r.as_of) FROM segment.run AS r"
	"                     WHERE r.segmentation = $1 AND r.trained AND r.as_of <= $2"
	"                       AND r.outcome IN ('ok', 'empty') AND NOT segment_internal.undone(r)) "
	"FROM (SELECT r.as_of, r.model_version FROM segment.run AS r"
	"      WHERE r.segmentation = $1 AND r.as_of <= $2 AND r.outcome IN ('ok', 'empty')"
	"        AND NOT segment_internal.undone(r) ORDER BY r.run_id DESC LIMIT 1) AS l "
	"WHERE g.name = $1 AND $2 <= g.refreshed_as_of",

	CLOSE_SEGMENTS_NOT_IN_MODEL("$2",
								"the segmentation was reset to an instant at which it was not there"),

	OPEN_SEGMENTS_OF_MODEL("$2"),

	NAME_SEGMENTS_IN_MODEL,

	"SELECT 1::bigint FROM segment.segmentation AS g WHERE g.name = $1 AND g.refreshed_as_of <= $2"
	}},

	/*
	 * name, as_of, start; entered, departed, moved: the run of a reset, with the figures of
	 * the refresh whose state it brought back.  The run_id
	 */
	{"finish_reset", OF_SEGMENTATION, {"text", "timestamptz", "timestamptz", "int8", "int8", "int8"}, {
	"WITH r AS ("
	"    SELECT r.* FROM segment.run AS r JOIN segment.segmentation AS g ON g.name = r.segmentation"
	"    WHERE g.name = $1 AND r.as_of <= $2 AND g.refreshed_as_of <= $2"
	"      AND r.outcome IN ('ok', 'empty') AND NOT segment_internal.undone(r)"
	"), whole AS ("
	"    SELECT r.* FROM r WHERE NOT r.counts ? 'only_customers' ORDER BY r.run_id DESC LIMIT 1"
	") "
	"INSERT INTO segment.run (segmentation, as_of, started_at, finished_at, outcome, model_version,"
	"    trained, customers, entered, departed, moved, updated, rows_read, rows_used, rows_skipped,"
	"    counts, details) "
	"SELECT $1, $2, least($3, clock_timestamp()), clock_timestamp(), 'reset', l.model_version, false,"
	"    n.customers, $4, $5, $6, 0, w.rows_read, w.rows_used, w.rows_skipped, w.counts,"
	"    l.details || coalesce(jsonb_strip_nulls(jsonb_build_object("
	"        'rule_version', w.details -> 'rule_version')), '{}') "
	"FROM (SELECT r.* FROM r ORDER BY r.run_id DESC LIMIT 1) AS l LEFT JOIN whole AS w ON true,"
	"    (SELECT coalesce(sum(g.customers), 0)::bigint AS customers"
	"     FROM segment.segment AS g WHERE g.segmentation = $1) AS n "
	"RETURNING run_id"
	}},

	/* name, what drift of the current model is measured by; that of other versions goes */
	{"record_training", OF_SEGMENTATION, {"text", "segment.feature_set[]"}, {
	"UPDATE segment.model AS m SET training = NULL FROM segment.segmentation AS g "
	"WHERE g.name = $1 AND m.segmentation = $1 AND m.training IS NOT NULL"
	"  AND m.version <> g.model_version",

	"UPDATE segment.model AS m SET training = $2 FROM segment.segmentation AS g "
	"WHERE g.name = $1 AND m.segmentation = $1 AND m.version = g.model_version "
	"RETURNING 1::bigint"
	}},

	/* name, ids of segments, their sizes; those not named are empty.  The sum. */
	{"count_members", OF_SEGMENTATION, {"text", "int4[]", "int8[]"}, {
	"DELETE FROM segment.segment_shift AS d WHERE d.segmentation = $1",

	"UPDATE segment.segment AS g"
	"    SET customers = coalesce($3[array_position($2, g.segment_id)], 0) "
	"WHERE g.segmentation = $1"
	"  AND g.customers <> coalesce($3[array_position($2, g.segment_id)], 0)",

	"SELECT coalesce(sum(g.customers), 0)::bigint FROM segment.segment AS g "
	"WHERE g.segmentation = $1"
	}},

	/* name, ids of segments, by how much their sizes change.  The sum of all sizes. */
	{"shift_members", OF_SEGMENTATION, {"text", "int4[]", "int8[]"}, {
	"UPDATE segment.segment AS g SET customers = g.customers + $3[array_position($2, g.segment_id)] "
	"WHERE g.segmentation = $1 AND $3[array_position($2, g.segment_id)] <> 0",

	"SELECT coalesce(sum(g.customers), 0)::bigint FROM segment.segment AS g "
	"WHERE g.segmentation = $1"
	}},

	/* name: what writers put aside, see immediate.c, becomes a part of the sizes */
	{"fold_shifts", OF_SEGMENTATION, {"text"}, {
	"WITH d AS (DELETE FROM segment.segment_shift AS d WHERE d.segmentation = $1"
	"           RETURNING d.segment_id, d.customers),"
	" n AS (SELECT d.segment_id, sum(d.customers)::bigint AS shift FROM d GROUP BY d.segment_id) "
	"UPDATE segment.segment AS g SET customers = g.customers + n.shift "
	"FROM n WHERE g.segmentation = $1 AND g.segment_id = n.segment_id AND n.shift <> 0",

	"SELECT 1::bigint"
	}},

	/*
	 * name, old and new name of a segment, in the current model, too; whether it may be
	 * though rules of others use it.  Its id; NULL: none
	 */
	{"rename_segment", OF_SEGMENTATION, {"text", "text", "text", "bool"}, {
	"SELECT segment_internal.refuse_while_used($1, ARRAY[g.segment_id], 'renamed',"
	"    'cascade => true renames it in these rules, too.', $5) "
	"FROM segment.segment AS g WHERE g.segmentation = $1 AND g.name = $2 AND g.closed_at IS NULL"
	"  AND $4 IS NOT TRUE",

	/* whoever has kept the old name for later sees that the row is another one */
	"UPDATE segment.segmentation AS g SET name = g.name WHERE g.name = $1",

	"WITH g AS ("
	"    UPDATE segment.segment AS g SET name = $3"
	"    WHERE g.segmentation = $1 AND g.name = $2 AND g.closed_at IS NULL RETURNING g.segment_id"
	"), m AS ("
	"    UPDATE segment.model AS m SET model = segment.rename_segment(m.model, $2, $3)"
	"    FROM g, segment.segmentation AS s"
	"    WHERE s.name = $1 AND m.segmentation = $1 AND m.version = s.model_version) "
	"SELECT g.segment_id::bigint FROM g"
	}},

	/*
	 * name, definition (rules by priority, rest), note: the next version of the rules, which is
	 * not in use yet; segments that are new take their ids, and are closed.  The version; 0: it
	 * is of another kind.
	 */
	{"propose_rules", OF_SEGMENTATION, {"text", "jsonb", "text"}, {
	"INSERT INTO segment.rule_version (segmentation, version, definition, note, changed_by,"
	"    changed_at, based_on) "
	"SELECT g.name, coalesce((SELECT max(v.version) FROM segment.rule_version AS v"
	"                         WHERE v.segmentation = $1), 0) + 1, $2, $3, session_user,"
	"    clock_timestamp(), g.rule_version "
	"FROM segment.segmentation AS g WHERE g.name = $1 AND g.kind = 'rules'",

	"INSERT INTO segment.segment (segmentation, segment_id, name, origin, description, priority,"
	"    opened_at, closed_at, close_reason) "
	"SELECT s.name, (r.one ->> 'segment_id')::int4, r.one ->> 'segment', r.one ->> 'segment',"
	"    r.one ->> 'description', r.n, n.now, n.now, " PROPOSED " "
	"FROM segment.segmentation AS s, (SELECT clock_timestamp() OFFSET 0) AS n (now),"
	"    jsonb_array_elements($2 -> 'rules' || coalesce($2 -> 'rest', '[]'))"
	"        WITH ORDINALITY AS r (one, n) "
	"WHERE s.name = $1 AND s.kind = 'rules' "
	"ON CONFLICT (segmentation, segment_id) DO NOTHING",

	"SELECT coalesce(max(v.version), 0)::bigint FROM segment.rule_version AS v"
	" WHERE v.segmentation = $1"
	}},

	/*
	 * name, version: the rules in use, with segments opened and closed as they have them, and
	 * what they use of other segmentations.  The version; NULL: there is none.  An error
	 * where rules of others use what is closed, or where it would use itself.  Two that define
	 * uses, or close segments, at once queue by an update of the kind, so that each sees what
	 * the other did; where a transaction has one snapshot, it fails.
	 */
	{"use_rules", OF_SEGMENTATION, {"text", "int4"}, {
	"UPDATE segment.segmentation AS g SET options = v.definition, rule_version = v.version "
	"FROM segment.rule_version AS v "
	"WHERE g.name = $1 AND g.kind = 'rules' AND v.segmentation = $1 AND v.version = $2",

	"UPDATE segment.segment AS g SET closed_at = clock_timestamp(),"
	"    close_reason = 'its rule was dropped' "
	"FROM segment.segmentation AS s "
	"WHERE s.name = $1 AND s.rule_version = $2 AND g.segmentation = s.name AND g.closed_at IS NULL"
	"  AND NOT EXISTS (SELECT FROM jsonb_array_elements(s.options -> 'rules'"
	"                          || coalesce(s.options -> 'rest', '[]'))"
	"                      AS r (one) WHERE (r.one ->> 'segment_id')::int4 = g.segment_id)",

	"UPDATE segment.segment AS g SET closed_at = NULL, close_reason = NULL,"
	"    opened_at = CASE WHEN g.close_reason = " PROPOSED " THEN clock_timestamp()"
	"                     ELSE g.opened_at END,"
	"    priority = r.n, description = r.one ->> 'description' "
	"FROM segment.segmentation AS s,"
	"    jsonb_array_elements(s.options -> 'rules' || coalesce(s.options -> 'rest', '[]'))"
	"        WITH ORDINALITY AS r (one, n) "
	"WHERE s.name = $1 AND s.rule_version = $2 AND g.segmentation = $1"
	"  AND g.segment_id = (r.one ->> 'segment_id')::int4",

	"UPDATE segment_internal.kind AS k SET kind = k.kind "
	"WHERE k.kind = 'rules' AND EXISTS ("
	"    SELECT FROM segment.segmentation AS s WHERE s.name = $1 AND s.rule_version = $2"
	"      AND (s.options @? '$.rules[*].uses[*]'"
	"           OR EXISTS (SELECT FROM segment.segment AS g"
	"                      WHERE g.segmentation = $1 AND g.closed_at >= transaction_timestamp())))",

	"SELECT segment_internal.refuse_while_used($1, ARRAY("
	"    SELECT g.segment_id FROM segment.segment AS g"
	"    WHERE g.segmentation = $1 AND g.closed_at IS NOT NULL), 'closed',"
	"    'Drop these rules first, or drop_segment_rule() with cascade => true.', $3) "
	"FROM segment.segmentation AS s WHERE s.name = $1 AND s.rule_version = $2",

	/* those of its source, too, which are found again by record_source_uses */
	"DELETE FROM segment.segmentation_use AS u USING segment.segmentation AS s "
	"WHERE u.segmentation = $1 AND s.name = $1 AND s.rule_version = $2",

	/* only what the caller may read, who else could bar others from dropping what is theirs */
	"INSERT INTO segment.segmentation_use (segmentation, how, segment_id, uses, used_segment_id) "
	"SELECT DISTINCT s.name, 'rule', (r.one ->> 'segment_id')::int4, v.segmentation, v.segment_id "
	"FROM segment.segmentation AS s, jsonb_array_elements(s.options -> 'rules') AS r (one),"
	"    jsonb_array_elements(r.one -> 'uses') AS u (one), segment.segment AS v,"
	"    segment.segmentation AS g "
	"WHERE s.name = $1 AND s.rule_version = $2 AND v.segmentation = u.one ->> 'segmentation'"
	"  AND v.segment_id = (u.one ->> 'segment_id')::int4 AND g.name = v.segmentation"
	"  AND segment_internal.seen_by($3, g.name)",

	"SELECT segment_internal.refuse_cycle($1, $3)",

	"SELECT s.rule_version::bigint FROM segment.segmentation AS s"
	" WHERE s.name = $1 AND s.rule_version = $2"
	}},

	/* name, tables that its source reads: whose member or history tables these are */
	{"record_source_uses", OF_SEGMENTATION, {"text", "oid[]"}, {
	"DELETE FROM segment.segmentation_use AS u USING segment.segmentation AS g "
	"WHERE u.segmentation = $1 AND u.how = 'source' AND g.name = u.uses"
	"  AND (g.members::oid = ANY ($2) OR g.history::oid = ANY ($2) OR g.events::oid = ANY ($2))"
	"      IS NOT TRUE",

	"INSERT INTO segment.segmentation_use (segmentation, how, uses) "
	"SELECT $1, 'source', g.name FROM segment.segmentation AS g "
	"WHERE (g.members::oid = ANY ($2) OR g.history::oid = ANY ($2) OR g.events::oid = ANY ($2))"
	"  AND g.name <> $1"
	"  AND NOT EXISTS (SELECT FROM segment.segmentation_use AS u"
	"                  WHERE u.segmentation = $1 AND u.uses = g.name) "
	"ON CONFLICT DO NOTHING"
	}},

	/* name, segments (NULL: all), which rules no longer bar; of how many segmentations these are */
	{"release_uses", OF_SEGMENTATION, {"text", "int4[]"}, {
	"WITH d AS (DELETE FROM segment.segmentation_use AS u"
	"    WHERE u.uses = $1 AND u.how = 'rule' AND ($2 IS NULL OR u.used_segment_id = ANY ($2))"
	"    RETURNING u.segmentation) "
	"SELECT count(DISTINCT d.segmentation) FROM d"
	}},

	/*
	 * segmentation, treatment, segment, channel, message, offer, purpose, priority, from,
	 * until, holdout, salt, cap: one of that name ends when it begins.  An error
	 * where one begins in its range.  1
	 */
	{"create_treatment", OF_SEGMENTATION,
	{"text", "text", "int4", "text", "text", "text", "text", "int4", "timestamptz", "timestamptz",
	"float8", "text", "int4"}, {
	"SELECT segment_internal.refuse_later_treatment($1, $2, $9, $10)",

	"UPDATE segment.treatment AS t SET valid_to = $9 "
	"WHERE t.segmentation = $1 AND t.treatment = $2 AND t.valid_from < $9"
	"  AND (t.valid_to > $9 OR t.valid_to IS NULL)",

	"INSERT INTO segment.treatment (segmentation, treatment, segment_id, channel, message, offer,"
	"    purpose, priority, valid_from, valid_to, holdout, salt, cap) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING 1::bigint"
	}},

	/* segmentation, treatment, instant: how many rows end there, or go because they begin later */
	{"end_treatment", OF_SEGMENTATION, {"text", "text", "timestamptz"}, {
	"WITH gone AS (DELETE FROM segment.treatment AS t"
	"              WHERE t.segmentation = $1 AND t.treatment = $2 AND t.valid_from >= $3 RETURNING 1),"
	" ended AS (UPDATE segment.treatment AS t SET valid_to = $3"
	"           WHERE t.segmentation = $1 AND t.treatment = $2 AND t.valid_from < $3"
	"             AND (t.valid_to > $3 OR t.valid_to IS NULL) RETURNING 1) "
	"SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM ended)"
	}},

	/* segmentation, segment, kind, note; the note_id */
	{"note_segment", OF_SEGMENTATION, {"text", "int4", "text", "text"}, {
	"INSERT INTO segment.segment_note (segmentation, segment_id, kind, note) "
	"VALUES ($1, $2, $3, $4) RETURNING note_id"
	}},

	/* segmentation, instant: how many notes written before it are removed */
	{"purge_notes", OF_SEGMENTATION, {"text", "timestamptz"}, {
	"WITH gone AS (DELETE FROM segment.segment_note AS n"
	"              WHERE n.segmentation = $1 AND n.written_at < $2"
	"                AND set_config('segment.purging_notes', 'on', true) = 'on' RETURNING 1) "
	"SELECT count(*) FROM gone"
	}},

	/* name, rules, bins, lowest score, thresholds, rest, no_orders, description, ranking */
	{"create_scheme", OF_ANYBODY,
	{"text", "jsonb", "int4", "int4", "jsonb", "text", "text", "text", "text[]"}, {
	"INSERT INTO segment.rfm_scheme (name, rules, bins, lowest_score, thresholds, rest, no_orders,"
	"    description, ranking, owner) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, quote_ident($10)::regrole) RETURNING 1::bigint"
	}},

	/* name; NULL: a segmentation, which the caller need not see, uses it */
	{"drop_scheme", OF_SCHEME, {"text"}, {
	"DELETE FROM segment.rfm_scheme AS r WHERE r.name = $1"
	"  AND NOT EXISTS (SELECT FROM segment.segmentation AS s WHERE s.options ->> 'scheme' = $1) "
	"RETURNING 1::bigint"
	}},

	/* name, columns, rules, exclusive, rest, keep, description */
	{"create_template", OF_ANYBODY, {"text", "jsonb", "json", "bool", "text", "text[]", "text"}, {
	"INSERT INTO segment.rule_template (name, columns, rules, exclusive, rest, keep, description,"
	"    owner) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, quote_ident($8)::regrole) RETURNING 1::bigint"
	}},

	/* name */
	{"drop_template", OF_TEMPLATE, {"text"}, {
	"DELETE FROM segment.rule_template AS t WHERE t.name = $1 RETURNING 1::bigint"
	}},

	/* a new row, which belongs to the caller */
	{"create_metric", OF_ANYBODY, {"segment.metric"}, {
	"INSERT INTO segment.metric (name, owner, query, query_types, kind, unit, better, period,"
	"    target, due, min_customers, purpose, time_zone, search_path, settings) "
	"SELECT ($1).name, quote_ident($2)::regrole, ($1).query, ($1).query_types, ($1).kind, ($1).unit,"
	"    ($1).better, ($1).period, ($1).target, ($1).due, ($1).min_customers, ($1).purpose,"
	"    ($1).time_zone, ($1).search_path, coalesce(($1).settings, '{}') RETURNING 1::bigint"
	}},

	/* name, target, due; NULL: none */
	{"set_metric_goal", OF_METRIC, {"text", "float8", "timestamptz"}, {
	"UPDATE segment.metric AS m SET target = $2, due = $3 WHERE m.name = $1 RETURNING 1::bigint"
	}},

	/* name; an error while experiments measure it */
	{"drop_metric", OF_METRIC, {"text"}, {
	"DELETE FROM segment.metric AS m WHERE m.name = $1 RETURNING 1::bigint"
	}},

	/*
	 * metric, segmentation, begin and end of a period, segments, outcomes: figures in place of those
	 * there are; NULL: the metric's owner has not the rights of that of the segmentation, whose
	 * readers see them
	 */
	{"store_snapshot", OF_METRIC,
	{"text", "text", "timestamptz", "timestamptz", "int4[]", "segment.outcome[]"}, {
	"DELETE FROM segment.metric_snapshot AS p"
	" WHERE p.metric = $1 AND p.segmentation = $2 AND p.period = tstzrange($3, $4)",

	"WITH kept AS ("
	"    INSERT INTO segment.metric_snapshot (metric, segmentation, period, segment_id, outcome)"
	"    SELECT m.name, g.name, tstzrange($3, $4), n.segment_id, n.outcome"
	"    FROM segment.metric AS m, segment.segmentation AS g, pg_class AS c,"
	"        unnest($5, $6) AS n (segment_id, outcome)"
	"    WHERE m.name = $1 AND g.name = $2 AND c.oid = g.members"
	"      AND pg_has_role(m.owner, c.relowner, 'USAGE') RETURNING 1) "
	"SELECT nullif(count(*), 0) FROM kept"
	}},

	/*
	 * segmentation, a new row; NULL: the owner of the segmentation has not the rights of that of the
	 * metric, which readers of the segmentation then see
	 */
	{"create_experiment", OF_SEGMENTATION, {"text", "segment.experiment"}, {
	"INSERT INTO segment.experiment (name, segmentation, metric, exposures, exposure_types, arms,"
	"    control, outcome_window, covariate_window, started, ended, hypothesis, salt, tuned_for,"
	"    time_zone, search_path, settings) "
	"SELECT ($2).name, $1, ($2).metric, ($2).exposures, ($2).exposure_types, ($2).arms,"
	"    ($2).control, ($2).outcome_window, ($2).covariate_window, ($2).started, ($2).ended,"
	"    ($2).hypothesis, ($2).salt, ($2).tuned_for, ($2).time_zone, ($2).search_path,"
	"    coalesce(($2).settings, '{}') "
	"FROM segment.metric AS m, segment.segmentation AS g, pg_class AS c "
	"WHERE m.name = ($2).metric AND g.name = $1 AND c.oid = g.members"
	"  AND pg_has_role(c.relowner, m.owner, 'USAGE') RETURNING 1::bigint"
	}},

	/* segmentation, name */
	{"drop_experiment", OF_SEGMENTATION, {"text", "text"}, {
	"DELETE FROM segment.experiment AS e WHERE e.segmentation = $1 AND e.name = $2 RETURNING 1::bigint"
	}},

	{NULL}
};
