/* SPDX-License-Identifier: MIT */
#include "scan.h"

#include <errno.h>
#include <stdlib.h>

struct crfd_scanner {
	const struct crfd_scan_ops *ops;
	void *state;
};

static const struct crfd_scan_ops *const backends[] = {
	[CRFD_BACKEND_PROC] = &crfd_scan_proc,
	[CRFD_BACKEND_BPF] = &crfd_scan_bpf,
};

int crfd_scanner_new(int backend, const int32_t *pids, size_t n, int threads, int still, crfd_scanner **out)
{
	crfd_scanner *s;
	int rc;

	if ((backend != CRFD_BACKEND_PROC && backend != CRFD_BACKEND_BPF) || threads < 1)
		return -EINVAL;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->ops = backends[backend];
	rc = s->ops->open(pids, n, threads, still, &s->state);
	if (rc < 0) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int crfd_scanner_next(crfd_scanner *s, crfd_batch *b)
{
	return s->ops->next(s->state, b);
}

void crfd_scanner_free(crfd_scanner *s)
{
	if (!s)
		return;
	s->ops->close(s->state);
	free(s);
}
