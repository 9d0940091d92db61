/*
 * checked.h: errors of what a user gave, told without the way we came to it.
 * See checked.c.
 */
#ifndef SEGMENT_CHECKED_H
#define SEGMENT_CHECKED_H

#include "compat.h"

extern void segment_throw_without_context(MemoryContext caller);		/* does not return */

#endif							/* SEGMENT_CHECKED_H */
