/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The kernel's numbers, and its structs: the members used alone, and where they lie is relocated when a program is loaded. */
#ifndef CRFD_KERNEL_H
#define CRFD_KERNEL_H

#define S_IFMT 0170000 /* linux/stat.h */
#define S_IFREG 0100000
#define S_IFIFO 0010000
#define S_IFSOCK 0140000

#define TMPFS_MAGIC 0x01021994 /* linux/magic.h */
#define ANON_INODE_FS_MAGIC 0x09041934
#define PIPEFS_MAGIC 0x50495045
#define SOCKFS_MAGIC 0x534f434b
#define BTRFS_SUPER_MAGIC 0x9123683e
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define CEPH_SUPER_MAGIC 0x00c36400
#define XFS_SUPER_MAGIC 0x58465342
#define HUGETLBFS_MAGIC 0x958458f6
#define SECRETMEM_MAGIC 0x5345434d
#define NSFS_MAGIC 0x6e736673
#define PIDFS_MAGIC 0x50494446 /* since 6.9 */

#define CORE __attribute__((preserve_access_index))

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
} CORE;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
} CORE;

struct list_head {
	struct list_head *next;
} CORE;

/* This is of use for its first member alone, a plain number of eight bytes. */
struct timespec64 {
	__s64 tv_sec;
} CORE;

struct file_lock_context {
	struct list_head flc_flock, flc_posix, flc_lease;
} CORE;

typedef struct {
	__u32 val;
} kid_t;

struct inode {
	__u16 i_mode;
	kid_t i_uid, i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__u32 i_rdev;
	__s64 i_size;
	__u8 i_blkbits;
	__u64 i_blocks;
	struct file_lock_context *i_flctx;
} CORE;

struct inode___private {
	void *i_private;
} CORE;

struct proc_ns_operations {
	const char *name;
} CORE;

/* The inode of a namespace leads to this. */
struct ns_common {
	const struct proc_ns_operations *ops;
} CORE;

/* i_state was a number, is an enum in 6.18, and after that one in a struct. */
struct inode___number {
	unsigned int i_state;
} CORE;

enum inode_state_flags_t { I_NEW = 1 };

struct inode_state_flags {
	enum inode_state_flags_t __state;
} CORE;

struct inode___struct {
	struct inode_state_flags i_state;
} CORE;

/* XFS keeps its own count, which stat(2) shows (xfs_vn_getattr); the names are those since 5.13. */
struct xfs_inode {
	__u64 i_nblocks;
	__u64 i_delayed_blks;
	struct inode i_vnode;
} CORE;

struct dentry_operations {
	void *d_dname;
} CORE;

struct dentry {
	struct {
		struct {
			unsigned int sequence;
		} seqcount;
	} d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct inode *d_inode;
	struct {
		__u32 hash, len;
		const unsigned char *name;
	} d_name;
	const struct dentry_operations *d_op;
} CORE;

struct vfsmount {
	struct dentry *mnt_root;
} CORE;

struct mount {
	struct vfsmount mnt;
	int mnt_id;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

/* Each kind of namespace has the inode that /proc/PID/ns shows. */
struct numbered {
	__u32 inum;
} CORE;

struct user_namespace {
	struct numbered ns;
} CORE;

struct cred {
	kid_t uid, gid, euid, egid, fsuid, fsgid;
	struct user_namespace *user_ns;
} CORE;

struct file_operations {
	void *show_fdinfo;
} CORE;

struct file {
	__u32 f_mode;
	__u32 f_flags;
	const struct file_operations *f_op;
	struct inode *f_inode;
	const struct cred *f_cred;
	struct path f_path;
	__s64 f_pos;
	void *private_data;
} CORE;

struct counter {
	int counter;
};

struct counter64 {
	__u64 counter;
} CORE;

/* The kernel counts who holds a file: a plain count until 6.12, then one less (include/linux/file_ref.h). */
struct file___counted {
	struct counter64 f_count;
} CORE;

struct file___ref {
	struct {
		struct counter64 refcnt;
	} f_ref;
} CORE;

struct net {
	struct numbered ns;
} CORE;

struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
	struct {
		struct net *net;
	} skc_net;
	struct {
		__be32 word[4];
	} skc_v6_daddr, skc_v6_rcv_saddr;
} CORE;

struct socket;
struct sk_buff;

struct sock {
	struct sock_common __sk_common;
	struct {
		struct sk_buff *next;
		__u32 qlen;
	} sk_receive_queue;
	struct {
		struct counter rmem_alloc;
	} sk_backlog;
	struct {
		struct counter refs;
	} sk_wmem_alloc;
	int sk_wmem_queued;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
	__u16 sk_type, sk_protocol;
	__u8 sk_shutdown;
	struct socket *sk_socket;
} CORE;

/* Since 6.17, also of a socket that is nobody's file any more. */
struct sock___numbered {
	unsigned long sk_ino;
} CORE;

struct inet_sock {
	__be32 inet_saddr;
	__be16 inet_sport;
} CORE;

struct unix_address {
	int len;
	struct {
		unsigned short sun_family;
	} name[1];
} CORE;

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
	struct {
		struct counter nr_fds;
	} scm_stat;
} CORE;

/* Since 6.10, of a socket that was made for whoever has connected: whose queue it is in until it is accepted. */
struct unix_sock___listened {
	struct sock *listener;
} CORE;

/* Since 6.17: the bytes of a stream. */
struct unix_sock___counted {
	int inq_len;
} CORE;

/* A message, or the head of a list of them, which has next and prev at the same places. */
struct sk_buff {
	struct sk_buff *next, *prev;
	struct sock *sk;
	char cb[48];
} CORE;

/* A message of a unix socket has this in cb. */
struct unix_skb_parms {
	struct scm_fp_list *fp;
} CORE;

struct scm_fp_list {
	short count, max;
	struct file *fp[1];
} CORE;

struct io_rsrc_node {
	unsigned long file_ptr;
} CORE;

struct io_ring_ctx {
	struct {
		struct {
			unsigned int nr;
			struct io_rsrc_node **nodes;
		} data;
	} file_table;
} CORE;

/* Until 6.12. */
struct io_fixed_file {
	unsigned long file_ptr;
} CORE;

struct io_ring_ctx___flat {
	unsigned int nr_user_files;
	struct {
		struct io_fixed_file *files;
	} file_table;
} CORE;

struct socket {
	struct sock *sk;
	struct file *file;
} CORE;

struct pipe_buffer {
	unsigned int len;
} CORE;

struct pipe_inode_info {
	unsigned int head, tail, max_usage, ring_size, readers, writers;
	struct pipe_buffer *bufs;
} CORE;

struct eventfd_ctx {
	__u64 count;
	unsigned int flags;
	int id;
} CORE;

struct rb_node {
	struct rb_node *rb_left, *rb_right;
} CORE;

struct epitem {
	struct rb_node rbn;
	struct {
		struct file *file;
		int fd;
	} ffd;
	struct {
		__u32 events;
		__u64 data;
	} event;
} CORE;

struct eventpoll {
	struct {
		struct {
			struct rb_node *rb_node;
		} rb_root;
	} rbr;
} CORE;

struct shmem_inode_info {
	unsigned int seals;
	struct inode vfs_inode;
} CORE;

/* struct file until 6.11. */
struct file___versioned {
	__u64 f_version;
} CORE;

struct pid;

enum pid_type { PIDTYPE_PID = 0 };

struct fown_struct {
	struct pid *pid;
	enum pid_type pid_type;
	kid_t uid, euid;
	int signum;
} CORE;

/* A part of the file until 6.11, of its own and only where it is used since 6.12. */
struct file___owner_within {
	struct fown_struct f_owner;
} CORE;

struct file___owner_apart {
	struct fown_struct *f_owner;
} CORE;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec, *open_fds;
} CORE;

struct files_struct {
	struct fdtable *fdt;
} CORE;

struct pid_namespace {
	struct numbered ns;
} CORE;

struct upid {
	int nr;
	struct pid_namespace *ns;
} CORE;

struct hlist_head {
	void *first;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
} CORE;

struct rlimit {
	unsigned long rlim_cur, rlim_max;
} CORE;

struct tty_struct;

struct signal_struct {
	int nr_threads;
	unsigned int flags;
	int group_exit_code;
	struct pid *pids[4];
	struct rlimit rlim[16];
	struct tty_struct *tty;
} CORE;

struct mnt_namespace {
	struct numbered ns;
} CORE;

struct uts_namespace {
	struct numbered ns;
} CORE;

struct ipc_namespace {
	struct numbered ns;
} CORE;

struct cgroup_namespace {
	struct numbered ns;
} CORE;

struct time_namespace {
	struct numbered ns;
} CORE;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct cgroup_namespace *cgroup_ns;
	struct time_namespace *time_ns;
} CORE;

struct fs_struct {
	struct path root, pwd;
} CORE;

struct tty_driver {
	int major, minor_start;
} CORE;

struct tty_struct {
	int index;
	struct tty_driver *driver;
} CORE;

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	unsigned long vm_flags;
	struct file *vm_file;
} CORE;

struct mm_struct {
	struct file *exe_file;
} CORE;

struct css_set;

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	int exit_state, exit_code, exit_signal;
	int pid, tgid;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct mm_struct *mm;
	struct css_set *cgroups;
} CORE;

struct seq_file {
	unsigned long count;
} CORE;

/* Iterator programs are called with what does not move: members of eight bytes, as they were in 5.8. */
struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id, seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#endif
