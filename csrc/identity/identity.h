/* SPDX-License-Identifier: MIT */
/*
 * Identity says which descriptors share one open file description, as far as another process may know. Descriptors that differ
 * in what a description keeps for life (mount, inode, most flags, anonymous kind, id) cannot; among those that look alike
 * kcmp(2) decides. Where it is refused: sockets, pipes and eventfds go by their inode or id (and end); anonymous inodes without
 * an id are never taken for one; the rest is one description when every flag and the position agree, across tasks only if the
 * position is not 0, since many open the same file and leave it at its start.
 */
#ifndef CRFD_IDENTITY_H
#define CRFD_IDENTITY_H

#include "batch/batch.h"

#include "identity/identity.cdef.h"
#include "identity/kcmptree.h"
#include "kinds/fdinfo.h"

/*
 *   slot  [ 0 | 7 | 0 | 2 | … ]      open addressing over the hash of what looks alike; 0 = empty
 *               |       |
 *            root n7   root n2       a kcmptree of the descriptions that look alike; mostly of one
 */
struct crfd_identities {
	struct crfd_kcmptree tree;
	uint32_t *slot;
	size_t used;
	uint64_t lonely; /* identities given to descriptors that could not be compared */
	unsigned int bits; /* 1 << bits slots */
	int inferred; /* kcmp is refused here */
};

int crfd_identities_init(struct crfd_identities *id);
void crfd_identities_release(struct crfd_identities *id);

/*
 * Makes a key of what descriptors must have in common to be compared, or, when identity is inferred, to be one. id: as
 * crfd_detail has it. name: the text of the link. Never 0. Pure.
 */
uint64_t crfd_identity_key(int inferred, int32_t pid, const crfd_fd *f, const struct crfd_fdinfo *info, const char *id,
			   size_t id_len, const char *name, size_t len);

/* Resolves a key to an identity: 0, 1 when kcmp was refused for this one, or -ENOMEM. */
int crfd_identities_resolve(struct crfd_identities *id, int32_t pid, int32_t fd, uint64_t key, uint64_t *ident);

#endif
