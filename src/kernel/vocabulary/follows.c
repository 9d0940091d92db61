/*
 * follows.c: whether some B comes after an A by at most a given time.
 *
 * Rows come in any order, and parts of them are merged, so whatever may still be
 * part of a pair has to be kept.  An A is kept as the span in which a B follows
 * it, (from, to]; spans that meet become one, so that A's take at most a span for
 * each such time of the whole period, however many they are.  Of equal B's one is
 * kept.  As soon as a B lies in a span, the answer is known and nothing is kept.
 *
 *		A---A-----|          A------|
 *		 (  one span ]   B   (      ]      B        no B in a span
 *
 * Both unions depend on the set of events only, so what is kept once it has been
 * compacted does, too, whatever the order of rows and parts.
 *
 * Worked example: A at 0 and 3, each with 5: one span (0, 8].  B at 0: not after
 * the A.  B at 8: found.
 */
#include "kernel/vocabulary/follows.h"

#include <string.h>

/* spans merged between two questions whether to go on */
#define CHECK_EVERY ((int64) 1 << 16)

/* By their beginning; a B before the A's of the same instant, which it does not follow. */
static inline bool
comes_before(const SegmentSpan *a, const SegmentSpan *b)
{
	return a->from != b->from ? a->from < b->from : a->to < b->to;
}

/* Merges two sorted runs, [0, middle) and [middle, n), from `in` to `out`. */
static void
merge_runs(const SegmentSpan *in, SegmentSpan *out, int64 middle, int64 n)
{
	int64		a = 0;
	int64		b = middle;
	int64		i;

	for (i = 0; i < n; i++)
		out[i] = b >= n || (a < middle && !comes_before(&in[b], &in[a])) ? in[a++] : in[b++];
}

/* Sorts by merging runs of 1, 2, 4, ... spans; scratch has room for n. */
static SegmentStatus
sort_spans(SegmentSpan *spans, SegmentSpan *scratch, int64 n, SegmentInterrupted interrupted)
{
	SegmentSpan *in = spans;
	SegmentSpan *out = scratch;
	int64		since_check = 0;
	int64		run;
	int64		i;

	for (run = 1; run < n; run *= 2)
	{
		SegmentSpan *swap = in;

		for (i = 0; i < n; i += 2 * run)
		{
			int64		length = Min(2 * run, n - i);

			merge_runs(in + i, out + i, Min(run, length), length);
			since_check += length;
			if (since_check >= CHECK_EVERY && interrupted != NULL && interrupted())
				return SEGMENT_INTERRUPTED;
			since_check = since_check >= CHECK_EVERY ? 0 : since_check;
		}
		in = out;
		out = swap;
	}
	if (in != spans)
		memcpy(spans, in, sizeof(SegmentSpan) * n);
	return SEGMENT_DONE;
}

/*
 * Brings *n spans into the form described above, sorted, or sets *found and *n to 0.
 * scratch has room for *n.  After an interruption spans are in no order, some missing.
 */
SegmentStatus
segment_follows_compact(SegmentSpan *spans, SegmentSpan *scratch, int64 *n, bool *found,
						SegmentInterrupted interrupted)
{
	SegmentStatus status = sort_spans(spans, scratch, *n, interrupted);
	int64		kept = 0;
	int64		last_a = -1;	/* where the last A was kept */
	int64		last_b = -1;
	int64		i;

	*found = false;
	if (status != SEGMENT_DONE)
		return status;
	for (i = 0; i < *n; i++)
	{
		SegmentSpan span = spans[i];

		if (span.from == span.to)
		{
			if (last_a >= 0 && span.from <= spans[last_a].to)
			{
				*found = true;
				*n = 0;
				return SEGMENT_DONE;
			}
			if (last_b >= 0 && spans[last_b].from == span.from)
				continue;
			last_b = kept;
		}
		else
		{
			if (last_a >= 0 && span.from <= spans[last_a].to)
			{
				spans[last_a].to = Max(spans[last_a].to, span.to);
				continue;
			}
			last_a = kept;
		}
		spans[kept++] = span;
	}
	*n = kept;
	return SEGMENT_DONE;
}
