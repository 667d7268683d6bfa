/* SPDX-License-Identifier: MIT */
#include "procfs/poll_call.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/number.h"
#include "format/format.h"

#define WORDS 9 /* the number, six arguments, the stack pointer, the program counter */

struct call {
	int32_t nr;
	uint8_t how, again;
};

static const struct call calls[] = {
#ifdef SYS_poll
	{SYS_poll, CRFD_POLL_ARRAY, 0},
#endif
#ifdef SYS_select
	{SYS_select, CRFD_POLL_SETS, 0},
#endif
#ifdef SYS_epoll_wait
	{SYS_epoll_wait, CRFD_POLL_EPOLL, 0},
#endif
#ifdef SYS_epoll_pwait2
	{SYS_epoll_pwait2, CRFD_POLL_EPOLL, 0},
#endif
	{SYS_ppoll, CRFD_POLL_ARRAY, 0}, {SYS_pselect6, CRFD_POLL_SETS, 0}, {SYS_epoll_pwait, CRFD_POLL_EPOLL, 0},
	{SYS_restart_syscall, CRFD_POLL_ARRAY, 1}, {-1, CRFD_POLL_NOT, 0},
};

#ifdef __x86_64__
/* arch/x86/entry/syscalls/syscall_32.tbl */
static const struct call calls_i386[] = {
	{168, CRFD_POLL_ARRAY, 0}, /* poll */
	{309, CRFD_POLL_ARRAY, 0}, {414, CRFD_POLL_ARRAY, 0}, /* ppoll, ppoll_time64 */
	{142, CRFD_POLL_SETS, 0}, /* _newselect */
	{308, CRFD_POLL_SETS, 0}, {413, CRFD_POLL_SETS, 0}, /* pselect6, pselect6_time64 */
	{256, CRFD_POLL_EPOLL, 0}, {319, CRFD_POLL_EPOLL, 0}, {441, CRFD_POLL_EPOLL, 0}, /* epoll_wait, epoll_pwait, epoll_pwait2 */
	{0, CRFD_POLL_ARRAY, 1}, /* restart_syscall */
	{-1, CRFD_POLL_NOT, 0},
};
#endif

/* Reads the words of the line, the first in base 10 and the others as 0x…: 1 where it has all of them. */
static int read_words(const char *p, const char *end, uint64_t *v)
{
	for (size_t i = 0; i < WORDS; i++) {
		size_t skip = i ? 2 : 0, n = 0;

		while (p + n < end && p[n] != ' ' && p[n] != '\n')
			n++;
		if (n < skip || (skip && memcmp(p, "0x", skip)) || crfd_number(p + skip, n - skip, i ? 16 : 10, UINT64_MAX, &v[i]) < 0)
			return 0;
		p += n + (p + n < end);
	}
	return p == end;
}

/* A process of 32 bits has its stack and its code below 4 GiB; of another one both hardly ever are. */
static const struct call *table_for(uint64_t stack, uint64_t code)
{
#ifdef __x86_64__
	if ((stack | code) <= UINT32_MAX)
		return calls_i386;
#endif
	(void)stack, (void)code;
	return calls;
}

struct crfd_poll_call crfd_poll_call_parse(const char *text, size_t n)
{
	struct crfd_poll_call call = {0};
	const struct call *c;
	uint64_t v[WORDS];

	if (!read_words(text, text + n, v) || v[0] > INT32_MAX)
		return call;
	for (c = table_for(v[7], v[8]); c->how && c->nr != (int32_t)v[0]; c++)
		;
	call.how = c->how;
	call.again = c->again;
	if (c->how == CRFD_POLL_ARRAY) {
		call.at[0] = v[1];
		call.nr = (uint32_t)v[2];
	} else if (c->how == CRFD_POLL_SETS) {
		call.nr = (int32_t)v[1] > 0 ? (uint32_t)v[1] : 0;
		memcpy(call.at, &v[2], sizeof(call.at));
	} else if (c->how == CRFD_POLL_EPOLL) {
		call.epoll = (int32_t)v[1];
	}
	return call;
}

int crfd_polled_array(const uint8_t *v, size_t n, int32_t tid, crfd_buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		struct pollfd one;

		memcpy(&one, v + i * sizeof(one), sizeof(one));
		if (one.fd >= 0)
			rc = crfd_buf_put(out, &(crfd_polled){.fd = one.fd, .tid = tid, .events = (uint16_t)one.events}, sizeof(crfd_polled));
	}
	return rc;
}

int crfd_polled_set(const uint8_t *v, uint32_t bits, uint32_t events, int32_t tid, crfd_buf *out)
{
	int rc = 0;

	for (uint32_t fd = 0; fd < bits && rc >= 0; fd++)
		if (v[fd / 8] >> fd % 8 & 1)
			rc = crfd_buf_put(out, &(crfd_polled){.fd = (int32_t)fd, .tid = tid, .events = events}, sizeof(crfd_polled));
	return rc;
}

static int by_fd(const void *a, const void *b)
{
	const crfd_polled *x = a, *y = b;

	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

void crfd_polled_sort(crfd_buf *polled)
{
	crfd_polled *v = (crfd_polled *)polled->v;
	size_t n = polled->nr / sizeof(*v), kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_fd);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_fd(&v[kept - 1], &v[i]))
			v[kept - 1].events |= v[i].events;
		else
			v[kept++] = v[i];
	}
	polled->nr = kept * sizeof(*v);
}
