-- ---- reading rules ----

CREATE FUNCTION segment_rules(segmentation text,
    OUT priority integer, OUT segment_id integer, OUT segment text, OUT rule text,
    OUT description text, OUT customers bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    RETURN QUERY
    SELECT g.priority, g.segment_id, g.name, r.rule ->> 'rule', g.description, g.customers
    FROM segment.segment AS g
    LEFT JOIN jsonb_array_elements(s.options -> 'rules') AS r (rule)
        ON (r.rule ->> 'segment_id')::integer = g.segment_id
    WHERE g.segmentation = s.name AND g.closed_at IS NULL AND s.kind = 'rules' ORDER BY g.priority;
END;
$$;
COMMENT ON FUNCTION segment_rules(text) IS
$$The rules of a segmentation in the order of their priority, with the sizes of their segments;
rule NULL: the segment of the rest.
No rows for segmentations of other kinds.
Error (undefined_object) when there is no such segmentation.$$;

CREATE FUNCTION segment_internal.rule_changes(before jsonb, after jsonb,
    OUT segment text, OUT change text, OUT value_before text, OUT value_after text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    WITH rules AS (
        SELECT coalesce(a.rule, b.rule) ->> 'segment' AS segment, b.rule AS before, a.rule AS after,
               b.n AS n_before, a.n AS n_after
        FROM jsonb_array_elements(before -> 'rules') WITH ORDINALITY AS b (rule, n)
        FULL JOIN jsonb_array_elements(after -> 'rules') WITH ORDINALITY AS a (rule, n)
          ON a.rule -> 'segment_id' = b.rule -> 'segment_id'
    ), stayed AS (
        -- their order among those that both versions have
        SELECT r.segment, rank() OVER (ORDER BY n_before) AS n_before, rank() OVER (ORDER BY n_after) AS n_after
        FROM rules AS r WHERE r.before IS NOT NULL AND r.after IS NOT NULL
    )
    SELECT r.segment, CASE WHEN r.before IS NULL THEN 'added' WHEN r.after IS NULL THEN 'dropped' ELSE 'rule' END,
           r.before ->> 'rule', r.after ->> 'rule'
    FROM rules AS r WHERE r.before ->> 'rule' IS DISTINCT FROM r.after ->> 'rule'
    UNION ALL
    SELECT r.segment, 'description', r.before ->> 'description', r.after ->> 'description'
    FROM rules AS r
    WHERE r.before IS NOT NULL AND r.after IS NOT NULL
      AND r.before ->> 'description' IS DISTINCT FROM r.after ->> 'description'
    UNION ALL
    SELECT t.segment, 'priority', t.n_before::text, t.n_after::text FROM stayed AS t WHERE t.n_before <> t.n_after
    UNION ALL
    SELECT coalesce(after -> 'rest', before -> 'rest') ->> 'segment', 'rest',
           before -> 'rest' ->> 'segment', after -> 'rest' ->> 'segment'
    WHERE before -> 'rest' -> 'segment_id' IS DISTINCT FROM after -> 'rest' -> 'segment_id'
    ORDER BY 2, 1;
END;
COMMENT ON FUNCTION segment_internal.rule_changes(jsonb, jsonb) IS
'What changed from one definition of rules to the next.';

CREATE VIEW segment_rule_versions WITH (security_invoker = true) AS
    SELECT v.segmentation, v.version, v.changed_at, v.changed_by, v.note, c.segment, c.change,
           c.value_before, c.value_after, v.based_on, v.approved_by, v.approved_at,
           v.version IS NOT DISTINCT FROM s.rule_version AS in_use
    FROM rule_version AS v
    JOIN segmentation AS s ON s.name = v.segmentation
    LEFT JOIN rule_version AS b ON b.segmentation = v.segmentation AND b.version = v.based_on
    LEFT JOIN LATERAL segment_internal.rule_changes(coalesce(b.definition, '{}'), v.definition) AS c ON true;
COMMENT ON VIEW segment_rule_versions IS
'What was changed of the rules of segmentations, by whom, when and why: a row for each change of each version.';
COMMENT ON COLUMN segment_rule_versions.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_rule_versions.version IS 'Version that the change made, from 1; see revert_segment_rules.';
COMMENT ON COLUMN segment_rule_versions.changed_at IS 'When.';
COMMENT ON COLUMN segment_rule_versions.changed_by IS 'Role that was logged in.';
COMMENT ON COLUMN segment_rule_versions.note IS 'Why, as whoever changed it said.';
COMMENT ON COLUMN segment_rule_versions.segment IS 'Segment, by the name that it had; NULL: nothing changed.';
COMMENT ON COLUMN segment_rule_versions.change IS
'''added'', ''dropped'', ''rule'', ''description'', ''priority'' (the place among those that stayed), or ''rest''.';
COMMENT ON COLUMN segment_rule_versions.value_before IS
'Rule, description, place or name of the rest before; NULL: none.';
COMMENT ON COLUMN segment_rule_versions.value_after IS 'The same after.';
COMMENT ON COLUMN segment_rule_versions.based_on IS
'The version that the change is told from, which was in use then; NULL: none.';
COMMENT ON COLUMN segment_rule_versions.approved_by IS 'Role that approved it, see approve_model; NULL: nobody has.';
COMMENT ON COLUMN segment_rule_versions.approved_at IS 'When.';
COMMENT ON COLUMN segment_rule_versions.in_use IS 'Whether it is the one in use.';
