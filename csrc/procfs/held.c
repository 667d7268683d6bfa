/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* statx */
#include "procfs/held.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "format/record.h"
#include "kinds/kind.h"
#include "procfs/read.h"
#include "procfs/task_records.h"

#define STAT_MASK (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_MNT_ID)
#define PTS_MAJOR 136 /* Documentation/admin-guide/devices.txt */
#define TTY_MAJOR 4
#define TTY_SERIAL 64 /* the first minor number of /dev/ttyS */

/* One record that is being made. */
struct one {
	crfd_held r;
	char path[PATH_MAX];
	size_t len;
};

static int put(const struct one *one, crfd_buf *out)
{
	size_t from = out->nr, len = one->r.st.known & CRFD_HAS_PATH ? one->len : 0;
	crfd_rec rec = {.type = CRFD_REC_HELD, .len = (int16_t)(sizeof(one->r) + len)};
	int rc = crfd_buf_put(out, &rec, sizeof(rec));

	if (rc >= 0)
		rc = crfd_buf_put(out, &one->r, sizeof(one->r));
	if (rc >= 0)
		rc = crfd_buf_put(out, one->path, len);
	if (rc < 0)
		out->nr = from;
	return rc;
}

/* What stat(2) says through a link of /proc; of the kernel's own files without names no more than an open one has. */
static int look(int dir, const char *link, int named, crfd_fd_stat *st)
{
	struct statx x;

	if (statx(dir, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STAT_MASK, &x) < 0)
		return -errno;
	st->st_mode = x.stx_mode;
	st->dev = makedev(x.stx_dev_major, x.stx_dev_minor);
	st->rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor);
	st->ino = x.stx_ino;
	st->known |= CRFD_HAS_TYPE | CRFD_HAS_DEV | CRFD_HAS_INO;
	if (x.stx_mask & STATX_MNT_ID) {
		st->mnt_id = (int32_t)x.stx_mnt_id;
		st->known |= CRFD_HAS_MNT_ID;
	}
	if (!named)
		return 0;
	st->nlink = x.stx_nlink;
	st->size = x.stx_size;
	st->known |= CRFD_HAS_NLINK | CRFD_HAS_SIZE;
	return 0;
}

/* Its kind, and whether its name is gone: then the path loses the kernel's mark. */
static int judge(struct crfd_holds *h, int dir, struct one *one)
{
	crfd_fd_stat *st = &one->r.st;
	struct crfd_link link = {.stem = one->len};
	int deleted = 0;

	if (st->known & CRFD_HAS_PATH) {
		crfd_link_parse(one->path, one->len, &link);
		if (link.marked)
			deleted = !(st->known & CRFD_HAS_NLINK) ? -1 : !st->nlink ? 1 :
				crfd_deleted(&h->deleted, dir, one->path, one->len, st);
		if (deleted == -ENOMEM)
			return deleted;
		if (deleted >= 0)
			st->known |= CRFD_HAS_DELETED;
		if (deleted > 0) {
			st->flags |= CRFD_STAT_DELETED;
			one->len = link.stem;
		}
	}
	one->r.kind = (uint16_t)crfd_kind_of(one->path, st->known & CRFD_HAS_PATH ? one->len : 0, st->st_mode, deleted > 0);
	return 0;
}

/* A link of /proc/PID with the file that it leads to. */
static int put_link(struct crfd_holds *h, int dir, const char *link, uint16_t held, crfd_buf *out)
{
	struct one one = {.r = {.held = held, .fd = -1}};
	ssize_t n = readlinkat(dir, link, one.path, sizeof(one.path));
	int rc;

	if (n == 0 || (n < 0 && (errno == ENOENT || errno == ESRCH)))
		return 0;
	if (n > 0) {
		one.len = (size_t)n;
		one.r.st.known = CRFD_HAS_PATH;
	} else {
		one.r.err = errno;
	}
	rc = look(dir, link, n < 0 || *one.path == '/', &one.r.st);
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	if (rc < 0)
		one.r.err = -rc;
	rc = judge(h, dir, &one);
	return rc < 0 ? rc : put(&one, out);
}

static int by_file(const void *a, const void *b)
{
	const struct crfd_mapping *x = a, *y = b;
	int rc;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	rc = memcmp(x->name, y->name, x->len);
	return rc ? rc : (x->start > y->start) - (x->start < y->start);
}

static int same_file(const struct crfd_mapping *x, const struct crfd_mapping *y)
{
	return x->dev == y->dev && x->ino == y->ino && x->len == y->len && !memcmp(x->name, y->name, x->len);
}

/* The path as maps has it, or, where a backslash may stand for something else, as the link in map_files has it. */
static void set_path(const struct crfd_mapping *m, int dir, const char *link, struct one *one)
{
	if (m->len && memchr(m->name, '\\', m->len)) {
		ssize_t n = readlinkat(dir, link, one->path, sizeof(one->path));

		one->len = n < 0 ? 0 : (size_t)n;
	} else if (m->len < sizeof(one->path)) {
		memcpy(one->path, m->name, m->len);
		one->len = m->len;
	}
	if (one->len && one->len < sizeof(one->path))
		one->r.st.known |= CRFD_HAS_PATH;
}

/*
 * The file of n mappings of it. To follow a link in map_files takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; to the others
 * the device of the super block stands for that of the file, which it is on a disk, and elsewhere need not be.
 */
static int put_mapped(struct crfd_holds *h, int dir, const struct crfd_mapping *m, size_t n, crfd_buf *out)
{
	struct one one = {.r = {.held = CRFD_HELD_MAP, .mappings = (uint32_t)n, .fd = -1}};
	char link[64];
	int rc;

	for (size_t i = 0; i < n; i++) {
		one.r.prot |= m[i].prot;
		one.r.bytes += m[i].end - m[i].start;
	}
	snprintf(link, sizeof(link), "map_files/%lx-%lx", (unsigned long)m->start, (unsigned long)m->end);
	set_path(m, dir, link, &one);
	if (look(dir, link, !one.len || *one.path == '/', &one.r.st) < 0) {
		one.r.st.ino = m->ino;
		one.r.st.known |= CRFD_HAS_INO;
		if (major(m->dev)) {
			one.r.st.dev = m->dev;
			one.r.st.known |= CRFD_HAS_DEV;
		}
	}
	rc = judge(h, dir, &one);
	return rc < 0 ? rc : put(&one, out);
}

/* Sorts the mappings so that those of a file stand together. */
static int put_all_mapped(struct crfd_holds *h, int dir, crfd_buf *out)
{
	int rc = 0;

	if (h->nr)
		qsort(h->v, h->nr, sizeof(*h->v), by_file);
	for (size_t i = 0, n; i < h->nr && rc >= 0; i += n) {
		for (n = 1; i + n < h->nr && same_file(&h->v[i], &h->v[i + n]);)
			n++;
		rc = put_mapped(h, dir, &h->v[i], n, out);
	}
	return rc;
}

static int put_maps(struct crfd_holds *h, int dir, crfd_buf *out)
{
	struct one one = {.r = {.held = CRFD_HELD_MAP, .fd = -1}};
	int rc = crfd_proc_read(dir, "maps", 1, &h->text);
	const char *p = (const char *)h->text.v, *end = p + h->text.nr;

	h->nr = 0;
	for (int more = rc == 0; more;) {
		if (crfd_grow(&h->v, &h->alloc, h->nr + 1, sizeof(*h->v)) < 0)
			return -ENOMEM;
		rc = more = crfd_maps_next(&p, end, &h->v[h->nr]);
		h->nr += more > 0;
		if (more < 0)
			break;
	}
	if (rc >= 0)
		return put_all_mapped(h, dir, out);
	if (rc == -ENOMEM || rc == -ESRCH || rc == -ENOENT)
		return rc == -ENOMEM ? rc : 0;
	one.r.err = -rc;
	one.r.kind = CRFD_KIND_UNKNOWN;
	return put(&one, out);
}

/* The controlling terminal is known by its number alone; what has it in /dev is called by that. */
static int put_tty(uint32_t packed, crfd_buf *out)
{
	unsigned int maj = packed >> 8 & 0xfff, min = (packed & 0xff) | (packed >> 12 & 0xfff00); /* linux/kdev_t.h */
	struct one one = {.r = {.held = CRFD_HELD_TTY, .kind = CRFD_KIND_CHR, .fd = -1,
				.st = {.known = CRFD_HAS_TYPE, .st_mode = S_IFCHR, .rdev = makedev(maj, min)}}};
	int n = 0;

	if (!packed)
		return 0;
	if (maj == PTS_MAJOR)
		n = snprintf(one.path, sizeof(one.path), "/dev/pts/%u", min);
	else if (maj == TTY_MAJOR && min < TTY_SERIAL)
		n = snprintf(one.path, sizeof(one.path), "/dev/tty%u", min);
	else if (maj == TTY_MAJOR)
		n = snprintf(one.path, sizeof(one.path), "/dev/ttyS%u", min - TTY_SERIAL);
	one.len = (size_t)n;
	if (n)
		one.r.st.known |= CRFD_HAS_PATH;
	return put(&one, out);
}

int crfd_task_held(struct crfd_holds *h, int dir, const struct crfd_procstat *stat, crfd_batch *b, crfd_task *t)
{
	crfd_buf *out = &b->text;
	int rc;

	if (!t->ext.len)
		t->ext.off = out->nr;
	rc = put_link(h, dir, "cwd", CRFD_HELD_CWD, out);
	if (rc >= 0)
		rc = put_link(h, dir, "root", CRFD_HELD_ROOT, out);
	if (rc >= 0)
		rc = put_link(h, dir, "exe", CRFD_HELD_EXE, out);
	if (rc >= 0)
		rc = put_maps(h, dir, out);
	if (rc >= 0)
		rc = put_tty(stat->tty, out);
	return rc < 0 ? rc : crfd_task_extend(out, &t->ext);
}

void crfd_holds_release(struct crfd_holds *h)
{
	crfd_buf_release(&h->text);
	free(h->v);
	*h = (struct crfd_holds){0};
}
