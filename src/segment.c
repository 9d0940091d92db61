/*
 * segment.c: the loadable module.  What it does lies in its neighbours; see
 * README.md in this folder.
 */
#include "compat.h"

#include "fmgr.h"

#ifndef SEGMENT_VERSION
#define SEGMENT_VERSION "unknown"
#endif

SEGMENT_MODULE_MAGIC;
