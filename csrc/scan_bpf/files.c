/* SPDX-License-Identifier: MIT */
#include "scan_bpf/files.h"

#include <errno.h>

#include "batch/batch.h"

static int is_of(const struct walk_fd *r, uint32_t tid, uint64_t start)
{
	return r->tid == tid && r->start == start && r->fd >= 0;
}

int crfd_bpf_files_take_run(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, uint32_t tid, uint64_t start, crfd_batch *b)
{
	const struct walk_fd *r;
	size_t at = s->at, nr = 0, first = b->nfds;
	crfd_fd *f;
	int rc = 0;

	for (; s->at < s->end; s->at += r->len, nr++) {
		rc = crfd_bpf_source_peek(s, lane->bpf, &r);
		if (rc < 0)
			return rc;
		if (!is_of(r, tid, start))
			break;
	}
	f = crfd_batch_fds(b, nr);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < nr && rc >= 0; i++) {
		r = (const struct walk_fd *)(s->piece + at);
		rc = crfd_bpf_fd(r, b, first + i, &lane->asker);
		b->task[b->ntasks - 1].nerrors += f[i].err != 0;
		at += r->len;
	}
	return rc < 0 ? rc : 0;
}

/* All of the unit's records. Those of tasks before it are not wanted, those of tasks behind it stay in the source. */
static int take_unit(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	const struct walk_fd *r;
	int rc;

	while ((rc = crfd_bpf_source_peek(s, lane->bpf, &r)) > 0) {
		if (is_of(r, unit->rec.tid, unit->rec.start)) {
			rc = crfd_bpf_files_take_run(lane, s, unit->rec.tid, unit->rec.start, b);
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
static int check_empty(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, crfd_task *t)
{
	int rc = crfd_bpf_unit_lives(unit, lane->bpf);

	if (rc == 0) {
		t->err = ESRCH;
		t->step = CRFD_STEP_TASK;
	}
	return rc;
}

int crfd_bpf_files_read(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	int alone = lane->all.iter < 0 || (unit->rec.tid != unit->rec.tgid && crfd_bpf_selects(lane->bpf)), rc = 0;
	struct crfd_bpf_source *s = alone ? &lane->one : &lane->all;
	crfd_task *t = &b->task[b->ntasks - 1];

	if (alone)
		rc = crfd_bpf_source_start(s, lane->bpf, (int32_t)unit->rec.tid);
	if (rc >= 0)
		rc = take_unit(lane, s, unit, b);
	if (alone)
		crfd_bpf_source_stop(s);
	if (rc >= 0 && !t->nfds)
		rc = check_empty(lane, unit, t);
	t->info.identity = t->nfds ? CRFD_IDENTITY_EXACT : CRFD_IDENTITY_NONE;
	return rc < 0 ? rc : 0;
}
