-- CREATE EXTENSION takes no schema "segment" in which somebody else may create: what
-- stands there first is found by calls of ours.
SET client_min_messages = error;
SELECT current_database() AS home, current_user AS superuser \gset
CREATE ROLE regress_schema_intruder;
CREATE ROLE regress_schema_friend SUPERUSER;
CREATE DATABASE regress_segment_schema;
\connect regress_segment_schema
SET client_min_messages = error;
-- how an attempt to create it ends
CREATE FUNCTION public.attempt() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CREATE EXTENSION segment;
    RETURN 'created';
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s: %s', SQLSTATE, SQLERRM);
END;
$$;

-- somebody else's
CREATE SCHEMA segment AUTHORIZATION regress_schema_intruder;
SELECT attempt();
-- also with what he planted in it: an overload that our calls would find
SET ROLE regress_schema_intruder;
CREATE FUNCTION segment.feature_set(integer) RETURNS integer LANGUAGE sql RETURN 1;
RESET ROLE;
SELECT attempt();
DROP SCHEMA segment CASCADE;

-- ours, in which he may create
CREATE SCHEMA segment;
GRANT CREATE ON SCHEMA segment TO regress_schema_intruder;
SELECT attempt();
REVOKE CREATE ON SCHEMA segment FROM regress_schema_intruder;
GRANT CREATE ON SCHEMA segment TO PUBLIC;
SELECT attempt();
REVOKE CREATE ON SCHEMA segment FROM PUBLIC;
-- in which he might, and did
GRANT CREATE ON SCHEMA segment TO regress_schema_intruder;
SET ROLE regress_schema_intruder;
CREATE FUNCTION segment.feature_set(integer) RETURNS integer LANGUAGE sql RETURN 1;
RESET ROLE;
REVOKE CREATE ON SCHEMA segment FROM regress_schema_intruder;
SELECT attempt();
DROP FUNCTION segment.feature_set;
GRANT CREATE ON SCHEMA segment TO regress_schema_intruder;
SET ROLE regress_schema_intruder;
CREATE TYPE segment.level AS ENUM ('low');
RESET ROLE;
REVOKE CREATE ON SCHEMA segment FROM regress_schema_intruder;
SELECT attempt();
DROP TYPE segment.level;
-- nothing was left behind by all this
SELECT count(*) FROM pg_extension WHERE extname = 'segment';
SELECT count(*) FROM pg_namespace WHERE nspname = 'segment_internal';

-- the internals' schema is made by the script, so one that is there is refused whoever has it
CREATE SCHEMA segment_internal AUTHORIZATION regress_schema_intruder;
SELECT attempt();
DROP SCHEMA segment_internal;

-- ours, and only USAGE for others
GRANT USAGE ON SCHEMA segment TO PUBLIC;
SELECT attempt();
DROP EXTENSION segment;
-- a superuser's, who could do it anyway
DROP SCHEMA IF EXISTS segment;
CREATE SCHEMA segment AUTHORIZATION regress_schema_friend;
SELECT attempt();
DROP EXTENSION segment;
DROP SCHEMA IF EXISTS segment;
-- by a superuser whose name needs quotes
CREATE ROLE "regress_schema ""Chief""" SUPERUSER;
SET ROLE "regress_schema ""Chief""";
SELECT attempt();
RESET ROLE;
SELECT DISTINCT owner FROM segment.rfm_scheme;
DROP EXTENSION segment;
DROP SCHEMA IF EXISTS segment;
-- none: it is made
SELECT attempt();
SELECT nspname, nspowner::regrole::text = :'superuser' AS ours,
       has_schema_privilege('regress_schema_intruder', oid, 'CREATE') AS may_create,
       has_schema_privilege('regress_schema_intruder', oid, 'USAGE') AS may_use
FROM pg_namespace WHERE nspname LIKE 'segment%' ORDER BY 1;
-- and nobody but the owner writes what is in it
SELECT c.oid::regclass, p.privilege
FROM pg_class AS c, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege)
WHERE c.relnamespace IN ('segment'::regnamespace, 'segment_internal'::regnamespace) AND c.relkind IN ('r', 'v')
  AND has_table_privilege('regress_schema_intruder', c.oid, p.privilege);
\connect :home
DROP DATABASE regress_segment_schema;
DROP ROLE regress_schema_intruder, regress_schema_friend, "regress_schema ""Chief""";
