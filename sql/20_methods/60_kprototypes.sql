-- ---- clustering: numbers and categories together ----

CREATE FUNCTION kprototypes(
    features feature_set, k integer, gamma double precision DEFAULT NULL, n_init integer DEFAULT 10,
    max_iter integer DEFAULT 100,
    scale text DEFAULT 'zscore', log text[] DEFAULT NULL, winsorize jsonb DEFAULT NULL, weights jsonb DEFAULT NULL,
    nulls text DEFAULT 'skip', seed bigint DEFAULT 1) RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_kprototypes_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION kprototypes(feature_set, integer, double precision, integer, integer, text,
                                text[], jsonb, jsonb, text, bigint) IS
$$Trains a k-prototypes model: k segments of rows with numbers and categories (Huang 1997);
k-modes where there are only categories.
The distance of a row from a segment is the squared Euclidean one from the means of the numbers,
plus gamma times the weight of each category that is not the segment's commonest.
gamma: how much a different category counts; NULL: half the mean standard deviation of the scaled numbers that differ
(0.5 with scale 'zscore'), 1 where there are none.
The first of n_init starts takes dense rows far from each other (Cao, Liang and Bai 2009),
the others draw as greedy k-means++ does; the least cost wins.
Where rows are few, the best start goes on with swaps: a prototype goes to a row far from its own, and is kept there
when that costs less (Fraenti 2018); none with n_init 1.
Each takes at most max_iter steps.
Of categories equally common the first in the order of bytes is the segment's.
A category that training did not meet differs from all; rows are placed by what else is known of them.
scale, log, winsorize, weights (of a category: of the cost of a different one), nulls ('mean' puts in the mean,
or the commonest category) and seed as in kmeans.
Segments are named 'Segment 1', the largest, to 'Segment k'.
model_metrics has cost (the sum of distances), total (the same with one segment) and gamma.
The same rows, seed and options give the same model, byte for byte, whatever the order of rows.
Fewer distinct rows than k: that many segments, with a NOTICE.
NULL features: NULL.
Errors: as kmeans, and program_limit_exceeded when counting the categories takes more than maintenance_work_mem.$$;
