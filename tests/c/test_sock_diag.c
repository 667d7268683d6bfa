/* SPDX-License-Identifier: MIT */
/* Answers to a dump of unix sockets, right and cut and wrong, and what a batch's records become by them. */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "batch/batch.h"
#include "check.h"
#include "oom.h"
#include "sock_diag/sock_diag.h"

#define NET 4026531840u
#define NO_PEER UINT32_MAX
enum { CONNECTED = 1, CLOSED = 7, LISTEN = 10 };
#define STATE (CRFD_SOCK_HAS_STATE | CRFD_SOCK_HAS_NO_READING | CRFD_SOCK_HAS_WRITING) /* shut down for reading */

static void put(crfd_buf *b, const void *p, size_t n)
{
	CHECK(crfd_buf_put(b, p, n) == 0);
}

static void put_attr(crfd_buf *b, int type, const void *p, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + n), .nla_type = (uint16_t)type};

	put(b, &a, sizeof(a));
	put(b, p, n);
	while (b->nr % NLA_ALIGNTO)
		put(b, "", 1);
}

/* A listener has the sockets of inode `waits` and of one that has closed since in its queue. */
static void put_socket(crfd_buf *b, int state, uint32_t ino, uint32_t peer, uint32_t waits)
{
	struct nlmsghdr h = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_MULTI};
	struct unix_diag_msg m = {.udiag_family = AF_UNIX, .udiag_state = (uint8_t)state, .udiag_ino = ino};
	struct unix_diag_rqlen queue = {.udiag_rqueue = 3, .udiag_wqueue = 9};
	const uint32_t queued[] = {waits, 0};
	size_t from = b->nr;

	put(b, &h, sizeof(h));
	put(b, &m, sizeof(m));
	put_attr(b, UNIX_DIAG_SHUTDOWN, "\1", 1);
	if (peer != NO_PEER)
		put_attr(b, UNIX_DIAG_PEER, &peer, sizeof(peer));
	put_attr(b, UNIX_DIAG_RQLEN, &queue, sizeof(queue));
	if (state == LISTEN)
		put_attr(b, UNIX_DIAG_ICONS, queued, sizeof(queued));
	h.nlmsg_len = (uint32_t)(b->nr - from);
	memcpy(b->v + from, &h, sizeof(h));
}

static void put_end(crfd_buf *b, int type, int32_t code)
{
	struct nlmsghdr h = {.nlmsg_len = sizeof(h) + sizeof(code), .nlmsg_type = (uint16_t)type};

	put(b, &h, sizeof(h));
	put(b, &code, sizeof(code));
}

static int add(crfd_unix_socks *s, const uint8_t *answer, size_t n)
{
	uint8_t *copy = check_copy(answer, n);
	int rc = crfd_unix_socks_add(s, copy, n);

	free(copy);
	return rc;
}

static void test_a_dump(crfd_unix_socks *s)
{
	static const struct {
		const char *name;
		crfd_unix_sock sock;
	} rows[] = {
		{"not accepted yet", {.ino = 5, .known = STATE | CRFD_SOCK_HAS_LISTENER, .state = 3, .peer_ino = 30}},
		{"its peer was not named", {.ino = 10, .known = STATE, .state = 3}},
		{"connected", {.ino = 20, .known = STATE | CRFD_SOCK_HAS_PEER, .state = 3, .peer_ino = 40}},
		{"listening",
		 {.ino = 30, .known = STATE | CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG, .state = LISTEN,
		  .waiting = 3, .backlog = 9}},
		{"connected to the second", {.ino = 40, .known = STATE | CRFD_SOCK_HAS_PEER, .state = 3, .peer_ino = 20}},
		{"neither", {.ino = 50, .known = STATE | CRFD_SOCK_HAS_PEER, .state = 1}},
	};
	crfd_buf b = {0};
	size_t i = 0;

	put_socket(&b, CONNECTED, 40, 20, 0);
	put_socket(&b, LISTEN, 30, NO_PEER, 5);
	put_socket(&b, CONNECTED, 5, 0, 0);
	put_socket(&b, CLOSED, 50, NO_PEER, 0);
	CHECK_EQ(add(s, b.v, b.nr), 0);
	b.nr = 0;
	put_socket(&b, CONNECTED, 20, 40, 0);
	put_socket(&b, CONNECTED, 10, 0, 0);
	put_end(&b, NLMSG_DONE, 0);
	CHECK_EQ(add(s, b.v, b.nr), 1);
	CHECK(s->nr == COUNT_OF(rows));
	FOR_ROWS(row, rows) {
		const crfd_unix_sock *found = &s->v[i++];

		CHECK_EQ(found->ino, row->sock.ino);
		CHECK_EQ(found->known, row->sock.known);
		CHECK_EQ(found->state, row->sock.state);
		CHECK_EQ(found->peer_ino, row->sock.peer_ino);
		CHECK_EQ(found->waiting, row->sock.waiting);
		CHECK_EQ(found->backlog, row->sock.backlog);
	}
	crfd_buf_release(&b);
}

static void test_ends(void)
{
	static const struct {
		const char *name;
		int type;
		int32_t code;
		size_t lacks; /* bytes at the end */
		int rc;
	} rows[] = {
		{"done", NLMSG_DONE, 0, 0, 1},
		{"an error", NLMSG_ERROR, -ENOENT, 0, -ENOENT},
		{"an error cut before its number", NLMSG_ERROR, -ENOENT, 4, -EBADMSG},
		{"done, but refused", NLMSG_DONE, -EPERM, 0, -EPERM},
		{"an error that is none", NLMSG_ERROR, 0, 0, -EBADMSG},
	};

	FOR_ROWS(row, rows) {
		crfd_unix_socks s = {0};
		crfd_buf b = {0};

		put_end(&b, row->type, row->code);
		CHECK_EQ(add(&s, b.v, b.nr - row->lacks), row->rc);
		crfd_unix_socks_release(&s);
		crfd_buf_release(&b);
	}
}

static void test_what_is_no_dump(void)
{
	crfd_unix_socks s = {0};
	crfd_buf b = {0};

	put_socket(&b, LISTEN, 1, 2, 3);
	for (size_t n = 1; n < b.nr; n++)
		CHECK_EQ(add(&s, b.v, n), -EBADMSG);
	/* Every byte wrong in turn: never a crash, never the end of the dump. */
	for (size_t i = 0; i < b.nr; i++) {
		b.v[i] ^= 0xff;
		CHECK_RANGE(add(&s, b.v, b.nr), INT_MIN, 0);
		b.v[i] ^= 0xff;
	}
	crfd_unix_socks_release(&s);
	crfd_buf_release(&b);
}

static void test_no_memory(void)
{
	crfd_unix_socks s = {0};
	crfd_buf b = {0};

	put_socket(&b, CONNECTED, 1, 2, 0);
	oom_arm(1, 1);
	CHECK_EQ(crfd_unix_socks_add(&s, b.v, b.nr), -ENOMEM);
	CHECK_EQ(oom_disarm(), 1);
	CHECK_EQ(s.nr, 0);
	crfd_unix_socks_release(&s);
	crfd_buf_release(&b);
}

#define LACKING (CRFD_SOCK_HAS_TYPE | CRFD_SOCK_HAS_NET_NS)
#define QUEUES (CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG)

static void add_fd(crfd_batch *b, uint64_t ino, const crfd_socket *r)
{
	crfd_fd *f = crfd_batch_fds(b, 1);

	CHECK(f);
	*f = (crfd_fd){.kind = CRFD_KIND_SOCKET, .st = {.known = CRFD_HAS_INO, .ino = ino}};
	b->socket[b->nfds - 1] = *r;
}

static void add_task(crfd_batch *b, uint32_t pid)
{
	crfd_task *t = crfd_batch_task(b);

	CHECK(t);
	t->info.pid = pid;
}

/* A descriptor of a socket, what the batch's socket says before, and what the list of test_a_dump() adds. */
static const struct fd_row {
	const char *name;
	uint32_t pid;
	uint64_t ino;
	crfd_socket before;
	crfd_socket after; /* of it known, peer_ino, recv_queue, send_queue and backlog */
} fd_rows[] = {
	{"of another family", 1, 40, {.known = LACKING, .family = AF_INET, .net_ns = NET}, {.known = LACKING}},
	{"listening", 2, 30, {.known = LACKING, .family = AF_UNIX, .net_ns = NET},
	 {.known = LACKING | STATE | QUEUES, .recv_queue = 3, .backlog = 9}},
	{"in another namespace", 2, 40, {.known = LACKING, .family = AF_UNIX, .net_ns = NET + 1}, {.known = LACKING}},
	{"connected", 2, 40, {.known = LACKING, .family = AF_UNIX, .net_ns = NET},
	 {.known = LACKING | STATE | CRFD_SOCK_HAS_PEER, .peer_ino = 20}},
	{"not accepted yet", 2, 5, {.known = LACKING, .family = AF_UNIX, .net_ns = NET},
	 {.known = LACKING | STATE | CRFD_SOCK_HAS_LISTENER, .peer_ino = 30}},
	{"of which the list does not name the peer", 2, 10, {.known = LACKING, .family = AF_UNIX, .net_ns = NET},
	 {.known = LACKING | STATE}},
	{"an inode of more than 32 bits", 2, (1ull << 32) + 40, {.known = LACKING, .family = AF_UNIX, .net_ns = NET},
	 {.known = LACKING}},
	{"connected since, and a listener in the list", 2, 30,
	 {.known = LACKING | CRFD_SOCK_HAS_STATE, .family = AF_UNIX, .net_ns = NET, .state = 3}, /* SS_CONNECTED */
	 {.known = LACKING | CRFD_SOCK_HAS_STATE}},
	{"listening since, and connected in the list", 2, 20,
	 {.known = LACKING | CRFD_SOCK_HAS_STATE, .family = AF_UNIX, .net_ns = NET, .state = LISTEN},
	 {.known = LACKING | CRFD_SOCK_HAS_STATE}},
	{"listening, as in the list", 2, 30,
	 {.known = LACKING | CRFD_SOCK_HAS_STATE, .family = AF_UNIX, .net_ns = NET, .state = LISTEN},
	 {.known = LACKING | STATE | QUEUES, .recv_queue = 3, .backlog = 9}},
};

static void test_a_batch(const crfd_unix_socks *s)
{
	crfd_batch *b = crfd_batch_new();
	crfd_peer_lack lack[4];
	uint32_t pid = 0;
	size_t i = 0;

	FOR_ROWS(row, fd_rows) {
		if (row->pid != pid)
			add_task(b, pid = row->pid);
		add_fd(b, row->ino, &row->before);
	}
	CHECK_EQ(crfd_batch_lack_peers(b, lack, 1), 1);
	CHECK_EQ(crfd_batch_lack_peers(b, lack, 4), 2);
	CHECK_EQ(lack[0].pid, 2);
	CHECK_EQ(lack[0].net_ns, NET);
	CHECK_EQ(lack[1].pid, 2);
	CHECK_EQ(lack[1].net_ns, NET + 1);
	CHECK_EQ(crfd_batch_fill_peers(b, NET, &(crfd_unix_socks){0}), 8);
	CHECK_EQ(crfd_batch_fill_peers(b, NET, s), 3);
	FOR_ROWS(row, fd_rows) {
		const crfd_socket *found = &b->socket[i++];

		CHECK_EQ(found->known, row->after.known);
		CHECK_EQ(found->peer_ino, row->after.peer_ino);
		CHECK_EQ(found->recv_queue, row->after.recv_queue);
		CHECK_EQ(found->send_queue, row->after.send_queue);
		CHECK_EQ(found->backlog, row->after.backlog);
	}
	crfd_batch_free(b);
}

/* What stands in the batch's socket of a descriptor that is none, or could not be read, is left alone. */
static void test_no_socket(const crfd_unix_socks *s)
{
	static const struct {
		const char *name;
		crfd_fd fd;
	} rows[] = {
		{"a pipe", {.kind = CRFD_KIND_PIPE, .st = {.known = CRFD_HAS_INO, .ino = 40}}},
		{"not read", {.kind = CRFD_KIND_SOCKET, .failed = 1, .st = {.known = CRFD_HAS_INO, .ino = 40}}},
		{"inode not known", {.kind = CRFD_KIND_SOCKET, .st = {.ino = 40}}},
	};
	const crfd_socket lacking = {.known = LACKING, .family = AF_UNIX, .net_ns = NET};

	FOR_ROWS(row, rows) {
		crfd_batch *b = crfd_batch_new();

		add_task(b, 1);
		add_fd(b, 40, &lacking);
		b->fd[0] = row->fd;
		CHECK_EQ(crfd_batch_fill_peers(b, NET, s), 0);
		CHECK_EQ(b->socket[0].known, LACKING);
		crfd_batch_free(b);
	}
}

int main(void)
{
	crfd_unix_socks s = {0};

	test_a_dump(&s);
	test_ends();
	test_what_is_no_dump();
	test_no_memory();
	test_a_batch(&s);
	test_no_socket(&s);
	crfd_unix_socks_release(&s);
	return check_status();
}
