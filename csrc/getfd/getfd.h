/* SPDX-License-Identifier: MIT */
/*
 * What only the descriptor itself tells, asked through a copy of it (pidfd_getfd(2), Linux 5.6): one at a time, made,
 * asked and closed. Where the kernel does not grant that, nothing is said; it is never an error.
 */
#ifndef CRFD_GETFD_H
#define CRFD_GETFD_H

#include "batch/batch.h"

#include "getfd/getfd.cdef.h"

#define CRFD_GETFD_NETS 16

/* Inodes of network namespaces by SO_NETNS_COOKIE; ino 0: nobody tells us. */
struct crfd_getfd_nets {
	struct {
		uint64_t cookie, ino;
	} v[CRFD_GETFD_NETS];
	uint32_t nr, next;
};

/* One thread's means of asking. */
struct crfd_getfd {
	int granted, owners;
	int pidfd; /* of the task last asked for, -1: none, or refused */
	int32_t pid;
	uint64_t start;
	struct crfd_getfd_nets nets;
};

/* granted: as crfd_probe_pidfd_getfd() says. owners: whether the owner of signals is asked for as well. */
void crfd_getfd_init(struct crfd_getfd *g, int granted, int owners);
void crfd_getfd_release(struct crfd_getfd *g);

/*
 * Appends the records, parent 0, of what f's kind tells of itself beside its fdinfo, or completes those that f has from
 * `from` on. pid and start (in any unit, the
 * same for all calls) are those of the task that f was read from. 0 or -ENOMEM.
 */
int crfd_getfd_ask(struct crfd_getfd *g, int32_t pid, uint64_t start, const crfd_fd *f, size_t from, crfd_buf *out);

/* The same for the socket s of ours. */
int crfd_getfd_socket(struct crfd_getfd_nets *nets, int s, crfd_buf *out);

/* Gives the record that a BPF object of that kind has from `from` on its name, if it has one and we are told. */
void crfd_getfd_bpf(int copy, int kind, crfd_buf *out, size_t from);

#endif
