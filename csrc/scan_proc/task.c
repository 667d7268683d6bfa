/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scan_proc/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ours.h"
#include "base/number.h"

/* The task's own failure: noted, unless it is ours. */
static int refuse(crfd_task *t, int rc, uint32_t step)
{
	if (crfd_is_ours(rc))
		return rc;
	t->err = rc == -ENOENT ? ESRCH : -rc;
	t->step = step;
	return 0;
}

int crfd_proc_task_open(struct crfd_proc_task *p, int32_t pid, crfd_buf *scratch, crfd_task *t)
{
	int rc;

	*p = (struct crfd_proc_task){.pid = pid, .dir = -1, .fds = -1, .fdinfos = -1};
	t->info.pid = (uint32_t)pid;
	p->dir = crfd_proc_open(pid);
	if (p->dir < 0)
		return refuse(t, p->dir, CRFD_STEP_TASK);
	rc = crfd_proc_stat(p->dir, pid, scratch, &p->stat);
	if (rc < 0)
		return refuse(t, rc, CRFD_STEP_TASK);
	t->rec = p->stat.rec;
	memcpy(t->comm, p->stat.comm, sizeof(t->comm));
	t->info.ppid = p->stat.ppid;
	t->info.sid = p->stat.sid;
	t->info.start_time = p->stat.start_time;
	t->info.known = CRFD_TASK_HAS_STAT;
	rc = crfd_proc_read(p->dir, "status", 0, scratch);
	if (rc < 0)
		return refuse(t, rc, CRFD_STEP_TASK);
	(void)crfd_procstatus_parse((const char *)scratch->v, scratch->nr, &t->info);
	return 0;
}

int crfd_proc_task_list(struct crfd_proc_task *p, crfd_buf *scratch, struct crfd_numbers *out, crfd_task *t)
{
	int rc;

	out->nr = 0;
	if (!crfd_task_has_files(&p->stat.rec, p->stat.flags))
		return 0;
	p->fds = openat(p->dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fds < 0)
		return refuse(t, -errno, CRFD_STEP_LIST);
	p->fdinfos = openat(p->dir, "fdinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->fdinfos < 0)
		return refuse(t, -errno, CRFD_STEP_LIST);
	rc = crfd_proc_list(p->fds, scratch, out);
	return rc < 0 ? refuse(t, rc, CRFD_STEP_LIST) : 0;
}

int crfd_proc_task_exited(const struct crfd_proc_task *p, crfd_buf *scratch)
{
	struct crfd_procstat now;
	int rc = crfd_proc_stat(p->dir, p->pid, scratch, &now);

	if (crfd_is_ours(rc))
		return rc;
	return rc < 0 || now.rec.exit_state || now.start_time != p->stat.start_time;
}

static int has_table(int dir, int32_t pid, crfd_buf *scratch)
{
	struct crfd_procstat now;
	int rc = crfd_proc_stat(dir, pid, scratch, &now);

	return rc == 0 ? crfd_task_keeps_files(&now.rec, now.flags) : crfd_is_ours(rc) ? rc : 0;
}

/* The numbers were those of the two tasks if the directories still find them afterwards. */
int crfd_proc_task_shares(const struct crfd_proc_task *p, int32_t pid, int dir, crfd_buf *scratch)
{
	int rc = 0;

	if (syscall(SYS_kcmp, pid, p->pid, KCMP_FILES, 0, 0) == 0)
		rc = has_table(dir, pid, scratch);
	return rc > 0 ? has_table(p->dir, p->pid, scratch) : rc;
}

void crfd_proc_task_close(struct crfd_proc_task *p)
{
	if (p->fdinfos >= 0)
		close(p->fdinfos);
	if (p->fds >= 0)
		close(p->fds);
	if (p->dir >= 0)
		close(p->dir);
	p->dir = p->fds = p->fdinfos = -1;
}
