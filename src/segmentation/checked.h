/*
 * checked.h: errors about what a user gave.  See checked.c.
 */
#ifndef SEGMENT_CHECKED_H
#define SEGMENT_CHECKED_H

#include "compat.h"

extern void segment_throw_without_context(MemoryContext caller, const char *detail);

#endif							/* SEGMENT_CHECKED_H */
