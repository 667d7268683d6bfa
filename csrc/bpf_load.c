/* SPDX-License-Identifier: MIT */
/*
 * Loads the light skeleton. It is a program itself: run once through BPF_PROG_RUN (Linux 5.14) it makes the map,
 * relocates the two walks against the running kernel's BTF and loads them, all inside the kernel. Doing it out here
 * would mean parsing the 5 MB of /sys/kernel/btf/vmlinux, for six times as long.
 *
 * The structs below are bpf(2)'s attributes as far as they are used: the ABI is fixed, and the headers of a build host
 * may be older than what it runs on.
 */
#include "bpf_load.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/walk.skel.h"

enum { MAP_CREATE = 0, MAP_UPDATE_ELEM = 2, PROG_LOAD = 5, PROG_RUN = 10, LINK_CREATE = 28, ITER_CREATE = 33 };
enum { MAP_TYPE_ARRAY = 2, PROG_TYPE_SYSCALL = 31, TRACE_ITER = 28, F_SLEEPABLE = 1 << 4 };

struct map_create {
	uint32_t type, key_size, value_size, max_entries, flags;
};

struct map_update {
	uint32_t map_fd, pad;
	uint64_t key, value, flags;
};

struct prog_load {
	uint32_t type, insn_cnt;
	uint64_t insns, license;
	uint32_t log_level, log_size;
	uint64_t log_buf;
	uint32_t kern_version, flags;
	char name[16];
	uint32_t ifindex, expected_attach_type, btf_fd, func_info_rec_size;
	uint64_t func_info;
	uint32_t func_info_cnt, line_info_rec_size;
	uint64_t line_info;
	uint32_t line_info_cnt, attach_btf_id, attach_prog_fd, core_relo_cnt;
	uint64_t fd_array;
};

struct prog_run {
	uint32_t prog_fd, retval, data_size_in, data_size_out;
	uint64_t data_in, data_out;
	uint32_t repeat, duration, ctx_size_in, ctx_size_out;
	uint64_t ctx_in, ctx_out;
	uint32_t flags, cpu, batch_size, pad;
};

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

/* What the loader program takes and gives: libbpf's bpf_loader_ctx, then each map and each program, in order. */
struct loader_ctx {
	uint32_t size, flags, log_level, log_size;
	uint64_t log_buf;
	struct {
		int32_t fd;
		uint32_t max_entries;
		uint64_t initial_value;
	} bss;
	int32_t prog_fd[2]; /* by enum crfd_bpf_walk */
};

struct crfd_bpf {
	int refs; /* under cache.lock */
	int map_fd, prog_fd[2];
	int selects;
	pthread_mutex_t reading; /* the programs put their records together in one place, the map */
};

/*
 * The one mutable global of the core. Loading costs as much as thousands of descriptors, and an agent that scans every
 * few seconds should pay it once in its life, through whatever scanner it comes.
 */
static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	crfd_bpf *bpf; /* holds one reference */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static int sys_bpf(int cmd, const void *attr, size_t n)
{
	int rc = (int)syscall(SYS_bpf, cmd, attr, n);

	return rc < 0 ? -errno : rc;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* An array of one element, with the loader's data in it. */
static int make_data_map(void)
{
	struct map_create map = {.type = MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(walk_data), .max_entries = 1};
	uint32_t key = 0;
	int rc, fd = sys_bpf(MAP_CREATE, &map, sizeof(map));
	struct map_update put = {.map_fd = (uint32_t)fd, .key = address(&key), .value = address(walk_data)};

	if (fd < 0)
		return fd;
	rc = sys_bpf(MAP_UPDATE_ELEM, &put, sizeof(put));
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int load_loader(const int *map_fd)
{
	struct prog_load prog = {.type = PROG_TYPE_SYSCALL, .insns = address(walk_insns),
				 .insn_cnt = sizeof(walk_insns) / 8, .license = address("Dual BSD/GPL"),
				 .flags = F_SLEEPABLE, .name = "crfd_loader", .fd_array = address(map_fd)};

	return sys_bpf(PROG_LOAD, &prog, sizeof(prog));
}

static int run_loader(int loader_fd, crfd_bpf *bpf)
{
	struct loader_ctx ctx = {.size = sizeof(ctx)};
	struct prog_run run = {.prog_fd = (uint32_t)loader_fd, .ctx_in = address(&ctx), .ctx_size_in = sizeof(ctx)};
	int rc = sys_bpf(PROG_RUN, &run, sizeof(run));

	if (rc < 0)
		return rc;
	if ((int32_t)run.retval < 0)
		return (int32_t)run.retval;
	bpf->map_fd = ctx.bss.fd;
	bpf->prog_fd[CRFD_BPF_FDS] = ctx.prog_fd[0];
	bpf->prog_fd[CRFD_BPF_TASKS] = ctx.prog_fd[1];
	return 0;
}

static int link_walk(const crfd_bpf *bpf, enum crfd_bpf_walk walk, struct crfd_bpf_target target)
{
	struct iter_info info = {.tid = (uint32_t)target.tid, .pid = (uint32_t)target.pid};
	struct link_create link = {.prog_fd = (uint32_t)bpf->prog_fd[walk], .attach_type = TRACE_ITER};

	if (target.tid || target.pid) {
		link.iter_info = address(&info);
		link.iter_info_len = sizeof(info);
	}
	return sys_bpf(LINK_CREATE, &link, sizeof(link));
}

/*
 * Before 6.1 the kernel overlooks the four bytes that it has a use for elsewhere, tid, and refuses anything behind
 * them: so the question is put with pid.
 */
static int asks_for_target(const crfd_bpf *bpf)
{
	int fd = link_walk(bpf, CRFD_BPF_TASKS, (struct crfd_bpf_target){.pid = getpid()});

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void unload(crfd_bpf *bpf)
{
	close(bpf->prog_fd[0]);
	close(bpf->prog_fd[1]);
	close(bpf->map_fd);
	pthread_mutex_destroy(&bpf->reading);
	free(bpf);
}

static int load(crfd_bpf **out, enum crfd_bpf_step *step)
{
	int rc = -ENOMEM, data_fd = -1, loader_fd = -1;
	crfd_bpf *bpf = calloc(1, sizeof(*bpf));

	*step = CRFD_BPF_OK;
	if (!bpf)
		return rc;
	*step = CRFD_BPF_MAP;
	rc = data_fd = make_data_map();
	if (rc < 0)
		goto out;
	*step = CRFD_BPF_LOADER;
	rc = loader_fd = load_loader(&data_fd);
	if (rc < 0)
		goto out;
	*step = CRFD_BPF_LOAD;
	rc = run_loader(loader_fd, bpf);
	if (rc < 0)
		goto out;
	*step = CRFD_BPF_OK;
	pthread_mutex_init(&bpf->reading, NULL);
	bpf->selects = asks_for_target(bpf);
	*out = bpf;
	bpf = NULL;
out:
	if (loader_fd >= 0)
		close(loader_fd);
	if (data_fd >= 0)
		close(data_fd);
	free(bpf);
	return rc < 0 ? rc : 0;
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

/* The map is the parent's too, and the two would write their records over each other's. */
static void after_fork_in_child(void)
{
	drop(cache.bpf);
	cache.bpf = NULL;
	pthread_mutex_unlock(&cache.lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int crfd_bpf_get(crfd_bpf **out, enum crfd_bpf_step *step)
{
	int rc = 0;

	*step = CRFD_BPF_OK;
	pthread_once(&cache.once, watch_forks);
	pthread_mutex_lock(&cache.lock);
	if (!cache.bpf) {
		rc = load(&cache.bpf, step);
		if (rc >= 0)
			cache.bpf->refs = 1;
	}
	if (rc >= 0) {
		cache.bpf->refs++;
		*out = cache.bpf;
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
	drop(cache.bpf);
	cache.bpf = NULL;
	pthread_mutex_unlock(&cache.lock);
}

int crfd_bpf_selects(const crfd_bpf *bpf)
{
	return bpf->selects;
}

int crfd_bpf_iter(crfd_bpf *bpf, enum crfd_bpf_walk walk, struct crfd_bpf_target target)
{
	struct crfd_bpf_target all = {0};
	int rc, link = link_walk(bpf, walk, bpf->selects ? target : all);
	struct iter_create iter = {.link_fd = (uint32_t)link};

	if (link < 0)
		return link;
	rc = sys_bpf(ITER_CREATE, &iter, sizeof(iter));
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
		pthread_mutex_lock(&bpf->reading);
		got = read(iter, buf, n);
		err = errno;
		pthread_mutex_unlock(&bpf->reading);
	} while (got < 0 && (err == EINTR || err == EAGAIN));
	return got < 0 ? -err : got;
}
