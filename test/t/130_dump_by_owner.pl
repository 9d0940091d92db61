# Law 15: a database is dumped by its owner, who is no superuser, as in every managed
# service, and by a role that may read everything; and restored from these dumps.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;
my $settings = "SET timezone = 'UTC'; SET client_min_messages = warning; SET search_path = public, segment;";

$node->safe_psql('postgres', q{
	CREATE ROLE shop_owner LOGIN; CREATE ROLE analyst LOGIN; CREATE ROLE backup LOGIN; GRANT pg_read_all_data TO backup;
	CREATE DATABASE shop});
$node->safe_psql('shop', q{
	CREATE EXTENSION segment; ALTER DATABASE shop OWNER TO shop_owner; ALTER SCHEMA public OWNER TO shop_owner;
	GRANT ALL ON SCHEMA public TO analyst});
$node->safe_psql('shop', "SET SESSION AUTHORIZATION shop_owner; $settings" . q{
	CREATE TABLE orders AS SELECT c AS customer_id, timestamptz '2025-01-01Z' + n * interval '1 day' AS at, 10.0 * n AS amount
	FROM generate_series(1, 60) AS c, generate_series(1, c % 7 + 1) AS n;
	SELECT create_rfm_scheme('own', '[{"segment": "Best", "recency": [4, 5]}]', rest => 'Rest');
	SELECT create_rfm_segmentation('loyalty', 'orders', scheme => 'own', time_zone => 'UTC');
	SELECT refresh_segmentation('loyalty', '2025-02-01Z'); SELECT refresh_segmentation('loyalty', '2025-02-02Z')});

my $answers = "$settings SELECT * FROM loyalty_segments ORDER BY 1; SELECT * FROM loyalty_history ORDER BY 1, 2, 3;
	SELECT name, members, history, kind, source, options, model_version, refreshed_as_of, last_run_at FROM segmentation ORDER BY 1;
	SELECT * FROM segment.segment ORDER BY 1, 2; SELECT segmentation, version, model FROM model ORDER BY 1, 2;
	SELECT run_id, segmentation, outcome, customers, run_by FROM run ORDER BY 1; SELECT count(*) FROM rfm_scheme;
	SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid IN (SELECT members FROM segmentation)";
my $before = $node->safe_psql('shop', $answers);
like($before, qr/^shop_owner$/m, 'there is something to lose');

sub dump_ok
{
	my ($user, $file, @options) = @_;
	$node->command_ok([ 'pg_dump', '-U', $user, '-f', "$dir/$file", '-h', $node->host, '-p', $node->port, @options, 'shop' ],
		"$user dumps: @options");
}

sub restore_ok
{
	my ($copy, $file, $user) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $copy OWNER shop_owner");
	$node->command_ok([ 'psql', '-X', '-q', '-U', $user, '-v', 'ON_ERROR_STOP=1', '-f', "$dir/$file", '-h',
		$node->host, '-p', $node->port, $copy ], "$user restores $file");
	is($node->safe_psql($copy, $answers), $before, "$file: everything is there");
	is_whole($node, $copy, $file);
	is($node->safe_psql($copy, "SET SESSION AUTHORIZATION shop_owner; $settings SELECT outcome, customers, entered, departed
		FROM refresh_segmentation('loyalty', '2025-02-03Z')"),
		'ok|60|0|0', "$file: the next refresh");
	is($node->safe_psql($copy, 'SELECT max(run_id) > ' . $node->safe_psql('shop',
		'SELECT max(run_id) FROM segment.run') . ' FROM segment.run'), 't', "$file: runs are numbered on");
}

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
$node->command_fails_like([ 'pg_dump', '-U', 'shop_owner', '-f', '/dev/null', '-h', $node->host, '-p', $node->port, 'shop' ],
	qr/row-level security/, 'without --enable-row-security pg_dump refuses, as for every table with policies');
dump_ok('shop_owner', 'owner.sql', '--enable-row-security');
dump_ok('backup', 'backup.sql', '--enable-row-security');
dump_ok($superuser, 'superuser.sql');
restore_ok('copy_owner', 'owner.sql', $superuser);
restore_ok('copy_backup', 'backup.sql', $superuser);
restore_ok('copy_superuser', 'superuser.sql', $superuser);
# BYPASSRLS is enough, too
$node->safe_psql('postgres', 'ALTER ROLE backup BYPASSRLS');
dump_ok('backup', 'bypass.sql');
restore_ok('copy_bypass', 'bypass.sql', $superuser);

# The segmentation of somebody else: what may not be read is an error, not left out without a word.
$node->safe_psql('shop', "SET SESSION AUTHORIZATION shop_owner; GRANT SELECT ON orders TO analyst");
$node->safe_psql('shop', "SET SESSION AUTHORIZATION analyst; $settings
	SELECT create_rfm_segmentation('private', 'orders', time_zone => 'UTC'); SELECT refresh_segmentation('private', '2025-02-01Z')");
$node->command_fails_like(
	[ 'pg_dump', '-U', 'shop_owner', '-f', '/dev/null', '-h', $node->host, '-p', $node->port, '--enable-row-security', 'shop' ],
	qr/permission denied for (table|sequence) private/, "the owner of the database may not dump what he may not read");
dump_ok('backup', 'private.sql', '--enable-row-security');
$node->safe_psql('shop', 'GRANT SELECT ON private_segments, private_history, private_refresh TO shop_owner');
dump_ok('shop_owner', 'granted.sql', '--enable-row-security');
my $both = slurp_file("$dir/granted.sql");
like($both, qr/^private\tpublic\.private_segments\tpublic\.private_history\t(\\N\t){3}0\trfm\t/m,
	'and what he may read is in the dump, catalogue and all');

$node->stop;
done_testing();
