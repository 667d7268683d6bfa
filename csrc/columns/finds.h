/* SPDX-License-Identifier: MIT */
/*
 * Where something was found among records that it stands far behind: with a description that many descriptors share, or in a
 * task, it is asked for once a row. What stands near is not worth the room.
 */
#ifndef CRFD_FINDS_H
#define CRFD_FINDS_H

#include "columns/row.h"

#define CRFD_FINDS_NEAR 32 /* records */

/* A find is of a record type, or of one of these; no type is so high. */
enum crfd_find_what {
	CRFD_FIND_END = 1 << 16, /* of the records of a parent */
	CRFD_FIND_COUNT = 2 << 16, /* of a list's entries, with its type */
	CRFD_FIND_OWN = 3 << 16, /* the same of those that are a task's own */
	CRFD_FIND_MOUNT = 4 << 16, /* of a number */
	CRFD_FIND_MOUNTS = 5 << 16, /* that each of a task's mounts has been put */
	CRFD_FIND_FD = 6 << 16 /* the first of its type that is of a descriptor or of a higher one */
};

struct crfd_find {
	const uint8_t *from; /* the record that the search began with */
	uint32_t what; /* record type, or enum crfd_find_what */
	uint32_t more[2]; /* by which it was chosen */
	const uint8_t *p; /* NULL: there is none */
	size_t n;
};

struct crfd_finds {
	struct crfd_find *slot; /* open addressing; from NULL: free */
	size_t nr, nslots;
};

/* Returns the find of that key (the first three members), or NULL. */
const struct crfd_find *crfd_finds_get(const struct crfd_finds *f, const struct crfd_find *key);
/* Adds one; where its key is there already, that stays. 0 or -ENOMEM. */
int crfd_finds_put(struct crfd_finds *f, const struct crfd_find *find);
void crfd_finds_release(struct crfd_finds *f);

#endif
