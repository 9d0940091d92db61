/*
 * segment.c: the loadable module.  What it does lies in its neighbours; see
 * README.md in this folder.
 */
#include "compat.h"

#include "fmgr.h"
#include "segmentation/as_of.h"

#ifndef SEGMENT_VERSION
#error "SEGMENT_VERSION is defined by the Makefile, from segment.control"
#endif

SEGMENT_MODULE_MAGIC;

/* 16 and later declare it */
extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	segment_define_as_of();
}

/*
 * Before 18 no server asks; then the string stands in the file for who looks there:
 * strings segment.so | grep '^segment '
 */
extern PGDLLEXPORT const char segment_version[];
const char	segment_version[] = "segment " SEGMENT_VERSION;
