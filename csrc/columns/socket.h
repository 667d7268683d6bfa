/* SPDX-License-Identifier: MIT */
/* These are asked of sockets so often that their columns need no family's name before them. */
#ifndef CRFD_COLUMNS_SOCKET_H
#define CRFD_COLUMNS_SOCKET_H

#include "columns/peers.h"

crfd_column_get crfd_socket_proto, crfd_socket_state, crfd_socket_other_net_ns;
crfd_column_get crfd_socket_address, crfd_socket_port; /* rec: of the one it is bound to, or connected with */

/* The end that a socket is, or with `others` the one that it is connected with: how many, 0 or 1. */
size_t crfd_socket_end(const struct crfd_row *r, int others, struct crfd_end *out);

#endif
