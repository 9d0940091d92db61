/*
 * value_model.h: what a model of customers' value holds: how they buy, what they spend, and
 * where that is cut into tiers and bands.  See value_kind.c.
 */
#ifndef SEGMENT_VALUE_MODEL_H
#define SEGMENT_VALUE_MODEL_H

#include "predict/buying_model.h"

#define VALUE_FEATURES	4		/* x, t_x, t, mean_value */
#define VALUE_MOST_TIERS 100
#define VALUE_MOST_BANDS 10

/* Parts from the best to the worst, divided by cuts, each the least that counts as above it. */
typedef struct ValueParts
{
	int			n;				/* 0: not divided */
	char	  **name;
	double	   *cut;			/* n - 1, none greater than the one before */
} ValueParts;

typedef struct ValueModel
{
	BuyingModel buying;			/* its horizon is the one below */
	BuyingModel spending;
	double		horizon;		/* over which value is meant, in the unit of t */
	double		discount;		/* for each step */
	double		step;			/* in the unit of t */
	int			by;				/* how tiers came about: segment_value_methods */
	ValueParts	tiers;			/* of the lifetime value */
	ValueParts	bands;			/* of the probability of being alive; n 0: none */
	double	   *size;			/* training rows, by segment */
} ValueModel;

/* What is known of a row. */
typedef struct ValuePlace
{
	double		value;			/* lifetime value */
	double		alive;			/* probability */
	int			tier;
	int			band;			/* 0 where there are none */
} ValuePlace;

extern const ModelKind segment_value_kind;
extern const char *const segment_value_methods[];
extern const char *const segment_value_names[VALUE_FEATURES];

extern const ValueModel *segment_value_of(const Model *model);
extern bool segment_value_valid(const ValueModel *value, const double *features);
extern double segment_value_figure(const ValueModel *value, const double *features);
extern bool segment_value_place(const ValueModel *value, const double *features, ValuePlace *place);
extern double segment_value_next(const ValueModel *value, const double *features, double most,
								 ValuePlace *next);

/* Segments are tiers by bands, tiers slowest; the last one is of those who never bought. */
static inline int
value_segment(const ValueModel *value, int tier, int band)
{
	return tier * Max(value->bands.n, 1) + band;
}

static inline int
value_n_segments(const ValueModel *value)
{
	return value_segment(value, value->tiers.n, 0) + 1;
}

#endif							/* SEGMENT_VALUE_MODEL_H */
