/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_GETPIPE_SZ */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "getfd/getfd.h"

/*
 * Both take the pipe's mutex, which a task holds while it splices from a file into the pipe or copies from memory that
 * is still to be read from one (fs/pipe.c, fs/splice.c): with it we wait for that file. Nothing tells beforehand.
 */
void crfd_getfd_pipe(int copy, struct crfd_detail *d)
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
