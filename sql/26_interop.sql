-- ---- models for other programs ----

CREATE FUNCTION model_to_pmml(model segment_model) RETURNS xml
    AS 'MODULE_PATHNAME', 'segment_model_to_pmml' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION model_to_pmml(segment_model) IS
'A k-means model as PMML 4.4 (a ClusteringModel with centers and squared Euclidean distances), for programs that place rows outside PostgreSQL. Scaling, logarithms and clipping are derived fields; centers are scaled coordinates, as distances are taken; clusters have the segments'' ids and names. With nulls ''skip'' a missing value is invalid, with ''mean'' it is replaced. Infinite values, which segment takes for missing, are the reader''s affair. NULL model: NULL. Errors: wrong_object_type for a model of another kind, character_not_in_repertoire for a name with a control character, which XML cannot express.';
