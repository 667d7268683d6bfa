/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "filter/node.h"
#include "filter/pattern.h"

int crfd_column_is_text(const struct crfd_column *c)
{
	return c->info.type == CRFD_COLUMN_TEXT;
}

int crfd_operand_compare(int is_text, const struct crfd_operand *a, const struct crfd_operand *b)
{
	size_t n;
	int rc;

	if (!is_text) {
		if (a->is_negative != b->is_negative)
			return a->is_negative ? -1 : 1;
		return (a->number > b->number) - (a->number < b->number);
	}
	n = a->text.n < b->text.n ? a->text.n : b->text.n;
	rc = n ? memcmp(a->text.p, b->text.p, n) : 0;
	return rc ? rc : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

/* Fetches the value of a column: 1, 0 where it is not known, -ENOMEM. */
static int fetch(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *row, struct crfd_operand *out)
{
	struct crfd_value v;
	int rc = crfd_column_value(c, s, row, &v);

	if (rc < 0)
		return rc;
	out->number = v.number;
	out->is_negative = c->info.type == CRFD_COLUMN_INT && v.number >> 63;
	out->text = v.text;
	return v.known != 0;
}

static int is_member(const crfd_filter *f, const struct crfd_node *node, const struct crfd_operand *value)
{
	const uint32_t *member = f->operand + node->first;
	size_t from = 0, to = node->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int rc = crfd_operand_compare(crfd_column_is_text(node->column), value, &f->node[member[middle]].value);

		if (!rc)
			return 1;
		if (rc < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return 0;
}

static int compare(uint16_t what, int order)
{
	switch (what) {
	case CRFD_FILTER_EQ:
		return order == 0;
	case CRFD_FILTER_NE:
		return order != 0;
	case CRFD_FILTER_LT:
		return order < 0;
	case CRFD_FILTER_LE:
		return order <= 0;
	case CRFD_FILTER_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static int test(const crfd_filter *f, const struct crfd_node *node, struct crfd_scratch *s, const struct crfd_row *row)
{
	struct crfd_operand left, right = node->value;
	int rc = fetch(node->column, s, row, &left), is_text = crfd_column_is_text(node->column);

	if (rc < 0 || node->what == CRFD_FILTER_KNOWN)
		return rc;
	if (rc && node->other)
		rc = fetch(node->other, s, row, &right);
	if (rc <= 0)
		return rc < 0 ? rc : CRFD_UNKNOWN;
	switch (node->what) {
	case CRFD_FILTER_HOLDS:
		return is_text ? left.text.n > 0 : left.number != 0;
	case CRFD_FILTER_IN:
		return is_member(f, node, &left);
	case CRFD_FILTER_REGEX:
		return crfd_regex_fits(node->regex, s, left.text);
	case CRFD_FILTER_GLOB:
		return crfd_glob_fits((const char *)right.text.p, s, left.text);
	case CRFD_FILTER_UNDER:
		return crfd_path_is_under(right.text, left.text);
	default:
		return compare(node->what, crfd_operand_compare(is_text, &left, &right));
	}
}

/* enum crfd_truth or -ENOMEM. As deep as the tree, which is CRFD_FILTER_DEPTH_MAX at most. */
static int eval(const crfd_filter *f, const struct crfd_node *node, struct crfd_scratch *s, const struct crfd_row *row)
{
	int decides = node->what == CRFD_FILTER_OR, result = !decides;

	switch (node->what) {
	case CRFD_FILTER_CONST:
		return node->value.number != 0;
	case CRFD_FILTER_AND:
	case CRFD_FILTER_OR:
		break;
	case CRFD_FILTER_NOT:
		result = eval(f, &f->node[f->operand[node->first]], s, row);
		return result == CRFD_TRUE ? CRFD_FALSE : result == CRFD_FALSE ? CRFD_TRUE : result;
	default:
		return test(f, node, s, row);
	}
	for (uint32_t i = 0; i < node->count; i++) {
		int one = eval(f, &f->node[f->operand[node->first + i]], s, row);

		if (one < 0 || one == decides)
			return one;
		if (one == CRFD_UNKNOWN)
			result = one;
	}
	return result;
}

int crfd_filter_eval(const crfd_filter *f, struct crfd_scratch *s, const struct crfd_row *row)
{
	int rc = eval(f, &f->node[f->nnodes - 1], s, row);

	return rc < 0 ? rc : rc == CRFD_TRUE;
}
