# Law 3: k-means with parallel workers gives the model that it gives without,
# byte by byte.  Laws 10 and 12: a cancel ends all of it, a worker that is
# terminated ends the training with an error, and nothing is left behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use SegmentTest;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"max_worker_processes = 16\nmax_parallel_workers = 8\nautovacuum = off\nmaintenance_work_mem = '256MB'\nclient_min_messages = warning");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE figures AS SELECT i AS id, (hashint4(i) & 1023)::float8 AS a,
		(hashint4(i + 1) & 511)::float8 + i % 7 * 90 AS b, (hashint4(i + 2) & 255)::float8 AS c, 1 + i % 3 AS w
		FROM generate_series(1, 60000) AS i;
	ALTER TABLE figures SET (parallel_workers = 2);
	ANALYZE;
	CREATE TABLE sets AS SELECT segment.feature_set(a, b, c) AS f, segment.feature_set_weighted(w, a, b, c) AS w,
		segment.feature_set(a - a::integer % 64, b - b::integer % 64) AS few FROM figures;
});

# workers as many as there may be, and none that run the query itself
my $forced = 'SET search_path = public, segment; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 0;
	SET max_parallel_maintenance_workers = ';
my $log = $node->logfile;

# Once with each number of workers.
sub same_with_workers
{
	my ($name, $query) = @_;
	my $alone = $node->safe_psql('postgres', "$forced 0; $query");
	like($alone, qr/^[0-9a-f]{32}$/, "$name: there is a model");
	foreach my $n (1, 2, 4)
	{
		is($node->safe_psql('postgres', "$forced $n; $query"), $alone, "$name: the same with $n workers");
	}
	return;
}

same_with_workers('kmeans', 'SELECT md5(kmeans(f, 7)::text) FROM sets');
same_with_workers('many centroids', q{SELECT md5(kmeans(f, 60, n_init => 2, scale => 'none')::text) FROM sets});
same_with_workers('weights', 'SELECT md5(kmeans(w, 5)::text) FROM sets');
same_with_workers('many copies of few rows', 'SELECT md5(kmeans(few, 9)::text) FROM sets');
same_with_workers('cosine', q{SELECT md5(kmeans(f, 5, scale => 'none', metric => 'cosine')::text) FROM sets});
same_with_workers('a sample', q{SET maintenance_work_mem = '1MB'; SELECT md5(kmeans(f, 5)::text) FROM sets});
same_with_workers('given centroids', q{SELECT md5(kmeans(f, 2, centroids => ARRAY[[1, 1, 1], [900, 500, 200]])::text) FROM sets});
same_with_workers('choose_k',
	q{SELECT md5(string_agg(c::text, ',' ORDER BY k)) FROM sets, choose_k(f, 2, 4, n_references => 2, n_resamples => 2) AS c});
same_with_workers('no worker to be had', q{SET max_parallel_workers = 0; SELECT md5(kmeans(f, 7)::text) FROM sets});
same_with_workers('in a statement that writes', q{CREATE TEMP TABLE model AS SELECT kmeans(f, 7) AS m
	FROM sets; INSERT INTO model SELECT kmeans(f, 3) FROM sets; SELECT md5(string_agg(m::text, '' ORDER BY m::text)) FROM model});
same_with_workers('inside a parallel query',
	q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;
	SELECT md5(string_agg(m, ',' ORDER BY g))
	FROM (SELECT w AS g, kmeans(feature_set(a, b, c), 4)::text AS m FROM figures GROUP BY w) AS q});
same_with_workers('a segmentation', q{
	SELECT create_cluster_segmentation('by_figures', 'SELECT id, a, b, c FROM public.figures', 4, 'id', schema => 'public') \g /dev/null
	SELECT refresh_segmentation('by_figures', '2024-01-01') \g /dev/null
	SELECT retrain_segmentation('by_figures', '2024-02-01', options => '{"warm_start": false}') \g /dev/null
	SELECT md5(string_agg(m::text, ',' ORDER BY id)) FROM by_figures_segments AS m;
	SELECT drop_segmentation('by_figures') \g /dev/null});
same_with_workers('in a function that catches errors', q{
	CREATE FUNCTION pg_temp.caught() RETURNS text LANGUAGE plpgsql AS $$ DECLARE m text; BEGIN
		BEGIN SELECT kmeans(f, 2, centroids => ARRAY[[1, 1, 1]])::text INTO m
		FROM public.sets; EXCEPTION WHEN array_subscript_error THEN NULL; END;
		SELECT md5(kmeans(f, 3)::text) INTO m FROM public.sets; RETURN m; END $$;
	SELECT pg_temp.caught()});

# long enough to be met at work: without tol, hundreds of starts
my $long = "$forced 2; SELECT kmeans(f, 100, n_init => 1000, tol => 0) IS NULL FROM sets";
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'};

sub start_long
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_until(qr/begun/, "\\echo begun\n$long;\n");
	ok($node->poll_query_until('postgres', "SELECT ($workers) = 2"), 'two workers take part');
	return $session;
}

sub nothing_left
{
	my ($what) = @_;
	ok($node->poll_query_until('postgres', "SELECT ($workers) = 0"), "$what: no worker is left");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity
		WHERE state = 'active' AND query LIKE '%n_init => 1000%' AND pid <> pg_backend_pid()}), '0', "$what: nor is its leader at work");
	return;
}

my $session = start_long();
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(leader_pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
nothing_left('cancelled');
$session->quit;

$session = start_long();
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
nothing_left('a worker terminated');
$session->quit;

$session = start_long();
$node->safe_psql('postgres',
	q{SELECT pg_terminate_backend(leader_pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
nothing_left('its leader terminated');
eval { $session->quit };

my $written = slurp_file($log);
like($written, qr/canceling statement due to user request/, 'the cancel was told');
like($written, qr/terminating background worker "parallel worker"|terminating connection due to administrator command/,
	'so was the end of the worker');
unlike($written, qr/shared memory leak|PANIC|server process .* was terminated by signal/, 'no shared memory leaks, nothing crashes');
same_with_workers('after all that', 'SELECT md5(kmeans(f, 7)::text) FROM sets');
$node->stop;
done_testing();
