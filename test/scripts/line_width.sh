# Lines that people can read side by side: at most 140 characters in tests, 120 in the
# SQL of the extension.  Expected outputs are as wide as what came.

set -u
tests=0

# The lines of these files that are longer than so many characters, a tab counted as 4.
too_long() {
	local width=$1
	shift
	perl -CSD -e '
		my $width = shift;
		foreach my $file (@ARGV)
		{
			open(my $in, "<", $file) or die "cannot read $file: $!";
			while (my $line = <$in>)
			{
				chomp $line;
				1 while $line =~ s/^([^\t]*)\t/$1 . " " x (4 - length($1) % 4)/e;
				print "# $file:$.: ", length($line), " characters\n" if length($line) > $width;
			}
		}' "$width" "$@"
}

# No line of the files below these folders that are named so is longer than that.
at_most() {
	local width=$1 name=$2 files found
	shift 2
	mapfile -t files < <(find "$@" -type f -name "$name" | sort)
	found=$(too_long "$width" "${files[@]}")
	tests=$((tests + 1))
	if [ -z "$found" ] && [ "${#files[@]}" -gt 0 ]; then
		echo "ok $tests - $*: $name, ${#files[@]} files, at most $width characters a line"
	else
		echo "not ok $tests - $*: $name, ${#files[@]} files, at most $width characters a line"
		echo "$found"
	fi
}

at_most 140 '*.sql' test/sql test/pgtap test/matrix
at_most 140 '*.psql' test/lib
at_most 140 '*.spec' test/specs
at_most 140 '*.p[lm]' test/t
at_most 140 '*.[ch]' test/unit
at_most 140 '*.sh' test/scripts
at_most 120 '*.sql' sql

long=$(mktemp)
printf '%s\n' "$(printf '%121s' '')" "$(printf '\t%116s' '')" "$(printf '\t%117s' '')" "$(printf 'ö%.0s' {1..120})" > "$long"
tests=$((tests + 1))
if [ "$(too_long 120 "$long" | cut -d : -f 2 | tr '\n' ' ')" = '1 3 ' ]; then
	echo "ok $tests - lines too long are found"
else
	echo "not ok $tests - lines too long are found"
	too_long 120 "$long"
fi
rm "$long"
echo "1..$tests"
