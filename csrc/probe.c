/* SPDX-License-Identifier: MIT */
/* Whether the kernel grants what we would use: asked by using it on ourselves. */
#include "crfd.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int crfd_probe_kcmp(void)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILES, 0, 0) < 0 ? -errno : 0;
}

int crfd_probe_pidfd_getfd(void)
{
	int rc = 0, copy, pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, pidfd, 0);
	if (copy < 0)
		rc = -errno;
	else
		close(copy);
	close(pidfd);
	return rc;
}
