/* SPDX-License-Identifier: MIT */
/* The mounts of a task: those of its first records are looked through for every row, the rest are put among the finds. */
#include "columns/mount.h"

#include <string.h>

#include "columns/finds.h"
#include "format/record.h"

/* Goes on to the next mount of at most `most` records: 1, or 0. */
static int next_mount(struct crfd_cursor *c, size_t *most, crfd_task_mount *m)
{
	while (*most && crfd_cursor_next(c)) {
		--*most;
		if (c->h.type != CRFD_REC_TASK_MOUNT || (size_t)c->h.len < sizeof(*m))
			continue;
		memcpy(m, c->payload, sizeof(*m));
		return 1;
	}
	return 0;
}

static struct crfd_bytes search(struct crfd_cursor *c, size_t most, int32_t mnt_id)
{
	crfd_task_mount m;

	while (next_mount(c, &most, &m))
		if (m.mnt_id == mnt_id)
			return (struct crfd_bytes){c->payload, (size_t)c->h.len};
	return (struct crfd_bytes){0};
}

static struct crfd_find find_of(struct crfd_records mounts, uint32_t what, int32_t mnt_id)
{
	return (struct crfd_find){.from = mounts.p, .what = what, .more = {(uint32_t)mnt_id}};
}

/* Puts all that are still to come. 0 or -ENOMEM. */
static int put_all(struct crfd_cursor c, struct crfd_records mounts)
{
	struct crfd_find find = find_of(mounts, CRFD_FIND_MOUNTS, 0);
	size_t most = SIZE_MAX;
	crfd_task_mount m;
	int rc = 0;

	if (crfd_finds_get(mounts.finds, &find))
		return 0;
	while (rc >= 0 && next_mount(&c, &most, &m)) {
		find = find_of(mounts, CRFD_FIND_MOUNT, m.mnt_id);
		find.p = c.payload;
		find.n = (size_t)c.h.len;
		rc = crfd_finds_put(mounts.finds, &find);
	}
	find = find_of(mounts, CRFD_FIND_MOUNTS, 0);
	return rc < 0 ? rc : crfd_finds_put(mounts.finds, &find);
}

struct crfd_bytes crfd_mount_find(struct crfd_records mounts, int32_t mnt_id)
{
	struct crfd_cursor c = {.p = mounts.p, .end = mounts.n ? mounts.p + mounts.n : mounts.p};
	struct crfd_bytes found = search(&c, CRFD_FINDS_NEAR, mnt_id);
	struct crfd_find key = find_of(mounts, CRFD_FIND_MOUNT, mnt_id);
	const struct crfd_find *far;

	if (found.p || c.p == c.end)
		return found;
	if (!mounts.finds || put_all(c, mounts) < 0)
		return search(&c, SIZE_MAX, mnt_id);
	far = crfd_finds_get(mounts.finds, &key);
	return far ? (struct crfd_bytes){far->p, far->n} : found;
}
