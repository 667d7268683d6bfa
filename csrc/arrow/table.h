/* SPDX-License-Identifier: MIT */
/* The tables, and the columns that each can have. */
#ifndef CRFD_ARROW_TABLE_H
#define CRFD_ARROW_TABLE_H

#include "arrow/arrow.h"
#include "columns/column.h"

enum crfd_arrow_type {
	CRFD_ARROW_INT64, /* also what has no sign: the same bits */
	CRFD_ARROW_BOOL,
	CRFD_ARROW_TEXT, /* utf8; bytes that are none as \xNN */
	CRFD_ARROW_WORD, /* the same by a dictionary */
	CRFD_ARROW_TIME, /* INT64: seconds since 1970 */
	CRFD_ARROW_BYTES /* binary: the bytes where TEXT differs from them */
};

struct crfd_field {
	const struct crfd_column *column;
	uint8_t type; /* enum crfd_arrow_type */
	uint8_t is_view; /* TEXT and BYTES as views */
	crfd_arrow_field info;
};

/* A row of a table is one of these. */
enum crfd_arrow_rows {
	CRFD_ROWS_FD, /* a descriptor */
	CRFD_ROWS_FILE, /* an open file description, as its first descriptor shows it */
	CRFD_ROWS_TASK,
	CRFD_ROWS_HELD, /* a file that is held without a descriptor */
	CRFD_ROWS_FAMILY, /* a descriptor of a family's kinds */
	CRFD_ROWS_LIST /* an entry of a list of a descriptor */
};

struct crfd_table {
	crfd_arrow_table info;
	uint8_t rows; /* enum crfd_arrow_rows */
	const struct crfd_family *family; /* FAMILY */
	const char *list; /* LIST: name of the column */
	const struct crfd_list *entries; /* LIST: NULL where that column has it */
};

const struct crfd_table *crfd_table_at(size_t number);
/* Puts the columns that have these numbers into out, in their order. 0, or -ERANGE for one that the table cannot have. */
int crfd_table_choose(const struct crfd_table *t, const uint16_t *number, size_t n, struct crfd_field *out);
/* The list that a LIST table is of. */
const struct crfd_list *crfd_table_list(const struct crfd_table *t);

#endif
