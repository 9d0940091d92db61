/*
 * label_table.c: agreement of labelings compared with counting pairs of rows one
 * by one, and with entropies by the C library's logarithm.
 */
#include "kernel/quality/label_table.h"

#include <math.h>
#include <string.h>

#include "tap.h"

#define MAX_LABELS 8

static SegmentLabelTable
table_of(const int *a, const int *b, int n, SegmentLabelCell *cells)
{
	SegmentLabelTable table = {0, cells, MAX_LABELS, MAX_LABELS};
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		for (j = 0; j < table.n_cells; j++)
			if (cells[j].a == a[i] && cells[j].b == b[i])
				break;
		if (j == table.n_cells)
		{
			SegmentLabelCell cell = {a[i], b[i], 0};

			cells[table.n_cells++] = cell;
		}
		cells[j].rows++;
	}
	return table;
}

/* (index - expected) / (largest - expected) over unordered pairs, as Hubert and Arabie have it. */
static double
rand_by_pairs(const int *a, const int *b, int n)
{
	double		both = 0,
				in_a = 0,
				in_b = 0,
				pairs = 0;
	double		expected;
	int			i;
	int			j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
		{
			both += a[i] == a[j] && b[i] == b[j];
			in_a += a[i] == a[j];
			in_b += b[i] == b[j];
			pairs++;
		}
	if (both == in_a && both == in_b)
		return 1;
	expected = in_a * in_b / pairs;
	return (both - expected) / ((in_a + in_b) / 2 - expected);
}

static double
entropy_of(const double *counts, int m, double n)
{
	double		sum = 0;
	int			i;

	for (i = 0; i < m; i++)
		if (counts[i] > 0)
			sum -= counts[i] / n * log(counts[i] / n);
	return sum;
}

/* I = H_a + H_b - H_ab */
static double
information_by_entropies(const int *a, const int *b, int n)
{
	double		na[MAX_LABELS] = {0};
	double		nb[MAX_LABELS] = {0};
	double		nab[MAX_LABELS * MAX_LABELS] = {0};
	double		ha,
				hb;
	int			i;

	for (i = 0; i < n; i++)
	{
		na[a[i]]++;
		nb[b[i]]++;
		nab[a[i] * MAX_LABELS + b[i]]++;
	}
	ha = entropy_of(na, MAX_LABELS, n);
	hb = entropy_of(nb, MAX_LABELS, n);
	if (ha + hb == 0)
		return 1;
	return (ha + hb - entropy_of(nab, MAX_LABELS * MAX_LABELS, n)) / ((ha + hb) / 2);
}

static void
test_random(void)
{
	bool		rand_index = true;
	bool		information = true;
	bool		turned = true;
	int			round;

	for (round = 0; round < 2000; round++)
	{
		int			a[60];
		int			b[60];
		int			n = 1 + (int) (random64() % 60);
		int			n_labels = 1 + (int) (random64() % MAX_LABELS);
		SegmentLabelCell cells[MAX_LABELS * MAX_LABELS];
		SegmentLabelTable table;
		double		index;
		int			i;

		for (i = 0; i < n; i++)
		{
			a[i] = (int) (random64() % n_labels);
			b[i] = round % 2 == 0 ? (int) (random64() % n_labels)
				: random64() % 5 == 0 ? 0 : n_labels - 1 - a[i];
		}
		table = table_of(a, b, n, cells);
		index = segment_adjusted_rand_index(&table, tap_memory());
		rand_index = rand_index && fabs(index - rand_by_pairs(a, b, n)) < 1e-13;
		information = information && fabs(segment_normalized_mutual_information(&table, tap_memory()) -
										  information_by_entropies(a, b, n)) < 1e-13;
		table = table_of(b, a, n, cells);
		turned = turned && fabs(segment_adjusted_rand_index(&table, tap_memory()) - index) < 1e-15;
	}
	ok(rand_index, "adjusted Rand index, pair by pair");
	ok(information, "normalized mutual information, by entropies");
	ok(turned, "the index has no sides");
	ok(tap_blocks == 0, "all memory is given back");
}

static void
test_special(void)
{
	SegmentLabelCell example[] = {{0, 0, 2}, {1, 1, 1}, {2, 1, 1}};
	SegmentLabelCell alike[] = {{0, 0, 9}};
	SegmentLabelCell apart[] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}};
	SegmentLabelCell huge[] = {{0, 0, 4503599627370496.0}, {0, 1, 1}, {1, 1, 4503599627370495.0}};
	SegmentLabelTable table = {3, example, 3, 2};

	ok(fabs(segment_adjusted_rand_index(&table, tap_memory()) - 4.0 / 7) < 1e-16 &&
	   fabs(segment_normalized_mutual_information(&table, tap_memory()) - 0.8) < 1e-15,
	   "the worked example");
	table = (SegmentLabelTable) {1, alike, 1, 1};
	ok(segment_adjusted_rand_index(&table, tap_memory()) == 1 &&
	   segment_normalized_mutual_information(&table, tap_memory()) == 1, "all alike in both");
	table = (SegmentLabelTable) {3, apart, 1, 3};
	ok(segment_adjusted_rand_index(&table, tap_memory()) == 0 &&
	   segment_normalized_mutual_information(&table, tap_memory()) == 0, "all alike in one");
	table = (SegmentLabelTable) {3, huge, 2, 2};
	ok(1 - segment_adjusted_rand_index(&table, tap_memory()) < 1e-15 &&
	   1 - segment_normalized_mutual_information(&table, tap_memory()) < 1e-13 &&
	   segment_normalized_mutual_information(&table, tap_memory()) <= 1, "as many rows as can be counted");
}

int
main(void)
{
	test_random();
	test_special();
	return done();
}
