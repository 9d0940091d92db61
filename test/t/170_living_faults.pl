# Segmentations that follow their data lose nothing when a process, or the server, dies at any
# moment of a refresh or of a write (laws 6, 8, 9 and 10), when statements run into a timeout,
# and when many sessions write and refresh at once, who do not wait for each other in a circle.
#
# SEGMENT_TEST_KILLS   how often something is killed (default 6)
# SEGMENT_TEST_SECONDS how long sessions write and refresh side by side (default 3)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SegmentLiving;
use Test::More;
use Time::HiRes qw(time usleep);

my $kills = $ENV{SEGMENT_TEST_KILLS} // 6;
my $seconds = $ENV{SEGMENT_TEST_SECONDS} // 3;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# a crash of the server, not of the machine: what was written need not be flushed
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nclient_min_messages = error\nautovacuum = off\n"
	. "restart_after_crash = on\nsynchronous_commit = on\ndeadlock_timeout = 100ms\nmax_connections = 40");
$node->start;
make_living($node, 'shop');
is_living($node, 'shop', 'at first');
sub ask { return $node->safe_psql('shop', $_[0]) }

# ---- what sessions do ----

my $dir = PostgreSQL::Test::Utils::tempdir;
my %scripts = (
	# of a table that only the deferred one reads
	'a deferred writer' => q{
		\set c random(1, 260)
		\set what random(1, 3)
		\if :what = 1
			INSERT INTO clients VALUES (:c, 'AT') ON CONFLICT (id) DO UPDATE SET country = 'FR';
		\elif :what = 2
			UPDATE clients SET country = country || 'x' WHERE id = :c;
		\else
			DELETE FROM clients WHERE id = :c;
		\endif},
	# one customer a statement
	'an immediate writer' => q{
		\set c random(0, 230)
		\set what random(1, 5)
		\set n random(0, 59)
		\set amount random(1, 300)
		\if :what < 4
			INSERT INTO orders (customer_id, at, amount) VALUES (:c, days_ago(:n), :amount);
		\elif :what = 4
			UPDATE orders SET amount = amount + 1 WHERE customer_id = :c;
		\else
			DELETE FROM orders WHERE customer_id = :c AND order_id % 3 = :n % 3;
		\endif},
	# many at once, some of it rolled back
	'a writer of many' => q{
		\set n random(0, 59)
		\set amount random(1, 300)
		BEGIN;
		INSERT INTO orders (customer_id, at, amount) SELECT c, days_ago(:n), :amount FROM generate_series(:n, :n + 40) AS c;
		SAVEPOINT before;
		DELETE FROM orders WHERE customer_id BETWEEN :n + 50 AND :n + 150;
		ROLLBACK TO before;
		COMMIT;},
	# one after the other, in any order
	'a writer of some' => q{
		\set n random(0, 59)
		\set a random(0, 12)
		\set b random(0, 12)
		\set c random(0, 12)
		BEGIN;
		INSERT INTO orders (customer_id, at, amount) VALUES (:a, days_ago(:n), 10 + :n);
		INSERT INTO orders (customer_id, at, amount) VALUES (:b, days_ago(:n), 20 + :n);
		DELETE FROM orders WHERE customer_id = 400 + :c;
		INSERT INTO orders (customer_id, at, amount) VALUES (:c, days_ago(:n), 30 + :n);
		COMMIT;},
	'refreshes' => q{
		SELECT segment.refresh_segmentation('at_once');
		SELECT segment.refresh_segmentation('scored');
		\sleep 50 ms},
	'refreshes of all' => q{
		SELECT segment.refresh_segmentation('later');
		SELECT segment.refresh_segmentation('at_once');
		SELECT segment.refresh_segmentation('scored', retrain => true);
		\sleep 200 ms
		CALL segment.refresh_all_segmentations();
		\sleep 200 ms},
	'a consumer' => q{
		SELECT consume(name) FROM living ORDER BY name;});
foreach my $name (keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
}

# Sessions that do this until they are stopped; their name is what they do.
sub start_sessions
{
	my ($what, $clients, $length) = @_;
	my $out = '';
	local $ENV{PGAPPNAME} = $what;
	my $sessions = IPC::Run::start([ 'pgbench', '-n', '-c', $clients, '-T', $length, '-f', "$dir/$what.sql",
		'-h', $node->host, '-p', $node->port, 'shop' ], '<', \undef, '>', \$out, '2>&1');
	return { run => $sessions, out => \$out, what => $what, clients => $clients };
}

sub finish_sessions
{
	$_->{run}->finish foreach @_;
	return;
}

# so that a refresh has something to do, for a fifth of the customers or for all
sub change_something
{
	my ($n) = @_;
	ask(qq{
		UPDATE orders SET amount = amount + customer_id % 50 * 3 WHERE customer_id % 5 = $n % 5;
		INSERT INTO orders (customer_id, at, amount) SELECT 300 + $n, days_ago(n % 60), 50 FROM generate_series(1, $n % 12) AS n;
		DELETE FROM clients WHERE id % 37 = $n % 37;
		INSERT INTO clients SELECT n, 'IT' FROM generate_series(1, 260) AS n WHERE n % 41 = $n % 41 ON CONFLICT DO NOTHING});
	return;
}

# ---- the end of it ----

sub wait_until
{
	my ($condition) = @_;
	foreach my $try (1 .. 600)
	{
		return if $condition->();
		usleep(50_000);
	}
	die 'the server did not come back';
}

# killed is one process, or the server
my @ways = (
	[ 'kill -9 of a process', sub { kill 'KILL', $_[0] }, sub { wait_until(sub { $node->psql('postgres', 'SELECT 1') == 0 }) } ],
	[ 'immediate stop', sub { $node->stop('immediate') }, sub { $node->start } ],
	[ 'kill -9 of the server', sub { $node->kill9 },
		# where an attempt came too early the dead server may still be taken for the new one
		sub { wait_until(sub { $node->start(fail_ok => 1) or $node->{_pid} = undef }) } ]);
my %length;
my $unfinished = q{SELECT count(*) FROM segment.segment_run WHERE run_id IS NULL};
my $interrupted = q{SELECT count(*) FROM segment.run WHERE outcome = 'interrupted'};

# A refresh that is killed after a random part of the time that it needs; whether before its end.
sub kill_refresh
{
	my ($way, $name, $full, $n) = @_;
	my ($text, $kill, $again) = @$way;
	change_something($n);
	# everybody, as TRUNCATE has it
	ask("INSERT INTO ${name}_changes DEFAULT VALUES") if $full;
	my $as_of = ask('SELECT clock_timestamp()');
	my $victim = $node->background_psql('shop', on_error_stop => 0);
	my $pid = $victim->query_safe('SELECT pg_backend_pid()');
	my $what = "$name, " . ($full ? 'full' : 'incremental');
	$victim->query_until(qr/begins/, "\\echo begins\nSELECT outcome FROM segment.refresh_segmentation('$name', '$as_of');\n");
	usleep(rand(0.8) * $length{$what});
	$kill->($pid);
	eval { $victim->quit };
	$again->();
	my $done = ask("SELECT refreshed_as_of = '$as_of' FROM segment.segmentation WHERE name = '$name'");
	my $lost = ask($unfinished);
	my $before = ask($interrupted);
	my $found = ask(qq{SELECT n, r.outcome, r.way FROM unnest('{${name},${name}_twin}'::text[]) AS n,
			segment.refresh_segmentation(n, '$as_of') AS r WHERE r.outcome <> 'ok'});
	is($found, '', "$text in a refresh of $what, which " . ($done eq 't' ? 'was through' : $lost ? 'was lost' : 'had not begun')
			. ': the next one succeeds');
	is(ask($interrupted), $before + $lost, '... and has logged the one that was lost') if $lost;
	return $lost;
}

sub measure_refreshes
{
	foreach my $name ('later', 'at_once', 'scored')
	{
		foreach my $full (0, 1)
		{
			change_something($full);
			ask("INSERT INTO ${name}_changes DEFAULT VALUES") if $full;
			my $as_of = ask('SELECT clock_timestamp()');
			my $way = $full ? 'full' : 'incremental';
			my ($took, $found) = split /\|/, ask(qq{SELECT 1000000 * extract(epoch FROM clock_timestamp() - '$as_of'), r.way
				FROM segment.refresh_segmentation('$name', '$as_of') AS r});
			is($found, $way, "$name is refreshed $way");
			$length{"$name, $way"} = $took;
			ask("SELECT segment.refresh_segmentation('${name}_twin', '$as_of')");
		}
	}
	return;
}

# One of the sessions that do this is killed, or the server they are at.
sub kill_sessions
{
	my ($way, $victims, @others) = @_;
	my ($text, $kill, $again) = @$way;
	my @sessions = map { start_sessions($_, $_ =~ /^re|consumer/ ? 1 : 2, 20) } ($victims, @others);
	my $working = "SELECT pid FROM pg_stat_activity WHERE application_name = '$victims' AND state <> 'idle' ORDER BY random() LIMIT 1";
	my $pid;
	usleep(50_000 + rand(250_000));
	wait_until(sub { $pid = ask($working) });
	$kill->($pid);
	finish_sessions(@sessions);
	$again->();
	return;
}

measure_refreshes();
is_living($node, 'shop', 'refreshed in both ways');
my %killed;
my $began = time;
foreach my $n (1 .. $kills)
{
	my $case = ($n - 1) % 6;
	# in another order each time
	my $way = $ways[ ($n + int(($n - 1) / 6)) % 3 ];
	my $what;
	if ($case < 2)
	{
		$what = $case ? 'a full refresh' : 'an incremental refresh';
		$killed{"$what, before its end"} += kill_refresh($way, ('later', 'at_once', 'scored')[ rand 3 ], $case, $n) > 0;
	}
	elsif ($case < 5)
	{
		$what = ('a deferred writer', 'an immediate writer', 'a writer of many')[ $case - 2 ];
		kill_sessions($way, $what, $case == 4 ? () : 'a consumer');
	}
	else
	{
		$what = 'all at once';
		my @all = sort { rand() <=> 0.5 } ('refreshes', 'an immediate writer', 'a deferred writer', 'a consumer');
		kill_sessions($way, @all);
	}
	$killed{$what}++;
	is_living($node, 'shop', "kill $n: $way->[0] with $what");
}
note(sprintf('%d kills in %.0f s: %s', $kills, time - $began, join ', ', map { "$_: $killed{$_}" } sort keys %killed));
is(ask(q{SELECT count(*) FROM segment.run WHERE outcome NOT IN ('ok', 'interrupted')}), 0, 'no refresh failed');

# ---- statements that take too long ----

{
	my ($cut, $through, $strange) = (0, 0, '');
	my $write = 'INSERT INTO orders (customer_id, at, amount) SELECT c, days_ago(c % 50), 70 FROM generate_series(20, 59) AS c';
	foreach my $what ('a write', 'at_once', 'scored', 'later')
	{
		my $took = 0;
		foreach my $try (0 .. 6)
		{
			change_something($try);
			ask("INSERT INTO ${what}_changes DEFAULT VALUES") if $what ne 'a write' && $try % 2;
			my ($orders, $as_of) = split /\|/, ask('SELECT count(*), clock_timestamp() FROM orders');
			my $began = time;
			my $after = $try ? 1 + int(1000 * $took * rand) : 0;
			my $statement = $what eq 'a write' ? $write : "SELECT FROM segment.refresh_segmentation('$what', '$as_of')";
			my ($status, $out, $err) = $node->psql('shop', "SET statement_timeout = $after; $statement");
			$took = time - $began unless $try;
			$err eq '' ? $through++ : $cut++;
			$strange .= "$what after $after ms: $err\n" if $err ne '' && $err !~ /canceling statement due to statement timeout/;
			$strange .= "$what after $after ms: not all or nothing\n"
				if $what eq 'a write' && ask('SELECT count(*) FROM orders') != $orders + ($err eq '' ? 40 : 0);
			$strange .= what_is_wrong($node, 'shop');
			ask(qq{SELECT segment.refresh_segmentation(n, '$as_of') FROM unnest('{later,later_twin}'::text[]) AS n}) if $what eq 'later';
		}
	}
	is($strange, '', 'statement_timeout: all or nothing');
	cmp_ok($cut, '>=', 5, "$cut statements were cut off, $through got through");
	is_living($node, 'shop', 'statement_timeout');
}

# ---- many at once ----

{
	my $before = ask(q{SELECT sum(deadlocks) FROM pg_stat_database});
	ask(q{UPDATE living SET alike = false});
	my @sessions = (
		start_sessions('an immediate writer', 3, $seconds), start_sessions('a writer of some', 3, $seconds),
		start_sessions('a writer of many', 1, $seconds), start_sessions('a deferred writer', 1, $seconds),
		start_sessions('refreshes', 1, $seconds), start_sessions('refreshes of all', 1, $seconds),
		start_sessions('a consumer', 1, $seconds));
	finish_sessions(@sessions);
	my $done = '';
	foreach (@sessions)
	{
		my ($n) = ${ $_->{out} } =~ /transactions actually processed: (\d+)/;
		$done .= sprintf ', %s: %d', $_->{what}, $n // 0;
		unlike(${ $_->{out} }, qr/aborted|failed transactions: [1-9]|ERROR/, "$_->{what}: no transaction failed")
			or diag(${ $_->{out} });
	}
	# counts are sent when a session ends
	usleep(300_000);
	is(ask(q{SELECT sum(deadlocks) FROM pg_stat_database}) - $before, 0, "no deadlock in $seconds s$done");
	is(ask(q{SELECT outcome, error FROM segment.run WHERE outcome NOT IN ('ok', 'interrupted') LIMIT 5}), '', 'no refresh failed');
	is_living($node, 'shop', 'many sessions at once');
}

$node->stop;
done_testing();
