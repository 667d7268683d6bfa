/* SPDX-License-Identifier: MIT */
/* Values are written as JSON (RFC 8259) here, lists and the members of a family as well. */
#include <errno.h>
#include <string.h>

#include "columns/column.h"

static int put_number(const struct crfd_column *c, const struct crfd_value *v, crfd_buf *out)
{
	switch (c->info.type) {
	case CRFD_COLUMN_BOOL:
		return crfd_text_put(out, v->number ? "true" : "false");
	case CRFD_COLUMN_INT:
		return crfd_text_signed(out, (int64_t)v->number);
	default:
		return crfd_text_number(out, v->number);
	}
}

struct listing {
	const struct crfd_list *list;
	struct crfd_scratch *s;
	crfd_buf *out;
	size_t nr, most;
};

static int put_members(const struct crfd_column *c, size_t n, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		crfd_text_put(out, i ? ", \"" : "{\"");
		crfd_text_put(out, crfd_member_name(&c[i]));
		crfd_text_put(out, "\": ");
		rc = crfd_value_json(&c[i], s, r, out);
	}
	return rc < 0 ? rc : crfd_text_put(out, "}");
}

static int put_entry(void *arg, const struct crfd_row *entry)
{
	struct listing *l = arg;
	int rc;

	crfd_text_put(l->out, l->nr++ ? ", " : "");
	rc = put_members(l->list->member, l->list->nmembers, l->s, entry, l->out);
	return rc < 0 ? rc : l->nr == l->most;
}

int crfd_list_json(const struct crfd_list *list, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	struct listing l = {.list = list, .s = s, .out = out, .most = s->brief ? CRFD_LIST_FEW : SIZE_MAX};
	size_t all;
	int rc;

	crfd_text_put(out, "[");
	rc = crfd_list_each_most(list, s, r, put_entry, &l, &l.most);
	if (rc < 0)
		return rc;
	all = rc ? crfd_list_count(list, r) : l.nr;
	if (l.nr < all)
		crfd_text_printf(out, ", {\"left_out\": %zu}", all - l.nr);
	return crfd_text_put(out, "]");
}

int crfd_value_json(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	struct crfd_value v;
	int rc;

	if (c->json)
		return c->json(s, r, out);
	if (c->list)
		return crfd_list_json(c->list, s, r, out);
	rc = crfd_column_value(c, s, r, &v);
	if (rc < 0)
		return rc;
	if (!v.known)
		return crfd_text_put(out, "null");
	return c->info.type == CRFD_COLUMN_TEXT ? crfd_text_json(out, v.text.p, v.text.n) : put_number(c, &v, out);
}

int crfd_detail_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	const struct crfd_family *family = crfd_family_of(r);

	return family ? put_members(family->column, family->ncolumns, s, r, out) : crfd_text_put(out, "null");
}
