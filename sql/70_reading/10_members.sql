-- ---- members, history and movement ----

CREATE FUNCTION segment_internal.table_refusal(relation regclass, columns text[], types regtype[]) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_table_refusal' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION segment_internal.table_refusal(regclass, text[], regtype[]) IS
$$Why a table is not read on behalf of the current user,
NULL if it is: it must be a plain table with the given columns, without policies for the current user,
to which its owner has attached no code that would run with the reader's rights: indexes,
CHECK constraints and statistics on expressions of columns,
constants and the server's own immutable functions are fine.
The owner may read any table.
The table is locked (ACCESS SHARE) to the end of the transaction.$$;

CREATE FUNCTION segment_internal.unreadable_reason(s segmentation) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own record;
    reason text;
BEGIN
    IF NOT EXISTS (SELECT FROM segment_internal.kind AS k WHERE k.kind = s.kind) THEN
        RETURN format('there is no kind "%s" of segmentations', s.kind);
    END IF;
    SELECT array_agg(c.name) AS names, array_agg(c.type) AS types INTO own FROM segment_internal.member_columns(s) AS c;
    reason := segment_internal.table_refusal(
        s.members, ARRAY['segment_id', 'segment', 'entered_at', 'entered_reason'] || own.names,
        ARRAY['integer', 'text', 'timestamptz', 'text']::regtype[] || own.types::regtype[]);
    IF reason IS NOT NULL THEN
        RETURN format('table %s: %s', s.members, reason);
    END IF;
    reason := segment_internal.table_refusal(
        s.history, ARRAY['segment_id', 'entered_at', 'left_at', 'entered_reason', 'left_reason'],
        ARRAY['integer', 'timestamptz', 'timestamptz', 'text', 'text']::regtype[]);
    IF reason IS NOT NULL THEN
        RETURN format('table %s: %s', s.history, reason);
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.unreadable_reason(segmentation) IS
'Why the tables of a segmentation are not read on behalf of the current user, NULL if they are; see table_refusal.';

CREATE FUNCTION segment_internal.not_shown(s segmentation, with_history boolean) RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN CASE
    WHEN EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.members)
         AND NOT segment_internal.may_read(s.members)
        THEN format('you may not read table %s', s.members)
    WHEN with_history AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.history)
         AND NOT segment_internal.may_read(s.history)
        THEN format('you may not read table %s', s.history)
    ELSE segment_internal.unreadable_reason(s) END;
COMMENT ON FUNCTION segment_internal.not_shown(segmentation, boolean) IS
$$Why the views over all segmentations do not show the members of one
(and the history, where it is needed) to the current user: no right to read a table, or what unreadable_reason says;
NULL: they are shown.$$;

CREATE FUNCTION segment_internal.readable_segmentation(name text) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    reason text := segment_internal.unreadable_reason(s);
BEGIN
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION 'the tables of segmentation "%" are not as they were created', name
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = reason,
                  HINT = 'The owner may put them right, or create the segmentation anew.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.readable_segmentation(text) IS
$$A segmentation whose two tables can be read.
Errors: undefined_object, object_not_in_prerequisite_state with the reason.$$;

-- Statements over members take the segments as an argument, unnest($1): the catalogue is on this
-- server, with row security, while members may lie on others.
CREATE FUNCTION segment_internal.segment_rows(segmentation text) RETURNS segment[]
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN ARRAY(SELECT g FROM segment AS g WHERE g.segmentation = segment_rows.segmentation ORDER BY g.segment_id);
COMMENT ON FUNCTION segment_internal.segment_rows(text) IS
'The segments of a segmentation, as the table segment has them, as an array.';

-- The text of a query for who was where at an instant: (customer, segment_id, entered_at, reason).
CREATE FUNCTION segment_internal.members_query(s segmentation, at timestamptz) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result text := format('SELECT %I AS customer, segment_id, entered_at, entered_reason AS reason FROM %s',
                          segment_internal.key_column(s.members), s.members);
BEGIN
    IF at IS NULL THEN
        RETURN result;
    END IF;
    IF at < segment_internal.known_until(s) THEN
        PERFORM segment_internal.kept_instant(at, s.name, s.history_from);
        result := format('%1$s WHERE entered_at <= %2$L::timestamptz'
                         ' UNION ALL SELECT %3$I, segment_id, entered_at, entered_reason FROM %4$s'
                         ' WHERE entered_at <= %2$L::timestamptz AND left_at > %2$L::timestamptz',
                         result, segment_internal.instant(at), segment_internal.key_column(s.history), s.history);
    END IF;
    IF at > s.refreshed_as_of AND isfinite(at) THEN
        RETURN coalesce(segment_internal.later_members_query(s, at, result), result);
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.members_query(segmentation, timestamptz) IS
$$The text of a query for who was where at an instant, after the last refresh by the clock;
NULL, infinity: just after it.
Error: see kept_instant.$$;

CREATE FUNCTION segment_internal.check_key_type(s segmentation, type regtype, function text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF type <> segment_internal.key_type(s.members) THEN
        RAISE EXCEPTION 'the key of segmentation "%" is of type %, not %', s.name,
            segment_internal.key_type(s.members), type
            USING ERRCODE = 'datatype_mismatch',
                  HINT = format('Call %s(null::%s, ...).', function,
                                format_type(segment_internal.key_type(s.members), -1));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_key_type(segmentation, regtype, text) IS
$$Raises an error (datatype_mismatch) where the customer key of a segmentation is of another type than the one that a
function was called with.$$;

CREATE FUNCTION segment_members(key anyelement, name text, as_of timestamptz,
    OUT customer anyelement, OUT segment_id integer, OUT segment text, OUT entered_at timestamptz, OUT reason text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    PERFORM segment_internal.check_key_type(s, pg_typeof(key), 'segment_members');
    RETURN QUERY EXECUTE format(
        'SELECT p.customer, p.segment_id, g.name, p.entered_at, p.reason FROM (%s OFFSET 0) AS p
         JOIN unnest($1) AS g ON g.segment_id = p.segment_id', segment_internal.members_query(s, as_of))
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION segment_members(anyelement, text, timestamptz) IS
$$Who was in which segment at an instant (NULL or infinity: after the last refresh),
with the customer key in its own type: segment_members(null::bigint, 'loyalty', '2024-07-01').
An instant between two refreshes shows the state of the earlier one.
An instant after the last refresh, even one to come, shows what a refresh as of it would make of those whom the clock
moves until then (see refresh_due), if their data stay as they are, with the present model: entered_at and reason are
those that it would write.
Whoever has not the rights of the owner sees the state after the last refresh, and a NOTICE where that is not the same.
segment is the present name; reason says why the customer entered the segment.
Errors: undefined_object, datatype_mismatch for a wrong key type,
object_not_in_prerequisite_state for an instant that purge_history removed,
insufficient_privilege for whoever may not read the tables.$$;

CREATE FUNCTION segment_members(name text, as_of timestamptz DEFAULT NULL,
    OUT customer text, OUT segment_id integer, OUT segment text, OUT entered_at timestamptz, OUT reason text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    -- format() uses the type's output function, never a cast that somebody defined
    RETURN QUERY EXECUTE format(
        'SELECT format(''%%s'', p.customer), p.segment_id, g.name, p.entered_at, p.reason FROM (%s OFFSET 0) AS p
         JOIN unnest($1) AS g ON g.segment_id = p.segment_id', segment_internal.members_query(s, as_of))
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION segment_members(text, timestamptz) IS
$$Who was in which segment at an instant (NULL, infinity: after the last refresh), with the customer key as text.
See segment_members(key, name, as_of).$$;

-- The text of a condition that holds for one customer, whose key is given as text.
CREATE FUNCTION segment_internal.key_condition(relation regclass, customer text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_column name := segment_internal.key_column(relation);
    key_type regtype := segment_internal.key_type(relation);
BEGIN
    WHILE (SELECT t.typtype = 'd' FROM pg_type AS t WHERE t.oid = key_type) LOOP
        key_type := (SELECT t.typbasetype FROM pg_type AS t WHERE t.oid = key_type);
    END LOOP;
    IF (SELECT t.typtype IN ('b', 'e') AND t.typcategory <> 'A' FROM pg_type AS t WHERE t.oid = key_type) THEN
        -- the constant has no collation of its own, so that of the column decides what is equal
        RETURN format('%I %s CAST(%L AS %s)', key_column, segment_internal.equality_operator(key_type), customer,
                      format_type(key_type, -1));
    END IF;
    -- reading text as an array, range or row may run the CHECK of a domain inside: compare as text instead
    RETURN format('format(''%%s'', %I) = %L', key_column, customer);
END;
$$;
COMMENT ON FUNCTION segment_internal.key_condition(regclass, text) IS
$$The text of a condition on a member or history table that holds for the customer of a key,
given as text: equal as the type and the collation of the key column have it.$$;

CREATE FUNCTION segment_of(name text, customer text, as_of timestamptz DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
    result text;
BEGIN
    IF as_of IS NULL THEN
        EXECUTE format('SELECT segment FROM %s WHERE %s', s.members,
                       segment_internal.key_condition(s.members, customer)) INTO result;
        RETURN result;
    END IF;
    PERFORM segment_internal.kept_instant(as_of, s.name, s.history_from);
    EXECUTE format('SELECT g.name FROM (SELECT segment_id FROM %1$s WHERE entered_at <= $2 AND %2$s
                                        UNION ALL SELECT segment_id FROM %3$s
                                        WHERE entered_at <= $2 AND left_at > $2 AND %4$s) AS p
                    JOIN unnest($1) AS g ON g.segment_id = p.segment_id ORDER BY g.priority LIMIT 1',
                   s.members, segment_internal.key_condition(s.members, customer),
                   s.history, segment_internal.key_condition(s.history, customer))
    INTO result USING segment_internal.segment_rows(s.name), as_of;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_of(text, text, timestamptz) IS
$$The segment of a known customer, the key given as text: segment_of('loyalty', '42'), by its present name.
Equal is what the type and the collation of the member table's key column say is equal.
as_of: the instant, read by the indexes of members and history; NULL, the default: after the last refresh.
Where customers may be in several segments it is one of them, at an instant the one of the highest priority.
NULL when the customer was no member.
Errors: undefined_object, object_not_in_prerequisite_state for an instant that purge_history removed,
and those of reading the text as a key.$$;

CREATE FUNCTION segment_of(name text, customer anyelement, as_of timestamptz DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- format makes an empty string of NULL
    RETURN segment.segment_of(name, CASE WHEN customer IS NOT NULL THEN format('%s', customer) END, as_of);
END;
$$;
COMMENT ON FUNCTION segment_of(text, anyelement, timestamptz) IS
$$The segment of a known customer, by key: segment_of('loyalty', 42).
as_of: the instant; NULL, the default: after the last refresh.
NULL when the customer was no member.$$;

CREATE FUNCTION segment_migration(name text, from_at timestamptz, to_at timestamptz,
    OUT from_segment text, OUT to_segment text, OUT customers bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 50 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT f.name, t.name, n.customers
         FROM (SELECT a.segment_id AS from_id, b.segment_id AS to_id, count(*) AS customers
               FROM (%s) AS a FULL JOIN (%s) AS b ON a.customer %s b.customer%s GROUP BY 1, 2) AS n
         LEFT JOIN unnest($1) AS f ON f.segment_id = n.from_id
         LEFT JOIN unnest($1) AS t ON t.segment_id = n.to_id
         ORDER BY f.priority NULLS LAST, t.priority NULLS LAST',
        segment_internal.members_query(s, from_at), segment_internal.members_query(s, to_at),
        segment_internal.equality_operator(segment_internal.key_type(s.members)),
        -- who may be in several segments enters and departs, and does not move
        CASE WHEN segment_internal.overlapping(s) THEN ' AND a.segment_id = b.segment_id' ELSE '' END)
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION segment_migration(text, timestamptz, timestamptz) IS
$$How many customers were in which segment at one instant and in which at another, those who stayed included.
NULL from_segment: not yet a member; NULL to_segment: no longer.
The rows of one from_segment add up to its size at the one instant, those of a to_segment to its size at the other.
Where customers may be in several segments at once nobody moves: a customer stays in a segment, enters it
(NULL from_segment) or leaves it (NULL to_segment), each segment by itself.
NULL instants mean after the last refresh; instants after it are as in segment_members.
Errors: undefined_object, insufficient_privilege,
object_not_in_prerequisite_state for an instant that purge_history removed.$$;

CREATE FUNCTION segment_migration(from_run bigint, to_run bigint,
    OUT from_segment text, OUT to_segment text, OUT customers bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 50 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a segment.run;
    b segment.run;
BEGIN
    SELECT * INTO a FROM segment.run AS r WHERE r.run_id = from_run AND r.outcome IN ('ok', 'empty')
       AND NOT segment_internal.undone(r);
    SELECT * INTO b FROM segment.run AS r WHERE r.run_id = to_run AND r.outcome IN ('ok', 'empty')
       AND NOT segment_internal.undone(r);
    IF a.segmentation IS DISTINCT FROM b.segmentation OR a.segmentation IS NULL THEN
        RAISE EXCEPTION 'runs % and % are not two successful runs of one segmentation', from_run, to_run
            USING ERRCODE = 'undefined_object', HINT = 'The view segment_run lists them.';
    END IF;
    RETURN QUERY SELECT m.from_segment, m.to_segment, m.customers
    FROM segment.segment_migration(a.segmentation, a.as_of, b.as_of) AS m;
END;
$$;
COMMENT ON FUNCTION segment_migration(bigint, bigint) IS
$$Migration between two runs of a segmentation, by their run_id: that between their as_of.
Error (undefined_object) when they are not two successful runs of one segmentation, which reset_segmentation did not
undo.$$;

-- The median of an even number of values is the mean of the two in the middle: of numerics exact, of floats rounded
-- once, where percentile_cont interpolates in floats and shows 1152.8899999999999 for 1152.89.
CREATE FUNCTION segment_internal.middle_two() RETURNS double precision[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[0.5, 0.5 + 1e-10];
COMMENT ON FUNCTION segment_internal.middle_two() IS
'The fractions for which percentile_disc gives the two values in the middle, twice the same where there is one.';

CREATE FUNCTION segment_internal.middle(two numeric[]) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (two[1] + two[2]) / 2;
COMMENT ON FUNCTION segment_internal.middle(numeric[]) IS 'The median, of what percentile_disc(middle_two()) gave.';

CREATE FUNCTION segment_internal.middle(two double precision[]) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN two[1] = two[2] THEN two[1] ELSE two[1] / 2 + two[2] / 2 END;
COMMENT ON FUNCTION segment_internal.middle(double precision[]) IS
'The median, of what percentile_disc(middle_two()) gave.';

CREATE FUNCTION segment_profile(name text,
    OUT segment_id integer, OUT segment text, OUT customers bigint, OUT customer_share numeric,
    OUT revenue numeric, OUT revenue_share numeric,
    OUT median_recency double precision, OUT median_frequency double precision, OUT median_monetary double precision,
    OUT mean_frequency double precision, OUT mean_monetary double precision) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 12 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
    figures text;
BEGIN
    EXECUTE format('SELECT segment_internal.%I()', s.kind || '_figures') INTO figures;
    RETURN QUERY EXECUTE format(
        'WITH figures AS (
             SELECT segment_id, count(*) AS customers, %s
             FROM %s GROUP BY segment_id)
         SELECT g.segment_id, g.name, coalesce(f.customers, 0),
                round(coalesce(f.customers, 0) / nullif(sum(f.customers) OVER (), 0), 6),
                coalesce(f.revenue, n.no_revenue),
                -- of a total that is not positive there are no shares
                CASE WHEN sum(f.revenue) OVER () > 0
                     THEN round(coalesce(f.revenue, n.no_revenue) / sum(f.revenue) OVER (), 6) END,
                f.recency, f.frequency, f.monetary, f.mean_frequency, f.mean_monetary
         FROM unnest($1) AS g LEFT JOIN figures AS f USING (segment_id)
              LEFT JOIN (SELECT min(no_revenue) AS no_revenue FROM figures) AS n ON true
         WHERE g.closed_at IS NULL OR f.customers > 0
         ORDER BY g.priority, g.segment_id',
        figures, s.members) USING segment_internal.segment_rows(s.name), segment_internal.shown_as_of(s), s.time_zone;
END;
$$;
COMMENT ON FUNCTION segment_profile(text) IS
$$What each segment is like after the last refresh: customers and their share (0 to 1), revenue
(total monetary value) and its share, medians of recency (calendar days to the as_of of the last refresh),
frequency and monetary value, and means.
Read from the member table; segments without members are listed with 0.
A median of an even number of values is the mean of the two in the middle.
Shares of a revenue that is not positive are NULL.
Clusterings have sizes only, NULL elsewhere: see segment_feature_profile(name).
Of segmentations by value frequency is the number of purchases; what they are worth: segment_value_profile(name).$$;

CREATE FUNCTION segment_internal.kept_since(s segmentation, since timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(segment_internal.kept_instant(since, s.name, s.history_from), s.history_from, '-infinity');
COMMENT ON FUNCTION segment_internal.kept_since(segmentation, timestamptz) IS
$$Since when transitions are asked for; NULL: all that the history still has.
Error: see kept_instant.$$;

CREATE FUNCTION segment_events(name text, since timestamptz DEFAULT NULL,
    OUT event_at timestamptz, OUT customer text, OUT event text, OUT from_segment text,
    OUT to_segment text, OUT reason text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT e.event_at, format(''%%s'', e.customer), e.event, e.from_segment, e.to_segment, e.reason
         FROM (%s) AS e',
        segment_internal.events_query(s))
    USING segment_internal.segment_rows(s.name), segment_internal.kept_since(s, since);
END;
$$;
COMMENT ON FUNCTION segment_events(text, timestamptz) IS
$$Every transition since an instant (NULL, the default: all that are kept), one row each: when, who (key as text),
'entered', 'moved' or 'departed',
from and to which segment, and why: new, orders (new or changed orders), time (no more than time passing), features
(other values), model (trained anew), facts (other values of what is kept), source (others, or time), rules
(changed), gone (no longer in the source, without a feature, or in no segment); decision (somebody included or excluded
the customer), undecided (the decision by which the customer had come holds no longer).
Errors: undefined_object, insufficient_privilege,
object_not_in_prerequisite_state for an instant that purge_history removed.$$;

CREATE FUNCTION segment_flapping(name text, since timestamptz DEFAULT NULL,
    OUT from_segment text, OUT to_segment text, OUT moves bigint, OUT undone bigint, OUT undone_share numeric,
    OUT share_of_moves numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 50 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH place AS MATERIALIZED (
             SELECT %1$I AS customer, segment_id, entered_at, left_at FROM %2$s
             UNION ALL SELECT %3$I, segment_id, entered_at, NULL FROM %4$s
         ), instant AS (
             SELECT at, lead(at) OVER (ORDER BY at) AS next_at
             FROM (SELECT entered_at FROM place UNION SELECT left_at FROM place WHERE left_at IS NOT NULL) AS i (at)
         ), move AS (
             SELECT a.segment_id AS from_id, b.segment_id AS to_id, count(*) AS moves,
                    count(*) FILTER (WHERE b.left_at = i.next_at AND c.segment_id = a.segment_id) AS undone
             FROM place AS b
             JOIN place AS a ON a.customer %5$s b.customer AND a.left_at = b.entered_at
             JOIN instant AS i ON i.at = b.entered_at
             LEFT JOIN place AS c ON c.customer %5$s b.customer AND c.entered_at = b.left_at
             -- where customers may be in several segments at once, nobody moves from one to another
             WHERE b.entered_at >= $2 AND NOT $3
             GROUP BY 1, 2
         )
         SELECT f.name, t.name, m.moves, m.undone, round(m.undone::numeric / m.moves, 6),
                round(m.undone / sum(m.moves) OVER (), 6)
         FROM move AS m
         JOIN unnest($1) AS f ON f.segment_id = m.from_id
         JOIN unnest($1) AS t ON t.segment_id = m.to_id
         ORDER BY m.undone DESC, m.moves DESC, f.priority, t.priority',
        segment_internal.key_column(s.history), s.history, segment_internal.key_column(s.members), s.members,
        segment_internal.equality_operator(segment_internal.key_type(s.members)))
    USING segment_internal.segment_rows(s.name), segment_internal.kept_since(s, since),
          segment_internal.overlapping(s);
END;
$$;
COMMENT ON FUNCTION segment_flapping(text, timestamptz) IS
$$How many moves since an instant were undone at once, by pair of segments,
most first: customers who went from one segment to another at a refresh,
and back at the next one that changed anybody's place.
moves: from the one to the other; undone: those that were; undone_share: undone of moves;
share_of_moves: undone of all moves of the segmentation; shares from 0 to 1.
A move at the last such refresh can not have been undone yet;
kinds in which a customer may be in several segments at once have no moves.
Read from the history; since NULL, the default: all that is kept.
Errors: undefined_object, object_not_in_prerequisite_state where the tables cannot be read and for an instant that
purge_history removed, insufficient_privilege.$$;
