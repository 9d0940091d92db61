/*
 * rule_words.h: rules in plain words.  See rule_words.c and rule_operands.c.
 */
#ifndef SEGMENT_RULE_WORDS_H
#define SEGMENT_RULE_WORDS_H

#include "compat.h"

#include "segmentation/rule_parts.h"

extern char *segment_operand_words(const RuleTokens *tokens, RulePart part);
extern char *segment_quoted_words(const RuleTokens *tokens, RulePart part);
extern char *segment_comparison_words(const RuleTokens *tokens, RulePart part, bool negated);

#endif							/* SEGMENT_RULE_WORDS_H */
