-- ---- who sees and changes what ----

CREATE FUNCTION segment_internal.acts_as(owner name) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                   WHERE r.rolname = acts_as.owner AND pg_catalog.pg_has_role(r.oid, 'USAGE'));
END;
$$;
COMMENT ON FUNCTION segment_internal.acts_as(name) IS
'Whether the current user has the rights of a role; false when there is no such role.';

CREATE FUNCTION segment_internal.may_read(relation regclass) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM pg_catalog.pg_class AS c
               WHERE c.oid = relation
                 AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
                 AND pg_catalog.has_table_privilege(c.oid, 'SELECT'));
COMMENT ON FUNCTION segment_internal.may_read(regclass) IS
'Whether the current user may read a table; false when there is none.';

CREATE FUNCTION segment_internal.owner_of(members regclass) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class AS c WHERE c.oid = members);
END;
$$;
COMMENT ON FUNCTION segment_internal.owner_of(regclass) IS
'The owner of a segmentation, who is that of its member table; NULL when the table is gone.';

CREATE FUNCTION segment_internal.owns(members regclass) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = members)
                THEN segment_internal.acts_as(segment_internal.owner_of(members))
                -- what is left of a segmentation whose table somebody dropped
                ELSE (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) END;
END;
$$;
COMMENT ON FUNCTION segment_internal.owns(regclass) IS
$$Whether the current user has the rights of the owner of a segmentation, given its member table.
Of one whose table is gone a superuser has them.$$;

-- A segmentation, and all that hangs on it, is visible to its owner and to whoever may
-- read its members.  Nobody has the right to write: see change_catalogue.
ALTER TABLE segmentation ENABLE ROW LEVEL SECURITY;
ALTER TABLE segment ENABLE ROW LEVEL SECURITY;
ALTER TABLE segment_shift ENABLE ROW LEVEL SECURITY;
ALTER TABLE model ENABLE ROW LEVEL SECURITY;
ALTER TABLE run ENABLE ROW LEVEL SECURITY;
ALTER TABLE rfm_scheme ENABLE ROW LEVEL SECURITY;
ALTER TABLE tracked_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON segmentation FOR SELECT USING (segment_internal.may_read(members));
CREATE POLICY owner ON segmentation FOR SELECT USING (segment_internal.owns(members));
CREATE POLICY reader ON segment FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON segment_shift FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON model FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON run FOR SELECT USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON tracked_table FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
CREATE POLICY reader ON rfm_scheme FOR SELECT USING (true);
COMMENT ON POLICY reader ON segmentation IS 'Who may read the members sees the segmentation.';
COMMENT ON POLICY owner ON segmentation IS 'The owner sees it, too.';
COMMENT ON POLICY reader ON segment IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON segment_shift IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON model IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON run IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON tracked_table IS 'Visible with the segmentation.';
COMMENT ON POLICY reader ON rfm_scheme IS 'Schemes are for all.';

CREATE FUNCTION segment_internal.run_as_owner(owner name, command text, VARIADIC arguments text[] DEFAULT '{}')
    RETURNS text
    AS 'MODULE_PATHNAME', 'segment_run_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION segment_internal.run_as_owner(name, text, VARIADIC text[]) IS
$body$Runs a command with the rights of a role that the current user may act as,
in a security-restricted operation as REFRESH MATERIALIZED VIEW does,
and returns the first column of its first row as text.
arguments: what the command calls $1, $2, ..., of type text.
So a superuser's refresh runs an owner's SQL with the owner's rights.
Settings changed by the command end with it.
Errors: undefined_object when there is no such role,
insufficient_privilege when the current user may not act as it.$body$;

CREATE FUNCTION segment_internal.rows_as_owner(owner name, command text, VARIADIC arguments text[] DEFAULT '{}')
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'segment_rows_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION segment_internal.rows_as_owner(name, text, VARIADIC text[]) IS
$$As run_as_owner, but returns all rows of the command, whose columns a column definition list names.
Errors: as there, and datatype_mismatch where the command returns other columns.$$;

CREATE FUNCTION segment_internal.instant(at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.isfinite(at)
            THEN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00" BC') ELSE at::text END;
COMMENT ON FUNCTION segment_internal.instant(timestamptz) IS
$$An instant as text that reads back as the same instant under any DateStyle and TimeZone, for our statements;
'SQL' and 'Postgres' write zones as abbreviations, which may mean another zone: IST is Israel's.
NULL for NULL.$$;
