# Law 15: pg_dump and restore give back the same segmentations, members,
# history, models, runs and own schemes; refreshing goes on as if nothing was.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('postgres', 'CREATE ROLE keeper; CREATE ROLE looker');

my $settings = "SET timezone = 'UTC'; SET client_min_messages = warning; SET search_path = public, segment;";

sub run_in
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "$settings $sql");
}

$node->safe_psql('shop', "CREATE EXTENSION segment; CREATE SCHEMA keeping AUTHORIZATION keeper");
run_in('shop', q{
	CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric);
	INSERT INTO orders SELECT n % 80, timestamptz '2024-01-01 00:00Z' + n * interval '3 hours', n * 7919 % 503 FROM generate_series(1, 1000) AS n;
	GRANT SELECT ON orders TO keeper;
	SELECT create_rfm_scheme('own scheme', '[{"segment": "It''s best", "recency": [4, 5]}]', rest => 'Rest "of" them');
	SELECT create_rfm_segmentation('loyal', 'orders', description => 'it''s');
	SELECT create_rfm_segmentation('own; "one"', 'SELECT customer_id AS "the key", ordered_at, amount FROM orders -- why', customers => 'SELECT generate_series(0, 99)::bigint',
		scheme => 'own scheme', retrain_every => '1 month', lookback => '60 days', thresholds => '{"recency": [5, 10, 20, 30]}');
	SELECT refresh_segmentation(name, as_of) FROM segment.segmentation, unnest('{2024-03-01,2024-03-10,2024-04-20}'::timestamptz[]) AS as_of;
	SELECT rename_segment('loyal', 'Champions', 'VIP');
	UPDATE segment.segmentation SET source = 'SELECT 1/0, ordered_at, amount FROM orders' WHERE name = 'loyal';
	SET client_min_messages = error;
	SELECT refresh_segmentation('loyal', '2024-04-21');
	UPDATE segment.segmentation SET source = 'TABLE public.orders' WHERE name = 'loyal';
	GRANT SELECT ON loyal_segments TO looker;
	SET ROLE keeper;
	SELECT create_rfm_segmentation('kept', 'SELECT customer_id, ordered_at, amount FROM public.orders', schema => 'keeping');
	SELECT refresh_segmentation('kept', '2024-04-20');
});

# Everything a user can see, as text.
my @questions = (
	[ 'segmentations', 'SELECT * FROM segment.segmentation ORDER BY name' ],
	[ 'segments', 'SELECT * FROM segment.segment ORDER BY segmentation, segment_id' ],
	[ 'models', 'SELECT * FROM segment.model ORDER BY segmentation, version' ],
	[ 'runs', 'SELECT * FROM segment.run ORDER BY run_id' ],
	[ 'schemes', 'SELECT * FROM segment.rfm_scheme ORDER BY name' ],
	[ 'members', 'TABLE loyal_segments ORDER BY 1' ],
	[ 'members of an odd name', 'TABLE "own; ""one""_segments" ORDER BY 1' ],
	[ 'members of another owner', 'TABLE keeping.kept_segments ORDER BY 1' ],
	[ 'history', 'TABLE loyal_history ORDER BY 1, entered_at' ],
	[ 'history of an odd name', 'TABLE "own; ""one""_history" ORDER BY 1, entered_at' ],
	[ 'the past', "SELECT * FROM segment_members('loyal', '2024-03-05') ORDER BY customer" ],
	[ 'events', 'SELECT * FROM segment_event ORDER BY segmentation, customer, event_at' ],
	[ 'profiles', 'SELECT * FROM segment.segment_profile ORDER BY segmentation, segment_id' ],
	[ 'migration', 'SELECT * FROM segment.segment_migration ORDER BY 1, from_segment, to_segment' ],
	[ 'assignment by name', "SELECT i, assign_segment('loyal', i, i, i * 100), assign_segment('own; \"one\"', i, i, i * 100) FROM generate_series(0, 60) AS i" ],
	[ 'owners', "SELECT c.relname, pg_get_userbyid(relowner), relacl FROM pg_class AS c WHERE relname ~ '_(segments|history)\$' AND relkind = 'r' ORDER BY 1" ],
	[ 'comments', "SELECT attrelid::regclass::text, attnum, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid IN ('loyal_segments'::regclass, 'loyal_history'::regclass) AND attnum > 0 ORDER BY 1, 2" ],
);
my %before = map { $_->[0] => run_in('shop', $_->[1]) } @questions;
is_whole($node, 'shop', 'before the dump');
ok($before{members} && $before{history} && $before{events} && $before{migration}, 'there is something to lose');

my @refresh = (
	"INSERT INTO orders SELECT n % 90, timestamptz '2024-05-01 00:00Z' + n * interval '5 hours', n * 31 % 97 FROM generate_series(1, 60) AS n",
	"SELECT name, r.outcome, r.model_version, r.trained, r.customers, r.entered, r.departed, r.moved, r.updated, r.unchanged FROM segment.segmentation, LATERAL refresh_segmentation(name, '2024-05-20') AS r ORDER BY name",
	"SELECT rename_segment('loyal', 'VIP', 'VVIP')",
	"SELECT name, r.outcome, r.trained FROM segment.segmentation, LATERAL refresh_segmentation(name, '2024-05-21', true) AS r ORDER BY name",
	"SELECT count(DISTINCT run_id) = count(*), min(run_id) > 0 FROM segment.run",
	"TABLE loyal_segments ORDER BY 1",
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
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", $node->connstr($copy) ], 'restore by psql');
	}
	else
	{
		$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", $node->connstr('shop') ], 'pg_dump -Fc');
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr($copy), "$dir/custom.dump" ], 'pg_restore');
	}
	is(run_in($copy, $_->[1]), $before{ $_->[0] }, "$format: same $_->[0]") foreach @questions;
	is_whole($node, $copy, $format);
	is(run_in($copy, 'SELECT max(run_id) FROM segment.run'), run_in('shop', 'SELECT max(run_id) FROM segment.run'), "$format: same last run");
}

# the source of the dump, and both copies, go on alike
foreach my $sql (@refresh)
{
	my $wanted = run_in('shop', $sql);
	is(run_in("copy_$_", $sql), $wanted, "$_: goes on alike: " . substr($sql, 0, 60)) foreach ('plain', 'custom');
}

next_refresh_is_right($node, "copy_$_", '2024-06-20', $_) foreach ('plain', 'custom');

# rights came along
my ($status, $out, $err) = $node->psql('copy_plain', "SET ROLE looker; SELECT count(*) FROM segment.segment_size; SELECT segment.refresh_segmentation('loyal')");
like($out, qr/^12$/m, 'the reader sees the segmentation he may read, and no other');
like($err, qr/permission denied to refresh/, 'but cannot refresh it');

$node->stop;
done_testing();
