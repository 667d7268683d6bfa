/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "procfs/task_records.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "format/record.h"
#include "procfs/stat.h"

static const struct {
	const char *name;
	size_t at;
} namespaces[] = {
	{"ns/mnt", offsetof(crfd_task_ns, mnt)}, {"ns/pid", offsetof(crfd_task_ns, pid)},
	{"ns/net", offsetof(crfd_task_ns, net)}, {"ns/user", offsetof(crfd_task_ns, user)},
	{"ns/uts", offsetof(crfd_task_ns, uts)}, {"ns/ipc", offsetof(crfd_task_ns, ipc)},
	{"ns/cgroup", offsetof(crfd_task_ns, cgroup)}, {"ns/time", offsetof(crfd_task_ns, time)},
};

static int put_exe(int dir, crfd_buf *out)
{
	char path[PATH_MAX];
	ssize_t n = crfd_proc_link(dir, "exe", path, sizeof(path));

	return n <= 0 ? (int)n : crfd_buf_recs(out, CRFD_REC_TASK_EXE, 0, path, (size_t)n, 1);
}

static int put_text(int dir, const char *name, int type, crfd_buf *scratch, crfd_buf *out)
{
	int rc = crfd_proc_read(dir, name, 0, scratch);

	if (rc < 0)
		return crfd_is_ours(rc) ? rc : 0;
	return crfd_buf_recs(out, type, 0, scratch->v, scratch->nr, 1);
}

/* Returns 1 where any was told, for then the directory still finds its task. */
static int read_namespaces(int dir, crfd_task_ns *ns)
{
	int any = 0;

	*ns = (crfd_task_ns){0};
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		uint64_t *ino = (uint64_t *)((char *)ns + namespaces[i].at);
		char link[64];
		ssize_t n = crfd_proc_link(dir, namespaces[i].name, link, sizeof(link));

		if (n < 0)
			return (int)n;
		any |= n > 0 && crfd_procns_parse(link, (size_t)n, ino) == 0;
	}
	return any;
}

static void set_limits(uint64_t soft, uint64_t hard, crfd_task *t)
{
	t->info.nofile_soft = soft;
	t->info.nofile_hard = hard;
	t->info.known |= CRFD_TASK_HAS_LIMITS;
}

static int read_limits(int dir, crfd_buf *scratch, crfd_task *t)
{
	uint64_t soft, hard;
	int rc = crfd_proc_read(dir, "limits", 0, scratch);

	if (rc == 0)
		rc = crfd_proclimits_parse((const char *)scratch->v, scratch->nr, &soft, &hard);
	if (rc == 0)
		set_limits(soft, hard, t);
	return crfd_is_ours(rc) ? rc : 0;
}

/*
 * prlimit(2) is one call but wants the task's own user id or CAP_SYS_RESOURCE, and goes by a number that may be another
 * task's by now: so it is asked first, and believed when the directory still finds the task afterwards.
 */
static int put_limits_and_namespaces(int dir, crfd_buf *scratch, crfd_buf *out, crfd_task *t)
{
	struct rlimit limit;
	int told = prlimit((pid_t)t->info.pid, RLIMIT_NOFILE, NULL, &limit) == 0, rc = 0;
	crfd_task_ns ns;
	int any = read_namespaces(dir, &ns);

	if (told && any)
		set_limits(limit.rlim_cur, limit.rlim_max, t);
	else
		rc = read_limits(dir, scratch, t);
	return rc < 0 || !any ? rc : crfd_buf_rec(out, CRFD_REC_TASK_NS, 0, &ns, sizeof(ns));
}

int crfd_task_open(const crfd_task *t, crfd_buf *scratch, struct crfd_procstat *stat)
{
	int dir = crfd_proc_open((int32_t)t->info.pid), rc;

	if (dir < 0)
		return dir;
	rc = crfd_proc_stat(dir, (int32_t)t->info.pid, scratch, stat);
	if (rc == 0 && stat->start_time != t->info.start_time)
		rc = -ESRCH;
	if (rc < 0) {
		close(dir);
		return rc;
	}
	return dir;
}

int crfd_task_extend(const crfd_buf *text, crfd_span *ext)
{
	if (text->nr - ext->off > UINT32_MAX)
		return -EOVERFLOW;
	ext->len = (uint32_t)(text->nr - ext->off);
	return 0;
}

int crfd_task_records(int dir, crfd_buf *scratch, crfd_batch *b, crfd_task *t)
{
	int rc;

	t->ext = (crfd_span){.off = b->text.nr};
	rc = put_exe(dir, &b->text);
	if (rc >= 0)
		rc = put_text(dir, "cmdline", CRFD_REC_TASK_CMDLINE, scratch, &b->text);
	if (rc >= 0)
		rc = put_text(dir, "cgroup", CRFD_REC_TASK_CGROUP, scratch, &b->text);
	if (rc >= 0)
		rc = put_limits_and_namespaces(dir, scratch, &b->text, t);
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}

/* Counts the numbers that are in one of the two ascending lists alone. */
static uint32_t difference(const crfd_fd *f, uint64_t n, const struct crfd_numbers *now)
{
	uint64_t i = 0;
	size_t j = 0;
	uint32_t differ = 0;

	while (i < n || j < now->nr) {
		if (i < n && j < now->nr && f[i].fd == now->v[j]) {
			i++;
			j++;
			continue;
		}
		if (j == now->nr || (i < n && f[i].fd < now->v[j]))
			i++;
		else
			j++;
		differ++;
	}
	return differ;
}

/* Appends one record to those of the task. */
static int put(int type, const void *payload, size_t len, crfd_batch *b, crfd_task *t)
{
	int rc;

	if (!t->ext.len)
		t->ext.off = b->text.nr;
	rc = crfd_buf_rec(&b->text, type, 0, payload, len);
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}

int crfd_task_look(const struct crfd_numbers *now, crfd_batch *b, crfd_task *t)
{
	crfd_task_quiet quiet = {.known = now != NULL};

	if (now)
		quiet.changed = difference(b->fd + t->first, t->nfds, now) + t->info.vanished;
	return put(CRFD_REC_TASK_QUIET, &quiet, sizeof(quiet), b, t);
}

uint64_t crfd_task_mnt_ns(const crfd_batch *b, const crfd_task *t)
{
	struct crfd_cursor c = {.p = b->text.v + t->ext.off, .end = b->text.v + b->text.nr};
	crfd_task_ns ns = {0};

	while (crfd_cursor_next(&c))
		if (c.h.type == CRFD_REC_TASK_NS)
			memcpy(&ns, c.payload, sizeof(ns));
	return ns.mnt;
}

int crfd_task_kind(uint32_t flags, crfd_batch *b, crfd_task *t)
{
	crfd_task_kthread r = {.is = crfd_task_is_kernel(flags)};

	return put(CRFD_REC_TASK_KTHREAD, &r, sizeof(r), b, t);
}
