/* SPDX-License-Identifier: MIT */
/* Held rows are ordered by each key in turn, what is not known last; equal rows stay as they came. */
#define _GNU_SOURCE /* qsort_r */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "render/render.h"

struct crfd_sort_value {
	uint64_t number; /* of a text: where it begins in texts */
	uint32_t len; /* of a text */
	uint8_t known, is_text, is_signed;
	uint8_t pad;
};

int crfd_render_keep_keys(struct crfd_render *v, const struct crfd_row *r)
{
	int rc = 0;

	for (size_t i = 0; i < v->o.nkeys && rc >= 0; i++) {
		const struct crfd_column *c = v->key[i];
		struct crfd_sort_value k = {.is_signed = c->info.type == CRFD_COLUMN_INT, .is_text = c->info.type == CRFD_COLUMN_TEXT};
		struct crfd_value value;

		rc = c->list ? 0 : crfd_column_value(c, &v->scratch, r, &value);
		if (rc < 0)
			return rc;
		k.known = !c->list && value.known;
		if (k.known && k.is_text) {
			k.number = v->texts.nr;
			k.len = (uint32_t)value.text.n;
			rc = crfd_buf_put(&v->texts, value.text.p, value.text.n);
		} else if (k.known) {
			k.number = value.number;
		}
		if (rc >= 0)
			rc = crfd_buf_put(&v->keys, &k, sizeof(k));
	}
	return rc;
}

static int compare_text(const struct crfd_render *v, const struct crfd_sort_value *a, const struct crfd_sort_value *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int order = n ? memcmp(v->texts.v + a->number, v->texts.v + b->number, n) : 0;

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_value(const struct crfd_render *v, const struct crfd_sort_value *a, const struct crfd_sort_value *b)
{
	if (a->is_text)
		return compare_text(v, a, b);
	if (a->is_signed)
		return ((int64_t)a->number > (int64_t)b->number) - ((int64_t)a->number < (int64_t)b->number);
	return (a->number > b->number) - (a->number < b->number);
}

static int compare(const void *left, const void *right, void *arg)
{
	const struct crfd_render *v = arg;
	size_t a = *(const size_t *)left, b = *(const size_t *)right;

	for (size_t i = 0; i < v->o.nkeys; i++) {
		struct crfd_sort_value x, y;
		int order;

		memcpy(&x, v->keys.v + (a * v->o.nkeys + i) * sizeof(x), sizeof(x));
		memcpy(&y, v->keys.v + (b * v->o.nkeys + i) * sizeof(y), sizeof(y));
		if (x.known != y.known)
			return x.known ? -1 : 1;
		order = x.known ? compare_value(v, &x, &y) : 0;
		if (order)
			return v->o.descending[i] ? -order : order;
	}
	return (a > b) - (a < b);
}

int crfd_render_sort(struct crfd_render *v)
{
	size_t *order = malloc(v->nheld * sizeof(*order));
	struct crfd_held *row = malloc(v->row_alloc * sizeof(*row));

	if (!order || !row) {
		free(order);
		free(row);
		return -ENOMEM;
	}
	for (size_t i = 0; i < v->nheld; i++)
		order[i] = i;
	qsort_r(order, v->nheld, sizeof(*order), compare, v);
	for (size_t i = 0; i < v->nheld; i++)
		row[i] = v->row[order[i]];
	free(v->row);
	free(order);
	v->row = row;
	crfd_buf_clear(&v->keys);
	crfd_buf_clear(&v->texts);
	return 0;
}
