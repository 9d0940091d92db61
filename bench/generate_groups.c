/*-------------------------------------------------------------------------
 *
 * generate_groups.c
 *		Overlapping Gaussian groups: writes rows of features for COPY.
 *
 * Clustering benchmarks need rows of any number in groups that can be told
 * apart, but not without doubt: groups far from each other are found in three
 * steps, and a single cloud says nothing about real customers.
 *
 *		centre of a group	Gaussian, so that two of them are about DISTANCE
 *							standard deviations of a group apart, whatever the
 *							number of features
 *		share of a group	between 1 and 3 parts
 *		deviation			between 0.75 and 1.25, the same in all features
 *		a row				centre + deviation * Gaussian, rounded to 4 decimals
 *
 * Gaussian is the sum of twelve uniform numbers of 16 bits less its mean, which
 * has variance 1 and ends at 6: whole numbers only, so the same options give the
 * same bytes on every machine.  (Tails beyond 3 are thinner than they should be;
 * clustering does not mind.)
 *
 * Output is that of COPY BINARY for a table of an integer (1, 2, ...) and as many
 * double precision columns as features; with --csv the same as CSV.
 *
 *		cc -O2 -o generate_groups generate_groups.c
 *		generate_groups --rows 1000000 --features 8 --groups 8 --seed 1 |
 *			psql -c "COPY points FROM STDIN (FORMAT binary)"
 *
 * IDENTIFICATION
 *		bench/generate_groups.c
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISTANCE		4.0		/* of two centres, in deviations: some rows of each
								 * lie nearer to the other */
#define DECIMALS		1e4		/* as amounts and rates have them */
#define MAX_ROWS		2000000000	/* the key is an integer */
#define MAX_FEATURES	1599	/* and a key: columns of a table */
#define MAX_GROUPS		100000

typedef struct Group
{
	double	   *centre;
	double		deviation;
	double		until;			/* a uniform number below this, and not below the
								 * group before, falls here */
} Group;

static uint64_t state;

static uint64_t
next_random(void)
{
	uint64_t	z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* In [0, 1). */
static double
uniform(void)
{
	return (double) (next_random() >> 11) / 9007199254740992.0;
}

static double
gaussian(void)
{
	int64_t		sum = 0;
	int			i;
	int			part;

	for (i = 0; i < 3; i++)
	{
		uint64_t	bits = next_random();

		for (part = 0; part < 4; part++)
			sum += (int64_t) (bits >> (16 * part) & 0xFFFF);
	}
	return (double) (sum - 12 * 65535 / 2) / 65536.0;
}

static void *
allocate(size_t size)
{
	void	   *memory = malloc(size);

	if (memory == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

static Group *
make_groups(int n, int features)
{
	Group	   *groups = allocate(sizeof(Group) * n);
	double		total = 0;
	double		until = 0;
	int			g;
	int			j;

	for (g = 0; g < n; g++)
	{
		groups[g].centre = allocate(sizeof(double) * features);
		for (j = 0; j < features; j++)
			groups[g].centre[j] = gaussian() * DISTANCE / sqrt(2.0 * features);
		groups[g].deviation = 0.75 + 0.5 * uniform();
		groups[g].until = 1 + 2 * uniform();
		total += groups[g].until;
	}
	for (g = 0; g < n; g++)
	{
		until += groups[g].until / total;
		groups[g].until = g == n - 1 ? 1 : until;
	}
	return groups;
}

/* ---- COPY BINARY: big-endian ---- */

static void
put(uint64_t value, int bytes)
{
	while (--bytes >= 0)
		putchar_unlocked((int) (value >> (8 * bytes) & 0xFF));
}

static void
put_row(int id, const double *row, int features)
{
	int			j;

	put((uint64_t) features + 1, 2);
	put(4, 4);
	put((uint64_t) id, 4);
	for (j = 0; j < features; j++)
	{
		uint64_t	bits;

		memcpy(&bits, &row[j], sizeof(bits));
		put(8, 4);
		put(bits, 8);
	}
}

static void
print_row(int id, const double *row, int features)
{
	int			j;

	printf("%d", id);
	for (j = 0; j < features; j++)
		printf(",%.15g", row[j]);
	putchar('\n');
}

/* ---- options ---- */

static void
usage(void)
{
	fprintf(stderr, "usage: generate_groups --rows N --features D --groups K [--seed S] [--csv]\n");
	exit(2);
}

static int64_t
number(const char *text, int64_t least, int64_t most)
{
	char	   *end;
	int64_t		n = text == NULL ? least - 1 : strtoll(text, &end, 10);

	if (n < least || n > most || *end != '\0')
		usage();
	return n;
}

int
main(int argc, char **argv)
{
	int			rows = 0;
	int			features = 0;
	int			n_groups = 0;
	uint64_t	seed = 1;
	bool		csv = false;
	Group	   *groups;
	double	   *row;
	int			i;

	for (i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--csv") == 0)
			csv = true;
		else if (strcmp(argv[i], "--rows") == 0)
			rows = (int) number(argv[++i], 1, MAX_ROWS);
		else if (strcmp(argv[i], "--features") == 0)
			features = (int) number(argv[++i], 1, MAX_FEATURES);
		else if (strcmp(argv[i], "--groups") == 0)
			n_groups = (int) number(argv[++i], 1, MAX_GROUPS);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = (uint64_t) number(argv[++i], 0, INT64_MAX);
		else
			usage();
	}
	if (rows == 0 || features == 0 || n_groups == 0)
		usage();

	state = seed * UINT64_C(0xD1342543DE82EF95);
	groups = make_groups(n_groups, features);
	row = allocate(sizeof(double) * features);
	if (!csv)
		fwrite("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 1, 19, stdout);
	for (i = 1; i <= rows; i++)
	{
		double		u = uniform();
		int			g = 0;
		int			j;

		while (u >= groups[g].until)
			g++;
		/* + 0.5 and floor, as rint() follows the mode of rounding */
		for (j = 0; j < features; j++)
			row[j] = floor((groups[g].centre[j] + groups[g].deviation * gaussian()) * DECIMALS + 0.5) / DECIMALS;
		if (csv)
			print_row(i, row, features);
		else
			put_row(i, row, features);
	}
	if (!csv)
		put(0xFFFF, 2);
	if (fflush(stdout) != 0 || ferror(stdout))
	{
		perror("generate_groups");
		return 1;
	}
	return 0;
}
