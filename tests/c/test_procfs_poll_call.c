/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/syscall (proc_pid_syscall(5)), and what arrays and sets say. */
#include "procfs/poll_call.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "check.h"
#include "format/format.h"

#define HIGH "0x7ffd0000e000 0x7f0000001000\n" /* stack and code of a process of 64 bits */
#define LOW "0xffffd000 0xf7fd1000\n"

static void test_calls(void)
{
	static const struct {
		const char *name;
		int nr;
		const char *rest;
		struct crfd_poll_call call;
	} rows[] = {
		{"an array", SYS_ppoll, "0x7f10 0x3 0x0 0x0 0x8 0x0 " HIGH, {.how = CRFD_POLL_ARRAY, .nr = 3, .at = {0x7f10}}},
		{"no entries", SYS_ppoll, "0x0 0x0 0x0 0x0 0x8 0x0 " HIGH, {.how = CRFD_POLL_ARRAY}},
		{"rubbish above 32 bits", SYS_ppoll, "0x10 0xffffffff00000002 0x0 0x0 0x8 0x0 " HIGH,
		 {.how = CRFD_POLL_ARRAY, .nr = 2, .at = {0x10}}},
		{"sets", SYS_pselect6, "0x40 0x10 0x0 0x30 0x0 0x0 " HIGH, {.how = CRFD_POLL_SETS, .nr = 64, .at = {0x10, 0, 0x30}}},
		{"negative sets", SYS_pselect6, "0xffffffff 0x10 0x20 0x30 0x0 0x0 " HIGH,
		 {.how = CRFD_POLL_SETS, .nr = 0, .at = {0x10, 0x20, 0x30}}},
		{"epoll", SYS_epoll_pwait, "0x7 0x10 0x1 0xffffffff 0x0 0x8 " HIGH, {.how = CRFD_POLL_EPOLL, .epoll = 7}},
		{"again", SYS_restart_syscall, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " HIGH,
		 {.how = CRFD_POLL_ARRAY, .again = 1, .nr = 1, .at = {0x10}}},
#ifdef __x86_64__
		{"poll", 7, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " HIGH, {.how = CRFD_POLL_ARRAY, .nr = 1, .at = {0x10}}},
		{"select", 23, "0x1 0x10 0x0 0x0 0x0 0x0 " HIGH, {.how = CRFD_POLL_SETS, .nr = 1, .at = {0x10}}},
		{"epoll_wait", 232, "0x7 0x10 0x1 0xffffffff 0x0 0x0 " HIGH, {.how = CRFD_POLL_EPOLL, .epoll = 7}},
		{"poll of 32 bits", 168, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " LOW, {.how = CRFD_POLL_ARRAY, .nr = 1, .at = {0x10}}},
		{"swapoff", 168, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " HIGH, {0}},
		{"waitpid of 32 bits", 7, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " LOW, {0}},
		{"again of 32 bits", 0, "0x10 0x1 0x0 0x0 0x0 0x0 " LOW, {.how = CRFD_POLL_ARRAY, .again = 1, .nr = 1, .at = {0x10}}},
#endif
		{"another call", SYS_getpid, "0x10 0x1 0xffffffff 0x0 0x0 0x0 " HIGH, {0}},
		{"a word less", SYS_ppoll, "0x7f10 0x3 0x0 0x0 0x8 " HIGH, {0}},
		{"a word more", SYS_ppoll, "0x7f10 0x3 0x0 0x0 0x8 0x0 0x1 " HIGH, {0}},
		{"no 0x", SYS_ppoll, "0x7f10 33 0x0 0x0 0x8 0x0 " HIGH, {0}},
	};

	FOR_ROWS(row, rows) {
		char text[160];
		int n = snprintf(text, sizeof(text), "%d %s", row->nr, row->rest);
		struct crfd_poll_call call = crfd_poll_call_parse(text, (size_t)n);

		CHECK_EQ(call.how, row->call.how);
		CHECK_EQ(call.again, row->call.again);
		CHECK_EQ(call.nr, row->call.nr);
		CHECK_EQ(call.epoll, row->call.epoll);
		CHECK_BYTES(call.at, sizeof(call.at), row->call.at, sizeof(row->call.at));
	}
}

static void test_no_call(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"it runs", "running\n"}, {"it stands in none", "-1 0x7ffd0000e000 0x7f0000001000\n"}, {"nothing", ""},
		{"no number", "0x7 0x10 0x1 0x0 0x0 0x0 0x0 " HIGH}, {"too large", "4294967296 0x10 0x1 0x0 0x0 0x0 0x0 " HIGH},
	};

	FOR_ROWS(row, rows)
		CHECK_EQ(crfd_poll_call_parse(row->text, strlen(row->text)).how, CRFD_POLL_NOT);
}

static void test_found(void)
{
	static const struct pollfd array[] = {{9, POLLIN, POLLOUT}, {-1, POLLIN, 0}, {3, 0, 0}, {9, POLLPRI, 0}};
	static const uint8_t set[] = {0x08, 0x82, 0xff};
	static const crfd_polled expected[] = {
		{3, 7, 0, 0}, {3, 8, POLLOUT, 0}, {9, 7, POLLIN | POLLPRI, 0}, {9, 8, POLLOUT, 0}, {15, 8, POLLOUT, 0},
	};
	crfd_buf out = {0};

	crfd_polled_sort(&out);
	CHECK_EQ(out.nr, 0);
	CHECK_EQ(crfd_polled_set(set, 16, POLLOUT, 8, &out), 0);
	CHECK_EQ(crfd_polled_array((const uint8_t *)array, COUNT_OF(array), 7, &out), 0);
	crfd_polled_sort(&out);
	CHECK_BYTES(out.v, out.nr, expected, sizeof(expected));
	crfd_buf_release(&out);
}

int main(void)
{
	test_calls();
	test_no_call();
	test_found();
	return check_status();
}
