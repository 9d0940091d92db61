/*
 * steps.h: a refresh as a list of statements.  See steps.c.
 */
#ifndef SEGMENT_STEPS_H
#define SEGMENT_STEPS_H

#include "compat.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

/* Parameters of all statements: as_of, trained, model before, again, only these customers, model. */
#define N_PARAMETERS 6
#define OLD_MODEL_PARAMETER 2	/* places, from 0 */
#define ONLY_PARAMETER 4
#define MODEL_PARAMETER 5

typedef struct Steps
{
	int			n;
	char	  **name;			/* NULL: the step writes */
	char	  **statement;
	SPIPlanPtr *kept;			/* plans that outlive the run, NULL until made; NULL: none do */
	Tuplestorestate **store;	/* rows of a step that has a name */
	EState	  **owner;			/* of such rows, what they need; NULL: nothing */
	QueryEnvironment *environment;	/* the same under their names, for segment_fill */
	TupleDesc	desc;			/* of the last step's rows */
	ParamListInfo params;
	Oid			types[N_PARAMETERS];
	StringInfo	log;			/* JSON array: name, rows, milliseconds; NULL: none is written */
} Steps;

extern void segment_begin_steps(Steps *steps);
extern uint64 segment_run_step(Steps *steps, int i);
extern void segment_end_steps(Steps *steps);

#endif							/* SEGMENT_STEPS_H */
