/* SPDX-License-Identifier: MIT */
#include "scan_bpf/tail.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/number.h"
#include "scan_bpf/socket.h"

static size_t sock_len(const void *at, size_t room)
{
	const struct walk_sock *s = at;

	if (room < sizeof(*s))
		return sizeof(*s);
	if (s->name_len > WALK_NAME_MAX || s->peer_name_len > WALK_NAME_MAX)
		return SIZE_MAX;
	return s->name_len || s->peer_name_len ? sizeof(struct walk_unix_sock) : sizeof(*s);
}

int crfd_bpf_tail_find(const struct walk_fd *r, struct crfd_bpf_tail *out)
{
	size_t path = r->path > 0 ? ((size_t)r->path + 7) & ~(size_t)7 : 0;
	struct crfd_bpf_tail tail = {0};
	const char *at = (const char *)(r + 1) + path;
	size_t room, owner = r->bits & WALK_OWNED ? sizeof(*tail.owner) : 0;

	if (r->len < sizeof(*r) + path + owner)
		return -EPROTO;
	room = r->len - sizeof(*r) - path - owner;
	switch (r->bits & WALK_TAIL) {
	case WALK_SOCK:
		tail.len = sock_len(at, room);
		break;
	case WALK_PIPE:
		tail.len = sizeof(struct walk_pipe);
		break;
	case WALK_EVENTFD:
		tail.len = sizeof(struct walk_eventfd);
		break;
	case WALK_EPOLL:
		tail.len = sizeof(struct walk_epoll);
		break;
	case WALK_SEALS:
		tail.len = sizeof(struct walk_memfd);
		break;
	}
	if (tail.len != room)
		return -EPROTO;
	if (tail.len)
		tail.kind = (const union walk_tail *)at;
	if (owner)
		tail.owner = (const struct walk_owner *)(at + tail.len);
	*out = tail;
	return 0;
}

/* fs/pipe.c, pipe_fcntl(): F_GETPIPE_SZ is max_usage in bytes, since 5.8. */
static void fill_pipe(const struct walk_pipe *p, struct crfd_detail *d)
{
	d->rec.pipe = (crfd_pipe){.capacity = p->pages * (uint32_t)sysconf(_SC_PAGESIZE), .readers = p->readers,
				  .writers = p->writers};
	d->known |= CRFD_PIPE_HAS_CAPACITY | CRFD_PIPE_HAS_ENDS;
	if (p->waiting != WALK_PIPE_MANY) {
		d->rec.pipe.waiting = p->waiting;
		d->known |= CRFD_PIPE_HAS_WAITING;
	}
}

static void fill_eventfd(const struct walk_eventfd *e, struct crfd_detail *d)
{
	d->rec.eventfd = (crfd_eventfd){.count = e->count, .id = e->id, .semaphore = e->flags & EFD_SEMAPHORE};
	d->known |= CRFD_EVENTFD_COUNT | CRFD_EVENTFD_HAS_ID | CRFD_EVENTFD_HAS_SEMAPHORE;
}

static int fill_epoll(const struct walk_epoll *e, struct crfd_detail *d)
{
	const struct walk_target *t = &e->target[0];
	crfd_epoll_target r = {.fd = t->fd, .events = t->events, .data = t->data, .ino = t->ino, .pos = t->pos,
			       .dev = crfd_kernel_dev(t->dev)};

	d->told = 1;
	return e->nr ? crfd_detail_entry(d, &r) : 0;
}

int crfd_bpf_tail_fill(const struct walk_fd *r, const struct crfd_bpf_tail *tail, uint64_t net_ns, struct crfd_detail *d)
{
	int kind = d->ops ? d->ops->kind : CRFD_KIND_UNKNOWN, of = r->bits & WALK_TAIL;

	if (tail->owner) {
		const struct walk_owner *o = tail->owner;

		d->owner = (crfd_owner){.pid = o->pid, .type = o->type, .uid = o->uid, .euid = o->euid,
					.signum = o->signum};
		d->owned = 1;
	}
	if (of == WALK_SOCK && kind == CRFD_KIND_SOCKET) {
		crfd_bpf_sock_fill(&tail->kind->unix_sock, net_ns, d);
	} else if (of == WALK_PIPE && (kind == CRFD_KIND_PIPE || kind == CRFD_KIND_FIFO)) {
		fill_pipe(&tail->kind->pipe, d);
	} else if (of == WALK_SEALS && kind == CRFD_KIND_MEMFD) {
		d->rec.memfd.seals = tail->kind->memfd.seals;
		d->known |= CRFD_MEMFD_HAS_SEALS;
	} else if (!d->told && of == WALK_EVENTFD && kind == CRFD_KIND_EVENTFD) { /* else fdinfo has told it */
		fill_eventfd(&tail->kind->eventfd, d);
	} else if (!d->told && of == WALK_EPOLL && kind == CRFD_KIND_EPOLL) {
		return fill_epoll(&tail->kind->epoll, d);
	}
	return 0;
}
