/* SPDX-License-Identifier: MIT */
/* What only the kernel's list of unix sockets tells, put into the records that a scan has made of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "batch/batch.h"
#include "format/format.h"
#include "sock_diag/sock_diag.h"

enum { CONNECTED = 3, LISTENS = 10 }; /* as crfd_socket.state of a unix socket */

#define LACKED (CRFD_SOCK_HAS_TYPE | CRFD_SOCK_HAS_NET_NS)

static int lacks_peer(const crfd_socket *r)
{
	return (r->known & (LACKED | CRFD_SOCK_HAS_PEER)) == LACKED && r->family == AF_UNIX;
}

/* Where the record is of f, a unix socket whose peer is not known; NULL of anything else. */
static uint8_t *find(const crfd_batch *b, const crfd_fd *f, crfd_socket *r)
{
	uint64_t at = f->ext.off, left = f->ext.len;
	crfd_rec h;

	if (f->kind != CRFD_KIND_SOCKET || f->failed || !(f->st.known & CRFD_HAS_INO) || left > b->text.nr ||
	    at > b->text.nr - left)
		return NULL;
	while (left >= sizeof(h)) {
		memcpy(&h, b->text.v + at, sizeof(h));
		at += sizeof(h);
		left -= sizeof(h);
		if (h.len < 0 || (uint64_t)h.len > left)
			return NULL;
		if (h.type == CRFD_REC_SOCKET && (size_t)h.len == sizeof(*r)) {
			memcpy(r, b->text.v + at, sizeof(*r));
			if (lacks_peer(r))
				return b->text.v + at;
		}
		at += (uint64_t)h.len;
		left -= (uint64_t)h.len;
	}
	return NULL;
}

static int is_listed(const crfd_peer_lack *v, size_t n, const crfd_peer_lack *one)
{
	/* From the end: those of one task follow each other. */
	while (n-- && v[n].pid == one->pid)
		if (v[n].net_ns == one->net_ns)
			return 1;
	return 0;
}

size_t crfd_batch_lack_peers(const crfd_batch *b, crfd_peer_lack *out, size_t cap)
{
	size_t n = 0;
	crfd_socket r;

	for (size_t t = 0; t < b->ntasks; t++) {
		const crfd_task *task = &b->task[t];

		for (uint64_t i = task->first; i < task->first + task->nfds && n < cap; i++) {
			if (!find(b, &b->fd[i], &r))
				continue;
			out[n] = (crfd_peer_lack){.net_ns = r.net_ns, .pid = task->info.pid};
			n += !is_listed(out, n, &out[n]);
		}
	}
	return n;
}

static int compare_ino(const void *key, const void *one)
{
	const uint64_t *ino = key;
	const crfd_unix_sock *s = one;

	return (*ino > s->ino) - (*ino < s->ino);
}

/* It has been connected, or has begun to listen, since the list was made. */
static int is_outdated(const crfd_socket *r, const crfd_unix_sock *s)
{
	if (!(r->known & CRFD_SOCK_HAS_STATE))
		return 0;
	return (r->state == CONNECTED && s->known & CRFD_SOCK_HAS_PEER && !s->peer_ino) ||
	       (r->state == LISTENS && !(s->known & CRFD_SOCK_HAS_BACKLOG));
}

/* As the BPF backend fills them: bpf_sock.c, put_unix(). */
static void fill(crfd_socket *r, const crfd_unix_sock *s)
{
	uint32_t gain = s->known & ~r->known;

	if (gain & CRFD_SOCK_HAS_PEER)
		r->peer_ino = s->peer_ino;
	if (gain & CRFD_SOCK_HAS_QUEUES)
		r->recv_queue = s->waiting;
	if (gain & CRFD_SOCK_HAS_BACKLOG)
		r->backlog = s->backlog;
	r->known |= gain;
}

size_t crfd_batch_fill_peers(crfd_batch *b, uint64_t net_ns, const crfd_unix_socks *s)
{
	size_t missing = 0;
	crfd_socket r;

	for (size_t i = 0; i < b->nfds; i++) {
		uint8_t *at = find(b, &b->fd[i], &r);
		const crfd_unix_sock *found;

		if (!at || r.net_ns != net_ns)
			continue;
		found = s->nr ? bsearch(&b->fd[i].st.ino, s->v, s->nr, sizeof(*s->v), compare_ino) : NULL;
		if (!found || is_outdated(&r, found)) {
			missing++;
			continue;
		}
		fill(&r, found);
		memcpy(at, &r, sizeof(r));
	}
	return missing;
}
