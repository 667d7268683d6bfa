/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Pure. */
#ifndef CRFD_MOUNTINFO_H
#define CRFD_MOUNTINFO_H

#include <stddef.h>
#include <stdint.h>


/* Finds the file system type of a mount. Returns its length, 0 when it is not there. */
size_t crfd_mountinfo_type(const char *text, size_t n, int32_t mnt_id, const char **type);
/* Returns 1 where that type asks nobody else, or 0. */
int crfd_mountinfo_local(const char *text, size_t n, int32_t mnt_id);

#endif
