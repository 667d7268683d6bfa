/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The walk over tasks and their file tables, in the kernel. Each program is run once an object by the kernel's own
 * iterators (Documentation/bpf/bpf_iterators.rst): walk_tasks lists the tasks and their tables, walk_tables goes over these
 * tables, and walk_fds is run for each file by the kernel's walk over them, which is slower and can tell all that there is.
 * A program is run again for the object whose output did not fit, so what it keeps from one run to the next are hints.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "file.bpf.h"
#include "held.bpf.h"
#include "inside.bpf.h"
#include "kernel.bpf.h"
#include "kinds.bpf.h"
#include "out.bpf.h"
#include "path.bpf.h"
#include "table.bpf.h"
#include "tables.bpf.h"
#include "task.bpf.h"
#include "walk.h"

SEC("iter/task_file")
int walk_fds(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct walk_fd *r = out_at(OUT_AT);
	struct seq_file *seq = ctx->meta->seq; /* once: the verifier searches all of the kernel's BTF for each load of it */
	struct walk_owner *owner;
	__u64 len = OUT_AT + sizeof(*r);

	if (!task || !file || !r)
		return 0;
	find_here();
	fetch_ahead(number_of(task->files->fdt->fd), task->files->fdt->max_fds, ctx->fd);
	r->tid = here.level ? nr_here(task->thread_pid) : task->pid;
	r->fd = ctx->fd;
	r->start = task->start_boottime;
	r->bits = put_file(file, r, 1) | (close_on_exec(task, ctx->fd) ? WALK_CLOEXEC : 0);
	put_path(file, r, seq->count);
	BARRIER();
	if (r->path > 0)
		len += (r->path + 7) & ~7;
	r->bits |= put_more(file, number_of(task->nsproxy->net_ns), OUT_AT, len);
	len += tail_len;
	owner = out_at(len);
	if (owner && put_owner(file, owner)) {
		r->bits |= WALK_OWNED;
		len += sizeof(*owner);
	}
	len -= OUT_AT;
	asm volatile("" : "+r"(len)); /* the verifier must see the test on what it is given */
	if (len > WALK_RECORD_MAX)
		return 0;
	r->len = len;
	bpf_seq_write(seq, r, len);
	return 0;
}

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct walk_task *r = &listed.task;
	__u64 files, len = sizeof(*r);

	if (!task)
		return 0;
	/*
	 * This iterator's task is "trusted", and for each load of a pointer from such a one the verifier of Linux 6.18 searches all of
	 * the kernel's BTF four times, two milliseconds of loading each.
	 */
	task = AS(task_struct, number_of(task));
	leader = READ(task, group_leader);
	files = number_of(READ(task, files));
	/* Before all others a thread comes only where it was asked for: first is the first process, or the leader. */
	if (READ(task, pid) != READ(task, tgid) && (!files || files == number_of(READ(leader, files))) && ctx->meta->seq_num)
		return 0;
	find_here();
	put_task(task, r);
	r->files = files;
	len += put_open(task, r);
	r->len = len;
	asm volatile("" : "+r"(len));
	if (len > sizeof(listed))
		return 0;
	bpf_seq_write(ctx->meta->seq, &listed, len);
	return 0;
}

#if WALK_CAST
/* Gives nothing to its reader but EAGAIN (a program's 1) where it has to be read again: what it found is in walk_room. */
SEC("iter/task_tables")
int walk_tables(struct bpf_iter__task *ctx)
{
	struct task_struct *task = (void *)ctx->task;
	__u32 i;

	if (!task)
		return 0;
	task = AS(task_struct, number_of(task));
	i = begin_task(task);
	if (walk_ask.tid[i] == pass.tid && !walk_task(task, i))
		return 1;
	return end_task(i);
}

/* The same, of what the task holds without a descriptor. */
SEC("iter/task_held")
int walk_held(struct bpf_iter__task *ctx)
{
	struct task_struct *trusted = (void *)ctx->task, *task;
	__u32 i;

	if (!trusted)
		return 0;
	task = AS(task_struct, number_of(trusted));
	i = begin_task(task);
	if (walk_ask.tid[i] == pass.tid && (!put_holds(task) || !put_maps(trusted, task) || !end_held(task)))
		return 1;
	return end_task(i);
}

/* The same, of what lies in the task's sockets and rings. */
SEC("iter/task_inside")
int walk_inside(struct bpf_iter__task *ctx)
{
	struct task_struct *task = (void *)ctx->task;
	__u32 i;

	if (!task)
		return 0;
	task = AS(task_struct, number_of(task));
	i = begin_task(task);
	if (walk_ask.tid[i] == pass.tid && !look_inside(task))
		return 1;
	return end_task(i);
}
#endif

char LICENSE[] SEC("license") = "Dual MIT/GPL";
