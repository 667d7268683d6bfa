/* SPDX-License-Identifier: MIT */
/*
 * A link "x (deleted)" of a file that still has links: is that its name, or has x been unlinked and another hard link
 * is left? A live name of an open file stands in the dcache, hashed, and so do its directories, so a look-up that may
 * use nothing else (RESOLVE_CACHED, openat2(2), Linux 5.12) finds it and waits for nobody.
 */
#define _GNU_SOURCE
#include "procfs/deleted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "procfs/mountinfo.h"
#include "procfs/read.h"

#define TRIES 4 /* a rename or mount anywhere makes one cached look-up give up */

/* Returns the last name of a path that begins with '/'. */
static const char *base_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int open_cached(int dir, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | flags,
			       .resolve = RESOLVE_CACHED | RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* Opens the directory of the name as one root sees it, if it is on the file's own mount; or -errno. */
static int open_parent(int root, char *path, int32_t mnt_id)
{
	struct statx st;
	char *end = (char *)base_of(path), first = *end;
	int fd;

	*end = 0;
	fd = open_cached(root, path, O_DIRECTORY);
	*end = first;
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &st) == 0 &&
	    st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == (uint64_t)mnt_id)
		return fd;
	close(fd);
	return -EXDEV;
}

int crfd_mount_is_local(struct crfd_deleted_memo *memo, int dir, int32_t mnt_id)
{
	crfd_buf text = {0};
	int rc;

	if (memo->mnt_id == mnt_id)
		return memo->local;
	rc = crfd_proc_read(dir, "mountinfo", 1, &text);
	if (rc == 0) {
		memo->local = crfd_mountinfo_local((const char *)text.v, text.nr, mnt_id);
		memo->mnt_id = mnt_id;
	}
	crfd_buf_release(&text);
	return crfd_is_ours(rc) ? rc : rc == 0 && memo->local;
}

/* Finds the answer in the directory where the name would be. */
static int look(struct crfd_deleted_memo *memo, int dir, int parent, const char *base, const crfd_fd_stat *st)
{
	struct statx found;
	int fd = open_cached(parent, base, 0), rc;

	if (fd == -ENOENT)
		return 1;
	if (fd == -EAGAIN) {
		rc = crfd_mount_is_local(memo, dir, st->mnt_id);
		return rc > 0 ? 1 : rc < 0 ? rc : -1;
	}
	if (fd < 0)
		return crfd_is_ours(fd) ? fd : -1;
	rc = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &found);
	close(fd);
	if (rc < 0)
		return -1;
	return found.stx_ino != st->ino || makedev(found.stx_dev_major, found.stx_dev_minor) != st->dev;
}

/* The kernel writes a path as we would reach it, or, on a mount that we do not have, from the root of that namespace. */
int crfd_deleted(struct crfd_deleted_memo *memo, int dir, const char *text, size_t len, const crfd_fd_stat *st)
{
	const struct {
		int dir;
		const char *path;
	} roots[] = {{AT_FDCWD, "/"}, {dir, "root"}};
	char path[PATH_MAX];
	int rc = -1;

	if (!len || len >= sizeof(path) || *text != '/' || !(st->known & CRFD_HAS_MNT_ID))
		return -1;
	memcpy(path, text, len);
	path[len] = 0;
	for (size_t i = 0; i < 2 && rc == -1; i++) {
		int root = openat(roots[i].dir, roots[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC), parent;

		if (root < 0) {
			rc = crfd_is_ours(-errno) ? -errno : -1;
			continue;
		}
		parent = open_parent(root, path, st->mnt_id);
		if (parent >= 0) {
			rc = look(memo, dir, parent, base_of(path), st);
			close(parent);
		} else if (crfd_is_ours(parent)) {
			rc = parent;
		}
		close(root);
	}
	return rc;
}
