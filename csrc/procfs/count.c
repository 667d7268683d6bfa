/* SPDX-License-Identifier: MIT */
#include "procfs/count.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs/read.h"

static int64_t list(const char *path)
{
	struct crfd_numbers numbers = {0};
	crfd_buf scratch = {0};
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -errno : crfd_proc_list(dir, &scratch, &numbers);

	if (dir >= 0)
		close(dir);
	crfd_buf_release(&scratch);
	free(numbers.v);
	return rc < 0 ? rc == -ENOENT ? -ESRCH : rc : (int64_t)numbers.nr;
}

int64_t crfd_count(int32_t pid)
{
	struct crfd_proc_path path = crfd_proc_path(pid, "fd", -1);
	struct stat st, self;

	if (stat(path.v, &st) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (st.st_size > 0)
		return st.st_size;
	/* Before Linux 6.2 every size is 0; since then only that of an empty table is, and we may well be empty too. */
	if (stat("/proc/self/fd", &self) == 0 && self.st_size > 0)
		return 0;
	return list(path.v);
}
