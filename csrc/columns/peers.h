/* SPDX-License-Identifier: MIT */
/* Peers are the processes that hold the other ends of the pipes and sockets of an image. */
#ifndef CRFD_PEERS_H
#define CRFD_PEERS_H

#include "columns/address.h"
#include "columns/column.h"

#define CRFD_ENDS 2 /* that one description is, at most: both of a FIFO */

/* An end is known by these. All bytes are compared, so it begins as zeros. */
struct crfd_end {
	uint32_t kind; /* enum crfd_kind */
	uint32_t which; /* of a pipe: FMODE_READ or FMODE_WRITE; of a socket its protocol, 0: unix */
	uint64_t dev, ino; /* of a socket with addresses: 0 and its network namespace */
	struct crfd_address own, other;
};

struct crfd_holder {
	uint32_t pid; /* 0: nobody */
	char comm[16];
};

struct crfd_peers {
	int (*fill)(struct crfd_peers *p); /* calls crfd_peers_note() with every row. 0 or -ENOMEM */
	int is_filled;
	struct crfd_known_end *known;
	size_t nr, alloc;
	uint32_t *slot; /* open addressing: number of a known end + 1, 0: free */
	size_t nslots;
};

/* Notes whose descriptor the row is. 0 or -ENOMEM. */
int crfd_peers_note(struct crfd_peers *p, const struct crfd_row *r);
void crfd_peers_release(struct crfd_peers *p);

crfd_column_get crfd_peer_pid, crfd_peer_comm;

#endif
