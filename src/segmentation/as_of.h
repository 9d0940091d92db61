/*
 * as_of.h: the setting segment.as_of.  See as_of.c.
 */
#ifndef SEGMENT_AS_OF_H
#define SEGMENT_AS_OF_H

#include "compat.h"

extern void segment_define_as_of(void);

#endif							/* SEGMENT_AS_OF_H */
