/* SPDX-License-Identifier: MIT */
/*
 * Only the descriptor itself tells some things, and is asked through a copy of it (pidfd_getfd(2), Linux 5.6): one at a time,
 * made, asked and closed. Where the kernel does not grant that, nothing is said; it is never an error.
 */
#ifndef CRFD_GETFD_H
#define CRFD_GETFD_H

#include "batch/batch.h"
#include "kinds/detail.h"

#include "getfd/getfd.cdef.h"

#define CRFD_GETFD_NETS 16
#define CRFD_SIOCGSKNS 0x894c /* SIOCGSKNS, Linux 4.9: older headers do not have it */

/* Inodes of network namespaces by SO_NETNS_COOKIE; ino 0: nobody tells us. */
struct crfd_getfd_nets {
	struct {
		uint64_t cookie, ino;
	} v[CRFD_GETFD_NETS];
	uint32_t nr, next;
};

/* Each thread asks through one of these. */
struct crfd_getfd {
	int granted, owners;
	int sockopts; /* the options of sockets are asked for as well */
	int pidfd; /* of the task last asked for, -1: none, or refused */
	int32_t pid;
	int own; /* that task is this process */
	uint64_t start;
	struct crfd_getfd_nets nets;
};

/*
 * Begins; granted is what crfd_probe_pidfd_getfd() says, and owners not 0 asks for the owner of signals as well; flags: of
 * CRFD_SCAN_*, those that ask for more.
 */
void crfd_getfd_init(struct crfd_getfd *g, int granted, int owners, int flags);
void crfd_getfd_release(struct crfd_getfd *g);

/*
 * Adds to d what f's kind tells of itself and d does not know yet, and to f who owns its inode. pid and start (in any unit, the same for all calls) are
 * those of the task that f was read from. local: a regular file or directory on a file system that asks nobody else. 0 or
 * -errno of ours (base/ours.h).
 */
int crfd_getfd_ask(struct crfd_getfd *g, int32_t pid, uint64_t start, crfd_fd *f, int local, struct crfd_detail *d);

/* Returns the inode of the network namespace of a socket, 0: nobody tells us. */
uint64_t crfd_getfd_nets_find(struct crfd_getfd_nets *nets, int s);
/* Adds which halves of a connection are open, of which the rest is known. */
void crfd_getfd_halves(int s, struct crfd_detail *d);

/* Each asks for one family, through a descriptor of ours: 0 or 1, or -ENOMEM. */
int crfd_getfd_socket(struct crfd_getfd_nets *nets, int s, struct crfd_detail *d);
/* Returns 1 where a socket of which all else is known has a name that it alone can say more of. */
int crfd_getfd_socket_is_named(const struct crfd_detail *d);
int crfd_getfd_device(int copy, struct crfd_detail *d);
/* Says what options the socket has, of which the rest is known. */
int crfd_getfd_sockopts(int s, struct crfd_detail *d);
void crfd_getfd_pipe(int copy, struct crfd_detail *d);
void crfd_getfd_memory(int copy, struct crfd_detail *d);
void crfd_getfd_object(int copy, struct crfd_detail *d); /* the name of a BPF object whose id d has */

#endif
