/* SPDX-License-Identifier: MIT */
/* The files that lie in the sockets and io_urings of tasks: those in flight, and registered ones. */
#ifndef CRFD_BPF_INSIDE_H
#define CRFD_BPF_INSIDE_H

#include "scan_bpf/lane.h"

/* Gives the tasks of b, which are the units, HELD records of it; where the walk cannot tell, what /proc says. 0 or -errno. */
int crfd_bpf_inside(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b);

#endif
