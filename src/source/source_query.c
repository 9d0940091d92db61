/*
 * source_query.c: SQL text that users give as a source.
 *
 * One SELECT (or VALUES, TABLE, WITH) that only reads, without parameters; the
 * functions it calls may not write either, as in a read-only transaction.  It
 * sees what the calling query sees (the same snapshot) and its rows go from the
 * executor straight to a receiver; nothing is stored in between.
 */
#include "source/source_query.h"

#include <ctype.h>

#include "base/arguments.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/keywords.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/scanner.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(segment_query_columns);
PG_FUNCTION_INFO_V1(segment_source_query);
PG_FUNCTION_INFO_V1(segment_qualified_query);
PG_FUNCTION_INFO_V1(segment_query_relations);

static void
reject(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("source must be a single query that only reads, but %s", why),
			 errhint("Give one SELECT without FOR UPDATE and without data-modifying WITH.")));
}

/* ---- the statement ---- */

/* Shows a lexical error in the source, not in the statement that called us. */
static void
lexical_error(void *query)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) query);
	}
}

/* Whether the token is a part of a relation's name: an identifier, or a keyword as one. */
static bool
is_identifier(const char *token, int length)
{
	return token[0] == '"' ||
		((isalpha((unsigned char) token[0]) || token[0] == '_' || IS_HIGHBIT_SET(token[0])) &&
		 memchr(token, '\'', length) == NULL && memchr(token, '&', length) == NULL);
}

/*
 * The one statement that a source stands for, which creation checks and a
 * refresh runs: white space, comments and semicolons at the end are cut off,
 * and the name of a relation becomes TABLE name.  It may stand in parentheses.
 * *relation, where asked for, is that name, or NULL.
 */
static char *
source_statement(const char *query, char **relation)
{
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE		at;
	ErrorContextCallback callback;
	core_yyscan_t scanner = scanner_init(query, &extra, &ScanKeywords, ScanKeywordTokens);
	int			end = 0;		/* after the last token that is no semicolon */
	bool		closed = false; /* a semicolon came */
	bool		name = true;
	bool		part_next = true;	/* the token to come should be a part of the name */
	StringInfoData parts;		/* the name without white space and comments */

	initStringInfo(&parts);
	extra.escape_string_warning = false;
	callback.callback = lexical_error;
	callback.arg = (void *) query;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	while (core_yylex(&value, &at, scanner) != 0)
	{
		/* the scanner puts an end behind the token that it has read */
		const char *token = extra.scanbuf + at;
		int			length = (int) strlen(token);

		if (strcmp(token, ";") == 0)
		{
			closed = true;
			continue;
		}
		/* several statements: all is kept, to be refused by what parses it */
		name = name && !closed && (part_next ? is_identifier(token, length) : token[0] == '.');
		part_next = !part_next;
		if (name)
			appendStringInfoString(&parts, token);
		end = at + length;
	}
	error_context_stack = callback.previous;
	scanner_finish(scanner);

	name = name && !part_next;
	if (relation != NULL)
		*relation = name ? parts.data : NULL;
	return name ? psprintf("TABLE %s", parts.data) : pnstrdup(query, end);
}

/* Where plans are kept for the next time; NULL: they are not. */
static SourcePlans *plans_in_use = NULL;

/* Parses and checks the statement; SPI must be connected. */
static SPIPlanPtr
prepare_source(const char *statement, int n_parameters, Oid *parameter_types)
{
	/* first of all, because SPI shows where in the query a syntax error is */
	/* kept for other keys than these */
	int			options = plans_in_use != NULL ? CURSOR_OPT_PARALLEL_OK | CURSOR_OPT_GENERIC_PLAN
		: CURSOR_OPT_PARALLEL_OK;
	SPIPlanPtr	plan = SPI_prepare_cursor(statement, n_parameters, parameter_types, options);
	List	   *sources;
	CachedPlanSource *source;
	Query	   *parsed;

	if (plan == NULL)
		elog(ERROR, "could not prepare the source: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	if (sources == NIL)
		reject("it is empty");
	if (list_length(sources) > 1)
		reject("it has several statements");
	source = linitial(sources);
	if (list_length(source->query_list) != 1)
		reject("rules turn it into several statements");
	parsed = linitial_node(Query, source->query_list);
	if (parsed->commandType != CMD_SELECT || parsed->utilityStmt != NULL)
		reject("it is not a SELECT");
	if (parsed->hasModifyingCTE)
		reject("it changes data in WITH");
	if (parsed->rowMarks != NIL)
		reject("it locks rows");
	return plan;
}

static CachedPlanSource *
plan_source(SPIPlanPtr plan)
{
	return linitial(SPI_plan_get_plan_sources(plan));
}

/* A statement without parameters, parsed and checked as a source; SPI must be connected. */
CachedPlanSource *
segment_prepare_source(const char *statement)
{
	return plan_source(prepare_source(statement, 0, NULL));
}

/* What the first column is called where the statement is wrapped. */
#define FIRST_COLUMN "segment_source_key"

/*
 * The statement for the rows of some keys only.  The condition stands outside,
 * where the planner moves it into the source as far as that changes nothing,
 * down to an index on the column.  It compares as the type does that was asked
 * for, by the column's own collation.
 */
static char *
statement_for_keys(const SourceText *source, const char *statement, TupleDesc desc)
{
	Oid			type = get_element_type(source->only_type);
	TypeCacheEntry *cache = lookup_type_cache(type, TYPECACHE_EQ_OPR);
	const char *column = quote_identifier(source->key_column != NULL ? source->key_column
										  : FIRST_COLUMN);
	Oid			column_type = InvalidOid;
	HeapTuple	operator;
	Form_pg_operator form;
	StringInfoData text;
	int			i;

	if (!OidIsValid(cache->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s",
						format_type_be(type))));
	for (i = 0; i < desc->natts && !OidIsValid(column_type); i++)
		if (source->key_column == NULL ||
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), source->key_column) == 0)
			column_type = TupleDescAttr(desc, i)->atttypid;
	if (!OidIsValid(column_type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the source has no column \"%s\"", source->key_column)));
	initStringInfo(&text);
	/* a line of its own for the end: the statement may close with a comment */
	appendStringInfo(&text, "SELECT * FROM (%s\n) AS source%s WHERE source.%s", statement,
					 source->key_column == NULL ? " (" FIRST_COLUMN ")" : "", column);
	if (!IsBinaryCoercible(column_type, type))
		appendStringInfo(&text, "::%s",
						 format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
	operator = SearchSysCache1(OPEROID, ObjectIdGetDatum(cache->eq_opr));
	if (!HeapTupleIsValid(operator))
		elog(ERROR, "cache lookup failed for operator %u", cache->eq_opr);
	form = (Form_pg_operator) GETSTRUCT(operator);
	appendStringInfo(&text, " OPERATOR(%s.%s) ANY ($1)",
					 quote_identifier(get_namespace_name(form->oprnamespace)),
					 NameStr(form->oprname));
	ReleaseSysCache(operator);
	return text.data;
}

/* Takes the keys of argument i, where it is not NULL: an array of the key's type. */
void
segment_source_only(SourceText *source, FunctionCallInfo fcinfo, int i, Oid key_type)
{
	Oid			type;

	if (PG_NARGS() <= i || PG_ARGISNULL(i))
		return;
	type = get_fn_expr_argtype(fcinfo->flinfo, i);
	if (type == UNKNOWNOID && OidIsValid(get_array_type(key_type)))
	{
		/* a bare literal */
		Oid			input;
		Oid			parameter;

		type = get_array_type(key_type);
		getTypeInputInfo(type, &input, &parameter);
		source->only = OidInputFunctionCall(input, DatumGetCString(PG_GETARG_DATUM(i)),
											parameter, -1);
	}
	else
		source->only = PG_GETARG_DATUM(i);
	if (!OidIsValid(get_element_type(type)) ||
		(OidIsValid(key_type) && get_element_type(type) != key_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("\"only_keys\" is of type %s, expected an array of %s", format_type_be(type),
						OidIsValid(key_type) ? format_type_be(key_type) : "keys")));
	source->only_type = type;
}

/* Makes a search_path hold until the nest level ends; NULL: the session's. */
int
segment_enter_search_path(const char *search_path)
{
	int			nest_level = NewGUCNestLevel();

	if (search_path != NULL)
		(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/* Makes constants print so that every session reads them alike, until the nest level ends. */
void
segment_enter_plain_output(void)
{
	(void) set_config_option("datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("intervalstyle", "iso_8601", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* ---- plans that are kept ---- */

/*
 * Who runs the same source again and again, with the same settings that its text is read
 * under, has its plans kept; others have it parsed each time.
 */
typedef struct KeptPlan
{
	char	   *query;
	char	   *search_path;	/* "": the session's */
	char	   *key_column;		/* "": the first */
	Oid			only_type;
	SPIPlanPtr	plan;
} KeptPlan;

struct SourcePlans
{
	MemoryContext context;
	List	   *kept;
};


SourcePlans *
segment_make_source_plans(MemoryContext context)
{
	SourcePlans *plans = MemoryContextAllocZero(context, sizeof(SourcePlans));

	plans->context = context;
	return plans;
}

/* From here on sources are run by these plans, NULL: each by one of its own; returns those before. */
SourcePlans *
segment_use_source_plans(SourcePlans *plans)
{
	SourcePlans *before = plans_in_use;

	plans_in_use = plans;
	return before;
}

/* Frees the plans; their memory goes with the context. */
void
segment_forget_source_plans(SourcePlans *plans)
{
	ListCell   *lc;

	if (plans == NULL)
		return;
	foreach(lc, plans->kept)
		SPI_freeplan(((KeptPlan *) lfirst(lc))->plan);
	plans->kept = NIL;
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static SPIPlanPtr
kept_plan(const SourceText *source)
{
	ListCell   *lc;

	if (plans_in_use == NULL)
		return NULL;
	foreach(lc, plans_in_use->kept)
	{
		KeptPlan   *kept = lfirst(lc);

		if (kept->only_type == source->only_type && strcmp(kept->query, source->query) == 0 &&
			strcmp(kept->search_path, or_empty(source->search_path)) == 0 &&
			strcmp(kept->key_column, or_empty(source->key_column)) == 0)
			return kept->plan;
	}
	return NULL;
}

static void
keep_plan(const SourceText *source, SPIPlanPtr plan)
{
	MemoryContext old;
	KeptPlan   *kept;

	if (plans_in_use == NULL)
		return;
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep a plan");
	old = MemoryContextSwitchTo(plans_in_use->context);
	kept = palloc(sizeof(KeptPlan));
	kept->query = pstrdup(source->query);
	kept->search_path = pstrdup(or_empty(source->search_path));
	kept->key_column = pstrdup(or_empty(source->key_column));
	kept->only_type = source->only_type;
	kept->plan = plan;
	plans_in_use->kept = lappend(plans_in_use->kept, kept);
	MemoryContextSwitchTo(old);
}

/* The plan for a source, or for the rows of some keys of it; SPI must be connected. */
static SPIPlanPtr
plan_for(const SourceText *source)
{
	char	   *statement = source_statement(source->query, NULL);
	SPIPlanPtr	plan = prepare_source(statement, 0, NULL);

	/* without columns it is refused by the receiver */
	if (OidIsValid(source->only_type) && plan_source(plan)->resultDesc != NULL &&
		plan_source(plan)->resultDesc->natts > 0)
	{
		Oid			type = source->only_type;

		statement = statement_for_keys(source, statement, plan_source(plan)->resultDesc);
		plan = prepare_source(statement, 1, &type);
	}
	keep_plan(source, plan);
	return plan;
}

static void
nothing_to_end(DestReceiver *self)
{
}

/* A receiver of rows that owns nothing. */
void
segment_source_receiver(DestReceiver *receiver,
						bool (*receive) (TupleTableSlot *slot, DestReceiver *self),
						void (*startup) (DestReceiver *self, int operation, TupleDesc desc))
{
	receiver->receiveSlot = receive;
	receiver->rStartup = startup;
	receiver->rShutdown = nothing_to_end;
	receiver->rDestroy = nothing_to_end;
	receiver->mydest = DestNone;
}

/*
 * Runs a source into a receiver.  Its search_path, where given, holds for
 * the query alone: nothing of ours is looked up under it.
 */
void
segment_source_run(const SourceText *source, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			nest_level = segment_enter_search_path(source->search_path);
	bool		was_read_only = XactReadOnly;
	SPIPlanPtr	plan;
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = receiver;
	plan = kept_plan(source);
	if (plan == NULL)
		plan = plan_for(source);
	if (SPI_getargcount(plan) == 1)
	{
		options.params = makeParamList(1);
		options.params->params[0].value = source->only;
		options.params->params[0].isnull = false;
		options.params->params[0].pflags = PARAM_FLAG_CONST;
		options.params->params[0].ptype = source->only_type;
	}
	/* an error ends the subtransaction or transaction, which resets it */
	XactReadOnly = true;
	result = SPI_execute_plan_extended(plan, &options);
	XactReadOnly = was_read_only;
	if (result < 0)
		elog(ERROR, "could not run the source: %s", SPI_result_code_string(result));
	SPI_finish();
	AtEOXact_GUC(true, nest_level);
}

/* ---- columns ---- */

/* Nothing that ends with this session may be what a later one needs. */
static void
refuse_temporary(const char *does, const char *kind, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the source %s the temporary %s \"%s\"", does, kind, name),
			 errdetail("It ends with this session, and a refresh in another one would fail."),
			 errhint(strcmp(kind, "relation") == 0 ? "Read a permanent table or view."
					 : "Create it in a permanent schema.")));
}

static bool
refuse_temporary_function(Oid function, void *context)
{
	if (isAnyTempNamespace(get_func_namespace(function)))
		refuse_temporary("calls", "function", get_func_name(function));
	return false;
}

static void
refuse_temporary_operator(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	Form_pg_operator operator;

	if (!HeapTupleIsValid(tuple))
		return;
	operator = (Form_pg_operator) GETSTRUCT(tuple);
	if (isAnyTempNamespace(operator->oprnamespace))
		refuse_temporary("uses", "operator", NameStr(operator->oprname));
	ReleaseSysCache(tuple);
}

static void
refuse_temporary_type(Oid oid)
{
	Oid			element = get_element_type(oid);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, OidIsValid(element) ? element : oid);
	Form_pg_type type;

	if (!HeapTupleIsValid(tuple))
		return;
	type = (Form_pg_type) GETSTRUCT(tuple);
	if (isAnyTempNamespace(type->typnamespace))
		refuse_temporary("uses", "type", NameStr(type->typname));
	ReleaseSysCache(tuple);
}

/*
 * Looks for functions, operators and types of a session in a query whose views are
 * expanded.  What a function calls inside cannot be seen.
 */
static bool
refuse_temporary_parts(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, refuse_temporary_parts, context, 0);
	(void) check_functions_in_node(node, refuse_temporary_function, context);
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			refuse_temporary_operator(((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			refuse_temporary_operator(((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_CoerceToDomain:
		case T_CoerceViaIO:
		case T_RelabelType:
		case T_ArrayCoerceExpr:
		case T_RowExpr:
		case T_ArrayExpr:
			refuse_temporary_type(exprType(node));
			break;
		default:
			break;
	}
	return expression_tree_walker(node, refuse_temporary_parts, context);
}

void
segment_refuse_session_objects(const CachedPlanSource *source)
{
	ListCell   *cell;

	foreach(cell, source->relationOids)
		if (get_rel_persistence(lfirst_oid(cell)) == RELPERSISTENCE_TEMP)
			refuse_temporary("reads", "relation",
							 get_rel_name(lfirst_oid(cell)));
	foreach(cell, source->query_list)
		(void) refuse_temporary_parts(lfirst(cell), NULL);
}

/*
 * query_columns(query, search_path, permanent): number, name, type and collation of each column
 * of a source; permanent: an error where it needs what ends with the session.
 */
Datum
segment_query_columns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	CachedPlanSource *source;
	TupleDesc	desc;
	char	   *statement;
	int			nest_level;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	nest_level = segment_enter_search_path(segment_arg_text(fcinfo, 1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	statement = source_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL);
	source = plan_source(prepare_source(statement, 0, NULL));
	if (PG_NARGS() > 2 && !PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		segment_refuse_session_objects(source);
	desc = source->resultDesc;
	for (i = 0; desc != NULL && i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(NameStr(attribute->attname));
		values[2] = ObjectIdGetDatum(attribute->atttypid);
		values[3] = ObjectIdGetDatum(attribute->attcollation);
		nulls[3] = !OidIsValid(attribute->attcollation);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();
	AtEOXact_GUC(true, nest_level);
	return (Datum) 0;
}

/*
 * source_query(source, search_path): the statement that a source stands for, with a relation's
 * name looked up under the search_path and spelled out, so that it stays the one it was.
 */
Datum
segment_source_query(PG_FUNCTION_ARGS)
{
	char	   *relation;
	char	   *statement;
	RangeVar   *name;
	int			nest_level;
	Oid			found;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	statement = source_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), &relation);
	if (relation == NULL)
		PG_RETURN_TEXT_P(cstring_to_text(statement));
	nest_level = segment_enter_search_path(segment_arg_text(fcinfo, 1));
	name = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(relation)));
	found = RangeVarGetRelid(name, NoLock, true);
	AtEOXact_GUC(true, nest_level);
	/* an unknown name: the server says so when it parses the statement */
	if (OidIsValid(found) && get_rel_name(found) != NULL)
		statement = psprintf("TABLE %s",
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(found)),
														get_rel_name(found)));
	PG_RETURN_TEXT_P(cstring_to_text(statement));
}

/* The relations that a query reads, those behind its views included, as an array. */
static Datum
relations_of(const CachedPlanSource *source)
{
	Datum	   *relations = palloc(sizeof(Datum) * Max(list_length(source->relationOids), 1));
	ListCell   *cell;
	int			n = 0;

	foreach(cell, source->relationOids)
		relations[n++] = ObjectIdGetDatum(lfirst_oid(cell));
	return PointerGetDatum(construct_array(relations, n, REGCLASSOID, sizeof(Oid), true,
										   TYPALIGN_INT));
}

/* query_relations(query, search_path): what a query reads, views and what is behind them. */
Datum
segment_query_relations(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	CachedPlanSource *source;
	Datum		result;
	MemoryContext old;
	int			nest_level;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	nest_level = segment_enter_search_path(segment_arg_text(fcinfo, 1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	source = plan_source(prepare_source(source_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL),
										0, NULL));
	AtEOXact_GUC(true, nest_level);
	old = MemoryContextSwitchTo(caller);
	result = relations_of(source);
	MemoryContextSwitchTo(old);
	SPI_finish();
	PG_RETURN_DATUM(result);
}

/*
 * qualified_query(query, search_path): the query with all names spelled out, so that it can be a
 * part of a statement that has another search_path, and the relations that it reads, those behind
 * its views included.
 */
Datum
segment_qualified_query(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	TupleDesc	desc;
	CachedPlanSource *source;
	char	   *statement;
	Query	   *parsed;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	int			nest_level;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	nest_level = segment_enter_search_path(segment_arg_text(fcinfo, 1));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	statement = source_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL);
	source = plan_source(prepare_source(statement, 0, NULL));
	/* what is prepared has its views expanded and its policies added, so it is parsed once more */
	parsed = parse_analyze_fixedparams(copyObject(source->raw_parse_tree), statement, NULL, 0,
									   NULL);
	AtEOXact_GUC(true, nest_level);

	/* spelled out as far as the search_path of the caller needs it */
	nest_level = NewGUCNestLevel();
	segment_enter_plain_output();
	statement = pg_get_querydef(parsed, false);
	AtEOXact_GUC(true, nest_level);
	MemoryContextSwitchTo(caller);
	values[0] = CStringGetTextDatum(statement);
	values[1] = relations_of(source);
	SPI_finish();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
