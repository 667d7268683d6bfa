/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "procfs/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/ours.h"
#include "procfs/devices.h"
#include "procfs/read.h"

#define MISC_MAJOR 10 /* Documentation/admin-guide/devices.txt */

void crfd_names_release(struct crfd_names *n)
{
	crfd_buf_release(&n->devices);
	crfd_buf_release(&n->misc);
	crfd_buf_release(&n->scratch);
}

/* Reads the names of devices; there are none where they cannot be read. */
static int read_devices(struct crfd_names *n)
{
	int rc = n->read ? 0 : crfd_proc_read(AT_FDCWD, "/proc/devices", 1, &n->devices);

	if (!n->read && !crfd_is_ours(rc))
		rc = crfd_proc_read(AT_FDCWD, "/proc/misc", 1, &n->misc);
	n->read = !crfd_is_ours(rc);
	return crfd_is_ours(rc) ? rc : 0;
}

static int say(struct crfd_names *n, int type, struct crfd_detail *d)
{
	int rc = n->scratch.nr ? crfd_detail_more(d, type, n->scratch.v, n->scratch.nr) : 0;

	return rc < 0 ? rc : 0;
}

static int find_driver(struct crfd_names *n, const crfd_fd *f, struct crfd_detail *d)
{
	int block = f->kind == CRFD_KIND_BLK, rc;

	if (!(f->st.known & CRFD_HAS_TYPE))
		return 0;
	rc = read_devices(n);
	crfd_buf_clear(&n->scratch);
	if (rc >= 0)
		rc = crfd_devices_find((const char *)n->devices.v, n->devices.nr, block, major(f->st.rdev), &n->scratch);
	if (rc >= 0)
		rc = say(n, CRFD_REC_DRIVER, d);
	crfd_buf_clear(&n->scratch);
	if (rc >= 0 && !block && major(f->st.rdev) == MISC_MAJOR)
		rc = crfd_misc_find((const char *)n->misc.v, n->misc.nr, minor(f->st.rdev), &n->scratch);
	return rc < 0 ? rc : say(n, CRFD_REC_MISC_DEVICE, d);
}

/* Returns 1 where the pidfd still stands for a process of that number, which then was nobody else's meanwhile. */
static int still_stands(struct crfd_names *n, int32_t pid, const crfd_fd *f, int32_t for_pid)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "\nPid:\t%d\n", for_pid);
	int rc = crfd_proc_read(AT_FDCWD, crfd_proc_path(pid, "fdinfo", f->fd).v, 0, &n->scratch);

	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	return memmem(n->scratch.v, n->scratch.nr, line, (size_t)len) != NULL;
}

static int find_comm(struct crfd_names *n, int32_t pid, const crfd_fd *f, struct crfd_detail *d)
{
	crfd_pidfd_comm r = {0};
	int32_t of = d->rec.pidfd.pid;
	size_t len;
	int rc;

	if (of <= 0)
		return 0;
	rc = crfd_proc_read(AT_FDCWD, crfd_proc_path(of, "comm", -1).v, 0, &n->scratch);
	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	len = n->scratch.nr && n->scratch.v[n->scratch.nr - 1] == '\n' ? n->scratch.nr - 1 : n->scratch.nr;
	memcpy(r.comm, n->scratch.v, len < sizeof(r.comm) ? len : sizeof(r.comm) - 1);
	rc = still_stands(n, pid, f, of);
	if (rc > 0)
		rc = crfd_detail_more(d, CRFD_REC_PIDFD_COMM, &r, sizeof(r));
	return rc < 0 ? rc : 0;
}

int crfd_names_find(struct crfd_names *n, int32_t pid, const crfd_fd *f, struct crfd_detail *d)
{
	switch (f->kind) {
	case CRFD_KIND_CHR:
	case CRFD_KIND_BLK:
		return find_driver(n, f, d);
	case CRFD_KIND_PIDFD:
		return find_comm(n, pid, f, d);
	default:
		return 0;
	}
}
