# Law 10: a disk that fills up in mid-refresh fails the refresh, which is logged,
# and nothing else; once there is room again the next one is right.
#
# SEGMENT_TEST_SMALL_DISK is an empty file system of some megabytes that
# scripts/test mounts; tablespaces for members, history and temporary files lie on it.
use strict;
use warnings;
use Errno;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SegmentLiving;
use SegmentTest;
use Test::More;

my $disk = $ENV{SEGMENT_TEST_SMALL_DISK};
plan skip_all => 'no small disk (SEGMENT_TEST_SMALL_DISK); scripts/test mounts one when it is root and may mount' unless $disk && -w $disk;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"timezone = 'UTC'\nclient_min_messages = error\nautovacuum = off\nmax_parallel_workers_per_gather = 0");
$node->start;
mkdir "$disk/$_" or die "$disk/$_: $!" foreach ('tables', 'temporary');
$node->safe_psql('postgres', "CREATE TABLESPACE small_tables LOCATION '$disk/tables'");
$node->safe_psql('postgres', "CREATE TABLESPACE small_temporary LOCATION '$disk/temporary'");
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT (n::bigint * 7919 % 5003) AS customer_id,
		timestamptz '2024-01-01 00:00Z' + n * interval '5 minutes' AS ordered_at, (n::bigint * 104729 % 50021 / 100.0)::numeric AS amount
		FROM generate_series(1, 30000) AS n;
	SELECT segment.create_rfm_segmentation('elsewhere', 'TABLE public.orders', schema => 'public', scheme => 'eleven_names');
	SET default_tablespace = small_tables;
	SELECT segment.create_rfm_segmentation('small', 'TABLE public.orders', schema => 'public', scheme => 'eleven_names');
});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class AS c JOIN pg_tablespace AS t ON t.oid = c.reltablespace
	WHERE spcname = 'small_tables' AND relname ~ '^small_(segments|history)'}),
	'3', 'both tables and an index lie on the small disk');

# Takes all room on the disk but so many bytes.
sub leave
{
	my ($room) = @_;
	my $chunk = "\0" x 65536;
	open(my $file, '>', "$disk/filler") or die "$disk/filler: $!";
	while (1)
	{
		my $written = syswrite($file, $chunk);
		last if !defined $written && $!{ENOSPC};
		die "$disk/filler: $!" if !defined $written;
	}
	my $size = -s $file;
	die 'the disk is too small' if $size < $room;
	truncate($file, $size - $room) or die "$disk/filler: $!";
	close($file);
	return;
}
sub free { unlink("$disk/filler") or die "$disk/filler: $!"; return }

my $day = 0;
sub refresh
{
	my ($settings, $name) = @_;
	return $node->safe_psql('postgres', "$settings; SELECT outcome, error_code
		FROM segment.refresh_segmentation('$name', timestamptz '2024-05-01 00:00Z' + $day * interval '1 day')");
}

my $state = q{
	SELECT md5(string_agg(m::text, ',' ORDER BY customer_id)) FROM small_segments AS m;
	SELECT md5(string_agg(h::text, ',' ORDER BY customer_id, entered_at)) FROM small_history AS h;
	-- a refresh that failed is over: last_run_at tells of it
	SELECT to_jsonb(s) - 'last_run_at' FROM segment.segmentation AS s WHERE name = 'small';
	SELECT * FROM segment.segment WHERE segmentation = 'small' ORDER BY segment_id;
	SELECT version, md5(model::text) FROM segment.model WHERE segmentation = 'small' ORDER BY version};

# Refreshes with more and more room until one gets through.
sub sweep
{
	my ($what, $settings) = @_;
	my $full = 0;
	my $before = $node->safe_psql('postgres', $state);
	$day++;
	for (my $room = 32768; ; $room *= 3)
	{
		leave($room);
		my $outcome = refresh($settings, 'small');
		if ($outcome eq 'ok|')
		{
			free();
			is_whole($node, 'postgres', "$what, $room bytes left, enough");
			last;
		}
		$full++;
		is($outcome, 'failed|53100', "$what, $room bytes left: told that the disk is full");
		is($node->safe_psql('postgres', $state), $before, "$what, $room bytes left: members and history are as before");
		# others do not suffer
		is(refresh('SET work_mem = 4096', 'elsewhere'), 'ok|', "$what, $room bytes left: another segmentation is refreshed");
		is_whole($node, 'postgres', "$what, $room bytes left");
		free();
		# what the failed attempt took comes back
		$node->safe_psql('postgres', 'VACUUM small_segments, small_history');
	}
	cmp_ok($full, '>=', 2, "$what: the disk was full $full times");
	is(join(' ', glob("$disk/temporary/*/pgsql_tmp/*")), '', "$what: no temporary file is left");
	$day++;
	next_refresh_is_right($node, 'postgres',
		$node->safe_psql('postgres', "SELECT timestamptz '2024-05-01 00:00Z' + $day * interval '1 day'"), $what);
	return;
}

sub change
{
	$node->safe_psql('postgres', q{
		UPDATE orders SET amount = amount + customer_id % 50 * 7 WHERE customer_id % 3 < 2;
		DELETE FROM orders WHERE customer_id % 97 = 5;
		VACUUM FULL orders, small_segments, small_history});
}

# the primary key of the members is built where the session says
sweep('first refresh', 'SET work_mem = 4096; SET default_tablespace = small_tables');
change();
sweep('refresh with changes', 'SET work_mem = 4096');
change();
$node->safe_psql('postgres', 'ALTER TABLE small_segments SET TABLESPACE pg_default');
sweep('history alone', 'SET work_mem = 4096');

# spilled customers and sorts
$node->safe_psql('postgres',
	'ALTER TABLE small_history SET TABLESPACE pg_default; ALTER INDEX small_history_pkey SET TABLESPACE pg_default');
change();
my $low = q{SET work_mem = '64kB'; SET hash_mem_multiplier = 1; SET temp_tablespaces = small_temporary};
sweep('temporary files of a refresh', $low);
leave(65536);
my ($status, $out, $err) = $node->psql('postgres', "$low; SELECT count(*)
	FROM segment.rfm_summary(null::bigint, 'TABLE orders', '2025-01-01 00:00Z')", extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
like("$out$err", qr/^ERROR: +53100$|ERROR:  53100/m, 'rfm_summary: told that the disk is full');
is(join(' ', glob("$disk/temporary/*/pgsql_tmp/*")), '', 'rfm_summary: no temporary file is left');
free();
is($node->safe_psql('postgres', "$low; SELECT count(*) FROM segment.rfm_summary(null::bigint, 'TABLE orders', '2025-01-01 00:00Z');
	SELECT (segment.rfm_summary_counts() ->> 'rows_spilled')::bigint > 0"),
	$node->safe_psql('postgres', 'SELECT count(DISTINCT customer_id) FROM orders') . "\nt",
	'rfm_summary: spills, and is right once there is room');

# Segmentations that follow their data: who writes is told by an error, and then nothing of it is there; or he
# writes, and whom there was no room to place is noted for the next refresh.
make_living($node, 'living');
sub ask { return $node->safe_psql('living', $_[0]) }
foreach my $case (
	[ 'change log', 'later_changes' ],
	[ 'members', 'at_once_segments, scored_segments' ],
	[ 'history and events', 'at_once_history, scored_history, at_once_events, scored_events' ])
{
	my ($what, $tables) = @$case;
	my @tables = split /, /, $tables;
	ask("ALTER TABLE $_ SET TABLESPACE small_tables") foreach @tables;
	my ($full, $noted, $n, $strange) = (0, 0, 0, '');
	leave(16384);
	# until there is no room, and then some more; customers come and go
	while ($full + $noted < 4 && $n++ < 100)
	{
		my $orders = ask('SELECT count(*) FROM orders');
		my $write = $n % 2
			? 'INSERT INTO orders (customer_id, at, amount) SELECT c, days_ago(c % 50), 300 + c FROM generate_series(1, 60) AS c'
			: 'DELETE FROM orders WHERE customer_id BETWEEN 1 AND 60';
		my ($status, $out, $err) = $node->psql('living',
			"SET client_min_messages = warning; BEGIN; $write; DELETE FROM clients WHERE id = $n; COMMIT",
			extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		if ($status != 0)
		{
			$full++;
			$strange .= $err unless $err =~ /ERROR:  53100/;
			$strange .= "half of it is there\n" if ask('SELECT count(*) FROM orders') != $orders;
		}
		elsif ($err =~ /WARNING:  53100/)
		{
			$noted++;
		}
		$strange .= what_is_wrong($node, 'living') unless $n % 20;
	}
	cmp_ok($full + $noted, '>=', 4,
		"$what: there was no room $full times for who wrote, $noted times to place customers, in $n statements");
	is($strange, '', "$what: told, and nothing by halves");
	is(what_is_wrong($node, 'living'), '', "$what: whole");
	my ($failed) = ask(q{SET client_min_messages = error;
		SELECT string_agg(DISTINCT r.outcome || ' ' || coalesce(r.error_code, ''), ',')
		FROM living, segment.refresh_segmentation(name) AS r});
	like($failed, qr/^(ok |failed 53100)(,ok )?$/, "$what: refreshed, or told that the disk is full");
	ask(q{UPDATE living SET alike = false});
	is(what_is_wrong($node, 'living'), '', "$what: whole after that");
	free();
	is_living($node, 'living', "$what, with room");
	ask("ALTER TABLE $_ SET TABLESPACE pg_default") foreach @tables;
}

$node->stop;
done_testing();
