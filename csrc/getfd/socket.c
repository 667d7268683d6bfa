/* SPDX-License-Identifier: MIT */
/* A socket says what it is in the network namespace that it was made in, whichever that is. */
#define _GNU_SOURCE
#include "getfd/getfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kinds/socket.h"

/* Older headers do not have these. */
enum {
	OPEN_FILE = 0x89e0, /* SIOCUNIXFILE of linux/un.h, Linux 4.14 */
	GET_SCTP_STATUS = 14, /* SCTP_STATUS of linux/sctp.h */
	SCTP_IS_ESTABLISHED = 4 /* SCTP_ESTABLISHED there; the states from it on are of closing */
};

static int ask_number(int s, int option, uint32_t *out)
{
	socklen_t n = sizeof(*out);

	return getsockopt(s, SOL_SOCKET, option, out, &n);
}

/* MPTCP answers for its first subflow, and not before it has one. */
static int is_tcp(const crfd_socket *r)
{
	return (r->family == AF_INET || r->family == AF_INET6) && r->type != SOCK_RAW &&
	       (r->protocol == IPPROTO_TCP || r->protocol == PROTO_MPTCP);
}

static int is_sctp(const crfd_socket *r)
{
	return (r->family == AF_INET || r->family == AF_INET6) && r->type != SOCK_RAW && r->protocol == PROTO_SCTP;
}

static void set_state(struct crfd_detail *d, uint32_t state)
{
	d->rec.socket.state = state;
	d->known |= CRFD_SOCK_HAS_STATE;
}

/* net/ipv4/tcp.c, tcp_get_info(), 2.6.30: a listener counts in these two who waits and how many may. */
static void ask_tcp(int s, struct crfd_detail *d)
{
	struct tcp_info info;
	socklen_t n = offsetof(struct tcp_info, tcpi_lost);

	if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n) < 0 || n < offsetof(struct tcp_info, tcpi_lost))
		return;
	set_state(d, info.tcpi_state);
	if (info.tcpi_state != TCP_IS_LISTEN)
		return;
	d->rec.socket.recv_queue = info.tcpi_unacked;
	d->rec.socket.backlog = info.tcpi_sacked;
	d->known |= CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG;
}

/* Asks for the state of an association: sockets before and after have none, and those of many have no state of their own. */
static void ask_sctp(int s, struct crfd_detail *d)
{
	int32_t status[64] = {0}; /* struct sctp_status begins with id and state */
	socklen_t n = sizeof(status);

	if (d->rec.socket.type != SOCK_STREAM || getsockopt(s, PROTO_SCTP, GET_SCTP_STATUS, status, &n) < 0)
		return;
	if (status[1] == SCTP_IS_ESTABLISHED)
		set_state(d, TCP_IS_ESTABLISHED);
	else if (status[1] > SCTP_IS_ESTABLISHED)
		set_state(d, TCP_IS_CLOSE_WAIT);
}

static void ask_state(int s, struct crfd_detail *d)
{
	const crfd_socket *r = &d->rec.socket;
	int may_listen = r->type == SOCK_STREAM || r->type == SOCK_SEQPACKET || r->type == SOCK_DCCP;
	uint32_t listens;

	if (is_tcp(r))
		ask_tcp(s, d);
	if (d->known & CRFD_SOCK_HAS_STATE || !may_listen)
		return;
	if (ask_number(s, SO_ACCEPTCONN, &listens) == 0 && listens)
		set_state(d, TCP_IS_LISTEN);
	else if (is_sctp(r))
		ask_sctp(s, d);
}

/* Asks only those families whose ioctl is known to do nothing but count. */
static void ask_queues(int s, struct crfd_detail *d)
{
	crfd_socket *r = &d->rec.socket;
	int in, out;

	if (d->known & CRFD_SOCK_HAS_STATE && r->state == TCP_IS_LISTEN)
		return;
	if (r->family != AF_UNIX && r->family != AF_INET && r->family != AF_INET6 && r->family != AF_PACKET &&
	    r->family != FAMILY_VSOCK)
		return;
	if (ioctl(s, SIOCINQ, &in) < 0 || ioctl(s, SIOCOUTQ, &out) < 0 || in < 0 || out < 0)
		return;
	r->recv_queue = (uint32_t)in;
	r->send_queue = (uint32_t)out;
	d->known |= CRFD_SOCK_HAS_QUEUES;
}

/* Asks for an address: 0, also where there is none, or -errno. */
static int ask_address(int s, int peer, struct crfd_address *out)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);

	_Static_assert(sizeof(name) == sizeof(out->v), "any address");
	if ((peer ? getpeername(s, (struct sockaddr *)&name, &n) : getsockname(s, (struct sockaddr *)&name, &n)) < 0)
		return -errno;
	if (n < sizeof(name.ss_family) || n > sizeof(name))
		return 0;
	memcpy(out->v, &name, n);
	out->len = (uint16_t)n;
	return 0;
}

/*
 * getpeername(2) says ENOTCONN of a socket that was connected to port 0, as raw ones are. ip(7): IP_MTU is refused without a
 * connection, whose route it asks.
 */
static int has_route(int s, const crfd_socket *r)
{
	socklen_t n = sizeof(int);
	int six = r->family == AF_INET6, mtu;

	if ((r->family != AF_INET && !six) || (r->type != SOCK_DGRAM && r->type != SOCK_RAW))
		return 0;
	return getsockopt(s, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu, &n) == 0;
}

/*
 * The kernel calls a bound unix socket connected once somebody has connected to it with datagrams, though it has no peer
 * (net/unix/af_unix.c, unix_dgram_connect()). No call shows that, the list of sock_diag(7) does.
 */
static int may_be_connected_to(const crfd_socket *r, const struct crfd_address *name)
{
	return r->family == AF_UNIX && r->type == SOCK_DGRAM && name->len > sizeof(sa_family_t);
}

static int ask_peer(int s, struct crfd_detail *d)
{
	const crfd_socket *r = &d->rec.socket;
	int stated = (d->known & CRFD_SOCK_HAS_STATE) != 0;
	int none = stated && (r->state == TCP_IS_LISTEN || (is_tcp(r) && r->state == TCP_IS_CLOSE));
	int rc = none ? -ENOTCONN : ask_address(s, 1, &d->peer);

	/* Netlink sockets always have one, the kernel where nothing else was said. */
	if (stated || r->family == AF_NETLINK || is_tcp(r) || is_sctp(r))
		return rc;
	if (d->peer.len) {
		set_state(d, SS_IS_CONNECTED);
	} else if (rc == -ENOTCONN && has_route(s, r)) {
		set_state(d, SS_IS_CONNECTED);
		return -EDESTADDRREQ; /* it has a peer, and that is not told */
	} else if (rc == -ENOTCONN && !may_be_connected_to(r, &d->name)) {
		set_state(d, SS_IS_UNCONNECTED);
	}
	return rc;
}

static void ask_addresses(int s, struct crfd_detail *d)
{
	int local = ask_address(s, 0, &d->name), remote = ask_peer(s, d);

	if (local == 0 && (remote == 0 || remote == -ENOTCONN || remote == -EOPNOTSUPP))
		d->known |= CRFD_SOCK_HAS_NAMES;
}

static int ask_type(int s, struct crfd_detail *d)
{
	uint32_t family, type, protocol;

	if (ask_number(s, SO_DOMAIN, &family) < 0 || ask_number(s, SO_TYPE, &type) < 0 ||
	    ask_number(s, SO_PROTOCOL, &protocol) < 0)
		return 0;
	d->rec.socket.family = (uint16_t)family;
	d->rec.socket.type = (uint16_t)type;
	d->rec.socket.protocol = protocol;
	d->known |= CRFD_SOCK_HAS_TYPE;
	return 1;
}

static int is_path(const struct crfd_address *name, uint16_t family)
{
	return family == AF_UNIX && name->len > sizeof(sa_family_t) && name->v[sizeof(sa_family_t)];
}

/* Names of families that have more to say of them: the inode of a path, the interface of a number. */
int crfd_getfd_socket_is_named(const struct crfd_detail *d)
{
	return is_path(&d->name, d->rec.socket.family) || d->rec.socket.family == AF_PACKET;
}

/* Only to whoever may administer the network namespace. What it opens is a path alone, which no server hears of (O_PATH). */
static int ask_file(int s, struct crfd_detail *d)
{
	int file = ioctl(s, OPEN_FILE);
	crfd_sock_file r;
	struct statx st;
	int rc = 0;

	if (file < 0)
		return 0;
	if (statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) == 0) {
		r = (crfd_sock_file){.mode = st.stx_mode, .uid = st.stx_uid, .gid = st.stx_gid, .nlink = st.stx_nlink,
				     .dev = makedev(st.stx_dev_major, st.stx_dev_minor), .ino = st.stx_ino};
		rc = crfd_detail_more(d, CRFD_REC_SOCK_FILE, &r, sizeof(r));
	}
	close(file);
	return rc;
}

static int ask_interface(int s, struct crfd_detail *d)
{
	struct sockaddr_ll a = {0};
	crfd_sock_interface r;
	struct ifreq req = {0};

	_Static_assert(sizeof(r.name) == sizeof(req.ifr_name), "any name");
	if (d->name.len < offsetof(struct sockaddr_ll, sll_hatype))
		return 0;
	memcpy(&a, d->name.v, d->name.len < sizeof(a) ? d->name.len : sizeof(a));
	req.ifr_ifindex = a.sll_ifindex;
	if (!a.sll_ifindex || ioctl(s, SIOCGIFNAME, &req) < 0)
		return 0;
	memcpy(r.name, req.ifr_name, sizeof(r.name));
	return crfd_detail_more(d, CRFD_REC_SOCK_INTERFACE, &r, sizeof(r));
}

static int ask_named(int s, struct crfd_detail *d)
{
	if (is_path(&d->name, d->rec.socket.family))
		return ask_file(s, d);
	return d->rec.socket.family == AF_PACKET ? ask_interface(s, d) : 0;
}

int crfd_getfd_socket(struct crfd_getfd_nets *nets, int s, struct crfd_detail *d)
{
	if (!(d->known & CRFD_SOCK_HAS_TYPE) && !ask_type(s, d))
		return 0;
	if (!(d->known & CRFD_SOCK_HAS_STATE))
		ask_state(s, d);
	if (!(d->known & CRFD_SOCK_HAS_QUEUES))
		ask_queues(s, d);
	if (!(d->known & CRFD_SOCK_HAS_NAMES))
		ask_addresses(s, d);
	crfd_getfd_halves(s, d);
	if (!(d->known & CRFD_SOCK_HAS_NET_NS))
		d->rec.socket.net_ns = crfd_getfd_nets_find(nets, s);
	if (d->rec.socket.net_ns)
		d->known |= CRFD_SOCK_HAS_NET_NS;
	return ask_named(s, d);
}
