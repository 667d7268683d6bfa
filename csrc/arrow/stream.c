/* SPDX-License-Identifier: MIT */
/*
 * The stream of an image's record batches. It owns the image's bytes, so that whoever has it needs nothing else of ours:
 *
 *   image ── reader ── rows of one task, some at a time ── columns ── record batch
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/array.h"
#include "arrow/rows.h"
#include "arrow/schema.h"

#define TEXT_MAX (1u << 30) /* bytes in one column of a batch, which has offsets of 31 bits */

struct stream {
	const struct crfd_table *table;
	crfd_shared *image;
	crfd_reader *reader;
	struct crfd_field *field;
	struct crfd_array *array;
	size_t nfields;
	struct crfd_scratch scratch;
	struct crfd_rows_of rows;
	size_t at; /* the first of them that is in no column yet */
	size_t expected; /* rows of a batch, roughly */
	char error[48];
};

/* ---- batches ---- */

static int begin_batch(struct stream *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->nfields && rc >= 0; i++) {
		crfd_array_release(&s->array[i]);
		rc = crfd_array_begin(&s->array[i], &s->field[i], s->expected);
	}
	return rc;
}

static int is_full(const struct stream *s)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (s->array[i].text.nr > TEXT_MAX || s->array[i].words.text.nr > TEXT_MAX)
			return 1;
	return 0;
}

static int all_plain(const struct crfd_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!crfd_row_is_plain(&row[i]))
			return 0;
	return 1;
}

/* Fills a batch, and returns the number of its rows, or -ENOMEM. */
static int64_t fill_batch(struct stream *s)
{
	int rc = begin_batch(s), are_plain;
	int64_t filled = 0;

	while (rc >= 0 && filled < CRFD_ARROW_ROWS && !is_full(s)) {
		size_t n;

		if (s->at == s->rows.nr) {
			rc = crfd_rows_of_next(&s->rows);
			s->at = 0;
		}
		n = s->rows.nr - s->at;
		if (rc < 0 || !n)
			break;
		n = n < CRFD_ROWS_PIECE ? n : CRFD_ROWS_PIECE;
		n = n < (size_t)(CRFD_ARROW_ROWS - filled) ? n : (size_t)(CRFD_ARROW_ROWS - filled);
		are_plain = all_plain(s->rows.row + s->at, n);
		for (size_t i = 0; i < s->nfields && rc >= 0; i++)
			rc = crfd_array_fill(&s->array[i], &s->scratch, s->rows.row + s->at, n, are_plain);
		s->at += n;
		filled += (int64_t)n;
	}
	return rc < 0 ? rc : filled;
}

static int finish_batch(struct stream *s, int64_t rows, struct ArrowArray *out)
{
	struct ArrowArray *column = calloc(s->nfields ? s->nfields : 1, sizeof(*column));
	int rc = column ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nfields && rc >= 0; i++)
		rc = crfd_array_finish(&s->array[i], &column[i]);
	if (rc >= 0)
		rc = crfd_batch_finish(column, s->nfields, rows, out);
	for (size_t i = 0; column && i < s->nfields; i++)
		if (column[i].release)
			column[i].release(&column[i]);
	free(column);
	return rc;
}

/* ---- the interface, whose errors are errno's numbers ---- */

static int failed(struct stream *s, int rc)
{
	strcpy(s->error, "out of memory");
	return -rc;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct stream *s = stream->private_data;
	int rc = crfd_schema_make(s->table, s->field, s->nfields, out);

	return rc < 0 ? failed(s, rc) : 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct stream *s = stream->private_data;
	int64_t rows = fill_batch(s);
	int rc = rows > 0 ? finish_batch(s, rows, out) : (int)rows;

	if (rows == 0)
		*out = (struct ArrowArray){0};
	return rc < 0 ? failed(s, rc) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
	const struct stream *s = stream->private_data;

	return *s->error ? s->error : NULL;
}

static void stream_free(struct stream *s)
{
	crfd_reader_free(s->reader);
	crfd_shared_drop(s->image);
	for (size_t i = 0; s->array && i < s->nfields; i++)
		crfd_array_release(&s->array[i]);
	crfd_scratch_release(&s->scratch);
	free(s->array);
	free(s->field);
	crfd_rows_of_release(&s->rows);
	free(s);
}

static void release(struct ArrowArrayStream *stream)
{
	stream_free(stream->private_data);
	stream->release = NULL;
}

/* Makes views of those columns that the caller asked for as such. */
static void give_views(struct stream *s, const struct ArrowSchema *wish)
{
	for (int64_t i = 0; wish && wish->release && i < wish->n_children; i++) {
		const struct ArrowSchema *one = wish->children[i];

		for (size_t k = 0; k < s->nfields; k++) {
			struct crfd_field *f = &s->field[k];
			const char *view = f->type == CRFD_ARROW_TEXT ? "vu" : f->type == CRFD_ARROW_BYTES ? "vz" : NULL;

			if (view && one->name && !strcmp(one->name, f->info.name) && !strcmp(one->format, view))
				f->is_view = 1;
		}
	}
}

static int hold_image(struct stream *s, const crfd_arrow_options *o)
{
	s->image = o->shared ? crfd_shared_take(o->shared) : crfd_shared_new(o->n);
	if (s->image && !o->shared && o->n)
		memcpy(crfd_shared_bytes(s->image), o->buf, o->n);
	return s->image ? 0 : -ENOMEM;
}

static int open_reader(struct stream *s, size_t n, crfd_filter *filter, crfd_fault *fault)
{
	uint64_t nfds;
	int rc = 1;

	s->reader = crfd_reader_new_image(crfd_shared_bytes(s->image), n);
	if (!s->reader)
		return -ENOMEM;
	while (rc == 1)
		rc = crfd_reader_check(s->reader, SIZE_MAX, fault);
	if (rc < 0)
		return rc;
	rc = crfd_rows_of_begin(&s->rows, s->table, s->reader, filter);
	if (rc < 0)
		return rc;
	nfds = crfd_reader_totals(s->reader)->nfds;
	if (s->table->rows == CRFD_ROWS_FD && !filter)
		s->expected = nfds < CRFD_ARROW_ROWS ? nfds : CRFD_ARROW_ROWS;
	return 0;
}

int crfd_arrow_stream(const crfd_arrow_options *o, struct ArrowArrayStream *out, crfd_fault *fault)
{
	struct stream *s = calloc(1, sizeof(*s));
	int rc;

	*fault = (crfd_fault){0};
	if (!s)
		return -ENOMEM;
	s->table = crfd_table_at(o->table);
	rc = s->table && o->nfields <= CRFD_ARROW_FIELDS ? hold_image(s, o) : -ERANGE;
	if (rc >= 0) {
		s->nfields = o->nfields;
		s->field = calloc(o->nfields + 1, sizeof(*s->field));
		s->array = calloc(o->nfields + 1, sizeof(*s->array));
		rc = s->field && s->array ? crfd_table_choose(s->table, o->field, o->nfields, s->field) : -ENOMEM;
	}
	if (rc >= 0)
		rc = open_reader(s, o->n, o->filter, fault);
	if (rc < 0) {
		stream_free(s);
		return rc;
	}
	give_views(s, o->requested);
	*out = (struct ArrowArrayStream){.get_schema = get_schema, .get_next = get_next, .get_last_error = get_last_error,
					 .release = release, .private_data = s};
	return 0;
}

struct ArrowArrayStream *crfd_arrow_stream_new(void)
{
	return calloc(1, sizeof(struct ArrowArrayStream));
}

void crfd_arrow_stream_free(struct ArrowArrayStream *s)
{
	if (s && s->release)
		s->release(s);
	free(s);
}
