/* SPDX-License-Identifier: MIT */
/*
 * What the walk over files writes: records that are refused, and the same records of a process from either program, the one
 * that reads by loads and the one that reads by a helper.
 */
#define _GNU_SOURCE
#include "bpf/load.c"
#include "bpf/program.c"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "batch/batch.h"
#include "bpf/walk.h"
#include "check.h"
#include "scan_bpf/name.h"
#include "scan_bpf/source.h"

#define MANY 400 /* files of one directory: several reads */

/* A record of the walk, with its path. */
struct record {
	struct walk_fd fd;
	char path[16];
};

static struct record record(int fd, const char *path, uint16_t bits, uint16_t dir)
{
	struct record r = {.fd = {.len = sizeof(r), .fd = fd, .path = (int16_t)(strlen(path) + 1), .bits = bits, .dir = dir}};

	memcpy(r.path, path, strlen(path));
	return r;
}

/* Looks at the n records one after the other; at which one it stops, or n. */
static size_t refused(struct record *r, size_t n)
{
	struct crfd_bpf_source s = {.iter = -1, .piece = (uint8_t *)r, .end = n * sizeof(*r)};
	const struct walk_fd *at;
	size_t i = 0;

	for (; i < n && crfd_bpf_source_peek(&s, NULL, &at) == 1; i++)
		s.at += at->len;
	return i;
}

static void test_records_that_are_refused(void)
{
	uint16_t one = sizeof(struct record) / 8;
	struct record good[] = {record(0, "/dir/one", 0, 5), record(1, "two", WALK_SIBLING, one),
				record(2, "three", WALK_SIBLING, (uint16_t)(2 * one)), record(3, "/else", 0, 1)};
	struct record bad[4];

	CHECK(refused(good, 4) == 4);
	for (int what = 0; what < 9; what++) {
		memcpy(bad, good, sizeof(good));
		if (what == 0)
			bad[1].fd.dir = 0; /* itself */
		if (what == 1)
			bad[1].fd.dir = (uint16_t)(one + 1); /* before the first */
		if (what == 2)
			bad[2].fd.dir = one, bad[1].fd.dir = one; /* a sibling's sibling */
		if (what == 3)
			bad[0].fd.dir = 0; /* one that has no directory */
		if (what == 4)
			bad[0].fd.dir = 9; /* a directory as long as the path */
		if (what == 5)
			bad[1].fd.path = 1; /* no name */
		if (what == 6)
			bad[1].fd.path = 100; /* a name behind the end */
		if (what == 7)
			bad[1].fd.len = 12;
		if (what == 8)
			bad[3].fd.len += 8; /* behind the end */
		CHECK(refused(bad, 4) == (what == 8 ? 3 : what == 4 ? 0 : what == 2 ? 2 : 1));
	}
}

/* What the record `r` of a row of records is called, and whether that is deleted. */
static void check_name(const struct record *r, const char *name, int deleted)
{
	crfd_batch *b = crfd_batch_new();
	crfd_fd f = {0};

	CHECK(b && crfd_bpf_name(&r->fd, b, &f) == 0);
	CHECK(f.name.len == strlen(name) && memcmp(b->text.v + f.name.off, name, f.name.len) == 0);
	CHECK((f.st.flags == CRFD_STAT_DELETED) == deleted && !f.err && f.st.known == CRFD_HAS_PATH);
	crfd_batch_free(b);
}

static void test_names(void)
{
	uint16_t one = sizeof(struct record) / 8;
	struct record r[] = {record(0, "/dir/one", 0, 5),
			     record(1, "two", WALK_SIBLING, one),
			     record(2, "", WALK_MADE | WALK_UNNAMED, 0),
			     record(3, "", WALK_MADE | WALK_UNNAMED, 0),
			     record(4, "[eventfd]", WALK_MADE | WALK_UNNAMED, 0),
			     record(5, "/a (deleted)", WALK_UNLINKED, 0),
			     record(6, "/a (deleted)", 0, 0),
			     record(7, "/b", 0, 0)};
	crfd_batch *b = crfd_batch_new();
	crfd_fd f = {0};

	r[2].fd.magic = SOCKFS_MAGIC;
	r[2].fd.ino = UINT64_MAX;
	r[3].fd.magic = 0x50495045; /* pipefs */
	r[2].fd.path = r[3].fd.path = 0;
	r[4].fd.magic = ANON_INODE_FS_MAGIC;
	check_name(&r[0], "/dir/one", 0);
	check_name(&r[1], "/dir/two", 0);
	check_name(&r[2], "socket:[18446744073709551615]", 0);
	check_name(&r[3], "pipe:[0]", 0);
	check_name(&r[4], "anon_inode:[eventfd]", 0);
	check_name(&r[5], "/a", 1);
	check_name(&r[6], "/a (deleted)", 0);
	r[7].fd.path = -ENAMETOOLONG;
	CHECK(b && crfd_bpf_name(&r[7].fd, b, &f) == 0);
	CHECK(f.err == ENAMETOOLONG && f.step == CRFD_STEP_LINK && !f.st.known && f.name.len == 1 && *b->text.v == '?');
	crfd_batch_free(b);
}

static void make_sockets(void)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0crfd test"};
	int pair[2], listener = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	int udp = socket(AF_INET6, SOCK_DGRAM, 0), bound = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t n = sizeof(four);

	CHECK(bind(listener, (struct sockaddr *)&four, n) == 0 && listen(listener, 5) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&four, &n) == 0);
	CHECK(connect(other, (struct sockaddr *)&four, n) == 0);
	(void)bind(udp, (struct sockaddr *)&six, sizeof(six)); /* where there is IPv6 */
	CHECK(bind(bound, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(bound, 3) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[0], "four", 4) == 4);
	CHECK(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof(name)) == 0);
}

static void make_anonymous(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 42};
	int pipes[2], epoll = epoll_create1(0), memfd = memfd_create("crfd", MFD_ALLOW_SEALING);

	CHECK(pipe(pipes) == 0 && write(pipes[1], "seven b", 7) == 7);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	CHECK(eventfd(9, EFD_SEMAPHORE) >= 0 && timerfd_create(CLOCK_MONOTONIC, 0) >= 0);
	CHECK(fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	CHECK(fcntl(pipes[0], F_SETOWN, getpid()) == 0 && dup(pipes[0]) >= 0);
}

/* Files of one directory, in between one without a name and the directory itself. */
static void make_files(char *dir)
{
	char path[64];

	CHECK(mkdtemp(dir));
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "%s/file%d", dir, i);
		CHECK(open(path, O_CREAT | O_RDWR | (i % 2 ? O_CLOEXEC : 0), 0600) >= 0);
		if (i == MANY / 2)
			CHECK(unlink(path) == 0 && open(dir, O_RDONLY) >= 0);
	}
}

static void remove_files(const char *dir)
{
	char path[64];

	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "%s/file%d", dir, i);
		CHECK((unlink(path) == 0) == (i != MANY / 2));
	}
	CHECK(rmdir(dir) == 0);
}

/* What a program says of the descriptors below `end` of this process; how many bytes. */
static size_t walk(const struct program *program, const struct layout *layout, int end, uint8_t *out, size_t room)
{
	struct crfd_bpf bpf = {.programs = {.prog_fd = {-1, -1}}, .reading = PTHREAD_MUTEX_INITIALIZER, .selects = 1};
	struct crfd_bpf_source s = {.iter = -1};
	int types = load_types();
	const struct walk_fd *r;
	size_t n = 0;

	bpf.programs.map_fd = make_map();
	CHECK(types >= 0 && bpf.programs.map_fd >= 0);
	bpf.programs.prog_fd[CRFD_BPF_FDS] = load_program(program, layout, bpf.programs.map_fd, types);
	CHECK(bpf.programs.prog_fd[CRFD_BPF_FDS] >= 0);
	CHECK(crfd_bpf_source_start(&s, &bpf, getpid()) == 0);
	while (crfd_bpf_source_peek(&s, &bpf, &r) == 1) {
		s.at += r->len;
		if (r->fd >= end || r->tid != (uint32_t)getpid())
			continue;
		CHECK(n + r->len <= room);
		memcpy(out + n, r, r->len);
		n += r->len;
	}
	crfd_bpf_source_release(&s);
	crfd_bpf_programs_release(&bpf.programs);
	close(types);
	return n;
}

static void count(const uint8_t *bytes, size_t n, size_t *fds, size_t *siblings, size_t *made)
{
	for (size_t at = 0; at < n; at += ((const struct walk_fd *)(bytes + at))->len) {
		const struct walk_fd *r = (const struct walk_fd *)(bytes + at);

		++*fds;
		*siblings += r->bits & WALK_SIBLING ? 1 : 0;
		*made += r->bits & WALK_MADE ? 1 : 0;
	}
}

static void test_both_programs_say_the_same(void)
{
	static uint8_t bytes[2][1 << 20] __attribute__((aligned(8)));
	size_t n[2], fds = 0, siblings = 0, made = 0;
	char why[512], dir[] = "/tmp/crfd-test-XXXXXX";
	struct layout layout = {0};
	int end;

	if (crfd_bpf_probe(why, sizeof(why)) < 0) {
		printf("skipped: %s\n", why);
		return;
	}
	CHECK(find_layout(&layout) == 0);
	make_sockets();
	make_anonymous();
	make_files(dir);
	end = dup(0);
	for (size_t i = 0; i < COUNT(fds_programs); i++)
		n[i] = walk(&fds_programs[i], &layout, end, bytes[i], sizeof(bytes[i]));
	remove_files(dir);
	CHECK(n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0);
	count(bytes[0], n[0], &fds, &siblings, &made);
	CHECK(fds >= MANY + 20 && siblings >= MANY - 20 && siblings < MANY && made >= 13);
}

int main(void)
{
	test_records_that_are_refused();
	test_names();
	test_both_programs_say_the_same();
	return 0;
}
