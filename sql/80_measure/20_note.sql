-- ---- notes on segments: what people know of them ----

CREATE TABLE segment_note (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    segmentation text NOT NULL,
    segment_id integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('purpose', 'pain', 'quote', 'need', 'look', 'decision')),
    note text NOT NULL CHECK (note <> ''),
    author name NOT NULL DEFAULT session_user,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (segmentation, segment_id) REFERENCES segment ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX segment_note_segment ON segment_note (segmentation, segment_id, kind, note_id);
COMMENT ON TABLE segment_note IS
$$What people know, heard and decided of segments, and why; see note_segment. Notes are added and never changed: of a
kind the last one is what holds now, those before are how it came to it.$$;
COMMENT ON COLUMN segment_note.note_id IS 'Number of the note; later ones are greater.';
COMMENT ON COLUMN segment_note.segmentation IS 'Name of the segmentation.';
COMMENT ON COLUMN segment_note.segment_id IS 'Id of the segment.';
COMMENT ON COLUMN segment_note.kind IS
$$'purpose' (what the segment is for), 'pain' (what troubles these customers), 'quote' (what one of them said), 'need'
(what they want), 'look' (who to think of, for instance a picture's address),
'decision' (what was decided about them).$$;
COMMENT ON COLUMN segment_note.note IS 'The note.';
COMMENT ON COLUMN segment_note.author IS 'Role that was logged in.';
COMMENT ON COLUMN segment_note.written_at IS 'When.';
SELECT pg_catalog.pg_extension_config_dump('segment_note', '');
SELECT pg_catalog.pg_extension_config_dump('segment_note_note_id_seq', '');
COMMENT ON SEQUENCE segment_note_note_id_seq IS 'Numbers of notes.';
ALTER TABLE segment_note ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON segment_note FOR SELECT
    USING (EXISTS (SELECT FROM segmentation AS s WHERE s.name = segmentation));
COMMENT ON POLICY reader ON segment_note IS 'Visible with the segmentation.';

CREATE FUNCTION segment_internal.keep_notes() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a segmentation takes its notes with it, and its new name to them
    IF pg_trigger_depth() > 1 THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    IF TG_OP = 'DELETE' AND current_setting('segment.purging_notes', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'notes on segments are not changed'
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'note_segment() adds one, and purge_segment_notes() removes old ones.';
END;
$$;
COMMENT ON FUNCTION segment_internal.keep_notes() IS
'Raises an error (object_not_in_prerequisite_state) where a note is changed, or removed but by purge_segment_notes.';
CREATE TRIGGER keep_notes BEFORE UPDATE OR DELETE ON segment_note FOR EACH ROW
    EXECUTE FUNCTION segment_internal.keep_notes();
COMMENT ON TRIGGER keep_notes ON segment_note IS 'Notes are added and never changed.';

CREATE FUNCTION note_segment(segmentation text, segment text, kind text, note text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
    id integer := segment_internal.decided_segment(s, segment, closed_too => true);
BEGIN
    IF coalesce(note, '') = '' THEN
        RAISE EXCEPTION 'a note needs a text' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN segment_internal.change_catalogue('note_segment', s.name, id, kind, note);
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION 'notes have no kind "%"', coalesce(kind, '(null)')
        USING ERRCODE = 'invalid_parameter_value', HINT = 'One of purpose, pain, quote, need, look, decision.';
END;
$$;
COMMENT ON FUNCTION note_segment(text, text, text, text) IS
$$Adds a note on a segment, of the login and of now, and returns its number; the table segment.segment_note has all.
segment: by its present name; of several that had it the open one, or else the one that was closed last.
kind: 'purpose', 'pain', 'quote', 'need', 'look' or 'decision', see segment.segment_note.
Errors: undefined_object for an unknown segmentation or segment, invalid_parameter_value for another kind and an empty
note, insufficient_privilege for whoever may not act as the owner.$$;

CREATE FUNCTION purge_segment_notes(segmentation text, before timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s segment.segmentation := segment_internal.segmentation_row(segmentation);
BEGIN
    RETURN segment_internal.change_catalogue('purge_notes', s.name, before);
END;
$$;
COMMENT ON FUNCTION purge_segment_notes(text, timestamptz) IS
$$Removes the notes on segments of a segmentation that were written before an instant, and returns how many: the only
way to remove any, for what somebody said is data of a person, too. NULL: none.
Errors: undefined_object, insufficient_privilege for whoever may not act as the owner.$$;
