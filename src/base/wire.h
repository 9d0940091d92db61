/*
 * wire.h: what types that travel as bytes share.  See wire.c.
 */
#ifndef SEGMENT_WIRE_H
#define SEGMENT_WIRE_H

#include "compat.h"

#include "kernel/base/exact_sum.h"
#include "lib/stringinfo.h"

pg_noreturn extern void segment_wire_error(const char *type, const char *detail);
extern char *segment_wire_to_text(bytea *bytes, const char *type);
extern void segment_wire_from_text(const char *text, const char *type, StringInfo in);
extern void segment_wire_send_string(StringInfo out, const char *s);
extern char *segment_wire_receive_string(StringInfo in, const char *type);
extern void segment_wire_send_sum(StringInfo out, SegmentExactSum *sum);
extern void segment_wire_receive_sum(StringInfo in, const char *type, SegmentExactSum *sum);

#endif							/* SEGMENT_WIRE_H */
