/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SALVAGE_H
#define CRFD_SALVAGE_H

#include "image/encode.h"

struct crfd_salvager {
	crfd_salvage *out;
	const uint8_t *buf;
	uint64_t n;
	crfd_encoder *e;
	crfd_objrefs *objrefs, *pids;
	crfd_batch *b;
	uint64_t lost_from; /* bytes from here on are in no section so far */
	uint32_t lost_pid; /* of the section that begins there, 0 unknown */
	uint64_t steps; /* that may still be taken to find first objrefs: whole sections take one a record */
};

/* Makes s->b the batch of a section's rows. 0 or -ENOMEM. */
int crfd_salvage_batch(struct crfd_salvager *s, const crfd_rows *rows);

#endif
