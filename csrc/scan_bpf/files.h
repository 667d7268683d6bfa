/* SPDX-License-Identifier: MIT */
/* Descriptors of units as the records of a walk tell them. */
#ifndef CRFD_BPF_FILES_H
#define CRFD_BPF_FILES_H

#include "scan_bpf/lane.h"

/* Appends the records of one task that are at the front of what was read of s. 0 or -errno. */
int crfd_bpf_files_take_run(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, uint32_t tid, uint64_t start, crfd_batch *b);
/* Appends all of the unit's from the walk over files, from lane->all where that goes on, and tells if there were none. */
int crfd_bpf_files_read(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, crfd_batch *b);

#endif
