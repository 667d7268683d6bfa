/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "format/format.h"
#include "kinds/socket.h"
#include "sock_diag/sock_diag.h"

void crfd_unix_socks_release(crfd_unix_socks *s)
{
	free(s->v);
	free(s->wait);
	*s = (crfd_unix_socks){0};
}

/* net/unix/diag.c, sk_diag_dump_peer(): 0 of a peer that is closed, or not accepted yet. */
static void put_peer(crfd_unix_sock *s, uint32_t ino)
{
	s->peer_ino = ino;
	s->known = ino ? s->known | CRFD_SOCK_HAS_PEER : s->known & ~(uint32_t)CRFD_SOCK_HAS_PEER;
}

/* net/unix/diag.c, sk_diag_dump_icons(): the sockets that wait to be accepted, 0 of one that has closed since. */
static int put_waits(crfd_unix_socks *socks, uint32_t listener, const uint8_t *p, size_t n)
{
	for (size_t at = 0; n - at >= sizeof(uint32_t); at += sizeof(uint32_t)) {
		crfd_unix_wait w = {.listener_ino = listener};

		memcpy(&w.ino, p + at, sizeof(w.ino));
		if (crfd_grow(&socks->wait, &socks->wait_alloc, socks->nwaits + 1, sizeof(*socks->wait)) < 0)
			return -ENOMEM;
		if (w.ino)
			socks->wait[socks->nwaits++] = w;
	}
	return 0;
}

static int put_attribute(crfd_unix_socks *socks, crfd_unix_sock *s, int listens, int type, const uint8_t *p, size_t n)
{
	struct unix_diag_rqlen queue;
	uint32_t ino;

	if (type == UNIX_DIAG_ICONS && listens)
		return put_waits(socks, s->ino, p, n);

	if (type == UNIX_DIAG_SHUTDOWN && n >= 1) {
		s->known |= *p & 1 ? CRFD_SOCK_HAS_NO_READING : CRFD_SOCK_HAS_READING; /* net/sock.h, SHUTDOWN_MASK */
		s->known |= *p & 2 ? CRFD_SOCK_HAS_NO_WRITING : CRFD_SOCK_HAS_WRITING;
	} else if (type == UNIX_DIAG_PEER && n >= sizeof(ino)) {
		memcpy(&ino, p, sizeof(ino));
		put_peer(s, ino);
	} else if (type == UNIX_DIAG_RQLEN && listens && n >= sizeof(queue)) {
		memcpy(&queue, p, sizeof(queue));
		s->waiting = queue.udiag_rqueue;
		s->backlog = queue.udiag_wqueue;
		s->known |= CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG;
	}
	return 0;
}

static int add_one(crfd_unix_socks *socks, const uint8_t *p, size_t n)
{
	struct unix_diag_msg m;
	struct nlattr a;
	crfd_unix_sock s = {.known = CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_STATE};
	int rc = 0;

	if (n < sizeof(m))
		return -EBADMSG;
	memcpy(&m, p, sizeof(m));
	if (m.udiag_family != AF_UNIX)
		return -EBADMSG;
	s.ino = m.udiag_ino;
	s.state = m.udiag_state == TCP_IS_LISTEN ? TCP_IS_LISTEN :
		m.udiag_state == TCP_IS_ESTABLISHED ? SS_IS_CONNECTED : SS_IS_UNCONNECTED;
	for (size_t at = NLA_ALIGN(sizeof(m)); at < n && n - at >= sizeof(a); at += NLA_ALIGN(a.nla_len)) {
		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > n - at)
			return -EBADMSG;
		rc = put_attribute(socks, &s, m.udiag_state == TCP_IS_LISTEN, a.nla_type & NLA_TYPE_MASK,
				   p + at + sizeof(a), a.nla_len - sizeof(a));
		if (rc < 0)
			return rc;
	}
	rc = crfd_grow(&socks->v, &socks->alloc, socks->nr + 1, sizeof(*socks->v));
	if (rc == 0)
		socks->v[socks->nr++] = s;
	return rc;
}

static int by_ino(const void *one, const void *other)
{
	const crfd_unix_sock *a = one, *b = other;

	return (a->ino > b->ino) - (a->ino < b->ino);
}

/* Gives the listener to a socket whose peer has no inode, because nobody has accepted it. */
static void set_listener(crfd_unix_socks *s, const crfd_unix_wait *wait)
{
	crfd_unix_sock key = {.ino = wait->ino}, *found = s->nr ? bsearch(&key, s->v, s->nr, sizeof(*s->v), by_ino) : NULL;

	if (!found || found->known & CRFD_SOCK_HAS_PEER)
		return;
	found->peer_ino = wait->listener_ino;
	found->known |= CRFD_SOCK_HAS_LISTENER;
}

/* NLMSG_DONE and NLMSG_ERROR begin with 0 or -errno. */
static int end(crfd_unix_socks *s, int type, const uint8_t *p, size_t n)
{
	int32_t code;

	if (n < sizeof(code))
		return -EBADMSG;
	memcpy(&code, p, sizeof(code));
	if (code)
		return code < 0 && code > -4096 ? code : -EBADMSG;
	if (type != NLMSG_DONE)
		return -EBADMSG;
	if (s->nr)
		qsort(s->v, s->nr, sizeof(*s->v), by_ino);
	for (size_t i = 0; i < s->nwaits; i++)
		set_listener(s, &s->wait[i]);
	return 1;
}

int crfd_unix_socks_add(crfd_unix_socks *s, const uint8_t *answer, size_t n)
{
	struct nlmsghdr h;

	for (size_t at = 0; at < n; at += NLMSG_ALIGN(h.nlmsg_len)) {
		const uint8_t *payload = answer + at + sizeof(h);
		int rc;

		if (n - at < sizeof(h))
			return -EBADMSG;
		memcpy(&h, answer + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n - at)
			return -EBADMSG;
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR)
			return end(s, h.nlmsg_type, payload, h.nlmsg_len - sizeof(h));
		rc = h.nlmsg_type == SOCK_DIAG_BY_FAMILY ? add_one(s, payload, h.nlmsg_len - sizeof(h)) : -EBADMSG;
		if (rc < 0)
			return rc;
	}
	return 0;
}
