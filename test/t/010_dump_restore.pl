# Law 15: pg_dump and restore give back the same segmentations, members,
# history, models, runs and own schemes; refreshing goes on as if nothing was.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentLiving;
use SegmentShop;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

make_shop($node);
run_in($node, 'shop', "BEGIN; SELECT refresh_segmentation('loyal', '2024-05-19'); ROLLBACK");
# a scheme whose owner has another name by now
$node->safe_psql('postgres', q{CREATE ROLE "Planner"});
run_in($node, 'shop', q{SET ROLE "Planner"; SELECT create_rfm_scheme('planned', '[{"segment": "All", "recency": [1, 5]}]')});
$node->safe_psql('postgres', q{ALTER ROLE "Planner" RENAME TO "Planner, the ""2nd"""; CREATE ROLE "Planner"});
# values that a user keeps in a table of his own
run_in($node, 'shop', q{CREATE TABLE kept AS
	SELECT feature_set(n, n % 7) AS features, kmeans(feature_set(n, n % 7), 3) AS model,
		bisecting_kmeans(feature_set(n, n % 7), 4) AS hierarchy, NULL::kmeans_state AS state FROM generate_series(1, 60) AS n});
run_in($node, 'shop', 'UPDATE kept SET state = (SELECT kmeans_step_state(model, n, n % 5) FROM generate_series(1, 80) AS n)');
my $kept = 'SELECT features, model, hierarchy, state, kmeans_step(state), cut_model(hierarchy, 2) FROM kept';
my $unfinished = 'SELECT segmentation, started_at, outcome FROM segment_run WHERE run_id IS NULL';
my $before = shop_answers($node, 'shop');
is_whole($node, 'shop', 'before the dump');
like(run_in($node, 'shop', $unfinished), qr/^loyal\|.*\|unfinished$/, 'a refresh was interrupted');
ok($before->{members} && $before->{history} && $before->{events} && $before->{migration}, 'there is something to lose');

my @refresh = (
	"INSERT INTO orders SELECT n % 90, timestamptz '2024-05-01 00:00Z' + n * interval '5 hours', n * 31 % 97
		FROM generate_series(1, 60) AS n",
	"SELECT name, r.outcome, r.model_version, r.trained, r.customers, r.entered, r.departed, r.moved, r.updated, r.unchanged
		FROM segment.segmentation, LATERAL refresh_segmentation(name, '2024-05-20') AS r ORDER BY name",
	"SELECT rename_segment('loyal', 'VIP', 'VVIP')",
	"SELECT name, r.outcome, r.trained FROM segment.segmentation, LATERAL refresh_segmentation(name, '2024-05-21', true) AS r
		ORDER BY name",
	"SELECT segmentation, started_at, error FROM segment.run WHERE outcome = 'interrupted'",
	"SELECT count(DISTINCT run_id) = count(*), min(run_id) > 0 FROM segment.run",
	"TABLE loyal_segments ORDER BY 1",
	"TABLE groups_segments ORDER BY 1",
	"TABLE \"own; \"\"one\"\"_history\" ORDER BY 1, entered_at",
	"SELECT segment_id, name FROM segment.segment ORDER BY segmentation, segment_id",
	"SELECT version, model FROM segment.model ORDER BY segmentation, version");

my $dir = PostgreSQL::Test::Utils::tempdir;
foreach my $format ('plain', 'custom')
{
	my $copy = "copy_$format";
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	if ($format eq 'plain')
	{
		$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", $node->connstr('shop') ], 'pg_dump');
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr($copy) ],
			'restore by psql');
	}
	else
	{
		$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", $node->connstr('shop') ], 'pg_dump -Fc');
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr($copy), "$dir/custom.dump" ], 'pg_restore');
	}
	my $after = shop_answers($node, $copy);
	is($after->{$_}, $before->{$_}, "$format: same $_") foreach sort keys %$before;
	is_whole($node, $copy, $format);
	is(run_in($node, $copy, $kept), run_in($node, 'shop', $kept), "$format: same values in a user's table");
	is(run_in($node, $copy, $unfinished), run_in($node, 'shop', $unfinished), "$format: same unfinished refresh");
	is(run_in($node, $copy, 'SELECT max(run_id) FROM segment.run'),
		run_in($node, 'shop', 'SELECT max(run_id) FROM segment.run'), "$format: same last run");
}

# the source of the dump, and both copies, go on alike
foreach my $sql (@refresh)
{
	my $wanted = run_in($node, 'shop', $sql);
	is(run_in($node, "copy_$_", $sql), $wanted, "$_: goes on alike: " . substr($sql, 0, 60)) foreach ('plain', 'custom');
}

next_refresh_is_right($node, "copy_$_", '2024-06-20', $_) foreach ('plain', 'custom');

# rights came along
my ($status, $out, $err) = $node->psql('copy_plain',
	"SET ROLE looker; SELECT count(*) FROM segment.segment_size; SELECT segment.refresh_segmentation('loyal')");
like($out, qr/^12$/m, 'the reader sees the segmentation he may read, and no other');
like($err, qr/permission denied to refresh/, 'but cannot refresh it');

foreach my $format ('plain', 'custom')
{
	is($node->safe_psql("copy_$format", q{SELECT owner FROM segment.rfm_scheme WHERE name = 'planned'}),
		q{"Planner, the ""2nd"""}, "$format: the owner of a scheme, renamed");
	($status, $out, $err) = $node->psql("copy_$format", q{SET ROLE "Planner"; SELECT segment.drop_rfm_scheme('planned')});
	like($err, qr/cannot be dropped/, "$format: not the one who took the name");
	($status, $out, $err) = $node->psql("copy_$format", q{SET ROLE "Planner, the ""2nd"""; SELECT segment.drop_rfm_scheme('planned')});
	is($err, '', "$format: the owner may drop it");
}

# rules, and what they were
$node->safe_psql('postgres', 'CREATE DATABASE ruled; CREATE DATABASE ruled_copy');
$node->safe_psql('ruled', q{CREATE EXTENSION segment;
	CREATE TABLE facts AS SELECT n AS id, n % 17 AS points, timestamptz '2024-05-01' - n * interval '1 day' AS seen
		FROM generate_series(1, 90) AS n});
run_in($node, 'ruled', q{SELECT create_rule_segmentation('tags', 'facts',
	'{"recent": "seen > as_of() - interval ''60 days''", "many": "points > 3"}', exclusive => false, rest => 'others',
	keep => '{points}')});
run_in($node, 'ruled', q{SELECT refresh_segmentation('tags', '2024-05-18')});
run_in($node, 'ruled', q{SELECT create_rule_segmentation('users', 'facts', '{"used": "in_segment(''tags'', ''many'')",
	"was": "in_segment(''tags'', ''recent'', as_of() - interval ''10 days'')"}')});
run_in($node, 'ruled', q{SELECT refresh_segmentation('users', '2024-05-19')});
run_in($node, 'ruled', q{SELECT set_segment_rule('tags', 'many', 'points > 4', note => 'stricter', refresh => false)});
run_in($node, 'ruled', q{SELECT include_customer('tags', 'recent', 7, 'a friend'),
	include_customer('tags', 'many', 1000, until => '2024-06-02'),
	exclude_customer('tags', NULL, 8, refresh => false)});
# a table of events, some of them read, and one without a number
$node->safe_psql('postgres', 'CREATE ROLE mailer');
run_in($node, 'ruled', q{SELECT event_table('tags'); GRANT SELECT ON tags_segments, tags_events TO mailer;
	GRANT USAGE ON SCHEMA public TO mailer});
run_in($node, 'ruled', q{SET ROLE mailer; SELECT create_event_consumer('mails', 'tags'), acknowledge_segment_events('mails', 20)});
run_in($node, 'ruled', q{INSERT INTO tags_events (id, event_at, event, to_segment_id, reason)
	VALUES (2000, '2024-05-18', 'entered', 1, 'new')});
run_in($node, 'ruled', q{SELECT track_source('tags')});
# what was approved, and by whom; what waits; treatments and notes
$node->safe_psql('postgres', 'CREATE ROLE second SUPERUSER');
run_in($node, 'ruled', q{SELECT create_rule_segmentation('checked', 'facts', '{"more": "points > 3"}', max_departed => 1),
	create_cluster_segmentation('drawn', 'facts', k => 2, features => '{points}', max_departed => 1);
	SELECT require_approval('checked'), require_approval('drawn'), refresh_segmentation('drawn', '2024-05-18')});
run_in($node, 'ruled', q{SET SESSION AUTHORIZATION second; SELECT approve_model('checked', 1), approve_model('drawn', 1);
	SELECT refresh_segmentation('checked', '2024-05-18'), refresh_segmentation('drawn', '2024-05-18');
	SELECT require_approval('drawn', false)});
run_in($node, 'ruled', q{SELECT set_segment_rule('checked', 'less', 'points < 2', note => 'few');
	SELECT retrain_segmentation('drawn', '2024-05-18', '{"k": 3}')});
run_in($node, 'ruled', q{SELECT create_treatment('care', 'tags', 'many', 'mail', valid_from => '2024-05-01', holdout => 0.5, salt => 's'),
	note_segment('tags', 'many', 'purpose', 'keep them')});
# a metric with figures, and an experiment
run_in($node, 'ruled', q{SELECT create_metric('points', 'SELECT id AS customer, timestamptz ''2024-05-25'' AS at,
	points AS value FROM facts', 'mean',
	period => '10 days', target => 9, due => '2024-05-30')});
run_in($node, 'ruled', q{SELECT snapshot_metrics('2024-05-30')});
run_in($node, 'ruled', q{SELECT create_experiment('halves', 'users', 'points', 'SELECT id AS customer,
	CASE WHEN id % 2 = 0 THEN ''a'' ELSE ''b'' END AS arm,
	timestamptz ''2024-05-20'' AS at FROM facts', '{"a": 0.5, "b": 0.5}', 'b', '7 days', salt => 'by hand', tuned_for => 90)});
$node->command_ok([ 'pg_dump', '-f', "$dir/ruled.sql", $node->connstr('ruled') ], 'pg_dump of rules');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/ruled.sql", $node->connstr('ruled_copy') ],
	'restore of rules');
is($node->safe_psql('ruled_copy', q{SET search_path = public, segment; SET client_min_messages = warning;
	SELECT reason ~ 'anew' FROM (SELECT segment_internal.untracked_reason(s) AS reason FROM segmentation AS s WHERE name = 'tags') AS r;
	SELECT segment_internal.untracked_reason(s) IS NULL FROM segmentation AS s WHERE name = 'tags';
	INSERT INTO facts VALUES (901, 9, now());
	SET session_replication_role = replica;
	DELETE FROM facts WHERE id = 901;
	SELECT string_agg(DISTINCT coalesce(id::text, 'everybody'), ' ') FROM tags_changes}),
	"t\nt\n901 everybody", 'a source that is restored is tracked');
foreach my $sql ('SELECT relation, key_columns FROM tracked_table ORDER BY 1',
	'SELECT version, definition, note, changed_by, changed_at FROM segment.rule_version ORDER BY version',
	'TABLE tags_decisions ORDER BY 1, 2',
	"SELECT decisions = 'tags_decisions'::regclass, decision_table('tags') = decisions FROM segment.segmentation ORDER BY name",
	"SELECT events = 'tags_events'::regclass, event_table('tags') = events, last_event_id FROM segment.segmentation
		WHERE name = 'tags'",
	'TABLE tags_events ORDER BY insertion', 'TABLE event_consumer',
	'SELECT name, rule_version, model_version, needs_approval, approval_waived_by, approval_waived_at FROM segmentation ORDER BY 1',
	'SELECT segmentation, version, based_on, approved_by, approved_at FROM rule_version ORDER BY 1, 2',
	'SELECT segmentation, version, model, proposed_by, note, approved_by, approved_at FROM model ORDER BY 1, 2',
	'TABLE treatment', 'TABLE segment_note', "SELECT * FROM customer_treatments('tags') ORDER BY 1",
	"SELECT note_segment('tags', 'many', 'quote', 'more')",
	"SELECT outcome, model_version FROM refresh_segmentation('drawn', '2024-05-19')",
	"SELECT * FROM model_impact('checked', 2, 'points')",
	"SET SESSION AUTHORIZATION second; SELECT approve_model('checked', 2), approve_model('drawn', 2), needs_approval FROM segmentation
		WHERE name = 'drawn'",
	"SELECT name, (refresh_segmentation(name, '2024-05-20')).moved FROM segmentation WHERE name IN ('checked', 'drawn') ORDER BY 1",
	'TABLE segment.metric', 'TABLE segment.metric_snapshot', 'TABLE segment.experiment', 'TABLE metric_by_segment',
	"SELECT * FROM experiment_result('halves', '2024-06-01')", "SELECT customers FROM snapshot_metrics('2024-05-31')",
	"SET ROLE mailer; SELECT * FROM next_segment_events('mails')",
	"SET ROLE mailer; SELECT acknowledge_segment_events('mails', max(event_id)) IS NULL FROM next_segment_events('mails')",
	'SELECT relation, what FROM customer_table ORDER BY 2, relation::text',
	"SELECT * FROM segment_rules('tags')", 'TABLE tags_segments ORDER BY 1, 2',
	"SELECT outcome, entered, departed, updated, details FROM refresh_segmentation('tags', '2024-06-01')",
	"SELECT undecide_customer('tags', NULL, 7), include_customer('tags', 'many', 9, 'after') IS NULL",
	"SELECT revert_segment_rules('tags', 1, refresh => false) IS NULL",
	"SELECT outcome, entered, departed, updated, details FROM refresh_segmentation('tags', '2024-06-02')",
	'TABLE tags_segments ORDER BY 1, 2', 'TABLE tags_history ORDER BY 1, 2, 3',
	"SELECT customer, event, to_segment, reason FROM next_segment_events('mails') ORDER BY 1, event_id",
	'SELECT consumer, owner, acknowledged, last_event_id, waiting, waiting_since FROM segment_event_consumer',
	'SELECT count(*), max(event_id), max(insertion) FROM tags_events',
	'TABLE segment.segmentation_uses ORDER BY 1, 3',
	"SELECT outcome, entered, departed, moved FROM refresh_segmentation('users', '2024-06-03')", 'TABLE users_segments ORDER BY 1',
	"SELECT rename_segment('tags', 'many', 'lots', cascade => true) IS NULL", "SELECT * FROM segment_rules('users')")
{
	my $wanted = run_in($node, 'ruled', $sql);
	ok(length $wanted, 'there is something to compare');
	is(run_in($node, 'ruled_copy', $sql), $wanted, 'rules go on alike: ' . substr($sql, 0, 60));
}

# segmentations that follow their data do so in the copy, from the first write on
make_living($node, 'living');
my $write = q{INSERT INTO orders (customer_id, at, amount) VALUES (3, days_ago(1), 900), (%1$s, days_ago(2), 5);
	DELETE FROM orders WHERE customer_id = 9; DELETE FROM clients WHERE id = 11};
run_in($node, 'living', sprintf($write, 500));
$node->safe_psql('postgres', 'CREATE DATABASE living_copy');
$node->command_ok([ 'pg_dump', '-f', "$dir/living.sql", $node->connstr('living') ], 'pg_dump of what is tracked');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/living.sql", $node->connstr('living_copy') ],
	'restore of what is tracked');
foreach my $database ('living', 'living_copy')
{
	is(what_is_wrong($node, $database), '', "$database: whole");
	run_in($node, $database, sprintf($write, 501));
	is(run_in($node, $database, q{SELECT string_agg(customer_id || ' ' || segment, ', ' ORDER BY customer_id) FROM at_once_segments
		WHERE customer_id IN (3, 9, 500, 501)}), '3 Big, 500 Fresh, 501 Fresh', "$database: placed at once");
	is(run_in($node, $database, q{SELECT count(DISTINCT customer_id) FROM later_changes WHERE due_at = '-infinity'}), '5',
		"$database: noted");
	is_living($node, $database, $database);
}

$node->stop;
done_testing();
