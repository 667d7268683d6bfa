/* SPDX-License-Identifier: MIT */
/*
 * The record stream, as bytes: little endian, no padding between records. This file is the single source of every
 * record type, payload layout and bit; the C compiler and cffi both read it. FORMAT.md is the prose beside it.
 *
 *   HEAD  [image records]
 *     { TASK STRING(comm) [task records] FILES { FD_ENT [FD_DATA FNAME [description records]] }* SECTION_SUM }*
 *   (STILL | LOCK_WAIT | HELD_OBJREF)*  INDEX*  IMAGE_SUM  TAIL
 */

#define CRFD_REC_MAX 32767 /* payload bytes of one record */
#define CRFD_NAME_MAX 4096 /* FNAME payload, NUL included */
#define CRFD_COMM_LEN 16
#define CRFD_HEAD_MAGIC 0x00feed0cc0a2d200
#define CRFD_TAIL_MAGIC 0x002d2a0cc0deef00
#define CRFD_REV 2
#define CRFD_TIME_END 253370764800 /* HEAD.time is before the year 9999, which every calendar can show */
#define CRFD_HEAD_CHECKPOINT 1
#define CRFD_HEAD_EXTENDED 2 /* the image has extension records */

/* Precedes every payload. */
typedef struct {
	int16_t type;
	int16_t len;
	uint32_t parent;
} crfd_rec;

enum crfd_rec_type {
	/* the 2008 records */
	CRFD_REC_HEAD = 1,
	CRFD_REC_STRING = 2,
	CRFD_REC_FNAME = 3,
	CRFD_REC_TASK = 101,
	CRFD_REC_FILES = 301,
	CRFD_REC_FD_ENT = 302,
	CRFD_REC_FD_DATA = 303,
	CRFD_REC_TAIL = 5001,

	/* ours, ancillary: about the image (parent 0) */
	CRFD_REC_IMAGE_INFO = 0x4001,
	CRFD_REC_SECTION_SUM = 0x4002,
	CRFD_REC_INDEX = 0x4003,
	CRFD_REC_IMAGE_SUM = 0x4004,
	CRFD_REC_STILL = 0x4005,
	CRFD_REC_LOCK_WAIT = 0x4006,
	CRFD_REC_HELD_OBJREF = 0x4007,
	/* about one task (parent = pid), between STRING(comm) and FILES */
	CRFD_REC_TASK_INFO = 0x4101,
	CRFD_REC_FD_ERROR = 0x4102,
	CRFD_REC_TASK_EXE = 0x4103,
	CRFD_REC_TASK_CMDLINE = 0x4104,
	CRFD_REC_TASK_CGROUP = 0x4105,
	CRFD_REC_TASK_NS = 0x4106,
	CRFD_REC_TASK_QUIET = 0x4107,
	CRFD_REC_FD_LOCK = 0x4108,
	CRFD_REC_HELD = 0x4109,
	CRFD_REC_TASK_MOUNT = 0x410a,
	CRFD_REC_TASK_KTHREAD = 0x410b,
	CRFD_REC_TASK_POLLS = 0x410c,
	CRFD_REC_POLLED = 0x410d,
	/* about one open file description (parent = objref), after its FNAME */
	CRFD_REC_FD_STAT = 0x4201,
	CRFD_REC_FDINFO = 0x4202,
	CRFD_REC_OWNER = 0x4203,
	CRFD_REC_LOCK = 0x4204,
	CRFD_REC_PIPE = 0x4205,
	CRFD_REC_SOCKET = 0x4206,
	CRFD_REC_SOCK_NAME = 0x4207,
	CRFD_REC_SOCK_PEER = 0x4208,
	CRFD_REC_EVENTFD = 0x4209,
	CRFD_REC_EPOLL = 0x420a,
	CRFD_REC_TIMERFD = 0x420b,
	CRFD_REC_SIGNALFD = 0x420c,
	CRFD_REC_INOTIFY = 0x420d,
	CRFD_REC_FANOTIFY = 0x420e,
	CRFD_REC_FANOTIFY_MARK = 0x420f,
	CRFD_REC_MEMFD = 0x4210,
	CRFD_REC_PIDFD = 0x4211,
	CRFD_REC_IO_URING = 0x4212,
	CRFD_REC_BPF = 0x4213,
	CRFD_REC_USERFAULTFD = 0x4214,
	CRFD_REC_DMABUF = 0x4215,
	CRFD_REC_TTY = 0x4216,
	CRFD_REC_TUN = 0x4217,
	CRFD_REC_FUSE = 0x4218,
	CRFD_REC_MQUEUE = 0x4219,
	CRFD_REC_PIDFD_NS = 0x421a,
	CRFD_REC_BPF_TAG = 0x421b,
	CRFD_REC_IO_URING_QUEUE = 0x421c,
	CRFD_REC_PIDFD_COMM = 0x421d,
	CRFD_REC_DRIVER = 0x421e,
	CRFD_REC_MISC_DEVICE = 0x421f,
	CRFD_REC_SOCK_FILE = 0x4220,
	CRFD_REC_SOCK_INTERFACE = 0x4221,
	CRFD_REC_TERMIOS = 0x4222,
	CRFD_REC_TUN_NS = 0x4223,
	CRFD_REC_INODE = 0x4224,
	CRFD_REC_SOCK_OPTIONS = 0x4225,

	CRFD_REC_EXT_FIRST = 0x4000,
	CRFD_REC_CRITICAL_FIRST = 0x6000
};

typedef struct {
	uint64_t magic;
	uint16_t major, minor, patch, rev;
	uint64_t time; /* s since the epoch */
	uint64_t flags; /* CRFD_HEAD_* */
	char release[64], version[64], machine[64];
} crfd_head;

typedef struct {
	uint32_t state, exit_state, exit_code, exit_signal;
	int32_t comm_len;
	uint32_t pad;
} crfd_task_rec;

typedef struct {
	uint32_t objref; /* of the table: 0 = one task's alone */
	uint32_t nfds;
} crfd_files;

typedef struct {
	uint32_t objref;
	int32_t fd;
	uint32_t close_on_exec;
	uint32_t pad;
} crfd_fd_ent;

typedef struct {
	uint16_t fd_type; /* enum crfd_kind */
	uint16_t f_mode;
	uint32_t f_flags; /* in the numbers of HEAD.machine */
	uint32_t f_uid, f_gid;
	uint64_t f_pos;
	uint64_t f_version;
} crfd_fd_data;

typedef struct {
	uint64_t magic;
} crfd_tail;

/* An open file description is of one of these kinds. 1..3 are the 2008 values, 16 and up our own. */
enum crfd_kind {
	CRFD_KIND_FILE = 1,
	CRFD_KIND_DIR = 2,
	CRFD_KIND_SYMLINK = 3,
	CRFD_KIND_UNKNOWN = 16,
	CRFD_KIND_CHR = 17,
	CRFD_KIND_BLK = 18,
	CRFD_KIND_FIFO = 19,
	CRFD_KIND_PIPE = 20,
	CRFD_KIND_SOCKET = 21,
	CRFD_KIND_ANON = 22, /* anon_inode of a name that has no row of its own */
	CRFD_KIND_EVENTFD = 23,
	CRFD_KIND_EPOLL = 24,
	CRFD_KIND_TIMERFD = 25,
	CRFD_KIND_SIGNALFD = 26,
	CRFD_KIND_INOTIFY = 27,
	CRFD_KIND_FANOTIFY = 28,
	CRFD_KIND_MEMFD = 29,
	CRFD_KIND_PIDFD = 30,
	CRFD_KIND_IO_URING = 31,
	CRFD_KIND_USERFAULTFD = 32,
	CRFD_KIND_PERF_EVENT = 33,
	CRFD_KIND_BPF_MAP = 34,
	CRFD_KIND_BPF_PROG = 35,
	CRFD_KIND_BPF_LINK = 36,
	CRFD_KIND_BTF = 37,
	CRFD_KIND_DMABUF = 38,
	CRFD_KIND_FSCONTEXT = 39,
	CRFD_KIND_LANDLOCK = 40,
	CRFD_KIND_SECCOMP_NOTIFY = 41,
	CRFD_KIND_KVM = 42,
	CRFD_KIND_VFIO = 43,
	CRFD_KIND_NAMESPACE = 44,
	CRFD_KIND_MQUEUE = 45,
	CRFD_KIND_SECRETMEM = 46
};

/* IMAGE_INFO says how the image was made, and follows HEAD. */
typedef struct {
	uint32_t revision; /* of the extension table: 1 */
	uint16_t backend; /* enum crfd_backend */
	uint16_t flags; /* CRFD_IMAGE_* */
	uint32_t clk_tck; /* ticks per second of start_time */
	uint32_t boot_time; /* seconds since 1970 when the kernel booted, 0: not known */
} crfd_image_info;

#define CRFD_IMAGE_FROZEN 1 /* every task stood still while it was read */

enum crfd_backend { CRFD_BACKEND_AUTO = 0, CRFD_BACKEND_PROC = 1, CRFD_BACKEND_BPF = 2 };

/* A task says how it was decided which descriptors share one open file description. */
enum crfd_identity_method {
	CRFD_IDENTITY_NONE = 0, /* nothing to decide: no descriptor was read */
	CRFD_IDENTITY_EXACT = 1, /* the kernel's struct file itself */
	CRFD_IDENTITY_KCMP = 2, /* kcmp(2) wherever two looked alike */
	CRFD_IDENTITY_INFERRED = 3 /* kcmp was refused: by what can be seen from outside */
};

typedef struct {
	uint32_t pid, tgid, ppid, sid;
	uint32_t ns_pid; /* in the task's own pid namespace */
	uint32_t uid, euid, gid, egid;
	uint32_t identity; /* enum crfd_identity_method */
	uint64_t start_time; /* ticks after boot, proc_pid_stat(5) field 22 */
	uint32_t fd_size; /* slots of the fd table */
	uint32_t vanished; /* descriptors that were listed and gone when read */
	uint32_t known; /* CRFD_TASK_HAS_* */
	uint32_t threads;
	uint64_t nofile_soft, nofile_hard; /* RLIMIT_NOFILE; 2^64 - 1: no limit */
} crfd_task_info;

#define CRFD_TASK_HAS_STAT 1 /* ppid, sid, start_time, state */
#define CRFD_TASK_HAS_STATUS 2 /* tgid, ns_pid, uids, gids, fd_size, threads */

#define CRFD_TASK_HAS_LIMITS 4 /* nofile_soft, nofile_hard */

/* The namespaces a task is in: inodes of /proc/PID/ns, 0 unknown. */
typedef struct {
	uint64_t mnt, pid, net, user, uts, ipc, cgroup, time;
} crfd_task_ns;

/* A second look at the fd numbers, after the table was read. */
typedef struct {
	uint32_t changed; /* numbers that were opened or closed meanwhile */
	uint32_t known; /* 0: there was no second look */
} crfd_task_quiet;

/* A descriptor that is there and could not be read; its FD_ENT has objref 0. */
typedef struct {
	int32_t fd;
	int32_t err; /* errno */
	uint32_t step; /* enum crfd_step */
	uint32_t pad;
} crfd_fd_error;

enum crfd_step {
	CRFD_STEP_NONE = 0,
	CRFD_STEP_LIST = 1, /* getdents64 of /proc/PID/fd */
	CRFD_STEP_LINK = 2, /* readlink of /proc/PID/fd/N */
	CRFD_STEP_STAT = 3, /* statx of /proc/PID/fd/N */
	CRFD_STEP_FDINFO = 4, /* read of /proc/PID/fdinfo/N */
	CRFD_STEP_PARSE = 5, /* fdinfo did not say pos and flags */
	CRFD_STEP_TASK = 6, /* open of /proc/PID, its stat or status */
	CRFD_STEP_FREEZE = 7, /* the task could not be held still */
	CRFD_STEP_CLOEXEC = 8, /* its fdinfo was too long to be read for close-on-exec alone */
	CRFD_STEP_POLLS = 9 /* what its threads wait for (TASK_POLLS) */
};

/* FD_STAT holds what the fixed FD_DATA has no room for. A field whose bit in known is clear is 0 and means nothing. */
typedef struct {
	uint32_t known; /* CRFD_HAS_* */
	uint32_t f_mode; /* all 32 bits of FMODE_* */
	uint32_t st_mode;
	int32_t mnt_id;
	uint64_t dev, rdev; /* as st_dev of stat(2), 64-bit */
	uint64_t ino;
	uint64_t size; /* bytes */
	uint64_t blocks; /* of 512 bytes */
	uint32_t nlink;
	uint32_t flags; /* CRFD_STAT_* */
} crfd_fd_stat;

#define CRFD_STAT_DELETED 1 /* the name it was opened by is gone */

#define CRFD_HAS_FLAGS 1 /* f_flags, f_pos, close_on_exec */
#define CRFD_HAS_ACCESS 2 /* FMODE_READ, _WRITE, _PATH of f_mode */
#define CRFD_HAS_MODE 4 /* every bit of f_mode */
#define CRFD_HAS_OWNER 8 /* f_uid, f_gid */
#define CRFD_HAS_VERSION 16 /* f_version */
#define CRFD_HAS_MNT_ID 32
#define CRFD_HAS_INO 64
#define CRFD_HAS_DEV 128
#define CRFD_HAS_TYPE 256 /* st_mode, rdev */
#define CRFD_HAS_NLINK 512
#define CRFD_HAS_SIZE 1024
#define CRFD_HAS_PATH 2048
#define CRFD_HAS_DELETED 4096 /* whether the name is gone */
#define CRFD_HAS_BLOCKS 8192
#define CRFD_HAS_SIGNALS 16384 /* an absent OWNER means that there is none */

/* Who owns the inode; f_uid and f_gid of FD_DATA are of who opened it. */
typedef struct {
	uint32_t uid, gid; /* as st_uid and st_gid of stat(2) */
} crfd_inode;

/* A mount that files of the task's table were opened through. The type of the file system and its source follow, each with a NUL. */
typedef struct {
	int32_t mnt_id;
	uint32_t pad;
	uint64_t dev; /* of its super block, as in mountinfo */
} crfd_task_mount;

/* Says if the task is a thread of the kernel, which has no descriptors and no memory of its own. */
typedef struct {
	uint32_t is;
	uint32_t pad;
} crfd_task_kthread;

/* Says that the threads that use the task's table were asked what descriptors they wait for. */
typedef struct {
	uint32_t threads; /* asked */
	uint32_t unread; /* of those, of which it is not known */
	int32_t err; /* errno of the first of these, EAGAIN: it moved, or goes on with an unknown call; 0: there is none */
	uint32_t pad;
} crfd_task_polls;

/* A thread waits for a descriptor in poll(2), ppoll(2), select(2), pselect(2), or epoll_wait(2): then for the epoll instance. */
typedef struct {
	int32_t fd;
	int32_t tid; /* in our pid namespace */
	uint32_t events; /* POLL* of poll(2); POLLIN, POLLOUT and POLLPRI for the sets of select(2), POLLIN for epoll_wait(2) */
	uint32_t pad;
} crfd_polled;

/* A file that a task holds open without a descriptor of its own. Its path follows, without a NUL, where it is known. */
typedef struct {
	uint16_t held; /* enum crfd_held_by */
	uint16_t kind; /* enum crfd_kind */
	int32_t err; /* errno where it could not be read, else 0 */
	uint32_t prot; /* CRFD_MAP_*, of any of its mappings */
	uint32_t mappings;
	uint64_t bytes; /* mapped */
	int32_t fd; /* of the socket or ring that it lies in, else -1 */
	uint32_t slot; /* its place there, CRFD_HELD_ALL: which files these are is not known */
	crfd_fd_stat st; /* f_mode: in flight and in a ring alone */
} crfd_held;

#define CRFD_HELD_ALL 0xffffffff

#define CRFD_MAP_READ 1
#define CRFD_MAP_WRITE 2
#define CRFD_MAP_EXEC 4
#define CRFD_MAP_SHARED 8

/* A file is held by one of these. */
enum crfd_held_by {
	CRFD_HELD_CWD = 1, /* working directory */
	CRFD_HELD_ROOT = 2,
	CRFD_HELD_EXE = 3,
	CRFD_HELD_MAP = 4, /* mapped memory: one record a file and path */
	CRFD_HELD_TTY = 5, /* controlling terminal: its number, and the path that this number has in /dev */
	CRFD_HELD_FLIGHT = 6, /* sent to a unix socket and not received yet */
	CRFD_HELD_RING = 7 /* registered in an io_uring */
};

/* Ends a task's section: CRC-32C of its bytes from TASK up to this record. */
typedef struct {
	uint64_t length; /* bytes summed */
	uint32_t nfds;
	uint32_t crc;
} crfd_section_sum;

/* One task of the image; the INDEX records are an array of these, as many to a record as fit. */
typedef struct {
	uint64_t offset; /* of TASK */
	uint64_t length; /* bytes, SECTION_SUM included */
	uint32_t pid;
	uint32_t nfds;
	uint32_t first_objref; /* the section defines first_objref .. first_objref + new_objrefs - 1 */
	uint32_t new_objrefs;
	uint32_t files_objref; /* as in FILES */
	uint32_t crc; /* as in SECTION_SUM */
} crfd_index_entry;

/* STILL records are an array of these, before INDEX: each says how long one process was held for --freeze. */
typedef struct {
	uint32_t pid;
	uint32_t how; /* enum crfd_still_how */
	uint64_t ns; /* from the order to stand still to the release */
} crfd_still;

enum crfd_still_how {
	CRFD_STILL_NOT = 0, /* it could not be held, or not all of its threads */
	CRFD_STILL_PTRACE = 1,
	CRFD_STILL_CGROUP = 2
};

/* The record before TAIL, so that a reader finds the index from the end. */
typedef struct {
	uint64_t index_offset; /* of the first INDEX record */
	uint64_t nfds; /* FD_ENT records */
	uint32_t ntasks;
	uint32_t nobjrefs;
	uint32_t index_crc; /* CRC-32C of the index entries */
	uint32_t crc; /* CRC-32C of every byte of the image before this field */
} crfd_image_sum;

/*
 * Each kind of description has records of its own after FD_STAT, made from fdinfo, by the BPF pass or from the descriptor
 * itself. A field that `known` says nothing of is always known. Where no interface tells there is no record, and no guess.
 */

/* OWNER says who is told when I/O is possible (F_SETOWN, F_SETSIG). It is absent where neither owner nor signal is set. */
typedef struct {
	int32_t pid; /* of the thread, process or group, in our pid namespace; 0 where it has none there */
	uint32_t type; /* F_OWNER_TID 0, F_OWNER_PID 1, F_OWNER_PGRP 2; fcntl(2) */
	uint32_t uid, euid; /* of who set it; 2^32 - 1: the kernel does not say */
	uint32_t signum; /* 0: SIGIO */
	uint32_t pad;
} crfd_owner;

/*
 * One lock or lease that this very description holds (POSIX locks: the process it was read in, through it); LOCK records
 * are an array of these.
 */
typedef struct {
	uint32_t lock; /* enum crfd_lock_kind */
	uint32_t type; /* enum crfd_lock_type: of a lease that is being broken, what it is broken down to */
	int32_t pid; /* who took it; -1 for OFD locks, 0 where it has none in our pid namespace */
	uint32_t flags; /* CRFD_LOCK_* */
	uint64_t start; /* bytes */
	uint64_t end; /* the last byte, 2^64 - 1: however long the file grows */
} crfd_lock;

/* A POSIX lock belongs to a table, not to the description: this is one on a description that another task's section holds. */
typedef struct {
	int32_t fd; /* of this task, through which it holds the lock: the first of that description */
	uint32_t pad;
	uint32_t lock, type; /* from here on as crfd_lock */
	int32_t pid;
	uint32_t flags;
	uint64_t start, end;
} crfd_fd_lock;

#define CRFD_LOCK_MANDATORY 1
#define CRFD_LOCK_BREAKING 2 /* a lease that someone else's open is breaking */

enum crfd_lock_kind {
	CRFD_LOCK_POSIX = 1,
	CRFD_LOCK_OFD = 2,
	CRFD_LOCK_FLOCK = 3,
	CRFD_LOCK_LEASE = 4,
	CRFD_LOCK_DELEG = 5
};

/* Somebody who waits for a lock or lease of someone else; the LOCK_WAIT records are an array of these, before INDEX. */
typedef struct {
	int32_t pid; /* who waits; -1: for an OFD lock, and the kernel does not say who */
	int32_t holder; /* whom for; -1: whoever has an OFD lock */
	uint32_t lock, type; /* what is wanted: enum crfd_lock_kind, crfd_lock_type */
	uint32_t holder_lock, holder_type; /* what the holder has, or waits for himself */
	uint32_t holder_flags; /* CRFD_LOCK_* */
	uint32_t behind; /* 0: the holder has the lock; else as many waiters are before him */
	uint64_t dev; /* of the super block, as /proc/locks has it */
	uint64_t ino;
	uint64_t start, end; /* wanted; the last byte, 2^64 - 1: however long the file grows */
	uint64_t holder_start, holder_end;
} crfd_lock_wait;

/* The description that a HELD record is of, where a descriptor has it too; HELD_OBJREF records are an array of these, before INDEX. */
typedef struct {
	uint32_t pid;
	int32_t fd; /* as in HELD */
	uint32_t slot; /* the same */
	uint32_t objref;
} crfd_held_objref;

enum crfd_lock_type { CRFD_LOCK_READ = 0, CRFD_LOCK_WRITE = 1, CRFD_LOCK_UNLOCK = 2 };

typedef struct {
	uint32_t known; /* CRFD_PIPE_HAS_* */
	uint32_t capacity; /* bytes, F_GETPIPE_SZ */
	uint64_t waiting; /* bytes, FIONREAD */
	uint32_t readers, writers; /* open ends */
} crfd_pipe;

#define CRFD_PIPE_HAS_CAPACITY 1
#define CRFD_PIPE_HAS_WAITING 2
#define CRFD_PIPE_HAS_ENDS 4

/* A POSIX message queue, as mq_getattr(3) tells. */
typedef struct {
	uint64_t maxmsg, msgsize; /* messages that it holds at most, bytes of the longest */
	uint64_t curmsgs; /* messages that wait */
} crfd_mqueue;

/*
 * Addresses are in SOCK_NAME and SOCK_PEER, as getsockname(2) and getpeername(2) give them. Where a description has several
 * SOCKET records, each says what its `known` has and the others lack.
 */
typedef struct {
	uint32_t known; /* CRFD_SOCK_HAS_* */
	uint16_t family; /* AF_* */
	uint16_t type; /* SOCK_* */
	uint32_t protocol;
	uint32_t state; /* TCP_* of tcp(7) for TCP, MPTCP and SCTP unless raw; SS_* of linux/net.h elsewhere, but 10 where it listens */
	uint32_t recv_queue; /* SIOCINQ: bytes to be read, of datagrams in the first; when listening connections to accept */
	uint32_t send_queue; /* SIOCOUTQ: bytes not sent or acknowledged; of datagrams and unix the memory they take */
	uint32_t backlog; /* of listen(2) */
	uint32_t in_flight; /* descriptors in the receive queue of a unix socket */
	uint64_t peer_ino; /* inode of a unix socket's peer, 0: none */
	uint64_t net_ns; /* inode of the socket's network namespace */
} crfd_socket;

#define CRFD_SOCK_HAS_TYPE 1 /* family, type, protocol */
#define CRFD_SOCK_HAS_STATE 2
#define CRFD_SOCK_HAS_QUEUES 4 /* recv_queue, send_queue */
#define CRFD_SOCK_HAS_BACKLOG 8
#define CRFD_SOCK_HAS_PEER 16 /* peer_ino */
#define CRFD_SOCK_HAS_NET_NS 32
#define CRFD_SOCK_HAS_IN_FLIGHT 64
#define CRFD_SOCK_HAS_NAMES 128 /* an absent SOCK_NAME or SOCK_PEER means that there is none */
#define CRFD_SOCK_HAS_READING 512 /* it was not shut down for reading (shutdown(2)) */
#define CRFD_SOCK_HAS_NO_READING 1024 /* it was, by whichever end */
#define CRFD_SOCK_HAS_WRITING 2048 /* the same for writing */
#define CRFD_SOCK_HAS_NO_WRITING 4096
#define CRFD_SOCK_HAS_LISTENER 256 /* peer_ino: of the unix socket that has not accepted the connection yet */

/* The inode that a unix socket is bound to by a path, as stat(2) shows it. */
typedef struct {
	uint32_t mode;
	uint32_t uid, gid; /* of its owner */
	uint32_t nlink; /* 0: its name is gone */
	uint64_t dev, ino;
} crfd_sock_file;

/* What setsockopt(2) and its defaults have made of a socket, where a scan was asked for it. */
typedef struct {
	uint32_t known; /* CRFD_SOCKOPT_*: that it is on or off; CRFD_SOCKOPTS_HAS_TCP */
	uint32_t on; /* the same bits */
	uint32_t recv_buffer, send_buffer; /* bytes, as SO_RCVBUF and SO_SNDBUF give them: twice what was set */
	uint32_t recv_low; /* SO_RCVLOWAT */
	uint32_t priority, mark; /* SO_PRIORITY, SO_MARK */
	uint32_t linger; /* s, of SO_LINGER where that is on */
	uint64_t recv_timeout, send_timeout; /* ns, 0: none */
	uint32_t keep_idle, keep_interval, keep_count; /* s, s and probes, CRFD_SOCKOPTS_HAS_TCP */
	uint32_t user_timeout; /* ms, TCP_USER_TIMEOUT */
	char device[16]; /* SO_BINDTODEVICE, empty: none */
	char congestion[16]; /* TCP_CONGESTION */
} crfd_sock_options;

#define CRFD_SOCKOPT_REUSEADDR 0x1
#define CRFD_SOCKOPT_REUSEPORT 0x2
#define CRFD_SOCKOPT_KEEPALIVE 0x4
#define CRFD_SOCKOPT_BROADCAST 0x8
#define CRFD_SOCKOPT_OOBINLINE 0x10
#define CRFD_SOCKOPT_DONTROUTE 0x20
#define CRFD_SOCKOPT_NO_CHECK 0x40
#define CRFD_SOCKOPT_LINGER 0x80
#define CRFD_SOCKOPT_PASSCRED 0x100
#define CRFD_SOCKOPT_PASSSEC 0x200
#define CRFD_SOCKOPT_TIMESTAMP 0x400
#define CRFD_SOCKOPT_ZEROCOPY 0x800
#define CRFD_SOCKOPT_BUF_LOCK 0x1000 /* of either buffer, by SO_RCVBUF or SO_SNDBUF (Linux 5.14) */
#define CRFD_SOCKOPT_NODELAY 0x2000
#define CRFD_SOCKOPT_CORK 0x4000
#define CRFD_SOCKOPT_FREEBIND 0x8000
#define CRFD_SOCKOPT_TRANSPARENT 0x10000
#define CRFD_SOCKOPT_HDRINCL 0x20000
#define CRFD_SOCKOPT_PKTINFO 0x40000
#define CRFD_SOCKOPT_RECVERR 0x80000
#define CRFD_SOCKOPT_V6ONLY 0x100000
#define CRFD_SOCKOPTS_HAS_TCP 0x200000 /* keep_*, user_timeout, congestion */

/* The interface that a packet socket is bound to, by the name that it has in the socket's network namespace. */
typedef struct {
	char name[16];
} crfd_sock_interface;

typedef struct {
	uint64_t count;
	uint32_t id;
	uint32_t known; /* CRFD_EVENTFD_HAS_* */
	uint32_t semaphore;
	uint32_t pad;
} crfd_eventfd;

#define CRFD_EVENTFD_HAS_ID 1
#define CRFD_EVENTFD_HAS_SEMAPHORE 2

/* One watched file of an epoll instance; EPOLL records are an array of these, an empty one where nothing is watched. */
typedef struct {
	int32_t fd; /* the number it was added by; it may be closed or another file by now */
	uint32_t events; /* EPOLL* */
	uint64_t data;
	uint64_t ino;
	uint64_t dev; /* of its super block, as in mountinfo; 0: neither it nor ino and pos are known */
	uint64_t pos;
} crfd_epoll_target;

typedef struct {
	uint32_t clock; /* CLOCK_* */
	uint32_t flags; /* of timerfd_settime(2) */
	uint64_t ticks; /* expirations not yet read */
	uint64_t value; /* ns to the next expiration, 0 disarmed */
	uint64_t interval; /* ns */
} crfd_timerfd;

typedef struct {
	uint64_t mask; /* bit n - 1 for signal n */
} crfd_signalfd;

/* One mark; INOTIFY records are an array of these, an empty one where there is none. */
typedef struct {
	int32_t wd;
	uint32_t mask; /* IN_* */
	uint64_t ino;
	uint64_t dev; /* of its super block, as in mountinfo */
} crfd_inotify_mark;

typedef struct {
	uint32_t flags; /* of fanotify_init(2) */
	uint32_t event_flags;
} crfd_fanotify;

/* One mark; FANOTIFY_MARK records are an array of these. */
typedef struct {
	uint32_t type; /* enum crfd_fanotify_type */
	uint32_t flags;
	uint64_t mask, ignored_mask; /* FAN_* */
	uint64_t ino; /* of an inode mark, or of the mount namespace */
	uint64_t dev; /* of an inode or file system mark, as the super block has it */
	int32_t mnt_id; /* of a mount mark */
	uint32_t pad;
} crfd_fanotify_mark;

enum crfd_fanotify_type {
	CRFD_FANOTIFY_INODE = 1,
	CRFD_FANOTIFY_MOUNT = 2,
	CRFD_FANOTIFY_SB = 3,
	CRFD_FANOTIFY_MNTNS = 4
};

typedef struct {
	uint32_t seals; /* F_SEAL_* */
	uint32_t known; /* CRFD_MEMFD_HAS_SEALS */
} crfd_memfd;

#define CRFD_MEMFD_HAS_SEALS 1

typedef struct {
	int32_t pid; /* in our pid namespace, -1: the process is reaped, 0: it is in none that we see */
	int32_t ns_pid; /* in its own; 0 unknown */
} crfd_pidfd;

/*
 * Its number in one pid namespace; PIDFD_NS records are an array of these, from ours to its own, of a process that has several.
 */
typedef struct {
	int32_t pid;
	uint32_t pad;
} crfd_pidfd_ns;

typedef struct {
	uint32_t sq_entries, cq_entries;
	uint32_t files, buffers; /* registered */
	uint32_t known; /* CRFD_IO_URING_HAS_* */
	uint32_t pad;
} crfd_io_uring;

#define CRFD_IO_URING_HAS_ENTRIES 1
#define CRFD_IO_URING_HAS_REGISTERED 2

/* The two rings of an io_uring have been moved so far: the counters run on, and an entry's place is the rest by their size. */
typedef struct {
	uint32_t known; /* CRFD_IO_URING_HAS_* */
	uint32_t sq_head, sq_tail, cq_head, cq_tail;
	int32_t sq_thread; /* that polls for the kernel (IORING_SETUP_SQPOLL), in the initial pid namespace; -1: none */
	int32_t sq_cpu; /* that it is bound to or ran on; -1: none */
	uint32_t pad;
} crfd_io_uring_queue;

#define CRFD_IO_URING_HAS_QUEUES 4 /* sq_head, sq_tail, cq_head, cq_tail */
#define CRFD_IO_URING_HAS_THREAD 8 /* sq_thread, sq_cpu */

/* The command name of a pidfd's process or thread. */
typedef struct {
	char comm[16];
} crfd_pidfd_comm;

/* A BPF map, program, link or BTF. */
typedef struct {
	uint32_t id; /* 0 unknown */
	uint32_t type; /* BPF_MAP_TYPE_*, BPF_PROG_TYPE_*, BPF_LINK_TYPE_* of linux/bpf.h; -1 unknown */
	uint32_t key_size, value_size, max_entries, map_flags; /* of a map */
	uint32_t prog_id; /* of a link */
	uint32_t pad;
	char name[16]; /* zero padded; empty: it has none, or we were not told */
} crfd_bpf_object;

/* A BPF program is known by its tag, and a link by that of its program. */
typedef struct {
	char tag[8]; /* a hash of its instructions */
} crfd_bpf_tag;

typedef struct {
	uint64_t pending; /* page faults that nobody has read */
	uint64_t total; /* threads that wait, those of pending among them */
	uint64_t offered; /* UFFD_FEATURE_* that the kernel has */
	uint32_t features; /* those that were asked for; bit 31: the handshake is done */
	uint32_t api; /* UFFD_API */
} crfd_userfaultfd;

typedef struct {
	uint64_t size; /* bytes */
	uint64_t count; /* references to the buffer */
	char exporter[32], name[32];
} crfd_dmabuf;

/* The master of a pseudo terminal. */
typedef struct {
	uint32_t index; /* its slave is /dev/pts/index */
	uint32_t pad;
} crfd_tty;

/* The settings of a terminal, as tcgetattr(3) and ioctl_tty(2) give it; both ends of a pseudo terminal have the same. */
typedef struct {
	uint32_t iflag, oflag, cflag, lflag;
	uint32_t ispeed, ospeed; /* bits per second */
	uint16_t rows, columns;
	uint16_t xpixel, ypixel; /* 0 where nobody has said them */
	char cc[23]; /* VINTR and what follows it, zero padded */
	uint8_t line; /* discipline: N_* of linux/tty.h */
} crfd_termios;

/* The network namespace that the interface of a tun or tap descriptor is in. */
typedef struct {
	uint64_t net_ns; /* inode */
} crfd_tun_ns;

/* The interface of a tun or tap descriptor. */
typedef struct {
	char name[16];
} crfd_tun;

/* A FUSE server's end. */
typedef struct {
	uint32_t connection; /* of /sys/fs/fuse/connections */
	uint32_t pad;
} crfd_fuse;
