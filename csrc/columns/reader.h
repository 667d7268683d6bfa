/* SPDX-License-Identifier: MIT */
/* A reader gives rows one after the other, from a batch (batch_reader.c) or from the bytes of an image (image_reader.c). */
#ifndef CRFD_READER_H
#define CRFD_READER_H

#include "columns/columns.h"
#include "columns/row.h"

/* A task says some things of single descriptors of its own: records in the order of their fds, each looked at once. */
struct crfd_fd_records {
	struct crfd_records errors, locks, polled; /* FD_ERROR, FD_LOCK, POLLED: from the first on that is not passed yet */
};

struct crfd_reader {
	int (*next)(crfd_reader *r, struct crfd_row *row);
	int (*task)(crfd_reader *r, size_t number);
	size_t (*ntasks)(const crfd_reader *r);
	int (*head)(crfd_reader *r, size_t number, struct crfd_row_task *out);
	void (*free)(crfd_reader *r);
};

/* Reads the next row: 1, or 0 when there is none. It lives until the next is asked for. */
int crfd_reader_next(crfd_reader *r, struct crfd_row *row);

/* Makes a row of the number-th task without a descriptor, fd -1; *task is what it points to. -ERANGE: there is none. */
int crfd_reader_head(crfd_reader *r, size_t number, struct crfd_row_task *task, struct crfd_row *row);

/* Returns the totals of an image that has been checked. */
const crfd_image_totals *crfd_reader_totals(const crfd_reader *r);

/* Tasks are of a kernel that booted then, and has so many ticks a second. */
struct crfd_origin {
	uint32_t boot_time, clk_tck; /* 0: not known */
	uint64_t net_ns;
};

/* Returns that of the kernel that we are on now. */
struct crfd_origin crfd_origin_here(void);
/* Returns that of the kernel that an image is of. */
struct crfd_origin crfd_origin_of(const crfd_image_info *info);
/* Gives the task, of which `info` has been read, what that says of it. */
void crfd_origin_tell(const struct crfd_origin *o, struct crfd_row_task *task);

/* Begins with the records of a task, of which it notes `polls`, and with those of the one that has the entries of its table. */
void crfd_fd_records_init(struct crfd_fd_records *f, struct crfd_row_task *task);
/* Gives the row what they say of its fd; to be called with ascending fds. */
void crfd_fd_records_take(struct crfd_fd_records *f, struct crfd_row *row);

/* Fills row->socket from the SOCKET records of its ext: there may be several, each with a part. */
void crfd_row_read_socket(struct crfd_row *row);

#endif
