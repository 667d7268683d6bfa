/* SPDX-License-Identifier: MIT */
/* Turns rows into columns. A column is filled for some rows at a time, so that its type is asked once for all of them. */
#include <errno.h>
#include <string.h>

#include "arrow/array.h"
#include "arrow/rows.h"
#include "base/buf.h"
#include "columns/common.h"

/* Makes room for `bytes`, of which those from `from` on are zeroed. */
static int reserve(crfd_buf *b, size_t from, size_t bytes)
{
	int rc = crfd_buf_reserve(b, bytes);

	if (rc >= 0 && bytes > from)
		memset(b->v + from, 0, bytes - from);
	return rc;
}

static int is_long(const struct crfd_array *a)
{
	return a->field->type == CRFD_ARROW_INT64 || a->field->type == CRFD_ARROW_TIME;
}

/*
 * Makes room for n more. As long as nothing is known a column has no memory at all, and is zeros up to where it stands when it
 * gets some.
 */
static int make_room(struct crfd_array *a, size_t n)
{
	size_t bits = (a->room + 7) / 8, width = is_long(a) ? sizeof(int64_t) : sizeof(int32_t);
	size_t room = a->nr + n, stood = a->room ? 0 : a->nr;
	int rc;

	if (room <= a->room)
		return 0;
	room = room > 2 * a->room ? room : 2 * a->room;
	room = room > a->expected ? room : a->expected;
	rc = reserve(&a->known, bits, (room + 7) / 8);
	if (rc >= 0 && a->field->type == CRFD_ARROW_BOOL)
		rc = reserve(&a->value, bits, (room + 7) / 8);
	else if (rc >= 0)
		rc = crfd_buf_reserve(&a->value, (room + 1) * width);
	if (rc < 0)
		return rc;
	if (!a->room && a->field->type != CRFD_ARROW_BOOL)
		memset(a->value.v, 0, (stood + 1) * width);
	a->room = room;
	return 0;
}

static void bits_set(crfd_buf *b, size_t i, int on)
{
	b->v[i >> 3] |= (uint8_t)(on << (i & 7));
}

static void bits_set_run(crfd_buf *b, size_t i, size_t n)
{
	size_t first = i >> 3, last = (i + n - 1) >> 3;
	uint8_t from = (uint8_t)(0xff << (i & 7)), to = (uint8_t)(0xff >> (7 - ((i + n - 1) & 7)));

	if (!n)
		return;
	if (first == last) {
		b->v[first] |= from & to;
		return;
	}
	b->v[first] |= from;
	memset(b->v + first + 1, 0xff, last - first - 1);
	b->v[last] |= to;
}

/* ---- one value, as often as it is asked for ---- */

static int put_text(struct crfd_array *a, const struct crfd_value *v)
{
	if (!v->known)
		return 0;
	return a->field->type == CRFD_ARROW_TEXT ? crfd_text_utf8(&a->text, v->text.p, v->text.n) :
						   crfd_buf_put(&a->text, v->text.p, v->text.n);
}

static int put_texts(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int32_t *end = (int32_t *)a->value.v + a->nr + 1;
	int rc = 0;

	for (size_t i = 0; i < times && rc >= 0; i++) {
		rc = put_text(a, v);
		end[i] = (int32_t)a->text.nr;
	}
	return rc;
}

/* Returns what stands for the value in a column of numbers; -ENOMEM in *rc. */
static int64_t number_of(struct crfd_array *a, const struct crfd_value *v, int *rc)
{
	int64_t number = (int64_t)v->number;

	if (v->known && a->field->type == CRFD_ARROW_WORD) {
		number = crfd_words_number(&a->words, v->text);
		*rc = number < 0 ? (int)number : *rc;
	}
	return v->known ? number : 0;
}

static void put_number(struct crfd_array *a, int64_t number, size_t times)
{
	int64_t *wide = (int64_t *)a->value.v + a->nr;
	int32_t *narrow = (int32_t *)a->value.v + a->nr;

	for (size_t i = 0; i < times && is_long(a); i++)
		wide[i] = number;
	for (size_t i = 0; i < times && a->field->type == CRFD_ARROW_WORD; i++)
		narrow[i] = (int32_t)number;
	if (a->field->type == CRFD_ARROW_BOOL && number)
		bits_set_run(&a->value, a->nr, times);
}

static int is_text(const struct crfd_array *a)
{
	return a->field->type == CRFD_ARROW_TEXT || a->field->type == CRFD_ARROW_BYTES;
}

static int put(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int rc = v->known || a->room ? make_room(a, times) : 0;

	if (rc >= 0 && a->room && is_text(a))
		rc = put_texts(a, v, times);
	else if (rc >= 0 && a->room)
		put_number(a, number_of(a, v, &rc), times);
	if (rc < 0)
		return rc;
	if (v->known)
		bits_set_run(&a->known, a->nr, times);
	else
		a->nulls += times;
	a->nr += times;
	return 0;
}

/* ---- a column of some rows ---- */

/* Numbers that are to be put all at once: what is done for each of them is then a loop without a branch. */
struct numbers {
	int64_t number[CRFD_ROWS_PIECE]; /* 0 where it is not known */
	uint8_t is_known[CRFD_ROWS_PIECE];
	size_t known;
};

static void set_known(struct crfd_array *a, const struct numbers *v, size_t n)
{
	if (v->known == n) {
		bits_set_run(&a->known, a->nr, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		bits_set(&a->known, a->nr + i, v->is_known[i]);
}

static int put_numbers(struct crfd_array *a, const struct numbers *v, size_t n)
{
	int rc = v->known || a->room ? make_room(a, n) : 0;

	if (rc < 0)
		return rc;
	if (a->room && is_long(a))
		memcpy((int64_t *)a->value.v + a->nr, v->number, n * sizeof(*v->number));
	for (size_t i = 0; a->room && a->field->type == CRFD_ARROW_WORD && i < n; i++)
		((int32_t *)a->value.v)[a->nr + i] = (int32_t)v->number[i];
	for (size_t i = 0; a->room && a->field->type == CRFD_ARROW_BOOL && i < n; i++)
		bits_set(&a->value, a->nr + i, v->number[i] != 0);
	if (a->room)
		set_known(a, v, n);
	a->nulls += n - v->known;
	a->nr += n;
	return 0;
}

/* Members of the rows themselves, inlined for each size of member. */
static inline __attribute__((always_inline)) void take_members(const struct crfd_column *c, const struct crfd_row *row, size_t n,
								size_t size, int is_signed, struct numbers *out)
{
	int is_always = c->known_at == CRFD_ALWAYS, needs_read = c->from == CRFD_FROM_FILE;
	size_t known_at = is_always ? 0 : c->known_at;

	out->known = 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)&row[i];
		uint64_t v = 0;
		uint32_t word;

		memcpy(&v, p + c->at, size);
		memcpy(&word, p + known_at, sizeof(word));
		out->is_known[i] = (!needs_read || row[i].is_read) && (is_always || (word & c->known) == c->known);
		if (is_signed && size < sizeof(v))
			v = (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
		out->number[i] = out->is_known[i] ? (int64_t)v : 0;
		out->known += out->is_known[i];
	}
}

/* Fills a column of such members: 1, or 0 where it is another column. */
static int read_members(const struct crfd_array *a, const struct crfd_row *row, size_t n, struct numbers *out)
{
	const struct crfd_column *c = a->field->column;

	if ((c->from != CRFD_FROM_ROW && c->from != CRFD_FROM_FILE) || a->field->type != CRFD_ARROW_INT64 || c->reading)
		return 0;
	if (c->size == 8)
		take_members(c, row, n, 8, 0, out);
	else if (c->size == 4 && c->is_signed)
		take_members(c, row, n, 4, 1, out);
	else if (c->size == 4)
		take_members(c, row, n, 4, 0, out);
	else if (c->size == 2 && !c->is_signed)
		take_members(c, row, n, 2, 0, out);
	else
		return 0;
	return 1;
}

static int read_each(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n, struct numbers *out)
{
	struct crfd_value v;
	int rc = 0;

	out->known = 0;
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = crfd_column_value(a->field->column, s, &row[i], &v);
		if (rc < 0)
			break;
		out->number[i] = number_of(a, &v, &rc);
		out->is_known[i] = v.known != 0;
		out->known += out->is_known[i];
	}
	return rc;
}

static int fill_texts(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n)
{
	struct crfd_value v;
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = crfd_column_value(a->field->column, s, &row[i], &v);
		if (rc >= 0 && a->field->type == CRFD_ARROW_BYTES)
			v.known = v.known && !crfd_text_is_utf8(v.text.p, v.text.n);
		if (rc >= 0 && (v.known || a->room))
			rc = make_room(a, n - i);
		rc = rc < 0 ? rc : put_text(a, &v);
		if (rc >= 0 && a->room) {
			((int32_t *)a->value.v)[a->nr + 1] = (int32_t)a->text.nr;
			bits_set(&a->known, a->nr, v.known != 0);
		}
		a->nulls += !v.known;
		a->nr++;
	}
	return rc;
}

/* Returns 1 for a column of kinds, or of what few files have: of plain rows it says nothing. */
static int is_silent(const struct crfd_column *c)
{
	int is_common = c >= crfd_common && c < crfd_common + crfd_common_len;

	return is_common && (c->info.flags & CRFD_COLUMN_SPARSE || c->info.about == CRFD_ABOUT_KIND);
}

int crfd_array_fill(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n, int are_plain)
{
	const struct crfd_column *c = a->field->column;
	struct crfd_value v = {0};
	struct numbers numbers;
	int rc;

	if (are_plain && is_silent(c))
		return put(a, &v, n);
	if (c->info.about == CRFD_ABOUT_TASK) {
		rc = crfd_column_value(c, s, row, &v);
		return rc < 0 ? rc : put(a, &v, n);
	}
	if (is_text(a))
		return fill_texts(a, s, row, n);
	rc = read_members(a, row, n, &numbers) ? 0 : read_each(a, s, row, n, &numbers);
	return rc < 0 ? rc : put_numbers(a, &numbers, n);
}
