/* SPDX-License-Identifier: MIT */
/* The texts about a task, /proc/PID/stat, status and limits, right and broken. */
#include "procfs/stat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define MIDDLE " 1 22 33 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 5 0 386080 3133440 392 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0"

/* The fields of a stat text with that name and state. */
static struct crfd_procstat parsed(const char *comm, char state)
{
	struct crfd_procstat s = {0};
	char text[512];

	snprintf(text, sizeof(text), "77 (%s) %c" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 1792\n", comm, state);
	CHECK_EQ(crfd_procstat_parse(text, strlen(text), &s), 0);
	return s;
}

static void test_fields(void)
{
	struct crfd_procstat s = parsed("cat", 'S');

	CHECK_EQ(s.ppid, 1);
	CHECK_EQ(s.sid, 33);
	CHECK_EQ(s.flags, 4194304);
	CHECK_EQ(s.start_time, 386080);
	CHECK_EQ(s.rec.exit_signal, 17);
	CHECK_EQ(s.rec.exit_code, 1792);
}

static void test_comm(void)
{
	static const struct {
		const char *name; /* what the kernel writes */
		char letter;
		const char *comm;
		uint32_t state;
	} rows[] = {
		{"cat", 'S', "cat", 1},
		{") R 1 (a)", 'S', ") R 1 (a)", 1},
		{"kworker/u8:2-events_unbound", 'I', "kworker/u8:2-ev", 0x402}, /* longer than the 15 bytes of a record */
		{"", 'R', "", 0},
		{"two\nlines", 'R', "two\nlines", 0},
	};

	FOR_ROWS(row, rows) {
		struct crfd_procstat s = parsed(row->name, row->letter);

		CHECK_EQ(s.comm[sizeof(s.comm) - 1], 0);
		CHECK_STR(s.comm, row->comm);
		CHECK_EQ(s.rec.state, row->state);
	}
}

static void test_what_is_no_stat(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"empty", ""},
		{"pid alone", "77"},
		{"name not ended", "77 (cat"},
		{"name not begun", "77 cat) R"},
		{"brackets the wrong way", ")77 ("},
		{"no state", "77 (cat)"},
		{"cut", "77 (cat) S 1 2 3"},
		{"state of two letters", "77 (cat) SS" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0"},
		{"two blanks", "77 (cat) S  1" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0"},
		{"exit signal of 33 bits", "77 (cat) S" MIDDLE " 4294967296 1 0 0 0 0 0 1 2 3 4 5 6 7 0"},
		{"exit signal not a number", "77 (cat) S" MIDDLE " x 1 0 0 0 0 0 1 2 3 4 5 6 7 0"},
	};

	FOR_ROWS(row, rows) {
		struct crfd_procstat untouched = {.ppid = 42};

		CHECK_EQ(crfd_procstat_parse(row->text, strlen(row->text), &untouched), -EINVAL);
		CHECK_EQ(untouched.ppid, 42);
	}
}

/* The letters of fs/proc/array.c and the TASK_* and EXIT_* of include/linux/sched.h behind them. */
static void test_states(void)
{
	static const struct {
		const char *name; /* begins with the letter */
		uint32_t state, exit_state;
	} rows[] = {
		{"R (running)", 0, 0},	  {"S (sleeping)", 1, 0},     {"D (disk sleep)", 2, 0}, {"T (stopped)", 4, 0},
		{"t (tracing stop)", 8, 0}, {"I (idle)", 0x402, 0}, {"X (dead)", 0x80, 0x10}, {"Z (zombie)", 0x80, 0x20},
	};

	FOR_ROWS(row, rows) {
		struct crfd_procstat s = parsed("x", row->name[0]);

		CHECK_EQ(s.rec.state, row->state);
		CHECK_EQ(s.rec.exit_state, row->exit_state);
		CHECK_EQ(s.rec.exit_code, 1792);
		CHECK_EQ(s.rec.exit_signal, 17);
		CHECK_EQ(s.rec.comm_len, 16);
		CHECK_EQ(s.rec.pad, 0);
		CHECK_EQ(crfd_task_has_files(&s.rec, 0), !row->exit_state);
		CHECK_EQ(crfd_task_has_files(&s.rec, 0x00200000), 0); /* PF_KTHREAD */
	}
}

static void test_status(void)
{
	static const struct {
		const char *name, *text;
		crfd_task_info status;
	} rows[] = {
		{"a name that looks like a field",
		 "Name:\tTgid:\\n1\nState:\tS (sleeping)\nTgid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t256\n"
		 "NSpid:\t12\t5\t4\t3\t2\t1\nThreads:\t9\n",
		 {.tgid = 12, .uid = 1, .euid = 2, .gid = 5, .egid = 6, .fd_size = 256, .ns_pid = 1, .threads = 9}},
		{"no NSpid, before Linux 4.1, and no line end",
		 "Tgid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1",
		 {.tgid = 12, .uid = 1, .euid = 2, .gid = 5, .egid = 6, .threads = 1}},
	};

	FOR_ROWS(row, rows) {
		crfd_task_info found = {.pid = 7, .known = CRFD_TASK_HAS_STAT, .ns_pid = 9};

		CHECK_EQ(crfd_procstatus_parse(row->text, strlen(row->text), &found), 0);
		CHECK_EQ(found.tgid, row->status.tgid);
		CHECK_EQ(found.uid, row->status.uid);
		CHECK_EQ(found.euid, row->status.euid);
		CHECK_EQ(found.gid, row->status.gid);
		CHECK_EQ(found.egid, row->status.egid);
		CHECK_EQ(found.fd_size, row->status.fd_size);
		CHECK_EQ(found.ns_pid, row->status.ns_pid);
		CHECK_EQ(found.threads, row->status.threads);
		CHECK_EQ(found.pid, 7);
		CHECK_EQ(found.known, CRFD_TASK_HAS_STAT | CRFD_TASK_HAS_STATUS);
	}
}

static void test_what_is_no_status(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"empty", ""},
		{"Tgid alone", "Tgid:\t12\n"},
		{"Tgid negative", "Tgid:\t-1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1\n"},
		{"three uids", "Tgid:\t1\nUid:\t1\t2\t3\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1\n"},
		{"FDSize empty", "Tgid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t\nThreads:\t1\n"},
		{"Threads of 33 bits", "Tgid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t4294967296\n"},
	};

	FOR_ROWS(row, rows) {
		crfd_task_info untouched = {.tgid = 42};

		CHECK_EQ(crfd_procstatus_parse(row->text, strlen(row->text), &untouched), -EINVAL);
		CHECK_EQ(untouched.tgid, 42);
		CHECK_EQ(untouched.known, 0);
	}
}

#define TITLE "Limit                     Soft Limit           Hard Limit           Units     \n"
#define NOFILE(soft, hard) TITLE "Max open files            " soft " " hard " files     \n"

static void test_limits(void)
{
	static const struct {
		const char *name, *text;
		int rc;
		uint64_t soft, hard;
	} rows[] = {
		{"numbers", NOFILE("1024                ", "1048576             "), 0, 1024, 1048576},
		{"no limit", NOFILE("0                   ", "unlimited           "), 0, 0, UINT64_MAX},
		{"no such line", TITLE, -EINVAL, 7, 7},
		{"hard limit not a number", NOFILE("1024                ", "many                "), -EINVAL, 7, 7},
		{"empty", "", -EINVAL, 7, 7},
	};

	FOR_ROWS(row, rows) {
		uint64_t soft = 7, hard = 7;

		CHECK_EQ(crfd_proclimits_parse(row->text, strlen(row->text), &soft, &hard), row->rc);
		CHECK_EQ(soft, row->soft);
		CHECK_EQ(hard, row->hard);
	}
}

static void test_namespaces(void)
{
	static const struct {
		const char *name; /* and the text */
		int rc;
		uint64_t ino;
	} rows[] = {
		{"mnt:[4026531841]", 0, 4026531841}, {"mnt:[4026531841", -EINVAL, 7}, {"mnt:[]", -EINVAL, 7}, {"", -EINVAL, 7},
	};

	FOR_ROWS(row, rows) {
		uint64_t ino = 7;

		CHECK_EQ(crfd_procns_parse(row->name, strlen(row->name), &ino), row->rc);
		CHECK_EQ(ino, row->ino);
	}
}

int main(void)
{
	test_fields();
	test_comm();
	test_what_is_no_stat();
	test_states();
	test_status();
	test_what_is_no_status();
	test_limits();
	test_namespaces();
	return check_status();
}
