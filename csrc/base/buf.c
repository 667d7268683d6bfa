/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>

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
	if (!b->failed)
		b->failed = n > SIZE_MAX - b->nr ? -EOVERFLOW : crfd_grow(&b->v, &b->alloc, b->nr + n, 1);
	return b->failed;
}

void crfd_buf_clear(crfd_buf *b)
{
	b->nr = 0;
	b->failed = 0;
}

void crfd_buf_release(crfd_buf *b)
{
	free(b->v);
	*b = (crfd_buf){0};
}
