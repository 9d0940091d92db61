-- ---- which tables a source reads, and what of them belongs to whom ----

CREATE FUNCTION segment_internal.trace_source(
    query text, search_path text, key_type regtype, key_collation regcollation,
    OUT what text, OUT relation regclass, OUT key_columns name[], OUT detail text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_trace_source' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 5;
COMMENT ON FUNCTION segment_internal.trace_source(text, text, regtype, regcollation) IS
$$What a query reads, whose first column is a customer key of a type and collation, under a search_path.
what: 'table': it reads relation, views and policies looked through, and a change of a row of it with key k in one of
key_columns changes only rows of customer k; NULL: of anybody, for the reason in detail;
'clock': it gives other rows at another time, by what detail says; 'chance': for another reason without any change;
'unseen': it may read tables where nobody sees it; 'definition': detail is another text for another definition of the
query, of its views, policies and functions of users.
NULL query or type: no row.
Errors: those of the server's parser.$$;
