/* SPDX-License-Identifier: MIT */
#include "batch/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

crfd_batch *crfd_batch_new(void)
{
	return calloc(1, sizeof(crfd_batch));
}

void crfd_batch_free(crfd_batch *b)
{
	if (!b)
		return;
	free(b->task);
	free(b->fd);
	free(b->ident);
	free(b->socket);
	free(b->held);
	crfd_buf_release(&b->text);
	free(b);
}

void crfd_batch_clear(crfd_batch *b)
{
	b->ntasks = 0;
	b->nfds = 0;
	b->nheld = 0;
	crfd_buf_clear(&b->text);
	b->locked = 0;
}

crfd_task *crfd_batch_task(crfd_batch *b)
{
	crfd_task *t;

	/* The text is there from the first task on: to add an offset to a null pointer is not defined, not even 0. */
	if (crfd_buf_reserve(&b->text, 1) < 0 ||
	    crfd_grow(&b->task, &b->task_alloc, b->ntasks + 1, sizeof(*b->task)) < 0)
		return NULL;
	t = &b->task[b->ntasks++];
	memset(t, 0, sizeof(*t));
	t->first = b->nfds;
	return t;
}

crfd_fd *crfd_batch_fds(crfd_batch *b, size_t n)
{
	crfd_fd *f;

	if (n > SIZE_MAX - b->nfds || crfd_grow(&b->fd, &b->fd_alloc, b->nfds + n, sizeof(*b->fd)) < 0 ||
	    crfd_grow(&b->ident, &b->ident_alloc, b->nfds + n, sizeof(*b->ident)) < 0 ||
	    crfd_grow(&b->socket, &b->socket_alloc, b->nfds + n, sizeof(*b->socket)) < 0)
		return NULL;
	f = &b->fd[b->nfds];
	b->nfds += n;
	b->task[b->ntasks - 1].nfds += n;
	return f;
}

void crfd_batch_move(crfd_batch *b, uint64_t from, uint64_t to)
{
	b->fd[to] = b->fd[from];
	b->ident[to] = b->ident[from];
	if (b->fd[to].kind == CRFD_KIND_SOCKET && from != to)
		b->socket[to] = b->socket[from];
}

#define NOT_OF_HELD (CRFD_PUSH_CLOEXEC | CRFD_PUSH_PORT)

int crfd_scan_flags(const crfd_scan_options *options)
{
	uint32_t has = options->push ? options->push->has : 0;

	return (options->flags | (has ? CRFD_SCAN_STILL : 0)) & ~(has & NOT_OF_HELD ? CRFD_SCAN_HOLDS : 0);
}

int crfd_batch_text(crfd_batch *b, const void *p, size_t n, crfd_span *out)
{
	uint64_t off = b->text.nr;
	int rc;

	if (n > UINT32_MAX)
		return -EOVERFLOW;
	rc = crfd_buf_put(&b->text, p, n);
	if (rc < 0)
		return rc;
	*out = (crfd_span){.off = off, .len = (uint32_t)n};
	return 0;
}
