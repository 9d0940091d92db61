-- ---- what becomes of rules when what they use is dropped or renamed ----

CREATE FUNCTION segment_internal.release_uses(name text, segment_ids integer[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    left_over bigint := segment_internal.change_catalogue('release_uses', name, segment_ids);
BEGIN
    IF left_over > 0 THEN
        RAISE NOTICE 'segmentations of others whose rules use what is dropped: %', left_over
            USING HINT = 'Their refreshes fail until their owners change these rules.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.release_uses(text, integer[]) IS
$$Lets rules that use a segmentation, or some of its segments (NULL: any), no longer bar it from being dropped,
as its owner, after drop_using_rules; a NOTICE tells how many segmentations of others have such rules.$$;

CREATE FUNCTION segment_internal.drop_rules_as_owner(name text, segment_ids integer[], note text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
BEGIN
    PERFORM segment_internal.release_uses(s.name, segment_ids);
    s.options := jsonb_set(s.options, '{rules}', (
        SELECT jsonb_agg(r.rule ORDER BY r.n)
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)
        WHERE (r.rule ->> 'segment_id')::integer <> ALL (segment_ids)));
    PERFORM segment_internal.define_rules(s, note);
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_rules_as_owner(text, integer[], text) IS
'Drops the rules of some segments of a segmentation, as its owner.';

CREATE FUNCTION segment_internal.drop_using_rules(name text, used_ids integer[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    note text := CASE WHEN used_ids IS NULL THEN format('segmentation "%s" was dropped', name)
                      ELSE (SELECT format('segment "%s" of "%s" was dropped', min(g.name), drop_using_rules.name)
                            FROM segment.segment AS g
                            WHERE g.segmentation = drop_using_rules.name AND g.segment_id = ANY (used_ids)) END;
BEGIN
    FOR one IN
        SELECT s.name, segment_internal.owner_of(s.members) AS owner, array_agg(DISTINCT u.segment_id) AS ids,
               jsonb_array_length(s.options -> 'rules') AS rules,
               string_agg(DISTINCT format('"%s"', g.name), ', ') AS segments
        FROM segment.segmentation_use AS u JOIN segment.segmentation AS s ON s.name = u.segmentation
        JOIN segment.segment AS g ON g.segmentation = u.segmentation AND g.segment_id = u.segment_id
        WHERE u.uses = drop_using_rules.name AND u.how = 'rule'
          AND (used_ids IS NULL OR u.used_segment_id = ANY (used_ids)) AND segment_internal.owns(s.members)
        GROUP BY s.name ORDER BY s.name
    LOOP
        IF cardinality(one.ids) = one.rules THEN
            PERFORM segment.drop_segmentation(one.name, cascade => true);
            RAISE NOTICE 'segmentation "%" is dropped, too, of which no rule was left', one.name;
        ELSE
            PERFORM segment_internal.drop_using_rules(one.name, one.ids);
            PERFORM segment_internal.run_as_owner(
                one.owner, 'SELECT segment_internal.drop_rules_as_owner($1, $2::integer[], $3)',
                one.name, one.ids::text, note);
            RAISE NOTICE 'segments % of segmentation "%" are dropped, too', one.segments, one.name
                USING HINT = 'Who is in them departs at its next refresh.';
        END IF;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.drop_using_rules(text, integer[]) IS
$$Drops the rules that use a segmentation, or some of its segments (NULL: any),
of segmentations that the current user may change, and what uses these in turn;
a segmentation of which no rule would be left is dropped.
NOTICEs tell of each.$$;

CREATE FUNCTION segment_internal.renamed_in_rule(rule text, used text, old_name text, new_name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call record;
    done integer := 1;
    result text := '';
BEGIN
    FOR call IN SELECT u.* FROM segment_internal.rule_uses(rule) AS u LOOP
        CONTINUE WHEN call.call_begin < done;
        result := result || substr(rule, done, call.call_begin - done);
        done := call.call_end;
        result := result || CASE WHEN call.segmentation = used AND call.segment = old_name OR call.of_row
            THEN format('%s(%L, %L%s)', rtrim(substring(substr(rule, call.call_begin) FROM '^[^(]*')),
                        call.segmentation, CASE WHEN call.segmentation = used AND call.segment = old_name THEN new_name
                             ELSE call.segment END,
                        ', ' || segment_internal.renamed_in_rule(call.at, used, old_name, new_name))
            ELSE substr(rule, call.call_begin, call.call_end - call.call_begin) END;
    END LOOP;
    RETURN result || substr(rule, done);
END;
$$;
COMMENT ON FUNCTION segment_internal.renamed_in_rule(text, text, text, text) IS
$$A rule with a segment of a used segmentation under its new name, wherever in_segment asks for it by the old one.
Such a call is written anew; comments in it are lost.$$;

CREATE FUNCTION segment_internal.rename_in_rules_as_owner(name text, used text, used_id integer,
                                                          old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.rules_of(name);
    use jsonb := jsonb_build_array(jsonb_build_object('segmentation', used, 'segment', old_name,
                                                      'segment_id', used_id));
BEGIN
    s.options := jsonb_set(s.options, '{rules}', (
        SELECT jsonb_agg(CASE WHEN r.rule -> 'uses' @> use
                              THEN r.rule || jsonb_build_object('rule', segment_internal.renamed_in_rule(
                                       r.rule ->> 'rule', used, old_name, new_name)) ELSE r.rule END ORDER BY r.n)
        FROM jsonb_array_elements(s.options -> 'rules') WITH ORDINALITY AS r (rule, n)));
    PERFORM segment_internal.define_rules(s, format('segment "%s" of "%s" was renamed "%s"', old_name, used, new_name));
END;
$$;
COMMENT ON FUNCTION segment_internal.rename_in_rules_as_owner(text, text, integer, text, text) IS
'Writes the rules of a segmentation anew, as a new version, where they use a segment that was renamed.';

CREATE FUNCTION segment_internal.rename_in_using_rules(name text, used_id integer, old_name text, new_name text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT s.name, segment_internal.owner_of(s.members) AS owner
        FROM segment.segmentation_use AS u JOIN segment.segmentation AS s ON s.name = u.segmentation
        WHERE u.uses = rename_in_using_rules.name AND u.how = 'rule' AND u.used_segment_id = used_id
          AND segment_internal.owns(s.members)
        ORDER BY s.name
    LOOP
        PERFORM segment_internal.run_as_owner(
            one.owner, 'SELECT segment_internal.rename_in_rules_as_owner($1, $2, $3::integer, $4, $5)',
            one.name, name, used_id::text, old_name, new_name);
        RAISE NOTICE 'the rules of segmentation "%" have the new name, too', one.name;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.rename_in_using_rules(text, integer, text, text) IS
$$Gives a segment its new name in all rules that use it, of segmentations that the current user may change;
a NOTICE tells of each.$$;
