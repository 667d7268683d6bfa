/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sync_file_range */
#include "crfd.h"

#include <errno.h>
#include <fcntl.h>

int crfd_start_writeback(int fd, uint64_t from, uint64_t n)
{
	if (from > INT64_MAX || n > INT64_MAX - from)
		return -EINVAL;
	return sync_file_range(fd, (off_t)from, (off_t)n, SYNC_FILE_RANGE_WRITE) < 0 ? -errno : 0;
}
