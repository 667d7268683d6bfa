/* SPDX-License-Identifier: MIT */
/* Reading a file or a directory of /proc. */
#ifndef CRFD_READ_H
#define CRFD_READ_H

#include "base/base.h"

/* An array of numbers. */
struct crfd_numbers {
	int32_t *v;
	size_t nr, alloc;
};

/* Reads a file of one seq_file record to the end of it (records: any number of them) into buf. 0 or -errno. */
int crfd_proc_read(int dir, const char *name, int records, crfd_buf *buf);
/* The numbers among the names in a directory, ascending; getdents64 into scratch. 0 or -errno. */
int crfd_proc_list(int dir, crfd_buf *scratch, struct crfd_numbers *out);

#endif
