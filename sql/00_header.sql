-- segment: customer segmentation inside PostgreSQL
-- complain if the script is sourced in psql rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION segment" to load this file. \quit

-- Whoever owns the schema, or may create in it, could add functions that calls of ours would find.
DO $$
DECLARE
    intruder text := (
        SELECT n.nspowner::regrole::text FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname = 'segment' AND n.nspowner <> pg_catalog.quote_ident(current_user)::regrole
          AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = n.nspowner)
        UNION ALL
        SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS a
        WHERE n.nspname = 'segment' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
          AND NOT coalesce((SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = a.grantee), false)
        UNION ALL
        -- or could, and did
        SELECT o.owner::regrole::text
        FROM (SELECT p.proowner, p.pronamespace FROM pg_catalog.pg_proc AS p
              UNION ALL SELECT c.relowner, c.relnamespace FROM pg_catalog.pg_class AS c
              UNION ALL SELECT t.typowner, t.typnamespace FROM pg_catalog.pg_type AS t
              UNION ALL SELECT o.oprowner, o.oprnamespace FROM pg_catalog.pg_operator AS o) AS o (owner, namespace)
        JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace
        WHERE n.nspname = 'segment' AND o.owner <> pg_catalog.quote_ident(current_user)::regrole
          AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = o.owner)
        LIMIT 1);
BEGIN
    IF intruder IS NOT NULL THEN
        RAISE EXCEPTION 'schema "segment" exists, and % may create objects in it, or did so', intruder
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Drop or rename it; CREATE EXTENSION makes a schema of that name.';
    END IF;
END;
$$;

-- What the extension uses itself: steps, checks, parts of types and aggregates.
CREATE SCHEMA segment_internal;
COMMENT ON SCHEMA segment_internal IS 'Functions and tables that the extension segment uses itself; no interface.';
