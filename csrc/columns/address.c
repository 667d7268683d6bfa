/* SPDX-License-Identifier: MIT */
#include "columns/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "columns/column.h"

/* ETH_P_* of linux/if_ether.h that are often listened to. */
static const struct {
	uint16_t protocol;
	const char *name;
} ethers[] = {
	{0x0003, "all"}, {0x0060, "loop"}, {0x0800, "ip"}, {0x0806, "arp"}, {0x8035, "rarp"}, {0x8100, "8021q"}, {0x86dd, "ipv6"},
	{0x8847, "mpls"}, {0x8863, "pppoe_discovery"}, {0x8864, "pppoe_session"}, {0x888e, "eapol"}, {0x88a8, "8021ad"},
	{0x88cc, "lldp"}, {0x88e5, "macsec"}, {0x88f7, "ptp"},
};

union address {
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct {
		uint16_t family, pad;
		uint32_t a, b; /* of netlink: port id and groups; of vsock: port and cid */
	} pair;
	struct {
		uint16_t family, protocol; /* in network order */
		int32_t ifindex;
		uint16_t hatype;
		uint8_t pkttype, len;
	} packet;
};

/* Returns the family of a whole address, 0 for bytes that are none of a family we know. */
static int read_address(struct crfd_bytes raw, union address *a)
{
	static const uint8_t sizes[] = {[AF_UNIX] = 2, [AF_INET] = 8, [AF_INET6] = 28, [AF_NETLINK] = 12, [AF_PACKET] = 12,
					[AF_VSOCK] = 12};
	uint16_t family = 0;

	memset(a, 0, sizeof(*a));
	if (raw.n >= sizeof(family))
		memcpy(&family, raw.p, sizeof(family));
	if (family >= sizeof(sizes) || !sizes[family] || raw.n < sizes[family])
		return 0;
	memcpy(a, raw.p, raw.n < sizeof(*a) ? raw.n : sizeof(*a));
	return family;
}

/* Returns the path of a unix address: empty without a name, with its leading NUL where it is abstract. */
static struct crfd_bytes unix_path(struct crfd_bytes raw)
{
	struct crfd_bytes path = {raw.p + 2, raw.n - 2};

	if (path.n && path.p[0])
		path.n = strnlen((const char *)path.p, path.n);
	return path;
}

static const char *host(int family, const union address *a, char *text)
{
	const void *at = family == AF_INET6 ? (const void *)&a->in6.sin6_addr : (const void *)&a->in.sin_addr;

	return inet_ntop(family, at, text, INET6_ADDRSTRLEN);
}

static unsigned int port_of(const union address *a)
{
	return ntohs(a->in.sin_port);
}

static int say_unix(struct crfd_bytes path, crfd_buf *out)
{
	int abstract = path.n && !path.p[0];

	if (!path.n)
		return crfd_text_put(out, "unnamed");
	crfd_text_put(out, abstract ? "@" : "");
	return crfd_text_escape(out, path.p + abstract, path.n - (size_t)abstract);
}

static int say_packet(const union address *a, crfd_buf *out)
{
	uint16_t protocol = ntohs(a->packet.protocol);

	for (size_t i = 0; i < CRFD_LEN(ethers); i++)
		if (ethers[i].protocol == protocol)
			return crfd_text_printf(out, "protocol %s interface %d", ethers[i].name, a->packet.ifindex);
	return crfd_text_printf(out, "protocol 0x%04x interface %d", protocol, a->packet.ifindex);
}

/* VMADDR_CID_ANY and VMADDR_PORT_ANY of linux/vm_sockets.h */
static int say_wildcard(uint32_t number, const char *behind, crfd_buf *out)
{
	return number == UINT32_MAX ? crfd_text_printf(out, "*%s", behind) : crfd_text_printf(out, "%u%s", number, behind);
}

int crfd_address_say(struct crfd_bytes raw, crfd_buf *out)
{
	char text[INET6_ADDRSTRLEN];
	union address a;

	if (!raw.p)
		return crfd_text_put(out, "?");
	switch (read_address(raw, &a)) {
	case AF_UNIX:
		return say_unix(unix_path(raw), out);
	case AF_INET:
		return crfd_text_printf(out, "%s:%u", host(AF_INET, &a, text), port_of(&a));
	case AF_INET6:
		return crfd_text_printf(out, "[%s]:%u", host(AF_INET6, &a, text), port_of(&a));
	case AF_NETLINK:
		return a.pair.b ? crfd_text_printf(out, "port %u groups %#x", a.pair.a, a.pair.b) :
				  crfd_text_printf(out, "port %u", a.pair.a);
	case AF_PACKET:
		return say_packet(&a, out);
	case AF_VSOCK:
		say_wildcard(a.pair.b, ":", out);
		return say_wildcard(a.pair.a, "", out);
	default:
		return raw.n > 2 ? crfd_text_hex(out, raw.p + 2, raw.n - 2) : 0;
	}
}

static int json_packet(struct crfd_bytes raw, const union address *a, crfd_buf *out)
{
	size_t n = raw.n - 12 < a->packet.len ? raw.n - 12 : a->packet.len;

	crfd_text_printf(out, "{\"protocol\": %u, \"ifindex\": %d, \"hatype\": %u, \"pkttype\": %u, \"address\": ",
			 ntohs(a->packet.protocol), a->packet.ifindex, a->packet.hatype, a->packet.pkttype);
	crfd_text_json(out, raw.p + 12, n);
	return crfd_text_put(out, "}");
}

static int json_unix(struct crfd_bytes path, crfd_buf *out)
{
	crfd_text_put(out, "{\"path\": ");
	crfd_text_json(out, path.p, path.n);
	return crfd_text_put(out, "}");
}

static int json_other(struct crfd_bytes raw, crfd_buf *out)
{
	uint16_t family = 0;

	if (raw.n >= sizeof(family))
		memcpy(&family, raw.p, sizeof(family));
	crfd_text_printf(out, "{\"family\": %u, \"data\": ", family);
	crfd_text_json(out, raw.p + sizeof(family), raw.n < sizeof(family) ? 0 : raw.n - sizeof(family));
	return crfd_text_put(out, "}");
}

int crfd_address_json(struct crfd_bytes raw, crfd_buf *out)
{
	char text[INET6_ADDRSTRLEN];
	union address a;
	int family;

	if (!raw.p)
		return crfd_text_put(out, "null");
	family = read_address(raw, &a);
	switch (family) {
	case AF_UNIX:
		return json_unix(unix_path(raw), out);
	case AF_INET:
	case AF_INET6:
		return crfd_text_printf(out, "{\"host\": \"%s\", \"port\": %u, \"flowinfo\": %u, \"scope_id\": %u}",
					host(family, &a, text), port_of(&a),
					family == AF_INET6 ? ntohl(a.in6.sin6_flowinfo) : 0,
					family == AF_INET6 ? a.in6.sin6_scope_id : 0);
	case AF_NETLINK:
		return crfd_text_printf(out, "{\"port_id\": %u, \"groups\": %u}", a.pair.a, a.pair.b);
	case AF_PACKET:
		return json_packet(raw, &a, out);
	case AF_VSOCK:
		return crfd_text_printf(out, "{\"cid\": %u, \"port\": %u}", a.pair.b, a.pair.a);
	default:
		return json_other(raw, out);
	}
}

int crfd_address_port(struct crfd_bytes raw, struct crfd_value *v)
{
	union address a;
	int family = raw.p ? read_address(raw, &a) : 0;

	if (family == AF_VSOCK)
		return crfd_value_number(v, a.pair.a);
	return family == AF_INET || family == AF_INET6 ? crfd_value_number(v, port_of(&a)) : 0;
}

/* Makes IPv4 and IPv6 alike: a socket of either may be the peer of one of the other (ipv6(7)). */
int crfd_address_host(struct crfd_bytes raw, struct crfd_address *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	union address a;
	int family = raw.p ? read_address(raw, &a) : 0;

	if (family == AF_INET) {
		memcpy(out->host, mapped, sizeof(mapped));
		memcpy(out->host + sizeof(mapped), &a.in.sin_addr, sizeof(a.in.sin_addr));
	} else if (family == AF_INET6) {
		memcpy(out->host, &a.in6.sin6_addr, sizeof(out->host));
		out->scope = a.in6.sin6_scope_id;
	} else {
		return 0;
	}
	out->port = port_of(&a);
	return 1;
}
