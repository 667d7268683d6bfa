/* SPDX-License-Identifier: MIT */
/* A task holds files open without a descriptor: directories, its executable, mapped files, its terminal. */
#ifndef CRFD_HELD_H
#define CRFD_HELD_H

#include "base/base.h"
#include "batch/batch.h"
#include "procfs/mapped.h"
#include "procfs/stat.h"

/* Each thread reads with one of these, zeroed at the start but for deleted.mnt_id, -1, and push, whose failures are left out. */
struct crfd_holds {
	crfd_filter_push push;
	struct crfd_deleted_memo deleted;
	struct crfd_mapped mapped;
	crfd_task kept; /* the last task of several threads, and */
	crfd_buf maps; /* its records of mapped files */
	crfd_buf name, ring; /* of a registered file, and the text of a ring's fdinfo */
};

void crfd_holds_release(struct crfd_holds *h);
/*
 * Keeps what stands in out from there on, the records of what the task has mapped, for threads of its process with a table of their own:
 * n of them have n stacks at least mapped, and would each be asked for all. 0 or -ENOMEM.
 */
int crfd_holds_keep(struct crfd_holds *h, const crfd_task *t, const crfd_buf *out, size_t from);
/*
 * Appends the HELD records of the task whose /proc/PID is dir to t->ext, which must still end the batch's text. What is
 * refused has a record that says so; what is not there has none. 0 or -ENOMEM, -EOVERFLOW.
 */
int crfd_task_held(struct crfd_holds *h, int dir, const struct crfd_procstat *stat, crfd_batch *b, crfd_task *t);
/* The same of what is registered in the rings that the task has, by the text of their fdinfo. */
int crfd_task_rings(struct crfd_holds *h, int dir, crfd_batch *b, crfd_task *t);
/* The same for each of its sockets that has files in flight: a record that does not say which these are. */
int crfd_task_flights(struct crfd_holds *h, crfd_batch *b, crfd_task *t);
/* A record of the terminal of that number, if there is one. 0 or as above. */
int crfd_put_tty(const crfd_filter_push *push, unsigned int maj, unsigned int min, crfd_buf *out);
/* A record of files in that descriptor, of which nothing more is known. 0 or as above. */
int crfd_put_inside(const crfd_filter_push *push, enum crfd_held_by held, int32_t fd, crfd_buf *out);
/* Lets t->ext end the batch's text, for records that come late. 0 or -ENOMEM. */
int crfd_task_reopen(crfd_batch *b, crfd_task *t);

#endif
