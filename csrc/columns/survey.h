/* SPDX-License-Identifier: MIT */
/* A survey is the first pass over an image: it judges every byte, and notes where what a row is made of stands. */
#ifndef CRFD_SURVEY_H
#define CRFD_SURVEY_H

#include "columns/columns.h"
#include "columns/reader.h"
#include "image/parse_state.h"

struct crfd_survey {
	crfd_parser parser;
	crfd_surveyed_task *task;
	size_t ntasks, task_alloc;
	uint32_t *carrier; /* number of the task that has the entries of each shared table, by FILES.objref less 1 */
	size_t ntables, carrier_alloc;
	uint64_t *description; /* offset of FD_DATA, by objref less 1 */
	size_t ndescriptions, description_alloc;
	uint32_t *uses; /* by objref less 1 */
	size_t uses_alloc;
	crfd_held_objref *held; /* ascending, when IMAGE_SUM has been noted */
	size_t nheld, held_alloc;
	crfd_image_totals totals;
	struct crfd_origin origin;
};

/* Begins one in zeroed memory, and ends it. */
void crfd_survey_init(struct crfd_survey *s);
void crfd_survey_release(struct crfd_survey *s);

/*
 * Looks at about `want` bytes of the n at buf, the image's last ones where `last` says so; *used: those that need not come
 * again. 1 while whole records are left of them, 0, the code of *fault, or -ENOMEM.
 */
int crfd_survey_look(struct crfd_survey *s, const uint8_t *buf, size_t n, int last, size_t want, size_t *used, crfd_fault *fault);
/* Returns the objref of what a task holds at that place; 0: none, or it is not known. */
uint32_t crfd_survey_held(const struct crfd_survey *s, uint32_t pid, int32_t fd, uint32_t slot);

#endif
