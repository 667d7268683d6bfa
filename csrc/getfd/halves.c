/* SPDX-License-Identifier: MIT */
/* A half of a connection is what is read of it, or what is written; shutdown(2) closes one. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "getfd/getfd.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "kinds/socket.h"

#define HALVES (CRFD_SOCK_HAS_READING | CRFD_SOCK_HAS_NO_READING | CRFD_SOCK_HAS_WRITING | CRFD_SOCK_HAS_NO_WRITING)

/*
 * Says by the state which halves are open: the one that writes as net/ipv4/tcp.c, tcp_shutdown() has it, in bits of known; in
 * CLOSE_WAIT also the end of what is to be read (tcp_fin()).
 */
static uint32_t halves_of_tcp(uint32_t state)
{
	switch (state) {
	case TCP_IS_ESTABLISHED:
		return CRFD_SOCK_HAS_WRITING;
	case TCP_IS_SYN_SENT:
	case TCP_IS_LISTEN:
		return CRFD_SOCK_HAS_WRITING | CRFD_SOCK_HAS_READING;
	case TCP_IS_CLOSE_WAIT:
		return CRFD_SOCK_HAS_WRITING | CRFD_SOCK_HAS_NO_READING;
	case TCP_IS_FIN_WAIT1:
	case TCP_IS_FIN_WAIT2:
		return CRFD_SOCK_HAS_NO_WRITING;
	case TCP_IS_CLOSING:
	case TCP_IS_LAST_ACK:
		return CRFD_SOCK_HAS_NO_WRITING | CRFD_SOCK_HAS_NO_READING;
	default:
		return 0;
	}
}

/*
 * tcp_poll() and datagram_poll(): hung up is a socket whose both halves are shut down, or a closed one of TCP. One whose buffer is
 * full would be noted as waited for, and a signal sent when there is room; so it is not asked.
 */
static uint32_t polled_halves(int s, int closed)
{
	struct pollfd p = {.fd = s, .events = POLLRDHUP};

	if (poll(&p, 1, 0) < 0 || p.revents & POLLNVAL)
		return 0;
	if (p.revents & POLLHUP && !closed)
		return CRFD_SOCK_HAS_NO_READING | CRFD_SOCK_HAS_NO_WRITING;
	if (p.revents & POLLRDHUP)
		return CRFD_SOCK_HAS_NO_READING | (closed ? 0 : CRFD_SOCK_HAS_WRITING);
	return CRFD_SOCK_HAS_READING;
}

/* Asks sockets of the Internet; those of unix are in the list of sock_diag(7), and the rest are not known to poll as simply. */
void crfd_getfd_halves(int s, struct crfd_detail *d)
{
	const crfd_socket *r = &d->rec.socket;
	int datagrams = r->type == SOCK_DGRAM || r->type == SOCK_RAW;
	int stated = r->protocol == IPPROTO_TCP && r->type == SOCK_STREAM && d->known & CRFD_SOCK_HAS_STATE;
	uint32_t halves = stated ? halves_of_tcp(r->state) : 0;
	int empty;

	if ((r->family != AF_INET && r->family != AF_INET6) || (!stated && !datagrams) || d->known & HALVES)
		return;
	empty = halves & CRFD_SOCK_HAS_NO_WRITING || (d->known & CRFD_SOCK_HAS_QUEUES && !r->send_queue);
	if (!(halves & (CRFD_SOCK_HAS_READING | CRFD_SOCK_HAS_NO_READING)) && empty)
		halves |= polled_halves(s, stated && r->state == TCP_IS_CLOSE);
	d->known |= halves;
}
