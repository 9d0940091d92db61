-- ---- how segments grew and shrank, by calendar periods ----
--
-- One pass over the history counts who came and went in each period; everything else follows
-- from that.  A period is from after its beginning to its end, which is included: a refresh
-- as of midnight tells of the day that ended, since its source is read up to before it.

CREATE FUNCTION segment_internal.pettitt(series double precision[], OUT last_before integer, OUT p numeric)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH ranked AS (
        -- twice the mean rank of those that are equal
        SELECT x.n, 2 * rank() OVER (ORDER BY x.value) + count(*) OVER (PARTITION BY x.value) - 1 AS rank2,
               count(*) OVER () AS t
        FROM unnest(series) WITH ORDINALITY AS x (value, n)
    ), summed AS (
        SELECT r.n, r.t, abs(sum(r.rank2) OVER (ORDER BY r.n) - r.n * (r.t + 1)) AS u FROM ranked AS r
    )
    SELECT s.n::integer,
           round(least(1, 2 * exp(-6 * s.u::numeric ^ 2 / (s.t::numeric ^ 3 + s.t::numeric ^ 2))), 6)
    FROM summed AS s WHERE s.u > 0 ORDER BY s.u DESC, s.n LIMIT 1;
END;
COMMENT ON FUNCTION segment_internal.pettitt(double precision[]) IS
$$Where the level of a series changes most, by the test of Pettitt (A non-parametric approach to the change-point
problem, Applied Statistics 28, 1979, pages 126 to 135): last_before, the number of the last value before the change,
the one with the greatest |U|, U = 2 (sum of the first ranks) - last_before (T + 1) with mean ranks for ties; p, about
how likely so great a one is without any change, 2 exp(-6 U^2 / (T^3 + T^2)), at most 1, for independent values.
NULL where all values are equal.$$;

CREATE FUNCTION segment_internal.period_bound(number bigint, every interval, time_zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN every >= interval '1 day'
            THEN (timestamp '2001-01-01' + number * every) AT TIME ZONE time_zone
            ELSE (timestamp '2001-01-01' AT TIME ZONE time_zone) + number * every END;
COMMENT ON FUNCTION segment_internal.period_bound(bigint, interval, text) IS
$$Where a period begins, numbered from the Monday 2001-01-01 in a time zone: by the calendar where periods are months or
days, by elapsed time where they are shorter.$$;

CREATE FUNCTION segment_internal.period_number(at timestamptz, every interval, time_zone text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN floor(CASE
    WHEN every >= interval '1 month' THEN
        ((extract(year FROM at AT TIME ZONE time_zone) - 2001) * 12 + extract(month FROM at AT TIME ZONE time_zone) - 1)
        / (extract(year FROM every) * 12 + extract(month FROM every))
    WHEN every >= interval '1 day' THEN ((at AT TIME ZONE time_zone)::date - date '2001-01-01')::numeric
                                        / extract(day FROM every)
    ELSE extract(epoch FROM at - (timestamp '2001-01-01' AT TIME ZONE time_zone)) / extract(epoch FROM every) END);
COMMENT ON FUNCTION segment_internal.period_number(timestamptz, interval, text) IS
'The number of a period that an instant lies in, as period_bound counts; one less or more where clocks are changed.';

CREATE FUNCTION segment_internal.period_bounds(
    from_at timestamptz, to_at timestamptz, every interval, time_zone text, whole_from timestamptz)
    RETURNS timestamptz[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT bigint := 10000;
    first bigint;
    last bigint;
BEGIN
    IF every IS NULL OR every <= interval '0'
       OR (extract(year FROM every) <> 0 OR extract(month FROM every) <> 0)::integer
          + (extract(day FROM every) <> 0)::integer
          + (every - date_trunc('day', every) <> interval '0')::integer <> 1 THEN
        RAISE EXCEPTION 'a period must be of months, of days, or of hours and shorter, not %',
            coalesce(every::text, 'null')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance ''1 month'', ''1 week'' or ''1 day''.';
    END IF;
    first := segment_internal.period_number(from_at, every, time_zone) - 2;
    last := segment_internal.period_number(to_at, every, time_zone) + 2;
    IF last - first - 4 > most THEN
        RAISE EXCEPTION 'these are % periods of %, and at most % are told', last - first - 4, every, most
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Take longer periods, or give from_at.';
    END IF;
    RETURN (
        SELECT array_agg(b.at ORDER BY b.at)
        FROM (SELECT p.at, lead(p.at) OVER w AS next_at, lag(p.at) OVER w AS before_at
              FROM (SELECT DISTINCT segment_internal.period_bound(n, every, time_zone)
                    FROM generate_series(first, last) AS n) AS p (at)
              WINDOW w AS (ORDER BY p.at)) AS b
        WHERE b.next_at > from_at AND b.before_at < to_at AND (b.at >= whole_from OR whole_from IS NULL));
END;
$$;
COMMENT ON FUNCTION segment_internal.period_bounds(timestamptz, timestamptz, interval, text, timestamptz) IS
$$The bounds of calendar periods in a time zone, from that in which from_at lies to that in which to_at does;
whole_from: no earlier bound (NULL: any).
Errors: invalid_parameter_value for an interval that is no length of periods, program_limit_exceeded beyond 10,000.$$;

CREATE FUNCTION segment_trend(name text, every interval, from_at timestamptz DEFAULT NULL,
                              to_at timestamptz DEFAULT NULL,
    OUT period_start timestamptz, OUT period_end timestamptz, OUT segment_id integer, OUT segment text,
    OUT customers bigint, OUT added bigint, OUT removed bigint, OUT net bigint, OUT revenue numeric,
    OUT slope double precision, OUT change_at timestamptz, OUT change_p numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
    known timestamptz := segment_internal.known_until(s);
    bounds timestamptz[];
    figures text;
BEGIN
    PERFORM segment_internal.kept_instant(from_at, s.name, s.history_from);
    bounds := segment_internal.period_bounds(
        -- the first instant belongs to the period that it ends, if it is the end of one
        coalesce(from_at, greatest(s.history_from, (
            SELECT min(r.as_of) FROM segment.run AS r
            WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty') AND NOT segment_internal.undone(r))
            - interval '1 microsecond'), known),
        least(to_at, known), every, coalesce(s.time_zone, 'UTC'), s.history_from);
    EXECUTE format('SELECT segment_internal.%I()', s.kind || '_figures') INTO figures;
    RETURN QUERY EXECUTE format(
        'WITH change AS MATERIALIZED (
             -- in period n, or 0: before the first one
             SELECT e.segment_id, width_bucket(e.at - interval ''1 microsecond'', $4) AS n,
                    sum(e.came)::bigint AS added, sum(e.went)::bigint AS removed
             FROM (SELECT h.segment_id, v.* FROM %1$s AS h
                   CROSS JOIN LATERAL (VALUES (h.entered_at, 1, 0), (h.left_at, 0, 1)) AS v (at, came, went)
                   UNION ALL SELECT m.segment_id, m.entered_at, 1, 0 FROM %2$s AS m) AS e
             GROUP BY 1, 2
         ), size AS (
             SELECT g.segment_id, g.name, g.priority, p.n, coalesce(c.added, 0) AS added,
                    coalesce(c.removed, 0) AS removed,
                    sum(coalesce(c.added - c.removed, 0))
                        OVER (PARTITION BY g.segment_id ORDER BY p.n)::bigint AS customers
             FROM unnest($1) AS g CROSS JOIN generate_series(0, cardinality($4) - 1) AS p (n)
             LEFT JOIN change AS c ON c.segment_id = g.segment_id AND c.n = p.n
             WHERE g.closed_at IS NULL OR EXISTS (SELECT FROM change AS a WHERE a.segment_id = g.segment_id AND a.n > 0)
                OR (SELECT sum(a.added - a.removed) FROM change AS a WHERE a.segment_id = g.segment_id AND a.n = 0) > 0
         ), told AS (
             SELECT * FROM size WHERE n > 0
         ), figures AS (
             SELECT segment_id, %3$s FROM %2$s GROUP BY segment_id
         )
         SELECT $4[t.n], $4[t.n + 1], t.segment_id, t.name, t.customers, t.added, t.removed, t.added - t.removed,
                -- only of the present the members'' own figures tell
                CASE WHEN $2 > $4[t.n] AND $2 <= $4[t.n + 1] THEN coalesce(f.revenue, r.no_revenue) END,
                regr_slope(t.customers, t.n) OVER (PARTITION BY t.segment_id), $4[k.last_before + 1], k.p
         FROM told AS t
         LEFT JOIN (SELECT a.segment_id, array_agg(a.customers::float8 ORDER BY a.n) AS sizes
                    FROM told AS a GROUP BY a.segment_id) AS l ON l.segment_id = t.segment_id
         LEFT JOIN LATERAL segment_internal.pettitt(l.sizes) AS k ON true
         LEFT JOIN (SELECT f.segment_id, f.revenue FROM figures AS f) AS f ON f.segment_id = t.segment_id
         LEFT JOIN (SELECT min(f.no_revenue) AS no_revenue FROM figures AS f) AS r ON true
         ORDER BY t.n, t.priority, t.segment_id', s.history, s.members, figures)
    USING segment_internal.segment_rows(s.name), known, s.time_zone, bounds;
END;
$$;
COMMENT ON FUNCTION segment_trend(text, interval, timestamptz, timestamptz) IS
$$How the segments of a segmentation grew and shrank, a row for each calendar period and segment:
segment_trend('loyalty', '1 month').
every: months, days (weeks begin on Monday, all are counted from 2001-01-01) or a shorter time; months and days are
those of the segmentation's time zone, whatever its clocks do.
from_at, to_at: the periods from that of the one to that of the other; NULL: all that are known. The last period may
not be over yet: it is told as of the last refresh.
A period is from after period_start to period_end, the end included, so that what a refresh as of midnight found belongs
to the day before, and customers, the size at the end, is what segment_members(name, period_end) counts.
added, removed: how many came into the segment and left it, by moving as well as from and to outside;
net: added - removed.
revenue: total monetary value of the members, of the last refresh only, whose period tells it: what members were worth
earlier is not kept; NULL elsewhere, and of kinds without it.
slope: of the least squares line of customers over all periods told, customers per period; NULL where there is one.
change_at: the start of the first period after the likeliest change of the level of customers, and change_p, from 0 to
1, about how likely one as great is without any, by the test of Pettitt (1979), which needs ten periods or so;
NULL where all are equal. A steady rise is a change of the level, too.
The history is read once, and compared with no other instant.
Errors: undefined_object, insufficient_privilege, invalid_parameter_value, program_limit_exceeded beyond 10,000 periods,
object_not_in_prerequisite_state for a from_at that purge_history removed.$$;
