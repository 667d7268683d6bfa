/* SPDX-License-Identifier: MIT */
#include "columns/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "columns/common.h"

static const struct crfd_family *const families[] = {
	&crfd_family_socket, &crfd_family_pipe, &crfd_family_eventfd, &crfd_family_epoll, &crfd_family_timerfd,
	&crfd_family_signalfd, &crfd_family_inotify, &crfd_family_fanotify, &crfd_family_memfd, &crfd_family_pidfd,
	&crfd_family_io_uring, &crfd_family_bpf, &crfd_family_userfaultfd, &crfd_family_dmabuf, &crfd_family_namespace,
	&crfd_family_tty, &crfd_family_tun, &crfd_family_fuse,
};

const struct crfd_column *crfd_column_at(size_t number)
{
	if (number < crfd_common_len)
		return &crfd_common[number];
	number -= crfd_common_len;
	for (size_t i = 0; i < CRFD_LEN(families); number -= families[i++]->ncolumns)
		if (number < families[i]->ncolumns)
			return &families[i]->column[number];
	return NULL;
}

size_t crfd_columns_len(void)
{
	size_t n = crfd_common_len;

	for (size_t i = 0; i < CRFD_LEN(families); i++)
		n += families[i]->ncolumns;
	return n;
}

const crfd_column_info *crfd_columns_get(size_t number)
{
	const struct crfd_column *c = crfd_column_at(number);

	return c ? &c->info : NULL;
}

int crfd_column_find(const char *name, size_t len)
{
	const struct crfd_column *c;

	for (size_t i = 0; (c = crfd_column_at(i)); i++)
		if (strlen(c->info.name) == len && !memcmp(c->info.name, name, len))
			return (int)i;
	return -ENOENT;
}

const struct crfd_family *crfd_family_of(const struct crfd_row *r)
{
	if (!r->objref)
		return NULL;
	for (size_t i = 0; i < CRFD_LEN(families); i++)
		for (size_t k = 0; k < CRFD_LEN(families[i]->kind) && families[i]->kind[k]; k++)
			if (families[i]->kind[k] == r->data.fd_type && families[i]->is_told(r))
				return families[i];
	return NULL;
}

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
	crfd_rec h;

	for (size_t at = 0; ext.n - at >= sizeof(h); at += sizeof(h) + (size_t)h.len) {
		const uint8_t *p = ext.p + at + sizeof(h);

		memcpy(&h, ext.p + at, sizeof(h));
		if (h.len < 0 || (size_t)h.len > ext.n - at - sizeof(h))
			break;
		if (h.type != rec || (size_t)h.len < size || (known_at != CRFD_ALWAYS && !(word(p, known_at) & known)))
			continue;
		if (len)
			*len = (size_t)h.len;
		return p;
	}
	return NULL;
}

/* The struct that the member is in, or NULL where the row has none. */
static const uint8_t *struct_of(const struct crfd_column *c, const struct crfd_row *r)
{
	switch (c->from) {
	case CRFD_FROM_TASK:
		return (const uint8_t *)r->task;
	case CRFD_FROM_ROW:
		return (const uint8_t *)r;
	case CRFD_FROM_FILE:
		return r->objref ? (const uint8_t *)r : NULL;
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
		s->text.nr = 0;
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
	return rc;
}

int crfd_text_name(crfd_buf *out, const char *const *names, size_t n, uint64_t number)
{
	return number < n && names[number] ? crfd_text_put(out, names[number]) : crfd_text_number(out, number);
}

int crfd_value_name(struct crfd_scratch *s, const char *const *names, size_t n, uint64_t number, struct crfd_value *v)
{
	int rc = crfd_text_name(&s->text, names, n, number);

	v->known = 1;
	v->text = (struct crfd_bytes){s->text.v, s->text.nr};
	return rc;
}
