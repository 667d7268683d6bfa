/* SPDX-License-Identifier: MIT */
#ifndef CRFD_RENDER_H
#define CRFD_RENDER_H

#include "columns/column.h"
#include "columns/reader.h"
#include "filter/filter.h"
#include "image/image.h"

#include "render/render.cdef.h"

/* A held row is these bytes. */
struct crfd_held {
	size_t at, len;
};

/*
 * A row is laid out in `text` as its cells, each ended by a NUL, when a table still has to learn its widths, and as a whole
 * line otherwise. Rows that have to wait lie in `held`, one after the other, and held rows are ordered by their keys.
 */
struct crfd_render {
	crfd_render_options o;
	const struct crfd_column **column, **key;
	struct crfd_scratch scratch;
	uint64_t rows;
	crfd_buf held; /* lines, or colour and cells */
	struct crfd_held *row;
	size_t nheld, row_alloc;
	crfd_buf keys; /* nkeys values of each held row, struct crfd_sort_value */
	crfd_buf texts; /* of those */
	uint32_t *width; /* of each column */
	int settled; /* the widths are, and the header is out */
	crfd_buf cell; /* scratch */
	crfd_objrefs *told; /* descriptions of the reader whose lists are long and have been put, by where their records are */
	size_t next; /* held row that crfd_render_end() goes on with */
};

/* Each puts together the line of a row. 0 or -ENOMEM. */
int crfd_render_json(struct crfd_render *v, const struct crfd_row *r, crfd_buf *out);
int crfd_render_csv(struct crfd_render *v, const struct crfd_row *r, crfd_buf *out);
int crfd_render_nul(struct crfd_render *v, const struct crfd_row *r, crfd_buf *out);
int crfd_render_cells(struct crfd_render *v, const struct crfd_row *r, crfd_buf *out);
/* Widens the columns to hold the cells. */
void crfd_render_measure(struct crfd_render *v, const uint8_t *cells);
int crfd_render_line(const struct crfd_render *v, const uint8_t *cells, crfd_buf *out);
int crfd_render_header(const struct crfd_render *v, crfd_buf *out);

/* Keeps the keys of the row that is held next, and orders those held. */
int crfd_render_keep_keys(struct crfd_render *v, const struct crfd_row *r);
int crfd_render_sort(struct crfd_render *v);

#endif
