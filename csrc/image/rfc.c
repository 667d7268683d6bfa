/* SPDX-License-Identifier: MIT */
/* The 2008 records alone cannot hold other kinds, unlinked names, and descriptors or paths that could not be read. */
#include "batch/batch.h"
#include "format/format.h"
#include "image/image.h"

static uint32_t refusal(const crfd_fd *f)
{
	if (f->failed)
		return CRFD_RFC_UNREAD;
	if (f->kind > CRFD_KIND_SYMLINK)
		return CRFD_RFC_KIND;
	if (f->st.flags & CRFD_STAT_DELETED)
		return CRFD_RFC_DELETED;
	if (!(f->st.known & CRFD_HAS_PATH))
		return CRFD_RFC_PATH;
	return 0;
}

static int64_t count(const crfd_batch *b, crfd_rfc_refusal *first)
{
	int64_t n = 0;

	for (size_t t = 0; t < b->ntasks; t++) {
		const crfd_task *task = &b->task[t];

		for (uint64_t i = task->first; i < task->first + task->nfds; i++) {
			const crfd_fd *f = &b->fd[i];
			uint32_t why = refusal(f);

			if (why && n++ == 0)
				*first = (crfd_rfc_refusal){
					.pid = task->info.pid, .fd = f->fd, .kind = f->kind, .why = why};
		}
	}
	return n;
}

static void keep(crfd_batch *b, crfd_task *task, uint64_t *end)
{
	uint64_t from = task->first, nfds = task->nfds;

	task->first = *end;
	for (uint64_t i = from; i < from + nfds; i++) {
		if (refusal(&b->fd[i])) {
			task->nfds--;
			continue;
		}
		crfd_batch_move(b, i, (*end)++);
	}
}

int64_t crfd_batch_keep_rfc(crfd_batch *b, int lossy, crfd_rfc_refusal *first)
{
	crfd_rfc_refusal found;
	int64_t n = count(b, &found);
	uint64_t end = 0;

	if (!n)
		return 0;
	if (!lossy) {
		*first = found;
		return CRFD_E_RFC;
	}
	for (size_t t = 0; t < b->ntasks; t++)
		keep(b, &b->task[t], &end);
	b->nfds = end;
	return n;
}
