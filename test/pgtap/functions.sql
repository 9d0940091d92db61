--
-- What each function of the extension says of itself (volatility, strictness,
-- parallel safety), and whether that is true as far as calling it can tell.
--
\ir ../lib/pgtap_begin.psql
SET LOCAL client_min_messages = error;

CREATE TEMP VIEW routine AS
SELECT p.oid::regprocedure::text AS routine, p.*
FROM pg_depend AS d JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'segment') AND d.deptype =
    'e';

-- A new function is to be entered here, by hand.
CREATE TEMP TABLE said (volatility text, strictness text, parallel text, routines text[]) ON COMMIT DROP;
INSERT INTO said VALUES
('immutable', 'strict', 'safe', '{
    "segment_internal.about(double precision)",
    "segment_internal.chance(double precision)", "segment_internal.percent(double precision)",
    "segment_internal.outcome_in(cstring)", "segment_internal.outcome_out(outcome)",
    "segment_internal.outcome_recv(internal)", "segment_internal.outcome_send(outcome)",
    "segment_internal.outcome_final(outcome)",
    "make_outcome(bigint,bigint)", "make_outcome(bigint,double precision,double precision)",
    "estimate(outcome,double precision)",
    "detectable_lift(outcome,bigint,bigint,double precision,double precision)",
    "chi_squared_p(double precision,double precision)",
    "segment_internal.new_segments(segment_model,integer)",
    "value_tiers(segment_model)",
    "probability_alive(segment_model,double precision,double precision,double precision)",
    "expected_purchases(segment_model,double precision,double precision,double precision,double precision)",
    "purchase_probability(segment_model,double precision,double precision,double precision,double precision,integer)",
    "segment_internal.discounted_purchases(segment_model,double precision,double precision,double precision,'
    'double precision,double precision,double precision)",
    "segment_internal.next_purchase(segment_model,double precision,double precision,double precision,double precision)",
    "model_fit(segment_model,feature_set,integer)",
    "segment_internal.model_features(segment_model)",
    "segment_internal.candidate_match(segment_model,segment_model,integer)",
    "segment_internal.event_times_in(cstring)", "segment_internal.event_times_out(segment_internal.event_times)",
    "segment_internal.event_times_recv(internal)", "segment_internal.event_times_send(segment_internal.event_times)",
    "segment_internal.decayed_state_in(cstring)",
    "segment_internal.decayed_state_out(segment_internal.decayed_state)",
    "segment_internal.decayed_state_recv(internal)",
    "segment_internal.decayed_state_send(segment_internal.decayed_state)",
    "segment_internal.cronbach_state_in(cstring)",
    "segment_internal.cronbach_state_out(segment_internal.cronbach_state)",
    "segment_internal.cronbach_state_recv(internal)",
    "segment_internal.cronbach_state_send(segment_internal.cronbach_state)",
    "decayed_sum(segment_internal.decayed_state)", "cronbach_alpha(segment_internal.cronbach_state)",
    "hash_fraction(text,text)", "hash_fraction(text,bigint)", "hash_fraction(text,uuid)",
    "segment_internal.rule_uses(text)",
    "adjusted_rand_index(feature_set)", "segment_internal.as_double(numeric)",
    "feature_drift(feature_set,feature_set,integer)", "segment_internal.feature_marginals(feature_set,integer)",
    "segment_internal.training_marginals(feature_set,integer)", "segment_internal.feature_moments(feature_set)",
    "segment_internal.cell_drift(double precision[],double precision[])",
    "segment_internal.share_beyond(feature_set,feature_set,double precision)",
    "segment_internal.brief(double precision)",
    "segment_internal.calendar_days(timestamp with time zone,timestamp with time zone,text)",
    "segment_internal.days_later(timestamp with time zone,integer,text)",
    "calinski_harabasz(feature_set)",
    "calinski_harabasz(feature_set,segment_model)", "centroid_array(segment_model)", "centroids(segment_model)",
    "cluster_quality(feature_set)", "cluster_quality(feature_set,segment_model)", "cut_model(segment_model,integer)",
    "davies_bouldin(feature_set)", "davies_bouldin(feature_set,segment_model)", "eta_squared(feature_set)",
    "segment_internal.feature_names(feature_set)",
    "feature_rows(feature_set)", "segment_internal.feature_set_in(cstring)", "feature_set_info(feature_set)",
    "segment_internal.feature_set_out(feature_set)", "segment_internal.feature_set_recv(internal)",
    "segment_internal.feature_set_send(feature_set)", "segment_internal.fill_places(text,jsonb)",
    "inertia(feature_set)", "segment_internal.kmeans_state_in(cstring)",
    "segment_internal.kmeans_state_out(kmeans_state)", "segment_internal.kmeans_state_recv(internal)",
    "segment_internal.kmeans_state_send(kmeans_state)", "kmeans_step(kmeans_state)",
    "segment_internal.middle(double precision[])", "segment_internal.middle(numeric[])",
    "segment_internal.model_identify(segment_model,integer[],text[],text[],integer)",
    "model_match(segment_model,segment_model,integer)", "model_metrics(segment_model)",
    "segment_internal.model_shift(segment_model,segment_model)", "model_to_pmml(segment_model)",
    "normalized_mutual_information(feature_set)", "propose_segment_names(segment_model,integer)",
    "rename_segment(segment_model,text,text)", "segment_internal.rfm_bins(segment_model)",
    "rfm_cut_points(segment_model)", "segment_internal.same_model(segment_model,segment_model)",
    "segment_internal.scheme_matches(jsonb,integer,integer,integer,boolean)",
    "segment_internal.scheme_scores(integer,integer,boolean)", "segment_internal.scheme_uses_tenure(jsonb)",
    "segment_internal.segment_model_cmp(segment_model,segment_model)",
    "segment_internal.segment_model_eq(segment_model,segment_model)",
    "segment_internal.segment_model_from_jsonb(jsonb)",
    "segment_internal.segment_model_ge(segment_model,segment_model)",
    "segment_internal.segment_model_gt(segment_model,segment_model)",
    "segment_internal.segment_model_hash(segment_model)",
    "segment_internal.segment_model_hash_extended(segment_model,bigint)", "segment_internal.segment_model_in(cstring)",
    "segment_internal.segment_model_le(segment_model,segment_model)",
    "segment_internal.segment_model_lt(segment_model,segment_model)",
    "segment_internal.segment_model_ne(segment_model,segment_model)",
    "segment_internal.segment_model_out(segment_model)", "segment_internal.segment_model_recv(internal)",
    "segment_internal.segment_model_send(segment_model)", "segment_internal.segment_model_to_jsonb(segment_model)",
    "segment_spacing(segment_model)", "segments(segment_model)", "silhouette(feature_set)",
    "silhouette(feature_set,segment_model)", "simplified_silhouette(feature_set)",
    "simplified_silhouette(feature_set,segment_model)", "stability(feature_set,segment_model,integer,bigint)",
    "segment_internal.rule_conditions(text)", "segment_internal.asked_conditions(text[],boolean)",
    "describe_rule(text)", "segment_internal.rule_slips(text)",
    "regression_coefficients(segment_model,double precision)",
    "rule_tree_rules(segment_model,boolean)", "segment_internal.rule_tree_rules(segment_model,text[],text[])",
    "segment_internal.time_number(date)", "segment_internal.time_number(timestamp with time zone)",
    "segment_internal.time_number(timestamp without time zone)"}'),
-- NULL has a meaning
('immutable', 'called on null', 'safe', '{
    "segment_internal.trait_counts_query(integer,text,integer,boolean)", "segment_internal.check_trait_options(integer,integer)",
    "segment_internal.withheld_cells(integer[],integer[],integer[],bigint[],integer[],integer)",
    "segment_internal.guarded_share(bigint,bigint,integer)", "segment_internal.percent_or_half(double precision)",
    "segment_internal.scorecard_failures(text,bigint,bigint,integer,double precision,double precision,numeric,double precision,numeric,'
    'double precision,numeric,double precision,double precision,double precision,double precision,double precision)",
    "segment_internal.amount(double precision,double precision)", "segment_internal.check_arms(jsonb,text)",
    "segment_internal.metric_columns(metric)", "segment_internal.metric_of_customer(metric,text,text)",
    "segment_internal.metric_outcome(metric,text,text,text)",
    "segment_internal.verdict(text,text,text,record,double precision,integer,double precision)",
    "segment_internal.outcome_accum(outcome,boolean)", "segment_internal.outcome_accum(outcome,double precision)",
    "segment_internal.outcome_accum(outcome,double precision[])",
    "segment_internal.outcome_ratio_accum(outcome,double precision,double precision)",
    "segment_internal.outcome_combine(outcome,outcome)", "outcome(boolean)", "outcome(double precision)",
    "outcome(double precision[])", "outcome_ratio(double precision,double precision)", "outcome_merge(outcome)",
    "lift(outcome,outcome,double precision,bigint)",
    "segment_internal.local_instant(text,regtype)",
    "customer_value(feature_set,double precision,text,double precision[],double precision[],'
    'double precision,double precision,text,text[],text[])",
    "segment_internal.value_days_left(segment_model,double precision,double precision,double precision,double precision)",
    "segment_internal.value_columns(segmentation)", "segment_internal.value_features(segmentation,text,text,text,text,text)",
    "segment_internal.value_has_clock(segmentation)", "segment_internal.value_figures()", "segment_internal.value_options()",
    "segment_internal.value_values()",
    "predict(segment_model,\"any\")",
    "bgnbd(feature_set,double precision)",
    "mbgnbd(feature_set,double precision)",
    "pareto_nbd(feature_set,double precision)",
    "bgbb(feature_set,double precision)",
    "gamma_gamma(feature_set)",
    "expected_value(segment_model,double precision,double precision)",
    "customer_lifetime_value(segment_model,segment_model,double precision,double precision,double precision,'
    'double precision,double precision,double precision,double precision)",
    "segment_internal.watermark_base(regtype)",
    "segment_internal.rough(interval)", "segment_internal.jump(double precision,double precision[])",
    "segment_internal.job_name(text)", "segment_internal.check_schedule(text)",
    "segment_internal.check_candidate_keys(jsonb,text[])", "segment_internal.rfm_values()",
    "segment_internal.diff_steps(boolean)",
    "segment_internal.pettitt(double precision[])",
    "segment_internal.drift_words(double precision,double precision,double precision,double precision)",
    "segment_internal.limit_words(double precision,double precision,double precision,double precision)",
    "band(double precision,double precision[],text[],text)",
    "scale_score(double precision[],integer[],double precision,double precision,integer)",
    "segment_internal.follows_combine(segment_internal.event_times,segment_internal.event_times)",
    "follows(segment_internal.event_times)", "follows(timestamp with time zone,boolean,boolean,interval)",
    "segment_internal.decayed_sum_accum(segment_internal.decayed_state,double precision,timestamp with time zone,interval,'
    'timestamp with time zone)",
    "segment_internal.decayed_sum_combine(segment_internal.decayed_state,segment_internal.decayed_state)",
    "decayed_sum(double precision,timestamp with time zone,interval,timestamp with time zone)",
    "segment_internal.cronbach_alpha_accum(segment_internal.cronbach_state,double precision[])",
    "segment_internal.cronbach_alpha_combine(segment_internal.cronbach_state,segment_internal.cronbach_state)",
    "cronbach_alpha(double precision[])",
    "segment_internal.nearest_name(text,text[])", "segment_internal.nearest_name_hint(text,text[],text)",
    "segment_internal.refuse_in_rule(text,integer,text,text,text,text)",
    "segment_internal.renamed_in_rule(text,text,text,text)",
    "adjusted_rand_index(bigint,bigint)", "adjusted_rand_index(boolean,boolean)",
    "adjusted_rand_index(integer,integer)", "adjusted_rand_index(smallint,smallint)", "adjusted_rand_index(text,text)",
    "assign_segment(segment_model,\"any\")", "assign_segment_id(segment_model,\"any\")",
    "bisecting_kmeans(feature_set,integer,integer,integer,double precision,text,text[],jsonb,jsonb,text,text,bigint)",
    "segment_internal.checked_hysteresis(double precision)",
    "choose_k(feature_set,integer,integer,text,text,integer,integer,double precision,text,text[],jsonb,jsonb,'
    'text,text,text,double precision,integer,integer,bigint)",
    "segment_internal.cluster_figures()", "segment_internal.cut_words(double precision,double precision,text)",
    "eta_squared(bigint,double precision)", "eta_squared(boolean,double precision)",
    "eta_squared(integer,double precision)", "eta_squared(smallint,double precision)",
    "eta_squared(text,double precision)", "explain_segment(segment_model,\"any\")", "feature_set(double precision[])",
    "feature_set(record)", "segment_internal.feature_set_accum(feature_set,double precision[])",
    "segment_internal.feature_set_accum_record(feature_set,record)",
    "segment_internal.feature_set_accum_weighted(feature_set,double precision,double precision[])",
    "segment_internal.feature_set_accum_named(feature_set,text[],boolean[],double precision[],text[])",
    "segment_internal.feature_set_named(text[],boolean[],double precision[],text[])",
    "segment_internal.feature_set_combine(feature_set,feature_set)", "feature_set_merge(feature_set)",
    "feature_set_weighted(double precision,double precision[])", "frequency_score(segment_model,\"any\")",
    "gaussian_mixture(feature_set,integer,text,integer,integer,double precision,double precision,text,text[],jsonb,jsonb,text,bigint)",
    "segment_internal.held_tenure(segment_model,double precision,double precision,double precision,double precision,integer,jsonb,'
    'double precision)",
    "segment_internal.held_value(double precision,smallint,jsonb,double precision)",
    "segment_internal.homogeneity_verdict(bigint,double precision,text,double precision,double precision)",
    "kmeans(feature_set,integer,integer,integer,double precision,text,text[],jsonb,jsonb,text,text,double precision[],bigint)",
    "kmeans_step(segment_model,double precision[])",
    "segment_internal.kmeans_step_accum(kmeans_state,segment_model,double precision[])",
    "segment_internal.kmeans_step_accum_weighted(kmeans_state,segment_model,double precision,double precision[])",
    "segment_internal.kmeans_step_combine(kmeans_state,kmeans_state)", "kmeans_step_merge(kmeans_state)",
    "kmeans_step_state(segment_model,double precision[])",
    "kmeans_step_state_weighted(segment_model,double precision,double precision[])",
    "kmeans_step_weighted(segment_model,double precision,double precision[])",
    "kprototypes(feature_set,integer,double precision,integer,integer,text,text[],jsonb,jsonb,text,bigint)",
    "segment_internal.label_pair_accum(feature_set,bigint,bigint)",
    "segment_internal.label_pair_accum(feature_set,boolean,boolean)",
    "segment_internal.label_pair_accum(feature_set,integer,integer)",
    "segment_internal.label_pair_accum(feature_set,smallint,smallint)",
    "segment_internal.label_pair_accum(feature_set,text,text)",
    "segment_internal.labelled_measure_accum(feature_set,bigint,double precision)",
    "segment_internal.labelled_measure_accum(feature_set,boolean,double precision)",
    "segment_internal.labelled_measure_accum(feature_set,integer,double precision)",
    "segment_internal.labelled_measure_accum(feature_set,smallint,double precision)",
    "segment_internal.labelled_measure_accum(feature_set,text,double precision)", "segment_internal.middle_two()",
    "monetary_score(segment_model,\"any\")", "segment_internal.named_columns_query(text,text,text,text,text)",
    "normalized_mutual_information(bigint,bigint)", "normalized_mutual_information(boolean,boolean)",
    "normalized_mutual_information(integer,integer)", "normalized_mutual_information(smallint,smallint)",
    "normalized_mutual_information(text,text)", "recency_score(segment_model,\"any\")",
    "segment_internal.rfm_has_clock(segmentation)",
    "segment_internal.rfm_days_left(segment_model,double precision,double precision,smallint,double precision)",
    "segment_internal.rfm_columns(segmentation)", "segment_internal.rfm_figures()", "rfm_score(segment_model,\"any\")",
    "segment_internal.rfm_train(feature_set,integer,integer,text,jsonb,text,text[],integer[],text,boolean)",
    "segment_internal.rows_skipped(jsonb)", "rule_tree(feature_set,integer,integer)", "prediction_quality(feature_set,text)",
    "prediction_table(feature_set,integer,text)",
    "linear_regression(feature_set,text,double precision,double precision,boolean,jsonb,boolean,text,text)",
    "logistic_regression(feature_set,text,double precision,double precision,boolean,jsonb,boolean,text,text,text,integer)",
    "rank_criteria(feature_set,text,text,integer,integer,double precision,bigint)",
    "segment_internal.scheme_problems(jsonb,integer,integer,integer,text,text[])",
    "segment_internal.score_code(integer,integer,integer,integer,integer)", "segment_distance(segment_model,\"any\")",
    "segment_probabilities(segment_model,\"any\")", "segment_silhouette(segment_model,\"any\")",
    "tenure_score(segment_model,\"any\")",
    "segment_internal.rules_figures()", "segment_internal.rule_changes(jsonb,jsonb)",
    "segment_internal.settings_kept()", "segment_internal.source_counts_step(text)",
    "segment_internal.slip_message(text,text,bigint)"}'),
-- read the catalogue
('stable', 'strict', 'safe', '{
    "segment_internal.equality_operator(regtype,regtype)",
    "segment_internal.equality_operator(regtype)", "segment_internal.feature_type(regtype)",
    "segment_internal.next_flip(timestamp with time zone,text,\"any\")", "segment_internal.fresh_inertia(feature_set,text,jsonb)",
    "segment_internal.key_column(regclass)", "segment_internal.key_type(regclass)"}'),
('stable', 'called on null', 'safe', '{
    "segment_internal.check_goal(double precision,timestamp with time zone)",
    "segment_internal.attribute_kind(regtype)",
    "segment_internal.wants_training(segmentation,timestamp with time zone,boolean)",
    "segment_internal.nothing_in_use(segmentation)", "segment_internal.rules_of_version(segmentation,integer)",
    "segment_internal.refuse_later_treatment(text,text,timestamp with time zone,timestamp with time zone)",
    "segment_internal.refuse_nothing_in_use(segmentation,text)",
    "segment_internal.segment_identity(segmentation)", "segment_internal.option_literal(jsonb,oid)",
    "segment_internal.no_rows(segmentation)",
    "segment_internal.value_steps(segmentation,boolean)", "segment_internal.value_training(segmentation,text)",
    "segment_internal.value_places(segmentation,boolean)", "segment_internal.value_drift(segmentation)",
    "segment_internal.value_tell(segmentation,timestamp with time zone,jsonb,jsonb)",
    "segment_internal.value_own_model(segmentation,segment_model)",
    "segment_internal.check_key_type(segmentation,regtype,text)", "segment_internal.member_values_query(segmentation,text)",
    "segment_internal.experiment_row(text)", "segment_internal.named_row(anyelement,text,text,text)",
    "segment_internal.exposure_statement(experiment,timestamp with time zone)", "segment_internal.metric_row(text)",
    "segment_internal.metric_rows(metric,timestamp with time zone,timestamp with time zone,timestamp with time zone)",
    "segment_internal.metric_statement(metric,timestamp with time zone,timestamp with time zone)",
    "segment_internal.number_expression(text,text)", "segment_internal.time_expression(text,text)",
    "segment_internal.known_until(segmentation)", "segment_internal.shown_as_of(segmentation)",
    "next_purchase_at(segment_model,double precision,double precision,double precision,timestamp with time zone,interval,'
    'double precision)",
    "segment_internal.with_parts(regclass,name[])", "segment_internal.no_trigger_reason(regclass)",
    "segment_internal.lacks_triggers(regclass)", "segment_internal.source_state(text,regclass[])",
    "segment_internal.changed_log(segmentation)", "segment_internal.had_its_turn(text,timestamp with time zone)",
    "segment_internal.size_jump(segmentation,run)", "segment_internal.failures(segmentation,run)",
    "segment_internal.newest_row(segmentation)", "segment_internal.usual_distance(segmentation)",
    "segment_internal.scheduling_role(text)", "segment_internal.has_cron()", "segment_internal.job_command(text)",
    "segment_internal.crontab_line(text,text,name)", "segment_internal.rfm_tenure_places(segmentation,boolean)",
    "segment_internal.rfm_own_model(segmentation,segment_model)",
    "segment_internal.identified_model(segmentation,segment_model,text,text,text)",
    "segment_internal.rfm_model_places(segmentation,segment_model)",
    "segment_internal.cluster_own_model(segmentation,segment_model)",
    "segment_internal.cluster_candidate_places(segmentation,segmentation)",
    "segment_internal.rules_candidate_places(segmentation,segmentation)",
    "segment_internal.rules_to_copy(segmentation)", "segment_internal.kind_function(segmentation,text)",
    "segment_internal.replay_instants(timestamp with time zone,timestamp with time zone,interval,text)",
    "segment_internal.undone(run)",
    "segment_internal.kept_instant(timestamp with time zone,text,timestamp with time zone)",
    "segment_internal.kept_since(segmentation,timestamp with time zone)",
    "segment_internal.used_at_is_kept(segmentation,text)", "segment_internal.history_overlap_query(segmentation)",
    "segment_internal.undone_query(segmentation)",
    "segment_internal.check_past(segmentation,timestamp with time zone,text)",
    "segment_internal.period_bound(bigint,interval,text)",
    "segment_internal.period_number(timestamp with time zone,interval,text)",
    "segment_internal.period_bounds(timestamp with time zone,timestamp with time zone,interval,text,timestamp with time zone)",
    "segment_internal.cluster_drift(segmentation)", "segment_internal.rfm_drift(segmentation)",
    "segment_internal.training_of(segmentation)",
    "segment_internal.drift_lines(feature_set[],feature_set[],integer,double precision,double precision,segment[])",
    "segment_internal.follows_accum(segment_internal.event_times,timestamp with time zone,boolean,boolean,interval)",
    "segment_internal.template_row(text)", "segment_internal.seen_by(name,text)",
    "segment_internal.refuse_while_used(text,integer[],text,text,name)", "segment_internal.refuse_cycle(text,name)",
    "in_segment(text,text)", "in_segment(text,text,timestamp with time zone)",
    "segment_internal.used_at_query(segmentation,integer,text)",
    "segment_internal.key_is_that_of_source(segmentation,segmentation,text)", "segment_internal.acts_as(name)",
    "segment_internal.changed_options(segmentation,jsonb)", "assign_segment(text,\"any\")",
    "assign_segment_id(text,\"any\")", "segment_internal.check_column_names(segmentation,name)",
    "segment_internal.check_new_segmentation(text,text,name,text)", "segment_internal.cluster_columns(segmentation)",
    "cluster_methods()", "segment_internal.cluster_placed_features(segmentation)",
    "segment_internal.cluster_places(segmentation,boolean)", "segment_internal.cluster_steps(segmentation,boolean)",
    "segment_internal.cluster_tell(segmentation,timestamp with time zone,jsonb,jsonb)",
    "segment_internal.collate_clause(regclass)", "segment_internal.current_model_query(segmentation)",
    "explain_segment(text,\"any\")", "segment_internal.feature_figures_query(segmentation,integer)",
    "get_model(text,integer)", "segment_internal.has_features(segmentation)",
    "segment_internal.instant(timestamp with time zone)", "segment_internal.key_condition(regclass,text)",
    "segment_internal.keys_can_be_listed(segmentation)", "segment_internal.local_time(timestamp with time zone,text)",
    "segment_internal.may_read(regclass)", "segment_internal.member_columns(segmentation)",
    "segment_internal.everybody_is_due(segmentation,timestamp with time zone,boolean)",
    "segment_internal.due_query(segmentation)",
    "segment_internal.due_keys(segmentation,timestamp with time zone,boolean)",
    "segment_internal.tell_due(segmentation,timestamp with time zone)", "segment_internal.segmentation_hint(text)",
    "segment_internal.owner_of(regclass)", "segment_internal.owns(regclass)",
    "rfm_model(feature_set,integer,text,jsonb,text)", "segment_internal.rfm_places(segmentation,boolean)",
    "segment_internal.rfm_steps(segmentation,boolean)", "segment_internal.rfm_summary_is_kept(segmentation)",
    "segment_internal.rfm_tell(segmentation,timestamp with time zone,jsonb,jsonb)",
    "segment_internal.run_mark(segmentation)", "segment_internal.scheme_cells(text,integer,boolean)",
    "scheme_check(text,integer)", "segment_internal.scheme_row(text)", "segment_internal.segmentation_row(text)",
    "segment_internal.segment_rows(text)", "segment_internal.shared_places(segmentation)",
    "segment_internal.source_statement(segmentation)", "segment_internal.staging_table(segmentation,text)",
    "segment_internal.starts_warm(segmentation)",
    "segment_internal.cluster_training_places(segmentation,boolean,text,text)",
    "segment_internal.count_rows(regclass,boolean,name)", "segment_internal.distribution_column(regclass)",
    "segment_internal.has_citus()", "segment_internal.on_worker()",
    "segment_internal.staging_statements(regclass,text,text,boolean)",
    "segment_internal.training_call(text,text,jsonb)",
    "segment_internal.trains(segmentation,timestamp with time zone,boolean)",
    "segment_internal.overlapping(segmentation)", "as_of()", "segment_internal.rules_from_json(json)",
    "segment_internal.check_rules_options(segmentation)", "segment_internal.rules_columns(segmentation)",
    "segment_internal.rules_steps(segmentation,boolean)", "segment_internal.session_settings()",
    "segment_internal.rules_tell(segmentation,timestamp with time zone,jsonb,jsonb)",
    "segment_internal.open_segment_id(segmentation,text)", "segment_internal.rule_position(segmentation,text)",
    "segment_rules(text)", "segment_internal.rule_role(text)", "segment_internal.decision_steps(segmentation)",
    "segment_internal.decision_places(segmentation)", "segment_internal.decided_segment(segmentation,text,boolean)",
    "segment_internal.has_events(segmentation)", "segment_internal.event_steps(segmentation,boolean)",
    "segment_internal.event_places(segmentation,jsonb)", "segment_internal.checked_events(segmentation)",
    "segment_internal.events_query(segmentation)", "segment_internal.refuse_events(segmentation)",
    "segment_internal.consumer_row(text)", "segment_internal.key_family(regclass)",
    "segment_internal.shared_steps(boolean,boolean,boolean,boolean)", "segment_internal.definition_hash(segmentation)"}'),
-- lock the tables they read
('stable', 'strict', 'restricted', '{
    "segment_internal.table_refusal(regclass,text[],regtype[])",
    "segment_internal.overlap_counts(text[],boolean[],integer[],integer[])"}'),
('stable', 'called on null', 'restricted', '{
    "segment_internal.value_explain(segmentation,text)", "segment_internal.readable_value_segmentation(text)",
    "segment_member_values(anyelement,text,timestamp with time zone)", "segment_value_profile(text)",
    "segment_internal.experiment_query(experiment,metric,timestamp with time zone)",
    "segment_internal.outcome_rows(experiment,timestamp with time zone)",
    "segment_internal.snapshot_refusal(metric,segmentation,timestamp with time zone)",
    "segment_internal.health(segmentation,timestamp with time zone)",
    "segment_internal.next_due(segmentation,run,text)",
    "segment_internal.changes_waiting(segmentation,timestamp with time zone)",
    "segment_internal.consumers_behind(segmentation,timestamp with time zone)",
    "segment_trend(text,interval,timestamp with time zone,timestamp with time zone)",
    "segment_drift(text,integer,boolean,double precision,double precision)",
    "segment_internal.fresh_agreement(segmentation,timestamp with time zone)",
    "segment_internal.training_figures(segmentation,segment_model,timestamp with time zone)",
    "segment_internal.used_segments(segmentation,text,text,jsonb)", "segment_internal.rules_with_uses(segmentation)",
    "segment_internal.replaced_uses(segmentation,text,jsonb,jsonb)",
    "segment_internal.used_source(segmentation,text,jsonb)", "segment_internal.rules_statement(segmentation,text)",
    "segment_internal.asked_source(segmentation,text,text,jsonb,boolean)",
    "segment_internal.cluster_explain(segmentation,text)", "segment_internal.count_customers(segmentation,text)",
    "segment_internal.has_no_members(segmentation)", "segment_internal.decisions_not_shown(segmentation)",
    "segment_internal.events_refusal(segmentation)", "segment_internal.consumer_lag(segmentation,bigint)",
    "homogeneity_report(text)", "segment_internal.not_shown(segmentation,boolean)",
    "segment_internal.readable_clustering(text)", "segment_internal.readable_segmentation(text)",
    "segment_internal.rfm_explain(segmentation,text)", "segment_internal.rules_explain(segmentation,text)",
    "segment_events(text,timestamp with time zone)", "segment_feature_profile(text)",
    "segment_internal.due_as_owner(text,text,text)", "segment_flapping(text,timestamp with time zone)",
    "segment_profile(text)", "segment_internal.unreadable_reason(segmentation)",
    "segment_of(text,anyelement,timestamp with time zone)", "segment_of(text,text,timestamp with time zone)",
    "segment_internal.compared_segmentations(text[])", "segment_overlap(text[])"}'),
-- prepare a query of the user's
('stable', 'strict', 'unsafe', '{
    "segment_internal.rules_clock(text,text,text[])", "segment_internal.label_features_query(text,text,regtype)"}'),
('stable', 'called on null', 'unsafe', '{
    "segment_internal.label_query(text,text,regtype)",
    "segment_internal.bind_value_columns(segmentation)",
    "segment_internal.check_named_types(text,text,text,text[],text[])",
    "segment_internal.named_types(text,text,text[])",
    "segment_members(anyelement,text,timestamp with time zone)", "segment_members(text,timestamp with time zone)",
    "segment_migration(bigint,bigint)", "segment_migration(text,timestamp with time zone,timestamp with time zone)",
    "segment_internal.trace_source(text,text,regtype,regcollation)", "segment_internal.trace(segmentation)",
    "segment_internal.tracked_parts(segmentation,regclass[])",
    "segment_internal.traced_statements(segmentation)",
    "segment_internal.check_trackable(segmentation,regclass[])", "segment_internal.check_watermark(segmentation)",
    "segment_internal.present_state(segmentation,regclass[])",
    "segment_internal.placing_steps(segmentation)",
    "segment_internal.query_relations(text,text)",
    "segment_internal.bind_cluster_columns(segmentation)", "segment_internal.bind_rfm_columns(segmentation)",
    "segment_internal.choose_source_columns(segmentation)",
    "segment_internal.query_columns(text,text,boolean)",
    "refine_model(segment_model,text,integer,double precision,text,text)",
    "segment_internal.refine_query(segment_model,text,text,text)", "segment_internal.source_key(segmentation)",
    "segment_internal.source_query(text,text)",
    "segment_internal.rule_columns(text,text,text,text)", "segment_internal.bind_rules_columns(segmentation)",
    "segment_internal.rule_source(text,text,text,text)", "segment_internal.rules_next(segmentation)",
    "segment_internal.rules_places(segmentation,boolean)", "segment_internal.check_rule_as_owner(text,text,text,text,text)",
    "segment_internal.describable(text,text,text)",
    "segment_internal.check_decisions(segmentation,timestamp with time zone)",
    "explain_customer(text,anyelement)", "explain_customer(text,text)",
    "segment_internal.cluster_staged_places(segmentation,boolean)", "segment_internal.table_to_lie_beside(segmentation,regclass)",
    "segment_internal.qualified_query(text,text)", "refresh_steps(text,timestamp with time zone,boolean)",
    "segment_internal.rfm_staged_places(segmentation,boolean)", "segment_internal.staged_places(segmentation,boolean)",
    "segment_internal.staged_source(segmentation,text,text)",
    "segment_internal.candidate_source(segmentation,jsonb)", "segment_internal.check_candidate_key(segmentation)",
    "segment_internal.candidate_places(segmentation,segmentation,segment_model)",
    "segment_internal.asks_for_as_of(segmentation)",
    "segment_internal.steps_of(segmentation,boolean,boolean,boolean,refresh_step[],jsonb)",
    "segment_internal.full_reason(segmentation,text,boolean)", "segment_internal.immediate_steps(segmentation)"}'),
-- looks back at the session's last call of rfm_summary
('volatile', 'called on null', 'restricted', '{
    "rfm_summary_counts()", "segment_internal.running_refreshes()"}'),
-- raises an error at its time in a query
('volatile', 'called on null', 'safe', '{
    "segment_internal.check_refresh_all(timestamp with time zone,interval)", "segment_internal.tell_refreshed(jsonb,text[])",
    "segment_internal.budget_spent(timestamp with time zone,interval,jsonb)", "segment_internal.is_running(segmentation)",
    "segment_internal.refuse_departures(text,bigint,bigint,bigint,double precision,jsonb)",
    "segment_internal.refuse_repeated_keys(bigint,text)",
    "segment_internal.turn(segmentation,timestamp with time zone)"}'),
-- write, or run a query of the user's
('volatile', 'strict', 'unsafe', '{
    "segment_internal.lock_writers(regclass)",
    "segment_internal.checked(name,segmentation)", "segment_internal.run_as_owner(name,text,text[])",
    "segment_internal.set_run_mark(regclass,timestamp with time zone,bigint)",
    "segment_internal.begin_progress(regclass,timestamp with time zone,timestamp with time zone,integer)",
    "segment_internal.rows_as_owner(name,text,text[])", "segment_internal.number_events(text)",
    "segment_internal.rule_answers(text,text,integer,integer,double precision)"}'),
('volatile', 'called on null', 'unsafe', '{
    "segment_internal.traits(text,text[],text[],integer,integer,boolean)", "segment_internal.attribute_rows(text,text)",
    "segment_traits(text,integer,integer,text)", "segment_internal.persona_rows(segmentation,text,text)",
    "persona(text,text,integer,integer,text)", "segment_scorecard(text,text,text,integer,integer,text)",
    "segment_internal.scorecard_outcomes(segmentation,metric,timestamp with time zone)",
    "segment_internal.columns_as(text,text,text)",
    "segment_internal.treatments_query(segmentation,timestamp with time zone,text,text,text)",
    "segment_internal.keep_notes()", "model_impact(text,integer,text)", "note_segment(text,text,text,text)",
    "segment_internal.propose_as_owner(text,text,text)", "approve_model(text,integer)",
    "segment_internal.propose_trained(segmentation,timestamp with time zone,boolean,jsonb)",
    "purge_segment_notes(text,timestamp with time zone)",
    "segment_internal.record_proposal(segmentation,segment_model,timestamp with time zone,text)",
    "require_approval(text,boolean)", "segment_internal.rules_to_edit(text)",
    "segment_internal.tell_proposal(segmentation,text,integer,integer)",
    "segment_internal.use_rules(segmentation,integer)", "segment_internal.use_version_as_owner(text,integer)",
    "segment_internal.values_as_owner(text,text)", "propose_model(text,segment_model,text)",
    "segment_internal.check_approval()",
    "create_treatment(text,text,text,text,text,text,text,integer,timestamp with time zone,'
    'timestamp with time zone,double precision,text,integer)",
    "customer_treatments(text,timestamp with time zone,text,text,text)",
    "customer_treatments(anyelement,text,timestamp with time zone,text,text,text)",
    "end_treatment(text,text,timestamp with time zone)",
    "segment_internal.finish_unplaced(segmentation,timestamp with time zone,integer)",
    "segment_internal.first_rules(segmentation,text)",
    "segment_internal.check_orders(segmentation,text)", "segment_internal.value_candidate(segmentation,json)",
    "segment_internal.check_value_options(segmentation)",
    "segment_internal.value_history(anyelement,text,text,timestamp with time zone,text,text,text)",
    "segment_internal.create_value_segmentation(text,text,text,jsonb,text,interval,name,text,text,double precision,text,text,text)",
    "create_value_segmentation(text,text,text,text,double precision[],double precision[],interval,numeric,text,text[],'
    'text[],text,interval,name,text,text,double precision,text,text,text)",
    "create_experiment(text,text,text,text,jsonb,text,interval,interval,timestamp with time zone,'
    'timestamp with time zone,text,text,bigint,text)",
    "create_metric(text,text,text,text,text,interval,double precision,timestamp with time zone,integer,text,text)",
    "drop_experiment(text)", "drop_metric(text)",
    "set_metric_goal(text,double precision,timestamp with time zone)", "experiment_outcomes(anyelement,text,timestamp with time zone)",
    "experiment_outcomes(text,timestamp with time zone)", "experiment_result(text,timestamp with time zone,integer)",
    "segment_internal.create_experiment(text,text,text,text,jsonb,text,interval,interval,'
    'timestamp with time zone,timestamp with time zone,text,text,bigint,text)",
    "segment_internal.create_metric(text,text,text,text,text,interval,double precision,timestamp with time zone,integer,text,text)",
    "segment_internal.enter_settings(text,text,jsonb)", "segment_internal.metric_rows_as_owner(text,text,text,text)",
    "segment_internal.outcomes_as_owner(text,text)", "segment_internal.result_as_owner(text,text,text)",
    "segment_internal.set_clock(text,text,jsonb,timestamp with time zone)",
    "segment_internal.snapshot_as_owner(text,text,text,text)",
    "segment_internal.tell_of_exposures(bigint,bigint,timestamp with time zone)",
    "snapshot_metrics(timestamp with time zone,text,text)",
    "buying_history(anyelement,text,timestamp with time zone,text,timestamp with time zone,timestamp with time zone,boolean,text)",
    "label_at(anyelement,text,timestamp with time zone[],interval,timestamp with time zone,boolean,interval,text,text)",
    "segment_internal.labels_told(bigint,timestamp with time zone,timestamp with time zone)",
    "segment_internal.features_told(timestamp with time zone,bigint,bigint,bigint,jsonb)",
    "segment_internal.rfm_candidate(segmentation,json)", "segment_internal.cluster_candidate(segmentation,json)",
    "segment_internal.rules_candidate(segmentation,json)", "segment_internal.rules_copied(segmentation)",
    "segment_internal.candidate(segmentation,json)",
    "segment_internal.diff_as_owner(text,text,text,text,boolean,boolean)",
    "segment_internal.diff(text,json,timestamp with time zone,segment_model,boolean,boolean)",
    "diff_segmentation(text,json,timestamp with time zone,segment_model,boolean)",
    "diff_customers(text,json,timestamp with time zone,segment_model,boolean)",
    "segment_internal.tell_undated(segmentation)", "segment_internal.copy_as_owner(text,text,text)",
    "segment_internal.begin_replay(text,text,timestamp with time zone,timestamp with time zone,interval,json)",
    "segment_internal.replay_next(text,timestamp with time zone,jsonb)",
    "segment_internal.go_on(text,timestamp with time zone,jsonb)",
    "replay_segmentation(text,text,timestamp with time zone,timestamp with time zone,interval,json)",
    "segment_internal.unknown_figures(segmentation)",
    "segment_internal.write_reset_events(segmentation,timestamp with time zone)",
    "segment_internal.restore_places(segmentation,timestamp with time zone)",
    "segment_internal.restore_figures(segmentation)", "segment_internal.look_at_everybody(segmentation)",
    "segment_internal.reset_as_owner(text,timestamp with time zone)",
    "reset_segmentation(text,timestamp with time zone)",
    "segment_internal.purge_events(segmentation,timestamp with time zone)",
    "segment_internal.purge_as_owner(text,timestamp with time zone)", "purge_history(text,timestamp with time zone)",
    "create_rule_template(text,jsonb,json,boolean,text,text[],text)", "drop_rule_template(text)",
    "segment_internal.check_rule_template()", "create_segmentation_from_template(text,text,text,text,name,text)",
    "segment_internal.create_segmentation_from_template(text,text,text,text,name,text)",
    "segment_internal.record_source_uses(segmentation)", "segment_internal.record_source_uses(text)",
    "segment_internal.release_uses(text,integer[])", "segment_internal.drop_rules_as_owner(text,integer[],text)",
    "segment_internal.drop_using_rules(text,integer[])",
    "segment_internal.rename_in_rules_as_owner(text,text,integer,text,text)",
    "segment_internal.rename_in_using_rules(text,integer,text,text)", "segment_internal.refresh_order(boolean)",
    "segment_internal.refresh_next(text,timestamp with time zone,jsonb)",
    "refresh_all_segmentations(timestamp with time zone,interval)", "schedule_refresh(text,text)",
    "unschedule_refresh(text)", "segment_internal.keep_job(text,text,text)", "segment_internal.forget_job(text)",
    "segment_internal.show_step(text)", "segment_internal.tell_failure(run)", "segment_internal.accept_as_owner(text)",
    "accept_source(text)", "segment_internal.accepted_source(segmentation)",
    "segment_internal.check_source(segmentation)",
    "segment_internal.steps_to_changes(segmentation,boolean,timestamp with time zone)",
    "segment_internal.new_orders_segmentation(text,text,text,text,interval,text,text,double precision,text,text,text,text)",
    "segment_internal.create_orders_segmentation(segmentation,name,text[])",
    "segment_internal.alter_as_owner(text,jsonb,interval,double precision,text,interval)",
    "alter_segmentation(text,jsonb,interval,double precision,text,interval)", "segment_internal.begin_run(text)",
    "segment_internal.change_catalogue(text,\"any\")", "segment_internal.check_cluster_options(segmentation)",
    "segment_internal.check_rfm_options(segmentation)", "segment_internal.check_rfm_scheme()",
    "segment_internal.comment_tables(text)", "segment_internal.count_members(segmentation)",
    "create_cluster_segmentation(text,text,integer,text,text[],text,jsonb,interval,name,text,text,double precision)",
    "create_rfm_scheme(text,jsonb,integer,integer,jsonb,text,text,text,text[])",
    "create_rfm_segmentation(text,text,text,text,text,integer,jsonb,interval,text,text,text,interval,name,text,text,boolean,'
    'double precision,double precision,text,text,text,text)", "segment_internal.create_run_mark(segmentation)",
    "segment_internal.create_segmentation(segmentation,name,name,text,text)",
    "segment_internal.distribute_as_owner(text,regclass)", "distribute_segmentation(text,regclass)",
    "segment_internal.drop_as_owner(text,boolean)", "drop_rfm_scheme(text)", "drop_segmentation(text,boolean)",
    "segment_internal.create_cluster_segmentation(text,text,integer,text,text[],text,jsonb,interval,name,text,text,double precision)",
    "segment_internal.create_rfm_segmentation(text,text,text,text,text,integer,jsonb,interval,text,text,text,interval,name,text,text,'
    'boolean,double precision,double precision,text,text,text,text)", "segment_internal.locked_segmentation(text)",
    "segment_internal.query_keys(anyelement,text,text,\"any\")", "segment_internal.query_rows(text,text)",
    "segment_internal.query_rows(text,text,text,\"any\")",
    "segment_internal.record_model(segmentation,segment_model,timestamp with time zone)",
    "segment_internal.refresh(text,timestamp with time zone,boolean,jsonb,double precision,boolean,boolean)",
    "segment_internal.refresh_due_as_owner(text,timestamp with time zone)",
    "refresh_due(timestamp with time zone,boolean)", "segment_internal.later_changes_as_owner(text,text)",
    "segment_internal.later_members_query(segmentation,timestamp with time zone,text)",
    "segment_internal.members_query(segmentation,timestamp with time zone)",
    "segment_internal.rfm_summary_clock(anyelement,text,timestamp with time zone,interval,text,text,text,boolean,text,\"any\")",
    "segment_internal.record_training(segmentation,segment_model,timestamp with time zone)",
    "refresh_segmentation(text,timestamp with time zone,boolean,double precision,boolean)",
    "segment_internal.rename_as_owner(text,text,text,boolean)", "rename_segment(text,text,text,boolean)",
    "retrain_segmentation(text,timestamp with time zone,jsonb)",
    "association_rules(anyelement,text,double precision,double precision,integer,integer,text)",
    "item_similarity(anyelement,text,text,integer,integer,text)",
    "recommend(anyelement,anycompatible,text,text,\"any\",integer,boolean,double precision,integer,text)",
    "rfm_summary(anyelement,text,timestamp with time zone,interval,text,text,text,boolean,text,\"any\")",
    "segment_internal.run_steps(text[],text[],timestamp with time zone,boolean,segment_model,boolean,anyarray)",
    "segment_internal.unfinished_run(segmentation)", "segment_internal.runs(text,text)",
    "segment_internal.rules_blame(segmentation)",
    "create_rule_segmentation(text,text,json,boolean,text,text[],text,name,text,text,double precision,text)",
    "segment_internal.rules_of(text)", "segment_internal.define_rules(segmentation,text)",
    "segment_internal.set_rule_as_owner(text,text,text,integer,text,text)",
    "segment_internal.drop_rule_as_owner(text,text,text,boolean)",
    "segment_internal.revert_rules_as_owner(text,integer,text)", "segment_internal.place_anew(text,boolean)",
    "set_segment_rule(text,text,text,integer,text,text,boolean)", "drop_segment_rule(text,text,text,boolean,boolean)",
    "revert_segment_rules(text,integer,text,boolean)", "check_rule(text,text,text,text)",
    "segment_internal.count_rule(segmentation,text,boolean)",
    "segment_internal.preview_as_owner(text,text,text,text,text,text)",
    "segment_internal.describe_as_owner(text,text,text,text,text,text,text,text)",
    "describe_segments(text,text,integer,integer,double precision,bigint,text,text)",
    "preview_segment(text,text,text,timestamp with time zone,text,text)",
    "segment_internal.rules_why(segmentation,text)",
    "segment_internal.step_rows(text[],text[],timestamp with time zone,boolean,segment_model,boolean,anyarray)",
    "segment_internal.enter_settings(segmentation)", "segment_internal.rules_clock_as_owner(segmentation)",
    "segment_internal.set_clock(segmentation,timestamp with time zone)", "segment_internal.blame(text,text)",
    "segment_internal.preview_refresh_as_owner(text,text)", "preview_refresh(text,timestamp with time zone)",
    "segment_internal.why(text,text)", "segment_internal.create_change_log(text)",
    "segment_internal.create_customer_table(segmentation,text,text,text,text[])",
    "segment_internal.create_event_table(text)", "event_table(text)", "segment_internal.number_events_as_owner(text)",
    "segment_internal.number_events(segmentation)", "segment_internal.tell_events(segmentation)",
    "create_event_consumer(text,text,boolean)", "next_segment_events(text,integer)",
    "acknowledge_segment_events(text,bigint)", "drop_event_consumer(text)", "segment_internal.log_changes()",
    "segment_internal.create_triggers(regclass)", "segment_internal.drop_triggers(regclass[])",
    "segment_internal.keep_tracked(segmentation,regclass[])",
    "segment_internal.start_tracking(segmentation,regclass[])", "segment_internal.retrack(text)",
    "segment_internal.watermark_keys(segmentation)", "segment_internal.untracked_reason(segmentation)",
    "segment_internal.track_as_owner(text,text,interval,text,regclass[])",
    "track_source(text,text,interval,text,regclass[])", "segment_internal.untrack_as_owner(text)",
    "untrack_source(text)", "segment_internal.create_decision_table(text)", "decision_table(text)",
    "segment_internal.give_up_decisions(segmentation)", "segment_internal.place_customer(segmentation,text)",
    "segment_internal.decide_as_owner(text,text,text,boolean,text,timestamp with time zone,boolean)",
    "segment_internal.decide(text,text,text,boolean,text,timestamp with time zone,boolean)",
    "include_customer(text,text,text,text,timestamp with time zone,boolean)",
    "include_customer(text,text,anyelement,text,timestamp with time zone,boolean)",
    "exclude_customer(text,text,text,text,timestamp with time zone,boolean)",
    "exclude_customer(text,text,anyelement,text,timestamp with time zone,boolean)",
    "segment_internal.undecide_as_owner(text,text,text,boolean)", "undecide_customer(text,text,text,boolean)",
    "undecide_customer(text,text,anyelement,boolean)", "segment_internal.count_answers(segmentation,text[],text[])",
    "segment_internal.failing_rules(segmentation,text[],integer)", "segment_internal.rules_lint(segmentation)",
    "segment_internal.lint(text,text)", "lint_segmentation(text,timestamp with time zone)",
    "segment_internal.create_rule_segmentation(text,text,json,boolean,text,text[],text,name,text,text,double precision,text)",
    "segment_internal.take_changes(segmentation,timestamp with time zone)",
    "segment_internal.choose_way(segmentation,text,timestamp with time zone,boolean)",
    "segment_internal.refresh_as_owner(text,timestamp with time zone,boolean,jsonb,double precision,text,boolean,text)"}');

SELECT set_eq($$
    SELECT routine, CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
           CASE WHEN proisstrict THEN 'strict' ELSE 'called on null' END AS strictness,
           CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel
    FROM routine
$$, $$ SELECT r, volatility, strictness, parallel
       FROM said, unnest(routines) AS r $$, 'volatility, strictness and parallel safety of every function');
SELECT is_empty($$ SELECT r FROM said, unnest(routines) AS r GROUP BY r HAVING count(*) > 1 $$, 'each is entered once');

-- ---- whatever is NULL in a call, it ends in a result or in an error meant for users ----
-- An argument of a type: nothing, something, or an array or JSON that is odd.
CREATE FUNCTION pg_temp.argument(type regtype, how text) RETURNS text LANGUAGE sql AS $$
SELECT CASE
    WHEN how = 'null' OR how = 'odd' AND t !~ '\[\]$|jsonb' THEN format('NULL::%s', t)
    WHEN how = 'odd' AND t = 'jsonb' THEN $j$'[[null]]'::jsonb$j$
    WHEN how = 'odd' THEN format('ARRAY[ARRAY[NULL]]::%s', t)
    ELSE CASE t
        WHEN 'segment_model' THEN '(SELECT model FROM given)'
        WHEN 'feature_set' THEN '(SELECT features FROM given)'
        WHEN 'kmeans_state' THEN '(SELECT state FROM given)'
        WHEN 'run' THEN '(SELECT r FROM given)'
        WHEN 'segmentation' THEN '(SELECT s FROM given)'
        WHEN 'metric' THEN '(SELECT m FROM given)'
        WHEN 'experiment' THEN '(SELECT e FROM given)'
        WHEN 'boolean' THEN 'true'
        ELSE format('%L::%s', CASE t
            WHEN 'text' THEN 'SELECT 1' WHEN 'name' THEN 'postgres' WHEN 'jsonb' THEN '[{"segment": "All"}]'
            WHEN 'interval' THEN '1 day' WHEN 'timestamp with time zone' THEN '2024-01-01 00:00Z'
            WHEN 'regtype' THEN 'bigint' WHEN 'text[]' THEN '{a,NULL}' WHEN 'integer[]' THEN '{1,NULL}'
            WHEN 'regtype[]' THEN '{bigint,NULL}' WHEN 'double precision[]' THEN '{1,NULL}'
            ELSE '3' END, t) END
    END
FROM (SELECT CASE type WHEN 'anyelement'::regtype THEN 'bigint' WHEN '"any"'::regtype THEN 'double precision'
                  WHEN 'record'::regtype THEN 'run' ELSE type::text END AS t) AS n
$$;
CREATE FUNCTION pg_temp.outcome_of(p routine, how text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    arguments text;
BEGIN
    SELECT string_agg(CASE WHEN p.provariadic NOT IN (0, '"any"'::regtype) AND n = p.pronargs THEN 'VARIADIC '
                           ELSE '' END || pg_temp.argument(t, how[n]), ', ' ORDER BY n)
    INTO arguments FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, n);
    EXECUTE format(CASE WHEN p.proretset THEN 'SELECT count(*) FROM %s.%I(%s)' ELSE 'SELECT %s.%I(%s)' END,
                   p.pronamespace::regnamespace, p.proname, arguments);
    RETURN 'result';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TEMP TABLE given ON COMMIT DROP AS
SELECT feature_set(i, i % 9, i * 7 % 11) AS features, rfm_model(feature_set(i, i % 9, i * 7 % 11), scheme => 'eleven_names') AS model,
       (SELECT kmeans_step_state(m, j, j % 3)
        FROM generate_series(1, 9) AS j, (SELECT kmeans(feature_set(k, k % 3), 2) AS m FROM generate_series(1, 9) AS k) AS o) AS state,
       NULL::segment.run AS r, NULL::segment.segmentation AS s,
       NULL::segment.metric AS m, NULL::segment.experiment AS e FROM generate_series(1, 50) AS i;
-- all alike, and each argument in turn unlike the others
SELECT is_empty($$
    WITH way AS (
        SELECT r, (SELECT array_agg(CASE WHEN n = one THEN this ELSE others END ORDER BY n)
                   FROM generate_series(1, (r).pronargs) AS n) AS how
        FROM routine AS r, generate_series(0, r.pronargs) AS one, unnest(ARRAY['null', 'plain', 'odd']) AS this,
             unnest(ARRAY['null', 'plain']) AS others
        WHERE NOT proargtypes::oid[] && ARRAY['internal', 'cstring']::regtype[]::oid[] AND prorettype <> 'trigger'::regtype
          -- takes a column definition list
          AND proname NOT IN ('query_rows', 'rows_as_owner', 'step_rows', 'later_changes_as_owner', 'metric_rows_as_owner',
                              'outcomes_as_owner')
          AND (one > 0 OR this = others)
    ), called AS (
        SELECT (r).routine, how, pg_temp.outcome_of(r, how) AS outcome FROM way
    )
    SELECT * FROM called
    -- internal errors, out of memory, and what would mean that the call above is wrong
    WHERE outcome ~ '^(XX|53|42883|42725|42601|42P02)'
      -- a syntax error in a text that is no rule, type or query is one for users
      AND NOT (routine ~ 'rule_columns|describe_rule|rule_slips|number_expression|segment_internal.traits\(' AND outcome ~ '^42601')
      -- runs what it is given, here the statement "a"
      AND NOT (routine LIKE 'segment_internal.run_steps(%' AND outcome = '42601 syntax error at or near "a"')
$$, 'NULL, plain and odd arguments: a result or an error meant for users');

-- ---- errors that are rarely raised have a condition that exists ----
CREATE FUNCTION pg_temp.is_condition(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'test' USING ERRCODE = condition;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM = 'test';
END $$;
SELECT is_empty($$
    SELECT routine, c[1] FROM routine, regexp_matches(prosrc, 'ERRCODE = ''(\w+)''', 'g') AS c WHERE NOT pg_temp.is_condition(c[1])
$$, 'every condition that is raised by name is one');

-- ---- what is immutable depends on no setting ----
CREATE TEMP TABLE customer ON COMMIT DROP AS
SELECT i AS id, (i * 37 % 391) / 7.0 AS recency, (1 + i % 9)::float8 AS frequency,
       i * 7919 % 10007 / 3.0 AS monetary, 'c' || i % 3 AS letter, i % 2 = 0 AS flag FROM generate_series(1, 500) AS i;
CREATE TEMP TABLE value ON COMMIT DROP AS
SELECT feature_set(recency, frequency, monetary) AS features,
       rfm_model(feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS model FROM customer;
CREATE TEMP VIEW immutable_answer AS
SELECT md5(concat_ws('|', features, model, feature_set_info(features),
                     segment_internal.feature_set_send(features) = segment_internal.feature_set_send(features::text::feature_set),
                     model_metrics(model), model::jsonb, model::jsonb::segment_model,
                     (SELECT string_agg(f::text, ',' ORDER BY f::text COLLATE "C")
                      FROM feature_rows(features) AS f), (SELECT string_agg(s::text, ',') FROM segments(model) AS s),
                     (SELECT string_agg(format('%s %s %s', feature, score, customers), ',') FROM rfm_cut_points(model)),
                     (SELECT string_agg(float8send(v)::text, ' ' ORDER BY n)
                      FROM (SELECT feature_set(id % 3, recency, monetary) AS s FROM customer) AS labelled,
                          unnest(ARRAY[silhouette(s), simplified_silhouette(s), davies_bouldin(s), calinski_harabasz(s), inertia(s)]
                                 || (SELECT array_agg(q.silhouette + q.spread) FROM cluster_quality(s) AS q)) WITH ORDINALITY AS u (v, n)),
                     (SELECT concat_ws(' ', float8send(adjusted_rand_index(letter, flag::text)),
                                       float8send(normalized_mutual_information(id % 3, id % 4)), float8send(eta_squared(letter,
                                           monetary)))
                      FROM customer),
                     (SELECT string_agg(concat_ws(' ', assign_segment(model, recency, frequency, monetary),
                                                  rfm_score(model, recency, frequency, monetary),
                                                  explain_segment(model, recency, frequency, monetary)), ',' ORDER BY id)
                      FROM customer))) AS digest
FROM value;
SELECT digest AS usual FROM immutable_answer \gset
CREATE FUNCTION pg_temp.with_setting(setting text, setting_value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text := current_setting(setting);
    result text;
BEGIN
    PERFORM set_config(setting, setting_value, true);
    SELECT digest INTO result FROM immutable_answer;
    PERFORM set_config(setting, before, true);
    RETURN result;
END $$;
SELECT is(pg_temp.with_setting(setting, setting_value), :'usual', format('the same with %s = %s', setting, setting_value))
FROM (VALUES ('extra_float_digits', '-15'), ('extra_float_digits', '3'), ('timezone', 'Asia/Kathmandu'),
             ('datestyle', 'SQL, DMY'), ('intervalstyle', 'iso_8601'),
             ('lc_numeric', 'C'), ('search_path', 'pg_catalog'), ('maintenance_work_mem', '1MB'), ('work_mem', '64kB'),
             ('default_toast_compression', 'pglz'), ('jit', 'off')) AS s (setting, setting_value);
SELECT * FROM finish();
ROLLBACK;
