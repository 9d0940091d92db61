# Servers before 16 load modules with global symbols, where a name that another
# module has, too, is resolved to whichever came first.  So every symbol that
# the module exports starts with segment_.

use strict;
use warnings FATAL => 'all';

use Test::More;

my $library = `"@{[$ENV{PG_CONFIG} || 'pg_config']}" --pkglibdir`;
chomp $library;
$library .= '/segment.so';

plan skip_all => "there is no $library" unless -e $library;
plan skip_all => 'nm is not installed' if system('nm --version > /dev/null 2>&1') != 0;

my @symbols = map { (split)[2] } grep { /^\S+ [A-TV-Z] / } `nm -D --defined-only "$library"`;
ok(@symbols > 20, 'the module exports its functions');

my @strange = grep { !/^(segment_|pg_finfo_segment_|Pg_magic_func$|_PG_init$|_init$|_fini$)/ } @symbols;
is("@strange", '', 'all of them start with segment_');

my %exported = map { $_ => 1 } @symbols;
my @lost = grep { /^pg_finfo_(.*)/ && !$exported{$1} } @symbols;
is("@lost", '', 'every function that is announced is there');

# Nothing that rounds differently from one CPU to the next: no FMA in the code.
SKIP:
{
	skip 'objdump is not installed or the CPU is another', 1
	  if system('objdump --version > /dev/null 2>&1') != 0 || `uname -m` !~ /x86_64/;
	my @fused = grep { /\bvfn?m(add|sub)\d/ } `objdump -d --no-show-raw-insn "$library"`;
	is(scalar(@fused), 0, 'no fused multiply-add');
}

done_testing();
