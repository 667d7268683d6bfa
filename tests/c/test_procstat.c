/* SPDX-License-Identifier: MIT */
#include "procfs/stat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define MIDDLE " 1 22 33 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 5 0 386080 3133440 392 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0"

static struct crfd_procstat made(const char *comm, char state)
{
	struct crfd_procstat s;
	char text[512];

	snprintf(text, sizeof(text), "77 (%s) %c" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 1792\n", comm, state);
	CHECK(crfd_procstat_parse(text, strlen(text), &s) == 0);
	return s;
}

static void test_fields(void)
{
	struct crfd_procstat s = made("cat", 'S');

	CHECK(!strcmp(s.comm, "cat") && s.state == 'S' && s.ppid == 1 && s.sid == 33 && s.flags == 4194304);
	CHECK(s.threads == 5 && s.start_time == 386080 && s.exit_signal == 17 && s.exit_code == 1792);
}

static void test_comm(void)
{
	struct crfd_procstat s;

	s = made(") R 1 (a)", 'S');
	CHECK(!strcmp(s.comm, ") R 1 (a)") && s.state == 'S');
	s = made("kworker/u8:2-events_unbound", 'I');
	CHECK(!strcmp(s.comm, "kworker/u8:2-ev") && s.comm[15] == 0);
	s = made("", 'R');
	CHECK(!s.comm[0]);
	s = made("two\nlines", 'R');
	CHECK(!strcmp(s.comm, "two\nlines"));
}

static void test_bad_stat(void)
{
	static const char *const bad[] = {"", "77", "77 (cat", "77 cat) R", ")77 (", "77 (cat)", "77 (cat) S 1 2 3",
					  "77 (cat) SS" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0",
					  "77 (cat) S  1" MIDDLE " 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0",
					  "77 (cat) S" MIDDLE " 4294967296 1 0 0 0 0 0 1 2 3 4 5 6 7 0",
					  "77 (cat) S" MIDDLE " x 1 0 0 0 0 0 1 2 3 4 5 6 7 0"};
	struct crfd_procstat s = {.ppid = 42};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(crfd_procstat_parse(bad[i], strlen(bad[i]), &s) == -EINVAL && s.ppid == 42);
}

static void check_state(char letter, uint32_t state, uint32_t exit_state)
{
	struct crfd_procstat s = made("x", letter);
	crfd_task_rec rec;

	crfd_procstat_rec(&s, &rec);
	CHECK(rec.state == state && rec.exit_state == exit_state && rec.exit_code == 1792 && rec.exit_signal == 17);
	CHECK(rec.comm_len == 16 && rec.pad == 0);
	CHECK(crfd_procstat_exited(&s) == (exit_state != 0));
}

static void test_states(void)
{
	check_state('R', 0, 0);
	check_state('S', 1, 0);
	check_state('D', 2, 0);
	check_state('T', 4, 0);
	check_state('t', 8, 0);
	check_state('I', 0x402, 0);
	check_state('X', 0x80, 0x10);
	check_state('Z', 0x80, 0x20);
}

static void test_status(void)
{
	const char *text = "Name:\tTgid:\\n1\nState:\tS (sleeping)\nTgid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t256\n"
			   "NSpid:\t12\t5\t4\t3\t2\t1\nThreads:\t9\n";
	struct crfd_procstatus s;

	CHECK(crfd_procstatus_parse(text, strlen(text), &s) == 0);
	CHECK(s.tgid == 12 && s.uid == 1 && s.euid == 2 && s.gid == 5 && s.egid == 6);
	CHECK(s.fd_size == 256 && s.ns_pid == 1 && s.threads == 9);
	text = "Tgid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1";
	CHECK(crfd_procstatus_parse(text, strlen(text), &s) == 0 && s.ns_pid == 0 && s.threads == 1);
}

static void test_bad_status(void)
{
	static const char *const bad[] = {
		"", "Tgid:\t12\n", "Tgid:\t-1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1\n",
		"Tgid:\t1\nUid:\t1\t2\t3\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t1\n",
		"Tgid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t\nThreads:\t1\n",
		"Tgid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t0\nThreads:\t4294967296\n"};
	struct crfd_procstatus s = {.tgid = 42};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(crfd_procstatus_parse(bad[i], strlen(bad[i]), &s) == -EINVAL && s.tgid == 42);
}

int main(void)
{
	test_fields();
	test_comm();
	test_bad_stat();
	test_states();
	test_status();
	test_bad_status();
	return 0;
}
