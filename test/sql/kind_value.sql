-- Segmentations by what customers are worth: tiers and bands against plain SQL over the row functions, the instants at which
-- time alone changes them, and what all kinds have.  That incremental equals full: incremental_random, immediate_random.
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE SCHEMA kind_value;
SET search_path = kind_value, segment;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET client_min_messages = warning;
\i test/lib/error_of.psql

-- 300 customers who buy at rates of their own and stop at some time
CREATE TABLE orders AS
WITH RECURSIVE buyer AS (
    SELECT n AS customer_id, 0.01 + 0.06 * hash_fraction('rate', n) ^ 3 AS rate, 0.05 + 0.5 * hash_fraction('stop', n) ^ 2 AS stop
    FROM generate_series(1, 300) AS n
), purchase AS (
    SELECT customer_id, rate, stop, 1 AS number, hash_fraction('begin', customer_id) * 90 AS day FROM buyer
    UNION ALL
    SELECT customer_id, rate, stop, number + 1, day - ln(1 - hash_fraction('gap ' || number, customer_id)) / rate FROM purchase
    WHERE day < 400 AND (number = 1 OR hash_fraction('stay ' || number, customer_id) >= stop)
)
SELECT customer_id, timestamptz '2024-01-01 00:00Z' + day * interval '1 day' AS ordered_at,
       round(((20 + 60 * hash_fraction('taste', customer_id) ^ 2) * (0.5 + hash_fraction('basket ' || number, customer_id)))::numeric, 2)
           AS amount
FROM purchase WHERE day < 400;

-- ---- the model ----
CREATE TABLE history AS
SELECT * FROM buying_history(null::int, 'SELECT * FROM orders', as_of => '2024-10-01', unit => 'day', time_zone => 'UTC');
CREATE TABLE model AS
SELECT b.buying, t.tiers, t.discount, customer_value(feature_set(h.x, h.t_x, h.t, h.mean_value ORDER BY h.customer), 365.25, t.tiers,
           cuts => t.cuts, discount => t.discount, step => 30.4375, buying => b.buying) AS m,
       CASE b.buying WHEN 'bgnbd' THEN bgnbd(feature_set(h.x, h.t_x, h.t), 365.25) WHEN 'mbgnbd' THEN mbgnbd(feature_set(h.x, h.t_x, h.t),
           365.25)
           ELSE pareto_nbd(feature_set(h.x, h.t_x, h.t), 365.25) END AS alone,
       gamma_gamma(feature_set(h.x, h.mean_value)) AS spending
FROM history AS h, unnest('{bgnbd,mbgnbd,pareto_nbd}'::text[]) AS b (buying),
     (VALUES ('abc', NULL::float8[], 0.0), ('deciles', NULL, 0.01), ('thresholds', '{100,400,20}', 0)) AS t (tiers, cuts, discount)
GROUP BY b.buying, t.tiers, t.cuts, t.discount;
-- both fits are those of their own trainers
SELECT count(*), bool_and(m -> 'buying' -> 'parameters' = a -> 'parameters' AND m -> 'buying' -> 'log_likelihood' = a -> 'log_likelihood'
    AND m -> 'spending' -> 'parameters' = s -> 'parameters') AS same
FROM (SELECT model_metrics(m) AS m, model_metrics(alone) AS a, model_metrics(spending) AS s FROM model) AS t;
-- what a customer is worth, by the row functions over them, and by the model in their place
CREATE TABLE worth AS
SELECT k.buying, k.tiers, h.*, customer_lifetime_value(alone, spending, x, t_x, t, mean_value, 365.25, discount, 30.4375) AS value,
       probability_alive(alone, x, t_x, t) AS alive, m.*, k.m AS model
FROM model AS k, history AS h,
     LATERAL (SELECT predict(k.m, x, t_x, t, mean_value) AS value_m, probability_alive(k.m, x, t_x, t) AS alive_m,
              expected_purchases(k.m, x, t_x, t, 365.25) = expected_purchases(alone, x, t_x, t, 365.25)
                  AND expected_value(k.m, x, mean_value) = expected_value(spending, x, mean_value) AS same,
              assign_segment(k.m, x, t_x, t, mean_value) AS segment, assign_segment_id(k.m, x, t_x, t, mean_value) AS id,
              explain_segment(k.m, x, t_x, t, mean_value) AS why) AS m;
SELECT count(*), bool_and(abs(value - value_m) <= 1e-12 * value AND alive = alive_m AND same) AS same FROM worth;
-- tiers by plain SQL: the first 80 % and 95 % of the value; tenths of the customers; values.  Equal values are in one.
CREATE TABLE oracle AS
SELECT buying, tiers, customer,
       CASE tiers WHEN 'abc' THEN CASE WHEN before < 0.8 * total THEN 'A' WHEN before < 0.95 * total THEN 'B' ELSE 'C' END
           WHEN 'deciles' THEN 'Decile ' || least(10, 1 + 10 * above / customers)
           ELSE CASE WHEN value >= 400 THEN 'Tier 1' WHEN value >= 100 THEN 'Tier 2' WHEN value >= 20 THEN 'Tier 3' ELSE 'Tier 4' END END
       || CASE WHEN alive >= 0.7 THEN ' active' WHEN alive >= 0.3 THEN ' at risk' ELSE ' lapsed' END AS segment
FROM (SELECT w.*, rank() OVER p - 1 AS above, count(*) OVER (PARTITION BY buying, tiers) AS customers,
             coalesce(sum(value) OVER (PARTITION BY buying, tiers ORDER BY value DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                                       EXCLUDE GROUP), 0) AS before, sum(value) OVER (PARTITION BY buying, tiers) AS total
      FROM (SELECT buying, tiers, customer, value_m AS value, alive FROM worth) AS w
      WINDOW p AS (PARTITION BY buying, tiers ORDER BY value DESC)) AS r;
SELECT buying, tiers, count(*) FILTER (WHERE w.segment <> o.segment) AS wrong, count(DISTINCT w.segment) AS segments,
       count(*) FILTER (WHERE why ->> 'segment' <> w.segment) AS unexplained
FROM worth AS w JOIN oracle AS o USING (buying, tiers, customer) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS ties, count(*) FILTER (WHERE segments > 1) AS torn
FROM (SELECT count(DISTINCT left(segment, 9)) AS segments FROM worth GROUP BY buying, tiers, value_m HAVING count(*) > 1) AS t;
-- cuts and sizes as the model tells them
SELECT buying, tiers, count(*) AS rows, bool_and(t.customers = (SELECT count(*) FROM worth AS w WHERE (w.buying, w.tiers, w.id)
    = (k.buying, k.tiers, t.segment_id))) AS sizes
FROM model AS k, value_tiers(m) AS t GROUP BY 1, 2 ORDER BY 1, 2;
SELECT segment_id, segment, tier, value_from, value_to, band, alive_from, alive_to
FROM model, value_tiers(m) WHERE (buying, tiers) = ('mbgnbd', 'thresholds') ORDER BY 1;
-- equal but for the order of rows and how they came together; text, jsonb
SELECT customer_value(feature_set(x, t_x, t, mean_value ORDER BY hash_fraction('shuffle', customer)), 365.25, step => 30.4375) = m AS
    any_order,
       m::text::segment_model = m AS text, m::jsonb::segment_model = m AS jsonb
FROM history, (SELECT m FROM model WHERE (buying, tiers) = ('mbgnbd', 'abc')) AS k GROUP BY m;
SELECT customer_value((SELECT feature_set_merge(f) FROM (SELECT feature_set(x, t_x, t, mean_value) AS f FROM history GROUP BY customer % 5)
    AS parts), 365.25, step => 30.4375) = m AS merged FROM model WHERE (buying, tiers) = ('mbgnbd', 'abc');
-- who is no customer yet, who is none at all; free repeat purchases
SELECT assign_segment(m, NULL, NULL, NULL, NULL) AS never, assign_segment(m, 0, 0, 10, NULL) AS once, assign_segment(m, 1, 3, 2, 5) AS
    later,
       assign_segment(m, 1, 1, 20, NULL) AS no_mean, assign_segment(m, 1, 1, 20, -1) AS negative, predict(m, NULL, 0, 1, 1) AS nobody,
       predict(m, 1, 100, 120, 0) < predict(m, 1, 100, 120, 5) AS free, explain_segment(m, NULL, NULL, NULL, NULL) ->> 'reason' AS why,
       explain_segment(m, 1, 3, 2, 5) ->> 'reason' AS why_later, explain_segment(m, 1, 1, 20, NULL) ->> 'reason' AS why_no_mean
FROM model WHERE (buying, tiers) = ('mbgnbd', 'abc');
-- names and parts of one's own
CREATE FUNCTION named(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SELECT string_agg(segment, '', '' ORDER BY segment_id) FROM segments((
        SELECT customer_value(feature_set(x, t_x, t, mean_value), 365.25, %s) FROM history))', arguments) INTO result;
    RETURN result;
END $$;
SELECT named(a) FROM unnest(ARRAY[$$'thresholds', '{50}', '{}', tier_names => '{Gold,Silver}'$$, $$'ABC', '{0.5}', '{0.5}'$$,
    $$bands => '{0.2,0.4,0.8}', cuts => '{0.9}', band_names => '{a,b,c,d}'$$, $$NULL, '{}', NULL, NULL, NULL, NULL$$]) AS a;
SELECT pg_temp.error_of(format('SELECT named(%L)', a)) FROM unnest(ARRAY[$$'quartiles'$$, $$'thresholds'$$, $$'deciles', '{0.5}'$$,
    $$cuts => '{1.5}'$$, $$cuts => '{0.5,0.5}'$$, $$cuts => '{NULL}'$$, $$'thresholds', '{Infinity}'$$, $$bands => '{1}'$$,
    $$bands => '{NaN}'$$, $$discount => -1$$, $$step => 0$$, $$buying => 'bgbb'$$, $$tier_names => '{x,y}'$$, $$tier_names => '{x,x,y}'$$,
    $$tier_names => '{x,NULL,y}'$$, $$bands => '{}', band_names => '{x}'$$, $$bands => '{.9,.8,.7,.6,.5,.4,.3,.2,.1,.05}'$$]) AS a;
SELECT pg_temp.error_of('SELECT customer_value(feature_set(' || q) FROM unnest(ARRAY[
    'x, t_x, t, mean_value), 0) FROM history', 'x, t_x, t), 1) FROM history', '''a'', 1, 1, 1), 1)',
    'x, t_x, t, mean_value), 365) FROM history WHERE x = 0 OR customer < 20', '1, 5, 2, 1), 1)']) AS q;
SELECT customer_value(NULL, 1) IS NULL AS nothing, count(*) AS rows FROM value_tiers(NULL);
SELECT pg_temp.error_of('SELECT value_tiers(mbgnbd(feature_set(x, t_x, t))) FROM history');
-- rows that are nothing are counted
SELECT m ->> 'n_input' AS n_input, m ->> 'n_used' AS n_used, m ->> 'n_skipped' AS n_skipped
FROM (SELECT model_metrics(customer_value(feature_set(x, t_x, t, mean_value), 365)) AS m
      FROM (SELECT x, t_x, t, mean_value FROM history UNION ALL VALUES (1, 5, 3, 1), (1, 1, 3, NULL), (NULL, 1, 3, 4), (2, 1, 3, 0)) AS h)
          AS t;
-- forged ones
SELECT pg_temp.error_of(format('SELECT %L::segment_model', forged)) AS refused
FROM (SELECT m::jsonb AS j FROM model WHERE (buying, tiers) = ('mbgnbd', 'abc')) AS k, LATERAL (VALUES
    (jsonb_set(j, '{horizon}', '-1')), (jsonb_set(j, '{step}', '0')), (jsonb_set(j, '{step}', '1e-9')), (jsonb_set(j, '{tiers,cuts}',
        '[1]')),
    (jsonb_set(j, '{tiers,cuts}', '[1, 2]')), (jsonb_set(j, '{tiers,by}', '"luck"')), (jsonb_set(j, '{bands,cuts}', '[2, 0.1]')),
    (jsonb_set(j, '{bands}', 'null')), (jsonb_set(j, '{sizes}', '[]')), (jsonb_set(j, '{buying,kind}', '"bgbb"')),
    (jsonb_set(j, '{buying,parameters,r}', '0')), (j #- '{spending,parameters,q}'), (jsonb_set(j, '{spending,luck}', '1')), (j - 'tiers'),
    (jsonb_set(j, '{tiers,names}', '[]')), (jsonb_set(j, '{sizes,0}', '-1'))) AS f (forged);

-- ---- when time alone changes it: the day it does, not the day before, and at no day between ----
SELECT buying, tiers, count(*) AS customers, count(n) AS will, count(*) FILTER (WHERE n IS NOT NULL AND id_then = id) AS not_then,
       count(*) FILTER (WHERE n > 1 AND id_before <> id) AS before, coalesce(bool_or(n < 1), false) AS odd,
       count(*) FILTER (WHERE n IS DISTINCT FROM (why ->> 'runner_up_after')::integer) AS explained_otherwise
FROM (SELECT w.*, n, assign_segment_id(model, x, t_x, t + n, mean_value) AS id_then,
             assign_segment_id(model, x, t_x, t + n - 1, mean_value) AS id_before
      FROM (SELECT *, abs(segment_internal.value_days_left(model, x, t_x, t, mean_value)) AS days_left FROM worth
            OFFSET 0) AS w,  -- once a row
           LATERAL (SELECT CASE WHEN w.days_left < 8000000 THEN w.days_left END AS n) AS l) AS d
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) > 10000 AS days, count(*) FILTER (WHERE id <> assign_segment_id(model, x, t_x, t + day, mean_value)) AS moved
FROM (SELECT *, abs(segment_internal.value_days_left(model, x, t_x, t, mean_value)) AS days_left FROM worth WHERE customer % 6 = 0) AS w,
     LATERAL generate_series(1, least(w.days_left - 1, 200)) AS day;
-- negative where the day before had another place
SELECT count(*) FILTER (WHERE (days_left < 0) <> (id_before <> id)) AS wrong, count(*) FILTER (WHERE days_left < 0) > 0 AS some
FROM (SELECT id, segment_internal.value_days_left(model, x, t_x, t, mean_value) AS days_left,
             assign_segment_id(model, x, t_x, t - 1, mean_value) AS id_before FROM worth) AS w;
-- value and probability never rise with time alone
SELECT buying, count(*) FILTER (WHERE value > before * (1 + 1e-13)) AS value_rises, count(*) FILTER (WHERE alive > alive_before * (1 +
    1e-13))
    AS alive_rises
FROM (SELECT buying, predict(model, x, t_x, t + day, mean_value) AS value, lag(predict(model, x, t_x, t + day, mean_value)) OVER d AS
    before,
             probability_alive(model, x, t_x, t + day) AS alive, lag(probability_alive(model, x, t_x, t + day)) OVER d AS alive_before
      FROM worth, unnest('{0,1,2,3,5,10,20,50,100,200,500,1000,3000,10000,100000}'::int[]) AS day WHERE tiers = 'deciles'
      WINDOW d AS (PARTITION BY buying, customer ORDER BY day)) AS t GROUP BY 1 ORDER BY 1;

-- ---- a segmentation ----
CREATE TABLE clients (id integer PRIMARY KEY);
INSERT INTO clients SELECT generate_series(1, 310);
-- refunds only, something free, a return, one to come, and rows that are nothing
INSERT INTO orders VALUES (301, '2024-05-01', -5), (302, '2024-05-01', 0), (303, '2024-05-01', 10), (303, '2024-06-01', 0), (303,
    '2024-06-02', -4),
    (304, '2025-01-25 00:00', 10), (NULL, '2024-05-01', 1), (305, NULL, 1), (305, '2024-05-01', NULL), (305, '2024-05-01', 'NaN'),
    (305, 'infinity', 3);
SET client_min_messages = notice;
SELECT create_value_segmentation('worths', 'orders', customers => 'SELECT id FROM clients', discount => 0.1, retrain_every => '1 year',
    time_zone => 'Europe/Berlin', description => 'value');
SELECT outcome, trained, customers, counts, details FROM refresh_segmentation('worths', '2024-10-01 12:00') \gx
SET client_min_messages = warning;
SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'kind_value' AND table_name =
    'worths_segments'
ORDER BY ordinal_position;
SELECT * FROM worths_segments WHERE customer_id > 300 ORDER BY 1;
-- the members by the row functions over what buying_history tells of the same orders
CREATE FUNCTION right_places(name text, at timestamptz) RETURNS TABLE (customer integer, purchases bigint, first_purchase_on date,
        last_purchase_on date, mean_value float8, revenue numeric, segment text, tier text, band text) LANGUAGE sql AS $$
    SELECT o.customer_id, coalesce(h.x + 1, 0)::bigint, last_day - h.t::integer, last_day - (h.t - h.t_x)::integer, h.mean_value,
        o.revenue,
           assign_segment(m, h.x, h.t_x, h.t, h.mean_value), t.tier, t.band
    FROM (SELECT coalesce(customer_id, id) AS customer_id, coalesce(sum(amount), 0) AS revenue FROM (SELECT customer_id, amount FROM orders
              WHERE ordered_at < at AND amount <> 'NaN' AND isfinite(ordered_at) AND customer_id IS NOT NULL) AS o
          FULL JOIN clients AS c ON c.id = customer_id GROUP BY 1) AS o
    LEFT JOIN buying_history(null::int, 'SELECT * FROM kind_value.orders WHERE amount >= 0', as_of => at, unit => 'day',
                             time_zone => 'Europe/Berlin') AS h ON h.customer = o.customer_id
    CROSS JOIN get_model(name) AS m CROSS JOIN LATERAL (SELECT ((at - interval '1 us') AT TIME ZONE 'Europe/Berlin')::date AS last_day) AS
        d
    LEFT JOIN value_tiers(m) AS t ON t.segment_id = assign_segment_id(m, h.x, h.t_x, h.t, h.mean_value)
$$;
CREATE FUNCTION wrong_places(name text, at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    there text := format('SELECT customer_id, purchases, first_purchase_on, last_purchase_on, mean_value, revenue,
                              segment, tier, band FROM %I', name || '_segments');
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM ((%1$s EXCEPT ALL SELECT * FROM right_places(%2$L, %3$L))
        UNION ALL (SELECT * FROM right_places(%2$L, %3$L) EXCEPT ALL %1$s)) AS d', there, name, at) INTO n;
    RETURN n;
END $$;
SELECT wrong_places('worths', '2024-10-01 12:00');
-- the very instants: where a day ends a customer is elsewhere, and was not a microsecond before; else an order comes to count
CREATE TABLE told AS
SELECT customer_id, segment, next_transition_at AS at,
       (next_transition_at AT TIME ZONE 'Europe/Berlin')::time = '00:00:00.000001' AS by_day
FROM worths_segments WHERE next_transition_at < '2025-03-01';
SELECT count(*) FILTER (WHERE NOT by_day) > 0 AS orders, count(*) FILTER (WHERE NOT by_day AND NOT EXISTS (SELECT FROM orders AS o
           WHERE o.customer_id = t.customer_id AND o.ordered_at = t.at - interval '1 us')) AS no_order FROM told AS t;
SELECT count(*) FILTER (WHERE by_day) > 5 AS days, count(*) FILTER (WHERE by_day AND a.segment = t.segment) AS stays,
       count(*) FILTER (WHERE b.segment <> t.segment) AS early
FROM told AS t, LATERAL right_places('worths', t.at) AS a, LATERAL right_places('worths', t.at - interval '1 us') AS b
WHERE t.customer_id % 25 = 3 AND a.customer = t.customer_id AND b.customer = t.customer_id;

-- ---- the clock: refresh_due is a full refresh, customer by customer; so is a look ahead ----
SELECT create_value_segmentation('twins', 'orders', customers => 'SELECT id FROM clients', discount => 0.1, retrain_every => '1 year',
    time_zone => 'Europe/Berlin');
SELECT outcome FROM refresh_segmentation('twins', '2024-10-01 12:00');
SELECT get_model('twins') = get_model('worths') AS same;
SELECT count(*) FROM track_source('worths');
CREATE FUNCTION due_and_all(at timestamptz) RETURNS TABLE (as_of timestamptz, what text) LANGUAGE plpgsql AS $$
DECLARE
    done record;
    ahead text[] := ARRAY(SELECT m::text FROM segment_members('twins', at) AS m ORDER BY 1);
BEGIN
    PERFORM refresh_segmentation('twins', at);
    SELECT * INTO done FROM refresh_due(at) AS r WHERE r.segmentation = 'worths';
    RETURN QUERY
    SELECT at, concat(done.outcome, done.reason) WHERE done.outcome NOT IN ('ok', 'nothing due')
    UNION ALL SELECT at, 'ahead' WHERE ahead <> ARRAY(SELECT m::text FROM segment_members('twins') AS m ORDER BY 1)
    UNION ALL SELECT at, d::text FROM ((TABLE twins_segments EXCEPT ALL TABLE worths_segments)
        UNION ALL (TABLE worths_segments EXCEPT ALL TABLE twins_segments)) AS d
    UNION ALL SELECT at, d::text FROM ((TABLE twins_history EXCEPT ALL TABLE worths_history)
        UNION ALL (TABLE worths_history EXCEPT ALL TABLE twins_history)) AS d;
END $$;
SELECT (refresh_segmentation('worths', '2024-10-01 12:00')).outcome;
SELECT d.* FROM generate_series(timestamptz '2024-10-02', '2025-01-20', '170 hours') AS at, due_and_all(at) AS d;
SELECT d.* FROM unnest('{2025-01-24 23:00,2025-01-24 23:00:00.000001,2025-01-25 00:00,2025-01-25 00:00:00.000001,2025-03-29 23:00:00.000001,
    2025-03-30 22:00:00.000001}'::timestamptz[]) AS at, due_and_all(at) AS d;
SELECT wrong_places('worths', '2025-03-30 22:00:00.000001');
SELECT count(*) FILTER (WHERE way = 'incremental') > 10 AS by_list, sum(moved) FILTER (WHERE way = 'incremental') > 100 AS moved
FROM run WHERE segmentation = 'worths' AND as_of > '2024-10-02';
SELECT reason, count(*) > 100 AS many FROM segment_events('worths', '2024-10-02') WHERE event = 'moved' GROUP BY 1 ORDER BY 1;
SELECT segmentation, outcome, reason FROM refresh_due('2025-10-02') ORDER BY 1;

-- ---- figures ----
CREATE TABLE figures AS SELECT * FROM segment_member_values(null::int, 'twins');
SELECT count(*), count(*) FILTER (WHERE lifetime_value IS NULL) AS no_value, bool_and(abs(lifetime_value - value) <= 1e-12 * value
    AND f.segment = w.segment AND probability_alive = alive AND expected_purchases = expected
    AND expected_value IS NOT DISTINCT FROM worth) AS same
FROM figures AS f LEFT JOIN (SELECT s.customer_id, s.segment, predict(m, x, t_x, t, mean_value) AS value, probability_alive(m, x, t_x, t)
    AS alive,
        expected_purchases(m, x, t_x, t, 365.25) AS expected, expected_value(m, x, mean_value) AS worth
    FROM (SELECT *, purchases - 1 AS x, last_purchase_on - first_purchase_on AS t_x, date '2025-03-31' - first_purchase_on AS t
          FROM twins_segments WHERE purchases > 0) AS s, get_model('twins') AS m) AS w ON w.customer_id = f.customer;
SELECT count(*) AS segments, count(*) FILTER (WHERE p.customers <> coalesce(f.customers, 0) OR abs(p.lifetime_value - f.value) > 1e-9 *
    f.value
        OR abs(p.mean_lifetime_value - f.mean) > 1e-9 * f.mean OR abs(p.mean_probability_alive - f.alive) > 1e-9
        OR abs(p.mean_expected_purchases - f.expected) > 1e-9 OR p.revenue <> coalesce(f.revenue, 0)) AS wrong,
       abs(sum(value_share) - 1) < 1e-9 AS shares, round(sum(customer_share), 4) AS all_customers, round(sum(revenue_share), 4) AS
           all_revenue
FROM segment_value_profile('twins') AS p LEFT JOIN (SELECT segment_id, count(*) AS customers, sum(lifetime_value) AS value,
    avg(lifetime_value) AS mean,
    avg(probability_alive) AS alive, avg(expected_purchases) AS expected, sum(revenue) AS revenue FROM figures GROUP BY 1) AS f USING
        (segment_id);
SELECT segment_id, segment, tier, band FROM segment_value_profile('twins') ORDER BY 1;
SELECT count(*), sum(customers) AS customers, sum(revenue) = (SELECT sum(revenue) FROM twins_segments) AS revenue FROM
    segment_profile('twins');
-- later, as if nobody had bought since
SELECT count(*) FILTER (WHERE l.lifetime_value >= f.lifetime_value) AS not_less, count(*) FILTER (WHERE l.lifetime_value > 0) > 250 AS some
FROM figures AS f JOIN segment_member_values(null::int, 'twins', '2025-06-01') AS l USING (customer);
SELECT pg_temp.error_of(q) FROM unnest(ARRAY['SELECT segment_member_values(null::int, ''twins'', ''2024-12-01'')',
    'SELECT segment_member_values(null::int, ''twins'', ''infinity'')', 'SELECT segment_member_values(null::text, ''twins'')',
    'SELECT segment_member_values(null::int, ''nothing'')', 'SELECT segment_value_profile(''nothing'')']) AS q;
SELECT min(customer_id) AS one FROM twins_segments WHERE tier = 'B' AND band = 'at risk' \gset
SELECT what, value IS NOT NULL AS value, lower_bound IS NOT NULL AS low, upper_bound IS NOT NULL AS high,
       regexp_replace(explanation, '[\d.]+', 'N', 'g') AS explanation
FROM explain_customer('twins', :one);
SELECT what, value, explanation FROM explain_customer('twins', 310);
SELECT bool_and(CASE what WHEN 'runner_up' THEN c.value = e ->> 'runner_up' AND explanation LIKE '%until ' || (date '2025-03-31'
        + (e ->> 'runner_up_after')::integer) ELSE lower_bound IS NOT DISTINCT FROM (f ->> 'from')::float8 END) AS as_the_model
FROM (SELECT explain_segment(get_model('twins'), purchases - 1, last_purchase_on - first_purchase_on, date '2025-03-31' -
    first_purchase_on,
          mean_value) AS e FROM twins_segments WHERE customer_id = :one) AS t,
     explain_customer('twins', :one) AS c LEFT JOIN LATERAL jsonb_array_elements(e -> 'features') AS f ON f ->> 'feature' = what;

-- ---- trainings: a tier is the same tier, by id and name; other options have others ----
SELECT rename_segment('twins', 'A active', 'Best');
SELECT trained, model_version FROM retrain_segmentation('twins', '2025-04-01');
SELECT alter_segmentation('twins', '{"tiers": "deciles", "bands": []}', retrain_every => '0');
SELECT outcome, trained FROM refresh_segmentation('twins', '2025-04-02');
SELECT segment_id, name, closed_at IS NOT NULL AS closed FROM segment WHERE segmentation = 'twins' ORDER BY 1;
SELECT alter_segmentation('twins', '{"tiers": "abc", "bands": null}', retrain_every => '1 year');
SELECT outcome FROM retrain_segmentation('twins', '2025-04-03');
SELECT string_agg(segment_id || ' ' || name, ', ' ORDER BY segment_id) FROM segment WHERE segmentation = 'twins' AND closed_at IS NULL;
SELECT count(*) FILTER (WHERE reason NOT IN ('model', 'time')) AS not_by_model, count(*) > 100 AS some FROM segment_events('twins',
    '2025-04-02')
WHERE event_at = '2025-04-02' AND event = 'moved';
SELECT pg_temp.error_of(format('SELECT alter_segmentation(%L, %L)', 'twins', o)) FROM unnest(ARRAY['{"luck": 1}', '{"tiers": "luck"}',
    '{"horizon": "-1 day"}', '{"horizon": "luck"}', '{"bands": [2]}', '{"discount": -1}', '{"buying": "bgbb"}', '{"tier_names": ["x"]}'])
        AS o;

-- ---- what all kinds have: candidates, previews, decisions, drift, replays, resets ----
SELECT count(*) > 3 AS pairs, sum(customers) AS customers, sum(revenue) = (SELECT sum(revenue) FROM twins_segments) AS revenue
FROM diff_segmentation('twins', '{"tiers": "thresholds", "cuts": [200, 50], "tier_names": ["rich", "middle", "poor"]}', '2025-04-03');
SELECT count(*) FILTER (WHERE from_segment IS DISTINCT FROM to_segment) AS elsewhere
FROM diff_segmentation('twins', as_of => '2025-04-03', model => get_model('twins'));
SELECT pg_temp.error_of(q) FROM unnest(ARRAY['SELECT diff_segmentation(''twins'', ''{"luck": 1}'')',
    'SELECT diff_segmentation(''twins'', ''{"source": "clients"}'')',
    'SELECT diff_segmentation(''twins'', model => mbgnbd(feature_set(x, t_x, t))) FROM history']) AS q;
CREATE TABLE previewed AS SELECT customer::int, to_segment, reason FROM preview_refresh('twins', '2025-05-01');
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE reason <> 'time') AS not_by_time FROM previewed;
SELECT (refresh_segmentation('twins', '2025-05-01')).moved = (SELECT count(*) FROM previewed) AS as_shown;
SELECT count(*) AS elsewhere FROM previewed JOIN twins_segments ON customer_id = customer AND segment <> to_segment;
SELECT include_customer('twins', 'C lapsed', 1), exclude_customer('twins', NULL, 2);
SELECT customer_id, segment, purchases > 0 AS facts FROM twins_segments WHERE customer_id IN (1, 2) ORDER BY 1;
SELECT undecide_customer('twins', NULL, 1), undecide_customer('twins', NULL, 2);
SELECT what, item FROM segment_drift('twins') WHERE what IN ('all', 'feature', 'labels');
SET client_min_messages = notice;
CALL replay_segmentation('twins', 'twins_past', '2024-08-01', '2024-10-01', every => '1 month');
SET client_min_messages = warning;
SELECT as_of, outcome, trained FROM run WHERE segmentation = 'twins_past' ORDER BY run_id;
SELECT wrong_places('twins_past', '2024-10-01');
SELECT outcome FROM reset_segmentation('twins', '2025-04-03');
SELECT count(*) FROM segmentation_health WHERE segmentation = 'twins';

-- ---- too little to learn from: nothing is made up, nobody is lost ----
SELECT create_value_segmentation('small', 'SELECT * FROM orders WHERE customer_id < 20', time_zone => 'UTC');
SELECT outcome, error FROM refresh_segmentation('small', '2024-10-01');
SELECT create_value_segmentation('nobody', 'SELECT * FROM orders WHERE false', customers => 'clients', time_zone => 'UTC');
SELECT outcome, customers, error FROM refresh_segmentation('nobody', '2024-10-01');
-- a later day on which there is too little leaves all as it was
SELECT count(*) AS members FROM twins_segments \gset
ALTER TABLE orders RENAME TO all_orders;
CREATE VIEW orders AS SELECT * FROM all_orders WHERE customer_id < 20;
SELECT alter_segmentation('twins', max_departed => 1);
SELECT outcome, error FROM retrain_segmentation('twins', '2025-06-01');
SELECT count(*) = :members AS as_before FROM twins_segments;
DROP VIEW orders;
ALTER TABLE all_orders RENAME TO orders;

-- ---- what creating refuses ----
SELECT pg_temp.error_of('SELECT create_value_segmentation(' || a || ')') FROM unnest(ARRAY[
    $$'worths', 'orders'$$, $$'one', 'SELECT 1 AS c'$$, $$'one', 'SELECT 1 AS c, 2, 3'$$, $$'one', 'SELECT 1 AS c, now(), true'$$,
    $$'one', 'orders', customers => 'SELECT text ''a'''$$, $$'one', 'orders', 'clients', 'luck'$$,
    $$'one', 'orders', horizon => '0'$$, $$'one', 'orders', discount => -0.5$$, $$'one', 'orders', time_zone => 'Nowhere'$$,
    $$'one', 'SELECT customer_id AS tier, ordered_at, amount FROM orders'$$, $$'one', NULL$$, $$'one', 'orders', customer =>
        'customer_id'$$]) AS a;
-- columns by name, dates, text keys
CREATE TABLE lines AS SELECT 'c' || customer_id AS buyer, (ordered_at AT TIME ZONE 'Europe/Berlin')::date AS day, amount::float8 AS price,
    2 AS quantity
FROM orders WHERE customer_id <= 300;
SELECT create_value_segmentation('lined', 'lines', customer => 'buyer', ordered_at => 'day', amount => 'price * quantity', time_zone =>
    'Europe/Berlin');
SELECT outcome, customers FROM refresh_segmentation('lined', '2024-09-30 22:00');
SELECT count(*) FILTER (WHERE l.purchases <> p.purchases OR l.first_purchase_on <> p.first_purchase_on OR l.last_purchase_on <>
    p.last_purchase_on
    OR abs(l.mean_value - 2 * p.mean_value) > 1e-9 * p.mean_value) AS differ, count(*)
FROM lined_segments AS l JOIN right_places('twins', '2024-09-30 22:00') AS p ON l.buyer = 'c' || p.customer WHERE p.purchases > 0;
-- a change of the source's columns is told
ALTER TABLE lines RENAME price TO cost;
SELECT outcome, error FROM refresh_segmentation('lined', '2024-10-02') \g (format=unaligned)

-- ---- rights: a reader reads, by the table's grants ----
CREATE ROLE value_reader;
GRANT USAGE ON SCHEMA kind_value TO value_reader;
SET ROLE value_reader;
SELECT pg_temp.error_of('SELECT segment_value_profile(''twins'')'), pg_temp.error_of('SELECT segment_member_values(null::int, ''twins'')');
RESET ROLE;
GRANT SELECT ON twins_segments TO value_reader;
SET ROLE value_reader;
SELECT sum(customers) = :members AS customers FROM segment_value_profile('twins');
SELECT count(*) = :members AS customers FROM segment_member_values(null::int, 'twins');
RESET ROLE;
REVOKE ALL ON twins_segments FROM value_reader;
REVOKE ALL ON SCHEMA kind_value FROM value_reader;
DROP ROLE value_reader;

SELECT count(drop_segmentation(name)) FROM segmentation WHERE kind = 'value';
DROP SCHEMA kind_value CASCADE;
