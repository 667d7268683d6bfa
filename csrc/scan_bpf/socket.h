/* SPDX-License-Identifier: MIT */
/* A socket as the kernel holds it, told as the socket itself would. Pure. */
#ifndef CRFD_BPF_SOCK_H
#define CRFD_BPF_SOCK_H

#include <linux/types.h>

#include "bpf/walk.h"
#include "kinds/detail.h"

/*
 * Adds to d what is seen of s, whose names are there only where their lengths say so. What only the socket itself tells
 * stays unknown: families that are not decoded, queues that are not empty.
 */
void crfd_bpf_sock_fill(const struct walk_unix_sock *s, uint64_t net_ns, struct crfd_detail *d);

#endif
