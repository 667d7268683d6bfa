/* SPDX-License-Identifier: MIT */
/* The records of one walk over files, one after the other. */
#ifndef CRFD_BPF_SOURCE_H
#define CRFD_BPF_SOURCE_H

#include <linux/types.h>
#include <stdint.h>

#include "bpf/load.h"
#include "bpf/walk.h"

/* An iterator over files, or over tables, and what was read of it: whole records. */
struct crfd_bpf_source {
	int iter; /* -1: none */
	int over; /* of one over tables: all tasks were passed */
	uint8_t *piece; /* of one over tables it is where all such of its lane write */
	struct walk_ask *ask; /* NULL: over files */
	size_t at, end;
};

/* Starts a walk over the files of a task, of all for 0. 0 or more, or -errno. */
int crfd_bpf_source_start(struct crfd_bpf_source *s, crfd_bpf *bpf, int32_t tid);
/* Starts TABLES or INSIDE over the table of a task, or for 0 over those of all tasks in the order of their numbers. As above. */
int crfd_bpf_source_start_tables(struct crfd_bpf_source *s, crfd_bpf *bpf, enum crfd_bpf_walk walk, int32_t tid);
/*
 * Asks a walk over tables for tasks, all of them behind those that it was asked for before: tid[] ascends, at most
 * WALK_ASK_MAX - 1, and those with bare[] are asked for without their descriptors;
 * push: what is not wanted of the others. Each that is there gives a walk_begin, its
 * records and a walk_end. The lane is held from here until all have been taken.
 */
void crfd_bpf_source_ask(struct crfd_bpf_source *s, const uint32_t *tid, const uint8_t *bare, size_t n,
			 const struct walk_push *push);
/* Ends it; the memory stays for the next one. */
void crfd_bpf_source_stop(struct crfd_bpf_source *s);
void crfd_bpf_source_release(struct crfd_bpf_source *s);
/* Returns the record that has the directory of one with WALK_SIBLING. */
static inline const struct walk_fd *crfd_bpf_dir_of(const struct walk_fd *r)
{
	return (const struct walk_fd *)((const char *)r - (size_t)r->dir * 8);
}

/* Returns the record of the file that is mapped. */
static inline const struct walk_fd *crfd_bpf_file_of(const struct walk_map *m)
{
	return (const struct walk_fd *)((const char *)m - (size_t)m->file * 8);
}

/* The record at the front, which is passed by adding its len to s->at; 1, 0 at the end, or -errno. */
int crfd_bpf_source_peek(struct crfd_bpf_source *s, crfd_bpf *bpf, const struct walk_fd **out);

#endif
