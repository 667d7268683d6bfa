/* SPDX-License-Identifier: MIT */
/* Bytes wait in a pipe, and messages in a queue, for whoever reads them. */
#include <sys/stat.h>

#include "kinds/detail.h"

static int pipe_end(struct crfd_detail *d)
{
	d->rec.pipe.known = d->known;
	return 1;
}

#define PIPE                                                                                                           \
	CRFD_RECORD(CRFD_REC_PIPE, crfd_pipe), .end = pipe_end, .asks = CRFD_ASKS_PIPE,                                \
	.wants = CRFD_PIPE_HAS_CAPACITY | CRFD_PIPE_HAS_WAITING

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(PIPE, "pipe", CRFD_MATCHES({CRFD_MATCH_NUMBERED, "pipe", 0})), PIPE},
	{CRFD_ROW(FIFO, "fifo", CRFD_MODE(S_IFIFO)), PIPE},
	/* Its file system tells the kind, which neither name nor mode does, and it has no lines of fdinfo. */
	{CRFD_ROW(MQUEUE, "mqueue", NULL), CRFD_RECORD(CRFD_REC_MQUEUE, crfd_mqueue), .asks = CRFD_ASKS_PIPE},
};

const struct crfd_kind_family crfd_kinds_pipe = CRFD_FAMILY(rows);
