/* SPDX-License-Identifier: MIT */
/* A socket as the kernel holds it, told as the socket itself would. Pure. */
#ifndef CRFD_BPF_SOCK_H
#define CRFD_BPF_SOCK_H

#include <linux/types.h>

#include "base/base.h"
#include "bpf/walk.h"

/* Whether only the socket itself tells all of it: a family that is not decoded, queues that are not empty. */
int crfd_bpf_sock_lacks(const struct walk_sock *s);
/* As crfd_bpf_kind_put(). s has names only where their lengths say so. */
int crfd_bpf_sock_put(const struct walk_unix_sock *s, uint64_t net_ns, size_t from, crfd_buf *out);

#endif
