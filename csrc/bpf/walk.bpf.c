/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The walk over tasks and their file tables, in the kernel. Two programs, each run once an object by the kernel's own
 * iterators (Documentation/bpf/bpf_iterators.rst): walk_tasks lists the tasks and their tables, walk_fds the files.
 * A program is run again for the object whose output did not fit, so it keeps nothing from one run to the next.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "kernel.bpf.h"
#include "walk.h"

#define PIDTYPE_TGID 1 /* enum pid_type, as it is since 4.19 */
#define PIDTYPE_SID 3
#define SIGNAL_EXIT_OR_STOP (4 | 1) /* the whole group's code counts then: fs/proc/array.c, do_task_stat(), 5.16 */
#define XFS_SUPER_MAGIC 0x58465342
#define I_DIRTY_PAGES (1 << 2 | 1 << 6) /* before and from 6.12; the other one's bit there is rare or never set */
#define S_IFMT 0170000 /* of linux/stat.h */
#define S_IFREG 0100000
#define SECTOR_BITS 9

/* Where a record is put together. One reader at a time: the loader sees to it. */
struct {
	struct walk_fd fd;
	char path[WALK_PATH_MAX];
} out;

/* The same of a task. */
struct {
	struct walk_task task;
	__u64 open[WALK_SLOTS_MAX / 64];
} listed;

/* Where a pointer becomes a number. */
__u64 number;

/* Where the reader lives, found by the first run: a process stays in its pid namespace, and a map has one process. */
struct {
	struct pid_namespace *ns;
	unsigned int level;
} here;

static __always_inline struct upid upid_at(struct pid *pid, unsigned int level)
{
	struct upid u = {};
	char *numbers = (char *)pid + bpf_core_field_offset(struct pid, numbers);

	bpf_probe_read_kernel(&u, sizeof(u), numbers + level * bpf_core_type_size(struct upid));
	return u;
}

static __always_inline void find_here(void)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pid *pid;

	if (here.ns)
		return;
	pid = BPF_CORE_READ(self, thread_pid);
	here.level = BPF_CORE_READ(pid, level);
	here.ns = upid_at(pid, here.level).ns;
}

/* The number of pid here, 0 where it has none: as pid_nr_ns(). */
static __always_inline __u32 nr_here(struct pid *pid)
{
	struct upid u;

	if (!pid || BPF_CORE_READ(pid, level) < here.level)
		return 0;
	u = upid_at(pid, here.level);
	return u.ns == here.ns ? u.nr : 0;
}

/* A pointer as a plain number: the verifier allows no arithmetic on the pointer itself. */
static __always_inline __u64 number_of(const void *p)
{
	volatile __u64 *slot = &number;

	*slot = (__u64)p;
	return *slot;
}

/*
 * Lets a program read through any address as through a pointer of that type, at no cost: a kernel function since 6.2 that
 * the verifier takes out. Where there is none, it is asked for no more than whether it exists.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

/* What lies at an address, 0 where nothing may be read. */
static __always_inline __u64 word_at(__u64 address)
{
	struct list_head *word;
	__u64 value = 0;

	if (bpf_rdonly_cast) {
		word = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct list_head));
		return number_of(word->next);
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

static __always_inline int close_on_exec(struct task_struct *task, __u32 fd)
{
	__u64 bits = number_of(task->files->fdt->close_on_exec);

	return word_at(bits + fd / 64 * sizeof(bits)) >> (fd & 63) & 1;
}

static __always_inline int mount_id(struct vfsmount *mnt)
{
	long at = (long)bpf_core_field_offset(struct mount, mnt_id) - (long)bpf_core_field_offset(struct mount, mnt);

	return (int)word_at(number_of(mnt) + at);
}

#include "kinds.bpf.h"

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

/*
 * What a file leads to is seldom in the processor's cache, and half of the time of a walk goes by in waiting for memory. Read
 * here, one right behind the other, the lines that will be needed come together.
 */
static __always_inline void fetch(struct file *file)
{
	struct inode *inode = file->f_inode;
	struct dentry *dentry = file->f_path.dentry;
	__u64 lines = number_of(inode->i_sb);

	lines += number_of(dentry->d_parent);
	lines += inode->i_blocks;
	lines += number_of(inode->i_flctx);
	lines += file->f_pos;
	asm volatile("" : : "r"(lines));
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

static __always_inline int put_file(struct file *file, struct walk_fd *r)
{
	struct dentry *dentry = file->f_path.dentry;
	struct file___versioned *versioned = (void *)file;
	int bits;

	fetch(file);
	bits = put_inode(file->f_inode, r);

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
	pid = BPF_CORE_READ(owner, pid);
	r->signum = BPF_CORE_READ(owner, signum);
	if (!pid && !r->signum)
		return 0;
	r->type = BPF_CORE_READ(owner, pid_type);
	r->pid = pid ? live_nr_here(pid, r->type) : 0;
	r->uid = BPF_CORE_READ(owner, uid.val);
	r->euid = BPF_CORE_READ(owner, euid.val);
	return r->pid || r->signum ? WALK_OWNED : 0;
}

#define HAS_ANY(ctx, list)                                                                                             \
	((char *)BPF_CORE_READ(ctx, list.next) != (char *)(ctx) + bpf_core_field_offset(struct file_lock_context, list))

/* The lists stay when the last lock is gone, and all anonymous inodes share one. */
static __always_inline int is_locked(struct inode *inode)
{
	struct file_lock_context *ctx = inode->i_flctx;

	return ctx && (HAS_ANY(ctx, flc_flock) || HAS_ANY(ctx, flc_posix) || HAS_ANY(ctx, flc_lease));
}

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
	struct walk_owner owner = {};
	__u64 len = sizeof(*r), tail;
	long n;

	if (!task || !file)
		return 0;
	find_here();
	fetch_next(task->files->fdt, ctx->fd);
	r->tid = here.level ? nr_here(task->thread_pid) : task->pid;
	r->fd = ctx->fd;
	r->start = task->start_boottime;
	r->bits = put_file(file, r) | (close_on_exec(task, ctx->fd) ? WALK_CLOEXEC : 0) |
		  put_owner(file, &owner);
	n = bpf_d_path(&file->f_path, out.path, sizeof(out.path));
	r->path = n;
	if (n > 0)
		len += (n + 7) & ~7;
	r->bits |= put_more(file, task);
	tail = more.len;
	asm volatile("" : "+r"(len)); /* the verifier must see the test on what it is given */
	if (len > sizeof(out))
		return 0;
	asm volatile("" : "+r"(tail));
	if (tail > sizeof(more.tail))
		return 0;
	r->len = len + tail + (r->bits & WALK_OWNED ? sizeof(owner) : 0);
	bpf_seq_write(ctx->meta->seq, &out, len);
	if (tail)
		bpf_seq_write(ctx->meta->seq, &more.tail, tail);
	if (r->bits & WALK_OWNED)
		bpf_seq_write(ctx->meta->seq, &owner, sizeof(owner));
	return 0;
}

/*
 * Every pointer through BPF_CORE_READ here: this iterator's task is "trusted", and for each load of a pointer from it
 * the verifier of Linux 6.18 searches all of the kernel's BTF four times, two milliseconds of loading each.
 */
static __always_inline void put_ids(struct task_struct *task, struct walk_task *r)
{
	const struct cred *cred = BPF_CORE_READ(task, real_cred);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	r->tid = nr_here(pid);
	r->tgid = nr_here(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]));
	r->ppid = nr_here(BPF_CORE_READ(task, real_parent, signal, pids[PIDTYPE_TGID]));
	r->sid = nr_here(BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]));
	r->ns_pid = upid_at(pid, BPF_CORE_READ(pid, level)).nr;
	r->uid = BPF_CORE_READ(cred, uid.val);
	r->euid = BPF_CORE_READ(cred, euid.val);
	r->gid = BPF_CORE_READ(cred, gid.val);
	r->egid = BPF_CORE_READ(cred, egid.val);
}

/* Which slots of the table are in use; of one that is too large, nothing. */
static __always_inline __u64 put_open(struct task_struct *task, struct walk_task *r)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	__u64 bytes;

	r->fd_size = fdt ? BPF_CORE_READ(fdt, max_fds) : 0;
	bytes = ((__u64)r->fd_size + 63) / 64 * 8;
	asm volatile("" : "+r"(bytes)); /* the verifier must see the test on what it is given */
	if (!bytes || bytes > sizeof(listed.open))
		return 0;
	r->told = bpf_probe_read_kernel(listed.open, bytes, BPF_CORE_READ(fdt, open_fds)) == 0;
	return r->told ? bytes : 0;
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
