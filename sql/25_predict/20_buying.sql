-- ---- how customers buy until they stop, and what they spend ----

CREATE FUNCTION bgnbd(features feature_set, horizon double precision DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_bgnbd' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION bgnbd(feature_set, double precision) IS
$$Fits the BG/NBD model (Fader, Hardie and Lee 2005) to feature_set(x, t_x, t) of buying_history():
customers buy at random, each at a rate that is Gamma(r, alpha) among them, and stop after a repeat purchase with
a probability that is Beta(a, b).
Who has bought once only cannot have stopped; see mbgnbd() where that is wrong.
horizon: the time in which predict(model, x, t_x, t) tells the expected purchases, in the unit of t, at most 1e9.
A set with columns named x, t_x and t may have others, which are not read.
Maximum likelihood by analytic derivatives, in the logarithms of the parameters.
model_metrics has parameters, standard_errors (from the second derivatives; null where the customers do not
determine a parameter), log_likelihood (without x!, as in the literature), steps, converged.
Rows that are no history (NULL, x not whole, t_x beyond t, t_x without x) are skipped, with a NOTICE.
Of a sampled feature set figures and standard errors are those of the rows it has kept; a NOTICE tells.
The same rows give the same model, byte for byte, whatever their order.
Without convergence: a NOTICE says why, and the model says converged false.
NULL features: NULL.
Errors: no_data when no row is a history, nobody has bought again, or there are fewer different histories than
parameters; invalid_parameter_value for a wrong number of features or a horizon out of range; datatype_mismatch for
categories; numeric_value_out_of_range where times are beyond what numbers can hold.$$;

CREATE FUNCTION mbgnbd(features feature_set, horizon double precision DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_mbgnbd' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION mbgnbd(feature_set, double precision) IS
$$Fits the MBG/NBD model (Batislam, Denizel and Filiztekin 2007; Hoppe and Wagner 2007): bgnbd() in which customers may
stop after their first purchase, too.
Arguments, metrics and errors as there.$$;

CREATE FUNCTION pareto_nbd(features feature_set, horizon double precision DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_pareto_nbd' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION pareto_nbd(feature_set, double precision) IS
$$Fits the Pareto/NBD model (Schmittlein, Morrison and Colombo 1987): customers buy at a rate that is Gamma(r, alpha)
among them, and stop at any time at a rate that is Gamma(s, beta).
The likelihood is an integral worked out for each history, so fitting takes some fifty times as long as bgnbd().
Arguments, metrics and errors as there.$$;

CREATE FUNCTION bgbb(features feature_set, horizon double precision DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_bgbb' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION bgbb(feature_set, double precision) IS
$$Fits the BG/BB model (Fader, Hardie and Shang 2010) of purchases at opportunities (a yearly appeal, a monthly renewal)
to feature_set(x, t_x, t): opportunities taken, the last one taken, opportunities, all whole numbers and none the
first purchase; buying_history(whole_units => true) makes them.
One takes an opportunity with a probability that is Beta(alpha, beta) among customers, and stops before one with a
probability that is Beta(gamma, delta).
horizon: a whole number of opportunities; it and t are at most 100000.
Arguments, metrics and errors as in bgnbd().$$;

CREATE FUNCTION gamma_gamma(features feature_set) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_gamma_gamma' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION gamma_gamma(feature_set) IS
$$Fits the gamma-gamma model of what a purchase is worth (Colombo and Jiang 1999; Fader and Hardie 2013) to
feature_set(x, mean_value) of buying_history(): amounts are Gamma(p, nu), and nu is Gamma(q, gamma) among customers.
It takes for granted that what is spent has nothing to do with how often.
Customers without repeat purchases have no part; rows with a mean of 0 or less are skipped, with a NOTICE.
predict(model, x, mean_value) is expected_value().
Metrics and errors as in bgnbd(); NULL features: NULL.$$;

CREATE FUNCTION probability_alive(model segment_model, x double precision, t_x double precision, t double precision)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_probability_alive' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION probability_alive(segment_model, double precision, double precision, double precision) IS
$$The probability that a customer with this history has not stopped buying; of bgbb() that the customer is there at the
next opportunity.
NULL for NULL, and for what can be no history (x not whole, t_x beyond t, t_x without x).
Errors: wrong_object_type for a model that is none of buying.$$;

CREATE FUNCTION expected_purchases(
    model segment_model, x double precision, t_x double precision, t double precision, horizon double precision)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_expected_purchases' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION expected_purchases(segment_model, double precision, double precision, double precision,
                                       double precision) IS
$$The expected number of purchases of a customer within the horizon from now on, in the model's unit of time; with
bgbb() within so many opportunities.
A new customer is (0, 0, 0); the first purchase is not counted.
NULL as probability_alive().
Errors: invalid_parameter_value for a negative horizon, wrong_object_type.$$;

CREATE FUNCTION purchase_probability(
    model segment_model, x double precision, t_x double precision, t double precision, horizon double precision,
    at_least integer DEFAULT 1)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_purchase_probability' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION purchase_probability(segment_model, double precision, double precision, double precision,
                                         double precision, integer) IS
$$The probability that a customer makes at least so many purchases within the horizon from now on.
NULL and errors as expected_purchases().$$;

CREATE FUNCTION expected_value(model segment_model, x double precision, mean_value double precision)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_expected_value' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION expected_value(segment_model, double precision, double precision) IS
$$The expected value of a purchase of a customer, by gamma_gamma(): the own mean of x repeat purchases drawn towards
that of all, the more the fewer they are.
For x = 0 that of all, whatever mean_value.
NULL for NULL, for a mean of 0 or less, and where the model has no expected value (p x + q at most 1).
Errors: wrong_object_type for a model of another kind.$$;

CREATE FUNCTION segment_internal.discounted_purchases(
    model segment_model, x double precision, t_x double precision, t double precision, horizon double precision,
    discount double precision, step double precision)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_discounted_purchases' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200;
COMMENT ON FUNCTION segment_internal.discounted_purchases(segment_model, double precision, double precision,
    double precision, double precision, double precision, double precision) IS
$$Expected purchases within the horizon, those of step number i divided by (1 + discount)^i.
NULL and errors as expected_purchases(); invalid_parameter_value for a step that is not positive.$$;

CREATE FUNCTION customer_lifetime_value(
    purchases segment_model, value segment_model, x double precision, t_x double precision, t double precision,
    mean_value double precision, horizon double precision, discount double precision DEFAULT 0,
    step double precision DEFAULT 1)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN segment.expected_value(value, x, mean_value)
           * segment_internal.discounted_purchases(purchases, x, t_x, t, horizon, discount, step);
COMMENT ON FUNCTION customer_lifetime_value(segment_model, segment_model, double precision, double precision,
    double precision, double precision, double precision, double precision, double precision) IS
$$What a customer's purchases within the horizon are worth today: expected_value() times expected_purchases(), those of
step number i divided by (1 + discount)^i.
purchases: a model of buying; value: one by gamma_gamma().
step: the time over which discount is meant, in the model's unit; with weeks, 52 steps of 1 % each are a year.
It is revenue where amounts are revenue: multiply by the margin.
NULL for NULL and for what can be no history.
Errors: as expected_purchases() and expected_value().$$;

CREATE FUNCTION segment_internal.next_purchase(
    model segment_model, x double precision, t_x double precision, t double precision, quantile double precision)
    RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_next_purchase' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION segment_internal.next_purchase(segment_model, double precision, double precision, double precision,
    double precision) IS
$$The time from now within which the next purchase is made with probability quantile, in the model's unit.
NULL where it is not made at all so probably, and as probability_alive().
Errors: invalid_parameter_value for a quantile that is not between 0 and 1, wrong_object_type.$$;

CREATE FUNCTION next_purchase_at(
    model segment_model, x double precision, t_x double precision, t double precision,
    as_of timestamptz, unit interval DEFAULT '7 days', quantile double precision DEFAULT 0.5)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT CASE WHEN w.wait * extract(epoch FROM unit) < 1e11 THEN as_of + w.wait * unit END
            FROM (SELECT segment_internal.next_purchase(model, x, t_x, t, quantile) AS wait) AS w);
COMMENT ON FUNCTION next_purchase_at(segment_model, double precision, double precision, double precision, timestamptz,
                                     interval, double precision) IS
$$The instant by which the next purchase is made with probability quantile, at the end of a history at as_of.
unit: the model's unit of time.
NULL where a purchase is less probable than that however long one waits, because the customer may have stopped;
for instants more than 3,000 years away, NULL, and what can be no history.
Errors: invalid_parameter_value for a quantile that is not between 0 and 1, wrong_object_type.$$;

CREATE FUNCTION model_fit(
    model segment_model, features feature_set, most integer DEFAULT 7,
    OUT purchases integer, OUT customers double precision, OUT expected double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_model_fit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 8 COST 100000;
COMMENT ON FUNCTION model_fit(segment_model, feature_set, integer) IS
$$How well a model of buying describes customers: for each number of repeat purchases how many customers made so many,
and how many the model expects, given for how long each of them was watched.
The last row is of `most` purchases or more.
features: as the model was trained on, or others, such as a holdout's.
NULL: no rows.
Errors: wrong_object_type for a model that is none of buying, invalid_parameter_value for most below 1 or above 1000.$$;
