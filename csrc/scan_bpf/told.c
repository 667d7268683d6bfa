/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scan_bpf/told.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/ours.h"
#include "format/record.h"
#include "procfs/read.h"
#include "procfs/task_records.h"

/* A link of /proc/TID, or one of its files, appended as records of that type; nothing where it is gone or refused. */
static int ask_link(const crfd_task *t, crfd_buf *scratch, const char *name, int type, crfd_buf *out)
{
	struct crfd_procstat stat;
	int dir = crfd_task_open(t, scratch, &stat);
	char path[PATH_MAX];
	ssize_t n;

	if (dir < 0)
		return crfd_is_ours(dir) ? dir : 0;
	n = crfd_proc_link(dir, name, path, sizeof(path));
	close(dir);
	return n <= 0 ? (int)n : crfd_buf_recs(out, type, 0, path, (size_t)n, 1);
}

static int put_exe(const struct walk_begin *begin, const crfd_task *t, crfd_buf *scratch, crfd_buf *out)
{
	if (begin->path < 0)
		return ask_link(t, scratch, "exe", CRFD_REC_TASK_EXE, out);
	return begin->path ? crfd_buf_recs(out, CRFD_REC_TASK_EXE, 0, begin + 1, (size_t)begin->path - 1, 1) : 0;
}

static int read_text(const crfd_task *t, const char *name, crfd_buf *scratch)
{
	struct crfd_procstat stat;
	int dir = crfd_task_open(t, scratch, &stat), rc;

	if (dir < 0)
		return dir;
	rc = crfd_proc_read(dir, name, 0, scratch);
	close(dir);
	return rc;
}

/*
 * Tasks that share one struct css_set are in the same cgroups of every hierarchy. One of these has been in it since the tasks
 * were listed, which is before the first text of the scan was read, so it was never freed meanwhile. (Of a task that
 * exits /proc shows something else: kernel/cgroup/cgroup.c, proc_cgroup_show().)
 */
static int put_cgroup(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, const struct walk_begin *begin,
		      const crfd_task *t, crfd_buf *out)
{
	struct crfd_bpf_group *group = crfd_bpf_words_group(&lane->words, begin->task.cgroups);
	crfd_buf *scratch = lane->looker.scratch;
	int rc, shared = begin->task.cgroups && !(begin->task.flags & PF_EXITING) && unit->cgroups == begin->task.cgroups;

	if (shared && group->cgroups == begin->task.cgroups)
		return crfd_buf_recs(out, CRFD_REC_TASK_CGROUP, 0, group->text.v, group->text.nr, 1);
	rc = read_text(t, "cgroup", scratch);
	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	if (shared) {
		group->cgroups = 0;
		crfd_buf_clear(&group->text);
		rc = crfd_buf_put(&group->text, scratch->v, scratch->nr);
		if (rc < 0)
			return rc;
		group->cgroups = begin->task.cgroups;
	}
	return crfd_buf_recs(out, CRFD_REC_TASK_CGROUP, 0, scratch->v, scratch->nr, 1);
}

/* Command lines are not read ahead for all where few tasks are looked at. */
static int put_cmdline(struct crfd_bpf_lane *lane, const crfd_task *t, size_t i, crfd_buf *out)
{
	crfd_buf *scratch = lane->looker.scratch;
	const uint8_t *line;
	size_t n;
	int rc;

	if (crfd_bpf_words_are_ahead(lane)) {
		line = crfd_bpf_words_get(&lane->words, i, &n);
		return crfd_buf_recs(out, CRFD_REC_TASK_CMDLINE, 0, line, n, 1);
	}
	rc = read_text(t, "cmdline", scratch);
	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	return crfd_buf_recs(out, CRFD_REC_TASK_CMDLINE, 0, scratch->v, scratch->nr, 1);
}

static int put_namespaces(const struct walk_begin *begin, crfd_buf *out)
{
	crfd_task_ns ns = {.mnt = begin->mnt_ns, .pid = begin->pid_ns, .net = begin->net_ns, .user = begin->user_ns,
			   .uts = begin->uts_ns, .ipc = begin->ipc_ns, .cgroup = begin->cgroup_ns, .time = begin->time_ns};

	return crfd_buf_rec(out, CRFD_REC_TASK_NS, 0, &ns, sizeof(ns));
}

int crfd_bpf_told(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, size_t i, int looked, crfd_batch *b)
{
	const struct walk_begin *begin = (const struct walk_begin *)lane->begin.v;
	crfd_task *t = &b->task[b->ntasks - 1];
	int rc;

	if (lane->push.has && !t->nfds && !(lane->looker.flags & CRFD_SCAN_HOLDS))
		return 0; /* nobody sees it */
	t->ext = (crfd_span){.off = b->text.nr};
	t->info.nofile_soft = begin->nofile_soft;
	t->info.nofile_hard = begin->nofile_hard;
	t->info.known |= CRFD_TASK_HAS_LIMITS;
	rc = put_exe(begin, t, lane->looker.scratch, &b->text);
	if (rc >= 0)
		rc = put_cmdline(lane, t, i, &b->text);
	if (rc >= 0)
		rc = put_cgroup(lane, unit, begin, t, &b->text);
	if (rc >= 0)
		rc = put_namespaces(begin, &b->text);
	if (rc >= 0)
		rc = crfd_task_extend(&b->text, &t->ext);
	if (rc >= 0)
		rc = crfd_task_kind(begin->task.flags, b, t);
	if (rc >= 0)
		rc = crfd_task_mounts(&lane->looker.mounts, b, t);
	return rc < 0 ? rc : crfd_bpf_look(&lane->looker, unit, -1, looked, b, t);
}
