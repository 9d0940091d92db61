/*
 * json_read.c: takes values out of JSON that nobody vouches for.
 */
#include "base/json_read.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* "segment_model, "features", element 2" */
static const char *
path_of(const JsonPlace *place)
{
	if (place->parent == NULL)
		return place->key;
	if (place->key != NULL)
		return psprintf("%s, \"%s\"", path_of(place->parent), place->key);
	return psprintf("%s, element %d", path_of(place->parent), place->index + 1);
}

void
segment_json_error(const JsonPlace *place, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid %s: %s", path_of(place), detail)));
}

JsonPlace
segment_json_root(Jsonb *json, const char *name)
{
	JsonPlace	root = {0};

	root.key = name;
	root.value.type = jbvBinary;
	root.value.val.binary.data = &json->root;
	root.value.val.binary.len = VARSIZE(json) - VARHDRSZ;
	return root;
}

static JsonbContainer *
container_of(const JsonPlace *place, bool object)
{
	if (place->value.type != jbvBinary ||
		(object ? !JsonContainerIsObject(place->value.val.binary.data)
		 : !JsonContainerIsArray(place->value.val.binary.data) ||
		 JsonContainerIsScalar(place->value.val.binary.data)))
		segment_json_error(place, object ? "expected an object" : "expected an array");
	return place->value.val.binary.data;
}

static bool
find_member(const JsonPlace *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(container_of(object, true), key, strlen(key), value) != NULL;
}

bool
segment_json_has(const JsonPlace *object, const char *key)
{
	JsonbValue	value;

	return find_member(object, key, &value);
}

JsonPlace
segment_json_member(const JsonPlace *object, const char *key)
{
	JsonPlace	member = {0};

	if (!find_member(object, key, &member.value))
		segment_json_error(object, psprintf("\"%s\" is missing", key));
	member.parent = object;
	member.key = key;
	return member;
}

/* All elements of an array, in one pass. */
JsonPlace *
segment_json_elements(const JsonPlace *array, int *n)
{
	JsonbContainer *container = container_of(array, false);
	JsonPlace  *elements = palloc0(mul_size(sizeof(JsonPlace), Max(JsonContainerSize(container), 1)));
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbValue	value;
	JsonbIteratorToken token;

	*n = 0;
	/* the array itself first, then its elements, nested ones whole */
	(void) JsonbIteratorNext(&it, &value, true);
	while ((token = JsonbIteratorNext(&it, &value, true)) == WJB_ELEM)
	{
		elements[*n].parent = array;
		elements[*n].index = *n;
		elements[*n].value = value;
		(*n)++;
	}
	return elements;
}

bool
segment_json_is_null(const JsonPlace *place)
{
	return place->value.type == jbvNull;
}

char *
segment_json_string(const JsonPlace *place)
{
	if (place->value.type != jbvString)
		segment_json_error(place, "expected a string");
	return pnstrdup(place->value.val.string.val, place->value.val.string.len);
}

/* The place of a string among names in the order of their bytes; what: "category of ...". */
int
segment_json_one_of(const JsonPlace *json, char *const *names, int n, const char *what)
{
	char	   *name = segment_json_string(json);
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = strcmp(names[middle], name);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	segment_json_error(json, psprintf("\"%s\" is no %s", name, what));
}

/* A number, or one of the strings that stand for the infinities. */
double
segment_json_double(const JsonPlace *place)
{
	if (place->value.type == jbvString)
	{
		char	   *s = segment_json_string(place);

		if (strcmp(s, "Infinity") == 0)
			return HUGE_VAL;
		if (strcmp(s, "-Infinity") == 0)
			return -HUGE_VAL;
	}
	if (place->value.type != jbvNumeric)
		segment_json_error(place, "expected a number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(place->value.val.numeric)));
}

/* A finite number within bounds. */
double
segment_json_number(const JsonPlace *place, double min, double max)
{
	double		x = segment_json_double(place);

	if (!(x >= min && x <= max && isfinite(x)))
		segment_json_error(place, psprintf("expected a number from %g to %g", min, max));
	return x;
}

/* The same of a member. */
double
segment_json_member_number(const JsonPlace *object, const char *key, double min, double max)
{
	JsonPlace	place = segment_json_member(object, key);

	return segment_json_number(&place, min, max);
}

bool
segment_json_boolean(const JsonPlace *place)
{
	if (place->value.type != jbvBool)
		segment_json_error(place, "expected true or false");
	return place->value.val.boolean;
}

int64
segment_json_integer(const JsonPlace *place, int64 min, int64 max)
{
	double		x = segment_json_double(place);
	int64		n;

	if (!(x >= -9.2e18 && x <= 9.2e18) || x != floor(x))
		segment_json_error(place, "expected a whole number");
	n = DatumGetInt64(DirectFunctionCall1(numeric_int8,
										  NumericGetDatum(place->value.val.numeric)));
	if (n < min || n > max)
		segment_json_error(place, psprintf("expected a number from " INT64_FORMAT " to " INT64_FORMAT
										 ", got " INT64_FORMAT, min, max, n));
	return n;
}

/* Nothing is dropped without a word: a key that is not known is an error. */
void
segment_json_check_keys(const JsonPlace *object, const char *const *allowed)
{
	JsonbIterator *it = JsonbIteratorInit(container_of(object, true));
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		int			i;

		if (token != WJB_KEY)
			continue;
		for (i = 0; allowed[i] != NULL; i++)
			if (strlen(allowed[i]) == (size_t) value.val.string.len &&
				memcmp(allowed[i], value.val.string.val, value.val.string.len) == 0)
				break;
		if (allowed[i] == NULL)
			segment_json_error(object, psprintf("unknown key \"%s\"",
											  pnstrdup(value.val.string.val, value.val.string.len)));
	}
}
