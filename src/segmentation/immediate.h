/*
 * immediate.h: members right in the transaction that writes.  See immediate.c.
 */
#ifndef SEGMENT_IMMEDIATE_H
#define SEGMENT_IMMEDIATE_H

#include "compat.h"

#include "utils/array.h"

extern bool segment_place_now(Oid members, ArrayType *keys);

#endif							/* SEGMENT_IMMEDIATE_H */
