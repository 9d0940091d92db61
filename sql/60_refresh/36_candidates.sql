-- ---- who would be elsewhere under a candidate ----

CREATE FUNCTION segment_internal.kind_function(s segmentation, function text) RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT p.proname FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'segment_internal'::regnamespace AND p.proname = s.kind || '_' || function LIMIT 1);
COMMENT ON FUNCTION segment_internal.kind_function(segmentation, text) IS
'The name of a function of the kind of a segmentation; NULL: the kind has none.';

CREATE FUNCTION segment_internal.candidate(s segmentation, definition json) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF definition IS NULL OR definition::jsonb = '{}' THEN
        PERFORM segment_internal.check_source(s);
        RETURN s;
    END IF;
    IF json_typeof(definition) <> 'object' THEN
        RAISE EXCEPTION 'a definition must be an object, not %', definition
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"k": 6}, or {"source": "customers_2024"}.';
    END IF;
    IF segment_internal.kind_function(s, 'candidate') IS NULL THEN
        RAISE EXCEPTION 'segmentations of kind % have no other definition', s.kind
            USING ERRCODE = 'feature_not_supported';
    END IF;
    IF NOT definition::jsonb ? 'source' THEN
        PERFORM segment_internal.check_source(s);
    END IF;
    EXECUTE format('SELECT c.* FROM segment_internal.%I($1, $2) AS c', s.kind || '_candidate')
    INTO s USING s, definition;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.candidate(segmentation, json) IS
$$A segmentation with its definition changed, checked as at creation; nothing is stored.
definition: what is other, by name: source, and what the kind has beside it; NULL or {}: nothing.
Errors: invalid_parameter_value, feature_not_supported for a kind that has no candidates, and of the kind.$$;

CREATE FUNCTION segment_internal.diff_as_owner(name text, definition text, as_of text, candidate_model text,
    retrain boolean, by_customer boolean,
    OUT customer text, OUT from_segment text, OUT to_segment text, OUT customers bigint, OUT share numeric,
    OUT revenue numeric)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET jit = off SET standard_conforming_strings = on
AS $$
DECLARE
    now segment.segmentation := segment_internal.segmentation_row(name);
    s segment.segmentation;
    at timestamptz := segment_internal.turn(now, as_of::timestamptz);
    model segment.segment_model := candidate_model;
    train boolean;
    instead jsonb;
    steps segment.refresh_step[];
BEGIN
    IF segment_internal.distribution_column(now.members) IS NOT NULL THEN
        RAISE EXCEPTION 'segmentation "%" cannot be compared with a candidate, because its tables are distributed', name
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Its steps keep their rows in tables, which would be written.';
    END IF;
    PERFORM segment_internal.set_clock(now, at);
    s := segment_internal.candidate(now, definition::json);
    PERFORM segment_internal.check_decisions(s, at);
    IF model IS NOT NULL THEN
        IF segment_internal.kind_function(s, 'own_model') IS NULL THEN
            RAISE EXCEPTION 'segmentation "%" has no models: it is of kind %', s.name, s.kind
                USING ERRCODE = 'wrong_object_type', HINT = 'Give a definition in place of a model.';
        END IF;
        EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_own_model') INTO model USING s, model;
    END IF;
    instead := segment_internal.candidate_places(s, now, model);
    -- other options of a model mean nothing to the one there is
    retrain := coalesce(retrain, CASE WHEN s.options <> now.options OR s.method <> now.method
                                           OR s.features <> now.features THEN true END);
    train := model IS NULL AND CASE WHEN retrain THEN segment_internal.wants_training(s, at, retrain)
                                    ELSE segment_internal.trains(s, at, retrain) END;
    IF NOT train AND model IS NULL AND s.kind <> 'rules' THEN
        PERFORM segment_internal.refuse_nothing_in_use(s, 'object_not_in_prerequisite_state');
    END IF;
    SELECT array_agg(t) INTO steps
    FROM segment_internal.steps_of(s, train, false, false, segment_internal.diff_steps(by_customer), instead) AS t;
    RETURN QUERY EXECUTE format(
        'SELECT r.* FROM segment_internal.step_rows($1, $2, $3, $4, $5, $6, NULL::%s[])
         AS r (customer text, from_segment text, to_segment text, customers bigint, share numeric, revenue numeric)',
        format_type(segment_internal.key_type(s.members), -1))
    USING ARRAY(SELECT t.name FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          ARRAY(SELECT t.statement FROM unnest(steps) WITH ORDINALITY AS t (name, statement, n) ORDER BY n),
          at, train AND s.model_version IS NOT NULL, model, s.refreshed_as_of IS NOT DISTINCT FROM at;
END;
$$;
COMMENT ON FUNCTION segment_internal.diff_as_owner(text, text, text, text, boolean, boolean) IS
$$The work of diff_segmentation and diff_customers, with the rights of the owner.
by_customer: a row for each customer who would be elsewhere, else one for each pair of segments.$$;

CREATE FUNCTION segment_internal.candidate_places(s segmentation, now segmentation, model segment_model) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb := '{}';
    own jsonb;
    worth record;
BEGIN
    IF segment_internal.kind_function(s, 'candidate_places') IS NOT NULL THEN
        EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_candidate_places') INTO result USING s, now;
    END IF;
    IF model IS NOT NULL THEN
        -- the model travels as the parameter that is the model before in a refresh
        result := result || '{"current_model": "$3"}';
        IF segment_internal.kind_function(s, 'model_places') IS NOT NULL THEN
            EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_model_places') INTO own USING s, model;
            result := result || own;
        END IF;
    END IF;
    SELECT 'NULL::numeric' AS placed, 'NULL::numeric' AS member INTO worth;
    IF segment_internal.kind_function(s, 'values') IS NOT NULL THEN
        EXECUTE format('SELECT v.* FROM segment_internal.%I() AS v', s.kind || '_values') INTO worth;
    END IF;
    RETURN result || jsonb_build_object(
        -- a new segment may have the name of one that there is
        'to_name', format('coalesce(t.name, c.segment || CASE WHEN c.segment = ANY (%L::text[])'
                          ' THEN '' (new)'' ELSE '''' END)',
                          ARRAY(SELECT g.name FROM segment.segment AS g
                                WHERE g.segmentation = s.name AND g.closed_at IS NULL)),
        'placed_value', worth.placed, 'member_value', worth.member,
        -- where customers may be in several segments now or then, a segment is compared with itself
        'same_pair', CASE WHEN segment_internal.overlapping(s) OR segment_internal.overlapping(now)
                          THEN ' AND p.segment_id = o.segment_id' ELSE '' END);
END;
$$;
COMMENT ON FUNCTION segment_internal.candidate_places(segmentation, segmentation, segment_model) IS
$$What stands for places in the steps of a candidate in place of what would in a refresh, and for those of diff_steps.
model: that the candidate is to use; NULL: none is given.$$;

CREATE FUNCTION segment_internal.diff_steps(by_customer boolean) RETURNS refresh_step[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT ARRAY[ROW('compared', $$
SELECT coalesce(p.customer, o.customer) AS customer, o.segment_id AS from_id, p.segment_id AS to_id, p.segment,
       coalesce(p.value, o.value) AS value
FROM (SELECT customer, segment_id, segment, {placed_value} AS value FROM ({placed}) AS placed{in_one}) AS p
FULL JOIN (SELECT {key} AS customer, segment_id, {member_value} AS value FROM {members}) AS o
  ON p.customer {equals} o.customer{same_pair}$$)::segment.refresh_step,
    ROW('diff', CASE WHEN by_customer THEN $$
SELECT format('%s', c.customer) AS customer, f.name AS from_segment, {to_name} AS to_segment,
       1::bigint AS customers, NULL::numeric AS share, c.value::numeric AS revenue
FROM (SELECT * FROM {compared} AS n WHERE from_id IS DISTINCT FROM to_id) AS c$$ ELSE $$
SELECT NULL::text AS customer, f.name AS from_segment, {to_name} AS to_segment, c.customers,
       CASE WHEN c.from_id IS NOT NULL
            THEN round(c.customers / sum(c.customers) OVER (PARTITION BY c.from_id), 6) END AS share,
       c.revenue
FROM (SELECT from_id, to_id, min(segment) AS segment, count(*) AS customers, sum(value::numeric) AS revenue
      FROM {compared} AS n GROUP BY from_id, to_id) AS c$$ END || $$
LEFT JOIN segment.segment AS f ON f.segmentation = {name} AND f.segment_id = c.from_id
LEFT JOIN segment.segment AS t ON t.segmentation = {name} AND t.segment_id = c.to_id
ORDER BY f.priority NULLS LAST, f.segment_id, t.priority NULLS LAST, c.to_id$$
    || CASE WHEN by_customer THEN ', c.customer' ELSE '' END)::segment.refresh_step]
$function$;
COMMENT ON FUNCTION segment_internal.diff_steps(boolean) IS
$$The steps, as templates, that compare where customers would be with where they are, in place of those that write.$$;

CREATE FUNCTION segment_internal.diff(name text, definition json, as_of timestamptz, model segment_model,
    retrain boolean, by_customer boolean,
    OUT customer text, OUT from_segment text, OUT to_segment text, OUT customers bigint, OUT share numeric,
    OUT revenue numeric)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 100
BEGIN ATOMIC
    SELECT p.customer, p.from_segment, p.to_segment, p.customers, p.share, p.revenue
    FROM segment_internal.segmentation_row(diff.name) AS s
    CROSS JOIN LATERAL segment_internal.rows_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT p.* FROM segment_internal.diff_as_owner($1, $2, $3, $4, $5::boolean, $6::boolean) AS p', s.name,
        definition::text, segment_internal.instant(as_of), model::text, retrain::text, by_customer::text)
        AS p (customer text, from_segment text, to_segment text, customers bigint, share numeric, revenue numeric);
END;
COMMENT ON FUNCTION segment_internal.diff(text, json, timestamptz, segment_model, boolean, boolean) IS
'What diff_segmentation and diff_customers have in common; see diff_as_owner.';

CREATE FUNCTION diff_segmentation(name text, definition json DEFAULT '{}', as_of timestamptz DEFAULT NULL,
    model segment_model DEFAULT NULL, retrain boolean DEFAULT NULL,
    OUT from_segment text, OUT to_segment text, OUT customers bigint, OUT share numeric, OUT revenue numeric)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
BEGIN ATOMIC
    SELECT d.from_segment, d.to_segment, d.customers, d.share, d.revenue
    FROM segment_internal.diff(name, definition, as_of, model, retrain, false) AS d;
END;
COMMENT ON FUNCTION diff_segmentation(text, json, timestamptz, segment_model, boolean) IS
$$Where the customers of a segmentation would be under a candidate, a row for each pair of segments;
nothing is written.
from_segment: where they are now; NULL: nowhere.
to_segment: where they would be, those who would stay included; NULL: nowhere.
customers: how many; where customers may be in several segments, each place is a row of its own:
who would leave one for another is counted as leaving (to_segment NULL) and as entering (from_segment NULL).
share: of those in from_segment now, 0 to 1, to six decimals; NULL where from_segment is.
revenue: what these customers are worth, as segment_profile has it: RFM: their total by the candidate,
or, for who would depart, as the member table has it; NULL: the kind has none.
definition: what is other than now, by name; {}: nothing, which tells what a refresh would do.
All: source.
RFM: customers, scheme, cuts, bins, thresholds, lookback, refunds, zero_amounts, summarised, hysteresis.
Clusterings: features (a list), method, and the options of the method, such as k.
Rules: version, one of segment_rule_versions; rules, as create_rule_segmentation takes them and in their order, rest,
exclusive.
null is the default of an option, for rest and customers none.
model: a model to place customers by, for instance of another version, get_model(name, 2),
or one that a training function just returned; NULL: the present one, or one trained.
retrain: true trains, false keeps the model; NULL, the default, trains where options, method or features are other,
and else where a refresh would.
as_of: the instant that the candidate speaks of; NULL: now.
Segments are recognised as a retraining or set_segment_rule would: those of RFM by origin, those of clusterings
by model_match (where the features are the same), those of rules by name; a new one has the name that it would get.
Decisions about customers are followed.
Takes about as long as a refresh, reads the source once, and runs with the rights of the owner.
Errors: undefined_object, insufficient_privilege, whatever creation refuses a definition for, wrong_object_type
or invalid_parameter_value for a model that is none of this segmentation, invalid_parameter_value for an as_of before
the last refresh, object_not_in_prerequisite_state where approval is needed and no version has it,
feature_not_supported for distributed segmentations.$$;

CREATE FUNCTION diff_customers(name text, definition json DEFAULT '{}', as_of timestamptz DEFAULT NULL,
    model segment_model DEFAULT NULL, retrain boolean DEFAULT NULL,
    OUT customer text, OUT from_segment text, OUT to_segment text, OUT revenue numeric)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 1000
BEGIN ATOMIC
    SELECT d.customer, d.from_segment, d.to_segment, d.revenue
    FROM segment_internal.diff(name, definition, as_of, model, retrain, true) AS d;
END;
COMMENT ON FUNCTION diff_customers(text, json, timestamptz, segment_model, boolean) IS
$$The customers who would be elsewhere under a candidate, whom diff_segmentation counts: key as text,
the segment now (NULL: none), the one they would be in (NULL: none), and what they are worth.
Where customers may be in several segments, a row for each place that is given up or added.
Arguments and errors: as diff_segmentation.$$;
