-- demo, fourth step: the two dates to refresh for.
--
--   psql variables: source          the query of the orders
--                   first, second   dates of the user, in any order, or empty
--   output:         number of orders, earlier date, later date
--
-- Without dates: the day after the last order, when its whole day counts, and a
-- quarter (90 days) before; of less than half a year of orders the middle.

WITH seen AS MATERIALIZED (
    SELECT count(*) AS rows, min(ordered_at)::timestamptz AS first, max(ordered_at)::timestamptz AS last,
           -- Only to have them computed (and materialized keeps it so): what fails in some row
           -- shall fail here, in its own words.
           count(customer), count(amount)
    FROM (:source) AS orders (customer, ordered_at, amount)
), latest AS (
    SELECT *,
           coalesce(greatest(nullif(:'first', '')::timestamptz, nullif(:'second', '')::timestamptz),
                    date_trunc('day', last) + interval '1 day') AS later
    FROM seen
), dates AS (
    SELECT rows, later,
           CASE WHEN :'first' <> :'second'
               THEN least(nullif(:'first', '')::timestamptz, nullif(:'second', '')::timestamptz)
               ELSE date_trunc('day', later - least(interval '90 days', (later - first) / 2))
           END AS earlier
    FROM latest
)
-- Midnights need no time of day.
SELECT rows,
       regexp_replace(earlier::text, ' 00:00:00\+00$', ''),
       regexp_replace(later::text, ' 00:00:00\+00$', '')
FROM dates;
