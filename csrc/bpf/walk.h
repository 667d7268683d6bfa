/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The programs of walk.bpf.c write this to their seq_file: the one layout, read by both sides. */
#ifndef CRFD_WALK_H
#define CRFD_WALK_H

#define WALK_PATH_MAX 4096 /* as the kernel's own readlink of /proc/PID/fd/N: PATH_MAX, NUL included */

/*
 * Of one open file descriptor; the path follows, and what `bits` says. `len` is a multiple of 8, and so is all that it is
 * made of: records stay aligned in a read.
 */
struct walk_fd {
	__u16 len; /* this header and the path, rounded up, and what follows them */
	__u16 dir; /* how much of the path is its directory, '/' included; with WALK_SIBLING what that says */
	__u32 tid; /* in the reader's pid namespace */
	__s32 fd;
	__s16 path; /* bytes with the NUL, or -errno */
	__u16 bits; /* WALK_* */
	__u64 start; /* of the task, ns after boot */
	__u64 file; /* address: identity only, never shown */
	__u64 pos, version;
	__u64 ino, size, blocks;
	__u32 dev, rdev; /* the kernel's own dev_t */
	__u32 f_mode, f_flags;
	__u32 uid, gid; /* of who opened it */
	__u32 st_uid, st_gid; /* of the inode's owner */
	__s32 mnt_id;
	__u32 nlink;
	__u32 magic; /* of the file system */
	__u16 mode;
	__u16 print; /* of what tells two files apart that had one address after each other */
};

#define WALK_CLOEXEC 1
#define WALK_IN_RING WALK_CLOEXEC /* of walk_inside: it is registered in an io_uring, not in flight */
#define WALK_UNLINKED 2 /* d_path() has put " (deleted)" behind the path */
#define WALK_UNNAMED 4 /* was never in a directory: " (deleted)" behind its path is the kernel's, if it is there */
#define WALK_PLAIN 8 /* its fdinfo has nothing but pos, flags, mnt_id and ino */
#define WALK_DIRTY 16 /* a regular file with pages to be written: some may have no blocks yet */
#define WALK_VERSION 32 /* the kernel has f_version */
#define WALK_BLOCKS 64 /* blocks is what stat(2) says */
#define WALK_OWNED 128 /* F_SETOWN or F_SETSIG was used: a walk_owner ends the record */
/* These three bits say what follows the path. */
#define WALK_TAIL 0x700
#define WALK_SOCK 0x100 /* a walk_sock, and the rest of walk_unix_sock where it has names */
#define WALK_PIPE 0x200 /* a walk_pipe */
#define WALK_EVENTFD 0x300 /* a walk_eventfd */
#define WALK_EPOLL 0x400 /* a walk_epoll */
#define WALK_SEALS 0x500 /* a walk_memfd, of any nameless file of a tmpfs */
#define WALK_LOCKED 0x800 /* somebody has a lock or lease of the file, or waits for one */

/*
 * The path is but a name, in the directory of the record that begins `dir` times eight bytes before this one: one with a
 * whole path, of which the first `dir` bytes are meant. Both are in one read.
 */
#define WALK_SIBLING 8192

/*
 * In place of a path its text is to be made, as d_dname() of its file system does: of the inode's number, or of the name that
 * stands there.
 */
#define WALK_MADE 16384

/* No other descriptor had it at that time, in any task, and nothing else of the kernel's held it. */
#define WALK_ALONE 32768

#define WALK_NAME_MAX 112 /* a sockaddr_un, and a NUL where the path fills it (net/unix/af_unix.c, unix_mkname_bsd) */

/* A socket is told as the kernel's struct sock has it. */
struct walk_sock {
	__u16 family, type, protocol;
	__u8 state; /* TCP_* of any family */
	__u8 bits; /* WALK_SOCK_* */
	__u32 queued; /* buffers to be read */
	__u32 bytes; /* to be read, with WALK_SOCK_BYTES */
	__s32 read_memory; /* 0 where nothing is to be read */
	__s32 write_memory; /* that what was sent takes, and 1 */
	__s32 write_queued; /* of a stream's, what was not acknowledged included */
	__u32 pending, backlog; /* connections, of a listener */
	__u32 in_flight;
	__u32 dev_if;
	__u64 peer_ino;
	__be32 address[4], peer_address[4];
	__be16 port, peer_port;
	__u16 name_len, peer_name_len; /* of unix, 0: none */
};

#define WALK_SOCK_OWN_NET 1 /* it is in the network namespace of its task */
#define WALK_SOCK_PEER 2 /* of unix: has one, peer_ino 0 where that is not known */
#define WALK_SOCK_BYTES 4
#define WALK_SOCK_IN_FLIGHT 8
#define WALK_SOCK_NO_READING 16 /* SHUTDOWN_MASK of net/sock.h, from here on */
#define WALK_SOCK_NO_WRITING 32
#define WALK_SOCK_LISTENER 64 /* peer_ino is that of a unix socket's listener, which has not accepted it yet */

struct walk_unix_sock {
	struct walk_sock sock;
	char name[WALK_NAME_MAX], peer_name[WALK_NAME_MAX];
};

struct walk_pipe {
	__u32 pages; /* that it holds at most */
	__u32 waiting; /* bytes, or WALK_PIPE_MANY: in more buffers than were looked at */
	__u32 readers, writers;
};

#define WALK_PIPE_MANY 0xffffffff

struct walk_eventfd {
	__u64 count;
	__u32 id, flags;
};

struct walk_target {
	__s32 fd;
	__u32 events;
	__u64 data, ino, pos;
	__u32 dev, pad;
};

struct walk_epoll {
	__u64 nr;
	struct walk_target target[1];
};

struct walk_memfd {
	__u32 seals, pad;
};

union walk_tail {
	struct walk_unix_sock unix_sock;
	struct walk_pipe pipe;
	struct walk_eventfd eventfd;
	struct walk_epoll epoll;
	struct walk_memfd memfd;
};

/* Who is told by a signal: its last bytes. */
struct walk_owner {
	__s32 pid; /* in the reader's pid namespace, 0: in none there, or gone */
	__u32 type; /* enum pid_type, which F_OWNER_* follows */
	__u32 uid, euid;
	__u32 signum;
	__u32 pad;
};

/* Slots of a table whose open ones are told: what is left of the iterator's buffer. */
#define WALK_SLOTS_MAX 229376

/* One task is told by this, whose table is its own or its leader's. The bits of the open slots follow, in words of 64. */
struct walk_task {
	__u32 len; /* this header and the bits */
	__u32 told; /* whether there are bits: else len says that there are none */
	__u32 tid, tgid, ppid, sid; /* in the reader's pid namespace */
	__u32 ns_pid; /* in its own */
	__u32 uid, euid, gid, egid;
	__u32 state, exit_state, exit_code, exit_signal;
	__u32 flags; /* PF_* */
	__u32 fd_size, threads;
	__u64 start; /* ns after boot */
	__u64 files; /* address of the table: identity only, never shown */
	__u64 cgroups; /* the same of what tasks in the same cgroups share */
	char comm[16];
};

/*
 * The walk over tables (walk_tables) writes to memory that both sides have, `walk_room` of the programs' variables. Its
 * records are a walk_begin for each task, a walk_fd for each descriptor, and a walk_end; the fd of the first and the last is
 * none that a descriptor can have.
 */
#define WALK_ROOM (1 << 18) /* where the last record of a read may begin at most; a sibling reaches 1 << 19 back */
#define WALK_RECORD_MAX 36864 /* of any kind: the bits of WALK_SLOTS_MAX slots and what goes with them */
#define WALK_BEGIN (-1)
#define WALK_END (-2)

/* A task, and the path of what it executes behind that, as a walk_fd has its own. */
struct walk_begin {
	__u16 len, dir;
	__u32 tid;
	__s32 fd; /* WALK_BEGIN */
	__s16 path; /* bytes of the executable's path with the NUL, 0: none, or -errno where it is to be asked for */
	__u16 bits; /* WALK_SIBLING */
	__u64 start;
	struct walk_task task; /* len and told are 0 */
	__u64 nofile_soft, nofile_hard;
	__u32 mnt_ns, pid_ns, net_ns, user_ns, uts_ns, ipc_ns, cgroup_ns, time_ns; /* inodes, 0: none */
};

/* Its end. Which slots are in use now follows where told says so, as behind a walk_task. */
struct walk_end {
	__u16 len, dir;
	__u32 tid;
	__s32 fd; /* WALK_END */
	__u16 unable; /* something of it cannot be told in this way: what came of the task does not count */
	__u16 told;
	__u64 start;
	__u32 fd_size;
	__u32 tty; /* of walk_held: the kernel's own dev_t of the controlling terminal, 0: none */
};

/*
 * walk_inside() gives, by the same means, a walk_fd for each file that lies in a socket or ring of a task that was asked for: fd is
 * the lowest of the socket or ring, version the file's number in it, and nothing follows the path. One with file 0 says that there are
 * others, of which nothing is told. A walk_end ends each task.
 */

/*
 * walk_held() gives a walk_fd for the working directory, the root and the executable of a task, whose fd says which, and one for a mapped file before the first walk_map of a read that means it.
 */
#define WALK_HELD (-16) /* less enum crfd_held_by */
#define WALK_MAP (-3)

/* Mappings of a file that follow each other. */
struct walk_map {
	__u16 len;
	__u16 prot; /* CRFD_MAP_* */
	__u32 tid;
	__s32 fd; /* WALK_MAP */
	__u32 file; /* the file's record begins so many times eight bytes before this one */
	__u64 start; /* of the task */
	__u64 nr, bytes;
};

#define WALK_ASK_MAX 256

#define WALK_PUSH_UID 1
#define WALK_PUSH_CLASSES 2
#define WALK_PUSH_DEV 4
#define WALK_PUSH_DELETED 8
#define WALK_PUSH_CLOEXEC 16
#define WALK_PUSH_PORT 32
#define WALK_PUSH_INO 64

/* Conditions of one question: what surely fails one of them is passed by. */
struct walk_push {
	__u32 has; /* WALK_PUSH_* */
	__u32 uid; /* of the task */
	__u32 classes; /* 1 << the type of the inode, in its mode; 1 << 0 of all anonymous ones */
	__u32 dev; /* the kernel's own dev_t */
	__u64 ino;
	__be16 port;
	__u8 deleted, cloexec;
	__u32 pad;
};

/* The reader asks in this for one read or several, and sees how far it has come. It writes all of it before the first one. */
struct walk_ask {
	__u32 tid[WALK_ASK_MAX]; /* in the reader's pid namespace, ascending; behind nr all bits are set */
	__u64 bare[WALK_ASK_MAX / 64]; /* a bit for each: not the descriptors */
	__u32 nr; /* less than WALK_ASK_MAX */
	__u32 at; /* how many of them were passed */
	__u32 done; /* all were */
	__u32 passed_holders; /* what fails the conditions may have files inside: an io_uring, or a unix socket */
	__u32 at_tid, at_fd; /* the task that was begun, 0: none, and its next slot */
	__u64 at_start;
	__u64 used; /* bytes of records; the reader takes them and sets it to 0 */
	struct walk_push push;
};

#endif
