-- ---- rules change: each change is a version, and can be taken back ----

CREATE TABLE rule_version (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    note text,
    changed_by name NOT NULL,
    changed_at timestamptz NOT NULL,
    based_on integer,
    approved_by name,
    approved_at timestamptz,
    PRIMARY KEY (segmentation, version),
    CONSTRAINT approver_is_not_proposer CHECK (approved_by <> changed_by),
    CONSTRAINT approved_by_somebody CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);
COMMENT ON TABLE rule_version IS
'What the rules of segmentations were, a row for each change; see segment_rule_versions, which tells what changed.';
COMMENT ON COLUMN rule_version.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN rule_version.version IS 'From 1; the one in use is rule_version of the segmentation.';
COMMENT ON COLUMN rule_version.definition IS
$$The rules in the order of their priority, each with segment_id, segment, rule and description;
rest, exclusive and keep, as in the options of the segmentation.$$;
COMMENT ON COLUMN rule_version.note IS 'Why, as whoever changed it said.';
COMMENT ON COLUMN rule_version.changed_by IS 'Role that was logged in.';
COMMENT ON COLUMN rule_version.changed_at IS 'When.';
COMMENT ON COLUMN rule_version.based_on IS 'The version that was in use then; NULL: none.';
COMMENT ON COLUMN rule_version.approved_by IS
'Role that was logged in and approved it, the last time that somebody did, see approve_model; NULL: nobody has.';
COMMENT ON COLUMN rule_version.approved_at IS 'When.';
SELECT pg_catalog.pg_extension_config_dump('rule_version', '');
ALTER TABLE rule_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON rule_version FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
COMMENT ON POLICY reader ON rule_version IS 'Visible with the segmentation.';

CREATE FUNCTION segment_internal.rules_of(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.locked_segmentation(name);
BEGIN
    IF s.kind <> 'rules' THEN
        RAISE EXCEPTION 'segmentation "%" is not made of rules', name
            USING ERRCODE = 'wrong_object_type', HINT = format('It is of kind %s.', s.kind);
    END IF;
    PERFORM segment_internal.enter_settings(s);
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_of(text) IS
$$A segmentation by rules, locked, as its owner, with its settings entered.
Errors: undefined_object, wrong_object_type.$$;

CREATE FUNCTION segment_internal.rules_to_edit(name text) RETURNS segmentation
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
BEGIN
    IF s.needs_approval THEN
        -- never on what somebody else proposed, who then would have two names under one version
        s.options := coalesce((SELECT v.definition FROM segment.rule_version AS v
                               WHERE v.segmentation = s.name AND v.version > coalesce(s.rule_version, 0)
                                 AND v.approved_at IS NULL AND v.changed_by = session_user
                               ORDER BY v.version DESC LIMIT 1), s.options);
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_to_edit(text) IS
$$As rules_of, with the rules that an edit starts from: those in use, or, where they need approval, those that the
current login proposed last and that wait for it.$$;

CREATE FUNCTION segment_internal.open_segment_id(s segmentation, segment text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT g.segment_id FROM segment AS g
        WHERE g.segmentation = s.name AND g.name = open_segment_id.segment AND g.closed_at IS NULL);
COMMENT ON FUNCTION segment_internal.open_segment_id(segmentation, text) IS
'The id of a segment by its present name; NULL: there is none.';

CREATE FUNCTION segment_internal.rule_position(s segmentation, segment text) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.n::integer
    FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
    LEFT JOIN segment AS g ON g.segmentation = s.name AND g.segment_id = (r.rule ->> 'segment_id')::integer
                          AND g.closed_at IS NULL
    WHERE coalesce(g.name, r.rule ->> 'segment') = rule_position.segment;
END;
COMMENT ON FUNCTION segment_internal.rule_position(segmentation, text) IS
'The place of the rule of a segment, by its present name, or where it is only proposed, by that; NULL: it has none.';

CREATE FUNCTION segment_internal.first_rules(s segmentation, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    version integer := segment_internal.change_catalogue('propose_rules', s.name, s.options, note);
BEGIN
    PERFORM segment_internal.change_catalogue('use_rules', s.name, version);
    PERFORM segment_internal.record_source_uses(s.name);
END;
$$;
COMMENT ON FUNCTION segment_internal.first_rules(segmentation, text) IS
'Makes the rules that a new segmentation has in options its first version.';

CREATE FUNCTION segment_internal.rules_of_version(s segmentation, version integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result jsonb := (SELECT v.definition FROM segment.rule_version AS v
                     WHERE v.segmentation = s.name AND v.version = rules_of_version.version);
BEGIN
    IF result IS NULL THEN
        RAISE EXCEPTION 'the rules of segmentation "%" have no version %', s.name, coalesce(version::text, '(null)')
            USING ERRCODE = 'undefined_object', HINT = 'segment_rule_versions lists them.';
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.rules_of_version(segmentation, integer) IS
$$The rules of a version, as options of the segmentation.
Error (undefined_object) when there is no such version.$$;

CREATE FUNCTION segment_internal.use_rules(s segmentation, version integer) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM segment_internal.change_catalogue('use_rules', s.name, version);
    PERFORM segment_internal.change_catalogue('bind_source', s.name, s.source_columns, s.source_types);
    PERFORM segment_internal.record_source_uses(s.name);
    PERFORM segment_internal.retrack(s.name);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'two segments of segmentation "%" would have one name', s.name
        USING ERRCODE = 'duplicate_object', HINT = 'rename_segment() gives one of them another.';
END;
$$;
COMMENT ON FUNCTION segment_internal.use_rules(segmentation, integer) IS
$$Makes a version of the rules of a segmentation, which has the columns of the source that they read, the one in use.
Errors: duplicate_object, object_not_in_prerequisite_state for a version that needs approval and has none,
dependent_objects_still_exist where rules of others use a segment that it lacks.$$;

CREATE FUNCTION segment_internal.define_rules(s segmentation, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    version integer;
BEGIN
    -- a source that changed is not taken over on the way
    PERFORM segment_internal.check_source(segment_internal.segmentation_row(s.name));
    -- rules are told by the present names of their segments
    s.options := jsonb_set(s.options, '{rules}', (
        SELECT jsonb_agg(r.rule || jsonb_build_object('segment', coalesce(g.name, r.rule ->> 'segment')) ORDER BY r.n)
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
        LEFT JOIN segment.segment AS g ON g.segmentation = s.name
               AND g.segment_id = (r.rule ->> 'segment_id')::integer));
    s := segment_internal.checked('bind_rules_columns', s);
    version := segment_internal.change_catalogue('propose_rules', s.name, s.options, note);
    IF s.needs_approval THEN
        PERFORM segment_internal.tell_proposal(s, 'rules', version, s.rule_version);
    ELSE
        PERFORM segment_internal.use_rules(s, version);
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.define_rules(segmentation, text) IS
$$Checks the rules that a segmentation has in options, and makes them its next version, which is used at once unless it
needs approval.
Errors: those of check_source, bind_rules_columns and use_rules.$$;

CREATE FUNCTION segment_internal.set_rule_as_owner(
    name text, segment text, rule text, priority integer, description text, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_to_edit(name);
    rules jsonb := s.options -> 'rules';
    at integer := segment_internal.rule_position(s, segment);
    one jsonb := coalesce(rules -> (at - 1), jsonb_build_object('segment', segment));
    most integer := jsonb_array_length(rules) + CASE WHEN at IS NULL THEN 1 ELSE 0 END;
BEGIN
    IF coalesce(segment, '') = '' THEN
        RAISE EXCEPTION 'the name of a segment must not be %', CASE WHEN segment IS NULL THEN 'null' ELSE 'empty' END
            USING ERRCODE = 'invalid_name';
    END IF;
    IF at IS NULL
        AND segment_internal.open_segment_id(s, segment) = (s.options -> 'rest' ->> 'segment_id')::integer THEN
        RAISE EXCEPTION 'segment "%" is that of the rest, and has no rule', segment
            USING ERRCODE = 'wrong_object_type', HINT = 'Give the new rule a segment of another name.';
    END IF;
    IF at IS NULL AND rule IS NULL THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, segment
            USING ERRCODE = 'undefined_object', HINT = 'segment_rules() lists them; given a rule, a new one is made.';
    END IF;
    IF priority NOT BETWEEN 1 AND most THEN
        RAISE EXCEPTION 'priority must be from 1 to %, not %', most, priority
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is the place of the rule: 1 is asked first.';
    END IF;
    IF at IS NULL THEN
        one := one || jsonb_build_object('segment_id', (SELECT max(g.segment_id) + 1 FROM segment.segment AS g
                                                        WHERE g.segmentation = s.name));
    ELSE
        rules := rules - (at - 1);
    END IF;
    IF rule IS NOT NULL THEN
        -- a new text means the segments that have these names now
        one := one - 'uses';
    END IF;
    one := one || jsonb_build_object('rule', coalesce(rule, one ->> 'rule'),
                                     'description', coalesce(description, one ->> 'description'));
    priority := coalesce(priority, at, most);
    s.options := jsonb_set(s.options, '{rules}', CASE WHEN priority = most THEN rules || jsonb_build_array(one)
                                                      ELSE jsonb_insert(rules, ARRAY[(priority - 1)::text], one) END);
    PERFORM segment_internal.define_rules(s, note);
END;
$$;
COMMENT ON FUNCTION segment_internal.set_rule_as_owner(text, text, text, integer, text, text) IS
'The work of set_segment_rule, with the rights of the owner.';

CREATE FUNCTION segment_internal.drop_rule_as_owner(name text, segment text, note text, cascade boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_to_edit(name);
    at integer := segment_internal.rule_position(s, segment);
BEGIN
    IF at IS NULL AND (segment_internal.open_segment_id(s, segment)
                       = (s.options -> 'rest' ->> 'segment_id')::integer) IS NOT TRUE THEN
        RAISE EXCEPTION 'segmentation "%" has no segment "%"', name, coalesce(segment, '(null)')
            USING ERRCODE = 'undefined_object', HINT = 'segment_rules() lists them.';
    END IF;
    IF cascade AND s.needs_approval THEN
        RAISE EXCEPTION 'what uses segment "%" cannot be dropped by a change that needs approval', segment
            USING ERRCODE = 'feature_not_supported', HINT = 'Drop the rules that use it first.';
    END IF;
    IF cascade THEN
        PERFORM segment_internal.release_uses(s.name, ARRAY[segment_internal.open_segment_id(s, segment)]);
    END IF;
    s.options := CASE WHEN at IS NULL THEN s.options - 'rest'
                      ELSE jsonb_set(s.options, '{rules}', (s.options -> 'rules') - (at - 1)) END;
    IF s.options -> 'rules' = '[]' THEN
        RAISE EXCEPTION 'segment "%" has the last rule of segmentation "%"', segment, name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'drop_segmentation() drops it as a whole.';
    END IF;
    PERFORM segment_internal.define_rules(s, note);
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_rule_as_owner(text, text, text, boolean) IS
'The work of drop_segment_rule, with the rights of the owner.';

CREATE FUNCTION segment_internal.revert_rules_as_owner(name text, version integer, note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
BEGIN
    s.options := segment_internal.rules_of_version(s, version);
    PERFORM segment_internal.define_rules(s, coalesce(note, format('as version %s', version)));
END;
$$;
COMMENT ON FUNCTION segment_internal.revert_rules_as_owner(text, integer, text) IS
'The work of revert_segment_rules, with the rights of the owner.';

CREATE FUNCTION segment_internal.place_anew(name text, refresh boolean) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result segment.run;
BEGIN
    IF coalesce(refresh, true) AND NOT (segment_internal.segmentation_row(name)).needs_approval THEN
        result := segment.refresh_segmentation(name);
        IF result.outcome NOT IN ('ok', 'empty') THEN
            RAISE EXCEPTION 'the rules of segmentation "%" stay as they were, because its refresh was not ok: %',
                name, result.error
                USING ERRCODE = coalesce(result.error_code, 'SR001'),
                      HINT = 'refresh => false changes them without a refresh.';
        END IF;
    END IF;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.place_anew(text, boolean) IS
$$Refreshes a segmentation whose rules were changed in this transaction and returns the run;
or an error that takes the change back.
refresh: false does nothing, and returns NULL; so where the change needs approval, and is only proposed.$$;

CREATE FUNCTION set_segment_rule(
    segmentation text, segment text, rule text DEFAULT NULL, priority integer DEFAULT NULL,
    description text DEFAULT NULL,
    note text DEFAULT NULL, refresh boolean DEFAULT true) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    PERFORM segment_internal.run_as_owner(
        coalesce(segment_internal.owner_of(s.members), current_user),
        'SELECT segment_internal.set_rule_as_owner($1, $2, $3, $4::integer, $5, $6)',
        s.name, segment, rule, priority::text, description, note);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION set_segment_rule(text, text, text, integer, text, text, boolean) IS
$$Changes the rule of a segment, or adds a segment with a rule, as a new version of the definition;
then refreshes the segmentation, and returns the run.
rule: see create_rule_segmentation; NULL: as it was.
priority: the place of the rule, from 1; NULL: where it was, and of a new one the last.
description: NULL: as it was.
note: why, for segment_rule_versions.
refresh: false leaves the members as they are until the next refresh, and returns NULL.
A refresh that fails, or is refused, is an error, and takes the change back.
Where rules need approval (see require_approval), the change is proposed and not made, which a NOTICE tells, and NULL is
returned; it starts from what the same login proposed last and waits, or else from the rules in use.
Errors: undefined_object, wrong_object_type for another kind of segmentation, invalid_parameter_value,
insufficient_privilege, whatever a rule is refused for, and what a refresh failed with.$$;

CREATE FUNCTION drop_segment_rule(segmentation text, segment text, note text DEFAULT NULL, refresh boolean DEFAULT true,
                                  cascade boolean DEFAULT false)
    RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    IF cascade THEN
        PERFORM segment_internal.drop_using_rules(s.name, ARRAY[segment_internal.open_segment_id(s, segment)]);
    END IF;
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.drop_rule_as_owner($1, $2, $3, $4::boolean)',
                                          s.name, segment, note, coalesce(cascade, false)::text);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION drop_segment_rule(text, text, text, boolean, boolean) IS
$$Drops the rule of a segment and closes the segment, or that of the rest, as a new version of the definition;
then refreshes the segmentation, and returns the run.
note, refresh: as in set_segment_rule.
cascade: also the rules of other segmentations that use the segment by in_segment, as drop_segmentation does;
else they are an error (dependent_objects_still_exist) that lists them.
The id of the segment is not used again, but by revert_segment_rules, which brings the segment back.
Where rules need approval, it is proposed, as in set_segment_rule.
Errors: undefined_object, wrong_object_type, invalid_parameter_value for the last rule, insufficient_privilege,
feature_not_supported for cascade where rules need approval, and what a refresh failed with.$$;

CREATE FUNCTION revert_segment_rules(
    segmentation text, version integer, note text DEFAULT NULL, refresh boolean DEFAULT true) RETURNS run
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    PERFORM segment_internal.run_as_owner(coalesce(segment_internal.owner_of(s.members), current_user),
                                          'SELECT segment_internal.revert_rules_as_owner($1, $2::integer, $3)',
                                          s.name, version::text, note);
    RETURN segment_internal.place_anew(s.name, refresh);
END;
$$;
COMMENT ON FUNCTION revert_segment_rules(text, integer, text, boolean) IS
$$Makes the rules of a segmentation what they were in a version, as a new version; then refreshes it,
and returns the run.
Segments have the ids that they had, and the names that they have now.
note, refresh: as in set_segment_rule.
Where rules need approval, it is proposed, as in set_segment_rule; approve_model makes the old version itself the one in
use again.
Errors: undefined_object for an unknown version, dependent_objects_still_exist where it would close a segment
that rules of other segmentations use, wrong_object_type, insufficient_privilege,
and what a refresh failed with.$$;
