/* SPDX-License-Identifier: MIT */
#include "base/number.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return UINT32_MAX;
}

int crfd_number(const char *p, size_t n, unsigned int base, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		unsigned int d = digit(p[i]);

		if (d >= base)
			return -EINVAL;
		if (d > max || v > (max - d) / base)
			return -ERANGE;
		v = v * base + d;
	}
	*out = v;
	return 0;
}

int crfd_number_u32(const char *p, size_t n, uint32_t *out)
{
	uint64_t v;
	int rc = crfd_number(p, n, 10, UINT32_MAX, &v);

	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

int crfd_number_signed(const char *p, size_t n, int64_t *out)
{
	int minus = n && *p == '-';
	uint64_t v;
	int rc = crfd_number(p + minus, n - (size_t)minus, 10, (uint64_t)INT64_MAX + (uint64_t)minus, &v);

	if (rc < 0)
		return rc;
	*out = (int64_t)(minus ? 0 - v : v);
	return 0;
}

char *crfd_number_text(uint64_t v, char *end)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
				    "9899";

	for (; v >= 100; v /= 100)
		memcpy(end -= 2, pairs + v % 100 * 2, 2);
	if (v < 10)
		*--end = (char)('0' + v);
	else
		memcpy(end -= 2, pairs + v * 2, 2);
	return end;
}

uint64_t crfd_kernel_dev(uint32_t dev)
{
	return makedev(dev >> 20, dev & 0xfffff);
}

int crfd_int32_compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}
