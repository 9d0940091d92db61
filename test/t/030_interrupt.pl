# Law 10: a refresh that is cancelled, times out, loses its server process or
# its server at any moment leaves the old state whole and is recorded; the next one
# is right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# a crash of the server, not of the machine: what was written need not be flushed
$node->append_conf('postgresql.conf',
	"synchronous_commit = on\ntimezone = 'UTC'\nclient_min_messages = error\nrestart_after_crash = on\nautovacuum = off");
$node->start;

# The source and triggers wait at chosen moments: gate() blocks while somebody holds the
# lock of its number.  Training reads the schemes, and waits where that table is locked.
my %gates = (
	'first order' => 1,
	'last order' => 2,
	'training' => 'LOCK TABLE segment.rfm_scheme IN ACCESS EXCLUSIVE MODE',
	'customers without orders' => 6,
	'members' => 3,
	'history' => 4,
	'run log' => 5);
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT (n % 300)::bigint AS customer_id,
		timestamptz '2024-01-01 00:00Z' + n * interval '1 hour' AS ordered_at, (n * 7919 % 503)::numeric AS amount
		FROM generate_series(1, 3000) AS n;
	CREATE TABLE step (n integer);
	INSERT INTO step VALUES (0);
	CREATE FUNCTION gate(n integer) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		IF n = (SELECT s.n FROM public.step AS s) THEN
			PERFORM pg_catalog.pg_advisory_xact_lock_shared(n);
		END IF;
		RETURN true;
	END $$;
	CREATE FUNCTION gate_trigger() RETURNS trigger
		LANGUAGE plpgsql AS $$ BEGIN PERFORM public.gate(TG_ARGV[0]::integer); RETURN coalesce(NEW, OLD); END $$;
	SELECT segment.create_rfm_segmentation('safe',
		'SELECT customer_id, ordered_at, amount FROM public.orders
		WHERE CASE customer_id WHEN 1 THEN public.gate(1) WHEN 299 THEN public.gate(2) ELSE true END',
		customers => 'SELECT 9999::bigint WHERE public.gate(6)', schema => 'public', scheme => 'eleven_names');
	-- never interrupted: its history is what the other's has to be
	SELECT segment.create_rfm_segmentation('twin', 'TABLE public.orders', customers => 'SELECT 9999::bigint',
		schema => 'public', scheme => 'eleven_names');
	SELECT segment.refresh_segmentation('safe', '2024-05-01');
	SELECT segment.refresh_segmentation('twin', '2024-05-01');
	CREATE TRIGGER gate BEFORE INSERT OR UPDATE OR DELETE ON safe_segments FOR EACH ROW EXECUTE FUNCTION gate_trigger(3);
	CREATE TRIGGER gate BEFORE INSERT OR UPDATE OR DELETE ON safe_history FOR EACH ROW EXECUTE FUNCTION gate_trigger(4);
	CREATE TRIGGER gate BEFORE INSERT ON segment.run FOR EACH ROW WHEN (NEW.segmentation = 'safe') EXECUTE FUNCTION gate_trigger(5);
});

my $state = q{
	SELECT md5(string_agg(m::text, ',' ORDER BY customer_id)) FROM safe_segments AS m;
	SELECT md5(string_agg(h::text, ',' ORDER BY customer_id, entered_at)) FROM safe_history AS h;
	SELECT * FROM segment.segmentation WHERE name = 'safe';
	SELECT * FROM segment.segment WHERE segmentation = 'safe' ORDER BY segment_id;
	SELECT version, md5(model::text) FROM segment.model WHERE segmentation = 'safe' ORDER BY version;
	SELECT count(*) FROM segment.run WHERE segmentation = 'safe'};
my $unlike_twin = q{
	SELECT 'member', m
	FROM (TABLE safe_segments EXCEPT TABLE twin_segments UNION ALL (TABLE twin_segments EXCEPT TABLE safe_segments)) AS m;
	SELECT 'history', h FROM (TABLE safe_history EXCEPT TABLE twin_history UNION ALL (TABLE twin_history EXCEPT TABLE safe_history)) AS h};
# how the last $n refreshes ended, in their order
sub last_outcomes
{
	my ($n) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT string_agg(outcome, ',' ORDER BY started_at)
		FROM (SELECT * FROM segment.segment_run WHERE segmentation = 'safe' ORDER BY started_at DESC LIMIT $n) AS r});
}
is($node->safe_psql('postgres', $unlike_twin), '', 'the twins are alike at first');
is_whole($node, 'postgres', 'at first');

# After a crash recovery takes a moment, and a new server waits for the last process of the old one.
sub wait_until
{
	my ($condition) = @_;
	foreach my $try (1 .. 600)
	{
		return if $condition->();
		usleep(100_000);
	}
	die 'the server did not come back';
}

# What is done to the refresh that waits in process $pid.
my %ways = (
	cancel => sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") },
	terminate => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") },
	statement_timeout => sub { },
	'kill -9 of the process' => sub { kill 'KILL', $_[0] },
	'immediate stop' => sub { $node->stop('immediate') },
	'kill -9 of the server' => sub { $node->kill9 });
my %afterwards = (
	'kill -9 of the process' => sub { wait_until(sub { $node->psql('postgres', 'SELECT 1') == 0 }) },
	'immediate stop' => sub { $node->start },
	# where an attempt came too early the dead server may still be taken for the new one
	'kill -9 of the server' => sub { wait_until(sub { $node->start(fail_ok => 1) or $node->{_pid} = undef }) });
my $lost = qr/connection to server was lost|server closed the connection|terminating connection/;
my %message = (
	cancel => qr/canceling statement due to user request/,
	statement_timeout => qr/canceling statement due to statement timeout/,
	terminate => qr/terminating connection due to administrator command/,
	'kill -9 of the process' => $lost,
	'immediate stop' => $lost,
	'kill -9 of the server' => $lost);

# Starts a refresh, waits until it stands at the gate, interrupts it there.
sub interrupt
{
	my ($way, $gate, $as_of) = @_;
	my $lock = $gates{$gate};
	my $holder = $node->background_psql('postgres', on_error_stop => 0);
	if ($lock =~ /^\d+$/)
	{
		$holder->query_safe("SELECT pg_advisory_lock($lock)");
		$node->safe_psql('postgres', "UPDATE step SET n = $lock");
	}
	else
	{
		$holder->query_safe("BEGIN; $lock");
	}

	my ($out, $err) = ('', '');
	my $timeout = $way eq 'statement_timeout' ? "SET statement_timeout = '1s';" : '';
	my $victim = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $node->connstr('postgres') . ' application_name=victim', '-c',
			"$timeout SELECT outcome FROM segment.refresh_segmentation('safe', '$as_of')" ],
		'<', \undef, '>', \$out, '2>', \$err);
	my $waiting = q{SELECT pid FROM pg_stat_activity
		WHERE application_name = 'victim' AND wait_event_type = 'Lock' AND wait_event IN ('advisory', 'relation')};
	ok($node->poll_query_until('postgres', "SELECT EXISTS ($waiting)"), "$way at $gate: the refresh got there");
	$ways{$way}->($node->safe_psql('postgres', $waiting));
	$victim->finish;
	eval { $holder->quit };
	$afterwards{$way}->() if $afterwards{$way};
	$node->safe_psql('postgres', 'UPDATE step SET n = 0');
	return ($out, $err);
}

my $day = 1;
foreach my $case (
	[ 'cancel', 'first order', 'last order', 'training', 'customers without orders', 'members', 'history', 'run log' ],
	[ 'terminate', 'first order', 'training', 'members', 'history', 'run log' ],
	[ 'statement_timeout', 'last order', 'history' ],
	[ 'kill -9 of the process', 'last order', 'members', 'run log' ],
	[ 'immediate stop', 'training', 'members', 'run log' ],
	[ 'kill -9 of the server', 'training', 'history', 'run log' ])
{
	my ($way, @at) = @$case;
	foreach my $gate (@at)
	{
		$day++;
		my $as_of = sprintf('2024-05-%02d', $day);
		# so that there is something to write everywhere
		$node->safe_psql('postgres', qq{
			UPDATE orders SET amount = amount + customer_id * 3 WHERE customer_id % 7 = $day % 7;
			DELETE FROM orders WHERE customer_id = 20 + $day;
			INSERT INTO orders SELECT 1000 + $day, timestamptz '2024-04-01 00:00Z' + n * interval '1 day', 100
			FROM generate_series(1, $day) AS n});
		my $before = $node->safe_psql('postgres', $state);
		my ($out, $err) = interrupt($way, $gate, $as_of);
		my $name = "$way at $gate";
		is($out, '', "$name: no result");
		like($err, $message{$way}, "$name: told");
		is($node->safe_psql('postgres', $state), $before, "$name: the old state is whole");
		is(last_outcomes(2), 'ok,unfinished', "$name: the log has it as unfinished");
		is($node->safe_psql('postgres', "SELECT name, r.outcome FROM segment.segmentation, segment.refresh_segmentation(name, '$as_of') AS r
			ORDER BY name"), "safe|ok\ntwin|ok", "$name: the next refresh succeeds");
		is(last_outcomes(3), 'ok,interrupted,ok', "$name: and then as interrupted");
		is_whole($node, 'postgres', $name);
		is($node->safe_psql('postgres', $unlike_twin), '', "$name: like the twin, which nobody interrupts");
	}
	next_refresh_is_right($node, 'postgres', sprintf('2024-05-%02d 12:00', $day), $way);
}
isnt($node->safe_psql('postgres', 'SELECT count(*) FROM safe_history'), '0', 'history was written meanwhile');

# an error late in the write is an error like one in the source: nothing is lost, it is logged
$node->safe_psql('postgres', q{
	ALTER TABLE safe_segments ADD CONSTRAINT no CHECK (frequency < 100) NOT VALID;
	INSERT INTO orders SELECT 5, timestamptz '2024-05-01 00:00Z' + n * interval '1 hour', 1 FROM generate_series(1, 100) AS n});
is($node->safe_psql('postgres', q{SELECT outcome, error_code FROM segment.refresh_segmentation('safe', '2024-06-01')}),
	'failed|23514', 'a violated constraint fails the run');
is($node->safe_psql('postgres', q{SELECT outcome FROM segment.segment_run WHERE segmentation = 'safe' ORDER BY run_id DESC LIMIT 1}),
	'failed', 'which is logged');
is_whole($node, 'postgres', 'after the failed run');
$node->safe_psql('postgres', 'ALTER TABLE safe_segments DROP CONSTRAINT no');
next_refresh_is_right($node, 'postgres', '2024-06-01', 'after the failed run');
is($node->safe_psql('postgres', $unlike_twin), '', 'like the twin');

$node->stop;
done_testing();
