/* SPDX-License-Identifier: MIT */
/* Turns rows into columns. A column is filled for some rows at a time, so that its type is asked once for all of them. */
#include <errno.h>
#include <string.h>

#include "arrow/array.h"
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
	for (; n && i & 7; n--)
		bits_set(b, i++, 1);
	memset(b->v + i / 8, 0xff, n / 8);
	for (i += n & ~(size_t)7, n &= 7; n; n--)
		bits_set(b, i++, 1);
}

/* ---- one value ---- */

static int put_text(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int32_t *end = (int32_t *)a->value.v + a->nr + 1;
	int rc = 0;

	for (size_t i = 0; i < times && rc >= 0; i++) {
		if (v->known && a->field->type == CRFD_ARROW_TEXT)
			rc = crfd_text_utf8(&a->text, v->text.p, v->text.n);
		else if (v->known)
			rc = crfd_buf_put(&a->text, v->text.p, v->text.n);
		end[i] = (int32_t)a->text.nr;
	}
	return rc;
}

static int put_word(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int64_t number = v->known ? crfd_words_number(&a->words, v->text) : 0;
	int32_t *at = (int32_t *)a->value.v + a->nr;

	for (size_t i = 0; i < times && number >= 0; i++)
		at[i] = (int32_t)number;
	return number < 0 ? (int)number : 0;
}

static void put_number(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int64_t *at = (int64_t *)a->value.v + a->nr, number = v->known ? (int64_t)v->number : 0;

	for (size_t i = 0; i < times; i++)
		at[i] = number;
}

/* Appends a value as often as it is asked for. */
static int put(struct crfd_array *a, const struct crfd_value *v, size_t times)
{
	int rc = v->known || a->room ? make_room(a, times) : 0;

	if (rc >= 0 && a->room && is_long(a))
		put_number(a, v, times);
	else if (rc >= 0 && a->room && a->field->type == CRFD_ARROW_WORD)
		rc = put_word(a, v, times);
	else if (rc >= 0 && a->room && a->field->type != CRFD_ARROW_BOOL)
		rc = put_text(a, v, times);
	else if (rc >= 0 && v->known && v->number)
		bits_set_run(&a->value, a->nr, times);
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

/* A number that is a member of the row itself, inlined for each size of member. */
static inline __attribute__((always_inline)) void put_members(struct crfd_array *a, const struct crfd_row *row, size_t n,
							       size_t size, int is_signed)
{
	const struct crfd_column *c = a->field->column;
	int64_t *at = (int64_t *)a->value.v + a->nr;
	int is_always = c->known_at == CRFD_ALWAYS, needs_read = c->from == CRFD_FROM_FILE;
	size_t known_at = is_always ? 0 : c->known_at, known = 0;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)&row[i];
		uint64_t v = 0;
		uint32_t word;
		int is_known;

		memcpy(&v, p + c->at, size);
		memcpy(&word, p + known_at, sizeof(word));
		is_known = (!needs_read || row[i].is_read) && (is_always || (word & c->known) == c->known);
		if (is_signed && size < sizeof(v))
			v = (uint64_t)((int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size));
		at[i] = is_known ? (int64_t)v : 0;
		bits_set(&a->known, a->nr + i, is_known);
		known += (size_t)is_known;
	}
	a->nulls += n - known;
	a->nr += n;
}

/* Returns 1 where a member of the row itself is known of any of the rows. */
static int is_any_known(const struct crfd_column *c, const struct crfd_row *row, size_t n)
{
	uint32_t word;

	for (size_t i = 0; i < n; i++) {
		memcpy(&word, (const uint8_t *)&row[i] + (c->known_at == CRFD_ALWAYS ? 0 : c->known_at), sizeof(word));
		if ((c->from != CRFD_FROM_FILE || row[i].is_read) && (c->known_at == CRFD_ALWAYS || (word & c->known) == c->known))
			return 1;
	}
	return 0;
}

/* Fills a column that is such a member: 1, 0 where it is none, or -ENOMEM. */
static int fill_members(struct crfd_array *a, const struct crfd_row *row, size_t n)
{
	const struct crfd_column *c = a->field->column;

	if ((c->from != CRFD_FROM_ROW && c->from != CRFD_FROM_FILE) || a->field->type != CRFD_ARROW_INT64)
		return 0;
	if (!a->room && !is_any_known(c, row, n)) {
		struct crfd_value v = {0};

		return put(a, &v, n) < 0 ? -ENOMEM : 1;
	}
	if (make_room(a, n) < 0)
		return -ENOMEM;
	if (c->size == 8)
		put_members(a, row, n, 8, 0);
	else if (c->size == 4 && c->is_signed)
		put_members(a, row, n, 4, 1);
	else if (c->size == 4)
		put_members(a, row, n, 4, 0);
	else if (c->size == 2 && !c->is_signed)
		put_members(a, row, n, 2, 0);
	else
		return 0;
	return 1;
}

/* Returns 1 where the columns of kinds, and those that few files have, say nothing of any of the rows. */
static int is_silent(const struct crfd_column *c, const struct crfd_row *row, size_t n)
{
	int is_common = c >= crfd_common && c < crfd_common + crfd_common_len;

	if (!is_common || !(c->info.flags & CRFD_COLUMN_SPARSE || c->info.about == CRFD_ABOUT_KIND))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!crfd_row_is_plain(&row[i]))
			return 0;
	return 1;
}

static int fill_each(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n)
{
	struct crfd_value v;
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = crfd_column_value(a->field->column, s, &row[i], &v);
		if (rc >= 0 && a->field->type == CRFD_ARROW_BYTES)
			v.known = v.known && !crfd_text_is_utf8(v.text.p, v.text.n);
		if (rc >= 0)
			rc = put(a, &v, 1);
	}
	return rc;
}

int crfd_array_fill(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n)
{
	const struct crfd_column *c = a->field->column;
	struct crfd_value v = {0};
	int rc = fill_members(a, row, n);

	if (rc)
		return rc < 0 ? rc : 0;
	if (is_silent(c, row, n))
		return put(a, &v, n);
	if (c->info.about != CRFD_ABOUT_TASK)
		return fill_each(a, s, row, n);
	rc = crfd_column_value(c, s, row, &v);
	return rc < 0 ? rc : put(a, &v, n);
}
