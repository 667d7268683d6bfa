/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The walk that goes over the tables of tasks by itself. The kernel's iterator over files takes and drops a reference of each
 * file, which costs more than all that is read of most; here nothing is held, and each record is proved (record.bpf.h).
 */
#ifndef CRFD_TABLES_H
#define CRFD_TABLES_H

#include "climb.bpf.h"
#include "here.bpf.h"
#include "kernel.bpf.h"
#include "out.bpf.h"
#include "push.bpf.h"
#include "read.bpf.h"
#include "record.bpf.h"
#include "table.bpf.h"
#include "task.bpf.h"
#include "walk.h"

#define SLOTS_A_RUN 32768 /* no other task gets this processor meanwhile, where the kernel is not preemptible */
#define TRIES 8 /* for a slot that changes while it is read */
#define ASK_FOR_IT (-1)
#define PF_KTHREAD 0x00200000 /* linux/sched.h */
#define RLIMIT_NOFILE 7 /* asm-generic/resource.h; of the few that have another one none runs BPF programs by loads */

#if WALK_CAST
/*
 * As fetch_ahead(), of what a socket has behind its inode, and of what a unix socket wants of its peer: nothing waits for what
 * is read here, so that the processor goes on with the next socket.
 */
static long fetch_socket(__u64 i, void *unused)
{
	struct file *file = AS(file, word_at(pass.slots + (__u64)(fetched.from + (__u32)i) * sizeof(file)));
	struct sock___numbered *numbered;
	struct sock *sk;
	__u64 peer;

	(void)unused;
	sk = sock_of(file);
	if (!sk)
		return 0;
	WANT(sk->sk_receive_queue.qlen);
	WANT(sk->sk_backlog.rmem_alloc.counter);
	WANT(sk->sk_wmem_alloc.refs.counter);
	WANT(sk->sk_wmem_queued);
	WANT(sk->sk_ack_backlog);
	WANT(sk->sk_type);
	if (sk->__sk_common.skc_family != AF_UNIX)
		return 0;
	WANT(AS(unix_sock, sk)->scm_stat.nr_fds.counter);
	peer = number_of(AS(unix_sock, sk)->peer);
	numbered = (void *)AS(sock, peer);
	if (peer && bpf_core_field_exists(numbered->sk_ino))
		WANT(numbered->sk_ino);
	return 0;
}

/*
 * How long a record may take. What is looked at before and after cannot tell a slot whose file was closed, became another and
 * became one at the same addresses again: who closes and opens twice needs longer, unless we were kept from the processor.
 * The clock costs a tenth of a record and waits for all that is being read, so one look proves GROUP of them, in the
 * time of one; where they take longer they are read again, SINGLY of them each with a look of its own.
 */
#define RECORD_NS 5000
#define GROUP 8
#define SINGLY 64

static __always_inline void begin_group(__u64 now)
{
	pass.began = now;
	pass.kept = walk_ask.used;
	pass.first = pass.next;
	pass.grouped = 0;
}

/* Ends the group: 0 where it took too long, and its first slot is the next one again. */
static __always_inline int prove(void)
{
	__u64 now = bpf_ktime_get_ns();

	if (now - pass.began <= RECORD_NS) {
		pass.singly -= pass.singly > 0;
		pass.tries = 0;
		begin_group(now);
		return 1;
	}
	if (pass.singly)
		pass.unable = ++pass.tries > TRIES;
	pass.singly = SINGLY;
	walk_ask.used = pass.kept;
	pass.next = pass.first;
	pass.halted = 1;
	return 0;
}

/* Leaves no group open. */
static __always_inline int leave_group(void)
{
	int proved = !pass.grouped || prove();

	pass.began = 0;
	return proved;
}

static long step_slot(__u64 i, void *unused)
{
	__u32 fd = pass.base + i;
	__u64 at = walk_ask.used, file;
	long len;

	(void)unused;
	pass.next = fd;
	if (at > WALK_ROOM) {
		pass.halted = 1;
		return 1;
	}
	file = word_at(pass.slots + (__u64)fd * 8);
	if (file && walk_ask.push.has) {
		fetch_inodes(pass.slots, pass.max, fd);
		if (surely_fails(file, close_on_exec_at(fd)))
			file = 0;
	}
	if (!file) {
		if (!leave_group())
			return 1;
		pass.next = fd + 1;
		return 0;
	}
	if (fetch_ahead(pass.slots, pass.max, fd) && is_socket(AS(file, file)->f_inode))
		bpf_loop(AHEAD, fetch_socket, (void *)0, 0);
	if (!pass.began)
		begin_group(bpf_ktime_get_ns());
	len = put_record(file, fd, at);
	if (len > 0) {
		walk_ask.used = at + len;
		pass.next = fd + 1;
		return ++pass.grouped >= (pass.singly ? 1 : GROUP) && !prove();
	}
	pass.halted = 1;
	pass.unable = !len || ++pass.tries > TRIES;
	return 1;
}

/* Makes the task's table the one that is walked: 0 where it changed meanwhile. */
static __always_inline int take_table(struct task_struct *task)
{
	pass.files = number_of(task->files);
	pass.fdt = number_of(task->files->fdt);
	pass.slots = number_of(task->files->fdt->fd);
	pass.max = pass.files ? task->files->fdt->max_fds : 0;
	return is_own_table();
}

/* Reads on in the table of the task: 0 where it is not at the end of it. */
static __always_inline int walk_table(struct task_struct *task)
{
	__u32 nr;

	if (!take_table(task))
		return 0;
	pass.base = pass.next = walk_ask.at_fd;
	nr = pass.max > pass.base ? pass.max - pass.base : 0;
	pass.halted = 0;
	pass.began = pass.grouped = 0;
	bpf_loop(nr < SLOTS_A_RUN ? nr : SLOTS_A_RUN, step_slot, (void *)0, 0);
	leave_group();
	walk_ask.at_fd = pass.next;
	return pass.unable || (!pass.halted && nr <= SLOTS_A_RUN);
}

/* The slots in use; 0: they are not to be had. */
static __always_inline __u64 put_bits(struct walk_end *r)
{
	struct fdtable *fdt = AS(fdtable, pass.fdt);
	__u64 bytes = ((__u64)pass.max + 63) / 64 * 8;

	asm volatile("" : "+r"(bytes)); /* the verifier must see the test on what it is given */
	if (bytes > WALK_SLOTS_MAX / 8)
		return 0;
	if (bytes && bpf_probe_read_kernel(r + 1, bytes, fdt->open_fds))
		return 0;
	r->told = is_own_table();
	return r->told ? bytes : 0;
}

/* Not static: verified once. */
__noinline int put_end(__u32 bare)
{
	struct walk_end *r = walk_ask.used > WALK_ROOM ? 0 : out_at(walk_ask.used);

	if (!r)
		return 0;
	r->dir = 0;
	r->tid = pass.tid;
	r->fd = WALK_END;
	r->unable = pass.unable;
	r->told = 0;
	r->start = pass.start;
	r->fd_size = pass.max;
	r->tty = 0;
	r->len = sizeof(*r) + (bare || walk_ask.push.has ? 0 : put_bits(r));
	walk_ask.used += r->len;
	return 1;
}

static __always_inline void put_namespaces(struct task_struct *task, struct walk_begin *r)
{
	struct nsproxy *proxy = task->nsproxy;
	struct pid *pid = task->thread_pid;

	r->pid_ns = upid_at(pid, pid->level)->ns->ns.inum;
	r->user_ns = task->real_cred->user_ns->ns.inum;
	r->mnt_ns = proxy->mnt_ns->ns.inum;
	r->net_ns = proxy->net_ns->ns.inum;
	r->uts_ns = proxy->uts_ns->ns.inum;
	r->ipc_ns = proxy->ipc_ns->ns.inum;
	r->cgroup_ns = proxy->cgroup_ns->ns.inum;
	r->time_ns = proxy->time_ns->ns.inum;
}

/* Puts the path of the executable, found as by proc_exe_link() of fs/proc/base.c; kernel threads have none. */
static __always_inline long put_executable(struct task_struct *task, __u64 to)
{
	struct mm_struct *mm = task->flags & PF_KTHREAD ? 0 : task->mm;
	struct file *file = mm ? mm->exe_file : 0;
	struct dentry *dentry = file ? file->f_path.dentry : 0;
	__u64 mnt;
	long n;

	if (!dentry)
		return 0;
	if (dentry->d_op && dentry->d_op->d_dname)
		return ASK_FOR_IT;
	mnt = number_of(file->f_path.mnt);
	n = put_climbed(number_of(dentry), mnt, dentry != dentry->d_parent && !dentry->d_hash.pprev, to);
	BARRIER();
	if (n <= 0 || task->mm != mm || mm->exe_file != file || file->f_path.dentry != dentry ||
	    number_of(file->f_path.mnt) != mnt)
		return ASK_FOR_IT;
	return n;
}

/* Not static: verified once. */
__noinline int put_begin(__u64 address)
{
	struct task_struct *task = AS(task_struct, address);
	struct walk_begin *r = walk_ask.used > WALK_ROOM ? 0 : out_at(walk_ask.used);

	if (!r)
		return 0;
	put_task(task, &r->task);
	r->task.fd_size = task->files->fdt->max_fds;
	r->dir = 0;
	r->tid = pass.tid;
	r->fd = WALK_BEGIN;
	r->bits = 0;
	r->start = pass.start;
	r->nofile_soft = task->signal->rlim[RLIMIT_NOFILE].rlim_cur;
	r->nofile_hard = task->signal->rlim[RLIMIT_NOFILE].rlim_max;
	put_namespaces(task, r);
	r->path = put_executable(task, walk_ask.used + sizeof(*r));
	r->len = sizeof(*r) + (r->path > 0 ? (r->path + 7) & ~7 : 0);
	walk_ask.used += r->len;
	return 1;
}

static long step_asked(__u64 i, void *unused)
{
	(void)i;
	(void)unused;
	if (walk_ask.tid[walk_ask.at & (WALK_ASK_MAX - 1)] >= pass.tid)
		return 1;
	walk_ask.at++;
	return 0;
}

/* Returns which of those asked for comes next, this task or one behind it: tasks come in the order of their numbers. */
static __always_inline __u32 begin_task(struct task_struct *task)
{
	find_here();
	if (!walk_ask.used)
		reads++;
	pass.tid = here.level ? nr_here(task->thread_pid) : task->pid;
	bpf_loop(WALK_ASK_MAX - 1, step_asked, (void *)0, 0);
	return walk_ask.at & (WALK_ASK_MAX - 1);
}

/* Returns 1 where none of those asked for comes behind this task. */
static __always_inline int end_task(__u32 i)
{
	walk_ask.done = i + (walk_ask.tid[i] == pass.tid) >= walk_ask.nr;
	return walk_ask.done;
}

/* Returns 1 where the descriptors of the task, the i-th of those asked for, are not wanted. */
static __always_inline int is_bare(struct task_struct *task, __u32 i)
{
	if (walk_ask.push.has & WALK_PUSH_UID && task->real_cred->uid.val != walk_ask.push.uid)
		return 1;
	return walk_ask.bare[i / 64 % (WALK_ASK_MAX / 64)] >> (i & 63) & 1;
}

/* A task that was asked for, or what is left of it: 0 where it has to be given once more. */
static __always_inline int walk_task(struct task_struct *task, __u32 i)
{
	int bare;

	pass.task = number_of(task);
	pass.start = task->start_boottime;
	if (walk_ask.at_tid != pass.tid || walk_ask.at_start != pass.start) {
		if (!put_begin(pass.task))
			return 0;
		walk_ask.at_tid = pass.tid;
		walk_ask.at_start = pass.start;
		walk_ask.at_fd = 0;
		pass.tries = pass.unable = 0;
	}
	pass.net_ns = number_of(task->nsproxy->net_ns);
	bare = is_bare(task, i);
	if ((!bare && !walk_table(task)) || !put_end(bare))
		return 0;
	walk_ask.at_tid = 0;
	return 1;
}
#endif

#endif
