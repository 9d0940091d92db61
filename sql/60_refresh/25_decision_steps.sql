-- ---- decisions of people, in a refresh ----
--
-- The kind places customers; what people decided comes between that and the comparison
-- with the members.  Where nobody ever decided anything there are none of these
-- steps, and the statements are those of the kind.
--
--   decision     a row for each customer about whom a decision is in force as of $1
--   by_decision  how many they are, and how many of them the kind had placed otherwise
--   decided      takes the place of placed: segment_id NULL and barred_id, the segment
--                that the kind has for him, for who is kept out of it; included for who is put in

CREATE FUNCTION segment_internal.decision_steps(s segmentation) RETURNS SETOF refresh_step
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 3 SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- plpgsql keeps the plan for the session
    RETURN QUERY SELECT t.name, t.statement
    FROM (SELECT CASE WHEN k.retrains = 'never' THEN $$unnest({open_ids}, {open_names}) AS g (segment_id, segment)$$
                      -- those of the model in use, which may be trained in this refresh
                      ELSE $$(SELECT n.segment_id, n.segment
           FROM {model} AS m CROSS JOIN LATERAL segment.segments(m.model) AS n) AS g$$ END AS segments
          FROM segment_internal.kind AS k WHERE k.kind = s.kind) AS open
    CROSS JOIN LATERAL (VALUES
(NULL, 'decision', $$
SELECT d.{decision_key} AS customer,
       coalesce(array_agg(g.segment_id) FILTER (WHERE d.include AND g.segment_id IS NOT NULL),
                ARRAY[]::integer[]) AS included,
       coalesce(array_agg(d.segment_id) FILTER (WHERE NOT d.include AND d.segment_id IS NOT NULL),
                ARRAY[]::integer[]) AS excluded,
       bool_or(NOT d.include AND d.segment_id IS NULL) AS from_all,
       min(d.until) FILTER (WHERE isfinite(d.until)) AS until
FROM {decisions} AS d LEFT JOIN $$ || open.segments || $$ ON g.segment_id = d.segment_id
WHERE (d.until > $1 OR d.until IS NULL) AND ({decision_asked})
GROUP BY d.{decision_key}$$),
(NULL, 'by_decision', $$
SELECT count(*) FILTER (WHERE is_included) AS included, count(*) FILTER (WHERE is_barred) AS excluded,
       count(*) FILTER (WHERE is_included AND places = 0) AS added,
       count(*) FILTER (WHERE NOT is_included AND places > 0 AND places = bars) AS taken_out
FROM (SELECT cardinality(d.included) > 0 AS is_included, count(p.segment_id) AS places,
             count(p.segment_id) FILTER (WHERE {bars}) AS bars, coalesce(bool_or({bars}), false) AS is_barred
      FROM {decision} AS d LEFT JOIN ({placed}
) AS p ON p.customer {equals} d.customer
      GROUP BY d.customer, d.included) AS k$$),
(false, 'decided', $$
SELECT coalesce(p.customer, d.customer) AS customer,
       coalesce(g.segment_id, CASE WHEN ({bars}) IS NOT TRUE THEN p.segment_id END) AS segment_id,
       coalesce(g.segment, CASE WHEN ({bars}) IS NOT TRUE THEN p.segment END) AS segment,
       {decided_v}{further}, g.segment_id IS NOT NULL AS included,
       CASE WHEN {bars} THEN p.segment_id END AS barred_id
FROM ({placed}
) AS p FULL JOIN {decision} AS d ON p.customer {equals} d.customer
LEFT JOIN $$ || open.segments || $$ ON g.segment_id = d.included[1]
WHERE p.segment_id IS NOT NULL OR g.segment_id IS NOT NULL$$),
(true, 'decided', $$
WITH found AS ({placed}
), facts AS (
    SELECT DISTINCT ON (f.customer) f.* FROM found AS f JOIN {decision} AS d ON f.customer {equals} d.customer
    WHERE cardinality(d.included) > 0 ORDER BY f.customer, f.segment_id
)
SELECT p.customer, CASE WHEN ({bars}) IS NOT TRUE THEN p.segment_id END AS segment_id,
       CASE WHEN ({bars}) IS NOT TRUE THEN p.segment END AS segment, {decided_v}{further}, false AS included,
       CASE WHEN {bars} THEN p.segment_id END AS barred_id
FROM found AS p LEFT JOIN {decision} AS d ON p.customer {equals} d.customer
WHERE p.segment_id IS NOT NULL AND (p.segment_id = ANY (d.included)) IS NOT TRUE
UNION ALL
SELECT coalesce(p.customer, d.customer), g.segment_id, g.segment, {decided_v}{further}, true, NULL
FROM {decision} AS d CROSS JOIN LATERAL unnest(d.included) AS u (segment_id)
JOIN $$ || open.segments || $$ ON g.segment_id = u.segment_id
LEFT JOIN facts AS p ON p.customer {equals} d.customer$$)) AS t (overlapping, name, statement)
    WHERE s.decisions IS NOT NULL AND coalesce(t.overlapping = segment_internal.overlapping(s), true);
END;
$function$;
COMMENT ON FUNCTION segment_internal.decision_steps(segmentation) IS
'The steps between the kind''s and those that all share, where people decided about single customers; else none.';

CREATE FUNCTION segment_internal.decision_places(s segmentation) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    overlapping boolean := segment_internal.overlapping(s);
BEGIN
    IF s.decisions IS NULL THEN
        RETURN '{}';
    END IF;
    RETURN (
        SELECT jsonb_build_object(
            'decisions', s.decisions::text, 'decision_key', quote_ident(segment_internal.key_column(s.decisions)),
            'decision_asked', CASE WHEN segment_internal.keys_can_be_listed(s)
                                       THEN format('$5 IS NULL OR d.%I %s ANY ($5)',
                                                   segment_internal.key_column(s.decisions),
                                                   segment_internal.equality_operator(
                                                       segment_internal.key_type(s.members))) ELSE '$5 IS NULL' END,
            'open_ids', format('%L::integer[]', g.ids), 'open_names', format('%L::text[]', g.names),
            -- an inclusion beats an exclusion: from the same segment there cannot be both
            'bars', format('(d.from_all OR p.segment_id = ANY (d.excluded)) AND %s',
                           CASE WHEN overlapping THEN 'p.segment_id <> ALL (d.included)'
                                ELSE 'cardinality(d.included) = 0' END),
            'unplaced', 'LEFT ',
            'came', 'CASE WHEN included THEN ''decision'' ELSE ''new'' END',
            'in_one', ' WHERE segment_id IS NOT NULL',
            'by_decision_too', ', p.included, p.barred_id',
            'in_one_or_before', E'\n      AND (p.segment_id IS NOT NULL OR o.customer IS NOT NULL)',
            'gone', 'CASE WHEN barred_id IS NOT NULL THEN ''decision'''
                    ' WHEN base_reason = ''decision'' THEN ''undecided'' ELSE ''gone'' END',
            'decided_reason', E'\n            WHEN included AND base_id IS DISTINCT FROM segment_id THEN ''decision'''
                              ' WHEN base_reason = ''decision'' AND base_id <> segment_id THEN ''undecided''',
            'decision_counts', ' || to_jsonb(b)', 'and_decisions', ', by_decision AS b',
            'decided_v', c.decided_v)
        || CASE WHEN overlapping THEN '{"same_place": " AND coalesce(p.segment_id, p.barred_id) = o.segment_id"}'
                ELSE '{}' END::jsonb
        FROM (SELECT string_agg(CASE WHEN m.name = 'next_transition_at'
                                         THEN format('least(p.v%1$s, d.until) AS v%1$s', m.number)
                                     ELSE 'p.v' || m.number END, ', ' ORDER BY m.number) AS decided_v
              FROM segment_internal.member_columns(s) AS m) AS c,
             (SELECT coalesce(array_agg(o.segment_id ORDER BY o.segment_id), '{}') AS ids,
                     coalesce(array_agg(o.name ORDER BY o.segment_id), '{}') AS names
              FROM segment.segment AS o WHERE o.segmentation = s.name AND o.closed_at IS NULL) AS g);
END;
$$;
COMMENT ON FUNCTION segment_internal.decision_places(segmentation) IS
'What stands for places in shared_steps and decision_steps, where people decided about single customers; else nothing.';

CREATE FUNCTION segment_internal.check_decisions(s segmentation, at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    IF s.decisions IS NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.decisions) THEN
        RAISE EXCEPTION 'the table of decisions of segmentation "%" was dropped', s.name
            USING ERRCODE = 'undefined_table', HINT = format('SELECT decision_table(%L) makes an empty one.', s.name);
    END IF;
    IF segment_internal.owner_of(s.decisions) <> segment_internal.owner_of(s.members) THEN
        RAISE EXCEPTION 'table % belongs to "%", and segmentation "%" to "%"', s.decisions,
            segment_internal.owner_of(s.decisions), s.name, segment_internal.owner_of(s.members)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('ALTER TABLE %s OWNER TO %I.', s.decisions, segment_internal.owner_of(s.members));
    END IF;
    EXECUTE format('SELECT d.segment_id FROM %s AS d WHERE d.segment_id <> ALL ($1) ORDER BY 1 LIMIT 1', s.decisions)
    INTO wrong
    USING ARRAY(SELECT g.segment_id FROM segment.segment AS g WHERE g.segmentation = s.name);
    IF wrong.segment_id IS NOT NULL THEN
        RAISE EXCEPTION 'table % has segment_id %, which is of no segment of segmentation "%"',
            s.decisions, wrong.segment_id, s.name
            USING ERRCODE = 'undefined_object', HINT = 'The table segment.segment lists them.';
    END IF;
    IF NOT segment_internal.overlapping(s) THEN
        EXECUTE format('SELECT min(format(''%%s'', i.customer)) AS customer
                        FROM (SELECT d.%1$I AS customer FROM %2$s AS d
                              WHERE d.include AND (d.until > $1 OR d.until IS NULL) AND d.segment_id = ANY ($2)
                              GROUP BY d.%1$I HAVING count(*) > 1) AS i',
                       segment_internal.key_column(s.decisions), s.decisions)
        INTO wrong
        USING at, ARRAY(SELECT g.segment_id FROM segment.segment AS g
                        WHERE g.segmentation = s.name AND g.closed_at IS NULL);
        IF wrong.customer IS NOT NULL THEN
            RAISE EXCEPTION 'table % includes customer % in several segments of segmentation "%", expected one',
                s.decisions, wrong.customer, s.name
                USING ERRCODE = 'cardinality_violation',
                      HINT = 'include_customer() puts one decision in the place of the others.';
        END IF;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_decisions(segmentation, timestamptz) IS
$$Raises an error where the table of decisions of a segmentation cannot be followed as of an instant: undefined_table,
object_not_in_prerequisite_state where it is another owner's, undefined_object for the id of no segment,
cardinality_violation for a customer included in several segments where customers are in one.$$;
