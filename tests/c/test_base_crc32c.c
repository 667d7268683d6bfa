/* SPDX-License-Identifier: MIT */
/* The sum of an image, by the processor's instruction and by tables. */
#include "base/crc32c.c"

#include <stdlib.h>

#include "check.h"

static void test_vectors(void)
{
	static const struct {
		const char *name;
		uint8_t bytes[48];
		size_t n;
		uint32_t crc;
	} rows[] = { /* RFC 3720, appendix B.4 */
		{"32 bytes of zeros", {0}, 32, 0x8a9136aa},
		{"32 bytes of ones", {[0 ... 31] = 0xff}, 32, 0x62a8ab43},
		{"32 bytes ascending",
		 {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
		  16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
		 32, 0x46dd794e},
		{"32 bytes descending",
		 {31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
		  15, 14, 13, 12, 11, 10, 9,  8,  7,  6,  5,  4,  3,  2,  1,  0},
		 32, 0x113fdb5c},
		{"an iSCSI read command", {0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, 0x28, [40] = 0x02}, 48,
		 0xd9963a56},
		{"nothing", {0}, 0, 0},
	};

	FOR_ROWS(row, rows)
		CHECK_EQ(crfd_crc32c(0, row->bytes, row->n), row->crc);
}

/* However the bytes are cut, and by either way of summing, the sum is one. */
static void test_splits(void)
{
	uint8_t p[5000];

	srand(3720);
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand() % sizeof(p), cut = n ? (size_t)rand() % (n + 1) : 0;
		uint32_t whole, first, second;

		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)rand();
		whole = crfd_crc32c(0, p, n);
		first = crfd_crc32c(0, p, cut);
		second = crfd_crc32c(0, p + cut, n - cut);
		CHECK_EQ(crfd_crc32c(first, p + cut, n - cut), whole);
		CHECK_EQ(crfd_crc32c_combine(first, second, n - cut), whole);
		CHECK_EQ(~sum_table(~0u, p, n), whole);
		if (have_native())
			CHECK_EQ(~sum_native(~0u, p, n), whole);
	}
}

/* x^(8n) must be right for lengths that no test can sum directly: n bytes appended twice, or twice as many at once. */
static void test_long(void)
{
	uint32_t a = 0x12345678;

	for (int i = 0; i < 63; i++) {
		uint64_t n = (uint64_t)1 << i;

		CHECK_EQ(crfd_crc32c_combine(crfd_crc32c_combine(a, 0, n), 0, n + 7), crfd_crc32c_combine(a, 0, 2 * n + 7));
	}
}

int main(void)
{
	test_vectors();
	test_splits();
	test_long();
	return check_status();
}
