/* SPDX-License-Identifier: MIT */
/*
 * Loads the skeleton: one map for the programs' variables, and the programs, relocated against the kernel's own BTF.
 *
 * The structs below are bpf(2)'s attributes as far as they are used: the ABI is fixed, and the headers of a build host
 * may be older than what it runs on.
 */
#include "bpf/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bpf_call.h"
#include "base/thread.h"
#include "bpf/kernel_btf.h"
#include "bpf/relocate.h"

/* A function of a program has a first instruction and the number of its type in walk_btf: struct bpf_func_info. */
struct walk_function {
	uint32_t insn, type;
};

#include "bpf/walk.skel.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { MAP_CREATE = 0, PROG_LOAD = 5, BTF_LOAD = 18 };
enum { MAP_TYPE_ARRAY = 2, MAP_MMAPABLE = 1 << 10, PROG_TYPE_TRACING = 26 };
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

#define PROGRAM(name_, program)                                                                                        \
	{.name = name_, .insns = program##_insns, .insn_nr = COUNT(program##_insns), .relos = program##_relos,         \
	 .relo_nr = COUNT(program##_relos), .functions = program##_functions,                                          \
	 .function_nr = COUNT(program##_functions), .attach = program##_attach}

static const struct program tables_program = PROGRAM("walk_tables", walk_tables);

static const struct program inside_program = PROGRAM("walk_inside", walk_inside);
static const struct program held_program = PROGRAM("walk_held", walk_held);

/* The first of each two that loads is used: it reads by loads, the other by a helper (bpf/read.bpf.h). */
static const struct program tasks_programs[] = {PROGRAM("walk_tasks", cast_tasks), PROGRAM("walk_tasks", probe_tasks)};
static const struct program fds_programs[] = {PROGRAM("walk_fds", cast_fds), PROGRAM("walk_fds", probe_fds)};

/* The proofs of walk_tables hold where loads are done in the order of the program: bpf/record.bpf.h. */
#if defined(__x86_64__)
#define HAS_ORDER 1
#else
#define HAS_ORDER 0
#endif

#define MAPPED (WALK_ROOM_AT + WALK_ROOM + WALK_RECORD_MAX)

/* The skeleton needs these of the kernel's BTF. */
struct crfd_bpf_layout {
	struct crfd_bpf_found found[COUNT(walk_accesses)];
	uint32_t attach[COUNT(walk_names)]; /* by name, the type of a function */
};

static int make_map(void)
{
	struct map_create map = {.type = MAP_TYPE_ARRAY, .key_size = 4, .value_size = WALK_DATA_SIZE, .max_entries = 1,
				 .flags = MAP_MMAPABLE};

	return crfd_bpf_call(MAP_CREATE, &map, sizeof(map));
}

static int load_types(void)
{
	struct btf_load btf = {.btf = crfd_bpf_address(walk_btf), .btf_size = sizeof(walk_btf)};

	return crfd_bpf_call(BTF_LOAD, &btf, sizeof(btf));
}

/* A module's types are looked at with the kernel's under them. -ENOENT where it is none, or not loaded. */
static int look_into(struct crfd_bpf_layout *layout, const char *module, const crfd_btf *base, struct crfd_kernel_btf *k)
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

static int find_layout(struct crfd_bpf_layout *layout)
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

static int load_program(const struct program *p, const struct crfd_bpf_layout *layout, int map_fd, int types_fd)
{
	struct prog_load prog = {.type = PROG_TYPE_TRACING, .expected_attach_type = TRACE_ITER, .insn_cnt = p->insn_nr,
				 .license = crfd_bpf_address("Dual MIT/GPL"), .btf_fd = (uint32_t)types_fd,
				 .func_info = crfd_bpf_address(p->functions), .func_info_cnt = p->function_nr,
				 .func_info_rec_size = sizeof(*p->functions),
				 .attach_btf_id = layout->attach[p->attach]};
	uint64_t insns[WALK_INSNS_MAX];
	int rc;

	memcpy(insns, p->insns, p->insn_nr * sizeof(*insns));
	memcpy(prog.name, p->name, strlen(p->name));
	set_map(insns, p->insn_nr, map_fd);
	prog.insns = crfd_bpf_address(insns);
	rc = crfd_bpf_relocate(insns, p->insn_nr, p->relos, p->relo_nr, layout->found);
	return rc < 0 ? rc : crfd_bpf_call(PROG_LOAD, &prog, sizeof(prog));
}

static int load_into(const struct crfd_bpf_programs *p, const struct program *program, int types_fd)
{
	return load_program(program, p->layout, p->map_fd, types_fd);
}

static int load_first(const struct crfd_bpf_programs *p, const struct program *programs, size_t n, int types_fd)
{
	int rc = load_into(p, programs, types_fd);

	for (size_t i = 1; i < n && rc < 0 && rc != -EPERM; i++)
		rc = load_into(p, &programs[i], types_fd);
	return rc;
}

static int load_walk(const struct crfd_bpf_programs *p, enum crfd_bpf_walk walk, int types_fd)
{
	switch (walk) {
	case CRFD_BPF_FDS:
		return load_first(p, fds_programs, COUNT(fds_programs), types_fd);
	case CRFD_BPF_TASKS:
		return load_first(p, tasks_programs, COUNT(tasks_programs), types_fd);
	default:
		return load_into(p, walk == CRFD_BPF_INSIDE ? &inside_program : &held_program, types_fd);
	}
}

int crfd_bpf_programs_add(struct crfd_bpf_programs *p, enum crfd_bpf_walk walk)
{
	int types_fd, rc;

	if (walk != CRFD_BPF_FDS && walk != CRFD_BPF_TASKS && !p->ask)
		return -EOPNOTSUPP; /* what it has to say would lie in the memory that is not there */
	if (p->prog_fd[walk] >= 0)
		return 0;
	types_fd = load_types();
	if (types_fd < 0)
		return types_fd;
	rc = load_walk(p, walk, types_fd);
	close(types_fd);
	p->prog_fd[walk] = rc < 0 ? -1 : rc;
	return rc < 0 ? rc : 0;
}

static int map_memory(struct crfd_bpf_programs *p)
{
	uint8_t *memory = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, p->map_fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	p->ask = (struct walk_ask *)(memory + WALK_ASK_AT);
	p->room = memory + WALK_ROOM_AT;
	return 0;
}

static int add_tables(struct crfd_bpf_programs *p, int types_fd)
{
	int fd = HAS_ORDER ? load_into(p, &tables_program, types_fd) : -EOPNOTSUPP;
	int rc = fd < 0 ? fd : map_memory(p);

	if (rc < 0 && fd >= 0)
		close(fd);
	if (rc >= 0)
		p->prog_fd[CRFD_BPF_TABLES] = fd;
	return rc;
}

/* A thread of its own loads TASKS, and with holds HELD, which is otherwise loaded when it is needed. */
struct loading {
	const struct crfd_bpf_programs *p;
	int types_fd, holds;
	int tasks_fd, held_fd;
};

static void *load_beside(void *arg)
{
	struct loading *l = arg;

	l->tasks_fd = load_walk(l->p, CRFD_BPF_TASKS, l->types_fd);
	if (HAS_ORDER && l->holds && l->tasks_fd >= 0)
		l->held_fd = load_walk(l->p, CRFD_BPF_HELD, l->types_fd);
	return NULL;
}

/* Loads TABLES, or FDS where it is not to be had. */
static int load_tables(struct crfd_bpf_programs *p, int types_fd)
{
	int rc = add_tables(p, types_fd);

	return rc < 0 && rc != -EPERM ? crfd_bpf_programs_add(p, CRFD_BPF_FDS) : rc;
}

/* The verifier takes most of the time, and can do two at once. */
static int load_needed(struct crfd_bpf_programs *p, int types_fd, int holds)
{
	struct loading l = {.p = p, .types_fd = types_fd, .holds = holds, .held_fd = -1};
	pthread_t thread;
	int apart = crfd_thread_start(&thread, load_beside, &l) == 0;
	int rc = load_tables(p, types_fd);

	if (apart)
		pthread_join(thread, NULL);
	else
		load_beside(&l);
	p->prog_fd[CRFD_BPF_TASKS] = l.tasks_fd;
	p->prog_fd[CRFD_BPF_HELD] = l.held_fd < 0 ? -1 : l.held_fd;
	return rc < 0 ? rc : l.tasks_fd;
}

int crfd_bpf_programs_load(struct crfd_bpf_programs *p, const struct crfd_bpf_programs *like, int holds, enum crfd_bpf_step *step)
{
	int rc, types_fd;

	*p = (struct crfd_bpf_programs){.map_fd = -1, .prog_fd = {-1, -1, -1, -1, -1}};
	*step = CRFD_BPF_OK;
	p->layout = calloc(1, sizeof(*p->layout));
	if (!p->layout)
		return -ENOMEM;
	*step = CRFD_BPF_MAP;
	rc = p->map_fd = make_map();
	if (rc < 0)
		return rc;
	*step = CRFD_BPF_TYPES;
	rc = types_fd = load_types();
	if (rc < 0)
		return rc;
	*step = CRFD_BPF_LAYOUT;
	if (like)
		*p->layout = *like->layout;
	else
		rc = find_layout(p->layout);
	if (rc >= 0)
		*step = CRFD_BPF_LOAD;
	if (rc >= 0)
		rc = like ? load_tables(p, types_fd) : load_needed(p, types_fd, holds);
	close(types_fd);
	if (rc >= 0)
		*step = CRFD_BPF_OK;
	return rc < 0 ? rc : 0;
}

static void close_all(const int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

int crfd_bpf_programs_have(const struct crfd_bpf_programs *p, int fd)
{
	int has = fd == p->map_fd;

	for (int i = 0; i < CRFD_BPF_WALKS; i++)
		has |= fd == p->prog_fd[i];
	return has;
}

void crfd_bpf_programs_release(struct crfd_bpf_programs *p)
{
	close_all(p->prog_fd, COUNT(p->prog_fd));
	close_all(&p->map_fd, 1);
	if (p->ask)
		munmap((uint8_t *)p->ask - WALK_ASK_AT, MAPPED);
	free(p->layout);
}
