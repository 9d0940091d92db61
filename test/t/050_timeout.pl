# Law 10: a refresh that runs into a timeout or is cancelled, after any number of
# milliseconds, leaves everything as it was; the next one is right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SegmentTest;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nclient_min_messages = error\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS SELECT (n::bigint * 7919 % 601) AS customer_id,
		timestamptz '2024-01-01 00:00Z' + n * interval '5 minutes' AS ordered_at, (n::bigint * 104729 % 50021 / 100.0)::numeric AS amount
		FROM generate_series(1, 30000) AS n;
});

# everything a refresh may write
my $state = q{
	SELECT md5(string_agg(m::text, ',' ORDER BY customer_id)) FROM timed_segments AS m;
	SELECT md5(string_agg(h::text, ',' ORDER BY customer_id, entered_at)) FROM timed_history AS h;
	SELECT * FROM segment.segmentation;
	SELECT * FROM segment.segment ORDER BY segment_id;
	SELECT version, md5(model::text) FROM segment.model ORDER BY version;
	SELECT count(*) FROM segment.run;
	SELECT count(*) FROM pg_class};

# every refresh speaks of a later instant than those before
my $day = 0;
my $latest = 0;
sub as_of { return "timestamptz '2024-05-01 00:00Z' + $day * interval '1 day'" }
sub call { return 'SELECT outcome, error_code FROM segment.refresh_segmentation(\'timed\', ' . as_of() . ')' }

# Returns what psql gave and after how many milliseconds.
sub refresh
{
	my ($setting) = @_;
	my $began = time;
	my ($status, $out, $err) = $node->psql('postgres', "$setting; " . call());
	return ($out, $err, 1000 * (time - $began));
}

sub create
{
	$node->safe_psql('postgres', q{
		SELECT segment.drop_segmentation(name) FROM segment.segmentation;
		SELECT segment.create_rfm_segmentation('timed', 'SELECT customer_id, ordered_at, amount FROM public.orders',
			customers => 'SELECT generate_series(0, 650)::bigint', schema => 'public', scheme => 'eleven_names')});
}

# a third of the customers gets other figures
sub change
{
	$day++;
	$node->safe_psql('postgres', qq{
		UPDATE orders SET amount = amount + customer_id % 50 * 7 WHERE customer_id % 3 = $day % 3;
		DELETE FROM orders WHERE customer_id % 97 = $day % 97;
		INSERT INTO orders SELECT 3000 + $day, timestamptz '2024-04-01 00:00Z' + n * interval '1 day', 100
		FROM generate_series(1, $day) AS n});
}

# Interrupts refreshes by $attempt->(milliseconds), from at once to when they are
# through; $prepare makes something to do for the next one.
sub sweep
{
	my ($what, $steps, $prepare, $attempt) = @_;
	$prepare->();
	my ($out, $err, $length) = refresh('SET statement_timeout = 0');
	$prepare->();
	my ($cut, $through, $strange) = (0, 0, '');
	my $before = $node->safe_psql('postgres', $state);
	foreach my $step (1 .. $steps)
	{
		# closer together at the beginning, where small refreshes are
		my $after = 1 + int($length * ($step / $steps)**1.5);
		my ($out, $err, $took) = $attempt->($after);
		if ($out eq 'ok|')
		{
			$through++;
			is_whole($node, 'postgres', "$what after $after ms, too late");
			$prepare->();
			$before = $node->safe_psql('postgres', $state);
			next;
		}
		$cut++;
		$strange .= "$after ms: $out$err\n" if $out ne '' || $err !~ /canceling statement due to (statement timeout|user request)/;
		is($node->safe_psql('postgres', $state), $before, "$what after $after ms: all is as before");
		is_whole($node, 'postgres', "$what after $after ms");
		$latest = $took - $after if $took - $after > $latest;
	}
	is($strange, '', "$what: told");
	cmp_ok($cut, '>=', $steps / 3, "$what: $cut refreshes were interrupted, $through got through");
	$day++;
	next_refresh_is_right($node, 'postgres', $node->safe_psql('postgres', 'SELECT ' . as_of()), $what);
	return;
}

my $by_timeout = sub { refresh("SET statement_timeout = $_[0]") };
sweep('statement_timeout in a first refresh', 32, \&create, $by_timeout);
sweep('statement_timeout in a refresh with changes', 32, \&change, $by_timeout);

sweep(
	'cancel in a refresh with changes',
	12,
	\&change,
	sub {
		my ($after) = @_;
		my $victim = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $victim->query_safe('SELECT pg_backend_pid()');
		$victim->query_until(qr/begins/, "\\echo begins\n" . call() . ";\n");
		usleep(1000 * $after);
		my $began = time;
		# what pg_cancel_backend does
		kill 'INT', $pid;
		my ($out) = $victim->query('SELECT 1') =~ /^(\w+\|.*)$/m;
		my $took = $after + 1000 * (time - $began);
		my $err = $victim->{stderr};
		$victim->quit;
		return ($out // '', $err, $took);
	});

# the server looks after the time itself, so the rest is what came too late
note(sprintf('a refresh ended at most %d ms after its time, connecting included', $latest));
cmp_ok($latest, '<', 2000, 'interrupted soon');

# a lock that cannot be had is an error like one in the source: logged, and nothing lost
$day++;
foreach my $lock (
	'TABLE public.orders', 'TABLE public.timed_segments', 'TABLE public.timed_history', 'TABLE segment.rfm_scheme',
	'the segmentation')
{
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; '
		. ($lock =~ /TABLE/ ? "LOCK $lock IN ACCESS EXCLUSIVE MODE" : "SELECT FROM segment_internal.locked_segmentation('timed')"));
	my ($out, $err) = refresh('SET lock_timeout = 20');
	$holder->query_safe('ROLLBACK');
	$holder->quit;
	is("$out$err", 'failed|55P03', "lock_timeout at $lock: told");
	is_whole($node, 'postgres', "lock_timeout at $lock");
}
$day++;
next_refresh_is_right($node, 'postgres', $node->safe_psql('postgres', 'SELECT ' . as_of()), 'lock_timeout');

$node->stop;
done_testing();
