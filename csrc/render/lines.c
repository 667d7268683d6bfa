/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/buf.h"
#include "render/render.h"

/* A sparse column is left out of an object where it has nothing: its name and "null" are taken back. */
int crfd_render_json(struct crfd_render *v, size_t i, const struct crfd_row *r, crfd_buf *out)
{
	const struct crfd_render_column *k = &v->column[i];
	int is_sparse = k->c->info.flags & CRFD_COLUMN_SPARSE, rc;
	size_t from = out->nr, at;

	if (is_sparse && crfd_row_is_plain(r))
		return 0;
	crfd_buf_put(out, k->key.v, k->key.nr);
	at = out->nr;
	rc = crfd_value_json(k->c, &v->scratch, r, out);
	if (rc >= 0 && is_sparse && out->nr - at == 4 && !memcmp(out->v + at, "null", 4)) {
		out->nr = from;
		return 0;
	}
	return rc < 0 ? rc : crfd_text_put(out, ", ");
}

/* Puts the text of a CSV field; shown: it holds nothing that has to be escaped. */
static int put_field(struct crfd_render *v, struct crfd_bytes text, int shown, crfd_buf *out)
{
	int rc = 0;

	if (!shown) {
		crfd_buf_clear(&v->cell);
		rc = crfd_text_escape(&v->cell, text.p, text.n);
		text = (struct crfd_bytes){v->cell.v, v->cell.nr};
	}
	if (rc < 0 || !text.n || (!memchr(text.p, ',', text.n) && !memchr(text.p, '"', text.n)))
		return rc < 0 ? rc : crfd_buf_put(out, text.p, text.n);
	crfd_buf_put(out, "\"", 1);
	for (size_t i = 0; i < text.n; i++)
		crfd_buf_put(out, text.p[i] == '"' ? "\"\"" : (const char *)&text.p[i], 1 + (text.p[i] == '"'));
	return crfd_buf_put(out, "\"", 1);
}

static int put_list(struct crfd_render *v, const struct crfd_column *c, const struct crfd_row *r, int raw, crfd_buf *out)
{
	crfd_buf text = {0};
	int rc = crfd_value_json(c, &v->scratch, r, &text);

	if (rc >= 0)
		rc = raw ? crfd_buf_put(out, text.v, text.nr) : put_field(v, (struct crfd_bytes){text.v, text.nr}, 1, out);
	crfd_buf_release(&text);
	return rc;
}

/* Puts nothing where the value is not known, and a list as its JSON. */
static int put_value(struct crfd_render *v, const struct crfd_column *c, const struct crfd_row *r, int raw, crfd_buf *out)
{
	struct crfd_value value;
	int rc;

	if (c->list)
		return put_list(v, c, r, raw, out);
	rc = crfd_column_value(c, &v->scratch, r, &value);
	if (rc < 0 || !value.known)
		return rc;
	if (c->info.type != CRFD_COLUMN_TEXT)
		return crfd_value_json(c, &v->scratch, r, out);
	return raw ? crfd_buf_put(out, value.text.p, value.text.n) :
		     put_field(v, value.text, c->info.flags & CRFD_COLUMN_SHOWN, out);
}

int crfd_render_csv(struct crfd_render *v, size_t i, const struct crfd_row *r, crfd_buf *out)
{
	int rc = put_value(v, v->column[i].c, r, 0, out);

	return rc < 0 ? rc : crfd_text_put(out, ",");
}

int crfd_render_nul(struct crfd_render *v, size_t i, const struct crfd_row *r, crfd_buf *out)
{
	int rc = put_value(v, v->column[i].c, r, 1, out);

	return rc < 0 ? rc : crfd_buf_put(out, "", 1);
}
