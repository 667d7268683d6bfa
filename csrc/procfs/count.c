/* SPDX-License-Identifier: MIT */
#include "procfs/count.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static int64_t list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int64_t n = 0;
	int rc;

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (errno = 0, (d = readdir(dir)))
		n += d->d_name[0] != '.';
	rc = errno;
	closedir(dir);
	return rc ? -rc : n;
}

int64_t crfd_count(int32_t pid)
{
	char path[32];
	struct stat st, self;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (st.st_size > 0)
		return st.st_size;
	/* Before Linux 6.2 every size is 0; since then only that of an empty table is, and we may well be empty too. */
	if (stat("/proc/self/fd", &self) == 0 && self.st_size > 0)
		return 0;
	return list(path);
}
