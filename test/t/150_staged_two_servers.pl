# A refresh by staging tables, of a source that lies on two servers: a partitioned table
# with one partition here and one behind postgres_fdw.  The same as the plain way, and as
# the same orders in one table.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my ($status) = $node->psql('postgres', 'CREATE EXTENSION postgres_fdw');
if ($status != 0)
{
	$node->stop;
	plan skip_all => 'postgres_fdw is not installed';
}
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
$other->safe_psql('postgres', 'CREATE TABLE orders_other (customer_id bigint, at timestamptz, amount numeric)');
my ($host, $port, $user) = ($other->host, $other->port, $other->safe_psql('postgres', 'SELECT current_user'));
$node->safe_psql('postgres', qq{
	CREATE EXTENSION segment;
	CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user '$user');
	CREATE TABLE orders (customer_id bigint, at timestamptz, amount numeric) PARTITION BY RANGE (customer_id);
	CREATE TABLE orders_here PARTITION OF orders FOR VALUES FROM (MINVALUE) TO (100);
	CREATE FOREIGN TABLE orders_there PARTITION OF orders FOR
	VALUES FROM (100) TO (MAXVALUE) SERVER other OPTIONS (table_name 'orders_other');
	INSERT INTO orders SELECT n * 7919 % 200, timestamptz '2025-01-01Z' + n * interval '1 hour', n * 31 % 997
	FROM generate_series(1, 1500) AS n;
	CREATE TABLE orders_one AS TABLE orders;
	CREATE FUNCTION staged(name text, at timestamptz, staged boolean) RETURNS text LANGUAGE plpgsql AS \$\$
	DECLARE
		id bigint;
	BEGIN
		PERFORM segment_internal.begin_run(name);
		id := segment_internal.refresh_as_owner(name, at, NULL, NULL, NULL, NULL, staged);
		RETURN (SELECT r.outcome FROM segment.run AS r WHERE r.run_id = id);
	END \$\$;
	SET client_min_messages = warning;
	SELECT segment.create_rfm_segmentation('one', 'public.orders_one', time_zone => 'UTC', schema => 'public');
	SELECT segment.create_rfm_segmentation('plain', 'public.orders', time_zone => 'UTC', schema => 'public');
	SELECT segment.create_rfm_segmentation('apart', 'public.orders', time_zone => 'UTC', schema => 'public')});
my $refresh = sub {
	my ($at) = @_;
	is($node->safe_psql('postgres', "SET client_min_messages = warning; SELECT staged(n, '$at', n = 'apart')
		FROM unnest('{one,plain,apart}'::text[]) AS n"), "ok\nok\nok", "as of $at: refreshed");
	foreach my $way ('plain', 'apart')
	{
		foreach my $table ('segments', 'history')
		{
			is($node->safe_psql('postgres', "SELECT count(*) FROM ((TABLE one_$table EXCEPT TABLE ${way}_$table)
				UNION ALL (TABLE ${way}_$table EXCEPT TABLE one_$table)) AS d"), 0, "as of $at: $way, same $table");
		}
		is($node->safe_psql('postgres', "SELECT segment.get_model('one')::text = segment.get_model('$way')::text"),
			't', "as of $at: $way, same model");
	}
};
$refresh->('2025-03-10Z');
foreach my $table ('orders', 'orders_one')
{
	$node->safe_psql('postgres',
		"INSERT INTO $table SELECT n * 13, timestamptz '2025-03-11Z' + n * interval '1 minute', 500 FROM generate_series(1, 20) AS n;
		DELETE FROM $table WHERE customer_id IN (5, 150); UPDATE $table SET amount = amount * 10 WHERE customer_id IN (9, 190)");
}
$refresh->('2025-03-12Z');
ok($node->safe_psql('postgres', 'SELECT count(*) FROM apart_history') > 20, 'there is history');
is($node->safe_psql('postgres', q{SELECT relname FROM pg_class
	WHERE relname ~ '^apart_' AND relkind = 'r' AND relname !~ '_(segments|history)$'}), '', 'no staging table is left');
is_whole($node, 'postgres', 'after all');

$node->stop;
$other->stop;
done_testing();
