/*
 * rule_clock.c: when the answers of rules change by time alone.
 *
 * A rule depends on the clock by as_of().  Where it stands in a comparison of times,
 *
 *		last_order_at < as_of() - interval '90 days'
 *
 * the instant at which the answer changes is a calculation over the row, which next_flip.c
 * makes; here the parse of the rule becomes its arguments:
 *
 *		segment_internal.next_flip(segment.as_of(), '- > @', '90 days', source.last_order_at)
 *
 * Whatever joins comparisons (AND, OR, NOT, CASE, a function of their answers) changes
 * no earlier than the first of them.  All other uses of as_of() are not understood: in an
 * argument of a function, in a sub-select, on both sides.  Then the answer may
 * change at any time, and the caller is told which rule it is.
 *
 * What is calculated here is calculated for every row, also where the rule would not come
 * to it: in "n <> 0 AND t < as_of() - interval '1 day' / n".  So only such expressions are
 * understood as cannot fail, or fail for values that can be told beforehand: columns,
 * constants, COALESCE, GREATEST and LEAST of these, multiples of an interval, make_interval.
 * Casts, sums and differences are made by next_flip, which does not raise errors.
 *
 * A function of a user's own that is not IMMUTABLE may read the clock inside, so it
 * counts as if it did.
 */
#include "segmentation/rule_clock.h"
#include "segmentation/rule_uses.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "source/source_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(segment_rules_clock);

#define MAX_FLIPS 256			/* comparisons; with more, a row may be due at any time */
#define MOST_UNITS INT64CONST(1000000)	/* of an argument of make_interval */

/* ---- what reads the clock ---- */

/* Whether a node itself asks the server for the time. */
bool
segment_reads_clock(const Node *node, int *location)
{
	if (IsA(node, SQLValueFunction))
	{
		const SQLValueFunction *function = (const SQLValueFunction *) node;

		*location = function->location;
		/* those before CURRENT_ROLE are times */
		return function->op < SVFOP_CURRENT_ROLE;
	}
	if (IsA(node, FuncExpr))
	{
		const FuncExpr *function = (const FuncExpr *) node;

		*location = function->location;
		switch (function->funcid)
		{
			case F_NOW:
			case F_TRANSACTION_TIMESTAMP:
			case F_STATEMENT_TIMESTAMP:
			case F_CLOCK_TIMESTAMP:
			case F_TIMEOFDAY:
			case F_AGE_TIMESTAMP:
			case F_AGE_TIMESTAMPTZ:
				return true;
		}
	}
	return false;
}

/* Whether a literal of a time, which stands in the statement, is one that reads the clock. */
bool
segment_is_clock_literal(const char *statement, const Const *constant)
{
	static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
	const char *text;
	int			i;

	switch (constant->consttype)
	{
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			break;
		default:
			return false;
	}
	if (constant->location < 0)
		return false;
	text = statement + constant->location;
	text += strcspn(text, "'");
	text += strspn(text, "' \t");
	for (i = 0; i < lengthof(words); i++)
		if (pg_strncasecmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* ---- the comparisons ---- */

typedef struct Search
{
	const char *statement;
	const RangeTblEntry *source;	/* whose columns rules read */
	Oid			as_of;			/* the function */
	int			levels_up;		/* of sub-selects */
	List	   *flips;			/* char *: SQL, each once */
} Search;

/* A comparison on its way to the arguments of next_flip. */
typedef struct Flip
{
	const Search *search;
	StringInfoData tokens;
	StringInfoData operands;
	StringInfoData unless;		/* condition for values that the calculation may fail for */
} Flip;

typedef enum Side
{
	CLOCK, ROW
} Side;

static Oid
function_of(const Node *node, List **args)
{
	if (IsA(node, OpExpr))
	{
		*args = ((const OpExpr *) node)->args;
		return get_opcode(((const OpExpr *) node)->opno);
	}
	if (IsA(node, FuncExpr))
	{
		*args = ((const FuncExpr *) node)->args;
		return ((const FuncExpr *) node)->funcid;
	}
	return InvalidOid;
}

/* A constant that reads back as itself under all settings; NULL: none that is needed. */
static char *
constant_text(const Const *constant)
{
	const char *type;
	Oid			output;
	bool		is_varlena;

	switch (constant->consttype)
	{
		case DATEOID:
			type = "date";
			break;
		case TIMESTAMPOID:
			type = "timestamp";
			break;
		case TIMESTAMPTZOID:
			type = "timestamptz";
			break;
		case INTERVALOID:
			type = "interval";
			break;
		case INT2OID:
			type = "int2";
			break;
		case INT4OID:
			type = "int4";
			break;
		case INT8OID:
			type = "int8";
			break;
		case FLOAT8OID:
			type = "float8";
			break;
		case NUMERICOID:
			type = "numeric";
			break;
		default:
			return NULL;
	}
	if (constant->constisnull)
		return NULL;
	getTypeOutputInfo(constant->consttype, &output, &is_varlena);
	return psprintf("%s::pg_catalog.%s",
					quote_literal_cstr(OidOutputFunctionCall(output, constant->constvalue)), type);
}

/* SQL of an expression that cannot fail, of a type that next_flip knows; NULL: it is none. */
static char *
plain_text(const Search *search, const Node *node)
{
	const char *function;
	List	   *args;
	StringInfoData text;
	ListCell   *cell;

	if (IsA(node, RelabelType))
		return plain_text(search, (Node *) ((const RelabelType *) node)->arg);
	if (IsA(node, Const))
		return constant_text((const Const *) node);
	if (IsA(node, Var))
	{
		const Var  *var = (const Var *) node;

		if (var->varno != 1 || var->varlevelsup != 0 || var->varattno <= 0)
			return NULL;
		return psprintf("source.%s", quote_identifier(strVal(list_nth(search->source->eref->colnames,
																	  var->varattno - 1))));
	}
	if (IsA(node, CoalesceExpr))
	{
		function = "COALESCE";
		args = ((const CoalesceExpr *) node)->args;
	}
	else if (IsA(node, MinMaxExpr))
	{
		function = ((const MinMaxExpr *) node)->op == IS_GREATEST ? "GREATEST" : "LEAST";
		args = ((const MinMaxExpr *) node)->args;
	}
	else
		return NULL;
	initStringInfo(&text);
	appendStringInfo(&text, "%s(", function);
	foreach(cell, args)
	{
		char	   *argument = plain_text(search, lfirst(cell));

		if (argument == NULL)
			return NULL;
		appendStringInfo(&text, "%s%s", foreach_current_index(cell) > 0 ? ", " : "", argument);
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

static bool
is_of_type(const Node *node, const Oid *types, int n)
{
	Oid			type = getBaseType(exprType(node));
	int			i;

	for (i = 0; i < n; i++)
		if (type == types[i])
			return true;
	return false;
}

/* A number that must not be beyond a limit; NULL: not understood. */
static char *
number_text(Flip *flip, const Node *node, int64 limit)
{
	static const Oid numbers[] = {INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID};
	List	   *args = NIL;
	char	   *text;

	/* its own type is checked, before a cast that may fail */
	switch (function_of(node, &args))
	{
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_FLOAT8_INT8:
		case F_FLOAT8_FLOAT4:
		case F_FLOAT8_NUMERIC:
		case F_INT4_INT2:
			node = linitial(args);
	}
	text = is_of_type(node, numbers, lengthof(numbers)) ? plain_text(flip->search, node) : NULL;
	if (text != NULL)
		appendStringInfo(&flip->unless,
						 "%s%s OPERATOR(pg_catalog.<) (-" INT64_FORMAT ") OR %s OPERATOR(pg_catalog.>) "
						 INT64_FORMAT, flip->unless.len > 0 ? " OR " : "", text, limit, text, limit);
	return text;
}

/* A multiple of an interval. */
static char *
product_text(Flip *flip, const Node *interval, const Node *factor)
{
	const Interval *span;
	int64		limit = INT64CONST(1000000000000);
	char	   *number;

	if (!IsA(interval, Const) || ((const Const *) interval)->constisnull)
		return NULL;
	span = DatumGetIntervalP(((const Const *) interval)->constvalue);
	if (span->month != 0)
		limit = Min(limit, INT64CONST(100000000) / llabs(span->month));
	if (span->day != 0)
		limit = Min(limit, INT64CONST(1000000000) / llabs(span->day));
	if (span->time == PG_INT64_MIN)
		return NULL;
	if (span->time != 0)
		limit = Min(limit, INT64CONST(1000000000000000000) / llabs(span->time));
	number = number_text(flip, factor, limit);
	return number == NULL ? NULL : psprintf("(%s OPERATOR(pg_catalog.*) %s::pg_catalog.float8)",
											constant_text((const Const *) interval), number);
}

static char *
make_interval_text(Flip *flip, List *args)
{
	char	   *value[7] = {"0", "0", "0", "0", "0", "0", "0"};
	ListCell   *cell;

	foreach(cell, args)
	{
		const Node *argument = lfirst(cell);
		int			i = foreach_current_index(cell);

		if (IsA(argument, NamedArgExpr))
		{
			i = ((const NamedArgExpr *) argument)->argnumber;
			argument = (const Node *) ((const NamedArgExpr *) argument)->arg;
		}
		if (i >= lengthof(value))
			return NULL;
		value[i] = number_text(flip, argument, MOST_UNITS);
		if (value[i] == NULL)
			return NULL;
	}
	return psprintf("pg_catalog.make_interval(%s, %s, %s, %s, %s, %s, %s)", value[0], value[1],
					value[2], value[3], value[4], value[5], value[6]);
}

static char *
interval_text(Flip *flip, const Node *node)
{
	static const Oid interval[] = {INTERVALOID};
	List	   *args = NIL;

	switch (function_of(node, &args))
	{
		case F_INTERVAL_MUL:
			return product_text(flip, linitial(args), lsecond(args));
		case F_MUL_D_INTERVAL:
			return product_text(flip, lsecond(args), linitial(args));
		case F_MAKE_INTERVAL:
			return make_interval_text(flip, args);
	}
	return is_of_type(node, interval, 1) ? plain_text(flip->search, node) : NULL;
}

/* A number of days, which next_flip multiplies. */
static char *
days_text(Flip *flip, const Node *node)
{
	static const Oid integers[] = {INT2OID, INT4OID, INT8OID};
	List	   *args = NIL;

	if (function_of(node, &args) == F_INT4_INT2)
		node = linitial(args);
	return is_of_type(node, integers, lengthof(integers)) ? plain_text(flip->search, node) : NULL;
}

static bool
add_token(Flip *flip, const char *token, const char *operand)
{
	if (operand == NULL)
		return false;
	appendStringInfo(&flip->tokens, "%s%s", flip->tokens.len > 0 ? " " : "", token);
	if (operand[0] != '\0')
		appendStringInfo(&flip->operands, ", %s", operand);
	return true;
}

/* An expression as tokens: as_of(), or a time of the row, with intervals and casts applied. */
static bool
add_side(Flip *flip, Side side, const Node *node)
{
	static const Oid times[] = {DATEOID, TIMESTAMPOID, TIMESTAMPTZOID};
	List	   *args = NIL;
	Oid			function = function_of(node, &args);

	if (side == CLOCK && OidIsValid(function) && function == flip->search->as_of)
		return true;
	switch (function)
	{
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			return add_side(flip, side, linitial(args)) && add_token(flip, "date", "");
		case F_TIMESTAMP_DATE:
		case F_TIMESTAMP_TIMESTAMPTZ:
			return add_side(flip, side, linitial(args)) && add_token(flip, "timestamp", "");
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMPTZ_TIMESTAMP:
			return add_side(flip, side, linitial(args)) && add_token(flip, "timestamptz", "");
		case F_DATE_PL_INTERVAL:
		case F_TIMESTAMP_PL_INTERVAL:
		case F_TIMESTAMPTZ_PL_INTERVAL:
			return add_side(flip, side, linitial(args)) &&
				add_token(flip, "+", interval_text(flip, lsecond(args)));
		case F_INTERVAL_PL_DATE:
		case F_INTERVAL_PL_TIMESTAMP:
		case F_INTERVAL_PL_TIMESTAMPTZ:
			return add_side(flip, side, lsecond(args)) &&
				add_token(flip, "+", interval_text(flip, linitial(args)));
		case F_DATE_MI_INTERVAL:
		case F_TIMESTAMP_MI_INTERVAL:
		case F_TIMESTAMPTZ_MI_INTERVAL:
			return add_side(flip, side, linitial(args)) &&
				add_token(flip, "-", interval_text(flip, lsecond(args)));
		case F_DATE_PLI:
			return add_side(flip, side, linitial(args)) &&
				add_token(flip, "+", days_text(flip, lsecond(args)));
		case F_INTEGER_PL_DATE:
			return add_side(flip, side, lsecond(args)) &&
				add_token(flip, "+", days_text(flip, linitial(args)));
		case F_DATE_MII:
			return add_side(flip, side, linitial(args)) &&
				add_token(flip, "-", days_text(flip, lsecond(args)));
	}
	return side == ROW && is_of_type(node, times, lengthof(times)) &&
		add_token(flip, "@", plain_text(flip->search, node));
}

static char
mirrored(char operator)
{
	return operator == '<' ? '>' : operator == '>' ? '<' : operator;
}

static void
begin_flip(Flip *flip, const Search *search)
{
	flip->search = search;
	initStringInfo(&flip->tokens);
	initStringInfo(&flip->operands);
	initStringInfo(&flip->unless);
}

/* clock operator row, both of them times */
static bool
compare_times(Flip *flip, const Node *clock, char operator, const Node *row)
{
	begin_flip(flip, flip->search);
	return add_side(flip, CLOCK, clock) && add_token(flip, (char[]) {operator, '\0'}, "") &&
		add_side(flip, ROW, row);
}

/* (a - b) operator row, where one of both is the clock */
static bool
compare_difference(Flip *flip, const Node *difference, char operator, const Node *row)
{
	List	   *args = NIL;
	Oid			function = function_of(difference, &args);
	const char *token = function == F_DATE_MI ? "" : "length";
	char	   *operand;

	if (function != F_DATE_MI && function != F_TIMESTAMP_MI && function != F_TIMESTAMPTZ_MI)
		return false;
	/* clock - b < row where clock < b + row; a - clock < row where clock > a - row */
	if (compare_times(flip, linitial(args), operator, lsecond(args)))
		token = psprintf("+%s", token);
	else if (compare_times(flip, lsecond(args), mirrored(operator), linitial(args)))
		token = psprintf("-%s", token);
	else
		return false;
	operand = function == F_DATE_MI ? days_text(flip, row) : interval_text(flip, row);
	return add_token(flip, token, operand);
}

/* Understands a comparison of as_of() with a row; false: it is none, or not understood. */
static bool
add_comparison(Search *search, const OpExpr *node)
{
	/* the answers of >=, <= and <> change when those of the opposites do */
	static const char *const names[] = {"<", ">=", ">", "<=", "=", "<>"};
	static const char operators[] = {'<', '<', '>', '>', '=', '='};
	const char *name = get_opname(node->opno);
	const Node *left;
	const Node *right;
	Flip		flip;
	StringInfoData text;
	ListCell   *cell;
	int			i;

	if (node->opno >= FirstUnpinnedObjectId || list_length(node->args) != 2 || name == NULL)
		return false;
	for (i = 0; i < lengthof(names) && strcmp(name, names[i]) != 0; i++)
		;
	if (i == lengthof(names))
		return false;
	left = linitial(node->args);
	right = lsecond(node->args);
	flip.search = search;
	if (!compare_times(&flip, left, operators[i], right) &&
		!compare_difference(&flip, left, operators[i], right))
	{
		/* the clock on the right: > is <, and >= is <=, whose opposite is > */
		char		operator = mirrored(operators[i]);

		if (!compare_times(&flip, right, operator, left) &&
			!compare_difference(&flip, right, operator, left))
			return false;
	}
	initStringInfo(&text);
	if (flip.unless.len > 0)
		appendStringInfo(&text, "CASE WHEN %s THEN '-infinity'::pg_catalog.timestamptz ELSE ",
						 flip.unless.data);
	appendStringInfo(&text, "segment_internal.next_flip(segment.as_of(), '%s'%s)%s", flip.tokens.data,
					 flip.operands.data, flip.unless.len > 0 ? " END" : "");
	foreach(cell, search->flips)
		if (strcmp(lfirst(cell), text.data) == 0)
			return true;
	search->flips = lappend(search->flips, text.data);
	return true;
}

/* A function that may read the clock inside, where nobody sees it; in_segment() does not. */
static bool
may_read_clock(Oid function, void *context)
{
	return function >= FirstNormalObjectId && !segment_is_in_segment(function) &&
		func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

/* Takes the comparisons of a rule; true: it depends on the clock in another way, too. */
static bool
find_clock(Node *node, Search *search)
{
	int			location;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		bool		result;

		search->levels_up++;
		result = query_tree_walker((Query *) node, find_clock, search, 0);
		search->levels_up--;
		return result;
	}
	if (search->levels_up == 0 && IsA(node, OpExpr) && add_comparison(search, (OpExpr *) node))
		return false;
	if (IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT ||
								((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT_BOOL))
		return true;
	if (segment_reads_clock(node, &location) ||
		(IsA(node, Const) && segment_is_clock_literal(search->statement, (Const *) node)) ||
		check_functions_in_node(node, may_read_clock, search))
		return true;
	return expression_tree_walker(node, find_clock, search);
}

/* ---- of all rules ---- */

static char *
statement_of(const char *source, ArrayType *rules)
{
	StringInfoData statement;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int			i;

	deconstruct_array(rules, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	initStringInfo(&statement);
	appendStringInfoString(&statement, "SELECT ARRAY[");
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the rule must not be null")));
		appendStringInfo(&statement, "%s(\n%s\n)", i > 0 ? ", " : "", TextDatumGetCString(values[i]));
	}
	appendStringInfo(&statement, "]::pg_catalog.bool[] FROM (\n%s\n) AS source", source);
	return statement.data;
}

static Oid
function_named(const char *name)
{
	Oid			schema = get_namespace_oid("segment", true);
	CatCList   *list;
	Oid			result = InvalidOid;
	int			i;

	list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (i = 0; i < list->n_members; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (function->pronamespace == schema)
			result = function->oid;
	}
	ReleaseSysCacheList(list);
	return result;
}

static ArrayType *
texts(List *list)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(list), 1));
	ListCell   *cell;

	foreach(cell, list)
		values[foreach_current_index(cell)] = CStringGetTextDatum(lfirst(cell));
	return construct_array(values, list_length(list), TEXTOID, -1, false, TYPALIGN_INT);
}

static ArrayType *
integers(List *list)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(list), 1));
	ListCell   *cell;

	foreach(cell, list)
		values[foreach_current_index(cell)] = Int32GetDatum(lfirst_int(cell));
	return construct_array(values, list_length(list), INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

/*
 * rules_clock(source, search_path, rules): SQL of the instants at which answers of rules change;
 * and the numbers of those whose answers may change at any time: rules from 1, 0 for the
 * source, -1 for more comparisons than are calculated.
 */
Datum
segment_rules_clock(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Search		search = {0};
	List	   *unknown = NIL;
	TupleDesc	desc;
	CachedPlanSource *plan;
	Query	   *query;
	const Node *answers;
	ListCell   *cell;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	MemoryContext old;
	int			nest_level;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	search.statement = statement_of(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_ARRAYTYPE_P(2));
	search.as_of = function_named("as_of");
	nest_level = segment_enter_search_path(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = segment_prepare_source(search.statement);
	segment_enter_plain_output();
	query = linitial_node(Query, plan->query_list);
	search.source = linitial_node(RangeTblEntry, query->rtable);
	answers = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	if (!IsA(answers, ArrayExpr))
		elog(ERROR, "rules are no array");
	search.levels_up = 1;
	if (find_clock((Node *) search.source->subquery, &search))
		unknown = lappend_int(unknown, 0);
	search.levels_up = 0;
	foreach(cell, ((const ArrayExpr *) answers)->elements)
		if (find_clock(lfirst(cell), &search))
			unknown = lappend_int(unknown, foreach_current_index(cell) + 1);
	if (list_length(search.flips) > MAX_FLIPS)
		unknown = lappend_int(unknown, -1);
	AtEOXact_GUC(true, nest_level);

	old = MemoryContextSwitchTo(caller);
	values[0] = PointerGetDatum(texts(search.flips));
	values[1] = PointerGetDatum(integers(unknown));
	MemoryContextSwitchTo(old);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
