/* SPDX-License-Identifier: MIT */
/*
 * A column of a record batch that is being filled, and what becomes of it: an array that owns its memory.
 *
 *   type     value                     text             words
 *   INT64    int64_t of each
 *   TIME     the same
 *   BOOL     a bit of each
 *   TEXT     int32_t: where each ends  their bytes
 *   BYTES    the same                  the same
 *   WORD     int32_t: number of each                    the dictionary
 */
#ifndef CRFD_ARROW_ARRAY_H
#define CRFD_ARROW_ARRAY_H

#include "arrow/table.h"
#include "arrow/words.h"

struct crfd_array {
	const struct crfd_field *field;
	size_t nr, nulls;
	size_t room; /* values that there is memory for; 0 as long as all are null */
	size_t expected; /* values at the end, roughly: how much memory to begin with */
	crfd_buf known; /* a bit of each */
	crfd_buf value, text; /* of value and known, nr says nothing */
	struct crfd_words words;
};

/* Begins an empty one, in zeroed memory. 0 or -ENOMEM, as all here. */
int crfd_array_begin(struct crfd_array *a, const struct crfd_field *f, size_t expected);
void crfd_array_release(struct crfd_array *a);
/* Appends the column of n rows of one task, CRFD_ROWS_PIECE at most; are_plain: crfd_row_is_plain() says so of each. */
int crfd_array_fill(struct crfd_array *a, struct crfd_scratch *s, const struct crfd_row *row, size_t n, int are_plain);
/* Makes out of what was filled; the array is empty then, written on success only. */
int crfd_array_finish(struct crfd_array *a, struct ArrowArray *out);

/* Makes a record batch of n finished columns, which are moved into it. */
int crfd_batch_finish(struct ArrowArray *column, size_t n, int64_t length, struct ArrowArray *out);

#endif
