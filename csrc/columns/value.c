/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "columns/column.h"
#include "format/record.h"

void crfd_scratch_release(struct crfd_scratch *s)
{
	crfd_buf_release(&s->text);
	crfd_buf_release(&s->user);
}

static uint32_t word(const uint8_t *p, uint16_t at)
{
	uint32_t v;

	memcpy(&v, p + at, sizeof(v));
	return v;
}

const uint8_t *crfd_row_record(struct crfd_bytes ext, int rec, size_t size, uint16_t known_at, uint32_t known,
			       size_t *len)
{
	struct crfd_cursor c = {.p = ext.p, .end = ext.n ? ext.p + ext.n : ext.p}; /* NULL + 0 is not defined in C */

	while (crfd_cursor_next(&c)) {
		if (c.h.type != rec || (size_t)c.h.len < size ||
		    (known_at != CRFD_ALWAYS && !(word(c.payload, known_at) & known)))
			continue;
		if (len)
			*len = (size_t)c.h.len;
		return c.payload;
	}
	return NULL;
}

int crfd_row_read(const struct crfd_row *r, int rec, void *out, size_t size)
{
	const uint8_t *p = crfd_row_record(r->ext, rec, size, CRFD_ALWAYS, 0, NULL);

	if (p)
		memcpy(out, p, size);
	else
		memset(out, 0, size);
	return p != NULL;
}

/* Returns the struct that the member is in, or NULL where the row has none. */
static const uint8_t *struct_of(const struct crfd_column *c, const struct crfd_row *r)
{
	switch (c->from) {
	case CRFD_FROM_TASK:
		return (const uint8_t *)r->task;
	case CRFD_FROM_ROW:
		return (const uint8_t *)r;
	case CRFD_FROM_FILE:
		return r->is_read ? (const uint8_t *)r : NULL;
	case CRFD_FROM_RECORD:
		return crfd_row_record(r->ext, c->rec, (size_t)c->at + c->size, c->known_at, c->known, NULL);
	case CRFD_FROM_TASK_RECORD:
		return crfd_row_record(r->task->ext, c->rec, (size_t)c->at + c->size, c->known_at, c->known, NULL);
	default:
		return r->entry;
	}
}

static void take_member(const struct crfd_column *c, const uint8_t *p, struct crfd_value *v)
{
	if (c->info.type == CRFD_COLUMN_TEXT) {
		v->text = (struct crfd_bytes){p + c->at, strnlen((const char *)p + c->at, c->size)};
		return;
	}
	v->number = 0;
	memcpy(&v->number, p + c->at, c->size);
	if (c->info.type == CRFD_COLUMN_BOOL)
		v->number = v->number != 0;
	if (c->is_signed && c->size < sizeof(v->number)) {
		unsigned int shift = 64 - 8 * c->size;

		v->number = (uint64_t)((int64_t)(v->number << shift) >> shift);
	}
}

int crfd_column_value(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
		      struct crfd_value *v)
{
	const uint8_t *p;

	*v = (struct crfd_value){0};
	if (c->from == CRFD_FROM_CALL) {
		crfd_buf_clear(&s->text);
		return c->get(c, s, r, v);
	}
	p = struct_of(c, r);
	if (!p || (c->known_at != CRFD_ALWAYS && (word(p, c->known_at) & c->known) != c->known))
		return 0;
	v->known = 1;
	take_member(c, p, v);
	return 0;
}

int crfd_list_each(const struct crfd_list *l, const struct crfd_row *r,
		   int (*each)(void *arg, const struct crfd_row *entry), void *arg)
{
	struct crfd_row one = *r;
	struct crfd_bytes rest = r->ext;
	const uint8_t *p;
	size_t len;
	int rc = 0;

	while (!rc && (p = crfd_row_record(rest, l->rec, 0, CRFD_ALWAYS, 0, &len))) {
		for (size_t i = 0; !rc && i + l->size <= len; i += l->size) {
			one.entry = p + i;
			rc = each(arg, &one);
		}
		rest = (struct crfd_bytes){p + len, (size_t)(rest.p + rest.n - p) - len};
	}
	return !rc && l->more ? l->more(r, each, arg) : rc;
}

int crfd_list_each_most(const struct crfd_list *l, const struct crfd_row *r,
			int (*each)(void *arg, const struct crfd_row *entry), void *arg, size_t *most)
{
	int rc = crfd_list_each(l, r, each, arg), own = 0;

	if (rc <= 0)
		return rc;
	*most = SIZE_MAX;
	if (l->more)
		own = l->more(r, each, arg);
	return own < 0 ? own : rc;
}

static int count_entry(void *arg, const struct crfd_row *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

size_t crfd_list_count(const struct crfd_list *l, const struct crfd_row *r)
{
	struct crfd_bytes rest = r->ext;
	const uint8_t *p;
	size_t len, n = 0;

	while ((p = crfd_row_record(rest, l->rec, 0, CRFD_ALWAYS, 0, &len))) {
		n += len / l->size;
		rest = (struct crfd_bytes){p + len, (size_t)(rest.p + rest.n - p) - len};
	}
	if (l->more)
		l->more(r, count_entry, &n);
	return n;
}

int crfd_text_name(crfd_buf *out, const char *const *names, size_t n, uint64_t number)
{
	return number < n && names[number] ? crfd_text_put(out, names[number]) : crfd_text_number(out, number);
}

int crfd_value_text(struct crfd_value *v, const uint8_t *p, size_t n)
{
	v->known = 1;
	v->text = (struct crfd_bytes){p, n};
	return 0;
}

int crfd_value_scratch(struct crfd_scratch *s, int rc, struct crfd_value *v)
{
	return rc < 0 ? rc : crfd_value_text(v, s->text.v, s->text.nr);
}

int crfd_value_number(struct crfd_value *v, uint64_t number)
{
	v->known = 1;
	v->number = number;
	return 0;
}

int crfd_value_name(struct crfd_scratch *s, const char *const *names, size_t n, uint64_t number, struct crfd_value *v)
{
	if (number < n && names[number])
		return crfd_value_text(v, (const uint8_t *)names[number], strlen(names[number]));
	return crfd_value_scratch(s, crfd_text_number(&s->text, number), v);
}
