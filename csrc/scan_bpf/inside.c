/* SPDX-License-Identifier: MIT */
#include "scan_bpf/inside.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "scan_bpf/late.h"

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

static int put_file(struct crfd_bpf_lane *lane, const struct walk_fd *r, crfd_batch *b, crfd_task *t)
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

static int ask_rings(struct crfd_bpf_looker *l, const struct crfd_procstat *stat, int dir, crfd_batch *b, crfd_task *t)
{
	int rc = crfd_task_rings(&l->holds, dir, b, t);

	(void)stat;
	return rc < 0 ? rc : crfd_task_flights(&l->holds, b, t);
}

static int end(struct crfd_bpf_lane *lane, const struct walk_end *r, crfd_batch *b, crfd_task *t)
{
	(void)lane, (void)r, (void)b, (void)t;
	return 1;
}

/* Returns 1 where there may be something: the descriptors say so, or the walk of those that were left out. */
static int is_wanted(const struct crfd_bpf_lane *lane, const crfd_batch *b)
{
	int wanted = lane->passed_holders;

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
	static const struct crfd_bpf_late late = {.walk = CRFD_BPF_INSIDE, .tables = 1, .put = put_file, .end = end, .ask = ask_rings};

	return is_wanted(lane, b) ? crfd_bpf_late(lane, &late, units, n, together, b) : 0;
}
