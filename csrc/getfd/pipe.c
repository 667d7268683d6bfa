/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_GETPIPE_SZ */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "getfd/getfd.h"

/* mq_getattr(3) changes nothing. To read the queue's file, which says who is notified, would touch its times. */
static void ask_mqueue(int copy, struct crfd_detail *d)
{
	struct mq_attr attr;

	if (syscall(SYS_mq_getsetattr, copy, NULL, &attr) < 0)
		return;
	d->rec.mqueue = (crfd_mqueue){.maxmsg = (uint64_t)attr.mq_maxmsg, .msgsize = (uint64_t)attr.mq_msgsize,
				      .curmsgs = (uint64_t)attr.mq_curmsgs};
	d->known = 1;
}

/*
 * Both take the pipe's mutex, which a task holds while it splices from a file into the pipe or copies from memory that
 * is still to be read from one (fs/pipe.c, fs/splice.c): with it we wait for that file. Nothing tells beforehand.
 */
static void ask_pipe(int copy, struct crfd_detail *d)
{
	int capacity, waiting;

	if (!(d->known & CRFD_PIPE_HAS_CAPACITY)) {
		capacity = fcntl(copy, F_GETPIPE_SZ);
		if (capacity < 0)
			return;
		d->rec.pipe.capacity = (uint32_t)capacity;
		d->known |= CRFD_PIPE_HAS_CAPACITY;
	}
	if (ioctl(copy, FIONREAD, &waiting) == 0 && waiting >= 0) {
		d->rec.pipe.waiting = (uint32_t)waiting;
		d->known |= CRFD_PIPE_HAS_WAITING;
	}
}

void crfd_getfd_pipe(int copy, struct crfd_detail *d)
{
	if (d->ops->kind == CRFD_KIND_MQUEUE)
		ask_mqueue(copy, d);
	else
		ask_pipe(copy, d);
}
