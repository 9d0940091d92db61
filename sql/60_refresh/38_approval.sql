-- ---- a version is proposed by one, approved by another ----
--
-- A segmentation may need approval: then what trains or edits makes a version that is not
-- in use, and approve_model makes it so.  That nothing else does is the trigger check_approval's.
-- Who proposed and who approved are logins, session_user, which SET ROLE does not change.

CREATE FUNCTION require_approval(segmentation text, required boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    result boolean;
BEGIN
    IF required AND segment_internal.distribution_column(s.members) IS NOT NULL THEN
        RAISE EXCEPTION 'segmentation "%" cannot need approval, because its tables are distributed', s.name
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM segment_internal.change_catalogue('lock', s.name);
    -- as caller, and not with the rights of the owner: it is he who asks
    result := segment_internal.change_catalogue('require_approval', s.name, coalesce(required, true)) = 1;
    IF result AND NOT required THEN
        RAISE NOTICE 'segmentation "%" needs approval until somebody else asks for the same', s.name
            USING DETAIL = format('"%s" has asked.', (SELECT g.approval_waived_by[1] FROM segment.segmentation AS g
                                                      WHERE g.name = s.name)),
                  HINT = format('require_approval(%L) takes it back.', s.name);
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION require_approval(text, boolean) IS
$$Says that a version of the model of a segmentation, or of its rules, comes into use only when somebody other than who
proposed it approves it, by approve_model; returns whether it does now.
From then on a refresh that would train proposes the model (a NOTICE, and proposed_version in details of the run) and
places customers by the one in use; one that waits keeps refreshes from training others, but not retrain => true.
set_segment_rule, drop_segment_rule and revert_segment_rules propose, alter_segmentation does not change options, and
reset_segmentation goes back to an approved version only. Before any is approved, a refresh places nobody: its outcome
is empty, or of rules refused.
required: false asks that it need none any more, which is so once two, as logged in, have asked for it; who they were
stays in approval_waived_by of the segmentation.
Where a version is in use, it must have been approved before; rules of a segmentation that was never refreshed wait.
Errors: undefined_object, insufficient_privilege for whoever may not act as the owner, and in what a refresh runs,
object_not_in_prerequisite_state where the version in use was not approved, feature_not_supported for distributed
segmentations.$$;

CREATE FUNCTION segment_internal.record_proposal(s segmentation, model segment_model, as_of timestamptz, note text)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- that was proposed before and waits
    same integer := (SELECT max(m.version) FROM segment.model AS m
                     WHERE m.segmentation = s.name AND m.version > coalesce(s.model_version, 0)
                       AND m.approved_at IS NULL AND m.model OPERATOR(segment.=) record_proposal.model);
    result integer := coalesce(same, segment_internal.change_catalogue('propose_model', s.name, model, as_of, note));
BEGIN
    PERFORM segment_internal.tell_proposal(s, 'model', result, s.model_version);
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.record_proposal(segmentation, segment_model, timestamptz, text) IS
'Stores a model that is not in use, unless it waits already, tells of it, and returns its version.';

CREATE FUNCTION segment_internal.propose_as_owner(name text, model text, note text) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
    own segment.segment_model;
BEGIN
    IF segment_internal.kind_function(s, 'own_model') IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no models: it is of kind %', s.name, s.kind
            USING ERRCODE = 'wrong_object_type',
                  HINT = CASE s.kind WHEN 'rules' THEN 'set_segment_rule() proposes other rules.' END;
    END IF;
    EXECUTE format('SELECT segment_internal.%I($1, $2)', s.kind || '_own_model') INTO own
    USING s, model::segment.segment_model;
    RETURN segment_internal.record_proposal(s, own, coalesce(s.refreshed_as_of, clock_timestamp()), note);
END;
$$;
COMMENT ON FUNCTION segment_internal.propose_as_owner(text, text, text) IS
'The work of propose_model, with the rights of the owner.';

CREATE FUNCTION propose_model(name text, model segment_model, note text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
BEGIN
    IF model IS NULL THEN
        RAISE EXCEPTION 'model must not be null' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'get_model() has those of a segmentation, and training functions return one.';
    END IF;
    RETURN segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                         'SELECT segment_internal.propose_as_owner($1, $2, $3)', s.name, model::text,
                                         note);
END;
$$;
COMMENT ON FUNCTION propose_model(text, segment_model, text) IS
$$Stores a model as a version of a segmentation that is not in use, for approve_model, and returns the version; of one
that waits already, that.
model: one that a training function returned, or of a version, get_model(name, 2). Its segments are recognised as after
a retraining, see diff_segmentation; new ones get ids never used before, and are closed until it is approved.
note: why, kept with the version.
Whether the segmentation needs approval does not matter.
Errors: undefined_object, null_value_not_allowed, insufficient_privilege, wrong_object_type or invalid_parameter_value
for a model that is none of this segmentation, wrong_object_type for segmentations by rules.$$;

CREATE FUNCTION segment_internal.use_version_as_owner(name text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    IF s.kind = 'rules' THEN
        PERFORM segment_internal.enter_settings(s);
        PERFORM segment_internal.check_source(s);
        s.options := segment_internal.rules_of_version(s, version);
        s := segment_internal.checked('bind_rules_columns', s);
        PERFORM segment_internal.use_rules(s, version);
    ELSE
        PERFORM segment_internal.change_catalogue('use_model', s.name, version, NULL::timestamptz);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.use_version_as_owner(text, integer) IS
'Makes a version of model or rules the one in use, with the rights of the owner.';

CREATE FUNCTION approve_model(name text, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    done text;
BEGIN
    PERFORM segment_internal.change_catalogue('lock', s.name);
    BEGIN
        IF segment_internal.change_catalogue('approve', s.name, version) IS NULL THEN
            RAISE EXCEPTION 'segmentation "%" has no version %', s.name, coalesce(version::text, '(null)')
                USING ERRCODE = 'undefined_object',
                      HINT = format('%s lists them.', CASE s.kind WHEN 'rules' THEN 'segment_rule_versions'
                                                      ELSE 'The table segment.model' END);
        END IF;
    EXCEPTION WHEN check_violation THEN
        RAISE EXCEPTION 'version % of segmentation "%" was proposed by "%", who does not approve it', version, s.name,
            session_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Somebody else does, logged in as himself, who may act as "%s".',
                                segment_internal.owner_of(s.members));
    END;
    done := segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.use_version_as_owner($1, $2::integer)',
                                          s.name, version::text);
END;
$$;
COMMENT ON FUNCTION approve_model(text, integer) IS
$$Approves a version of the model of a segmentation, or of its rules, and makes it the one in use, with its segments;
the next refresh places the customers, and in the refresh mode immediate so does who writes before.
The login that proposed it (proposed_by of segment.model, changed_by of segment.rule_version) does not approve it,
whatever role it is set to; who approved it, and when, is kept there.
Approves an old version as well, which takes back what was made since. Whether the segmentation needs approval does not
matter.
It is called by whoever approves: in a source, a rule or a trigger that a refresh runs it is an error.
Errors: undefined_object for an unknown segmentation or version, insufficient_privilege for who proposed it and
whoever may not act as the owner, and where it would close a segment that rules of others use,
dependent_objects_still_exist.$$;
