/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "format/format.h"
#include "format/record.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "oom.h"

static void test_growth_is_geometric(void)
{
	uint32_t *v = NULL;
	size_t alloc = 0, moves = 0;

	for (size_t n = 1; n <= 100000; n++) {
		size_t before = alloc;

		CHECK(crfd_grow(&v, &alloc, n, sizeof(*v)) == 0);
		CHECK(alloc >= n);
		moves += alloc != before;
		v[n - 1] = (uint32_t)n;
	}
	CHECK(moves < 20);
	for (size_t n = 1; n <= 100000; n++)
		CHECK(v[n - 1] == n);
	free(v);
}

static void test_overflow_keeps_the_block(void)
{
	uint64_t *v = NULL;
	void *old;
	size_t alloc = 0, had;

	CHECK(crfd_grow(&v, &alloc, 3, sizeof(*v)) == 0);
	v[2] = 42;
	had = alloc;
	old = v;
	CHECK(crfd_grow(&v, &alloc, SIZE_MAX, sizeof(*v)) == -EOVERFLOW);
	CHECK(crfd_grow(&v, &alloc, SIZE_MAX / sizeof(*v) + 1, sizeof(*v)) == -EOVERFLOW);
	CHECK(crfd_grow(&v, &alloc, (size_t)PTRDIFF_MAX / sizeof(*v) + 1, sizeof(*v)) == -EOVERFLOW);
	CHECK(v == old && alloc == had && v[2] == 42);
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
	CHECK(crfd_buf_reserve(&b, b.alloc) == -ENOMEM);
	CHECK(crfd_buf_rec(&b, CRFD_REC_STRING, 0, piece, sizeof(piece)) == -ENOMEM);
	CHECK(oom_disarm() == 2);
	CHECK(b.v == old && b.nr == nr && !memcmp(b.v, piece, nr));
	CHECK(crfd_buf_reserve(&b, SIZE_MAX) == -EOVERFLOW);
	crfd_buf_release(&b);
	CHECK(!b.v && !b.nr && !b.alloc);
}

static void test_records_are_split(void)
{
	static uint8_t payload[2 * CRFD_REC_MAX + 5];
	size_t lens[] = {CRFD_REC_MAX, CRFD_REC_MAX, 5}, at = 0, from = 0;
	crfd_buf b = {0};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i % 251);
	CHECK(crfd_buf_recs(&b, CRFD_REC_FDINFO, 9, payload, 0) == 0 && b.nr == 0);
	CHECK(crfd_buf_recs(&b, CRFD_REC_FDINFO, 9, payload, sizeof(payload)) == 0);
	for (size_t i = 0; i < 3; i++) {
		crfd_rec h;

		memcpy(&h, b.v + at, sizeof(h));
		CHECK(h.type == CRFD_REC_FDINFO && h.parent == 9 && (size_t)h.len == lens[i]);
		CHECK(!memcmp(b.v + at + sizeof(h), payload + from, lens[i]));
		at += sizeof(h) + lens[i];
		from += lens[i];
	}
	CHECK(at == b.nr);
	crfd_buf_release(&b);
}

int main(void)
{
	test_growth_is_geometric();
	test_overflow_keeps_the_block();
	test_no_memory_keeps_the_block();
	test_records_are_split();
	return 0;
}
