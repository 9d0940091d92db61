/*
 * source_keys.c: the keys that a source has in its first column, each once.
 *
 * Which keys are one is decided as in rfm_summary: by the type and collation of
 * the column, and the spelling kept depends on no order of rows.
 */
#include "source/source_query.h"

#include "base/arguments.h"
#include "base/progress.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "source/customer_fold.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(segment_query_keys);

typedef struct KeyReceiver
{
	DestReceiver receiver;		/* first, so that it can be cast */
	MemoryContext context;
	Oid			type;
	KeyType		key_type;
	CustomerFold *fold;			/* of customers without orders */
	uint64		read;			/* rows of the source */
} KeyReceiver;

static bool
key_receive(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *keys = (KeyReceiver *) self;
	FoldRow    *row = segment_fold_row(&keys->fold->base);
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	segment_progress_rows(ROWS_READ, ++keys->read);
	if (isnull)
		return true;
	memset(row, 0, sizeof(*row));
	row->customer = segment_key_copy(keys->fold->base.batch_context, &keys->key_type, value);
	segment_fold_add(&keys->fold->base);
	return true;
}

static void
key_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	KeyReceiver *keys = (KeyReceiver *) self;
	MemoryContext old;

	if (desc->natts < 1 || TupleDescAttr(desc, 0)->atttypid != keys->type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the first column of customers is not of type %s",
						format_type_be(keys->type)),
				 errhint("It must have the type of the customer key in the source.")));
	old = MemoryContextSwitchTo(keys->context);
	segment_key_type_init(&keys->key_type, keys->type, TupleDescAttr(desc, 0)->attcollation,
						  "a customer");
	keys->fold = segment_customer_fold_create(&keys->key_type, NULL, false, get_hash_memory_limit());
	MemoryContextSwitchTo(old);
}

/*
 * query_keys(key, query, search_path, only_keys): the values of the first column, each
 * once, NULLs left out.
 */
Datum
segment_query_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	KeyReceiver keys = {{0}};
	SourceText	source = {0};
	uint32		i;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	segment_source_receiver(&keys.receiver, key_receive, key_startup);
	keys.context = CurrentMemoryContext;
	keys.type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	source.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	source.search_path = segment_arg_text(fcinfo, 2);
	segment_source_only(&source, fcinfo, 3, keys.type);
	segment_source_run(&source, &keys.receiver);
	segment_fold_end_pass(&keys.fold->base);
	do
	{
		for (i = 0; i < keys.fold->base.customers.n; i++)
		{
			KeyEntry   *entry = segment_key_table_entry(&keys.fold->base.customers, i);
			bool		isnull = false;

			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &entry->key, &isnull);
		}
		CHECK_FOR_INTERRUPTS();
	} while (segment_fold_next_pass(&keys.fold->base));
	return (Datum) 0;
}
