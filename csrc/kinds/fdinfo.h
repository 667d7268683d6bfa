/* SPDX-License-Identifier: MIT */
/* The lines that fdinfo of every description begins with (proc_pid_fdinfo(5)). Pure. */
#ifndef CRFD_FDINFO_H
#define CRFD_FDINFO_H

#include <stddef.h>
#include <stdint.h>

#define CRFD_FDINFO_POS 1
#define CRFD_FDINFO_FLAGS 2
#define CRFD_FDINFO_MNT_ID 4
#define CRFD_FDINFO_INO 8 /* Linux 5.14 */

struct crfd_fdinfo {
	uint64_t pos; /* a loff_t, so it may stand for a negative one */
	uint64_t ino;
	uint32_t flags; /* O_CLOEXEC says close-on-exec */
	int32_t mnt_id;
	uint32_t has; /* CRFD_FDINFO_* */
	uint32_t pad;
	size_t rest; /* where the lines begin that only some descriptions have */
};

/* Returns 0, or -EINVAL when pos or flags is missing or a value is none. */
int crfd_fdinfo_parse(const char *text, size_t n, struct crfd_fdinfo *out);

#endif
