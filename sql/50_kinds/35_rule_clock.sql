-- ---- when answers of rules change by time alone ----

CREATE FUNCTION segment_internal.next_flip(as_of timestamptz, comparison text, VARIADIC operands "any")
    RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'segment_next_flip' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION segment_internal.next_flip(timestamptz, text, "any") IS
$$The first instant after as_of at which a comparison of the clock with a row changes its answer,
where the row stays as it is; NULL: it never does.
comparison: see src/segmentation/next_flip.c; operands: those that its tokens take.
-infinity: at any time, because a calculation would fail; an instant before the change where it lies beyond the year
9999.$$;

CREATE FUNCTION segment_internal.rules_clock(source text, search_path text, rules text[],
    OUT flips text[], OUT unknown integer[])
    AS 'MODULE_PATHNAME', 'segment_rules_clock' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.rules_clock(text, text, text[]) IS
$$How rules depend on the clock.
flips: SQL over the columns of the source, the instants at which their comparisons with as_of() change.
unknown: the numbers of those whose answers may change at any time, because they use as_of() otherwise; 0: the source;
-1: there are more comparisons than are calculated.
Errors: those of the server's parser.$$;

CREATE FUNCTION segment_internal.rules_clock_as_owner(s segmentation) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM segment_internal.enter_settings(s);
    RETURN (SELECT to_jsonb(c)
            FROM segment_internal.rules_clock(
                segment_internal.source_statement(s), s.search_path,
                ARRAY(SELECT r.rule ->> 'rule'
                      FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
                      ORDER BY r.n)) AS c);
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_clock_as_owner(segmentation) IS
'The work of rules_next, with the rights of the owner.';

CREATE FUNCTION segment_internal.rules_next(s segmentation, OUT expression text, OUT always_due text[])
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    has_column CONSTANT boolean := 'next_transition_at' = ANY (s.source_columns);
    clock jsonb;
BEGIN
    BEGIN
        clock := segment_internal.run_as_owner(
            segment_internal.owner_of(s.members),
            'SELECT segment_internal.rules_clock_as_owner($1::segment.segmentation)', s::text);
    EXCEPTION WHEN insufficient_privilege THEN
        -- somebody looks at the steps who may not act as the owner
        clock := '{"flips": [], "unknown": [-2]}';
    END;
    -- a source that has such a column knows what it does with the clock
    SELECT array_agg(CASE u.n WHEN '-2' THEN 'only the owner knows'
                              WHEN '-1' THEN format('%s comparisons with as_of()', jsonb_array_length(clock -> 'flips'))
                              WHEN '0' THEN 'the source'
                              ELSE format('the rule of segment "%s"', s.options -> 'rules' -> (u.n::integer - 1)
                                                                      ->> 'segment') END ORDER BY u.place)
    INTO always_due
    FROM jsonb_array_elements_text(clock -> 'unknown') WITH ORDINALITY AS u (n, place)
    WHERE u.n <> '0' OR NOT has_column;
    IF always_due IS NOT NULL THEN
        expression := '''-infinity''::pg_catalog.timestamptz';
    ELSE
        SELECT format(E'LEAST(%s)', string_agg(f.text, E',\n' ORDER BY f.n)) INTO expression
        FROM (SELECT 'source.next_transition_at', 0 WHERE has_column
              UNION ALL
              SELECT j.text, j.n FROM jsonb_array_elements_text(clock -> 'flips')
                                      WITH ORDINALITY AS j (text, n)) AS f (text, n)
        HAVING count(*) > 0;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_next(segmentation) IS
$$expression: SQL over the columns of the source, when the answers of the rules change next by time alone;
NULL: no rule depends on the clock.
always_due: why they may change at any time; then the expression is -infinity.$$;

CREATE FUNCTION segment_internal.rules_explain(s segmentation, place text,
    OUT what text, OUT value text, OUT lower_bound double precision,
    OUT upper_bound double precision, OUT score integer,
    OUT strength double precision, OUT explanation text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    at timestamptz;
BEGIN
    IF s.members IS NULL OR place IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT m.next_transition_at FROM %s AS m WHERE %s', s.members, place) INTO at;
    IF at IS NOT NULL THEN
        what := 'next change';
        value := CASE WHEN isfinite(at) THEN segment_internal.local_time(at, s.time_zone) ELSE 'at any time' END;
        explanation := CASE WHEN isfinite(at) THEN 'before this, no rule answers otherwise by time alone'
                            ELSE 'the run tells in details what depends on the clock' END;
        RETURN NEXT;
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_explain(segmentation, text) IS
'What explain_customer tells of a member of a segmentation by rules: when an answer may change next.';
