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

/* From where on files were fetched ahead: a hint. Defined always: the variables of both objects must lie alike. */
struct {
	__u64 table;
	__u32 from;
} fetched, sought;

#if WALK_CAST
#define AHEAD 8 /* files fetched at a time */
#define WANT(value) asm volatile("" : : "r"(value))

/*
 * What a file leads to is seldom in the processor's cache: in a large table each lies far from all others. Read here, the
 * lines that will be needed come together, those of several files at a time. There may be none (what is read then is 0), or
 * one that is being closed: the program runs under RCU, which keeps its memory a file's (fs/file_table.c). What the lines say is
 * of no use. Whether it was done: AHEAD files from fd on are at hand now.
 */
static __always_inline int fetch_ahead(__u64 table, __u32 max, __u32 fd)
{
	struct file *file[AHEAD];

	if (fetched.table == table && fd - fetched.from < AHEAD)
		return 0;
	fetched.table = table;
	fetched.from = fd;
	if (fd + AHEAD > max)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < AHEAD; i++)
		file[i] = AS(file, word_at(table + (fd + i) * sizeof(file[0])));
#pragma unroll
	for (__u32 i = 0; i < AHEAD; i++) {
		WANT(file[i]->f_mode);
		WANT(file[i]->f_pos);
		WANT(word_at((__u64)file[i] + bpf_core_type_size(struct file) - sizeof(__u64))); /* the count, in 6.18 */
	}
#pragma unroll
	for (__u32 i = 0; i < AHEAD; i++) {
		struct inode *inode = file[i]->f_inode;
		struct dentry *dentry = file[i]->f_path.dentry;

		WANT(inode->i_mode); /* an inode begins anywhere in a line */
		WANT(inode->i_sb);
		WANT(inode->i_ino);
		WANT(inode->i_blocks);
		WANT(inode->i_flctx);
		WANT(dentry->d_parent);
		WANT(dentry->d_op);
	}
	return 1;
}

/* The same, of what most conditions are about. */
static __always_inline void fetch_inodes(__u64 table, __u32 max, __u32 fd)
{
	struct inode *inode[AHEAD];

	if (sought.table == table && fd - sought.from < AHEAD)
		return;
	sought.table = table;
	sought.from = fd;
	if (fd + AHEAD > max)
		return;
#pragma unroll
	for (__u32 i = 0; i < AHEAD; i++)
		inode[i] = AS(file, word_at(table + (fd + i) * sizeof(inode[0])))->f_inode;
#pragma unroll
	for (__u32 i = 0; i < AHEAD; i++) {
		WANT(inode[i]->i_mode);
		WANT(inode[i]->i_ino);
	}
}
#else
static __always_inline int fetch_ahead(__u64 table, __u32 max, __u32 fd)
{
	(void)table;
	(void)max;
	(void)fd;
	return 0;
}
#endif

#endif
