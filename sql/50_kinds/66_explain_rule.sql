-- ---- explaining ----

CREATE FUNCTION segment_internal.rules_why(s segmentation, customer text,
    OUT what text, OUT value text, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    source text := segment_internal.source_statement(s);
    rule record;
    conditions text[];
    columns text[];
    asked record;
    answers boolean[];
    seen text[];
    first_false integer;
    taken_by text;
BEGIN
    FOR rule IN
        SELECT g.name AS segment, r.one ->> 'rule' AS text, r.one -> 'uses' AS uses
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (one, n)
        JOIN segment.segment AS g ON g.segmentation = s.name AND g.segment_id = (r.one ->> 'segment_id')::integer
        ORDER BY r.n
    LOOP
        conditions := segment_internal.rule_conditions(rule.text);
        columns := segment_internal.rule_columns(s.source, s.search_path, rule.text, rule.segment);
        asked := segment_internal.asked_source(s, source, rule.text, rule.uses, true);
        EXECUTE format('SELECT r.answers, r.seen FROM (SELECT a.customer AS %1$I, a.answers, a.seen
                        FROM segment_internal.query_rows(%2$L, %3$L, ''customer'', %4$s)
                             AS a (customer %5$s, answers boolean[], seen text[])) AS r
                        WHERE %6$s LIMIT 1',
                       segment_internal.key_column(s.members),
                       format(E'SELECT source.%I AS customer, ARRAY[%s] AS answers, '
                              'ARRAY[%s]::pg_catalog.text[] AS seen FROM (\n%s\n) AS source',
                              s.source_columns[1], asked.conditions_asked,
                              (SELECT string_agg(format('CASE WHEN source.%1$I IS NULL THEN ''NULL'' '
                                                        'ELSE pg_catalog.format(''%%s'', source.%1$I) END',
                                                        c), ', ' ORDER BY n)
                               FROM unnest(columns) WITH ORDINALITY AS u (c, n)), asked.statement),
                       s.search_path,
                       CASE WHEN segment_internal.keys_can_be_listed(s)
                                THEN format('ARRAY[CAST(%L AS %s)]', customer, key_type)
                            ELSE format('NULL::%s[]', key_type) END,
                       key_type, segment_internal.key_condition(s.members, customer))
        INTO answers, seen;
        IF answers IS NULL THEN
            what := 'rule';
            explanation := 'the source has no row of this customer now';
            RETURN NEXT;
            RETURN;
        END IF;
        what := 'rule';
        value := rule.segment;
        first_false := (SELECT min(i) FROM unnest(answers) WITH ORDINALITY AS a (answer, i) WHERE answer IS NOT TRUE);
        IF first_false IS NULL THEN
            explanation := CASE WHEN taken_by IS NOT NULL AND (s.options ->> 'exclusive')::boolean
                                THEN format('holds, too, but the rule of "%s" comes first', taken_by) ELSE 'holds' END;
            taken_by := coalesce(taken_by, rule.segment);
        ELSE
            explanation := format('%s is %s', regexp_replace(conditions[first_false], '\s+', ' ', 'g'),
                                  CASE WHEN answers[first_false] IS NULL THEN 'unknown' ELSE 'false' END);
        END IF;
        explanation := explanation || coalesce(
            (SELECT ': ' || string_agg(format('%s = %s', c, seen[n]), ', ' ORDER BY n)
             FROM unnest(columns) WITH ORDINALITY AS u (c, n)
             WHERE first_false IS NULL
                OR c = ANY (segment_internal.rule_columns(s.source, s.search_path,
                                                          conditions[first_false], rule.segment))), '');
        RETURN NEXT;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_why(segmentation, text) IS
$$What explain_customer tells of the rules of a segmentation: which hold for a customer,
and of the others the first condition that does not, with the values it saw.$$;
