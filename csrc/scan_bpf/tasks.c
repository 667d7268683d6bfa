/* SPDX-License-Identifier: MIT */
#include "scan_bpf/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "procfs/stat.h"

/* By process, the leader first, then by number. */
static int compare(const void *a, const void *b)
{
	const struct walk_task *x = a, *y = b;
	int x_thread = x->tid != x->tgid, y_thread = y->tid != y->tgid;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x_thread != y_thread)
		return x_thread - y_thread;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static void sort(struct crfd_bpf_records *r)
{
	if (r->nr)
		qsort(r->v, r->nr, sizeof(*r->v), compare);
}

/* The first record of a process, or nr. */
static size_t find(const struct crfd_bpf_records *r, uint32_t pid)
{
	size_t low = 0, high = r->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->v[mid].tgid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct crfd_bpf_unit *add(struct crfd_bpf_units *u)
{
	struct crfd_bpf_unit *unit;

	if (crfd_grow(&u->v, &u->alloc, u->nr + 1, sizeof(*u->v)) < 0)
		return NULL;
	unit = &u->v[u->nr++];
	memset(unit, 0, sizeof(*unit));
	return unit;
}

/* A task that /proc lists and the iterator does not: we may not look at it, which is another thing than its end. */
static int is_there(uint32_t pid)
{
	return access(crfd_proc_path((int32_t)pid, NULL, -1).v, F_OK) == 0;
}

#define LOOKS 4 /* a number may be given to another task between a look and the question whether it is there */

static int look_at(crfd_bpf *bpf, uint32_t tid, struct crfd_bpf_unit *unit)
{
	struct crfd_bpf_records r = {0};
	int rc = crfd_bpf_records_read(bpf, (struct crfd_bpf_scope){.tid = (int32_t)tid}, &r);

	unit->err = EPERM;
	if (r.nr && r.v[0].tid == tid) {
		unit->rec = r.v[0];
		unit->cgroups = r.v[0].cgroups;
		unit->err = 0;
	} else if (!is_there(tid)) {
		unit->err = ESRCH;
	}
	free(r.v);
	return rc < 0 ? rc : 0;
}

/* Adds what no process has for its number: a thread that was asked for by name, or a task that we may not look at. */
static int add_thread(struct crfd_bpf_units *u, crfd_bpf *bpf, uint32_t tid)
{
	struct crfd_bpf_unit *unit = add(u);
	int rc = 0;

	if (!unit)
		return -ENOMEM;
	unit->rec.tid = tid;
	unit->err = crfd_bpf_selects(bpf) ? EPERM : is_there(tid) ? EOPNOTSUPP : ESRCH; /* Linux 6.1: an iterator over one */
	for (int i = 0; i < LOOKS && unit->err == EPERM && rc >= 0; i++)
		rc = look_at(bpf, tid, unit);
	return rc;
}

/* The scan was asked for these. */
struct given {
	const int32_t *pids;
	size_t nr;
};

static int is_given(const struct given *given, uint32_t tid)
{
	for (size_t i = 0; i < given->nr; i++)
		if ((uint32_t)given->pids[i] == tid)
			return 1;
	return 0;
}

/* The process and its threads that have a table of their own, but for those that are asked for by themselves. */
static int add_process(struct crfd_bpf_units *u, crfd_bpf *bpf, const struct crfd_bpf_records *r, uint32_t pid,
		       const struct given *given)
{
	struct crfd_bpf_unit *unit;
	size_t i = find(r, pid);

	if (i == r->nr || r->v[i].tgid != pid)
		return add_thread(u, bpf, pid);
	for (; i < r->nr && r->v[i].tgid == pid; i++) {
		if (r->v[i].tid != pid && (!r->v[i].files || is_given(given, r->v[i].tid)))
			continue;
		unit = add(u);
		if (!unit)
			return -ENOMEM;
		unit->rec = r->v[i];
		unit->cgroups = r->v[i].cgroups;
	}
	return 0;
}

/* fs/proc/array.c, __task_state_index(): what /proc shows is the highest bit, and some sleeps as others. */
static crfd_task_rec rec_of(const struct walk_task *r)
{
	crfd_task_rec rec = {.exit_code = r->exit_code, .exit_signal = r->exit_signal, .comm_len = CRFD_COMM_LEN};
	uint32_t bits = (r->state | r->exit_state) & 0x7f, top = bits ? 1u << (31 - __builtin_clz(bits)) : 0;

	if (r->state == 0x402) { /* TASK_IDLE */
		rec.state = r->state;
	} else if (r->state & 0x9000) { /* TASK_RTLOCK_WAIT, TASK_FROZEN */
		rec.state = 2;
	} else if (top & 0x30) { /* EXIT_DEAD, EXIT_ZOMBIE */
		rec.state = 0x80;
		rec.exit_state = top;
	} else {
		rec.state = top;
	}
	return rec;
}

static int has_descriptors(const struct walk_task *r)
{
	crfd_task_rec rec = rec_of(r);

	return r->files && crfd_task_has_files(&rec, r->flags);
}

static int by_tid(const void *a, const void *b)
{
	const struct crfd_bpf_unit *x = a, *y = b;

	return (x->rec.tid > y->rec.tid) - (x->rec.tid < y->rec.tid);
}

struct table {
	uint64_t files;
	size_t unit;
	int shared; /* another unit has it too */
};

static int compare_tables(const void *a, const void *b)
{
	const struct table *x = a, *y = b;

	if (x->files != y->files)
		return x->files < y->files ? -1 : 1;
	return (x->unit > y->unit) - (x->unit < y->unit);
}

/*
 * Returns 1 where the task has the table that it was listed with still. An address says nothing by itself: a task that ended while
 * the others were listed has left it to another. Tasks that all have it after the last was listed had it at one moment.
 */
static int has_still(crfd_bpf *bpf, const struct walk_task *was, struct crfd_bpf_records *all)
{
	struct crfd_bpf_records one = {0}, *r = crfd_bpf_selects(bpf) ? &one : all;
	const struct walk_task *now;
	int rc = 0, has;

	if (!r->nr) {
		rc = crfd_bpf_records_read(bpf, (struct crfd_bpf_scope){.tid = (int32_t)was->tid}, r);
		sort(r);
	}
	now = r->nr ? bsearch(was, r->v, r->nr, sizeof(*was), compare) : NULL;
	has = now && now->start == was->start && now->files == was->files;
	free(one.v);
	return rc < 0 ? rc : has;
}

static int find_shared(struct table *t, size_t nr, const struct crfd_bpf_units *u, crfd_bpf *bpf)
{
	struct crfd_bpf_records all = {0};
	int rc = 0;

	for (size_t i = 0; i < nr && rc >= 0; i++) {
		if ((!i || t[i].files != t[i - 1].files) && (i + 1 == nr || t[i].files != t[i + 1].files))
			continue;
		rc = has_still(bpf, &u->v[t[i].unit].rec, &all);
		t[i].shared = rc > 0;
	}
	free(all.v);
	return rc < 0 ? rc : 0;
}

/* Tables that several units have get a number, and the first of these the descriptors. */
static int number_tables(struct crfd_bpf_units *u, crfd_bpf *bpf)
{
	struct table *t = calloc(u->nr + 1, sizeof(*t));
	const struct table *first = NULL;
	size_t nr = 0;
	int rc;

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < u->nr; i++) {
		u->v[i].empty = u->v[i].err || !has_descriptors(&u->v[i].rec);
		if (!u->v[i].empty)
			t[nr++] = (struct table){.files = u->v[i].rec.files, .unit = i};
	}
	qsort(t, nr, sizeof(*t), compare_tables);
	rc = find_shared(t, nr, u, bpf);
	for (size_t i = 0; i < nr && rc >= 0; i++) {
		if (!t[i].shared)
			continue;
		if (!first || first->files != t[i].files) {
			first = &t[i];
			continue;
		}
		u->v[first->unit].table = u->v[t[i].unit].table = first->unit + 1;
		u->v[t[i].unit].empty = 1;
	}
	free(t);
	return rc;
}

static int are_most(const struct crfd_bpf_units *u, const struct crfd_bpf_records *r)
{
	uint64_t has = 0, wanted = 0;

	for (size_t i = 0; i < r->nr; i++)
		has += has_descriptors(&r->v[i]) ? r->v[i].fd_size : 0;
	for (size_t i = 0; i < u->nr; i++)
		wanted += !u->v[i].err && has_descriptors(&u->v[i].rec) ? u->v[i].rec.fd_size : 0;
	return wanted >= has - has / 4;
}

int crfd_bpf_units_find(struct crfd_bpf_units *u, crfd_bpf *bpf, const int32_t *pids, size_t n, int all)
{
	struct given given = {.pids = pids, .nr = n};
	struct crfd_bpf_records r = {0};
	int rc = 0;

	u->ascending = 1;
	if (all)
		rc = crfd_bpf_records_read(bpf, (struct crfd_bpf_scope){0}, &r);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (!all)
			rc = crfd_bpf_records_read(bpf, (struct crfd_bpf_scope){.pid = pids[i]}, &r);
		u->ascending &= !i || pids[i - 1] < pids[i];
	}
	sort(&r);
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = add_process(u, bpf, &r, (uint32_t)pids[i], &given);
	u->most = all && are_most(u, &r);
	free(r.v);
	if (rc < 0)
		return rc;
	if (!crfd_bpf_selects(bpf) && u->nr)
		qsort(u->v, u->nr, sizeof(*u->v), by_tid);
	return number_tables(u, bpf);
}

void crfd_bpf_units_release(struct crfd_bpf_units *u)
{
	free(u->v);
	*u = (struct crfd_bpf_units){0};
}

void crfd_bpf_unit_task(const struct crfd_bpf_unit *unit, long clk_tck, crfd_task *t)
{
	const struct walk_task *r = &unit->rec;

	t->info.pid = r->tid;
	t->err = unit->err;
	t->step = unit->err ? CRFD_STEP_TASK : CRFD_STEP_NONE;
	if (unit->err)
		return;
	t->rec = rec_of(r);
	memcpy(t->comm, r->comm, sizeof(t->comm));
	t->table = unit->table;
	t->info = (crfd_task_info){.pid = r->tid, .tgid = r->tgid, .ppid = r->ppid, .sid = r->sid, .ns_pid = r->ns_pid,
				   .uid = r->uid, .euid = r->euid, .gid = r->gid, .egid = r->egid,
				   .start_time = r->start / (1000000000 / (uint64_t)clk_tck), .fd_size = r->fd_size,
				   .threads = r->threads, .known = CRFD_TASK_HAS_STAT | CRFD_TASK_HAS_STATUS};
}
