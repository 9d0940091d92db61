/*
 * k_advice.c: which number of segments the figures speak for, in plain words.
 *
 *	silhouette			the largest; among equals the smallest k
 *	davies_bouldin		the smallest; likewise
 *	calinski_harabasz	the largest; likewise
 *	gap					the first k that k + 1 does not beat by more than its standard
 *						error (kernel/k_criteria.c), else the largest k
 *	bic					the smallest; among equals the smallest k
 *	stability			the largest; among equals the largest k, which says more
 *
 * Each is a rule of thumb, so the reason names the others' choices, too.
 */
#include "quality/choose_k.h"

#include <math.h>

#include "kernel/quality/k_criteria.h"
#include "lib/stringinfo.h"

const char *const segment_criterion_names[] = {
	"silhouette", "davies_bouldin", "calinski_harabasz", "gap", "bic", "stability", NULL
};

static const char *const criterion_words[] = {
	"silhouette", "Davies-Bouldin", "Calinski-Harabasz", "gap statistic", "BIC", "stability"
};

/* below this a mean silhouette is hardly more than chance (Kaufman and Rousseeuw 1990) */
#define WEAK_SILHOUETTE 0.25

/* By the gap statistic from a row on; -1: not known. */
static int
first_unbeaten(const KTable *table)
{
	SegmentGap *gap = palloc(sizeof(SegmentGap) * (table->n + 1));
	int			n;

	for (n = 0; n < table->n && !isnan(table->row[n].value[K_GAP]); n++)
	{
		gap[n].gap = table->row[n].value[K_GAP];
		gap[n].error = table->row[n].gap_error;
	}
	return n == 0 ? -1 : segment_gap_choice(gap, n);
}

/* The number of the row that a criterion chooses; -1: it is not defined for any. */
int
segment_recommended_k(const KTable *table, KCriterion criterion)
{
	bool		least = criterion == K_DAVIES_BOULDIN || criterion == K_BIC;
	int			best = -1;
	int			i;

	if (criterion == K_GAP)
		return first_unbeaten(table);
	for (i = 0; i < table->n; i++)
	{
		double		here = table->row[i].value[criterion];
		double		there;

		if (isnan(here))
			continue;
		there = best < 0 ? here : table->row[best].value[criterion];
		if (best < 0 || (least ? here < there : here > there) ||
			(criterion == K_STABILITY && here == there))
			best = i;
	}
	return best;
}

/* Whether the gap statistic would rather have no division. */
static bool
sees_no_division(const KTable *table)
{
	return table->tried_one && table->n > 0 && !isnan(table->row[0].value[K_GAP]) &&
		table->gap_of_one >= table->row[0].value[K_GAP] - table->row[0].gap_error;
}

/* A number as a person would write it. */
static char *
plain(double x)
{
	return psprintf(fabs(x) < 10 ? "%.2f" : fabs(x) < 1000 ? "%.1f" : "%.0f", x);
}

static void
say_own(StringInfo out, const KTable *table, KCriterion criterion, int number)
{
	const KFigures *row = &table->row[number];
	char	   *value = plain(row->value[criterion]);

	switch (criterion)
	{
		case K_SILHOUETTE:
			appendStringInfo(out, "largest mean silhouette (%s)", value);
			if (row->value[criterion] < WEAK_SILHOUETTE)
				appendStringInfoString(out, ", which is small: segments hardly stand apart");
			break;
		case K_DAVIES_BOULDIN:
			appendStringInfo(out, "smallest Davies-Bouldin index (%s)", value);
			break;
		case K_CALINSKI_HARABASZ:
			appendStringInfo(out, "largest Calinski-Harabasz index (%s)", value);
			break;
		case K_GAP:
			if (number == table->n - 1)
				appendStringInfo(out, "the gap statistic (%s) rises up to the last k", value);
			else
				appendStringInfo(out,
								 "the gap statistic (%s) gains nothing beyond its error from one more segment", value);
			break;
		case K_BIC:
			appendStringInfo(out, "smallest BIC (%s)", value);
			break;
		case K_STABILITY:
			appendStringInfo(out, "most stable from sample to sample (%s)", value);
			break;
		case K_CRITERIA:
			break;
	}
}

/* Those that choose the same row; then what the others choose. */
static void
say_others(StringInfo out, const KTable *table, KCriterion criterion, int number)
{
	int			n_agree = 0;
	int			n_differ = 0;
	int			c;

	for (c = 0; c < K_CRITERIA; c++)
		if (c != (int) criterion && !(c == K_GAP && sees_no_division(table)) &&
			segment_recommended_k(table, c) == number)
			appendStringInfo(out, "%s%s", n_agree++ == 0 ? "; also the choice of " : ", ",
							 criterion_words[c]);
	for (c = 0; c < K_CRITERIA; c++)
	{
		int			choice = segment_recommended_k(table, c);

		if (c == K_GAP && sees_no_division(table))
		{
			if (criterion == K_GAP)
				appendStringInfoString(out, "; with k_min 1 it would choose 1 (no division)");
			else
				appendStringInfo(out, "%sgap statistic 1 (no division)", n_differ++ == 0 ? "; others: " : ", ");
		}
		else if (c != (int) criterion && choice >= 0 && choice != number)
			appendStringInfo(out, "%s%s %d", n_differ++ == 0 ? "; others: " : ", ", criterion_words[c],
							 table->row[choice].k);
	}
}

/* Why a row is recommended; of another row, which criteria choose it; NULL: none. */
char *
segment_reason_of_k(const KTable *table, KCriterion criterion, int number)
{
	int			choice = segment_recommended_k(table, criterion);
	StringInfoData out;
	int			n = 0;
	int			c;

	initStringInfo(&out);
	if (choice == number)
	{
		say_own(&out, table, criterion, number);
		if (number == table->n - 1 && table->n > 1)
			appendStringInfoString(&out, "; the largest k tried, more may be better");
		say_others(&out, table, criterion, number);
		return out.data;
	}
	for (c = 0; c < K_CRITERIA; c++)
		if (segment_recommended_k(table, c) == number && !(c == K_GAP && sees_no_division(table)))
			appendStringInfo(&out, "%s%s", n++ == 0 ? "choice of " : ", ", criterion_words[c]);
	return n == 0 ? NULL : out.data;
}
