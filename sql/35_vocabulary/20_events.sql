-- ---- words for sources: aggregates over events and answers ----

CREATE TYPE segment_internal.event_times;

CREATE FUNCTION segment_internal.event_times_in(cstring) RETURNS segment_internal.event_times
    AS 'MODULE_PATHNAME', 'segment_event_times_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.event_times_out(segment_internal.event_times) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_event_times_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.event_times_recv(internal) RETURNS segment_internal.event_times
    AS 'MODULE_PATHNAME', 'segment_event_times_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.event_times_send(segment_internal.event_times) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_event_times_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE segment_internal.event_times (
    INPUT = segment_internal.event_times_in, OUTPUT = segment_internal.event_times_out,
    RECEIVE = segment_internal.event_times_recv, SEND = segment_internal.event_times_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE segment_internal.event_times IS
$$State of the aggregate follows: the times of A's and B's, as long as none is known to follow.
Text form: hexadecimal of the binary form; equal states have equal text.$$;
COMMENT ON FUNCTION segment_internal.event_times_in(cstring) IS
$$Text input of event_times.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.event_times_out(segment_internal.event_times) IS
'Text output of event_times: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.event_times_recv(internal) IS
'Binary input of event_times; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.event_times_send(segment_internal.event_times) IS
'Binary output of event_times: canonical, big-endian.';

CREATE FUNCTION segment_internal.follows_accum(segment_internal.event_times, timestamptz, boolean, boolean, interval)
    RETURNS segment_internal.event_times
    AS 'MODULE_PATHNAME', 'segment_follows_accum' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.follows_combine(segment_internal.event_times, segment_internal.event_times)
    RETURNS segment_internal.event_times
    AS 'MODULE_PATHNAME', 'segment_follows_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION follows(state segment_internal.event_times) RETURNS boolean
    AS 'MODULE_PATHNAME', 'segment_follows' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.follows_accum(segment_internal.event_times, timestamptz, boolean, boolean,
                                                   interval) IS
'Transition function of the aggregate follows.';
COMMENT ON FUNCTION segment_internal.follows_combine(segment_internal.event_times, segment_internal.event_times) IS
'Combine function of the aggregate follows.';
COMMENT ON FUNCTION follows(segment_internal.event_times) IS
$$Whether a B follows, from the state of the aggregate follows.
NULL: false.$$;
CREATE AGGREGATE follows(at timestamptz, is_a boolean, is_b boolean, within interval) (
    SFUNC = segment_internal.follows_accum, STYPE = segment_internal.event_times, SSPACE = 256, FINALFUNC = follows,
    COMBINEFUNC = segment_internal.follows_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE follows(timestamptz, boolean, boolean, interval) IS
$$Whether some B came after an A, at most within later: follows(at, what = 'trial', what = 'order', '14 days').
A B at the very instant of the A does not count, one exactly within later does.
A row may be both A and B; it may follow another one, but not itself:
follows(at, true, true, '30 days') says whether two events lie at most 30 days apart.
within: days and months are those of the calendar in the session's time zone, as at + within has them.
A row whose time is NULL or infinite, or that is neither, says nothing; NULL is not true.
False where nothing follows, also without rows.
The same for any order of rows and number of workers.
Errors: invalid_parameter_value for within not longer than 0, null_value_not_allowed for NULL as within of an A.$$;

CREATE TYPE segment_internal.decayed_state;

CREATE FUNCTION segment_internal.decayed_state_in(cstring) RETURNS segment_internal.decayed_state
    AS 'MODULE_PATHNAME', 'segment_decayed_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.decayed_state_out(segment_internal.decayed_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_decayed_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.decayed_state_recv(internal) RETURNS segment_internal.decayed_state
    AS 'MODULE_PATHNAME', 'segment_decayed_state_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.decayed_state_send(segment_internal.decayed_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_decayed_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE segment_internal.decayed_state (
    INPUT = segment_internal.decayed_state_in, OUTPUT = segment_internal.decayed_state_out,
    RECEIVE = segment_internal.decayed_state_recv, SEND = segment_internal.decayed_state_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE segment_internal.decayed_state IS
$$State of the aggregate decayed_sum: the exact sum of what is left of amounts.
Text form: hexadecimal of the binary form; equal states have equal text.$$;
COMMENT ON FUNCTION segment_internal.decayed_state_in(cstring) IS
$$Text input of decayed_state.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.decayed_state_out(segment_internal.decayed_state) IS
'Text output of decayed_state: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.decayed_state_recv(internal) IS
'Binary input of decayed_state; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.decayed_state_send(segment_internal.decayed_state) IS
'Binary output of decayed_state: canonical, big-endian.';

CREATE FUNCTION segment_internal.decayed_sum_accum(segment_internal.decayed_state, double precision, timestamptz,
                                                   interval, timestamptz) RETURNS segment_internal.decayed_state
    AS 'MODULE_PATHNAME', 'segment_decayed_sum_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.decayed_sum_combine(segment_internal.decayed_state, segment_internal.decayed_state)
    RETURNS segment_internal.decayed_state
    AS 'MODULE_PATHNAME', 'segment_decayed_sum_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION decayed_sum(state segment_internal.decayed_state) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_decayed_sum' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.decayed_sum_accum(segment_internal.decayed_state, double precision, timestamptz,
                                                       interval, timestamptz) IS
'Transition function of the aggregate decayed_sum.';
COMMENT ON FUNCTION segment_internal.decayed_sum_combine(segment_internal.decayed_state,
                                                         segment_internal.decayed_state) IS
'Combine function of the aggregate decayed_sum.';
COMMENT ON FUNCTION decayed_sum(segment_internal.decayed_state) IS
$$The sum, from the state of the aggregate decayed_sum.
NULL: NULL.$$;
CREATE AGGREGATE decayed_sum(amount double precision, at timestamptz, half_life interval, as_of timestamptz) (
    SFUNC = segment_internal.decayed_sum_accum, STYPE = segment_internal.decayed_state, SSPACE = 256,
    FINALFUNC = decayed_sum, COMBINEFUNC = segment_internal.decayed_sum_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE decayed_sum(double precision, timestamptz, interval, timestamptz) IS
$$A sum in which an amount counts in full when it is new, half after half_life, a quarter after two of them:
the sum of amount * 2^-((as_of - at) / half_life); decayed_sum(1, at, '30 days', as_of()) is a score of activity.
Events at or after as_of, and rows whose amount or time is NULL, do not count; where none counts: NULL.
half_life: a length of time, in which a day has 24 hours and a month 30 days.
NaN or an infinity among the amounts makes the result such, as in sum().
The same to the last bit for any order of rows, number of workers and CPU: powers of 2 are ours,
and the sum is exact before it is rounded once.
Errors: invalid_parameter_value for half_life not longer than 0 and an infinite as_of,
null_value_not_allowed for NULL as one of them, numeric_value_out_of_range for a sum beyond double precision.$$;

CREATE TYPE segment_internal.cronbach_state;

CREATE FUNCTION segment_internal.cronbach_state_in(cstring) RETURNS segment_internal.cronbach_state
    AS 'MODULE_PATHNAME', 'segment_cronbach_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.cronbach_state_out(segment_internal.cronbach_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'segment_cronbach_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.cronbach_state_recv(internal) RETURNS segment_internal.cronbach_state
    AS 'MODULE_PATHNAME', 'segment_cronbach_state_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.cronbach_state_send(segment_internal.cronbach_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'segment_cronbach_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE segment_internal.cronbach_state (
    INPUT = segment_internal.cronbach_state_in, OUTPUT = segment_internal.cronbach_state_out,
    RECEIVE = segment_internal.cronbach_state_recv, SEND = segment_internal.cronbach_state_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = external
);
COMMENT ON TYPE segment_internal.cronbach_state IS
$$State of the aggregate cronbach_alpha: exact sums and sums of squares of answers.
Text form: hexadecimal of the binary form; equal states have equal text.$$;
COMMENT ON FUNCTION segment_internal.cronbach_state_in(cstring) IS
$$Text input of cronbach_state.
Errors: invalid_binary_representation for anything that segment did not write,
protocol_violation where it ends too early.$$;
COMMENT ON FUNCTION segment_internal.cronbach_state_out(segment_internal.cronbach_state) IS
'Text output of cronbach_state: hexadecimal, canonical.';
COMMENT ON FUNCTION segment_internal.cronbach_state_recv(internal) IS
'Binary input of cronbach_state; everything in it is checked.';
COMMENT ON FUNCTION segment_internal.cronbach_state_send(segment_internal.cronbach_state) IS
'Binary output of cronbach_state: canonical, big-endian.';

CREATE FUNCTION segment_internal.cronbach_alpha_accum(segment_internal.cronbach_state, VARIADIC double precision[])
    RETURNS segment_internal.cronbach_state
    AS 'MODULE_PATHNAME', 'segment_cronbach_alpha_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION segment_internal.cronbach_alpha_combine(segment_internal.cronbach_state,
                                                        segment_internal.cronbach_state)
    RETURNS segment_internal.cronbach_state
    AS 'MODULE_PATHNAME', 'segment_cronbach_alpha_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION cronbach_alpha(state segment_internal.cronbach_state) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_cronbach_alpha' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.cronbach_alpha_accum(segment_internal.cronbach_state,
                                                          VARIADIC double precision[]) IS
'Transition function of the aggregate cronbach_alpha.';
COMMENT ON FUNCTION segment_internal.cronbach_alpha_combine(segment_internal.cronbach_state,
                                                            segment_internal.cronbach_state) IS
'Combine function of the aggregate cronbach_alpha.';
COMMENT ON FUNCTION cronbach_alpha(segment_internal.cronbach_state) IS
$$Alpha, from the state of the aggregate cronbach_alpha.
NULL: NULL.$$;
CREATE AGGREGATE cronbach_alpha(VARIADIC answers double precision[]) (
    SFUNC = segment_internal.cronbach_alpha_accum, STYPE = segment_internal.cronbach_state, SSPACE = 32768,
    FINALFUNC = cronbach_alpha, COMBINEFUNC = segment_internal.cronbach_alpha_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cronbach_alpha(VARIADIC double precision[]) IS
$$How far the questions of a scale measure one thing, Cronbach's alpha:
k / (k - 1) * (1 - sum of the variances of the k answers / variance of their sum), 1 at best; 0.7 is a usual demand.
One row a person, one argument a question: cronbach_alpha(q1, q2, 6 - q3), the reversed ones turned around.
Rows with an answer missing (NULL, NaN) or infinite are skipped, with a NOTICE.
Fewer than two rows, or sums that are all equal: NULL.
The same to the last bit for any order of rows and number of workers.
L. J. Cronbach, Coefficient alpha and the internal structure of tests, Psychometrika 16, 1951;
raw_alpha of R's psych::alpha.
Errors: invalid_parameter_value for fewer than 2 or more than 1000 answers, or rows of different numbers of them,
null_value_not_allowed for a NULL array, numeric_value_out_of_range for variances beyond double precision.$$;
