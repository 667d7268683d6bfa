/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "columns/column.h"
#include "columns/finds.h"
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

struct wanted {
	int rec;
	size_t size;
	uint16_t known_at;
	uint32_t known;
};

/* Returns the payload of the first of `most` records that is wanted, or NULL; *left: there are more than these. */
static inline __attribute__((always_inline)) const uint8_t *search(struct crfd_records ext, struct wanted w, size_t most,
								   size_t *len, int *left)
{
	struct crfd_cursor c = {.p = ext.p, .end = ext.p + ext.n};

	for (; most && crfd_cursor_next(&c); most--) {
		if (c.h.type != w.rec || (size_t)c.h.len < w.size ||
		    (w.known_at != CRFD_ALWAYS && !(word(c.payload, w.known_at) & w.known)))
			continue;
		*len = (size_t)c.h.len;
		return c.payload;
	}
	*left = !most;
	return NULL;
}

/* Searches in all of many records, once for all rows. */
static __attribute__((noinline)) const uint8_t *search_far(struct crfd_records ext, struct wanted w, size_t *len)
{
	struct crfd_find found = {.from = ext.p, .what = (uint32_t)w.rec, .more = {(uint32_t)w.size << 16 | w.known_at, w.known}};
	const struct crfd_find *before = ext.finds ? crfd_finds_get(ext.finds, &found) : NULL;
	int left;

	if (!before) {
		found.p = search(ext, w, SIZE_MAX, &found.n, &left);
		if (ext.finds)
			crfd_finds_put(ext.finds, &found); /* without memory it is searched for again */
		before = &found;
	}
	*len = before->n;
	return before->p;
}

const uint8_t *crfd_row_record(struct crfd_records ext, int rec, size_t size, uint16_t known_at, uint32_t known,
			       size_t *len)
{
	struct wanted w = {rec, size, known_at, known};
	size_t n = 0;
	int left = 0;
	const uint8_t *p;

	if (!ext.n)
		return NULL;
	p = search(ext, w, CRFD_FINDS_NEAR, &n, &left);
	if (left)
		p = search_far(ext, w, &n);
	if (p && len)
		*len = n;
	return p;
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

static int is_told(const struct crfd_family *f, const struct crfd_row *r)
{
	if (!f->rec[0])
		return !f->is_told || f->is_told(r);
	for (size_t i = 0; i < CRFD_LEN(f->rec) && f->rec[i]; i++)
		if (crfd_row_record(r->ext, f->rec[i], 0, CRFD_ALWAYS, 0, NULL))
			return 1;
	return 0;
}

int crfd_family_has(const struct crfd_family *f, const struct crfd_row *r)
{
	for (size_t i = 0; r->is_read && i < CRFD_LEN(f->kind) && f->kind[i]; i++)
		if (f->kind[i] == r->data.fd_type)
			return is_told(f, r);
	return 0;
}

static const uint8_t *record_of(const struct crfd_column *c, struct crfd_records ext)
{
	return crfd_row_record(ext, c->rec, c->size ? (size_t)c->at + c->size : 1, c->known_at, c->known, NULL);
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
		return record_of(c, r->ext);
	case CRFD_FROM_TASK_RECORD:
		return record_of(c, r->task->ext);
	case CRFD_FROM_HELD:
		return r->holding;
	default:
		return r->entry;
	}
}

static uint64_t take_number(const struct crfd_column *c, const uint8_t *p)
{
	unsigned int shift = 64 - 8 * c->size;
	uint64_t number = 0;

	if (c->size == sizeof(uint32_t))
		number = word(p, c->at);
	else if (c->size == sizeof(number))
		memcpy(&number, p + c->at, sizeof(number));
	else
		memcpy(&number, p + c->at, c->size);
	return c->is_signed ? (uint64_t)((int64_t)(number << shift) >> shift) : number;
}

static int is_none(const struct crfd_column *c, const struct crfd_value *v)
{
	int none = c->reading->none;

	if (c->info.type == CRFD_COLUMN_TEXT && !c->reading->names)
		return none && !v->text.n;
	return (none & CRFD_NONE_ZERO && !v->number) || (none & CRFD_NONE_NEGATIVE && (int64_t)v->number < 0) ||
	       (none & CRFD_NONE_ONES && v->number == UINT64_MAX >> (64 - 8 * c->size));
}

/* Makes the value of the member, which v has been given. */
static __attribute__((noinline)) int read_its_way(const struct crfd_column *c, struct crfd_scratch *s, struct crfd_value *v)
{
	const struct crfd_reading *how = c->reading;

	v->known = !is_none(c, v);
	v->number &= how->mask ? how->mask : UINT64_MAX;
	if (!how->names || !v->known || c->info.type != CRFD_COLUMN_TEXT)
		return 0;
	crfd_buf_clear(&s->text);
	return crfd_value_name(s, how->names, how->nnames, v->number, v);
}

static struct crfd_bytes take_text(const struct crfd_column *c, const uint8_t *p)
{
	crfd_rec h;

	if (c->size)
		return (struct crfd_bytes){p + c->at, strnlen((const char *)p + c->at, c->size)};
	memcpy(&h, p - sizeof(h), sizeof(h));
	return (struct crfd_bytes){p, (size_t)h.len};
}

static int take_member(const struct crfd_column *c, struct crfd_scratch *s, const uint8_t *p, struct crfd_value *v)
{
	int rc;

	v->known = 1;
	if (c->info.type == CRFD_COLUMN_TEXT && !(c->reading && c->reading->names))
		v->text = take_text(c, p);
	else
		v->number = take_number(c, p);
	rc = c->reading ? read_its_way(c, s, v) : 0;
	if (c->info.type == CRFD_COLUMN_BOOL)
		v->number = v->number != 0;
	return rc;
}

/* Returns 1 where the word of known bits lets the member be known. */
static int is_known(const struct crfd_column *c, const uint8_t *p)
{
	return c->known_at == CRFD_ALWAYS || (c->known ? (word(p, c->known_at) & c->known) == c->known : word(p, c->known_at) != 0);
}

int crfd_column_value(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
		      struct crfd_value *v)
{
	const uint8_t *p;

	*v = (struct crfd_value){0};
	if (c->reading && c->reading->family && !crfd_family_has(c->reading->family, r))
		return 0;
	if (c->from == CRFD_FROM_CALL) {
		crfd_buf_clear(&s->text);
		return c->get(c, s, r, v);
	}
	p = struct_of(c, r);
	return p && is_known(c, p) ? take_member(c, s, p, v) : 0;
}

static struct crfd_records own_of(const struct crfd_list *l, const struct crfd_row *r)
{
	return *(const struct crfd_records *)((const char *)r + l->own.at);
}

int crfd_list_each_own(const struct crfd_list *l, const struct crfd_row *r,
		       int (*each)(void *arg, const struct crfd_row *entry), void *arg)
{
	struct crfd_records rest = l->own.rec ? own_of(l, r) : (struct crfd_records){0};
	struct crfd_row one = *r;
	const uint8_t *p;
	size_t len;
	int rc = 0;

	while (!rc && (p = crfd_row_record(rest, l->own.rec, l->own.size, CRFD_ALWAYS, 0, &len))) {
		for (size_t i = 0; !rc && i + l->own.size <= len; i += l->own.size) {
			if ((int32_t)word(p, (uint16_t)i) != r->fd)
				return 0;
			one.entry = p + i + l->own.entry;
			rc = each(arg, &one);
		}
		rest = crfd_records_after(rest, p, len);
	}
	return rc;
}

int crfd_list_each(const struct crfd_list *l, const struct crfd_row *r,
		   int (*each)(void *arg, const struct crfd_row *entry), void *arg)
{
	struct crfd_row one = *r;
	struct crfd_records rest = r->ext;
	const uint8_t *p;
	size_t len;
	int rc = 0;

	while (!rc && l->rec && (p = crfd_row_record(rest, l->rec, l->size, CRFD_ALWAYS, 0, &len))) {
		for (size_t i = 0; !rc && i + l->size <= len; i += l->size) {
			one.entry = p + i;
			rc = each(arg, &one);
		}
		rest = crfd_records_after(rest, p, len);
	}
	return rc ? rc : crfd_list_each_own(l, r, each, arg);
}

int crfd_list_each_most(const struct crfd_list *l, const struct crfd_scratch *s, const struct crfd_row *r,
			int (*each)(void *arg, const struct crfd_row *entry), void *arg, size_t *most)
{
	int rc = crfd_list_each(l, r, each, arg), own;

	if (rc <= 0 || s->brief > 1)
		return rc;
	*most = SIZE_MAX;
	own = crfd_list_each_own(l, r, each, arg);
	return own < 0 ? own : rc;
}

static size_t count_recorded(const struct crfd_list *l, const struct crfd_row *r)
{
	struct crfd_find found = {.from = r->ext.p, .what = CRFD_FIND_COUNT | (uint32_t)l->rec};
	const struct crfd_find *before;
	struct crfd_records rest = r->ext;
	const uint8_t *p;
	size_t len, nr = 0;

	for (; (p = crfd_row_record(rest, l->rec, l->size, CRFD_ALWAYS, 0, &len)); nr++) {
		before = nr == CRFD_FINDS_NEAR && rest.finds ? crfd_finds_get(rest.finds, &found) : NULL;
		if (before)
			return before->n;
		found.n += len / l->size;
		rest = crfd_records_after(rest, p, len);
	}
	if (nr > CRFD_FINDS_NEAR && rest.finds)
		crfd_finds_put(rest.finds, &found);
	return found.n;
}

static int count_entry(void *arg, const struct crfd_row *entry)
{
	(void)entry;
	++*(size_t *)arg;
	return 0;
}

static size_t count_own(const struct crfd_list *l, const struct crfd_row *r)
{
	struct crfd_records own = own_of(l, r);
	struct crfd_find found = {.from = own.p, .what = CRFD_FIND_OWN};
	const struct crfd_find *before = own.finds ? crfd_finds_get(own.finds, &found) : NULL;

	if (before)
		return before->n;
	crfd_list_each_own(l, r, count_entry, &found.n);
	if (found.n > CRFD_FINDS_NEAR && own.finds)
		crfd_finds_put(own.finds, &found);
	return found.n;
}

size_t crfd_list_count(const struct crfd_list *l, const struct crfd_row *r)
{
	return (l->rec ? count_recorded(l, r) : 0) + (l->own.rec && own_of(l, r).n ? count_own(l, r) : 0);
}

const char *crfd_member_name(const struct crfd_column *c)
{
	const char *dot = strchr(c->info.name, '.');

	return dot ? dot + 1 : c->info.name;
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
