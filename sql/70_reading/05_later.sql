-- ---- who is where after the last refresh, when nothing but time passes ----

CREATE FUNCTION segment_internal.later_changes_as_owner(name text, as_of text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp SET jit = off SET standard_conforming_strings = on
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    at timestamptz := as_of;
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    steps record;
BEGIN
    PERFORM segment_internal.set_clock(s, at);
    SELECT * INTO steps FROM segment_internal.steps_to_changes(s, false, at);
    RETURN QUERY EXECUTE format(
        'SELECT r.* FROM segment_internal.step_rows($1, $2, $3, false, $4, false, $5::%1$s[])
         AS r (customer %1$s, was_id integer, segment_id integer, entered_at timestamptz, reason text)', key_type)
    USING steps.names || 'later'::text,
          steps.statements
          || ('SELECT c.customer, c.was_id, c.segment_id, c.entered_at, c.reason FROM changed AS c'
          -- of whom a writer has placed since, in the mode immediate, the history tells
          || CASE WHEN at < segment_internal.known_until(s) THEN format(
                 ' WHERE (c.base_entered_at IS NULL OR c.base_entered_at <= $1)'
                 ' AND NOT EXISTS (SELECT FROM %s AS h WHERE h.%I %s c.customer AND h.left_at > $1)',
                 s.history, segment_internal.key_column(s.history), segment_internal.equality_operator(
                     segment_internal.key_type(s.members))) ELSE '' END),
          at, steps.old_model, (segment_internal.due_keys(s, at, false)).keys;
END;
$$;
COMMENT ON FUNCTION segment_internal.later_changes_as_owner(text, text) IS
$$Whom a refresh as of an instant after the last one would change, with the present model and of those who are due
alone: customer (of the key's type), was_id, segment_id (NULL: departs), entered_at, reason.
With the rights of the owner.$$;

CREATE FUNCTION segment_internal.tell_due(s segmentation, at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    due record;
    reason text := segment_internal.everybody_is_due(s, at, false);
BEGIN
    IF NOT EXISTS (SELECT FROM segment_internal.member_columns(s) AS c
                   WHERE c.name = 'next_transition_at' AND c.type::regtype = 'timestamptz'::regtype) THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT count(DISTINCT %I) AS customers, min(next_transition_at) AS since FROM %s
                    WHERE next_transition_at <= $1', segment_internal.key_column(s.members), s.members)
    INTO due USING at;
    IF due.customers > 0 OR reason IS NOT NULL THEN
        RAISE NOTICE 'segmentation "%" is shown as of its last refresh, %, and time has changed it since: %',
            s.name, s.refreshed_as_of,
            coalesce(reason, format('%s members, the first at %s', due.customers,
                                    CASE WHEN isfinite(due.since) THEN due.since::text ELSE 'any time' END))
            USING HINT = format('To whoever has the rights of "%s" they are shown where they are; '
                                'a refresh shows them to all.', segment_internal.owner_of(s.members));
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.tell_due(segmentation, timestamptz) IS
'Tells by a NOTICE that members whom time changed after the last refresh are shown as of it; nothing where none is.';

CREATE FUNCTION segment_internal.later_members_query(s segmentation, at timestamptz, places text) RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner name := segment_internal.owner_of(s.members);
    key_type text := format_type(segment_internal.key_type(s.members), -1);
    due jsonb;
BEGIN
    -- who has not the rights of the owner must not run the source, and of tables elsewhere nothing is worked out
    IF NOT segment_internal.owns(s.members) OR segment_internal.distribution_column(s.members) IS NOT NULL THEN
        PERFORM segment_internal.tell_due(s, at);
        RETURN NULL;
    END IF;
    due := segment_internal.run_as_owner(owner, 'SELECT segment_internal.due_as_owner($1, $2, $3)', s.name,
                                         segment_internal.instant(at), 'false');
    IF s.retrain_every IS NOT NULL AND segment_internal.trains(s, at, NULL) THEN
        RAISE NOTICE 'segmentation "%" is shown with the model of %, and a refresh as of % would train another one',
            s.name, s.trained_as_of, at;
    END IF;
    IF due ->> 'keys' = '{}' THEN
        RETURN NULL;
    END IF;
    RETURN format(
        'WITH later AS MATERIALIZED (SELECT l.customer%1$s AS customer, l.was_id, l.segment_id, l.entered_at, l.reason
             FROM segment_internal.rows_as_owner(%2$L, %3$L, %4$L, %5$L)
                  AS l (customer %6$s, was_id integer, segment_id integer, entered_at timestamptz, reason text))
         SELECT m.customer, m.segment_id, m.entered_at, m.reason FROM (%7$s) AS m
         WHERE NOT EXISTS (SELECT FROM later AS l WHERE l.customer %8$s m.customer AND l.was_id = m.segment_id)
         UNION ALL
         SELECT l.customer, l.segment_id, l.entered_at, l.reason FROM later AS l WHERE l.segment_id IS NOT NULL',
        segment_internal.collate_clause(s.members), owner,
        format('SELECT l.* FROM segment_internal.later_changes_as_owner($1, $2)
                AS l (customer %s, was_id integer, segment_id integer, entered_at timestamptz, reason text)', key_type),
        s.name, segment_internal.instant(at), key_type, places,
        segment_internal.equality_operator(segment_internal.key_type(s.members)));
END;
$$;
COMMENT ON FUNCTION segment_internal.later_members_query(segmentation, timestamptz, text) IS
$$The text of a query as that of members_query for an instant after the last refresh; places: the text of one for what
members and history have then; NULL: all are where these have them, or the current user has not the rights to find
out, which a NOTICE tells.$$;
