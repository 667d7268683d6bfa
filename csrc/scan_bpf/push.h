/* SPDX-License-Identifier: MIT */
/* Conditions in the terms of the kernel's side. Pure. */
#ifndef CRFD_BPF_PUSH_H
#define CRFD_BPF_PUSH_H

#include <linux/types.h>

#include "batch/batch.h"
#include "bpf/walk.h"

/* push may be NULL: nothing is left out. */
struct walk_push crfd_bpf_push(const crfd_filter_push *push);

#endif
