-- ---- rights: row security decides who sees which rows; change_catalogue is how they are changed ----

GRANT USAGE ON SCHEMA @extschema@, segment_internal TO PUBLIC;
GRANT SELECT ON segmentation, segment, model, run, rfm_scheme, rule_version, rule_template, segmentation_use,
    tracked_table, segment_shift, event_consumer, treatment, segment_note, metric, metric_snapshot,
    experiment TO PUBLIC;
GRANT SELECT ON segment_internal.kind TO PUBLIC;
GRANT SELECT ON SEQUENCE run_run_id_seq, segment_note_note_id_seq TO PUBLIC;
GRANT SELECT ON segment_size, segment_profile, segment_feature_profile, segment_run, segment_migration, segment_members,
    segment_events, segmentation_status, customer_table, segment_rule_versions,
    segmentation_uses, segment_event_consumer, segment_progress, segmentation_health,
    metric_by_segment, persona TO PUBLIC;
