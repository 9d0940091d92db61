-- ---- creating a segmentation: what all kinds share ----

CREATE FUNCTION segment_internal.check_new_segmentation(name text, source text, schema name, example text) RETURNS name
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(name, '') = '' OR source IS NULL THEN
        RAISE EXCEPTION 'a segmentation needs a name and a source'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('For instance %s.', example);
    END IF;
    IF octet_length(name || '_decisions') > 63 THEN
        RAISE EXCEPTION 'name of a segmentation must have at most 53 bytes, not %', octet_length(name)
            USING ERRCODE = 'name_too_long', HINT = 'Its tables are named after it, with _segments, _history and '
                                                    '_decisions added.';
    END IF;
    IF EXISTS (SELECT FROM segment.segmentation AS s WHERE s.name = check_new_segmentation.name) THEN
        RAISE EXCEPTION 'segmentation "%" already exists', name
            USING ERRCODE = 'duplicate_object', HINT = 'Choose another name, or drop_segmentation() first.';
    END IF;
    IF schema IS NULL THEN
        RAISE EXCEPTION 'no schema to create the tables in'
            USING ERRCODE = 'invalid_schema_name', HINT = 'Give the argument schema, or set search_path.';
    END IF;
    RETURN schema;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_new_segmentation(text, text, name, text) IS
$$The schema, or the error that creating a segmentation of this name in it would run into, whatever its kind.
example: a call to show in a hint.$$;

CREATE FUNCTION segment_internal.check_column_names(s segmentation, key name) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own text[] := ARRAY(SELECT c.name FROM segment_internal.member_columns(s) AS c);
    taken text;
BEGIN
    IF key = ANY (ARRAY['segment_id', 'segment', 'entered_at', 'entered_reason', 'left_at', 'left_reason'] || own) THEN
        RAISE EXCEPTION 'the customer key is named "%", as a column of the member table', key
            USING ERRCODE = 'duplicate_column', HINT = 'Give it another name in the source: SELECT ... AS customer_id.';
    END IF;
    SELECT c INTO taken FROM unnest(own) AS c WHERE c = ANY ('{segment_id,segment,entered_at,entered_reason}') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a feature is named "%", as a column of the member table', taken
            USING ERRCODE = 'duplicate_column', HINT = 'Give it another name in the source: SELECT ... AS other_name.';
    END IF;
END;
$$;
COMMENT ON FUNCTION segment_internal.check_column_names(segmentation, name) IS
$$Raises an error (duplicate_column) when the customer key or a feature has the name of a column that every member
table has.$$;

CREATE FUNCTION segment_internal.create_segmentation(s segmentation, schema name, key name,
                                                     key_type text, key_collation text)
    RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    members text := format('%I.%I', schema, s.name || '_segments');
    history text := format('%I.%I', schema, s.name || '_history');
    key_definition text := format('%I %s%s', key, key_type, ' COLLATE ' || key_collation);
    overlapping boolean := segment_internal.overlapping(s);
BEGIN
    IF s.max_departed NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'max_departed must be from 0 to 1, not %', s.max_departed
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM segment_internal.check_column_names(s, key);
    -- the primary key of the members is built after the first fill, in one go
    EXECUTE format(
        'CREATE TABLE %s (
            %s NOT NULL,
            segment_id integer NOT NULL,
            segment text NOT NULL,
            %s
            entered_at timestamptz NOT NULL,
            entered_reason text NOT NULL)',
        members, coalesce(key_definition, format('%I %s', key, key_type)),
        (SELECT string_agg(format('%I %s%s,', c.name, c.type, CASE WHEN c.required THEN ' NOT NULL' END),
                           ' ' ORDER BY c.number)
         FROM segment_internal.member_columns(s) AS c));
    EXECUTE format(
        'CREATE TABLE %s (
            %s,
            segment_id integer NOT NULL,
            entered_at timestamptz NOT NULL,
            left_at timestamptz NOT NULL,
            entered_reason text NOT NULL,
            left_reason text NOT NULL,
            CONSTRAINT left_after_entered CHECK (left_at > entered_at),
            PRIMARY KEY (%I%s, entered_at))',
        history, coalesce(key_definition, format('%I %s', key, key_type)), key,
        CASE WHEN overlapping THEN ', segment_id' END);
    s.members := members::regclass;
    s.history := history::regclass;
    s.settings := segment_internal.session_settings();
    IF segment_internal.change_catalogue('create_segmentation', s) IS NULL THEN
        RAISE EXCEPTION 'there is no kind "%" of segmentations', s.kind USING ERRCODE = 'undefined_object';
    END IF;
    PERFORM segment_internal.comment_tables(s.name);
    PERFORM segment_internal.create_run_mark(segment_internal.segmentation_row(s.name));
    PERFORM segment_internal.record_source_uses(s.name);
    RETURN s.members;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_segmentation(segmentation, name, name, text, text) IS
$$Creates the two tables of a segmentation and the sequence that marks its runs, for the current user,
and enters it into the catalogue; returns the member table.
What is checked before: check_new_segmentation and the options of its kind.$$;

CREATE FUNCTION segment_internal.comment_tables(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(name);
    -- as text: arrays of names would cut the comments off
    members text := s.members;
    history text := s.history;
    kind segment_internal.kind;
    decided CONSTANT text := ' Also: decision (somebody included or excluded the customer), '
                             'undecided (such a decision holds no longer).';
    pair text[];
BEGIN
    SELECT * INTO kind FROM segment_internal.kind AS k WHERE k.kind = s.kind;
    EXECUTE format('COMMENT ON TABLE %s IS %L', members,
                   format('Present members of the segmentation "%s", one row per customer%s; '
                          'written by refresh_segmentation.', name,
                          CASE WHEN segment_internal.overlapping(s) THEN ' and segment' ELSE '' END));
    EXECUTE format('COMMENT ON TABLE %s IS %L', history,
                   format('Places that customers of the segmentation "%s" had before: '
                          'each from entered_at until before left_at. The present place is in %s.',
                          name, split_part(members, '.', 2)));
    EXECUTE (SELECT string_agg(format('COMMENT ON COLUMN %s.%I IS %L', members, c.name, c.comment), '; ')
             FROM segment_internal.member_columns(s) AS c);
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        [members, segment_internal.key_column(s.members)::text, 'Key of the customer.'],
        [members, 'segment_id', 'Id of the segment; stable over renaming and retraining.'],
        [members, 'segment', 'Name of the segment.'],
        [members, 'entered_at', 'as_of of the refresh that put the customer into this segment.'],
        [members, 'entered_reason', kind.entered_comment || decided],
        [history, segment_internal.key_column(s.history)::text, 'Key of the customer.'],
        [history, 'segment_id', 'Id of the segment; its name is in segment.segment.'],
        [history, 'entered_at', 'as_of of the refresh that put the customer into the segment.'],
        [history, 'left_at', 'as_of of the refresh that took the customer out of it; not included.'],
        [history, 'entered_reason', kind.came_comment || decided],
        [history, 'left_reason', kind.left_comment || decided]]
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', pair[1], pair[2], pair[3]);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION segment_internal.comment_tables(text) IS
'Writes the comments on the tables of a segmentation, which BI tools show.';

-- Tables with customers that a segmentation has only where it needs them (NAME_decisions, NAME_events, ...), beside
-- the member table and its owner's.  definition is a format of the columns: %1$s the key's, %2$I its name.
CREATE FUNCTION segment_internal.create_customer_table(s segmentation, what text, definition text, comment text,
                                                       comments text[]) RETURNS regclass
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name := segment_internal.key_column(s.members);
    relation text;
    pair text[];
BEGIN
    IF key IS NULL THEN
        RAISE EXCEPTION 'the member table of segmentation "%" was dropped', s.name
            USING ERRCODE = 'undefined_table',
                  HINT = format('SELECT drop_segmentation(%L) removes what is left of it.', s.name);
    END IF;
    relation := format('%I.%I', (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                                 WHERE c.oid = s.members), s.name || '_' || what);
    -- all others have a comment
    IF key = ANY (comments[:][1:1]) THEN
        key := 'customer';
    END IF;
    EXECUTE format('CREATE TABLE %s (%s)', relation, format(
        definition, format('%I %s%s', key, format_type(segment_internal.key_type(s.members), -1),
                           segment_internal.collate_clause(s.members)), key));
    EXECUTE format('COMMENT ON TABLE %s IS %L', relation, comment);
    FOREACH pair SLICE 1 IN ARRAY comments LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, coalesce(nullif(pair[1], ''), key), pair[2]);
    END LOOP;
    PERFORM segment_internal.change_catalogue('keep_table', s.name, what, relation::regclass);
    RETURN relation::regclass;
END;
$$;
COMMENT ON FUNCTION segment_internal.create_customer_table(segmentation, text, text, text, text[]) IS
$$Makes a table with customers beside the member table of a segmentation, as its owner: NAME_what, enters it into the
catalogue's column of that name, and returns it.
definition: a format of its columns and constraints, of which %1$s stands for the key's name, type and collation,
and %2$I for its name, which is customer where another column has it.
comments: pairs of a column, empty for the key, and its comment; all columns but the key must be there.
Errors: undefined_table where the member table was dropped, duplicate_table where the name is taken.$$;
