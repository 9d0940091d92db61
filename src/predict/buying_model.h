/*
 * buying_model.h: what a model of buying or spending holds.  See buying_kind.c.
 */
#ifndef SEGMENT_BUYING_MODEL_H
#define SEGMENT_BUYING_MODEL_H

#include "model/model.h"

#include "kernel/predict/buying.h"

#define BUYING_KINDS 5			/* as many as SegmentBuyingModel has */

typedef struct BuyingModel
{
	SegmentBuyingModel model;
	int			n;				/* parameters */
	double		parameter[SEGMENT_MAX_PARAMETERS];
	double		error[SEGMENT_MAX_PARAMETERS];	/* standard errors; NaN: not determined */
	double		log_likelihood;
	int			steps;
	bool		converged;
	double		horizon;		/* of predict() */
} BuyingModel;


extern const ModelKind segment_buying_kinds[BUYING_KINDS];

extern const BuyingModel *segment_buying_of(const Model *model);
extern const BuyingModel *segment_spending_of(const Model *model);
extern BuyingModel *segment_buying_new(Model *model);
extern double segment_buying_most_parameter(SegmentBuyingModel model, int number);
extern double segment_buying_most_horizon(SegmentBuyingModel model);
extern double segment_buying_arg_horizon(FunctionCallInfo fcinfo, int arg, SegmentBuyingModel model);
extern void segment_buying_init(BuyingModel *buying, SegmentBuyingModel model);
extern void segment_buying_read_fit(BuyingModel *buying, const JsonPlace *json);
extern void segment_buying_put_fit(const BuyingModel *buying, StringInfo out);
extern const char *const *segment_buying_feature_names(SegmentBuyingModel model, int *n);

/* buying_train.c */
struct FeatureSet;
extern void segment_buying_find_columns(const struct FeatureSet *set, const char *trainer,
										const char *const *names, int n, int *column);
extern int64 segment_buying_fold(SegmentHistory *history, int64 n);
extern void segment_buying_fit_model(BuyingModel *buying, SegmentHistories *histories);

/* buying_rows.c */
extern int	segment_buying_steps(const BuyingModel *buying, double horizon, double step);
extern double segment_buying_discounted(const BuyingModel *buying, const SegmentHistory *history,
										double horizon, double discount, double step);

#endif							/* SEGMENT_BUYING_MODEL_H */
