# Law 10: a refresh that is cancelled, times out, loses its server process or
# its server at any moment leaves the old state whole; the next one is right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# crashes must not lose what was committed: flush
$node->append_conf('postgresql.conf', "fsync = on\nsynchronous_commit = on\ntimezone = 'UTC'\nclient_min_messages = error\nrestart_after_crash = on\nautovacuum = off");
$node->start;

# The source waits at chosen moments: gate() blocks while somebody holds the lock
# of its number.  1: at the first row read, 2: at the last; the triggers: in the
# middle of writing members (3) and history (4), and after the work, in the log (5).
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT (n % 300)::bigint AS customer_id, timestamptz '2024-01-01 00:00Z' + n * interval '1 hour' AS ordered_at, (n * 7919 % 503)::numeric AS amount
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
	CREATE FUNCTION gate_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.gate(TG_ARGV[0]::integer); RETURN coalesce(NEW, OLD); END $$;
	SELECT segment.create_rfm_segmentation('safe', 'SELECT customer_id, ordered_at, amount FROM public.orders WHERE CASE customer_id WHEN 1 THEN public.gate(1) WHEN 299 THEN public.gate(2) ELSE true END',
		customers => 'SELECT 9999::bigint WHERE public.gate(6)', schema => 'public');
	SELECT segment.create_rfm_segmentation('twin', 'TABLE public.orders', customers => 'SELECT 9999::bigint', schema => 'public');
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
my $wrong = q{
	SELECT 'count', g.name FROM segment.segment AS g WHERE segmentation = 'safe' AND customers <> (SELECT count(*) FROM safe_segments AS m WHERE m.segment_id = g.segment_id);
	SELECT 'member', m FROM (TABLE safe_segments EXCEPT TABLE twin_segments UNION ALL (TABLE twin_segments EXCEPT TABLE safe_segments)) AS m;
	SELECT 'history', h FROM (TABLE safe_history EXCEPT TABLE twin_history UNION ALL (TABLE twin_history EXCEPT TABLE safe_history)) AS h;
	SELECT 'model' WHERE segment.get_model('safe')::text <> segment.get_model('twin')::text};
is($node->safe_psql('postgres', $wrong), '', 'the twins are alike at first');

# Starts a refresh, waits until it stands at the gate, interrupts it there.
sub interrupt
{
	my ($gate, $as_of, $how) = @_;
	my $holder = $node->background_psql('postgres', on_error_stop => 0);
	$holder->query_safe("SELECT pg_advisory_lock($gate)");
	$node->safe_psql('postgres', "UPDATE step SET n = $gate");

	my ($out, $err) = ('', '');
	my $timeout = $how eq 'statement_timeout' ? "SET statement_timeout = '1s';" : '';
	my $victim = IPC::Run::start(
		[ 'psql', '-XqAt', '-d', $node->connstr('postgres') . ' application_name=victim', '-c', "$timeout SELECT outcome FROM segment.refresh_segmentation('safe', '$as_of')" ],
		'<', \undef, '>', \$out, '2>', \$err);
	my $waits = $how eq 'statement_timeout' ? 1 : $node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event_type = 'Lock' AND wait_event = 'advisory'});
	ok($waits, "$how at gate $gate: the refresh got there");
	if ($how eq 'crash')
	{
		$node->stop('immediate');
	}
	elsif ($how eq 'kill')
	{
		my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'});
		kill 'KILL', $pid;
	}
	elsif ($how ne 'statement_timeout')
	{
		$node->safe_psql('postgres', qq{SELECT $how(pid) FROM pg_stat_activity WHERE application_name = 'victim'});
	}
	$victim->finish;
	eval { $holder->quit } if $how ne 'crash' && $how ne 'kill';
	if ($how eq 'crash')
	{
		eval { $holder->quit };
		$node->start;
	}
	elsif ($how eq 'kill')
	{
		eval { $holder->quit };
		# crash recovery takes a moment
		foreach my $try (1 .. 600)
		{
			last if $node->psql('postgres', 'SELECT 1') == 0;
			usleep(100_000);
		}
	}
	$node->safe_psql('postgres', 'UPDATE step SET n = 0');
	return ($out, $err);
}

my %message = (
	pg_cancel_backend => qr/canceling statement due to user request/,
	statement_timeout => qr/canceling statement due to statement timeout/,
	pg_terminate_backend => qr/terminating connection due to administrator command/,
	crash => qr/connection to server was lost|server closed the connection|terminating connection/,
	kill => qr/connection to server was lost|server closed the connection|terminating connection/);
my $day = 1;
foreach my $case (
	[ 'pg_cancel_backend', 1, 2, 3, 4, 5, 6 ], [ 'pg_terminate_backend', 1, 3, 4, 5 ], [ 'statement_timeout', 2, 4 ], [ 'crash', 2, 3, 5 ], [ 'kill', 4 ])
{
	my ($how, @gates) = @$case;
	foreach my $gate (@gates)
	{
		$day++;
		my $as_of = sprintf('2024-05-%02d', $day);
		# so that there is something to write everywhere
		$node->safe_psql('postgres', qq{
			UPDATE orders SET amount = amount + customer_id * 3 WHERE customer_id % 7 = $day % 7;
			DELETE FROM orders WHERE customer_id = 20 + $day;
			INSERT INTO orders SELECT 1000 + $day, timestamptz '2024-04-01 00:00Z' + n * interval '1 day', 100 FROM generate_series(1, $day) AS n});
		my $before = $node->safe_psql('postgres', $state);
		my ($out, $err) = interrupt($gate, $as_of, $how);
		is($out, '', "$how at gate $gate: no result");
		like($err, $message{$how}, "$how at gate $gate: told");
		is($node->safe_psql('postgres', $state), $before, "$how at gate $gate: the old state is whole");
		is($node->safe_psql('postgres', "SELECT outcome FROM segment.refresh_segmentation('safe', '$as_of')"), 'ok', "$how at gate $gate: the next refresh succeeds");
		$node->safe_psql('postgres', "SELECT segment.refresh_segmentation('twin', '$as_of')");
		is($node->safe_psql('postgres', $wrong), '', "$how at gate $gate: and is right");
	}
}
isnt($node->safe_psql('postgres', 'SELECT count(*) FROM safe_history'), '0', 'history was written meanwhile');

# an error late in the write is an error like one in the source: nothing is lost, it is logged
$node->safe_psql('postgres', q{
	ALTER TABLE safe_segments ADD CONSTRAINT no CHECK (frequency < 100) NOT VALID;
	INSERT INTO orders SELECT 5, timestamptz '2024-05-01 00:00Z' + n * interval '1 hour', 1 FROM generate_series(1, 100) AS n});
is($node->safe_psql('postgres', q{SELECT outcome, error_code FROM segment.refresh_segmentation('safe', '2024-06-01')}), 'failed|23514', 'a violated constraint fails the run');
is($node->safe_psql('postgres', q{SELECT outcome FROM segment.segment_run WHERE segmentation = 'safe' ORDER BY run_id DESC LIMIT 1}), 'failed', 'which is logged');
is($node->safe_psql('postgres', $wrong), '', 'and loses nothing');
$node->safe_psql('postgres', 'ALTER TABLE safe_segments DROP CONSTRAINT no');
is($node->safe_psql('postgres', q{SELECT outcome FROM segment.refresh_segmentation('safe', '2024-06-01')}), 'ok', 'the next one succeeds');
$node->safe_psql('postgres', q{SELECT segment.refresh_segmentation('twin', '2024-06-01')});
is($node->safe_psql('postgres', $wrong), '', 'and is right');

$node->stop;
done_testing();
