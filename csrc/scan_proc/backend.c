/* SPDX-License-Identifier: MIT */
/*
 * The /proc backend. A batch is made in four steps: its tasks are opened and listed in order, their descriptors are read,
 * what vanished meanwhile is taken out, and the identities are found, one after the other. Several lanes do the first three
 * for several batches at a time: two threads in the directory of one task get in each other's way. Where there is but one
 * task they have to (readers.h).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "procfs/count.h"
#include "scan_proc/scan.h"

#define BATCH_FDS 16384
#define FDS_PER_TASK 16 /* that we may still open: a held task takes three */

static void lane_release(struct crfd_proc_lane *l)
{
	crfd_readers_release(&l->readers);
	crfd_holds_release(&l->holds);
	crfd_polls_release(&l->polls);
	crfd_mount_table_release(&l->mounts);
	free(l->numbers.v);
	crfd_buf_release(&l->scratch);
}

static void scan_close(void *state)
{
	struct crfd_proc_scan *s = state;

	for (int i = 0; i < s->nlanes; i++)
		lane_release(&s->lane[i]);
	crfd_identities_release(&s->identities);
	crfd_proc_units_release(&s->units);
	free(s);
}

/* Counts the tasks that we may hold at a time without running out of descriptors. */
static size_t may_hold(void)
{
	int64_t used = crfd_count(getpid());
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || used < 0)
		return 1;
	return limit.rlim_cur > (rlim_t)used ? (limit.rlim_cur - (rlim_t)used) / FDS_PER_TASK + 1 : 1;
}

/* A lane for each thread; or all threads for the one task there is. No more threads than tasks may be held. */
static int start_lanes(struct crfd_proc_scan *s, int threads)
{
	size_t tasks = may_hold();
	int rc = 0, lanes;

	if ((size_t)threads > tasks)
		threads = (int)tasks;
	lanes = s->units.nr < 2 ? 1 : threads < CRFD_LANES ? threads : CRFD_LANES;
	s->max_carriers = tasks;
	s->max_held = tasks / (size_t)lanes < CRFD_PROC_BATCH_TASKS ? tasks / (size_t)lanes : CRFD_PROC_BATCH_TASKS;
	while (s->nlanes < lanes && rc == 0) {
		struct crfd_proc_lane *l = &s->lane[s->nlanes++];

		l->holds.deleted.mnt_id = -1;
		l->holds.push = s->push;
		rc = crfd_readers_init(&l->readers, lanes == 1 ? threads : 1, s->identities.inferred, s->flags, &s->push);
	}
	return rc;
}

static int scan_open(const int32_t *pids, size_t n, const crfd_scan_options *options, void **state)
{
	struct crfd_proc_scan *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->flags = crfd_scan_flags(options);
	if (options->push)
		s->push = *options->push;
	rc = crfd_identities_init(&s->identities);
	if (rc == 0)
		rc = crfd_proc_units_find(&s->units, pids, n);
	if (rc == 0)
		rc = start_lanes(s, options->threads);
	if (rc < 0) {
		scan_close(s);
		return rc;
	}
	*state = s;
	return 0;
}

/* Returns 1 where another has brought the entries of its table, which is asked again now: then that table is its own. */
static int is_carried(struct crfd_proc_lane *l, const struct crfd_proc_task *p, struct crfd_proc_unit *first, crfd_task *t)
{
	int rc = 0;

	if (first && atomic_load(&first->carried) == CRFD_CARRIED)
		rc = crfd_proc_task_shares(p, first->carrier, first->carrier_dir, &l->scratch);
	if (rc > 0)
		t->table = first->carrier_table;
	return rc;
}

/* Lists the task, unless another has brought the entries of its table, and makes room for them. */
static int list_task(const struct crfd_proc_scan *s, struct crfd_proc_lane *l, struct crfd_proc_task *p,
		     struct crfd_proc_unit *first, size_t number, crfd_batch *b)
{
	crfd_task *t = &b->task[b->ntasks - 1];
	crfd_fd *f;
	int rc;

	if (!crfd_task_has_files(&p->stat.rec, p->stat.flags))
		return 0; /* it has no table, or one that all kernel threads share and nobody opens files in */
	if (!first && s->push.has & CRFD_PUSH_UID && t->info.known & CRFD_TASK_HAS_STATUS && t->info.uid != s->push.uid)
		return 0;
	rc = is_carried(l, p, first, t);
	if (rc)
		return rc < 0 ? rc : 0;
	t->table = first ? number + 1 : 0;
	rc = crfd_proc_task_list(p, &l->scratch, &l->numbers, t);
	if (rc < 0 || t->err || !l->numbers.nr)
		return rc;
	f = crfd_batch_fds(b, l->numbers.nr);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < l->numbers.nr; i++)
		f[i] = (crfd_fd){.fd = l->numbers.v[i]};
	return crfd_readers_add(&l->readers, p, t->first, t->nfds);
}

/* Adds a unit to the batch: 1, or 0 when others have to be closed first. */
static int take_task(struct crfd_proc_scan *s, struct crfd_proc_lane *l, size_t number, crfd_batch *b)
{
	struct crfd_proc_unit *unit = &s->units.v[number];
	struct crfd_proc_task *p = &l->held[l->nheld];
	crfd_task *t = crfd_batch_task(b);
	int rc;

	if (!t)
		return -ENOMEM;
	l->unit[l->nheld++] = number;
	rc = crfd_proc_task_open(p, unit->pid, &l->scratch, t);
	if (rc == 0 && !t->err)
		rc = list_task(s, l, p, crfd_proc_first_of(s, unit), number, b);
	if ((rc == -EMFILE || rc == -ENFILE) && l->nheld > 1) {
		crfd_proc_task_close(p);
		l->nheld--;
		b->ntasks--;
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* Fills as many of the tasks as can be held at a time, and then lets those go. */
static int fill_some(struct crfd_proc_scan *s, struct crfd_proc_lane *l, struct crfd_scan_job *units, crfd_batch *b)
{
	size_t task = b->ntasks;
	uint64_t fd = b->nfds;
	int rc = 1;

	l->nheld = l->readers.nitems = 0;
	while (units->from < units->to && l->nheld < s->max_held) {
		rc = take_task(s, l, units->from, b);
		if (rc <= 0)
			break;
		units->from++;
	}
	if (rc >= 0)
		rc = crfd_readers_run(&l->readers, b);
	if (rc >= 0)
		rc = crfd_proc_settle(s, l, b, task, fd);
	for (size_t i = 0; i < l->nheld; i++)
		crfd_proc_task_close(&l->held[i]);
	return rc;
}

static int scan_fill(void *state, int lane, const struct crfd_scan_job *units, crfd_batch *b)
{
	struct crfd_proc_scan *s = state;
	struct crfd_scan_job left = *units;
	int rc = 0;

	crfd_batch_clear(b);
	b->locked = 1; /* fdinfo tells of a task's own locks alone */
	while (rc >= 0 && left.from < left.to)
		rc = fill_some(s, &s->lane[lane], &left, b);
	return rc < 0 ? rc : 0;
}

static int identify(struct crfd_proc_scan *s, crfd_batch *b, crfd_task *t)
{
	for (uint64_t f = t->first; f < t->first + t->nfds; f++) {
		int rc;

		if (!b->ident[f])
			continue;
		rc = crfd_identities_resolve(&s->identities, (int32_t)t->info.pid, b->fd[f].fd, b->ident[f], &b->ident[f]);
		if (rc < 0)
			return rc;
		if (rc)
			t->info.identity = CRFD_IDENTITY_INFERRED;
		else if (t->info.identity == CRFD_IDENTITY_NONE)
			t->info.identity = CRFD_IDENTITY_KCMP;
	}
	return 0;
}

static int scan_finish(void *state, crfd_batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->ntasks && rc >= 0; i++)
		rc = identify(state, b, &b->task[i]);
	return rc;
}

static int scan_lanes(const void *state)
{
	const struct crfd_proc_scan *s = state;

	return s->units.nr > 1 ? s->nlanes : 0;
}

static int scan_join(void *state, int lane)
{
	(void)state;
	(void)lane;
	return 0;
}

/* About how many descriptors: st_size of its fd, since 6.2. Where that is not told a task is a job of its own. */
static uint64_t weigh(int32_t pid)
{
	struct stat st;

	if (stat(crfd_proc_path(pid, "fd", -1).v, &st) < 0)
		return 0;
	return st.st_size ? (uint64_t)st.st_size : BATCH_FDS;
}

/*
 * Only when a batch is filled is it sure that the entries of a shared table are there: the next task with the table waits
 * until then.
 */
static int scan_claim(void *state, struct crfd_scan_job *units)
{
	struct crfd_proc_scan *s = state;
	uint64_t fds = 0;

	units->from = units->to = s->next;
	while (units->to < s->units.nr && units->to - units->from < CRFD_PROC_BATCH_TASKS && fds < BATCH_FDS) {
		struct crfd_proc_unit *unit = &s->units.v[units->to], *first = crfd_proc_first_of(s, unit);
		int carried = first ? atomic_load(&first->carried) : CRFD_CARRIED;

		if (carried == CRFD_CARRIED_BY_JOB)
			break;
		if (carried == CRFD_CARRIED_NOT)
			atomic_store(&first->carried, CRFD_CARRIED_BY_JOB);
		fds += weigh(unit->pid);
		units->to++;
	}
	s->next = units->to;
	return units->from < units->to ? 1 : s->next < s->units.nr ? -EAGAIN : 0;
}

const struct crfd_scan_ops crfd_scan_proc = {.open = scan_open, .lanes = scan_lanes, .join = scan_join,
					     .claim = scan_claim, .fill = scan_fill, .finish = scan_finish,
					     .close = scan_close};
