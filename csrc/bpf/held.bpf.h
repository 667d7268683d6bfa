/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What a task holds without a descriptor. Its directories and its executable are proved as descriptors are; its mappings do not
 * change meanwhile, for the kernel's iterator over them (6.7) holds their lock, or finds it taken: then the task is left to /proc.
 */
#ifndef CRFD_HELD_BPF_H
#define CRFD_HELD_BPF_H

#include "tables.bpf.h"

#define HELD_CWD 1 /* enum crfd_held_by */
#define HELD_ROOT 2
#define HELD_EXE 3
#define HELD_MAP 4
#define VM_ACCESS 7 /* linux/mm.h: VM_READ, VM_WRITE and VM_EXEC, which are as CRFD_MAP_* */
#define VM_MAYSHARE 0x80 /* what maps calls shared */
#define MAP_SHARED_BIT 8 /* CRFD_MAP_SHARED */
#define FMODE_BACKING (1 << 24) /* linux/fs.h; it was the next bit until 6.13 */
#define KNOWN_BITS 9

struct bpf_iter_task_vma {
	__u64 opaque[1];
} __attribute__((aligned(8)));

/* A place: the record of a mapped file, in which read it is, and d_seq, which changes with the file's name or its loss. */
struct {
	__u64 dentry, mnt, at, read;
	__u32 seq, pad;
} known_files[1 << KNOWN_BITS];

/* The mappings that were passed: of one file, and not told yet. */
struct {
	__u64 file, nr, bytes, prot;
	__u64 next; /* address to go on at; 0: the first */
	__u32 full, pad;
} mapped;

#if WALK_CAST
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task, __u64 address) __ksym;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;

static __always_inline void begin_held(struct walk_fd *r, __u32 held)
{
	r->tid = pass.tid;
	r->fd = WALK_HELD - held;
	r->start = pass.start;
	r->len = sizeof(*r) + (r->path > 0 ? (r->path + 7) & ~7 : 0);
	walk_ask.used += r->len;
}

/* A directory, at byte at of the memory. Not static: verified once. */
__noinline int put_directory(__u64 address, __u64 mnt, __u64 at)
{
	struct dentry *dentry = AS(dentry, address);
	struct walk_fd *r = out_at(at);

	if (!r)
		return 0;
	__builtin_memset(r, 0, sizeof(*r));
	r->bits = put_inode(dentry->d_inode, r);
	r->mnt_id = mount_id((void *)mnt);
	if (dentry != dentry->d_parent && !dentry->d_hash.pprev)
		r->bits |= WALK_UNLINKED;
	r->path = put_climbed(address, mnt, r->bits & WALK_UNLINKED, at + sizeof(*r));
	return 1;
}

/* Puts the directory that a struct path leads to. Not static: verified once. */
__noinline int put_link(__u64 address, __u32 held)
{
	struct path *path = AS(path, address);
	struct walk_fd *r = out_at(walk_ask.used);
	__u64 dentry = number_of(path->dentry), mnt = number_of(path->mnt);

	if (!r || !dentry)
		return 0;
	put_directory(dentry, mnt, walk_ask.used);
	BARRIER();
	pass.unable |= r->path <= 0 || number_of(path->dentry) != dentry || number_of(path->mnt) != mnt;
	begin_held(r, held);
	return 1;
}

/*
 * Whether another file stands in the text of maps for it, as where overlay maps one of those under it. The next bit is that of
 * files that nobody is told of by now, which named ones seldom are.
 */
static __always_inline int is_backing(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;

	return file->f_mode & FMODE_BACKING || (file->f_mode & FMODE_BACKING << 1 && dentry != dentry->d_parent);
}

/* Puts a file whose path is that of a link or of maps. Not static: verified once. */
__noinline int put_held_file(__u64 address, __u32 held)
{
	struct file *file = AS(file, address);
	struct walk_fd *r = out_at(walk_ask.used);
	struct life life;

	if (!r)
		return 0;
	read_life(file, &life);
	BARRIER();
	put_facts(address, walk_ask.used);
	pass.unable |= !put_text(address, walk_ask.used) || (r->path <= 0 && !(r->bits & WALK_MADE)) || is_backing(file);
	BARRIER();
	pass.unable |= !is_same(file, &life);
	begin_held(r, held);
	return 1;
}

/* All but the mappings, once: 0 where there is no room. */
static __always_inline int put_holds(struct task_struct *task)
{
	struct fs_struct *fs = task->fs;
	struct mm_struct *mm = task->flags & PF_KTHREAD ? 0 : task->mm;
	__u64 exe = mm ? number_of(mm->exe_file) : 0, began = bpf_ktime_get_ns();

	pass.task = number_of(task);
	pass.start = task->start_boottime;
	if (walk_ask.at_tid == pass.tid && walk_ask.at_start == pass.start)
		return 1;
	if (walk_ask.used > WALK_ROOM)
		return 0;
	walk_ask.at_tid = pass.tid;
	walk_ask.at_start = pass.start;
	pass.unable = pass.max = 0;
	mapped.next = 0;
	if (fs) {
		put_link(number_of(&fs->pwd), HELD_CWD);
		put_link(number_of(&fs->root), HELD_ROOT);
	}
	if (exe)
		put_held_file(exe, HELD_EXE);
	pass.unable |= task->fs != fs || (mm && (task->mm != mm || number_of(mm->exe_file) != exe)) ||
		       bpf_ktime_get_ns() - began > 4 * RECORD_NS;
	return 1;
}

/* Returns the place of the file's record, which is put if there is none in this read. Not static: verified once. */
__noinline int put_known(__u64 address)
{
	struct file *file = AS(file, address);
	struct dentry *dentry = file->f_path.dentry;
	__u64 mnt = number_of(file->f_path.mnt), i = (number_of(dentry) ^ mnt) * 0x9e3779b97f4a7c15 >> (64 - KNOWN_BITS);
	__u32 seq = seq_of(dentry);

	if (known_files[i].dentry != number_of(dentry) || known_files[i].mnt != mnt || known_files[i].read != reads ||
	    known_files[i].seq != seq) {
		known_files[i].dentry = number_of(dentry);
		known_files[i].mnt = mnt;
		known_files[i].read = reads;
		known_files[i].seq = seq;
		known_files[i].at = walk_ask.used;
		put_held_file(address, HELD_MAP);
	}
	return known_files[i].at;
}

/* Tells the mappings that were passed. */
static __always_inline void put_mapped(void)
{
	__u64 file = mapped.file, at;
	struct walk_map *r;

	mapped.file = 0;
	if (!file)
		return;
	at = put_known(file);
	r = out_at(walk_ask.used);
	if (!r)
		return;
	r->len = sizeof(*r);
	r->prot = mapped.prot;
	r->tid = pass.tid;
	r->fd = WALK_MAP;
	r->file = (walk_ask.used - at) / 8;
	r->start = pass.start;
	r->nr = mapped.nr;
	r->bytes = mapped.bytes;
	walk_ask.used += sizeof(*r);
}

/* Not static: verified once. */
__noinline int pass_mapping(__u64 address)
{
	struct vm_area_struct *vma = AS(vm_area_struct, address);
	__u64 file = number_of(vma->vm_file);

	if (file != mapped.file) {
		put_mapped();
		mapped.file = file;
		mapped.nr = mapped.bytes = mapped.prot = 0;
	}
	mapped.nr++;
	mapped.bytes += vma->vm_end - vma->vm_start;
	mapped.prot |= (vma->vm_flags & VM_ACCESS) | (vma->vm_flags & VM_MAYSHARE ? MAP_SHARED_BIT : 0);
	mapped.next = vma->vm_end;
	return walk_ask.used > WALK_ROOM;
}

/* The mappings that are left: 0 where there is no room for all of them. */
static __always_inline int put_maps(struct task_struct *trusted, struct task_struct *task)
{
	struct bpf_iter_task_vma it;
	struct vm_area_struct *vma;
	int full = 0;

	if (walk_ask.used > WALK_ROOM)
		return 0;
	if (task->flags & PF_KTHREAD || !task->mm || pass.unable)
		return 1;
	mapped.file = 0;
	pass.unable |= bpf_iter_task_vma_new(&it, trusted, mapped.next) != 0;
	while (!full && (vma = bpf_iter_task_vma_next(&it)))
		full = pass_mapping(number_of(vma));
	put_mapped();
	bpf_iter_task_vma_destroy(&it);
	return !full;
}

static __always_inline int end_held(struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;
	__u64 at = walk_ask.used;
	struct walk_end *r;

	if (!put_end(1))
		return 0;
	r = out_at(at);
	if (r && tty)
		r->tty = tty->driver->major << 20 | (tty->driver->minor_start + tty->index);
	walk_ask.at_tid = 0;
	return 1;
}
#endif

#endif
