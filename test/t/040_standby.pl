# Law 15: a hot standby reads members, history and views, and assigns by name
# and by value; writing is refused there, with the server's own error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentLiving;
use SegmentTest;

my $primary = PostgreSQL::Test::Cluster->new('primary');
# some private builds of the server come without it
plan skip_all => 'this server has no libpqwalreceiver, so no standby'
	unless glob($primary->config_data('--pkglibdir') . '/libpqwalreceiver.*');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "timezone = 'UTC'\nclient_min_messages = warning");
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT (n % 100)::bigint AS customer_id,
		timestamptz '2024-01-01 00:00Z' + n * interval '2 hours' AS ordered_at, (n * 7919 % 503)::numeric AS amount
		FROM generate_series(1, 1500) AS n;
	SELECT segment.create_rfm_segmentation('loyal', 'orders', scheme => 'eleven_names');
	SELECT segment.refresh_segmentation('loyal', '2024-04-01');
});
make_living($primary, 'shop');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{
	SELECT segment.create_event_consumer('reader', 'loyal');
	SELECT segment.refresh_segmentation('loyal', '2024-05-01');
	SELECT segment.create_rfm_segmentation('steady', 'orders', scheme => 'eleven_names', retrain_every => '1 year');
	SELECT segment.refresh_segmentation('steady', '2024-05-01');
	SELECT segment.rename_segment('loyal', 'Champions', 'VIP');
	BEGIN; SELECT segment.refresh_segmentation('loyal', '2024-05-02'); ROLLBACK;
});
# noted, placed at once, and events without a number
$primary->safe_psql('shop', q{
	INSERT INTO orders (customer_id, at, amount) VALUES (3, days_ago(1), 900), (500, days_ago(2), 5);
	DELETE FROM orders WHERE customer_id = 9});
$primary->wait_for_catchup($standby);

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');
foreach my $question (
	[ 'members', 'TABLE loyal_segments ORDER BY 1' ],
	[ 'history', 'TABLE loyal_history ORDER BY 1, entered_at' ],
	[ 'members as of', "SELECT * FROM segment.segment_members('loyal', '2024-04-15') ORDER BY customer" ],
	[ 'typed members', "SELECT * FROM segment.segment_members(null::bigint, 'loyal', NULL) ORDER BY customer" ],
	[ 'members of an instant to come', "SELECT * FROM segment.segment_members('steady', '2024-05-20') ORDER BY customer" ],
	[ 'segment_of', "SELECT i, segment.segment_of('loyal', i::bigint) FROM generate_series(0, 120) AS i" ],
	[ 'assign by name', "SELECT i, segment.assign_segment('loyal', i, i % 9, i * 10), segment.explain_segment('loyal', i, i % 9, i * 10)
		FROM generate_series(0, 120) AS i" ],
	[ 'assign by value',
		"SELECT i, segment.assign_segment_id(segment.get_model('loyal', 1), i, i % 9, i * 10) FROM generate_series(0, 120) AS i" ],
	[ 'summary', "SELECT * FROM segment.rfm_summary(null::bigint, 'TABLE orders', '2024-05-01') ORDER BY 1" ],
	[ 'training', 'SELECT segment.rfm_model(segment.feature_set(amount, amount, amount), scheme => \'eleven_names\') FROM orders' ],
	[ 'sizes', 'SELECT * FROM segment.segment_size ORDER BY segment_id' ],
	[ 'profiles', 'SELECT * FROM segment.segment_profile ORDER BY segment_id' ],
	[ 'runs', 'SELECT * FROM segment.segment_run ORDER BY run_id' ],
	[ 'health', 'SELECT segmentation, failures, newest_row_at, size_jump, next_due_at, not_shown FROM segment.segmentation_health' ],
	[ 'migration', 'SELECT * FROM segment.segment_migration ORDER BY from_segment, to_segment' ],
	[ 'events', 'SELECT * FROM segment.segment_events ORDER BY customer, event_at' ],
	[ 'next events', "SELECT * FROM segment.next_segment_events('reader', 120)" ],
	[ 'consumers', 'SELECT * FROM segment.segment_event_consumer' ],
	[ 'present segments', 'SELECT * FROM segment.segment_members ORDER BY customer' ],
	[ 'schemes', "SELECT * FROM segment.scheme_check('r_rfm')" ])
{
	my ($name, $sql) = @$question;
	my $wanted = $primary->safe_psql('postgres', $sql);
	isnt($wanted, '', "$name: something to read");
	is($standby->safe_psql('postgres', $sql), $wanted, "$name: the same on the standby");
}
is($standby->safe_psql('postgres', 'SELECT outcome FROM segment.segment_run WHERE run_id IS NULL'),
	'unfinished', 'the refresh that was rolled back is known on the standby');
is_whole($standby, 'postgres', 'standby');
foreach my $write (
	"SELECT segment.refresh_segmentation('loyal', '2024-06-01')",
	"SELECT segment.rename_segment('loyal', 'VIP', 'X')", "SELECT segment.drop_segmentation('loyal')",
	"SELECT segment.create_rfm_segmentation('other', 'orders', scheme => 'eleven_names')",
	"SELECT segment.create_rfm_scheme('x', '[{\"segment\": \"All\"}]')",
	"SELECT segment.acknowledge_segment_events('reader', 1)", "SELECT segment.event_table('loyal')")
{
	my ($status, $out, $err) = $standby->psql('postgres', $write);
	like($err, qr/read-only transaction|during recovery/, "refused: $write");
}
# segmentations that follow their data
is(what_is_wrong($standby, 'shop'), '', 'living segmentations are right on the standby');
foreach my $question (
	[ 'what is noted', 'SELECT customer_id FROM later_changes ORDER BY 1' ],
	[ 'members placed at once', 'TABLE at_once_segments ORDER BY 1' ],
	[ 'members as of an instant between refreshes',
		"SELECT e.event_at, m.* FROM (SELECT DISTINCT event_at FROM at_once_events) AS e,
			segment.segment_members('at_once', e.event_at) AS m ORDER BY e.event_at, m.customer" ],
	[ 'events that have a number', q{SELECT * FROM segment.next_segment_events('reader of at_once')} ],
	[ 'sizes', 'SELECT * FROM segment.segment_size ORDER BY segmentation, segment_id' ],
	[ 'health of what is tracked', 'SELECT segmentation, failures, not_shown FROM segment.segmentation_health ORDER BY 1' ],
	[ 'assign by name', q{SELECT i, segment.assign_segment('scored', i, i % 9, i * 10) FROM generate_series(0, 60) AS i} ])
{
	my ($name, $sql) = @$question;
	my $answer = $standby->safe_psql('shop', $sql);
	isnt($answer, '', "$name: something to read");
	is($answer, $primary->safe_psql('shop', "BEGIN READ ONLY; $sql"), "$name: the same on the standby");
}
foreach my $write ("SELECT segment.track_source('at_once')", "SELECT segment.untrack_source('at_once')",
	"SELECT segment.acknowledge_segment_events('reader of at_once', 1)", 'SELECT * FROM segment.refresh_due(everybody => true)',
	'CALL segment.refresh_all_segmentations()')
{
	my ($status, $out, $err) = $standby->psql('shop', $write);
	like($err, qr/read-only transaction|during recovery/, "refused: $write");
}
# after a failover it goes on
$standby->promote;
$standby->safe_psql('postgres', "SELECT segment.drop_segmentation('steady')");
is_living($standby, 'shop', 'promoted');
$standby->safe_psql('shop', 'INSERT INTO orders (customer_id, at, amount) VALUES (501, days_ago(2), 5)');
is($standby->safe_psql('shop', 'SELECT segment FROM at_once_segments WHERE customer_id = 501'), 'Fresh', 'promoted: placed at once');
is_living($standby, 'shop', 'promoted, and written to');
is($standby->safe_psql('postgres', "SELECT outcome, entered, departed FROM segment.refresh_segmentation('loyal', '2024-06-01')"),
	'ok|0|0', 'refreshed after promotion');
is($standby->safe_psql('postgres', "SELECT string_agg(outcome, ',' ORDER BY run_id) FROM segment.segment_run WHERE segmentation = 'loyal'"),
	'ok,ok,interrupted,ok', 'which logs the one that was rolled back');
next_refresh_is_right($standby, 'postgres', '2024-07-01', 'promoted');

$standby->stop;
$primary->stop;
done_testing();
