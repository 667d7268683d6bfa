/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MADV_HUGEPAGE */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/base.h"

#define BIG (1u << 24) /* bytes from which on huge pages pay: the page faults take twice as long as copying without */

struct crfd_shared {
	atomic_size_t holders;
	uint8_t *v;
	size_t n;
};

crfd_shared *crfd_shared_new(size_t n)
{
	crfd_shared *s = malloc(sizeof(*s));
	void *v;

	if (!s)
		return NULL;
	v = mmap(NULL, n ? n : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED) {
		free(s);
		return NULL;
	}
	if (n >= BIG)
		madvise(v, n, MADV_HUGEPAGE); /* where it is refused it is not needed */
	s->v = v;
	s->n = n;
	atomic_init(&s->holders, 1);
	return s;
}

uint8_t *crfd_shared_bytes(crfd_shared *s)
{
	return s->v;
}

crfd_shared *crfd_shared_take(crfd_shared *s)
{
	atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
	return s;
}

void crfd_shared_drop(crfd_shared *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) > 1)
		return;
	munmap(s->v, s->n ? s->n : 1);
	free(s);
}
