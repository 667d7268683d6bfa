/* SPDX-License-Identifier: MIT */
/*
 * What the walks write: records that are refused, and the same records of a process from each program: the iterator's that
 * reads by loads, the one that reads by a helper, and the one that goes over the table itself.
 */
#define _GNU_SOURCE
#include "bpf/load.c"
#include "bpf/program.c"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
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

#define ONE ((uint16_t)(sizeof(struct record) / 8)) /* how far behind the next record is, as dir counts */

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
	enum { DIR = 1, PATH, LEN };
	static const struct {
		const char *name;
		size_t refused;
		struct {
			uint8_t record, field;
			uint16_t value;
		} wrong[2];
	} rows[] = {
		{"none", 4, {{0}}},
		{"the directory of itself", 1, {{1, DIR, 0}}},
		{"the directory of one before the first", 1, {{1, DIR, ONE + 1}}},
		{"the directory of a sibling", 2, {{2, DIR, ONE}, {1, DIR, ONE}}},
		{"the directory of one that has none", 1, {{0, DIR, 0}}},
		{"a directory longer than the path", 0, {{0, DIR, 9}}},
		{"a path without a name", 1, {{1, PATH, 1}}},
		{"a path behind the end", 1, {{1, PATH, 100}}},
		{"shorter than its head", 1, {{1, LEN, 12}}},
		{"longer than what is there", 3, {{3, LEN, sizeof(struct record) + 8}}},
	};

	FOR_ROWS(row, rows) {
		struct record r[] = {record(0, "/dir/one", 0, 5), record(1, "two", WALK_SIBLING, ONE),
				     record(2, "three", WALK_SIBLING, 2 * ONE), record(3, "/else", 0, 1)};

		for (size_t i = 0; i < COUNT_OF(row->wrong); i++) {
			struct walk_fd *fd = &r[row->wrong[i].record].fd;

			if (row->wrong[i].field == DIR)
				fd->dir = row->wrong[i].value;
			else if (row->wrong[i].field == PATH)
				fd->path = (int16_t)row->wrong[i].value;
			else if (row->wrong[i].field == LEN)
				fd->len = row->wrong[i].value;
		}
		CHECK_EQ(refused(r, COUNT_OF(r)), row->refused);
	}
}

static void test_names(void)
{
	static const struct {
		const char *name, *path;
		uint16_t bits, dir;
		uint32_t magic;
		uint64_t ino;
		const char *found;
		int deleted;
	} rows[] = {
		{"with a directory", "/dir/one", 0, 5, 0, 0, "/dir/one", 0},
		{"a sibling of the one before", "two", WALK_SIBLING, ONE, 0, 0, "/dir/two", 0},
		{"a socket", "", WALK_MADE | WALK_UNNAMED, 0, SOCKFS_MAGIC, UINT64_MAX, "socket:[18446744073709551615]", 0},
		{"a pipe", "", WALK_MADE | WALK_UNNAMED, 0, 0x50495045, 0, "pipe:[0]", 0},
		{"an anonymous inode", "[eventfd]", WALK_MADE | WALK_UNNAMED, 0, ANON_INODE_FS_MAGIC, 0, "anon_inode:[eventfd]", 0},
		{"unlinked", "/a (deleted)", WALK_UNLINKED, 0, 0, 0, "/a", 1},
		{"a name that ends as one unlinked", "/a (deleted)", 0, 0, 0, 0, "/a (deleted)", 0},
	};
	struct record r[COUNT_OF(rows)];
	size_t i = 0;

	FOR_ROWS(row, rows) {
		crfd_batch *b = crfd_batch_new();
		crfd_fd f = {0};

		r[i] = record((int)i, row->path, row->bits, row->dir);
		r[i].fd.magic = row->magic;
		r[i].fd.ino = row->ino;
		if (row->bits & WALK_MADE && !*row->path)
			r[i].fd.path = 0;
		CHECK(b);
		CHECK_EQ(crfd_bpf_name(&r[i].fd, b, &f), 0);
		CHECK_TEXT(b->text.v + f.name.off, f.name.len, row->found);
		CHECK_EQ(f.st.flags, row->deleted ? CRFD_STAT_DELETED : 0);
		CHECK_EQ(f.err, 0);
		CHECK_EQ(f.st.known, CRFD_HAS_PATH);
		crfd_batch_free(b);
		i++;
	}
}

static void test_a_name_that_could_not_be_read(void)
{
	struct record r = record(0, "/b", 0, 0);
	crfd_batch *b = crfd_batch_new();
	crfd_fd f = {0};

	r.fd.path = -ENAMETOOLONG;
	CHECK(b);
	CHECK_EQ(crfd_bpf_name(&r.fd, b, &f), 0);
	CHECK_EQ(f.err, ENAMETOOLONG);
	CHECK_EQ(f.step, CRFD_STEP_LINK);
	CHECK_EQ(f.st.known, 0);
	CHECK_TEXT(b->text.v + f.name.off, f.name.len, "?");
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

/* What a source says of the descriptors below `end` of this process, each with its name in place of its path; how many bytes. */
static size_t take(struct crfd_bpf_source *s, crfd_bpf *bpf, int end, uint8_t *out, size_t room)
{
	const struct walk_fd *r;
	size_t n = 0;

	while (crfd_bpf_source_peek(s, bpf, &r) == 1) {
		crfd_batch *b = crfd_batch_new();
		size_t path = r->path > 0 ? ((size_t)r->path + 7) & ~(size_t)7 : 0, tail = r->len - sizeof(*r) - path;
		struct walk_fd header = *r;
		crfd_fd f = {0};

		s->at += r->len;
		if (r->fd >= 0 && r->fd < end && r->tid == (uint32_t)getpid()) {
			CHECK(b && crfd_bpf_name(r, b, &f) == 0 && n + sizeof(header) + b->text.nr + tail <= room);
			header.len = header.dir = 0;
			header.path = 0;
			header.bits &= (uint16_t)~WALK_SIBLING;
			memcpy(out + n, &header, sizeof(header));
			memcpy(out + n + sizeof(header), b->text.v, b->text.nr);
			memcpy(out + n + sizeof(header) + b->text.nr, (const char *)(r + 1) + path, tail);
			n += sizeof(header) + b->text.nr + tail;
		}
		crfd_batch_free(b);
	}
	return n;
}

static void start(struct crfd_bpf *bpf, struct crfd_bpf_layout *layout)
{
	*bpf = (struct crfd_bpf){.programs = {.prog_fd = {-1, -1, -1, -1, -1}, .layout = layout}, .selects = 1};
	init_reading(&bpf->reading);
	bpf->programs.map_fd = make_map();
	CHECK(bpf->programs.map_fd >= 0);
}

static void stop(struct crfd_bpf *bpf, struct crfd_bpf_source *s)
{
	crfd_bpf_source_release(s);
	bpf->programs.layout = NULL;
	crfd_bpf_programs_release(&bpf->programs);
	pthread_mutex_destroy(&bpf->reading);
}

/* By the walk over files, with one of its programs. */
static size_t walk(const struct program *program, struct crfd_bpf_layout *layout, int end, uint8_t *out, size_t room)
{
	struct crfd_bpf_source s = {.iter = -1};
	int types = load_types();
	struct crfd_bpf bpf;
	size_t n;

	start(&bpf, layout);
	bpf.programs.prog_fd[CRFD_BPF_FDS] = load_into(&bpf.programs, program, types);
	close(types);
	CHECK(bpf.programs.prog_fd[CRFD_BPF_FDS] >= 0 && crfd_bpf_source_start(&s, &bpf, getpid()) == 0);
	n = take(&s, &bpf, end, out, room);
	stop(&bpf, &s);
	return n;
}

/* By the walk over tables; 0 where there is none. */
static size_t walk_table(struct crfd_bpf_layout *layout, int end, uint8_t *out, size_t room)
{
	struct crfd_bpf_source s = {.iter = -1};
	uint32_t tid = (uint32_t)getpid();
	int types = load_types();
	struct crfd_bpf bpf;
	struct walk_push none = {0};
	uint8_t bare = 0;
	size_t n = 0;

	start(&bpf, layout);
	if (add_tables(&bpf.programs, types) >= 0) {
		CHECK(crfd_bpf_source_start_tables(&s, &bpf, CRFD_BPF_TABLES, (int32_t)tid) == 0);
		crfd_bpf_source_ask(&s, &tid, &bare, 1, &none);
		n = take(&s, &bpf, end, out, room);
	}
	close(types);
	stop(&bpf, &s);
	return n;
}

static void count(const char *dir, int end)
{
	size_t fds = 0, files = 0;
	char path[64], name[64];

	for (int fd = 0; fd < end; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, name, sizeof(name));
		fds += n > 0;
		files += n > (ssize_t)strlen(dir) && !memcmp(name, dir, strlen(dir));
	}
	CHECK(fds >= MANY + 20 && files >= MANY);
}

static void test_all_programs_say_the_same(void)
{
	static uint8_t bytes[3][1 << 20] __attribute__((aligned(8)));
	char why[512], dir[] = "/tmp/crfd-test-XXXXXX";
	struct crfd_bpf_layout layout = {0};
	size_t n[3];
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
	count(dir, end);
	for (size_t i = 0; i < COUNT(fds_programs); i++)
		n[i] = walk(&fds_programs[i], &layout, end, bytes[i], sizeof(bytes[i]));
	n[2] = walk_table(&layout, end, bytes[2], sizeof(bytes[2]));
	remove_files(dir);
	CHECK_RANGE(n[0], (size_t)end * sizeof(struct walk_fd), SIZE_MAX);
	CHECK_BYTES(bytes[1], n[1], bytes[0], n[0]);
	if (n[2])
		CHECK_BYTES(bytes[2], n[2], bytes[0], n[0]);
	else
		printf("skipped: the walk over tables\n");
}

int main(void)
{
	test_records_that_are_refused();
	test_names();
	test_a_name_that_could_not_be_read();
	test_all_programs_say_the_same();
	return check_status();
}
