/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* statx, pipe2 */
#include "locate/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/openat2.h, which headers older than Linux 5.6 have not, nor those of 5.11 the flag */
struct how {
	uint64_t flags, mode, resolve;
};
#define CACHED 0x20 /* RESOLVE_CACHED */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* A helper writes this: at most PIPE_BUF (pipe(7)) is written as one. */
struct answer {
	int rc;
	crfd_located found;
};

static void fill(const struct statx *s, crfd_located *out)
{
	out->dev = makedev(s->stx_dev_major, s->stx_dev_minor);
	out->rdev = makedev(s->stx_rdev_major, s->stx_rdev_minor);
	out->ino = s->stx_ino;
	out->mode = s->stx_mode;
}

/* Only calls that are allowed after fork(2) (signal-safety(7)): no allocation, no stdio. */
static void put_link(int fd, char *out)
{
	char digits[] = "/proc/self/fd/\0\0\0\0\0\0\0\0\0\0", *p = digits + strlen(digits);
	int n = fd, len = 1;

	while (n /= 10)
		len++;
	for (n = fd; len--; n /= 10)
		p[len] = (char)('0' + n % 10);
	strcpy(out, digits);
}

/* O_PATH opens nothing of the file, and DONT_SYNC asks nobody for what is known of it (open(2), statx(2)). */
static int look(const char *path, uint64_t resolve, crfd_located *out)
{
	struct how how = {.flags = O_PATH | O_CLOEXEC, .resolve = resolve};
	struct statx s;
	char link[40];
	ssize_t n;
	int fd, rc = 0;

	fd = resolve ? (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)) : open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &s) < 0) {
		rc = -errno;
		goto out;
	}
	fill(&s, out);
	put_link(fd, link);
	n = readlink(link, out->real, sizeof(out->real));
	n = n > 0 && (size_t)n < sizeof(out->real) ? n : 0;
	memset(out->real + n, 0, sizeof(out->real) - (size_t)n);
out:
	close(fd);
	return rc;
}

/* Waits for nobody's file system with a descriptor of ours: a pipe of standard output would stay open as long. */
static void close_others(int fd)
{
	if (fd)
		syscall(SYS_close_range, 0u, (unsigned int)fd - 1, 0);
	syscall(SYS_close_range, (unsigned int)fd + 1, ~0u, 0);
}

static void put_answer(int to, const char *path)
{
	struct answer a = {0};
	const uint8_t *p = (const uint8_t *)&a;
	size_t left = sizeof(a);

	close_others(to);
	a.rc = look(path, 0, &a.found);
	while (left) {
		ssize_t n = write(to, p, left);

		if (n <= 0)
			break;
		p += n;
		left -= (size_t)n;
	}
}

static int read_answer(int from, int ms, crfd_located *out)
{
	struct pollfd one = {.fd = from, .events = POLLIN};
	struct answer a;
	uint8_t *p = (uint8_t *)&a;
	size_t have = 0;

	while (have < sizeof(a)) {
		int rc = poll(&one, 1, ms);
		ssize_t n;

		if (rc < 0)
			return -errno;
		if (!rc)
			return -ETIMEDOUT;
		n = read(from, p + have, sizeof(a) - have);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		have += (size_t)n;
	}
	if (a.rc == 0)
		*out = a.found;
	return a.rc;
}

/* A child of a child is nobody's here to wait for: whoever hangs in a file system cannot even be killed. */
static int ask(const char *path, int ms, crfd_located *out)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			put_answer(ends[1], path);
		_exit(0);
	}
	rc = pid < 0 ? -errno : 0;
	close(ends[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (rc >= 0)
		rc = read_answer(ends[0], ms, out);
	close(ends[0]);
	return rc;
}

int crfd_locate(const char *path, int ms, crfd_located *out)
{
	int rc = look(path, CACHED, out);

	/* EAGAIN: not in the caches; EINVAL, ENOSYS: the kernel is older than 5.12, 5.6 */
	return rc == -EAGAIN || rc == -EINVAL || rc == -ENOSYS || rc == -EPERM ? ask(path, ms, out) : rc;
}
