/* SPDX-License-Identifier: MIT */
/* A map of an image notes where each section and each description is, and how often that is used: twelve bytes a description. */
#ifndef CRFD_IMAGE_MAP_H
#define CRFD_IMAGE_MAP_H

#include <string.h>

#include "columns/reader.h"
#include "image/parse_state.h"

struct crfd_image_section {
	uint64_t offset; /* of TASK */
	uint64_t files; /* of FILES */
	uint32_t carrier; /* number of the section that has the entries of its table */
	uint32_t nfds, table;
};

struct crfd_image_map {
	const uint8_t *buf;
	size_t n;
	struct crfd_image_section *section;
	size_t nsections, section_alloc;
	uint32_t *carrier; /* of each shared table, by FILES.objref less 1 */
	size_t ntables, carrier_alloc;
	uint64_t *description; /* offset of FD_DATA, by objref less 1 */
	size_t ndescriptions, description_alloc;
	uint32_t *uses; /* by objref less 1 */
	size_t uses_alloc;
	struct crfd_origin origin;
	crfd_image_totals totals;

	crfd_parser parser;
	size_t checked; /* bytes */
};

/*
 * Judges about `want` bytes more, sums excepted, and notes where things are in them: 1 while some are left, 0, the code of *fault,
 * or -ENOMEM.
 */
int crfd_image_map_more(struct crfd_image_map *m, size_t want, crfd_fault *fault);
void crfd_image_map_release(struct crfd_image_map *m);

static inline crfd_rec crfd_image_header(const struct crfd_image_map *m, uint64_t offset)
{
	crfd_rec h;

	memcpy(&h, m->buf + offset, sizeof(h));
	return h;
}

static inline const uint8_t *crfd_image_payload(const struct crfd_image_map *m, uint64_t offset)
{
	return m->buf + offset + sizeof(crfd_rec);
}

/* Returns the offset of the record behind the one at offset. */
static inline uint64_t crfd_image_behind(const struct crfd_image_map *m, uint64_t offset)
{
	return offset + sizeof(crfd_rec) + (size_t)crfd_image_header(m, offset).len;
}

#endif
