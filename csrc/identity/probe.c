/* SPDX-License-Identifier: MIT */
#include "identity/identity.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

int crfd_probe_kcmp(void)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILES, 0, 0) < 0 ? -errno : 0;
}
