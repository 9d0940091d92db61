# The version stands once, in segment.control, and the module knows it: before 18 in
# the file alone, from then on pg_get_loaded_modules() tells.

use strict;
use warnings FATAL => 'all';

use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $control = slurp_file(dirname(__FILE__) . '/../../segment.control');
my ($version) = $control =~ /^default_version\s*=\s*'(.+)'/m;
ok($version, 'segment.control has a version');

my $library = `"@{[$ENV{PG_CONFIG} || 'pg_config']}" --pkglibdir`;
chomp $library;
like(slurp_file("$library/segment.so"), qr/\0segment \Q$version\E\0/, 'segment.so holds the version');

my $node = PostgreSQL::Test::Cluster->new('version');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION segment');
is($node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'segment'}), $version, 'and so does the extension');

SKIP:
{
	skip 'pg_get_loaded_modules() is new in 18', 1
	  if $node->safe_psql('postgres', 'SHOW server_version_num') < 180000;
	is( $node->safe_psql('postgres', q{
			SELECT segment.adjusted_rand_index(i, i) FROM generate_series(1, 2) AS i;
			SELECT module_name, version FROM pg_get_loaded_modules() WHERE file_name LIKE 'segment%'}),
		"1\nsegment|$version", 'the server tells name and version of the module');
}

done_testing();
