/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Pids as the reader has them. */
#ifndef CRFD_HERE_H
#define CRFD_HERE_H

#include "kernel.bpf.h"

/* The first run finds where the reader lives: a process stays in its pid namespace, and a map has one process. */
struct {
	struct pid_namespace *ns;
	unsigned int level;
} here;

static __always_inline struct upid upid_at(struct pid *pid, unsigned int level)
{
	struct upid u = {};
	char *numbers = (char *)pid + bpf_core_field_offset(struct pid, numbers);

	bpf_probe_read_kernel(&u, sizeof(u), numbers + level * bpf_core_type_size(struct upid));
	return u;
}

static __always_inline void find_here(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pid *pid;

	if (here.ns)
		return;
	pid = BPF_CORE_READ(self, thread_pid);
	here.level = BPF_CORE_READ(pid, level);
	here.ns = upid_at(pid, here.level).ns;
}

/* The number of pid here, 0 where it has none: as pid_nr_ns(). */
static __always_inline __u32 nr_here(struct pid *pid)
{
	struct upid u;

	if (!pid || BPF_CORE_READ(pid, level) < here.level)
		return 0;
	u = upid_at(pid, here.level);
	return u.ns == here.ns ? u.nr : 0;
}

#endif
