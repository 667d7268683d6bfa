/* SPDX-License-Identifier: MIT */
/* A render makes text of rows: an aligned table, JSON Lines, CSV, or fields that NULs end. */

typedef struct crfd_render crfd_render;

enum crfd_render_format {
	CRFD_RENDER_TABLE = 1, /* cells hold no blank but in the last column; the first rows decide how wide each is */
	CRFD_RENDER_JSON = 2, /* one object a row; null where it is not known */
	CRFD_RENDER_CSV = 3, /* RFC 4180; empty where it is not known */
	CRFD_RENDER_NUL = 4 /* each value as it is, and a NUL behind it */
};

typedef struct {
	const uint16_t *column; /* numbers of columns */
	size_t ncolumns;
	const uint16_t *key; /* columns to sort by, NULL: the order in which rows come */
	const uint8_t *descending; /* of each key */
	size_t nkeys;
	const crfd_filter *filter; /* which rows there are, NULL: all; must outlive the rendering */
	const char *const *label; /* of each column in the header, NULL: no header */
	uint32_t width; /* of the terminal: longer lines lose the middle of their last column; 0: none does */
	uint8_t format; /* enum crfd_render_format */
	uint8_t color; /* mark with colours what is deleted, listens or could not be read */
} crfd_render_options;

/* Copies what the options point to, labels and filter excepted. 0, -EINVAL for a column that is none, -ENOMEM. */
int crfd_render_new(const crfd_render_options *options, crfd_render **out);
/*
 * Appends the reader's rows to out, until about `want` bytes are more in it: 1 while rows remain, 0 when there are none.
 * What a sorted or aligned output holds back comes with crfd_render_end().
 */
int crfd_render_rows(crfd_render *v, crfd_reader *r, size_t want, crfd_buf *out);
/* Appends the line of the number-th task alone: columns of descriptors say nothing. 0 or -ERANGE, -ENOMEM. */
int crfd_render_head(crfd_render *v, crfd_reader *r, size_t number, crfd_buf *out);
/* Appends what was held back, once no more rows come: 1 while some of it remains, 0 or -errno. */
int crfd_render_end(crfd_render *v, size_t want, crfd_buf *out);
/* Returns how many rows there were so far. */
uint64_t crfd_render_count(const crfd_render *v);
void crfd_render_free(crfd_render *v);
