/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "kinds/detail.h"

/* net/unix/af_unix.c, since 5.6. */
static int socket_line(struct crfd_detail *d, const struct crfd_line *l)
{
	if (!crfd_line_is(l, "scm_fds") || !crfd_line_u32(l, &d->rec.socket.in_flight))
		return 0;
	d->known |= CRFD_SOCK_HAS_IN_FLIGHT;
	return 1;
}

static int socket_end(struct crfd_detail *d)
{
	d->rec.socket.known = d->known;
	return 1;
}

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(SOCKET, "socket", CRFD_MATCHES({CRFD_MATCH_NUMBERED, "socket", 0}, {CRFD_MATCH_MODE, NULL, S_IFSOCK})), /* O_PATH of a name that was bound */
	 .line = socket_line, .end = socket_end, .asks = CRFD_ASKS_SOCKET,
	 .wants = CRFD_SOCK_HAS_STATE | CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_NET_NS},
};

const struct crfd_kind_family crfd_kinds_socket = CRFD_FAMILY(rows);
