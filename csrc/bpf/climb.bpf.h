/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A path put together name by name, as prepend_path() of fs/d_path.c does: the kernel's own d_path() takes no file that a
 * program found by itself.
 *
 *   text   [          | /srv | /data | /file | (deleted) ]     written from the right
 *                     ^ at
 *
 * The way up is gone twice. If it led over the same dentries and mounts with the same d_seq, which every rename changes, all of
 * these held at once, between the two.
 */
#ifndef CRFD_CLIMB_H
#define CRFD_CLIMB_H

#include "file.bpf.h"
#include "kernel.bpf.h"
#include "path.bpf.h"
#include "read.bpf.h"

#define CLIMB_STEPS 256 /* names and mounts on one way, at most */
#define CLIMB_TEXT (WALK_PATH_MAX - 1)
#define DELETED 0x6574656c65642820 /* " (delete" */
#define DELETED_LEN 10
#define ENAMETOOLONG 36

struct {
	__u64 dentry, mnt; /* where it is */
	__u64 root, root_mnt; /* the reader's */
	__u64 sum; /* of what it has passed */
	__u64 at; /* the first byte of the text */
	__u32 copies, there, too_long, pad;
	char text[CLIMB_TEXT + 257];
} climb;

#if WALK_CAST
static __always_inline void pass_by(__u64 what, __u64 seq)
{
	climb.sum = (climb.sum ^ what) * 0x9e3779b97f4a7c15 + seq;
}

/* The way ends where nothing is mounted on anything. */
static __always_inline int leave_mount(void)
{
	__u64 mount = climb.mnt - bpf_core_field_offset(struct mount, mnt);
	__u64 parent = word_at(mount + bpf_core_field_offset(struct mount, mnt_parent));

	if (parent == mount) {
		climb.there = 1;
		return 1;
	}
	pass_by(climb.mnt, 0);
	climb.dentry = word_at(mount + bpf_core_field_offset(struct mount, mnt_mountpoint));
	climb.mnt = parent + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

/* Not over the start: 0. */
static __always_inline int copy_up(struct dentry *dentry)
{
	__u64 len = dentry->d_name.len, at = climb.at - len;

	asm volatile("" : "+r"(len)); /* the verifier must see the tests on what it is given */
	asm volatile("" : "+r"(at));
	if (!len || len > 255)
		return 0;
	if (!at || at >= CLIMB_TEXT) {
		climb.too_long = 1;
		return 0;
	}
	if (bpf_probe_read_kernel(climb.text + at, len, dentry->d_name.name))
		return 0;
	at--;
	climb.text[at] = '/';
	climb.at = at;
	return 1;
}

/* Goes up by a name or a mount: 1 where the way ends. Not static: verified once. */
__noinline int climb_up(void)
{
	struct dentry *dentry = AS(dentry, climb.dentry);
	__u32 seq = seq_of(dentry);
	__u64 parent;

	if (climb.dentry == climb.root && climb.mnt == climb.root_mnt) {
		climb.there = 1;
		return 1;
	}
	if (climb.dentry == mount_root((void *)climb.mnt))
		return leave_mount();
	parent = number_of(dentry->d_parent);
	if (parent == climb.dentry) { /* it has escaped from its mount: nothing of the way counts */
		if (climb.copies)
			climb.at = CLIMB_TEXT;
		climb.there = 1;
		return 1;
	}
	if (seq & 1 || (climb.copies && !copy_up(dentry)))
		return 1;
	pass_by(climb.dentry, seq);
	climb.dentry = parent;
	return 0;
}

static long step_up(__u64 i, void *unused)
{
	(void)i;
	(void)unused;
	return climb_up() != 0;
}

static __always_inline __u64 climb_from(__u64 dentry, __u64 mnt, int copies)
{
	climb.dentry = dentry;
	climb.mnt = mnt;
	climb.copies = copies;
	climb.there = 0;
	climb.sum = 0;
	bpf_loop(CLIMB_STEPS, step_up, (void *)0, 0);
	return climb.there ? climb.sum : 0;
}

/*
 * The path to byte `to` of the memory: its length with the NUL, -ENAMETOOLONG, or 0 where it is not to be had so. Not static: verified once.
 */
__noinline int put_climbed(__u64 dentry, __u64 mnt, __u64 deleted, __u64 to)
{
	struct task_struct *self = AS(task_struct, bpf_get_current_task());
	char *path = out_at(to);
	__u64 most = deleted ? CLIMB_TEXT - DELETED_LEN : CLIMB_TEXT;
	__u64 len, at, sum;

	if (!path)
		return 0;
	climb.root = number_of(self->fs->root.dentry);
	climb.root_mnt = number_of(self->fs->root.mnt);
	climb.at = CLIMB_TEXT;
	climb.too_long = 0;
	sum = climb_from(dentry, mnt, 1);
	if (climb.at == CLIMB_TEXT && climb.there)
		climb.text[--climb.at & 0xfff] = '/';
	if (climb.too_long)
		return -ENAMETOOLONG;
	if (!climb.there || climb_from(dentry, mnt, 0) != sum || !climb.there)
		return 0;
	at = climb.at;
	len = CLIMB_TEXT - at;
	asm volatile("" : "+r"(at));
	asm volatile("" : "+r"(len));
	/* The verifier of 6.12 goes from a sum back to len, which then has no unsigned bounds (sync_linked_regs()): no test on a sum. */
	asm volatile("" : "+r"(most));
	if (!len || at > CLIMB_TEXT || len > most)
		return -ENAMETOOLONG;
	if (bpf_probe_read_kernel(path, len, climb.text + at))
		return 0;
	path += len;
	if (deleted) {
		*(__u64 *)path = DELETED;
		path[8] = 'd';
		path[9] = ')';
		path += DELETED_LEN;
		len += DELETED_LEN;
	}
	*path = 0;
	return len + 1;
}
#endif

#endif
