# schedule_refresh with the real pg_cron, where it is installed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
if ($node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'}) == 0)
{
	$node->stop;
	plan skip_all => 'pg_cron is not installed';
}
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\n"
	. "cron.use_background_workers = on\n");
$node->restart;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_cron;
	CREATE EXTENSION segment;
	CREATE ROLE shop LOGIN;
	GRANT CREATE, USAGE ON SCHEMA public TO shop;
	CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 5) AS n;
	GRANT SELECT ON people TO shop;
	SET ROLE shop;
	SELECT segment.create_rule_segmentation('plain', 'public.people', '{"All": "true"}', schema => 'public')});

my ($status, $out, $err) = $node->psql('postgres', "SELECT segment.schedule_refresh('plain', '*/15 * * * *')");
like($err, qr/role "shop" may not use pg_cron/, 'the owner needs the right to use it');
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA cron TO shop');
like($node->safe_psql('postgres', "SELECT segment.schedule_refresh('plain', '*/15 * * * *')"),
	qr/^job \d+ of pg_cron, "segment: plain", as "shop"$/, 'a superuser schedules');
$node->safe_psql('postgres', "SET ROLE shop; SELECT segment.schedule_refresh('plain', '10 3 * * mon-fri')");
is($node->safe_psql('postgres', 'SELECT jobname, schedule, username, database, active FROM cron.job'),
	'segment: plain|10 3 * * mon-fri|shop|postgres|t', 'one job, as the owner, with the last schedule');
is($node->safe_psql('postgres', "SELECT segment.schedule_refresh(NULL, '0 4 * * *') ~ 'segment, all',
	segment.unschedule_refresh(NULL), segment.unschedule_refresh(NULL)"), 't|t|f', 'all of them, and no longer');

# its jobs do what they say
$node->safe_psql('postgres', "SELECT segment.schedule_refresh('plain', '* * * * *')");
ok($node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM segment.run WHERE outcome = 'ok' AND run_by = 'shop')"),
	'it refreshes');
$node->safe_psql('postgres', "SELECT segment.drop_segmentation('plain')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '0', 'dropping the segmentation ends its job');

$node->stop;
done_testing();
