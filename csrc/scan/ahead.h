/* SPDX-License-Identifier: MIT */
/*
 * Threads that fill batches ahead of who takes them, so that reading and writing share the processors.
 *
 *   slot    [ r3 | r4 | f5 | b6 | b7 ]     a ring; the next piece of work goes to whichever lane is free
 *   lane            f5: 1, b6: 0, b7: 2    r: ready, f: being finished, b: being filled
 *
 * Batches are filled in any order, finished one after the other and taken in the order of claiming.
 */
#ifndef CRFD_AHEAD_H
#define CRFD_AHEAD_H

#include "batch/backend.h"

struct crfd_ahead;

/* Starts at most CRFD_LANES threads. -EAGAIN: none was to be had. */
int crfd_ahead_start(const struct crfd_scan_ops *ops, void *state, int lanes, struct crfd_ahead **out);
/* Exchanges b for the next batch: 1, or 0 at the end, or the -errno that the filling gave. */
int crfd_ahead_next(struct crfd_ahead *a, crfd_batch *b);
/*
 * Waits for the batches that are being filled: 1. In a child after fork() there is no thread to wait for, and what each had in
 * hand is as it was left: 0, and the state must not be touched again.
 */
int crfd_ahead_stop(struct crfd_ahead *a);

#endif
