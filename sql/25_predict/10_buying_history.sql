-- ---- one row per customer for models of buying ----

CREATE FUNCTION buying_history(
    key anyelement, query text, as_of timestamptz DEFAULT now(), unit text DEFAULT 'week',
    since timestamptz DEFAULT NULL, holdout_from timestamptz DEFAULT NULL,
    whole_units boolean DEFAULT false, time_zone text DEFAULT NULL,
    OUT customer anyelement, OUT x double precision, OUT t_x double precision, OUT t double precision,
    OUT mean_value double precision,
    OUT holdout_x double precision, OUT holdout_t double precision, OUT holdout_mean_value double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_buying_history' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION buying_history(anyelement, text, timestamptz, text, timestamptz, timestamptz, boolean, text) IS
$$One row per customer for bgnbd(), pareto_nbd() and their kin, from a query over orders:
buying_history(null::bigint, 'SELECT customer_id, ordered_at, amount FROM orders', as_of => '2026-01-01').
The first argument only names the type of the customer key.
The query's columns, by position: customer, time of the order (date, timestamp or timestamptz), amount (any number).
As the literature has it, orders of one calendar day are one purchase, and the first purchase begins the history:
x: purchases after the first.
t_x: time from the first to the last; 0 for x = 0.
t: time from the first to the last day that counts, the one before as_of where as_of is midnight.
mean_value: mean amount of the purchases after the first, one by day; NULL for x = 0.
unit of times: 'day', 'week', 'month' (30.4375 days), 'quarter' or 'year' (365.25 days).
whole_units: orders of one calendar unit (weeks begin on Monday) are one purchase and times are whole numbers of
units, as bgbb() needs them.
Only orders before as_of count; since: only customers whose first order is not before it.
holdout_from: the history ends there; holdout_x, holdout_t and holdout_mean_value are purchases, time and mean amount
from there to as_of, of the customers who had bought before.
They are NULL without holdout_from; holdout_mean_value also without purchases.
time_zone: in which days begin; NULL: the session's.
For recency, frequency and monetary value, which count the first order, use rfm_summary().
Negative amounts are no purchases and left out; rows with a NULL or infinite customer, time or amount are
skipped; both are counted in a NOTICE.
Rows may come in any order, and in the order of time it is fastest.
Memory: work_mem times hash_mem_multiplier, beyond it temporary files.
Errors: invalid_parameter_value for an unknown unit, times in the wrong order or a query that is not a single reading
SELECT, datatype_mismatch for wrong columns, null_value_not_allowed without a query.$$;
