# Law 10: refreshes that nobody gave an as_of queue and all succeed, however many sessions
# ask for them at once: the default is the time at which each has its turn.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT c AS customer_id, timestamptz '2025-01-01Z' + n * interval '1 day' AS at, 10.0 * n AS amount
	FROM generate_series(1, 200) AS c, generate_series(1, c % 7 + 1) AS n;
	CREATE TABLE habits AS SELECT c AS customer_id, c % 3 * 20 + c % 5 AS visits FROM generate_series(1, 200) AS c;
	SET client_min_messages = warning;
	SELECT segment.create_rfm_segmentation('loyalty', 'orders', time_zone => 'UTC', search_path => 'public', schema => 'public');
	SELECT segment.create_cluster_segmentation('habit', 'habits', k => 3, search_path => 'public', schema => 'public')});

my $refresh = PostgreSQL::Test::Utils::tempdir . '/refresh.sql';
append_to_file($refresh, q{
	SET client_min_messages = warning;
	SELECT segment.refresh_segmentation('loyalty');
	SELECT segment.refresh_segmentation('habit')});
my $random = PostgreSQL::Test::Utils::tempdir . '/random.sql';
append_to_file($random, q{
	SET client_min_messages = warning;
	BEGIN;
	INSERT INTO orders VALUES (1 + random() * 300, now(), 5);
	SELECT segment.refresh_segmentation('loyalty');
	COMMIT});

my $outcomes = 'SELECT segmentation, outcome, error, count(*) FROM segment.run GROUP BY 1, 2, 3 ORDER BY 1, 2';
$node->command_ok([ 'pgbench', '-n', '-c', '4', '-t', '50', '-f', $refresh, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'four sessions refresh');
is($node->safe_psql('postgres', $outcomes), "habit|ok||200\nloyalty|ok||200", 'all succeed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM segment.run AS r
	JOIN segment.run AS q ON q.segmentation = r.segmentation AND q.run_id > r.run_id AND q.as_of < r.as_of'),
	0, 'no instant lies before that of an earlier run');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT customer_id) FROM loyalty_segments"),
	'200|200', 'nobody is a member twice');

# an order of the transaction that refreshes counts
$node->command_ok([ 'pgbench', '-n', '-c', '4', '-t', '25', '-f', $random, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'four sessions order and refresh');
is($node->safe_psql('postgres', $outcomes), "habit|ok||200\nloyalty|ok||300", 'all succeed');
is($node->safe_psql('postgres', 'SELECT sum(frequency) = (SELECT count(*) FROM orders) FROM loyalty_segments'), 't', 'every order counts');
is_whole($node, 'postgres', 'after all');

$node->stop;
done_testing();
