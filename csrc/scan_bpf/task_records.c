/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH */
#include "scan_bpf/task_records.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/ours.h"
#include "procfs/task_records.h"

static int list(struct crfd_bpf_looker *l, int dir)
{
	int fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fds < 0)
		return -errno;
	rc = crfd_proc_list(fds, l->scratch, &l->numbers);
	close(fds);
	return rc;
}

int crfd_bpf_look(struct crfd_bpf_looker *l, const struct crfd_bpf_unit *unit, int dir, int looked, crfd_batch *b, crfd_task *t)
{
	int rc = 0;

	if (l->flags & CRFD_SCAN_STILL || (unit->empty && unit->table))
		return 0;
	if (unit->empty || !looked)
		l->numbers.nr = 0;
	if (!unit->empty && !looked)
		rc = crfd_bpf_selects(l->bpf) ? crfd_bpf_unit_numbers(unit, l->bpf, &l->numbers) : dir >= 0 ? list(l, dir) : -ENOENT;
	if (crfd_is_ours(rc))
		return rc;
	return crfd_task_look(rc < 0 ? NULL : &l->numbers, b, t);
}

int crfd_bpf_task_records(struct crfd_bpf_looker *l, const struct crfd_bpf_unit *unit, crfd_batch *b, crfd_task *t)
{
	struct crfd_procstat stat;
	int dir, rc = 0;

	if (t->err)
		return 0;
	dir = crfd_task_open(t, l->scratch, &stat);
	if (crfd_is_ours(dir))
		return dir;
	if (dir >= 0)
		rc = crfd_task_records(dir, l->scratch, b, t);
	if (rc >= 0)
		rc = crfd_task_kind(unit->rec.flags, b, t);
	if (rc >= 0)
		rc = crfd_task_mounts(&l->mounts, b, t);
	if (rc >= 0)
		rc = crfd_bpf_look(l, unit, dir, 0, b, t);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int polled(struct crfd_bpf_looker *l, crfd_batch *b, crfd_task *t)
{
	struct crfd_procstat stat;
	int dir = crfd_task_open(t, l->scratch, &stat), rc;

	if (dir < 0)
		return crfd_is_ours(dir) ? dir : 0;
	rc = crfd_task_polled(&l->polls, dir, &stat, l->scratch, b, t);
	close(dir);
	return rc;
}

int crfd_bpf_polled(struct crfd_bpf_looker *l, crfd_batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->ntasks && rc >= 0; i++)
		rc = b->task[i].err ? 0 : polled(l, b, &b->task[i]);
	return rc;
}
