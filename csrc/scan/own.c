/* SPDX-License-Identifier: MIT */
#include "scan/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"
#include "bpf/load.h"

/* Lists a directory of ours in /proc: 0, with the number that the directory had, or -errno. */
static int list(const char *name, struct crfd_numbers *out, int *dir)
{
	crfd_buf scratch = {0};
	int rc;

	*dir = open(crfd_proc_path(getpid(), name, -1).v, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return -errno;
	rc = crfd_proc_list(*dir, &scratch, out);
	close(*dir);
	crfd_buf_release(&scratch);
	return rc;
}

static int is_in(const struct crfd_numbers *list, int32_t number)
{
	return list->nr && bsearch(&number, list->v, list->nr, sizeof(number), crfd_int32_compare);
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
	struct crfd_numbers threads = {0};
	int dir, rc = list("task", &threads, &dir);

	for (size_t i = 0; i < n && !own->looks; i++)
		own->looks = is_in(&threads, pids[i]);
	free(threads.v);
	if (own->looks) {
		rc = list("fd", &own->before, &dir);
		keep_others(&own->before, dir);
		own->looks = rc == 0;
	}
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

/* Moves what stays of a task's descriptors down to *end. */
static void settle(const struct crfd_own *own, crfd_batch *b, crfd_task *t, uint64_t *end)
{
	uint64_t from = t->first, to = from + t->nfds;
	int mine = has_table(t);

	t->first = *end;
	for (uint64_t f = from; f < to; f++) {
		if (mine && !is_in(&own->before, b->fd[f].fd)) {
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
