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
