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
