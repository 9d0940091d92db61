# Law 12: whatever bytes a client sends as a segment_model, feature_set, outcome or kmeans_state, as text
# or as binary, it gets an error of a known class, or a value; values written
# back are in canonical form; the session lives on and takes no memory for it.
#
# Each value is a file of its own, read by COPY, because a COPY ends at its first
# error.  What libFuzzer finds beyond this is looked for by make fuzz.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# the same values every time
srand(20240229);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => ['--encoding=UTF8']);
$node->start;
my $dir = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', q{
	CREATE EXTENSION segment;
	CREATE TABLE customer AS SELECT n * 37 % 100 AS recency, 1 + n % 4 AS frequency, n * 7.25 AS monetary,
		(ARRAY['north', 'süd', ''])[n % 3 + 1] AS region FROM generate_series(1, 12) AS n;
	CREATE TABLE real_model AS
	SELECT segment.rfm_model(segment.feature_set(recency, frequency, monetary), bins => 3, scheme => 'klaviyo') AS v FROM customer;
	CREATE TABLE real_set AS
		SELECT 'numbers' AS name, segment.feature_set(recency, frequency, nullif(monetary, 7.25)) AS v FROM customer
		UNION ALL SELECT 'weighted', segment.feature_set_weighted(monetary, recency, frequency) FROM customer WHERE frequency > 2
		UNION ALL SELECT 'named', segment.feature_set(c) FROM (SELECT region, monetary FROM customer LIMIT 5) AS c;
	-- of 7 rows one is in the sample; of the others 5 have a value, from 1 to 2, and their sums are 8
	INSERT INTO real_set SELECT 'sampled', ('0001' || '02' || '00' || '00000001' || encode('Segment1', 'hex')
		|| '0000000000000007' || '0000000000000001' || '00000000' || encode('n', 'hex')
		|| '3ff0000000000000' || '0000000000000001' || '0000000000000005' || '0000000000000001'
		|| '0000000000000000' || '3ff0000000000000' || '4000000000000000'
		|| repeat('004e' || '0001' || '0000000000000008', 3))::segment.feature_set;
	CREATE TABLE segment_model (v segment.segment_model);
	CREATE TABLE feature_set (v segment.feature_set);
	CREATE TABLE kmeans_state (v segment.kmeans_state);
	CREATE TABLE outcome (v segment.outcome);
});

sub bytes_of
{
	my ($sql) = @_;
	return map { pack('H*', $_) } split /\n/, $node->safe_psql('postgres', $sql);
}

# a file of COPY BINARY with one row of one field; the length word may lie
sub binary_file
{
	my ($bytes, $length) = @_;
	return "PGCOPY\n\377\r\n\0" . pack('N N', 0, 0) . pack('n N', 1, defined $length ? $length : length $bytes)
		. $bytes . pack('n', 0xFFFF);
}

sub text_file
{
	my ($text) = @_;
	$text =~ s/\\/\\\\/g;
	$text =~ s/\n/\\n/g;
	$text =~ s/\r/\\r/g;
	$text =~ s/\t/\\t/g;
	return "$text\n";
}

# all the ways in which a real value is spoilt; each is given as bytes
sub spoilt
{
	my ($real) = @_;
	my @values = map { substr($real, 0, $_) } 0 .. length($real) - 1;
	foreach my $i (0 .. length($real) - 1)
	{
		my $value = $real;
		substr($value, $i, 1) ^= chr(1 + int rand 255);
		push @values, $value;
	}
	foreach (1 .. 150)
	{
		my $value = $real;
		foreach (0 .. int rand 4)
		{
			# some bytes replaced by others of the same value, which often is another number or name
			my $length = 1 + int rand 8;
			substr($value, int rand length $value, $length) = substr($real, int rand length $real, $length);
		}
		push @values, $value;
	}
	return @values;
}

sub random_bytes
{
	my ($length) = @_;
	return join '', map { chr int rand 256 } 1 .. $length;
}

# Reads each file into the table and returns how many ended in which SQLSTATE.
sub copy_files
{
	my ($table, $format, @files) = @_;
	my $n = 0;
	my $script = "\\set VERBOSITY sqlstate\nSET client_min_messages = error;\nSELECT 'session', pg_backend_pid();\n";
	foreach my $content (@files)
	{
		$n++;
		open my $file, '>:raw', "$dir/$n" or die "$dir/$n: $!";
		print {$file} $content;
		close $file or die "$dir/$n: $!";
		$script .= "COPY $table FROM '$dir/$n' (FORMAT $format);\n\\echo state :SQLSTATE\n";
	}
	# what the session took at most, in kB
	$script .= "SELECT 'session', pg_backend_pid();\n"
		. "SELECT 'memory', substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s*(\\d+)');\n";
	my ($out, $err) = ('', '');
	$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, on_error_die => 0);
	unlink map { "$dir/$_" } 1 .. $n;

	my %states;
	$states{$1}++ while $out =~ /^state (\S+)$/mg;
	my %sessions = map { $_ => 1 } $out =~ /^session\|(\d+)$/mg;
	my ($memory) = $out =~ /^memory\|(\d+)$/m;
	my $total = 0;
	$total += $_ foreach values %states;
	is($total, $n, "$table, $format: all $n values were answered");
	is(scalar keys %sessions, 1, "$table, $format: by one session");
	SKIP:
	{
		# a chroot may have no /proc
		skip 'this system does not tell how much memory a process took', 1 unless -r '/proc/self/status';
		cmp_ok($memory || 1e9, '<', 256 * 1024, "$table, $format: which took little memory");
	}
	return \%states;
}

# Which classes of errors there may be, besides 00000 for a value that was read.
my %known = (
	'22P03' => 'invalid binary representation',
	'08P01' => 'message too short',
	'22P04' => 'COPY file of the wrong form',
	'22P02' => 'invalid text representation',
	'22P05' => 'untranslatable character',
	'22021' => 'bytes that the encoding does not allow',
	'22003' => 'number out of range',
	'54000' => 'length word beyond what COPY takes',
	'0A000' => 'newer format');

sub check
{
	my ($table, $format, $files, @must) = @_;
	my $states = copy_files($table, $format, @$files);
	my @strange = grep { $_ ne '00000' && !$known{$_} } sort keys %$states;
	is("@strange", '', "$table, $format: no error of another class");
	foreach my $state ('00000', @must)
	{
		cmp_ok($states->{$state} || 0, '>', 0, "$table, $format: $state " . ($known{$state} || 'read') . ' occurs');
	}
	note(join ', ', map { "$_ $states->{$_}" } sort keys %$states);
}

# Values that were read are written in a form that reads back as the same.
sub check_canonical
{
	my ($type) = @_;
	my $t = "segment.$type";
	is($node->safe_psql('postgres', "SELECT count(*) FROM $type WHERE v::text::$t\::text <> v::text"), 0,
		"$type: text reads back as the same text");
	my ($differ) = split /\n/, $node->safe_psql('postgres', qq{
		CREATE TEMP TABLE again (v $t);
		COPY $type TO '$dir/written' (FORMAT binary);
		COPY again FROM '$dir/written' (FORMAT binary);
		SELECT count(*) FROM ((SELECT v::text FROM $type EXCEPT ALL SELECT v::text FROM again)
			UNION ALL (SELECT v::text FROM again EXCEPT ALL SELECT v::text FROM $type)) AS d});
	is($differ, 0, "$type: binary reads back as the same value");
	unlink "$dir/written";
}

# ---- segment_model ----
my ($model) = bytes_of(q{SELECT encode(convert_to(v::text, 'UTF8'), 'hex') FROM real_model});
{
	my @formats = map { (my $m = $model) =~ s/"format": 1/"format": $_/; $m } 0, 2, 3, 32767, 2147483648, '1e30', '"1"', '1.5', -1;
	my @text = ($model, spoilt($model), @formats, map { random_bytes($_) } 1 .. 50);
	# the text form of COPY ends at a zero byte or a lone \. by itself
	check('segment_model', 'text', [ map { text_file($_) } @text ], '22P02', '22021', '0A000');

	my $binary = pack('n', 1) . $model;
	my @values = ($binary, spoilt($binary), (map { pack('n', $_) . $model } 0, 2, 3, 32768, 65535),
		(map { pack('n', 1) . $_ } @formats), map { random_bytes($_) } 1 .. 100);
	my @files = ((map { binary_file($_) } @values), map { binary_file($binary, $_) } 0, 1, 2, length($binary) - 1,
		length($binary) + 1, length($binary) + 2, length($binary) + 1000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF);
	check('segment_model', 'binary', \@files, '22P02', '22P03', '08P01', '22021', '0A000', '22P04');
	check_canonical('segment_model');
	is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE v IS NOT NULL AND NOT EXISTS (SELECT FROM segment.segments(v) AS s
		WHERE s.segment = segment.assign_segment(v, 12, 4, 310))) FROM segment_model}),
		0, 'models that were read place a row into one of their segments');
	foreach my $format (2, 65535)
	{
		open my $file, '>:raw', "$dir/newer" or die $!;
		print {$file} binary_file(pack('n', $format) . $model);
		close $file;
		my ($status, $out, $err) = $node->psql('postgres', "COPY segment_model FROM '$dir/newer' (FORMAT binary)");
		like($err, qr/segment_model has binary format $format, this version reads up to 1.*HINT:  It was written by a newer version/s,
			"binary format $format of a model: told");
	}
}

# ---- feature_set ----
{
	my @sets = bytes_of(q{SELECT v::text FROM real_set ORDER BY name});
	my @values = map { ($_, spoilt($_)) } @sets;
	foreach my $set (@sets)
	{
		push @values, map { pack('n', $_) . substr($set, 2) } 0, 2, 3, 32768, 65535;
		# lengths and counts that promise more than comes, or are negative
		foreach my $word (0x7FFFFFFF, 0xFFFFFFFF, 1600)
		{
			push @values, map { my $v = $set; substr($v, $_, 4) = pack('N', $word); $v } grep { $_ % 2 == 0 } 4 .. length($set) - 4;
		}
	}
	push @values, map { random_bytes($_) } 1 .. 100;
	check('feature_set', 'binary', [ (map { binary_file($_) } @values), map { binary_file($sets[0], $_) } 0, 1,
		length($sets[0]) - 1, length($sets[0]) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF ],
		'22P03', '08P01', '22021', '0A000', '22P04');
	# the same code reads the text form: fewer will do
	check('feature_set', 'text', [ map { text_file($_) } (map { unpack('H*', $values[ 5 * $_ ]) } 0 .. $#values / 5),
		(map { spoilt(unpack('H*', $_)) } $sets[0]), map { random_bytes($_) } 1 .. 50 ],
		'22P03', '08P01', '22021', '0A000');
	check_canonical('feature_set');
	# merging a set with itself doubles what was seen; a set that is too large for that says so
	is($node->safe_psql('postgres',
		q{SELECT count(*) FROM (SELECT segment.feature_set_info(v) AS info, segment.feature_set_info(m) AS merged
		FROM feature_set, LATERAL (SELECT segment.feature_set_merge(x) AS m FROM (VALUES (v), (v)) AS two (x)) AS m
		WHERE (segment.feature_set_info(v) ->> 'n_input')::numeric <= 2 ^ 52::numeric) AS s
		WHERE (merged ->> 'n_input')::numeric <> 2 * (info ->> 'n_input')::numeric}), 0, 'sets that were read can be merged');
}

# ---- outcome ----
{
	my @outcomes = map { bytes_of("SELECT $_\::text FROM customer") } 'segment.outcome(frequency > 2)', 'segment.outcome(-recency)',
		'segment.outcome(recency, frequency, recency * frequency)', 'segment.outcome_ratio(recency, frequency)';
	my @values = (@outcomes, map { spoilt($_) } @outcomes);
	push @values, map { pack('n', $_) . substr($outcomes[1], 2) } 0, 2, 32768, 65535;
	foreach my $outcome (@outcomes)
	{
		foreach my $word (0x7FFFFFFF, 0xFFFFFFFF, 0)
		{
			push @values, map { my $v = $outcome; substr($v, $_, 4) = pack('N', $word); $v }
				grep { $_ % 2 == 0 } 2 .. length($outcome) - 4;
		}
	}
	push @values, map { random_bytes($_) } 1 .. 100;
	check('outcome', 'binary', [ (map { binary_file($_) } @values), map { binary_file($outcomes[1], $_) } 0, 1,
		length($outcomes[1]) - 1, length($outcomes[1]) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF ],
		'22P03', '08P01', '22P04');
	check('outcome', 'text', [ map { text_file($_) } (map { unpack('H*', $values[ 5 * $_ ]) } 0 .. $#values / 5),
		(map { spoilt(unpack('H*', $_)) } @outcomes), map { random_bytes($_) } 1 .. 50 ],
		'22P03', '08P01', '22021');
	check_canonical('outcome');
	# 13 and 29: where customers and skipped rows stand; more than so many cannot be added up
	is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT v FROM outcome
			WHERE greatest(substr(v::text, 13, 16), substr(v::text, 29, 16)) < '0800000000000000') AS o,
		LATERAL (SELECT segment.outcome_merge(x) AS m FROM (VALUES (v), (v)) AS two (x)) AS m
		WHERE m::text::segment.outcome::text <> m::text}),
		0, 'outcomes that were read can be merged');
}

# ---- kmeans_state ----
{
	my ($state) = bytes_of(q{SELECT segment.kmeans_step_state(m, recency, frequency)::text
		FROM customer, (SELECT segment.kmeans(segment.feature_set(recency, frequency), 2) AS m FROM customer) AS t});
	my ($weighted) = bytes_of(q{SELECT segment.kmeans_step_state_weighted(m, frequency + 0.5, recency, frequency)::text
		FROM customer, (SELECT segment.kmeans(segment.feature_set(recency, frequency), 2) AS m FROM customer) AS t});
	my @values = ($state, spoilt($state), $weighted, spoilt($weighted));
	push @values, map { pack('n', $_) . substr($state, 2) } 0, 2, 3, 32768, 65535;
	push @values, pack('n', 1) . substr($weighted, 2);
	foreach my $word (0x7FFFFFFF, 0xFFFFFFFF, 1600)
	{
		push @values, map { my $v = $state; substr($v, $_, 4) = pack('N', $word); $v } grep { $_ % 2 == 0 } 2 .. length($state) - 4;
	}
	push @values, map { random_bytes($_) } 1 .. 100;
	check('kmeans_state', 'binary', [ (map { binary_file($_) } @values), map { binary_file($state, $_) } 0, 1,
		length($state) - 1, length($state) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF ],
		'22P02', '22P03', '08P01', '22021', '0A000', '22P04');
	check('kmeans_state', 'text', [ map { text_file($_) } (map { unpack('H*', $values[ 5 * $_ ]) } 0 .. $#values / 5),
		(map { spoilt(unpack('H*', $state)) } 1), map { random_bytes($_) } 1 .. 50 ],
		'22P02', '22P03', '08P01', '22021', '0A000');
	check_canonical('kmeans_state');
	is($node->safe_psql('postgres', q{SELECT count(*)
		FROM (SELECT segment.model_metrics(segment.kmeans_step(v)) AS one, segment.model_metrics(segment.kmeans_step(m)) AS two
		FROM (SELECT v FROM kmeans_state WHERE get_byte(segment_internal.kmeans_state_send(v), 1) = 1) AS s,
				LATERAL (SELECT segment.kmeans_step_merge(x) AS m FROM (VALUES (v), (v)) AS two (x)) AS m) AS s
		WHERE (two ->> 'n_input')::numeric <> 2 * (one ->> 'n_input')::numeric}), 0,
		'states that were read can be merged and give a model');
}

is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server is up');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'and has been all the time');
$node->stop;
done_testing();
