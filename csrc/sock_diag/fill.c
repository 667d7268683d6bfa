/* SPDX-License-Identifier: MIT */
/* Puts what only the kernel's list of unix sockets tells into the records that a scan has made of them. */
#include <stdlib.h>
#include <sys/socket.h>

#include "batch/batch.h"
#include "kinds/socket.h"
#include "sock_diag/sock_diag.h"

#define NEEDED (CRFD_SOCK_HAS_TYPE | CRFD_SOCK_HAS_NET_NS)

/* Returns the record of descriptor i where that is a unix socket whose peer is not known; NULL for anything else. */
static crfd_socket *lacking(const crfd_batch *b, uint64_t i)
{
	const crfd_fd *f = &b->fd[i];
	crfd_socket *r = &b->socket[i];

	if (f->kind != CRFD_KIND_SOCKET || f->failed || !(f->st.known & CRFD_HAS_INO))
		return NULL;
	return (r->known & (NEEDED | CRFD_SOCK_HAS_PEER)) == NEEDED && r->family == AF_UNIX ? r : NULL;
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

	for (size_t t = 0; t < b->ntasks; t++) {
		const crfd_task *task = &b->task[t];

		for (uint64_t i = task->first; i < task->first + task->nfds && n < cap; i++) {
			const crfd_socket *r = lacking(b, i);

			if (!r)
				continue;
			out[n] = (crfd_peer_lack){.net_ns = r->net_ns, .pid = task->info.pid, .fd = b->fd[i].fd};
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

/* Returns 1 where the socket has been connected, or has begun to listen, since the list was made. */
static int is_outdated(const crfd_socket *r, const crfd_unix_sock *s)
{
	if (!(r->known & CRFD_SOCK_HAS_STATE))
		return 0;
	return (r->state == SS_IS_CONNECTED && s->known & CRFD_SOCK_HAS_PEER && !s->peer_ino) ||
	       (r->state == TCP_IS_LISTEN && !(s->known & CRFD_SOCK_HAS_BACKLOG));
}

/* Fills the record as the BPF backend does: scan_bpf/socket.c, fill_unix(). */
static void fill(crfd_socket *r, const crfd_unix_sock *s)
{
	uint32_t gain = s->known & ~r->known;

	if (gain & CRFD_SOCK_HAS_STATE)
		r->state = s->state;
	if (gain & (CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_LISTENER))
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

	for (size_t i = 0; i < b->nfds; i++) {
		crfd_socket *r = lacking(b, i);
		const crfd_unix_sock *found;

		if (!r || r->net_ns != net_ns)
			continue;
		found = s->nr ? bsearch(&b->fd[i].st.ino, s->v, s->nr, sizeof(*s->v), compare_ino) : NULL;
		if (!found || is_outdated(r, found))
			missing++;
		else
			fill(r, found);
	}
	return missing;
}
