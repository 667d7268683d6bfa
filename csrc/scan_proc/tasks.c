/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scan_proc/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"
#include "identity/identity.h"
#include "identity/kcmptree.h"
#include "scan_proc/proc.h"

struct finder {
	struct crfd_proc_units *out;
	struct crfd_numbers given; /* sorted */
	struct crfd_numbers tids;
	crfd_buf scratch;
};

static int is_given(const struct finder *f, int32_t tid)
{
	return bsearch(&tid, f->given.v, f->given.nr, sizeof(tid), crfd_int32_compare) != NULL;
}

static int put(struct finder *f, int32_t pid, int32_t leader)
{
	struct crfd_proc_units *t = f->out;
	int rc = crfd_grow(&t->v, &t->alloc, t->nr + 1, sizeof(*t->v));

	if (rc == 0)
		t->v[t->nr++] = (struct crfd_proc_unit){.pid = pid, .leader = leader, .carrier_dir = -1};
	return rc;
}

/* 1 when pid is a process and not one thread of it. */
static int is_leader(struct finder *f, int dir, int32_t pid)
{
	crfd_task_info info = {0};
	int rc = crfd_proc_read(dir, "status", 0, &f->scratch);

	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	return crfd_procstatus_parse((const char *)f->scratch.v, f->scratch.nr, &info) == 0 &&
	       info.tgid == (uint32_t)pid;
}

static int put_threads(struct finder *f, int dir, int32_t pid)
{
	int tasks, rc = is_leader(f, dir, pid);

	if (rc <= 0)
		return rc;
	tasks = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tasks < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	rc = crfd_proc_list(tasks, &f->scratch, &f->tids);
	close(tasks);
	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	for (size_t i = 0; i < f->tids.nr && rc == 0; i++) {
		int32_t tid = f->tids.v[i];

		if (tid != pid && syscall(SYS_kcmp, pid, tid, KCMP_FILES, 0, 0) > 0 && !is_given(f, tid))
			rc = put(f, tid, pid);
	}
	return rc;
}

/* The unit and what belongs to it; what cannot be read here is reported when it is scanned. */
static int put_task(struct finder *f, int32_t pid, int threads)
{
	struct stat st;
	int dir, rc = put(f, pid, 0);

	if (rc < 0 || !threads)
		return rc;
	/* fs/proc/base.c, proc_task_getattr: two links and one for each thread */
	if (stat(crfd_proc_path(pid, "task", -1).v, &st) < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	if (st.st_nlink <= 3)
		return 0;
	dir = crfd_proc_open(pid);
	if (dir < 0)
		return crfd_is_ours(dir) ? dir : 0;
	rc = put_threads(f, dir, pid);
	close(dir);
	return rc;
}

/*
 * Kernel threads have one table for all, in which nothing is open, and what has exited has none, which kcmp(2) finds equal
 * to any other that has none. 1, 0, or -errno of ours.
 */
static int has_table(struct finder *f, int32_t pid)
{
	struct crfd_procstat s;
	int dir = crfd_proc_open(pid), rc = dir;

	if (dir >= 0) {
		rc = crfd_proc_stat(dir, pid, &f->scratch, &s);
		close(dir);
	}
	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	return crfd_task_keeps_files(&s.rec, s.flags);
}

static int find_tables(struct finder *f)
{
	struct crfd_proc_units *t = f->out;
	struct crfd_kcmptree tree = {.type = KCMP_FILES};
	uint32_t root = 0, member;
	int rc = 0;

	for (size_t i = 0; i < t->nr && t->nr > 1; i++) {
		struct crfd_proc_unit *first;

		rc = crfd_kcmptree_add(&tree, &root, (uint32_t)i, t->v[i].pid, 0, &member);
		if (crfd_is_ours(rc) || rc == -EOVERFLOW)
			break;
		if (rc < 0)
			continue;
		first = &t->v[tree.v[member].hash];
		if (first == &t->v[i])
			continue;
		rc = has_table(f, t->v[i].pid);
		if (rc < 0)
			break;
		if (!rc)
			continue;
		first->table = (uint32_t)(first - t->v) + 1;
		t->v[i].table = first->table;
	}
	crfd_kcmptree_release(&tree);
	return crfd_is_ours(rc) || rc == -EOVERFLOW ? rc : 0;
}

int crfd_proc_units_find(struct crfd_proc_units *out, const int32_t *pids, size_t n)
{
	struct finder f = {.out = out};
	int kcmp = crfd_probe_kcmp() == 0, rc = crfd_grow(&f.given.v, &f.given.alloc, n, sizeof(*f.given.v));

	if (rc == 0 && n) {
		memcpy(f.given.v, pids, n * sizeof(*pids));
		f.given.nr = n;
		qsort(f.given.v, n, sizeof(*f.given.v), crfd_int32_compare);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = put_task(&f, pids[i], kcmp);
	if (rc == 0 && kcmp)
		rc = find_tables(&f);
	free(f.given.v);
	free(f.tids.v);
	crfd_buf_release(&f.scratch);
	if (rc < 0)
		crfd_proc_units_release(out);
	return rc;
}

void crfd_proc_units_release(struct crfd_proc_units *t)
{
	for (size_t i = 0; i < t->nr; i++)
		if (t->v[i].carrier_dir >= 0)
			close(t->v[i].carrier_dir);
	free(t->v);
	*t = (struct crfd_proc_units){0};
}
