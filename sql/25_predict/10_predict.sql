-- ---- what number a model predicts ----

CREATE FUNCTION predict(model segment_model, VARIADIC features "any") RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_predict' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION predict(segment_model, VARIADIC "any") IS
$$The number that a model predicts for a row: the target of a linear regression, the probability of the positive label
of a logistic one.
Features: numbers of any type and categories in the model's order, or one row (matched by name), or VARIADIC array;
the target is none of them.
NULL model: NULL.
A missing feature or a category that training did not meet: NULL.
Error (wrong_object_type) for a model that predicts no number, invalid_parameter_value for a wrong number of features.$$;
