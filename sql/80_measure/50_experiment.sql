-- ---- experiments: customers in arms, and what came of it, by the segment that they were in ----

CREATE TABLE experiment (
    name text PRIMARY KEY CHECK (name <> ''),
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    metric text NOT NULL REFERENCES metric ON UPDATE CASCADE,
    exposures text NOT NULL,
    exposure_types text[] NOT NULL CHECK (cardinality(exposure_types) = 3),
    arms jsonb NOT NULL CHECK (jsonb_typeof(arms) = 'object'),
    control text NOT NULL,
    outcome_window interval NOT NULL CHECK (outcome_window > '0'),
    covariate_window interval CHECK (covariate_window > '0'),
    started timestamptz,
    ended timestamptz CHECK (ended > started),
    hypothesis text,
    salt text,
    tuned_for bigint CHECK (tuned_for >= 1),
    time_zone text NOT NULL,
    search_path text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_by name NOT NULL DEFAULT session_user,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (arms ? control)
);
CREATE INDEX experiment_segmentation ON experiment (segmentation);
CREATE INDEX experiment_metric ON experiment (metric);
COMMENT ON TABLE experiment IS
$$Experiments: which customers were treated how, and by what it is measured; see create_experiment. They belong to the
owner of their segmentation.$$;
COMMENT ON COLUMN experiment.name IS 'Name of the experiment, unique in the database.';
COMMENT ON COLUMN experiment.segmentation IS 'The segmentation by which it is broken down.';
COMMENT ON COLUMN experiment.metric IS 'The metric that it is measured by.';
COMMENT ON COLUMN experiment.exposures IS
'Query that yields customer, arm and at, a row for each time a customer was treated, or would have been.';
COMMENT ON COLUMN experiment.exposure_types IS
'Types of these columns, in this order; a query that has others by now is an error that says so.';
COMMENT ON COLUMN experiment.arms IS 'The arms with their planned shares, in any unit: {"mail": 0.9, "none": 0.1}.';
COMMENT ON COLUMN experiment.control IS 'The arm that the others are compared with.';
COMMENT ON COLUMN experiment.outcome_window IS
'How long after the first exposure of a customer what he does counts, in calendar days of time_zone.';
COMMENT ON COLUMN experiment.covariate_window IS
'How long before it what he did is used to make the result sharper; NULL: it is not.';
COMMENT ON COLUMN experiment.started IS 'Exposures before are no part of it; NULL: all are.';
COMMENT ON COLUMN experiment.ended IS 'Exposures from then on are no part of it; NULL: all are.';
COMMENT ON COLUMN experiment.hypothesis IS 'What it is to show.';
COMMENT ON COLUMN experiment.salt IS 'The salt of hash_fraction by which customers were put into arms, for the record.';
COMMENT ON COLUMN experiment.tuned_for IS
'NULL: it is looked at once; a number: at any time, see lift, narrowest when so many customers are in.';
COMMENT ON COLUMN experiment.time_zone IS 'Time zone of windows, and of times of the query that have none.';
COMMENT ON COLUMN experiment.search_path IS 'search_path under which the query runs: that of the creator.';
COMMENT ON COLUMN experiment.settings IS
'Other settings that change what the query means, as the creator''s session had them; see segmentation.settings.';
COMMENT ON COLUMN experiment.created_by IS 'Role that was logged in.';
COMMENT ON COLUMN experiment.created_at IS 'When.';

SELECT pg_catalog.pg_extension_config_dump('experiment', '');
ALTER TABLE experiment ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON experiment FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY measured ON metric FOR SELECT USING (EXISTS (SELECT FROM experiment AS e WHERE e.metric = name));
COMMENT ON POLICY reader ON experiment IS 'Visible with the segmentation.';
COMMENT ON POLICY measured ON metric IS 'Who sees an experiment sees what it is measured by.';

CREATE FUNCTION segment_internal.experiment_row(name text) RETURNS experiment
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row segment.experiment;
BEGIN
    SELECT * INTO found_row FROM segment.experiment AS e WHERE e.name = experiment_row.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'experiment "%" does not exist', coalesce(name, '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = coalesce('Perhaps you meant "' || segment_internal.nearest_name(
                                      name, ARRAY(SELECT e.name FROM segment.experiment AS e)) || '".',
                                  'create_experiment() creates one.');
    END IF;
    RETURN found_row;
END;
$$;
COMMENT ON FUNCTION segment_internal.experiment_row(text) IS
'An experiment by name. Error (undefined_object) when there is none that the current user may see.';

CREATE FUNCTION segment_internal.exposure_statement(e experiment, to_at timestamptz) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at text := segment_internal.time_expression(e.exposure_types[3], e.time_zone);
BEGIN
    RETURN format(E'SELECT source.customer AS customer, source.arm AS arm, %1$s AS at FROM (\n%2$s\n) AS source '
                  'WHERE (%1$s OPERATOR(pg_catalog.>=) %3$L::pg_catalog.timestamptz '
                  'AND %1$s OPERATOR(pg_catalog.<) %4$L::pg_catalog.timestamptz) IS NOT FALSE',
                  at, e.exposures, segment_internal.instant(coalesce(e.started, '-infinity')),
                  segment_internal.instant(least(to_at, e.ended)));
END;
$$;
COMMENT ON FUNCTION segment_internal.exposure_statement(experiment, timestamptz) IS
$$The statement that is run for the exposures of an experiment before an instant, and that creation checks: its columns
by name; rows without a time are there, too.$$;

CREATE FUNCTION segment_internal.check_arms(arms jsonb, control text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    example CONSTANT text := 'For instance ''{"mail": 0.9, "none": 0.1}'', with control => ''none''.';
BEGIN
    IF jsonb_typeof(arms) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'arms must be an object of arms and their planned shares'
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    IF (SELECT bool_or(jsonb_typeof(a.value) <> 'number') FROM jsonb_each(arms) AS a) THEN
        RAISE EXCEPTION 'the planned share of an arm must be a number' USING ERRCODE = 'invalid_parameter_value',
            HINT = example;
    END IF;
    IF (SELECT coalesce(bool_or(a.value::numeric < 0), false) OR count(*) FILTER (WHERE a.value::numeric > 0) < 2
        FROM jsonb_each(arms) AS a) THEN
        RAISE EXCEPTION 'planned shares must not be below 0, and at least two arms need one above'
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    IF control IS NULL OR NOT arms ? control THEN
        RAISE EXCEPTION 'there is no arm "%" to be the control', coalesce(control, '(null)')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Arms: %s.', (SELECT string_agg(k, ', ') FROM jsonb_object_keys(arms) AS k));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_arms(jsonb, text) IS
'Raises an error (invalid_parameter_value) where arms with planned shares, or the control among them, are not right.';

CREATE FUNCTION segment_internal.create_experiment(
    name text, segmentation text, metric text, exposures text, arms jsonb, control text, outcome_window interval,
    covariate_window interval, started timestamptz, ended timestamptz, hypothesis text, salt text, tuned_for bigint,
    search_path text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    m segment.metric := segment_internal.metric_row(metric);
    e segment.experiment;
    key_type text := format_type(segment_internal.key_type(s.members), -1);
BEGIN
    IF coalesce(name, '') = '' OR exposures IS NULL THEN
        RAISE EXCEPTION 'an experiment needs a name and a query of its exposures'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance ''SELECT customer_id AS customer, arm, sent_at AS at FROM mailing''.';
    END IF;
    PERFORM segment_internal.check_arms(arms, control);
    IF outcome_window IS NULL OR outcome_window <= interval '0' OR covariate_window <= interval '0' THEN
        RAISE EXCEPTION 'the windows must be above 0'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'outcome_window is needed, for instance ''14 days''; covariate_window may be NULL.';
    END IF;
    IF m.kind = 'ratio' AND covariate_window IS NOT NULL THEN
        RAISE EXCEPTION 'a ratio has no covariate'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave covariate_window out.';
    END IF;
    IF tuned_for < 1 OR NOT isfinite(started) OR NOT isfinite(ended) OR ended <= started THEN
        RAISE EXCEPTION 'tuned_for must be at least 1, and started before ended'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Each may be NULL.';
    END IF;
    IF segment_internal.overlapping(s) THEN
        RAISE EXCEPTION 'customers of segmentation "%" may be in several segments at once', s.name
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'An experiment is broken down by segments that exclude each other.';
    END IF;
    e.name := name;
    e.segmentation := s.name;
    e.metric := m.name;
    e.exposures := segment_internal.source_query(exposures, search_path);
    e.exposure_types := segment_internal.named_types(e.exposures, search_path, '{customer,arm,at}');
    e.arms := arms;
    e.control := control;
    e.outcome_window := outcome_window;
    e.covariate_window := covariate_window;
    e.started := started;
    e.ended := ended;
    e.hypothesis := hypothesis;
    e.salt := nullif(salt, '');
    e.tuned_for := tuned_for;
    e.time_zone := current_setting('TimeZone');
    e.search_path := search_path;
    e.settings := segment_internal.session_settings();
    IF e.exposure_types[1] <> key_type OR m.query_types[1] <> key_type THEN
        RAISE EXCEPTION
            'the key of segmentation "%" is of type %, that of exposures of type %, that of metric "%" of type %',
            s.name, key_type, e.exposure_types[1], m.name, m.query_types[1]
            USING ERRCODE = 'datatype_mismatch', HINT = 'Cast column customer in the query.';
    END IF;
    IF segment_internal.feature_type(to_regtype(e.exposure_types[2])::regtype) IS DISTINCT FROM 'text' THEN
        RAISE EXCEPTION 'column "arm" is of type %, expected text', e.exposure_types[2]
            USING ERRCODE = 'datatype_mismatch', HINT = 'Cast it in the query.';
    END IF;
    -- the very statement that will be run
    PERFORM FROM segment_internal.query_columns(segment_internal.exposure_statement(e, 'infinity'), search_path,
                                                permanent => true);
    IF segment_internal.change_catalogue('create_experiment', s.name, e) IS NULL THEN
        RAISE EXCEPTION 'the owner of segmentation "%" may not run metric "%", which belongs to "%"', s.name, m.name,
            pg_get_userbyid(m.owner)
            USING ERRCODE = 'insufficient_privilege', HINT = 'Create a metric of his own.';
    END IF;
    IF EXISTS (SELECT FROM segment.experiment AS x WHERE x.salt = e.salt AND x.name <> e.name) THEN
        RAISE NOTICE 'another experiment has the salt "%", too', e.salt
            USING HINT = 'Of one salt both draw the same customers, and what one does shows in the other.';
    END IF;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'there is an experiment "%" already', name
        USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_experiment() first.';
END;
$$;
COMMENT ON FUNCTION segment_internal.create_experiment(text, text, text, text, jsonb, text, interval, interval,
                                                       timestamptz, timestamptz, text, text, bigint, text) IS
'The work of create_experiment, which fills in what only the caller''s session knows.';

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_experiment(
    name text, segmentation text, metric text, exposures text, arms jsonb, control text, outcome_window interval,
    covariate_window interval DEFAULT NULL, started timestamptz DEFAULT NULL, ended timestamptz DEFAULT NULL,
    hypothesis text DEFAULT NULL, salt text DEFAULT NULL, tuned_for bigint DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path')) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT segment_internal.create_experiment(
        name, segmentation, metric, exposures, arms, control, outcome_window, covariate_window, started, ended,
        hypothesis, salt, tuned_for, coalesce(search_path, current_setting('search_path')));
END;
COMMENT ON FUNCTION create_experiment(text, text, text, text, jsonb, text, interval, interval, timestamptz, timestamptz,
                                      text, text, bigint, text) IS
$$Creates an experiment, which belongs to the owner of its segmentation: what was done with whom, and what it is
measured by. experiment_result tells what came of it, experiment_outcomes of each customer.
segmentation: by which it is broken down; metric: what is measured, of the same type of customer key.
exposures: a query, or the name of a table or view, with a row for each time that a customer was treated, or as one of
the control would have been, in columns of these names: customer, arm, at (when).
arms: the arms with their planned shares, in any unit: {"mail": 0.9, "none": 0.1}; control: the one that the others
are compared with.
outcome_window: how long what a customer does counts, from his first exposure until before its end. Fix it beforehand.
covariate_window: how long before the first exposure the metric of a customer is used to make the result sharper, see
lift; NULL, the default: it is not. A rate becomes a mean of 0 and 1 by it. Not for ratios.
started, ended: exposures before the one, and from the other on, are no part of the experiment; NULL: all are.
hypothesis: for the record. salt: of hash_fraction, by which the arms were drawn; a NOTICE tells where another
experiment has the same.
tuned_for: NULL: intervals hold for one look at a time fixed before; a number of customers: for looks at any time.
search_path: under which the query runs, by default the session's; it runs with the rights of the owner, under the
present time zone, and as_of() is the instant asked about.
Errors: undefined_object, duplicate_object for a taken name, invalid_parameter_value, datatype_mismatch,
undefined_column, feature_not_supported where customers may be in several segments at once, insufficient_privilege for
whoever may not act as the owner of the segmentation, or he not as that of the metric, and what the query is refused
for.$$;

CREATE FUNCTION drop_experiment(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e segment.experiment := segment_internal.experiment_row(name);
BEGIN
    PERFORM segment_internal.change_catalogue('drop_experiment', e.segmentation, e.name);
END;
$$;
COMMENT ON FUNCTION drop_experiment(text) IS
$$Drops an experiment; exposures and metric stay.
Errors: undefined_object, insufficient_privilege for whoever may not act as the owner of its segmentation.$$;

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

-- ---- what came of it ----

CREATE FUNCTION segment_internal.percent(share double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN abs(share) < 1e12 AND abs(share) > 1e-12
            THEN trim_scale(round(100 * share::numeric, greatest(0, -floor(log(abs(share)))::integer)))::text
            ELSE (100 * share)::text END || ' %';
COMMENT ON FUNCTION segment_internal.percent(double precision) IS
'A share as a percentage for people: three digits that count, and all before the point.';

CREATE FUNCTION segment_internal.amount(share double precision, value double precision) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(segment_internal.percent(abs(share)), segment_internal.brief(abs(value)))
    || CASE WHEN coalesce(share, value) < 0 THEN ' less' ELSE ' more' END;
COMMENT ON FUNCTION segment_internal.amount(double precision, double precision) IS
'How much more or less, in words: as a percentage, or where share is NULL as a number.';

CREATE FUNCTION segment_internal.chance(p double precision) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN p < 0.0001 THEN 'p < 0.0001' ELSE 'p = ' || trim_scale(round(p::numeric, 4))::text END;
COMMENT ON FUNCTION segment_internal.chance(double precision) IS 'A p-value for people.';

CREATE FUNCTION segment_internal.verdict(treated text, control text, better text, l record, p_adjusted float8,
                                         segments integer, detectable float8) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- a share of what is not above 0 says nothing
    shows_lift boolean := l.control_value > 0 AND abs(l.lift_lower) < 'infinity' AND abs(l.lift_upper) < 'infinity';
    more text := segment_internal.amount(CASE WHEN shows_lift THEN l.lift END, l.difference);
    range text := CASE WHEN shows_lift
        THEN format('%s to %s', segment_internal.amount(l.lift_lower, NULL),
                    segment_internal.amount(l.lift_upper, NULL))
        ELSE format('%s to %s', segment_internal.amount(NULL, l.difference_lower),
                    segment_internal.amount(NULL, l.difference_upper)) END;
BEGIN
    IF coalesce(l.treated_customers, 0) = 0 OR coalesce(l.control_customers, 0) = 0 THEN
        RETURN format('Nothing to compare: "%s" has %s customers who count, "%s" has %s.', treated,
                      coalesce(l.treated_customers, 0), control, coalesce(l.control_customers, 0));
    ELSIF l.difference_lower IS NULL OR l.difference_lower = l.difference_upper THEN
        RETURN 'Nothing can be said: the values of these customers do not differ enough to tell how sure it is.';
    ELSIF l.difference_lower <= 0 AND l.difference_upper >= 0 THEN
        RETURN format('Not settled: anything from %s is possible with so many customers%s.', range,
                      '; a lift below ' || segment_internal.percent(detectable) || ' would often be missed');
    ELSIF p_adjusted > 0.05 THEN
        RETURN format('Not settled: it points to %s (%s), but among %s segments chance alone often shows as much '
                      '(%s, adjusted %s).', more, range, segments, segment_internal.chance(l.p_value),
                      segment_internal.chance(p_adjusted));
    END IF;
    RETURN format('"%s" does %s than "%s": %s (%s).', treated,
                  CASE WHEN (l.difference > 0) = (better = 'up') THEN 'better' ELSE 'worse' END, control, more, range);
END;
$$;
COMMENT ON FUNCTION segment_internal.verdict(text, text, text, record, float8, integer, float8) IS
$$A comparison, l (the columns of lift), in words. It follows the interval, and never says that there is no effect.
p_adjusted, segments: of a segment, else NULL; detectable: the lift still detectable.$$;

CREATE FUNCTION segment_internal.result_as_owner(name text, as_of text, min_customers text,
    OUT arm text, OUT what text, OUT segment_id integer, OUT segment text,
    OUT treated_customers bigint, OUT control_customers bigint,
    OUT treated_value double precision, OUT control_value double precision,
    OUT difference double precision, OUT difference_lower double precision, OUT difference_upper double precision,
    OUT lift double precision, OUT lift_lower double precision, OUT lift_upper double precision,
    OUT p_value double precision, OUT p_adjusted double precision, OUT variance_reduction double precision,
    OUT detectable_lift double precision, OUT heterogeneity_q double precision, OUT heterogeneity_segments integer,
    OUT heterogeneity_p double precision, OUT ratio_p double precision, OUT left_out jsonb, OUT verdict text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $body$
#variable_conflict use_column
DECLARE
    e segment.experiment := segment_internal.experiment_row(result_as_owner.name);
    m segment.metric := segment_internal.metric_row(e.metric);
    least_customers bigint := result_as_owner.min_customers;
    alarm CONSTANT float8 := 0.001;     -- of arms that are not of the planned sizes
    enough CONSTANT bigint := 100;      -- exposures for it
    exposed bigint;
    r record;
BEGIN
    FOR r IN EXECUTE format(
        $q$WITH o AS MATERIALIZED (SELECT o.* FROM %1$s),
        planned AS (
            SELECT a.key AS arm, a.value::text::float8 AS share, a.n
            FROM jsonb_each($1) WITH ORDINALITY AS a (key, value, n)),
        -- everybody who is in one planned arm, whether his window is over or not
        sizes AS (
            SELECT p.arm, p.share / sum(p.share) OVER () AS share, count(o.arm)::float8 AS n
            FROM planned AS p LEFT JOIN o ON o.arm = p.arm WHERE p.share > 0 GROUP BY p.arm, p.share, p.n),
        ratio AS (
            SELECT sum(z.n)::bigint AS exposed,
                   segment.chi_squared_p(sum(power(z.n - z.total * z.share, 2) / (z.total * z.share) ORDER BY z.arm),
                                         count(*) - 1) AS p
            FROM (SELECT s.*, nullif(sum(s.n) OVER (), 0) AS total FROM sizes AS s) AS z),
        cell AS (
            SELECT coalesce(o.segment_id, 0) AS segment_id, o.arm, %2$s AS outcome
            FROM o WHERE o.left_out IS NULL GROUP BY 1, 2),
        outcomes AS (
            SELECT c.segment_id, c.arm, c.outcome FROM cell AS c
            UNION ALL SELECT NULL, c.arm, segment.outcome_merge(c.outcome) FROM cell AS c GROUP BY c.arm),
        gone AS (
            SELECT g.segment_id, jsonb_object_agg(g.left_out, g.n) AS left_out
            FROM (SELECT coalesce(o.segment_id, 0) AS segment_id, o.left_out, count(*) AS n
                  FROM o WHERE o.left_out IS NOT NULL GROUP BY GROUPING SETS ((1, 2), (2))) AS g
            GROUP BY g.segment_id),
        scope AS (SELECT DISTINCT coalesce(o.segment_id, 0) AS segment_id FROM o UNION ALL SELECT NULL),
        compared AS (
            SELECT s.segment_id, p.arm, p.n, l.*, t.outcome AS treated, c.outcome AS control,
                   least(nullif(l.treated_customers, 0), nullif(l.control_customers, 0)) AS fewest
            FROM scope AS s CROSS JOIN planned AS p
            LEFT JOIN outcomes AS t ON t.segment_id IS NOT DISTINCT FROM s.segment_id AND t.arm = p.arm
            LEFT JOIN outcomes AS c ON c.segment_id IS NOT DISTINCT FROM s.segment_id AND c.arm = $2
            CROSS JOIN LATERAL segment.estimate(t.outcome) AS te
            CROSS JOIN LATERAL segment.estimate(c.outcome) AS ce
            CROSS JOIN LATERAL (
                SELECT coalesce(te.customers, 0) AS treated_customers, coalesce(ce.customers, 0) AS control_customers,
                       te.value AS treated_value, ce.value AS control_value, f.difference, f.difference_lower,
                       f.difference_upper, f.lift, f.lift_lower, f.lift_upper, f.p_value, f.variance_reduction,
                       (te.std_error ^ 2 + ce.std_error ^ 2) * (1 - coalesce(f.variance_reduction, 0)) AS variance
                FROM segment.lift(t.outcome, c.outcome, 0.95, $3) AS f) AS l
            WHERE p.arm <> $2),
        -- where one is withheld the total would tell of it, so that the next smallest are, too, until there are enough
        shown AS (
            SELECT c.*, c.segment_id IS NULL
                        OR NOT coalesce(c.fewest < $4, false)
                           AND sum(c.treated_customers) OVER w - c.treated_customers NOT BETWEEN 1 AND $4 - 1
                           AND sum(c.control_customers) OVER w - c.control_customers NOT BETWEEN 1 AND $4 - 1 AS shown
            FROM compared AS c
            WINDOW w AS (PARTITION BY c.arm, c.segment_id IS NULL ORDER BY c.fewest, c.segment_id
                         ROWS UNBOUNDED PRECEDING)),
        adjusted AS (
            SELECT a.arm, a.segment_id, a.many,
                   least(1, min(a.p_value * a.many / a.i) OVER (PARTITION BY a.arm ORDER BY a.p_value DESC)) AS p
            FROM (SELECT s.arm, s.segment_id, s.p_value, count(*) OVER (PARTITION BY s.arm) AS many,
                         row_number() OVER (PARTITION BY s.arm ORDER BY s.p_value) AS i
                  FROM shown AS s
                  WHERE s.segment_id IS NOT NULL AND s.shown AND s.p_value IS NOT NULL) AS a),
        -- Cochran's Q: of segments without variance there is no weight
        weighed AS (
            SELECT s.arm, s.segment_id, s.difference, 1 / s.variance AS weight FROM shown AS s
            WHERE s.segment_id IS NOT NULL AND s.shown AND s.variance > 0),
        common AS (
            SELECT w.arm, sum(w.weight * w.difference ORDER BY w.segment_id)
                          / sum(w.weight ORDER BY w.segment_id) AS difference
            FROM weighed AS w GROUP BY w.arm),
        differ AS (
            SELECT w.arm, count(*)::integer AS segments,
                   CASE WHEN count(*) > 1 THEN
                       sum(w.weight * power(w.difference - c.difference, 2) ORDER BY w.segment_id) END AS q
            FROM weighed AS w JOIN common AS c ON c.arm = w.arm GROUP BY w.arm)
        SELECT s.*, g.name AS segment, a.p AS p_adjusted, a.many, d.segments,
               CASE WHEN s.segment_id IS NULL THEN d.q END AS q,
               segment.chi_squared_p(CASE WHEN s.segment_id IS NULL THEN d.q END, d.segments - 1) AS q_p,
               r.p AS ratio_p, r.exposed, coalesce(x.left_out, '{}') AS left_out,
               CASE WHEN s.treated_customers > 0 AND s.control_customers > 0 THEN
                   segment.detectable_lift(s.control, s.treated_customers, s.control_customers) END AS detectable
        FROM shown AS s CROSS JOIN ratio AS r
        LEFT JOIN unnest($5) AS g ON g.segment_id = s.segment_id
        LEFT JOIN adjusted AS a ON a.arm = s.arm AND a.segment_id = s.segment_id
        LEFT JOIN differ AS d ON d.arm = s.arm
        LEFT JOIN gone AS x ON x.segment_id IS NOT DISTINCT FROM s.segment_id
        ORDER BY s.n, s.segment_id IS NOT NULL, g.priority NULLS LAST, s.segment_id$q$,
        segment_internal.outcome_rows(e, result_as_owner.as_of::timestamptz),
        segment_internal.metric_outcome(m, 'o.value', 'o.denominator',
                                        CASE WHEN e.covariate_window IS NOT NULL THEN 'o.before' END))
    USING e.arms, e.control, e.tuned_for, least_customers, segment_internal.segment_rows(e.segmentation)
    LOOP
        arm := r.arm;
        what := CASE WHEN r.segment_id IS NULL THEN 'all' WHEN r.segment_id = 0 THEN 'no segment' ELSE 'segment' END;
        segment_id := nullif(r.segment_id, 0);
        segment := r.segment;
        treated_customers := r.treated_customers;
        control_customers := r.control_customers;
        detectable_lift := r.detectable;
        heterogeneity_q := r.q;
        heterogeneity_segments := CASE WHEN r.segment_id IS NULL THEN coalesce(r.segments, 0) END;
        heterogeneity_p := r.q_p;
        ratio_p := CASE WHEN r.segment_id IS NULL THEN r.ratio_p END;
        left_out := r.left_out;
        IF r.shown THEN
            treated_value := r.treated_value;
            control_value := r.control_value;
            difference := r.difference;
            difference_lower := r.difference_lower;
            difference_upper := r.difference_upper;
            lift := r.lift;
            lift_lower := r.lift_lower;
            lift_upper := r.lift_upper;
            p_value := r.p_value;
            variance_reduction := r.variance_reduction;
            p_adjusted := r.p_adjusted;
            verdict := segment_internal.verdict(r.arm, e.control, m.better, r, r.p_adjusted, r.many::integer,
                                                r.detectable);
        ELSE
            treated_value := NULL;
            control_value := NULL;
            difference := NULL;
            difference_lower := NULL;
            difference_upper := NULL;
            lift := NULL;
            lift_lower := NULL;
            lift_upper := NULL;
            p_value := NULL;
            variance_reduction := NULL;
            p_adjusted := NULL;
            verdict := CASE WHEN r.fewest < least_customers
                THEN format('Too few customers to tell: %s with "%s" and %s with "%s".', r.treated_customers, r.arm,
                            r.control_customers, e.control)
                ELSE 'Not shown: the total less the others would tell of a segment with too few customers.' END;
        END IF;
        IF r.segment_id IS NULL AND r.q_p IS NOT NULL THEN
            verdict := verdict || CASE WHEN r.q_p < 0.05 THEN format(' It differs between segments (%s).',
                                                                     segment_internal.chance(r.q_p))
                                       ELSE format(' That it differs between segments is not shown (%s).',
                                                   segment_internal.chance(r.q_p)) END;
        END IF;
        IF r.ratio_p < alarm AND r.exposed >= enough THEN
            verdict := format('Not to be trusted before it is known why the arms are not of the planned sizes (%s). ',
                              segment_internal.chance(r.ratio_p)) || verdict;
        END IF;
        RETURN NEXT;
    END LOOP;
END;
$body$;
COMMENT ON FUNCTION segment_internal.result_as_owner(text, text, text) IS
'The work of experiment_result, with the rights of the owner of the segmentation.';

CREATE FUNCTION experiment_result(name text, as_of timestamptz DEFAULT NULL, min_customers integer DEFAULT 10,
    OUT arm text, OUT what text, OUT segment_id integer, OUT segment text,
    OUT treated_customers bigint, OUT control_customers bigint,
    OUT treated_value double precision, OUT control_value double precision,
    OUT difference double precision, OUT difference_lower double precision, OUT difference_upper double precision,
    OUT lift double precision, OUT lift_lower double precision, OUT lift_upper double precision,
    OUT p_value double precision, OUT p_adjusted double precision, OUT variance_reduction double precision,
    OUT detectable_lift double precision, OUT heterogeneity_q double precision, OUT heterogeneity_segments integer,
    OUT heterogeneity_p double precision, OUT ratio_p double precision, OUT left_out jsonb, OUT verdict text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e segment.experiment := segment_internal.experiment_row(name);
    s segment.segmentation := segment_internal.segmentation_row(e.segmentation);
BEGIN
    IF coalesce(min_customers, 10) < 1 THEN
        RAISE EXCEPTION 'min_customers must be at least 1, not %', min_customers
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    SELECT r.* FROM segment_internal.rows_as_owner(
        segment_internal.owner_of(s.members), 'SELECT r.* FROM segment_internal.result_as_owner($1, $2, $3) AS r',
        e.name, segment_internal.instant(coalesce(as_of, clock_timestamp())), coalesce(min_customers, 10)::text)
        AS r (arm text, what text, segment_id integer, segment text, treated_customers bigint, control_customers bigint,
              treated_value float8, control_value float8, difference float8, difference_lower float8,
              difference_upper float8, lift float8, lift_lower float8, lift_upper float8, p_value float8,
              p_adjusted float8, variance_reduction float8, detectable_lift float8, heterogeneity_q float8,
              heterogeneity_segments integer, heterogeneity_p float8, ratio_p float8, left_out jsonb, verdict text);
END;
$$;
COMMENT ON FUNCTION experiment_result(text, timestamptz, integer) IS
$$What came of an experiment until an instant (NULL, the default: now): for each arm but the control a row for
everybody, and one for each segment that customers were in at their first exposure.
what: 'all', 'segment', or 'no segment': those who were in none then.
treated_customers to variance_reduction: as lift() has them, of the arm and the control; means of rows of a covariate
window are adjusted by it. Who counts, see experiment_outcomes.
p_adjusted: p_value against the number of segments that are shown (Benjamini and Hochberg, JRSS B 57, 1995);
of all: NULL.
detectable_lift: what would be found four times in five with so many customers, see there.
heterogeneity_q, heterogeneity_p: Cochran's Q (Biometrics 10, 1954) over the differences of the segments, weighted by
the inverse of their variances, and how likely it is where the effect is the same in all of them;
heterogeneity_segments: how many have a weight: those without variance, or not shown, have none. In the rows of all.
ratio_p: how likely chance alone gives arms as far from their planned shares: chi squared over those of a share above 0
and all customers of one planned arm, complete or not. Below 0.001, from 100 customers on, the verdict begins with it.
left_out: how many customers do not count and why: {"window not over": 12}; {}: all count.
verdict: in words. It follows the intervals, of 95 percent, and of segments p_adjusted, too; what is not settled is
told with the lift that would be found.
min_customers: a segment with fewer in either arm shows no figures, nor do the next smallest where the total would tell
of it.
Errors: as experiment_outcomes, and invalid_parameter_value for min_customers below 1.$$;
