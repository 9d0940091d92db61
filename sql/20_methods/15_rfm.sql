-- ---- RFM: cut points and scores ----

CREATE FUNCTION segment_internal.rfm_train(
    features feature_set, bins integer, lowest_score integer, cuts text, thresholds jsonb,
    scheme text, names text[], cells integer[], no_orders text, tenure boolean) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_rfm_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION segment_internal.rfm_train(feature_set, integer, integer, text, jsonb, text,
                                               text[], integer[], text, boolean) IS
$$Trains an RFM model with the segments of a compiled scheme: names, and for each of bins^3 cells
(recency slowest, monetary fastest, lowest score first) the position of its name; with tenure bins^4 cells,
tenure fastest.
rfm_model() looks the scheme up and calls this.
NULL features: NULL.$$;

CREATE FUNCTION rfm_score(model segment_model, VARIADIC features "any") RETURNS text
    AS 'MODULE_PATHNAME', 'segment_rfm_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION rfm_score(segment_model, VARIADIC "any") IS
$$The score code of (recency, frequency, monetary), for instance '555';
with scores above 9 the three are joined by hyphens.
Tenure may be given as a fourth, and has no part in the code.
NULL without orders or monetary value.
Error (wrong_object_type) for models that are not RFM models.$$;
CREATE FUNCTION recency_score(model segment_model, recency "any") RETURNS smallint
    AS 'MODULE_PATHNAME', 'segment_recency_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION recency_score(segment_model, "any") IS
$$The recency score, highest for the most recent.
NULL for NULL.$$;
CREATE FUNCTION frequency_score(model segment_model, frequency "any") RETURNS smallint
    AS 'MODULE_PATHNAME', 'segment_frequency_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION frequency_score(segment_model, "any") IS
$$The frequency score, highest for the most orders.
NULL for NULL and for no orders.$$;
CREATE FUNCTION monetary_score(model segment_model, monetary "any") RETURNS smallint
    AS 'MODULE_PATHNAME', 'segment_monetary_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION monetary_score(segment_model, "any") IS
$$The monetary score, highest for the highest total.
NULL for NULL.$$;
CREATE FUNCTION tenure_score(model segment_model, tenure "any") RETURNS smallint
    AS 'MODULE_PATHNAME', 'segment_tenure_score' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tenure_score(segment_model, "any") IS
$$The score of tenure, the days since the first order, highest for the longest known.
NULL for NULL, and for a model of a scheme that does not use tenure.$$;

CREATE FUNCTION segment_internal.rfm_days_left(
    model segment_model, recency double precision, tenure double precision, recency_score smallint,
    hysteresis double precision) RETURNS integer
    AS 'MODULE_PATHNAME', 'segment_rfm_days_left' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.rfm_days_left(segment_model, double precision, double precision, smallint,
                                                   double precision) IS
$$After how many days the score of recency or of tenure changes, where there are no more orders; 8 million for more.
recency_score: the score that the customer has, which hysteresis (a share as in held_value; NULL: none) may hold.
Of tenure, where the model has it, it may be that the segment stays.
Negative, where one of the scores was another one with a day less: see days_later.
NULL: never, or no recency.$$;

CREATE FUNCTION rfm_cut_points(model segment_model, OUT feature text, OUT score integer, OUT lower_cut double precision,
                               OUT upper_cut double precision, OUT closed text, OUT customers bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rfm_cut_points' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 15;
COMMENT ON FUNCTION rfm_cut_points(segment_model) IS
$$One row per feature and score: the cuts below and above (NULL: open), which side a value on a cut belongs to
(closed 'right': lower_cut < value <= upper_cut; 'left': lower_cut <= value < upper_cut),
and how many training rows have the score.$$;
