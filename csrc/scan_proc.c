/* SPDX-License-Identifier: MIT */
/*
 * The /proc backend. A batch is made in four steps: its tasks are opened and listed in order, their descriptors are read
 * by several threads (readers.h), what vanished meanwhile is taken out, and the identities are found, one after the other.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "batch.h"
#include "buf.h"
#include "identity.h"
#include "proc.h"
#include "readers.h"
#include "scan.h"
#include "targets.h"
#include "task_detail.h"

#define BATCH_TASKS 64
#define BATCH_FDS 16384
#define FDS_PER_TASK 16 /* of the limit of open files: a held task takes three */

enum { CARRIED_NOT = 0, CARRIED = 1, CARRIED_BY_BATCH = 2 };

struct scan {
	struct crfd_targets targets;
	size_t pos; /* next target */
	struct crfd_identities identities;
	struct crfd_proc_task held[BATCH_TASKS];
	size_t target[BATCH_TASKS]; /* of held[i] */
	size_t nheld, max_held;
	int still; /* no second look */
	struct crfd_numbers numbers;
	crfd_buf scratch;
	struct crfd_readers readers;
};

static void scan_close(void *state)
{
	struct scan *s = state;

	crfd_readers_release(&s->readers);
	free(s->numbers.v);
	crfd_buf_release(&s->scratch);
	crfd_identities_release(&s->identities);
	crfd_targets_release(&s->targets);
	free(s);
}

static int scan_open(const int32_t *pids, size_t n, int threads, int still, void **state)
{
	struct scan *s = calloc(1, sizeof(*s));
	struct rlimit limit;
	int rc;

	if (!s)
		return -ENOMEM;
	s->still = still;
	s->max_held = BATCH_TASKS;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / FDS_PER_TASK < BATCH_TASKS)
		s->max_held = limit.rlim_cur / FDS_PER_TASK + 1;
	rc = crfd_identities_init(&s->identities);
	if (rc == 0)
		rc = crfd_readers_init(&s->readers, threads, s->identities.inferred);
	if (rc == 0)
		rc = crfd_targets_find(&s->targets, pids, n);
	if (rc < 0) {
		scan_close(s);
		return rc;
	}
	*state = s;
	return 0;
}

/* Lists the task, unless another has brought the entries of its table, and makes room for them. */
static int list_task(struct scan *s, struct crfd_proc_task *p, struct crfd_target *first, crfd_batch *b)
{
	crfd_task *t = &b->task[b->ntasks - 1];
	crfd_fd *f;
	int rc;

	if (crfd_procstat_exited(&p->stat) || crfd_procstat_kthread(&p->stat))
		return 0; /* it has no table, or one that all kernel threads share and nobody opens files in */
	t->table = first ? (uint64_t)(first - s->targets.v) + 1 : 0;
	if (first && first->carried == CARRIED)
		return 0;
	rc = crfd_proc_task_list(p, &s->scratch, &s->numbers, t);
	if (rc < 0 || t->err)
		return rc;
	if (first)
		first->carried = CARRIED_BY_BATCH;
	if (!s->numbers.nr)
		return 0;
	f = crfd_batch_fds(b, s->numbers.nr);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < s->numbers.nr; i++)
		f[i].fd = s->numbers.v[i];
	return crfd_readers_add(&s->readers, p, t->first, t->nfds);
}

/* Adds the next target to the batch: 1, or 0 when it belongs in the next one. */
static int take_task(struct scan *s, crfd_batch *b)
{
	struct crfd_target *target = &s->targets.v[s->pos];
	struct crfd_target *first = target->table ? &s->targets.v[target->table - 1] : NULL;
	struct crfd_proc_task *p = &s->held[s->nheld];
	crfd_task *t;
	int rc;

	if (first && first->carried == CARRIED_BY_BATCH)
		return 0; /* only when that batch is read is it sure that the entries are there */
	t = crfd_batch_task(b);
	if (!t)
		return -ENOMEM;
	s->target[s->nheld++] = s->pos;
	rc = crfd_proc_task_open(p, target->pid, &s->scratch, t);
	if (rc == 0 && !t->err)
		rc = list_task(s, p, first, b);
	if (rc < 0)
		return rc;
	if ((t->err == EMFILE || t->err == ENFILE) && s->nheld > 1) {
		crfd_proc_task_close(p);
		s->nheld--;
		b->ntasks--;
		return 0; /* again when the others are closed */
	}
	s->pos++;
	return 1;
}

/* Drops the vanished descriptors of one task, which go down to *end; or all of them if it exited meanwhile. */
static int settle_task(struct scan *s, size_t i, crfd_batch *b, uint64_t *end)
{
	struct crfd_target *target = &s->targets.v[s->target[i]];
	crfd_task *t = &b->task[i];
	uint64_t from = t->first, listed = t->nfds;
	int rc;

	t->first = *end;
	for (uint64_t f = from; f < from + listed; f++) {
		if (b->fd[f].fd < 0)
			continue;
		b->fd[*end] = b->fd[f];
		b->ident[(*end)++] = b->ident[f];
	}
	t->nfds = *end - t->first;
	t->info.vanished = (uint32_t)(listed - t->nfds);
	if (s->held[i].links < 0 || t->err || (t->nfds && !t->info.vanished))
		return 0;
	rc = crfd_proc_task_exited(&s->held[i], &s->scratch);
	if (rc <= 0)
		return rc;
	t->err = ESRCH;
	t->step = CRFD_STEP_TASK;
	t->nfds = t->info.vanished = 0;
	*end = t->first;
	if (target->table && s->targets.v[target->table - 1].carried == CARRIED_BY_BATCH)
		s->targets.v[target->table - 1].carried = CARRIED_NOT;
	return 0;
}

/* What is read of a task when its descriptors are: who it is, and whether its table is still as it was listed. */
static int finish_task(struct scan *s, struct crfd_proc_task *p, crfd_batch *b, crfd_task *t)
{
	const struct crfd_numbers *now = NULL;
	int rc = crfd_task_detail(p->dir, &s->scratch, b, t);

	if (rc < 0 || s->still || (t->table && p->links < 0))
		return rc;
	s->numbers.nr = 0;
	if (p->links >= 0 && lseek(p->links, 0, SEEK_SET) < 0)
		return -errno;
	rc = p->links < 0 ? 0 : crfd_proc_list(p->links, &s->scratch, &s->numbers);
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0)
		now = &s->numbers;
	return crfd_task_look(now, b, t);
}

static int settle(struct scan *s, crfd_batch *b)
{
	uint64_t end = 0;
	size_t kept = 0;

	for (size_t i = 0; i < s->nheld; i++) {
		struct crfd_target *target = &s->targets.v[s->target[i]];
		int rc = settle_task(s, i, b, &end);

		if (rc < 0)
			return rc;
		if (target->table && s->targets.v[target->table - 1].carried == CARRIED_BY_BATCH)
			s->targets.v[target->table - 1].carried = CARRIED;
		if (target->found && (b->task[i].err == ESRCH || b->task[i].rec.exit_state)) {
			end = b->task[i].first;
			continue;
		}
		b->task[kept] = b->task[i];
		if (!b->task[kept].err)
			rc = finish_task(s, &s->held[i], b, &b->task[kept]);
		if (rc < 0)
			return rc;
		kept++;
	}
	b->ntasks = kept;
	b->nfds = end;
	return 0;
}

static int identify(struct scan *s, crfd_batch *b)
{
	for (size_t i = 0; i < b->ntasks; i++) {
		crfd_task *t = &b->task[i];

		for (uint64_t f = t->first; f < t->first + t->nfds; f++) {
			int rc;

			if (!b->ident[f])
				continue;
			rc = crfd_identities_resolve(&s->identities, (int32_t)t->info.pid, b->fd[f].fd, b->ident[f],
						     &b->ident[f]);
			if (rc < 0)
				return rc;
			if (rc)
				t->info.identity = CRFD_IDENTITY_INFERRED;
			else if (t->info.identity == CRFD_IDENTITY_NONE)
				t->info.identity = CRFD_IDENTITY_KCMP;
		}
	}
	return 0;
}

static int scan_batch(struct scan *s, crfd_batch *b)
{
	int rc = 1;

	while (rc > 0 && s->pos < s->targets.nr && s->nheld < s->max_held && b->nfds < BATCH_FDS)
		rc = take_task(s, b);
	if (rc >= 0)
		rc = crfd_readers_run(&s->readers, b);
	if (rc >= 0)
		rc = settle(s, b);
	return rc < 0 ? rc : identify(s, b);
}

static int scan_lanes(const void *state)
{
	const struct scan *s = state;

	return s->targets.nr > 1; /* the batch has threads of its own */
}

static int scan_join(void *state, int lane)
{
	(void)state;
	(void)lane;
	return 0;
}

/* Where a job ends is known only when it was filled. */
static int scan_claim(void *state, struct crfd_scan_job *job)
{
	const struct scan *s = state;

	*job = (struct crfd_scan_job){.from = s->pos, .to = s->targets.nr};
	return job->from < job->to;
}

static int scan_fill(void *state, int lane, const struct crfd_scan_job *job, crfd_batch *b)
{
	struct scan *s = state;
	int rc;

	(void)lane;
	(void)job;
	crfd_batch_clear(b);
	s->nheld = s->readers.nitems = 0;
	rc = scan_batch(s, b);
	for (size_t i = 0; i < s->nheld; i++)
		crfd_proc_task_close(&s->held[i]);
	return rc < 0 ? rc : 0;
}

const struct crfd_scan_ops crfd_scan_proc = {.open = scan_open, .lanes = scan_lanes, .join = scan_join,
					     .claim = scan_claim, .fill = scan_fill, .close = scan_close};
