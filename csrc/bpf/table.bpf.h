/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A table of descriptors. */
#ifndef CRFD_TABLE_H
#define CRFD_TABLE_H

#include "kernel.bpf.h"
#include "read.bpf.h"

static __always_inline int close_on_exec(struct task_struct *task, __u32 fd)
{
	__u64 bits = number_of(task->files->fdt->close_on_exec);

	return word_at(bits + fd / 64 * sizeof(bits)) >> (fd & 63) & 1;
}

/*
 * The next descriptor's file, read while this one's is worked on: in a large table each lies far from all others. It may be
 * gone, or there may be none (what is read then is 0): its lines are wanted, not what they say.
 */
static __always_inline void fetch_next(struct fdtable *fdt, __u32 fd)
{
	struct file *file;
	__u64 address, lines;

	if (!bpf_rdonly_cast || fd + 1 >= fdt->max_fds)
		return;
	address = word_at(number_of(fdt->fd) + (fd + 1) * sizeof(file));
	file = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct file));
	lines = file->f_mode;
	lines += file->f_pos;
	lines += word_at(address + bpf_core_type_size(struct file) - sizeof(__u64)); /* its count, in 6.18 */
	asm volatile("" : : "r"(lines));
}

#endif
