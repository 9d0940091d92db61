-- demo, second step: give each column of the table of text the first type that
-- all its values fit.
--
-- Tried in this order: bigint, numeric, boolean, date, timestamp, timestamptz;
-- text is what is left.  A value is tried by casting it, so what fits is what
-- PostgreSQL reads; a scan ends at the first value that does not, which for
-- columns of words is the first row.  Three things a cast does not see:
--
--   00123      is a name, not a number: as bigint it would equal 123
--   today      is no time of an order: a time has a digit
--   03/04/2011 is read month first, unless a date of the file is possible only
--              day first; PGDATESTYLE=DMY in the environment says so at once

CREATE FUNCTION pg_temp.fits(col name, type text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT count(%I::%s) FROM orders', col, type);
    RETURN true;
EXCEPTION WHEN data_exception THEN
    -- Class 22: the value is not of the type.  Anything else is an error.
    RETURN false;
END
$$;

CREATE FUNCTION pg_temp.some_value_matches(col name, pattern text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM orders WHERE %I ~ $1)', col) INTO found USING pattern;
    RETURN found;
END
$$;

CREATE FUNCTION pg_temp.time_type(col name) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_temp.some_value_matches(col, '^[^0-9]*$') THEN
        RETURN 'text';
    ELSIF NOT pg_temp.some_value_matches(col, ':') THEN
        RETURN 'date';
    ELSIF pg_temp.some_value_matches(col, ':\d\d(\.\d+)?\s*([AaPp][Mm])?\s*([+-]\d\d|Z$|[A-Z]{3,4}$)') THEN
        RETURN 'timestamptz';
    ELSE
        RETURN 'timestamp';
    END IF;
END
$$;

CREATE FUNCTION pg_temp.find_type(col name) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_temp.some_value_matches(col, '') THEN
        RETURN 'text';          -- all NULL
    ELSIF pg_temp.fits(col, 'numeric') THEN
        IF pg_temp.some_value_matches(col, '^\s*[+-]?0\d') THEN
            RETURN 'text';
        END IF;
        RETURN CASE WHEN pg_temp.fits(col, 'bigint') THEN 'bigint' ELSE 'numeric' END;
    ELSIF pg_temp.fits(col, 'boolean') THEN
        RETURN 'boolean';
    ELSIF pg_temp.fits(col, 'timestamptz') THEN
        RETURN pg_temp.time_type(col);
    ELSIF pg_temp.some_value_matches(col, '^\s*(1[3-9]|2\d|3[01])[/.-]\d{1,2}[/.-]\d{4}') THEN
        -- For the session: the conversion below has to read as was tried here.
        PERFORM set_config('datestyle', 'ISO, DMY', false);
        IF pg_temp.fits(col, 'timestamptz') THEN
            RETURN pg_temp.time_type(col);
        END IF;
    END IF;
    RETURN 'text';
END
$$;

CREATE TEMP TABLE found_type AS
SELECT attname AS name, pg_temp.find_type(attname) AS type
FROM pg_attribute
WHERE attrelid = 'orders'::regclass AND attnum > 0
ORDER BY attnum;

-- All in one statement: the table is written anew once.
SELECT format('ALTER TABLE orders %s',
              string_agg(format('ALTER COLUMN %1$I TYPE %2$s USING %1$I::%2$s', name, type), ', '))
FROM found_type
WHERE type <> 'text'
HAVING count(*) > 0
\gexec
