-- ---- metrics: a figure that people agree on, with its goal, by segment and period ----

CREATE TABLE metric (
    name text PRIMARY KEY CHECK (name <> ''),
    owner regrole NOT NULL,
    query text NOT NULL,
    query_types text[] NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rate', 'mean', 'total', 'ratio')),
    unit text,
    better text NOT NULL DEFAULT 'up' CHECK (better IN ('up', 'down')),
    period interval NOT NULL DEFAULT '1 month' CHECK (period > '0'),
    target double precision,
    due timestamptz,
    min_customers integer NOT NULL DEFAULT 10 CHECK (min_customers >= 1),
    purpose text,
    time_zone text NOT NULL,
    search_path text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (cardinality(query_types) = CASE kind WHEN 'ratio' THEN 4 ELSE 3 END)
);
COMMENT ON TABLE metric IS
$$Metrics: what customers did, as one figure: an indicator, a goal, the outcome of an experiment; see create_metric.$$;
COMMENT ON COLUMN metric.name IS 'Name of the metric, unique in the database.';
COMMENT ON COLUMN metric.owner IS 'Whose it is: who created it; the query runs with his rights.';
COMMENT ON COLUMN metric.query IS
'Query that yields customer, at, value and for ratios denominator, a row for each time a customer did something.';
COMMENT ON COLUMN metric.query_types IS
'Types of these columns, in this order; a query that has others by now is an error that says so.';
COMMENT ON COLUMN metric.kind IS
$$'rate': the share of customers with a value that is true or above 0; 'mean': the sum of the values of a customer, on
average; 'total': the sum over all customers; 'ratio': the sum of values by the sum of denominators.$$;
COMMENT ON COLUMN metric.unit IS 'Unit of the value, for people.';
COMMENT ON COLUMN metric.better IS '''up'': more is better; ''down'': less is.';
COMMENT ON COLUMN metric.period IS 'How long the time before an instant is that snapshot_metrics looks at.';
COMMENT ON COLUMN metric.target IS 'The goal: the value to be reached; NULL: none.';
COMMENT ON COLUMN metric.due IS 'The instant by which it is to be reached; NULL: at any time.';
COMMENT ON COLUMN metric.min_customers IS
'Segments of fewer customers are not kept by themselves: they are put together with the next smallest.';
COMMENT ON COLUMN metric.purpose IS 'What it is for.';
COMMENT ON COLUMN metric.time_zone IS 'Time zone of periods, and of times of the query that have none.';
COMMENT ON COLUMN metric.search_path IS 'search_path under which the query runs: that of the creator.';
COMMENT ON COLUMN metric.settings IS
'Other settings that change what the query means, as the creator''s session had them; see segmentation.settings.';
COMMENT ON COLUMN metric.created_at IS 'When it was created.';

CREATE TABLE metric_snapshot (
    metric text NOT NULL REFERENCES metric ON DELETE CASCADE ON UPDATE CASCADE,
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    period tstzrange NOT NULL CHECK (NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)),
    segment_id integer NOT NULL,
    outcome outcome NOT NULL,
    PRIMARY KEY (metric, segmentation, period, segment_id)
);
CREATE INDEX metric_snapshot_segmentation ON metric_snapshot (segmentation);
COMMENT ON TABLE metric_snapshot IS
$$Metrics by segment and period, as snapshot_metrics found them: values that can be added up (outcome_merge), so that
totals are those of all customers. No keys of customers are kept.$$;
COMMENT ON COLUMN metric_snapshot.metric IS 'Name of the metric.';
COMMENT ON COLUMN metric_snapshot.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN metric_snapshot.period IS 'The time that was looked at: from its beginning until before its end.';
COMMENT ON COLUMN metric_snapshot.segment_id IS
$$Id of the segment that customers were in at the beginning of the period; 0: customers who were in none;
-1: segments of fewer than min_customers, together.$$;
COMMENT ON COLUMN metric_snapshot.outcome IS 'What they did.';

SELECT pg_catalog.pg_extension_config_dump('metric', '');
SELECT pg_catalog.pg_extension_config_dump('metric_snapshot', '');

ALTER TABLE metric ENABLE ROW LEVEL SECURITY;
ALTER TABLE metric_snapshot ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON metric_snapshot FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY owner ON metric FOR SELECT USING (segment_internal.acts_as(pg_catalog.pg_get_userbyid(owner)));
CREATE POLICY reader ON metric FOR SELECT USING (EXISTS (SELECT FROM metric_snapshot AS p WHERE p.metric = name));
COMMENT ON POLICY reader ON metric_snapshot IS 'Visible with the segmentation.';
COMMENT ON POLICY owner ON metric IS 'The owner sees it.';
COMMENT ON POLICY reader ON metric IS 'Who sees figures of a metric sees what it is.';

-- ---- queries with named columns, of metrics and experiments ----

CREATE FUNCTION segment_internal.named_types(query text, search_path text, columns text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    there text[];
    types regtype[];
    wanted text;
    n integer;
    result text[] := '{}';
BEGIN
    SELECT array_agg(c.name ORDER BY c.number), array_agg(c.type ORDER BY c.number) INTO there, types
    FROM segment_internal.query_columns(query, search_path, permanent => true) AS c;
    FOREACH wanted IN ARRAY columns LOOP
        n := array_position(there, wanted);
        IF n IS NULL THEN
            RAISE EXCEPTION 'the query has no column "%"', wanted
                USING ERRCODE = 'undefined_column',
                      DETAIL = format('It has: %s.', array_to_string(there, ', ')),
                      HINT = format('Name its columns: %s.', array_to_string(columns, ', '));
        END IF;
        IF array_position(there, wanted, n + 1) IS NOT NULL THEN
            RAISE EXCEPTION 'the query has several columns "%"', wanted USING ERRCODE = 'duplicate_column';
        END IF;
        result := result || format_type(types[n], -1);
    END LOOP;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.named_types(text, text, text[]) IS
$$Types of some columns of a query, by name.
Errors: undefined_column, duplicate_column, and as query_columns.$$;

CREATE FUNCTION segment_internal.check_named_types(what text, query text, search_path text, columns text[],
                                                   types text[]) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    now_types text[] := segment_internal.named_types(query, search_path, columns);
    drift text;
BEGIN
    SELECT string_agg(format('column "%s" is of type %s, and was of type %s', c.name, c.is, c.was), '; ' ORDER BY c.n)
    INTO drift
    FROM unnest(columns, now_types, types) WITH ORDINALITY AS c (name, "is", was, n) WHERE c.is <> c.was;
    IF drift IS NOT NULL THEN
        RAISE EXCEPTION 'the query of % is not what it was: %', what, drift
            USING ERRCODE = 'datatype_mismatch',
                  HINT = 'Give the query what it had, or drop and create anew what it belongs to.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_named_types(text, text, text, text[], text[]) IS
$$Raises an error (datatype_mismatch) that says what changed where columns of a query have other types than they had
(law 16). Errors: as named_types, too.$$;

CREATE FUNCTION segment_internal.time_expression(type text, time_zone text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF type = 'timestamp with time zone' THEN
        RETURN 'source.at';
    ELSIF type IN ('timestamp without time zone', 'date') THEN
        RETURN format('(source.at::pg_catalog.timestamp AT TIME ZONE %L)', time_zone);
    END IF;
    RAISE EXCEPTION 'column "at" is of type %, expected timestamptz, timestamp or date', type
        USING ERRCODE = 'datatype_mismatch', HINT = 'It is the time at which it happened. Cast it in the query.';
END;
$$;
COMMENT ON FUNCTION segment_internal.time_expression(text, text) IS
$$The column at of a query source, of a type, as timestamptz; what has no time zone is in the one given.
Error (datatype_mismatch) for another type.$$;

CREATE FUNCTION segment_internal.number_expression(name text, type text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF type = 'boolean' THEN
        RETURN format('CASE WHEN source.%1$I THEN 1 WHEN NOT source.%1$I THEN 0 END', name);
    ELSIF segment_internal.feature_type(to_regtype(type)::regtype) = 'double precision' THEN
        RETURN format('source.%I', name);
    END IF;
    RAISE EXCEPTION 'column "%" is of type %, expected a number or boolean', name, type
        USING ERRCODE = 'datatype_mismatch', HINT = 'Cast it in the query.';
END;
$$;
COMMENT ON FUNCTION segment_internal.number_expression(text, text) IS
$$A column of a query source, of a type, as a number, of booleans 1 and 0.
Error (datatype_mismatch) for another type.$$;

-- ---- metrics ----

CREATE FUNCTION segment_internal.metric_row(name text) RETURNS metric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row segment.metric;
BEGIN
    SELECT * INTO found_row FROM segment.metric AS m WHERE m.name = metric_row.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'metric "%" does not exist', coalesce(name, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = coalesce('Perhaps you meant "' || segment_internal.nearest_name(
                                      name, ARRAY(SELECT m.name FROM segment.metric AS m)) || '".',
                                  'create_metric() creates one.');
    END IF;
    RETURN found_row;
END;
$$;
COMMENT ON FUNCTION segment_internal.metric_row(text) IS
'A metric by name. Error (undefined_object) when there is none that the current user may see.';

CREATE FUNCTION segment_internal.metric_columns(m metric) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{customer,at,value}'::text[] || CASE WHEN m.kind = 'ratio' THEN '{denominator}'::text[] ELSE '{}' END;
COMMENT ON FUNCTION segment_internal.metric_columns(metric) IS 'The columns of the query that are read.';

-- the bounds stand in the statement, so that an index of the table behind it can serve them
CREATE FUNCTION segment_internal.metric_statement(m metric, from_at timestamptz, to_at timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at text := segment_internal.time_expression(m.query_types[2], m.time_zone);
BEGIN
    RETURN format(E'SELECT source.customer AS customer, %1$s AS at, %2$s AS value%3$s FROM (\n%4$s\n) AS source '
                  'WHERE %1$s OPERATOR(pg_catalog.>=) %5$L::pg_catalog.timestamptz '
                  'AND %1$s OPERATOR(pg_catalog.<) %6$L::pg_catalog.timestamptz AND source.customer IS NOT NULL',
                  at, segment_internal.number_expression('value', m.query_types[3]),
                  CASE WHEN m.kind = 'ratio' THEN
                      ', ' || segment_internal.number_expression('denominator', m.query_types[4])
                      || ' AS denominator' ELSE '' END,
                  m.query, segment_internal.instant(from_at), segment_internal.instant(to_at));
END;
$$;
COMMENT ON FUNCTION segment_internal.metric_statement(metric, timestamptz, timestamptz) IS
$$The statement that is run for a metric, and that creation checks: its columns by name, from one instant until
before another.$$;

CREATE FUNCTION segment_internal.metric_rows_as_owner(name text, from_at text, to_at text, as_of text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    m segment.metric := segment_internal.metric_row(name);
BEGIN
    PERFORM segment_internal.set_clock(format('metric "%s"', m.name), m.time_zone, m.settings, as_of::timestamptz);
    PERFORM segment_internal.check_named_types(format('metric "%s"', m.name), m.query, m.search_path,
                                               segment_internal.metric_columns(m), m.query_types);
    RETURN QUERY EXECUTE format(
        'SELECT r.customer, r.at, r.value, %s FROM segment_internal.query_rows($1, $2)
         AS r (customer %s, at timestamptz, value float8%s)',
        CASE WHEN m.kind = 'ratio' THEN 'r.denominator' ELSE 'NULL::float8' END,
        format_type(to_regtype(m.query_types[1]), -1),
        CASE WHEN m.kind = 'ratio' THEN ', denominator float8' ELSE '' END)
    USING segment_internal.metric_statement(m, from_at::timestamptz, to_at::timestamptz), m.search_path;
END;
$$;
COMMENT ON FUNCTION segment_internal.metric_rows_as_owner(text, text, text, text) IS
$$The rows of a metric's query, from one instant until before another: customer (of its type), at (timestamptz),
value and denominator (float8; NULL but of ratios). With the rights of the owner; as_of: what as_of() is in it.$$;

CREATE FUNCTION segment_internal.metric_rows(m metric, from_at timestamptz, to_at timestamptz, as_of timestamptz)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- through regtype, because others than the owner of the metric run it
    columns text := format('(customer %s, at timestamptz, value float8, denominator float8)',
                           format_type(to_regtype(m.query_types[1]), -1));
BEGIN
    RETURN format('segment_internal.rows_as_owner(%L, %L, %L, %L, %L, %L) AS v %s', pg_get_userbyid(m.owner),
                  'SELECT r.* FROM segment_internal.metric_rows_as_owner($1, $2, $3, $4) AS r ' || columns,
                  m.name, segment_internal.instant(from_at), segment_internal.instant(to_at),
                  segment_internal.instant(as_of), columns);
END;
$$;
COMMENT ON FUNCTION segment_internal.metric_rows(metric, timestamptz, timestamptz, timestamptz) IS
'The text of an item of FROM, called v, with the rows of metric_rows_as_owner, run with the rights of the owner.';

-- rows of a customer come in any order, and a sum of floats must not depend on it
CREATE FUNCTION segment_internal.metric_of_customer(m metric, name text, condition text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.format(
    CASE WHEN m.kind = 'rate'
         THEN 'CASE WHEN bool_or(v.%1$I > 0) FILTER (WHERE %2$s) THEN 1
                    WHEN bool_or(v.%1$I IS NULL) FILTER (WHERE %2$s) THEN NULL ELSE 0 END::float8'
         ELSE 'CASE WHEN bool_or(v.%1$I IS NULL) FILTER (WHERE %2$s) THEN NULL
                    ELSE coalesce(sum(v.%1$I ORDER BY v.%1$I) FILTER (WHERE %2$s), 0) END' END, name, condition);
COMMENT ON FUNCTION segment_internal.metric_of_customer(metric, text, text) IS
$$The text of an aggregate over the rows v of one customer for which a condition holds: of a rate whether any is
above 0, else the sum of a column. A value that is missing makes that of the customer missing (NULL).$$;

CREATE FUNCTION segment_internal.metric_outcome(m metric, value text, denominator text, before text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN m.kind = 'ratio' THEN pg_catalog.format('segment.outcome_ratio(%s, %s)', value, denominator)
            WHEN before IS NOT NULL
                THEN pg_catalog.format('segment.outcome(VARIADIC ARRAY[%s, %s])', value, before)
            WHEN m.kind = 'rate' THEN pg_catalog.format('segment.outcome(%s > 0)', value)
            ELSE pg_catalog.format('segment.outcome(%s)', value) END;
COMMENT ON FUNCTION segment_internal.metric_outcome(metric, text, text, text) IS
$$The text of the aggregate that adds up customers: of their values, denominators and the same of a time before (NULL:
none).$$;

CREATE FUNCTION segment_internal.check_goal(target double precision, due timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF target IN ('NaN', 'infinity', '-infinity') OR NOT isfinite(due) THEN
        RAISE EXCEPTION 'target and due must be finite, not % and %',
            coalesce(target::text, 'NULL'), coalesce(due::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL means that there is none.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_goal(double precision, timestamptz) IS
'An error (invalid_parameter_value) for a goal that is not finite; NULL is none.';

CREATE FUNCTION segment_internal.create_metric(
    name text, query text, kind text, unit text, better text, period interval, target double precision,
    due timestamptz, min_customers integer, purpose text, search_path text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    m segment.metric;
BEGIN
    IF coalesce(name, '') = '' OR query IS NULL THEN
        RAISE EXCEPTION 'a metric needs a name and a query'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance create_metric(''revenue'', ''SELECT customer_id AS customer, ordered_at AS at, '
                         'amount AS value FROM orders'', ''mean'').';
    END IF;
    IF kind IS NULL OR kind NOT IN ('rate', 'mean', 'total', 'ratio') THEN
        RAISE EXCEPTION 'kind must be one of rate, mean, total, ratio, not %', coalesce(quote_ident(kind), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF better IS NOT NULL AND better NOT IN ('up', 'down') THEN
        RAISE EXCEPTION 'better must be up or down, not %', quote_ident(better)
            USING ERRCODE = 'invalid_parameter_value', HINT = '''down'' where less is better, as of costs and returns.';
    END IF;
    IF period <= interval '0' THEN
        RAISE EXCEPTION 'period must be above 0, not %', period USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF min_customers < 1 THEN
        RAISE EXCEPTION 'min_customers must be at least 1, not %', min_customers
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM segment_internal.check_goal(target, due);
    m.name := name;
    m.kind := kind;
    m.search_path := search_path;
    m.query := segment_internal.source_query(query, search_path);
    m.query_types := segment_internal.named_types(m.query, search_path, segment_internal.metric_columns(m));
    m.unit := unit;
    m.better := coalesce(better, 'up');
    m.period := coalesce(period, '1 month');
    m.target := target;
    m.due := due;
    m.min_customers := coalesce(min_customers, 10);
    m.purpose := purpose;
    m.time_zone := current_setting('TimeZone');
    m.settings := segment_internal.session_settings();
    -- the very statement that will be run
    PERFORM FROM segment_internal.query_columns(segment_internal.metric_statement(m, '-infinity', 'infinity'),
                                                search_path, permanent => true);
    PERFORM segment_internal.change_catalogue('create_metric', m);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'there is a metric "%" already', name
        USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_metric() first.';
END;
$$;
COMMENT ON FUNCTION segment_internal.create_metric(text, text, text, text, text, interval, double precision,
                                                   timestamptz, integer, text, text) IS
'The work of create_metric, which fills in what only the caller''s session knows.';

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_metric(
    name text, query text, kind text, unit text DEFAULT NULL, better text DEFAULT 'up',
    period interval DEFAULT '1 month', target double precision DEFAULT NULL, due timestamptz DEFAULT NULL,
    min_customers integer DEFAULT 10, purpose text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path')) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT segment_internal.create_metric(
        name, query, kind, unit, better, period, target, due, min_customers, purpose,
        coalesce(search_path, current_setting('search_path')));
END;
COMMENT ON FUNCTION create_metric(text, text, text, text, text, interval, double precision, timestamptz, integer,
                                  text, text) IS
$$Creates a metric, which belongs to the current user: a figure of what customers do, to be followed by segment
(snapshot_metrics), measured against a goal, and compared between the arms of an experiment.
query: a query, or the name of a table or view, with a row for each time that a customer did something, in columns of
these names: customer (his key), at (when), value (a number or boolean) and for ratios denominator (the same).
A customer without rows counts as 0, or false. A value that is NULL or NaN makes that of its customer missing, and
rows without customer or time are nobody's.
kind: 'rate': the share of customers with a value that is true or above 0, for instance conversion;
'mean': the sum of the values of a customer, on average, for instance revenue a customer;
'total': the same, shown as the sum over all customers;
'ratio': the sum of values by the sum of denominators, for instance order value, or with a denominator of 1 for each
answer the mean of those who answered.
unit: for people. better: 'up' where more is better, 'down' where less is.
period: of snapshot_metrics. target: the value to be reached, in the figure's own unit (a rate is 0 to 1);
due: by when.
min_customers: segments of fewer customers are not kept by themselves by snapshot_metrics.
search_path: under which the query runs, by default the session's. It runs with the rights of the current user, under
his present time zone; as_of() is the instant asked about.
Errors: invalid_parameter_value, duplicate_object for a taken name, undefined_column, duplicate_column,
datatype_mismatch, and whatever the query is refused for.$$;

CREATE FUNCTION set_metric_goal(name text, target double precision, due timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    m segment.metric := segment_internal.metric_row(name);
BEGIN
    PERFORM segment_internal.check_goal(target, due);
    PERFORM segment_internal.change_catalogue('set_metric_goal', m.name, target, due);
END;
$$;
COMMENT ON FUNCTION set_metric_goal(text, double precision, timestamptz) IS
$$Gives a metric another goal: the value to be reached, in the figure's own unit, and by when; NULL: none.
What snapshot_metrics kept stays, and is measured against the new goal, that of earlier periods, too.
Errors: undefined_object, insufficient_privilege for whoever may not act as its owner, invalid_parameter_value for what
is not finite.$$;

CREATE FUNCTION drop_metric(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    m segment.metric := segment_internal.metric_row(name);
BEGIN
    PERFORM segment_internal.change_catalogue('drop_metric', m.name);
EXCEPTION WHEN foreign_key_violation THEN
    RAISE EXCEPTION 'metric "%" cannot be dropped, because experiments measure it', name
        USING ERRCODE = 'dependent_objects_still_exist',
              HINT = coalesce('drop_experiment() first: '
                              || (SELECT string_agg(e.name, ', ' ORDER BY e.name) FROM segment.experiment AS e
                                  WHERE e.metric = m.name) || '.', 'They are of others.');
END;
$$;
COMMENT ON FUNCTION drop_metric(text) IS
$$Drops a metric with what snapshot_metrics kept of it.
Errors: undefined_object, insufficient_privilege for whoever may not act as its owner, dependent_objects_still_exist
while experiments measure it.$$;

-- ---- figures by segment and period ----

CREATE FUNCTION segment_internal.snapshot_refusal(m metric, s segmentation, from_at timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known timestamptz := coalesce(s.history_from, (SELECT min(r.as_of) FROM segment.run AS r
                                                   WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')));
BEGIN
    RETURN CASE
        WHEN segment_internal.overlapping(s) THEN 'its customers may be in several segments at once'
        WHEN known IS NULL THEN 'it was never refreshed'
        WHEN from_at < known THEN format('it knows its members from %s on, and the period begins at %s', known, from_at)
        ELSE segment_internal.unreadable_reason(s) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.snapshot_refusal(metric, segmentation, timestamptz) IS
'Why there are no figures of a metric by a segmentation for a period that begins then; NULL: there are.';

CREATE FUNCTION segment_internal.snapshot_as_owner(metric text, segmentation text, from_at text, as_of text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    m segment.metric := segment_internal.metric_row(snapshot_as_owner.metric);
    s segment.segmentation := segment_internal.segmentation_row(snapshot_as_owner.segmentation);
    from_at timestamptz := snapshot_as_owner.from_at;
    to_at timestamptz := snapshot_as_owner.as_of;
    refusal text;
    ids integer[];
    outcomes segment.outcome[];
    customers bigint;
BEGIN
    refusal := segment_internal.snapshot_refusal(m, s, from_at);
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION 'segmentation "%" cannot be asked: %', s.name, refusal
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format(
        'WITH done AS (
             SELECT coalesce(p.segment_id, 0) AS segment_id, count(*) AS n, %1$s AS o
             FROM (%2$s) AS p
             FULL JOIN (SELECT v.customer%3$s AS customer, %4$s AS value, %5$s AS denominator FROM %6$s GROUP BY 1) AS v
                  ON v.customer %7$s p.customer
             GROUP BY 1),
         small AS (
             SELECT d.*, min(d.n) OVER () < $1 AND (d.n < $1 OR sum(d.n) OVER w - d.n < $1) AS together
             FROM done AS d WINDOW w AS (ORDER BY d.n, d.segment_id ROWS UNBOUNDED PRECEDING)),
         kept AS (
             SELECT CASE WHEN k.together THEN -1 ELSE k.segment_id END AS segment_id, sum(k.n) AS n,
                    segment.outcome_merge(k.o) AS o
             FROM small AS k GROUP BY 1)
         SELECT array_agg(k.segment_id ORDER BY k.segment_id), array_agg(k.o ORDER BY k.segment_id), sum(k.n)::bigint
         FROM kept AS k',
        segment_internal.metric_outcome(m, 'CASE WHEN v.customer IS NULL THEN 0 ELSE v.value END',
                                        'CASE WHEN v.customer IS NULL THEN 0 ELSE v.denominator END', NULL),
        segment_internal.members_query(s, from_at), segment_internal.collate_clause(s.members),
        segment_internal.metric_of_customer(m, 'value', 'true'),
        segment_internal.metric_of_customer(m, 'denominator', 'true'),
        segment_internal.metric_rows(m, from_at, to_at, to_at),
        segment_internal.equality_operator(segment_internal.key_type(s.members)))
    INTO ids, outcomes, customers USING m.min_customers;
    IF customers IS NULL OR customers < m.min_customers THEN
        RAISE EXCEPTION 'there are % customers, and at least % are needed', coalesce(customers, 0), m.min_customers
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF segment_internal.change_catalogue('store_snapshot', m.name, s.name, from_at, to_at, ids, outcomes) IS NULL THEN
        RAISE EXCEPTION 'metric "%" and segmentation "%" are not of one owner', m.name, s.name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN customers;
END;
$$;
COMMENT ON FUNCTION segment_internal.snapshot_as_owner(text, text, text, text) IS
$$Works out and keeps a metric by the segments of a segmentation, for the period from from_at until as_of; returns the
number of customers. With the rights of the metric's owner.
Small segments are put together with the next smallest until there are enough, so that no difference of the total and
the others tells of them.$$;

CREATE FUNCTION snapshot_metrics(as_of timestamptz DEFAULT NULL, metric text DEFAULT NULL,
    segmentation text DEFAULT NULL,
    OUT metric_name text, OUT segmentation_name text, OUT period tstzrange, OUT customers bigint, OUT not_kept text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
    -- so that the time zones set below end with the function
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    at timestamptz := coalesce(snapshot_metrics.as_of, clock_timestamp());
    one record;
    from_at timestamptz;
BEGIN
    IF NOT isfinite(at) THEN
        RAISE EXCEPTION 'as_of must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF snapshot_metrics.metric IS NOT NULL THEN
        PERFORM segment_internal.metric_row(snapshot_metrics.metric);
    END IF;
    IF snapshot_metrics.segmentation IS NOT NULL THEN
        PERFORM segment_internal.segmentation_row(snapshot_metrics.segmentation);
    END IF;
    FOR one IN
        SELECT m.name, m.owner, m.time_zone, m.period, s.name AS of
        FROM segment.metric AS m
        JOIN segment.segmentation AS s ON format_type(segment_internal.key_type(s.members), -1) = m.query_types[1]
        JOIN pg_class AS c ON c.oid = s.members AND pg_has_role(m.owner, c.relowner, 'USAGE')
        WHERE segment_internal.acts_as(pg_get_userbyid(m.owner))
          AND (m.name = snapshot_metrics.metric OR snapshot_metrics.metric IS NULL)
          AND (s.name = snapshot_metrics.segmentation OR snapshot_metrics.segmentation IS NULL)
        ORDER BY m.name, s.name
    LOOP
        metric_name := one.name;
        segmentation_name := one.of;
        period := NULL;
        BEGIN
            -- calendar months are those of its time zone
            PERFORM set_config('TimeZone', one.time_zone, true);
            from_at := at - one.period;
            period := tstzrange(from_at, at, '[)');
            customers := segment_internal.run_as_owner(
                pg_get_userbyid(one.owner), 'SELECT segment_internal.snapshot_as_owner($1, $2, $3, $4)',
                one.name, one.of, segment_internal.instant(from_at), segment_internal.instant(at));
            not_kept := NULL;
        EXCEPTION WHEN OTHERS THEN
            -- the failure of one never stops the others
            customers := NULL;
            not_kept := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
    IF NOT FOUND THEN
        RAISE NOTICE 'there is no metric of yours with a segmentation of yours by the same type of key'
            USING HINT = 'create_metric() creates one; its column customer has the type of the segmentation''s key.';
    END IF;
END;
$$;
COMMENT ON FUNCTION snapshot_metrics(timestamptz, text, text) IS
$$Works out metrics by segment for the period that ends at an instant, keeps them in segment.metric_snapshot, and
returns a row for each metric and segmentation: metric_by_segment shows the figures.
as_of: the end of the period, which is not included; NULL: now. The same one again puts the new figures in place of
the old ones.
metric, segmentation: only this one; NULL: all metrics whose owner the current user may act as, by all segmentations of
the same owner whose key is of the type of the metric's customer.
Customers count with the segment that they were in when the period began, so that what they did cannot have put them
there. Those who were in none and did something are a row of their own.
Segments of fewer than min_customers are kept together with the next smallest.
not_kept: why nothing was kept: an error of the query, a segmentation that does not know its members at the beginning of
the period or lets them be in several segments at once, too few customers; NULL: all is well. The others go on.
Errors: undefined_object for an unknown metric or segmentation, invalid_parameter_value for an infinite time.$$;

CREATE VIEW metric_by_segment WITH (security_invoker = true) AS
    SELECT m.name AS metric, r.segmentation, r.period, r.what, r.segment_id, g.name AS segment, m.kind, m.unit,
           e.customers, e.skipped, f.value, f.lower, f.upper, m.better, m.target, m.due, t.share_reached, t.reached,
           m.target IS NOT NULL AND NOT coalesce(t.reached, false)
               AND coalesce(m.due <= upper(r.period) OR (r.latest AND m.due <= now()), false) AS overdue
    FROM (SELECT p.metric, p.segmentation, p.period,
                 CASE p.segment_id WHEN 0 THEN 'no segment' WHEN -1 THEN 'small segments' ELSE 'segment' END AS what,
                 CASE WHEN p.segment_id > 0 THEN p.segment_id END AS segment_id, p.outcome,
                 upper(p.period) = max(upper(p.period)) OVER (PARTITION BY p.metric, p.segmentation) AS latest
          FROM metric_snapshot AS p
          UNION ALL
          SELECT p.metric, p.segmentation, p.period, 'all', NULL, outcome_merge(p.outcome),
                 upper(p.period) = max(upper(p.period)) OVER (PARTITION BY p.metric, p.segmentation)
          FROM metric_snapshot AS p GROUP BY p.metric, p.segmentation, p.period) AS r
    JOIN metric AS m ON m.name = r.metric
    LEFT JOIN segment AS g ON g.segmentation = r.segmentation AND g.segment_id = r.segment_id
    CROSS JOIN LATERAL estimate(r.outcome) AS e
    CROSS JOIN LATERAL (SELECT e.value * n.times AS value, e.lower * n.times AS lower, e.upper * n.times AS upper
                        FROM (SELECT CASE WHEN m.kind = 'total' THEN e.customers ELSE 1 END AS times) AS n) AS f
    CROSS JOIN LATERAL (SELECT CASE WHEN m.better = 'up' THEN f.value / nullif(m.target, 0)
                                    ELSE m.target / nullif(f.value, 0) END AS share_reached,
                               CASE WHEN m.better = 'up' THEN f.value >= m.target
                                    ELSE f.value <= m.target END AS reached) AS t;
COMMENT ON VIEW metric_by_segment IS
$$Metrics by segment and period, as snapshot_metrics kept them, with intervals and goals, of the segmentations that the
current user sees.$$;
COMMENT ON COLUMN metric_by_segment.metric IS 'Name of the metric.';
COMMENT ON COLUMN metric_by_segment.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN metric_by_segment.period IS 'The time that was looked at: from its beginning until before its end.';
COMMENT ON COLUMN metric_by_segment.what IS
$$'all': all rows of the period together; 'segment'; 'no segment': customers who were in none when the period began;
'small segments': those of fewer than min_customers, and whom they need not to be told from, together.$$;
COMMENT ON COLUMN metric_by_segment.segment_id IS 'Id of the segment; NULL: see what.';
COMMENT ON COLUMN metric_by_segment.segment IS 'Name of the segment.';
COMMENT ON COLUMN metric_by_segment.kind IS 'rate, mean, total or ratio, see segment.metric.';
COMMENT ON COLUMN metric_by_segment.unit IS 'Unit of the value.';
COMMENT ON COLUMN metric_by_segment.customers IS 'Customers who count.';
COMMENT ON COLUMN metric_by_segment.skipped IS 'Customers with a value missing.';
COMMENT ON COLUMN metric_by_segment.value IS
'The figure: a rate (0 to 1), a mean of customers, a total of them, or a ratio of sums.';
COMMENT ON COLUMN metric_by_segment.lower IS
'Lower end of an interval of 95 percent, see estimate; of totals that of the mean times customers.';
COMMENT ON COLUMN metric_by_segment.upper IS 'Upper end.';
COMMENT ON COLUMN metric_by_segment.better IS 'up or down.';
COMMENT ON COLUMN metric_by_segment.target IS 'The goal; NULL: none.';
COMMENT ON COLUMN metric_by_segment.due IS 'By when.';
COMMENT ON COLUMN metric_by_segment.share_reached IS
'Value by target, or where less is better target by value; 1 and above: reached. NULL: no goal, or by 0.';
COMMENT ON COLUMN metric_by_segment.reached IS 'Whether the value is as good as the goal; NULL: no goal.';
COMMENT ON COLUMN metric_by_segment.overdue IS
'The goal was due by the end of the period (of the latest one: by now), and is not reached.';
