/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "scan_proc/proc.h"

#define LONG 8192 /* bytes of fdinfo */
#define MUCH (4 << 20) /* bytes of long ones */

void crfd_proc_long_forget(struct crfd_proc_long *l)
{
	crfd_kcmptree_release(&l->tree);
	free(l->at);
	*l = (struct crfd_proc_long){.tree = {.type = KCMP_FILE}};
}

/* The place of the descriptor's description among those compared so far; NULL where it cannot be compared. */
static uint64_t *find_long(struct crfd_proc_long *l, int32_t pid, int32_t fd)
{
	uint32_t member;

	if (crfd_kcmptree_add(&l->tree, &l->root, 0, pid, fd, &member) < 0 ||
	    crfd_grow(&l->at, &l->alloc, l->tree.nr, sizeof(*l->at)) < 0)
		return NULL;
	if (l->nr < l->tree.nr) {
		memset(l->at + l->nr, 0, (l->tree.nr - l->nr) * sizeof(*l->at));
		l->nr = l->tree.nr;
	}
	return &l->at[member];
}

void crfd_proc_long_note(struct crfd_proc_reader *r, const struct crfd_proc_task *p, uint64_t at, const crfd_fd *f)
{
	uint64_t *place;

	if (r->info.nr < LONG || f->fd < 0 || f->err)
		return;
	if (r->longs.task != p)
		crfd_proc_long_forget(&r->longs);
	r->longs.task = p;
	r->longs.told += r->info.nr;
	place = find_long(&r->longs, p->pid, f->fd);
	if (place)
		*place = at + 1;
}

int crfd_proc_long_recall(struct crfd_proc_reader *r, const struct crfd_proc_task *p, crfd_batch *b, uint64_t at)
{
	int32_t fd = b->fd[at].fd;
	const uint64_t *place;

	if (r->longs.task != p || r->longs.told < MUCH)
		return 0;
	place = find_long(&r->longs, p->pid, fd);
	if (!place || !*place)
		return 0;
	crfd_batch_move(b, *place - 1, at);
	b->fd[at].fd = fd;
	b->fd[at].close_on_exec = 0;
	b->fd[at].err = EFBIG;
	b->fd[at].step = CRFD_STEP_CLOEXEC;
	return 1;
}
