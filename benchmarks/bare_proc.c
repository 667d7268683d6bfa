/* SPDX-License-Identifier: MIT */
/*
 * The floor under a /proc scan: for each descriptor of one process the system calls that crfd's proc backend makes, in one
 * thread, and nothing done with the answers. Prints {"fds": N, "seconds": S}, the best of the rounds.
 *
 *     bare_proc PID [ROUNDS]
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_dir(const char *pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void look(int links, int infos, const char *fd)
{
	char text[4096];
	struct statx st;
	ssize_t n = readlinkat(links, fd, text, sizeof(text));
	int info = openat(infos, fd, O_RDONLY | O_CLOEXEC);

	if (info >= 0) {
		char lines[4096];

		(void)!read(info, lines, sizeof(lines));
		close(info);
	}
	if (n > 0 && text[0] == '/')
		statx(links, fd, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st);
}

static long scan(const char *pid)
{
	int links = open_dir(pid, "fd"), infos = open_dir(pid, "fdinfo");
	long n, fds = 0;
	char buf[65536];

	while ((n = syscall(SYS_getdents64, links, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(buf + at);

			at += entry->d_reclen;
			if (entry->d_name[0] == '.')
				continue;
			look(links, infos, entry->d_name);
			fds++;
		}
	}
	close(links);
	close(infos);
	return fds;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 1;
	double best = 1e9;
	long fds = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: bare_proc PID [ROUNDS]\n");
		return 2;
	}
	for (int i = 0; i < rounds; i++) {
		double start = now(), took;

		fds = scan(argv[1]);
		took = now() - start;
		best = took < best ? took : best;
	}
	printf("{\"fds\": %ld, \"seconds\": %.6f}\n", fds, best);
	return 0;
}
