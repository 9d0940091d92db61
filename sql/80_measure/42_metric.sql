-- ---- metrics ----

CREATE FUNCTION segment_internal.metric_row(name text) RETURNS metric
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.named_row(NULL::metric, 'metric', name, 'create_metric');
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
