/* SPDX-License-Identifier: MIT */
/* Processes to look at. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Starts a child that waits, or has ended already and is not waited for; 0 where qemu-user has none with such flags (EINVAL). */
static inline pid_t child(int flags, int ends)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	siginfo_t end;

	if (pid < 0 && errno == EINVAL && flags)
		return 0;
	CHECK(pid >= 0);
	if (!pid) {
		while (!ends)
			pause();
		_exit(0);
	}
	if (ends)
		CHECK(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) == 0);
	return pid;
}

static inline void end(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

#endif
