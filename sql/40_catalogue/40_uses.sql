-- ---- which segmentations use others ----
--
-- A rule may ask whether its customer is in a segment of another segmentation, see
-- in_segment(); a source may read the member, history or event table of one.  What a rule
-- uses cannot be dropped, renamed or closed without saying so; what a source reads is
-- an ordinary table, and says only which of the two is to be refreshed first.

CREATE TABLE segmentation_use (
    segmentation text NOT NULL REFERENCES segmentation ON DELETE CASCADE ON UPDATE CASCADE,
    how text NOT NULL CHECK (how IN ('rule', 'source')),
    segment_id integer NOT NULL DEFAULT 0,
    uses text NOT NULL REFERENCES segmentation ON UPDATE CASCADE,
    used_segment_id integer NOT NULL DEFAULT 0,
    PRIMARY KEY (segmentation, how, segment_id, uses, used_segment_id),
    CHECK (how = 'rule' OR (segment_id = 0 AND used_segment_id = 0))
);
CREATE INDEX segmentation_use_uses ON segmentation_use (uses);
COMMENT ON TABLE segmentation_use IS
'Which segmentations use others; see segmentation_uses, which has names of segments, too.';
COMMENT ON COLUMN segmentation_use.segmentation IS 'Name of the segmentation that uses another.';
COMMENT ON COLUMN segmentation_use.how IS
$$'rule': a rule calls in_segment(); 'source': its source, or a sub-select of its rules,
reads the member, history or event table, as found at creation, at each change of rules and at each refresh.$$;
COMMENT ON COLUMN segmentation_use.segment_id IS 'The segment whose rule uses it; 0 for a source.';
COMMENT ON COLUMN segmentation_use.uses IS 'Name of the segmentation that is used.';
COMMENT ON COLUMN segmentation_use.used_segment_id IS 'Its segment that is used; 0 for a source.';
SELECT pg_catalog.pg_extension_config_dump('segmentation_use', '');

ALTER TABLE segmentation_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON segmentation_use FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation)
           AND EXISTS (SELECT FROM segmentation AS s WHERE s.name = uses));
COMMENT ON POLICY reader ON segmentation_use IS 'Visible to who sees both segmentations.';

CREATE VIEW segmentation_uses WITH (security_invoker = true) AS
    SELECT u.segmentation, u.how, g.name AS segment, u.uses, v.name AS used_segment
    FROM segmentation_use AS u
    LEFT JOIN segment AS g ON g.segmentation = u.segmentation AND g.segment_id = u.segment_id
    LEFT JOIN segment AS v ON v.segmentation = u.uses AND v.segment_id = u.used_segment_id;
COMMENT ON VIEW segmentation_uses IS
$$Which segmentations use others, and how: refresh_all_segmentations refreshes those first that are used.
Shows those of which the current user sees both.$$;
COMMENT ON COLUMN segmentation_uses.segmentation IS 'Name of the segmentation that uses another.';
COMMENT ON COLUMN segmentation_uses.how IS
$$'rule': a rule calls in_segment(); 'source': its source, or a sub-select of its rules,
reads the member, history or event table.$$;
COMMENT ON COLUMN segmentation_uses.segment IS
'The segment whose rule uses it, by its present name; NULL for a source.';
COMMENT ON COLUMN segmentation_uses.uses IS 'Name of the segmentation that is used.';
COMMENT ON COLUMN segmentation_uses.used_segment IS
'Its segment that is used, by its present name; NULL for a source.';

-- These two are called by change_catalogue, as the owner of the extension, who sees all
-- segmentations; what the caller does not see is not named.
CREATE FUNCTION segment_internal.seen_by(caller name, name text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM segmentation AS s
               WHERE s.name = seen_by.name
                 AND (pg_catalog.has_table_privilege(caller, s.members, 'SELECT')
                      OR pg_catalog.pg_has_role(caller, segment_internal.owner_of(s.members), 'USAGE')));
COMMENT ON FUNCTION segment_internal.seen_by(name, text) IS 'Whether a role may know of a segmentation.';

CREATE FUNCTION segment_internal.refuse_while_used(name text, segment_ids integer[], done text, hint text, caller name)
    RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    list text;
    used text;
    others bigint;
BEGIN
    SELECT string_agg(format('segment "%s" of segmentation "%s" uses segment "%s"', g.name, u.segmentation, v.name),
                      '; ' ORDER BY u.segmentation, g.name, v.name)
               FILTER (WHERE segment_internal.seen_by(caller, u.segmentation)),
           count(DISTINCT u.segmentation) FILTER (WHERE NOT segment_internal.seen_by(caller, u.segmentation)),
           CASE WHEN segment_ids IS NOT NULL THEN format('segment "%s" of ', min(v.name)) ELSE '' END
    INTO list, others, used
    FROM segment.segmentation_use AS u
    JOIN segment.segment AS g ON g.segmentation = u.segmentation AND g.segment_id = u.segment_id
    JOIN segment.segment AS v ON v.segmentation = u.uses AND v.segment_id = u.used_segment_id
    WHERE u.uses = refuse_while_used.name AND u.how = 'rule'
      AND (segment_ids IS NULL OR u.used_segment_id = ANY (segment_ids))
    HAVING count(*) > 0;
    IF FOUND THEN
        RAISE EXCEPTION '%segmentation "%" cannot be %, because rules use it', used, name, done
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = concat_ws('; ', list,
                                     CASE WHEN others > 0 THEN format('segmentations of others: %s',
                                         others) END) || '.',
                  HINT = refuse_while_used.hint;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_while_used(text, integer[], text, text, name) IS
$$Raises an error (dependent_objects_still_exist) that lists whose rules use a segmentation, or some of its segments
(NULL: any), if there are such rules.
done: what cannot be done; caller: for whom, who reads only names that he may.$$;

CREATE FUNCTION segment_internal.refuse_cycle(name text, caller name) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- of each that was reached, which one uses it
    used_by jsonb := '{}';
    reached text[] := ARRAY[name];
    found_now jsonb;
    one text := name;
    path text := name;
BEGIN
    WHILE cardinality(reached) > 0 AND NOT used_by ? name LOOP
        SELECT coalesce(jsonb_object_agg(u.uses, u.segmentation), '{}') INTO found_now
        FROM (SELECT DISTINCT ON (a.uses) a.uses, a.segmentation FROM segment.segmentation_use AS a
              -- a way that begins with a source is none that a rule made
              WHERE a.segmentation = ANY (reached) AND (a.how = 'rule' OR a.segmentation <> refuse_cycle.name)
                AND NOT used_by ? a.uses
              ORDER BY a.uses, a.segmentation) AS u;
        used_by := used_by || found_now;
        reached := ARRAY(SELECT jsonb_object_keys(found_now));
    END LOOP;
    IF used_by ? name THEN
        LOOP
            one := used_by ->> one;
            path := CASE WHEN segment_internal.seen_by(caller, one) THEN one ELSE '(one of others)' END
                    || ' -> ' || path;
            EXIT WHEN one = name;
        END LOOP;
        RAISE EXCEPTION 'segmentation "%" would use itself: %', name, path
            USING ERRCODE = 'invalid_object_definition',
                  HINT = 'None of them could be refreshed first. Ask in one of these rules for the data '
                         'that the other segment is made of.';
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION segment_internal.refuse_cycle(text, name) IS
$$Raises an error (invalid_object_definition) with the path when the rules of a segmentation use one that,
by whatever way, uses it.
caller: who is told, and reads only names that he may.$$;

CREATE FUNCTION segment_internal.query_relations(query text, search_path text) RETURNS regclass[]
    AS 'MODULE_PATHNAME', 'segment_query_relations' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.query_relations(text, text) IS
$$What a query reads that is found under the given search_path, views and what is behind them.
NULL query: NULL.
Errors: as query_columns.$$;

CREATE FUNCTION segment_internal.record_source_uses(s segmentation) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    relations regclass[] := segment_internal.query_relations(s.source, s.search_path)
                            || segment_internal.query_relations(s.customers, s.search_path);
    statement text;
BEGIN
    IF to_regproc(format('segment_internal.%I', s.kind || '_statement')) IS NOT NULL THEN
        EXECUTE format('SELECT segment_internal.%I($1)', s.kind || '_statement') INTO statement USING s;
        relations := relations || segment_internal.query_relations(statement, s.search_path);
    END IF;
    PERFORM segment_internal.change_catalogue('record_source_uses', s.name, relations::oid[]);
END;
$$;
COMMENT ON FUNCTION segment_internal.record_source_uses(segmentation) IS
$$Brings up to date which segmentations the source of a segmentation reads, as its owner.
Errors: as query_columns.$$;

CREATE FUNCTION segment_internal.record_source_uses(name text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.record_source_uses(segment_internal.segmentation_row(name));
COMMENT ON FUNCTION segment_internal.record_source_uses(text) IS 'The same by name.';
