/* SPDX-License-Identifier: MIT */
/* A scan, batch by batch. */

typedef struct crfd_scanner crfd_scanner;

/*
 * Starts a scan of the n tasks, in the order given; backend must be PROC or BPF. threads >= 1 bounds what reads
 * at a time; with more than one, batches are filled before they are asked for where that pays.
 * flags: CRFD_SCAN_*.
 */
int crfd_scanner_new(int backend, const int32_t *pids, size_t n, int threads, int flags, crfd_scanner **out);
/* Replaces what b holds by the next tasks, whole ones. 1, or 0 when all are done. One caller at a time. */
int crfd_scanner_next(crfd_scanner *s, crfd_batch *b);
void crfd_scanner_free(crfd_scanner *s);
