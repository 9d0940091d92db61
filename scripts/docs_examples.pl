# Runs the examples of a page of documentation and compares what comes with what the
# page says.  For scripts/check-docs and scripts/test, which provide the server.
#
#   perl scripts/docs_examples.pl [--write] PAGE...
#
# An example is a block fenced by ```sql; the block fenced by ``` after it, with
# nothing but blank lines between, is its output, NOTICEs and errors first, without CONTEXT.  Without one the
# example only has to succeed.  All of a page run in one session, in a new database that
# has the extension, unless an example creates it, and its schema in the search_path.  Blocks with other words
# behind the fence are not run, nor are those below a line
#
#   <!-- not run -->
#
# A page takes part when it has a line
#
#   <!-- examples are run by scripts/check-docs -->
#   <!-- examples are run by scripts/check-docs with FILE... -->
#
# the FILEs being data in SEGMENT_TEST_DATA/data, where psql is started; without
# them the page is skipped.  --write puts the outputs that come into the page.
# Prints TAP.  PSQL is how to call psql (default: psql).
use strict;
use warnings;
use File::Spec;
use File::Temp;

my $mark = qr/^<!-- examples are run by scripts\/check-docs(?: with (.+?))? -->$/m;
my $psql = $ENV{PSQL} // 'psql';
my $write = @ARGV && $ARGV[0] eq '--write' ? shift @ARGV : 0;
my $home = File::Spec->rel2abs('.');
my ($tests, $failed) = (0, 0);

sub result
{
	my ($passed, $what) = @_;
	$tests++;
	$failed++ unless $passed;
	print $passed ? '' : 'not ', "ok $tests - $what\n";
}

# What psql says to each of some inputs, in one session: stderr, then stdout.
sub run_psql
{
	my ($database, @inputs) = @_;
	my $mark = '-- end of an example --';
	my ($script, $output, $errors) = map { File::Temp->new } 1 .. 3;
	print $script "$_\n\\echo $mark\n\\warn $mark\n" foreach @inputs;
	close $script;
	system('sh', '-c', '"$0" -X -q -v SHOW_CONTEXT=never -d "$1" < "$2" > "$3" 2> "$4"', $psql, $database, "$script", "$output", "$errors");
	my ($out, $err) = map { local $/; open my $file, '<', "$_" or die "$_: $!"; [ split(/^\Q$mark\E\n/m, <$file> // '') ] } $output, $errors;
	return map { ($err->[$_] // '') . ($out->[$_] // '') } 0 .. $#inputs;
}

# The pieces of a page: text, and examples with their outputs.
sub pieces_of
{
	my ($page) = @_;
	my @pieces;
	my $line = 1;
	while ($page =~ /\G(.*?)(?:(?<!^<!-- not run -->\n)^```sql\n(.*?)^```\n((?:\s*\n)?)(?:^```\n(.*?)^```\n)?|\z)/gms)
	{
		my ($text, $sql, $between, $output) = ($1, $2, $3, $4);
		last if $text eq '' && !defined $sql;
		$line += ($text =~ tr/\n//);
		push @pieces, { text => $text, sql => $sql, between => $between, output => $output, line => $line };
		$line += 2 + ($sql =~ tr/\n//) + ($between =~ tr/\n//) if defined $sql;
		$line += 2 + ($output =~ tr/\n//) if defined $output;
	}
	return @pieces;
}

# As pages have it: no blanks at the ends of lines, no blank line at the end.
sub tidy
{
	my ($output) = @_;
	$output =~ s/[ \t]+$//mg;
	$output =~ s/\n+\z/\n/;
	return $output eq "\n" ? '' : $output;
}

sub check_page
{
	my ($name, $number) = @_;
	open my $file, '<', $name or die "$name: $!";
	my $page = do { local $/; <$file> };
	close $file;
	return unless $page =~ $mark;
	my @needed = split(' ', $1 // '');
	my $data = ($ENV{SEGMENT_TEST_DATA} // '') . '/data';
	foreach my $needed (@needed)
	{
		next if -r "$data/$needed";
		$tests++;
		print "ok $tests - $name # SKIP there is no $needed in SEGMENT_TEST_DATA/data\n";
		return;
	}
	my $database = 'docs_' . $number;
	my @pieces = pieces_of($page);
	my @examples = map { $_->{sql} } grep { defined $_->{sql} } @pieces;
	my $extension = (grep { /^CREATE EXTENSION segment;/m } @examples) ? '' : "CREATE EXTENSION segment;\n";
	my ($said) = run_psql('postgres', "CREATE DATABASE $database;\nALTER DATABASE $database SET search_path = \"\$user\", public, segment;\n" .
		  "ALTER DATABASE $database SET timezone = 'UTC';\n\\c $database\n$extension");
	die "$name: no database: $said" if $said =~ /ERROR/;
	chdir $data or die "$data: $!" if @needed;
	my $written = '';
	my @came = run_psql($database, @examples);
	foreach my $piece (@pieces)
	{
		$written .= $piece->{text};
		next unless defined $piece->{sql};
		my $output = tidy(shift @came);
		my $expected = defined $piece->{output} ? tidy($piece->{output}) : undef;
		# an error may be what the page shows
		my $passed = defined $expected ? $output eq $expected : $output !~ /^(ERROR|FATAL|psql):/m;
		$written .= "```sql\n$piece->{sql}```\n$piece->{between}";
		$written .= "```\n" . ($write ? $output : $piece->{output}) . "```\n" if defined $expected;
		result($passed || ($write && defined $expected), "$name:$piece->{line}");
		next if $passed;
		(my $shown = $output) =~ s/^/# /mg;
		print "# came:\n$shown";
		if (defined $expected)
		{
			($shown = $expected) =~ s/^/# /mg;
			print "# expected:\n$shown";
		}
	}
	chdir $home or die "$home: $!";
	if ($write && $written ne $page)
	{
		open $file, '>', $name or die "$name: $!";
		print $file $written;
		close $file;
	}
	run_psql('postgres', "DROP DATABASE $database;\n");
}

my $number = 0;
check_page($_, ++$number) foreach @ARGV;
print "1..$tests\n";
exit($failed ? 1 : 0);
