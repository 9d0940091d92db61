/*
 * feature_set.h: the type feature_set.  See feature_set.c.
 */
#ifndef SEGMENT_FEATURE_SET_H
#define SEGMENT_FEATURE_SET_H

#include "compat.h"

#include "fmgr.h"
#include "kernel/base/row_store.h"
#include "utils/expandeddatum.h"

/* most features in a row; PostgreSQL's tables have at most as many columns */
#define SEGMENT_MAX_FEATURES 1600

/* most rows a set can have seen: counts are exact as doubles, too */
#define FEATURE_SET_MAX_SEEN (INT64CONST(1) << 53)

/* The same seed everywhere: any two sets can be merged, and results repeat. */
#define FEATURE_SET_SEED UINT64CONST(0x5365676D656E7431)	/* "Segment1" */

#define FEATURE_SET_MAGIC 0x5E67F5E7

/* The categories of one column, in the order in which they were met. */
typedef struct FeatureCategories
{
	int			n;
	int			n_allocated;
	char	  **name;
	uint64	   *hash;			/* of the name; what the sample is drawn by */
	int			table_size;		/* a power of two, at least twice n */
	uint32	   *table;			/* hash table over names: code + 1, or 0 */
} FeatureCategories;

typedef struct FeatureColumn
{
	char	   *name;			/* NULL: known by its position only */
	FeatureCategories *categories;	/* NULL: numeric */
} FeatureColumn;

/*
 * A feature set in memory: an expanded object while the aggregate fills it, or
 * a view whose rows still lie in the flat value it was read from: for reading only.
 */
typedef struct FeatureSet
{
	ExpandedObjectHeader hdr;
	int			magic;			/* FEATURE_SET_MAGIC */
	FeatureColumn *columns;
	SegmentRowStore store;
} FeatureSet;

extern FeatureSet *segment_feature_set_new(int n_columns, bool weighted, MemoryContext parent);
extern FeatureSet *segment_feature_set_read(Datum value, MemoryContext context);
extern FeatureSet *segment_feature_set_writable(Datum value, MemoryContext parent);
extern void segment_feature_set_merge(FeatureSet *into, const FeatureSet *from);
extern int	segment_feature_set_category(FeatureSet *set, int column, const char *name);
extern Datum segment_feature_set_datum(FeatureSet *set);
extern const char *segment_feature_set_column_name(const FeatureSet *set, int column);
extern void segment_feature_set_check_names(const FeatureSet *set);

#define PG_GETARG_FEATURE_SET(n) segment_feature_set_read(PG_GETARG_DATUM(n), CurrentMemoryContext)

#endif							/* SEGMENT_FEATURE_SET_H */
