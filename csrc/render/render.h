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

struct crfd_render_column {
	const struct crfd_column *c;
	uint32_t width;
	crfd_buf key; /* of a JSON object: the name and what is between it and the value */
	crfd_buf kept; /* of a column about the task: its cell, which all rows of the task have in common */
};

struct crfd_render;

/* Puts what a row has of its i-th column, and what ends that. 0 or -ENOMEM. */
typedef int crfd_render_cell(struct crfd_render *v, size_t i, const struct crfd_row *r, crfd_buf *out);

/* A row is its cells between two texts, of which the second takes the place of what ended the last cell. */
struct crfd_render_form {
	crfd_render_cell *cell;
	const char *begin, *end;
	size_t dropped; /* bytes of what ends a cell */
};

/*
 * A row is laid out in `text` as its cells, each ended by a NUL, when a table still has to learn its widths, and as a whole
 * line otherwise. Rows that have to wait lie in `held`, one after the other, and held rows are ordered by their keys.
 */
struct crfd_render {
	crfd_render_options o;
	const struct crfd_render_form *form;
	struct crfd_render_column *column;
	const struct crfd_column **key;
	size_t task; /* whose cells are kept: crfd_row_task.number, 0: nobody's */
	struct crfd_scratch scratch;
	uint64_t rows;
	crfd_buf held; /* lines, or colour and cells */
	struct crfd_held *row;
	size_t nheld, row_alloc;
	crfd_buf keys; /* nkeys values of each held row, struct crfd_sort_value */
	crfd_buf texts; /* of those */
	int settled; /* the widths are, and the header is out */
	crfd_buf cell; /* scratch */
	crfd_objrefs *told; /* descriptions of the reader whose lists are long and have been put, by where their records are */
	size_t next; /* held row that crfd_render_end() goes on with */
};

crfd_render_cell crfd_render_json, crfd_render_csv, crfd_render_nul, crfd_render_table;
/* Returns what stands before the cells of a table's row, and decides its colour. */
uint8_t crfd_render_mark(struct crfd_render *v, const struct crfd_row *r);
/* Widens the columns to hold the cells. */
void crfd_render_measure(struct crfd_render *v, const uint8_t *cells);
int crfd_render_line(const struct crfd_render *v, const uint8_t *cells, crfd_buf *out);
int crfd_render_header(const struct crfd_render *v, crfd_buf *out);

/* Keeps the keys of the row that is held next, and orders those held. */
int crfd_render_keep_keys(struct crfd_render *v, const struct crfd_row *r);
int crfd_render_sort(struct crfd_render *v);

#endif
