/* SPDX-License-Identifier: MIT */
#include "base/crc32c.c"

#include "check.h"

static void fill(uint8_t *p, size_t n, int first, int step)
{
	for (size_t i = 0; i < n; i++, first += step)
		p[i] = (uint8_t)first;
}

/* RFC 3720, appendix B.4. */
static void test_vectors(void)
{
	static const uint8_t read_10[48] = {0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, 0x28, [40] = 0x02};
	uint8_t p[32];

	fill(p, sizeof(p), 0, 0);
	CHECK(crfd_crc32c(0, p, sizeof(p)) == 0x8a9136aa);
	fill(p, sizeof(p), 0xff, 0);
	CHECK(crfd_crc32c(0, p, sizeof(p)) == 0x62a8ab43);
	fill(p, sizeof(p), 0, 1);
	CHECK(crfd_crc32c(0, p, sizeof(p)) == 0x46dd794e);
	fill(p, sizeof(p), 31, -1);
	CHECK(crfd_crc32c(0, p, sizeof(p)) == 0x113fdb5c);
	CHECK(crfd_crc32c(0, read_10, sizeof(read_10)) == 0xd9963a56);
	CHECK(crfd_crc32c(0, read_10, 0) == 0);
}

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
		CHECK(crfd_crc32c(first, p + cut, n - cut) == whole);
		CHECK(crfd_crc32c_combine(first, second, n - cut) == whole);
		CHECK(~sum_table(~0u, p, n) == whole);
		if (have_native())
			CHECK(~sum_native(~0u, p, n) == whole);
	}
}

/* x^(8n) must be right for lengths that no test can sum directly: a terabyte appended twice or two at once. */
static void test_long(void)
{
	uint64_t n = (uint64_t)1 << 40;
	uint32_t a = 0x12345678;

	CHECK(crfd_crc32c_combine(crfd_crc32c_combine(a, 0, n), 0, n + 7) == crfd_crc32c_combine(a, 0, 2 * n + 7));
}

int main(void)
{
	test_vectors();
	test_splits();
	test_long();
	return 0;
}
