-- ---- personas: a segment on one card ----

-- Of types of the server alone: those of others may bring code of theirs.  Times are taken as days.
CREATE FUNCTION segment_internal.persona_rows(s segmentation, query text, search_path text,
    OUT rows_query text, OUT attributes text[], OUT kinds text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    read record;
    list text;
    key_type text := format_type(segment_internal.key_type(s.members), -1);
BEGIN
    IF query IS NULL THEN
        SELECT string_agg(format(CASE k.kind WHEN 'number' THEN 'm.%I::float8 AS v%s'
                                             WHEN 'time' THEN 'm.%I::date AS v%s' ELSE 'm.%I::text AS v%s' END,
                                 k.name, k.n), ', ' ORDER BY k.n),
               array_agg(k.name ORDER BY k.n), array_agg(k.kind ORDER BY k.n)
        INTO list, attributes, kinds
        FROM (SELECT c.name, segment_internal.attribute_kind(c.type::regtype) AS kind,
                     row_number() OVER (ORDER BY c.number) AS n
              FROM segment_internal.member_columns(s) AS c
              WHERE c.is_fact
                AND c.type::regtype IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool', 'text',
                                        'varchar', 'date', 'timestamp', 'timestamptz')) AS k;
        rows_query := format('SELECT m.segment_id::text AS segment, %s FROM %s AS m', list, s.members);
    ELSE
        read := segment_internal.attribute_rows(segment_internal.source_query(query, search_path), search_path);
        IF read.first_type <> key_type THEN
            RAISE EXCEPTION
                'the first column of the attributes is of type %, and the key of segmentation "%" of type %',
                read.first_type, s.name, key_type
                USING ERRCODE = 'datatype_mismatch', HINT = 'It is the customer. Cast it in the query.';
        END IF;
        attributes := read.attributes;
        kinds := read.kinds;
        SELECT string_agg(CASE k.kind WHEN 'time' THEN format('a.v%s::date AS v%1$s', k.n) ELSE 'a.v' || k.n END, ', '
                          ORDER BY k.n)
        INTO list FROM unnest(kinds) WITH ORDINALITY AS k (kind, n);
        rows_query := format(
            'SELECT m.segment_id::text AS segment, %s FROM %s AS m
             LEFT JOIN (SELECT r.*, segment_internal.refuse_repeated_keys(
                                  count(*) OVER (PARTITION BY r.first) - 1, format(''%%s'', r.first)) AS once
                        FROM (%s) AS r WHERE r.first IS NOT NULL) AS a ON a.first %s m.%I AND a.once',
            list, s.members, read.rows_query, segment_internal.equality_operator(segment_internal.key_type(s.members)),
            segment_internal.key_column(s.members));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.persona_rows(segmentation, text, text) IS
$$The members of a segmentation as segment_internal.traits() reads them: segment (the id as text), v1, v2, ..., with
facts of the member table, or of a query of customer and attributes.
No attributes: rows_query NULL.
Errors: datatype_mismatch, cardinality_violation when it is run, and as attribute_rows.$$;

CREATE FUNCTION persona(
    name text, attributes text DEFAULT NULL, top integer DEFAULT 5, min_customers integer DEFAULT 10,
    search_path text DEFAULT pg_catalog.current_setting('search_path'),
    OUT segment_id integer, OUT segment text, OUT customers bigint, OUT customer_share numeric,
    OUT typical jsonb, OUT traits text[], OUT purpose text, OUT pain text, OUT quote text, OUT need text, OUT look text,
    OUT decision text, OUT card jsonb) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(persona.name);
    read record := segment_internal.persona_rows(s, persona.attributes, persona.search_path);
    sizes jsonb;
    figures jsonb := '{}';
    most_common jsonb;
    told jsonb;
BEGIN
    PERFORM segment_internal.check_trait_options(5, persona.min_customers);
    IF persona.top IS NULL OR persona.top < 0 THEN
        RAISE EXCEPTION 'top must be 0 or more, not %', coalesce(persona.top::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('SELECT coalesce(jsonb_object_agg(z.segment_id, z.n), ''{}'')
                    FROM (SELECT m.segment_id, count(*) AS n FROM %s AS m GROUP BY 1) AS z', s.members) INTO sizes;
    SELECT jsonb_object_agg(t.segment, t.traits), jsonb_object_agg(t.segment, t.typical)
    INTO told, most_common
    FROM (SELECT a.segment,
                 coalesce(jsonb_agg(jsonb_build_object(
                              'attribute', a.attribute, 'value', a.value, 'share', round(a.share::numeric, 3),
                              'elsewhere', round(a.rest_share::numeric, 3))
                          ORDER BY a.place) FILTER (WHERE a.place <= persona.top), '[]') AS traits,
                 jsonb_object_agg(a.attribute, a.value) FILTER (WHERE a.commonest) AS typical
          FROM (SELECT t.*, row_number() OVER (PARTITION BY t.segment
                                ORDER BY (t.difference > 0 AND t.p_adjusted < 0.05) IS NOT TRUE, t.difference DESC,
                                         t.attribute, t.value)
                             + CASE WHEN t.difference > 0 AND t.p_adjusted < 0.05 THEN 0 ELSE 2147483647 END AS place,
                       t.kind = 'value' AND row_number() OVER (PARTITION BY t.segment, t.attribute, t.kind
                                                               ORDER BY t.customers DESC, t.value COLLATE "C") = 1
                           AND read.kinds[array_position(read.attributes, t.attribute)] = 'category' AS commonest
                FROM segment_internal.traits(read.rows_query, read.attributes, read.kinds, 5, persona.min_customers,
                                             rounded => true) AS t) AS a
          GROUP BY a.segment) AS t;
    IF 'number' = ANY (read.kinds) OR 'time' = ANY (read.kinds) THEN
        EXECUTE format(
            'WITH source AS MATERIALIZED (%s)
             SELECT jsonb_object_agg(f.segment, f.figures)
             FROM (SELECT v.segment, jsonb_object_agg(v.attribute, v.value) AS figures
                   FROM (%s) AS v GROUP BY v.segment) AS f', read.rows_query,
            (SELECT string_agg(format(
                 'SELECT r.segment, %L AS attribute, to_jsonb(%s) AS value
                  FROM source AS r GROUP BY r.segment HAVING count(r.v%s) >= %s', read.attributes[k.n],
                 format(CASE k.kind WHEN 'number' THEN 'segment_internal.about(%s)'
                                    ELSE 'to_char(%s, ''YYYY-MM'')' END,
                        format('percentile_disc(0.5) WITHIN GROUP (ORDER BY r.v%s)', k.n)), k.n, persona.min_customers),
                               ' UNION ALL ')
             FROM unnest(read.kinds) WITH ORDINALITY AS k (kind, n) WHERE k.kind <> 'category'))
        INTO figures;
    END IF;
    RETURN QUERY
    SELECT c.segment_id, c.name, c.n, c.n_share, c.typical,
           ARRAY(SELECT format('%s %s: %s %% here, %s %% elsewhere', t.trait ->> 'attribute',
                               coalesce(t.trait ->> 'value', 'missing'), round(100 * (t.trait ->> 'share')::numeric, 1),
                               round(100 * (t.trait ->> 'elsewhere')::numeric, 1))
                 FROM jsonb_array_elements(c.traits) WITH ORDINALITY AS t (trait, n) ORDER BY t.n),
           c.notes ->> 'purpose', c.notes ->> 'pain', c.notes ->> 'quote', c.notes ->> 'need', c.notes ->> 'look',
           c.notes ->> 'decision',
           jsonb_build_object('segment', c.name, 'customers', c.n, 'share', c.n_share, 'typical', c.typical,
                              'traits', c.traits, 'notes', c.notes)
    FROM (SELECT g.segment_id, g.name, g.priority, coalesce((sizes ->> g.segment_id::text)::bigint, 0) AS n,
                 round(coalesce((sizes ->> g.segment_id::text)::bigint, 0)
                       / nullif(sum((sizes ->> g.segment_id::text)::bigint) OVER (), 0), 6) AS n_share,
                 coalesce(figures -> g.segment_id::text, '{}')
                     || coalesce(nullif(most_common -> g.segment_id::text, 'null'), '{}') AS typical,
                 coalesce(told -> g.segment_id::text, '[]') AS traits,
                 coalesce((SELECT jsonb_object_agg(l.kind, l.note)
                           FROM (SELECT DISTINCT ON (w.kind) w.kind, w.note FROM segment.segment_note AS w
                                 WHERE w.segmentation = s.name AND w.segment_id = g.segment_id
                                 ORDER BY w.kind, w.note_id DESC) AS l), '{}') AS notes
          FROM unnest(segment_internal.segment_rows(s.name)) AS g
          WHERE g.closed_at IS NULL OR (sizes ->> g.segment_id::text)::bigint > 0) AS c
    ORDER BY c.priority, c.segment_id;
END;
$$;
COMMENT ON FUNCTION persona(text, text, integer, integer, text) IS
$$Each segment on one card: what its customers are like, and what people know of them. No row and no figure is of a
single customer.
attributes: a query, or the name of a table or view, of which the first column is the customer (of the key's type), a
row a customer, and each other one an attribute; NULL: the facts in the member table (of RFM last_order_at, frequency,
monetary;
of a clustering its features; of rules what is kept).
Returns a row for each segment: customers and customer_share after the last refresh;
typical: by attribute the median, rounded to three digits, or to the month, or the most common category;
traits: what is more common here than among the others, by more than chance (segment_traits with five ranges, p_adjusted
below 0.05), at most so many as top says, the greatest difference first;
purpose, pain, quote, need, look, decision: of each the latest note, see note_segment; NULL: none;
card: all of it as JSON.
min_customers: attributes that fewer have, and values and ranges of fewer, are left out, see segment_traits.
It runs with the rights of the current user, the query under search_path, by default the session's.
Errors: undefined_object, object_not_in_prerequisite_state where tables cannot be read, insufficient_privilege,
invalid_parameter_value, datatype_mismatch for a customer of another type, cardinality_violation for several rows of
one.$$;

CREATE VIEW persona WITH (security_invoker = true) AS
    SELECT s.name AS segmentation, p.*, NULL::text AS not_shown
    FROM segmentation AS s CROSS JOIN LATERAL persona(s.name) AS p
    WHERE segment_internal.not_shown(s, with_history => false) IS NULL
    UNION ALL
    SELECT s.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           segment_internal.not_shown(s, with_history => false)
    FROM segmentation AS s WHERE segment_internal.not_shown(s, with_history => false) IS NOT NULL;
COMMENT ON VIEW persona IS
'Each segment of every segmentation on one card, as persona(name) tells it.';
COMMENT ON COLUMN persona.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN persona.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN persona.segment IS 'Name of the segment.';
COMMENT ON COLUMN persona.customers IS 'Number of members.';
COMMENT ON COLUMN persona.customer_share IS 'Share of all members, 0 to 1.';
COMMENT ON COLUMN persona.typical IS
'By attribute the median, rounded, or the most common category.';
COMMENT ON COLUMN persona.traits IS 'What is more common here than among the others, in words.';
COMMENT ON COLUMN persona.purpose IS 'What the segment is for; the latest note, as the following.';
COMMENT ON COLUMN persona.pain IS 'What troubles these customers.';
COMMENT ON COLUMN persona.quote IS 'What one of them said.';
COMMENT ON COLUMN persona.need IS 'What they want.';
COMMENT ON COLUMN persona.look IS 'Who to think of.';
COMMENT ON COLUMN persona.decision IS 'What was decided about them.';
COMMENT ON COLUMN persona.card IS 'All of it as JSON.';
COMMENT ON COLUMN persona.not_shown IS
'Why the segmentation is not shown, and this row holds nothing else; NULL: it is shown.';
