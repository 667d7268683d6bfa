/* SPDX-License-Identifier: MIT */
/* Makes a record of the walk over files a descriptor of a batch. */
#ifndef CRFD_BPF_FD_H
#define CRFD_BPF_FD_H

#include <linux/types.h>

#include "batch/batch.h"
#include "bpf/walk.h"
#include "getfd/getfd.h"
#include "image/image.h"
#include "kinds/detail.h"
#include "procfs/names.h"

/*
 * These answers took long to read, for descriptions of the batch that is being filled: a description has one text, and its own
 * lines of locks, for all descriptors of one table.
 */
struct crfd_bpf_asked {
	crfd_objrefs *key; /* of table and description; number n is v[n - 1] */
	struct crfd_bpf_answer {
		crfd_span ext;
		crfd_socket socket;
	} *v;
	size_t alloc;
};

/* The asker asks where the walk does not say: it is kept from call to call. */
struct crfd_bpf_asker {
	crfd_buf scratch;
	struct crfd_detail detail;
	struct crfd_getfd getfd;
	struct crfd_names names;
	uint32_t tid; /* of whom net_ns is, 0: no one yet */
	uint64_t start, net_ns;
	struct crfd_bpf_asked asked;
};

/* Forgets what was asked: the batch is another one, or part of it was taken back. */
void crfd_bpf_asked_forget(struct crfd_bpf_asked *a);
void crfd_bpf_asked_release(struct crfd_bpf_asked *a);

/*
 * Fills fd[at], ident[at] and socket[at] of b, which takes the texts. What the walk does not say is asked of /proc/TID and of the
 * descriptor. 0, -errno of ours, or -EPROTO where r is no record of the walk.
 */
int crfd_bpf_fd(const struct walk_fd *r, crfd_batch *b, uint64_t at, struct crfd_bpf_asker *asker);
/*
 * Fills what the walk alone says of a file that no descriptor may lead to, and its ident; the name is appended to the text of b.
 * 0 or -errno as above.
 */
int crfd_bpf_file(const struct walk_fd *r, crfd_batch *b, crfd_fd *f, uint64_t *ident);

#endif
