-- ---- segmentations by what customers are worth: value tiers and churn bands ----
--
-- Time is counted in days of the segmentation's time zone, as buying_history() counts them: up
-- to the one before as_of where that is midnight.  What the member table keeps of a customer
-- does not depend on as_of; what does, value and probability, is worked out from it when it is
-- read (segment_member_values, segment_value_profile), and next_transition_at tells when it leads to
-- another segment.

CREATE FUNCTION segment_internal.value_columns(s segmentation,
    OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8
BEGIN ATOMIC
    VALUES
        (1, 'purchases', 'bigint', true, true, 'Purchases: days with orders; 0: none yet.'),
        (2, 'first_purchase_on', 'date', false, true, 'Day of the first purchase.'),
        (3, 'last_purchase_on', 'date', false, true, 'Day of the last purchase.'),
        (4, 'mean_value', 'double precision', false, true,
         'Mean amount of the purchases after the first; NULL: there are none.'),
        (5, 'revenue', 'numeric', true, true, 'Total amount of all orders, less what was paid back.'),
        (6, 'tier', 'text', false, false, 'Tier of the lifetime value; NULL without purchases.'),
        (7, 'band', 'text', false, false,
         'Band of the probability of being alive; NULL without purchases or bands.'),
        (8, 'next_transition_at', 'timestamptz', false, false,
         'Nothing here changes before this by time alone; NULL: never, or everybody is placed anew each time.');
END;
COMMENT ON FUNCTION segment_internal.value_columns(segmentation) IS
'member_columns of segmentations by value: purchases, as a model of buying sees them, tier and band.';

-- ---- one row per customer ----

CREATE FUNCTION segment_internal.value_history(
    key anyelement, query text, time_type text, as_of timestamptz, time_zone text, search_path text, only_keys text,
    OUT customer anyelement, OUT purchases bigint, OUT first_purchase_on date, OUT last_purchase_on date,
    OUT mean_value double precision)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000 SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    now_here timestamp := as_of AT TIME ZONE time_zone;
    -- an end that no order counted lies after, wherever clocks go: the orders that count are chosen here, as
    -- rfm_summary chooses them
    history_end timestamptz := (now_here::date + 2)::timestamp AT TIME ZONE time_zone;
    last_day date := (history_end AT TIME ZONE time_zone - interval '1 microsecond')::date;
    purchases_query text := format(
        E'SELECT o.customer, o.at, o.amount FROM (%s\n) AS o (customer, at, amount)'
        ' WHERE o.at OPERATOR(pg_catalog.<) %L::%s AND o.amount::numeric OPERATOR(pg_catalog.>=) 0'
        ' AND o.amount::numeric OPERATOR(pg_catalog.<) ''Infinity'' AND o.customer IS NOT NULL'
        ' AND pg_catalog.isfinite(o.at)%s',
        query,
        CASE WHEN time_type = 'timestamp with time zone' THEN segment_internal.instant(as_of) ELSE now_here::text END,
        CASE WHEN time_type = 'timestamp with time zone' THEN 'timestamptz' ELSE 'timestamp' END,
        CASE WHEN only_keys IS NOT NULL THEN
            format(' AND o.customer %s ANY (%L::%s[])', segment_internal.equality_operator(pg_typeof(key)),
                   only_keys, format_type(pg_typeof(key), -1)) END);
BEGIN
    IF query IS NULL THEN
        RETURN;
    END IF;
    -- to the end of this function, as it sets search_path itself
    PERFORM set_config('search_path', search_path, true);
    RETURN QUERY SELECT h.customer, (h.x OPERATOR(pg_catalog.+) 1)::bigint,
                        last_day OPERATOR(pg_catalog.-) h.t::integer,
                        last_day OPERATOR(pg_catalog.-) (h.t OPERATOR(pg_catalog.-) h.t_x)::integer, h.mean_value
                 FROM segment.buying_history(key, purchases_query, history_end, 'day', time_zone => time_zone) AS h;
END;
$$;
COMMENT ON FUNCTION segment_internal.value_history(anyelement, text, text, timestamptz, text, text, text) IS
$$What buying_history() tells of customers as of an instant, by days of the calendar in place of times since.
query: yields customer, time of the order, amount; time_type: the type of the second.
Orders below 0, and with something that is NULL or not finite, are no purchases.
search_path: under which the query runs; only_keys: an array of the only customers, as text; NULL: all.
NULL query: no rows.$$;

CREATE FUNCTION segment_internal.value_features(s segmentation, at text, purchases text, first_on text, last_on text,
                                                mean_value text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
    format('CASE WHEN %1$s > 0 THEN (%1$s - 1)::float8 END', purchases),
    format('(%s - %s)::float8', last_on, first_on),
    format('greatest(((%s - interval ''1 microsecond'') AT TIME ZONE %L)::date - %s, %s - %3$s)::float8',
           at, s.time_zone, first_on, last_on),
    mean_value];
COMMENT ON FUNCTION segment_internal.value_features(segmentation, text, text, text, text, text) IS
$$The features x, t_x, t, mean_value of a model by customer_value(), in days, as expressions over others: the instant,
purchases, the days of the first and the last one, the mean amount of those after the first.
x is NULL for who has never bought.$$;

CREATE FUNCTION segment_internal.value_has_clock(s segmentation) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN s.retrain_every IS NOT NULL;
COMMENT ON FUNCTION segment_internal.value_has_clock(segmentation) IS
'Whether it is worked out when members change by time alone, as with RFM: where models are kept.';

-- ---- what this kind supplies ----

CREATE FUNCTION segment_internal.value_steps(s segmentation, train boolean) RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT 'summary', $$
WITH buyer AS MATERIALIZED (
    SELECT o.customer{collate} AS customer, o.frequency, h.purchases, h.first_purchase_on, h.last_purchase_on,
           h.mean_value, o.monetary, o.first_order_at, o.last_order_at, o.next_transition_at
    FROM {orders} AS o LEFT JOIN {histories} AS h ON h.customer {equals} o.customer
)
-- who is nobody yet has no purchases, not even 0, and becomes somebody if he is on the list
SELECT coalesce(b.customer, c.customer) AS customer,
       CASE WHEN b.frequency IS NOT NULL OR c.customer IS NOT NULL THEN coalesce(b.purchases, 0) END AS purchases,
       b.first_purchase_on, b.last_purchase_on, b.mean_value, coalesce(b.monetary, 0) AS revenue,
       b.first_order_at, b.last_order_at, b.next_transition_at
FROM buyer AS b
FULL JOIN (SELECT DISTINCT k.customer{collate} AS customer FROM {customers} AS k (customer)) AS c
  ON c.customer {equals} b.customer$$
    UNION ALL
    SELECT 'source_counts', $$
SELECT segment.rfm_summary_counts() AS counts$$
    UNION ALL
    SELECT 'model', $$
SELECT $$ || CASE WHEN train THEN $$coalesce(
           segment_internal.model_identify({training}, {ids}, {origins}, {names}, {next_id}), {current_model})$$
                  ELSE '{current_model}' END || $$ AS model,
       jsonb_build_object('newest_order_at', max(last_order_at), 'oldest_order_at', min(first_order_at),
           'next_transition_of_others', least(min(next_transition_at) FILTER (WHERE purchases IS NULL),
                                              CASE WHEN $5 IS NOT NULL THEN {others_before} END)) AS details
FROM {summary} AS u$$
    UNION ALL
    SELECT 'placed', $$
SELECT p.customer, g.segment_id, g.segment, p.purchases AS v1, p.first_purchase_on AS v2, p.last_purchase_on AS v3,
       p.mean_value AS v4, p.revenue AS v5, g.tier AS v6, g.band AS v7, {next_transition} AS v8
FROM (SELECT u.*, segment.assign_segment_id(m.model, {placed_features}) AS segment_id, {days_left} AS days_left
      FROM {summary} AS u CROSS JOIN {model} AS m WHERE u.purchases IS NOT NULL AND m.model IS NOT NULL) AS p
{unplaced}JOIN (SELECT t.segment_id, t.segment, t.tier, t.band
                FROM {model} AS m CROSS JOIN LATERAL segment.value_tiers(m.model) AS t) AS g
  ON g.segment_id = p.segment_id$$
    UNION ALL
    -- who is nobody yet, and when he will be somebody by time alone
    SELECT 'waiting', $$
SELECT w.customer, w.next_transition_at AS due_at FROM {summary} AS w WHERE w.purchases IS NULL$$
    WHERE segment_internal.value_has_clock(s) AND s.changes IS NOT NULL;
END;
$function$;
COMMENT ON FUNCTION segment_internal.value_steps(segmentation, boolean) IS
$$The steps of segmentations by value: summary, one row per customer, of the orders and of the list of customers; what
was skipped; the model, trained or the present one; customers placed by it.$$;

CREATE FUNCTION segment_internal.value_training(s segmentation, features text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN format($$segment.customer_value(%s, horizon => (extract(epoch FROM %L::interval) / 86400)::float8,
    tiers => %L, cuts => %s, bands => %s, discount => (power(1 + %s, 1 / 12.0) - 1)::float8, step => 30.4375,
    buying => %L, tier_names => %s, band_names => %s)$$,
    features, s.options ->> 'horizon', s.options ->> 'tiers',
    segment_internal.option_literal(s.options -> 'cuts', 'float8[]'::regtype),
    segment_internal.option_literal(s.options -> 'bands', 'float8[]'::regtype),
    segment_internal.option_literal(coalesce(s.options -> 'discount', '0'), 'numeric'::regtype),
    s.options ->> 'buying',
    segment_internal.option_literal(s.options -> 'tier_names', 'text[]'::regtype),
    segment_internal.option_literal(s.options -> 'band_names', 'text[]'::regtype));
COMMENT ON FUNCTION segment_internal.value_training(segmentation, text) IS
$$The call of customer_value() with the options of a segmentation, as text; features: an expression for the feature set.
Times are in days; a discount for a year is one for each of its twelve parts.$$;

CREATE FUNCTION segment_internal.value_places(s segmentation, train boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    source text := segment_internal.source_statement(s);
    has_clock boolean := segment_internal.value_has_clock(s);
    placed text := array_to_string(segment_internal.value_features(
        s, '$1', 'u.purchases', 'u.first_purchase_on', 'u.last_purchase_on', 'u.mean_value'), ', ');
    others_before text := (SELECT r.details ->> 'next_transition_of_others' FROM segment.run AS r
                           WHERE r.segmentation = s.name AND r.outcome IN ('ok', 'empty')
                           ORDER BY r.run_id DESC LIMIT 1);
BEGIN
    RETURN (SELECT jsonb_build_object('next_id', i.next_id, 'ids', quote_literal(i.ids),
                                      'origins', quote_literal(i.origins), 'names', quote_literal(i.names))
            FROM segment_internal.segment_identity(s) AS i)
    || jsonb_build_object(
        'orders', format('segment_internal.rfm_summary_clock(NULL::%s, %L, $1, NULL, ''net'', ''order'', %L, '
                         'search_path => %L, only_keys => $5)', key_type, source, s.time_zone, s.search_path),
        'histories', format('segment_internal.value_history(NULL::%s, %L, %L, $1, %L, %L, $5::text)', key_type, source,
                            s.source_types[2], s.time_zone, s.search_path),
        'customers', format('segment_internal.query_keys(NULL::%s, %L, %L, $5)', key_type, s.customers, s.search_path),
        'training', segment_internal.value_training(
            s, format('segment.feature_set(%s) FILTER (WHERE u.purchases > 0)', placed)),
        'placed_features', placed,
        'days_left', CASE WHEN has_clock THEN format('segment_internal.value_days_left(m.model, %s)', placed)
                          ELSE 'NULL::integer' END,
        -- a day is over a microsecond after midnight
        'next_transition', CASE WHEN has_clock THEN format(
            'least(p.next_transition_at, segment_internal.days_later($1 - interval ''1 microsecond'', p.days_left, %L)'
            ' + interval ''1 microsecond'')', s.time_zone) ELSE 'NULL::timestamptz' END,
        'others_before', coalesce(quote_literal(others_before), 'NULL') || '::timestamptz',
        'features', array_to_string(segment_internal.value_features(s, '$1', 'v1', 'v2', 'v3', 'v4'), ', '),
        'further', '');
END;
$$;
COMMENT ON FUNCTION segment_internal.value_places(segmentation, boolean) IS
'What stands for the places in value_steps.';

CREATE FUNCTION segment_internal.value_figures() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $$sum(revenue) AS revenue,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (($2 AT TIME ZONE $3)::date - last_purchase_on)::float8) AS recency,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY purchases::float8) AS frequency,
    segment_internal.middle(
        percentile_disc(segment_internal.middle_two()) WITHIN GROUP (ORDER BY revenue))::float8 AS monetary,
    avg(purchases)::float8 AS mean_frequency, avg(revenue)::float8 AS mean_monetary, 0::numeric AS no_revenue$$;
COMMENT ON FUNCTION segment_internal.value_figures() IS
$body$What segment_profile tells of segments by value, as expressions over the member table;
$2: as_of of the last refresh, $3: time zone.$body$;

CREATE FUNCTION segment_internal.value_drift(s segmentation, OUT features text, OUT counted text, OUT training text,
                                             OUT distance text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%s AS x, %s AS t_x, %s AS t, %s AS mean_value', VARIADIC segment_internal.value_features(
               s, '$2', 'm.purchases', 'm.first_purchase_on', 'm.last_purchase_on', 'm.mean_value')),
           'm.purchases > 0', segment_internal.value_training(s, 'segment.feature_set(f.x, f.t_x, f.t, f.mean_value)'),
           NULL::text
$$;
COMMENT ON FUNCTION segment_internal.value_drift(segmentation) IS
'How the members of segmentations by value are read for drift, see rfm_drift: the features of the model.';

CREATE FUNCTION segment_internal.value_explain(s segmentation, place text,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 5 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz := segment_internal.shown_as_of(s);
    model segment.segment_model := segment.get_model(s.name);
    member record;
    reasons jsonb;
    part jsonb;
BEGIN
    EXECUTE format('SELECT m.*, segment.explain_segment($2, %s) AS reasons,
                           (($1 - interval ''1 microsecond'') AT TIME ZONE %L)::date AS last_day FROM %s AS m WHERE %s',
                   array_to_string(segment_internal.value_features(
                       s, '$1', 'm.purchases', 'm.first_purchase_on', 'm.last_purchase_on', 'm.mean_value'), ', '),
                   s.time_zone, s.members, place)
    INTO STRICT member USING at, model;
    reasons := member.reasons;
    what := 'purchases';
    value := member.purchases;
    explanation := CASE WHEN reasons ->> 'reason' IS NOT NULL
                            THEN format('%s, so no value: "%s"', reasons ->> 'reason', member.segment)
                        ELSE format('first on %s, last on %s, %s days before %s', member.first_purchase_on,
                                    member.last_purchase_on, member.last_day - member.last_purchase_on, member.last_day)
                        END;
    RETURN NEXT;
    FOR part IN SELECT f FROM jsonb_array_elements(reasons -> 'features') WITH ORDINALITY AS l (f, n) ORDER BY n LOOP
        what := part ->> 'feature';
        value := segment_internal.brief((part ->> 'value')::float8);
        lower_bound := part ->> 'from';
        upper_bound := part ->> 'to';
        explanation := format('"%s" is for %s', part ->> 'part',
                              segment_internal.cut_words(segment_internal.brief(lower_bound)::float8,
                                                         segment_internal.brief(upper_bound)::float8, 'left'))
            || CASE WHEN what = 'lifetime_value' THEN
                   format('; within %s days, %s purchases are expected, of %s each',
                          segment_internal.brief((segment.model_metrics(model) ->> 'horizon')::float8),
                          segment_internal.brief((reasons ->> 'expected_purchases')::float8),
                          segment_internal.brief((reasons ->> 'expected_value')::float8)) ELSE '' END;
        RETURN NEXT;
    END LOOP;
    IF reasons ->> 'runner_up' IS NOT NULL THEN
        what := 'runner_up';
        value := reasons ->> 'runner_up';
        lower_bound := NULL;
        upper_bound := NULL;
        explanation := format('the segment without another purchase until %s',
                              member.last_day + (reasons ->> 'runner_up_after')::integer);
        RETURN NEXT;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.value_explain(segmentation, text) IS
$$What explain_customer tells of a member by value: purchases, lifetime value and probability of being alive between
their cuts, as of the last refresh, and the segment that time alone leads to.
place: a condition on the member table that holds for one row.$$;

CREATE FUNCTION segment_internal.value_tell(s segmentation, as_of timestamptz, counts jsonb, details jsonb) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.rfm_tell(s, as_of, counts, details);
END;
$$;
COMMENT ON FUNCTION segment_internal.value_tell(segmentation, timestamptz, jsonb, jsonb) IS
'What rfm_tell tells of orders.';

INSERT INTO segment_internal.kind VALUES ('value', 'always', false, 'orders', 'time',
    'Why: new (first seen), orders (new or changed orders), time (no more than time passing), model (trained anew).',
    'Why the customer came: new, orders, time or model.',
    'Why the customer left: orders, time, model, or gone (no longer in the source).',
    '{"tiers": "abc", "horizon": "1 year", "buying": "mbgnbd"}', true);

-- ---- candidates ----

CREATE FUNCTION segment_internal.value_options() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{tiers,cuts,bands,horizon,discount,buying,tier_names,band_names}'::text[];
COMMENT ON FUNCTION segment_internal.value_options() IS 'The options that a segmentation by value may have.';

CREATE FUNCTION segment_internal.value_candidate(s segmentation, definition json) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes jsonb := definition;
BEGIN
    PERFORM segment_internal.check_candidate_keys(changes, '{source,customers}' || segment_internal.value_options());
    IF changes ? 'source' THEN
        s := segment_internal.candidate_source(s, changes);
        s := segment_internal.checked('bind_value_columns', s);
        PERFORM segment_internal.check_candidate_key(s);
    END IF;
    IF changes ? 'customers' THEN
        s.customers := segment_internal.source_query(changes ->> 'customers', s.search_path);
    END IF;
    s.options := segment_internal.changed_options(s, changes - '{source,customers}'::text[]);
    RETURN segment_internal.checked('check_value_options', s);
END;
$$;
COMMENT ON FUNCTION segment_internal.value_candidate(segmentation, json) IS
$$A segmentation by value with another source, other customers or other options, checked as at creation.
Errors: whatever creation refuses, datatype_mismatch for a key of another type.$$;

CREATE FUNCTION segment_internal.value_own_model(s segmentation, model segment_model) RETURNS segment_model
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.identified_model(s, model, 'value', 'customer_value',
                                         'customer_value() trains one, of times in days.');
COMMENT ON FUNCTION segment_internal.value_own_model(segmentation, segment_model) IS
$$A model by customer_value(), with times in days, with the ids and names that its segments would have in a
segmentation, recognised as after a retraining. Error (wrong_object_type) for a model of another kind.$$;

CREATE FUNCTION segment_internal.value_values(OUT placed text, OUT member text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'v5', 'revenue';
END;
COMMENT ON FUNCTION segment_internal.value_values() IS
'What a customer has been worth, by the columns of the step placed, and by those of the member table.';

-- ---- creating ----

CREATE FUNCTION segment_internal.bind_value_columns(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- what comes after the amount, such as the id of an order, has no part in it
    SELECT array_agg(c.name ORDER BY c.number), array_agg(format_type(c.type, -1) ORDER BY c.number)
    INTO s.source_columns, s.source_types
    FROM segment_internal.query_columns(s.source, s.search_path, permanent => true) AS c WHERE c.number <= 3;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.bind_value_columns(segmentation) IS
'A segmentation with the first three columns that its source has now: customer, time of the order, amount.';

CREATE FUNCTION segment_internal.check_value_options(s segmentation) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
BEGIN
    PERFORM segment_internal.check_candidate_keys(s.options, segment_internal.value_options());
    IF (s.options ->> 'discount')::numeric < 0 THEN
        RAISE EXCEPTION 'discount must not be negative, not %', s.options ->> 'discount'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is a share a year: 0.1 is 10 %.';
    END IF;
    -- every option is checked by what will use it, without reading the source
    EXECUTE format('SELECT %s FROM generate_series(1, 60) AS v', segment_internal.value_training(
        s, 'segment.feature_set(v % 4, (v % 4 * (5 + v % 7))::float8, 60 + v, 10 + v)'));
    PERFORM segment_internal.check_orders(s, segment_internal.no_rows(s));
    EXECUTE format('SELECT FROM segment_internal.value_history(NULL::%s, %L, %L, ''2000-01-01Z'', %L, %L, NULL)',
                   s.source_types[1], segment_internal.no_rows(s), s.source_types[2], s.time_zone, s.search_path);
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_value_options(segmentation) IS
'The segmentation, or the error that a segmentation by value of these options would run into.';

CREATE FUNCTION segment_internal.create_value_segmentation(
    name text, source text, customers text, options jsonb, time_zone text, retrain_every interval, schema name,
    description text, search_path text, max_departed double precision, customer text, ordered_at text, amount text)
    RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
BEGIN
    schema := segment_internal.check_new_segmentation(name, source, schema,
        'create_value_segmentation(''worth'', ''SELECT customer_id, ordered_at, amount FROM orders'')');
    s := segment_internal.new_orders_segmentation('value', name, source, time_zone, retrain_every, description,
                                                  search_path, max_departed, customer, ordered_at, amount, NULL);
    s.options := '{}';
    s.options := segment_internal.changed_options(s, options);
    s := segment_internal.checked('bind_value_columns', s);
    s.customers := segment_internal.source_query(customers, s.search_path);
    s := segment_internal.checked('check_value_options', s);
    RETURN segment_internal.create_orders_segmentation(s, schema, '{customer,time,amount}');
END;
$$;
COMMENT ON FUNCTION segment_internal.create_value_segmentation(
    text, text, text, jsonb, text, interval, name, text, text, double precision, text, text, text) IS
'The work of create_value_segmentation, which fills in what only the caller''s session knows: schema and search_path.';

-- without a search_path of its own, which would hide that of the session
CREATE FUNCTION create_value_segmentation(
    name text, source text, customers text DEFAULT NULL, tiers text DEFAULT 'abc',
    cuts double precision[] DEFAULT NULL, bands double precision[] DEFAULT '{0.7,0.3}',
    horizon interval DEFAULT '1 year', discount numeric DEFAULT 0, buying text DEFAULT 'mbgnbd',
    tier_names text[] DEFAULT NULL, band_names text[] DEFAULT NULL,
    time_zone text DEFAULT current_setting('TimeZone'), retrain_every interval DEFAULT NULL,
    schema name DEFAULT current_schema(), description text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'), max_departed double precision DEFAULT 0.5,
    customer text DEFAULT NULL, ordered_at text DEFAULT NULL, amount text DEFAULT NULL) RETURNS regclass
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.create_value_segmentation(
    name, source, customers,
    jsonb_build_object('tiers', tiers, 'cuts', cuts, 'bands', bands, 'horizon', horizon,
                       'discount', nullif(discount, 0), 'buying', buying,
                       'tier_names', tier_names, 'band_names', band_names),
    time_zone, retrain_every, coalesce(schema, current_schema()), description,
    coalesce(search_path, current_setting('search_path')), max_departed, customer, ordered_at, amount);
COMMENT ON FUNCTION create_value_segmentation(text, text, text, text, double precision[], double precision[], interval,
                                              numeric, text, text[], text[], text, interval, name, text, text,
                                              double precision, text, text, text) IS
$$Creates a segmentation by what customers are worth and its two tables NAME_segments (present members) and
NAME_history (places they had before), owned by the current user; returns the member table.
Nobody is a member before the first refresh_segmentation().
The segments are tiers of the lifetime value, in bands of the probability of being alive: 'A active', 'A at risk', ...
source: a query that yields customer, time of the order and amount, or the name of a table or view with just these
columns first; what comes after them has no part in it.
Orders of one calendar day are one purchase, as in buying_history(); what was paid back (amounts below 0) lowers
revenue and is no purchase.
customers: a query whose first column lists all customers, so that those without purchases are members
(segment 'Prospect').
tiers, cuts, bands, buying, tier_names, band_names: see customer_value().
horizon: the time in which purchases count, a year of 365.25 days, a month of 30; discount: a share a year, 0.1 for
10 %, counted by twelfths of a year.
time_zone: in which days begin, default the session's.
retrain_every: how long a model is kept; NULL trains at every refresh; days and longer are calendar days of time_zone.
Segments keep their ids and names over trainings: a tier is the same tier.
Where a model is kept, next_transition_at of a member is the instant at which time alone leads to another segment.
schema, search_path, description, max_departed, customer, ordered_at, amount: as in create_rfm_segmentation().
Value and probability are read by segment_member_values() and segment_value_profile(); the member table has what they
follow from.
NULL for any argument with a default is that default.
Errors: duplicate_object for a taken name, name_too_long beyond 53 bytes, and whatever the source or an option is
refused for; of a refresh, no_data where fewer than 30 customers have bought again.$$;
