-- ---- what is bought together, and what to offer next ----

CREATE FUNCTION association_rules(
    key anyelement, query text, min_support double precision DEFAULT 0.01, min_confidence double precision DEFAULT 0.5,
    min_length integer DEFAULT 2, max_length integer DEFAULT 10, search_path text DEFAULT NULL,
    OUT antecedent anyarray, OUT consequent anyelement, OUT baskets bigint, OUT antecedent_baskets bigint,
    OUT consequent_baskets bigint, OUT support double precision, OUT confidence double precision,
    OUT lift double precision, OUT leverage double precision, OUT conviction double precision,
    OUT chi2 double precision, OUT chi2_p double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_association_rules' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10000 COST 10000;
COMMENT ON FUNCTION association_rules(anyelement, text, double precision, double precision, integer, integer, text) IS
$$Who has these in the basket has that, too: all rules of enough support and confidence, association_rules(null::text,
'SELECT invoice, product FROM line').
key: only names the type of the items (any hashable type).
query: its columns, by position: a basket (an order, a visit, or a customer; any hashable type) and an item.
min_support: the share of the baskets that have all items of the rule, at least; min_confidence: of those that have the
antecedent the share that has the consequent; a share is reached as it is printed (1 of 10 is 0.1).
min_length, max_length: items of a rule, both sides; 1 lets in rules without antecedent, which are the items' own
shares.
Returns a row a rule: antecedent (an array, the item that is in the fewest baskets first), consequent (one item),
baskets with all of it, with the antecedent, with the consequent; support, confidence,
lift (confidence / share of the consequent; 1: no association),
leverage (share with all of it minus what independence expects),
conviction (Infinity: no exception), chi2 of the table of both sides (one degree of freedom, no correction) and its
p-value.
NULL in conviction, chi2 and chi2_p where every basket has one of the sides: there is nothing to compare with.
The p-value of one rule does not allow for the many that were looked at.
An item counts once in a basket; a basket counts if it has an item.
Rows with a NULL are skipped, and told in a NOTICE; of no rows there are no rules.
Measures as in R's package arules.
search_path: under which the query alone is parsed and run; NULL: the session's.
Rows come in an order that does not depend on that of the source: sets that share their rarest items together.
Memory: work_mem times hash_mem_multiplier; about 20 bytes a row of the query, 40 a basket, 100 an item and 16 a
frequent set.
Rows and baskets beyond that go to temporary files, with the same answer.
Errors: configuration_limit_exceeded where items and frequent sets do not fit, invalid_parameter_value for a share
beyond 0 to 1, a length
below 1 or a query that is not a single reading SELECT, datatype_mismatch for wrong columns,
undefined_function for a type without hash function.$$;

CREATE FUNCTION item_similarity(
    key anyelement, query text, measure text DEFAULT 'cosine', top integer DEFAULT 10,
    min_together integer DEFAULT 1, search_path text DEFAULT NULL,
    OUT item anyelement, OUT rank integer, OUT similar_item anyelement, OUT baskets bigint, OUT item_baskets bigint,
    OUT similar_baskets bigint, OUT cosine double precision, OUT jaccard double precision, OUT lift double precision)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_item_similarity' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10000 COST 10000;
COMMENT ON FUNCTION item_similarity(anyelement, text, text, integer, integer, text) IS
$$The items that are most often in one basket with each item, given how often they are in any:
item_similarity(null::text,
'SELECT invoice, product FROM line').
key, query, search_path and NULLs: as of association_rules.
All rows must fit into work_mem times hash_mem_multiplier; about 20 bytes a row of the query and 40 a basket.
measure: by which the nearest are chosen: 'cosine' (baskets with both / root of the product of the baskets with each),
'jaccard' (baskets with both / baskets with either), 'lift' (baskets with both / what independence expects).
top: neighbours of an item, at most. min_together: baskets that have both, at least; lift needs some, since what was
sold once has the highest.
Returns a row for each item and neighbour: rank from 1, the baskets with both, the item and the neighbour, all measures.
Ties go to the item that is in fewer baskets, then to the order of the items.
An item that is with no other has no row.
Errors: as of association_rules, invalid_parameter_value for an unknown measure or a number below 1.$$;

CREATE FUNCTION recommend(
    key anyelement, item_key anycompatible, purchases text, segments text DEFAULT NULL,
    only_keys "any" DEFAULT NULL, top integer DEFAULT 10, only_new boolean DEFAULT true,
    whole_weight double precision DEFAULT 1000, neighbours integer DEFAULT 10, search_path text DEFAULT NULL,
    OUT customer anyelement, OUT rank integer, OUT item anycompatible, OUT score double precision,
    OUT because anycompatible)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_recommend_items' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100000 COST 10000;
COMMENT ON FUNCTION recommend(anyelement, anycompatible, text, text, "any", integer, boolean, double precision,
                              integer, text) IS
$$The next best items for each customer, by what customers of the segment have together: recommend(null::bigint,
null::text,
'SELECT customer_id, product FROM line', 'SELECT customer_id, segment FROM loyalty_segments').
key, item_key: only name the types of customers and items (any hashable types).
purchases: a query of customer and item. segments: a query of customer and segment, each customer in one at most;
NULL: there are none.
only_keys: an array of customers to answer for, also of ones that no query has; NULL: all of both queries.
top: items for a customer, at most. only_new: leave out what the customer has.
whole_weight: the counts of all customers are added to those of the segment as though they were that many customers
more,
so that a small segment falls back on the whole and a large one speaks for itself; 0: the segment alone.
Whom segments does not have is told by the whole.
neighbours: of each item only so many, the nearest, are looked at.
Returns: customer, rank from 1, item, score (the sum of the item's cosines with those that the customer has; an item the
customer has counts 1 for itself), because: the item that adds most to it.
Where that gives too few, the most popular items follow, with a score of 0 and NULL as because.
Item-based recommendations: Sarwar et al. 2001, Deshpande and Karypis 2004.
Rows of purchases with a NULL are skipped, and told in a NOTICE; those of segments say nothing.
All rows must fit into work_mem times hash_mem_multiplier, as of item_similarity, and 16 bytes for each neighbour.
Time: items bought by the same customers are counted once for all and once for each segment, so the square of what a
customer has counts.
Errors: as of association_rules; cardinality_violation for a customer in two segments.$$;
