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

/*
 * A value and where it was found, for messages.  A place refers to the place it
 * was taken from, which has to outlive it.
 */
typedef struct JsonPlace
{
	const struct JsonPlace *parent; /* NULL: the whole */
	const char *key;				/* of a member, or what the whole is called */
	int			index;				/* of an element, from 0 */
	JsonbValue	value;
} JsonPlace;

extern JsonPlace segment_json_root(Jsonb *json, const char *name);
extern bool segment_json_has(const JsonPlace *object, const char *key);
extern JsonPlace segment_json_member(const JsonPlace *object, const char *key);
extern JsonPlace *segment_json_elements(const JsonPlace *array, int *n);
extern char *segment_json_string(const JsonPlace *place);
extern int segment_json_one_of(const JsonPlace *json, char *const *names, int n, const char *what);
extern double segment_json_double(const JsonPlace *place);
extern double segment_json_number(const JsonPlace *place, double min, double max);
extern double segment_json_member_number(const JsonPlace *object, const char *key, double min,
										 double max);
extern int64 segment_json_integer(const JsonPlace *place, int64 min, int64 max);
extern bool segment_json_boolean(const JsonPlace *place);
extern bool segment_json_is_null(const JsonPlace *place);
extern void segment_json_check_keys(const JsonPlace *object, const char *const *allowed);
pg_noreturn extern void segment_json_error(const JsonPlace *place, const char *detail);

#endif							/* SEGMENT_JSON_READ_H */
