/* SPDX-License-Identifier: MIT */
#include "arrow/rows.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"

/* Makes room for a row more. 0 or -ENOMEM. */
static int make_room(struct crfd_rows_of *w)
{
	int rc = crfd_grow(&w->row, &w->alloc, w->nr + 1, sizeof(*w->row));

	return rc < 0 ? rc : 0;
}

static int push(void *arg, const struct crfd_row *entry)
{
	struct crfd_rows_of *w = arg;
	int rc = make_room(w);

	if (rc >= 0)
		w->row[w->nr++] = *entry;
	return rc;
}

static int is_of_family(const struct crfd_family *f, const struct crfd_row *row)
{
	/* Only its record tells what a character device stands for. */
	if (row->data.fd_type == CRFD_KIND_CHR)
		return crfd_family_of(row) == f;
	for (size_t i = 0; i < CRFD_LEN(f->kind) && f->kind[i]; i++)
		if (f->kind[i] == row->data.fd_type)
			return 1;
	return 0;
}

/* Returns 1 where its description has not come before. */
static int is_first(struct crfd_rows_of *w, const struct crfd_row *row)
{
	uint8_t *bits = &w->seen[row->objref >> 3], bit = (uint8_t)(1 << (row->objref & 7));
	int is_new = row->objref && !(*bits & bit);

	*bits |= bit;
	return is_new;
}

static int is_wanted(struct crfd_rows_of *w, const struct crfd_row *row)
{
	switch (w->table->rows) {
	case CRFD_ROWS_HELD:
		return 1;
	case CRFD_ROWS_FILE:
		return !row->held && is_first(w, row);
	case CRFD_ROWS_FAMILY:
		return !row->held && row->is_read && is_of_family(w->table->family, row);
	case CRFD_ROWS_LIST:
		return !row->held && row->is_read;
	default:
		return !row->held;
	}
}

/* Pushes the entries of the row's list that have not come before: a task's own ones come with each task. */
static int push_entries(struct crfd_rows_of *w, const struct crfd_row *row)
{
	if (is_first(w, row))
		return crfd_list_each(w->list, row, push, w);
	return crfd_list_each_own(w->list, row, push, w);
}

/* 1, 0 or -ENOMEM. */
static int fits(struct crfd_rows_of *w, const struct crfd_row *row)
{
	return w->filter ? crfd_filter_eval(w->filter, &w->scratch, row) : 1;
}

/* Rows held without a descriptor come before the descriptors. */
static int is_end(const struct crfd_rows_of *w, const struct crfd_row *row)
{
	return w->table->rows == CRFD_ROWS_HELD && !row->held;
}

/* Takes the next row of the task where it is one of the table: 1, 0 when there is none, or -ENOMEM. */
static int read_row(struct crfd_rows_of *w)
{
	struct crfd_row row;
	int rc = make_room(w);

	if (rc < 0 || crfd_reader_next(w->reader, &w->row[w->nr]) != 1 || is_end(w, &w->row[w->nr]))
		return rc;
	rc = fits(w, &w->row[w->nr]);
	if (rc <= 0 || !is_wanted(w, &w->row[w->nr]))
		return rc < 0 ? rc : 1;
	if (w->table->rows != CRFD_ROWS_LIST) {
		w->nr++;
		return 1;
	}
	row = w->row[w->nr];
	rc = push_entries(w, &row);
	return rc < 0 ? rc : 1;
}

int crfd_rows_of_begin(struct crfd_rows_of *w, const struct crfd_table *t, crfd_reader *reader, crfd_filter *filter)
{
	w->table = t;
	w->list = crfd_table_list(t);
	w->reader = reader;
	if (t->rows != CRFD_ROWS_TASK && crfd_reader_task(reader, 0) >= 0)
		w->task = 1;
	w->filter = filter ? crfd_filter_take(filter) : NULL;
	w->seen = calloc(crfd_reader_totals(reader)->nfiles / 8 + 1, 1);
	return w->seen ? 0 : -ENOMEM;
}

void crfd_rows_of_release(struct crfd_rows_of *w)
{
	free(w->row);
	free(w->seen);
	crfd_filter_free(w->filter);
	crfd_scratch_release(&w->scratch);
}

/* Goes on to the next task: 1, 0 where none of its rows can be new, or a code. */
static int read_task(struct crfd_rows_of *w)
{
	int is_once = w->table->rows == CRFD_ROWS_FILE || (w->table->rows == CRFD_ROWS_LIST && w->list->rec);
	int rc = crfd_reader_task(w->reader, w->task);

	/* A condition may be on the task. */
	return rc < 0 ? rc : rc == 0 || !is_once || w->filter;
}

static int read_head(struct crfd_rows_of *w)
{
	int rc = make_room(w);

	if (rc < 0)
		return rc;
	rc = crfd_reader_head(w->reader, w->task, &w->head, &w->row[w->nr]);
	if (rc >= 0)
		rc = fits(w, &w->row[w->nr]);
	w->nr += rc == 1;
	return rc;
}

/* Reads rows of one task at a time: what they say of their task changes when the reader goes on to the next. */
int crfd_rows_of_next(struct crfd_rows_of *w)
{
	int is_task = w->table->rows == CRFD_ROWS_TASK, rc = 1;

	w->nr = 0;
	for (;; w->task++) {
		while (!is_task && w->nr < CRFD_ROWS_PIECE && rc > 0)
			rc = read_row(w);
		if (rc < 0 || w->nr)
			return rc < 0 ? rc : 1;
		if (w->task == crfd_reader_ntasks(w->reader))
			return 0;
		rc = is_task ? read_head(w) : read_task(w);
	}
}
