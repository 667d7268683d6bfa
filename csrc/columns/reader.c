/* SPDX-License-Identifier: MIT */
#include "columns/reader.h"

#include <string.h>

#include "columns/column.h"

int crfd_reader_next(crfd_reader *r, struct crfd_row *row)
{
	return r->next(r, row);
}

int crfd_reader_task(crfd_reader *r, size_t number)
{
	return r->task(r, number);
}

int crfd_reader_head(crfd_reader *r, size_t number, struct crfd_row_task *task, struct crfd_row *row)
{
	*row = (struct crfd_row){.task = task, .fd = -1};
	return r->head(r, number, task);
}

size_t crfd_reader_ntasks(const crfd_reader *r)
{
	return r->ntasks(r);
}

void crfd_reader_free(crfd_reader *r)
{
	if (r)
		r->free(r);
}

/* From the first record of the type on. */
static struct crfd_bytes from(struct crfd_bytes ext, int rec)
{
	const uint8_t *p = crfd_row_record(ext, rec, sizeof(int32_t), CRFD_ALWAYS, 0, NULL);

	if (!p)
		return (struct crfd_bytes){0};
	p -= sizeof(crfd_rec);
	return (struct crfd_bytes){p, (size_t)(ext.p + ext.n - p)};
}

void crfd_fd_records_init(struct crfd_fd_records *f, struct crfd_bytes ext)
{
	f->errors = from(ext, CRFD_REC_FD_ERROR);
	f->locks = from(ext, CRFD_REC_FD_LOCK);
}

/* Passes the records of smaller fds; whether the one at the front is of fd. */
static int advance(struct crfd_bytes *at, int rec, int32_t fd)
{
	while (at->n) {
		crfd_rec h;
		int32_t of;

		memcpy(&h, at->p, sizeof(h));
		memcpy(&of, at->p + sizeof(h), sizeof(of));
		if (of >= fd)
			return of == fd;
		*at = from((struct crfd_bytes){at->p + sizeof(h) + h.len, at->n - sizeof(h) - (size_t)h.len}, rec);
	}
	return 0;
}

void crfd_fd_records_take(struct crfd_fd_records *f, struct crfd_row *row)
{
	crfd_fd_error error;

	if (advance(&f->errors, CRFD_REC_FD_ERROR, row->fd) && f->errors.n >= sizeof(crfd_rec) + sizeof(error)) {
		memcpy(&error, f->errors.p + sizeof(crfd_rec), sizeof(error));
		row->err = error.err;
		row->step = error.step;
	}
	if (advance(&f->locks, CRFD_REC_FD_LOCK, row->fd))
		row->locks = f->locks;
}
