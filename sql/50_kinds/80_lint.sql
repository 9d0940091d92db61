-- ---- what in a segmentation is hardly what its author meant ----

CREATE FUNCTION segment_internal.rule_slips(rule text, OUT finding text, OUT subject text, OUT question text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rule_slips' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 3
    SET standard_conforming_strings = on;
COMMENT ON FUNCTION segment_internal.rule_slips(text) IS
$$What in the text of a rule is hardly meant, see lint_segmentation: the finding, and the column that it is about.
question: a condition that decides it, if it holds for any row of the source; NULL: the text alone does.
The rule must be one expression, see rule_columns.$$;

CREATE TYPE segment_internal.rule_answer AS (what text, rule integer, other integer, customers bigint);
COMMENT ON TYPE segment_internal.rule_answer IS 'What rules answer to all rows of a source, counted; see rule_answers.';
COMMENT ON COLUMN segment_internal.rule_answer.what IS
    '''rows'', ''true'', ''unknown'', ''first'', ''taken'' or ''near''.';
COMMENT ON COLUMN segment_internal.rule_answer.rule IS 'Number of the rule, from 1; NULL: all.';
COMMENT ON COLUMN segment_internal.rule_answer.other IS 'Number of another rule.';
COMMENT ON COLUMN segment_internal.rule_answer.customers IS 'For how many rows.';

CREATE FUNCTION segment_internal.rule_answers(
    query text, search_path text, rules integer, questions integer, near double precision)
    RETURNS SETOF segment_internal.rule_answer
    AS 'MODULE_PATHNAME', 'segment_rule_answers' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 500;
COMMENT ON FUNCTION segment_internal.rule_answers(text, text, integer, integer, double precision) IS
$$What rules answer to all rows of a source, counted in one pass.
query: yields for each row an array of the answers of rules, in their order, and of questions behind them.
'rows': how many there are; 'true', 'unknown': for how many a rule or question holds, or is NULL;
'first': for how many a rule is the first that holds;
'taken': for how many it holds though other is the first, of the three that take most;
'near': for how many it and other hold, where they are more than near of those for which one of both does.
Errors: invalid_parameter_value, datatype_mismatch, and those of the query.$$;

CREATE FUNCTION segment_internal.count_answers(s segmentation, rules text[], questions text[])
    RETURNS segment_internal.rule_answer[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- questions are parts of rules, and use what these use
    uses jsonb := (SELECT jsonb_agg(DISTINCT u.one)
                   FROM jsonb_array_elements(segment_internal.rules_with_uses(s)) AS r (rule)
                   CROSS JOIN LATERAL jsonb_array_elements(r.rule -> 'uses') AS u (one));
    asked record;
BEGIN
    asked := segment_internal.used_source(s, segment_internal.source_statement(s), (
        SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('rule', coalesce(t.text, 'NULL'), 'uses', uses))
                         ORDER BY t.n)
        FROM unnest(rules || questions) WITH ORDINALITY AS t (text, n)));
    RETURN (SELECT array_agg(a) FROM segment_internal.rule_answers(
        format(E'SELECT ARRAY[%s]::pg_catalog.bool[] FROM (\n%s\n) AS source WHERE source.%I IS NOT NULL',
               (SELECT string_agg(format(E'(\n%s\n)', q), ',' ORDER BY n)
                FROM unnest(asked.replaced) WITH ORDINALITY AS u (q, n)),
               asked.statement, s.source_columns[1]),
        s.search_path, cardinality(rules), cardinality(questions), 0.95) AS a);
END;
$$;
COMMENT ON FUNCTION segment_internal.count_answers(segmentation, text[], text[]) IS
'rule_answers for rules and questions about the customers of a segmentation.';

CREATE FUNCTION segment_internal.failing_rules(s segmentation, rules text[], first integer,
    OUT number integer, OUT error text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    half integer := cardinality(rules) / 2;
BEGIN
    PERFORM segment_internal.count_answers(s, rules, '{}');
EXCEPTION WHEN data_exception OR cardinality_violation OR external_routine_exception OR plpgsql_error THEN
    IF half = 0 THEN
        number := first;
        error := SQLERRM;
        RETURN NEXT;
    ELSE
        RETURN QUERY SELECT f.* FROM segment_internal.failing_rules(s, rules[:half], first) AS f
                     UNION ALL
                     SELECT f.* FROM segment_internal.failing_rules(s, rules[half + 1:], first + half) AS f;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.failing_rules(segmentation, text[], integer) IS
$$Which of some rules, numbered from first, fail for a row of the source when they are asked of all, and the error.$$;

CREATE FUNCTION segment_internal.slip_message(finding text, subject text, customers bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format(CASE finding
    WHEN 'null_comparison' THEN '%1$s is never true: write IS NULL or IS NOT NULL'
    WHEN 'null_in_list' THEN '%1$s NOT IN a list with NULL is never true: take NULL out of the list'
    WHEN 'null_in_query' THEN '%1$s NOT IN (SELECT ...) is never true for %2$s customers, because the '
        'sub-select yields a '
        'NULL: leave NULLs out of it, or write NOT EXISTS'
    WHEN 'or_of_negations' THEN '%1$s is always one or the other: of two negations joined by OR one holds for every '
        'value; join them by AND, or write NOT IN'
    WHEN 'and_of_equalities' THEN '%1$s cannot be two values at once: join them by OR, or write IN'
    WHEN 'not_of_unknown' THEN '%1$s is NULL for %2$s customers, for whom neither the negation nor its contrary holds: '
        'write IS NOT TRUE, IS DISTINCT FROM or coalesce() where they are meant, and %1$s IS NOT NULL where not' END,
    subject, customers);
COMMENT ON FUNCTION segment_internal.slip_message(text, text, bigint) IS
'What lint_segmentation says of a finding of rule_slips.';

CREATE FUNCTION segment_internal.rules_lint(s segmentation,
    OUT severity text, OUT segment text, OUT finding text, OUT message text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    exclusive boolean := s.options ->> 'exclusive';
    names text[];
    rules text[];
    asked text[];
    questions text[];
    failed text[];
    answers segment_internal.rule_answer[];
    failing record;
BEGIN
    SELECT array_agg(g.name ORDER BY r.n), array_agg(r.one ->> 'rule' ORDER BY r.n) INTO names, rules
    FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (one, n)
    JOIN segment.segment AS g ON g.segmentation = s.name AND g.segment_id = (r.one ->> 'segment_id')::integer;
    PERFORM segment_internal.rule_columns(s.source, s.search_path, rules[i], names[i])
    FROM generate_subscripts(rules, 1) AS i;
    asked := rules;
    failed := array_fill(NULL::text, ARRAY[cardinality(rules)]);
    questions := ARRAY(SELECT f.question FROM unnest(rules) AS r (rule)
                       CROSS JOIN LATERAL segment_internal.rule_slips(r.rule) AS f WHERE f.question IS NOT NULL
                       GROUP BY f.question ORDER BY f.question COLLATE "C");
    BEGIN
        answers := segment_internal.count_answers(s, asked, questions);
    EXCEPTION WHEN data_exception OR cardinality_violation OR external_routine_exception OR plpgsql_error THEN
        FOR failing IN SELECT f.* FROM segment_internal.failing_rules(s, rules, 1) AS f LOOP
            failed[failing.number] := failing.error;
            asked[failing.number] := 'NULL';
        END LOOP;
        questions := ARRAY(SELECT q FROM unnest(questions) AS q WHERE q IN (
            SELECT f.question FROM unnest(asked) AS r (rule)
            CROSS JOIN LATERAL segment_internal.rule_slips(r.rule) AS f));
        answers := segment_internal.count_answers(s, asked, questions);
    END;
    RETURN QUERY
    WITH answer AS MATERIALIZED (
        SELECT a.* FROM unnest(answers) AS a
    ), rule AS MATERIALIZED (
        SELECT i, names[i] AS segment, failed[i] AS failed, (SELECT a.customers FROM answer AS a WHERE a.what = 'rows')
            AS n,
               c.holds, c.unknown, c.first
        FROM generate_subscripts(rules, 1) AS i
        JOIN (SELECT a.rule, max(a.customers) FILTER (WHERE a.what = 'true') AS holds,
                     max(a.customers) FILTER (WHERE a.what = 'unknown') AS unknown,
                     max(a.customers) FILTER (WHERE a.what = 'first') AS first
              FROM answer AS a GROUP BY a.rule) AS c ON c.rule = i
    ), taker AS (
        SELECT a.rule, min(a.other) AS before,
               string_agg(format('"%s" (%s)', names[a.other], a.customers), ', ' ORDER BY a.customers DESC, a.other)
                   AS by
        FROM answer AS a WHERE a.what = 'taken' GROUP BY a.rule
    ), found AS (
        SELECT r.i, 'error' AS severity, 'fails' AS finding,
               format('fails for some customer when it is asked of all: %s; it fails the refresh where no rule before '
                   'it '
                      'takes that customer: guard it, for instance with nullif() or CASE', r.failed) AS message
        FROM rule AS r WHERE r.failed IS NOT NULL
        UNION ALL
        SELECT r.i, 'warning', 'never_true',
               format('holds for none of %s customers (is false for %s and NULL for %s): correct it, or '
                      'drop_segment_rule(%L, %L)', r.n, r.n - r.unknown, r.unknown, s.name, r.segment)
        FROM rule AS r WHERE r.failed IS NULL AND r.holds = 0 AND r.n > 0
        UNION ALL
        SELECT r.i, CASE WHEN exclusive AND r.i = cardinality(rules) THEN 'info' ELSE 'warning' END, 'always_true',
               format('holds for all %s customers%s', r.n,
                      CASE WHEN NOT exclusive THEN ', and so tells nothing: narrow it, or drop it'
                           WHEN r.i = cardinality(rules)
                               THEN ': if it is meant for all others, it is clearer as the rest'
                           ELSE ', so that the rules behind it take nobody: narrow it, or ask it last' END)
        FROM rule AS r WHERE r.failed IS NULL AND r.holds = r.n AND r.n > 0
        UNION ALL
        SELECT r.i, 'warning', 'unreachable',
               format('takes nobody: all %s customers that it holds for are taken before, by %s: ask it earlier, '
                      'set_segment_rule(%L, %L, priority => %s), or drop it',
                      r.holds, t.by, s.name, r.segment, t.before)
        FROM rule AS r JOIN taker AS t ON t.rule = r.i WHERE exclusive AND r.first = 0
        UNION ALL
        SELECT r.i, 'info', 'overlap',
               format('%s of %s customers that it holds for (%s %%) are taken before, by %s: if they are meant to be '
                   'here, '
                      'ask it earlier; if not, say in the rule that they are not',
                      r.holds - r.first, r.holds, round(100.0 * (r.holds - r.first) / r.holds), t.by)
        FROM rule AS r JOIN taker AS t ON t.rule = r.i
        WHERE exclusive AND r.first > 0 AND (r.holds - r.first) * 2 > r.holds
        UNION ALL
        SELECT r.i, 'warning', 'near_duplicate',
               format('holds for %s customers as "%s" (%s in both, Jaccard index %s): drop one of the two, or make '
                      'them one with OR',
                      CASE WHEN a.customers = r.holds AND a.customers = o.holds THEN 'the same'
                          ELSE 'nearly the same' END,
                      o.segment, a.customers, round(a.customers::numeric / (r.holds + o.holds - a.customers), 4))
        FROM answer AS a JOIN rule AS o ON o.i = a.rule JOIN rule AS r ON r.i = a.other WHERE a.what = 'near'
        UNION ALL
        SELECT r.i, 'warning', 'often_unknown',
               format('is NULL for %s of %s customers (%s %%), who are not in it: say what is to be where a value is '
                      'missing, for instance with coalesce()', r.unknown, r.n, round(100.0 * r.unknown / r.n))
        FROM rule AS r WHERE r.failed IS NULL AND r.holds > 0 AND r.unknown * 10 > r.n
        UNION ALL
        SELECT r.i, CASE WHEN f.finding = 'not_of_unknown' THEN 'warning' ELSE 'error' END, f.finding,
               segment_internal.slip_message(f.finding, f.subject, a.customers)
        FROM rule AS r CROSS JOIN LATERAL segment_internal.rule_slips(rules[r.i]) AS f
        LEFT JOIN answer AS a ON a.what = 'true' AND r.failed IS NULL
                             AND a.rule = cardinality(rules) + array_position(questions, f.question)
        WHERE f.question IS NULL OR a.customers > 0
    )
    SELECT f.severity, names[f.i], f.finding, f.message FROM found AS f
    ORDER BY f.i, array_position('{error,warning,info}', f.severity), f.finding, f.message;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_lint(segmentation) IS
'What lint_segmentation finds in rules, with the rights of the owner.';

CREATE FUNCTION segment_internal.lint(name text, as_of text,
    OUT severity text, OUT segment text, OUT finding text, OUT message text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    PERFORM segment_internal.set_clock(s, coalesce(as_of::timestamptz, greatest(clock_timestamp(), s.refreshed_as_of)));
    RETURN QUERY EXECUTE format('SELECT f.* FROM segment_internal.%I($1) AS f', s.kind || '_lint') USING s;
END;
$$;
COMMENT ON FUNCTION segment_internal.lint(text, text) IS
'What lint_segmentation finds that takes running the source, with the rights of the owner.';

CREATE FUNCTION segment_internal.history_overlap_query(s segmentation) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN format(
    'SELECT ''error'', NULL::text, ''history_overlap'',
            format(''%%s places in members and history begin before the one before them ends, of customer %%s for '
    'instance: no refresh writes such rows, take them out by hand'', count(*), min(format(''%%s'', o.customer)))
     FROM (SELECT p.customer, p.entered_at,
                  lag(p.left_at) OVER (PARTITION BY p.customer%1$s ORDER BY p.entered_at) AS before
           FROM (SELECT %2$I AS customer, segment_id, entered_at, left_at FROM %3$s
                 UNION ALL SELECT %4$I, segment_id, entered_at, ''infinity'' FROM %5$s) AS p) AS o
     WHERE o.before > o.entered_at HAVING count(*) > 0',
    CASE WHEN segment_internal.overlapping(s) THEN ', p.segment_id' ELSE '' END,
    segment_internal.key_column(s.history), s.history::text, segment_internal.key_column(s.members), s.members::text);
COMMENT ON FUNCTION segment_internal.history_overlap_query(segmentation) IS
$$The text of a query for the finding of lint_segmentation that customers were in two places at once
(where they may be in several segments, twice in one); no row: none was.
Refreshes end a place when they begin the next; the history table refuses one that ends before it begins, and two of one
customer that begin at once; what overlaps without that only a hand can have written.$$;

CREATE FUNCTION lint_segmentation(segmentation text, as_of timestamptz DEFAULT NULL,
    OUT severity text, OUT segment text, OUT finding text, OUT message text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    explained text[] := '{}';
    found_one record;
BEGIN
    IF to_regproc(format('segment_internal.%I', s.kind || '_lint')) IS NOT NULL THEN
        FOR found_one IN
            SELECT f.* FROM segment_internal.rows_as_owner(
                coalesce(segment_internal.owner_of(s.members), current_user),
                'SELECT f.* FROM segment_internal.lint($1, $2) AS f', s.name, segment_internal.instant(as_of))
                AS f (severity text, segment text, finding text, message text)
        LOOP
            severity := found_one.severity;
            segment := found_one.segment;
            finding := found_one.finding;
            message := found_one.message;
            IF finding IN ('never_true', 'unreachable', 'fails') THEN
                explained := explained || segment;
            END IF;
            RETURN NEXT;
        END LOOP;
    END IF;
    RETURN QUERY
    SELECT 'info', g.name, 'no_members',
           'has no members after the last refresh: leave it out of reports, or take it out of the definition'
    FROM segment.segment AS g
    WHERE g.segmentation = s.name AND g.closed_at IS NULL AND g.customers = 0 AND s.refreshed_as_of IS NOT NULL
      AND g.name <> ALL (explained)
    ORDER BY g.priority, g.segment_id;
    IF segment_internal.not_shown(s, with_history => true) IS NULL THEN
        RETURN QUERY EXECUTE segment_internal.history_overlap_query(s);
    END IF;
END;
$$;
COMMENT ON FUNCTION lint_segmentation(text, timestamptz) IS
$$What in a segmentation is hardly what its author meant, a row for each finding; no rows: nothing was found.
Rules are read, and asked of all customers of the source, in one pass; nothing is written.
severity: 'error' for what cannot be meant, 'warning', or 'info' for what may well be.
finding: 'never_true' and 'always_true' on the present data; 'unreachable': rules before it take all whom it holds for;
'overlap': they take more than half of them; 'near_duplicate': Jaccard index above 0.95 of those for whom two rules
hold; 'often_unknown': NULL for more than a tenth; 'fails': an error of the data when it is asked of everybody;
'null_comparison' (x = NULL), 'null_in_list' (x NOT IN (..., NULL)), 'null_in_query' (the same of a sub-select that
yields NULL), 'or_of_negations' (x <> 1 OR x <> 2), 'and_of_equalities' (x = 1 AND x = 2),
'not_of_unknown' (NOT x, where x is NULL for some and the rule does not say what then), and for segmentations of all
kinds 'no_members', and 'history_overlap', places in the history that somebody wrote by hand (looked for where the
current user may read the history).
message: what is the matter, and how to put it right.
as_of: the instant of as_of(), default now, and never before the last refresh.
The source of a segmentation by rules runs with the rights of its owner, whose rights one must have.
Errors: undefined_object, insufficient_privilege, and those of the source and of rules that are none any more.$$;
