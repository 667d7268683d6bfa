/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int crfd_grow(void *v, size_t *alloc, size_t want, size_t elem)
{
	size_t n = *alloc;
	void *old, *grown;

	if (want <= n)
		return 0;
	n = n > SIZE_MAX / 2 ? want : n * 2;
	if (n < 16)
		n = 16;
	if (n < want)
		n = want;
	if (n > PTRDIFF_MAX / elem)
		return -EOVERFLOW;
	memcpy(&old, v, sizeof(old));
	grown = realloc(old, n * elem);
	if (!grown)
		return -ENOMEM;
	memcpy(v, &grown, sizeof(grown));
	*alloc = n;
	return 0;
}

int crfd_buf_reserve(crfd_buf *b, size_t n)
{
	if (n > SIZE_MAX - b->nr)
		return -EOVERFLOW;
	return crfd_grow(&b->v, &b->alloc, b->nr + n, 1);
}

int crfd_buf_put(crfd_buf *b, const void *p, size_t n)
{
	int rc = crfd_buf_reserve(b, n);

	if (rc < 0)
		return rc;
	if (n)
		memcpy(b->v + b->nr, p, n);
	b->nr += n;
	return 0;
}

int crfd_buf_rec(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t len)
{
	crfd_rec h = {.type = (int16_t)type, .len = (int16_t)len, .parent = parent};
	int rc = crfd_buf_reserve(b, sizeof(h) + len);

	if (rc < 0)
		return rc;
	memcpy(b->v + b->nr, &h, sizeof(h));
	if (len)
		memcpy(b->v + b->nr + sizeof(h), payload, len);
	b->nr += sizeof(h) + len;
	return 0;
}

int crfd_buf_recs(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t n)
{
	const uint8_t *p = payload;

	while (n) {
		size_t len = n < CRFD_REC_MAX ? n : CRFD_REC_MAX;
		int rc = crfd_buf_rec(b, type, parent, p, len);

		if (rc < 0)
			return rc;
		p += len;
		n -= len;
	}
	return 0;
}

void *crfd_buf_find(crfd_buf *b, size_t from, int type, size_t len)
{
	crfd_rec h;

	for (; b->nr - from >= sizeof(h); from += sizeof(h) + (size_t)h.len) {
		memcpy(&h, b->v + from, sizeof(h));
		if (h.type == type && (size_t)h.len == len)
			return b->v + from + sizeof(h);
	}
	return NULL;
}

void crfd_buf_release(crfd_buf *b)
{
	free(b->v);
	*b = (crfd_buf){0};
}
