/* SPDX-License-Identifier: MIT */
#include "scan_bpf/late.h"

#include <errno.h>
#include <unistd.h>

#include "base/ours.h"
#include "procfs/task_records.h"
#include "scan_bpf/tables.h"

/* Takes the records of a task: 1, or 0 where they are not all of it, or it is gone. */
static int take_task(struct crfd_bpf_lane *lane, const struct crfd_bpf_late *late, struct crfd_bpf_source *s,
		     const struct crfd_bpf_unit *unit, crfd_batch *b, crfd_task *t)
{
	const struct walk_fd *r;
	int rc = 0;

	while (rc >= 0 && (rc = crfd_bpf_source_peek(s, lane->bpf, &r)) > 0 && r->tid <= unit->rec.tid) {
		int is_of = r->tid == unit->rec.tid && r->start == unit->rec.start;

		rc = 0;
		if (is_of && r->fd == WALK_END) {
			rc = ((const struct walk_end *)r)->unable ? 0 : late->end(lane, (const struct walk_end *)r, b, t);
			s->at += r->len;
			return rc;
		}
		if (is_of)
			rc = late->put(lane, r, b, t);
		s->at += r->len;
	}
	return rc < 0 ? rc : 0;
}

static int ask(struct crfd_bpf_looker *l, const struct crfd_bpf_late *late, crfd_batch *b, crfd_task *t)
{
	struct crfd_procstat stat;
	int dir = crfd_task_open(t, l->scratch, &stat), rc;

	if (dir < 0)
		return crfd_is_ours(dir) ? dir : 0;
	rc = late->ask(l, &stat, dir, b, t);
	close(dir);
	return rc;
}

/* s: NULL where the walk is not to be had. */
static int read_unit(struct crfd_bpf_lane *lane, const struct crfd_bpf_late *late, struct crfd_bpf_source *s,
		     const struct crfd_bpf_unit *unit, crfd_batch *b, crfd_task *t)
{
	size_t held = b->nheld, text;
	int rc;

	if (t->err || (late->tables && unit->empty))
		return 0;
	rc = crfd_task_reopen(b, t);
	if (rc < 0)
		return rc;
	text = b->text.nr;
	rc = s ? take_task(lane, late, s, unit, b, t) : 0;
	if (rc > 0)
		return crfd_task_extend(&b->text, &t->ext);
	if (rc < 0)
		return rc;
	b->nheld = held;
	b->text.nr = text;
	return ask(&lane->looker, late, b, t);
}

/* Returns 1 for another thread of the process that the unit before is of. */
static int is_again(const struct crfd_bpf_late *late, const struct crfd_bpf_unit *units, size_t i)
{
	return late->once && i && units[i].rec.tgid == units[i - 1].rec.tgid;
}

/* Reads the units from the i-th on, as many as go together: how many these were, or -errno. */
static ssize_t read_some(struct crfd_bpf_lane *lane, const struct crfd_bpf_late *late, const struct crfd_bpf_unit *units, size_t i,
			 size_t n, int together, crfd_batch *b)
{
	struct crfd_bpf_source *s = NULL;
	size_t end = i + 1;
	ssize_t nr = 1;
	int rc = 0;

	while (end < n && !is_again(late, units, end))
		end++;
	if (!is_again(late, units, i)) {
		nr = crfd_bpf_tables_begin(lane, late->walk, units + i, end - i, together, &s);
		rc = crfd_is_ours((int)nr) ? (int)nr : 0;
		nr = nr < 0 ? (ssize_t)(end - i) : nr;
	}
	for (end = i + (size_t)nr; i < end && rc >= 0; i++)
		rc = read_unit(lane, late, s, &units[i], b, &b->task[i]);
	if (s == &lane->one_table)
		crfd_bpf_source_stop(s);
	return rc < 0 ? rc : nr;
}

int crfd_bpf_late(struct crfd_bpf_lane *lane, const struct crfd_bpf_late *late, const struct crfd_bpf_unit *units, size_t n,
		  int together, crfd_batch *b)
{
	ssize_t nr = 0;

	crfd_bpf_hold(lane->bpf);
	for (size_t i = 0; i < n && nr >= 0; i += (size_t)nr)
		nr = read_some(lane, late, units, i, n, together, b);
	crfd_bpf_let_go(lane->bpf);
	return nr < 0 ? (int)nr : 0;
}
