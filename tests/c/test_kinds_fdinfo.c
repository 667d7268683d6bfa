/* SPDX-License-Identifier: MIT */
/* The lines that every fdinfo has, and the number that tells alike descriptions apart. */
#include "kinds/detail.h"
#include "kinds/fdinfo.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "format/format.h"

#define OLD (CRFD_FDINFO_POS | CRFD_FDINFO_FLAGS)
#define NOW (OLD | CRFD_FDINFO_MNT_ID | CRFD_FDINFO_INO)

static void test_common_lines(void)
{
	static const struct {
		const char *name, *text, *rest;
		struct crfd_fdinfo info;
	} rows[] = {
		{"largest numbers", "pos:\t4294967296\nflags:\t02100002\nmnt_id:\t27\nino:\t18446744073709551615\n", "",
		 {.pos = 4294967296, .flags = 02100002, .mnt_id = 27, .ino = UINT64_MAX, .has = NOW}},
		{"pos negative, neither mnt_id nor ino", "pos:\t-4096\nflags:\t00\n", "", {.pos = -4096ull, .has = OLD}},
		{"a line of its own kind", "pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t1039\neventfd-count:  7\npos:\t9\n",
		 "eventfd-count:  7\npos:\t9\n", {.flags = 02, .mnt_id = 17, .ino = 1039, .has = NOW}},
	};

	FOR_ROWS(row, rows) {
		struct crfd_fdinfo found = {0};

		CHECK_EQ(crfd_fdinfo_parse(row->text, strlen(row->text), &found), 0);
		CHECK_EQ(found.pos, row->info.pos);
		CHECK_EQ(found.flags, row->info.flags);
		CHECK_EQ(found.mnt_id, row->info.mnt_id);
		CHECK_EQ(found.ino, row->info.ino);
		CHECK_EQ(found.has, row->info.has);
		CHECK(found.rest <= strlen(row->text));
		CHECK_STR(row->text + found.rest, row->rest);
	}
}

static void test_what_is_no_fdinfo(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"empty", ""},
		{"no flags", "pos:\t0\n"},
		{"no pos", "flags:\t0\n"},
		{"pos in hexadecimal", "pos:\t0x10\nflags:\t0\n"},
		{"flags not octal", "pos:\t1\nflags:\t8\n"},
		{"pos empty", "pos:\t\nflags:\t0\n"},
		{"flags of 36 bits", "pos:\t1\nflags:\t777777777777\n"},
		{"mnt_id of 37 bits", "pos:\t0\nflags:\t0\nmnt_id:\t99999999999\n"},
		{"ino negative", "pos:\t0\nflags:\t0\nino:\t-1\n"},
		{"another line first", "x\npos:\t0\nflags:\t0\n"},
		{"blank in a number", "pos:\t0\nflags:\t0 2\n"},
	};

	FOR_ROWS(row, rows) {
		struct crfd_fdinfo untouched = {.pos = 42};

		CHECK_EQ(crfd_fdinfo_parse(row->text, strlen(row->text), &untouched), -EINVAL);
		CHECK_EQ(untouched.pos, 42);
	}
}

/* Behind the lines that all have. */
static void test_id(void)
{
	static const struct {
		const char *name, *text;
		int kind;
		const char *id;
	} rows[] = {
		{"eventfd", "eventfd-count:  7\neventfd-id: 12\n", CRFD_KIND_EVENTFD, "12"},
		{"eventfd before Linux 5.2", "eventfd-count:  7\n", CRFD_KIND_EVENTFD, ""},
		{"no line end", "link_type:\txdp\nlink_id:\t31", CRFD_KIND_BPF_LINK, "31"},
		{"twice", "link_id:\t1\nlink_id:\t2\n", CRFD_KIND_BPF_LINK, "1"},
		{"a map, of which the text does not speak", "eventfd-id: 12\n", CRFD_KIND_BPF_MAP, ""},
		{"a timer's clock", "clockid: 1\n", CRFD_KIND_TIMERFD, "1"},
		{"a pidfd, whose pid may change", "Pid:\t1\n", CRFD_KIND_PIDFD, ""},
		{"a file, which has no such number", "eventfd-id: 12\n", CRFD_KIND_FILE, ""},
		{"no kind", "eventfd-id: 12\n", 9999, ""},
	};
	struct crfd_detail d = {0};

	FOR_ROWS(row, rows) {
		crfd_detail_begin(&d, row->kind);
		CHECK_EQ(crfd_detail_fdinfo(&d, row->text, strlen(row->text), 0), 0);
		CHECK_TEXT(d.id, d.id_len, row->id);
	}
	crfd_detail_release(&d);
}

int main(void)
{
	test_common_lines();
	test_what_is_no_fdinfo();
	test_id();
	return check_status();
}
