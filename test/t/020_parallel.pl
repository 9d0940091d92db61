# Law 3: forced parallel plans give what serial ones give, for collecting, for
# assigning by value and by name, and for whole refreshes.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"max_worker_processes = 16\nmax_parallel_workers = 8\ntimezone = 'UTC'\nclient_min_messages = warning");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE orders AS
	SELECT (n * 31 % 2003)::bigint AS customer_id, timestamptz '2023-01-01 00:00Z' + n * interval '20 minutes' AS ordered_at,
		(n::bigint * 7919 % 100003 / 7.0)::numeric(12, 3) AS amount FROM generate_series(1, 40000) AS n;
	CREATE TABLE figures AS SELECT n AS id, (n * 37 % 731)::float8 AS recency, 1 + n * 17 % 23 AS frequency,
		(n::bigint * 7919 % 100003 / 7.0)::numeric AS monetary FROM generate_series(1, 60000) AS n;
	ALTER TABLE orders SET (parallel_workers = 4);
	ALTER TABLE figures SET (parallel_workers = 4);
	ANALYZE;
	CREATE TABLE model AS SELECT segment.rfm_model(segment.feature_set(recency, frequency, monetary), scheme => 'eleven_names') AS model
	FROM figures;
	CREATE TABLE clusters AS SELECT segment.kmeans(segment.feature_set(recency, frequency, monetary), 5) AS model FROM figures
	WHERE id % 100 = 0;
	SELECT segment.create_rfm_segmentation('serial', 'orders', scheme => 'eleven_names');
	SELECT segment.create_rfm_segmentation('parallel', 'orders', scheme => 'eleven_names');
});

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = 'SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;';

# the question has to be asked in parallel at all
my @questions = (
	[ 'feature_set', 'SELECT md5(segment.feature_set(recency, frequency, monetary)::text) FROM figures', 1 ],
	[ 'feature_set with little memory',
		q{SET maintenance_work_mem = '1MB'; SELECT md5(segment.feature_set(recency, frequency, monetary)::text) FROM figures}, 1 ],
	[ 'feature_set_weighted', 'SELECT md5(segment.feature_set_weighted(frequency, recency, monetary)::text) FROM figures', 1 ],
	[ 'feature_set of rows', 'SELECT md5(segment.feature_set(f)::text) FROM (SELECT recency, frequency, monetary FROM figures) AS f', 0 ],
	[ 'model', 'SELECT segment.rfm_model(segment.feature_set(recency, frequency, monetary), scheme => \'eleven_names\') FROM figures', 1 ],
	[ 'natural breaks', q{SELECT segment.rfm_model(segment.feature_set(recency, frequency, monetary),
		cuts => 'natural_breaks', scheme => 'eleven_names') FROM figures}, 1 ],
	[ 'kmeans', 'SELECT segment.kmeans(segment.feature_set(recency, frequency, monetary), 4, n_init => 2) FROM figures', 1 ],
	[ 'bisecting_kmeans',
		'SELECT segment.bisecting_kmeans(segment.feature_set(recency, frequency, monetary), 4, n_init => 2) FROM figures', 1 ],
	[ 'kmeans_step', 'SELECT segment.kmeans_step((SELECT model FROM clusters), recency, frequency, monetary) FROM figures', 1 ],
	[ 'kmeans_step by group', 'SELECT frequency % 3, segment.kmeans_step((SELECT model FROM clusters), recency, frequency, monetary)
		FROM figures GROUP BY 1 ORDER BY 1', 1 ],
	[ 'kmeans_step_state',
		'SELECT md5(segment.kmeans_step_state((SELECT model FROM clusters), recency, frequency, monetary)::text) FROM figures', 1 ],
	[ 'kmeans_step_weighted', 'SELECT segment.kmeans_step_weighted((SELECT model FROM clusters),
		1.0 / frequency, recency, frequency, monetary) FROM figures', 1 ],
	[ 'kmeans_step_state_weighted',
		'SELECT md5(segment.kmeans_step_state_weighted((SELECT model FROM clusters), 1.0 / frequency, recency, frequency, monetary)::text)
			FROM figures', 1 ],
	[ 'assign by value', 'SELECT segment.assign_segment(m.model, recency, frequency, monetary) AS s, count(*), sum(id)
		FROM figures, model AS m GROUP BY 1 ORDER BY 1', 1 ],
	[ 'assign id by value', 'SELECT segment.assign_segment_id((SELECT model FROM model), recency, frequency, monetary) AS s,
		count(*), sum(id) FROM figures GROUP BY 1 ORDER BY 1', 1 ],
	[ 'score', 'SELECT segment.rfm_score((SELECT model FROM model), recency, frequency, monetary) AS s, count(*), sum(id) FROM figures
		GROUP BY 1 ORDER BY 1', 1 ],
	[ 'explain',
		'SELECT md5(string_agg(segment.explain_segment((SELECT model FROM model), recency, frequency, monetary)::text, $$,$$ ORDER BY id))
			FROM figures WHERE id % 10 = 0', 1 ],
);
foreach my $question (@questions)
{
	my ($name, $sql, $must) = @$question;
	my $wanted = $node->safe_psql('postgres', "$serial $sql");
	isnt($wanted, '', "$name: has an answer");
	is($node->safe_psql('postgres', "$parallel $sql"), $wanted, "$name: the same in parallel");
	if ($must)
	{
		(my $explain = "$parallel $sql") =~ s/(SELECT (?!.*SET ))/EXPLAIN $1/;
		like($node->safe_psql('postgres', $explain), qr/Workers Planned/, "$name: was parallel");
	}
}

# a step by any number of workers; all steps of a refinement, in parallel plans inside the function
my $step = 'SELECT segment.kmeans_step((SELECT model FROM clusters), recency, frequency, monetary) FROM figures';
my $next = $node->safe_psql('postgres', "$serial $step");
is($node->safe_psql('postgres', "$parallel SET max_parallel_workers_per_gather = $_; SET parallel_leader_participation = on; $step"),
	$next, "a step with $_ workers: the same model") foreach 0 .. 4;
my $refine = q{SELECT segment.refine_model(model, 'SELECT recency AS f1, frequency AS f2, monetary AS f3 FROM figures') FROM clusters};
# auto_explain comes with PostgreSQL's contrib, which a server may lack
my $has_explain = -e $node->config_data('--pkglibdir') . '/auto_explain.so';
my $explain_inside = $has_explain
	? "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
		SET auto_explain.log_nested_statements = on; SET client_min_messages = log;"
	: '';
my ($refined, $log) = ('', '');
$node->psql('postgres', "$parallel $explain_inside $refine", stdout => \$refined, stderr => \$log);
isnt($refined, '', 'a refined model');
is($refined, $node->safe_psql('postgres', "$serial $refine"), 'the same refined in parallel');
SKIP:
{
	skip 'the server has no auto_explain', 1 unless $has_explain;
	like($log, qr/Finalize Aggregate.*Workers Planned: 4.*Partial Aggregate/s, 'which was parallel');
}

my $refresh = q{SELECT outcome, customers, entered, departed, moved, updated, rows_read, rows_used
	FROM segment.refresh_segmentation('%s', '%s')};
foreach my $as_of ('2023-09-01', '2024-01-01', '2024-09-01')
{
	my $wanted = $node->safe_psql('postgres', $serial . sprintf($refresh, 'serial', $as_of));
	is($node->safe_psql('postgres', $parallel . sprintf($refresh, 'parallel', $as_of)), $wanted, "refresh as of $as_of: same counts");
	is( $node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM serial_segments EXCEPT SELECT * FROM parallel_segments) AS d'),
		0, 'same members');
	is( $node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT * FROM serial_history EXCEPT SELECT * FROM parallel_history) AS d'),
		0, 'same history');
	is( $node->safe_psql('postgres', q{SELECT segment.get_model('serial') OPERATOR(segment.=) segment.get_model('parallel')}),
		't', 'same model');
}
is_whole($node, 'postgres', 'serial and parallel');
my $by_name = q{SELECT segment.assign_segment('serial', recency, frequency, monetary) AS s, count(*), sum(id) FROM figures GROUP BY 1
	ORDER BY 1};
is($node->safe_psql('postgres', "$parallel $by_name"), $node->safe_psql('postgres', "$serial $by_name"), 'assign by name: the same');

$node->stop;
done_testing();
