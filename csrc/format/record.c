/* SPDX-License-Identifier: MIT */
#include "format/record.h"

#include <string.h>

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

int crfd_buf_recs(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t n, size_t entry)
{
	size_t piece = CRFD_REC_MAX / entry * entry;
	const uint8_t *p = payload;

	for (size_t len; n && !b->failed; p += len, n -= len) {
		len = n < piece ? n : piece;
		crfd_buf_rec(b, type, parent, p, len);
	}
	return b->failed;
}
