# Law 3 over several servers: two of them have half of the customers each and
# collect their feature sets themselves (postgres_fdw sends them the aggregate);
# the sets merged give the same model, byte for byte, as one server with all rows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 60000;
my $customers = qq{
	SELECT n AS id, (ARRAY['north', 'south', 'east', 'west'])[1 + n % 4] AS region,
		(n * 37 % 731)::float8 AS recency, (1 + n * 17 % 23)::float8 AS frequency,
		(n::bigint * 7919 % 100003 / 7.0)::numeric(12, 3) AS monetary,
		nullif((n % 5 / 4.0)::float8, 0.25) AS weight, n % 3 = 0 AS vip, 'x' || n % 7 AS letter
	FROM generate_series(1, $rows) AS n};
my $columns = 'id bigint, region text, recency float8, frequency float8, monetary numeric(12, 3), weight float8, vip boolean, letter text';
my %regions = (shard1 => "'north', 'south'", shard2 => "'east', 'west'");

my $main = PostgreSQL::Test::Cluster->new('main');
$main->init;
$main->append_conf('postgresql.conf', "client_min_messages = warning");
$main->start;
$main->safe_psql('postgres', qq{
	CREATE EXTENSION segment;
	CREATE EXTENSION postgres_fdw;
	CREATE TABLE one_server AS $customers;
	CREATE TABLE customers ($columns) PARTITION BY LIST (region);
	ANALYZE one_server});
my @shards;
foreach my $name ('shard1', 'shard2')
{
	my $shard = PostgreSQL::Test::Cluster->new($name);
	$shard->init;
	$shard->append_conf('postgresql.conf', 'client_min_messages = warning');
	$shard->start;
	$shard->safe_psql('postgres', qq{
		CREATE EXTENSION segment;
		CREATE TABLE customers AS SELECT * FROM ($customers) AS c WHERE region IN ($regions{$name});
		CREATE VIEW mixed AS SELECT segment.feature_set(c) AS features FROM (SELECT recency, vip, letter FROM customers) AS c;
		ANALYZE});
	my ($host, $port) = ($shard->host, $shard->port);
	# the second way to the same server has little memory there
	foreach my $way ([ $name, '' ], [ "${name}_small", q{, options '-c maintenance_work_mem=1MB'} ])
	{
		my ($server, $options) = @$way;
		$main->safe_psql('postgres', qq{
			CREATE SERVER $server FOREIGN DATA WRAPPER postgres_fdw
				OPTIONS (host '$host', port '$port', dbname 'postgres', extensions 'segment',
					use_remote_estimate 'true', fetch_size '10000'$options);
			CREATE USER MAPPING FOR CURRENT_USER SERVER $server;
			CREATE FOREIGN TABLE ${server}_customers ($columns) SERVER $server OPTIONS (table_name 'customers');
			CREATE FOREIGN TABLE ${server}_mixed (features segment.feature_set) SERVER $server OPTIONS (table_name 'mixed')});
	}
	$main->safe_psql('postgres', "ALTER TABLE customers ATTACH PARTITION ${name}_customers FOR VALUES IN ($regions{$name})");
	push @shards, $shard;
}

sub answer { return $main->safe_psql('postgres', "SET search_path = public, segment; SET timezone = 'UTC'; $_[0]") }

# How often the servers are sent something like this.
sub sent
{
	my ($settings, $query, $pattern) = @_;
	my $plan = answer("$settings; EXPLAIN (VERBOSE, COSTS OFF) $query");
	my $times = () = $plan =~ /Remote SQL: .*$pattern/g;
	note($plan) if $times == 0;
	return $times;
}

# name; what one server computes; expression; servers; settings
foreach my $case (
	[ 'numbers', 'feature_set(recency, frequency, monetary)', '' ],
	[ 'weighted', 'feature_set_weighted(weight, recency, frequency, monetary)', '' ],
	[ 'numbers, sampled', 'feature_set(id, recency, monetary)', '_small' ],
	[ 'weighted, sampled', 'feature_set_weighted(weight, id, frequency, monetary)', '_small' ])
{
	my ($name, $aggregate, $way) = @$case;
	my $settings = $way ? q{SET maintenance_work_mem = '1MB'} : 'SET maintenance_work_mem DEFAULT';
	my $settings_as_sent = $settings =~ s/ DEFAULT/ TO DEFAULT/r;
	my $union = join(' UNION ALL ', map { "SELECT $aggregate AS s FROM $_${way}_customers" } 'shard1', 'shard2');
	my $merged = "SELECT feature_set_merge(s) AS s FROM ($union) AS parts";
	is(sent($settings_as_sent, $merged, 'segment\.feature_set'), 2, "$name: each server is sent its aggregate");
	my $what = "SELECT md5(s::text), feature_set_info(s), rfm_model(s, scheme => 'eleven_names') FROM";
	my $wanted = answer("$settings_as_sent; $what (SELECT $aggregate AS s FROM one_server) AS whole");
	is(answer("$settings_as_sent; $what ($merged) AS whole"), $wanted, "$name: the same set and model, byte for byte");
	like($wanted, $way ? qr/"sample_level": [1-9]/ : qr/"sample_level": 0/, "$name: " . ($way ? 'a sample' : 'all rows'));
}

# outcomes
foreach my $aggregate ('outcome(monetary > 50)', 'outcome(monetary)', 'outcome(monetary, recency, frequency)',
	'outcome_ratio(monetary, frequency)')
{
	my $union = join(' UNION ALL ', map { "SELECT $aggregate AS o FROM ${_}_customers" } 'shard1', 'shard2');
	is(sent('SET maintenance_work_mem TO DEFAULT', "SELECT outcome_merge(o) FROM ($union) AS parts", 'segment\.outcome'), 2,
		"$aggregate: each server is sent its aggregate");
	is(answer("SELECT outcome_merge(o) FROM ($union) AS parts"), answer("SELECT $aggregate FROM one_server"),
		"$aggregate: the same, byte for byte");
}

# a partitioned table: whole groups are collected where they are
my $by_region = 'SELECT region, feature_set(recency, frequency, monetary) AS s FROM customers GROUP BY region';
my $partitionwise = 'SET enable_partitionwise_aggregate = on';
is(sent($partitionwise, $by_region, 'segment\.feature_set.* GROUP BY'), 2, 'partitions: each server is sent its groups');
is(answer("$partitionwise; SELECT region, md5(s::text), rfm_model(s, scheme => 'eleven_names') FROM ($by_region) AS g ORDER BY region"),
	answer('SELECT region, md5(s::text), rfm_model(s, scheme => \'eleven_names\')
		FROM (SELECT region, feature_set(recency, frequency, monetary) AS s FROM one_server GROUP BY region) AS g ORDER BY region'),
	'partitions: the same set and model for each group');
is(answer("$partitionwise; SELECT rfm_model(feature_set_merge(s), scheme => 'eleven_names') FROM ($by_region) AS g"),
	answer('SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => \'eleven_names\') FROM one_server'),
	'partitions: the groups merged give the model of all');
is(answer('SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => \'eleven_names\') FROM customers'),
	answer('SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => \'eleven_names\') FROM one_server'),
	'partitions: the same model where all rows are fetched');

# sets of rows with names are made by views over there, and travel as values
foreach my $way ('', '_small')
{
	my $settings = $way ? q{SET maintenance_work_mem = '1MB'} : 'SET maintenance_work_mem TO DEFAULT';
	# n_rows_held says how a set is held, not what is in it
	my $what = q{SELECT md5(s::text), feature_set_info(s) - 'n_rows_held' FROM};
	is(answer("$settings; $what (SELECT feature_set_merge(features) AS s
			FROM (SELECT features FROM shard1${way}_mixed UNION ALL SELECT features FROM shard2${way}_mixed) AS parts) AS whole"),
		answer("$settings; $what (SELECT feature_set(c) AS s FROM (SELECT recency, vip, letter FROM one_server) AS c) AS whole"),
		"mixed$way: the same set");
}

# Rows of a foreign table as they are: their names must not be lost on the way.
my $rows_query = 'SELECT feature_set_merge(s) AS s
	FROM (SELECT feature_set(c) AS s FROM shard1_customers AS c UNION ALL SELECT feature_set(c) FROM shard2_customers AS c) AS parts';
is(answer("SELECT md5(s::text), feature_set_info(s) - 'n_rows_held' FROM ($rows_query) AS whole"),
	answer(q{SELECT md5(s::text), feature_set_info(s) - 'n_rows_held' FROM (SELECT feature_set(c) AS s FROM one_server AS c) AS whole}),
	'rows of foreign tables: the same set');

# placing customers where they are
my $model = answer('SELECT rfm_model(feature_set(recency, frequency, monetary), scheme => \'eleven_names\') FROM one_server') =~ s/'/''/gr;
my $in_first = "segment.assign_segment_id('$model'::segment_model, recency, frequency, monetary) = 1";
is(sent('SELECT', "SELECT id FROM customers WHERE $in_first", 'WHERE .*segment\.assign_segment_id'), 2,
	'assigning: each server is sent the condition');
my $placed = answer("SELECT count(*), sum(id) FROM one_server WHERE $in_first");
like($placed, qr/^[1-9]/, 'assigning: somebody is there');
is(answer("SELECT count(*), sum(id) FROM customers WHERE $in_first"), $placed, 'assigning: the same customers');
is( answer("SELECT assign_segment('$model'::segment_model, recency, frequency, monetary) AS s, count(*), sum(id)
		FROM customers GROUP BY s ORDER BY s"),
	answer("SELECT assign_segment('$model'::segment_model, recency, frequency, monetary) AS s, count(*), sum(id)
		FROM one_server GROUP BY s ORDER BY s"),
	'assigning: the same segments');

# a step of k-means, made where the rows are
my $clusters = answer('SELECT kmeans(feature_set(recency, frequency, monetary), 4) FROM one_server WHERE id % 50 = 0') =~ s/'/''/gr;
my $step = "kmeans_step_state('$clusters'::segment_model, recency, frequency, monetary)";
my $steps = 'SELECT kmeans_step_merge(s) AS s FROM ('
	. join(' UNION ALL ', map { "SELECT $step AS s FROM ${_}_customers" } 'shard1', 'shard2') . ') AS parts';
is(sent('SELECT', $steps, 'segment\.kmeans_step_state'), 2, 'a step: each server is sent its part');
is(answer("SELECT s, kmeans_step(s) FROM ($steps) AS whole"),
	answer("SELECT s, kmeans_step(s) FROM (SELECT $step AS s FROM one_server) AS whole"),
	'a step: the same state and model, byte for byte');
my $weighted = "kmeans_step_state_weighted('$clusters'::segment_model, frequency, recency, frequency, monetary)";
my $weighted_steps = 'SELECT kmeans_step_merge(s) AS s FROM ('
	. join(' UNION ALL ', map { "SELECT $weighted AS s FROM ${_}_customers" } 'shard1', 'shard2') . ') AS parts';
is(sent('SELECT', $weighted_steps, 'segment\.kmeans_step_state_weighted'), 2, 'a step with weights: each server is sent its part');
is(answer("SELECT s, kmeans_step(s) FROM ($weighted_steps) AS whole"),
	answer("SELECT s, kmeans_step(s) FROM (SELECT $weighted AS s FROM one_server) AS whole"),
	'a step with weights: the same, byte for byte');

# a segmentation over foreign orders
foreach my $shard (@shards)
{
	$shard->safe_psql('postgres', q{CREATE TABLE orders AS
		SELECT id AS customer_id, timestamptz '2024-01-01 00:00Z' + k * id % 211 * interval '1 day' AS ordered_at, monetary AS amount
		FROM customers, generate_series(1, 3) AS k WHERE id <= 3000});
}
answer(q{
	CREATE FOREIGN TABLE orders1 (customer_id bigint, ordered_at timestamptz, amount numeric(12, 3))
		SERVER shard1 OPTIONS (table_name 'orders');
	CREATE FOREIGN TABLE orders2 (customer_id bigint, ordered_at timestamptz, amount numeric(12, 3))
		SERVER shard2 OPTIONS (table_name 'orders');
	CREATE TABLE all_orders AS TABLE orders1 UNION ALL TABLE orders2;
	SELECT create_rfm_segmentation('far', 'TABLE orders1 UNION ALL TABLE orders2', scheme => 'eleven_names');
	SELECT create_rfm_segmentation('near', 'TABLE all_orders', scheme => 'eleven_names')});
is(answer(q{SELECT s.name, r.outcome, r.customers FROM segmentation AS s, refresh_segmentation(s.name, '2024-09-01') AS r ORDER BY 1}),
	"far|ok|3000\nnear|ok|3000", 'a segmentation of foreign orders is refreshed');
is(answer('SELECT count(*) FROM (TABLE far_segments EXCEPT TABLE near_segments) AS d'), '0', 'and has the same members');
# a server that is gone is an error in the source
$shards[1]->stop('immediate');
is(answer(q{SET client_min_messages = error; SELECT outcome FROM refresh_segmentation('far', '2024-10-01')}),
	'failed', 'a server that is gone fails the refresh');
is(answer('SELECT count(*) FROM (TABLE far_segments EXCEPT TABLE near_segments) AS d'), '0', 'and changes nothing');

$_->stop foreach $main, $shards[0];
done_testing();
