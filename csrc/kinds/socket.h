/* SPDX-License-Identifier: MIT */
/* Several rooms know these numbers of sockets, and older headers do not have all of them. */
#ifndef CRFD_SOCKET_H
#define CRFD_SOCKET_H

enum { SS_IS_UNCONNECTED = 1, SS_IS_CONNECTED = 3 }; /* SS_* of linux/net.h */

/* TCP_* of tcp(7), in any family. */
enum {
	TCP_IS_ESTABLISHED = 1,
	TCP_IS_SYN_SENT = 2,
	TCP_IS_SYN_RECV = 3,
	TCP_IS_FIN_WAIT1 = 4,
	TCP_IS_FIN_WAIT2 = 5,
	TCP_IS_CLOSE = 7,
	TCP_IS_CLOSE_WAIT = 8,
	TCP_IS_LAST_ACK = 9,
	TCP_IS_LISTEN = 10,
	TCP_IS_CLOSING = 11
};

enum { FAMILY_VSOCK = 40 };
enum { PROTO_SCTP = 132, PROTO_UDPLITE = 136, PROTO_MPTCP = 262 };

#endif
