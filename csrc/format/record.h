/* SPDX-License-Identifier: MIT */
/* Records are put into bytes here, and this is the one way to go over them. */
#ifndef CRFD_RECORD_H
#define CRFD_RECORD_H

#include <string.h>

#include "base/buf.h"
#include "format/format.h"

/* Appends one record, header first. len must be <= CRFD_REC_MAX. */
int crfd_buf_rec(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t len);
/*
 * Appends n bytes, an array of entries of that size (1 for text), as as many records of one type as their length needs,
 * with whole entries in each; none for n == 0.
 */
int crfd_buf_recs(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t n, size_t entry);

/* Goes over the records in p[0..end). */
struct crfd_cursor {
	const uint8_t *p, *end; /* what is still to come */
	crfd_rec h; /* of the record that crfd_cursor_next() came to */
	const uint8_t *payload; /* of that record: h.len bytes */
};

/* Goes on to the next record: 1, or 0 where no whole one follows. */
static inline int crfd_cursor_next(struct crfd_cursor *c)
{
	size_t left = (size_t)(c->end - c->p);

	if (left < sizeof(c->h))
		return 0;
	memcpy(&c->h, c->p, sizeof(c->h));
	if (c->h.len < 0 || (size_t)c->h.len > left - sizeof(c->h))
		return 0;
	c->payload = c->p + sizeof(c->h);
	c->p = c->payload + c->h.len;
	return 1;
}

#endif
