/* SPDX-License-Identifier: MIT */
/* Numbers are read strictly: the whole text, in range, or nothing is written. */
#include "base/number.h"

#include <errno.h>
#include <string.h>

#include "check.h"

#define UNTOUCHED 7

static void test_unsigned(void)
{
	static const struct {
		const char *name, *text;
		unsigned int base;
		uint64_t max;
		int rc;
		uint64_t value;
	} rows[] = {
		{"empty", "", 10, 9, -EINVAL, UNTOUCHED},
		{"blank behind", "1 ", 10, 9, -EINVAL, UNTOUCHED},
		{"plus sign", "+1", 10, 9, -EINVAL, UNTOUCHED},
		{"8 in octal", "8", 8, 99, -EINVAL, UNTOUCHED},
		{"capital letter", "fF", 16, 999, -EINVAL, UNTOUCHED},
		{"two digits above the limit", "10", 10, 9, -ERANGE, UNTOUCHED},
		{"one digit above the limit", "9", 10, 5, -ERANGE, UNTOUCHED},
		{"2^64", "18446744073709551616", 10, UINT64_MAX, -ERANGE, UNTOUCHED},
		{"2^64 - 1", "18446744073709551615", 10, UINT64_MAX, 0, UINT64_MAX},
		{"the limit", "ff", 16, 255, 0, 255},
	};

	FOR_ROWS(row, rows) {
		uint64_t v = UNTOUCHED;

		CHECK_EQ(crfd_number(row->text, strlen(row->text), row->base, row->max, &v), row->rc);
		CHECK_EQ(v, row->value);
	}
}

static void test_signed(void)
{
	static const struct {
		const char *name, *text;
		int rc;
		int64_t value;
	} rows[] = {
		{"sign alone", "-", -EINVAL, UNTOUCHED},
		{"2^63", "9223372036854775808", -ERANGE, UNTOUCHED},
		{"-2^63 - 1", "-9223372036854775809", -ERANGE, UNTOUCHED},
		{"-2^63", "-9223372036854775808", 0, INT64_MIN},
		{"2^63 - 1", "9223372036854775807", 0, INT64_MAX},
	};

	FOR_ROWS(row, rows) {
		int64_t v = UNTOUCHED;

		CHECK_EQ(crfd_number_signed(row->text, strlen(row->text), &v), row->rc);
		CHECK_EQ(v, row->value);
	}
}

int main(void)
{
	test_unsigned();
	test_signed();
	return check_status();
}
