/* SPDX-License-Identifier: MIT */
/* Addresses of sockets as the kernel has them: the family, and bytes that are the family's own. p NULL: there is none. */
#ifndef CRFD_COLUMNS_ADDRESS_H
#define CRFD_COLUMNS_ADDRESS_H

#include "columns/row.h"

struct crfd_address {
	uint8_t host[16]; /* IPv4 as IPv6 has it */
	uint32_t scope;
	uint32_t port;
};

/* Appends it as the table has it. 0 or -ENOMEM, as the next. */
int crfd_address_say(struct crfd_bytes raw, crfd_buf *out);
int crfd_address_json(struct crfd_bytes raw, crfd_buf *out);
/* Gives its port, which is not known of families without ports. 0. */
int crfd_address_port(struct crfd_bytes raw, struct crfd_value *v);
/* Fills out, which is zeros, and returns 1 where it is an address of IPv4 or IPv6; else 0. */
int crfd_address_host(struct crfd_bytes raw, struct crfd_address *out);

#endif
