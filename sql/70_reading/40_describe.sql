-- ---- rules that describe the segments of any segmentation ----

CREATE FUNCTION segment_internal.describable(query text, search_path text, key text,
    OUT number integer, OUT name text, OUT type text, OUT kind text) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 20
BEGIN ATOMIC
    SELECT c.number, c.name, CASE WHEN t.time IS NULL THEN f.feature ELSE t.time END,
           CASE WHEN t.time IS NOT NULL THEN replace(replace(t.time, ' without time zone', ''), ' with time zone', 'tz')
                WHEN f.feature = 'double precision' THEN
                    CASE WHEN b.base IN ('real', 'double precision', 'numeric') THEN 'number or NaN' ELSE 'number' END
                WHEN f.feature = 'text' THEN CASE WHEN b.base = 'boolean' THEN 'boolean' ELSE 'category' END END
    FROM segment_internal.query_columns(query, search_path) AS c
    CROSS JOIN LATERAL (SELECT segment_internal.feature_type(c.type) AS feature) AS f
    CROSS JOIN LATERAL (SELECT pg_catalog.format_type(coalesce(nullif(p.typbasetype, 0::oid), p.oid), NULL) AS base
                        FROM pg_catalog.pg_type AS p WHERE p.oid = c.type) AS b
    CROSS JOIN LATERAL (SELECT CASE WHEN c.type IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                                    THEN pg_catalog.format_type(c.type, NULL) END AS time) AS t
    WHERE c.name <> key;
END;
COMMENT ON FUNCTION segment_internal.describable(text, text, text) IS
$$The columns of a query but the key: the type they are read as, and what they are in rules, see rule_tree_rules;
kind NULL: a column of this type cannot be described by.$$;

CREATE FUNCTION segment_internal.describe_as_owner(
    segmentation text, source text, key text, max_depth text, min_leaf text, holdout text, seed text, search_path text,
    OUT segment text, OUT rule text, OUT customers bigint, OUT share_right numeric, OUT share_found numeric,
    OUT held_out bigint, OUT accuracy numeric) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    most_categories CONSTANT integer := 100;
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    statement text;
    path text := coalesce(search_path, s.search_path);
    wanted_key text := key;
    key_type text;
    names text[];
    types text[];
    kinds text[];
    rows_of text;
    distinct_counts bigint[];
    has_nan boolean[];
    repeated bigint;
    example text;
    left_out text;
    d text;
    tree segment.segment_model;
    labels jsonb;
    right_ones bigint;
BEGIN
    IF segment_internal.overlapping(s) THEN
        RAISE EXCEPTION 'customers of segmentation "%" may be in several segments at once', segmentation
            USING ERRCODE = 'feature_not_supported', HINT = 'Rules are found for segments that exclude each other.';
    END IF;
    IF source IS NULL THEN
        wanted_key := segment_internal.key_column(s.members);
        path := s.search_path;
        SELECT format('SELECT %I%s FROM %s', wanted_key, string_agg(format(', %I', c.name), '' ORDER BY c.number),
                      s.members)
        INTO statement FROM segment_internal.member_columns(s) AS c WHERE c.is_fact;
    ELSE
        statement := segment_internal.source_query(source, path);
    END IF;
    SELECT c.name, format_type(c.type, -1) INTO key, key_type FROM segment_internal.query_columns(statement, path) AS c
    WHERE c.name = wanted_key OR wanted_key IS NULL AND c.number = 1 ORDER BY c.number LIMIT 1;
    IF key_type IS NULL THEN
        RAISE EXCEPTION 'the source has no column "%"', wanted_key
            USING ERRCODE = 'undefined_column', HINT = 'key names the column that identifies the customer.';
    END IF;

    SELECT string_agg(format('"%s" of type %s', c.name, format_type(q.type, NULL)), ', ' ORDER BY c.number)
               FILTER (WHERE c.kind IS NULL),
           array_agg(c.name ORDER BY c.number) FILTER (WHERE c.kind IS NOT NULL),
           array_agg(c.type ORDER BY c.number) FILTER (WHERE c.kind IS NOT NULL),
           array_agg(c.kind ORDER BY c.number) FILTER (WHERE c.kind IS NOT NULL)
    INTO left_out, names, types, kinds
    FROM segment_internal.describable(statement, path, key) AS c
    JOIN segment_internal.query_columns(statement, path) AS q ON q.number = c.number;

    -- each column by its number, and whether numbers are NaN, which reading them forgets
    rows_of := format(
        'segment_internal.query_rows(%L, %L) AS a (customer %s, %s nan boolean[])',
        format(E'SELECT source.%I AS customer, %s ARRAY[%s]::pg_catalog.bool[] AS nan FROM (\n%s\n) AS source', key,
               (SELECT string_agg(format('source.%I AS c%s,', u.name, u.n), ' ' ORDER BY u.n)
                FROM unnest(names) WITH ORDINALITY AS u (name, n)),
               (SELECT string_agg(CASE WHEN u.kind = 'number or NaN'
                                       THEN format('source.%I OPERATOR(pg_catalog.=) ''NaN''', u.name) ELSE 'NULL' END,
                                  ', ' ORDER BY u.n)
                FROM unnest(names, kinds) WITH ORDINALITY AS u (name, kind, n)),
               statement),
        path, key_type,
        (SELECT string_agg(format('c%s %s,', u.n, u.type), ' ' ORDER BY u.n)
         FROM unnest(types) WITH ORDINALITY AS u (type, n)));
    PERFORM segment_internal.set_clock(s, coalesce(s.refreshed_as_of, clock_timestamp()));
    EXECUTE format(
        'SELECT ARRAY[%s]::bigint[], ARRAY[%s]::boolean[], count(a.customer) - count(DISTINCT a.customer) FROM %s',
        (SELECT string_agg(CASE WHEN u.kind = 'category' THEN format('count(DISTINCT a.c%s)', u.n) ELSE '0' END,
                           ', ' ORDER BY u.n)
         FROM unnest(kinds) WITH ORDINALITY AS u (kind, n)),
        (SELECT string_agg(format('bool_or(a.nan[%s])', u.n), ', ' ORDER BY u.n)
         FROM unnest(kinds) WITH ORDINALITY AS u (kind, n)), rows_of)
    INTO distinct_counts, has_nan, repeated;
    IF repeated > 0 THEN
        EXECUTE format('SELECT format(''%%s'', a.customer) FROM %s WHERE a.customer IS NOT NULL '
                       'GROUP BY a.customer HAVING count(*) > 1 ORDER BY 1 LIMIT 1', rows_of) INTO example;
        PERFORM segment_internal.refuse_repeated_keys(repeated, example);
    END IF;
    SELECT concat_ws(', ', left_out,
                     string_agg(format('"%s" with %s different values', u.name, u.distinct_count), ', ' ORDER BY u.n))
    INTO left_out
    FROM unnest(names, distinct_counts) WITH ORDINALITY AS u (name, distinct_count, n)
    WHERE u.distinct_count > most_categories;
    IF left_out <> '' THEN
        RAISE NOTICE 'columns that rules do not use: %', left_out
            USING DETAIL = format('Rules are about numbers, times, booleans, and texts and enums of at most %s values.',
                                  most_categories);
    END IF;
    SELECT array_agg(u.name ORDER BY u.n),
           array_agg(CASE WHEN u.kind = 'number or NaN' AND u.nan IS NOT TRUE THEN 'number' ELSE u.kind END
                     ORDER BY u.n),
           string_agg(format(', %s AS c%s', CASE WHEN u.kind IN ('date', 'timestamp', 'timestamptz')
                                                 THEN format('segment_internal.time_number(a.c%s)', u.n)
                                                 ELSE 'a.c' || u.n END, u.n), '' ORDER BY u.n)
    INTO names, kinds, d
    FROM unnest(names, kinds, distinct_counts, has_nan) WITH ORDINALITY AS u (name, kind, distinct_count, nan, n)
    WHERE u.distinct_count <= most_categories;
    IF names IS NULL THEN
        RAISE EXCEPTION 'there is no column to find rules about'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a source with one row per customer: source => ''customers''.';
    END IF;

    EXECUTE format(
        'WITH d AS MATERIALIZED (
             SELECT coalesce(m.segment_id, 0) AS label,
                    (''x'' || left(encode(sha256(convert_to($3 || '':'' || a.customer::text, ''UTF8'')), ''hex''), 12))
                        ::bit(48)::bigint / 281474976710656.0::float8 < $4 AS held%s
             FROM %s LEFT JOIN %s AS m ON m.%I OPERATOR(%s) a.customer::%s WHERE a.customer IS NOT NULL),
         m AS MATERIALIZED (
             SELECT segment.rule_tree(segment.feature_set(r), $1, $2) AS model
             FROM (SELECT d.label%s FROM d WHERE NOT d.held) AS r)
         SELECT (SELECT m.model FROM m), count(*) FILTER (WHERE d.held),
                count(*) FILTER (WHERE d.held AND segment.assign_segment((SELECT m.model FROM m), d) = d.label::text),
                (SELECT jsonb_object_agg(c.label, c.n)
                 FROM (SELECT d.label, count(*) AS n FROM d WHERE NOT d.held GROUP BY 1) AS c)
         FROM d', d, rows_of, s.members, segment_internal.key_column(s.members),
        substring(segment_internal.equality_operator(segment_internal.key_type(s.members)) FROM 'OPERATOR\((.*)\)'),
        format_type(segment_internal.key_type(s.members), NULL),
        regexp_replace(d, ', .*? AS (c\d+)', ', d.\1', 'g'))
    INTO tree, held_out, right_ones, labels
    USING max_depth::integer, min_leaf::integer, seed, holdout::float8;
    IF tree IS NULL THEN
        RAISE EXCEPTION 'there are no customers to find rules for'
            USING ERRCODE = '02000',
                  DETAIL = format('The source has %s customers, who are all held out.', held_out);
    END IF;
    accuracy := round(right_ones::numeric / nullif(held_out, 0), 6);
    RETURN QUERY
    SELECT g.name, CASE WHEN count(r.leaf) > 1 THEN string_agg(format('(%s)', r.rule), ' OR ' ORDER BY r.leaf)
                        ELSE min(r.rule) END,
           coalesce(sum(r.customers), 0)::bigint,
           round((sum(r.customers * r.share_right) / sum(r.customers))::numeric, 6),
           round((coalesce(sum(r.customers * r.share_right), 0) / min(l.n::bigint))::numeric, 6),
           describe_as_owner.held_out, describe_as_owner.accuracy
    FROM jsonb_each_text(labels) AS l (label, n)
    LEFT JOIN segment.segment AS g ON g.segmentation = s.name AND g.segment_id = l.label::integer
    LEFT JOIN segment_internal.rule_tree_rules(tree, names, kinds) AS r ON r.segment = l.label
    GROUP BY l.label, g.name ORDER BY nullif(l.label::integer, 0) NULLS LAST;
END;
$$;
COMMENT ON FUNCTION segment_internal.describe_as_owner(text, text, text, text, text, text, text, text) IS
'The work of describe_segments, with the rights of the owner.';

CREATE FUNCTION describe_segments(
    segmentation text, source text DEFAULT NULL, max_depth integer DEFAULT 4, min_leaf integer DEFAULT NULL,
    holdout double precision DEFAULT 0.2, seed bigint DEFAULT 1, key text DEFAULT NULL,
    search_path text DEFAULT current_setting('search_path'),
    OUT segment text, OUT rule text, OUT customers bigint, OUT share_right numeric, OUT share_found numeric,
    OUT held_out bigint, OUT accuracy numeric) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF max_depth IS NULL OR holdout IS NULL OR seed IS NULL THEN
        RAISE EXCEPTION 'max_depth, holdout and seed must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT (holdout >= 0 AND holdout < 1) THEN
        RAISE EXCEPTION 'holdout must be a share from 0 to below 1, not %', holdout
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance 0.2: every fifth customer is held out.';
    END IF;
    RETURN QUERY
    SELECT d.* FROM segment_internal.rows_as_owner(
        segment_internal.owner_of(s.members),
        'SELECT d.* FROM segment_internal.describe_as_owner($1, $2, $3, $4, $5, $6, $7, $8) AS d',
        s.name, source, key, max_depth::text, min_leaf::text, holdout::text, seed::text, search_path)
        AS d (segment text, rule text, customers bigint, share_right numeric, share_found numeric, held_out bigint,
              accuracy numeric);
END;
$$;
COMMENT ON FUNCTION describe_segments(text, text, integer, integer, double precision, bigint, text, text) IS
$$Rules that reproduce the segments of any segmentation as well as a short tree can
(see rule_tree for max_depth and min_leaf), a row a segment; its leaves are joined by OR.
create_rule_segmentation takes the rules as they are.
source: a relation or query with one row per customer; rules are about its columns but the key:
numbers, times, booleans, and texts and enums of at most 100 values, others are told in a NOTICE;
NULL: the facts that the member table keeps.
key: the column that identifies the customer, default the first.
search_path: of the source, default the session's.
as_of() in the source is the instant of the last refresh.
A row with segment NULL is of customers of the source who are in no segment.
rule: NULL where no leaf of the tree is of the segment.
customers: whom the rule takes; share_right: the share of them who are in the segment;
share_found: the share of the segment that the rule takes, all 0 to 1, of the customers that the tree was made of.
holdout: the share of customers who are kept out of that, chosen by a hash of seed and key;
held_out: how many they are; accuracy: the share of them whom the rules put where they are; NULL without any.
The source is run with the rights of the owner of the segmentation.
Errors: undefined_object for an unknown segmentation, insufficient_privilege for one of somebody else,
feature_not_supported where customers may be in several segments, cardinality_violation where keys repeat,
undefined_column, invalid_parameter_value, null_value_not_allowed, no_data, and those of the source.$$;
