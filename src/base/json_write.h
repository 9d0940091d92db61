/*
 * json_write.h: the few pieces of JSON output that every model shares.
 */
#ifndef SEGMENT_JSON_WRITE_H
#define SEGMENT_JSON_WRITE_H

#include "compat.h"

#include "lib/stringinfo.h"

extern void segment_json_put_string(StringInfo out, const char *s);
extern void segment_json_put_number(StringInfo out, double x);
extern void segment_json_put_number_or_null(StringInfo out, double x);
extern char *segment_number_text(double x);

#endif							/* SEGMENT_JSON_WRITE_H */
