-- ---- kinds of segmentations ----
--
-- A kind is one file in sql/50_kinds: a row here, and functions that are found by
-- their names:
--
--   KIND_columns(s)          the columns that the member table has of its own
--   KIND_steps(s, train)     the steps of a refresh up to placed, as templates
--   KIND_places(s, train)    what stands for the places of these templates
--   KIND_staged_places(s, train)   what does where the tables lie on several servers, if anything else
--   KIND_statement(s)        the query over the source that a refresh runs, where it reads more than the source
--   KIND_next(s)             OUT always_due text[]: why time alone may change answers at any time; without such a
--                            function, any use of the clock may
--   KIND_figures()           what segment_profile tells of each segment
--   KIND_drift(s)            how members are read for drift, where the kind has a model that may be out of date
--   KIND_explain(s, place)   what explain_customer tells of one member, if anything
--   KIND_why(s, customer)    what explain_customer tells the owner of anybody, if anything
--   KIND_tell(s, as_of, counts, details)   NOTICEs of a refresh, if any
--   KIND_lint(s)             what lint_segmentation finds by running the source, if anything
--   KIND_blame(s)            after a refresh failed: by what, and for which customer, if anything
--
-- In the step placed, {unplaced}JOIN to the segments keeps, where people made decisions,
-- those that the source has and the kind puts nowhere, with segment_id NULL: so a customer
-- who is included by hand has his facts.  Without it they are NULL.
--
-- Everything else is shared and asks for nothing else; see 60_refresh/20_steps.sql.

CREATE TABLE segment_internal.kind (
    kind text PRIMARY KEY,
    retrains text NOT NULL CHECK (retrains IN ('always', 'first', 'never')),
    overlapping boolean NOT NULL,
    fact_reason text NOT NULL,
    other_reason text NOT NULL,
    entered_comment text NOT NULL,
    came_comment text NOT NULL,
    left_comment text NOT NULL,
    default_options jsonb NOT NULL DEFAULT '{}',
    dated boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE segment_internal.kind IS
'Kinds of segmentations, a row each; the functions of a kind are found by its name.';
COMMENT ON COLUMN segment_internal.kind.kind IS 'Name of the kind, and beginning of the names of its functions.';
COMMENT ON COLUMN segment_internal.kind.retrains IS
$$When a refresh trains, where retrain_every says nothing: 'always', at the 'first' refresh only, or 'never'
(no model).$$;
COMMENT ON COLUMN segment_internal.kind.overlapping IS
'Whether a customer may be in several segments at once, unless the segmentation has the option exclusive.';
COMMENT ON COLUMN segment_internal.kind.fact_reason IS 'Why a customer moved, when facts about the customer changed.';
COMMENT ON COLUMN segment_internal.kind.other_reason IS 'Why, when neither facts nor the model changed.';
COMMENT ON COLUMN segment_internal.kind.entered_comment IS 'Comment on entered_reason of the member table.';
COMMENT ON COLUMN segment_internal.kind.came_comment IS 'Comment on entered_reason of the history table.';
COMMENT ON COLUMN segment_internal.kind.left_comment IS 'Comment on left_reason of the history table.';
COMMENT ON COLUMN segment_internal.kind.default_options IS
'Options that a segmentation has where it says nothing else.';

COMMENT ON COLUMN segment_internal.kind.dated IS
'Whether its sources tell when what happened, as orders do, so that each instant sees the past as it was.';

CREATE TYPE refresh_step AS (name text, statement text);
COMMENT ON TYPE refresh_step IS 'A step of a refresh, see refresh_steps.';
COMMENT ON COLUMN refresh_step.name IS 'The name under which later steps read its rows; NULL: it writes.';
COMMENT ON COLUMN refresh_step.statement IS 'The SQL statement.';

CREATE FUNCTION segment_internal.member_columns(s segmentation,
    OUT number integer, OUT name text, OUT type text, OUT required boolean, OUT is_fact boolean, OUT comment text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT c.* FROM segment_internal.%I($1) AS c ORDER BY c.number', s.kind || '_columns')
    USING s;
END;
$$;
COMMENT ON FUNCTION segment_internal.member_columns(segmentation) IS
$$The columns that a member table has of its own, by the kind of segmentation, between segment and entered_at.
number: from 1; placed has them as v1, v2, ...
required: never NULL, unless a decision puts in somebody whom the source does not have.
is_fact: what is told of the customer, not worked out by the model; a change of it is a reason to move.$$;

CREATE FUNCTION segment_internal.overlapping(s segmentation) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT k.overlapping AND (s.options ->> 'exclusive')::boolean IS NOT TRUE
            FROM segment_internal.kind AS k WHERE k.kind = s.kind);
END;
$$;
COMMENT ON FUNCTION segment_internal.overlapping(segmentation) IS
'Whether a customer may be in several segments of a segmentation at once; NULL: there is no such kind.';

CREATE FUNCTION segment_internal.changed_options(s segmentation, changes jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT k.default_options FROM segment_internal.kind AS k WHERE k.kind = s.kind)
    || (SELECT coalesce(jsonb_object_agg(o.key, o.value), '{}')
        FROM jsonb_each(s.options || coalesce(nullif(changes, 'null'), '{}')) AS o WHERE o.value <> 'null');
COMMENT ON FUNCTION segment_internal.changed_options(segmentation, jsonb) IS
$$The options of a segmentation with some of them changed; null for one is what the kind has where nothing is said.$$;
