/*
 * stored_value.h: large values of tables, read fast.  See stored_value.c.
 */
#ifndef SEGMENT_STORED_VALUE_H
#define SEGMENT_STORED_VALUE_H

#include "compat.h"

extern struct varlena *segment_stored_value(Datum value);

#endif							/* SEGMENT_STORED_VALUE_H */
