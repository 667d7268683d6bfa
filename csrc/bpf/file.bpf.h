/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Any file has an inode, a mount, somebody who opened it, perhaps an owner who is told by a signal, and locks. */
#ifndef CRFD_FILE_H
#define CRFD_FILE_H

#include "here.bpf.h"
#include "kernel.bpf.h"
#include "read.bpf.h"
#include "walk.h"

/* Before 6.12, 6.12 to 6.17, from 6.18. The other bits are of inodes that nobody has open, rare, or mean that the inode changed. */
#define I_DIRTY_PAGES (1 << 2 | 1 << 5 | 1 << 6)
#define SECTOR_BITS 9

static __always_inline int mount_id(struct vfsmount *mnt)
{
	long at = (long)bpf_core_field_offset(struct mount, mnt_id) - (long)bpf_core_field_offset(struct mount, mnt);

	return (int)word_at(number_of(mnt) + at);
}

static __always_inline __u64 mount_root(struct vfsmount *mnt)
{
	long at = (long)bpf_core_field_offset(struct mount, mnt.mnt_root) - (long)bpf_core_field_offset(struct mount, mnt);

	return word_at(number_of(mnt) + at);
}

static __always_inline __u16 print_of(struct file *file)
{
	__u64 x = number_of(file->f_inode) * 0x9e3779b97f4a7c15;

	x ^= number_of(file->f_cred) * 0xd6e8feb86659fd93;
	return (x >> 48) + (file->f_mode & 3);
}

static __always_inline int xfs_blocks(struct inode *inode, struct walk_fd *r)
{
	char *xfs = (char *)inode - bpf_core_field_offset(struct xfs_inode, i_vnode);
	__u64 held = 0, delayed = 0;

	bpf_probe_read_kernel(&held, sizeof(held), xfs + bpf_core_field_offset(struct xfs_inode, i_nblocks));
	bpf_probe_read_kernel(&delayed, sizeof(delayed), xfs + bpf_core_field_offset(struct xfs_inode, i_delayed_blks));
	r->blocks = (held + delayed) << ((inode->i_blkbits - SECTOR_BITS) & 31);
	return WALK_BLOCKS;
}

static __always_inline unsigned int state_of(struct inode *inode)
{
	struct inode___number *number = (void *)inode;
	struct inode___struct *in_struct = (void *)inode;

	if (bpf_core_field_exists(number->i_state))
		return number->i_state;
	if (bpf_core_field_exists(in_struct->i_state.__state))
		return in_struct->i_state.__state;
	return I_DIRTY_PAGES;
}

static __always_inline int put_inode(struct inode *inode, struct walk_fd *r)
{
	struct super_block *sb = inode->i_sb;
	int bits = 0;

	r->ino = inode->i_ino;
	r->st_uid = inode->i_uid.val;
	r->st_gid = inode->i_gid.val;
	r->size = inode->i_size;
	r->blocks = inode->i_blocks;
	r->dev = sb->s_dev;
	r->rdev = inode->i_rdev;
	r->nlink = inode->i_nlink;
	r->magic = sb->s_magic;
	r->mode = inode->i_mode;
	if ((r->mode & S_IFMT) == S_IFREG && state_of(inode) & I_DIRTY_PAGES)
		bits |= WALK_DIRTY;
	if (r->magic == XFS_SUPER_MAGIC && bpf_core_field_exists(struct xfs_inode, i_delayed_blks))
		bits |= xfs_blocks(inode, r);
	return bits;
}

/* Returns 1 where one alone holds it, those not counted that the walk holds. */
static __always_inline int is_alone(struct file *file, __u64 held)
{
	struct file___counted *counted = (void *)file;
	struct file___ref *ref = (void *)file;

	if (bpf_core_field_exists(ref->f_ref))
		return ref->f_ref.refcnt.counter == held;
	if (bpf_core_field_exists(counted->f_count))
		return counted->f_count.counter == held + 1;
	return 0;
}

/* held: references of the walk's own. */
static __always_inline int put_file(struct file *file, struct walk_fd *r, __u64 held)
{
	struct dentry *dentry = file->f_path.dentry;
	struct file___versioned *versioned = (void *)file;
	int bits = put_inode(file->f_inode, r) | (is_alone(file, held) ? WALK_ALONE : 0);

	r->print = print_of(file);
	r->file = (__u64)file;
	r->pos = file->f_pos;
	r->f_mode = file->f_mode;
	r->f_flags = file->f_flags;
	r->uid = file->f_cred->fsuid.val;
	r->gid = file->f_cred->fsgid.val;
	r->mnt_id = mount_id(file->f_path.mnt);
	r->version = 0;
	if (bpf_core_field_exists(versioned->f_version)) {
		r->version = versioned->f_version;
		bits |= WALK_VERSION;
	}
	if (dentry == dentry->d_parent)
		bits |= number_of(dentry) == mount_root(file->f_path.mnt) ? 0 : WALK_UNNAMED;
	else if (!dentry->d_hash.pprev)
		bits |= WALK_UNLINKED;
	return bits;
}

static __always_inline struct fown_struct *owner_of(struct file *file)
{
	struct file___owner_apart *apart = (void *)file;
	struct file___owner_within *within = (void *)file;

	if (bpf_core_field_exists(apart->f_owner))
		return apart->f_owner;
	if (bpf_core_field_exists(within->f_owner))
		return &within->f_owner;
	return 0;
}

/* The number here of a pid that someone still has: fs/fcntl.c, f_getown_ex(). */
static __always_inline __u32 live_nr_here(struct pid *pid, __u32 type)
{
	struct hlist_head tasks = {};

	bpf_probe_read_kernel(&tasks, sizeof(tasks), (char *)pid + bpf_core_field_offset(struct pid, tasks) +
						     (type & 3) * sizeof(tasks));
	return tasks.first ? nr_here(pid) : 0;
}

static __always_inline int put_owner(struct file *file, struct walk_owner *r)
{
	struct fown_struct *owner = owner_of(file);
	struct pid *pid;

	if (!owner)
		return 0;
	pid = READ(owner, pid);
	r->signum = READ(owner, signum);
	if (!pid && !r->signum)
		return 0;
	r->type = READ(owner, pid_type);
	r->pid = pid ? live_nr_here(pid, r->type) : 0;
	r->uid = READ(owner, uid.val);
	r->euid = READ(owner, euid.val);
	r->pad = 0;
	return r->pid || r->signum ? WALK_OWNED : 0;
}

#define HAS_ANY(ctx, list)                                                                                             \
	((char *)READ(ctx, list.next) != (char *)(ctx) + bpf_core_field_offset(struct file_lock_context, list))

/* The lists stay when the last lock is gone, and all anonymous inodes share one. */
static __always_inline int is_locked(struct inode *inode)
{
	struct file_lock_context *ctx = inode->i_flctx;

	return ctx && (HAS_ANY(ctx, flc_flock) || HAS_ANY(ctx, flc_posix) || HAS_ANY(ctx, flc_lease));
}

#endif
