/* SPDX-License-Identifier: MIT */
/*
 * Loads the skeleton: one map for the programs' variables, and the programs, relocated against the kernel's own BTF.
 *
 * The structs below are bpf(2)'s attributes as far as they are used: the ABI is fixed, and the headers of a build host
 * may be older than what it runs on.
 */
#include "bpf_load.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_relocate.h"
#include "kernel_btf.h"

/* Where a function of a program begins, and the number of its type in walk_btf: struct bpf_func_info. */
struct walk_function {
	uint32_t insn, type;
};

#include "bpf/walk.skel.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { MAP_CREATE = 0, PROG_LOAD = 5, BTF_LOAD = 18, LINK_CREATE = 28, ITER_CREATE = 33 };
enum { MAP_TYPE_ARRAY = 2, PROG_TYPE_TRACING = 26, TRACE_ITER = 28 };
#define LD_IMM64_MAP_VALUE 0x2018 /* the low half of an instruction: a 64-bit constant, an address within a map */

struct map_create {
	uint32_t type, key_size, value_size, max_entries, flags;
};

struct btf_load {
	uint64_t btf, log_buf;
	uint32_t btf_size, log_size, log_level;
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
	uint32_t line_info_cnt, attach_btf_id, attach_prog_fd, pad;
};

struct program {
	const char *name;
	const uint64_t *insns;
	const struct crfd_bpf_relo *relos;
	const struct walk_function *functions;
	uint32_t insn_nr, relo_nr, function_nr;
	uint32_t attach; /* which of walk_names */
};

#define PROGRAM(program)                                                                                               \
	{.name = #program, .insns = program##_insns, .insn_nr = COUNT(program##_insns), .relos = program##_relos,      \
	 .relo_nr = COUNT(program##_relos), .functions = program##_functions,                                          \
	 .function_nr = COUNT(program##_functions), .attach = program##_attach}

static const struct program programs[] = {
	[CRFD_BPF_FDS] = PROGRAM(walk_fds),
	[CRFD_BPF_TASKS] = PROGRAM(walk_tasks),
};

/* What the skeleton needs of the kernel's BTF. */
struct layout {
	struct crfd_bpf_found found[COUNT(walk_accesses)];
	uint32_t attach[COUNT(walk_names)]; /* by name, the type of a function */
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
	crfd_bpf *bpf[CRFD_BPF_LANES]; /* holds one reference each */
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

static int make_map(void)
{
	struct map_create map = {.type = MAP_TYPE_ARRAY, .key_size = 4, .value_size = WALK_DATA_SIZE, .max_entries = 1};

	return sys_bpf(MAP_CREATE, &map, sizeof(map));
}

static int load_types(void)
{
	struct btf_load btf = {.btf = address(walk_btf), .btf_size = sizeof(walk_btf)};

	return sys_bpf(BTF_LOAD, &btf, sizeof(btf));
}

/* A module's types are looked at with the kernel's under them. -ENOENT where it is none, or not loaded. */
static int look_into(struct layout *layout, const char *module, const crfd_btf *base, struct crfd_kernel_btf *k)
{
	struct crfd_btf_name names[COUNT(walk_names)];
	int rc;

	memcpy(names, walk_names, sizeof(names));
	rc = crfd_kernel_btf_open(k, module, base, names, COUNT(names));
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < COUNT(walk_accesses); i++)
		crfd_bpf_access_find(&k->btf, names, &walk_accesses[i], &layout->found[i]);
	for (size_t i = 0; i < COUNT(names) && !base; i++)
		layout->attach[i] = names[i].id[0];
	return 0;
}

static int find_layout(struct layout *layout)
{
	static const char *const modules[] = {"unix", "xfs"}; /* that have some of walk_names where they are modules */
	struct crfd_kernel_btf kernel, module;
	int rc = look_into(layout, "vmlinux", NULL, &kernel);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < COUNT(modules) && rc >= 0; i++) {
		rc = look_into(layout, modules[i], &kernel.btf, &module);
		if (rc >= 0)
			crfd_kernel_btf_close(&module);
		else if (rc != -ENOMEM)
			rc = 0;
	}
	crfd_kernel_btf_close(&kernel);
	return rc;
}

/* The addresses of variables: within the map. */
static void set_map(uint64_t *insn, size_t n, int map_fd)
{
	for (size_t i = 0; i < n; i++) {
		if ((insn[i] & 0xf0ff) == LD_IMM64_MAP_VALUE)
			insn[i] |= (uint64_t)map_fd << 32;
		i += (insn[i] & 0xff) == (LD_IMM64_MAP_VALUE & 0xff);
	}
}

static int load_program(const struct program *p, const struct layout *layout, int map_fd, int types_fd)
{
	struct prog_load prog = {.type = PROG_TYPE_TRACING, .expected_attach_type = TRACE_ITER, .insn_cnt = p->insn_nr,
				 .license = address("Dual MIT/GPL"), .btf_fd = (uint32_t)types_fd,
				 .func_info = address(p->functions), .func_info_cnt = p->function_nr,
				 .func_info_rec_size = sizeof(*p->functions),
				 .attach_btf_id = layout->attach[p->attach]};
	uint64_t insns[COUNT(walk_fds_insns)]; /* the longest */
	int rc;

	_Static_assert(sizeof(walk_tasks_insns) <= sizeof(insns), "room for any program");
	memcpy(insns, p->insns, p->insn_nr * sizeof(*insns));
	memcpy(prog.name, p->name, strlen(p->name));
	set_map(insns, p->insn_nr, map_fd);
	prog.insns = address(insns);
	rc = crfd_bpf_relocate(insns, p->insn_nr, p->relos, p->relo_nr, layout->found);
	return rc < 0 ? rc : sys_bpf(PROG_LOAD, &prog, sizeof(prog));
}

/* One program's loading, as a thread has it. */
struct loading {
	const struct program *program;
	const struct layout *layout;
	int map_fd, types_fd, rc;
};

static void *run_loading(void *arg)
{
	struct loading *l = arg;

	l->rc = load_program(l->program, l->layout, l->map_fd, l->types_fd);
	return NULL;
}

/* The verifier takes most of the time, and can do two at once. */
static int load_programs(crfd_bpf *bpf, const struct layout *layout, int types_fd)
{
	struct loading l[COUNT(programs)];
	pthread_t thread;
	int apart;

	for (size_t i = 0; i < COUNT(programs); i++)
		l[i] = (struct loading){&programs[i], layout, bpf->map_fd, types_fd, 0};
	apart = pthread_create(&thread, NULL, run_loading, &l[CRFD_BPF_TASKS]) == 0;
	run_loading(&l[CRFD_BPF_FDS]);
	if (apart)
		pthread_join(thread, NULL);
	else
		run_loading(&l[CRFD_BPF_TASKS]);
	for (size_t i = 0; i < COUNT(programs); i++)
		bpf->prog_fd[i] = l[i].rc;
	return l[CRFD_BPF_FDS].rc < 0 ? l[CRFD_BPF_FDS].rc : l[CRFD_BPF_TASKS].rc;
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
	for (size_t i = 0; i < COUNT(programs); i++)
		if (bpf->prog_fd[i] >= 0)
			close(bpf->prog_fd[i]);
	if (bpf->map_fd >= 0)
		close(bpf->map_fd);
	pthread_mutex_destroy(&bpf->reading);
	free(bpf);
}

static int fill(crfd_bpf *bpf, enum crfd_bpf_step *step)
{
	struct layout layout = {0};
	int rc, types_fd;

	*step = CRFD_BPF_MAP;
	rc = bpf->map_fd = make_map();
	if (rc < 0)
		return rc;
	*step = CRFD_BPF_TYPES;
	rc = types_fd = load_types();
	if (rc < 0)
		return rc;
	*step = CRFD_BPF_LAYOUT;
	rc = find_layout(&layout);
	if (rc >= 0)
		*step = CRFD_BPF_LOAD;
	if (rc >= 0)
		rc = load_programs(bpf, &layout, types_fd);
	close(types_fd);
	return rc;
}

static int load(crfd_bpf **out, enum crfd_bpf_step *step)
{
	crfd_bpf *bpf = calloc(1, sizeof(*bpf));
	int rc;

	*step = CRFD_BPF_OK;
	if (!bpf)
		return -ENOMEM;
	bpf->map_fd = bpf->prog_fd[CRFD_BPF_FDS] = bpf->prog_fd[CRFD_BPF_TASKS] = -1;
	pthread_mutex_init(&bpf->reading, NULL);
	rc = fill(bpf, step);
	if (rc < 0) {
		unload(bpf);
		return rc;
	}
	*step = CRFD_BPF_OK;
	bpf->selects = asks_for_target(bpf);
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

int crfd_bpf_get(int lane, crfd_bpf **out, enum crfd_bpf_step *step)
{
	crfd_bpf **bpf = &cache.bpf[lane];
	int rc = 0;

	*step = CRFD_BPF_OK;
	pthread_once(&cache.once, watch_forks);
	pthread_mutex_lock(&cache.lock);
	if (!*bpf) {
		rc = load(bpf, step);
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

static void *load_and_leave(void *unused)
{
	enum crfd_bpf_step step;
	crfd_bpf *bpf;

	if (crfd_bpf_get(0, &bpf, &step) >= 0)
		crfd_bpf_put(bpf);
	return unused;
}

void crfd_bpf_load_ahead(void)
{
	sigset_t all, old;
	pthread_t thread;

	sigfillset(&all); /* a signal must reach the thread that waits for it, not this one */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, load_and_leave, NULL) == 0)
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
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
