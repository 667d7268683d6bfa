/* SPDX-License-Identifier: MIT */
/* The things that tasks hold without a descriptor: directories, executables, mapped files, terminals. */
#ifndef CRFD_BPF_HELD_H
#define CRFD_BPF_HELD_H

#include "scan_bpf/lane.h"

void crfd_bpf_maps_release(struct crfd_bpf_maps *maps);
/* Gives the tasks of b, which are the units, HELD records of it, equal to those of crfd_task_held(). 0 or -errno. */
int crfd_bpf_held(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b);

#endif
