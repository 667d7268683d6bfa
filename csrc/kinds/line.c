/* SPDX-License-Identifier: MIT */
#include "kinds/line.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/number.h"
#include "format/record.h"

#define MINOR_BITS 20

int crfd_line_is(const struct crfd_line *l, const char *key)
{
	return l->len == strlen(key) && !memcmp(l->key, key, l->len);
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t crfd_line_token(const char **p, const char *end, const char **token)
{
	while (*p < end && is_blank(**p))
		++*p;
	*token = *p;
	while (*p < end && !is_blank(**p))
		++*p;
	return (size_t)(*p - *token);
}

/* The token behind the literal name, wherever the blanks are. */
static int named(const char **p, const char *end, const char *name, const char **token, size_t *len)
{
	size_t n = strlen(name);

	while (*p < end && is_blank(**p))
		++*p;
	if ((size_t)(end - *p) < n || memcmp(*p, name, n))
		return -EINVAL;
	*p += n;
	*len = crfd_line_token(p, end, token);
	return 0;
}

int crfd_line_field(const char **p, const char *end, const char *name, unsigned int base, uint64_t max, uint64_t *out)
{
	const char *at = *p, *token;
	size_t len;
	int rc = named(&at, end, name, &token, &len);

	if (rc >= 0)
		rc = crfd_number(token, len, base, max, out);
	if (rc >= 0)
		*p = at;
	return rc;
}

int crfd_line_signed(const char **p, const char *end, const char *name, int64_t *out)
{
	const char *at = *p, *token;
	size_t len;
	int rc = named(&at, end, name, &token, &len);

	if (rc >= 0)
		rc = crfd_number_signed(token, len, out);
	if (rc >= 0)
		*p = at;
	return rc;
}

int crfd_line_dev(const char **p, const char *end, const char *name, uint64_t *out)
{
	uint64_t v;
	int rc = crfd_line_field(p, end, name, 16, UINT32_MAX, &v);

	if (rc >= 0)
		*out = makedev((unsigned int)(v >> MINOR_BITS), (unsigned int)(v & ((1u << MINOR_BITS) - 1)));
	return rc;
}

static int put_number(struct crfd_detail *d, const struct crfd_line *l, const struct crfd_line_number *row)
{
	const char *p = l->p;
	uint8_t *field = (uint8_t *)&d->rec + row->offset;
	uint64_t v;

	if (row->base == 16 && l->end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	if (d->seen & row->bit || crfd_line_field(&p, l->end, "", row->base, row->size == 4 ? UINT32_MAX : UINT64_MAX, &v) < 0)
		return -EINVAL;
	if (row->size == 4)
		memcpy(field, &(uint32_t){(uint32_t)v}, 4);
	else
		memcpy(field, &v, 8);
	d->seen |= row->bit;
	return p == l->end;
}

int crfd_line_number(struct crfd_detail *d, const struct crfd_line *l, const struct crfd_line_number *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc;

		if (!crfd_line_is(l, table[i].key))
			continue;
		rc = put_number(d, l, &table[i]);
		d->broken |= rc < 0;
		return rc > 0;
	}
	return 0;
}

int crfd_detail_put(struct crfd_detail *d, int type, const void *payload, size_t len)
{
	int rc = crfd_buf_rec(d->out, type, 0, payload, len);

	d->entries_type = 0;
	return rc < 0 ? rc : 1;
}

int crfd_detail_entry(struct crfd_detail *d, int type, const void *entry, size_t size)
{
	crfd_buf *out = d->out;
	crfd_rec h;
	int rc;

	if (d->entries_type == type) {
		memcpy(&h, out->v + d->entries, sizeof(h));
		if ((size_t)h.len + size <= CRFD_REC_MAX) {
			rc = crfd_buf_put(out, entry, size);
			if (rc < 0)
				return rc;
			h.len = (int16_t)((size_t)h.len + size);
			memcpy(out->v + d->entries, &h, sizeof(h));
			return 1;
		}
	}
	d->entries = out->nr;
	d->entries_type = type;
	rc = crfd_buf_rec(out, type, 0, entry, size);
	return rc < 0 ? rc : 1;
}
