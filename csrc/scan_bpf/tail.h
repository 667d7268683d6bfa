/* SPDX-License-Identifier: MIT */
/* A record of the walk may go on behind the path: sockets, pipes, eventfds, epolls, memfds, owners. Pure. */
#ifndef CRFD_BPF_TAIL_H
#define CRFD_BPF_TAIL_H

#include <linux/types.h>

#include "bpf/walk.h"
#include "kinds/detail.h"

/* The end of a record, behind its path. */
struct crfd_bpf_tail {
	const union walk_tail *kind; /* what WALK_SOCK and its like say, NULL: none */
	size_t len; /* of it */
	const struct walk_owner *owner; /* NULL: none */
};

/* Finds it in a record, all of whose r->len bytes are there; 0, or -EPROTO where they are not what its bits say. */
int crfd_bpf_tail_find(const struct walk_fd *r, struct crfd_bpf_tail *out);

/*
 * Adds to d what the walk saw of its kind and of its owner, behind what fdinfo says. net_ns: of the task, 0 unknown. 0, 1 or
 * -ENOMEM.
 */
int crfd_bpf_tail_fill(const struct walk_fd *r, const struct crfd_bpf_tail *tail, uint64_t net_ns, struct crfd_detail *d);

#endif
