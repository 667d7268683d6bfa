/* SPDX-License-Identifier: MIT */
/* Tells which object a path names, without the wait that a dead network or FUSE mount asks of whoever touches it. */

typedef struct {
	uint64_t dev, rdev, ino; /* as stat(2) */
	uint32_t mode;
	uint32_t pad;
	char real[4096]; /* its path from the root as the kernel gives it, empty where it does not fit */
} crfd_located;

/*
 * Looks in the kernel's caches first. Otherwise a process of its own asks the file system, for as long as `ms` milliseconds;
 * -ETIMEDOUT: it has not answered, and that process waits on, with no descriptor of ours. -errno of open(2).
 */
int crfd_locate(const char *path, int ms, crfd_located *out);
