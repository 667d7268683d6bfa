/* SPDX-License-Identifier: MIT */
/* What the text of a /proc/PID/fd link says, and which enum crfd_kind it makes with the file type. Pure. */
#ifndef CRFD_KIND_H
#define CRFD_KIND_H

#include "format/format.h"

#include "kinds/kind.cdef.h"

struct crfd_link {
	size_t stem; /* length without the kernel's " (deleted)" */
	uint64_t number; /* N of "pipe:[N]" and its like */
	uint8_t path; /* begins with '/': may be a name in a file system */
	uint8_t marked; /* ends in " (deleted)", which a name may as well */
	uint8_t numbered;
};

void crfd_link_parse(const char *text, size_t len, struct crfd_link *out);

/*
 * The kind of a description: text is its link without the " (deleted)" of an unlinked name (len 0: not known), st_mode
 * as stat(2) gives it (0: not known).
 */
int crfd_kind_of(const char *text, size_t len, uint32_t st_mode, int deleted);

#endif
