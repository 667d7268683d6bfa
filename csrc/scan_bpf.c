/* SPDX-License-Identifier: MIT */
/*
 * The scan through the kernel's own walk. First the tasks, so that shared tables are known; then the descriptors, with
 * one iterator a task, or, when most of the machine was asked for, one for all, which passes by what was not. Where the
 * kernel cannot be told a task (before 6.1) it is always the one for all, and the tasks are taken in its order.
 */
#include "scan.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch.h"
#include "bpf_detail.h"
#include "bpf_fd.h"
#include "bpf_load.h"
#include "bpf_tasks.h"
#include "buf.h"

#define MANY 64 /* processes from which on the tasks are listed at once */
#define BATCH_FDS 16384
#define BATCH_TASKS 256

/* An iterator and what was read of it: whole records. */
struct source {
	int iter; /* -1: none */
	uint8_t *piece;
	size_t at, end;
};

struct state {
	crfd_bpf *bpf;
	struct crfd_bpf_units units;
	size_t next; /* unit */
	struct source all, one;
	struct crfd_bpf_asker asker;
	struct crfd_bpf_looker looker;
	long clk_tck;
};

static void source_stop(struct source *s)
{
	if (s->iter >= 0)
		close(s->iter);
	s->iter = -1;
	s->at = s->end = 0;
}

static int source_start(struct source *s, crfd_bpf *bpf, int32_t tid)
{
	if (!s->piece)
		s->piece = malloc(crfd_bpf_piece());
	if (!s->piece)
		return -ENOMEM;
	s->iter = crfd_bpf_iter(bpf, CRFD_BPF_FDS, (struct crfd_bpf_target){.tid = tid});
	return s->iter < 0 ? s->iter : 0;
}

/* The record at the front; 1, 0 at the end, or -errno. */
static int source_peek(struct source *s, crfd_bpf *bpf, const struct walk_fd **out)
{
	const struct walk_fd *r;

	if (s->at == s->end) {
		ssize_t got = crfd_bpf_read(bpf, s->iter, s->piece, crfd_bpf_piece());

		s->at = s->end = 0;
		if (got <= 0)
			return (int)got;
		s->end = (size_t)got;
	}
	r = (const struct walk_fd *)(s->piece + s->at);
	if (s->end - s->at < sizeof(*r) || r->len > s->end - s->at || r->len % 8 ||
	    r->len < sizeof(*r) + (r->path > 0 ? (size_t)r->path : 0))
		return -EPROTO;
	*out = r;
	return 1;
}

static int is_of(const struct walk_fd *r, const struct crfd_bpf_unit *unit)
{
	return r->tid == unit->rec.tid && r->start == unit->rec.start;
}

/* The unit's records at the front of the piece. */
static int take_run(struct state *st, struct source *s, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	const struct walk_fd *r;
	size_t at = s->at, nr = 0, first = b->nfds;
	crfd_fd *f;
	int rc = 0;

	for (; s->at < s->end; s->at += r->len, nr++) {
		rc = source_peek(s, st->bpf, &r);
		if (rc < 0)
			return rc;
		if (!is_of(r, unit))
			break;
	}
	f = crfd_batch_fds(b, nr);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < nr && rc >= 0; i++) {
		r = (const struct walk_fd *)(s->piece + at);
		rc = crfd_bpf_fd(r, b, &st->asker, &f[i], &b->ident[first + i]);
		at += r->len;
	}
	return rc;
}

/* All of the unit's records. Those of tasks before it are not wanted, those of tasks behind it stay in the source. */
static int take_unit(struct state *st, struct source *s, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	const struct walk_fd *r;
	int rc;

	while ((rc = source_peek(s, st->bpf, &r)) > 0) {
		if (is_of(r, unit)) {
			rc = take_run(st, s, unit, b);
			if (rc < 0)
				return rc;
		} else if (r->tid > unit->rec.tid) {
			return 0;
		} else {
			s->at += r->len;
		}
	}
	return rc;
}

/* None at all: the task has closed everything, or it went away in between. */
static int check_empty(struct state *st, const struct crfd_bpf_unit *unit, crfd_task *t)
{
	int rc = crfd_bpf_unit_lives(unit, st->bpf);

	if (rc == 0) {
		t->err = ESRCH;
		t->step = CRFD_STEP_TASK;
	}
	return rc;
}

static int read_unit(struct state *st, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	struct source *s = st->all.iter >= 0 ? &st->all : &st->one;
	crfd_task *t = crfd_batch_task(b);
	int rc = 0;

	if (!t)
		return -ENOMEM;
	crfd_bpf_unit_task(unit, st->clk_tck, t);
	if (unit->empty)
		return crfd_bpf_detail(&st->looker, unit, b, t);
	if (unit->rec.tid != unit->rec.tgid && crfd_bpf_selects(st->bpf))
		s = &st->one;
	if (s == &st->one)
		rc = source_start(s, st->bpf, (int32_t)unit->rec.tid);
	if (rc >= 0)
		rc = take_unit(st, s, unit, b);
	if (s == &st->one)
		source_stop(s);
	if (rc >= 0 && !t->nfds)
		rc = check_empty(st, unit, t);
	t->info.identity = t->nfds ? CRFD_IDENTITY_EXACT : CRFD_IDENTITY_NONE;
	return rc < 0 ? rc : crfd_bpf_detail(&st->looker, unit, b, t);
}

static int bpf_next(void *state, crfd_batch *b)
{
	struct state *st = state;

	crfd_batch_clear(b);
	while (st->next < st->units.nr && b->nfds < BATCH_FDS && b->ntasks < BATCH_TASKS) {
		int rc = read_unit(st, &st->units.v[st->next], b);

		if (rc < 0)
			return rc;
		st->next++;
	}
	return b->ntasks > 0;
}

static void bpf_close(void *state)
{
	struct state *st = state;

	source_stop(&st->all);
	source_stop(&st->one);
	free(st->all.piece);
	free(st->one.piece);
	free(st->looker.numbers.v);
	crfd_buf_release(&st->asker.scratch);
	crfd_getfd_release(&st->asker.getfd);
	crfd_bpf_units_release(&st->units);
	crfd_bpf_put(st->bpf);
	free(st);
}

static int start(struct state *st, const int32_t *pids, size_t n)
{
	int selects = crfd_bpf_selects(st->bpf);
	int rc = crfd_bpf_units_find(&st->units, st->bpf, pids, n, n > MANY || !selects);

	if (rc < 0)
		return rc;
	if (!selects || (st->units.most && st->units.ascending))
		return source_start(&st->all, st->bpf, 0);
	return 0;
}

static int bpf_open(const int32_t *pids, size_t n, int threads, int still, void **state)
{
	enum crfd_bpf_step step;
	struct state *st = calloc(1, sizeof(*st));
	int rc;

	(void)threads; /* the kernel puts the records together in one place: a second reader would wait for the first */
	if (!st)
		return -ENOMEM;
	st->all.iter = st->one.iter = -1;
	st->looker = (struct crfd_bpf_looker){.scratch = &st->asker.scratch, .still = still};
	st->clk_tck = sysconf(_SC_CLK_TCK);
	crfd_getfd_init(&st->asker.getfd, crfd_probe_pidfd_getfd() == 0, 0); /* the walk tells owners */
	rc = crfd_bpf_get(&st->bpf, &step);
	if (rc < 0) {
		free(st);
		return rc;
	}
	rc = start(st, pids, n);
	if (rc < 0) {
		bpf_close(st);
		return rc;
	}
	*state = st;
	return 0;
}

const struct crfd_scan_ops crfd_scan_bpf = {.open = bpf_open, .next = bpf_next, .close = bpf_close};
