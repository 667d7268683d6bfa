/* SPDX-License-Identifier: MIT */
/* The walk over tables told what an image says of a task beside its descriptors. */
#ifndef CRFD_BPF_TOLD_H
#define CRFD_BPF_TOLD_H

#include "scan_bpf/lane.h"

/*
 * Gives b's last task, the i-th of those whose command lines were read, its limits and its extension records: the same as
 * crfd_bpf_task_records(), and /proc is asked only for what the walk cannot tell. lane->begin is its walk_begin. looked: the
 * numbers of a second look at its table are in the looker. 0 or -errno.
 */
int crfd_bpf_told(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, size_t i, int looked, crfd_batch *b);

#endif
