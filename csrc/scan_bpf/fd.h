/* SPDX-License-Identifier: MIT */
/* One record of the walk over files as a descriptor of a batch. */
#ifndef CRFD_BPF_FD_H
#define CRFD_BPF_FD_H

#include <linux/types.h>

#include "base/base.h"
#include "batch/batch.h"
#include "bpf/walk.h"
#include "getfd/getfd.h"

/* What is asked with where the walk does not say: kept from call to call. */
struct crfd_bpf_asker {
	crfd_buf scratch;
	struct crfd_getfd getfd;
	uint32_t tid; /* of whom net_ns is, 0: no one yet */
	uint64_t start, net_ns;
};

/*
 * Fills *f (zeroed) and *ident; b takes the texts. What the walk does not say is asked of /proc/TID and of the
 * descriptor. 0, -ENOMEM, or -EPROTO where r is no record of the walk.
 */
int crfd_bpf_fd(const struct walk_fd *r, crfd_batch *b, struct crfd_bpf_asker *asker, crfd_fd *f, uint64_t *ident);

#endif
