/* SPDX-License-Identifier: MIT */
/* The text of /proc/locks (proc_locks(5)): who waits for whom. */
#ifndef CRFD_LOCKS_H
#define CRFD_LOCKS_H

#include <stddef.h>

#include "base/base.h"
#include "format/format.h"

#include "procfs/locks.cdef.h"

/* Appends a crfd_lock_wait for each waiter in the text. Pure. 0, -EINVAL or -ENOMEM. */
int crfd_locks_waits(const char *text, size_t n, crfd_buf *out);

#endif
