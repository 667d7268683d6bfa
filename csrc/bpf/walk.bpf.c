/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The walk over tasks and their file tables, in the kernel. Two programs, each run once an object by the kernel's own
 * iterators (Documentation/bpf/bpf_iterators.rst): walk_tasks lists the tasks and their tables, walk_fds the files.
 * A program is run again for the object whose output did not fit, so what it keeps from one run to the next are hints.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "file.bpf.h"
#include "kernel.bpf.h"
#include "kinds.bpf.h"
#include "out.bpf.h"
#include "path.bpf.h"
#include "table.bpf.h"
#include "task.bpf.h"
#include "walk.h"

/* Bits of what follows the path; and whether fdinfo has something to add. */
static __always_inline int put_more(struct file *file, struct task_struct *task)
{
	int bits = put_kind(number_of(file->private_data), number_of(file->f_inode), number_of(task->nsproxy->net_ns));

	if (!file->f_op->show_fdinfo)
		bits |= WALK_PLAIN;
	return is_locked(file->f_inode) ? bits & ~WALK_PLAIN : bits;
}

SEC("iter/task_file")
int walk_fds(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct walk_fd *r = &out.fd;
	struct seq_file *seq = ctx->meta->seq; /* once: the verifier searches all of the kernel's BTF for each load of it */
	struct walk_owner owner = {};
	__u64 len = sizeof(*r), tail;

	if (!task || !file)
		return 0;
	find_here();
	fetch_ahead(task->files->fdt, ctx->fd);
	r->tid = here.level ? nr_here(task->thread_pid) : task->pid;
	r->fd = ctx->fd;
	r->start = task->start_boottime;
	r->bits = put_file(file, r) | (close_on_exec(task, ctx->fd) ? WALK_CLOEXEC : 0) |
		  put_owner(file, &owner);
	put_path(file, r, seq->count);
	BARRIER();
	if (r->path > 0)
		len += (r->path + 7) & ~7;
	r->bits |= put_more(file, task);
	tail = more.len;
	asm volatile("" : "+r"(len)); /* the verifier must see the test on what it is given */
	if (len > sizeof(out))
		return 0;
	asm volatile("" : "+r"(tail));
	if (tail > sizeof(more.tail))
		return 0;
	r->len = len + tail + (r->bits & WALK_OWNED ? sizeof(owner) : 0);
	bpf_seq_write(seq, &out, len);
	if (tail)
		bpf_seq_write(seq, &more.tail, tail);
	if (r->bits & WALK_OWNED)
		bpf_seq_write(seq, &owner, sizeof(owner));
	return 0;
}

SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *leader, *task = ctx->task;
	struct walk_task *r = &listed.task;
	__u64 len = sizeof(*r);

	if (!task)
		return 0;
	__builtin_memset(r, 0, sizeof(*r));
	leader = BPF_CORE_READ(task, group_leader);
	r->files = (__u64)BPF_CORE_READ(task, files);
	if (task->pid != task->tgid && (!r->files || r->files == (__u64)BPF_CORE_READ(leader, files)))
		return 0;
	find_here();
	put_ids(task, r);
	r->state = task->__state;
	r->exit_state = task->exit_state;
	r->exit_code = task->exit_code;
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_EXIT_OR_STOP)
		r->exit_code = BPF_CORE_READ(task, signal, group_exit_code);
	r->exit_signal = task->exit_signal;
	r->flags = task->flags;
	r->threads = BPF_CORE_READ(task, signal, nr_threads);
	r->start = task->start_boottime;
	bpf_probe_read_kernel_str(r->comm, sizeof(r->comm), task->comm);
	len += put_open(task, r);
	r->len = len;
	asm volatile("" : "+r"(len));
	if (len > sizeof(listed))
		return 0;
	bpf_seq_write(ctx->meta->seq, &listed, len);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
