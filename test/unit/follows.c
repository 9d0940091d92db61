/*
 * follows.c: the oracle looks at all pairs of events.
 */
#include "kernel/vocabulary/follows.h"

#include <string.h>

#include "tap.h"

#define N 40

static bool
brute(const SegmentSpan *spans, int n)
{
	int			i,
				j;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			if (spans[i].from < spans[i].to && spans[j].from == spans[j].to &&
				spans[j].from > spans[i].from && spans[j].from <= spans[i].to)
				return true;
	return false;
}

static bool
compact(SegmentSpan *spans, int64 *n)
{
	SegmentSpan scratch[N];
	bool		found;

	if (segment_follows_compact(spans, scratch, n, &found, NULL) != SEGMENT_DONE)
		abort();
	return found;
}

static bool
never_on(void)
{
	return true;
}

/* Whole, and in two parts that are compacted before they are merged, shuffled. */
static void
test_random(void)
{
	int			wrong = 0;
	int			differing = 0;
	int			n_found = 0;
	int			n_kept = 0;
	int			round;

	for (round = 0; round < 20000; round++)
	{
		SegmentSpan all[N];
		SegmentSpan whole[N];
		SegmentSpan part[2][N];
		int64		n_part[2] = {0, 0};
		int			n = (int) (random64() % N);
		int64		n_whole = n;
		int64		last = 20 + (int64) (random64() % 1000);
		bool		found;
		bool		found_parts;
		int			i;

		for (i = 0; i < n; i++)
		{
			all[i].from = (int64) (random64() % (uint64) last) - last / 2;
			all[i].to = all[i].from + (random64() % 2 == 0 ? 0 : 1 + (int64) (random64() % 5));
			part[i % 2][n_part[i % 2]++] = all[i];
		}
		memcpy(whole, all, sizeof(all));
		found = compact(whole, &n_whole);
		wrong += found != brute(all, n);
		n_found += found;
		found_parts = compact(part[0], &n_part[0]);
		found_parts = compact(part[1], &n_part[1]) || found_parts;
		if (!found_parts)
		{
			memmove(part[1] + n_part[1], part[0], sizeof(SegmentSpan) * (size_t) n_part[0]);
			n_part[1] += n_part[0];
			found_parts = compact(part[1], &n_part[1]);
		}
		else
			n_part[1] = 0;
		differing += found_parts != found || n_part[1] != n_whole ||
			memcmp(whole, part[1], sizeof(SegmentSpan) * (size_t) n_whole) != 0;
		n_kept += (int) n_whole;
	}
	ok(wrong == 0, "random events: as all pairs say");
	ok(differing == 0, "parts compacted and merged are the whole, byte for byte");
	ok(n_found > 1000 && n_found < 19000 && n_kept > 1000, "both answers occurred");
}

int
main(void)
{
	SegmentSpan meet[] = {{3, 8}, {0, 5}, {0, 0}, {8, 9}};
	SegmentSpan hit[] = {{9, 9}, {3, 8}, {0, 5}, {8, 9}};
	SegmentSpan many[2] = {{1, 1}, {0, 0}};
	static SegmentSpan long_list[200000];
	static SegmentSpan scratch[200000];
	int64		n = 4;
	int64		i;
	bool		found;

	ok(!compact(meet, &n) && n == 2 && meet[1].from == 0 && meet[1].to == 9, "spans that meet are one");
	n = 4;
	ok(compact(hit, &n) && n == 0, "the end of a span is in it");
	n = 0;
	ok(!compact(many, &n) && n == 0, "nothing");
	n = 2;
	ok(!compact(many, &n) && n == 2 && many[0].from == 0, "B's alone");
	n = 200000;
	for (i = 0; i < n; i++)
		long_list[i].from = long_list[i].to = (int64) random64() >> 1;
	ok(segment_follows_compact(long_list, scratch, &n, &found, never_on) == SEGMENT_INTERRUPTED, "can be stopped");
	n = 200000;
	for (i = 0; i < n; i++)
	{
		long_list[i].from = PG_INT64_MAX - 2 * i;
		long_list[i].to = long_list[i].from;
	}
	segment_follows_compact(long_list, scratch, &n, &found, NULL);
	for (i = 1; i < n && long_list[i].from > long_list[i - 1].from; i++)
		;
	ok(n == 200000 && i == n, "sorted");
	test_random();
	return done();
}
