/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The conditions of a question (struct walk_push), tested before anything is written. What is read here proves nothing, and need not:
 * a file that stays in its slot is read as it is, and one that does not may be missed.
 */
#ifndef CRFD_PUSH_H
#define CRFD_PUSH_H

#include "holder.bpf.h"
#include "kernel.bpf.h"
#include "kinds.bpf.h"
#include "out.bpf.h"
#include "read.bpf.h"
#include "walk.h"

#if WALK_CAST
/* File systems where stat(2) shows another device, or another inode, than the inode itself has. */
static __always_inline int is_renumbered(__u64 magic)
{
	return magic == BTRFS_SUPER_MAGIC || magic == OVERLAYFS_SUPER_MAGIC || magic == CEPH_SUPER_MAGIC;
}

static __always_inline int is_other_file(struct inode *inode, __u32 has)
{
	return ((has & WALK_PUSH_INO && inode->i_ino != walk_ask.push.ino) ||
		(has & WALK_PUSH_DEV && inode->i_sb->s_dev != walk_ask.push.dev)) &&
	       !is_renumbered(inode->i_sb->s_magic);
}

/* An anonymous inode has the type of a file inside the kernel (fs/anon_inodes.c, 6.16). */
static __always_inline int is_other_class(struct inode *inode)
{
	__u32 class = inode->i_sb->s_magic == ANON_INODE_FS_MAGIC ? 0 : (inode->i_mode & S_IFMT) >> 12;

	return !(walk_ask.push.classes >> class & 1);
}

static __always_inline int is_other_port(struct file *file)
{
	struct sock *sk = sock_of(file);
	struct inet_sock *inet = AS(inet_sock, sk);
	__u16 family;

	if (!sk)
		return 1;
	family = sk->__sk_common.skc_family;
	if (family == AF_UNIX || family == AF_NETLINK)
		return 1;
	return (family == AF_INET || family == AF_INET6) && sk->__sk_common.skc_dport != walk_ask.push.port &&
	       inet->inet_sport != walk_ask.push.port;
}

/* A nameless one may bear the mark or not. */
static __always_inline int is_otherwise_deleted(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;

	return dentry != dentry->d_parent && (dentry->d_hash.pprev ? 0 : 1) != walk_ask.push.deleted;
}

static __always_inline int fails(struct file *file, __u64 cloexec)
{
	struct inode *inode = file->f_inode;
	__u32 has = walk_ask.push.has;

	if (has & WALK_PUSH_CLOEXEC && cloexec != walk_ask.push.cloexec)
		return 1;
	if (is_other_file(inode, has))
		return 1;
	if (has & WALK_PUSH_CLASSES && is_other_class(inode))
		return 1;
	if (has & WALK_PUSH_DELETED && is_otherwise_deleted(file))
		return 1;
	return has & WALK_PUSH_PORT && is_other_port(file);
}

/* Not static, and so verified once, by itself. */
__noinline int surely_fails(__u64 address, __u64 cloexec)
{
	struct file *file = AS(file, address);
	struct sock *sk;

	if (!fails(file, cloexec))
		return 0;
	sk = sock_of(file);
	walk_ask.passed_holders |= sk ? has_files(sk) : is_ring(file);
	return 1;
}
#endif

#endif
