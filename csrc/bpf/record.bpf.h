/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * One record of a file that a slot of a table has, read without a reference and proved when it is complete.
 *
 * All of it happens under RCU. It keeps the memory of a file a file's (fs/file_table.c, SLAB_TYPESAFE_BY_RCU), but may give it to
 * another file meanwhile; and inodes, mounts, credentials and the dentries that have a parent are not freed. So what a record
 * was made of is read once more at its end: the task's table, the slot, and of the file all that it keeps for life. If all are
 * what they were, the slot held the file at that time, and each field is one that this file has. (A position is read
 * once: had the file been closed and one like it in every other respect opened at its address, in the time of one
 * record, it is that one's, or the record is in whole the first one's.) Loads must be done in the order of the program for
 * this: the loader offers this walk where the processor sees to that.
 */
#ifndef CRFD_RECORD_H
#define CRFD_RECORD_H

#include "climb.bpf.h"
#include "file.bpf.h"
#include "kernel.bpf.h"
#include "kinds.bpf.h"
#include "out.bpf.h"
#include "path.bpf.h"
#include "read.bpf.h"
#include "walk.h"

/* The table that is walked, and how far. */
struct {
	__u64 task, files, fdt, slots;
	__u64 start, net_ns;
	__u32 tid, max;
	__u32 base; /* slot of the loop's step 0 */
	__u32 next; /* slot to be read next */
	__u32 tries;
	__u32 halted; /* before the end, at next */
	__u32 unable;
	/* The group of records that the next look at the clock proves. */
	__u64 began; /* when, by bpf_ktime_get_ns(); 0: the clock has to be asked */
	__u64 kept; /* walk_ask.used before it */
	__u32 first; /* slot */
	__u32 grouped; /* records */
	__u32 singly, pad; /* so many records are each a group, for one of several took too long */
} pass;

#if WALK_CAST
/* A file keeps these for as long as it lives, but for its text: they are read at both ends of a record. */
struct life {
	__u64 inode, dentry, mnt, op, cred, data;
	__u32 mode, flags;
};

static __always_inline void read_life(struct file *file, struct life *life)
{
	life->inode = number_of(file->f_inode);
	life->dentry = number_of(file->f_path.dentry);
	life->mnt = number_of(file->f_path.mnt);
	life->op = number_of(file->f_op);
	life->cred = number_of(file->f_cred);
	life->data = number_of(file->private_data);
	life->mode = file->f_mode;
	life->flags = file->f_flags;
}

static __always_inline int is_same(struct file *file, const struct life *life)
{
	return number_of(file->f_inode) == life->inode && number_of(file->f_path.dentry) == life->dentry &&
	       number_of(file->f_path.mnt) == life->mnt && number_of(file->f_op) == life->op &&
	       number_of(file->f_cred) == life->cred && number_of(file->private_data) == life->data &&
	       file->f_mode == life->mode && file->f_flags == life->flags;
}

/* Returns 1 where the table is still the task's, and laid out as it was. */
static __always_inline int is_own_table(void)
{
	struct task_struct *task = AS(task_struct, pass.task);

	return number_of(task->files) == pass.files && number_of(task->files->fdt) == pass.fdt;
}

static __always_inline int close_on_exec_at(__u32 fd)
{
	struct fdtable *fdt = AS(fdtable, pass.fdt);

	return word_at(number_of(fdt->close_on_exec) + fd / 64 * 8) >> (fd & 63) & 1;
}

/* simple_dname() of fs/libfs.c, which nameless files of memory have (memfd_create(2), shmget(2), memfd_secret(2)). */
static __always_inline int is_of_memory(const struct walk_fd *r)
{
	return r->bits & WALK_UNNAMED && (r->magic == TMPFS_MAGIC || r->magic == HUGETLBFS_MAGIC || r->magic == SECRETMEM_MAGIC);
}

static __always_inline long put_simple(struct dentry *dentry, char *path)
{
	long n = copy_name(dentry, seq_of(dentry), 256, path + 1);

	if (n < 2 || n > 256)
		return 0;
	path[0] = '/';
	path += n;
	*(__u64 *)path = DELETED;
	path[8] = 'd';
	path[9] = ')';
	path[10] = 0;
	return n + DELETED_LEN + 1;
}

#define PIDFD 0x005d64666469705b /* "[pidfd]" and a NUL */

/* pidfs_dname() of fs/pidfs.c, and ns_dname() of fs/nsfs.c, of which the number is left to the reader. */
static __always_inline long put_named(struct file *file, struct walk_fd *r, char *path)
{
	struct inode___private *inode = (void *)file->f_inode;
	struct ns_common *ns = AS(ns_common, inode->i_private);
	long n = 0;

	if (r->magic == PIDFS_MAGIC) {
		*(__u64 *)path = PIDFD;
		n = sizeof(__u64);
	} else if (r->magic == NSFS_MAGIC) {
		n = bpf_probe_read_kernel_str(path, 32, ns->ops->name);
	}
	if (n > 1)
		r->bits |= WALK_MADE;
	return n > 1 ? n : 0;
}

/* A text that is made up in a way not known here is left to d_path(). */
static __always_inline long put_long(struct file *file, struct walk_fd *r, __u64 at, struct dir *d)
{
	struct dentry *dentry = file->f_path.dentry;
	char *path = (char *)(r + 1);
	__u32 seq = seq_of(dentry);
	long n;

	d->len = 0;
	if (is_of_memory(r))
		return put_simple(dentry, path);
	if (r->bits & WALK_UNNAMED && (r->magic == PIDFS_MAGIC || r->magic == NSFS_MAGIC))
		return put_named(file, r, path);
	if (dentry->d_op && dentry->d_op->d_dname &&
	    (dentry != dentry->d_parent || number_of(dentry) != mount_root(file->f_path.mnt)))
		return 0;
	remember(file, d, at);
	n = put_climbed(number_of(dentry), number_of(file->f_path.mnt), r->bits & WALK_UNLINKED, at + sizeof(*r));
	BARRIER();
	take_directory(dentry, seq, path, n, d);
	return n;
}

/*
 * The parts of a record, of the file at that address, at byte at of the memory. None is static, and so each is verified once,
 * by itself: inline they would be as often as there are ways through those before them.
 */
__noinline int put_facts(__u64 file, __u64 at)
{
	struct walk_fd *r = out_at(at);

	if (!r)
		return 0;
	r->dir = 0;
	r->bits = put_file(AS(file, file), r, 0);
	return 1;
}

/* Returns 1 where its text is to be had. */
__noinline int put_text(__u64 address, __u64 at)
{
	struct file *file = AS(file, address);
	struct walk_fd *r = out_at(at);
	struct dir *d = dir_for(file);

	if (!r)
		return 0;
	r->path = put_short(file, r, at, d, (char *)(r + 1));
	if (r->bits & (WALK_MADE | WALK_SIBLING))
		return 1;
	r->path = put_long(file, r, at, d);
	r->dir = d->len;
	return r->path != 0;
}

/* Puts what follows the path, and returns the length of it all. */
__noinline int put_rest(__u64 address, __u64 at)
{
	struct file *file = AS(file, address);
	struct walk_fd *r = out_at(at);
	struct walk_owner *owner;
	__u64 len;

	if (!r)
		return 0;
	len = sizeof(*r) + (r->path > 0 ? (r->path + 7) & ~7 : 0);
	r->bits |= put_more(file, pass.net_ns, at, at + len);
	len += tail_len;
	owner = out_at(at + len);
	if (owner && put_owner(file, owner)) {
		r->bits |= WALK_OWNED;
		len += sizeof(*owner);
	}
	r->len = len;
	return len;
}

/* The record of the file at that address: its length; 0: its text is not to be had; -1: it was not one file's. */
static __always_inline long put_record(__u64 address, __u32 fd, __u64 at)
{
	struct file *file = AS(file, address);
	struct walk_fd *r = out_at(at);
	struct life life;
	int cloexec, told;
	long len;

	if (!r)
		return -1;
	read_life(file, &life);
	cloexec = close_on_exec_at(fd);
	BARRIER();
	put_facts(address, at);
	r->tid = pass.tid;
	r->fd = fd;
	r->start = pass.start;
	r->bits |= cloexec ? WALK_CLOEXEC : 0;
	told = put_text(address, at);
	len = put_rest(address, at);
	BARRIER();
	if (!is_same(file, &life) || close_on_exec_at(fd) != cloexec || !is_own_table() ||
	    word_at(pass.slots + (__u64)fd * 8) != address)
		return -1;
	return told ? len : 0;
}
#endif

#endif
