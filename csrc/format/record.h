/* SPDX-License-Identifier: MIT */
/* How one record is put into bytes and found again. */
#ifndef CRFD_RECORD_H
#define CRFD_RECORD_H

#include "base/buf.h"
#include "format/format.h"

/* Appends one record, header first. len must be <= CRFD_REC_MAX. */
int crfd_buf_rec(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t len);
/* Appends n bytes as as many records of one type as their length needs; none for n == 0. */
int crfd_buf_recs(crfd_buf *b, int type, uint32_t parent, const void *payload, size_t n);
/* The payload of the first record of that type and length among those from byte `from` on, NULL: none. */
void *crfd_buf_find(crfd_buf *b, size_t from, int type, size_t len);

#endif
