-- ---- the settings under which source and rules of a segmentation are read and run ----

CREATE FUNCTION segment_internal.settings_kept() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{DateStyle,IntervalStyle,timezone_abbreviations,extra_float_digits,bytea_output,xmlbinary,xmloption,
         array_nulls,transform_null_equals,default_text_search_config,lc_monetary,lc_numeric,lc_time}'::text[];
COMMENT ON FUNCTION segment_internal.settings_kept() IS
'Names of the settings that change what an SQL text, or a value as text, means; beside TimeZone and search_path.';

CREATE FUNCTION segment_internal.session_settings() RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT jsonb_object_agg(k, current_setting(k)) FROM unnest(segment_internal.settings_kept()) AS k);
COMMENT ON FUNCTION segment_internal.session_settings() IS
'What the settings of settings_kept are now.';

CREATE FUNCTION segment_internal.enter_settings(what text, time_zone text, settings jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
BEGIN
    PERFORM set_config('TimeZone', coalesce(time_zone, current_setting('TimeZone')), true);
    FOR one IN SELECT k.name, k.value FROM jsonb_each_text(settings) AS k (name, value)
               WHERE k.name = ANY (segment_internal.settings_kept()) AND k.value <> current_setting(k.name) LOOP
        BEGIN
            PERFORM set_config(one.name, one.value, true);
        EXCEPTION WHEN invalid_parameter_value THEN
            RAISE WARNING '% was created with % = "%", which this server does not have', what, one.name, one.value
                USING HINT = format('It is read with "%s" in its place.', current_setting(one.name));
        END;
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.enter_settings(text, text, jsonb) IS
$$Lets time zone and settings be those under which something was created, to the end of run_as_owner; NULL: as they are.
A WARNING tells of a setting that the server does not know, such as a locale after a restore elsewhere.$$;

CREATE FUNCTION segment_internal.enter_settings(s segmentation) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN segment_internal.enter_settings(format('segmentation "%s"', (s).name), (s).time_zone, (s).settings);
COMMENT ON FUNCTION segment_internal.enter_settings(segmentation) IS
'Lets time zone and settings be those of a segmentation, to the end of run_as_owner.';
