/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* statx */
#include "procfs/held_record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/ours.h"
#include "kinds/kind.h"

#define STAT_MASK (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_MNT_ID)

int crfd_held_put(const struct crfd_held_one *one, crfd_buf *out)
{
	size_t from = out->nr, len = one->r.st.known & CRFD_HAS_PATH ? one->len : 0;
	crfd_rec rec = {.type = CRFD_REC_HELD, .len = (int16_t)(sizeof(one->r) + len)};
	int rc = crfd_is_ours(-one->r.err) ? -one->r.err : crfd_buf_put(out, &rec, sizeof(rec));

	if (rc >= 0)
		rc = crfd_buf_put(out, &one->r, sizeof(one->r));
	if (rc >= 0)
		rc = crfd_buf_put(out, one->path, len);
	if (rc < 0)
		out->nr = from;
	return rc;
}

int crfd_held_look(int dir, const char *link, int named, crfd_fd_stat *st)
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

int crfd_held_judge(struct crfd_deleted_memo *memo, int dir, struct crfd_held_one *one)
{
	crfd_fd_stat *st = &one->r.st;
	struct crfd_fd_name link = {.stem = one->len};
	int deleted = 0;

	if (st->known & CRFD_HAS_PATH) {
		crfd_fd_name_parse(one->path, one->len, &link);
		if (link.marked)
			deleted = !(st->known & CRFD_HAS_NLINK) ? -1 : !st->nlink ? 1 :
				crfd_deleted(memo, dir, one->path, one->len, st);
		if (crfd_is_ours(deleted))
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

int crfd_held_fails(const crfd_filter_push *push, const struct crfd_held_one *one)
{
	const crfd_fd_stat *st = &one->r.st;

	return (push->has & CRFD_PUSH_INO && (!(st->known & CRFD_HAS_INO) || st->ino != push->ino)) ||
	       (push->has & CRFD_PUSH_DEV && (!(st->known & CRFD_HAS_DEV) || st->dev != push->dev)) ||
	       (push->has & CRFD_PUSH_KINDS && !(push->kinds >> one->r.kind & 1));
}
