/* SPDX-License-Identifier: MIT */
/*
 * The ground that every room stands on. In every room a call returns 0 or a count, and on failure -errno for the
 * system's errors or one of enum crfd_error for the format's; out-parameters are written on success only. cffi releases
 * the GIL around each call.
 */

/* Growable bytes. After an append that failed every other one fails, so that of several the last one tells. */
typedef struct {
	uint8_t *v;
	size_t nr, alloc;
	int failed; /* -ENOMEM or -EOVERFLOW of the first that did; 0 */
} crfd_buf;

void crfd_buf_release(crfd_buf *b);

/* CRC-32C of p[0..n), going on from crc: 0 at the start. */
uint32_t crfd_crc32c(uint32_t crc, const uint8_t *p, size_t n);

/*
 * Gives up all capabilities of the calling thread but these (1 << CAP_*), and of what it starts, threads and programs, for
 * good.
 */
int crfd_privileges_keep(uint64_t capabilities);

/* Bytes that several hold, each in its own thread; they go when the last one drops them. */
typedef struct crfd_shared crfd_shared;

/* Makes n zeros with one holder; NULL when out of memory. */
crfd_shared *crfd_shared_new(size_t n);
uint8_t *crfd_shared_bytes(crfd_shared *s);
/* Counts one holder more, and returns s. */
crfd_shared *crfd_shared_take(crfd_shared *s);
void crfd_shared_drop(crfd_shared *s);
