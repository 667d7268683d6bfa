/* SPDX-License-Identifier: MIT */
/* A program, which anybody may have made, becomes a tree that can be evaluated without a look at what it was made from. */
#define _GNU_SOURCE /* qsort_r */
#include "filter/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/node.h"
#include "filter/pattern.h"

struct compiler {
	const crfd_filter_op *op;
	size_t n;
	const uint8_t *text;
	size_t ntext, text_used;
	crfd_filter *f;
	uint32_t *stack; /* nodes that no other has taken yet */
	size_t depth;
	char *why;
	size_t why_size;
};

static int refuse(struct compiler *c, const char *why)
{
	snprintf(c->why, c->why_size, "%s", why);
	return -EINVAL;
}

static int is_comparison(int what)
{
	return what >= CRFD_FILTER_EQ && what <= CRFD_FILTER_GE;
}

static int is_pattern(int what)
{
	return what == CRFD_FILTER_REGEX || what == CRFD_FILTER_GLOB || what == CRFD_FILTER_UNDER;
}

/* Says what reading the column costs, in units of a look at a member of the row. */
static uint32_t cost_of(const struct crfd_column *c)
{
	if (c->from != CRFD_FROM_CALL)
		return c->from == CRFD_FROM_RECORD || c->from == CRFD_FROM_TASK_RECORD ? 2 : 1;
	return crfd_column_is_text(c) ? 8 : 3;
}

static uint32_t cost_of_test(const struct crfd_node *node)
{
	uint32_t cost = cost_of(node->column) + (node->other ? cost_of(node->other) : 0);

	switch (node->what) {
	case CRFD_FILTER_REGEX:
		return cost + 40;
	case CRFD_FILTER_GLOB:
		return cost + 20;
	case CRFD_FILTER_IN:
		return cost + 2;
	default:
		return cost + (uint32_t)crfd_column_is_text(node->column);
	}
}

static int by_cost(const void *a, const void *b, void *node)
{
	uint32_t one = ((struct crfd_node *)node)[*(const uint32_t *)a].cost;
	uint32_t two = ((struct crfd_node *)node)[*(const uint32_t *)b].cost;

	return (one > two) - (one < two);
}

static int by_number(const void *a, const void *b, void *node)
{
	return crfd_operand_compare(0, &((struct crfd_node *)node)[*(const uint32_t *)a].value,
				    &((struct crfd_node *)node)[*(const uint32_t *)b].value);
}

static int by_text(const void *a, const void *b, void *node)
{
	return crfd_operand_compare(1, &((struct crfd_node *)node)[*(const uint32_t *)a].value,
				    &((struct crfd_node *)node)[*(const uint32_t *)b].value);
}

/* The top `count` of the stack become the node's operands, which must all be values, or none. */
static int take_operands(struct compiler *c, struct crfd_node *node, uint32_t count)
{
	int want_values = node->what == CRFD_FILTER_IN;

	if (!count || count > c->depth)
		return refuse(c, "it takes more operands than there are");
	c->depth -= count;
	node->first = (uint32_t)c->f->noperands;
	node->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct crfd_node *one = &c->f->node[c->stack[c->depth + i]];

		if ((one->what == CRFD_FILTER_VALUE) != want_values)
			return refuse(c, want_values ? "a member is no value" : "an operand is a value, no condition");
		if (want_values && (one->value.text.p != NULL) != crfd_column_is_text(node->column))
			return refuse(c, "a member is not of the column's type");
		node->depth = one->depth + 1 > node->depth ? one->depth + 1 : node->depth;
		node->cost += one->cost;
		c->f->operand[c->f->noperands++] = c->stack[c->depth + i];
	}
	return node->depth > CRFD_FILTER_DEPTH_MAX ? refuse(c, "it is nested too deep") : 0;
}

static int take_text(struct compiler *c, const crfd_filter_op *op, struct crfd_bytes *out)
{
	uint8_t *to = c->f->text + c->text_used;

	if (op->text_off > c->ntext || op->text_len > c->ntext - op->text_off)
		return refuse(c, "its text is outside of the text given");
	if (op->text_len)
		memcpy(to, c->text + op->text_off, op->text_len);
	to[op->text_len] = 0;
	*out = (struct crfd_bytes){to, op->text_len};
	c->text_used += op->text_len + 1;
	return 0;
}

static int take_column(struct compiler *c, uint16_t number, const struct crfd_column **out)
{
	*out = crfd_column_at(number);
	if (!*out)
		return refuse(c, "there is no such column");
	return (*out)->info.type == CRFD_COLUMN_LIST ? refuse(c, "a list cannot be compared") : 0;
}

/* Takes the right side of a test, or a member of IN. */
static int take_value(struct compiler *c, const crfd_filter_op *op, int is_text, struct crfd_node *node)
{
	if (op->flags & CRFD_FILTER_OTHER) {
		int rc = take_column(c, op->other, &node->other);

		if (rc < 0)
			return rc;
		return is_text || crfd_column_is_text(node->other) ? refuse(c, "two texts cannot be compared") : 0;
	}
	if (is_text)
		return take_text(c, op, &node->value.text);
	node->value.number = op->number;
	node->value.is_negative = op->flags & CRFD_FILTER_NEGATIVE && op->number >> 63;
	return 0;
}

static int take_pattern(struct compiler *c, struct crfd_node *node)
{
	const char *text = (const char *)node->value.text.p;

	if (node->value.text.n > CRFD_FILTER_PATTERN_MAX && node->what != CRFD_FILTER_UNDER)
		return refuse(c, "the pattern is too long");
	if (node->what == CRFD_FILTER_REGEX)
		return crfd_regex_new(text, node->value.text.n, &node->regex, c->why, c->why_size);
	return node->what == CRFD_FILTER_GLOB && strlen(text) != node->value.text.n ? refuse(c, "a pattern has no NUL") : 0;
}

static int take_test(struct compiler *c, const crfd_filter_op *op, struct crfd_node *node)
{
	int rc = take_column(c, op->column, &node->column), is_text;

	if (rc < 0)
		return rc;
	is_text = crfd_column_is_text(node->column);
	if (op->what == CRFD_FILTER_IN) {
		rc = take_operands(c, node, op->count);
		if (rc >= 0)
			qsort_r(c->f->operand + node->first, node->count, sizeof(*c->f->operand), is_text ? by_text : by_number,
				c->f->node);
	} else if (is_comparison(op->what)) {
		rc = take_value(c, op, is_text, node);
	} else if (is_pattern(op->what)) {
		rc = is_text ? take_text(c, op, &node->value.text) : refuse(c, "only text can fit a pattern");
		rc = rc < 0 ? rc : take_pattern(c, node);
	} else if (op->what != CRFD_FILTER_HOLDS && op->what != CRFD_FILTER_KNOWN) {
		rc = refuse(c, "there is no such operation");
	}
	node->cost = rc < 0 ? 0 : cost_of_test(node);
	return rc;
}

static int take(struct compiler *c, const crfd_filter_op *op, struct crfd_node *node)
{
	int rc;

	node->what = op->what;
	switch (op->what) {
	case CRFD_FILTER_AND:
	case CRFD_FILTER_OR:
	case CRFD_FILTER_NOT:
		if (op->what == CRFD_FILTER_NOT && op->count != 1)
			return refuse(c, "not is of one operand");
		rc = take_operands(c, node, op->count);
		if (rc >= 0)
			qsort_r(c->f->operand + node->first, node->count, sizeof(*c->f->operand), by_cost, c->f->node);
		return rc;
	case CRFD_FILTER_CONST:
		node->value.number = op->number;
		return 0;
	case CRFD_FILTER_VALUE:
		if (op->flags & CRFD_FILTER_OTHER)
			return refuse(c, "a member is no column");
		return take_value(c, op, op->flags & CRFD_FILTER_TEXT, node);
	default:
		return take_test(c, op, node);
	}
}

static int run(struct compiler *c, size_t *at)
{
	int rc = 0;

	for (*at = 0; *at < c->n && rc >= 0; ++*at) {
		c->f->nnodes = *at + 1;
		rc = take(c, &c->op[*at], &c->f->node[*at]);
		if (rc < 0)
			break;
		c->stack[c->depth++] = (uint32_t)*at;
	}
	if (rc >= 0 && (c->depth != 1 || c->f->node[c->n - 1].what == CRFD_FILTER_VALUE))
		rc = refuse(c, "it does not end in one condition");
	return rc;
}

/* Counts the bytes that the texts of all ops take, which may be the same bytes of the text given. */
static size_t text_size(const crfd_filter_op *ops, size_t n)
{
	size_t size = n;

	for (size_t i = 0; i < n && size <= CRFD_FILTER_TEXT_MAX + n; i++)
		size += ops[i].text_len;
	return size;
}

int crfd_filter_new(const crfd_filter_op *ops, size_t n, const uint8_t *text, size_t ntext, crfd_filter **out,
		    crfd_filter_fault *fault)
{
	struct compiler c = {.op = ops, .n = n, .text = text, .ntext = ntext, .why = fault->why, .why_size = sizeof(fault->why)};
	size_t at = 0;
	int rc = -ENOMEM;

	memset(fault, 0, sizeof(*fault));
	if (!n || n > CRFD_FILTER_OPS_MAX || text_size(ops, n) > CRFD_FILTER_TEXT_MAX + n)
		return refuse(&c, n ? "it is too long" : "it is empty");
	c.f = calloc(1, sizeof(*c.f));
	c.stack = malloc(n * sizeof(*c.stack));
	if (!c.f || !c.stack)
		goto out;
	atomic_init(&c.f->holders, 1);
	c.f->node = calloc(n, sizeof(*c.f->node));
	c.f->operand = malloc(n * sizeof(*c.f->operand));
	c.f->text = malloc(text_size(ops, n));
	if (c.f->node && c.f->operand && c.f->text)
		rc = run(&c, &at);
out:
	free(c.stack);
	if (rc < 0) {
		fault->op = at;
		crfd_filter_free(c.f);
		return rc;
	}
	*out = c.f;
	return 0;
}

crfd_filter *crfd_filter_take(crfd_filter *f)
{
	atomic_fetch_add_explicit(&f->holders, 1, memory_order_relaxed);
	return f;
}

void crfd_filter_free(crfd_filter *f)
{
	if (!f || atomic_fetch_sub_explicit(&f->holders, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; f->node && i < f->nnodes; i++)
		crfd_regex_free(f->node[i].regex);
	free(f->node);
	free(f->operand);
	free(f->text);
	free(f);
}
