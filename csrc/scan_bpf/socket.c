/* SPDX-License-Identifier: MIT */
#include "scan_bpf/socket.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "kinds/socket.h"

enum how { OTHER, UNIX, TCP, DATAGRAM };

/* Returns 1 for families whose fields are understood. The rest have fields of their own, or ioctls that count otherwise. */
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
		return s->state != TCP_IS_LISTEN && s->bits & WALK_SOCK_PEER;
	if (how_of(s) == DATAGRAM) /* connected to port 0, as raw ones are, too, of which getpeername(2) says ENOTCONN */
		return s->state == TCP_IS_ESTABLISHED;
	return s->peer_port && s->state != TCP_IS_CLOSE && s->state != TCP_IS_SYN_SENT && s->state != TCP_IS_LISTEN;
}

static void set_queues(struct crfd_detail *d, uint32_t in, int out)
{
	d->rec.socket.recv_queue = in;
	d->rec.socket.send_queue = out > 0 ? (uint32_t)out : 0;
	d->known |= CRFD_SOCK_HAS_QUEUES;
}

static void set_listener(struct crfd_detail *d, uint32_t waiting, uint32_t backlog)
{
	set_queues(d, waiting, 0);
	d->rec.socket.backlog = backlog;
	d->known |= CRFD_SOCK_HAS_BACKLOG;
}

/* net/unix/af_unix.c, unix_inq_len(), unix_outq_len(); of a listener as net/unix/diag.c, sk_diag_show_rqlen() */
static void fill_unix(const struct walk_sock *s, struct crfd_detail *d)
{
	crfd_socket *r = &d->rec.socket;

	if (s->state == TCP_IS_LISTEN) {
		r->state = TCP_IS_LISTEN;
		set_listener(d, s->queued, s->backlog);
	} else {
		/* also of one that has no peer: datagrams of somebody who has connected to it (unix_dgram_connect()) */
		r->state = s->state == TCP_IS_ESTABLISHED ? SS_IS_CONNECTED : SS_IS_UNCONNECTED;
		if (!s->queued)
			set_queues(d, 0, s->write_memory - 1);
		else if (s->type == SOCK_STREAM && s->bits & WALK_SOCK_BYTES)
			set_queues(d, s->bytes, s->write_memory - 1);
	}
	if (!(s->bits & WALK_SOCK_PEER) || s->peer_ino) {
		r->peer_ino = s->peer_ino;
		d->known |= s->bits & WALK_SOCK_LISTENER ? CRFD_SOCK_HAS_LISTENER : CRFD_SOCK_HAS_PEER;
	}
	if (s->bits & WALK_SOCK_IN_FLIGHT) {
		r->in_flight = s->in_flight;
		d->known |= CRFD_SOCK_HAS_IN_FLIGHT;
	}
}

/*
 * net/ipv4/tcp.c, tcp_ioctl(), counts by sequence numbers. They agree, received with read and sent with acknowledged, when
 * no buffer waits.
 */
static void fill_tcp(const struct walk_sock *s, struct crfd_detail *d)
{
	d->rec.socket.state = s->state;
	if (s->state == TCP_IS_LISTEN)
		set_listener(d, s->pending, s->backlog);
	else if (s->state == TCP_IS_SYN_SENT || s->state == TCP_IS_SYN_RECV || (!s->queued && !s->write_queued))
		set_queues(d, 0, 0);
}

/* Only link-local ones have a zone (include/net/ipv6.h, __ipv6_addr_needs_scope_id()). */
static uint32_t scope_of(const struct in6_addr *a, uint32_t dev_if)
{
	int local = IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_MC_LINKLOCAL(a) || IN6_IS_ADDR_MC_NODELOCAL(a);

	return local ? dev_if : 0;
}

static void set_address(struct crfd_address *to, const void *address, size_t len)
{
	memcpy(to->v, address, len);
	to->len = (uint16_t)len;
}

static void fill_inet_address(const struct walk_sock *s, int peer, struct crfd_address *to)
{
	const uint32_t *address = peer ? s->peer_address : s->address;
	uint16_t port = peer ? s->peer_port : s->port;
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {address[0]}};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};

	if (s->family == AF_INET) {
		set_address(to, &four, sizeof(four));
		return;
	}
	memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
	six.sin6_scope_id = scope_of(&six.sin6_addr, s->dev_if);
	set_address(to, &six, sizeof(six));
}

/* A unix socket without a name has one of the family alone. */
static void fill_unix_address(const struct walk_unix_sock *s, int peer, struct crfd_address *to)
{
	uint16_t len = peer ? s->sock.peer_name_len : s->sock.name_len, none = AF_UNIX;

	if (len)
		set_address(to, peer ? s->peer_name : s->name, len);
	else
		set_address(to, &none, sizeof(none));
}

static void fill_address(const struct walk_unix_sock *s, int peer, struct crfd_address *to)
{
	if (s->sock.family == AF_UNIX)
		fill_unix_address(s, peer, to);
	else
		fill_inet_address(&s->sock, peer, to);
}

static void fill_understood(const struct walk_unix_sock *s, enum how how, struct crfd_detail *d)
{
	d->known |= CRFD_SOCK_HAS_STATE | CRFD_SOCK_HAS_NAMES;
	fill_address(s, 0, &d->name);
	if (has_peer(&s->sock))
		fill_address(s, 1, &d->peer);
	if (how == UNIX) {
		fill_unix(&s->sock, d);
	} else if (how == TCP) {
		fill_tcp(&s->sock, d);
	} else {
		d->rec.socket.state = has_peer(&s->sock) ? SS_IS_CONNECTED : SS_IS_UNCONNECTED;
		if (!s->sock.read_memory)
			set_queues(d, 0, s->sock.write_memory - 1);
	}
}

void crfd_bpf_sock_fill(const struct walk_unix_sock *s, uint64_t net_ns, struct crfd_detail *d)
{
	crfd_socket *r = &d->rec.socket;
	enum how how = how_of(&s->sock);

	r->family = s->sock.family;
	r->type = s->sock.type;
	r->protocol = s->sock.protocol;
	d->known |= CRFD_SOCK_HAS_TYPE;
	d->known |= s->sock.bits & WALK_SOCK_NO_READING ? CRFD_SOCK_HAS_NO_READING : CRFD_SOCK_HAS_READING;
	d->known |= s->sock.bits & WALK_SOCK_NO_WRITING ? CRFD_SOCK_HAS_NO_WRITING : CRFD_SOCK_HAS_WRITING;
	if (how != OTHER)
		fill_understood(s, how, d);
	if (s->sock.bits & WALK_SOCK_OWN_NET && net_ns) {
		r->net_ns = net_ns;
		d->known |= CRFD_SOCK_HAS_NET_NS;
	}
}
