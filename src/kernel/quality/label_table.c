/*
 * label_table.c: how far two labelings of the same rows agree.
 *
 * From the table of how many rows have label a in the one and b in the other
 * (n_ab; sums n_a, n_b, n):
 *
 * adjusted Rand index: of all ordered pairs of rows let tp be those that are together in
 *	both labelings, fn and fp those together in one of them only, tn the rest;
 *	2 (tp tn - fn fp) / ((tp + fn)(fn + tn) + (tp + fp)(fp + tn)).  1: the same but for
 *	the names; about 0: as by chance; it can be negative.
 *
 * normalized mutual information, with the arithmetic mean of entropies:
 *	I / ((H_a + H_b) / 2), I = sum of n_ab/n ln(n n_ab / (n_a n_b)).  1: the same; 0: the
 *	one says nothing about the other.
 *
 * Worked example: 0 0 1 2 against 0 0 1 1.  tp = 2, fp = 2, fn = 0, tn = 8: 4/7.
 * I = ln 2, H_a = 1.5 ln 2, H_b = ln 2: 0.8.
 *
 * Values are scikit-learn's, also where nothing is said: both labelings with all
 * rows alike agree fully, 1.  Numbers of pairs are exact, rounded once; so are the other
 * sums, that nothing depends on how labels are numbered.
 *
 * References: Hubert and Arabie 1985; Strehl and Ghosh 2002; Vinh, Epps and
 * Bailey 2010.
 */
#include "kernel/quality/label_table.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/elementary.h"
#include "kernel/base/exact_sum.h"

/* Rows of each label of both labelings. */
typedef struct Margins
{
	double		n;
	double	   *a;
	double	   *b;
} Margins;

static void
margins_init(Margins *m, const SegmentLabelTable *table, SegmentMemory memory)
{
	int64		i;

	m->n = 0;
	m->a = segment_allocate_zeros(memory, table->n_a, sizeof(double));
	m->b = segment_allocate_zeros(memory, table->n_b, sizeof(double));
	for (i = 0; i < table->n_cells; i++)
	{
		m->n += table->cell[i].rows;
		m->a[table->cell[i].a] += table->cell[i].rows;
		m->b[table->cell[i].b] += table->cell[i].rows;
	}
}

static void
margins_free(Margins *m, SegmentMemory memory)
{
	memory.release(memory.ctx, m->a);
	memory.release(memory.ctx, m->b);
}

static void
add_square(SegmentExactSum *sum, double x, int sign)
{
	segment_exact_add_product(sum, x, sign * x, 0);
}

double
segment_adjusted_rand_index(const SegmentLabelTable *table, SegmentMemory memory)
{
	Margins		m;
	SegmentExactSum sum[4];		/* tp, fn, fp, tn */
	double		tp,
				fn,
				fp,
				tn;
	int64		i;
	int			s;

	margins_init(&m, table, memory);
	for (s = 0; s < 4; s++)
		segment_exact_init(&sum[s]);
	for (i = 0; i < table->n_cells; i++)
	{
		for (s = 0; s < 4; s++)
			add_square(&sum[s], table->cell[i].rows, s == 0 || s == 3 ? 1 : -1);
		segment_exact_add(&sum[0], -table->cell[i].rows);
	}
	for (i = 0; i < table->n_a; i++)
	{
		add_square(&sum[1], m.a[i], 1);
		add_square(&sum[3], m.a[i], -1);
	}
	for (i = 0; i < table->n_b; i++)
	{
		add_square(&sum[2], m.b[i], 1);
		add_square(&sum[3], m.b[i], -1);
	}
	add_square(&sum[3], m.n, 1);
	margins_free(&m, memory);

	tp = segment_exact_value(&sum[0]);
	fn = segment_exact_value(&sum[1]);
	fp = segment_exact_value(&sum[2]);
	tn = segment_exact_value(&sum[3]);
	if (fn == 0 && fp == 0)
		return 1.0;
	return 2.0 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
}

static double
entropy(const double *rows, int n_labels, double n)
{
	SegmentExactSum sum;
	int			i;

	segment_exact_init(&sum);
	for (i = 0; i < n_labels; i++)
		if (rows[i] > 0)
			segment_exact_add(&sum, -(rows[i] / n * segment_log(rows[i] / n)));
	return segment_exact_value(&sum);
}

static int
labels_used(const double *rows, int n_labels)
{
	int			used = 0;
	int			i;

	for (i = 0; i < n_labels; i++)
		used += rows[i] > 0;
	return used;
}

double
segment_normalized_mutual_information(const SegmentLabelTable *table, SegmentMemory memory)
{
	Margins		m;
	SegmentExactSum sum;
	double		information;
	double		result;
	int64		i;

	margins_init(&m, table, memory);
	segment_exact_init(&sum);
	for (i = 0; i < table->n_cells; i++)
	{
		const SegmentLabelCell *cell = &table->cell[i];

		segment_exact_add(&sum, cell->rows / m.n *
						  segment_log((cell->rows / m.a[cell->a]) / (m.b[cell->b] / m.n)));
	}
	information = segment_exact_value(&sum);
	if (labels_used(m.a, table->n_a) <= 1 && labels_used(m.b, table->n_b) <= 1)
		result = 1.0;
	/* nothing but rounding */
	else if (information <= DBL_EPSILON)
		result = 0.0;
	else
		result = information /
			((entropy(m.a, table->n_a, m.n) + entropy(m.b, table->n_b, m.n)) / 2);
	margins_free(&m, memory);
	return result < 1.0 ? result : 1.0;
}
