/*
 * feature_value.h: reads a feature from an SQL value of any type.
 */
#ifndef SEGMENT_FEATURE_VALUE_H
#define SEGMENT_FEATURE_VALUE_H

#include "compat.h"

#include "fmgr.h"

/* How to read a type; resolved once per query. */
typedef enum FeatureReader
{
	FEATURE_INT2,
	FEATURE_INT4,
	FEATURE_INT8,
	FEATURE_FLOAT4,
	FEATURE_FLOAT8,
	FEATURE_NUMERIC,
	FEATURE_NUMBERS,			/* the last one that yields a number */
	FEATURE_BOOL,
	FEATURE_TEXT,				/* text, varchar, name after its output function */
	FEATURE_ENUM,
	FEATURE_UNKNOWN_NULL		/* a bare NULL */
} FeatureReader;

extern bool segment_feature_reader(Oid type, FeatureReader *reader);
extern FeatureReader segment_feature_reader_or_error(Oid type, const char *feature);
extern double segment_feature_number(FeatureReader reader, Datum value);
extern char *segment_feature_category(FeatureReader reader, Oid type, Datum value);

static inline bool
segment_reader_is_number(FeatureReader reader)
{
	return reader < FEATURE_NUMBERS || reader == FEATURE_UNKNOWN_NULL;
}

#endif							/* SEGMENT_FEATURE_VALUE_H */
