/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "getfd/getfd.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kinds/socket.h"

/* Older headers do not have these. */
enum { BUF_LOCK = 72 /* SO_BUF_LOCK, Linux 5.14 */, ZEROCOPY = 60 /* SO_ZEROCOPY, Linux 4.14 */ };

/* An option that is on or off, or a number that is not 0 where it is on. */
static const struct {
	int level, option;
	uint32_t bit;
} switches[] = {
	{SOL_SOCKET, SO_REUSEADDR, CRFD_SOCKOPT_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT, CRFD_SOCKOPT_REUSEPORT},
	{SOL_SOCKET, SO_KEEPALIVE, CRFD_SOCKOPT_KEEPALIVE}, {SOL_SOCKET, SO_BROADCAST, CRFD_SOCKOPT_BROADCAST},
	{SOL_SOCKET, SO_OOBINLINE, CRFD_SOCKOPT_OOBINLINE}, {SOL_SOCKET, SO_DONTROUTE, CRFD_SOCKOPT_DONTROUTE},
	{SOL_SOCKET, SO_NO_CHECK, CRFD_SOCKOPT_NO_CHECK}, {SOL_SOCKET, SO_PASSCRED, CRFD_SOCKOPT_PASSCRED},
	{SOL_SOCKET, SO_PASSSEC, CRFD_SOCKOPT_PASSSEC}, {SOL_SOCKET, SO_TIMESTAMP, CRFD_SOCKOPT_TIMESTAMP},
	{SOL_SOCKET, ZEROCOPY, CRFD_SOCKOPT_ZEROCOPY}, {SOL_SOCKET, BUF_LOCK, CRFD_SOCKOPT_BUF_LOCK},
	{IPPROTO_TCP, TCP_NODELAY, CRFD_SOCKOPT_NODELAY}, {IPPROTO_TCP, TCP_CORK, CRFD_SOCKOPT_CORK},
	{IPPROTO_IP, IP_FREEBIND, CRFD_SOCKOPT_FREEBIND}, {IPPROTO_IP, IP_TRANSPARENT, CRFD_SOCKOPT_TRANSPARENT},
	{IPPROTO_IP, IP_HDRINCL, CRFD_SOCKOPT_HDRINCL}, {IPPROTO_IP, IP_PKTINFO, CRFD_SOCKOPT_PKTINFO},
	{IPPROTO_IP, IP_RECVERR, CRFD_SOCKOPT_RECVERR}, {IPPROTO_IPV6, IPV6_FREEBIND, CRFD_SOCKOPT_FREEBIND},
	{IPPROTO_IPV6, IPV6_TRANSPARENT, CRFD_SOCKOPT_TRANSPARENT}, {IPPROTO_IPV6, IPV6_HDRINCL, CRFD_SOCKOPT_HDRINCL},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, CRFD_SOCKOPT_PKTINFO}, {IPPROTO_IPV6, IPV6_RECVERR, CRFD_SOCKOPT_RECVERR},
	{IPPROTO_IPV6, IPV6_V6ONLY, CRFD_SOCKOPT_V6ONLY},
};

static int ask(int s, int level, int option, uint32_t *out)
{
	socklen_t n = sizeof(*out);

	return getsockopt(s, level, option, out, &n) < 0 || n != sizeof(*out) ? -1 : 0;
}

/* Other families may have another meaning for a level's number. */
static int is_of_level(const crfd_socket *r, int level)
{
	int tcp = r->type == SOCK_STREAM && (r->protocol == IPPROTO_TCP || r->protocol == PROTO_MPTCP);

	switch (level) {
	case IPPROTO_TCP:
		return (r->family == AF_INET || r->family == AF_INET6) && tcp;
	case IPPROTO_IP:
		return r->family == AF_INET;
	case IPPROTO_IPV6:
		return r->family == AF_INET6;
	default:
		return 1;
	}
}

static void ask_switches(int s, const crfd_socket *r, crfd_sock_options *o)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		uint32_t value;

		if (!is_of_level(r, switches[i].level) || ask(s, switches[i].level, switches[i].option, &value) < 0)
			continue;
		o->known |= switches[i].bit;
		o->on |= value ? switches[i].bit : 0;
	}
}

/* Each of these returns 0, or -1 where the kernel does not say. */

static int ask_timeout(int s, int option, uint64_t *out)
{
	struct timeval t;
	socklen_t n = sizeof(t);

	if (getsockopt(s, SOL_SOCKET, option, &t, &n) < 0 || n != sizeof(t))
		return -1;
	*out = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
	return 0;
}

static int ask_text(int s, int level, int option, char *out, size_t size)
{
	socklen_t n = (socklen_t)size;

	if (getsockopt(s, level, option, out, &n) < 0 || n > size)
		return -1;
	memset(out + n, 0, size - n);
	return 0;
}

static int ask_tcp(int s, crfd_sock_options *o)
{
	return ask(s, IPPROTO_TCP, TCP_KEEPIDLE, &o->keep_idle) | ask(s, IPPROTO_TCP, TCP_KEEPINTVL, &o->keep_interval) |
	       ask(s, IPPROTO_TCP, TCP_KEEPCNT, &o->keep_count) | ask(s, IPPROTO_TCP, TCP_USER_TIMEOUT, &o->user_timeout) |
	       ask_text(s, IPPROTO_TCP, TCP_CONGESTION, o->congestion, sizeof(o->congestion));
}

static int ask_all(int s, crfd_sock_options *o)
{
	return ask(s, SOL_SOCKET, SO_RCVBUF, &o->recv_buffer) | ask(s, SOL_SOCKET, SO_SNDBUF, &o->send_buffer) |
	       ask(s, SOL_SOCKET, SO_RCVLOWAT, &o->recv_low) | ask(s, SOL_SOCKET, SO_PRIORITY, &o->priority) |
	       ask(s, SOL_SOCKET, SO_MARK, &o->mark) | ask_timeout(s, SO_RCVTIMEO, &o->recv_timeout) |
	       ask_timeout(s, SO_SNDTIMEO, &o->send_timeout) |
	       ask_text(s, SOL_SOCKET, SO_BINDTODEVICE, o->device, sizeof(o->device));
}

static void ask_linger(int s, crfd_sock_options *o)
{
	struct linger l;
	socklen_t n = sizeof(l);

	if (getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &n) < 0)
		return;
	o->known |= CRFD_SOCKOPT_LINGER;
	if (!l.l_onoff)
		return;
	o->on |= CRFD_SOCKOPT_LINGER;
	o->linger = (uint32_t)l.l_linger;
}

/* What every socket has is all told, or nothing is. */
int crfd_getfd_sockopts(int s, struct crfd_detail *d)
{
	const crfd_socket *r = &d->rec.socket;
	crfd_sock_options o = {0}, tcp;

	if (!(d->known & CRFD_SOCK_HAS_TYPE) || ask_all(s, &o) < 0)
		return 0;
	ask_linger(s, &o);
	ask_switches(s, r, &o);
	tcp = o;
	if (is_of_level(r, IPPROTO_TCP) && ask_tcp(s, &tcp) == 0) {
		o = tcp;
		o.known |= CRFD_SOCKOPTS_HAS_TCP;
	}
	return crfd_detail_more(d, CRFD_REC_SOCK_OPTIONS, &o, sizeof(o));
}
