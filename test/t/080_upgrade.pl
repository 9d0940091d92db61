# Law 15: pg_upgrade from an older server keeps segmentations, members, history,
# models, runs, own schemes and values of both types; refreshing goes on.
#
# SEGMENT_TEST_OLD_SERVER is the folder of an older server's bin and lib, with the
# extension installed; scripts/matrix provides it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SegmentLiving;
use SegmentShop;
use SegmentTest;
use Test::More;

my $old_server = $ENV{SEGMENT_TEST_OLD_SERVER};
plan skip_all => 'no older server to upgrade from (SEGMENT_TEST_OLD_SERVER); scripts/matrix has one' unless $old_server;
# what it is linked with and this system lacks lies in its own folder
my $libraries = join(':', "$old_server/lib", $ENV{LD_LIBRARY_PATH} // ());

my $old = PostgreSQL::Test::Cluster->new('old', install_path => $old_server);
my $new = PostgreSQL::Test::Cluster->new('new');
plan skip_all => 'the other server is not older' unless $old->pg_version < $new->pg_version;
note('from ' . $old->pg_version . ' to ' . $new->pg_version);

# checksums have to agree, and are on by default only from 18 on
$old->init;
$new->init(extra => $new->pg_version >= 18 ? [ '--no-data-checksums' ] : []);

$old->start;
make_shop($old);
make_living($old, 'living');
run_in($old, 'living', 'INSERT INTO orders (customer_id, at, amount) VALUES (3, days_ago(1), 900);
	DELETE FROM orders WHERE customer_id = 9');
my $before = shop_answers($old, 'shop');
is_whole($old, 'shop', 'old server');
$old->stop;

chdir ${PostgreSQL::Test::Utils::tmp_check};
{
	local $ENV{LD_LIBRARY_PATH} = $libraries;
	$new->command_ok(
		[
			'pg_upgrade', '--no-sync', '--copy', '-d', $old->data_dir, '-D', $new->data_dir, '-b',
			"$old_server/bin", '-B', $new->config_data('--bindir'),
			'-s', $new->host, '-p', $old->port, '-P', $new->port
		],
		'pg_upgrade');
}

$new->start;
my $after = shop_answers($new, 'shop');
is($after->{$_}, $before->{$_}, "same $_") foreach sort keys %$before;
is_whole($new, 'shop', 'new server');
run_in($new, 'shop', "INSERT INTO orders SELECT n % 90, timestamptz '2024-05-01 00:00Z' + n * interval '5 hours', n * 31 % 97
	FROM generate_series(1, 60) AS n");
next_refresh_is_right($new, 'shop', '2024-05-20', 'upgraded');
is(run_in($new, 'shop', 'SELECT count(DISTINCT run_id) = count(*), min(run_id) > 0 FROM segment.run'), 't|t', 'runs are numbered on');

# segmentations that follow their data do so from the first write on
is(what_is_wrong($new, 'living'), '', 'living segmentations are whole');
run_in($new, 'living', 'INSERT INTO orders (customer_id, at, amount) VALUES (501, days_ago(2), 5); DELETE FROM clients WHERE id = 11');
is(run_in($new, 'living', 'SELECT segment FROM at_once_segments WHERE customer_id = 501'), 'Fresh', 'placed at once');
is(run_in($new, 'living', q{SELECT string_agg(DISTINCT customer_id::text, ' ') FROM later_changes WHERE due_at = '-infinity'}),
	'11 3 501 9', 'noted before the upgrade, and after it');
is_living($new, 'living', 'upgraded');

$new->stop;
done_testing();
