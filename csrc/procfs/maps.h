/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/maps (proc_pid_maps(5)). Pure. */
#ifndef CRFD_MAPS_H
#define CRFD_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct crfd_mapping {
	uint64_t start, end;
	uint64_t dev; /* of the super block */
	uint64_t ino;
	const char *name; /* in the text; a line end in it is written \012 there, a backslash is not */
	uint32_t len;
	uint32_t prot; /* CRFD_MAP_* */
};

/* Takes the mapping of the next line that has a file, from *text on, which moves behind it. 1, 0 at the end, or -EINVAL. */
int crfd_maps_next(const char **text, const char *end, struct crfd_mapping *out);

#endif
