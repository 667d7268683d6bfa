/* SPDX-License-Identifier: MIT */
/* All scanners of this process share the programs; iterators run them. */
#include "bpf/load.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bpf_call.h"
#include "base/thread.h"
#include "bpf/probe.h"

enum { LINK_CREATE = 28, ITER_CREATE = 33 };

/* These are the used attributes of bpf(2), as in program.c. */
struct link_create {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t iter_info;
	uint32_t iter_info_len, pad;
};

struct iter_create {
	uint32_t link_fd, flags;
};

/* union bpf_iter_link_info; the kernel takes the longer one that older headers did not have, if the rest is 0. */
struct iter_info {
	uint32_t tid, pid, pid_fd, pad;
};

struct crfd_bpf {
	int refs; /* under cache.lock */
	struct crfd_bpf_programs programs;
	int selects;
	pthread_mutex_t reading; /* recursive: the programs put their records together in one place, the map */
};

/*
 * The one mutable global of the core. Loading costs as much as thousands of descriptors, and an agent that scans every
 * few seconds should pay it once in its life, through whatever scanner it comes.
 */
static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	crfd_bpf *bpf[CRFD_BPF_LANES]; /* holds one reference each */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static int link_walk(const crfd_bpf *bpf, enum crfd_bpf_walk walk, struct crfd_bpf_scope scope)
{
	struct iter_info info = {.tid = (uint32_t)scope.tid, .pid = (uint32_t)scope.pid};
	struct link_create link = {.prog_fd = (uint32_t)bpf->programs.prog_fd[walk], .attach_type = TRACE_ITER};

	if (scope.tid || scope.pid) {
		link.iter_info = crfd_bpf_address(&info);
		link.iter_info_len = sizeof(info);
	}
	return crfd_bpf_call(LINK_CREATE, &link, sizeof(link));
}

/*
 * Before 6.1 the kernel overlooks the four bytes that it has a use for elsewhere, tid, and refuses anything behind
 * them: so the question is put with pid.
 */
static int takes_scope(const crfd_bpf *bpf)
{
	int fd = link_walk(bpf, CRFD_BPF_TASKS, (struct crfd_bpf_scope){.pid = getpid()});

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void unload(crfd_bpf *bpf)
{
	crfd_bpf_programs_release(&bpf->programs);
	pthread_mutex_destroy(&bpf->reading);
	free(bpf);
}

static void init_reading(pthread_mutex_t *reading)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(reading, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* Under cache.lock. */
static const crfd_bpf *loaded(void)
{
	for (int i = 0; i < CRFD_BPF_LANES; i++)
		if (cache.bpf[i])
			return cache.bpf[i];
	return NULL;
}

/* Under cache.lock. */
static int load(crfd_bpf **out, int holds, enum crfd_bpf_step *step)
{
	const crfd_bpf *like = loaded();
	crfd_bpf *bpf = calloc(1, sizeof(*bpf));
	int rc;

	*step = CRFD_BPF_OK;
	if (!bpf)
		return -ENOMEM;
	init_reading(&bpf->reading);
	rc = crfd_bpf_programs_load(&bpf->programs, like ? &like->programs : NULL, holds, step);
	if (rc < 0) {
		unload(bpf);
		return rc;
	}
	bpf->selects = like ? like->selects : takes_scope(bpf);
	*out = bpf;
	return 0;
}

static void drop(crfd_bpf *bpf)
{
	if (bpf && !--bpf->refs)
		unload(bpf);
}

static void before_fork(void)
{
	pthread_mutex_lock(&cache.lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&cache.lock);
}

static void drop_all(void)
{
	for (int i = 0; i < CRFD_BPF_LANES; i++) {
		drop(cache.bpf[i]);
		cache.bpf[i] = NULL;
	}
}

/* The map is the parent's too, and the two would write their records over each other's. */
static void after_fork_in_child(void)
{
	drop_all();
	pthread_mutex_unlock(&cache.lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int crfd_bpf_get(int lane, int holds, crfd_bpf **out, enum crfd_bpf_step *step)
{
	crfd_bpf **bpf = &cache.bpf[lane];
	int rc = 0;

	*step = CRFD_BPF_OK;
	pthread_once(&cache.once, watch_forks);
	pthread_mutex_lock(&cache.lock);
	if (!*bpf) {
		rc = load(bpf, holds, step);
		if (rc >= 0)
			(*bpf)->refs = 1;
	}
	if (rc >= 0) {
		(*bpf)->refs++;
		*out = *bpf;
	}
	pthread_mutex_unlock(&cache.lock);
	return rc;
}

void crfd_bpf_put(crfd_bpf *bpf)
{
	pthread_mutex_lock(&cache.lock);
	drop(bpf);
	pthread_mutex_unlock(&cache.lock);
}

void crfd_bpf_unload(void)
{
	pthread_mutex_lock(&cache.lock);
	drop_all();
	pthread_mutex_unlock(&cache.lock);
}

int crfd_bpf_has(int fd)
{
	int found = 0;

	pthread_mutex_lock(&cache.lock);
	for (int i = 0; i < CRFD_BPF_LANES && !found; i++)
		found = cache.bpf[i] && crfd_bpf_programs_have(&cache.bpf[i]->programs, fd);
	pthread_mutex_unlock(&cache.lock);
	return found;
}

static void *load_and_leave(void *holds)
{
	enum crfd_bpf_step step;
	crfd_bpf *bpf;

	if (crfd_bpf_get(0, holds != NULL, &bpf, &step) >= 0)
		crfd_bpf_put(bpf);
	return NULL;
}

void crfd_bpf_load_ahead(int holds)
{
	pthread_t thread;

	if (crfd_thread_start(&thread, load_and_leave, holds ? &cache : NULL) == 0)
		pthread_detach(thread);
}

int crfd_bpf_selects(const crfd_bpf *bpf)
{
	return bpf->selects;
}

void crfd_bpf_hold(crfd_bpf *bpf)
{
	pthread_mutex_lock(&bpf->reading);
}

void crfd_bpf_let_go(crfd_bpf *bpf)
{
	pthread_mutex_unlock(&bpf->reading);
}

struct walk_ask *crfd_bpf_ask(crfd_bpf *bpf)
{
	return bpf->programs.ask;
}

uint8_t *crfd_bpf_room(const crfd_bpf *bpf)
{
	return bpf->programs.room;
}

static int need(crfd_bpf *bpf, enum crfd_bpf_walk walk)
{
	int rc;

	crfd_bpf_hold(bpf);
	rc = crfd_bpf_programs_add(&bpf->programs, walk);
	crfd_bpf_let_go(bpf);
	return rc;
}

int crfd_bpf_iter(crfd_bpf *bpf, enum crfd_bpf_walk walk, struct crfd_bpf_scope scope)
{
	struct crfd_bpf_scope all = {0};
	int rc = walk != CRFD_BPF_TABLES ? need(bpf, walk) : 0;
	int link = rc < 0 ? rc : link_walk(bpf, walk, bpf->selects ? scope : all);
	struct iter_create iter = {.link_fd = (uint32_t)link};

	if (link < 0)
		return link;
	rc = crfd_bpf_call(ITER_CREATE, &iter, sizeof(iter));
	close(link);
	return rc;
}

/* kernel/bpf/bpf_iter.c, bpf_seq_read(): a buffer of eight pages, handed over when full or at the end. */
size_t crfd_bpf_piece(void)
{
	return 8 * (size_t)sysconf(_SC_PAGESIZE);
}

ssize_t crfd_bpf_read(crfd_bpf *bpf, int iter, void *buf, size_t n)
{
	ssize_t got;
	int err;

	do { /* EAGAIN: a million objects in a row were without output */
		crfd_bpf_hold(bpf);
		got = read(iter, buf, n);
		err = errno;
		crfd_bpf_let_go(bpf);
	} while (got < 0 && (err == EINTR || err == EAGAIN));
	return got < 0 ? -err : got;
}

/* kernel/bpf/bpf_iter.c, bpf_seq_read(): a program that returns 1 and has written nothing gives EAGAIN, and gets its task again. */
int crfd_bpf_run(crfd_bpf *bpf, int iter)
{
	ssize_t got;
	char none[8];
	int err;

	crfd_bpf_hold(bpf);
	do {
		got = read(iter, none, sizeof(none));
		err = errno;
	} while (got < 0 && err == EINTR);
	crfd_bpf_let_go(bpf);
	if (got > 0)
		return -EPROTO;
	return got == 0 ? 0 : err == EAGAIN ? 1 : -err;
}
