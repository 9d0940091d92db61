-- ---- the one way to change the catalogue ----

CREATE FUNCTION segment_internal.change_catalogue(operation text, VARIADIC arguments "any") RETURNS bigint
    AS 'MODULE_PATHNAME', 'segment_change_catalogue' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.change_catalogue(text, VARIADIC "any") IS
$$Changes the catalogue by one of a fixed list of operations, as the owner of the extension,
for a caller who has the rights of the owner of what is changed; src/segmentation/catalogue.c lists the operations.
Nobody else writes the catalogue, so the log of runs is only ever added to,
with the login and the time that it really was.
arguments: those of the operation, of exactly its types.
Returns what the operation is said to return; NULL where it found nothing to do it to.
Errors: insufficient_privilege when the caller has not that right, or there is no such thing;
invalid_parameter_value for an unknown operation or number of arguments, datatype_mismatch for their types.$$;
