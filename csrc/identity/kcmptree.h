/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects in the order of kcmp(2), as AVL trees in one array: n members cost log2(n) calls each.
 *
 *   v   [ - | n1 | n2 | n3 | n4 | … ]     numbered by arrival; a root, like a kid, is such a number, 0 for none
 *                  ^    n1 < n2 < n3      a member is the (pid, fd) that was seen first; the order is the kernel's
 *                 / \                     and says nothing, but it is the same for as long as the system runs
 *               n1   n3
 *
 * A member whose descriptor or task is gone can no longer be compared and is taken out of its tree, never out of v.
 */
#ifndef CRFD_KCMPTREE_H
#define CRFD_KCMPTREE_H

#include <stddef.h>
#include <stdint.h>

struct crfd_kcmptree_node {
	int32_t pid, fd;
	uint32_t kid[2];
	uint32_t hash; /* the owner's */
	uint32_t height;
};

struct crfd_kcmptree {
	struct crfd_kcmptree_node *v;
	size_t nr, alloc; /* v[0] is no member */
	int type; /* KCMP_FILE or KCMP_FILES (whose fd is ignored) */
};

/*
 * Looks for the object of (pid, fd) below *root, puts it there when it is new, and tells the number of the member that
 * is the same object. -ESRCH or -EBADF: it is gone itself; -EPERM, -ENOSYS …: refused; -ENOMEM. *root always stays valid.
 */
int crfd_kcmptree_add(struct crfd_kcmptree *t, uint32_t *root, uint32_t hash, int32_t pid, int32_t fd, uint32_t *member);
void crfd_kcmptree_release(struct crfd_kcmptree *t);

#endif
