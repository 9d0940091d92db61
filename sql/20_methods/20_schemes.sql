-- ---- schemes: which scores make which segment ----

CREATE TABLE rfm_scheme (
    name text PRIMARY KEY CHECK (name <> ''),
    description text,
    source text,
    bins integer NOT NULL DEFAULT 5 CHECK (bins BETWEEN 3 AND 10),
    lowest_score integer NOT NULL DEFAULT 1 CHECK (lowest_score IN (0, 1)),
    thresholds jsonb,
    rules jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'array'),
    rest text CHECK (rest <> ''),
    ranking text[],
    no_orders text NOT NULL DEFAULT 'Prospect' CHECK (no_orders <> ''),
    shipped boolean NOT NULL DEFAULT false,
    owner regrole NOT NULL DEFAULT quote_ident(current_user)::regrole
);
COMMENT ON TABLE rfm_scheme IS
$$Named schemes: which RFM scores make which segment.
Add your own with create_rfm_scheme().$$;
COMMENT ON COLUMN rfm_scheme.name IS 'Name of the scheme, as given to rfm_model and create_rfm_segmentation.';
COMMENT ON COLUMN rfm_scheme.description IS 'What the scheme is for.';
COMMENT ON COLUMN rfm_scheme.source IS 'Where the scheme was published.';
COMMENT ON COLUMN rfm_scheme.bins IS
$$Number of scores per feature that the rules are written for;
models of other bins scale their scores to it linearly, rounding half up.$$;
COMMENT ON COLUMN rfm_scheme.lowest_score IS 'The lowest score, 1 or 0.';
COMMENT ON COLUMN rfm_scheme.thresholds IS
'Fixed cut points that belong to the scheme, as in rfm_model; used where the caller gives none.';
COMMENT ON COLUMN rfm_scheme.rules IS
$$The rules in order, first match wins: {"segment": name, and any of "codes": ["555", ...], "recency", "frequency",
"monetary", "tenure": [lowest, highest], "fm_above", "fm_to": bounds of (frequency + monetary) / 2, lower exclusive,
upper inclusive}.$$;
COMMENT ON COLUMN rfm_scheme.rest IS 'Segment of the scores that no rule matches; NULL only if there are none.';
COMMENT ON COLUMN rfm_scheme.ranking IS
$$The names from the best to the worst, by which scheme_check finds steps that go the wrong way.
Names left out are not compared; NULL: none are.$$;
COMMENT ON COLUMN rfm_scheme.no_orders IS 'Segment of customers without orders.';
COMMENT ON COLUMN rfm_scheme.shipped IS 'Whether the scheme came with the extension.';
COMMENT ON COLUMN rfm_scheme.owner IS
$$Role that made the scheme and may drop it, under the name that it has now.
REASSIGN OWNED and DROP ROLE do not know of it; whoever owns the extension may UPDATE it.$$;

CREATE FUNCTION segment_internal.score_code(r integer, f integer, m integer, beyond integer, t integer DEFAULT NULL)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN beyond > 10 THEN concat_ws('-', r, f, m, t) ELSE concat(r, f, m, t) END;
COMMENT ON FUNCTION segment_internal.score_code(integer, integer, integer, integer, integer) IS
$$The code of three scores, as rfm_score gives it: '555', or joined by hyphens where scores above 9 occur.
beyond: the highest possible score plus 1.
t: the score of tenure as a fourth, NULL: none.$$;

CREATE FUNCTION segment_internal.scheme_uses_tenure(rules jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN EXISTS (SELECT FROM jsonb_array_elements(rules) AS e(rule) WHERE rule ? 'tenure');
COMMENT ON FUNCTION segment_internal.scheme_uses_tenure(jsonb) IS
'Whether a rule asks for tenure, the days since the first order.';

CREATE FUNCTION segment_internal.scheme_scores(
    lowest_score integer, bins integer, with_tenure boolean,
    OUT cell integer, OUT r integer, OUT f integer, OUT m integer, OUT t integer, OUT code text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 300
BEGIN ATOMIC
    SELECT n.cell + 1, n.r, n.f, n.m, n.t,
           segment_internal.score_code(n.r + lowest_score, n.f + lowest_score, n.m + lowest_score,
                                       bins + lowest_score, n.t + lowest_score)
    FROM (
        SELECT c.cell, c.rfm / (bins * bins) AS r, c.rfm / bins % bins AS f, c.rfm % bins AS m,
               CASE WHEN with_tenure THEN c.cell % bins END AS t
        FROM (
            SELECT cell, cell / CASE WHEN with_tenure THEN bins ELSE 1 END AS rfm
            FROM generate_series(0, bins * bins * bins * CASE WHEN with_tenure THEN bins ELSE 1 END - 1) AS cell
        ) AS c
    ) AS n;
END;
COMMENT ON FUNCTION segment_internal.scheme_scores(integer, integer, boolean) IS
$$Every cell of a model: its number from 1, its scores from 0 (tenure NULL where the model has none) and their code.
Recency is slowest, monetary value (or tenure) fastest.$$;

CREATE FUNCTION segment_internal.scheme_matches(
    rules jsonb, scheme_bins integer, lowest_score integer, bins integer, with_tenure boolean,
    OUT cell integer, OUT code text, OUT rule integer, OUT segment text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 300
BEGIN ATOMIC
    WITH cells AS (
        -- r, f, m, t: the scores on the scale the rules are written for
        SELECT cell, code,
               lowest_score + (2 * r * (scheme_bins - 1) + (bins - 1)) / (2 * (bins - 1)) AS r,
               lowest_score + (2 * f * (scheme_bins - 1) + (bins - 1)) / (2 * (bins - 1)) AS f,
               lowest_score + (2 * m * (scheme_bins - 1) + (bins - 1)) / (2 * (bins - 1)) AS m,
               lowest_score + (2 * t * (scheme_bins - 1) + (bins - 1)) / (2 * (bins - 1)) AS t
        FROM segment_internal.scheme_scores(lowest_score, bins, with_tenure)
    ), list AS (
        SELECT ordinality::integer AS rule, rule_json AS j
        FROM jsonb_array_elements(rules) WITH ORDINALITY AS e(rule_json, ordinality)
    )
    SELECT c.cell, c.code, l.rule, l.j ->> 'segment'
    FROM cells AS c, list AS l
    WHERE (NOT l.j ? 'codes' OR l.j -> 'codes' ? segment_internal.score_code(c.r, c.f, c.m, scheme_bins + lowest_score))
      AND (NOT l.j ? 'recency' OR c.r BETWEEN (l.j -> 'recency' ->> 0)::integer AND (l.j -> 'recency' ->> 1)::integer)
      AND (NOT l.j ? 'frequency'
           OR c.f BETWEEN (l.j -> 'frequency' ->> 0)::integer AND (l.j -> 'frequency' ->> 1)::integer)
      AND (NOT l.j ? 'monetary'
           OR c.m BETWEEN (l.j -> 'monetary' ->> 0)::integer AND (l.j -> 'monetary' ->> 1)::integer)
      -- a rule that asks for tenure matches nobody whose tenure is not known
      AND (NOT l.j ? 'tenure' OR c.t BETWEEN (l.j -> 'tenure' ->> 0)::integer AND (l.j -> 'tenure' ->> 1)::integer)
      AND (NOT l.j ? 'fm_above' OR (c.f + c.m) / 2.0 > (l.j ->> 'fm_above')::numeric)
      AND (NOT l.j ? 'fm_to' OR (c.f + c.m) / 2.0 <= (l.j ->> 'fm_to')::numeric);
END;
COMMENT ON FUNCTION segment_internal.scheme_matches(jsonb, integer, integer, integer, boolean) IS
'Every (cell, rule) that matches, for a model of the given bins; cell as in scheme_scores.';

CREATE FUNCTION segment_internal.scheme_problems(
    rules jsonb, scheme_bins integer, lowest_score integer, bins integer, rest text, ranking text[],
    OUT problem text, OUT segment text, OUT codes text[], OUT feature text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
    WITH matches AS MATERIALIZED (
        SELECT * FROM segment_internal.scheme_matches(rules, scheme_bins, lowest_score, bins,
                                                      segment_internal.scheme_uses_tenure(rules))
    ), cells AS (
        SELECT cell, code
        FROM segment_internal.scheme_scores(lowest_score, bins, segment_internal.scheme_uses_tenure(rules))
    ), names AS (
        SELECT j ->> 'segment' AS segment, min(ordinality) AS rule
        FROM jsonb_array_elements(rules) WITH ORDINALITY AS e(j, ordinality)
        GROUP BY 1
    ), winners AS (
        SELECT DISTINCT ON (cell) cell, code, segment FROM matches ORDER BY cell, rule
    ), taken AS (
        SELECT m.cell, m.code, m.segment
        FROM matches AS m JOIN winners AS w USING (cell)
        WHERE m.segment <> w.segment
        GROUP BY 1, 2, 3
    ), ranked AS MATERIALIZED (
        -- positions in the ranking, the best first; names that are not in it are not compared
        SELECT c.cell, c.code, coalesce(w.segment, rest) AS segment,
               array_position(ranking, coalesce(w.segment, rest)) AS place
        FROM cells AS c LEFT JOIN winners AS w USING (cell)
    ), directions AS (
        -- how far apart the cells are whose scores of the feature differ by 1
        SELECT d.feature, d.number,
               d.distance * CASE WHEN segment_internal.scheme_uses_tenure(rules) THEN bins ELSE 1 END AS distance
        FROM (VALUES (1, 'recency', bins * bins), (2, 'frequency', bins),
                     (3, 'monetary', 1)) AS d(number, feature, distance)
        UNION ALL
        SELECT 'tenure', 4, 1 WHERE segment_internal.scheme_uses_tenure(rules)
    ), steps AS (
        SELECT d.feature, d.number, low.cell AS low_cell, high.cell AS high_cell
        FROM directions AS d CROSS JOIN ranked AS low JOIN ranked AS high ON high.cell = low.cell + d.distance
        WHERE (low.cell - 1) / d.distance % bins < bins - 1
    )
    SELECT 'hole', NULL, array_agg(c.code ORDER BY c.cell), NULL
    FROM cells AS c WHERE NOT EXISTS (SELECT FROM matches AS m WHERE m.cell = c.cell)
    HAVING count(*) > 0
    UNION ALL
    (SELECT 'overlap', n.segment, array_agg(o.code ORDER BY o.cell), NULL
     FROM taken AS o JOIN names AS n USING (segment) GROUP BY n.segment, n.rule ORDER BY n.rule)
    UNION ALL
    (SELECT 'unreachable', n.segment,
            coalesce((SELECT array_agg(DISTINCT m.code) FROM matches AS m WHERE m.segment = n.segment), '{}'), NULL
     FROM names AS n WHERE NOT EXISTS (SELECT FROM winners AS w WHERE w.segment = n.segment) ORDER BY n.rule)
    UNION ALL
    -- more recent, more orders, more money must not lead to a worse name; growing older alone not to a better one
    (SELECT 'rise', too_good.segment, ARRAY[too_good.code, other.code], s.feature
     FROM steps AS s
     JOIN ranked AS too_good ON too_good.cell = CASE WHEN s.feature = 'tenure' THEN s.high_cell ELSE s.low_cell END
     JOIN ranked AS other ON other.cell = CASE WHEN s.feature = 'tenure' THEN s.low_cell ELSE s.high_cell END
     WHERE too_good.place < other.place
     ORDER BY s.number, too_good.cell);
END;
COMMENT ON FUNCTION segment_internal.scheme_problems(jsonb, integer, integer, integer, text, text[]) IS
'What is wrong with a list of rules; see scheme_check.';

CREATE FUNCTION segment_internal.scheme_row(scheme text) RETURNS rfm_scheme
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN segment_internal.named_row(NULL::rfm_scheme, 'scheme', scheme);
COMMENT ON FUNCTION segment_internal.scheme_row(text) IS
$$A scheme by name.
Error (undefined_object) when there is none.$$;

CREATE FUNCTION scheme_check(
    scheme text, bins integer DEFAULT NULL,
    OUT problem text, OUT segment text, OUT codes text[], OUT feature text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.rfm_scheme := segment_internal.scheme_row(scheme);
BEGIN
    IF bins NOT BETWEEN 3 AND 10 THEN
        RAISE EXCEPTION 'bins must be 3 to 10, not %', bins USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    SELECT p.problem, p.segment, p.codes, p.feature
    FROM segment_internal.scheme_problems(s.rules, s.bins, s.lowest_score, coalesce(scheme_check.bins, s.bins),
                                          s.rest, s.ranking) AS p;
END;
$$;
COMMENT ON FUNCTION scheme_check(text, integer) IS
$$What is wrong with a scheme, no rows if nothing: 'hole' with the score codes no rule matches
(they go to the scheme's rest segment), 'overlap' with the codes of a segment that an earlier rule has taken,
'unreachable' for a segment that no code leads to, and, for a scheme with a ranking of its names,
'rise' for every step where a name moves against the score of a feature: segment is the name that is too good,
codes its code and the code of the neighbour that ought to be ranked as high (one score more of recency,
frequency or monetary value; one score less of tenure, as nobody may get a better name by growing older alone).
Codes of schemes that use tenure have the score of tenure as a fourth.
bins: check it for models of another number of bins than it was written for.$$;

CREATE FUNCTION segment_internal.scheme_cells(scheme text, bins integer, with_tenure boolean,
                                              OUT names text[], OUT cells integer[])
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.rfm_scheme := segment_internal.scheme_row(scheme);
BEGIN
    names := ARRAY(SELECT j ->> 'segment'
                   FROM jsonb_array_elements(s.rules) WITH ORDINALITY AS e(j, ordinality)
                   GROUP BY 1 ORDER BY min(ordinality));
    IF s.rest IS NOT NULL AND s.rest <> ALL (names) THEN
        names := names || s.rest;
    END IF;
    cells := ARRAY(
        SELECT array_position(scheme_cells.names, coalesce(w.segment, s.rest))
        FROM generate_series(1, scheme_cells.bins * scheme_cells.bins * scheme_cells.bins
                                * CASE WHEN with_tenure THEN scheme_cells.bins ELSE 1 END) AS cell
        LEFT JOIN (SELECT DISTINCT ON (m.cell) m.cell, m.segment
                   FROM segment_internal.scheme_matches(s.rules, s.bins, s.lowest_score,
                                                        scheme_cells.bins, with_tenure) AS m
                   ORDER BY m.cell, m.rule) AS w USING (cell)
        ORDER BY cell);
    IF array_position(cells, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'scheme "%" does not cover all scores', scheme
            USING ERRCODE = 'check_violation',
                  HINT = 'scheme_check() lists the holes; name a rest segment for them, '
                         'or give the scheme the tenure it asks for.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.scheme_cells(text, integer, boolean) IS
$$A scheme compiled for a number of bins: the names of its segments in the order of its rules,
and for each cell the position of its name.$$;

-- Whoever writes a row of rfm_scheme, the same checks hold.
CREATE FUNCTION segment_internal.check_rfm_scheme() RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rule jsonb;
    key text;
    holes text[];
BEGIN
    IF jsonb_typeof(NEW.rules) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'rules of scheme "%" must be an array of objects, not %', NEW.name,
            coalesce(NEW.rules::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For instance [{"segment": "Best", "recency": [4, 5]}, {"segment": "Others"}].';
    END IF;
    IF NEW.bins NOT BETWEEN 3 AND 10 THEN
        RAISE EXCEPTION 'bins of scheme "%" must be 3 to 10, not %', NEW.name, NEW.bins
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NEW.lowest_score NOT IN (0, 1) THEN
        RAISE EXCEPTION 'lowest_score of scheme "%" must be 0 or 1, not %', NEW.name, NEW.lowest_score
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(NEW.thresholds) <> 'object' THEN
        RAISE EXCEPTION 'thresholds of scheme "%" must be an object, not %', NEW.name, NEW.thresholds
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For instance {"recency": [30, 60, 90, 180]}.';
    END IF;
    FOREACH key IN ARRAY array_remove(ARRAY[CASE WHEN NEW.name = '' THEN 'name' END,
                                            CASE WHEN NEW.rest = '' THEN 'rest' END,
                                            CASE WHEN NEW.no_orders = '' THEN 'no_orders' END], NULL) LOOP
        RAISE EXCEPTION '% of a scheme must not be empty', key USING ERRCODE = 'invalid_parameter_value';
    END LOOP;
    FOR rule IN SELECT e.value FROM jsonb_array_elements(NEW.rules) AS e LOOP
        IF jsonb_typeof(rule) <> 'object' OR jsonb_typeof(rule -> 'segment') IS DISTINCT FROM 'string'
           OR rule ->> 'segment' = '' THEN
            RAISE EXCEPTION 'a rule of scheme "%" has no segment: %', NEW.name, rule
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'A rule is an object such as '
                             '{"segment": "Champions", "recency": [4, 5], "frequency": [4, 5]}.';
        END IF;
        FOR key IN SELECT k FROM jsonb_object_keys(rule) AS k LOOP
            IF key = 'codes' THEN
                IF jsonb_typeof(rule -> key) <> 'array'
                   OR EXISTS (SELECT FROM jsonb_array_elements(rule -> key) AS c WHERE jsonb_typeof(c) <> 'string') THEN
                    RAISE EXCEPTION 'codes of segment "%" must be an array of strings, not %',
                        rule ->> 'segment', rule -> key
                        USING ERRCODE = 'invalid_parameter_value';
                END IF;
            ELSIF key IN ('recency', 'frequency', 'monetary', 'tenure') THEN
                IF jsonb_typeof(rule -> key) <> 'array' OR jsonb_array_length(rule -> key) <> 2
                   OR (rule -> key)::text !~ '^\[\d{1,2}, \d{1,2}\]$' THEN
                    RAISE EXCEPTION '% of segment "%" must be [lowest, highest], not %',
                        key, rule ->> 'segment', rule -> key
                        USING ERRCODE = 'invalid_parameter_value';
                END IF;
            ELSIF key IN ('fm_above', 'fm_to') THEN
                IF jsonb_typeof(rule -> key) <> 'number' THEN
                    RAISE EXCEPTION '% of segment "%" must be a number, not %', key, rule ->> 'segment', rule -> key
                        USING ERRCODE = 'invalid_parameter_value';
                END IF;
            ELSIF key <> 'segment' THEN
                RAISE EXCEPTION 'unknown key "%" in a rule of segment "%"', key, rule ->> 'segment'
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = 'Keys are segment, codes, recency, frequency, monetary, tenure, fm_above and fm_to.';
            END IF;
        END LOOP;
    END LOOP;
    IF jsonb_array_length(NEW.rules) = 0 THEN
        RAISE EXCEPTION 'scheme "%" has no rules', NEW.name USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR key IN SELECT n FROM unnest(NEW.ranking) AS n LOOP
        IF key IS NULL OR cardinality(array_positions(NEW.ranking, key)) > 1
           OR (key IS DISTINCT FROM NEW.rest
               AND NOT EXISTS (SELECT FROM jsonb_array_elements(NEW.rules) AS e(j) WHERE j ->> 'segment' = key)) THEN
            RAISE EXCEPTION 'ranking of scheme "%" must name each segment at most once, and no others: %',
                NEW.name, coalesce(key, 'NULL')
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'List the names of the rules, the best first.';
        END IF;
    END LOOP;
    IF NEW.rest IS NULL THEN
        SELECT p.codes INTO holes
        FROM segment_internal.scheme_problems(NEW.rules, NEW.bins, NEW.lowest_score, NEW.bins, NULL, NULL) AS p
        WHERE p.problem = 'hole';
        IF FOUND THEN
            RAISE EXCEPTION 'scheme "%" leaves % scores without a segment', NEW.name, cardinality(holes)
                USING ERRCODE = 'check_violation',
                      DETAIL = 'Scores: ' || array_to_string(holes, ' ') || '.',
                      HINT = 'Add rules, or name the segment of the rest.';
        END IF;
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_rfm_scheme() IS
'Trigger function of rfm_scheme: rules must be well formed, and complete unless a rest segment is named.';
CREATE TRIGGER check_rfm_scheme BEFORE INSERT OR UPDATE ON rfm_scheme
    FOR EACH ROW EXECUTE FUNCTION segment_internal.check_rfm_scheme();
COMMENT ON TRIGGER check_rfm_scheme ON rfm_scheme IS 'Keeps incomplete schemes out, unless they name a rest segment.';

CREATE FUNCTION create_rfm_scheme(
    name text, rules jsonb, bins integer DEFAULT 5, lowest_score integer DEFAULT 1, thresholds jsonb DEFAULT NULL,
    rest text DEFAULT NULL, no_orders text DEFAULT 'Prospect', description text DEFAULT NULL,
    ranking text[] DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'a scheme needs a name' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- assigned, because PERFORM would be shown in the context of an error
    made := segment_internal.change_catalogue('create_scheme', name, rules, coalesce(bins, 5),
                                              coalesce(lowest_score, 1),
                                              thresholds, rest, coalesce(no_orders, 'Prospect'), description, ranking);
END;
$$;
COMMENT ON FUNCTION create_rfm_scheme(text, jsonb, integer, integer, jsonb, text, text, text, text[]) IS
$$Adds a scheme of your own.
rules: see the column rfm_scheme.rules; the first rule that matches wins.
rest: the segment of scores that no rule matches; required when there are any (error check_violation, with the list).
ranking: the names from the best to the worst, for scheme_check.
NULL bins, lowest_score and no_orders mean their defaults.
Errors: invalid_parameter_value for a malformed rule or ranking or another argument,
unique_violation for a taken name.$$;

CREATE FUNCTION drop_rfm_scheme(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped segment.rfm_scheme := segment_internal.scheme_row(name);
    users text;
BEGIN
    SELECT string_agg(s.name, ', ' ORDER BY s.name) INTO users
    FROM segment.segmentation AS s WHERE s.options ->> 'scheme' = drop_rfm_scheme.name;
    IF users IS NOT NULL THEN
        RAISE EXCEPTION 'scheme "%" is used by segmentations: %', name, users
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop those first.';
    END IF;
    IF segment_internal.change_catalogue('drop_scheme', name) IS NULL THEN
        RAISE EXCEPTION 'scheme "%" is used by segmentations of others', name
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'It can be dropped when they are.';
    END IF;
END;
$$;
COMMENT ON FUNCTION drop_rfm_scheme(text) IS
$$Drops a scheme of your own.
Errors: undefined_object, dependent_objects_still_exist when a segmentation uses it,
insufficient_privilege for shipped schemes and those of others.
Models made with it keep working.$$;

CREATE FUNCTION rfm_model(
    features feature_set, bins integer DEFAULT NULL, cuts text DEFAULT 'quantile',
    thresholds jsonb DEFAULT NULL, scheme text DEFAULT 'default') RETURNS segment_model
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.rfm_scheme := segment_internal.scheme_row(coalesce(scheme, 'default'));
    n integer := coalesce(bins, s.bins);
    with_tenure boolean := segment_internal.scheme_uses_tenure(s.rules);
    names text[];
    compiled record;
BEGIN
    IF features IS NULL THEN
        RETURN NULL;
    END IF;
    IF with_tenure THEN
        names := segment_internal.feature_names(features);
        IF NOT coalesce('tenure' = ANY (names), false)
           AND (cardinality(names) = 3 OR coalesce('recency' = ANY (names), false)) THEN
            with_tenure := false;
            RAISE NOTICE 'without tenure no customer can be called %',
                (SELECT string_agg(DISTINCT format('"%s"', e.j ->> 'segment'), ', ')
                 FROM jsonb_array_elements(s.rules) AS e(j)
                 WHERE e.j ? 'tenure' AND NOT EXISTS (
                     SELECT FROM jsonb_array_elements(s.rules) AS o(j)
                     WHERE o.j ->> 'segment' = e.j ->> 'segment' AND NOT o.j ? 'tenure'))
                USING HINT = 'feature_set(recency, frequency, monetary, tenure) gives the days since the first order.';
        END IF;
    END IF;
    IF n NOT BETWEEN 3 AND 10 THEN
        RAISE EXCEPTION 'bins must be 3 to 10, not %', n USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO compiled FROM segment_internal.scheme_cells(s.name, n, with_tenure);
    RETURN segment_internal.rfm_train(
        features, n, s.lowest_score, coalesce(cuts, 'quantile'),
        -- the scheme's own thresholds hold for its own number of bins
        CASE WHEN n = s.bins THEN coalesce(s.thresholds, '{}') || coalesce(rfm_model.thresholds, '{}')
             ELSE rfm_model.thresholds END,
        s.name, compiled.names, compiled.cells, s.no_orders, with_tenure);
END;
$$;
COMMENT ON FUNCTION rfm_model(feature_set, integer, text, jsonb, text) IS
$$Finds the cut points of an RFM model: rfm_model(feature_set(recency, frequency, monetary)),
or rfm_model(feature_set(recency, frequency, monetary, tenure)) for a scheme that uses tenure,
the days since the first order; the highest score of tenure is that of the longest known.
A scheme that uses tenure gives no name that asks for it where the set has none, and says so in a NOTICE.
Equal values get equal scores.
bins: 3 to 10, by default those of the scheme.
cuts: 'quantile' (cuts are values of the data: the smallest at or below which i/bins of the customers lie),
'thresholds' (the given cut points), 'natural_breaks' (least squared deviation within bins; Fisher 1958, Jenks),
'r_rfm' (as the R package rfm 0.3.0: type-7 quantiles plus 1, bins closed on the left; not unit-free).
thresholds: {"recency": [...], "frequency": [...], "monetary": [...], "tenure": [...]},
bins - 1 ascending numbers each, for all features or some; a value on a threshold belongs below it.
scheme: a row of rfm_scheme.
NULL bins, cuts, thresholds and scheme mean their defaults.
Rows without orders or with missing or infinite values are skipped and counted, see model_metrics.
NULL features: NULL.
Errors: no_data when no row can be used, invalid_parameter_value for wrong options,
undefined_object for an unknown scheme.$$;
