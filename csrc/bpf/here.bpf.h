/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Pids as the reader has them. */
#ifndef CRFD_HERE_H
#define CRFD_HERE_H

#include "kernel.bpf.h"
#include "read.bpf.h"

/* The first run finds where the reader lives: a process stays in its pid namespace, and a map has one process. */
struct {
	struct pid_namespace *ns;
	unsigned int level;
} here;

/* Returns what a pid has as its number in its namespace of that level. */
static __always_inline struct upid *upid_at(struct pid *pid, unsigned int level)
{
	return AS(upid, number_of(pid) + bpf_core_field_offset(struct pid, numbers) +
			(__u64)level * bpf_core_type_size(struct upid));
}

static __always_inline void find_here(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct upid *own;
	struct pid *pid;

	if (here.ns)
		return;
	pid = BPF_CORE_READ(self, thread_pid);
	here.level = BPF_CORE_READ(pid, level);
	own = upid_at(pid, here.level);
	here.ns = READ(own, ns);
}

/* Gives the number here of the pid at an address, 0 where it has none: as pid_nr_ns(). Not static, and so verified once, by itself. */
__noinline __u32 nr_at(__u64 address)
{
	struct pid *pid = AS(pid, address);
	struct upid *own;

	if (!address || READ(pid, level) < here.level)
		return 0;
	own = upid_at(pid, here.level);
	return READ(own, ns) == here.ns ? READ(own, nr) : 0;
}

static __always_inline __u32 nr_here(struct pid *pid)
{
	return nr_at(number_of(pid));
}

#endif
