-- ---- RFM: one row per customer ----

CREATE FUNCTION rfm_summary(
    key anyelement, query text, as_of timestamptz DEFAULT now(), lookback interval DEFAULT NULL,
    refunds text DEFAULT 'net', zero_amounts text DEFAULT 'order', time_zone text DEFAULT NULL,
    whole_days boolean DEFAULT true, search_path text DEFAULT NULL, only_keys "any" DEFAULT NULL,
    OUT customer anyelement, OUT first_order_at timestamptz, OUT last_order_at timestamptz,
    OUT recency double precision, OUT frequency bigint, OUT monetary numeric, OUT mean_amount double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rfm_summary' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION rfm_summary(anyelement, text, timestamptz, interval, text, text, text, boolean, text, "any") IS
$$One row per customer from a query over orders, in one pass: rfm_summary(null::bigint,
'SELECT customer_id, ordered_at, amount FROM orders').
The first argument only names the type of the customer key (any hashable type).
The query's columns, by position: customer, time of the order (timestamptz, timestamp or date), amount (any number),
and optionally an order id, when one order has several rows.
Only orders before as_of count, and with lookback only those since as_of - lookback, but for first_order_at,
which is the first of all; a lookback that begins before the first timestamp there is (4713 BC) leaves none out.
Returns: customer, time of the first and last order, recency
(calendar days in time_zone from the last order to as_of; with whole_days false days of 24 hours with a fraction),
frequency (number of orders, or of distinct order ids), monetary (exact total), mean_amount (total / orders).
refunds: negative amounts are subtracted without counting as orders ('net'), skipped ('ignore') or taken as orders
('order'); 'cancel' is 'net', but an order id whose lines in the window add up to 0 or less is no order:
neither its number nor its times count, what it adds up to does.
zero_amounts: 'order' or 'ignore'.
search_path: under which the query alone is parsed and run; NULL: the session's.
only_keys: an array of keys; the source is read for these customers alone, by its own index where it has one;
NULL: all, an empty array: none.
NULL for any argument but query means its default.
A customer with refunds only has frequency 0 and NULL times and recency; monetary tells what was paid back.
Keys that are equal by their type and collation are one customer, under the spelling that is first by its bytes.
Rows with a NULL or infinite customer, time, amount or order id are skipped, counted and told in a NOTICE;
see rfm_summary_counts().
Memory: work_mem times hash_mem_multiplier, beyond it temporary files.
Errors: invalid_parameter_value for a query that is not a single reading SELECT, datatype_mismatch for wrong columns;
invalid_parameter_value for 'cancel' without order ids.$$;

CREATE FUNCTION segment_internal.rfm_summary_clock(
    key anyelement, query text, as_of timestamptz, lookback interval,
    refunds text, zero_amounts text, time_zone text,
    whole_days boolean DEFAULT true, search_path text DEFAULT NULL, only_keys "any" DEFAULT NULL,
    OUT customer anyelement, OUT first_order_at timestamptz, OUT last_order_at timestamptz,
    OUT recency double precision, OUT frequency bigint, OUT monetary numeric, OUT mean_amount double precision,
    OUT next_transition_at timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rfm_summary' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION segment_internal.rfm_summary_clock(
    anyelement, text, timestamptz, interval, text, text, text, boolean, text, "any") IS
$$As rfm_summary, with next_transition_at: the first instant after as_of at which other rows of the customer count,
because one of them is no longer in the future or leaves the window; NULL: never.
Recency is not meant, see days_later.
Whose rows all lie outside the window now has a row, too, where one will be in it: with NULL for all but customer
and next_transition_at.$$;

CREATE FUNCTION rfm_summary_counts() RETURNS jsonb
    AS 'MODULE_PATHNAME', 'segment_rfm_summary_counts' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION rfm_summary_counts() IS
$$Counts of the last rfm_summary in this session: rows_read, rows_used, rows left out by reason
(null_customer, null_time, null_amount, null_order, not_finite, after_as_of, before_lookback, refunds_ignored,
zero_ignored), refunds_netted (used, as subtractions), orders_cancelled, customers, rows_spilled
(written to temporary files), seconds.
NULL before the first.$$;

CREATE FUNCTION segment_internal.calendar_days(as_of timestamptz, at timestamptz, time_zone text)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_calendar_days' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.calendar_days(timestamptz, timestamptz, text) IS
$$Calendar days in time_zone from an instant to as_of, as rfm_summary counts recency.
Errors: datetime_value_out_of_range for an infinite instant, invalid_parameter_value for an unknown zone.$$;

CREATE FUNCTION segment_internal.days_later(as_of timestamptz, days integer, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'segment_days_later' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.days_later(timestamptz, integer, text) IS
$$The first instant after as_of whose date in time_zone is that many days later; 9999-01-01 where it lies beyond.
A negative number of days is meant without its sign, or the first instant whose date is before today,
where clocks are set back over midnight and that comes first.
More than 8 million days are never, and 0: NULL.
Errors: invalid_parameter_value for an unknown zone.$$;

CREATE FUNCTION segment_internal.query_columns(
    query text, search_path text DEFAULT NULL, permanent boolean DEFAULT false,
    OUT number integer, OUT name text, OUT type regtype, OUT collation regcollation)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_query_columns' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION segment_internal.query_columns(text, text, boolean) IS
$$The columns a source query would return under a search_path (NULL: the session's), without running it.
collation: NULL for types without.
NULL query: no rows.
Errors: invalid_parameter_value when it is not a single query that only reads;
syntax errors as the server tells them; feature_not_supported where permanent is true and the query reads a temporary
relation or uses a function, operator or type of the session (pg_temp).$$;

CREATE FUNCTION segment_internal.query_keys(key anyelement, query text, search_path text, only_keys "any" DEFAULT NULL)
    RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'segment_query_keys' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION segment_internal.query_keys(anyelement, text, text, "any") IS
$$The values of a query's first column, each once, NULLs left out, the query run under the given search_path
(NULL: the session's).
Equal by type and collation is one, under the spelling that is first by its bytes.
NULL query: no rows.
only_keys: an array of keys, the others are not read; NULL: all.
Used for the list of customers.
Errors: as query_columns, and datatype_mismatch when the column is not of the key's type.$$;
