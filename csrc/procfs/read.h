/* SPDX-License-Identifier: MIT */
#ifndef CRFD_READ_H
#define CRFD_READ_H

#include <sys/types.h>

#include "base/base.h"
#include "procfs/stat.h"

struct crfd_numbers {
	int32_t *v;
	size_t nr, alloc;
};

struct crfd_proc_path {
	char v[48];
};

/* Makes "/proc/PID", then "/NAME" unless name is NULL, then "/FD" unless fd is negative. */
struct crfd_proc_path crfd_proc_path(int32_t pid, const char *name, int32_t fd);
/* Opens /proc/PID for look-ups in it (O_PATH); or -errno. */
int crfd_proc_open(int32_t pid);
/* Reads a file of one seq_file record to the end of it (records: any number of them) into buf. 0 or -errno. */
int crfd_proc_read(int dir, const char *name, int records, crfd_buf *buf);
/* Reads a link, whose text must fit: its length, 0 where we are not told, or -errno of ours (crfd_is_ours). */
ssize_t crfd_proc_link(int dir, const char *name, char *out, size_t size);
/*
 * Reads the stat of the task whose /proc/PID is dir: the one below task, for that of dir adds up what all threads of the process have
 * used (fs/proc/array.c, do_task_stat()). 0 or -errno.
 */
int crfd_proc_stat(int dir, int32_t pid, crfd_buf *scratch, struct crfd_procstat *out);
/* Lists the numbers among the names in a directory, ascending; getdents64 into scratch. 0 or -errno. */
int crfd_proc_list(int dir, crfd_buf *scratch, struct crfd_numbers *out);

#endif
