/* SPDX-License-Identifier: MIT */
#include "columns/socket.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "kinds/socket.h"

/* SOCK_* and enum socket_state of linux/net.h, include/net/tcp_states.h, AF_* of linux/socket.h; IPPROTO_* of linux/in.h */
static const char *const types[] = {"?", "stream", "dgram", "raw", "rdm", "seqpacket", "dccp", "?", "?", "?", "packet"};
static const char *const states[] = {"free", "unconnected", "connecting", "connected", "disconnecting"};
static const char *const tcp_states[] = {"?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
					 "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
					 "BOUND_INACTIVE"};
static const char *const families[] = {[1] = "unix", [16] = "netlink", [17] = "packet", [38] = "alg", [40] = "vsock", [44] = "xdp"};
static const char *const protocols[] = {[1] = "ICMP", [6] = "TCP", [17] = "UDP", [33] = "DCCP", [58] = "ICMPv6", [132] = "SCTP",
					[136] = "UDPLITE", [255] = "RAW", [262] = "MPTCP"};

/* NETLINK_* of linux/netlink.h */
static const char *const netlinks[] = {
	[0] = "route", [2] = "usersock", [3] = "firewall", [4] = "sock_diag", [5] = "nflog", [6] = "xfrm", [7] = "selinux",
	[8] = "iscsi", [9] = "audit", [10] = "fib_lookup", [11] = "connector", [12] = "netfilter", [13] = "ip6_fw",
	[14] = "dnrtmsg", [15] = "kobject_uevent", [16] = "generic", [18] = "scsitransport", [19] = "ecryptfs", [20] = "rdma",
	[21] = "crypto", [22] = "smc",
};

/* Returns the bytes of an address, p NULL where there is none. */
static struct crfd_bytes address_of(const struct crfd_row *r, int rec)
{
	size_t n = 0;
	const uint8_t *p = crfd_row_record(r->ext, rec, 1, CRFD_ALWAYS, 0, &n);

	return (struct crfd_bytes){p, n};
}

static int is_told(const struct crfd_row *r)
{
	return r->data.fd_type == CRFD_KIND_SOCKET &&
	       (r->socket.known || address_of(r, CRFD_REC_SOCK_NAME).p || address_of(r, CRFD_REC_SOCK_PEER).p);
}

static int is_inet(const crfd_socket *s)
{
	return s->family == AF_INET || s->family == AF_INET6;
}

/* The type decides, not the protocol: a raw socket of protocol 6 has none of TCP's states. */
static int has_tcp_states(const crfd_socket *s)
{
	return is_inet(s) && s->type != SOCK_RAW &&
	       (s->protocol == IPPROTO_TCP || s->protocol == PROTO_SCTP || s->protocol == PROTO_MPTCP);
}

static int name_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	(void)s;
	return crfd_address_json(address_of(r, CRFD_REC_SOCK_NAME), out);
}

static int peer_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	(void)s;
	return crfd_address_json(address_of(r, CRFD_REC_SOCK_PEER), out);
}

static int say_proto(const crfd_socket *s, crfd_buf *out)
{
	int six = s->family == AF_INET6;

	if (!is_inet(s)) {
		if (s->family < CRFD_LEN(families) && families[s->family])
			crfd_text_printf(out, "%s ", families[s->family]);
		else
			crfd_text_printf(out, "family %u ", s->family);
		return s->family == AF_NETLINK ? crfd_text_name(out, netlinks, CRFD_LEN(netlinks), s->protocol) :
						 crfd_text_name(out, types, CRFD_LEN(types), s->type);
	}
	if (s->type == SOCK_RAW)
		return crfd_text_put(out, six ? "RAW6" : "RAW");
	if (s->protocol >= CRFD_LEN(protocols) || !protocols[s->protocol])
		return crfd_text_printf(out, "protocol %u", s->protocol);
	six = six && (s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP || s->protocol == IPPROTO_RAW ||
		      s->protocol == IPPROTO_UDPLITE);
	crfd_text_put(out, protocols[s->protocol]);
	return crfd_text_put(out, six ? "6" : "");
}

static int say_state(const crfd_socket *s, crfd_buf *out)
{
	if (s->state == TCP_IS_LISTEN)
		return crfd_text_put(out, "LISTEN");
	return has_tcp_states(s) ? crfd_text_name(out, tcp_states, CRFD_LEN(tcp_states), s->state) :
				   crfd_text_name(out, states, CRFD_LEN(states), s->state);
}

static int say_queues(const crfd_socket *s, crfd_buf *out)
{
	int listens = s->known & CRFD_SOCK_HAS_STATE && s->state == TCP_IS_LISTEN;

	if (s->known & CRFD_SOCK_HAS_QUEUES && (listens || s->recv_queue))
		crfd_text_printf(out, listens ? " waiting=%u" : " recv=%u", s->recv_queue);
	if (s->known & CRFD_SOCK_HAS_QUEUES && !listens && s->send_queue)
		crfd_text_printf(out, " send=%u", s->send_queue);
	if (listens && s->known & CRFD_SOCK_HAS_BACKLOG)
		crfd_text_printf(out, " backlog=%u", s->backlog);
	if (s->known & CRFD_SOCK_HAS_IN_FLIGHT && s->in_flight)
		crfd_text_printf(out, " in_flight=%u", s->in_flight);
	return out->failed;
}

/* Its network namespace where that is not our own, else 0. */
static uint64_t other_net_ns(const struct crfd_row *r)
{
	uint64_t own = r->task->net_ns, its = r->socket.net_ns;

	return r->socket.known & CRFD_SOCK_HAS_NET_NS && own && its != own ? its : 0;
}

static int say(const struct crfd_row *r, crfd_buf *out)
{
	struct crfd_bytes name = address_of(r, CRFD_REC_SOCK_NAME), peer = address_of(r, CRFD_REC_SOCK_PEER);
	const crfd_socket *s = &r->socket;
	crfd_sock_interface interface;

	if (s->known & CRFD_SOCK_HAS_TYPE) {
		crfd_text_put(out, " ");
		say_proto(s, out);
	}
	if (name.p || peer.p) {
		crfd_text_put(out, " ");
		crfd_address_say(name, out);
	}
	if (peer.p) {
		crfd_text_put(out, " → ");
		crfd_address_say(peer, out);
	}
	if (crfd_row_read(r, CRFD_REC_SOCK_INTERFACE, &interface, sizeof(interface))) {
		crfd_text_put(out, " ");
		crfd_text_padded(out, interface.name, sizeof(interface.name));
	}
	if (s->known & CRFD_SOCK_HAS_STATE) {
		crfd_text_put(out, " ");
		say_state(s, out);
	}
	if (other_net_ns(r))
		crfd_text_printf(out, " net_ns=%llu", (unsigned long long)s->net_ns);
	return say_queues(s, out);
}

int crfd_socket_proto(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c;
	return r->socket.known & CRFD_SOCK_HAS_TYPE ? crfd_value_scratch(s, say_proto(&r->socket, &s->text), v) : 0;
}

int crfd_socket_state(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c;
	return r->socket.known & CRFD_SOCK_HAS_STATE ? crfd_value_scratch(s, say_state(&r->socket, &s->text), v) : 0;
}

int crfd_socket_address(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	struct crfd_bytes raw = address_of(r, c->rec);

	return raw.p ? crfd_value_scratch(s, crfd_address_say(raw, &s->text), v) : 0;
}

int crfd_socket_port(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)s;
	return crfd_address_port(address_of(r, c->rec), v);
}

int crfd_socket_other_net_ns(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			     struct crfd_value *v)
{
	uint64_t ino = other_net_ns(r);

	(void)c, (void)s;
	return ino ? crfd_value_number(v, ino) : 0;
}

/* ---- ends ---- */

static size_t unix_end(const struct crfd_row *r, int others, struct crfd_end *out)
{
	int is_known = others ? (r->socket.known & (CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_LISTENER)) != 0 :
				(r->st.known & CRFD_HAS_INO) != 0;

	*out = (struct crfd_end){.kind = CRFD_KIND_SOCKET, .ino = others ? r->socket.peer_ino : r->st.ino};
	return is_known && out->ino;
}

size_t crfd_socket_end(const struct crfd_row *r, int others, struct crfd_end *out)
{
	struct crfd_bytes name = address_of(r, CRFD_REC_SOCK_NAME), peer = address_of(r, CRFD_REC_SOCK_PEER);
	const crfd_socket *s = &r->socket;

	if (!(s->known & CRFD_SOCK_HAS_TYPE))
		return 0;
	if (s->family == AF_UNIX)
		return unix_end(r, others, out);
	if (!is_inet(s) || s->type == SOCK_RAW || !(s->known & CRFD_SOCK_HAS_NET_NS))
		return 0;
	*out = (struct crfd_end){.kind = CRFD_KIND_SOCKET, .which = s->protocol, .ino = s->net_ns};
	return crfd_address_host(others ? peer : name, &out->own) && crfd_address_host(others ? name : peer, &out->other);
}

/* Writes which halves are open: "rw", a - for what was shut down, a ? for what is not known. */
static int get_shutdown(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	uint32_t known = r->socket.known;
	char read = known & CRFD_SOCK_HAS_READING ? 'r' : known & CRFD_SOCK_HAS_NO_READING ? '-' : '?';
	char write = known & CRFD_SOCK_HAS_WRITING ? 'w' : known & CRFD_SOCK_HAS_NO_WRITING ? '-' : '?';

	(void)c;
	return read == '?' && write == '?' ? 0 : crfd_value_scratch(s, crfd_text_printf(&s->text, "%c%c", read, write), v);
}

#define PATH(name, text, type, unit, member)                                                                       \
	CRFD_MEMBER("socket.file_" name, text, KIND, type, unit, 0, RECORD, CRFD_REC_SOCK_FILE, crfd_sock_file, member, \
		    CRFD_ALWAYS, 0)

#define SOCKET(name, text, type, unit, member, bit)                                                               \
	CRFD_MEMBER("socket." name, text, KIND, type, unit, 0, FILE, 0, struct crfd_row, socket.member,           \
		    offsetof(struct crfd_row, socket.known), CRFD_SOCK_HAS_##bit)

static const struct crfd_column columns[] = {
	SOCKET("family", "AF_* number", INT, NONE, family, TYPE),
	SOCKET("type", "SOCK_* number", INT, NONE, type, TYPE),
	SOCKET("protocol", "IPPROTO_* or what the family takes", INT, NONE, protocol, TYPE),
	SOCKET("state", "TCP_* number of tcp(7), or SS_* of linux/net.h; 10 listens", INT, NONE, state, STATE),
	SOCKET("recv_queue", "bytes to be read; connections to accept where it listens", INT, NONE, recv_queue, QUEUES),
	SOCKET("send_queue", "bytes not sent or acknowledged", INT, NONE, send_queue, QUEUES),
	SOCKET("backlog", "connections that may wait", INT, NONE, backlog, BACKLOG),
	SOCKET("in_flight", "descriptors in the receive queue of a unix socket", INT, NONE, in_flight, IN_FLIGHT),
	SOCKET("peer_ino", "inode of a unix socket's peer, 0: none", INT, ID, peer_ino, PEER),
	SOCKET("listener_ino", "inode of the unix socket that has not accepted the connection yet", INT, ID, peer_ino, LISTENER),
	SOCKET("net_ns", "inode of its network namespace", INT, ID, net_ns, NET_NS),
	CRFD_CALL("socket.shutdown", "halves that shutdown(2) has left open: rw, r-, -w, --; ? where it is not known", KIND, TEXT,
		  NONE, CRFD_COLUMN_FEW, get_shutdown),
	PATH("mode", "type and permissions of the inode that a unix socket's path led to when it was bound", INT, OCTAL, mode),
	PATH("uid", "user id of that inode's owner", INT, ID, uid), PATH("gid", "group id of that inode's owner", INT, ID, gid),
	PATH("nlink", "names that this inode has, 0: it was deleted", INT, NONE, nlink),
	PATH("dev", "device of that inode", UINT, DEVICE, dev), PATH("ino", "number of that inode", UINT, ID, ino),
	CRFD_MEMBER("socket.interface", "network interface that a packet socket is bound to", KIND, TEXT, NONE, 0, RECORD,
		    CRFD_REC_SOCK_INTERFACE, crfd_sock_interface, name, CRFD_ALWAYS, 0),
	CRFD_CALL("socket.name", "address it is bound to", KIND, TEXT, NONE, CRFD_COLUMN_SHOWN, crfd_socket_address,
		  .rec = CRFD_REC_SOCK_NAME, .json = name_json),
	CRFD_CALL("socket.peer", "address it is connected with", KIND, TEXT, NONE, CRFD_COLUMN_SHOWN, crfd_socket_address,
		  .rec = CRFD_REC_SOCK_PEER, .json = peer_json),
	CRFD_MEMBER("socket.names_known", "whether an address that is not there means that there is none", KIND, BOOL, NONE, 0, FILE, 0,
		    struct crfd_row, socket.known, CRFD_ALWAYS, 0,
		    CRFD_READING(.mask = CRFD_SOCK_HAS_NAMES, .family = &crfd_family_socket)),
};

const struct crfd_family crfd_family_socket = {
	"socket", {CRFD_KIND_SOCKET}, {0}, columns, CRFD_LEN(columns), .say = say, .is_told = is_told,
};
