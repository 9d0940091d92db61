/*
 * mixture_moves.c: from a fitted mixture to a better one, by moves of two components.
 *
 * A peak of the likelihood that steps of expectation and maximisation do not leave has, as
 * a rule, components in the wrong place: two share what one could tell, or two lie
 * across two groups.  So two components at a time begin anew (after Ueda, Nakano,
 * Ghahramani and Hinton 2000; Zhao, Hautamaki, Karkkainen, Franti 2012):
 *
 *	 - A swap takes one out, and splits another into two.
 *	 - A refit fits two components anew to the rows that belong to either.
 *
 * What a move promises is worked out before it is tried.  A pair is fitted to the rows
 * of its components alone, which is cheap; what taking a component out costs is seen after a
 * few steps without it.  The best promise is tried first: steps with all components
 * and rows, given up when they are not going to arrive at more than there was.
 *
 * A round tries the moves of one mixture.  One that is kept leaves the other
 * components nearly as they are, so that the round goes on with moves of these.  It ends after
 * n_init moves that were not kept, the whole after a round that kept none.
 *
 * Pairs are fitted once more when they are tried: to keep k^2 of them would take k times the
 * memory of a mixture.  The rows of a pair are copied, so that memory grows with the points.
 */
#include "kernel/cluster/mixture.h"

#include <math.h>
#include <string.h>

#include "kernel/base/allocate.h"
#include "kernel/base/hash.h"
#include "kernel/cluster/mixture_parts.h"

/* a move is kept when it wins this by row, as a logarithm; more than an end by tol leaves open */
#define LEAST_GAIN 1e-5

/* a refit is tried when it promises this by row */
#define LEAST_PROMISE 2e-5

/* fitting a pair ends when a step gains less than this by row, or after so many steps */
#define PAIR_TOL 1e-3
#define PAIR_STEPS 50

/* at least this share of the variance is added to those of a pair: its rows may be few */
#define PAIR_REG_COVAR 1e-4

/* steps of the components that a pair is to replace, on the same rows */
#define PRESENT_STEPS 5

/* steps without a component */
#define REMOVAL_STEPS 2

/* what tells the draws of moves from those of starts */
#define MOVE_SEED UINT64CONST(0x4d6f7665)	/* "Move" */

/* Components a and b are to be replaced by a pair. */
typedef struct Move
{
	int			a;
	int			b;
	bool		swap;			/* the pair is fitted to the rows of b alone, else to those of both */
	bool		tried;
	double		promise;		/* of likelihood, over all rows */
} Move;

typedef struct Moves
{
	const SegmentPoints *points;
	const SegmentMixtureOptions *options;
	SegmentMixtureFit *best;
	SegmentMemory memory;
	uint64		seed;			/* of this round */
	int			n;
	Move	   *move;			/* k (k - 1) swaps, and half as many refits */
	bool	   *changed;		/* k: a move of this round was kept */
	int32	   *labels;			/* by row: its component at the beginning of the round */
	SegmentPoints own;			/* rows of one component, or of two */
} Moves;

/* ---- mixtures made of components ---- */

/* Component `from` of a becomes `to` of b; where all share one covariance, b has it already. */
static void
copy_component(const SegmentMixture *a, int from, SegmentMixture *b, int to)
{
	b->weight[to] = a->weight[from];
	memcpy(b->mean + (size_t) to * b->d, a->mean + (size_t) from * b->d, sizeof(double) * b->d);
	if (b->kind != SEGMENT_TIED)
		memcpy(segment_mixture_part(b, b->covariance, to), segment_mixture_part(a, a->covariance, from),
			   sizeof(double) * segment_mixture_covariance_size(b->kind, 1, b->d));
}

/* A mixture of k components yet to be copied, of the best one's kind. */
static void
begin_mixture(const Moves *moves, SegmentMixture *mixture, int k)
{
	const SegmentMixture *best = &moves->best->mixture;

	segment_mixture_init(mixture, best->kind, k, best->d, moves->memory);
	if (best->kind == SEGMENT_TIED)
		memcpy(mixture->covariance, best->covariance,
			   sizeof(double) * segment_mixture_covariance_size(best->kind, 1, best->d));
}

/*
 * Brings weights to a sum of 1, and fits; on success fit->mixture is to be freed.  *valid:
 * the components it begins with have densities.
 */
static SegmentStatus
fit_mixture(const Moves *moves, const SegmentPoints *points, const SegmentMixtureOptions *options,
			SegmentMixtureFit *fit, bool *valid)
{
	SegmentMixture *mixture = &fit->mixture;
	double		total = 0;
	int			not_positive;
	int			c;

	for (c = 0; c < mixture->k; c++)
		total += mixture->weight[c];
	for (c = 0; c < mixture->k; c++)
		mixture->weight[c] /= total;
	*valid = total > 0 && segment_mixture_prepare(mixture, options->interrupted, &not_positive);
	if (*valid
		? segment_mixture_em(points, points->n, options, NULL, fit, moves->memory) == SEGMENT_DONE
		: !(total > 0) || not_positive >= 0)
		return SEGMENT_DONE;
	segment_mixture_free(mixture, moves->memory);
	return SEGMENT_INTERRUPTED;
}

/* ---- what moves promise ---- */

/* The rows of components a and b, which may be the same. */
static void
gather_rows(Moves *moves, int a, int b)
{
	const SegmentPoints *points = moves->points;
	SegmentPoints *own = &moves->own;
	int64		i;

	own->n = 0;
	own->total_weight = 0;
	for (i = 0; i < points->n; i++)
	{
		if (moves->labels[i] != a && moves->labels[i] != b)
			continue;
		memcpy(own->x + own->n * own->d, points->x + i * own->d, sizeof(double) * own->d);
		own->hash[own->n] = points->hash[i];
		if (own->weight != NULL)
			own->weight[own->n] = points->weight[i];
		own->total_weight += segment_point_weight(points, i);
		own->n++;
	}
}

static SegmentMixtureOptions
pair_options(const Moves *moves, int a, int b)
{
	SegmentMixtureOptions options = *moves->options;

	options.k = 2;
	options.tol = PAIR_TOL;
	options.max_iter = PAIR_STEPS;
	options.reg_covar = Max(options.reg_covar, PAIR_REG_COVAR);
	options.seed = segment_hash_step(segment_hash_step(moves->seed, a), b);
	return options;
}

/*
 * Two components for the rows of a and b, the same each time it is asked for in a round.
 * *found: there are two; then pair->mixture is to be freed.
 */
static SegmentStatus
fit_pair(Moves *moves, int a, int b, SegmentMixtureFit *pair, bool *found)
{
	SegmentMixtureOptions options = pair_options(moves, a, b);

	gather_rows(moves, a, b);
	*found = moves->own.n >= 2 * (moves->own.d + 1);
	if (!*found)
		return SEGMENT_DONE;
	if (segment_mixture_start(&moves->own, &options, (int) (options.seed % 2), pair,
							  moves->memory) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*found = pair->mixture.k == 2 && pair->n_collapsed == 0;
	if (!*found)
		segment_mixture_free(&pair->mixture, moves->memory);
	return SEGMENT_DONE;
}

/*
 * What a pair gains on its rows over components a and b, or over one where these are the
 * same; -infinity: no pair.
 */
static SegmentStatus
gain_of_pair(Moves *moves, int a, int b, double *gain)
{
	const int	k = a == b ? 1 : 2;
	SegmentMixtureOptions options = pair_options(moves, a, b);
	SegmentMixtureFit pair;
	SegmentMixtureFit present;
	bool		found;

	*gain = -HUGE_VAL;
	if (fit_pair(moves, a, b, &pair, &found) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (!found)
		return SEGMENT_DONE;
	segment_mixture_free(&pair.mixture, moves->memory);
	options.k = k;
	options.max_iter = PRESENT_STEPS;
	begin_mixture(moves, &present.mixture, k);
	copy_component(&moves->best->mixture, a, &present.mixture, 0);
	if (k == 2)
		copy_component(&moves->best->mixture, b, &present.mixture, 1);
	if (fit_mixture(moves, &moves->own, &options, &present, &found) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (found)
		*gain = pair.log_likelihood - present.log_likelihood;
	segment_mixture_free(&present.mixture, moves->memory);
	return SEGMENT_DONE;
}

/* What is lost without a component; nothing where it is one that has collapsed. */
static SegmentStatus
cost_of_removal(Moves *moves, int removed, double *cost)
{
	SegmentMixtureOptions options = *moves->options;
	SegmentMixtureFit rest;
	bool		valid;
	int			c;

	options.k = moves->best->mixture.k - 1;
	options.max_iter = REMOVAL_STEPS;
	options.tol = 0;
	begin_mixture(moves, &rest.mixture, options.k);
	for (c = 0; c < options.k; c++)
		copy_component(&moves->best->mixture, c < removed ? c : c + 1, &rest.mixture, c);
	if (fit_mixture(moves, moves->points, &options, &rest, &valid) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*cost = !valid ? HUGE_VAL : rest.n_collapsed < moves->best->n_collapsed ? 0
		: moves->best->log_likelihood - rest.log_likelihood;
	segment_mixture_free(&rest.mixture, moves->memory);
	return SEGMENT_DONE;
}

static void
add_move(Moves *moves, int a, int b, bool swap, double promise)
{
	Move		move = {a, b, swap, false, promise};

	moves->move[moves->n++] = move;
}

/* Lists the moves of the best mixture that promise something. */
static SegmentStatus
list_moves(Moves *moves)
{
	const int	k = moves->best->mixture.k;
	SegmentClusters clusters = {&segment_mixture_method, k, moves->best};
	double		gain;
	double		cost;
	int			a;
	int			b;

	moves->n = 0;
	memset(moves->changed, 0, sizeof(bool) * k);
	if (segment_label_points(moves->points, &clusters, moves->labels, moves->memory,
							 moves->options->interrupted) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	for (b = 0; b < k; b++)
	{
		if (gain_of_pair(moves, b, b, &gain) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		for (a = 0; a < k && gain > 0; a++)
			if (a != b)
				add_move(moves, a, b, true, gain);
	}
	for (a = 0; a < k; a++)
	{
		if (cost_of_removal(moves, a, &cost) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		for (b = 0; b < moves->n; b++)
			if (moves->move[b].swap && moves->move[b].a == a)
				moves->move[b].promise -= cost;
		for (b = 0; b < a; b++)
		{
			if (gain_of_pair(moves, a, b, &gain) == SEGMENT_INTERRUPTED)
				return SEGMENT_INTERRUPTED;
			if (gain > LEAST_PROMISE * moves->points->total_weight)
				add_move(moves, a, b, false, gain);
		}
	}
	return SEGMENT_DONE;
}

/* The move left that promises most, the first among equals; NULL: none. */
static Move *
next_move(Moves *moves)
{
	Move	   *best = NULL;
	int			i;

	for (i = 0; i < moves->n; i++)
	{
		Move	   *move = &moves->move[i];

		if (!move->tried && !moves->changed[move->a] && !moves->changed[move->b] &&
			move->promise > (best == NULL ? -HUGE_VAL : best->promise))
			best = move;
	}
	return best;
}

/* ---- moves tried ---- */

/* Replaces the best mixture when the move leads to a better one. */
static SegmentStatus
try_move(Moves *moves, Move *move, bool *kept)
{
	SegmentMixtureFit *best = moves->best;
	const SegmentMixture *present = &best->mixture;
	SegmentMixtureOptions options = *moves->options;
	SegmentMixtureFit pair;
	SegmentMixtureFit next;
	double		weight = present->weight[move->b] + (move->swap ? 0 : present->weight[move->a]);
	bool		valid;
	int			c;

	move->tried = true;
	*kept = false;
	if (fit_pair(moves, move->swap ? move->b : move->a, move->b, &pair, &valid) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	if (!valid)
		return SEGMENT_DONE;
	options.rival = best;
	begin_mixture(moves, &next.mixture, present->k);
	for (c = 0; c < present->k; c++)
		copy_component(present, c, &next.mixture, c);
	copy_component(&pair.mixture, 0, &next.mixture, move->b);
	copy_component(&pair.mixture, 1, &next.mixture, move->a);
	next.mixture.weight[move->a] *= weight;
	next.mixture.weight[move->b] *= weight;
	segment_mixture_free(&pair.mixture, moves->memory);
	if (fit_mixture(moves, moves->points, &options, &next, &valid) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	*kept = valid && (next.n_collapsed < best->n_collapsed ||
					  (next.n_collapsed == best->n_collapsed &&
					   next.log_likelihood - best->log_likelihood > LEAST_GAIN * moves->points->total_weight));
	if (!*kept)
	{
		segment_mixture_free(&next.mixture, moves->memory);
		return SEGMENT_DONE;
	}
	next.iterations += best->iterations;
	segment_mixture_free(&best->mixture, moves->memory);
	*best = next;
	moves->changed[move->a] = true;
	moves->changed[move->b] = true;
	return SEGMENT_DONE;
}

/* One round; *better: a move was kept. */
static SegmentStatus
try_round(Moves *moves, bool *better)
{
	int			failed = 0;

	*better = false;
	if (list_moves(moves) == SEGMENT_INTERRUPTED)
		return SEGMENT_INTERRUPTED;
	while (failed < moves->options->n_init)
	{
		Move	   *move = next_move(moves);
		bool		kept;

		if (move == NULL)
			break;
		if (try_move(moves, move, &kept) == SEGMENT_INTERRUPTED)
			return SEGMENT_INTERRUPTED;
		if (kept)
			*better = true;
		else
			failed++;
	}
	return SEGMENT_DONE;
}

/*
 * Betters a fit as far as moves can; options->tol ends the steps of each.  Two
 * components have no moves: these would be starts again.
 */
SegmentStatus
segment_mixture_move(const SegmentPoints *points, const SegmentMixtureOptions *options,
					 SegmentMixtureFit *best, SegmentMemory memory)
{
	const uint64 k = best->mixture.k;
	Moves		moves = {.points = points, .options = options, .best = best, .memory = memory};
	SegmentStatus status = SEGMENT_DONE;
	bool		better = true;
	int			round;

	if (k < 3)
		return SEGMENT_DONE;
	moves.move = segment_allocate(memory, segment_product(k, k) * 2, sizeof(Move));
	moves.changed = segment_allocate(memory, k, sizeof(bool));
	moves.labels = segment_allocate(memory, points->n, sizeof(int32));
	moves.own = *points;
	moves.own.x = segment_allocate_rows(memory, points->n, points->d, sizeof(double));
	moves.own.hash = segment_allocate(memory, points->n, sizeof(uint64));
	if (points->weight != NULL)
		moves.own.weight = segment_allocate(memory, points->n, sizeof(double));
	for (round = 0; better && status == SEGMENT_DONE; round++)
	{
		moves.seed = segment_hash_step(segment_hash_step(options->seed, MOVE_SEED), round);
		status = try_round(&moves, &better);
	}
	memory.release(memory.ctx, moves.move);
	memory.release(memory.ctx, moves.changed);
	memory.release(memory.ctx, moves.labels);
	memory.release(memory.ctx, moves.own.x);
	memory.release(memory.ctx, moves.own.hash);
	if (points->weight != NULL)
		memory.release(memory.ctx, moves.own.weight);
	return status;
}
