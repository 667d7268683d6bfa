/* SPDX-License-Identifier: MIT */
/* A compiled condition is a tree in an array, the operands of a node cheapest first. */
#ifndef CRFD_FILTER_NODE_H
#define CRFD_FILTER_NODE_H

#include <regex.h>
#include <stdatomic.h>

#include "columns/column.h"
#include "filter/filter.h"

enum crfd_truth { CRFD_FALSE = 0, CRFD_TRUE = 1, CRFD_UNKNOWN = 2 };

/* An operand is text, or a number that may be below 0. */
struct crfd_operand {
	int is_negative;
	uint64_t number;
	struct crfd_bytes text; /* of a pattern with a NUL behind it */
};

struct crfd_node {
	uint16_t what; /* enum crfd_filter_what */
	uint16_t depth;
	uint32_t cost;
	uint32_t first, count; /* operands, members of IN: in crfd_filter.operand */
	const struct crfd_column *column, *other;
	struct crfd_operand value;
	regex_t *regex;
};

struct crfd_filter {
	atomic_size_t holders;
	struct crfd_node *node;
	size_t nnodes; /* the last one is the root */
	uint32_t *operand; /* numbers of nodes */
	size_t noperands;
	uint8_t *text; /* each piece with a NUL behind it */
};

int crfd_column_is_text(const struct crfd_column *c);
/* Returns a negative number, 0 or a positive one where a is below b, equal, above. */
int crfd_operand_compare(int is_text, const struct crfd_operand *a, const struct crfd_operand *b);

#endif
