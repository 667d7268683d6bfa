/* SPDX-License-Identifier: MIT */
/* Units as the walk over tables tells them. */
#ifndef CRFD_BPF_TABLES_H
#define CRFD_BPF_TABLES_H

#include "scan_bpf/lane.h"

/*
 * Appends the n units to b, one after the other. together: their processes come by number, and behind all that the lane was
 * given before: they are walked together. 0 or -errno.
 */
int crfd_bpf_tables_read(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b);
/*
 * Asks TABLES or INSIDE for the first of the units, as many as go together: how many, or -errno. *out is what gives their records,
 * to be stopped if it is lane->one_table. While the lane is held.
 */
ssize_t crfd_bpf_tables_begin(struct crfd_bpf_lane *lane, enum crfd_bpf_walk walk, const struct crfd_bpf_unit *units, size_t n,
			      int together, struct crfd_bpf_source **out);

#endif
