/* SPDX-License-Identifier: MIT */
/*
 * The kernel has one mount for all pipes and one for all sockets, in which nothing else ever is (fs/pipe.c, pipefs;
 * net/socket.c, sockfs), and names an inode there by its number. So with mnt_id and ino of fdinfo neither the link nor statx
 * has anything to add. Which mounts they are a pipe and a socket of our own tell: what we look at of another task may
 * be another file at each look.
 */
#ifndef CRFD_PROC_MOUNTS_H
#define CRFD_PROC_MOUNTS_H

#include <stddef.h>
#include <stdint.h>

#define CRFD_PROC_MOUNTS 2

struct crfd_proc_mount {
	int32_t mnt_id;
	uint32_t kind;
	uint32_t st_mode;
	uint32_t pad;
	uint64_t dev;
	const char *prefix; /* of the name */
};

struct crfd_proc_mounts {
	struct crfd_proc_mount v[CRFD_PROC_MOUNTS];
	uint32_t nr; /* 0 where the kernel tells no mounts (before 5.8) */
};

/* 0, or -errno of ours. */
int crfd_proc_mounts_find(struct crfd_proc_mounts *m);
/* NULL where it is neither. */
const struct crfd_proc_mount *crfd_proc_mount_of(const struct crfd_proc_mounts *m, int32_t mnt_id);
/* Writes the name of the inode as its link has it; its length. */
size_t crfd_proc_mount_name(const struct crfd_proc_mount *m, uint64_t ino, char *out, size_t room);

#endif
