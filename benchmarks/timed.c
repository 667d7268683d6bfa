/* SPDX-License-Identifier: MIT */
/*
 * Runs a command with its output thrown away and prints {"seconds": S, "peak_kb": K, "status": N}. It is small because
 * ru_maxrss outlives execve(2): a command started by a large process would be charged for that one's memory.
 *
 *     timed COMMAND [ARGUMENT]...
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status;
	double start = now(), end;
	struct rusage usage;
	pid_t pid;

	if (argc < 2 || null < 0)
		return 2;
	pid = fork();
	if (!pid) {
		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 2;
	end = now();
	printf("{\"seconds\": %.6f, \"peak_kb\": %ld, \"status\": %d}\n", end - start, usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return 0;
}
