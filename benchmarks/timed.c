/* SPDX-License-Identifier: MIT */
/*
 * Runs a command with its output written to a file and prints {"seconds": S, "peak_kb": K, "status": N}. It is small because
 * ru_maxrss outlives execve(2): a command started by a large process would be charged for that one's memory.
 *
 *     timed FILE COMMAND [ARGUMENT]...
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
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), status;
	int out = argc < 3 ? -1 : open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double start = now(), end;
	struct rusage usage;
	pid_t pid;

	if (null < 0 || out < 0)
		return 2;
	pid = fork();
	if (!pid) {
		dup2(null, 0);
		dup2(out, 1);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 2;
	end = now();
	printf("{\"seconds\": %.6f, \"peak_kb\": %ld, \"status\": %d}\n", end - start, usage.ru_maxrss,
	       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return 0;
}
