/* SPDX-License-Identifier: MIT */
#include "scan_bpf/inside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "procfs/task_records.h"
#include "scan_bpf/tables.h"

#define KNOWN                                                                                                                      \
	(CRFD_HAS_ACCESS | CRFD_HAS_MODE | CRFD_HAS_MNT_ID | CRFD_HAS_INO | CRFD_HAS_DEV | CRFD_HAS_TYPE | CRFD_HAS_NLINK |         \
	 CRFD_HAS_SIZE | CRFD_HAS_PATH | CRFD_HAS_DELETED)

static int add(crfd_batch *b, const crfd_batch_held *held)
{
	if (crfd_grow(&b->held, &b->held_alloc, b->nheld + 1, sizeof(*b->held)) < 0)
		return -ENOMEM;
	b->held[b->nheld++] = *held;
	return 0;
}

static int put_file(struct crfd_bpf_lane *lane, const struct walk_fd *r, crfd_batch *b, const crfd_task *t)
{
	struct crfd_held_one one = {.r = {.fd = r->fd, .slot = (uint32_t)r->version,
					  .held = r->bits & WALK_IN_RING ? CRFD_HELD_RING : CRFD_HELD_FLIGHT}};
	crfd_batch_held held = {.pid = t->info.pid, .fd = one.r.fd, .slot = one.r.slot};
	size_t text = b->text.nr;
	crfd_fd f;
	int rc;

	if (!r->file)
		return crfd_put_inside(&lane->looker.holds.push, one.r.held, r->fd, &b->text);
	rc = crfd_bpf_file(r, b, &f, &held.ident);
	if (rc < 0)
		return rc;
	if (f.name.len < sizeof(one.path))
		memcpy(one.path, b->text.v + f.name.off, one.len = f.name.len);
	b->text.nr = text;
	one.r.kind = f.kind;
	one.r.err = f.err;
	one.r.st = f.st;
	one.r.st.known &= KNOWN;
	one.r.st.blocks = 0;
	if (crfd_held_fails(&lane->looker.holds.push, &one))
		return 0;
	rc = crfd_held_put(&one, &b->text);
	return rc < 0 ? rc : add(b, &held);
}

/* Takes the records of a task: 1, or 0 where they are not all of it, or it is gone. */
static int take_task(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *unit, crfd_batch *b,
		     crfd_task *t)
{
	const struct walk_fd *r;
	int rc = crfd_task_reopen(b, t);

	while (rc >= 0 && (rc = crfd_bpf_source_peek(s, lane->bpf, &r)) > 0 && r->tid <= unit->rec.tid) {
		int is_of = r->tid == unit->rec.tid && r->start == unit->rec.start;

		s->at += r->len;
		if (is_of && r->fd == WALK_END) {
			rc = crfd_task_extend(&b->text, &t->ext);
			return rc < 0 ? rc : 1;
		}
		rc = is_of ? put_file(lane, r, b, t) : 0;
	}
	if (rc < 0)
		return rc;
	b->text.nr = t->ext.off + t->ext.len;
	return 0;
}

/* Puts what /proc says of the task's rings. */
static int ask_rings(struct crfd_bpf_looker *l, crfd_batch *b, crfd_task *t)
{
	struct crfd_procstat stat;
	int dir = crfd_bpf_open_task(t, l->scratch, &stat), rc;

	if (dir < 0)
		return crfd_is_ours(dir) ? dir : 0;
	rc = crfd_task_rings(&l->holds, dir, b, t);
	close(dir);
	return rc;
}

/* s: NULL where the walk is not to be had. */
static int read_unit(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *unit, crfd_batch *b,
		     crfd_task *t)
{
	size_t from = b->nheld;
	int rc = 0;

	if (t->err || unit->empty)
		return 0;
	if (s)
		rc = take_task(lane, s, unit, b, t);
	if (rc)
		return rc < 0 ? rc : 0;
	b->nheld = from;
	rc = ask_rings(&lane->looker, b, t);
	return rc < 0 ? rc : crfd_task_flights(&lane->looker.holds, b, t);
}

/* Reads the first of the units, as many as go together: how many these were, or -errno. */
static ssize_t read_some(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b,
			 crfd_task *t)
{
	struct crfd_bpf_source *s = NULL;
	ssize_t nr = crfd_bpf_tables_begin(lane, CRFD_BPF_INSIDE, units, n, together, &s);
	int rc = crfd_is_ours((int)nr) ? (int)nr : 0;

	nr = nr < 0 ? (ssize_t)n : nr;
	for (ssize_t i = 0; i < nr && rc >= 0; i++)
		rc = read_unit(lane, s, &units[i], b, &t[i]);
	if (s == &lane->one_table)
		crfd_bpf_source_stop(s);
	return rc < 0 ? rc : nr;
}

/* Whether there may be something: the descriptors say so, where none of them was left out. */
static int is_wanted(const struct crfd_bpf_lane *lane, const crfd_batch *b)
{
	int wanted = lane->push.has != 0;

	for (size_t i = 0; i < b->nfds && !wanted; i++) {
		const crfd_socket *s = &b->socket[i];

		if (b->fd[i].kind == CRFD_KIND_SOCKET && s->family == AF_UNIX)
			wanted = !(s->known & CRFD_SOCK_HAS_IN_FLIGHT) || s->in_flight;
		else
			wanted = b->fd[i].kind == CRFD_KIND_IO_URING;
	}
	return wanted;
}

int crfd_bpf_inside(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b)
{
	ssize_t nr = 0;

	if (!is_wanted(lane, b))
		return 0;
	crfd_bpf_hold(lane->bpf);
	for (size_t i = 0; i < n && nr >= 0; i += (size_t)nr)
		nr = read_some(lane, units + i, n - i, together, b, &b->task[i]);
	crfd_bpf_let_go(lane->bpf);
	return nr < 0 ? (int)nr : 0;
}
