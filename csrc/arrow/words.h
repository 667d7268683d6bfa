/* SPDX-License-Identifier: MIT */
/* A dictionary that is being made: each text once, numbered from 0 in the order of first appearance. */
#ifndef CRFD_ARROW_WORDS_H
#define CRFD_ARROW_WORDS_H

#include "columns/row.h"

struct crfd_words {
	crfd_buf text; /* all of them as UTF-8 */
	crfd_buf offset; /* int32_t of each, and of the end */
	uint32_t *slot; /* open addressing: number + 1, 0: free */
	size_t nslots;
	int32_t nr;
	crfd_buf last; /* the bytes that were asked for last: mostly they are asked for again */
	int32_t last_number; /* -1: none yet */
};

/* An empty one, in zeroed memory. 0 or -ENOMEM. */
int crfd_words_begin(struct crfd_words *w);
/* The number of the bytes as UTF-8, or -ENOMEM. */
int64_t crfd_words_number(struct crfd_words *w, struct crfd_bytes b);
void crfd_words_release(struct crfd_words *w);

#endif
