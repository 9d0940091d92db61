-- ---- words for rules: functions of a row ----

CREATE FUNCTION hash_fraction(salt text, key text) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_hash_fraction' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION hash_fraction(salt text, key bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN segment.hash_fraction(salt, key::text);
CREATE FUNCTION hash_fraction(salt text, key uuid) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN segment.hash_fraction(salt, key::text);
COMMENT ON FUNCTION hash_fraction(text, text) IS
$$A number from 0 to below 1 that follows from salt and key alone, and looks as if drawn at random:
hash_fraction('spring 2026', customer_id) < 0.1 is a tenth of all customers, the same ones at any time,
on any server and in any other program; < 0.2 are they and another tenth; another salt is another tenth.
The first 52 bits of sha256(salt, a zero byte, key), both in UTF-8, divided by 2^52.
NULL for NULL.
Errors: those of converting text of another encoding to UTF-8.$$;
COMMENT ON FUNCTION hash_fraction(text, bigint) IS
'hash_fraction of a key that is a number: of its decimal digits, with a minus sign if it has one.';
COMMENT ON FUNCTION hash_fraction(text, uuid) IS
'hash_fraction of a key that is a uuid: of its 36 characters, in lower case.';

CREATE FUNCTION band(value double precision, cuts double precision[], labels text[], unknown text DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'segment_band' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION band(double precision, double precision[], text[], text) IS
$$The label of the band in which a value lies: band(age, '{18,35,60}', '{minor,young,middle,old}', 'unknown').
n ascending cuts make n + 1 bands; a value on a cut belongs above it, so every number lies in exactly one.
labels: one for each band, the lowest first.
unknown: for values that are NULL or NaN; default NULL.
Errors: invalid_parameter_value for cuts that do not ascend and a wrong number of labels,
null_value_not_allowed for NULL as cuts or labels.$$;

CREATE FUNCTION scale_score(answers double precision[], reversed integer[], min double precision,
                            max double precision, min_answered integer DEFAULT NULL) RETURNS double precision
    AS 'MODULE_PATHNAME', 'segment_scale_score' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION scale_score(double precision[], integer[], double precision, double precision, integer) IS
$$The score of a person on a scale of several questions: the mean of the answers, those of reversed questions turned
around (min + max - answer).
answers: NULL (or NaN) where none was given.
reversed: numbers of the questions where a high answer means little, from 1; '{}' for none.
min, max: the lowest and highest answer that can be given.
min_answered: with fewer answers the score is NULL; default: half of them, rounded up
(the half rule of SF-36; J. E. Ware et al., SF-36 Health Survey: Manual, 1993).
NULL answers: NULL.
Errors: numeric_value_out_of_range for an answer beyond min or max,
invalid_parameter_value for a reversed question that there is not, or min that is not below max.$$;
