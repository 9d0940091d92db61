# What logical replication applies to a tracked table is noted, key by key.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "client_min_messages = warning");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop; CREATE DATABASE copy');
my $tables = q{CREATE TABLE orders (id integer PRIMARY KEY, k integer, a numeric) PARTITION BY RANGE (id);
	CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
	CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (100) TO (200);};
$node->safe_psql('shop', $tables . q{ALTER TABLE orders REPLICA IDENTITY FULL; ALTER TABLE orders_1 REPLICA IDENTITY FULL;
	INSERT INTO orders VALUES (1, 1, 1), (2, 2, 1), (103, 3, 1);
	CREATE PUBLICATION all_orders FOR TABLE orders;
	SELECT pg_create_logical_replication_slot('to_copy', 'pgoutput')});
$node->safe_psql('copy', $tables . q{CREATE EXTENSION segment;
	SELECT segment.create_rule_segmentation('tiers', 'SELECT k, sum(a) AS a FROM public.orders GROUP BY k', '{"any": "a > 0"}');
	SELECT segment.track_source('tiers');
	DELETE FROM tiers_changes});

my $shop = $node->connstr('shop');
sub noted
{
	$node->wait_for_catchup('to_copy');
	return $node->safe_psql('copy', q{WITH d AS (DELETE FROM tiers_changes RETURNING k)
		SELECT string_agg(DISTINCT coalesce(k::text, 'everybody'), ' ') FROM d});
}
$node->safe_psql('copy', 'CREATE SUBSCRIPTION to_copy CONNECTION $c$' . $shop .
	'$c$ PUBLICATION all_orders WITH (create_slot = false)');
$node->poll_query_until('copy', q{SELECT NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r')});
is(noted(), '1 2 3', 'the rows that are there already');
$node->safe_psql('shop', 'INSERT INTO orders VALUES (4, 4, 1), (105, 5, 1), (106, NULL, 1)');
is(noted(), '4 5', 'inserted');
$node->safe_psql('shop', 'UPDATE orders SET k = 6 WHERE k = 4; DELETE FROM orders WHERE k = 2');
is(noted(), '2 4 6', 'updated and deleted');
$node->safe_psql('shop', 'TRUNCATE orders');
is(noted(), 'everybody', 'truncated');
my $reason = q{SELECT coalesce(segment_internal.untracked_reason(s), 'none') FROM segment.segmentation AS s};
$node->safe_psql('copy', $reason);
is($node->safe_psql('copy', $reason), 'none', 'the log tells of all');
$node->safe_psql('copy', 'ALTER TABLE orders_2 DISABLE TRIGGER segment_changes_replica');
like($node->safe_psql('copy', $reason), qr/orders_2/, 'not without the trigger of rows');
$node->safe_psql('copy', 'DROP SUBSCRIPTION to_copy');
$node->stop;
done_testing();
