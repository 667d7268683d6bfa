/* SPDX-License-Identifier: MIT */
/*
 * Slots that change their file all the time, which comes to lie at the address of the one before: each record of the walk over
 * tables is one file's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "batch/batch.h"
#include "bpf/load.h"
#include "bpf/probe.h"
#include "check.h"
#include "scan_bpf/tail.h"
#include "scan_bpf/name.h"
#include "scan_bpf/source.h"

enum { FILES = 3, EVENTS = 2, KINDS = FILES + EVENTS + 1, FIRST = 20, SLOTS = 4, STABLE = 20, FIRST_STABLE = 100 };

static const int flags[FILES] = {O_RDONLY, O_WRONLY | O_APPEND | O_CLOEXEC, O_RDWR | O_NONBLOCK};
static char paths[FILES][64], dir[] = "/tmp/crfd-test-XXXXXX";
static ino_t inodes[FILES];

static void make_paths(void)
{
	CHECK(mkdtemp(dir));
	for (int i = 0; i < FILES; i++) {
		struct stat st;
		int fd;

		snprintf(paths[i], sizeof(paths[i]), "%s/dir%d", dir, i);
		CHECK(mkdir(paths[i], 0700) == 0);
		snprintf(paths[i], sizeof(paths[i]), "%s/dir%d/name%d", dir, i, i);
		fd = open(paths[i], O_CREAT | O_RDWR, 0600 + i);
		CHECK(fd >= 0 && fchmod(fd, 0600 + (mode_t)i) == 0 && ftruncate(fd, 1000 * (i + 1)) == 0 && fstat(fd, &st) == 0 && close(fd) == 0);
		inodes[i] = st.st_ino;
	}
}

static void remove_paths(void)
{
	for (int i = 0; i < FILES; i++) {
		CHECK(unlink(paths[i]) == 0);
		*strrchr(paths[i], '/') = 0;
		CHECK(rmdir(paths[i]) == 0);
	}
	CHECK(rmdir(dir) == 0);
}

static int make(unsigned int kind)
{
	if (kind < FILES)
		return open(paths[kind], flags[kind]);
	if (kind < FILES + EVENTS)
		return kind == FILES ? eventfd(77, EFD_SEMAPHORE) : eventfd(5, 0);
	return memfd_create("changing", 0);
}

/* The lowest free number is what open(2) takes: closed and opened again, a slot keeps it, and mostly the address too. */
static void churn(int ready)
{
	for (int i = 0; i < FIRST; i++)
		CHECK(fcntl(i, F_GETFD) >= 0 || dup2(0, i) == i);
	for (unsigned int i = 0; i < SLOTS; i++)
		CHECK(make(i) == FIRST + (int)i);
	for (int i = 0; i < STABLE; i++)
		CHECK(dup2(0, FIRST_STABLE + i) >= 0);
	CHECK(write(ready, "r", 1) == 1);
	for (unsigned int n = 0;; n++) {
		close(FIRST + (int)(n % SLOTS));
		CHECK(make(n % KINDS) == FIRST + (int)(n % SLOTS));
	}
}

static pid_t start_churn(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		churn(ready[1]);
	close(ready[1]);
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return pid;
}

/* Returns the kind that the record is in every respect, or -1. */
static int kind_of(const struct walk_fd *r, const char *name, size_t len)
{
	struct crfd_bpf_tail tail;

	CHECK(crfd_bpf_tail_find(r, &tail) == 0 && !tail.owner);
	for (int i = 0; i < FILES; i++)
		if (len == strlen(paths[i]) && !memcmp(name, paths[i], len))
			return r->ino == inodes[i] && r->size == 1000u * (unsigned int)(i + 1) && (r->mode & 0777) == 0600 + i &&
					       (r->f_flags & (O_ACCMODE | O_APPEND | O_NONBLOCK)) ==
						       (uint32_t)(flags[i] & ~O_CLOEXEC) &&
					       !(r->bits & WALK_CLOEXEC) == !(flags[i] & O_CLOEXEC) && !tail.kind ?
				       i :
				       -1;
	if (len == 20 && !memcmp(name, "anon_inode:[eventfd]", len)) {
		const struct walk_eventfd *e;

		if ((r->bits & WALK_TAIL) != WALK_EVENTFD)
			return -1;
		e = &tail.kind->eventfd;
		return e->count == 77 && e->flags & EFD_SEMAPHORE ? FILES : e->count == 5 && !(e->flags & EFD_SEMAPHORE) ? FILES + 1 : -1;
	}
	if (len == 15 && !memcmp(name, "/memfd:changing", len))
		return r->size == 0 && (r->bits & WALK_TAIL) == WALK_SEALS ? FILES + EVENTS : -1;
	return -1;
}

struct seen {
	size_t of[KINDS], wrong, stable, scans;
};

static void look_at(const struct walk_fd *r, crfd_batch *b, struct seen *seen)
{
	crfd_fd f = {0};
	int kind;

	if (r->fd >= FIRST_STABLE && r->fd < FIRST_STABLE + STABLE) {
		seen->stable++;
		return;
	}
	if (r->fd < FIRST || r->fd >= FIRST + SLOTS)
		return;
	crfd_batch_clear(b);
	CHECK(crfd_bpf_name(r, b, &f) == 0);
	kind = kind_of(r, (const char *)b->text.v, b->text.nr);
	if (kind >= 0) {
		seen->of[kind]++;
		return;
	}
	if (!seen->wrong++)
		fprintf(stderr, "of two files: %.*s size %llu inode %llu mode %o flags %o bits %x\n", (int)b->text.nr,
			(const char *)b->text.v, (unsigned long long)r->size, (unsigned long long)r->ino, r->mode, r->f_flags,
			r->bits);
}

static void scan(crfd_bpf *bpf, uint32_t tid, crfd_batch *b, struct seen *seen)
{
	struct crfd_bpf_source s = {.iter = -1};
	const struct walk_fd *r;
	struct walk_push none = {0};
	uint8_t bare = 0;
	int rc, ended = 0;

	CHECK(crfd_bpf_source_start_tables(&s, bpf, CRFD_BPF_TABLES, (int32_t)tid) == 0);
	crfd_bpf_hold(bpf);
	crfd_bpf_source_ask(&s, &tid, &bare, 1, &none);
	while ((rc = crfd_bpf_source_peek(&s, bpf, &r)) > 0) {
		if (r->fd == WALK_END)
			ended = !((const struct walk_end *)r)->unable;
		else if (r->fd >= 0)
			look_at(r, b, seen);
		s.at += r->len;
	}
	crfd_bpf_let_go(bpf);
	crfd_bpf_source_release(&s);
	CHECK(rc == 0 && ended);
	seen->scans++;
}

int main(void)
{
	time_t end = time(NULL) + (getenv("CRFD_STRESS") ? 60 : 4);
	enum crfd_bpf_step step;
	struct seen seen = {0};
	crfd_batch *b = crfd_batch_new();
	crfd_bpf *bpf;
	pid_t pid;

	if (crfd_bpf_get(0, 0, &bpf, &step) < 0 || !crfd_bpf_ask(bpf)) {
		printf("skipped: the walk over tables\n");
		return 0;
	}
	make_paths();
	pid = start_churn();
	while (time(NULL) < end)
		scan(bpf, (uint32_t)pid, b, &seen);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	remove_paths();
	CHECK_EQ(seen.wrong, 0);
	CHECK_EQ(seen.stable, seen.scans * STABLE);
	for (int i = 0; i < KINDS; i++)
		CHECK_RANGE(seen.of[i], 10, SIZE_MAX);
	crfd_batch_free(b);
	crfd_bpf_put(bpf);
	crfd_bpf_unload();
	return check_status();
}
