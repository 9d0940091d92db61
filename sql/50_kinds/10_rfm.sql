-- ---- segmentations by RFM ----

CREATE FUNCTION segment_internal.rfm_columns(s segmentation,
    OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8
BEGIN ATOMIC
    VALUES
        (1, 'recency_score', 'smallint', false, false,
         'Score of recency, highest for the most recent; NULL without orders.'),
        (2, 'frequency_score', 'smallint', false, false, 'Score of the number of orders; NULL without orders.'),
        (3, 'monetary_score', 'smallint', false, false, 'Score of the total amount; NULL without orders.'),
        (4, 'rfm_score', 'text', false, false, 'The three scores as a code, such as 555; NULL without orders.'),
        (5, 'first_order_at', 'timestamptz', false, false, 'Time of the first order.'),
        (6, 'last_order_at', 'timestamptz', false, true, 'Time of the last order; recency is counted from here.'),
        (7, 'frequency', 'bigint', true, true, 'Number of orders.'),
        (8, 'monetary', 'numeric', true, true, 'Total amount of all orders, refunds as the segmentation treats them.'),
        (9, 'next_transition_at', 'timestamptz', false, false,
         'No score or figure changes before this by time alone; NULL: never, or everybody is placed anew each time.');
END;
COMMENT ON FUNCTION segment_internal.rfm_columns(segmentation) IS 'member_columns of RFM: scores and figures.';

CREATE FUNCTION segment_internal.rfm_summary_is_kept(s segmentation) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN s.customers IS NULL AND (s.options ->> 'summarised')::boolean IS NOT TRUE
    AND segment_internal.collate_clause(s.members) = '';
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_summary_is_kept(segmentation) IS
'Whether the summary of a segmentation by RFM is what rfm_summary returns, with nothing added and no other collation.';

CREATE FUNCTION segment_internal.rfm_has_clock(s segmentation) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN s.retrain_every IS NOT NULL;
COMMENT ON FUNCTION segment_internal.rfm_has_clock(segmentation) IS
$$Whether it is worked out when members of a segmentation by RFM change by time alone: where models are kept.
Where each refresh trains, everybody may be elsewhere after it.$$;

CREATE FUNCTION segment_internal.rfm_steps(s segmentation, train boolean) RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 4 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT 'source_rows', $$
SELECT r.*, CASE WHEN r.customer IS NULL THEN 'null_customer'
                 WHEN r.orders IS NULL OR r.total IS NULL THEN 'null_amount'
                 WHEN r.total IN ('NaN', 'Infinity', '-Infinity') OR NOT isfinite(r.last_order_at) THEN 'not_finite'
                 WHEN r.orders > 0 AND r.last_order_at IS NULL THEN 'null_time'
                 WHEN r.last_order_at >= $1 THEN 'after_as_of' END AS skipped
FROM {summarised}$$
    WHERE (s.options ->> 'summarised')::boolean
    UNION ALL
    -- source and customers in one statement, which sees one state of both
    SELECT 'summary',
           CASE WHEN s.customers IS NULL THEN b.buyers
                -- who is nobody yet has no frequency, and becomes a row of the list if he is on it
                WHEN segment_internal.rfm_has_clock(s) THEN $$WITH buyer AS MATERIALIZED ($$ || b.buyers || $$
)
SELECT * FROM buyer WHERE frequency IS NOT NULL
UNION ALL
SELECT coalesce(c.customer, w.customer), NULL, NULL, NULL, CASE WHEN c.customer IS NOT NULL THEN 0 END,
       CASE WHEN c.customer IS NOT NULL THEN 0 END, c.customer IS NOT NULL, w.next_transition_at
FROM (SELECT DISTINCT k.customer{collate} AS customer
      FROM {customers} AS k (customer)) AS c
FULL JOIN (SELECT customer, min(next_transition_at) AS next_transition_at
           FROM buyer WHERE frequency IS NULL GROUP BY customer) AS w ON w.customer {equals} c.customer
LEFT JOIN buyer ON buyer.customer {equals} coalesce(c.customer, w.customer) AND buyer.frequency IS NOT NULL
WHERE buyer.customer IS NULL$$
                ELSE $$WITH buyer AS MATERIALIZED ($$ || b.buyers || $$
)
SELECT * FROM buyer
UNION ALL
SELECT c.customer, NULL, NULL, NULL, 0, 0, true
FROM (SELECT DISTINCT k.customer{collate} AS customer
      FROM {customers} AS k (customer)) AS c
LEFT JOIN buyer ON buyer.customer {equals} c.customer
WHERE buyer.customer IS NULL$$ END
    FROM (SELECT CASE WHEN (s.options ->> 'summarised')::boolean THEN $$
SELECT customer{collate} AS customer, first_order_at, last_order_at,
       segment_internal.calendar_days($1, last_order_at, {time_zone}) AS recency,
       orders AS frequency, total AS monetary, orders = 0 AND last_order_at IS NULL AS listed$$
                     || CASE WHEN segment_internal.rfm_has_clock(s) THEN $$, NULL::timestamptz AS next_transition_at
FROM {source_rows} AS r WHERE skipped IS NULL
UNION ALL
SELECT customer{collate}, NULL, NULL, NULL, NULL, NULL, false, last_order_at + interval '1 microsecond'
FROM {source_rows} AS r WHERE skipped = 'after_as_of'$$ ELSE $$
FROM {source_rows} AS r WHERE skipped IS NULL$$ END
             -- just the function's rows, which are then kept as it made them
             WHEN segment_internal.rfm_summary_is_kept(s) THEN $$
SELECT * FROM {orders}$$ ELSE $$
SELECT customer{collate} AS customer, first_order_at, last_order_at, recency, frequency, monetary,
       false AS listed{next_column}
FROM {orders}$$ END AS buyers) AS b
    UNION ALL
    SELECT 'source_counts', CASE WHEN (s.options ->> 'summarised')::boolean THEN $$
SELECT jsonb_build_object('rows_read', sum(n), 'rows_used', coalesce(sum(n) FILTER (WHERE k.skipped IS NULL), 0),
                          'null_customer', coalesce(sum(n) FILTER (WHERE k.skipped = 'null_customer'), 0),
                          'null_time', coalesce(sum(n) FILTER (WHERE k.skipped = 'null_time'), 0),
                          'null_amount', coalesce(sum(n) FILTER (WHERE k.skipped = 'null_amount'), 0),
                          'not_finite', coalesce(sum(n) FILTER (WHERE k.skipped = 'not_finite'), 0),
                          'after_as_of', coalesce(sum(n) FILTER (WHERE k.skipped = 'after_as_of'), 0)) AS counts
FROM (SELECT skipped, count(*) AS n FROM {source_rows} AS r GROUP BY skipped UNION ALL SELECT NULL, 0) AS k,
     (SELECT count(*) FILTER (WHERE n > 1) AS repeated, min(format('%s', customer)) FILTER (WHERE n > 1) AS example
      FROM (SELECT customer, count(*) AS n FROM {summary} AS u WHERE frequency IS NOT NULL GROUP BY customer) AS c) AS d
WHERE segment_internal.refuse_repeated_keys(repeated, example)$$ ELSE $$
SELECT segment.rfm_summary_counts() AS counts$$ END
    UNION ALL
    SELECT 'model', CASE WHEN train THEN $$
SELECT coalesce(segment_internal.model_identify(t.model, {ids}, {origins}, {names}, {next_id}),
                {current_model}) AS model, t.details
FROM (SELECT CASE WHEN count(*) FILTER (WHERE frequency > 0) > 0
                  THEN segment.rfm_model(segment.feature_set({training_features}), {bins}, {cuts},
                                         {thresholds}, {scheme})
             END AS model,
             jsonb_build_object('newest_order_at', max(last_order_at),
                                'oldest_order_at', min(first_order_at))$$ || o.others || $$ AS details
      FROM {summary} AS buyer WHERE {counted}) AS t$$ ELSE $$
SELECT {current_model} AS model,
       jsonb_build_object('newest_order_at', max(last_order_at),
                          'oldest_order_at', min(first_order_at))$$ || o.others || $$ AS details
FROM {summary} AS buyer WHERE {counted}$$ END
    -- who is nobody yet has no row to keep it in; where only some are looked at, the others are as they were
    FROM (SELECT CASE WHEN segment_internal.rfm_has_clock(s) THEN $$
          || jsonb_build_object('next_transition_of_others',
                 least((SELECT min(w.next_transition_at) FROM {summary} AS w WHERE w.frequency IS NULL),
                       CASE WHEN $5 IS NOT NULL THEN {others_before} END))$$ ELSE '' END AS others) AS o
    UNION ALL
    SELECT 'placed', $$
SELECT customer,
       segment.assign_segment_id(m.model, {placed_features}) AS segment_id,
       segment.assign_segment(m.model, {placed_features}) AS segment,
       segment.recency_score(m.model, recency) AS v1,
       segment.frequency_score(m.model, frequency) AS v2,
       CASE WHEN frequency > 0 THEN segment.monetary_score(m.model, monetary) END AS v3,
       segment.rfm_score(m.model, recency, frequency, monetary) AS v4,
       first_order_at AS v5, last_order_at AS v6, own_frequency AS v7, own_monetary AS v8,
       {next_transition} AS v9, recency
FROM $$ || CASE WHEN (s.options ->> 'hysteresis')::float8 > 0 THEN $$
    (SELECT e.customer, e.first_order_at, e.last_order_at, e.frequency AS own_frequency, e.monetary AS own_monetary,
            e.recency AS own_recency{next_of_row},
            segment_internal.held_value(e.recency, o.recency_score, b.bins -> 'recency', {hysteresis}) AS recency,
            segment_internal.held_value(e.frequency::float8, o.frequency_score,
                                        b.bins -> 'frequency', {hysteresis}) AS frequency,
            segment_internal.held_value(e.monetary::float8, o.monetary_score, b.bins -> 'monetary',
                                        {hysteresis}) AS monetary,
            o.segment_id AS was_id, b.bins -> 'tenure' AS tenure_bins
     FROM {summary} AS e LEFT JOIN {members} AS o ON o.{key} {equals} e.customer
     -- once, not for each customer
     CROSS JOIN (SELECT segment_internal.rfm_bins(m.model) AS bins FROM {model} AS m OFFSET 0) AS b) AS everyone
CROSS JOIN {model} AS m
CROSS JOIN LATERAL (SELECT {held_tenure} AS tenure) AS held WHERE m.model IS NOT NULL{and_now}$$ ELSE $$
    (SELECT e.*, e.frequency AS own_frequency, e.monetary AS own_monetary, e.recency AS own_recency
     FROM {summary} AS e) AS everyone
CROSS JOIN {model} AS m WHERE m.model IS NOT NULL{and_now}$$ END
    UNION ALL
    -- who is nobody yet, and when he will be somebody by time alone
    SELECT 'waiting', $$
SELECT w.customer, w.next_transition_at AS due_at FROM {summary} AS w WHERE w.frequency IS NULL$$
    WHERE segment_internal.rfm_has_clock(s) AND s.changes IS NOT NULL;
END;
$function$;
COMMENT ON FUNCTION segment_internal.rfm_steps(segmentation, boolean) IS
$$The steps of RFM: summary, one row per customer, of the orders or as the source has it,
and of the list of customers; what was skipped; the model, trained or the present one; customers placed by it.$$;

CREATE FUNCTION segment_internal.rfm_tenure_places(s segmentation, has_tenure boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hysteresis boolean := coalesce((s.options ->> 'hysteresis')::float8 > 0, false);
    tenure text := format('segment_internal.calendar_days($1, first_order_at, %L)', s.time_zone);
    with_tenure text := CASE WHEN has_tenure THEN ', ' || tenure ELSE '' END;
BEGIN
    RETURN jsonb_build_object(
        'training_features', 'recency, frequency, segment_internal.as_double(monetary)' || with_tenure,
        'placed_features', 'recency, frequency, monetary' || CASE
            WHEN has_tenure AND hysteresis THEN ', held.tenure' ELSE with_tenure END,
        'held_tenure', CASE WHEN has_tenure AND hysteresis THEN format(
            'segment_internal.held_tenure(m.model, recency, frequency, monetary, %s, was_id, tenure_bins, %s)',
            tenure, s.options ->> 'hysteresis') ELSE 'NULL' END);
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_tenure_places(segmentation, boolean) IS
'What stands for the places in rfm_steps that hang on whether the model in use has tenure.';

CREATE FUNCTION segment_internal.rfm_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    places jsonb;
    -- days since the first order, counted as recency is; the time of the first order is %s
    tenure text := format('segment_internal.calendar_days($1, %%s, %L)', s.time_zone);
    has_tenure boolean;
    has_clock boolean := segment_internal.rfm_has_clock(s);
    others_before text := (SELECT r.details ->> 'next_transition_of_others' FROM segment.run AS r
                           WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                           ORDER BY r.run_id DESC LIMIT 1);
BEGIN
    -- a model that is kept may be of another scheme than the one there is now
    IF train THEN
        has_tenure := segment_internal.scheme_uses_tenure((segment_internal.scheme_row(s.options ->> 'scheme')).rules)
            AND ((s.options ->> 'summarised')::boolean IS NOT TRUE OR 'first_order_at' = ANY (s.source_columns));
    ELSE
        has_tenure := EXISTS (SELECT FROM segment.model AS m, segment.rfm_cut_points(m.model) AS c
                               WHERE m.segmentation = s.name AND m.version = s.model_version AND c.feature = 'tenure');
    END IF;
    SELECT jsonb_build_object('next_id', i.next_id, 'ids', quote_literal(i.ids), 'origins', quote_literal(i.origins),
                              'names', quote_literal(i.names))
    INTO places FROM segment_internal.segment_identity(s) AS i;
    RETURN places || segment_internal.rfm_tenure_places(s, has_tenure) || jsonb_build_object(
        'counted', CASE WHEN segment_internal.rfm_summary_is_kept(s) THEN 'true' ELSE 'NOT listed' END
                   || CASE WHEN has_clock THEN ' AND frequency IS NOT NULL' ELSE '' END,
        'next_column', CASE WHEN has_clock THEN ', next_transition_at' ELSE '' END,
        'next_of_row', CASE WHEN has_clock THEN ', e.next_transition_at' ELSE '' END,
        'and_now', CASE WHEN has_clock THEN ' AND own_frequency IS NOT NULL' ELSE '' END,
        'others_before', coalesce(quote_literal(others_before), 'NULL') || '::timestamptz',
        'next_transition', CASE WHEN has_clock THEN format(
            'least(next_transition_at, segment_internal.days_later($1, segment_internal.rfm_days_left('
            'm.model, own_recency, %s, segment.recency_score(m.model, recency), %s), %L))',
            CASE WHEN has_tenure THEN format(tenure, 'first_order_at') ELSE 'NULL' END,
            coalesce(nullif((s.options ->> 'hysteresis')::float8, 0)::text, 'NULL'), s.time_zone)
            ELSE 'NULL::timestamptz' END,
        -- recency is counted from the instant of the refresh, so it is not kept with the member; by name, as the model
        -- of before may have tenure or not
        'features', format('(SELECT f FROM (SELECT recency, v7 AS frequency, v8 AS monetary, %s AS tenure) AS f)',
                           format(tenure, 'v5')),
        'further', ', p.recency',
        'customers', format('segment_internal.query_keys(NULL::%s, %L, %L, $5)',
                            format_type(segment_internal.key_type(s.members), -1), s.customers, s.search_path),
        'hysteresis', coalesce(s.options ->> 'hysteresis', '0'),
        'bins', quote_nullable(s.options ->> 'bins'), 'cuts', quote_nullable(s.options ->> 'cuts'),
        'thresholds', quote_nullable(s.options ->> 'thresholds'), 'scheme', quote_nullable(s.options ->> 'scheme'),
        'time_zone', quote_literal(s.time_zone),
        'summarised',
        format('segment_internal.query_rows(%L, %L, ''customer'', $5) AS r (customer %s, last_order_at timestamptz,'
               ' orders bigint, total numeric, first_order_at timestamptz)',
               segment_internal.source_statement(s), s.search_path,
               format_type(segment_internal.key_type(s.members), -1)),
        'orders', format('%s(NULL::%s, %L, $1, %L, %L, %L, %L, search_path => %L, only_keys => $5)',
                         CASE WHEN has_clock THEN 'segment_internal.rfm_summary_clock' ELSE 'segment.rfm_summary' END,
                         format_type(segment_internal.key_type(s.members), -1), segment_internal.source_statement(s),
                         s.options ->> 'lookback', s.options ->> 'refunds',
                         s.options ->> 'zero_amounts', s.time_zone, s.search_path));
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_places(segmentation, boolean) IS 'What stands for the places in rfm_steps.';

CREATE FUNCTION segment_internal.rfm_staged_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN (s.options ->> 'summarised')::boolean THEN jsonb_build_object(
        'summarised', segment_internal.staged_source(
                          s, segment_internal.source_statement(s),
                          'segment_source_key AS customer, last_order_at, orders, total, first_order_at') || ' AS r',
        'customers', coalesce(segment_internal.staged_source(s, s.customers, 'segment_source_key'), '')) ELSE '{}' END
$$;
COMMENT ON FUNCTION segment_internal.rfm_staged_places(segmentation, boolean) IS
$$What stands for the places in rfm_steps where the tables lie on several servers:
the source as a part of the statement.$$;

CREATE FUNCTION segment_internal.rfm_bins(model segment_model) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT jsonb_object_agg(f.feature, f.bins)
    FROM (SELECT c.feature, jsonb_object_agg(c.score, jsonb_build_object(
                     'lower', c.lower_cut, 'upper', c.upper_cut, 'right', c.closed = 'right',
                     -- of a bin that is open on one side, the width of its neighbour
                     'width', coalesce(c.upper_cut - c.lower_cut, n.upper_cut - n.lower_cut, 0))) AS bins
          FROM rfm_cut_points(model) AS c
          LEFT JOIN rfm_cut_points(model) AS n
            ON n.feature = c.feature AND (n.lower_cut = c.upper_cut OR n.upper_cut = c.lower_cut)
               AND (c.lower_cut IS NULL OR c.upper_cut IS NULL)
          GROUP BY c.feature) AS f;
END;
COMMENT ON FUNCTION segment_internal.rfm_bins(segment_model) IS
'The bins of an RFM model by feature and score: lower and upper cut (null: open), which side a cut belongs to, width.';

CREATE FUNCTION segment_internal.held_value(value double precision, old_score smallint, bins jsonb,
                                            share double precision)
    RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bin jsonb := bins -> old_score::text;
    lower_cut float8 := bin ->> 'lower';
    upper_cut float8 := bin ->> 'upper';
    width float8 := bin ->> 'width';
    closed_right boolean := bin ->> 'right';
BEGIN
    IF bin IS NULL OR value IS NULL OR value = 0 THEN
        RETURN value;
    END IF;
    -- a little beyond the bin that the customer was in counts as just inside it
    IF value > upper_cut OR (value = upper_cut AND NOT closed_right) THEN
        RETURN CASE WHEN value - upper_cut > share * width THEN value
                    WHEN closed_right THEN upper_cut
                    ELSE coalesce((lower_cut + upper_cut) / 2, upper_cut - width / 2) END;
    ELSIF value < lower_cut OR (value = lower_cut AND closed_right) THEN
        RETURN CASE WHEN lower_cut - value > share * width THEN value
                    WHEN closed_right THEN coalesce((lower_cut + upper_cut) / 2, lower_cut + width / 2)
                    ELSE lower_cut END;
    END IF;
    RETURN value;
END;
$$;
COMMENT ON FUNCTION segment_internal.held_value(double precision, smallint, jsonb, double precision) IS
$$Hysteresis of a score: the value itself, or,
where it lies outside the bin of the score the customer had by at most a share of that bin's width,
a value inside that bin.$$;

CREATE FUNCTION segment_internal.held_tenure(
    model segment_model, recency double precision, frequency double precision,
    monetary double precision, tenure double precision,
    was_id integer, bins jsonb, share double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    score smallint := segment.tenure_score(model, tenure);
    held float8;
BEGIN
    -- the score of before is not kept, but what came of it is: the segment
    FOREACH held IN ARRAY ARRAY[segment_internal.held_value(tenure, (score - 1)::smallint, bins, share),
                                segment_internal.held_value(tenure, (score + 1)::smallint, bins, share)] LOOP
        IF held <> tenure AND segment.assign_segment_id(model, recency, frequency, monetary, held) = was_id THEN
            RETURN held;
        END IF;
    END LOOP;
    RETURN tenure;
END;
$$;
COMMENT ON FUNCTION segment_internal.held_tenure(segment_model, double precision, double precision, double precision,
                                                 double precision, integer, jsonb, double precision) IS
$$Hysteresis of tenure: the value itself, or,
where it lies outside a neighbouring bin by at most a share of that bin's width and the customer would stay in the
segment of before with that score, a value inside that bin.$$;

CREATE FUNCTION segment_internal.rfm_figures() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $$sum(monetary) AS revenue,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY
        (($2 AT TIME ZONE $3)::date - (last_order_at AT TIME ZONE $3)::date)::float8) AS recency,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY frequency::float8) AS frequency,
    segment_internal.middle(
        percentile_disc(segment_internal.middle_two()) WITHIN GROUP (ORDER BY monetary))::float8 AS monetary,
    avg(frequency)::float8 AS mean_frequency, avg(monetary)::float8 AS mean_monetary, 0::numeric AS no_revenue$$;
COMMENT ON FUNCTION segment_internal.rfm_figures() IS
$body$What segment_profile tells of segments of RFM, as expressions over the member table;
$2: as_of of the last refresh, $3: time zone.$body$;

CREATE FUNCTION segment_internal.rfm_drift(s segmentation, OUT features text, OUT counted text, OUT training text,
                                           OUT distance text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('segment_internal.calendar_days($2, m.last_order_at, %1$L)::float8 AS recency, '
                  'm.frequency::float8 AS frequency, segment_internal.as_double(m.monetary) AS monetary', s.time_zone)
           || CASE WHEN t.has_tenure THEN format(
                  ', segment_internal.calendar_days($2, m.first_order_at, %L)::float8 AS tenure', s.time_zone)
              ELSE '' END,
           -- who has no orders was not trained with
           'm.frequency > 0',
           format('segment.rfm_model(segment.feature_set(f.recency, f.frequency, f.monetary%s), %L, %L, %L, %L)',
                  CASE WHEN t.has_tenure THEN ', f.tenure' ELSE '' END,
                  s.options ->> 'bins', s.options ->> 'cuts', s.options ->> 'thresholds', s.options ->> 'scheme'),
           NULL::text
    FROM (SELECT EXISTS (SELECT FROM segment.model AS m, segment.rfm_cut_points(m.model) AS c
                         WHERE m.segmentation = s.name AND m.version = s.model_version
                           AND c.feature = 'tenure') AS has_tenure) AS t
$$;
COMMENT ON FUNCTION segment_internal.rfm_drift(segmentation) IS
$body$How the members of RFM are read for drift:
features, a select list over the member table m with the model's features by name
($2: the instant they are counted from);
counted, the condition of members who have them;
training, the call that trains a model of such rows f;
distance, how far such a row lies from its centre under the model $1 (NULL: there is none).$body$;

CREATE FUNCTION segment_internal.cut_words(lower_cut double precision, upper_cut double precision, closed text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(nullif(concat_ws(' and ', CASE closed WHEN 'right' THEN 'more than ' ELSE 'at least ' END || lower_cut,
                                 CASE closed WHEN 'right' THEN 'at most ' ELSE 'less than ' END || upper_cut), ''),
                'any value');
COMMENT ON FUNCTION segment_internal.cut_words(double precision, double precision, text) IS
'Which values lie between two cuts, in words; closed as in rfm_cut_points.';

CREATE FUNCTION segment_internal.rfm_explain(s segmentation, place text,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 5 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    model segment.segment_model := segment.get_model(s.name);
    member record;
BEGIN
    -- by name, as a model may have tenure or not
    EXECUTE format('SELECT p.*, segment.explain_segment($3, (SELECT f
                            FROM (SELECT p.recency::float8, p.frequency, p.monetary, p.tenure::float8) AS f)) AS reasons
                    FROM (SELECT m.*, as_of_on - last_on AS recency, as_of_on - first_on AS tenure
                          FROM (SELECT segment_id, segment, rfm_score, frequency, monetary,
                                       jsonb_build_object(''recency'', recency_score, ''frequency'', frequency_score,
                                                          ''monetary'', monetary_score) AS kept,
                                       ($1 AT TIME ZONE $2)::date AS as_of_on,
                                       (first_order_at AT TIME ZONE $2)::date AS first_on,
                                       (last_order_at AT TIME ZONE $2)::date AS last_on
                                FROM %s WHERE %s) AS m) AS p', s.members, place)
    INTO STRICT member USING segment_internal.shown_as_of(s), s.time_zone, model;
    RETURN QUERY
    SELECT c.feature,
           CASE c.feature WHEN 'recency' THEN member.recency::text WHEN 'frequency' THEN member.frequency::text
                          WHEN 'monetary' THEN member.monetary::text ELSE member.tenure::text END,
           c.lower_cut, c.upper_cut, c.score, (f.reason ->> 'strength')::float8,
           CASE c.feature
               WHEN 'recency' THEN format('last order on %s, %s calendar days before %s',
                                          member.last_on, member.recency, member.as_of_on)
               WHEN 'frequency'
               THEN CASE member.frequency WHEN 1 THEN '1 order' ELSE format('%s orders', member.frequency) END
               WHEN 'monetary' THEN format('orders of %s in total', member.monetary)
               ELSE format('first order on %s, %s calendar days before %s',
                           member.first_on, member.tenure, member.as_of_on) END
           || format('; score %s of %s is for %s', c.score, c.bins,
                     segment_internal.cut_words(c.lower_cut, c.upper_cut, c.closed))
           || CASE WHEN c.score <> (f.reason ->> 'score')::integer
                   THEN format(', kept by hysteresis in place of %s', f.reason ->> 'score') ELSE '' END
    FROM jsonb_array_elements(member.reasons -> 'features') WITH ORDINALITY AS f (reason, n)
    JOIN (SELECT *, max(a.score) OVER (PARTITION BY a.feature) AS bins FROM segment.rfm_cut_points(model) AS a) AS c
    ON c.feature = f.reason ->> 'feature'
         AND c.score = coalesce(member.kept ->> c.feature, f.reason ->> 'score')::integer
    ORDER BY f.n;
    what := 'rfm_score';
    value := member.rfm_score;
    explanation := CASE WHEN member.rfm_score IS NULL
                            THEN format('%s, so no scores: "%s"', member.reasons ->> 'reason', member.segment)
                        ELSE format('the scheme "%s" has these scores in "%s"',
                                    s.options ->> 'scheme', member.segment) END;
    RETURN NEXT;
    IF (member.reasons ->> 'segment_id')::integer <> member.segment_id THEN
        what := 'runner_up';
        value := member.reasons ->> 'segment';
        explanation := 'the segment of the scores without hysteresis';
        RETURN NEXT;
    ELSIF member.reasons ->> 'runner_up' IS NOT NULL THEN
        what := 'runner_up';
        value := member.reasons ->> 'runner_up';
        explanation := 'the segment behind the nearest cut that leads elsewhere';
        RETURN NEXT;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_explain(segmentation, text) IS
$$What explain_customer tells of a member by RFM: figures between cuts, the scores and the runner-up.
place: a condition on the member table that holds for one row.$$;

CREATE FUNCTION segment_internal.rfm_tell(s segmentation, as_of timestamptz, counts jsonb, details jsonb) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest timestamptz := details ->> 'newest_order_at';
    oldest timestamptz := details ->> 'oldest_order_at';
BEGIN
    -- the first refresh fixes where history begins; orders that end longer ago than they span are of another time
    IF s.refreshed_as_of IS NULL AND as_of - newest > newest - oldest AND as_of - newest > interval '30 days' THEN
        RAISE NOTICE 'the newest order is of %, % days before as_of',
            to_char(newest AT TIME ZONE s.time_zone, 'YYYY-MM-DD'),
                     (as_of AT TIME ZONE s.time_zone)::date - (newest AT TIME ZONE s.time_zone)::date
            USING HINT = format('History is written forwards from the first refresh. To begin in the past: '
                                'drop_segmentation(%L), create it again, '
                                'and refresh as of a time just after the orders.', s.name);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.rfm_tell(segmentation, timestamptz, jsonb, jsonb) IS
'Tells by a NOTICE when the first refresh is as of an instant long after the newest order.';

INSERT INTO segment_internal.kind VALUES ('rfm', 'always', false, 'orders', 'time',
    'Why: new (first seen), orders (new or changed orders), time (no more than time passing), '
    'model (retrained cut points).',
    'Why the customer came: new, orders, time or model.',
    'Why the customer left: orders, time, model, or gone (no longer in the source).',
    '{"scheme": "default", "cuts": "quantile", "refunds": "net", "zero_amounts": "order"}', true);

-- ---- creating ----

CREATE FUNCTION segment_internal.check_rfm_options(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    key_type text := s.source_types[1];
BEGIN
    -- every option is checked by what will use it, without reading the source
    PERFORM CASE WHEN segment_internal.scheme_uses_tenure((segment_internal.scheme_row(s.options ->> 'scheme')).rules)
                 THEN segment.rfm_model(segment.feature_set(v, v, v, v),
                                        (s.options ->> 'bins')::integer, s.options ->> 'cuts',
                                        s.options -> 'thresholds', s.options ->> 'scheme')
                 ELSE segment.rfm_model(segment.feature_set(v, v, v),
                                        (s.options ->> 'bins')::integer, s.options ->> 'cuts',
                                        s.options -> 'thresholds', s.options ->> 'scheme') END
    FROM generate_series(1, 10) AS v;
    PERFORM segment_internal.checked_hysteresis((s.options ->> 'hysteresis')::float8);
    PERFORM segment_internal.check_orders(s, CASE WHEN (s.options ->> 'summarised')::boolean
                                                      THEN format('SELECT NULL::%s, now(), 1 WHERE false', key_type)
                                                  ELSE segment_internal.no_rows(s) END);
    IF (s.options ->> 'summarised')::boolean THEN
        EXECUTE format('SELECT FROM segment_internal.query_rows(%L, %L) AS r '
                       '(customer %s, last_order_at timestamptz, orders bigint,'
                       ' total numeric, first_order_at timestamptz)',
                       'SELECT * FROM (' || segment_internal.source_statement(s) || ') AS source LIMIT 0',
                       s.search_path, key_type);
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rfm_options(segmentation) IS
'The segmentation, or the error that an RFM segmentation of these options would run into.';

CREATE FUNCTION segment_internal.create_rfm_segmentation(
    name text, source text, customers text, scheme text, cuts text, bins integer, thresholds jsonb, lookback interval,
    refunds text, zero_amounts text, time_zone text, retrain_every interval, schema name,
    description text, search_path text,
    summarised boolean, max_departed double precision, hysteresis double precision, customer text,
    ordered_at text, amount text,
    order_id text) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    -- NULL is what an argument left out is
    schema := segment_internal.check_new_segmentation(name, source, schema,
        'create_rfm_segmentation(''loyalty'', ''SELECT customer_id, ordered_at, amount FROM orders'')');
    s := segment_internal.new_orders_segmentation('rfm', name, source, time_zone, retrain_every, description,
                                                  search_path, max_departed, customer, ordered_at, amount, order_id);
    s.options := jsonb_strip_nulls(jsonb_build_object(
        'scheme', coalesce(scheme, 'default'), 'cuts', coalesce(cuts, 'quantile'), 'bins', bins,
        'thresholds', thresholds,
        'lookback', lookback, 'refunds', coalesce(refunds, 'net'), 'zero_amounts', coalesce(zero_amounts, 'order'),
        'summarised', CASE WHEN summarised THEN true END,
        'hysteresis', nullif(segment_internal.checked_hysteresis(hysteresis), 0)));
    s := segment_internal.checked('bind_rfm_columns', s);
    s.customers := segment_internal.source_query(customers, s.search_path);
    s := segment_internal.checked('check_rfm_options', s);
    RETURN segment_internal.create_orders_segmentation(
        s, schema, CASE WHEN summarised THEN '{customer,last order,orders,total,first order}'::text[]
                        ELSE '{customer,time,amount,order}'::text[] END);
END;
$$;
COMMENT ON FUNCTION segment_internal.create_rfm_segmentation(
    text, text, text, text, text, integer, jsonb, interval, text, text, text, interval, name, text,
    text, boolean, double precision, double precision, text, text, text, text) IS
$$The work of create_rfm_segmentation, which fills in what only the caller's session knows: schema and search_path.$$;

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_rfm_segmentation(
    name text, source text, customers text DEFAULT NULL, scheme text DEFAULT 'default',
    cuts text DEFAULT 'quantile', bins integer DEFAULT NULL, thresholds jsonb DEFAULT NULL,
    lookback interval DEFAULT NULL, refunds text DEFAULT 'net', zero_amounts text DEFAULT 'order',
    time_zone text DEFAULT current_setting('TimeZone'), retrain_every interval DEFAULT NULL,
    schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'), summarised boolean DEFAULT false,
    max_departed double precision DEFAULT 0.5, hysteresis double precision DEFAULT 0,
    customer text DEFAULT NULL, ordered_at text DEFAULT NULL, amount text DEFAULT NULL, order_id text DEFAULT NULL)
    RETURNS regclass
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.create_rfm_segmentation(
    name, source, customers, scheme, cuts, bins, thresholds, lookback, refunds, zero_amounts, time_zone, retrain_every,
    coalesce(schema, current_schema()), description, coalesce(search_path, current_setting('search_path')), summarised,
    max_departed, hysteresis, customer, ordered_at, amount, order_id);
COMMENT ON FUNCTION create_rfm_segmentation(text, text, text, text, text, integer, jsonb, interval,
                                            text, text, text, interval, name, text, text, boolean,
                                            double precision, double precision, text, text, text, text) IS
$$Creates an RFM segmentation and its two tables NAME_segments (present members) and NAME_history
(places they had before), owned by the current user; returns the member table.
Nobody is a member before the first refresh_segmentation().
source: a query that yields customer, time of the order, amount and optionally order id,
or the name of a table or view with just these columns first; the key column keeps its name, type and collation.
A NOTICE tells which column was taken for what.
The columns are bound by name: a refresh that does not find them, or finds another type, fails and says what changed,
see accept_source; columns that are added to the source later change nothing.
customer, ordered_at, amount, order_id: columns or expressions over the source, where it has other columns,
too: create_rfm_segmentation('loyalty', 'orders', customer => 'customer_id', ordered_at => 'invoice_date',
amount => 'quantity * price', order_id => 'invoice'); customer, ordered_at and amount go together.
summarised: the source has one row per customer already: the key, and last_order_at, orders,
total and optionally first_order_at by name; for tables of customers,
continuous aggregates and GROUP BY on a sharded server.
customers: a query whose first column lists all customers, so that those without orders are members
(segment 'Prospect').
scheme, cuts, bins, thresholds: see rfm_model.
lookback, refunds, zero_amounts, time_zone (default: the session's): see rfm_summary.
retrain_every: how long a model is kept; NULL trains at every refresh;
days and longer are calendar days of time_zone.
schema: of the tables, default the current one.
search_path: under which source and customers run, default the session's.
max_departed: the share of members that may depart in one refresh, see refresh_segmentation.
hysteresis: a share of a bin's width by which a value must lie beyond the bin of the score that the customer had,
before the score changes: 0, the default, for none, 0.1 to keep customers from moving to and fro;
segment_flapping shows its effect.
The score of tenure, which is not kept with the members, is held where it is what keeps a customer in the segment.
NULL for any argument with a default is that default.
Errors: duplicate_object for a taken name, name_too_long beyond 53 bytes,
and whatever the source or an option is refused for.$$;

CREATE FUNCTION segment_internal.checked_hysteresis(hysteresis double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF hysteresis IS NOT NULL AND (hysteresis < 0 OR hysteresis > 1 OR hysteresis = 'NaN') THEN
        RAISE EXCEPTION 'hysteresis must be from 0 to 1, not %', hysteresis
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is a share: 0.1 is a tenth.';
    END IF;
    RETURN coalesce(hysteresis, 0);
END;
$$;
COMMENT ON FUNCTION segment_internal.checked_hysteresis(double precision) IS
'A hysteresis, 0 for NULL. Error (invalid_parameter_value) when it is not a share from 0 to 1.';

CREATE FUNCTION segment_internal.bind_rfm_columns(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text[];
BEGIN
    IF (s.options ->> 'summarised')::boolean THEN
        SELECT array_agg(c.name ORDER BY w.n), array_agg(format_type(c.type, -1) ORDER BY w.n)
        INTO s.source_columns, s.source_types
        FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c
        JOIN LATERAL (SELECT 0 WHERE c.number = 1
                      UNION ALL SELECT array_position('{last_order_at,orders,total,first_order_at}', c.name)
                      WHERE c.number > 1) AS w (n) ON w.n IS NOT NULL;
        missing := ARRAY(SELECT m FROM unnest('{last_order_at,orders,total}'::text[]) AS m
                         WHERE m <> ALL (s.source_columns));
        IF missing <> '{}' THEN
            RAISE EXCEPTION 'the source has no column "%"', missing[1]
                USING ERRCODE = 'undefined_column',
                      HINT = 'A summarised source has the customer key first, and last_order_at, orders, total '
                             'and optionally first_order_at.';
        END IF;
    ELSE
        SELECT array_agg(c.name ORDER BY c.number), array_agg(format_type(c.type, -1) ORDER BY c.number)
        INTO s.source_columns, s.source_types
        FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c;
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.bind_rfm_columns(segmentation) IS
$$A segmentation with the columns that its source has now: all in their order, or, of a summarised source,
the first and those of fixed names.
Error (undefined_column) when one of these is not there.$$;
