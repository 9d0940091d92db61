-- ---- what customers are worth, by segmentations by value ----

CREATE FUNCTION segment_internal.readable_value_segmentation(name text) RETURNS segmentation
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_segmentation(name);
BEGIN
    IF s.kind <> 'value' THEN
        RAISE EXCEPTION 'segmentation "%" is not by value', name
            USING ERRCODE = 'wrong_object_type', HINT = 'create_value_segmentation() creates such.';
    END IF;
    RETURN s;
END;
$$;
COMMENT ON FUNCTION segment_internal.readable_value_segmentation(text) IS
$$A segmentation by value whose tables can be read.
Errors: undefined_object, wrong_object_type, object_not_in_prerequisite_state.$$;

CREATE FUNCTION segment_internal.member_values_query(s segmentation, columns text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    -- OFFSET 0 has members brought here where they lie on other servers, and what is worked out worked out once
    SELECT format('SELECT %1$s, f.purchases, f.revenue, segment.probability_alive($1, f.x, f.t_x, f.t) AS alive,
                          segment.expected_purchases($1, f.x, f.t_x, f.t, $3) AS expected,
                          segment.expected_value($1, f.x, f.mean_value) AS worth,
                          segment.predict($1, f.x, f.t_x, f.t, f.mean_value) AS value
                   FROM (SELECT m.%2$I AS customer, m.segment_id, m.purchases, m.revenue, r.*
                         FROM (SELECT * FROM %3$s OFFSET 0) AS m
                         CROSS JOIN LATERAL (SELECT %4$s) AS r (x, t_x, t, mean_value)) AS f OFFSET 0',
                  columns, segment_internal.key_column(s.members), s.members,
                  array_to_string(segment_internal.value_features(
                      s, '$2', 'm.purchases', 'm.first_purchase_on', 'm.last_purchase_on', 'm.mean_value'), ', '))
$$;
COMMENT ON FUNCTION segment_internal.member_values_query(segmentation, text) IS
$body$The text of a query for what members are worth: columns (of the customer and segment_id), then purchases, revenue,
alive, expected, worth (of a purchase), value; NULL without purchases.
$1: the model, $2: the instant, $3: the horizon.$body$;

CREATE FUNCTION segment_member_values(key anyelement, name text, as_of timestamptz DEFAULT NULL,
    OUT customer anyelement, OUT segment_id integer, OUT segment text, OUT purchases bigint, OUT revenue numeric,
    OUT probability_alive double precision, OUT expected_purchases double precision,
    OUT expected_value double precision, OUT lifetime_value double precision)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100000 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_value_segmentation(name);
    model segment.segment_model := segment.get_model(name);
    at timestamptz := coalesce(as_of, segment_internal.shown_as_of(s));
BEGIN
    PERFORM segment_internal.check_key_type(s, pg_typeof(key), 'segment_member_values');
    IF at < s.refreshed_as_of OR NOT isfinite(at) THEN
        RAISE EXCEPTION 'as_of % is no instant from the last refresh on, which was as of %', at, s.refreshed_as_of
            USING ERRCODE = 'invalid_parameter_value', HINT = 'What customers had bought before is not kept.';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT v.customer, v.segment_id, g.name, v.purchases, v.revenue, v.alive, v.expected, v.worth, v.value
         FROM (%s) AS v JOIN unnest($4) AS g ON g.segment_id = v.segment_id',
        segment_internal.member_values_query(s, 'f.customer, f.segment_id'))
    USING model, at, (segment.model_metrics(model) ->> 'horizon')::float8, segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION segment_member_values(anyelement, text, timestamptz) IS
$$What each member of a segmentation by value is worth, with the customer key in its own type:
segment_member_values(null::bigint, 'worth').
segment: after the last refresh; purchases and revenue until then.
probability_alive; expected_purchases within the horizon, without discount; expected_value of one; lifetime_value, by
which tiers are cut: as of the instant, by the current model; NULL without purchases.
Of who came back for what was free only, expected_value is NULL, as there, and lifetime_value the model's limit.
as_of: the last refresh (NULL), or later, as if nobody had bought since.
Errors: undefined_object, wrong_object_type for a segmentation that is not by value, datatype_mismatch for a key of
another type, object_not_in_prerequisite_state before the first refresh and where the tables cannot be read,
invalid_parameter_value for an instant before the last refresh.$$;

CREATE FUNCTION segment_value_profile(name text,
    OUT segment_id integer, OUT segment text, OUT tier text, OUT band text, OUT customers bigint,
    OUT customer_share numeric, OUT lifetime_value double precision, OUT value_share double precision,
    OUT mean_lifetime_value double precision, OUT mean_probability_alive double precision,
    OUT mean_expected_purchases double precision, OUT revenue numeric, OUT revenue_share numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.readable_value_segmentation(name);
    model segment.segment_model := segment.get_model(name);
BEGIN
    -- added up in order, so that the order of rows in the table changes no bit
    RETURN QUERY EXECUTE format(
        'WITH figures AS (
             SELECT segment_id, count(*) AS customers, sum(value ORDER BY value) AS value,
                    avg(value ORDER BY value) AS mean_value, avg(alive ORDER BY alive) AS alive,
                    avg(expected ORDER BY expected) AS expected, sum(revenue) AS revenue
             FROM (%s) AS v GROUP BY segment_id)
         SELECT g.segment_id, g.name, t.tier, t.band, coalesce(f.customers, 0),
                round(coalesce(f.customers, 0) / nullif(sum(f.customers) OVER (), 0), 6),
                f.value, f.value / nullif(sum(f.value) OVER (), 0), f.mean_value, f.alive, f.expected,
                coalesce(f.revenue, 0),
                CASE WHEN sum(f.revenue) OVER () > 0
                     THEN round(coalesce(f.revenue, 0) / sum(f.revenue) OVER (), 6) END
         FROM unnest($4) AS g LEFT JOIN figures AS f USING (segment_id)
         LEFT JOIN segment.value_tiers($1) AS t USING (segment_id)
         WHERE g.closed_at IS NULL OR f.customers > 0
         ORDER BY g.priority, g.segment_id',
        segment_internal.member_values_query(s, 'f.segment_id'))
    USING model, segment_internal.shown_as_of(s), (segment.model_metrics(model) ->> 'horizon')::float8,
          segment_internal.segment_rows(s.name);
END;
$$;
COMMENT ON FUNCTION segment_value_profile(text) IS
$$What the segments of a segmentation by value are worth after the last refresh, as of it: tier and band, customers and
their share (0 to 1); the lifetime value of all and its share, means of lifetime value, probability of being alive
and expected purchases within the horizon; past revenue and its share.
Figures of segments without members, and of 'Prospect', are NULL, sizes and revenue 0.
Errors: undefined_object, wrong_object_type for a segmentation that is not by value, object_not_in_prerequisite_state
before the first refresh and where the tables cannot be read.$$;
