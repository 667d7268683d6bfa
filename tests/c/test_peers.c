/* SPDX-License-Identifier: MIT */
/* Answers to a dump of unix sockets, right and cut and wrong, and what a batch's records become by them. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "batch/batch.h"
#include "check.h"
#include "format/record.h"
#include "oom.h"
#include "sock_diag/sock_diag.h"

#define NET 4026531840u
#define NO_PEER UINT32_MAX
enum { CONNECTED = 1, LISTEN = 10 };

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

static void put_socket(crfd_buf *b, int state, uint32_t ino, uint32_t peer)
{
	struct nlmsghdr h = {.nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_MULTI};
	struct unix_diag_msg m = {.udiag_family = AF_UNIX, .udiag_state = (uint8_t)state, .udiag_ino = ino};
	struct unix_diag_rqlen queue = {.udiag_rqueue = 3, .udiag_wqueue = 9};
	size_t from = b->nr;

	put(b, &h, sizeof(h));
	put(b, &m, sizeof(m));
	put_attr(b, UNIX_DIAG_SHUTDOWN, "\1", 1);
	if (peer != NO_PEER)
		put_attr(b, UNIX_DIAG_PEER, &peer, sizeof(peer));
	put_attr(b, UNIX_DIAG_RQLEN, &queue, sizeof(queue));
	h.nlmsg_len = (uint32_t)(b->nr - from);
	memcpy(b->v + from, &h, sizeof(h));
}

static void put_end(crfd_buf *b, int type, int32_t code)
{
	struct nlmsghdr h = {.nlmsg_len = sizeof(h) + sizeof(code), .nlmsg_type = (uint16_t)type};

	put(b, &h, sizeof(h));
	put(b, &code, sizeof(code));
}

/* From memory of just that size, so that a read past its end is seen. */
static int add(crfd_unix_socks *s, const uint8_t *p, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	int rc;

	memcpy(exact, p, n);
	rc = crfd_unix_socks_add(s, exact, n);
	free(exact);
	return rc;
}

static void test_a_dump(crfd_unix_socks *s)
{
	crfd_buf b = {0};

	put_socket(&b, CONNECTED, 40, 20);
	put_socket(&b, LISTEN, 30, NO_PEER);
	CHECK(add(s, b.v, b.nr) == 0);
	b.nr = 0;
	put_socket(&b, CONNECTED, 20, 40);
	put_socket(&b, CONNECTED, 10, 0);
	put_end(&b, NLMSG_DONE, 0);
	CHECK(add(s, b.v, b.nr) == 1);
	CHECK(s->nr == 4 && s->v[0].ino == 10 && s->v[1].ino == 20 && s->v[2].ino == 30 && s->v[3].ino == 40);
	CHECK(s->v[0].known == 0 && s->v[1].known == CRFD_SOCK_HAS_PEER && s->v[1].peer_ino == 40);
	CHECK(s->v[2].known == (CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_QUEUES | CRFD_SOCK_HAS_BACKLOG));
	CHECK(s->v[2].peer_ino == 0 && s->v[2].waiting == 3 && s->v[2].backlog == 9);
	crfd_buf_release(&b);
}

static void test_what_is_no_dump(void)
{
	crfd_unix_socks s = {0};
	crfd_buf b = {0};

	put_socket(&b, LISTEN, 1, 2);
	for (size_t n = 1; n < b.nr; n++)
		CHECK(add(&s, b.v, n) == -EBADMSG);
	/* Every byte wrong in turn: never a crash, never the end of the dump. */
	for (size_t i = 0; i < b.nr; i++) {
		b.v[i] ^= 0xff;
		CHECK(add(&s, b.v, b.nr) <= 0);
		b.v[i] ^= 0xff;
	}
	b.nr = 0;
	put_end(&b, NLMSG_ERROR, -ENOENT);
	CHECK(add(&s, b.v, b.nr) == -ENOENT && add(&s, b.v, b.nr - 4) == -EBADMSG);
	b.nr = 0;
	put_end(&b, NLMSG_DONE, -EPERM);
	CHECK(add(&s, b.v, b.nr) == -EPERM);
	b.nr = 0;
	put_end(&b, NLMSG_ERROR, 0);
	CHECK(add(&s, b.v, b.nr) == -EBADMSG);
	crfd_unix_socks_release(&s);
	crfd_buf_release(&b);
}

static void test_no_memory(void)
{
	crfd_unix_socks s = {0};
	crfd_buf b = {0};

	put_socket(&b, CONNECTED, 1, 2);
	oom_arm(1, 1);
	CHECK(crfd_unix_socks_add(&s, b.v, b.nr) == -ENOMEM);
	CHECK(oom_disarm() == 1 && s.nr == 0);
	crfd_unix_socks_release(&s);
	crfd_buf_release(&b);
}

static const crfd_socket lacking = {.known = CRFD_SOCK_HAS_TYPE | CRFD_SOCK_HAS_NET_NS, .family = AF_UNIX, .net_ns = NET};

static void add_fd(crfd_batch *b, uint64_t ino, const crfd_socket *r)
{
	crfd_socket other = {.known = CRFD_SOCK_HAS_IN_FLIGHT};
	size_t from = b->text.nr;
	crfd_fd *f = crfd_batch_fds(b, 1);

	CHECK(f);
	*f = (crfd_fd){.kind = CRFD_KIND_SOCKET, .st = {.known = CRFD_HAS_INO, .ino = ino}};
	CHECK(crfd_buf_rec(&b->text, CRFD_REC_SOCKET, 0, &other, sizeof(other)) == 0);
	CHECK(crfd_buf_rec(&b->text, CRFD_REC_SOCKET, 0, r, sizeof(*r)) == 0);
	f->ext = (crfd_span){.off = from, .len = (uint32_t)(b->text.nr - from)};
}

static crfd_socket record(const crfd_batch *b, size_t i)
{
	crfd_socket r;

	memcpy(&r, b->text.v + b->fd[i].ext.off + 2 * sizeof(crfd_rec) + sizeof(r), sizeof(r));
	return r;
}

static void add_task(crfd_batch *b, uint32_t pid)
{
	crfd_task *t = crfd_batch_task(b);

	CHECK(t);
	t->info.pid = pid;
}

static void test_a_batch(const crfd_unix_socks *s)
{
	crfd_socket inet = lacking, elsewhere = lacking, connected = lacking, listening = lacking;
	crfd_batch *b = crfd_batch_new();
	crfd_peer_lack lack[4];

	inet.family = AF_INET;
	elsewhere.net_ns = NET + 1;
	connected.known |= CRFD_SOCK_HAS_STATE;
	connected.state = 3; /* SS_CONNECTED */
	listening.known |= CRFD_SOCK_HAS_STATE;
	listening.state = 10; /* and did not when the list was made */
	add_task(b, 1);
	add_fd(b, 40, &inet);
	add_task(b, 2);
	add_fd(b, 30, &lacking);
	add_fd(b, 40, &elsewhere);
	add_fd(b, 40, &lacking);
	add_fd(b, 10, &lacking);
	add_fd(b, (1ull << 32) + 40, &lacking);
	add_fd(b, 30, &connected);
	add_fd(b, 20, &listening);
	add_fd(b, 30, &listening);
	CHECK(crfd_batch_lack_peers(b, lack, 4) == 2 && crfd_batch_lack_peers(b, lack, 1) == 1);
	CHECK(lack[0].pid == 2 && lack[0].net_ns == NET && lack[1].pid == 2 && lack[1].net_ns == NET + 1);
	CHECK(crfd_batch_fill_peers(b, NET, &(crfd_unix_socks){0}) == 7);
	CHECK(crfd_batch_fill_peers(b, NET, s) == 3);
	CHECK(record(b, 0).known == inet.known && record(b, 2).known == lacking.known);
	CHECK(record(b, 1).known == (lacking.known | s->v[2].known) && record(b, 1).backlog == 9);
	CHECK(record(b, 1).recv_queue == 3 && record(b, 1).send_queue == 0 && record(b, 1).peer_ino == 0);
	CHECK(record(b, 3).known == (lacking.known | CRFD_SOCK_HAS_PEER) && record(b, 3).peer_ino == 20);
	CHECK(record(b, 4).known == lacking.known && record(b, 5).known == lacking.known);
	CHECK(record(b, 6).known == connected.known && record(b, 7).known == listening.known);
	CHECK(record(b, 8).backlog == 9);
	crfd_batch_free(b);
}

/* Records that end too late, and spans outside the text: left alone. */
static void test_bounds(const crfd_unix_socks *s)
{
	static const crfd_span wrong[] = {{.off = 0, .len = 7}, {.off = 0, .len = 200}, {.off = 5000, .len = 80},
					  {.off = UINT64_MAX, .len = 80}, {.off = 80, .len = 80}};
	crfd_batch *b = crfd_batch_new();
	crfd_rec h = {.type = CRFD_REC_SOCKET, .len = -1};
	crfd_span right;

	add_task(b, 1);
	add_fd(b, 40, &lacking);
	right = b->fd[0].ext;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		b->fd[0].ext = wrong[i];
		CHECK(crfd_batch_fill_peers(b, NET, s) == 0);
	}
	b->fd[0].ext = (crfd_span){.off = right.off, .len = right.len - 1};
	CHECK(crfd_batch_fill_peers(b, NET, s) == 0);
	b->fd[0].ext = right;
	memcpy(b->text.v, &h, sizeof(h));
	CHECK(crfd_batch_fill_peers(b, NET, s) == 0);
	crfd_batch_free(b);
}

int main(void)
{
	crfd_unix_socks s = {0};

	test_a_dump(&s);
	test_what_is_no_dump();
	test_no_memory();
	test_a_batch(&s);
	test_bounds(&s);
	crfd_unix_socks_release(&s);
	return 0;
}
