# What logical replication applies to a tracked table is noted, key by key.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SegmentLiving;
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

# The subscriber has segmentations that follow what is applied, deferred and immediate, and then takes over.
make_living($node, 'taker');
$node->safe_psql('taker', 'TRUNCATE orders, clients');
$node->safe_psql('postgres', 'CREATE DATABASE giver');
$node->safe_psql('giver', q{
	CREATE TABLE clients (id bigint PRIMARY KEY, country text);
	CREATE TABLE orders (order_id bigint PRIMARY KEY, customer_id bigint, at timestamptz, amount numeric);
	ALTER TABLE orders REPLICA IDENTITY FULL;
	CREATE FUNCTION days_ago(n bigint) RETURNS timestamptz LANGUAGE sql RETURN now() - (n || ' days')::interval - interval '12 hours';
	INSERT INTO clients SELECT n, 'DE' FROM generate_series(1, 100) AS n;
	INSERT INTO orders SELECT n, n * 7919 % 90, days_ago(n * 31 % 60), n * 7907 % 103 FROM generate_series(1::bigint, 600) AS n;
	CREATE PUBLICATION all_of_it FOR TABLE orders, clients;
	SELECT pg_create_logical_replication_slot('to_taker', 'pgoutput')});
$node->safe_psql('taker', 'CREATE SUBSCRIPTION to_taker CONNECTION $c$' . $node->connstr('giver') .
	'$c$ PUBLICATION all_of_it WITH (create_slot = false)');
$node->poll_query_until('taker', q{SELECT NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r')});
sub applied { $node->wait_for_catchup('to_taker'); return }
applied();
is_living($node, 'taker', 'the first copy');
foreach my $n (1 .. 5)
{
	$node->safe_psql('giver', qq{
		BEGIN;
		INSERT INTO orders SELECT 1000 * $n + c, c * $n, days_ago(c), c * 40 FROM generate_series(1, 20) AS c;
		UPDATE orders SET customer_id = customer_id + 1 WHERE order_id % 97 = $n;
		SAVEPOINT before;
		DELETE FROM orders;
		ROLLBACK TO before;
		COMMIT;
		DELETE FROM orders WHERE customer_id = 10 * $n;
		DELETE FROM clients WHERE id % 20 = $n;
		UPDATE clients SET country = 'FR' WHERE id % 20 = 19});
	applied();
	is($node->safe_psql('taker', "SELECT w FROM living, what_is_wrong(name) AS w"), '', "$n: whole");
	is($node->safe_psql('taker', q{SELECT count(*) FROM at_once_segments AS m
		FULL JOIN (SELECT customer_id, sum(amount) AS spent FROM orders GROUP BY 1) AS o USING (customer_id)
		WHERE o.spent IS DISTINCT FROM m.spent}),
		0, "$n: members are right as soon as it is applied");
	is_living($node, 'taker', "$n");
}
is($node->safe_psql('taker', q{SELECT count(*) FROM segment.run WHERE segmentation = 'later' AND way = 'incremental'}), 5,
	'refreshes look at who changed');
# the other one is gone
$node->safe_psql('giver', 'INSERT INTO orders VALUES (9000, 95, now(), 7)');
applied();
$node->safe_psql('taker', 'DROP SUBSCRIPTION to_taker');
$node->safe_psql('giver', 'INSERT INTO orders VALUES (9001, 96, now(), 7)');
$node->safe_psql('taker', q{
	ALTER TABLE orders ALTER order_id RESTART WITH 20000;
	INSERT INTO orders (customer_id, at, amount) VALUES (97, days_ago(1), 900);
	DELETE FROM orders WHERE customer_id = 7;
	DELETE FROM clients WHERE id = 8});
is($node->safe_psql('taker', q{SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM at_once_segments
	WHERE customer_id IN (7, 95, 96, 97)}),
	'95 97', 'the new writer has his customers placed at once');
is($node->safe_psql('taker', q{SELECT string_agg(DISTINCT customer_id::text, ' ') FROM later_changes
	WHERE due_at = '-infinity'}), '7 8 95 97',
	'and noted, with what was applied last');
is_living($node, 'taker', 'the new writer');
$node->stop;
done_testing();
