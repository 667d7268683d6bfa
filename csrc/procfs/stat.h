/* SPDX-License-Identifier: MIT */
/* The texts of /proc/PID/stat, status, limits and of the links in ns (proc_pid_stat(5) and its like). Pure. */
#ifndef CRFD_PROCSTAT_H
#define CRFD_PROCSTAT_H

#include "format/format.h"

struct crfd_procstat {
	char comm[16]; /* padded with zeros, at least one */
	char state; /* the letter */
	uint32_t flags; /* PF_* */
	uint32_t ppid, sid;
	uint32_t tty; /* its number as the kernel packs it (new_encode_dev), 0: none */
	uint32_t threads;
	uint32_t exit_signal, exit_code;
	uint64_t start_time;
};

struct crfd_procstatus {
	uint32_t tgid, ns_pid, threads, fd_size;
	uint32_t uid, euid, gid, egid;
};

/* 0, or -EINVAL. */
int crfd_procstat_parse(const char *text, size_t n, struct crfd_procstat *out);
/* 0, or -EINVAL when a field is missing; ns_pid (Linux 4.1) is 0 then. */
int crfd_procstatus_parse(const char *text, size_t n, struct crfd_procstatus *out);
/* RLIMIT_NOFILE; 2^64 - 1 for no limit. 0, or -EINVAL. */
int crfd_proclimits_parse(const char *text, size_t n, uint64_t *soft, uint64_t *hard);
/* The inode in "mnt:[4026531841]". 0, or -EINVAL. */
int crfd_procns_parse(const char *text, size_t n, uint64_t *ino);

/* A task that has no descriptors any more: a zombie or dead. */
int crfd_procstat_exited(const struct crfd_procstat *s);
/* A kernel thread. */
int crfd_procstat_kthread(const struct crfd_procstat *s);
/* The state, exit_state, exit_code and exit_signal of the kernel behind the letter. */
void crfd_procstat_rec(const struct crfd_procstat *s, crfd_task_rec *out);

#endif
