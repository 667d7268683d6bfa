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
	*s = (crfd_unix_socks){0};
}

/* net/unix/diag.c, sk_diag_dump_peer(): 0 of a peer that is closed, or not accepted yet. */
static void put_peer(crfd_unix_sock *s, uint32_t ino)
{
	s->peer_ino = ino;
	s->known = ino ? s->known | CRFD_SOCK_HAS_PEER : s->known & ~(uint32_t)CRFD_SOCK_HAS_PEER;
}

static void put_attribute(crfd_unix_sock *s, int listens, int type, const uint8_t *p, size_t n)
{
	struct unix_diag_rqlen queue;
	uint32_t ino;

	if (type == UNIX_DIAG_PEER && n >= sizeof(ino)) {
		memcpy(&ino, p, sizeof(ino));
		put_peer(s, ino);
	} else if (type == UNIX_DIAG_RQLEN && listens && n >= sizeof(queue)) {
		memcpy(&queue, p, sizeof(queue));
		s->waiting = queue.udiag_rqueue;
		s->backlog = queue.udiag_wqueue;
		s->known |= CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG;
	}
}

static int add_one(crfd_unix_socks *socks, const uint8_t *p, size_t n)
{
	struct unix_diag_msg m;
	struct nlattr a;
	crfd_unix_sock s = {.known = CRFD_SOCK_HAS_PEER};
	int rc;

	if (n < sizeof(m))
		return -EBADMSG;
	memcpy(&m, p, sizeof(m));
	if (m.udiag_family != AF_UNIX)
		return -EBADMSG;
	s.ino = m.udiag_ino;
	for (size_t at = NLA_ALIGN(sizeof(m)); at < n && n - at >= sizeof(a); at += NLA_ALIGN(a.nla_len)) {
		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > n - at)
			return -EBADMSG;
		put_attribute(&s, m.udiag_state == TCP_IS_LISTEN, a.nla_type & NLA_TYPE_MASK, p + at + sizeof(a),
			      a.nla_len - sizeof(a));
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
