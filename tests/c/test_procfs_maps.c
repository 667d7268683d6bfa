/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/maps (proc_pid_maps(5)): the files in it, and lines that the kernel does not write. */
#include "procfs/maps.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "check.h"
#include "format/format.h"

#define R CRFD_MAP_READ
#define W CRFD_MAP_WRITE
#define X CRFD_MAP_EXEC
#define S CRFD_MAP_SHARED

static void test_files(void)
{
	static const struct {
		const char *name, *text;
		uint64_t start, end;
		unsigned int major, minor;
		uint64_t ino;
		uint32_t prot;
		const char *path;
	} rows[] = {
		{"blanks before the path", "1000-2000 r--p 00000000 fe:00 1050                       /bin/cat\n", 0x1000, 0x2000, 254,
		 0, 1050, R, "/bin/cat"},
		{"largest numbers, no line end", "1000-2000 rwxs ffff1000 103:a2 18446744073709551615 /x", 0x1000, 0x2000, 0x103, 0xa2,
		 UINT64_MAX, R | W | X | S, "/x"},
		{"no access, inode 0", "ffffffffff600000-ffffffffff601000 ---p 0 00:01 0 /SYSV00000000 (deleted)\n",
		 0xffffffffff600000, 0xffffffffff601000, 0, 1, 0, 0, "/SYSV00000000 (deleted)"},
		{"a socket", "1-2 r--s 0 00:08 9 socket:[9]\n", 1, 2, 0, 8, 9, R | S, "socket:[9]"},
		{"a path with blanks and a line end", "1-2 r--p 0 00:08 9 /a  b\\012c\\ \n", 1, 2, 0, 8, 9, R, "/a  b\\012c\\ "},
		{"no path", "1-2 r--p 0 00:08 9 \n", 1, 2, 0, 8, 9, R, ""},
		{"no path and no blank", "1-2 r--p 0 00:08 9", 1, 2, 0, 8, 9, R, ""},
		{"behind memory that no file has",
		 "1-2 rw-p 0 00:00 0 \n3-4 rw-p 0 00:00 0    [heap]\n5-6 r--p 0 8:1 7 /y\n", 5, 6, 8, 1, 7, R, "/y"},
	};

	FOR_ROWS(row, rows) {
		const char *p = row->text, *end = p + strlen(p);
		struct crfd_mapping m = {0};

		CHECK_EQ(crfd_maps_next(&p, end, &m), 1);
		CHECK_EQ(m.start, row->start);
		CHECK_EQ(m.end, row->end);
		CHECK_EQ(m.dev, makedev(row->major, row->minor));
		CHECK_EQ(m.ino, row->ino);
		CHECK_EQ(m.prot, row->prot);
		CHECK_TEXT(m.name, m.len, row->path);
		CHECK_EQ(crfd_maps_next(&p, end, &m), 0);
		CHECK_STR(p, "");
	}
}

static void test_what_is_no_line(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"empty line", "\n"},
		{"no range", "x\n"},
		{"half a range", "1000"},
		{"nothing behind the range", "1000-2000"},
		{"end before start", "2000-1000 r--p 0 8:1 7 /y"},
		{"neither private nor shared", "1-2 r--q 0 8:1 7 /y"},
		{"shared in the first place", "1-2 s--p 0 8:1 7 /y"},
		{"three letters of access", "1-2 r-- 0 8:1 7 /y"},
		{"device without a colon", "1-2 r--p 0 81 7 /y"},
		{"no inode", "1-2 r--p 0 8:1  /y"},
		{"inode and a letter", "1-2 r--p 0 8:1 7x /y"},
		{"inode negative", "1-2 r--p 0 8:1 -7"},
		{"major number of 33 bits", "1-2 r--p 0 100000000:1 7 /y"},
		{"inode of 65 bits", "1-2 r--p 0 8:1 18446744073709551616 /y"},
		{"start of 65 bits", "10000000000000000-2 r--p 0 8:1 7 /y"},
	};

	FOR_ROWS(row, rows) {
		const char *p = row->text;
		struct crfd_mapping untouched = {.ino = 42};

		CHECK_EQ(crfd_maps_next(&p, p + strlen(p), &untouched), -EINVAL);
		CHECK_EQ(untouched.ino, 42);
	}
}

static void test_no_text(void)
{
	struct crfd_mapping m;
	const char *p = "";

	CHECK_EQ(crfd_maps_next(&p, p, &m), 0);
}

int main(void)
{
	test_files();
	test_what_is_no_line();
	test_no_text();
	return check_status();
}
