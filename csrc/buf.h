/* SPDX-License-Identifier: MIT */
/* Growable arrays: {T *v; size_t nr, alloc;} and the one helper that grows them. */
#ifndef CRFD_BUF_H
#define CRFD_BUF_H

#include "crfd.h"

/* Room for `want` elements in an array of *alloc. -ENOMEM or -EOVERFLOW, and then the old block is untouched. */
int crfd_grow(void *v, size_t *alloc, size_t want, size_t elem);

/* Room for n more bytes. */
int crfd_buf_reserve(crfd_buf *b, size_t n);
int crfd_buf_put(crfd_buf *b, const void *p, size_t n);
/* Appends one record, header first. len must be <= CRFD_REC_MAX. */
int crfd_buf_rec(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t len);
/* Appends n bytes as as many records of one type as their length needs; none for n == 0. */
int crfd_buf_recs(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t n);
/* The payload of the first record of that type and length among those from byte `from` on, NULL: none. */
void *crfd_buf_find(crfd_buf *b, size_t from, int type, size_t len);

#endif
