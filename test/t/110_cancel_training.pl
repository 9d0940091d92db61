# Law 12: training stops within 100 ms of a cancel, wherever it is: collecting
# points, finding seeds, steps over many rows, or matrices of many features; and so do the
# trainers and measures of predictions, histories and baskets.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "client_min_messages = error\nautovacuum = off\njit = off\n"
	. "maintenance_work_mem = '256MB'\nwork_mem = '256MB'");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	SET search_path = public, segment;
	CREATE TABLE rows AS SELECT feature_set(VARIADIC ARRAY[hashint4(i) & 1023, hashint4(i + 1) & 511,
		(hashint4(i + 2) & 255) + i % 7 * 90, hashint4(i + 3) & 127]::float8[]) AS f
		FROM generate_series(1, 300000) AS i;
	CREATE TABLE mixed AS SELECT feature_set(r) AS f FROM (
		SELECT (hashint4(i) & 1023)::float8 AS a, 'c' || i % 11 AS b, 'd' || (hashint4(i + 1) & 31) AS c,
			(hashint4(i + 2) & 255)::float8 AS d FROM generate_series(1, 300000) AS i) AS r;
	CREATE TABLE wide AS SELECT feature_set(VARIADIC x) AS f FROM (
		SELECT (SELECT array_agg((hashint4(i * 1009 + j) & 255)::float8) FROM generate_series(1, 700) AS j) AS x
		FROM generate_series(1, 1500) AS i) AS t;
	CREATE TABLE histories AS SELECT feature_set(x, t_x, t) AS f, feature_set(x, 1 + t_x / 7) AS spent FROM (
		SELECT (hashint4(i) & 7)::float8 AS x, CASE WHEN hashint4(i) & 7 > 0 THEN 3 + (hashint4(i + 1) & 1023) / 11.0 ELSE 0 END AS t_x,
			100 + (hashint4(i + 2) & 255) / 9.0 AS t FROM generate_series(1, 300000) AS i) AS h;
	CREATE TABLE appeals AS SELECT feature_set(x, t_x, t) AS f FROM (
		SELECT (hashint4(i) & 7)::float8 AS x, CASE WHEN hashint4(i) & 7 > 0 THEN 7 + (hashint4(i + 1) & 1023) ELSE 0 END AS t_x,
			20000 + (hashint4(i + 2) & 1023) AS t FROM generate_series(1, 20000) AS i) AS h;
	CREATE TABLE buying AS SELECT name, m FROM (SELECT feature_set(i % 5, CASE WHEN i % 5 > 0 THEN 3 + i % 17 ELSE 0 END, 20 + i % 13) AS f
		FROM generate_series(1, 600) AS i) AS s,
		LATERAL (VALUES ('pareto', pareto_nbd(f)), ('bgbb', bgbb(f)), ('bg', bgnbd(f))) AS v (name, m);
	CREATE TABLE labelled AS SELECT feature_set(r) AS f FROM (
		SELECT (hashint4(i) & 1023 > (hashint4(i + 1) & 511) + 200)::integer AS y, (hashint4(i + 1) & 511)::float8 AS a,
			'c' || (hashint4(i + 2) & 255) AS b, (hashint4(i + 3) & 4095) / 7.0 AS c FROM generate_series(1, 300000) AS i) AS r;
	CREATE TABLE scored AS SELECT feature_set(hashint4(i) & 1, (hashint4(i + 1) & 1048575)::float8) AS f
		FROM generate_series(1, 1000000) AS i;
	CREATE TABLE orders AS SELECT i % 40000 AS customer, timestamp '2024-01-01' + (hashint4(i) & 1048575) * interval '1 minute' AS at,
		(hashint4(i + 1) & 255) AS amount FROM generate_series(1, 600000) AS i;
	CREATE TABLE lines AS SELECT i / 12 AS basket, (hashint4(i) & 255) * (hashint4(i + 1) & 255) / 1000 AS item
		FROM generate_series(1, 400000) AS i});

# Milliseconds by which each of these calls ended after its time was up; below 0:
# it was done before.
sub lateness
{
	my ($call, @timeouts) = @_;
	my $script = "SET search_path = public, segment;\n";
	foreach my $timeout (@timeouts)
	{
		$script .= "SELECT clock_timestamp() AS began \\gset\nSET statement_timeout = $timeout;\n"
			. "$call \\g /dev/null\nSET statement_timeout = 0;\n"
		  . "SELECT round(extract(epoch FROM clock_timestamp() - :'began') * 1000 - $timeout, 1);\n";
	}
	my ($status, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
	unlike($err, qr/ERROR:  (?!canceling statement due to statement timeout)/, 'no error but that of the timeout');
	return split /\n/, $out;
}

my %calls = (
	'kmeans' => q{SELECT kmeans(f, 100, tol => 0) FROM rows},
	'kmeans, many features' => q{SELECT kmeans(f, 300, tol => 0, n_init => 100) FROM wide},
	'gaussian_mixture, many rows' => q{SELECT gaussian_mixture(f, 12, tol => 0) FROM rows},
	'gaussian_mixture, many features' => q{SELECT gaussian_mixture(f, 3, tol => 0, n_init => 3) FROM wide},
	'gaussian_mixture, diag' => q{SELECT gaussian_mixture(f, 30, 'diag', tol => 0) FROM rows},
	'kprototypes' => q{SELECT kprototypes(f, 30) FROM mixed},
	'kprototypes, numbers alone' => q{SELECT kprototypes(f, 20) FROM rows});
my %predicting = (
	'bgnbd' => q{SELECT bgnbd(f), mbgnbd(f), bgnbd(f), mbgnbd(f) FROM histories},
	'pareto_nbd' => q{SELECT pareto_nbd(f) FROM histories},
	'bgbb, many opportunities' => q{SELECT bgbb(f) FROM appeals},
	'gamma_gamma' => q{SELECT gamma_gamma(spent), gamma_gamma(spent), gamma_gamma(spent) FROM histories},
	'model_fit' => q{SELECT model_fit(m, f, 1000) FROM buying, histories WHERE name = 'pareto'},
	'purchase_probability, huge numbers' =>
		q{SELECT purchase_probability(m, 1e14, 1, 2, 1e9, 2000000000 - i)
			FROM buying, generate_series(1, 1000000) AS i WHERE name = 'pareto'},
	'next_purchase_at, huge numbers' =>
		q{SELECT next_purchase_at(m, 1e14 - i, 2e8, 2e8, '2026-01-01') FROM buying, generate_series(1, 1000000) AS i WHERE name = 'pareto'},
	'discounted purchases' => q{SELECT segment_internal.discounted_purchases(m, 3, 10, 20 + i, 100000, 0, 1)
		FROM buying, generate_series(1, 10000) AS i WHERE name = 'bg'},
	'linear_regression, many features' => q{SELECT linear_regression(f, errors => 'HC3') FROM wide},
	'logistic_regression, many categories' => q{SELECT logistic_regression(f, errors => 'HC2') FROM labelled},
	'logistic_regression, lasso' => q{SELECT logistic_regression(f, penalty => 1e-6, l1_share => 1) FROM labelled},
	'prediction_quality' => q{SELECT prediction_quality(f), prediction_quality(f), prediction_quality(f) FROM scored},
	'rank_criteria, many resamples' => q{SELECT rank_criteria(f, resamples => 100000) FROM labelled},
	'buying_history' => q{SELECT buying_history(null::integer, 'SELECT o.* FROM public.orders AS o, generate_series(1, 4)', '2026-01-01')},
	'association_rules, low support' => q{SELECT association_rules(null::integer, 'SELECT * FROM public.lines', 0.00002, 0.0001)},
	'item_similarity' => q{SELECT item_similarity(null::integer,
		'SELECT basket + n * 1000000, item FROM public.lines, generate_series(1, 3) AS n')},
	'recommend' => q{SELECT recommend(null::integer, null::integer, 'SELECT * FROM public.lines')});

sub stops_in_time
{
	my ($name, $call, @timeouts) = @_;
	my @late = lateness($call, @timeouts);
	is(scalar @late, scalar @timeouts, "$name: every call ended");
	# of a machine that was busy with something else, ask once more
	foreach my $i (grep { $late[$_] >= 100 } 0 .. $#late)
	{
		my ($again) = sort { $a <=> $b } lateness($call, ($timeouts[$i]) x 3);
		$late[$i] = $again;
	}
	my ($worst) = sort { $b <=> $a } @late;
	cmp_ok($worst, '<', 100, "$name: stops within 100 ms");
	cmp_ok(scalar(grep { $_ >= 0 } @late), '>', @timeouts / 2, "$name: most calls were stopped");
	note("$name: at worst $worst ms late");
	return;
}

stops_in_time($_, $calls{$_}, map { 5 + 41 * $_ } 0 .. 19) foreach sort keys %calls;
stops_in_time($_, $predicting{$_}, map { 5 + 41 * $_ } 0 .. 8) foreach sort keys %predicting;
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_activity
	WHERE state = \'active\' AND backend_type = \'client backend\' AND pid <> pg_backend_pid()'), '0', 'nothing goes on');
$node->stop;
done_testing();
