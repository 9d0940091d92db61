/*
 * json_read.h: takes values out of JSON that nobody vouches for.
 *
 * Every function names what it expected and what came when the input is not
 * of that shape (invalid_text_representation).  PostgreSQL's own jsonb does
 * the parsing.
 */
#ifndef SEGMENT_JSON_READ_H
#define SEGMENT_JSON_READ_H

#include "compat.h"

#include "utils/jsonb.h"

/* Where a value was found; `path` is for messages. */
typedef struct JsonPlace
{
	const char *path;
	JsonbValue	value;
} JsonPlace;

extern JsonPlace segment_json_root(Jsonb *json, const char *path);
extern bool segment_json_has(const JsonPlace *object, const char *key);
extern JsonPlace segment_json_member(const JsonPlace *object, const char *key);
extern int	segment_json_array_length(const JsonPlace *array);
extern JsonPlace segment_json_element(const JsonPlace *array, int i);
extern char *segment_json_string(const JsonPlace *place);
extern double segment_json_double(const JsonPlace *place);
extern int64 segment_json_integer(const JsonPlace *place, int64 min, int64 max);
extern bool segment_json_is_null(const JsonPlace *place);
extern void segment_json_check_keys(const JsonPlace *object, const char *const *allowed);
pg_noreturn extern void segment_json_error(const char *path, const char *detail);

#endif							/* SEGMENT_JSON_READ_H */
