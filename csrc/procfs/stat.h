/* SPDX-License-Identifier: MIT */
/*
 * Reads the texts of /proc/PID/stat, status, limits and of the links in ns (proc_pid_stat(5) and its like). Pure. 0, or
 * -EINVAL.
 */
#ifndef CRFD_PROCSTAT_H
#define CRFD_PROCSTAT_H

#include "format/format.h"

#define PF_EXITING 0x4 /* include/linux/sched.h */

struct crfd_procstat {
	char comm[16]; /* padded with zeros, at least one */
	crfd_task_rec rec;
	uint32_t flags; /* PF_* */
	uint32_t ppid, sid;
	uint32_t tty; /* its number as the kernel packs it (new_encode_dev), 0: none */
	uint64_t start_time;
};

int crfd_procstat_parse(const char *text, size_t n, struct crfd_procstat *out);
/* Fills what CRFD_TASK_HAS_STATUS says. 0, or -EINVAL when a field is missing; ns_pid (Linux 4.1) is 0 then. */
int crfd_procstatus_parse(const char *text, size_t n, crfd_task_info *out);
/* Reads RLIMIT_NOFILE; 2^64 - 1 for no limit. 0, or -EINVAL. */
int crfd_proclimits_parse(const char *text, size_t n, uint64_t *soft, uint64_t *hard);
/* Reads the inode in "mnt:[4026531841]". 0, or -EINVAL. */
int crfd_procns_parse(const char *text, size_t n, uint64_t *ino);

/* Returns 1 for the PF_* flags of a thread of the kernel. */
int crfd_task_is_kernel(uint32_t flags);
/* Returns 1 for a task with descriptors of its own: no zombie, and by its PF_* flags no kernel thread. */
int crfd_task_has_files(const crfd_task_rec *rec, uint32_t flags);
/* Returns 1 for such a task that is not about to lose them: its state tells only later (kernel/exit.c, do_exit()). */
int crfd_task_keeps_files(const crfd_task_rec *rec, uint32_t flags);

#endif
