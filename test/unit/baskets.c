/*
 * baskets.c: the oracle counts every set of items by looking at every basket.
 */
#include "kernel/basket/baskets.h"
#include "kernel/basket/itemsets.h"
#include "kernel/basket/neighbours.h"

#include <math.h>
#include <string.h>

#include "tap.h"

#define ITEMS	8
#define BASKETS 150

/* Baskets as bits, in the numbers of the items. */
typedef struct Case
{
	int			n;
	uint32		bits[BASKETS];
	uint32		order[ITEMS];
	SegmentBaskets baskets;
} Case;

static bool
never_on(void)
{
	return true;
}

static int
count_bits(const Case *c, uint32 set, int from, int to)
{
	int			n = 0;
	int			b;

	for (b = from; b < to; b++)
		n += (c->bits[b] & set) == set;
	return n;
}

/* The last item that counts is the first. */
static void
place_items(Case *c, const uint32 *counts, uint32 least)
{
	uint32		place = 0;
	int			i;

	for (i = ITEMS - 1; i >= 0; i--)
		if (counts[i] >= least)
			c->order[i] = place++;
}

/* Random lines, some twice, in random order; every basket has an item. */
static void
make_case(Case *c, int n, uint32 least)
{
	SegmentMemory memory = tap_memory();
	SegmentBasketLine *lines = memory.resize(NULL, NULL, sizeof(SegmentBasketLine) * BASKETS * ITEMS * 2);
	uint32	   *counts;
	int			n_lines = 0;
	int			b;
	int			i;

	c->n = n;
	for (b = 0; b < n; b++)
	{
		c->bits[b] = (uint32) (random64() & random64()) % (1 << ITEMS);
		c->bits[b] |= 1u << (random64() % ITEMS);
		for (i = 0; i < ITEMS; i++)
			if (c->bits[b] >> i & 1)
			{
				int			times = 1 + (int) (random64() % 2);

				while (times-- > 0)
				{
					int			at = (int) (random64() % (uint64) (n_lines + 1));

					lines[n_lines++] = lines[at];
					lines[at].basket = (uint32) b;
					lines[at].item = (uint32) i;
				}
			}
	}
	if (segment_baskets_build(&c->baskets, memory, lines, (uint64) n_lines, (uint32) n, ITEMS, NULL) != SEGMENT_DONE)
		abort();
	counts = segment_baskets_count(&c->baskets, memory, ITEMS);
	place_items(c, counts, least);
	if (segment_baskets_rank(&c->baskets, memory, counts, c->order, ITEMS, least, NULL) != SEGMENT_DONE)
		abort();
	memory.release(NULL, counts);
}

static void
drop_case(Case *c)
{
	free(c->baskets.item_of);
	free(c->baskets.rank_of);
	free(c->baskets.basket_start);
	free(c->baskets.ranks);
	free(c->baskets.item_start);
	free(c->baskets.baskets);
}

static int
items_in(uint32 set)
{
	return __builtin_popcount(set);
}

/* The baskets with a rank of from .. to - 1, without the ranks below. */
static void
make_part(const SegmentBaskets *whole, SegmentBaskets *part, uint32 from, uint32 to)
{
	SegmentMemory memory = tap_memory();
	uint64		n = 0;
	uint32		b;

	memset(part, 0, sizeof(*part));
	part->n_ranks = whole->n_ranks;
	part->ranks = memory.resize(NULL, NULL, sizeof(uint32) * (whole->basket_start[whole->n_baskets] + 1));
	part->basket_start = memory.resize(NULL, NULL, sizeof(uint64) * ((uint64) whole->n_baskets + 1));
	part->basket_start[0] = 0;
	for (b = 0; b < whole->n_baskets; b++)
	{
		uint64		i = whole->basket_start[b];
		uint64		end = whole->basket_start[b + 1];

		while (i < end && whole->ranks[i] < from)
			i++;
		if (i == end || whole->ranks[i] >= to)
			continue;
		while (i < end)
			part->ranks[n++] = whole->ranks[i++];
		part->basket_start[++part->n_baskets] = n;
	}
	if (segment_baskets_list(part, memory, from, to, NULL) != SEGMENT_DONE)
		abort();
}

/* Sets found a few ranks at a time are those found at once, in the same order. */
static void
test_parts(void)
{
	int			wrong = 0;
	int			larger = 0;
	int			round;

	for (round = 0; round < 300; round++)
	{
		SegmentMemory memory = tap_memory();
		Case		c;
		uint32		least = 1 + (uint32) (random64() % 10);
		uint32		max_length = 1 + (uint32) (random64() % ITEMS);
		SegmentItemsets once;
		SegmentItemsets parts;
		uint32		from;
		uint32		to;

		make_case(&c, (int) (random64() % BASKETS), least);
		(void) segment_itemsets_find(&once, memory, &c.baskets, least, max_length, NULL);
		segment_itemsets_begin(&parts, memory, &c.baskets, least, max_length);
		for (from = 0; from < c.baskets.n_ranks; from = to)
		{
			SegmentBaskets part;

			to = from + 1 + (uint32) (random64() % (c.baskets.n_ranks - from));
			make_part(&c.baskets, &part, from, to);
			(void) segment_itemsets_extend(&parts, &part, from, to, NULL);
			free(part.ranks);
			free(part.basket_start);
			free(part.item_start);
			free(part.baskets);
		}
		larger += once.longest > 2;
		wrong += once.n != parts.n || once.longest != parts.longest ||
			memcmp(once.sets, parts.sets, sizeof(SegmentItemset) * once.n) != 0;
		free(once.sets);
		free(parts.sets);
		drop_case(&c);
	}
	ok(wrong == 0 && larger > 100, "itemsets found in parts are those found at once");
}

/* All rules, each as often as it came, against all subsets. */
static void
test_rules(void)
{
	int			wrong = 0;
	int			measures = 0;
	int			unranked = 0;
	int			n_rules = 0;
	int			round;

	for (round = 0; round < 400; round++)
	{
		static uint8 seen[1 << ITEMS][ITEMS];
		Case		c;
		uint32		least = 1 + (uint32) (random64() % 20);
		uint32		max_length = 1 + (uint32) (random64() % (ITEMS + 1));
		uint32		min_length = 1 + (uint32) (random64() % 3);
		double		confidence = uniform();
		SegmentItemsets itemsets;
		SegmentRuleWalk walk;
		SegmentRule rule;
		bool		found;
		uint32		set;
		uint32		k;
		int			i;

		memset(seen, 0, sizeof(seen));
		make_case(&c, (int) (random64() % BASKETS), least);
		for (k = 1; k < c.baskets.n_ranks; k++)
			unranked += segment_baskets_with(&c.baskets, k) < segment_baskets_with(&c.baskets, k - 1) ||
				(segment_baskets_with(&c.baskets, k) == segment_baskets_with(&c.baskets, k - 1) &&
				 c.baskets.item_of[k] > c.baskets.item_of[k - 1]);
		if (segment_itemsets_find(&itemsets, tap_memory(), &c.baskets, least, max_length, NULL) != SEGMENT_DONE)
			abort();
		segment_rules_begin(&walk, &itemsets, min_length, confidence);
		while (segment_rules_next(&walk, &rule, &found, NULL) == SEGMENT_DONE && found)
		{
			uint32		y = c.baskets.item_of[rule.consequent];
			SegmentAssociation of = segment_association(rule.both, rule.with_antecedent, rule.with_consequent, (uint32) c.n);
			double		a = (double) rule.with_antecedent / c.n;
			double		b = (double) rule.with_consequent / c.n;

			for (k = 0, set = 0; k < rule.n_items; k++)
				set |= 1u << c.baskets.item_of[rule.antecedent[k]];
			seen[set][y]++;
			wrong += (int) rule.both != count_bits(&c, set | 1u << y, 0, c.n) ||
				(int) rule.with_antecedent != count_bits(&c, set, 0, c.n) ||
				(int) rule.with_consequent != count_bits(&c, 1u << y, 0, c.n);
			measures += fabs(of.lift - of.support / a / b) > 1e-12 * of.lift ||
				fabs(of.leverage - (of.support - a * b)) > 1e-12 ||
				(a < 1 && b < 1 && fabs(of.chi2 - c.n * pow(of.support - a * b, 2) / (a * (1 - a) * b * (1 - b))) >
				 1e-9 * (1 + of.chi2)) ||
				(of.confidence < 1 && fabs(of.conviction - (1 - b) / (1 - of.confidence)) > 1e-9 * of.conviction);
			n_rules++;
		}
		for (set = 0; set < 1 << ITEMS; set++)
			for (i = 0; i < ITEMS; i++)
			{
				int			both = count_bits(&c, set | 1u << i, 0, c.n);
				bool		expected = !(set >> i & 1) && both >= (int) least && items_in(set) + 1 >= (int) min_length &&
					items_in(set) + 1 <= (int) max_length && (double) both / count_bits(&c, set, 0, c.n) >= confidence;

				wrong += seen[set][i] != expected;
			}
		free(walk.path);
		free(walk.items);
		free(itemsets.sets);
		drop_case(&c);
	}
	ok(wrong == 0, "random baskets: the rules are those of all subsets, each once");
	ok(measures == 0, "their measures are those of the textbook");
	ok(unranked == 0, "the rarest item is the first, then by the order given");
	ok(n_rules > 5000, "there were rules");
}

static void
test_neighbours(void)
{
	int			wrong = 0;
	int			round;

	for (round = 0; round < 300; round++)
	{
		Case		c;
		SegmentTogether together;
		SegmentNeighbour nearest[ITEMS];
		SegmentSimilarity kind = (SegmentSimilarity) (random64() % SEGMENT_SIMILARITIES);
		uint32		least = 1 + (uint32) (random64() % 5);
		uint32		most = (uint32) (random64() % ITEMS);
		uint32		rank;

		make_case(&c, (int) (random64() % BASKETS), 1);
		segment_together_begin(&together, tap_memory(), &c.baskets, NULL);
		for (rank = 0; rank < c.baskets.n_ranks; rank++)
		{
			uint32		n;
			uint32		expected = 0;
			uint32		other;

			if (segment_neighbours(&together, rank, kind, least, nearest, most, &n) != SEGMENT_DONE)
				abort();
			for (other = 0; other < c.baskets.n_ranks; other++)
			{
				double		a = segment_baskets_with(&c.baskets, rank);
				double		b = segment_baskets_with(&c.baskets, other);
				double		both = count_bits(&c, 1u << c.baskets.item_of[rank] | 1u << c.baskets.item_of[other], 0, c.n);
				double		near = kind == SEGMENT_COSINE ? both / sqrt(a * b)
					: kind == SEGMENT_JACCARD ? both / (a + b - both) : both * c.n / (a * b);
				uint32		k;

				if (other == rank || both < least)
					continue;
				expected++;
				for (k = 0; k < n && nearest[k].rank != other; k++)
					;
				if (k < n)
					wrong += nearest[k].weight != near || nearest[k].both != both;
				else
					wrong += n < most || (n > 0 && (near > nearest[n - 1].weight ||
													(near == nearest[n - 1].weight && other < nearest[n - 1].rank)));
			}
			wrong += n != Min(expected, most);
			for (other = 1; other < n; other++)
				wrong += nearest[other].weight > nearest[other - 1].weight;
		}
		free(together.counts);
		free(together.touched);
		drop_case(&c);
	}
	ok(wrong == 0, "neighbours are the nearest of all, the nearest first");
}

/* The score of an item by the formula in words; all items are neighbours. */
static double
score_of(const Case *c, int customer, uint32 item, int from, int to, double share, bool only_new)
{
	double		score = 0;
	uint32		rank;

	for (rank = 0; rank < c->baskets.n_ranks; rank++)
	{
		uint32		has = c->baskets.item_of[rank];
		double		both;
		double		a;
		double		b;

		if (!(c->bits[customer] >> has & 1))
			continue;
		if (has == item)
		{
			score += only_new ? 0 : 1;
			continue;
		}
		both = count_bits(c, 1u << has | 1u << item, from, to) + share * count_bits(c, 1u << has | 1u << item, 0, c->n);
		a = count_bits(c, 1u << has, from, to) + share * count_bits(c, 1u << has, 0, c->n);
		b = count_bits(c, 1u << item, from, to) + share * count_bits(c, 1u << item, 0, c->n);
		if (both > 0)
			score += both / sqrt(a * b);
	}
	return score;
}

static void
test_recommend(void)
{
	int			wrong = 0;
	int			n_scored = 0;
	int			n_popular = 0;
	int			round;

	for (round = 0; round < 200; round++)
	{
		Case		c;
		SegmentRecommender r;
		SegmentRecommendation result[ITEMS];
		double		weight = random64() % 3 == 0 ? 0 : uniform() * 50;
		bool		only_new = random64() % 2 == 0;
		int			from;
		int			to;
		int			customer;
		uint32		n;
		uint32		k;

		make_case(&c, 2 + (int) (random64() % (BASKETS - 2)), 1);
		from = (int) (random64() % (uint64) c.n);
		to = from + 1 + (int) (random64() % (uint64) (c.n - from));
		segment_recommender_begin(&r, tap_memory(), &c.baskets, weight, ITEMS, NULL);
		if (segment_recommender_enter(&r, (uint32) from, (uint32) to) != SEGMENT_DONE)
			abort();
		for (customer = from; customer < to; customer++)
		{
			uint32		got = 0;
			double		share = from == 0 && to == c.n ? 0 : weight / c.n;
			uint32		item;

			if (segment_recommend(&r, (uint32) customer, only_new, result, c.baskets.n_ranks, &n) != SEGMENT_DONE)
				abort();
			for (k = 0; k < n; k++)
			{
				double		score;

				item = c.baskets.item_of[result[k].rank];
				got |= 1u << item;
				score = score_of(&c, customer, item, from, to, share, only_new);
				wrong += fabs(score - result[k].score) > 1e-12 * (1 + score) || (k > 0 && result[k].score > result[k - 1].score) ||
					(only_new && (c.bits[customer] >> item & 1)) || (result[k].because == PG_UINT32_MAX) != (result[k].score == 0);
				n_scored += result[k].score > 0;
				n_popular += result[k].score == 0;
			}
			for (item = 0; item < ITEMS; item++)
				wrong += !(got >> item & 1) && !(only_new && (c.bits[customer] >> item & 1)) &&
					count_bits(&c, 1u << item, from, to) + share * count_bits(&c, 1u << item, 0, c.n) > 0;
		}
		free(r.segment.counts);
		free(r.segment.touched);
		free(r.whole.counts);
		free(r.whole.touched);
		free(r.start);
		free(r.nearest);
		free(r.heap);
		free(r.counts);
		free(r.popular);
		free(r.scores);
		free(r.parts);
		free(r.because);
		free(r.touched);
		free(r.bought);
		drop_case(&c);
	}
	ok(wrong == 0, "scores are sums of cosines in the segment, with the whole as so many customers more");
	ok(n_scored > 1000 && n_popular > 20, "popular items follow");
}

/* Baskets of many items that are all alike: deep, and without end unless it is stopped. */
static void
test_stop(void)
{
	enum {n = 40, size = 60};
	SegmentMemory memory = tap_memory();
	SegmentBasketLine *lines = memory.resize(NULL, NULL, sizeof(SegmentBasketLine) * n * size);
	SegmentBaskets baskets;
	SegmentItemsets itemsets;
	uint32		order[size];
	uint32	   *counts;
	int			i;

	for (i = 0; i < n * size; i++)
	{
		lines[i].basket = (uint32) (i / size);
		lines[i].item = (uint32) (i % size);
		order[i % size] = (uint32) (i % size);
	}
	ok(segment_baskets_build(&baskets, memory, lines, n * size, n, size, never_on) == SEGMENT_INTERRUPTED, "building can be stopped");
	free(baskets.basket_start);
	free(baskets.ranks);
	/* stopped before it released them */
	ok(segment_baskets_build(&baskets, memory, lines, n * size, n, size, NULL) == SEGMENT_DONE, "baskets that are all alike");
	counts = segment_baskets_count(&baskets, memory, size);
	(void) segment_baskets_rank(&baskets, memory, counts, order, size, 1, NULL);
	ok(segment_itemsets_find(&itemsets, memory, &baskets, 1, 1000, never_on) == SEGMENT_INTERRUPTED, "mining can be stopped");
	free(itemsets.sets);
	ok(segment_itemsets_find(&itemsets, memory, &baskets, 1, 3, NULL) == SEGMENT_DONE &&
	   itemsets.n == size + size * (size - 1) / 2 + size * (size - 1) * (size - 2) / 6, "all sets of up to three items");
	free(itemsets.sets);
	free(baskets.item_of);
	free(baskets.rank_of);
	free(baskets.basket_start);
	free(baskets.ranks);
	free(baskets.item_start);
	free(baskets.baskets);
	free(counts);
}

static void
test_shares(void)
{
	int			wrong = 0;
	uint32		n;
	uint32		k;

	for (n = 1; n < 400; n++)
		for (k = 1; k <= n; k++)
			wrong += segment_least_count((double) k / n, n) != k;
	ok(wrong == 0, "a share that is a count's is reached by that count");
	ok(segment_least_count(0, 7) == 1 && segment_least_count(0.001, 9835) == 10 && segment_least_count(1, 7) == 7, "others by the next");
}

int
main(void)
{
	test_shares();
	test_parts();
	test_rules();
	test_neighbours();
	test_recommend();
	test_stop();
	return done();
}
