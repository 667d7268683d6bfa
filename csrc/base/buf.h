/* SPDX-License-Identifier: MIT */
/* Growable arrays: {T *v; size_t nr, alloc;} and the one helper that grows them. */
#ifndef CRFD_BUF_H
#define CRFD_BUF_H

#include <string.h>

#include "base/base.h"

/* Makes room for `want` elements in an array of *alloc. -ENOMEM or -EOVERFLOW, and then the old block is untouched. */
int crfd_grow(void *v, size_t *alloc, size_t want, size_t elem);

/* Makes room for n more bytes. */
int crfd_buf_reserve(crfd_buf *b, size_t n);
/* Appends n bytes; inlined, for a few bytes of a known number are then a store. */
static inline int crfd_buf_put(crfd_buf *b, const void *p, size_t n)
{
	int rc = n > b->alloc - b->nr ? crfd_buf_reserve(b, n) : b->failed;

	if (rc < 0 || !n)
		return rc;
	memcpy(b->v + b->nr, p, n);
	b->nr += n;
	return 0;
}

/* Empties it, and keeps its memory. */
void crfd_buf_clear(crfd_buf *b);

#endif
