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
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.named_row(NULL::experiment, 'experiment', name, 'create_experiment');
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
