-- ---- what is in use where approval is needed ----
--
-- A version of a model comes into use by model_version, one of rules by rule_version
-- and options.  Whatever sets these, a refresh, an edit, a reset, or an UPDATE by a superuser,
-- comes by this trigger.

CREATE FUNCTION segment_internal.check_approval() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rules boolean := NEW.kind = 'rules';
    version integer := CASE WHEN NEW.kind = 'rules' THEN NEW.rule_version ELSE NEW.model_version END;
    proposed_by name;
    approved boolean;
    definition jsonb := OLD.options;
BEGIN
    IF NOT NEW.needs_approval THEN
        IF cardinality(NEW.approval_waived_by) IS DISTINCT FROM 2 THEN
            RAISE EXCEPTION 'that segmentation "%" needs no approval takes two who ask for it', NEW.name
                USING ERRCODE = 'insufficient_privilege',
                      HINT = format('SELECT require_approval(%L, false);', NEW.name);
        END IF;
        RETURN NEW;
    END IF;
    IF rules THEN
        SELECT v.changed_by, v.approved_at IS NOT NULL, v.definition INTO proposed_by, approved, definition
        FROM segment.rule_version AS v WHERE v.segmentation = NEW.name AND v.version = NEW.rule_version;
    ELSE
        SELECT m.proposed_by, m.approved_at IS NOT NULL INTO proposed_by, approved
        FROM segment.model AS m WHERE m.segmentation = NEW.name AND m.version = NEW.model_version;
    END IF;
    IF version IS NOT NULL AND approved IS NOT TRUE THEN
        RAISE EXCEPTION 'segmentation "%" needs approval, and version % of its % has none', NEW.name, version,
            CASE WHEN rules THEN 'rules' ELSE 'model' END
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('approve_model(%L, %s) by somebody other than "%s" gives it.', NEW.name, version,
                                proposed_by);
    END IF;
    IF NEW.options IS DISTINCT FROM coalesce(definition, OLD.options)
        AND (OLD.needs_approval OR version IS NOT NULL) THEN
        RAISE EXCEPTION 'options of segmentation "%" need approval', NEW.name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN rules THEN 'set_segment_rule() proposes other rules.'
                              ELSE 'retrain_segmentation() proposes a model that was trained with others.' END;
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_approval() IS
$$Of a segmentation that needs approval: only a version that somebody approved comes into use, rules are those of
that version, other options stay as they are, and two are needed to end it.
Errors: object_not_in_prerequisite_state, insufficient_privilege.$$;

CREATE TRIGGER check_approval BEFORE UPDATE ON segmentation FOR EACH ROW
    WHEN ((OLD.needs_approval OR NEW.needs_approval)
          AND (OLD.needs_approval, OLD.model_version, OLD.rule_version, OLD.options, OLD.kind, OLD.approval_waived_by)
              IS DISTINCT FROM
              (NEW.needs_approval, NEW.model_version, NEW.rule_version, NEW.options, NEW.kind, NEW.approval_waived_by))
    EXECUTE FUNCTION segment_internal.check_approval();
COMMENT ON TRIGGER check_approval ON segmentation IS
'The one place where a version comes into use, or is kept from it; see require_approval.';

CREATE FUNCTION segment_internal.tell_proposal(s segmentation, what text, version integer, in_use integer) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE NOTICE 'version % of the % of segmentation "%" is proposed, and waits for approval', version, what, s.name
        USING DETAIL = CASE WHEN in_use IS NULL THEN 'No version is in use yet.'
                            ELSE format('Version %s stays in use.', in_use) END,
              HINT = format('model_impact(%L, %s) shows what it would change; approve_model(%1$L, %2$s), by somebody '
                            'other than "%3$s", makes it the one in use.', s.name, version, session_user);
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_proposal(segmentation, text, integer, integer) IS
'Tells by a NOTICE of a version that was proposed, of model or rules, and which one stays in use (NULL: none).';
