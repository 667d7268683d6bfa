/* SPDX-License-Identifier: MIT */
/* What is asked of sockets so often that its columns need no family's name before them. */
#ifndef CRFD_COLUMNS_SOCKET_H
#define CRFD_COLUMNS_SOCKET_H

#include "columns/column.h"

crfd_column_get crfd_socket_proto, crfd_socket_state, crfd_socket_local, crfd_socket_remote;
crfd_column_get crfd_socket_port, crfd_socket_remote_port;

#endif
