-- ---- what customers did, added up, and what follows from it ----

CREATE TYPE outcome;

CREATE FUNCTION segment_internal.outcome_in(cstring) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_out(outcome) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_outcome_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_recv(internal) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_send(outcome) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_outcome_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE outcome (
    INPUT = segment_internal.outcome_in, OUTPUT = segment_internal.outcome_out,
    RECEIVE = segment_internal.outcome_recv, SEND = segment_internal.outcome_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE outcome IS
$$What customers did, added up: a rate (how many of them did it), a mean (with covariates or without) or a
ratio of two sums. What it holds are exact sums, from which value, standard error and interval follow
(estimate, lift), and which can be stored and added up later (outcome_merge).
A rate takes 32 bytes, a mean of amounts about 150.
Text form: hexadecimal of the binary form; equal outcomes have equal text.$$;
COMMENT ON FUNCTION segment_internal.outcome_in(cstring) IS
$$Text input of outcome.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.outcome_out(outcome) IS
'Text output of outcome: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.outcome_recv(internal) IS
'Binary input of outcome; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.outcome_send(outcome) IS
'Binary output of outcome: canonical, big-endian.';

CREATE FUNCTION segment_internal.outcome_accum(outcome, boolean) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_accum_rate' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_accum(outcome, double precision) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_accum_value' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_accum(outcome, VARIADIC double precision[]) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_accum_mean' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_ratio_accum(outcome, double precision, double precision) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_accum_ratio' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_combine(outcome, outcome) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.outcome_final(outcome) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_outcome_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.outcome_accum(outcome, boolean) IS
'Transition function of the aggregate outcome for rates.';
COMMENT ON FUNCTION segment_internal.outcome_accum(outcome, double precision) IS
'Transition function of the aggregate outcome for means without covariates.';
COMMENT ON FUNCTION segment_internal.outcome_accum(outcome, VARIADIC double precision[]) IS
'Transition function of the aggregate outcome for means with covariates.';
COMMENT ON FUNCTION segment_internal.outcome_ratio_accum(outcome, double precision, double precision) IS
'Transition function of the aggregate outcome_ratio.';
COMMENT ON FUNCTION segment_internal.outcome_combine(outcome, outcome) IS
'Adds up two outcomes; transition function of outcome_merge and combine function of all aggregates of outcomes.';
COMMENT ON FUNCTION segment_internal.outcome_final(outcome) IS
'Final function of all aggregates of outcomes: the one form that equal sums have.';

CREATE AGGREGATE outcome(boolean) (
    SFUNC = segment_internal.outcome_accum, STYPE = outcome, SSPACE = 64,
    FINALFUNC = segment_internal.outcome_final, COMBINEFUNC = segment_internal.outcome_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE outcome(boolean) IS
$$A rate: how many customers there are, and how many of them did it: outcome(orders > 0).
One row a customer. Who did nothing is false; NULL is skipped and counted.
0 and 1 as numbers make a mean: write outcome(x = 1) for a rate.
No rows: NULL.
The same to the last byte for any order of rows, number of workers and way of merging.$$;

CREATE AGGREGATE outcome(double precision) (
    SFUNC = segment_internal.outcome_accum, STYPE = outcome, SSPACE = 256,
    FINALFUNC = segment_internal.outcome_final, COMBINEFUNC = segment_internal.outcome_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE outcome(double precision) IS
$$A mean of a value a customer: outcome(revenue); the same as the form with covariates behind it, but faster.
One row a customer. Who did nothing has 0; a row with NULL, NaN or an infinity is skipped and counted.
No rows: NULL.
Sums of values and of squares are exact: the same to the last byte for any order of rows, number of workers and way
of merging, and an offset of all values changes no digit of the variance.$$;

CREATE AGGREGATE outcome(VARIADIC double precision[]) (
    SFUNC = segment_internal.outcome_accum, STYPE = outcome, SSPACE = 256,
    FINALFUNC = segment_internal.outcome_final, COMBINEFUNC = segment_internal.outcome_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE outcome(VARIADIC double precision[]) IS
$$A mean of a value a customer: outcome(revenue). Behind the value come covariates, up to 15, that were known
before the treatment, usually the same value of a time before: outcome(revenue, revenue_before); lift() uses them.
One row a customer. Who did nothing has 0; a row with a value NULL, NaN or infinite is skipped and counted.
No rows: NULL.
Sums of values and of products of two are exact: the same to the last byte for any order of rows, number of
workers and way of merging, and an offset of all values changes no digit of the variance.
Errors: invalid_parameter_value for more than 16 values, datatype_mismatch for rows of different numbers of them,
null_value_not_allowed for a NULL array.$$;

CREATE AGGREGATE outcome_ratio(numerator double precision, denominator double precision) (
    SFUNC = segment_internal.outcome_ratio_accum, STYPE = outcome, SSPACE = 256,
    FINALFUNC = segment_internal.outcome_final, COMBINEFUNC = segment_internal.outcome_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE outcome_ratio(double precision, double precision) IS
$$A ratio of two sums over customers: outcome_ratio(revenue, orders) is the average order value.
One row a customer, not one an order: orders of one customer are alike, and an interval from single orders is too
narrow. Who did nothing has 0 and 0; a row with NULL, NaN or an infinity is skipped and counted.
No rows: NULL.
The same to the last byte for any order of rows, number of workers and way of merging.$$;

CREATE AGGREGATE outcome_merge(outcome) (
    SFUNC = segment_internal.outcome_combine, STYPE = outcome, SSPACE = 256,
    FINALFUNC = segment_internal.outcome_final, COMBINEFUNC = segment_internal.outcome_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE outcome_merge(outcome) IS
$$Adds up outcomes of the same kind, of days, shards or segments: the same to the last byte as the outcome of all
their customers at once. Each customer must be in one of them only.
NULLs are skipped; no input: NULL.
Errors: datatype_mismatch for a rate, a mean, a ratio or different numbers of covariates together.$$;

CREATE FUNCTION make_outcome(customers bigint, successes bigint) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_make_outcome_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION make_outcome(bigint, bigint) IS
$$The outcome that is a rate, from a printed report: make_outcome(263, 81).
NULL: NULL.
Errors: numeric_value_out_of_range for customers below 0 and for successes below 0 or more than customers.$$;
CREATE FUNCTION make_outcome(customers bigint, mean double precision, variance double precision) RETURNS outcome
    AS 'MODULE_PATHNAME', 'segment_make_outcome_mean' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION make_outcome(bigint, double precision, double precision) IS
$$The outcome that is a mean, from a printed report: make_outcome(250, 61.2, 30.5 ^ 2).
variance: of customers, divided by their number less one; the square of the standard deviation, not of the
standard error.
NULL: NULL.
Errors: numeric_value_out_of_range for no customers, a mean that is not finite, a variance below 0,
invalid_parameter_value for one customer with a variance.$$;

CREATE FUNCTION estimate(
    outcome outcome, level double precision DEFAULT 0.95,
    OUT customers bigint, OUT skipped bigint, OUT value double precision, OUT std_error double precision,
    OUT lower double precision, OUT upper double precision)
    AS 'MODULE_PATHNAME', 'segment_estimate_outcome' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION estimate(outcome, double precision) IS
$$What an outcome is, and how sure that is:
SELECT s.segment, e.* FROM (SELECT segment, outcome(converted) AS o FROM ... GROUP BY segment) AS s, estimate(s.o) AS e.
customers: rows that count; skipped: rows with a value missing.
value: the rate (0 to 1), the mean, or the ratio of the sums.
std_error: of the value; of a rate sqrt(p (1 - p) / n).
lower, upper: an interval that holds the true value in a share of level of all cases; of a rate Wilson's (JASA 22,
1927), of a mean Student's t with n - 1 degrees of freedom (Biometrika 6, 1908), of a ratio the same with the
variance of the delta method (Cochran, Sampling Techniques, 1977, 6.4; R: survey's svyratio).
No customers: value NULL; one customer: a mean and a ratio have no interval. A ratio to 0: NULL.
Of an outcome with covariates: the mean as it is.
Numbers are rounded to 15 digits, and are the same on every server.
NULL: NULLs.
Errors: invalid_parameter_value for a level that is not between 0 and 1, numeric_value_out_of_range for a mean
or variance beyond double precision.$$;

CREATE FUNCTION lift(
    treated outcome, control outcome, level double precision DEFAULT 0.95, tuned_for bigint DEFAULT NULL,
    OUT treated_customers bigint, OUT control_customers bigint,
    OUT treated_value double precision, OUT control_value double precision,
    OUT difference double precision, OUT difference_lower double precision, OUT difference_upper double precision,
    OUT lift double precision, OUT lift_lower double precision, OUT lift_upper double precision,
    OUT p_value double precision, OUT variance_reduction double precision)
    AS 'MODULE_PATHNAME', 'segment_lift_outcome' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION lift(outcome, outcome, double precision, bigint) IS
$$How the outcome of those who were treated differs from that of a control group:
SELECT l.* FROM (SELECT outcome(visit) FILTER (WHERE mailed) AS t, outcome(visit) FILTER (WHERE NOT mailed) AS c
FROM customer) AS s, lift(s.t, s.c) AS l.
treated_value, control_value: as estimate() has them.
difference: treated less control, with an interval; of rates Newcombe's hybrid score (Statistics in Medicine 17,
1998, method 10), else Welch's t (Biometrika 34, 1947).
lift: the difference as a share of the control value, 0.1 being 10 percent more; its interval excludes 0 when that of
the difference does: of rates MOVER-R over Wilson's limits (Donner and Zou, Statistical Methods in Medical
Research 21, 2012), else Fieller's (JRSS B 16, 1954), which is -infinity to infinity where the control value is not
clear of 0.
p_value: how likely a difference as large is by chance, two-sided; of rates the normal test with the pooled variance,
not corrected (R: prop.test(correct = FALSE)), else Welch's.
Covariates: where the outcomes have them, difference, lift and p_value are adjusted by those weights that make the
variance of the difference least (Deng et al., WSDM 2013, CUPED), and variance_reduction is the share of it
that went, else NULL; the two values stay as they are. A covariate takes ten customers of the smaller arm:
those beyond are left out, and those that follow from earlier ones.
tuned_for: NULL, and the intervals and the p-value hold for one look at a time fixed before. A number: they hold for all
looks together, at any time, and are narrowest when so many customers are in, both arms together
(asymptotic confidence sequences: Waudby-Smith et al. 2021, eq. 9, arXiv:2103.06476).
No customers in an arm: values NULL; one customer: no interval of means; no variance in either arm: p_value NULL.
Control value 0: lift and its interval NULL.
Numbers are rounded to 15 digits, and are the same on every server.
NULL for treated, control or level: NULLs.
Errors: datatype_mismatch for outcomes of two kinds, invalid_parameter_value for a level that is not between 0 and 1
and tuned_for below 1, numeric_value_out_of_range for a mean or variance beyond double precision.$$;

CREATE FUNCTION detectable_lift(
    control outcome, treated_customers bigint, control_customers bigint,
    power double precision DEFAULT 0.8, level double precision DEFAULT 0.95) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_detectable_lift_outcome' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION detectable_lift(outcome, bigint, bigint, double precision, double precision) IS
$$The smallest lift that an experiment with so many customers will find with a probability of power:
0.1 says that 10 percent above the value of control would be found, and less would often be missed.
control: what customers do without the treatment, from the past; with covariates, it is the lift adjusted by them.
Rates: the root of R's power.prop.test, for arms of any sizes; means and ratios: the normal approximation
(z of level + z of power) sqrt(variance (1/treated + 1/control)) / value, within 1 percent of R's power.t.test
from 50 customers on.
NULL where the value of control is 0 or its variance is not known, and where no rate up to 1 would be found.
NULL: NULL.
Errors: invalid_parameter_value for customers below 1, power or level not between 0 and 1,
numeric_value_out_of_range for a mean or variance beyond double precision.$$;

CREATE FUNCTION chi_squared_p(statistic double precision, df double precision) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_chi_squared_p_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION chi_squared_p(double precision, double precision) IS
$$How likely chance alone gives a chi squared statistic as large, or larger, with df degrees of freedom: whether
arms have the planned shares, Cochran's Q, independence of two columns.
R: pchisq(statistic, df, lower.tail = FALSE). Rounded to 15 digits.
NULL: NULL.
Errors: invalid_parameter_value for a statistic below 0 and degrees of freedom that are not above 0.$$;
