-- ---- drift: whether a segmentation's model still fits its customers ----

CREATE FUNCTION segment_internal.feature_moments(feature feature_set, OUT mean double precision,
                                                 OUT deviation double precision)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    -- as numeric, whose sums have no order
    SELECT m.mean::float8, sqrt(sum(m.copies * (m.x - m.mean) * (m.x - m.mean)) / nullif(sum(m.copies), 0))::float8
    FROM (SELECT r.copies, r.row_features[1]::numeric AS x,
                 sum(r.copies * r.row_features[1]::numeric) OVER () / sum(r.copies) OVER () AS mean
          FROM feature_rows(feature) AS r WHERE r.row_features[1]::float8 NOT IN ('NaN', 'Infinity', '-Infinity')) AS m
    GROUP BY m.mean;
END;
COMMENT ON FUNCTION segment_internal.feature_moments(feature_set) IS
'Mean and standard deviation of the finite values of a set of one feature, a number. NULL: there are none.';

CREATE FUNCTION segment_internal.share_beyond(before feature_set, after feature_set, share double precision,
    OUT edge double precision, OUT before_share double precision, OUT after_share double precision)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH b AS (
        SELECT r.x, sum(r.copies) OVER (ORDER BY r.x) AS up_to, sum(r.copies) OVER () AS total
        FROM (SELECT row_features[1]::float8 AS x, copies FROM feature_rows(before)
              WHERE row_features[1] IS NOT NULL) AS r
    ), e AS (
        SELECT min(b.x) AS edge FROM b WHERE b.up_to >= share * b.total
    )
    SELECT e.edge, (SELECT (1 - max(b.up_to) / max(b.total))::float8 FROM b WHERE b.x <= e.edge),
           (SELECT (sum(r.copies) FILTER (WHERE r.row_features[1]::float8 > e.edge) / sum(r.copies))::float8
            FROM feature_rows(after) AS r WHERE r.row_features[1] IS NOT NULL)
    FROM e;
END;
COMMENT ON FUNCTION segment_internal.share_beyond(feature_set, feature_set, double precision) IS
$$The quantile of a set of one number (the least value at or below which at least that share lies),
and the shares of rows above it, of that set and of another.$$;

CREATE FUNCTION segment_internal.fresh_agreement(s segmentation, at timestamptz) RETURNS double precision
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
    reading record;
    fresh segment.segment_model;
    result float8;
BEGIN
    EXECUTE format('SELECT d.* FROM segment_internal.%I($1) AS d', s.kind || '_drift') INTO reading USING s;
    EXECUTE format('SELECT %s FROM (SELECT %s FROM %s AS m WHERE %s OFFSET 0) AS f',
                   reading.training, reading.features, s.members, reading.counted) INTO fresh USING NULL::text, at;
    EXECUTE format('SELECT segment.adjusted_rand_index(f.segment_id, segment.assign_segment_id($1, f.*))
                    FROM (SELECT m.segment_id, %s FROM %s AS m WHERE %s OFFSET 0) AS f',
                   reading.features, s.members, reading.counted) INTO result USING fresh, at;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.fresh_agreement(segmentation, timestamptz) IS
$$The adjusted Rand index of the segments that customers are in and those that a model trained on them now, with the
segmentation's options, would give them.$$;

CREATE FUNCTION segment_internal.drift_words(psi double precision, chi2_p double precision, watch double precision,
                                             retrain double precision, OUT verdict text, OUT reason text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    -- of few customers psi is large by chance: about (cells - 1) (1/n + 1/m)
    SELECT CASE WHEN psi >= retrain AND chi2_p < 0.01 THEN 'retrain'
                WHEN psi >= watch AND chi2_p < 0.01 THEN 'watch' ELSE 'stable' END,
           CASE WHEN psi IS NULL THEN 'nothing to compare'
                WHEN psi >= watch AND chi2_p >= 0.01
                THEN format('psi %s, as chance makes it with so few customers', segment_internal.brief(psi))
                WHEN psi >= watch
                THEN format('psi %s, at least %s', segment_internal.brief(psi),
                            segment_internal.brief(CASE WHEN psi >= retrain THEN retrain ELSE watch END))
                ELSE format('psi %s, below %s', segment_internal.brief(psi), segment_internal.brief(watch)) END;
END;
COMMENT ON FUNCTION segment_internal.drift_words(double precision, double precision,
                                                 double precision, double precision) IS
$$What a population stability index says, given the limits, and why;
one that chi squared does not tell from chance at 1 % is stable.$$;

CREATE FUNCTION segment_internal.limit_words(value double precision, chance double precision, watch double precision,
                                             retrain double precision, OUT verdict text, OUT words text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT (CASE WHEN l.large AND value >= retrain THEN 'retrain' WHEN l.large THEN 'watch' ELSE 'stable' END,
                CASE WHEN l.large
                     THEN format('at least %s',
                                 segment_internal.brief(CASE WHEN value >= retrain THEN retrain ELSE watch END))
                     WHEN value >= watch THEN 'as chance makes it with so few customers'
                     ELSE format('less than %s', segment_internal.brief(watch)) END)
        FROM (SELECT value >= watch AND (value <= chance) IS NOT TRUE AS large) AS l);
COMMENT ON FUNCTION segment_internal.limit_words(double precision, double precision,
                                                 double precision, double precision) IS
'What a figure says, given the limits, and that up to the figure chance it may come about by chance.';

CREATE FUNCTION segment_internal.training_of(s segmentation) RETURNS feature_set[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result segment.feature_set[];
BEGIN
    IF to_regproc(format('segment_internal.%I', s.kind || '_drift')) IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" is of kind %, which has no model that could be out of date', s.name, s.kind
            USING ERRCODE = 'wrong_object_type', HINT = 'feature_drift() compares any two feature sets.';
    END IF;
    SELECT m.training INTO result FROM segment.model AS m
    WHERE m.segmentation = s.name AND m.version = s.model_version;
    IF result IS NULL THEN
        RAISE EXCEPTION 'nothing is kept of a training of segmentation "%" to compare with', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN s.model_version IS NULL THEN 'The first refresh_segmentation() trains.'
                              WHEN s.retrain_every IS NULL
                                   AND 'always' = (SELECT k.retrains FROM segment_internal.kind AS k
                                                   WHERE k.kind = s.kind)
                              THEN 'It trains at every refresh, so its model is never out of date; '
                                   'with retrain_every a model is kept for longer.'
                              ELSE 'retrain_segmentation() trains anew and keeps it.' END;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.training_of(segmentation) IS
$$What is kept of the training of the current model, see training_figures.
Errors: wrong_object_type for a kind without a model, object_not_in_prerequisite_state where nothing is kept.$$;

CREATE FUNCTION segment_internal.drift_lines(
    training feature_set[], today feature_set[], bins integer, watch double precision, retrain double precision,
    segments segment[], OUT part integer, OUT place integer, OUT what text, OUT item text, OUT verdict text,
    OUT reason text, OUT before double precision, OUT now double precision, OUT psi double precision,
    OUT ks double precision, OUT ks_p double precision,
    OUT chi2 double precision, OUT chi2_df double precision, OUT chi2_p double precision,
    OUT wasserstein double precision, OUT relative double precision) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
    WITH feature AS MATERIALIZED (
        SELECT u.i, d.*, b.mean AS before_mean, a.mean AS now_mean, b.deviation
        -- as many as the centres have columns for, behind two others
        FROM generate_series(3, cardinality(segment_internal.feature_names(training[1]))) AS u (i)
        CROSS JOIN LATERAL segment.feature_drift(training[u.i], today[u.i], bins) AS d
        CROSS JOIN LATERAL segment_internal.feature_moments(CASE WHEN d.kind = 'numeric' THEN training[u.i] END) AS b
        CROSS JOIN LATERAL segment_internal.feature_moments(CASE WHEN d.kind = 'numeric' THEN today[u.i] END) AS a
    ), center AS (
        SELECT r.now, c.c, c.c[1] AS segment_id
        FROM (VALUES (false, training[1]), (true, today[1])) AS r (now, centers)
        CROSS JOIN LATERAL segment.feature_rows(r.centers) AS f
        CROSS JOIN LATERAL (SELECT f.row_features::float8[]) AS c (c)
    ), size AS (
        SELECT coalesce(b.c[1], a.c[1]) AS segment_id, coalesce(b.c[2], 0) AS before, coalesce(a.c[2], 0) AS now
        FROM (SELECT r.row_features::float8[] AS c FROM segment.feature_rows(training[2]) AS r) AS b
        FULL JOIN (SELECT r.row_features::float8[] AS c FROM segment.feature_rows(today[2]) AS r) AS a
          ON a.c[1] = b.c[1]
    ), sized AS (
        SELECT z.*, d.shift, d.most,
               -- three standard errors
               3 * sqrt(1 / b.c[2] + 1 / a.c[2]) AS chance
        FROM size AS z
        LEFT JOIN center AS b ON b.segment_id = z.segment_id AND NOT b.now
        LEFT JOIN center AS a ON a.segment_id = z.segment_id AND a.now
        CROSS JOIN LATERAL (
            -- the root of the mean square over the features; as numeric, whose sums have no order
            SELECT sqrt(avg(d.z * d.z))::float8 AS shift,
                   (array_agg(d.feature ORDER BY abs(d.z) DESC NULLS LAST, d.i))[1] AS most
            FROM (SELECT f.i, f.feature, ((a.c[f.i] - b.c[f.i]) / nullif(f.deviation, 0))::numeric AS z
                  FROM feature AS f) AS d) AS d
    )
    SELECT 1, f.i, 'feature', f.feature, w.verdict, w.reason, f.before_mean, f.now_mean, f.psi, f.ks, f.ks_p,
           f.chi2, f.chi2_df, f.chi2_p, f.wasserstein, f.relative
    FROM feature AS f CROSS JOIN LATERAL segment_internal.drift_words(f.psi, f.chi2_p, watch, retrain) AS w
    UNION ALL
    SELECT 2, 0, 'sizes', NULL, w.verdict, w.reason, NULL, NULL, d.psi, NULL, NULL, d.chi2, d.chi2_df, d.chi2_p,
           NULL, NULL
    FROM (SELECT array_agg(z.before ORDER BY z.segment_id) AS before, array_agg(z.now ORDER BY z.segment_id) AS now
          FROM size AS z) AS z
    CROSS JOIN LATERAL segment_internal.cell_drift(z.before, z.now) AS d
    CROSS JOIN LATERAL segment_internal.drift_words(d.psi, d.chi2_p, watch, retrain) AS w
    UNION ALL
    SELECT 3, rank() OVER (ORDER BY g.priority, c.segment_id)::integer, 'segment', g.name, w.verdict,
           CASE WHEN c.now = 0 THEN 'empty now' WHEN c.before = 0 THEN 'empty at the training'
                WHEN c.shift IS NULL THEN 'no number among the features'
                ELSE format('its centre has moved by %s standard deviations, %s%s', segment_internal.brief(c.shift),
                            w.words, CASE WHEN w.verdict <> 'stable' THEN '; most in ' || c.most ELSE '' END) END,
           c.before / nullif(sum(c.before) OVER (), 0), c.now / nullif(sum(c.now) OVER (), 0),
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.shift
    FROM sized AS c
    -- small and medium effects (Cohen 1988)
    CROSS JOIN LATERAL segment_internal.limit_words(c.shift, c.chance, 0.2, 0.5) AS w
    LEFT JOIN unnest(segments) AS g ON g.segment_id = c.segment_id
    UNION ALL
    SELECT 4, 0, 'distance', NULL, w.verdict,
           format('%s %% of the customers lie further from their centre than 99 %% did at the training, %s',
                  segment_internal.brief(b.after_percent), regexp_replace(w.words, '([0-9])$', '\1 %')),
           b.before_share, b.after_share, d.psi, d.ks, d.ks_p, d.chi2, d.chi2_df, d.chi2_p, d.wasserstein, d.relative
    FROM segment.feature_drift(training[cardinality(segment_internal.feature_names(training[1])) + 1],
                               today[cardinality(segment_internal.feature_names(training[1])) + 1], bins) AS d
    CROSS JOIN LATERAL (
        SELECT e.*, 100 * e.after_share AS after_percent
        FROM segment_internal.share_beyond(training[cardinality(training)], today[cardinality(training)],
                                           0.99) AS e) AS b
    CROSS JOIN LATERAL segment_internal.limit_words(
        b.after_percent, 1 + 300 * sqrt(0.01 * 0.99 / nullif(d.rows_after, 0)), 2, 5) AS w
$$;
COMMENT ON FUNCTION segment_internal.drift_lines(feature_set[], feature_set[], integer, double precision,
                                                 double precision, segment[]) IS
$$The rows of segment_drift but for the first and the last, in the order of part and place, of figures of a training and
of now; see training_figures.$$;

CREATE FUNCTION segment_drift(
    name text, bins integer DEFAULT 10, fresh boolean DEFAULT true,
    watch double precision DEFAULT 0.1, retrain double precision DEFAULT 0.25,
    OUT what text, OUT item text, OUT verdict text, OUT reason text,
    OUT before double precision, OUT now double precision, OUT psi double precision,
    OUT ks double precision, OUT ks_p double precision,
    OUT chi2 double precision, OUT chi2_df double precision, OUT chi2_p double precision,
    OUT wasserstein double precision, OUT relative double precision) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 20 SET search_path = pg_catalog, pg_temp
    -- functions of high cost are no reason to compile the rest
    SET jit = off
AS $$
DECLARE
    -- agreement below which two divisions have little in common (Steinley 2004)
    poor CONSTANT float8 := 0.65;
    s segment.segmentation := segment_internal.readable_segmentation(name);
    training segment.feature_set[] := segment_internal.training_of(s);
    today segment.feature_set[];
    agreement float8;
BEGIN
    IF watch IS NULL OR retrain IS NULL OR NOT watch > 0 OR watch > retrain OR retrain = 'NaN' THEN
        RAISE EXCEPTION 'watch and retrain must be limits of psi above 0, the second at least the first, not % and %',
            coalesce(watch::text, 'NULL'), coalesce(retrain::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Usual are 0.1 and 0.25.';
    END IF;
    today := segment_internal.training_figures(s, segment.get_model(s.name), s.refreshed_as_of);
    IF fresh IS NOT FALSE AND today IS NOT NULL THEN
        agreement := segment_internal.fresh_agreement(s, s.refreshed_as_of);
    END IF;
    RETURN QUERY
    WITH line AS MATERIALIZED (
        SELECT l.* FROM segment_internal.drift_lines(training, today, coalesce(bins, 10), watch, retrain,
                                                     segment_internal.segment_rows(s.name)) AS l
        WHERE today IS NOT NULL
        UNION ALL
        SELECT 5, 0, 'labels', NULL, CASE WHEN agreement < poor THEN 'watch' ELSE 'stable' END,
               format('the segments agree with those of a model trained now by %s (adjusted Rand index), %s %s',
                      segment_internal.brief(agreement), CASE WHEN agreement < poor THEN 'below' ELSE 'at least' END,
                      poor),
               NULL, agreement, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        WHERE agreement IS NOT NULL
    ), worst AS (
        SELECT CASE WHEN bool_or(l.verdict = 'retrain') THEN 'retrain'
                    WHEN bool_or(l.verdict = 'watch') OR today IS NULL THEN 'watch' ELSE 'stable' END AS verdict
        FROM line AS l
    )
    SELECT l.what, l.item, l.verdict, l.reason, l.before, l.now, l.psi, l.ks, l.ks_p, l.chi2, l.chi2_df, l.chi2_p,
           l.wasserstein, l.relative
    FROM (SELECT 0 AS part, 0 AS place, 'all' AS what, s.name AS item, w.verdict,
                 coalesce((SELECT string_agg(concat_ws(' ', l.what, quote_ident(l.item)) || ': ' || l.reason, '; '
                                             ORDER BY l.part, l.place)
                           FROM line AS l WHERE l.verdict = w.verdict AND w.verdict <> 'stable'),
                          CASE WHEN today IS NULL THEN 'it has no members now' ELSE 'nothing has moved by much' END)
                 AS reason, NULL::float8 AS before, NULL::float8 AS now, NULL::float8 AS psi, NULL::float8 AS ks,
                 NULL::float8 AS ks_p, NULL::float8 AS chi2, NULL::float8 AS chi2_df, NULL::float8 AS chi2_p,
                 NULL::float8 AS wasserstein, NULL::float8 AS relative
          FROM worst AS w
          UNION ALL SELECT l.* FROM line AS l) AS l
    ORDER BY l.part, l.place;
END;
$$;
COMMENT ON FUNCTION segment_drift(text, integer, boolean, double precision, double precision) IS
$$Whether the model of a segmentation still fits its customers: what has moved since it was trained, with a verdict
stable, watch or retrain and its reason in words.
Before: the members as of the refresh that trained the model, of which the model keeps distributions, see the column
training of segment.model; now: the members as of the last refresh, so it tells nothing of what came after.
Features of RFM are recency, frequency and monetary (and tenure, where the model has it) of members with orders.
Rows, by what:
all: the verdict, the worst of the others, and why; first.
feature: a row each; before, now: means; the others as feature_drift has them; by psi.
sizes: the customers of the segments, by psi.
segment: a row each; before, now: its share of the members; relative: how far its mean has moved, the root of the mean
square over the features in their standard deviations at the training; watch from 0.2, retrain from 0.5
(small and medium effects, Cohen 1988), unless it is within three standard errors.
distance (clusterings): before, now: the share of members further from the centre of their segment than 99 % were at
the training; watch from 2 %, retrain from 5 %, unless within three standard errors;
the others as feature_drift has them.
labels: now: the adjusted Rand index of the present segments and those of a model trained now on the members
(1: the same division); watch below 0.65 (Steinley 2004), never more: it may be low though nothing moved,
where there are no clear segments.
It takes a training; fresh => false leaves it out.
watch, retrain: limits of psi, 0.1 and 0.25 (Siddiqi 2006); where chi squared does not tell it from chance at 1 %,
it is stable.
bins: as feature_drift.
Distributions that are kept are off by 0.04 % of the customers at most; where a feature has at most 2,048 values they
are exact.
Whoever may read the members may call it.
Errors: undefined_object; wrong_object_type for a kind without a model, such as rules;
object_not_in_prerequisite_state before the first training, or where nothing of it is kept, as of RFM that trains at
every refresh; invalid_parameter_value for limits or bins.$$;
