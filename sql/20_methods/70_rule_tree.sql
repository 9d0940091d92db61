-- ---- rules from data: a tree that tells labels apart ----

CREATE FUNCTION rule_tree(features feature_set, max_depth integer DEFAULT 4, min_leaf integer DEFAULT NULL)
    RETURNS segment_model
    AS 'MODULE_PATHNAME', 'segment_rule_tree_train' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION rule_tree(feature_set, integer, integer) IS
$$Trains a classification tree (CART: Breiman, Friedman, Olshen and Stone 1984), whose leaves are rules:
conditions on features that tell the labels of rows apart; rule_tree_rules() shows them as SQL.
The first feature is the label, a whole number or a category: feature_set(label, a, b); labels become segments.
Rows without a label are skipped.
A node is divided where the Gini impurity falls most, and only where it falls; figures are compared exactly.
Numbers are divided midway between two neighbouring values.
Of categories, where the rows of the node have two labels, the best of all sets is told from the others;
else one category from the others.
A category that training did not meet is with the others.
A missing value goes where the impurity falls more; it can be told apart, too.
Where no row of the node lacks the feature, it goes to the side of more rows;
where no row at all lacks it, a row without it is in no segment.
Infinite values are numbers like others.
Of equal divisions that of the lower feature is taken, then of the lower threshold.
At last a node becomes a leaf where its leaves are right for no more rows than it is.
max_depth: conditions above a leaf at most, 1 to 20.
min_leaf: rows that a leaf has at least; NULL: 1 % of the rows.
model_metrics has label, leaves, depth and accuracy, the share of training rows that the tree is right for;
segment_probabilities are the shares of labels in the leaf.
The same rows and options give the same model, byte for byte, whatever the order of rows.
A single label: a tree of one leaf, with a NOTICE.
NULL features: NULL.
Errors: no_data when no row has a label, duplicate_column for two features of one name,
invalid_parameter_value for no feature but the label,
a label that is no whole number or an empty text, and numbers out of range,
feature_not_supported for a set with weights, null_value_not_allowed,
program_limit_exceeded for more than 1000 labels or 2^31 rows, or where counting takes more than
maintenance_work_mem.$$;

CREATE FUNCTION rule_tree_rules(
    model segment_model, nan boolean DEFAULT false,
    OUT leaf integer, OUT segment_id integer, OUT segment text, OUT rule text, OUT customers bigint,
    OUT share_right double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rule_tree_rules' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 16;
COMMENT ON FUNCTION rule_tree_rules(segment_model, boolean) IS
$$The leaves of a tree as SQL predicates over columns of the features' names, as create_rule_segmentation takes them.
A row meets the rule of the leaf that assign_segment(model, ...) finds for it, and no other,
also where values are missing; a row in no segment meets none.
Numbers are compared as double precision; a numeric or bigint of more than 15 digits may differ
where it rounds to a threshold.
customers: training rows in the leaf; share_right: the share of them that have its label.
nan: columns of numbers may hold NaN, which is missing for the model but for SQL greater than all numbers;
rules then keep it apart.
Errors: wrong_object_type for a model of another kind.$$;

CREATE FUNCTION segment_internal.rule_tree_rules(
    model segment_model, names text[], kinds text[],
    OUT leaf integer, OUT segment_id integer, OUT segment text, OUT rule text, OUT customers bigint,
    OUT share_right double precision) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rule_tree_rules' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 16;
COMMENT ON FUNCTION segment_internal.rule_tree_rules(segment_model, text[], text[]) IS
$$As rule_tree_rules(model), with the features called otherwise, and written as what they are:
'number', 'number or NaN', 'date', 'timestamp' or 'timestamptz' (which are numbers to the model, see time_number),
'category' or 'boolean'.$$;

CREATE FUNCTION segment_internal.time_number(timestamp) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_time_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.time_number(timestamptz) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_time_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION segment_internal.time_number(date) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_date_number' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.time_number(timestamp) IS 'A time as a feature: microseconds since 2000.';
COMMENT ON FUNCTION segment_internal.time_number(timestamptz) IS
'An instant as a feature: microseconds since 2000 in UTC.';
COMMENT ON FUNCTION segment_internal.time_number(date) IS 'A day as a feature: days since 2000.';
