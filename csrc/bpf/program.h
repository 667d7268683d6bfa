/* SPDX-License-Identifier: MIT */
/* One set of the programs of bpf/walk.bpf.c, loaded. */
#ifndef CRFD_BPF_PROGRAM_H
#define CRFD_BPF_PROGRAM_H

enum crfd_bpf_walk { CRFD_BPF_FDS = 0, CRFD_BPF_TASKS = 1 };

/* The step that failed; crfd_bpf_probe() says it in words. */
enum crfd_bpf_step { CRFD_BPF_OK, CRFD_BPF_MAP, CRFD_BPF_TYPES, CRFD_BPF_LAYOUT, CRFD_BPF_LOAD, CRFD_BPF_LINK, CRFD_BPF_READ };

struct crfd_bpf_programs {
	int map_fd; /* of the variables that both have */
	int prog_fd[2]; /* by enum crfd_bpf_walk */
};

/* 0 or -errno, with the step that failed; to be released either way. */
int crfd_bpf_programs_load(struct crfd_bpf_programs *p, enum crfd_bpf_step *step);
void crfd_bpf_programs_release(struct crfd_bpf_programs *p);

#endif
