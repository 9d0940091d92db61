-- ---- scorecard: whether segments are of use ----

CREATE FUNCTION segment_internal.guarded_share(part bigint, whole bigint, min_customers integer) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN part > 0 AND part < min_customers OR whole - part > 0 AND whole - part < min_customers THEN NULL
            ELSE pg_catalog.round(part::numeric / nullif(whole, 0), 6) END;
COMMENT ON FUNCTION segment_internal.guarded_share(bigint, bigint, integer) IS
'A share, or NULL where it is of a few customers, or of all but a few.';

CREATE FUNCTION segment_internal.percent_or_half(share double precision) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(pg_catalog.round(100 * share::numeric) || ' percent', 'fewer than half');
COMMENT ON FUNCTION segment_internal.percent_or_half(double precision) IS
'A share in words; NULL, where it is withheld: fewer than half.';

CREATE FUNCTION segment_internal.scorecard_failures(
    metric text, customers bigint, measured_customers bigint, min_customers integer, detectable double precision,
    measurable double precision, measurable_told numeric, reachable double precision, reachable_told numeric,
    kept double precision, kept_told numeric, stability double precision, silhouette double precision,
    explained double precision, explained_p double precision, growth double precision,
    OUT failed text[], OUT verdict text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT c.criterion ORDER BY c.criterion), '{}'),
           coalesce(string_agg(c.words, '; ' ORDER BY c.n), 'of use')
    FROM (VALUES
        (1, 'size', customers < min_customers,
         format('too small: %s customers, and at least %s are wanted', customers, min_customers)),
        (2, 'power', measured_customers >= min_customers AND (detectable <= 1) IS NOT TRUE,
         'too small to measure: an experiment would find '
         || CASE WHEN detectable IS NULL THEN 'no lift at all'
                 ELSE format('no lift below %s percent', round(100 * detectable::numeric)) END),
        (3, 'measurable', measurable < 0.5,
         format('not measurable: %s of them have any value of "%s"', segment_internal.percent_or_half(measurable_told),
                metric)),
        (4, 'reachable', reachable < 0.5,
         format('not reachable: %s of them may be contacted', segment_internal.percent_or_half(reachable_told))),
        (5, 'stable', kept < 0.5,
         format('not stable: %s of those of the run before are still in it',
                segment_internal.percent_or_half(kept_told))),
        (6, 'stable', stability < 0.65,
         format('not stable: parts of the customers give other segments (adjusted Rand index %s)',
                round(stability::numeric, 2))),
        (7, 'distinct', silhouette <= 0.25,
         format('not distinct: it runs into the nearest segment (silhouette %s)', round(silhouette::numeric, 2))),
        (8, 'distinct', (explained >= 0.01 AND explained_p < 0.05) IS NOT TRUE,
         format('not distinct: the segments explain %s percent of the differences in "%s"',
                round(100 * greatest(coalesce(explained, 0), 0)::numeric, 1), metric)),
        (9, 'growing', growth < -0.05,
         format('not growing: it loses %s percent of its customers a month', round(-100 * growth::numeric))))
        AS c (n, criterion, fails, words)
    WHERE c.fails AND (customers >= min_customers OR c.n = 1);
END;
COMMENT ON FUNCTION segment_internal.scorecard_failures(text, bigint, bigint, integer, double precision,
    double precision, numeric, double precision, numeric, double precision, numeric, double precision, double precision,
    double precision, double precision, double precision) IS
$$Which criteria a segment fails, and in words; the bounds are those of segment_scorecard.
measured_customers: of whom there are values of the metric's period; ..._told: the same share, NULL where it is
withheld.
What is NULL is not known, and fails nothing, but for power and what the segments explain, which a segment has to
show.$$;

CREATE FUNCTION segment_internal.scorecard_outcomes(s segmentation, m metric, as_of timestamptz,
    OUT segment_ids integer[], OUT outcomes outcome[], OUT explained double precision, OUT explained_p double precision)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
    from_at timestamptz := (as_of AT TIME ZONE m.time_zone - m.period) AT TIME ZONE m.time_zone;
    known timestamptz := coalesce(s.history_from, (SELECT min(r.as_of) FROM segment.run AS r
                                                   WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')));
BEGIN
    EXECUTE format(
        'WITH done AS MATERIALIZED (
             SELECT p.segment_id, CASE WHEN v.customer IS NULL THEN 0 ELSE v.value END AS value,
                    CASE WHEN v.customer IS NULL THEN 0 ELSE v.denominator END AS denominator
             FROM (%1$s) AS p
             LEFT JOIN (SELECT v.customer%2$s AS customer, %3$s AS value, %4$s AS denominator FROM %5$s GROUP BY 1) AS v
                  ON v.customer %6$s p.customer
         ), spread AS (
             SELECT segment.eta_squared(d.segment_id, d.measure) AS eta, count(*) AS n,
                    count(DISTINCT d.segment_id) AS k
             FROM (SELECT e.segment_id, %7$s AS measure FROM done AS e) AS d WHERE d.measure IS NOT NULL
         )
         SELECT array_agg(o.segment_id), array_agg(o.outcome),
                (SELECT 1 - (1 - t.eta) * (t.n - 1) / nullif(t.n - t.k, 0) FROM spread AS t),
                (SELECT segment.chi_squared_p(t.eta * (t.n - 1), t.k - 1) FROM spread AS t WHERE t.k > 1)
         FROM (SELECT d.segment_id, %8$s AS outcome FROM done AS d GROUP BY d.segment_id) AS o',
        -- who they were before they did it, where that is known
        segment_internal.members_query(s, CASE WHEN from_at >= known THEN from_at END),
        segment_internal.collate_clause(s.members), segment_internal.metric_of_customer(m, 'value', 'true'),
        segment_internal.metric_of_customer(m, 'denominator', 'true'),
        segment_internal.metric_rows(m, from_at, as_of, as_of),
        segment_internal.equality_operator(segment_internal.key_type(s.members)),
        CASE m.kind WHEN 'rate' THEN '(e.value > 0)::integer::float8'
                    WHEN 'ratio' THEN 'e.value / nullif(e.denominator, 0)' ELSE 'e.value' END,
        segment_internal.metric_outcome(m, 'd.value', 'd.denominator', NULL))
    INTO segment_ids, outcomes, explained, explained_p;
END;
$$;
COMMENT ON FUNCTION segment_internal.scorecard_outcomes(segmentation, metric, timestamptz) IS
$$A metric by segment over its period before an instant, of those who were in the segment at its beginning, or where
that is not known are in it now; explained: the share of the variance of customers that lies between segments,
corrected for what chance adds (epsilon squared), and its p-value.$$;

CREATE FUNCTION segment_scorecard(
    name text, metric text, consent text DEFAULT NULL, min_customers integer DEFAULT 10, resamples integer DEFAULT 20,
    search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT segment_id integer, OUT segment text, OUT customers bigint, OUT value double precision,
    OUT detectable_lift double precision, OUT measurable numeric, OUT reachable numeric, OUT channels jsonb,
    OUT kept numeric, OUT stability double precision, OUT silhouette double precision, OUT explained double precision,
    OUT growth double precision, OUT failed text[], OUT verdict text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off
AS $$
#variable_conflict use_column
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(segment_scorecard.name);
    m segment.metric := segment_internal.metric_row(segment_scorecard.metric);
    at timestamptz := segment_internal.shown_as_of(s);
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    equals text := segment_internal.equality_operator(segment_internal.key_type(s.members));
    members text;
    before_at timestamptz;
    done record;
    -- by the id of the segment
    sizes jsonb;
    measured jsonb;
    reached jsonb := '{}';
    were jsonb := '{}';
    silhouettes jsonb;
    slopes jsonb;
    agreement float8;
    least_n CONSTANT integer := segment_scorecard.min_customers;
BEGIN
    PERFORM segment_internal.check_trait_options(5, segment_scorecard.min_customers);
    IF segment_scorecard.resamples IS NULL OR segment_scorecard.resamples < 0 THEN
        RAISE EXCEPTION 'resamples must be 0 or more, not %', coalesce(segment_scorecard.resamples::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = '0 for clusterings that are not to be trained again.';
    END IF;
    IF at IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" was never refreshed', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'refresh_segmentation() finds its members.';
    END IF;
    IF m.query_types[1] <> key_type THEN
        RAISE EXCEPTION 'the customer of metric "%" is of type %, and the key of segmentation "%" of type %',
            m.name, m.query_types[1], s.name, key_type
            USING ERRCODE = 'datatype_mismatch', HINT = 'Cast it in the query of the metric.';
    END IF;
    members := segment_internal.members_query(s, NULL);
    EXECUTE format('SELECT coalesce(jsonb_object_agg(z.segment_id, z.n), ''{}'')
                    FROM (SELECT p.segment_id, count(*) AS n FROM (%s) AS p GROUP BY 1) AS z', members) INTO sizes;
    done := segment_internal.scorecard_outcomes(s, m, at);
    EXECUTE format('SELECT coalesce(jsonb_object_agg(z.segment_id, z.n), ''{}'')
                    FROM (SELECT p.segment_id, count(*) AS n FROM (%s) AS p
                          JOIN (SELECT DISTINCT v.customer%s AS customer FROM %s WHERE v.value IS NOT NULL) AS v
                               ON v.customer %s p.customer GROUP BY 1) AS z',
                   members, segment_internal.collate_clause(s.members),
                   segment_internal.metric_rows(m, '-infinity', at, at), equals) INTO measured;
    IF segment_scorecard.consent IS NOT NULL THEN
        EXECUTE format(
            'SELECT coalesce(jsonb_object_agg(z.segment_id, z.n), ''{}'')
             FROM (SELECT c.segment_id, jsonb_object_agg(coalesce(c.channel, ''''), c.n) AS n
                   FROM (SELECT p.segment_id, r.channel, count(DISTINCT p.customer) AS n FROM (%s) AS p
                         JOIN segment_internal.query_rows($1, $2) AS r (customer %s, channel text)
                              ON r.customer %s p.customer AND r.channel <> ''''
                         GROUP BY GROUPING SETS ((p.segment_id, r.channel), (p.segment_id))) AS c
                   GROUP BY c.segment_id) AS z', members, key_type, equals)
        INTO reached USING segment_internal.columns_as(segment_scorecard.consent, segment_scorecard.search_path,
                                                       'customer, channel'), segment_scorecard.search_path;
    END IF;
    SELECT max(r.as_of) INTO before_at FROM segment.run AS r
    WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty') AND r.as_of < s.refreshed_as_of
      AND NOT segment_internal.undone(r) AND (r.as_of >= s.history_from OR s.history_from IS NULL);
    IF before_at IS NOT NULL THEN
        EXECUTE format('SELECT coalesce(jsonb_object_agg(z.segment_id, z.n), ''{}'')
                        FROM (SELECT b.segment_id, jsonb_build_array(count(p.customer), count(*)) AS n FROM (%s) AS b
                              LEFT JOIN (%s) AS p ON p.customer %s b.customer AND p.segment_id = b.segment_id
                              GROUP BY 1) AS z',
                       segment_internal.members_query(s, before_at), members, equals) INTO were;
    END IF;
    IF segment_internal.has_features(s) THEN
        SELECT jsonb_object_agg(h.segment_id, h.silhouette) INTO silhouettes
        FROM segment.homogeneity_report(s.name) AS h;
        IF segment_scorecard.resamples > 0 THEN
            EXECUTE format('SELECT segment.stability(segment.feature_set(%s), $1, $2)
                            FROM (SELECT %s FROM %s AS m) AS p', segment_internal.cluster_placed_features(s),
                           (SELECT string_agg(format('m.%I AS v%s', c.name, c.number), ', ' ORDER BY c.number)
                            FROM segment_internal.cluster_columns(s) AS c), s.members)
            INTO agreement USING segment.get_model(s.name), segment_scorecard.resamples;
        END IF;
    END IF;
    -- a line through two points tells of chance
    SELECT jsonb_object_agg(t.segment_id, t.growth) INTO slopes
    FROM (SELECT r.segment_id, max(r.slope) / nullif(avg(r.customers)::float8, 0) AS growth
          FROM segment.segment_trend(s.name, '1 month') AS r GROUP BY 1 HAVING count(*) > 2) AS t;
    RETURN QUERY
    SELECT c.segment_id, c.name, c.n, c.value, c.detectable, c.measurable, c.reachable, c.channels, c.kept,
           CASE WHEN c.told THEN agreement END, CASE WHEN c.told THEN c.apart END,
           CASE WHEN c.told THEN done.explained END, c.growth, f.failed, f.verdict
    FROM (SELECT b.*, CASE WHEN b.told AND b.n_done >= least_n THEN b.estimated END AS value,
                 CASE WHEN b.told AND b.n_done >= least_n AND b.n > 1
                      THEN segment.detectable_lift(b.outcome, b.n / 2, b.n - b.n / 2) END AS detectable,
                 CASE WHEN b.told THEN segment_internal.guarded_share(b.n_measured, b.n, least_n) END AS measurable,
                 CASE WHEN b.told AND segment_scorecard.consent IS NOT NULL
                      THEN segment_internal.guarded_share(b.n_reached, b.n, least_n) END AS reachable,
                 CASE WHEN b.told AND segment_scorecard.consent IS NOT NULL
                      THEN (SELECT coalesce(jsonb_object_agg(
                                       h.key, segment_internal.guarded_share(h.value::bigint, b.n, least_n)), '{}')
                            FROM jsonb_each_text(b.by_channel) AS h WHERE h.key <> '') END AS channels,
                 CASE WHEN b.told THEN segment_internal.guarded_share(b.n_kept, b.n_before, least_n) END AS kept,
                 CASE WHEN b.told THEN b.slope END AS growth
          FROM (SELECT g.segment_id, g.name, g.priority, k.n, k.n >= least_n AS told,
                       o.outcome, e.value AS estimated, e.customers AS n_done,
                       coalesce((measured ->> g.segment_id::text)::bigint, 0) AS n_measured,
                       coalesce((reached -> g.segment_id::text ->> '')::bigint, 0) AS n_reached,
                       reached -> g.segment_id::text AS by_channel,
                       (were -> g.segment_id::text ->> 0)::bigint AS n_kept,
                       (were -> g.segment_id::text ->> 1)::bigint AS n_before,
                       (silhouettes ->> g.segment_id::text)::float8 AS apart,
                       (slopes ->> g.segment_id::text)::float8 AS slope
                FROM unnest(segment_internal.segment_rows(s.name)) AS g
                CROSS JOIN LATERAL (SELECT coalesce((sizes ->> g.segment_id::text)::bigint, 0) AS n) AS k
                LEFT JOIN unnest(done.segment_ids, done.outcomes) AS o (segment_id, outcome)
                     ON o.segment_id = g.segment_id
                LEFT JOIN LATERAL segment.estimate(o.outcome) AS e ON true
                WHERE g.closed_at IS NULL OR k.n > 0) AS b) AS c
    -- what is not told is judged all the same
    CROSS JOIN LATERAL segment_internal.scorecard_failures(
        m.name, c.n, c.n_done, least_n, c.detectable,
        c.n_measured::float8 / nullif(c.n, 0), c.measurable,
        CASE WHEN segment_scorecard.consent IS NOT NULL THEN c.n_reached::float8 / nullif(c.n, 0) END, c.reachable,
        CASE WHEN c.n_before >= least_n THEN c.n_kept::float8 / c.n_before END, c.kept,
        agreement, c.apart, done.explained, done.explained_p, c.growth) AS f
    ORDER BY c.priority, c.segment_id;
END;
$$;
COMMENT ON FUNCTION segment_scorecard(text, text, text, integer, integer, text) IS
$$Whether each segment is of use: large enough, measurable, reachable, stable, distinct, growing.
metric: the name of a metric (create_metric), whose customer is of the segmentation's key type.
consent: a query, or the name of a table or view, of which the first two columns are customer and channel, a row for
where a customer may be reached; NULL: it is not known.
Returns a row for each segment:
customers: members after the last refresh; fewer than min_customers: nothing else is told, and it fails.
value: the metric over its period before the last refresh, of those who were in the segment when the period began, or
where the history does not reach so far are in it now.
detectable_lift: the smallest lift of the metric that an experiment with half of the segment as control finds, see
detectable_lift(); above 1 fails.
measurable: share of customers with any value of the metric; below 0.5 fails.
reachable: share that may be reached on any channel; below 0.5 fails. channels: the share by channel.
kept: share of those who were in it at the run before, and still are; below 0.5 fails.
stability: of clusterings, how far resamples of the customers give the same segments, see stability(); below 0.65, what
Steinley (Psychological Methods 9, 2004) calls poor, fails.
silhouette: of clusterings, see homogeneity_report(); up to 0.25 fails as not distinct (Kaufman and Rousseeuw 1990).
explained: the share of the differences of customers in the metric that lies between segments, corrected for what chance
adds (epsilon squared, Kelley, PNAS 21, 1935), the same for all segments; below 0.01, what Cohen (1988) calls small,
or a p-value of 0.05 and above fails as not distinct.
growth: slope of the size (segment_trend by months) as a share of its mean, a month; below -0.05 fails; NULL before
three months are known.
failed: the criteria that it fails (size, power, measurable, reachable, stable, distinct, growing); verdict: the same in
words; 'of use' where there is none. What is not known fails nothing.
Shares of fewer than min_customers, and of all but fewer, are NULL.
It runs with the rights of the current user, who must be able to act as the metric's owner; consent under search_path,
by default the session's. Time is that of training resamples models, for clusterings; 0: none.
Errors: undefined_object, datatype_mismatch for keys of different types, invalid_parameter_value,
object_not_in_prerequisite_state before the first refresh and where tables cannot be read, insufficient_privilege.$$;
