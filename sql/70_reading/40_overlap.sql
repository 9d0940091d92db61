-- ---- what segments have in common ----

CREATE FUNCTION segment_internal.overlap_counts(
    queries text[], overlapping boolean[], segmentation integer[], segment_ids integer[],
    OUT a integer, OUT b integer, OUT customers_a bigint, OUT customers_b bigint, OUT customers_both bigint,
    OUT customers bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_overlap_counts' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10000 COST 1000000;
COMMENT ON FUNCTION segment_internal.overlap_counts(text[], boolean[], integer[], integer[]) IS
$$How many customers two segments have in common, for each pair of segments a < b, by number from 1.
queries: of each segmentation the members, as key and segment_id; keys are of one type.
overlapping: whether a customer may be in several of its segments; else there are no pairs of them.
segmentation, segment_ids: of each segment which of the segmentations it is of, from 1, and its id there.
customers: in any of the segments.
Errors: invalid_parameter_value and datatype_mismatch for what does not fit, and those of the queries.$$;

CREATE FUNCTION segment_internal.key_family(members regclass, OUT family text, OUT cast_to text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type oid := segment_internal.key_type(members);
    base oid;
    ignoring text := (SELECT ' ' || k.oid FROM pg_attribute AS a JOIN pg_collation AS k ON k.oid = a.attcollation
                       WHERE a.attrelid = members AND a.attnum = 1 AND NOT k.collisdeterministic);
BEGIN
    LOOP
        SELECT nullif(t.typbasetype, 0) INTO base FROM pg_type AS t WHERE t.oid = type;
        EXIT WHEN base IS NULL;
        type := base;
    END LOOP;
    cast_to := CASE WHEN type IN ('int2'::regtype, 'int4'::regtype) THEN 'bigint'
                    WHEN type IN ('varchar'::regtype, 'bpchar'::regtype) THEN 'text'
                    ELSE format_type(type, -1) END;
    family := CASE WHEN cast_to IN ('bigint', 'numeric') THEN 'number' ELSE cast_to END || coalesce(ignoring, '');
END;
$$;
COMMENT ON FUNCTION segment_internal.key_family(regclass) IS
$$Which segmentations have customers that can be the same: those whose keys are of one family, and are
compared as cast_to: numbers with numbers, text with text of the same collation, or of any that tells
different text apart.$$;

CREATE FUNCTION segment_internal.compared_segmentations(names text[]) RETURNS SETOF segmentation
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    left_out text;
BEGIN
    IF cardinality(names) > 0 THEN
        RETURN QUERY
        SELECT (segment_internal.readable_segmentation(u.name)).*
        FROM (SELECT n.name, min(n.i) AS i FROM unnest(names) WITH ORDINALITY AS n (name, i) GROUP BY 1) AS u
        ORDER BY u.i;
        RETURN;
    END IF;
    RETURN QUERY SELECT s.* FROM segment.segmentation AS s
                 WHERE segment_internal.not_shown(s, with_history => false) IS NULL ORDER BY s.name;
    SELECT string_agg(format('"%s": %s', s.name, segment_internal.not_shown(s, with_history => false)), '; '
                      ORDER BY s.name)
    INTO left_out FROM segment.segmentation AS s
    WHERE segment_internal.not_shown(s, with_history => false) IS NOT NULL;
    IF left_out IS NOT NULL THEN
        RAISE NOTICE 'segmentations that are left out: %', left_out;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.compared_segmentations(text[]) IS
$$Segmentations by name, each once, in their order; none: all that are shown to the current user,
and a NOTICE of those that are not.
Errors: as readable_segmentation.$$;

CREATE FUNCTION segment_overlap(
    VARIADIC segmentations text[] DEFAULT '{}',
    OUT segmentation_a text, OUT segment_a text, OUT segmentation_b text, OUT segment_b text,
    OUT customers_a bigint, OUT customers_b bigint, OUT customers_both bigint, OUT jaccard numeric, OUT lift numeric)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given segment.segmentation[] := ARRAY(SELECT c FROM segment_internal.compared_segmentations(segmentations) AS c);
    f record;
    n_families integer := 0;
    families text[] := '{}';
BEGIN
    FOR f IN
        WITH compared AS MATERIALIZED (
            SELECT (given[i]).name, (given[i]).members, segment_internal.overlapping(given[i]) AS overlapping,
                   k.family, i, row_number() OVER (PARTITION BY k.family ORDER BY i) AS place,
                   CASE WHEN bool_or(k.cast_to = 'numeric') OVER (PARTITION BY k.family) THEN 'numeric'
                        ELSE k.cast_to END AS compared_as
            FROM generate_subscripts(given, 1) AS i
            CROSS JOIN LATERAL segment_internal.key_family((given[i]).members) AS k
        ), listed AS (
            SELECT c.family, c.place, g.segment_id, g.name, c.name AS segmentation,
                   row_number() OVER (PARTITION BY c.family ORDER BY c.place, g.priority, g.segment_id) AS number
            FROM compared AS c JOIN segment.segment AS g ON g.segmentation = c.name
            WHERE g.closed_at IS NULL OR g.customers > 0
        )
        SELECT c.family, c.queries, c.overlapping, c.names, l.*
        FROM (SELECT family, min(i) AS i, array_agg(name ORDER BY place) AS names,
                     array_agg(format('SELECT CAST(%I AS %s), segment_id FROM %s',
                                      segment_internal.key_column(members), compared_as, members)
                               ORDER BY place) AS queries,
                     array_agg(overlapping ORDER BY place) AS overlapping
              FROM compared GROUP BY family) AS c
        JOIN (SELECT family AS of_family, array_agg(place::integer ORDER BY number) AS places,
                     array_agg(segment_id ORDER BY number) AS segment_ids,
                     array_agg(name ORDER BY number) AS segments,
                     array_agg(segmentation ORDER BY number) AS segmentations_of
              FROM listed GROUP BY family) AS l ON l.of_family = c.family
        ORDER BY c.i
    LOOP
        n_families := n_families + 1;
        families := families || format('%s (%s)', array_to_string(f.names, ', '), split_part(f.family, ' ', 1));
        RETURN QUERY
        SELECT f.segmentations_of[p.a], f.segments[p.a], f.segmentations_of[p.b], f.segments[p.b],
               p.customers_a, p.customers_b, p.customers_both,
               round(p.customers_both::numeric / nullif(p.customers_a + p.customers_b - p.customers_both, 0), 6),
               round(p.customers_both::numeric * p.customers
                     / nullif(p.customers_a::numeric * p.customers_b::numeric, 0), 6)
        FROM segment_internal.overlap_counts(f.queries, f.overlapping, f.places, f.segment_ids) AS p
        ORDER BY p.a, p.b;
    END LOOP;
    IF n_families > 1 THEN
        RAISE NOTICE 'segmentations whose customers have keys of different types are not compared: %',
            array_to_string(families, '; ');
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_overlap(text[]) IS
$$How many customers segments have in common, a row for each pair of segments of the given segmentations,
by default of all that are shown to the current user: segment_overlap('loyalty', 'tags').
Pairs are of two segmentations, or of one in which a customer may be in several segments;
those that nobody is in both of are listed, too.
customers_a, customers_b, customers_both: members after the last refresh.
jaccard: customers_both of those who are in one or the other, 0 to 1; NULL where nobody is.
lift: customers_both compared with what it would be if the two had nothing to do with each other
(customers_a * customers_b / all customers of these segmentations): 1 as many, 2 twice as many;
NULL where one is empty.
Each member table is read once, where work_mem (times hash_mem_multiplier) holds a bit for each segment and
customer, and their keys; else several times.
Numbers are compared with numbers and text with text; segmentations whose keys are of different types are
not, which a NOTICE tells, as it does which segmentations are not shown.
Errors: undefined_object, object_not_in_prerequisite_state where tables cannot be read, insufficient_privilege.$$;
