/* SPDX-License-Identifier: MIT */
typedef struct crfd_scanner crfd_scanner;

/*
 * Starts a scan of the n tasks, in the order given. With more than one thread batches are filled before they are asked for
 * where that pays.
 */
int crfd_scanner_new(const int32_t *pids, size_t n, const crfd_scan_options *options, crfd_scanner **out);
/* Replaces what b holds by the next tasks, whole ones. 1, or 0 when all are done. One caller at a time. */
int crfd_scanner_next(crfd_scanner *s, crfd_batch *b);
void crfd_scanner_free(crfd_scanner *s);
