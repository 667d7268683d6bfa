/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A task and its table. */
#ifndef CRFD_TASK_H
#define CRFD_TASK_H

#include "here.bpf.h"
#include "kernel.bpf.h"
#include "read.bpf.h"
#include "walk.h"

#define PIDTYPE_TGID 1 /* enum pid_type, as it is since 4.19 */
#define PIDTYPE_SID 3
#define SIGNAL_EXIT_OR_STOP (4 | 1) /* the whole group's code counts then: fs/proc/array.c, do_task_stat(), 5.16 */

/* A record of a task is put together here. */
struct {
	struct walk_task task;
	__u64 open[WALK_SLOTS_MAX / 64];
} listed;

static __always_inline void put_ids(struct task_struct *task, struct walk_task *r)
{
	const struct cred *cred = READ(task, real_cred);
	struct task_struct *parent = READ(task, real_parent);
	struct signal_struct *signal = READ(task, signal), *of_parent = READ(parent, signal);
	struct pid *pid = READ(task, thread_pid);
	struct upid *own = upid_at(pid, READ(pid, level));

	r->tid = nr_here(pid);
	r->tgid = nr_here(READ(signal, pids[PIDTYPE_TGID]));
	r->ppid = nr_here(READ(of_parent, pids[PIDTYPE_TGID]));
	r->sid = nr_here(READ(signal, pids[PIDTYPE_SID]));
	r->ns_pid = READ(own, nr);
	r->uid = READ(cred, uid.val);
	r->euid = READ(cred, euid.val);
	r->gid = READ(cred, gid.val);
	r->egid = READ(cred, egid.val);
}

/* All but its table: len, told, fd_size and files. */
static __always_inline void put_task(struct task_struct *task, struct walk_task *r)
{
	struct signal_struct *signal = READ(task, signal);

	__builtin_memset(r, 0, sizeof(*r));
	put_ids(task, r);
	r->state = READ(task, __state);
	r->exit_state = READ(task, exit_state);
	r->exit_code = READ(task, exit_code);
	if (READ(signal, flags) & SIGNAL_EXIT_OR_STOP)
		r->exit_code = READ(signal, group_exit_code);
	r->exit_signal = READ(task, exit_signal);
	r->flags = READ(task, flags);
	r->threads = READ(signal, nr_threads);
	r->start = READ(task, start_boottime);
	r->cgroups = (__u64)READ(task, cgroups);
	bpf_probe_read_kernel_str(r->comm, sizeof(r->comm), task->comm);
}

/* Writes which slots of the table are in use; of one that is too large, nothing. */
static __always_inline __u64 put_open(struct task_struct *task, struct walk_task *r)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *fdt = READ(files, fdt);
	__u64 bytes;

	r->fd_size = fdt ? READ(fdt, max_fds) : 0;
	bytes = ((__u64)r->fd_size + 63) / 64 * 8;
	asm volatile("" : "+r"(bytes)); /* the verifier must see the test on what it is given */
	if (!bytes || bytes > sizeof(listed.open))
		return 0;
	r->told = bpf_probe_read_kernel(listed.open, bytes, READ(fdt, open_fds)) == 0;
	return r->told ? bytes : 0;
}

#endif
