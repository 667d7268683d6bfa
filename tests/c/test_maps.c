/* SPDX-License-Identifier: MIT */
#include "procfs/maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "check.h"
#include "format/format.h"

#define R CRFD_MAP_READ
#define W CRFD_MAP_WRITE
#define X CRFD_MAP_EXEC
#define S CRFD_MAP_SHARED

static const struct {
	const char *text;
	uint64_t start, end;
	unsigned int major, minor;
	uint64_t ino;
	uint32_t prot;
	const char *name;
} good[] = {
	{"1000-2000 r--p 00000000 fe:00 1050                       /bin/cat\n", 0x1000, 0x2000, 254, 0, 1050, R, "/bin/cat"},
	{"1000-2000 rwxs ffff1000 103:a2 18446744073709551615 /x", 0x1000, 0x2000, 0x103, 0xa2, UINT64_MAX, R | W | X | S, "/x"},
	{"ffffffffff600000-ffffffffff601000 ---p 0 00:01 0 /SYSV00000000 (deleted)\n", 0xffffffffff600000,
	 0xffffffffff601000, 0, 1, 0, 0, "/SYSV00000000 (deleted)"},
	{"1-2 r--s 0 00:08 9 socket:[9]\n", 1, 2, 0, 8, 9, R | S, "socket:[9]"},
	{"1-2 r--p 0 00:08 9 /a  b\\012c\\ \n", 1, 2, 0, 8, 9, R, "/a  b\\012c\\ "},
	{"1-2 r--p 0 00:08 9 \n", 1, 2, 0, 8, 9, R, ""},
	{"1-2 r--p 0 00:08 9", 1, 2, 0, 8, 9, R, ""},
	{"1-2 rw-p 0 00:00 0 \n3-4 rw-p 0 00:00 0    [heap]\n5-6 r--p 0 8:1 7 /y\n", 5, 6, 8, 1, 7, R, "/y"},
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		const char *p = good[i].text, *end = p + strlen(p);
		struct crfd_mapping m;

		CHECK(crfd_maps_next(&p, end, &m) == 1);
		CHECK(m.start == good[i].start && m.end == good[i].end && m.ino == good[i].ino);
		CHECK(m.dev == makedev(good[i].major, good[i].minor));
		CHECK(m.prot == good[i].prot);
		CHECK(m.len == strlen(good[i].name) && !memcmp(m.name, good[i].name, m.len));
		CHECK(crfd_maps_next(&p, end, &m) == 0 && p == end);
	}
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"\n", "x\n", "1000", "1000-2000", "2000-1000 r--p 0 8:1 7 /y", "1-2 r--q 0 8:1 7 /y", "1-2 s--p 0 8:1 7 /y",
		"1-2 r-- 0 8:1 7 /y", "1-2 r--p 0 81 7 /y", "1-2 r--p 0 8:1  /y", "1-2 r--p 0 8:1 7x /y", "1-2 r--p 0 8:1 -7",
		"1-2 r--p 0 100000000:1 7 /y", "1-2 r--p 0 8:1 18446744073709551616 /y", "10000000000000000-2 r--p 0 8:1 7 /y",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *p = bad[i];
		struct crfd_mapping m = {.ino = 42};

		CHECK(crfd_maps_next(&p, p + strlen(p), &m) == -EINVAL && m.ino == 42);
	}
}

static void test_no_text(void)
{
	struct crfd_mapping m;
	const char *p = "";

	CHECK(crfd_maps_next(&p, p, &m) == 0);
}

int main(void)
{
	test_good();
	test_bad();
	test_no_text();
	return 0;
}
