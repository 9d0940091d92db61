-- ---- schedules: pg_cron where it is, and else what to put into cron ----

CREATE FUNCTION segment_internal.check_schedule(schedule text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    example CONSTANT text := 'Five fields: minute, hour, day of month, month, day of week; '
                             'for instance ''*/15 * * * *'' or ''10 3 * * mon-fri''.';
    meaning CONSTANT text[] := '{minute,hour,"day of month",month,"day of week"}';
    lowest CONSTANT integer[] := '{0,0,1,1,0}';
    highest CONSTANT integer[] := '{59,23,31,12,7}';
    -- by position: the first is the lowest
    names CONSTANT text[] := ARRAY[NULL, NULL, NULL, 'jan feb mar apr may jun jul aug sep oct nov dec',
                                   'sun mon tue wed thu fri sat'];
    field text[] := regexp_split_to_array(btrim(schedule, E' \t'), '[ \t]+');
    part text;
    bound text[];
    low integer;
    high integer;
BEGIN
    IF schedule IS NULL OR cardinality(field) <> 5 THEN
        RAISE EXCEPTION 'a schedule has five fields, not %', CASE WHEN schedule IS NOT NULL THEN cardinality(field) END
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
    FOR i IN 1 .. 5 LOOP
        FOREACH part IN ARRAY string_to_array(lower(field[i]), ',') LOOP
            FOR n IN 1 .. coalesce(cardinality(string_to_array(names[i], ' ')), 0) LOOP
                part := regexp_replace(part, '\m' || split_part(names[i], ' ', n) || '\M',
                                       (lowest[i] + n - 1)::text, 'g');
            END LOOP;
            -- all, a number, or a range; every so many of them
            bound := regexp_match(part, '^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$');
            low := coalesce(bound[1]::integer, lowest[i]);
            high := coalesce(bound[2]::integer, bound[1]::integer, highest[i]);
            IF bound IS NULL OR low < lowest[i] OR high > highest[i] OR low > high OR bound[3]::integer = 0
               OR (bound[3] IS NOT NULL AND bound[1] IS NOT NULL AND bound[2] IS NULL) THEN
                RAISE EXCEPTION 'the % of a schedule cannot be "%"', meaning[i], field[i]
                    USING ERRCODE = 'invalid_parameter_value',
                          DETAIL = format('It is *, or numbers from %1$s to %2$s, their ranges as in %1$s-%2$s, and '
                                          'steps as in */2, with commas between them.', lowest[i], highest[i]),
                          HINT = example;
            END IF;
        END LOOP;
    END LOOP;
    RETURN array_to_string(field, ' ');
END;
$$;
COMMENT ON FUNCTION segment_internal.check_schedule(text) IS
$$A schedule as cron has it, with one space between its five fields,
or the error (invalid_parameter_value) why it is none.
Names of months and days count; what only some crons know, such as @daily, does not.$$;

CREATE FUNCTION segment_internal.has_cron() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
-- its own functions, not somebody's of the same names, which would run with the rights of who schedules
RETURN (SELECT count(*) = 2
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'pg_cron'
        WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
          AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND d.objid IN (pg_catalog.to_regprocedure('cron.schedule(text,text,text)'),
                          pg_catalog.to_regprocedure('cron.unschedule(bigint)')));
COMMENT ON FUNCTION segment_internal.has_cron() IS 'Whether the extension pg_cron is in this database.';

CREATE FUNCTION segment_internal.job_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('segment: ' || name, 'segment, all');
COMMENT ON FUNCTION segment_internal.job_name(text) IS
'What pg_cron calls the job that refreshes a segmentation; NULL: all of them.';

CREATE FUNCTION segment_internal.job_command(name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN name IS NULL THEN 'CALL segment.refresh_all_segmentations()'
            ELSE format('SELECT outcome FROM segment.refresh_segmentation(%L)', name) END;
COMMENT ON FUNCTION segment_internal.job_command(text) IS
'The statement that refreshes a segmentation; NULL: all of them.';

CREATE FUNCTION segment_internal.crontab_line(name text, schedule text, role name) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
-- for a shell, and for cron, to which % is the end of the line
RETURN format('%s  psql -X -d %s -U %s -Atc %s', VARIADIC ARRAY[schedule] || ARRAY(
    SELECT CASE WHEN w.word ~ '^[[:alnum:]_]+$' THEN w.word
                ELSE replace('''' || replace(w.word, '''', '''\''''') || '''', '%', '\%') END
    FROM unnest(ARRAY[current_database()::text, role::text, segment_internal.job_command(name)])
         WITH ORDINALITY AS w (word, n) ORDER BY w.n));
COMMENT ON FUNCTION segment_internal.crontab_line(text, text, name) IS
'The line of a crontab that refreshes a segmentation (NULL: all) by psql, logged in as a role.';

CREATE FUNCTION segment_internal.forget_job(job text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_job bigint;
BEGIN
    IF segment_internal.has_cron() AND has_schema_privilege('cron', 'USAGE') THEN
        EXECUTE 'SELECT max(j.jobid) FROM cron.job AS j WHERE j.jobname = $1 AND j.username = current_user'
        INTO found_job USING job;
        IF found_job IS NOT NULL THEN
            EXECUTE 'SELECT cron.unschedule($1)' USING found_job;
        END IF;
    END IF;
    RETURN found_job;
END;
$$;
COMMENT ON FUNCTION segment_internal.forget_job(text) IS
'Takes a job of the current user out of pg_cron, by its name; returns its id, NULL where there is none, or no pg_cron.';

CREATE FUNCTION segment_internal.keep_job(job text, schedule text, command text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result bigint;
BEGIN
    IF NOT has_schema_privilege('cron', 'USAGE') THEN
        RAISE EXCEPTION 'role "%" may not use pg_cron', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('GRANT USAGE ON SCHEMA cron TO %I lets it.', current_user);
    END IF;
    EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO result USING job, schedule, command;
    RETURN result;
END;
$$;
COMMENT ON FUNCTION segment_internal.keep_job(text, text, text) IS
'Has pg_cron run a command on a schedule as the current user, in place of a job of that name; returns its id.';

CREATE FUNCTION segment_internal.scheduling_role(name text) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation;
    owner name;
BEGIN
    IF name IS NULL THEN
        RETURN current_user;
    END IF;
    s := segment_internal.segmentation_row(name);
    owner := segment_internal.owner_of(s.members);
    IF NOT segment_internal.owns(s.members) THEN
        RAISE EXCEPTION 'permission denied to schedule refreshes of segmentation "%"', name
            USING ERRCODE = 'insufficient_privilege', HINT = format('Its owner is "%s".', owner);
    END IF;
    RETURN coalesce(owner, current_user);
END;
$$;
COMMENT ON FUNCTION segment_internal.scheduling_role(text) IS
$$As whom a schedule refreshes a segmentation: its owner; NULL, all of them: the current user.
Errors: undefined_object, insufficient_privilege.$$;

CREATE FUNCTION schedule_refresh(name text, schedule text) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    role name := segment_internal.scheduling_role(name);
    checked text := segment_internal.check_schedule(schedule);
    job text := segment_internal.job_name(name);
BEGIN
    IF segment_internal.has_cron() THEN
        RETURN format('job %s of pg_cron, "%s", as "%s"', segment_internal.run_as_owner(
            role, 'SELECT segment_internal.keep_job($1, $2, $3)', job, checked, segment_internal.job_command(name)),
            job, role);
    END IF;
    IF name ~ '[\n\r]' THEN
        RAISE EXCEPTION 'a name with a line break cannot stand in a crontab'
            USING ERRCODE = 'feature_not_supported', HINT = 'CREATE EXTENSION pg_cron, and schedule it once more.';
    END IF;
    RAISE NOTICE 'nothing is scheduled yet, because pg_cron is not in this database'
        USING HINT = format('Put the line that is returned into the crontab of a user of the operating system who may '
                            'log in as "%s", or its command into a systemd timer; or CREATE EXTENSION pg_cron, and '
                            'schedule it once more.', role);
    RETURN segment_internal.crontab_line(name, checked, role);
END;
$$;
COMMENT ON FUNCTION schedule_refresh(text, text) IS
$$Has a segmentation refreshed on a schedule, and returns what runs it:
with the extension pg_cron in this database a job of its owner, in place of one before;
otherwise nothing is scheduled, a NOTICE says so, and what is returned is the line for a crontab.
name: NULL for all segmentations that the current user may refresh, as refresh_all_segmentations does.
schedule: minute, hour, day of month, month and day of week as cron has them, for instance '*/15 * * * *';
pg_cron reads them in the time zone of its setting cron.timezone, GMT by default, cron in that of its machine.
Dropping the segmentation ends the job.
Errors: undefined_object for an unknown segmentation, insufficient_privilege for whoever may not act as its owner and
where the owner may not use pg_cron, invalid_parameter_value for what is no schedule.$$;

CREATE FUNCTION unschedule_refresh(name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    role name := segment_internal.scheduling_role(name);
BEGIN
    IF NOT segment_internal.has_cron() THEN
        RAISE NOTICE 'pg_cron is not in this database: what cron or a timer runs is to be taken out there';
    END IF;
    RETURN segment_internal.run_as_owner(role, 'SELECT segment_internal.forget_job($1)',
                                         segment_internal.job_name(name)) IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION unschedule_refresh(text) IS
$$Ends what schedule_refresh(name, ...) began; returns whether there was a job of pg_cron.
name: NULL for that of all segmentations.
Errors: undefined_object, insufficient_privilege.$$;
