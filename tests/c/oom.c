/* SPDX-License-Identifier: MIT */
#include "oom.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static atomic_long left, refused; /* left: allocations until the one that fails, <= 0 from then on */
static atomic_int armed, all_after;

void oom_arm(long n, int after)
{
	left = n;
	refused = 0;
	all_after = after;
	armed = 1;
}

long oom_disarm(void)
{
	armed = 0;
	return refused;
}

static int refuse(void)
{
	long now;

	if (!armed)
		return 0;
	now = atomic_fetch_sub(&left, 1);
	if (now > 1 || (now < 1 && !all_after))
		return 0;
	refused++;
	errno = ENOMEM;
	return 1;
}

void *__wrap_malloc(size_t n)
{
	return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refuse() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
	return refuse() ? NULL : __real_aligned_alloc(alignment, n);
}
