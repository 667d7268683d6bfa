/* SPDX-License-Identifier: MIT */
#include "batch/backend.h"
#include "scan/scanner.h"

#include <errno.h>
#include <stdlib.h>

#include "batch/batch.h"
#include "scan/ahead.h"
#include "scan/own.h"

struct crfd_scanner {
	const struct crfd_scan_ops *ops;
	void *state;
	struct crfd_ahead *ahead; /* NULL: whoever asks for a batch fills it */
	struct crfd_own own;
};

static const struct crfd_scan_ops *const backends[] = {
	[CRFD_BACKEND_PROC] = &crfd_scan_proc,
	[CRFD_BACKEND_BPF] = &crfd_scan_bpf,
};

/* Threads are a help; a scan for which none are to be had does without. */
static int start_ahead(crfd_scanner *s)
{
	int lanes = s->ops->lanes(s->state);
	int rc = lanes ? crfd_ahead_start(s->ops, s->state, lanes, &s->ahead) : 0;

	return rc == -EAGAIN ? 0 : rc;
}

int crfd_scanner_new(const int32_t *pids, size_t n, const crfd_scan_options *o, crfd_scanner **out)
{
	crfd_scanner *s;
	int rc;

	if ((o->backend != CRFD_BACKEND_PROC && o->backend != CRFD_BACKEND_BPF) || o->threads < 1)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ops = backends[o->backend];
	rc = crfd_own_find(&s->own, pids, n);
	if (rc == 0)
		rc = s->ops->open(pids, n, o, &s->state);
	if (rc < 0) {
		crfd_own_release(&s->own);
		free(s);
		return rc;
	}
	if (o->threads > 1)
		rc = start_ahead(s);
	if (rc < 0) {
		crfd_scanner_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static int fill_next(crfd_scanner *s, crfd_batch *b)
{
	struct crfd_scan_job job;
	int rc = 0;

	crfd_batch_clear(b);
	while (rc == 0 && !b->ntasks && s->ops->claim(s->state, &job) > 0) {
		rc = s->ops->fill(s->state, 0, &job, b);
		if (rc == 0 && s->ops->finish)
			rc = s->ops->finish(s->state, b);
	}
	if (rc < 0)
		crfd_batch_clear(b);
	return rc < 0 ? rc : b->ntasks > 0;
}

int crfd_scanner_next(crfd_scanner *s, crfd_batch *b)
{
	int rc = s->ahead ? crfd_ahead_next(s->ahead, b) : fill_next(s, b);

	if (rc > 0)
		crfd_own_drop(&s->own, b);
	return rc;
}

void crfd_scanner_free(crfd_scanner *s)
{
	if (!s)
		return;
	if (!s->ahead || crfd_ahead_stop(s->ahead))
		s->ops->close(s->state);
	crfd_own_release(&s->own);
	free(s);
}
