/* SPDX-License-Identifier: MIT */
/* The kernel runs the programs of bpf/walk.bpf.c, and their iterators give records. */
#ifndef CRFD_BPF_LOAD_H
#define CRFD_BPF_LOAD_H

#include <sys/types.h>

#include "bpf/program.h"

typedef struct crfd_bpf crfd_bpf;

/* A scope is what one iterator walks; both numbers are in the caller's pid namespace, at most one of them nonzero. */
struct crfd_bpf_scope {
	int32_t tid; /* this task alone */
	int32_t pid; /* the threads of this process, those that share its leader's table once */
};

#define CRFD_BPF_LANES 2 /* sets of programs: each puts a record together in one place, so that one thread reads it */

/*
 * Gets the programs of a lane, and loads them if no one has yet; each get needs its put. A child after fork() loads its own,
 * and must not go on with what its parent got. With holds HELD is loaded with the others, not when it is asked for. *step is
 * written always.
 */
int crfd_bpf_get(int lane, int holds, crfd_bpf **out, enum crfd_bpf_step *step);
void crfd_bpf_put(crfd_bpf *bpf);
/* Returns 1 where a descriptor of this process is one that loaded programs have. */
int crfd_bpf_has(int fd);
/* Returns 1 where an iterator can be told its scope (Linux 6.1); elsewhere it walks every task whatever it is told. */
int crfd_bpf_selects(const crfd_bpf *bpf);
/* Returns a descriptor to read records from. -ESRCH is never given: a task that is not there has no records. */
int crfd_bpf_iter(crfd_bpf *bpf, enum crfd_bpf_walk walk, struct crfd_bpf_scope scope);
/*
 * Holds a lane's programs and their memory for the caller's thread, from what it asks until it has taken what was found. The
 * other calls hold them by themselves; it may be held more than once.
 */
void crfd_bpf_hold(crfd_bpf *bpf);
void crfd_bpf_let_go(crfd_bpf *bpf);
/* CRFD_BPF_TABLES is asked in the one, NULL where it is not to be had, and writes to the other. Only while held. */
struct walk_ask *crfd_bpf_ask(crfd_bpf *bpf);
uint8_t *crfd_bpf_room(const crfd_bpf *bpf);
/* Lets an iterator over tables go on: 1: it has more, or all that was asked for; 0 at the end of the tasks; or -errno. */
int crfd_bpf_run(crfd_bpf *bpf, int iter);
/* Returns the bytes that one read may need. */
size_t crfd_bpf_piece(void);
/* Reads whole records of an iterator, n at least crfd_bpf_piece(). 0 at the end. */
ssize_t crfd_bpf_read(crfd_bpf *bpf, int iter, void *buf, size_t n);

#endif
