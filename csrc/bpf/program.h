/* SPDX-License-Identifier: MIT */
#ifndef CRFD_BPF_PROGRAM_H
#define CRFD_BPF_PROGRAM_H

#include <stdint.h>

#include <linux/types.h>

#include "bpf/walk.h"

/*
 * TABLES goes over the tables itself and is not to be had everywhere; FDS can do all. All but TABLES are loaded when they are needed,
 * INSIDE and HELD where TABLES is to be had.
 */
enum crfd_bpf_walk { CRFD_BPF_FDS = 0, CRFD_BPF_TASKS = 1, CRFD_BPF_TABLES = 2, CRFD_BPF_INSIDE = 3, CRFD_BPF_HELD = 4, CRFD_BPF_WALKS = 5 };

/* The step that failed; crfd_bpf_probe() says it in words. */
enum crfd_bpf_step { CRFD_BPF_OK, CRFD_BPF_MAP, CRFD_BPF_TYPES, CRFD_BPF_LAYOUT, CRFD_BPF_LOAD, CRFD_BPF_LINK, CRFD_BPF_READ };

struct crfd_bpf_layout;

struct crfd_bpf_programs {
	int map_fd; /* of the variables that all have */
	int prog_fd[CRFD_BPF_WALKS]; /* by enum crfd_bpf_walk, -1: not loaded */
	struct crfd_bpf_layout *layout;
	struct walk_ask *ask; /* the variables, mapped; both NULL without TABLES */
	uint8_t *room;
};

/*
 * Loads TASKS and TABLES, or FDS where that is not to be had, and with holds HELD, if it loads. With like, which have been loaded before
 * and know what the kernel's BTF says, but TABLES or FDS. 0 or -errno, with the step that failed; to be released either way.
 */
int crfd_bpf_programs_load(struct crfd_bpf_programs *p, const struct crfd_bpf_programs *like, int holds, enum crfd_bpf_step *step);
/* Loads any but TABLES if it is not there yet. 0 or -errno. */
int crfd_bpf_programs_add(struct crfd_bpf_programs *p, enum crfd_bpf_walk walk);
/* Returns 1 where a descriptor is one of theirs. */
int crfd_bpf_programs_have(const struct crfd_bpf_programs *p, int fd);
void crfd_bpf_programs_release(struct crfd_bpf_programs *p);

#endif
