/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The text that readlink(2) gives of a descriptor. To ask the kernel for one takes as long as all else of a file together, so
 * what follows from something known is not asked for: the path of a file in the directory of one before it, and the
 * texts that a file system without directories makes up.
 */
#ifndef CRFD_PATH_H
#define CRFD_PATH_H

#include "file.bpf.h"
#include "kernel.bpf.h"
#include "out.bpf.h"
#include "read.bpf.h"
#include "walk.h"

#define BARRIER() asm volatile("" : : : "memory")

#define DIR_BITS 6

/*
 * The directories of the last paths that the kernel gave. One is good for as long as that path's record lies in the reader's
 * buffer: with the next read it is asked for anew, so that a path is never older than the read that it came with.
 */
struct dir {
	__u64 dentry, parent, mnt;
	__u64 mnt_root, root; /* dentries whose path does not end in their name: the mount's root, and the reader's */
	__u64 at, read; /* where in the buffer the record begins, and of which read */
	__u32 seq, hash; /* d_seq, which changes with its name and its parent, and of that name */
	__u32 len, pad; /* of its path, '/' included; 0: none */
} dirs[1 << DIR_BITS];

__u64 reads;

static __always_inline __u32 seq_of(struct dentry *dentry)
{
	return dentry->d_seq.seqcount.sequence;
}

static __always_inline struct dir *dir_for(struct file *file)
{
	return &dirs[number_of(file->f_path.dentry->d_parent) * 0x9e3779b97f4a7c15 >> (64 - DIR_BITS)];
}

/* A name in a directory: not unlinked, not made up, not the root of something (fs/d_path.c, d_path()). */
static __always_inline int is_named(struct dentry *dentry, const struct dir *d)
{
	return dentry->d_hash.pprev && number_of(dentry) != d->mnt_root && number_of(dentry) != d->root &&
	       dentry != dentry->d_parent && (!dentry->d_op || !dentry->d_op->d_dname);
}

static __always_inline int is_in(struct file *file, const struct dir *d)
{
	struct dentry *dentry = file->f_path.dentry, *parent = dentry->d_parent;

	return d->len && d->read == reads && number_of(parent) == d->dentry && number_of(file->f_path.mnt) == d->mnt &&
	       seq_of(parent) == d->seq && number_of(parent->d_parent) == d->parent &&
	       parent->d_name.hash == d->hash && is_named(dentry, d);
}

/* A dentry's own name: its length with the NUL, 0 where it is longer than room or has changed since d_seq was seq. */
static __always_inline long copy_name(struct dentry *dentry, __u32 seq, __u64 room, char *to)
{
	__u64 len = dentry->d_name.len;

	asm volatile("" : "+r"(len)); /* the verifier must see the test on what it is given */
	if (seq & 1 || !len || len > 255 || len >= room || bpf_probe_read_kernel(to, len, dentry->d_name.name))
		return 0;
	to[len] = 0;
	BARRIER();
	return seq_of(dentry) == seq ? len + 1 : 0;
}

/* A directory is remembered by these when a path is made, so that those that follow may lie in it too. */
static __always_inline void remember(struct file *file, struct dir *d, __u64 at)
{
	struct dentry *parent = file->f_path.dentry->d_parent;
	struct task_struct *self = (void *)bpf_get_current_task();

	d->len = 0;
	d->dentry = (__u64)parent;
	d->parent = (__u64)parent->d_parent;
	d->hash = parent->d_name.hash;
	d->seq = seq_of(parent);
	d->mnt = (__u64)file->f_path.mnt;
	d->mnt_root = mount_root(file->f_path.mnt);
	d->root = (__u64)BPF_CORE_READ(self, fs, root.dentry);
	d->at = at;
	d->read = reads;
}

/* Takes what a path of n bytes has before its name for that of the directory, unless the name has changed since d_seq was seq. */
static __always_inline void take_directory(struct dentry *dentry, __u32 seq, const char *path, long n, struct dir *d)
{
	__u64 len;

	if (n < 2 || (seq | d->seq) & 1 || seq_of(dentry) != seq || !is_named(dentry, d))
		return;
	len = n - 1 - dentry->d_name.len;
	asm volatile("" : "+r"(len));
	if (len && len < WALK_PATH_MAX && path[len - 1] == '/')
		d->len = len;
}

/* The path as the kernel gives it, and, where those that follow may lie in the same directory, that. */
static __always_inline long ask(struct file *file, struct dir *d, __u64 at, char *path)
{
	struct dentry *dentry = file->f_path.dentry;
	__u32 seq = seq_of(dentry);
	long n;

	remember(file, d, at);
	BARRIER();
	n = bpf_d_path(&file->f_path, path, WALK_PATH_MAX);
	BARRIER();
	take_directory(dentry, seq, path, n, d);
	return n;
}

/* sockfs_dname(), pipefs_dname() and anon_inodefs_dname(): "socket:[1]", "pipe:[1]", "anon_inode:" and the name. */
static __always_inline int is_made(const struct walk_fd *r)
{
	return r->bits & WALK_UNNAMED &&
	       (r->magic == SOCKFS_MAGIC || r->magic == PIPEFS_MAGIC || r->magic == ANON_INODE_FS_MAGIC);
}

/* The text that needs no directory, or the name in one that is known; 0: neither. */
static __always_inline long put_short(struct file *file, struct walk_fd *r, __u64 at, const struct dir *d, char *path)
{
	struct dentry *dentry = file->f_path.dentry;
	__u32 seq = seq_of(dentry);
	long n = 0;

	if (is_made(r)) {
		if (r->magic == ANON_INODE_FS_MAGIC)
			n = copy_name(dentry, seq, WALK_PATH_MAX, path);
		if (n || r->magic != ANON_INODE_FS_MAGIC)
			r->bits |= WALK_MADE;
	} else if (is_in(file, d)) {
		n = copy_name(dentry, seq, WALK_PATH_MAX - d->len, path);
		if (n) {
			r->bits |= WALK_SIBLING;
			r->dir = (at - d->at) / 8;
		}
	}
	return n;
}

/* at: where in the reader's buffer the record will be. */
static __always_inline void put_path(struct file *file, struct walk_fd *r, __u64 at)
{
	struct dir *d = dir_for(file);

	if (!at)
		reads++;
	r->dir = 0;
	BARRIER(); /* also for the verifier: with r in registers it would go on for each value of bits and magic apart */
	r->path = put_short(file, r, at, d, (char *)(r + 1));
	if (r->bits & (WALK_MADE | WALK_SIBLING))
		return;
	r->path = ask(file, d, at, (char *)(r + 1));
	r->dir = d->len;
}

#endif
