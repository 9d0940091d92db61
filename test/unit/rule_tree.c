/*
 * rule_tree.c: trees of few rows compared with an exhaustive search, by whole numbers
 * alone; and that the order of rows and their folding change nothing.
 */
#include "kernel/tree/rule_tree.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "tap.h"

#define MOST_ROWS 60
#define MOST_FEATURES 4
#define MOST_LABELS 4
#define CATEGORIES 5
#define MANY_NODES 200

typedef struct Case
{
	SegmentTreeRows rows;
	double		x[MOST_ROWS * MOST_FEATURES];
	int32		label[MOST_ROWS];
	int64		copies[MOST_ROWS];
	int32		rank[CATEGORIES];
	const int32 *ranks[MOST_FEATURES];
	int			n_used;
} Case;

static void
random_case(Case *c, int number)
{
	SegmentTreeRows *rows = &c->rows;
	bool		signal = number % 3 != 0;
	int			values = 2 + random64() % 8;
	int			missing = random64() % 3 == 0 ? 4 : 0;
	int			r;
	int			f;

	rows->n = 1 + random64() % MOST_ROWS;
	rows->d = rows->width = 1 + random64() % MOST_FEATURES;
	rows->k = 1 + random64() % MOST_LABELS;
	rows->x = c->x;
	rows->label = c->label;
	rows->copies = number % 2 ? c->copies : NULL;
	rows->rank = c->ranks;
	rows->max_depth = 1 + random64() % 4;
	rows->min_leaf = 1 + random64() % 4;
	/* codes are not in the order of categories */
	for (f = 0; f < CATEGORIES; f++)
		c->rank[f] = (f * 3 + 1) % CATEGORIES;
	for (f = 0; f < rows->d; f++)
		c->ranks[f] = random64() % 2 ? c->rank : NULL;
	c->n_used = 0;
	for (r = 0; r < rows->n; r++)
	{
		c->copies[r] = 1 + random64() % 3;
		for (f = 0; f < rows->d; f++)
		{
			double		x = (double) (random64() % (c->ranks[f] != NULL ? CATEGORIES : values));

			if (c->ranks[f] == NULL && number % 5 == 0)
				x = x == 0 ? -HUGE_VAL : x == 1 ? HUGE_VAL : x == 2 ? DBL_MAX : x * 1.1e-308;
			if (missing > 0 && random64() % missing == 0)
				x = NAN;
			c->x[r * rows->width + f] = x;
		}
		c->label[r] = random64() % rows->k;
		if (signal && c->x[r * rows->width] > 1)
			c->label[r] = 0;
		if (random64() % 20 == 0)
			c->label[r] = -1;
		c->n_used += c->label[r] >= 0;
	}
}

/* ---- an exhaustive search ---- */

typedef struct Node
{
	int			feature;
	double		threshold;
	bool		is_number;
	int			list;			/* bits of categories */
	int			missing;
	int			child[2];
	int64		count[MOST_LABELS];
	int64		right;
} Node;

typedef struct Oracle
{
	const Case *c;
	bool		lacked[MOST_FEATURES];
	Node		node[MANY_NODES];
	int			n;
	bool		sets_are_best;	/* no other way to divide categories was better */
} Oracle;

typedef struct Score
{
	int64		above;			/* of a fraction */
	int64		below;
	int64		n[2];
} Score;

static double
known_value(const Case *c, int r, int f)
{
	double		x = c->x[r * c->rows.width + f];

	return isnan(x) || c->ranks[f] == NULL ? x : c->rank[(int) x];
}

static int64
copies(const Case *c, int r)
{
	return c->rows.copies == NULL ? 1 : c->copies[r];
}

static int
side_of(bool is_number, double threshold, int list, int missing, double x)
{
	if (isnan(x))
		return missing;
	return is_number ? (x <= threshold ? 0 : 1) : (list >> (int) x) & 1 ? 0 : 1;
}

static Score
score_of(const Case *c, const bool *here, int f, double threshold, int list, int missing)
{
	int64		count[2][MOST_LABELS] = {{0}};
	int64		squares[2] = {0, 0};
	Score		score = {0};
	int			r;
	int			k;

	for (r = 0; r < c->rows.n; r++)
		if (here[r])
			count[side_of(c->ranks[f] == NULL, threshold, list, missing, known_value(c, r, f))][c->label[r]] +=
				copies(c, r);
	for (k = 0; k < c->rows.k; k++)
	{
		squares[0] += count[0][k] * count[0][k];
		squares[1] += count[1][k] * count[1][k];
		score.n[0] += count[0][k];
		score.n[1] += count[1][k];
	}
	if (score.n[0] > 0 && score.n[1] > 0)
	{
		score.above = squares[0] * score.n[1] + squares[1] * score.n[0];
		score.below = score.n[0] * score.n[1];
	}
	return score;
}

static bool
more(Score a, Score b)
{
	return a.above * b.below > b.above * a.below;
}

static bool
allowed(const Case *c, Score s)
{
	return s.n[0] >= c->rows.min_leaf && s.n[1] >= c->rows.min_leaf;
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static int
bits(int list)
{
	return list == 0 ? 0 : (list & 1) + bits(list >> 1);
}

typedef struct Search
{
	Oracle	   *oracle;
	const bool *here;
	Score		best;
	Node	   *node;
	bool		lacks;			/* rows of the node lack the feature looked at */
} Search;

static bool
try_split(Search *s, int f, double threshold, int list, int missing)
{
	const Case *c = s->oracle->c;
	Score		score = score_of(c, s->here, f, threshold, list, missing);

	if (!allowed(c, score) || !more(score, s->best))
		return false;
	s->best = score;
	s->node->feature = f;
	s->node->is_number = c->ranks[f] == NULL;
	s->node->threshold = threshold;
	s->node->list = list;
	s->node->missing = missing;
	return true;
}

static void
search_number(Search *s, int f)
{
	const Case *c = s->oracle->c;
	double		value[MOST_ROWS];
	int			n = 0;
	int			r;

	for (r = 0; r < c->rows.n; r++)
		if (s->here[r] && !isnan(known_value(c, r, f)))
			value[n++] = known_value(c, r, f);
	qsort(value, n, sizeof(double), compare_doubles);
	for (r = 0; r + 1 < n; r++)
		if (value[r] < value[r + 1])
		{
			double		t = segment_tree_threshold(value[r], value[r + 1]);

			try_split(s, f, t, 0, 1);
			if (s->lacks)
				try_split(s, f, t, 0, 0);
		}
	if (s->lacks)
		try_split(s, f, HUGE_VAL, 0, 1);
}

/* Shares of the lowest label decide about the order in which sets are tried. */
static void
search_category(Search *s, int f, int n_labels, const int *labels)
{
	const Case *c = s->oracle->c;
	int64		count[CATEGORIES][2] = {{0}};
	int			there = 0;
	int			order[CATEGORIES];
	int			n = 0;
	int			r;
	int			i;
	int			j;
	int			list = 0;
	bool		taken = false;

	if (s->lacks)
		try_split(s, f, 0, 0, 0);
	for (r = 0; r < c->rows.n; r++)
		if (s->here[r] && !isnan(known_value(c, r, f)))
		{
			there |= 1 << (int) known_value(c, r, f);
			count[(int) known_value(c, r, f)][c->label[r] == labels[0] ? 0 : 1] += copies(c, r);
		}
	if (n_labels > 2)
	{
		for (i = 0; i < CATEGORIES; i++)
			if ((there >> i) & 1 && there != 1 << i)
			{
				try_split(s, f, 0, 1 << i, 1);
				if (s->lacks)
					try_split(s, f, 0, 1 << i, 0);
			}
		return;
	}
	for (i = 0; i < CATEGORIES; i++)
		if ((there >> i) & 1)
		{
			for (j = n++; j > 0 && count[order[j - 1]][0] * count[i][1] > count[i][0] * count[order[j - 1]][1]; j--)
				order[j] = order[j - 1];
			order[j] = i;
		}
	for (i = 0; i + 1 < n; i++)
	{
		list |= 1 << order[i];
		taken |= try_split(s, f, 0, list, 1);
		if (s->lacks)
			taken |= try_split(s, f, 0, list, 0);
	}
	if (taken)
	{
		int			others = there & ~s->node->list;

		if (bits(others) < bits(s->node->list) ||
			(bits(others) == bits(s->node->list) && (others & -others) < (s->node->list & -s->node->list)))
		{
			s->node->list = others;
			s->node->missing = 1 - s->node->missing;
		}
	}
	/* theorem 4.5 is about leaves of any size */
	if (c->rows.min_leaf == 1 && s->node->feature == f)
		for (i = 1; i < there; i++)
			if ((i & ~there) == 0 && (more(score_of(c, s->here, f, 0, i, 0), s->best) ||
									  more(score_of(c, s->here, f, 0, i, 1), s->best)))
				s->oracle->sets_are_best = false;
}

static int
oracle_grow(Oracle *oracle, const bool *here, int depth)
{
	const Case *c = oracle->c;
	int			number = oracle->n++;
	Node	   *node = &oracle->node[number];
	Search		s = {oracle, here, {0}, node, false};
	int64		n = 0;
	int			labels[2] = {0, 0};
	int			n_labels = 0;
	bool		child[MOST_ROWS];
	int			side;
	int			r;
	int			f;
	int			k;

	memset(node, 0, sizeof(*node));
	node->feature = -1;
	for (r = 0; r < c->rows.n; r++)
		if (here[r])
			node->count[c->label[r]] += copies(c, r);
	s.best.below = 1;
	for (k = 0; k < c->rows.k; k++)
	{
		if (node->count[k] > 0 && n_labels < 2)
			labels[n_labels] = k;
		n_labels += node->count[k] > 0;
		n += node->count[k];
		s.best.above += node->count[k] * node->count[k];
		node->right = node->count[k] > node->right ? node->count[k] : node->right;
	}
	s.best.below = n;
	if (depth == c->rows.max_depth || n_labels < 2)
		return number;
	for (f = 0; f < c->rows.d; f++)
	{
		s.lacks = false;
		for (r = 0; r < c->rows.n; r++)
			s.lacks |= here[r] && isnan(known_value(c, r, f));
		if (c->ranks[f] == NULL)
			search_number(&s, f);
		else
			search_category(&s, f, n_labels, labels);
	}
	if (node->feature < 0)
		return number;
	s.lacks = false;
	for (r = 0; r < c->rows.n; r++)
		s.lacks |= here[r] && isnan(known_value(c, r, node->feature));
	if (!s.lacks)
		node->missing = oracle->lacked[node->feature] ? (s.best.n[0] >= s.best.n[1] ? 0 : 1) : -1;
	/* lists that were turned round have turned the sides, too */
	if (!s.lacks && oracle->lacked[node->feature])
	{
		Score		score = score_of(c, here, node->feature, node->threshold, node->list, 0);

		node->missing = score.n[0] >= score.n[1] ? 0 : 1;
	}
	for (side = 0; side < 2; side++)
	{
		for (r = 0; r < c->rows.n; r++)
			child[r] = here[r] && side_of(node->is_number, node->threshold, node->list, node->missing,
										  known_value(c, r, node->feature)) == side;
		node->child[side] = oracle_grow(oracle, child, depth + 1);
	}
	n = oracle->node[node->child[0]].right + oracle->node[node->child[1]].right;
	if (n > node->right)
		node->right = n;
	else
		node->feature = -1;
	return number;
}

static bool
same_tree(const SegmentTree *tree, int i, const Oracle *oracle, int j)
{
	const SegmentTreeNode *a = &tree->node[i];
	const Node *b = &oracle->node[j];
	int			list = 0;
	int			c;

	for (c = 0; c < tree->k; c++)
		if (tree->count[i * tree->k + c] != b->count[c])
			return false;
	if (a->feature != b->feature)
		return false;
	if (a->feature < 0)
		return true;
	for (c = 0; c < a->n_listed; c++)
		list |= 1 << a->listed[c];
	if (a->missing != b->missing || (a->n_listed < 0) != b->is_number ||
		(b->is_number ? a->threshold != b->threshold : list != b->list))
		return false;
	return same_tree(tree, a->child[0], oracle, b->child[0]) &&
		same_tree(tree, a->child[1], oracle, b->child[1]);
}

static void
compare_with_oracle(void)
{
	static Case c;
	static Oracle oracle;
	int			number;
	int			compared = 0;
	int			divided = 0;
	bool		same = true;
	bool		best = true;

	for (number = 0; number < 20000; number++)
	{
		SegmentTree tree;
		bool		here[MOST_ROWS];
		int			r;
		int			f;

		random_case(&c, number);
		if (c.n_used == 0)
			continue;
		memset(&oracle, 0, sizeof(oracle));
		oracle.c = &c;
		oracle.sets_are_best = true;
		for (r = 0; r < c.rows.n; r++)
		{
			here[r] = c.label[r] >= 0;
			for (f = 0; f < c.rows.d; f++)
				oracle.lacked[f] |= here[r] && isnan(known_value(&c, r, f));
		}
		oracle_grow(&oracle, here, 0);
		segment_tree_grow(&tree, &c.rows, tap_memory(), NULL);
		compared++;
		divided += tree.node[0].feature >= 0;
		if (!same_tree(&tree, 0, &oracle, 0))
		{
			if (same)
				printf("# case %d differs\n", number);
			same = false;
		}
		best &= oracle.sets_are_best;
		segment_tree_free(&tree);
	}
	printf("# %d trees, %d of them divided\n", compared, divided);
	ok(compared > 15000 && divided > 5000, "there are enough trees to compare");
	ok(same, "each split is the best of all, by exact fractions, and ties are as told");
	ok(best, "of two labels no set of categories is better than those by share");
}

/* The same rows in another order, and each as often as it has copies. */
static void
order_and_copies(void)
{
	static Case c;
	bool		same = true;
	int			number;

	for (number = 0; number < 2000; number++)
	{
		static double x[3 * MOST_ROWS * MOST_FEATURES];
		static int32 label[3 * MOST_ROWS];
		SegmentTreeRows other;
		SegmentTree a;
		SegmentTree b;
		int			n = 0;
		int			r;
		int			i;

		random_case(&c, number);
		if (c.n_used == 0)
			continue;
		other = c.rows;
		for (r = (int) c.rows.n - 1; r >= 0; r--)
			for (i = 0; i < copies(&c, r); i++)
			{
				memcpy(&x[n * c.rows.width], &c.x[r * c.rows.width], sizeof(double) * c.rows.d);
				label[n++] = c.label[r];
			}
		other.n = n;
		other.x = x;
		other.label = label;
		other.copies = NULL;
		segment_tree_grow(&a, &c.rows, tap_memory(), NULL);
		segment_tree_grow(&b, &other, tap_memory(), NULL);
		same &= a.n == b.n && memcmp(a.count, b.count, sizeof(int64) * a.n * a.k) == 0;
		for (i = 0; same && i < a.n; i++)
			same &= a.node[i].feature == b.node[i].feature && a.node[i].threshold == b.node[i].threshold &&
				a.node[i].n_listed == b.node[i].n_listed && a.node[i].missing == b.node[i].missing &&
				(a.node[i].n_listed < 1 ||
				 memcmp(a.node[i].listed, b.node[i].listed, sizeof(int32) * a.node[i].n_listed) == 0);
		segment_tree_free(&a);
		segment_tree_free(&b);
	}
	ok(same, "neither the order of rows nor their copies change a tree");
}

/* Counts near the limit: figures that differ by one part in 2^60 are told apart. */
static void
exact_figures(void)
{
	/*
	 * Two labels of 2^30 - 1 rows each.  Feature 0 takes all of one label but 1000000, and
	 * 1000000 of the other; feature 1 takes a row more of the first.
	 */
	const double x[] = {0, 0, 1, 0, 1, 1, 1, 1, 0, 0};
	const int32 label[] = {0, 0, 0, 1, 1};
	const int64 copies[] = {1072741823, 1, 999999, 1072741823, 1000000};
	const int32 *rank[] = {NULL, NULL};
	SegmentTreeRows rows = {5, 2, 2, x, 2, rank, label, copies, 1, 1};
	SegmentTree tree;

	segment_tree_grow(&tree, &rows, tap_memory(), NULL);
	ok(tree.node[0].feature == 1, "of two splits of 2^31 rows the one that is better by a row wins");
	segment_tree_free(&tree);
}

static void
thresholds(void)
{
	bool		between = true;
	int			i;

	ok(segment_tree_threshold(1.1, 1.2) == 1.15, "midway, in as few digits as can be");
	ok(segment_tree_threshold(1, nextafter(1, 2)) == 1, "neighbouring numbers: the lower one");
	ok(segment_tree_threshold(-HUGE_VAL, HUGE_VAL) == 0, "between the infinities");
	ok(segment_tree_threshold(-DBL_MAX, DBL_MAX) == 0 && segment_tree_threshold(DBL_MAX, HUGE_VAL) == DBL_MAX,
	   "no overflow");
	for (i = 0; i < 1000000; i++)
	{
		union
		{
			uint64		bits;
			double		x;
		}			a,
					b;
		double		low;
		double		high;
		double		t;

		a.bits = random64();
		b.bits = i % 2 ? random64() : a.bits + 1 + random64() % 3;
		if (isnan(a.x) || isnan(b.x) || a.x == b.x)
			continue;
		low = a.x < b.x ? a.x : b.x;
		high = a.x < b.x ? b.x : a.x;
		t = segment_tree_threshold(low, high);
		between &= low <= t && t < high;
	}
	ok(between, "low <= threshold < high for any two numbers");
}

static int	asked;
static int	asked_most;

static bool
stop_at(void)
{
	return ++asked >= asked_most;
}

static void
interruption(void)
{
	static Case c;
	int64		blocks = tap_blocks;
	int			stopped = 0;
	int			number;

	for (number = 0; number < 500; number++)
	{
		SegmentTree tree;

		random_case(&c, number);
		if (c.n_used == 0)
			continue;
		asked = 0;
		asked_most = 1 + number % 30;
		stopped += segment_tree_grow(&tree, &c.rows, tap_memory(), stop_at) == SEGMENT_INTERRUPTED;
		segment_tree_free(&tree);
	}
	ok(stopped > 100, "growing can be stopped");
	ok(tap_blocks == blocks, "and leaves no memory behind");
}

int
main(void)
{
	compare_with_oracle();
	order_and_copies();
	exact_figures();
	thresholds();
	interruption();
	return done();
}
