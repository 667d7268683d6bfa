/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scan_proc/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"

/* The task's own failure: noted, unless it is ours. */
static int refuse(crfd_task *t, int rc, uint32_t step)
{
	if (rc == -ENOMEM)
		return rc;
	t->err = rc == -ENOENT ? ESRCH : -rc;
	t->step = step;
	return 0;
}

static int read_status(const struct crfd_proc_task *p, crfd_buf *scratch, crfd_task_info *info)
{
	struct crfd_procstatus s;
	int rc = crfd_proc_read(p->dir, "status", 0, scratch);

	if (rc < 0)
		return rc;
	if (crfd_procstatus_parse((const char *)scratch->v, scratch->nr, &s) < 0)
		return 0;
	info->tgid = s.tgid;
	info->ns_pid = s.ns_pid;
	info->uid = s.uid;
	info->euid = s.euid;
	info->gid = s.gid;
	info->egid = s.egid;
	info->fd_size = s.fd_size;
	info->threads = s.threads;
	info->known |= CRFD_TASK_HAS_STATUS;
	return 0;
}

static int read_stat(const struct crfd_proc_task *p, crfd_buf *scratch, struct crfd_procstat *out)
{
	int rc = crfd_proc_read(p->dir, "stat", 0, scratch);

	return rc < 0 ? rc : crfd_procstat_parse((const char *)scratch->v, scratch->nr, out);
}

int crfd_proc_task_open(struct crfd_proc_task *p, int32_t pid, crfd_buf *scratch, crfd_task *t)
{
	char path[32];
	int rc;

	*p = (struct crfd_proc_task){.pid = pid, .dir = -1, .links = -1, .infos = -1};
	t->info.pid = (uint32_t)pid;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	p->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0)
		return refuse(t, -errno, CRFD_STEP_TASK);
	rc = read_stat(p, scratch, &p->stat);
	if (rc < 0)
		return refuse(t, rc, CRFD_STEP_TASK);
	crfd_procstat_rec(&p->stat, &t->rec);
	memcpy(t->comm, p->stat.comm, sizeof(t->comm));
	t->info.ppid = p->stat.ppid;
	t->info.sid = p->stat.sid;
	t->info.start_time = p->stat.start_time;
	t->info.known = CRFD_TASK_HAS_STAT;
	rc = read_status(p, scratch, &t->info);
	return rc < 0 ? refuse(t, rc, CRFD_STEP_TASK) : 0;
}

int crfd_proc_task_list(struct crfd_proc_task *p, crfd_buf *scratch, struct crfd_numbers *out, crfd_task *t)
{
	int rc;

	out->nr = 0;
	if (crfd_procstat_exited(&p->stat) || crfd_procstat_kthread(&p->stat))
		return 0;
	p->links = openat(p->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->links < 0)
		return refuse(t, -errno, CRFD_STEP_LIST);
	p->infos = openat(p->dir, "fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->infos < 0)
		return refuse(t, -errno, CRFD_STEP_LIST);
	rc = crfd_proc_list(p->links, scratch, out);
	return rc < 0 ? refuse(t, rc, CRFD_STEP_LIST) : 0;
}

int crfd_proc_task_exited(const struct crfd_proc_task *p, crfd_buf *scratch)
{
	struct crfd_procstat now;
	int rc = read_stat(p, scratch, &now);

	if (rc == -ENOMEM)
		return rc;
	return rc < 0 || crfd_procstat_exited(&now) || now.start_time != p->stat.start_time;
}

void crfd_proc_task_close(struct crfd_proc_task *p)
{
	if (p->infos >= 0)
		close(p->infos);
	if (p->links >= 0)
		close(p->links);
	if (p->dir >= 0)
		close(p->dir);
	p->dir = p->links = p->infos = -1;
}
