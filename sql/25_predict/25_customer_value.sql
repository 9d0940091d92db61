-- ---- what customers are worth: value tiers and churn bands ----

CREATE FUNCTION customer_value(
    features feature_set, horizon double precision, tiers text DEFAULT 'abc', cuts double precision[] DEFAULT NULL,
    bands double precision[] DEFAULT '{0.7,0.3}', discount double precision DEFAULT 0,
    step double precision DEFAULT 1, buying text DEFAULT 'mbgnbd',
    tier_names text[] DEFAULT NULL, band_names text[] DEFAULT NULL) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_customer_value' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION customer_value(feature_set, double precision, text, double precision[], double precision[],
                                   double precision, double precision, text, text[], text[]) IS
$$Trains a model of what customers are worth on feature_set(x, t_x, t, mean_value) of buying_history(): one of buying
and one by gamma_gamma(), the lifetime value that follows, cut into tiers, and the probability of being alive, cut
into bands.
Its segments are tiers in bands, named 'A active', 'A at risk', ..., and 'Prospect' for who has never bought (x NULL).
horizon: the time in which purchases count, in the unit of t; discount, step: as in customer_lifetime_value().
tiers: 'abc': A are the customers that make up the first 80 % of the value, B the next 15 %, C the others; cuts, if
given, are other shares of the value, added up.
'deciles': ten tiers of a tenth of the customers each, the best first.
'thresholds': cuts are values.
A cut is the least value above it, and belongs to the tier above; equal values are in one tier, so a tier may have more
than its share, and one below it less.
bands: cuts of the probability of being alive; '{}': none.
buying: 'bgnbd', 'mbgnbd' or 'pareto_nbd'; by 'bgnbd' who has bought once is always alive.
tier_names, band_names: from the best to the worst, in place of 'A', 'Decile 1', 'Tier 1', ... and 'active',
'at risk', 'lapsed'.
assign_segment(model, x, t_x, t, mean_value) places a customer, explain_segment() says why and which segment time alone
leads to, predict() is the lifetime value; probability_alive(), expected_purchases(), expected_value() and their kin
take the model, too.
Who has no repeat purchase is expected to spend the mean of all.
Rows that are no history, or have repeat purchases and no mean of at least 0, are skipped and counted.
The same rows give the same model, byte for byte, whatever their order.
NULL features: NULL; NULL for any argument with a default is that default.
Errors: no_data where fewer than 30 customers have bought again, where amounts have no expected value (gamma_gamma's
q is at most 1 and somebody has bought once), and as bgnbd(); invalid_parameter_value for options that make no sense.$$;

CREATE FUNCTION value_tiers(
    model segment_model, OUT segment_id integer, OUT segment text,
    OUT tier text, OUT value_from double precision, OUT value_to double precision,
    OUT band text, OUT alive_from double precision, OUT alive_to double precision, OUT customers double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_value_tiers' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION value_tiers(segment_model) IS
$$The segments of a model by customer_value(), the best first: tier and the lifetime values it is for, from (included)
to (not included; NULL: open), band and the probabilities of being alive it is for, and how many customers of the
training were there, or the sum of their weights.
tier NULL: of those who have never bought; band NULL: there are no bands.
NULL: no rows.
Errors: wrong_object_type for a model of another kind.$$;

CREATE FUNCTION segment_internal.value_days_left(
    model segment_model, x double precision, t_x double precision, t double precision, mean_value double precision)
    RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_value_days_left' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 500;
COMMENT ON FUNCTION segment_internal.value_days_left(segment_model, double precision, double precision,
                                                     double precision, double precision) IS
$$After how many days the segment of a customer is another one, where there are no more purchases and the model's unit
of time is a day; 8 million for more.
Negative, where it was another one with a day less: see days_later.
NULL: never, or no place.$$;
