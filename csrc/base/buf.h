/* SPDX-License-Identifier: MIT */
/* Growable arrays: {T *v; size_t nr, alloc;} and the one helper that grows them. */
#ifndef CRFD_BUF_H
#define CRFD_BUF_H

#include "base/base.h"

/* Makes room for `want` elements in an array of *alloc. -ENOMEM or -EOVERFLOW, and then the old block is untouched. */
int crfd_grow(void *v, size_t *alloc, size_t want, size_t elem);

/* Makes room for n more bytes. */
int crfd_buf_reserve(crfd_buf *b, size_t n);
int crfd_buf_put(crfd_buf *b, const void *p, size_t n);

#endif
