/*
 * rule_clock.h: what of a rule, or of its source, depends on the clock.
 * See rule_clock.c.
 */
#ifndef SEGMENT_RULE_CLOCK_H
#define SEGMENT_RULE_CLOCK_H

#include "compat.h"

#include "nodes/primnodes.h"

extern bool segment_reads_clock(const Node *node, int *location);
extern bool segment_is_clock_literal(const char *statement, const Const *constant);

#endif							/* SEGMENT_RULE_CLOCK_H */
