/* SPDX-License-Identifier: MIT */
/* What the walk saw of sockets, pipes, eventfds, epolls and memfds, as records. Pure: bytes to bytes. */
#ifndef CRFD_BPF_KINDS_H
#define CRFD_BPF_KINDS_H

#include <linux/types.h>

#include "base/base.h"
#include "bpf/walk.h"

/* The end of a record, behind its path. */
struct crfd_bpf_tail {
	const union walk_tail *kind; /* what WALK_SOCK and its like say, NULL: none */
	size_t len; /* of it */
	const struct walk_owner *owner; /* NULL: none */
};

/* Finds it in a record, all of whose r->len bytes are there; 0, or -EPROTO where they are not what its bits say. */
int crfd_bpf_tail_find(const struct walk_fd *r, struct crfd_bpf_tail *out);

/* Whether crfd_bpf_kind_put() leaves something of the kind open that the descriptor itself tells. */
int crfd_bpf_kind_lacks(const struct walk_fd *r, const struct crfd_bpf_tail *tail, int kind);
/*
 * Appends the records of the kind to out, or, where out has them from byte `from` on already, fills in what these lack.
 * net_ns: of the task, 0 unknown. 0 or -ENOMEM.
 */
int crfd_bpf_kind_put(const struct walk_fd *r, const struct crfd_bpf_tail *tail, int kind, uint64_t net_ns, size_t from,
		      crfd_buf *out);

#endif
