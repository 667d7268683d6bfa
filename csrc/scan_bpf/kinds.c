/* SPDX-License-Identifier: MIT */
#include "scan_bpf/kinds.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "format/format.h"
#include "format/record.h"
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
	switch (r->bits & (WALK_SOCK | WALK_PIPE | WALK_EVENTFD | WALK_EPOLL | WALK_SEALS)) {
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

int crfd_bpf_kind_lacks(const struct walk_fd *r, const struct crfd_bpf_tail *tail, int kind)
{
	switch (kind) {
	case CRFD_KIND_SOCKET:
		return !(r->bits & WALK_SOCK) || crfd_bpf_sock_lacks(&tail->kind->unix_sock.sock);
	case CRFD_KIND_PIPE:
	case CRFD_KIND_FIFO:
		return !(r->bits & WALK_PIPE) || tail->kind->pipe.waiting == WALK_PIPE_MANY;
	case CRFD_KIND_MEMFD:
		return !(r->bits & WALK_SEALS);
	case CRFD_KIND_BPF_MAP:
	case CRFD_KIND_BPF_PROG:
	case CRFD_KIND_BTF:
		return 1;
	default:
		return 0;
	}
}

/* fs/pipe.c, pipe_fcntl(): F_GETPIPE_SZ is max_usage in bytes, since 5.8. */
static int put_pipe(const struct walk_pipe *p, size_t from, crfd_buf *out)
{
	crfd_pipe r = {.known = CRFD_PIPE_HAS_CAPACITY, .capacity = p->pages * (uint32_t)sysconf(_SC_PAGESIZE)};
	void *there = crfd_buf_find(out, from, CRFD_REC_PIPE, sizeof(r));

	if (there)
		memcpy(&r, there, sizeof(r));
	if (p->waiting != WALK_PIPE_MANY) {
		r.waiting = p->waiting;
		r.known |= CRFD_PIPE_HAS_WAITING;
	}
	r.readers = p->readers;
	r.writers = p->writers;
	r.known |= CRFD_PIPE_HAS_ENDS;
	if (!there)
		return crfd_buf_rec(out, CRFD_REC_PIPE, 0, &r, sizeof(r));
	memcpy(there, &r, sizeof(r));
	return 0;
}

static int put_eventfd(const struct walk_eventfd *e, crfd_buf *out)
{
	crfd_eventfd r = {.count = e->count, .id = e->id, .known = CRFD_EVENTFD_HAS_ID | CRFD_EVENTFD_HAS_SEMAPHORE,
			  .semaphore = e->flags & EFD_SEMAPHORE};

	return crfd_buf_rec(out, CRFD_REC_EVENTFD, 0, &r, sizeof(r));
}

static int put_epoll(const struct walk_epoll *e, crfd_buf *out)
{
	const struct walk_target *t = &e->target[0];
	crfd_epoll_target r = {.fd = t->fd, .events = t->events, .data = t->data, .ino = t->ino, .pos = t->pos,
			       .dev = makedev(t->dev >> 20, t->dev & 0xfffff)};

	return crfd_buf_rec(out, CRFD_REC_EPOLL, 0, &r, e->nr ? sizeof(r) : 0);
}

static int put_memfd(const struct walk_memfd *m, crfd_buf *out)
{
	crfd_memfd r = {.seals = m->seals, .known = CRFD_MEMFD_HAS_SEALS};

	return crfd_buf_rec(out, CRFD_REC_MEMFD, 0, &r, sizeof(r));
}

int crfd_bpf_kind_put(const struct walk_fd *r, const struct crfd_bpf_tail *tail, int kind, uint64_t net_ns, size_t from,
		      crfd_buf *out)
{
	if (r->bits & WALK_SOCK && kind == CRFD_KIND_SOCKET)
		return crfd_bpf_sock_put(&tail->kind->unix_sock, net_ns, from, out);
	if (r->bits & WALK_PIPE && (kind == CRFD_KIND_PIPE || kind == CRFD_KIND_FIFO))
		return put_pipe(&tail->kind->pipe, from, out);
	/* Where fdinfo was read for its locks it gave these two as well. */
	if (!(r->bits & WALK_PLAIN) && r->bits & (WALK_EVENTFD | WALK_EPOLL))
		return 0;
	if (r->bits & WALK_EVENTFD && kind == CRFD_KIND_EVENTFD)
		return put_eventfd(&tail->kind->eventfd, out);
	if (r->bits & WALK_EPOLL && kind == CRFD_KIND_EPOLL)
		return put_epoll(&tail->kind->epoll, out);
	if (r->bits & WALK_SEALS && kind == CRFD_KIND_MEMFD)
		return put_memfd(&tail->kind->memfd, out);
	return 0;
}
