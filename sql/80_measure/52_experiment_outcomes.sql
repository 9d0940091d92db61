-- ---- what each customer did ----

CREATE FUNCTION segment_internal.tell_of_exposures(bare bigint, early bigint, history_from timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF bare > 0 THEN
        RAISE NOTICE '% exposures have no customer, no arm or no time, and do not count', bare;
    END IF;
    IF early > 0 THEN
        RAISE NOTICE '% customers were exposed before the history begins at %', early, history_from
            USING DETAIL = 'Their segment of then is known of those who are still in it; the others count as in none.';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_of_exposures(bigint, bigint, timestamptz) IS
$$True; tells by NOTICEs of exposures without customer, arm or time, and of customers whose segment purge_history
removed.$$;

CREATE FUNCTION segment_internal.experiment_query(e experiment, m metric, as_of timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(e.segmentation);
    has_before boolean := e.covariate_window IS NOT NULL;
BEGIN
    RETURN format(
        $q$WITH exposure AS MATERIALIZED (
               SELECT r.customer%1$s AS customer, r.arm, r.at,
                      (r.customer IS NOT NULL AND r.arm IS NOT NULL AND isfinite(r.at)) IS TRUE AS whole
               FROM segment_internal.query_rows(%2$L, %3$L) AS r (customer %4$s, arm text, at timestamptz)),
           exposed AS MATERIALIZED (
               SELECT x.customer, CASE WHEN min(x.arm) = max(x.arm) THEN min(x.arm) END AS arm, min(x.at) AS exposed_at
               FROM exposure AS x WHERE x.whole GROUP BY x.customer),
           did AS (
               SELECT f.customer, %5$s AS value, %6$s AS denominator, %7$s AS before
               FROM exposed AS f JOIN %8$s ON v.customer %9$s f.customer
               WHERE v.at >= f.exposed_at - coalesce($2, '0') AND v.at < f.exposed_at + $1 GROUP BY f.customer)
           SELECT o.customer, o.arm, o.segment_id, o.exposed_at, o.complete, o.value, %10$s AS denominator,
                  %11$s AS before,
                  CASE WHEN o.arm IS NULL THEN 'in several arms' WHEN NOT $4 ? o.arm THEN 'arm not planned'
                       WHEN NOT o.complete THEN 'window not over'
                       -- NULL, NaN or an infinity
                       WHEN (%12$s = 0) IS NOT TRUE THEN 'value missing' END AS left_out
           FROM (SELECT f.customer, f.arm, coalesce(p.segment_id, h.segment_id) AS segment_id, f.exposed_at,
                        f.exposed_at + $1 <= $3 AS complete,
                        CASE WHEN d.customer IS NULL THEN 0 ELSE d.value END AS value,
                        CASE WHEN d.customer IS NULL THEN 0 ELSE d.denominator END AS denominator,
                        CASE WHEN d.customer IS NULL THEN 0 ELSE d.before END AS before
                 FROM exposed AS f
                 LEFT JOIN did AS d ON d.customer %9$s f.customer
                 LEFT JOIN %13$s AS p ON p.%14$I %9$s f.customer AND p.entered_at <= f.exposed_at
                 LEFT JOIN %15$s AS h ON h.%16$I %9$s f.customer AND h.entered_at <= f.exposed_at
                                         AND h.left_at > f.exposed_at
                 CROSS JOIN (SELECT segment_internal.tell_of_exposures(
                                        count(*) FILTER (WHERE NOT x.whole),
                                        (SELECT count(*) FROM exposed AS y WHERE y.exposed_at < $5), $5) AS done
                             FROM exposure AS x) AS n WHERE n.done) AS o$q$,
        segment_internal.collate_clause(s.members), segment_internal.exposure_statement(e, as_of), e.search_path,
        format_type(segment_internal.key_type(s.members), -1),
        segment_internal.metric_of_customer(m, 'value', 'v.at >= f.exposed_at'),
        segment_internal.metric_of_customer(m, 'denominator', 'v.at >= f.exposed_at'),
        segment_internal.metric_of_customer(m, 'value', 'v.at < f.exposed_at'),
        segment_internal.metric_rows(m, coalesce(e.started - coalesce(e.covariate_window, '0'), '-infinity'), as_of,
                                     as_of),
        segment_internal.equality_operator(segment_internal.key_type(s.members)),
        CASE WHEN m.kind = 'ratio' THEN 'o.denominator' ELSE 'NULL::float8' END,
        CASE WHEN has_before THEN 'o.before' ELSE 'NULL::float8' END,
        'o.value - o.value' || CASE WHEN m.kind = 'ratio' THEN ' + (o.denominator - o.denominator)' ELSE '' END
            || CASE WHEN has_before THEN ' + (o.before - o.before)' ELSE '' END,
        s.members, segment_internal.key_column(s.members), s.history, segment_internal.key_column(s.history));
END;
$body$;
COMMENT ON FUNCTION segment_internal.experiment_query(experiment, metric, timestamptz) IS
$$The text of a query for what each customer of an experiment did until an instant, with the windows as $1 and $2, the
instant as $3, the arms as $4 and the beginning of the history as $5: customer, arm, segment_id, exposed_at, complete,
value, denominator, before, left_out; see experiment_outcomes.$$;

CREATE FUNCTION segment_internal.outcomes_as_owner(name text, as_of text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    e segment.experiment := segment_internal.experiment_row(name);
    at timestamptz := as_of;
    what text := format('experiment "%s"', e.name);
BEGIN
    PERFORM segment_internal.set_clock(what, e.time_zone, e.settings, at);
    PERFORM segment_internal.check_named_types(what, e.exposures, e.search_path, '{customer,arm,at}', e.exposure_types);
    RETURN QUERY EXECUTE segment_internal.experiment_query(e, segment_internal.metric_row(e.metric), at)
    USING e.outcome_window, e.covariate_window, at, e.arms,
          (segment_internal.segmentation_row(e.segmentation)).history_from;
END;
$$;
COMMENT ON FUNCTION segment_internal.outcomes_as_owner(text, text) IS
'The rows of experiment_query, with the rights of the owner of the segmentation.';

CREATE FUNCTION segment_internal.outcome_rows(e experiment, as_of timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(e.segmentation);
    columns text := format('(customer %s, arm text, segment_id integer, exposed_at timestamptz, complete boolean, '
                           'value float8, denominator float8, before float8, left_out text)',
                           format_type(segment_internal.key_type(s.members), -1));
BEGIN
    IF NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'as_of must be a finite time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN format('segment_internal.rows_as_owner(%L, %L, %L, %L) AS o %s', segment_internal.owner_of(s.members),
                  'SELECT o.* FROM segment_internal.outcomes_as_owner($1, $2) AS o ' || columns,
                  e.name, segment_internal.instant(coalesce(as_of, clock_timestamp())), columns);
END;
$$;
COMMENT ON FUNCTION segment_internal.outcome_rows(experiment, timestamptz) IS
$$The text of an item of FROM, called o, with the rows of experiment_query, run with the rights of the owner.
Errors: invalid_parameter_value for an infinite time, and those of reading the segmentation.$$;

CREATE FUNCTION experiment_outcomes(key anyelement, name text, as_of timestamptz,
    OUT customer anyelement, OUT arm text, OUT segment text, OUT exposed_at timestamptz, OUT complete boolean,
    OUT value double precision, OUT denominator double precision, OUT before double precision, OUT left_out text,
    OUT segment_id integer)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    e segment.experiment := segment_internal.experiment_row(experiment_outcomes.name);
    s segment.segmentation := segment_internal.segmentation_row(e.segmentation);
BEGIN
    IF pg_typeof(key) <> segment_internal.key_type(s.members) THEN
        RAISE EXCEPTION 'the key of segmentation "%" is of type %, not %', s.name,
            segment_internal.key_type(s.members), pg_typeof(key)
            USING ERRCODE = 'datatype_mismatch',
                  HINT = format('Call experiment_outcomes(null::%s, ...).',
                                format_type(segment_internal.key_type(s.members), -1));
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT o.customer, o.arm, g.name, o.exposed_at, o.complete, o.value, o.denominator, o.before, o.left_out,
                o.segment_id
         FROM %s LEFT JOIN unnest($1) AS g ON g.segment_id = o.segment_id',
        segment_internal.outcome_rows(e, experiment_outcomes.as_of))
    USING segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION experiment_outcomes(anyelement, text, timestamptz) IS
$$What each customer of an experiment did, a row for each who was exposed before an instant (NULL: now), with the key in
its own type: experiment_outcomes(null::bigint, 'spring mailing', '2024-07-01').
arm: NULL for who was in several. segment: the one that he was in at his first exposure, as the history has it, by its
present name; NULL: he was no member then. exposed_at: the first exposure.
complete: whether his outcome window, from the first exposure until before its end, is over at the instant.
value: what the metric has of him in it, of a rate 1 or 0; who did nothing has 0. denominator: of ratios.
before: the same value of the covariate window, which ends before the first exposure; NULL: the experiment has none.
left_out: why he does not count: 'in several arms', 'arm not planned', 'window not over', 'value missing';
NULL: he does.
NOTICEs tell of exposures without customer, arm or time.
Queries run with the rights of the owner of the segmentation, that of the metric with those of its own.
Errors: undefined_object, datatype_mismatch for a wrong key type and for queries that yield other types than they did,
insufficient_privilege for whoever may not act as the owner, and those of the queries.$$;

CREATE FUNCTION experiment_outcomes(name text, as_of timestamptz DEFAULT NULL,
    OUT customer text, OUT arm text, OUT segment text, OUT exposed_at timestamptz, OUT complete boolean,
    OUT value double precision, OUT denominator double precision, OUT before double precision, OUT left_out text,
    OUT segment_id integer)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    e segment.experiment := segment_internal.experiment_row(experiment_outcomes.name);
BEGIN
    -- format() uses the type's output function, never a cast that somebody defined
    RETURN QUERY EXECUTE format(
        'SELECT format(''%%s'', o.customer), o.arm, g.name, o.exposed_at, o.complete, o.value, o.denominator, o.before,
                o.left_out, o.segment_id
         FROM %s LEFT JOIN unnest($1) AS g ON g.segment_id = o.segment_id',
        segment_internal.outcome_rows(e, experiment_outcomes.as_of))
    USING segment_internal.segment_rows(e.segmentation);
END;
$$;
COMMENT ON FUNCTION experiment_outcomes(text, timestamptz) IS
$$What each customer of an experiment did until an instant (NULL, the default: now), with the key as text.
See experiment_outcomes(key, name, as_of).$$;
