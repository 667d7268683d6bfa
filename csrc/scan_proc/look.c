/* SPDX-License-Identifier: MIT */
/*
 * One descriptor: its fdinfo, its link where that has something to add, and statx where the link is a path. They are three
 * looks at a number that may be closed and opened again in between, so the inode numbers must agree.
 */
#define _GNU_SOURCE
#include "scan_proc/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"

#define TRIES 4
#define STAT_MASK (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_BLOCKS | STATX_MNT_ID | STATX_UID | STATX_GID)

enum { DONE = 0, TORN = 1 };

/* An error of one step: the descriptor is gone, or the rest of it stays and says why; -err where it is ours. */
static int note(crfd_fd *f, int err, uint32_t step)
{
	if (crfd_is_ours(-err))
		return -err;
	if (err == ENOENT || err == ESRCH)
		f->fd = CRFD_PROC_GONE;
	f->err = err;
	f->step = step;
	return DONE;
}

static int fail(crfd_fd *f, int err, uint32_t step)
{
	f->failed = 1;
	return note(f, err, step);
}

static void set_flags(crfd_fd *f, const struct crfd_fdinfo *info)
{
	static const uint8_t access[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};

	f->close_on_exec = (info->flags & O_CLOEXEC) != 0;
	f->f_flags = info->flags & ~(uint32_t)O_CLOEXEC;
	f->f_pos = info->pos;
	f->f_uid = f->f_gid = (uint32_t)-1;
	f->st.f_mode = f->f_flags & O_PATH ? FMODE_PATH : access[f->f_flags & O_ACCMODE];
	f->st.known = CRFD_HAS_FLAGS | CRFD_HAS_ACCESS;
	if (info->has & CRFD_FDINFO_MNT_ID) {
		f->st.mnt_id = info->mnt_id;
		f->st.known |= CRFD_HAS_MNT_ID;
	}
	if (info->has & CRFD_FDINFO_INO) {
		f->st.ino = info->ino;
		f->st.known |= CRFD_HAS_INO;
	}
}

/* Type, device and what else is the same for every inode of the kind on that mount. */
static void set_type(crfd_fd *f, uint32_t st_mode, uint64_t dev)
{
	f->st.st_mode = st_mode;
	f->st.dev = dev;
	f->st.known |= CRFD_HAS_TYPE | CRFD_HAS_DEV;
}

static int look_stat(struct crfd_proc_look *k, struct statx *st)
{
	crfd_fd *f = k->f;

	if (statx(k->p->fds, k->number, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STAT_MASK, st) < 0)
		return -errno;
	k->stat_ino = st->stx_ino;
	f->st.ino = st->stx_ino;
	f->st.known |= CRFD_HAS_INO;
	f->owned = 1;
	f->st_uid = st->stx_uid;
	f->st_gid = st->stx_gid;
	if (!(f->st.known & CRFD_HAS_MNT_ID) && st->stx_mask & STATX_MNT_ID) {
		f->st.mnt_id = (int32_t)st->stx_mnt_id;
		f->st.known |= CRFD_HAS_MNT_ID;
	}
	return k->info.has & CRFD_FDINFO_INO && st->stx_ino != k->info.ino ? TORN : DONE;
}

/* One of a mount where all are of one kind: its fdinfo has told all that there is, in one look. */
static int look_by_mount(struct crfd_proc_look *k, const struct crfd_proc_mount *m)
{
	crfd_fd *f = k->f;

	k->len = crfd_proc_mount_name(m, f->st.ino, k->r->name, sizeof(k->r->name));
	f->kind = (uint16_t)m->kind;
	f->st.known |= CRFD_HAS_PATH | CRFD_HAS_DELETED;
	set_type(f, m->st_mode, m->dev);
	return DONE;
}

/* The memo that look k's name belongs to: -1 when none is there yet, and then *want is how it would look. */
static int find_memo(const struct crfd_proc_look *k, struct crfd_proc_memo *want)
{
	const struct crfd_proc_reader *r = k->r;

	*want = (struct crfd_proc_memo){.mnt_id = k->f->st.mnt_id, .kind = k->f->kind};
	if (!k->name.numbered)
		memcpy(want->text, r->name, k->len < sizeof(want->text) ? k->len : sizeof(want->text));
	for (unsigned int i = 0; i < r->nmemo; i++)
		if (r->memo[i].mnt_id == want->mnt_id && r->memo[i].kind == want->kind &&
		    !memcmp(r->memo[i].text, want->text, sizeof(want->text)))
			return (int)i;
	return -1;
}

/* A link that is no path: its text tells the kind, and one inode of the mount and name the type of all. */
static int look_internal(struct crfd_proc_look *k)
{
	const uint32_t both = CRFD_FDINFO_INO | CRFD_FDINFO_MNT_ID;
	struct crfd_proc_reader *r = k->r;
	struct crfd_proc_memo memo;
	crfd_fd *f = k->f;
	struct statx st;
	int rc, at;

	f->kind = (uint16_t)crfd_kind_of(r->name, k->len, 0, 0);
	f->st.known |= CRFD_HAS_DELETED;
	if (k->name.numbered && k->info.has & CRFD_FDINFO_INO && k->name.number != k->info.ino)
		return TORN;
	at = find_memo(k, &memo);
	if (at >= 0 && (k->info.has & both) == both) {
		set_type(f, r->memo[at].st_mode, r->memo[at].dev);
		return DONE;
	}
	rc = look_stat(k, &st);
	if (rc < 0)
		return note(f, -rc, CRFD_STEP_STAT);
	set_type(f, st.stx_mode, makedev(st.stx_dev_major, st.stx_dev_minor));
	if (rc == DONE && (k->info.has & both) == both && r->nmemo < CRFD_PROC_MEMOS) {
		memo.st_mode = f->st.st_mode;
		memo.dev = f->st.dev;
		r->memo[r->nmemo++] = memo;
	}
	return rc;
}

static int look_deleted(struct crfd_proc_look *k)
{
	int rc = 0;

	if (k->name.marked)
		rc = !(k->f->st.known & CRFD_HAS_NLINK) ? -1 : !k->f->st.nlink ? 1 :
			crfd_deleted(&k->r->deleted, k->p->dir, k->r->name, k->len, &k->f->st);
	if (crfd_is_ours(rc))
		return rc;
	if (rc < 0) {
		/* fs/libfs.c, simple_dname: files of the kernel's own that never had a name bear the mark as well */
		int kind = crfd_kind_of(k->r->name, k->name.stem, k->f->st.st_mode, 1);

		if (kind != CRFD_KIND_SECRETMEM && kind != CRFD_KIND_MEMFD)
			return DONE;
	}
	k->f->st.known |= CRFD_HAS_DELETED;
	if (rc) {
		k->f->st.flags |= CRFD_STAT_DELETED;
		k->len = k->name.stem;
	}
	return DONE;
}

/* ipc/mqueue.c: FILENT_SIZE, and no device. So that hardly any other file has its mount looked up. */
static int looks_like_mqueue(const struct statx *st)
{
	return st->stx_size == 80 && !st->stx_blocks && !st->stx_dev_major;
}

/* A link that is a path, or one that could not be read. */
static int look_named(struct crfd_proc_look *k)
{
	crfd_fd *f = k->f;
	struct statx st;
	int torn = look_stat(k, &st), rc = DONE;

	f->kind = CRFD_KIND_UNKNOWN;
	if (torn < 0) {
		rc = note(f, -torn, CRFD_STEP_STAT);
		return rc == DONE && k->len ? look_deleted(k) : rc;
	}
	set_type(f, st.stx_mode, makedev(st.stx_dev_major, st.stx_dev_minor));
	f->st.rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor);
	f->st.nlink = st.stx_nlink;
	f->st.size = st.stx_size;
	f->st.blocks = st.stx_blocks;
	f->st.known |= CRFD_HAS_NLINK | CRFD_HAS_SIZE | CRFD_HAS_BLOCKS;
	if (k->len)
		rc = look_deleted(k);
	f->kind = (uint16_t)crfd_kind_of(k->r->name, k->len, st.stx_mode, f->st.flags & CRFD_STAT_DELETED);
	if (rc >= 0 && f->kind == CRFD_KIND_FILE && looks_like_mqueue(&st)) {
		rc = crfd_proc_mqueue(k->r, k->p, f->fd, f->st.mnt_id, k->r->name, k->len);
		if (rc > 0)
			f->kind = CRFD_KIND_MQUEUE;
	}
	return rc < 0 ? rc : torn;
}

static int pass_by(struct crfd_proc_look *k)
{
	k->f->fd = CRFD_PROC_PASSED;
	return DONE;
}

/* One look that costs less than the others: whether the conditions surely fail. Where it is refused they need not. */
static int surely_fails(const struct crfd_proc_look *k)
{
	const crfd_filter_push *push = &k->r->push;
	struct statx st;

	if (!(push->has & (CRFD_PUSH_DEV | CRFD_PUSH_INO | CRFD_PUSH_KINDS | CRFD_PUSH_PORT)) ||
	    statx(k->p->fds, k->number, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_INO, &st) < 0)
		return 0;
	return (push->has & CRFD_PUSH_INO && st.stx_ino != push->ino) ||
	       (push->has & CRFD_PUSH_DEV && makedev(st.stx_dev_major, st.stx_dev_minor) != push->dev) ||
	       (push->has & CRFD_PUSH_KINDS && !(k->r->types >> ((st.stx_mode & S_IFMT) >> 12) & 1)) ||
	       (push->has & CRFD_PUSH_PORT && !S_ISSOCK(st.stx_mode));
}

static int look_once(struct crfd_proc_look *k)
{
	const uint32_t both = CRFD_FDINFO_INO | CRFD_FDINFO_MNT_ID;
	const struct crfd_proc_mount *mount = NULL;
	crfd_buf *info = &k->r->info;
	crfd_fd *f = k->f;
	ssize_t n;
	int rc;

	*f = (crfd_fd){.fd = f->fd};
	k->len = 0;
	rc = crfd_proc_read(k->p->fdinfos, k->number, 0, info);
	if (rc < 0)
		return fail(f, -rc, CRFD_STEP_FDINFO);
	if (crfd_fdinfo_parse((const char *)info->v, info->nr, &k->info) < 0)
		return fail(f, EINVAL, CRFD_STEP_PARSE);
	set_flags(f, &k->info);
	if (k->r->push.has & CRFD_PUSH_CLOEXEC && f->close_on_exec != k->r->push.close_on_exec)
		return pass_by(k);
	if ((k->info.has & both) == both)
		mount = crfd_proc_mount_of(&k->r->mounts, k->info.mnt_id);
	if (mount)
		return look_by_mount(k, mount);
	n = readlinkat(k->p->fds, k->number, k->r->name, sizeof(k->r->name));
	if (n <= 0) {
		rc = note(f, n ? errno : EINVAL, CRFD_STEP_LINK);
		return rc < 0 || f->fd < 0 ? rc : look_named(k);
	}
	k->len = (size_t)n;
	f->st.known |= CRFD_HAS_PATH;
	crfd_fd_name_parse(k->r->name, k->len, &k->name);
	return k->name.path ? look_named(k) : look_internal(k);
}

int crfd_proc_look(struct crfd_proc_look *k)
{
	uint64_t info_ino = 0, stat_ino = 0;
	int rc = TORN;

	snprintf(k->number, sizeof(k->number), "%d", k->f->fd);
	if (surely_fails(k))
		return pass_by(k);
	for (int i = 0; i < TRIES; i++) {
		rc = look_once(k);
		/* An overlay may show one inode number in fdinfo and another to statx, but always the same two. */
		if (rc != TORN || (i && k->stat_ino && k->info.ino == info_ino && k->stat_ino == stat_ino))
			break;
		info_ino = k->info.ino;
		stat_ino = k->stat_ino;
		k->stat_ino = 0;
	}
	if (rc == TORN && !(k->stat_ino && k->info.ino == info_ino && k->stat_ino == stat_ino))
		return fail(k->f, EAGAIN, CRFD_STEP_STAT);
	return rc < 0 ? rc : 0;
}
