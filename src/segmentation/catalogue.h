/*
 * catalogue.h: who owns the catalogue.  See catalogue.c.
 */
#ifndef SEGMENT_CATALOGUE_H
#define SEGMENT_CATALOGUE_H

#include "compat.h"

extern Oid	segment_extension_owner(void);
extern Oid	segment_owner_of_table(Oid table, char *kind);

#endif							/* SEGMENT_CATALOGUE_H */
