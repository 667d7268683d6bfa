/* SPDX-License-Identifier: MIT */
#include "scan_proc/scan.h"

#include <errno.h>
#include <unistd.h>

#include "base/ours.h"
#include "procfs/task_records.h"

/* Drops the vanished descriptors of one task, which go down to *end; or all of them if it exited meanwhile. */
static int settle_task(struct crfd_proc_lane *l, const struct crfd_proc_task *p, crfd_batch *b, crfd_task *t, uint64_t *end)
{
	uint64_t from = t->first, listed = t->nfds;
	uint32_t passed = 0;
	int rc;

	t->first = *end;
	for (uint64_t f = from; f < from + listed; f++) {
		passed += b->fd[f].fd == CRFD_PROC_PASSED;
		if (b->fd[f].fd < 0)
			continue;
		t->nerrors += b->fd[f].err != 0;
		crfd_batch_move(b, f, (*end)++);
	}
	t->nfds = *end - t->first;
	t->info.vanished = (uint32_t)(listed - t->nfds) - passed;
	if (p->fds < 0 || t->err || (t->nfds + passed && !t->info.vanished))
		return 0;
	rc = crfd_proc_task_exited(p, &l->scratch);
	if (rc <= 0)
		return rc;
	t->err = ESRCH;
	t->step = CRFD_STEP_TASK;
	t->nfds = t->nerrors = t->info.vanished = 0;
	*end = t->first;
	return 0;
}

static int put_held(struct crfd_proc_lane *l, const struct crfd_proc_task *p, crfd_batch *b, crfd_task *t)
{
	int rc = crfd_task_held(&l->holds, p->dir, &p->stat, b, t);

	if (rc >= 0)
		rc = crfd_task_rings(&l->holds, p->dir, b, t);
	return rc < 0 ? rc : crfd_task_flights(&l->holds, b, t);
}

/* Reads what is read of a task after its descriptors: who it is, and whether its table is still as it was listed. */
static int finish_task(const struct crfd_proc_scan *s, struct crfd_proc_lane *l, struct crfd_proc_task *p, crfd_batch *b, crfd_task *t)
{
	const struct crfd_numbers *now = NULL;
	int rc;

	if (s->push.has && !t->nfds && !(s->flags & CRFD_SCAN_HOLDS))
		return 0; /* nobody sees it */
	rc = crfd_task_records(p->dir, &l->scratch, b, t);
	if (rc >= 0)
		rc = crfd_task_kind(p->stat.flags, b, t);
	if (rc >= 0)
		rc = crfd_task_mounts(&l->mounts, b, t);
	if (rc >= 0 && s->flags & CRFD_SCAN_HOLDS)
		rc = put_held(l, p, b, t);
	if (rc >= 0 && s->flags & CRFD_SCAN_POLLS)
		rc = crfd_task_polled(&l->polls, p->dir, &p->stat, &l->scratch, b, t);
	if (rc < 0 || s->flags & CRFD_SCAN_STILL || (t->table && p->fds < 0))
		return rc;
	l->numbers.nr = 0;
	if (p->fds >= 0 && lseek(p->fds, 0, SEEK_SET) < 0)
		return -errno;
	rc = p->fds < 0 ? 0 : crfd_proc_list(p->fds, &l->scratch, &l->numbers);
	if (crfd_is_ours(rc))
		return rc;
	if (rc == 0)
		now = &l->numbers;
	return crfd_task_look(now, b, t);
}

/*
 * The table's entries are in the scan now, or are still to be had from another task. The carrier's directory stays open, for
 * its number alone would not tell it from a later task.
 */
static void settle_table(struct crfd_proc_scan *s, struct crfd_proc_unit *first, struct crfd_proc_task *p, const crfd_task *t)
{
	int carries = p->fds >= 0 && !t->err;

	if (!first || atomic_load(&first->carried) != CRFD_CARRIED_BY_JOB)
		return;
	if (carries && atomic_fetch_add(&s->carriers, 1) < s->max_carriers) {
		first->carrier = p->pid;
		first->carrier_dir = p->dir;
		first->carrier_table = (uint32_t)t->table;
		p->dir = -1;
		atomic_store(&first->carried, CRFD_CARRIED);
	} else {
		atomic_store(&first->carried, CRFD_CARRIED_NOT);
	}
}

/* A thread that nobody named, and which is no longer one of the process that it was found in. */
static int is_lost(const struct crfd_proc_unit *unit, const crfd_task *t)
{
	return unit->leader &&
	       (t->err == ESRCH || t->rec.exit_state || (!t->err && t->info.tgid != (uint32_t)unit->leader));
}

int crfd_proc_settle(struct crfd_proc_scan *s, struct crfd_proc_lane *l, crfd_batch *b, size_t task, uint64_t end)
{
	size_t kept = task;

	for (size_t i = 0; i < l->nheld; i++, task++) {
		struct crfd_proc_unit *unit = &s->units.v[l->unit[i]];
		int rc = settle_task(l, &l->held[i], b, &b->task[task], &end);

		if (rc < 0)
			return rc;
		if (is_lost(unit, &b->task[task])) {
			end = b->task[task].first;
			b->task[task].err = ESRCH;
			settle_table(s, crfd_proc_first_of(s, unit), &l->held[i], &b->task[task]);
			continue;
		}
		b->task[kept] = b->task[task];
		if (!b->task[kept].err)
			rc = finish_task(s, l, &l->held[i], b, &b->task[kept]);
		if (rc < 0)
			return rc;
		settle_table(s, crfd_proc_first_of(s, unit), &l->held[i], &b->task[kept]);
		kept++;
	}
	b->ntasks = kept;
	b->nfds = end;
	return 0;
}
