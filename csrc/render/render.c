/* SPDX-License-Identifier: MIT */
#include "render/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define LONG 2048 /* bytes of a description's records */
#define MEASURED 4096 /* rows that decide the widths of a table */

static const struct crfd_render_form forms[] = {
	[CRFD_RENDER_TABLE] = {crfd_render_table, "", "", 0},
	[CRFD_RENDER_JSON] = {crfd_render_json, "{", "}\n", 2},
	[CRFD_RENDER_CSV] = {crfd_render_csv, "", "\r\n", 1},
	[CRFD_RENDER_NUL] = {crfd_render_nul, "", "", 0},
};

static int look_up(const struct crfd_column **out, uint16_t number)
{
	*out = crfd_column_at(number);
	return *out ? 0 : -EINVAL;
}

static int put_key(struct crfd_render_column *k)
{
	int rc = crfd_text_json(&k->key, (const uint8_t *)k->c->info.name, strlen(k->c->info.name));

	return rc < 0 ? rc : crfd_text_put(&k->key, ": ");
}

static int choose_columns(crfd_render *v)
{
	int rc;

	v->column = calloc(v->o.ncolumns, sizeof(*v->column));
	v->key = calloc(v->o.nkeys + 1, sizeof(*v->key));
	rc = v->column && v->key ? 0 : -ENOMEM;
	for (size_t i = 0; i < v->o.ncolumns && rc >= 0; i++) {
		rc = look_up(&v->column[i].c, v->o.column[i]);
		if (rc >= 0)
			rc = put_key(&v->column[i]);
	}
	for (size_t i = 0; i < v->o.nkeys && rc >= 0; i++)
		rc = look_up(&v->key[i], v->o.key[i]);
	return rc;
}

int crfd_render_new(const crfd_render_options *options, crfd_render **out)
{
	crfd_render *v;
	int rc;

	if (options->format < CRFD_RENDER_TABLE || options->format > CRFD_RENDER_NUL || !options->ncolumns)
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->o = *options;
	v->form = &forms[options->format];
	rc = choose_columns(v);
	if (rc < 0) {
		crfd_render_free(v);
		return rc;
	}
	v->settled = options->format != CRFD_RENDER_TABLE && !options->label;
	*out = v;
	return 0;
}

static void forget_told(crfd_render *v)
{
	crfd_objrefs_free(v->told);
	v->told = NULL;
}

void crfd_render_free(crfd_render *v)
{
	if (!v)
		return;
	for (size_t i = 0; v->column && i < v->o.ncolumns; i++) {
		crfd_buf_release(&v->column[i].key);
		crfd_buf_release(&v->column[i].kept);
	}
	free(v->column);
	free(v->key);
	free(v->row);
	forget_told(v);
	crfd_buf_release(&v->cell);
	crfd_buf_release(&v->held);
	crfd_buf_release(&v->keys);
	crfd_buf_release(&v->texts);
	crfd_scratch_release(&v->scratch);
	free(v);
}

uint64_t crfd_render_count(const crfd_render *v)
{
	return v->rows;
}

/* Returns 1 where these records have been told of before. */
static int is_told(crfd_render *v, struct crfd_records r)
{
	uint64_t key = (uintptr_t)r.p;
	uint8_t fresh;
	uint32_t n;
	int rc;

	if (r.n < LONG)
		return 0;
	v->told = v->told ? v->told : crfd_objrefs_new();
	rc = v->told ? crfd_objrefs_add(v->told, &key, 1, &n, &fresh) : -ENOMEM;
	return rc < 0 ? rc : !fresh;
}

/*
 * A row has all of a description's lists the first time that this comes, and all that is its own for the first task of a table:
 * what many descriptors or tasks share would else be put as often as there are any.
 */
static int set_brief(crfd_render *v, const struct crfd_row *r)
{
	int rc = is_told(v, r->ext), own = rc < 0 ? rc : is_told(v, r->locks);

	v->scratch.brief = own > 0 ? 2 : rc > 0;
	return own < 0 ? own : 0;
}

static int keep_task(crfd_render *v, const struct crfd_row *r)
{
	int rc = 0;

	v->task = 0;
	for (size_t i = 0; i < v->o.ncolumns && rc >= 0; i++) {
		crfd_buf_clear(&v->column[i].kept);
		if (v->column[i].c->info.about == CRFD_ABOUT_TASK)
			rc = v->form->cell(v, i, r, &v->column[i].kept);
	}
	if (rc >= 0)
		v->task = r->task->number;
	return rc;
}

static int put_cells(crfd_render *v, const struct crfd_row *r, crfd_buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < v->o.ncolumns && rc >= 0; i++) {
		const struct crfd_render_column *k = &v->column[i];

		rc = k->kept.nr ? crfd_buf_put(out, k->kept.v, k->kept.nr) : v->form->cell(v, i, r, out);
	}
	return rc;
}

static int put_row(crfd_render *v, const struct crfd_row *r, crfd_buf *out)
{
	int rc = v->task == r->task->number ? 0 : keep_task(v, r);
	size_t from;

	if (rc >= 0)
		rc = set_brief(v, r);
	if (rc >= 0)
		rc = crfd_text_put(out, v->form->begin);
	if (rc >= 0 && v->o.format == CRFD_RENDER_TABLE)
		rc = crfd_buf_put(out, &(uint8_t){crfd_render_mark(v, r)}, 1);
	from = out->nr;
	if (rc >= 0)
		rc = put_cells(v, r, out);
	if (out->nr > from)
		out->nr -= v->form->dropped;
	return rc < 0 ? rc : crfd_text_put(out, v->form->end);
}

static int hold(crfd_render *v, const struct crfd_row *r)
{
	int rc = crfd_grow(&v->row, &v->row_alloc, v->nheld + 1, sizeof(*v->row));
	size_t at = v->held.nr;

	if (rc >= 0 && v->o.nkeys)
		rc = crfd_render_keep_keys(v, r);
	if (rc < 0)
		return rc;
	rc = put_row(v, r, &v->held);
	if (rc < 0)
		return rc;
	if (v->o.format == CRFD_RENDER_TABLE)
		crfd_render_measure(v, v->held.v + at);
	v->row[v->nheld++] = (struct crfd_held){at, v->held.nr - at};
	return 0;
}

/* Puts out the header, when all is known that had to be known of the rows to come. */
static int settle(crfd_render *v, crfd_buf *out)
{
	int rc = v->o.label ? crfd_render_header(v, out) : 0;

	v->settled = 1;
	return rc;
}

/* Appends held rows until out has `full` bytes: 1 while some are left. */
static int release(crfd_render *v, size_t full, crfd_buf *out)
{
	int rc = 0;

	for (; v->next < v->nheld && out->nr < full && rc >= 0; v->next++) {
		const struct crfd_held *row = &v->row[v->next];

		if (v->o.format == CRFD_RENDER_TABLE)
			rc = crfd_render_line(v, v->held.v + row->at, out);
		else
			rc = crfd_buf_put(out, v->held.v + row->at, row->len);
	}
	if (rc >= 0 && v->next == v->nheld) {
		crfd_buf_clear(&v->held);
		v->next = v->nheld = 0;
	}
	return rc < 0 ? rc : v->nheld > 0;
}

static int show(crfd_render *v, const struct crfd_row *r, crfd_buf *out)
{
	int rc;

	v->rows++;
	if (v->o.nkeys || (v->o.format == CRFD_RENDER_TABLE && !v->settled)) {
		rc = hold(v, r);
		if (rc < 0 || v->o.nkeys || v->nheld < MEASURED)
			return rc;
		rc = settle(v, out);
		return rc < 0 ? rc : release(v, SIZE_MAX, out);
	}
	if (!v->settled) {
		rc = settle(v, out);
		if (rc < 0)
			return rc;
	}
	if (v->o.format != CRFD_RENDER_TABLE)
		return put_row(v, r, out);
	crfd_buf_clear(&v->held);
	rc = put_row(v, r, &v->held);
	return rc < 0 ? rc : crfd_render_line(v, v->held.v, out);
}

int crfd_render_rows(crfd_render *v, crfd_reader *reader, size_t want, crfd_buf *out)
{
	size_t full = want > SIZE_MAX - out->nr ? SIZE_MAX : out->nr + want;
	struct crfd_row row;

	v->task = 0;
	while (out->nr < full) {
		int rc = crfd_reader_next(reader, &row);

		if (rc == 0) {
			forget_told(v);
			return 0;
		}
		if (rc > 0 && v->o.filter)
			rc = crfd_filter_eval(v->o.filter, &v->scratch, &row);
		if (rc > 0)
			rc = show(v, &row, out);
		if (rc < 0)
			return rc;
	}
	return 1;
}

int crfd_render_head(crfd_render *v, crfd_reader *reader, size_t number, crfd_buf *out)
{
	struct crfd_row_task task;
	struct crfd_row row;
	int rc = crfd_reader_head(reader, number, &task, &row);

	v->task = 0;
	return rc < 0 ? rc : show(v, &row, out);
}

int crfd_render_end(crfd_render *v, size_t want, crfd_buf *out)
{
	size_t full = want > SIZE_MAX - out->nr ? SIZE_MAX : out->nr + want;
	int rc = 0;

	if (v->o.nkeys && v->nheld && !v->next)
		rc = crfd_render_sort(v);
	if (rc >= 0 && !v->settled)
		rc = settle(v, out);
	return rc < 0 || !v->nheld ? rc : release(v, full, out);
}
