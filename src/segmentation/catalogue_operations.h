/*
 * catalogue_operations.h: what can be done to the catalogue.  See catalogue_operations.c; who may do
 * it, and how it is done: catalogue.c.
 */
#ifndef SEGMENT_CATALOGUE_OPERATIONS_H
#define SEGMENT_CATALOGUE_OPERATIONS_H

#include "compat.h"

#define MAX_ARGUMENTS 17		/* of an operation; the caller's name comes behind them */
#define MAX_STATEMENTS 11

/* What the caller has to have; the first argument says of what. */
typedef enum Right
{
	OF_ANYBODY,					/* nothing */
	OF_SEGMENTATION,			/* rights of its owner, who is that of its member table */
	OF_SEGMENTATION_IN_PERSON,	/* the same, and nobody's source, rule or trigger is what asks */
	OF_TABLES,					/* rights of the owner of the two tables of a new one */
	OF_SCHEME,					/* rights of its owner; a shipped one has none */
	OF_TEMPLATE,				/* the same, of a template of rules */
	OF_CONSUMER,				/* the same, of a consumer of events */
	OF_CONSUMED,				/* the same, or of the owner of the segmentation whose events they are */
	OF_METRIC,					/* the same, of a metric */
	OF_TABLE,					/* rights of the owner of a table */
} Right;

typedef struct Operation
{
	const char *name;
	Right		right;
	const char *types[MAX_ARGUMENTS + 1];	/* of the arguments $1, $2, ...; ends with NULL */

	/*
	 * Run in order, with the arguments, and behind them the name of the caller.
	 * What the last one returns, a bigint, is what the operation returns.
	 */
	const char *statements[MAX_STATEMENTS + 1];
} Operation;

extern const Operation segment_catalogue_operations[];	/* ends with one without a name */

#endif							/* SEGMENT_CATALOGUE_OPERATIONS_H */
