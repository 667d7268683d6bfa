/* SPDX-License-Identifier: MIT */
/* The text of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Pure. */
#ifndef CRFD_MOUNTINFO_H
#define CRFD_MOUNTINFO_H

#include <stddef.h>
#include <stdint.h>


/* The file system type of a mount in the text of /proc/PID/mountinfo: its length, 0 when it is not there. Pure. */
size_t crfd_mountinfo_type(const char *text, size_t n, int32_t mnt_id, const char **type);
/* Whether that type asks nobody else: 1 or 0. Pure. */
int crfd_mountinfo_local(const char *text, size_t n, int32_t mnt_id);

#endif
