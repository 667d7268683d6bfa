/* SPDX-License-Identifier: MIT */
/* A POSIX message queue is a regular file: neither its link nor its mode tells, the file system alone. */
#define _GNU_SOURCE
#include "scan_proc/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/ours.h"
#include "kinds/kind.h"
#include "procfs/mountinfo.h"

/*
 * mq_open(2) opens on a mount that no mountinfo lists, in its root. Neither is one of another mount namespace listed,
 * whose server might let us wait: that would take a file in the root of its mount that looks as a queue does to statx.
 */
static int is_queue(const struct crfd_proc_task *p, int32_t fd, const char *text, size_t len)
{
	struct statfs fs;
	char name[12];
	int copy, is;

	if (!len || *text != '/' || memchr(text + 1, '/', len - 1))
		return 0;
	snprintf(name, sizeof(name), "%d", fd);
	copy = openat(p->fds, name, O_PATH | O_CLOEXEC);
	if (copy < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	is = fstatfs(copy, &fs) == 0 && fs.f_type == CRFD_MQUEUE_MAGIC;
	close(copy);
	return is;
}

int crfd_proc_mqueue(struct crfd_proc_reader *r, const struct crfd_proc_task *p, int32_t fd, int32_t mnt_id,
		     const char *text, size_t len)
{
	crfd_buf mounts = {0};
	const char *type;
	size_t n = 0;
	int rc;

	if (r->mqueue_mnt == mnt_id)
		return r->mqueue;
	rc = crfd_proc_read(p->dir, "mountinfo", 1, &mounts);
	if (rc == 0)
		n = crfd_mountinfo_type((const char *)mounts.v, mounts.nr, mnt_id, &type);
	if (rc == 0)
		rc = n ? n == 6 && !memcmp(type, "mqueue", n) : is_queue(p, fd, text, len);
	if (rc >= 0) {
		r->mqueue_mnt = mnt_id;
		r->mqueue = rc;
	}
	crfd_buf_release(&mounts);
	return rc >= 0 || crfd_is_ours(rc) ? rc : 0;
}
