/* SPDX-License-Identifier: MIT */
/* The rows of a table, a few of one task at a time. */
#ifndef CRFD_ARROW_ROWS_H
#define CRFD_ARROW_ROWS_H

#include "arrow/table.h"
#include "columns/reader.h"
#include "filter/filter.h"

#define CRFD_ROWS_PIECE 128 /* at a time, or a few more: as many as a cache holds */

struct crfd_rows_of {
	const struct crfd_table *table;
	const struct crfd_list *list;
	crfd_reader *reader;
	struct crfd_row *row; /* of one task */
	size_t nr, alloc;
	size_t task; /* the one that comes next */
	struct crfd_row_task head;
	uint8_t *seen; /* a bit of each objref */
	crfd_filter *filter; /* NULL: all rows */
	struct crfd_scratch scratch;
};

/*
 * Begins with the first row that fits the filter, NULL: all do; in zeroed memory. The reader must outlive it and be used for
 * nothing else; the filter is held. 0 or -ENOMEM.
 */
int crfd_rows_of_begin(struct crfd_rows_of *w, const struct crfd_table *t, crfd_reader *reader, crfd_filter *filter);
/* The next rows are in w->row, and live until more are asked for: 1, or 0 when there are none, or -ENOMEM. */
int crfd_rows_of_next(struct crfd_rows_of *w);
void crfd_rows_of_release(struct crfd_rows_of *w);

#endif
