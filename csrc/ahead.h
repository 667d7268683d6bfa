/* SPDX-License-Identifier: MIT */
/*
 * Threads that fill batches ahead of who takes them, so that reading and writing share the processors.
 *
 *   claimed   1    2    3    4    5            the next piece of work goes to whichever lane is free
 *   slot    [ r1 | r2 | b3 | b4 | b5 | - ]     r: ready, b: being filled; a ring, taken in the order of claiming
 *   lane           0 1  0    1    2
 */
#ifndef CRFD_AHEAD_H
#define CRFD_AHEAD_H

#include "scan.h"

struct crfd_ahead;

/* At most CRFD_LANES. -EAGAIN: no thread was to be had. */
int crfd_ahead_start(const struct crfd_scan_ops *ops, void *state, int lanes, struct crfd_ahead **out);
/* Exchanges b for the next batch: 1, or 0 at the end, or the -errno that the filling gave. */
int crfd_ahead_next(struct crfd_ahead *a, crfd_batch *b);
/* Waits for the batches that are being filled. */
void crfd_ahead_stop(struct crfd_ahead *a);

#endif
