/*
 * checked.h: errors of what a user gave, told without the way we came to it.
 * See checked.c.
 */
#ifndef SEGMENT_CHECKED_H
#define SEGMENT_CHECKED_H

#include "compat.h"

#include "access/tupdesc.h"

extern void segment_throw_without_context(MemoryContext caller, const char *detail);	/* does not return */
extern void segment_check_rows(TupleDesc desc, TupleDesc wanted);

#endif							/* SEGMENT_CHECKED_H */
