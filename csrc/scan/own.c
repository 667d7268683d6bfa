/* SPDX-License-Identifier: MIT */
#include "scan/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"
#include "bpf/load.h"

static int is_ours(int32_t tid)
{
	return syscall(SYS_tgkill, getpid(), tid, 0) == 0;
}

/* Takes the directory itself out of its list, and the BPF programs and variables. */
static void keep_others(struct crfd_numbers *list, int dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->nr; i++)
		if (list->v[i] != dir && !crfd_bpf_has(list->v[i]))
			list->v[kept++] = list->v[i];
	list->nr = kept;
}

int crfd_own_find(struct crfd_own *own, const int32_t *pids, size_t n)
{
	crfd_buf scratch = {0};
	int dir, rc;

	for (size_t i = 0; i < n && !own->looks; i++)
		own->looks = is_ours(pids[i]);
	if (!own->looks)
		return 0;
	dir = open(crfd_proc_path(getpid(), "fd", -1).v, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dir < 0 ? -errno : crfd_proc_list(dir, &scratch, &own->before);
	keep_others(&own->before, dir);
	if (dir >= 0)
		close(dir);
	crfd_buf_release(&scratch);
	own->looks = rc == 0;
	return crfd_is_ours(rc) ? rc : 0;
}

/* Returns 1 where the task has the table that was listed. A thread may have unshared its own. */
static int has_table(const crfd_task *t)
{
	pid_t self = getpid();

	if (t->err || t->info.tgid != (uint32_t)self)
		return 0;
	return t->info.pid == (uint32_t)self || syscall(SYS_kcmp, self, (pid_t)t->info.pid, KCMP_FILES, 0, 0) == 0;
}

static int was_there(const struct crfd_own *own, int32_t fd)
{
	return bsearch(&fd, own->before.v, own->before.nr, sizeof(fd), crfd_int32_compare) != NULL;
}

/* Moves what stays of a task's descriptors down to *end. */
static void settle(const struct crfd_own *own, crfd_batch *b, crfd_task *t, uint64_t *end)
{
	uint64_t from = t->first, to = from + t->nfds;
	int mine = has_table(t);

	t->first = *end;
	for (uint64_t f = from; f < to; f++) {
		if (mine && !was_there(own, b->fd[f].fd)) {
			t->nerrors -= b->fd[f].err != 0;
			b->own++;
			continue;
		}
		crfd_batch_move(b, f, (*end)++);
	}
	t->nfds = *end - t->first;
}

void crfd_own_drop(const struct crfd_own *own, crfd_batch *b)
{
	uint64_t end = 0;

	b->own = 0;
	if (!own->looks)
		return;
	for (size_t i = 0; i < b->ntasks; i++)
		settle(own, b, &b->task[i], &end);
	b->nfds = end;
}

void crfd_own_release(struct crfd_own *own)
{
	free(own->before.v);
}
