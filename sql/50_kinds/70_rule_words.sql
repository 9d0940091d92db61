-- ---- rules in plain words, and what looks like a slip in them ----

CREATE FUNCTION describe_rule(rule text) RETURNS text
    AS 'MODULE_PATHNAME', 'segment_describe_rule' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
    SET standard_conforming_strings = on;
COMMENT ON FUNCTION describe_rule(text) IS
$$A rule in plain words, for people who read no SQL:
describe_rule('last_order_at < as_of() - interval ''90 days''') is
last_order_at is more than 90 days before the refresh.
The rule is parsed, and nothing is run, looked up or checked: see check_rule.
Comparisons, IN, = ANY, BETWEEN, LIKE, regular expressions, IS NULL, IS TRUE, IS DISTINCT FROM, AND, OR, NOT and
intervals have words; what has none is told as it was written, in backquotes.
Up to three conditions stand on one line, others, and those that are nested, in a list with a line each.
"is false" and "is not" never hold where something is not known; "(or not known)" says where that is enough.
NULL for NULL.
Error (syntax_error) for a text that is not one expression.$$;
