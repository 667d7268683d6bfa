/* SPDX-License-Identifier: MIT */
/* Typed records from the text of /proc/PID/fdinfo/N. Pure: bytes to bytes. */
#ifndef CRFD_DETAIL_H
#define CRFD_DETAIL_H

#include "base/base.h"

/*
 * Appends what fdinfo of a description of that kind says beside pos, flags, mnt_id and ino: the records of its kind and
 * of its locks, parent 0. Where the text says more than they do, and for a kind that has no decoder, it follows them as
 * FDINFO; a value that cannot be read makes no record and is never an error. 0 or -ENOMEM.
 */
int crfd_detail_fdinfo(int kind, const char *text, size_t n, crfd_buf *out);
/* Whether the text of a kind stays also where it has nothing of its own: there is no decoder for it. */
int crfd_detail_keeps(int kind);

#endif
