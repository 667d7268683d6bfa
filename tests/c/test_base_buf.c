/* SPDX-License-Identifier: MIT */
/* Growable arrays: by a factor, and what was there stays when they cannot grow. */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "oom.h"

static void test_growth_is_geometric(void)
{
	uint32_t *v = NULL;
	size_t alloc = 0, moves = 0;

	for (size_t n = 1; n <= 100000; n++) {
		size_t before = alloc;

		CHECK(crfd_grow(&v, &alloc, n, sizeof(*v)) == 0 && alloc >= n);
		moves += alloc != before;
		v[n - 1] = (uint32_t)n;
	}
	CHECK_RANGE(moves, 1, 19);
	for (size_t n = 1; n <= 100000; n++)
		CHECK_EQ(v[n - 1], n);
	free(v);
}

static void test_overflow_keeps_the_block(void)
{
	static const struct {
		const char *name;
		size_t n;
	} rows[] = {
		{"2^64 - 1 items", SIZE_MAX},
		{"more than 2^64 - 1 bytes", SIZE_MAX / sizeof(uint64_t) + 1},
		{"more than 2^63 - 1 bytes", (size_t)PTRDIFF_MAX / sizeof(uint64_t) + 1},
	};
	uint64_t *v = NULL;
	void *old;
	size_t alloc = 0, had;

	CHECK(crfd_grow(&v, &alloc, 3, sizeof(*v)) == 0);
	v[2] = 42;
	had = alloc;
	old = v;
	FOR_ROWS(row, rows) {
		CHECK_EQ(crfd_grow(&v, &alloc, row->n, sizeof(*v)), -EOVERFLOW);
		CHECK(v == old);
		CHECK_EQ(alloc, had);
		CHECK_EQ(v[2], 42);
	}
	free(v);
}

static void test_no_memory_keeps_the_block(void)
{
	crfd_buf b = {0};
	uint8_t piece[100], *old;
	size_t nr;

	memset(piece, 7, sizeof(piece));
	CHECK(crfd_buf_put(&b, piece, sizeof(piece)) == 0);
	old = b.v;
	nr = b.nr;
	oom_arm(1, 1);
	CHECK_EQ(crfd_buf_reserve(&b, b.alloc), -ENOMEM);
	CHECK_EQ(crfd_buf_put(&b, b.v, b.alloc), -ENOMEM);
	CHECK_EQ(oom_disarm(), 1);
	CHECK(b.v == old);
	CHECK_BYTES(b.v, b.nr, piece, nr);
	crfd_buf_release(&b);
	CHECK(!b.v);
	CHECK_EQ(b.nr, 0);
	CHECK_EQ(b.alloc, 0);
}

static void test_every_append_after_a_failure_fails(void)
{
	crfd_buf b = {0};

	CHECK_EQ(crfd_buf_put(&b, "ab", 2), 0);
	CHECK_EQ(crfd_buf_reserve(&b, SIZE_MAX), -EOVERFLOW);
	CHECK_EQ(crfd_buf_put(&b, "c", 1), -EOVERFLOW);
	CHECK_BYTES(b.v, b.nr, "ab", 2);
	crfd_buf_clear(&b);
	CHECK_EQ(crfd_buf_put(&b, "d", 1), 0);
	CHECK_BYTES(b.v, b.nr, "d", 1);
	crfd_buf_release(&b);
}

int main(void)
{
	test_growth_is_geometric();
	test_overflow_keeps_the_block();
	test_no_memory_keeps_the_block();
	test_every_append_after_a_failure_fails();
	return check_status();
}
