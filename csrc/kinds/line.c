/* SPDX-License-Identifier: MIT */
#include "kinds/detail.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "format/record.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int crfd_line_next(const char **text, const char *end, struct crfd_line *out)
{
	const char *line = *text, *eol, *stop, *colon;

	if (line >= end)
		return 0;
	eol = memchr(line, '\n', (size_t)(end - line));
	stop = eol ? eol : end;
	colon = memchr(line, ':', (size_t)(stop - line));
	*text = eol ? eol + 1 : end;
	*out = (struct crfd_line){.key = line, .len = (size_t)((colon ? colon : stop) - line),
				  .p = colon ? colon + 1 : stop, .end = stop};
	while (out->p < out->end && is_blank(*out->p))
		out->p++;
	while (out->end > out->p && is_blank(out->end[-1]))
		out->end--;
	return 1;
}

int crfd_line_is(const struct crfd_line *l, const char *key)
{
	return l->len == strlen(key) && !memcmp(l->key, key, l->len);
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

/* Takes the token behind the literal name, wherever the blanks are. */
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
		*out = crfd_kernel_dev((uint32_t)v);
	return rc;
}

int crfd_line_u32(const struct crfd_line *l, uint32_t *out)
{
	return crfd_number_u32(l->p, (size_t)(l->end - l->p), out) == 0;
}

static int put_number(struct crfd_detail *d, const struct crfd_line *l, const struct crfd_line_number *row)
{
	const char *p = l->p;
	uint8_t *field = (uint8_t *)&d->rec + row->offset;
	uint64_t v;

	if (row->base == 16 && l->end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	if (d->known & row->bit || crfd_line_field(&p, l->end, "", row->base, row->size == 4 ? UINT32_MAX : UINT64_MAX, &v) < 0)
		return -EINVAL;
	if (row->size == 4)
		memcpy(field, &(uint32_t){(uint32_t)v}, 4);
	else
		memcpy(field, &v, 8);
	d->known |= row->bit;
	return p == l->end;
}

int crfd_line_number(struct crfd_detail *d, const struct crfd_line *l)
{
	for (size_t i = 0; i < d->ops->nnumbers; i++) {
		int rc;

		if (!crfd_line_is(l, d->ops->numbers[i].key))
			continue;
		rc = put_number(d, l, &d->ops->numbers[i]);
		d->broken |= rc < 0;
		return rc > 0;
	}
	return 0;
}

int crfd_detail_entry(struct crfd_detail *d, const void *entry)
{
	int rc = crfd_buf_put(&d->entries, entry, d->ops->entry);

	return rc < 0 ? rc : 1;
}

static int has_record(const struct crfd_detail *d, int type)
{
	struct crfd_cursor c = {.p = d->more.v, .end = d->more.nr ? d->more.v + d->more.nr : d->more.v};

	while (crfd_cursor_next(&c))
		if (c.h.type == type)
			return 1;
	return 0;
}

int crfd_detail_more(struct crfd_detail *d, int type, const void *payload, size_t len)
{
	int rc = has_record(d, type) ? 0 : crfd_buf_rec(&d->more, type, 0, payload, len);

	return rc < 0 ? rc : 1;
}
