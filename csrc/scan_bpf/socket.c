/* SPDX-License-Identifier: MIT */
#include "scan_bpf/socket.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "format/format.h"
#include "format/record.h"

enum { UNCONNECTED = 1, CONNECTED = 3 }; /* SS_* of linux/net.h */
enum { SYN_SENT = 2, SYN_RECV = 3, CLOSE = 7, LISTEN = 10 }; /* TCP_* of tcp(7), in any family */
enum { PROTO_UDPLITE = 136 };
enum how { OTHER, UNIX, TCP, DATAGRAM };

#define FILLED (CRFD_SOCK_HAS_STATE | CRFD_SOCK_HAS_QUEUES)

/* Whose fields are understood. The rest have fields of their own, or ioctls that count otherwise. */
static enum how how_of(const struct walk_sock *s)
{
	if (s->family == AF_UNIX)
		return UNIX;
	if (s->family != AF_INET && s->family != AF_INET6)
		return OTHER;
	if (s->type == SOCK_STREAM && s->protocol == IPPROTO_TCP)
		return TCP;
	if (s->type == SOCK_RAW || (s->type == SOCK_DGRAM && (s->protocol == IPPROTO_UDP || s->protocol == PROTO_UDPLITE)))
		return DATAGRAM;
	return OTHER;
}

/* net/ipv4/af_inet.c, inet_getname(); net/unix/af_unix.c, unix_getname() */
static int has_peer(const struct walk_sock *s)
{
	if (s->family == AF_UNIX)
		return s->state != LISTEN && s->bits & WALK_SOCK_PEER;
	return s->peer_port && s->state != CLOSE && s->state != SYN_SENT && s->state != LISTEN;
}

static void set_queues(crfd_socket *r, uint32_t in, int out)
{
	r->recv_queue = in;
	r->send_queue = out > 0 ? (uint32_t)out : 0;
	r->known |= CRFD_SOCK_HAS_QUEUES;
}

/* net/unix/af_unix.c, unix_inq_len(), unix_outq_len(); of a listener as net/unix/diag.c, sk_diag_show_rqlen() */
static void put_unix(const struct walk_sock *s, crfd_socket *r)
{
	if (s->state == LISTEN) {
		r->state = LISTEN;
		set_queues(r, s->queued, 0);
		r->backlog = s->backlog;
		r->known |= CRFD_SOCK_HAS_BACKLOG;
	} else {
		r->state = has_peer(s) ? CONNECTED : UNCONNECTED;
		if (!s->queued)
			set_queues(r, 0, s->write_memory - 1);
		else if (s->type == SOCK_STREAM && s->bits & WALK_SOCK_BYTES)
			set_queues(r, s->bytes, s->write_memory - 1);
	}
	if (!(s->bits & WALK_SOCK_PEER) || s->peer_ino) {
		r->peer_ino = s->peer_ino;
		r->known |= CRFD_SOCK_HAS_PEER;
	}
	if (s->bits & WALK_SOCK_IN_FLIGHT) {
		r->in_flight = s->in_flight;
		r->known |= CRFD_SOCK_HAS_IN_FLIGHT;
	}
}

/*
 * net/ipv4/tcp.c, tcp_ioctl(), counts by sequence numbers. They agree, received with read and sent with acknowledged, when
 * no buffer waits.
 */
static void put_tcp(const struct walk_sock *s, crfd_socket *r)
{
	r->state = s->state;
	if (s->state == LISTEN) {
		set_queues(r, s->pending, 0);
		r->backlog = s->backlog;
		r->known |= CRFD_SOCK_HAS_BACKLOG;
	} else if (s->state == SYN_SENT || s->state == SYN_RECV || (!s->queued && !s->write_queued)) {
		set_queues(r, 0, 0);
	}
}

static crfd_socket make(const struct walk_sock *s, uint64_t net_ns)
{
	crfd_socket r = {.known = CRFD_SOCK_HAS_TYPE, .family = s->family, .type = s->type, .protocol = s->protocol};
	enum how how = how_of(s);

	if (how != OTHER)
		r.known |= CRFD_SOCK_HAS_STATE | CRFD_SOCK_HAS_NAMES;
	if (how == UNIX) {
		put_unix(s, &r);
	} else if (how == TCP) {
		put_tcp(s, &r);
	} else if (how == DATAGRAM) {
		r.state = has_peer(s) ? CONNECTED : UNCONNECTED;
		if (!s->read_memory)
			set_queues(&r, 0, s->write_memory - 1);
	}
	if (s->bits & WALK_SOCK_OWN_NET && net_ns) {
		r.net_ns = net_ns;
		r.known |= CRFD_SOCK_HAS_NET_NS;
	}
	return r;
}

int crfd_bpf_sock_lacks(const struct walk_sock *s)
{
	return (make(s, 1).known & (FILLED | CRFD_SOCK_HAS_NET_NS)) != (FILLED | CRFD_SOCK_HAS_NET_NS);
}

/* Only link-local ones have a zone (include/net/ipv6.h, __ipv6_addr_needs_scope_id()). */
static uint32_t scope_of(const struct in6_addr *a, uint32_t dev_if)
{
	int local = IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a) || IN6_IS_ADDR_MC_NODELOCAL(a);

	return local ? dev_if : 0;
}

static int put_inet_name(const struct walk_sock *s, int peer, crfd_buf *out)
{
	const uint32_t *address = peer ? s->peer_address : s->address;
	uint16_t port = peer ? s->peer_port : s->port;
	int type = peer ? CRFD_REC_SOCK_PEER : CRFD_REC_SOCK_NAME;

	if (s->family == AF_INET6) {
		struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = port};

		memcpy(&name.sin6_addr, address, sizeof(name.sin6_addr));
		name.sin6_scope_id = scope_of(&name.sin6_addr, s->dev_if);
		return crfd_buf_rec(out, type, 0, &name, sizeof(name));
	}
	return crfd_buf_rec(out, type, 0,
			    &(struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = {address[0]}},
			    sizeof(struct sockaddr_in));
}

/* A socket without a name has one of the family alone. */
static int put_unix_name(const struct walk_unix_sock *s, int peer, crfd_buf *out)
{
	uint16_t len = peer ? s->sock.peer_name_len : s->sock.name_len, none = AF_UNIX;
	int type = peer ? CRFD_REC_SOCK_PEER : CRFD_REC_SOCK_NAME;

	return len ? crfd_buf_rec(out, type, 0, peer ? s->peer_name : s->name, len) :
		     crfd_buf_rec(out, type, 0, &none, sizeof(none));
}

static int put_name(const struct walk_unix_sock *s, int peer, crfd_buf *out)
{
	return s->sock.family == AF_UNIX ? put_unix_name(s, peer, out) : put_inet_name(&s->sock, peer, out);
}

static int put_names(const struct walk_unix_sock *s, crfd_buf *out)
{
	int rc = put_name(s, 0, out);

	return rc < 0 || !has_peer(&s->sock) ? rc : put_name(s, 1, out);
}

static void fill(crfd_socket *r, const crfd_socket *more)
{
	uint32_t gain = more->known & ~r->known & ~(uint32_t)CRFD_SOCK_HAS_NAMES;

	if (gain & CRFD_SOCK_HAS_STATE)
		r->state = more->state;
	if (gain & CRFD_SOCK_HAS_QUEUES) {
		r->recv_queue = more->recv_queue;
		r->send_queue = more->send_queue;
	}
	if (gain & CRFD_SOCK_HAS_BACKLOG)
		r->backlog = more->backlog;
	if (gain & CRFD_SOCK_HAS_PEER)
		r->peer_ino = more->peer_ino;
	if (gain & CRFD_SOCK_HAS_NET_NS)
		r->net_ns = more->net_ns;
	if (gain & CRFD_SOCK_HAS_IN_FLIGHT)
		r->in_flight = more->in_flight;
	r->known |= gain;
}

int crfd_bpf_sock_put(const struct walk_unix_sock *s, uint64_t net_ns, size_t from, crfd_buf *out)
{
	crfd_socket r = make(&s->sock, net_ns), asked;
	void *there = crfd_buf_find(out, from, CRFD_REC_SOCKET, sizeof(r));
	int rc;

	if (there)
		memcpy(&asked, there, sizeof(asked));
	if (there && asked.known & CRFD_SOCK_HAS_TYPE) {
		fill(&asked, &r);
		memcpy(there, &asked, sizeof(asked));
		return 0;
	}
	rc = crfd_buf_rec(out, CRFD_REC_SOCKET, 0, &r, sizeof(r));
	return rc < 0 || !(r.known & CRFD_SOCK_HAS_NAMES) ? rc : put_names(s, out);
}
