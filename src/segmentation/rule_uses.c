/*
 * rule_uses.c: the calls of in_segment() in a rule, which uses other segmentations by them.
 *
 *		revenue > 100 AND in_segment('loyalty', 'Champions', as_of() - interval '30 days')
 *		                  ---------------------------------------------------------------
 *
 * Such a call is never run: what runs in its place is a join with the members or the
 * history of the segmentation, see segment_internal.used_source().  Calls are found in
 * the server's own parse tree, which knows where each begins; where it ends, and what
 * of it is the instant, say the tokens from there to the bracket that closes it.
 *
 * Whether the name is that of our function says the analysis of the rule in its place,
 * see rules.c; here it is taken for ours if it is called so.
 */
#include "segmentation/rule_uses.h"

#include "catalog/namespace.h"
#include "common/keywords.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_in_segment);
PG_FUNCTION_INFO_V1(segment_rule_uses);
PG_FUNCTION_INFO_V1(segment_refuse_in_rule);

#define FUNCTION "in_segment"
#define SCHEMA "segment"

/* in_segment(segmentation, segment [, at]): outside of a rule there is no customer. */
Datum
segment_in_segment(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("in_segment() can only be called in the rule of a segment"),
			 errdetail("There it is asked of the row's customer, and replaced by a join."),
			 errhint("Elsewhere ask the member table, for instance: EXISTS (SELECT FROM loyalty_segments AS m"
					 " WHERE m.customer_id = ... AND m.segment = 'Champions').")));
	PG_RETURN_NULL();
}

bool
segment_is_in_segment(Oid function)
{
	char	   *name = get_func_name(function);
	char	   *schema = name == NULL || strcmp(name, FUNCTION) != 0 ? NULL
		: get_namespace_name(get_func_namespace(function));

	return schema != NULL && strcmp(schema, SCHEMA) == 0;
}

/* ---- in the parse tree ---- */

/* A call, and which of its arguments in order is the instant. */
typedef struct Call
{
	RuleUse		use;
	int			at_argument;	/* from 0; -1: none */
	bool		at_has_name;	/* at => ... */
} Call;

typedef struct Calls
{
	const char *rule;
	List	   *list;			/* of Call */
} Calls;

static bool
is_called_so(const List *name)
{
	return strcmp(strVal(llast(name)), FUNCTION) == 0 &&
		(list_length(name) == 1 ||
		 strcmp(strVal(list_nth(name, list_length(name) - 2)), SCHEMA) == 0);
}

static int
at_byte(const char *rule, int location)
{
	if (location >= 0)
	{
		internalerrposition(pg_mbstrlen_with_len(rule, location) + 1);
		internalerrquery(rule);
	}
	return 0;
}

static char *
name_in(const Calls *calls, const Call *call, const Node *argument, const char *of_what)
{
	const A_Const *constant = (const A_Const *) argument;

	if (argument == NULL || !IsA(argument, A_Const) || constant->isnull ||
		!IsA(&constant->val, String))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of the %s in in_segment() must be written out as a string",
						of_what),
				 errhint("For instance: in_segment('loyalty', 'Champions')."),
				 at_byte(calls->rule,
						 argument == NULL || exprLocation(argument) < 0 ? call->use.begin
						 : exprLocation(argument))));
	return pstrdup(strVal(&constant->val));
}

/* Whether an expression may have another value in another row of the source. */
static bool
is_of_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) || IsA(node, SubLink) || IsA(node, ParamRef) ||
		(IsA(node, FuncCall) && is_called_so(((FuncCall *) node)->funcname)))
		return true;
	return raw_expression_tree_walker(node, is_of_row, context);
}

static void
take_call(Calls *calls, const FuncCall *function)
{
	static const char *const names[] = {"segmentation", "segment", "at"};
	Call	   *call = palloc0(sizeof(Call));
	Node	   *arguments[3] = {NULL, NULL, NULL};
	ListCell   *cell;
	int			i;

	call->use.begin = function->location;
	call->use.at_begin = -1;
	call->at_argument = -1;
	foreach(cell, function->args)
	{
		Node	   *argument = lfirst(cell);
		int			which = foreach_current_index(cell);
		bool		has_name = IsA(argument, NamedArgExpr);

		if (has_name)
		{
			for (i = 0, which = lengthof(names); i < lengthof(names); i++)
				if (strcmp(((NamedArgExpr *) argument)->name, names[i]) == 0)
					which = i;
			argument = (Node *) ((NamedArgExpr *) argument)->arg;
		}
		/* more arguments, or other names, the server has refused */
		if (which >= lengthof(names))
			continue;
		arguments[which] = argument;
		if (which == 2)
		{
			call->at_argument = foreach_current_index(cell);
			call->at_has_name = has_name;
			call->use.at_of_row = is_of_row(argument, NULL);
		}
	}
	call->use.segmentation = name_in(calls, call, arguments[0], "segmentation");
	call->use.segment = name_in(calls, call, arguments[1], "segment");
	calls->list = lappend(calls->list, call);
}

static bool
find_calls(Node *node, Calls *calls)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && is_called_so(((FuncCall *) node)->funcname))
		take_call(calls, (FuncCall *) node);
	return raw_expression_tree_walker(node, find_calls, calls);
}

/* ---- in the text ---- */

typedef struct Token
{
	int			begin;
	int			end;
	char		first;			/* its first character */
} Token;

static Token *
tokens_of(const char *rule, int *n)
{
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE		at;
	core_yyscan_t scanner = scanner_init(rule, &extra, &ScanKeywords, ScanKeywordTokens);
	int			room = 64;
	Token	   *tokens = palloc(sizeof(Token) * room);

	*n = 0;
	extra.escape_string_warning = false;
	while (core_yylex(&value, &at, scanner) != 0)
	{
		if (*n == room)
		{
			room *= 2;
			tokens = repalloc_huge(tokens, sizeof(Token) * room);
		}
		tokens[*n].begin = at;
		/* the scanner puts an end behind the token that it has read */
		tokens[*n].end = at + (int) strlen(extra.scanbuf + at);
		tokens[*n].first = extra.scanbuf[at];
		(*n)++;
	}
	scanner_finish(scanner);
	return tokens;
}

/* Where a call ends, and where the argument of the instant stands; i is the token it begins with. */
static void
find_end(Call *call, const Token *tokens, int n, int i)
{
	int			argument = 0;
	int			depth = 0;
	int			first = 0;		/* token of this argument */

	for (; i < n; i++)
	{
		bool		closes = tokens[i].first == ')' || tokens[i].first == ']';

		if (tokens[i].first == '(' || tokens[i].first == '[')
		{
			if (depth++ == 0)
				first = i + 1;
		}
		else if (closes)
			depth--;
		if ((closes && depth == 0) || (tokens[i].first == ',' && depth == 1))
		{
			if (argument == call->at_argument)
			{
				/* behind a name and => */
				call->use.at_begin = tokens[first + (call->at_has_name ? 2 : 0)].begin;
				call->use.at_end = tokens[i - 1].end;
			}
			argument++;
			first = i + 1;
		}
		if (closes && depth == 0)
		{
			call->use.end = tokens[i].end;
			return;
		}
	}
	elog(ERROR, "call of in_segment() does not end");
}

static int
compare_begins(const ListCell *a, const ListCell *b)
{
	int			begin_a = ((Call *) lfirst(a))->use.begin;
	int			begin_b = ((Call *) lfirst(b))->use.begin;

	return (begin_a > begin_b) - (begin_a < begin_b);
}

/* Most rules have none, and need no parse to say so. */
static bool
may_use(const char *rule)
{
	for (; *rule != '\0'; rule++)
		if (pg_strncasecmp(rule, FUNCTION, strlen(FUNCTION)) == 0)
			return true;
	return false;
}

/*
 * The calls in a rule that is one expression, in the order of their text; calls in the
 * arguments of others stand behind these.
 */
List *
segment_find_rule_uses(const char *rule)
{
	Calls		calls = {rule, NIL};
	Token	   *tokens;
	ListCell   *cell;
	int			n;
	int			i = 0;

	if (!may_use(rule))
		return NIL;
	(void) find_calls(linitial_node(RawStmt, raw_parser(rule, RAW_PARSE_PLPGSQL_EXPR))->stmt,
					  &calls);
	list_sort(calls.list, compare_begins);
	tokens = tokens_of(rule, &n);
	foreach(cell, calls.list)
	{
		Call	   *call = lfirst(cell);

		while (i < n && tokens[i].begin < call->use.begin)
			i++;
		find_end(call, tokens, n, i);
	}
	/* a Call begins with its RuleUse */
	return calls.list;
}

/* ---- for SQL ---- */

static Datum
characters(const char *rule, int bytes)
{
	return Int32GetDatum(pg_mbstrlen_with_len(rule, bytes) + 1);
}

/*
 * rule_uses(rule): a row for each call: where it begins and what is behind it, in characters
 * from 1; the names; the text of the instant, and whether that may differ from row to row.
 */
Datum
segment_rule_uses(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *rule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, segment_find_rule_uses(rule))
	{
		const RuleUse *use = lfirst(cell);
		Datum		values[6];
		bool		nulls[6] = {false, false, false, false, false, false};

		values[0] = characters(rule, use->begin);
		values[1] = characters(rule, use->end);
		values[2] = CStringGetTextDatum(use->segmentation);
		values[3] = CStringGetTextDatum(use->segment);
		nulls[4] = use->at_begin < 0;
		values[4] = nulls[4] ? (Datum) 0
			: PointerGetDatum(cstring_to_text_with_len(rule + use->at_begin,
													   use->at_end - use->at_begin));
		values[5] = BoolGetDatum(use->at_of_row);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static char *
text_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* refuse_in_rule(rule, position, SQLSTATE, message, detail, hint): an error at a place in a rule */
Datum
segment_refuse_in_rule(PG_FUNCTION_ARGS)
{
	char	   *rule = text_argument(fcinfo, 0);
	char	   *code = text_argument(fcinfo, 2);
	char	   *message = text_argument(fcinfo, 3);
	char	   *detail = text_argument(fcinfo, 4);
	char	   *hint = text_argument(fcinfo, 5);

	if (rule == NULL || PG_ARGISNULL(1) || code == NULL || strlen(code) != 5 || message == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an error in a rule needs the rule, a position, an SQLSTATE and a message")));
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])),
			 errmsg("%s", message),
			 detail == NULL ? 0 : errdetail("%s", detail),
			 hint == NULL ? 0 : errhint("%s", hint),
			 internalerrposition(PG_GETARG_INT32(1)),
			 internalerrquery(rule)));
	PG_RETURN_VOID();
}
