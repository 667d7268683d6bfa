/* SPDX-License-Identifier: MIT */
/* The walk over tables leaves to /proc command lines, and the text of cgroups, once for all tasks that are in the same. */
#ifndef CRFD_BPF_WORDS_H
#define CRFD_BPF_WORDS_H

#include "scan_bpf/tasks.h"

#define CRFD_BPF_GROUPS 64

/* The text of what tasks in the same cgroups share. */
struct crfd_bpf_group {
	uint64_t cgroups; /* as in a walk_begin, 0: none */
	crfd_buf text;
};

struct crfd_bpf_words {
	crfd_buf text; /* of the command lines */
	size_t *end; /* of each unit's in it */
	size_t nr, alloc;
	struct crfd_bpf_group group[CRFD_BPF_GROUPS]; /* by a hash of cgroups */
};

/*
 * Reads the command lines of n units. They are read by number: a unit's is its own if its task is found to be the same one, by
 * its start, afterwards. 0 or -ENOMEM.
 */
int crfd_bpf_words_read(struct crfd_bpf_words *w, const struct crfd_bpf_unit *units, size_t n);
/* The command line of the i-th of them, *n bytes. */
const uint8_t *crfd_bpf_words_get(const struct crfd_bpf_words *w, size_t i, size_t *n);
/* Returns where the text of these cgroups is, or belongs if the group's `cgroups` are others. */
struct crfd_bpf_group *crfd_bpf_words_group(struct crfd_bpf_words *w, uint64_t cgroups);
void crfd_bpf_words_release(struct crfd_bpf_words *w);

#endif
