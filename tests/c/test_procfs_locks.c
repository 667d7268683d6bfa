/* SPDX-License-Identifier: MIT */
/* The text of /proc/locks (proc_locks(5)): who waits for whom, and lines that say nothing. */
#include "procfs/locks.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "check.h"

#define TO_THE_END UINT64_MAX

static const char text[] = "1: LEASE  BREAKING  READ 10 fe:00:93 0 EOF\n"
			   "1: -> LEASE  BREAKER   READ 11 <none>:0 0 EOF\n"
			   "2: FLOCK  ADVISORY  WRITE 10 00:1f:90 0 EOF\n"
			   "2: -> FLOCK  ADVISORY  WRITE 12 00:1f:90 0 EOF\n"
			   "2:  -> FLOCK  ADVISORY  READ 13 00:1f:90 0 EOF\n"
			   "2: -> FLOCK  ADVISORY  READ 14 00:1f:90 0 EOF\n"
			   "3: UNKNOWN UNKNOWN  WRITE 20 fe:00:89 5 14\n"
			   "3: -> POSIX  ADVISORY  READ 21 fe:00:89 0 EOF\n"
			   "4: OFDLCK MANDATORY WRITE -1 fe:00:88 5 14\n"
			   "4: -> POSIX  ADVISORY  READ 15 fe:00:88 7 9\n";

static void test_waits(void)
{
	static const struct {
		const char *name;
		crfd_lock_wait wait;
		unsigned int major, minor;
	} rows[] = {
		{"a lease that is being broken",
		 {11, 10, CRFD_LOCK_LEASE, CRFD_LOCK_READ, CRFD_LOCK_LEASE, CRFD_LOCK_READ, CRFD_LOCK_BREAKING, 0, 0, 93, 0,
		  TO_THE_END, 0, TO_THE_END}, 254, 0},
		{"a lock of flock(2)",
		 {12, 10, CRFD_LOCK_FLOCK, CRFD_LOCK_WRITE, CRFD_LOCK_FLOCK, CRFD_LOCK_WRITE, 0, 0, 0, 90, 0, TO_THE_END, 0,
		  TO_THE_END}, 0, 31},
		{"behind a waiter",
		 {13, 12, CRFD_LOCK_FLOCK, CRFD_LOCK_READ, CRFD_LOCK_FLOCK, CRFD_LOCK_WRITE, 0, 1, 0, 90, 0, TO_THE_END, 0,
		  TO_THE_END}, 0, 31},
		{"beside a waiter",
		 {14, 10, CRFD_LOCK_FLOCK, CRFD_LOCK_READ, CRFD_LOCK_FLOCK, CRFD_LOCK_WRITE, 0, 0, 0, 90, 0, TO_THE_END, 0,
		  TO_THE_END}, 0, 31},
		{"bytes that an OFD lock has",
		 {15, -1, CRFD_LOCK_POSIX, CRFD_LOCK_READ, CRFD_LOCK_OFD, CRFD_LOCK_WRITE, CRFD_LOCK_MANDATORY, 0, 0, 88, 7, 9, 5,
		  14}, 254, 0},
	};
	const uint8_t *found;
	crfd_buf out = {0};

	CHECK_EQ(crfd_locks_waits(text, sizeof(text) - 1, &out), 0);
	CHECK_EQ(out.nr, sizeof(crfd_lock_wait) * COUNT_OF(rows));
	found = out.v;
	FOR_ROWS(row, rows) {
		crfd_lock_wait expected = row->wait;

		expected.dev = makedev(row->major, row->minor);
		CHECK_BYTES(found, sizeof(expected), &expected, sizeof(expected));
		found += sizeof(expected);
	}
	crfd_buf_release(&out);
}

#define HELD "1: FLOCK  ADVISORY  WRITE 1 00:1f:90 0 EOF\n"

static void test_lines(void)
{
	static const struct {
		const char *name, *text;
		size_t waits;
	} rows[] = {
		{"none", "", 0},
		{"nothing in them", "\n1:\n1: ->\n", 0},
		{"nobody to wait for", "1: -> FLOCK  ADVISORY  WRITE 12 00:1f:90 0 EOF\n", 0},
		{"nobody waits", HELD, 0},
		{"a depth left out", HELD "1:  -> FLOCK  ADVISORY  WRITE 12 00:1f:90 0 EOF\n", 0},
		{"no pid", HELD "1: -> FLOCK  ADVISORY  WRITE x 00:1f:90 0 EOF\n", 0},
		{"no device", HELD "1: -> FLOCK  ADVISORY  WRITE 2 00:90 0 EOF\n", 0},
		{"no end", HELD "1: -> FLOCK  ADVISORY  WRITE 2 00:1f:90 0\n", 0},
		{"no line end", HELD "1: -> FLOCK  ADVISORY  WRITE 2 00:1f:90 0 EOF", 1},
		{"another kind", HELD "1: -> POSIX  ADVISORY  WRITE 2 00:1f:90 0 9\n", 1},
	};

	FOR_ROWS(row, rows) {
		crfd_buf out = {0};

		CHECK_EQ(crfd_locks_waits(row->text, strlen(row->text), &out), 0);
		CHECK_EQ(out.nr, row->waits * sizeof(crfd_lock_wait));
		crfd_buf_release(&out);
	}
}

static void test_a_long_queue(void)
{
	char line[256], all[65536] = HELD;
	crfd_buf out = {0};

	for (int depth = 1; depth < 100; depth++) {
		snprintf(line, sizeof(line), "1: %*s FLOCK  ADVISORY  WRITE %d 00:1f:90 0 EOF\n", depth + 1, "->", depth + 1);
		strcat(all, line);
	}
	CHECK_EQ(crfd_locks_waits(all, strlen(all), &out), 0);
	CHECK_EQ(out.nr, 99 * sizeof(crfd_lock_wait));
	crfd_buf_release(&out);
}

int main(void)
{
	test_waits();
	test_lines();
	test_a_long_queue();
	return check_status();
}
