-- demo, last step: what a person wants to see of the segmentation "loyalty",
-- refreshed for two dates.
--
--   psql variables: source, scheme  what the segmentation was made from
--                   earlier, later  the dates, as the demo writes them
--
-- All is read from the extension's own views, functions and tables, so every
-- query here may be copied into a tool of one's own.

\pset border 0
\pset footer off
\pset null ''
-- Thousands get their comma.
\pset numericlocale on

\echo
\echo The segmentation
\pset tuples_only on
\pset format unaligned
SELECT format(E'  SELECT create_rfm_segmentation(\'loyalty\',\n      $$%s$$%s);', :'source',
              CASE WHEN :'scheme' <> 'default' THEN format(', scheme => %L', :'scheme') END);

\echo
\echo 'Orders, as of' :later
SELECT lpad(to_char(trunc(number), 'FM999,999,999,999,990'), 18)
    -- All decimals of the revenue, which is exact; the others have none.
    || rpad(decimals, greatest(4, max(length(decimals)) OVER ())) || ' ' || words
FROM segment.run AS r
    CROSS JOIN (SELECT count(*) AS loaded FROM orders) AS file
    CROSS JOIN (SELECT sum(frequency) AS orders, sum(monetary) AS revenue
                FROM loyalty_segments) AS members
    CROSS JOIN LATERAL (
        VALUES (1, file.loaded::numeric, 'rows loaded'),
               (2, file.loaded - r.rows_read, 'left out by WHERE'),
               (4, r.rows_used, 'rows used'),
               (6, members.orders, 'orders'),
               (7, r.customers, 'customers'),
               (8, members.revenue, 'revenue')
        UNION ALL
        SELECT 5, (r.counts ->> 'refunds_netted')::numeric, 'of them refunds, subtracted'
        WHERE (r.counts ->> 'refunds_netted')::numeric > 0
        UNION ALL
        SELECT 3, (r.counts ->> reason)::numeric, 'skipped: ' || meaning
        FROM (VALUES ('null_customer', 'no customer'),
                     ('null_time', 'no time'),
                     ('null_amount', 'no amount'),
                     ('null_order', 'no order id'),
                     ('not_finite', 'a time or amount that is infinite or no number'),
                     ('after_as_of', 'made later')) AS skipped (reason, meaning)
        WHERE (r.counts ->> reason)::numeric > 0
    ) AS line (position, number, words)
    CROSS JOIN LATERAL coalesce(substring(trim_scale(number)::text FROM '\.\d+'), '') AS decimals
WHERE segmentation = 'loyalty' AND as_of = :'later' AND (number <> 0 OR position <> 2)
ORDER BY position, words;
\pset tuples_only off
\pset format aligned

\echo
\echo 'Segments, as of' :later '(R in days; R, F and M are medians)'
SELECT segment AS "Segment",
       customers AS "Customers",
       round(100 * customer_share::numeric, 1) AS "%",
       round(revenue) AS "  Revenue",
       round(100 * revenue_share::numeric, 1) AS "%",
       round(median_recency::numeric) AS "    R",
       round(median_frequency::numeric, 1) AS "    F",
       round(median_monetary::numeric) AS "      M",
       -- a letter that every terminal has
       rpad(repeat('#', round(20 * greatest(revenue_share, 0) / nullif(max(revenue_share) OVER (), 0))::integer), 20)
           AS "Share of the revenue"
FROM segment_profile
WHERE segmentation = 'loyalty'
ORDER BY revenue DESC, segment;

\pset tuples_only on
\pset format unaligned
WITH ranked AS (
    SELECT *, row_number() OVER (ORDER BY revenue DESC, segment) AS rank
    FROM segment_profile
    WHERE segmentation = 'loyalty'
)
SELECT format('In short: %s customers of 100 are in the segment %s, and %s of every 100 of revenue come from them.%s',
              round(100 * customer_share), segment, round(100 * revenue_share), E'\n')
FROM ranked
WHERE rank = 1 AND revenue_share > 0;
\pset tuples_only off
\pset format aligned

\echo 'Cut points: the values that give each score, and the customers who have it'
SELECT score AS "Score",
       max(range) FILTER (WHERE feature = 'recency') AS "Recency",
       max(customers) FILTER (WHERE feature = 'recency') AS "Customers",
       max(range) FILTER (WHERE feature = 'frequency') AS "Frequency",
       max(customers) FILTER (WHERE feature = 'frequency') AS "Customers",
       max(range) FILTER (WHERE feature = 'monetary') AS "Monetary",
       max(customers) FILTER (WHERE feature = 'monetary') AS "Customers"
FROM rfm_cut_points(get_model('loyalty')),
    -- closed says on which side of a range a value that equals the cut lies
    LATERAL (SELECT trim_scale(round(lower_cut::numeric, 2)), trim_scale(round(upper_cut::numeric, 2)))
        AS cut (lower, upper),
    LATERAL (SELECT CASE
        WHEN lower IS NULL AND upper IS NULL THEN 'any'
        -- two cuts fell on one value, which many customers share
        WHEN lower = upper THEN 'none'
        WHEN lower IS NULL THEN CASE closed WHEN 'right' THEN '<= ' ELSE '< ' END || upper
        WHEN upper IS NULL THEN CASE closed WHEN 'right' THEN '> ' ELSE '>= ' END || lower
        WHEN closed = 'right' THEN '> ' || lower || ' to ' || upper
        ELSE lower || ' to < ' || upper
    END) AS r (range)
GROUP BY score
ORDER BY score DESC;

\echo 'Moves from' :earlier 'to' :later
WITH move AS (
    SELECT CASE
               WHEN from_segment = to_segment THEN '(stayed)'
               ELSE coalesce(from_segment, '(no customer yet)') || ' -> ' || coalesce(to_segment, '(gone)')
           END AS move,
           sum(customers) AS customers
    FROM segment_migration('loyalty', from_at => :'earlier', to_at => :'later')
    GROUP BY 1
), ranked AS (
    SELECT *, row_number() OVER (ORDER BY customers DESC, move) AS rank, count(*) OVER () AS moves
    FROM move
)
SELECT CASE WHEN rank <= 20 THEN move ELSE format('(%s smaller moves)', moves - 20) END AS "Move",
       sum(customers) AS "Customers",
       round(100 * sum(customers) / sum(sum(customers)) OVER (), 1) AS "%"
FROM ranked
GROUP BY least(rank, 21), 1
ORDER BY least(rank, 21);

\echo 'The refreshes'
SELECT as_of::date::text AS "As of",
       customers AS "Customers", entered AS "Entered", departed AS "Departed", moved AS "Moved",
       updated AS "Updated", unchanged AS "Unchanged",
       round(extract(epoch FROM duration), 2) AS "Seconds"
FROM segment_run
WHERE segmentation = 'loyalty'
ORDER BY run_id;
