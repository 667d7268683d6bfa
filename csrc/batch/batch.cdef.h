/* SPDX-License-Identifier: MIT */
/* A batch: what one pass over some tasks found. */

/* A span of bytes in the batch's text. */
typedef struct {
	uint64_t off;
	uint32_t len;
	uint32_t pad;
} crfd_span;

/* One descriptor. */
typedef struct {
	int32_t fd;
	uint16_t kind; /* enum crfd_kind */
	uint8_t close_on_exec;
	uint8_t failed; /* could not be read: only fd, close_on_exec, err and step mean something */
	int32_t err; /* errno of the step that failed */
	uint32_t step; /* enum crfd_step */
	uint32_t f_flags; /* without O_CLOEXEC */
	uint32_t f_uid, f_gid; /* (uint32_t)-1 where unknown */
	uint32_t owned; /* st_uid and st_gid are known */
	uint32_t st_uid, st_gid; /* of the inode's owner */
	uint64_t f_pos;
	uint64_t f_version;
	crfd_fd_stat st;
	crfd_span name; /* no NUL; without the kernel's " (deleted)" */
	crfd_span ext; /* extension records of the description, whole, parent left 0 */
} crfd_fd;

/* One task of a batch. */
typedef struct {
	crfd_task_rec rec;
	crfd_task_info info;
	char comm[16];
	uint64_t table; /* nonzero and equal for tasks that share one fd table, 0 for a table of one's own */
	uint64_t first, nfds; /* its descriptors in crfd_batch.fd */
	int32_t err; /* errno when the task could not be read: it is reported, not written */
	uint32_t step;
	uint64_t nerrors; /* of its descriptors that have err set */
	int32_t polls_err; /* errno where it was refused what a thread waits for, else 0 */
	int32_t pad;
	crfd_span ext; /* extension records of the task, whole, parent left 0 */
} crfd_task;

/* Which description a HELD record is of, where that is known: one that lies in a socket or a ring. */
typedef struct {
	uint64_t ident; /* as that of a descriptor */
	uint32_t pid;
	int32_t fd; /* as in HELD */
	uint32_t slot, pad; /* the same */
} crfd_batch_held;

typedef struct {
	crfd_task *task;
	size_t ntasks, task_alloc;
	crfd_fd *fd;
	uint64_t *ident; /* of fd[i]: equal if and only if one open file description; 0 where failed */
	crfd_socket *socket; /* of fd[i] where that is one: its SOCKET record, which is no part of ext; known 0: none */
	size_t nfds, fd_alloc, ident_alloc, socket_alloc;
	crfd_batch_held *held;
	size_t nheld, held_alloc;
	crfd_buf text;
	uint64_t own; /* descriptors that were left out, for the scan had opened them in this process */
	uint64_t locked; /* of files of which somebody has a lock or a lease; 0: none is */
} crfd_batch;

/* A scan can be asked for more than the descriptors, or for less than a second look. */
#define CRFD_SCAN_STILL 1 /* the tasks stand still, so there is no second look at their tables (TASK_QUIET) */
#define CRFD_SCAN_HOLDS 2 /* also what they hold without a descriptor (HELD) */
#define CRFD_SCAN_POLLS 4 /* also what descriptors their threads wait for (TASK_POLLS, POLLED) */
#define CRFD_SCAN_SOCKOPTS 8 /* also the options of sockets (SOCK_OPTIONS) */

/* These bits say which fields of a crfd_filter_push count. */
#define CRFD_PUSH_UID 1
#define CRFD_PUSH_KINDS 2
#define CRFD_PUSH_DEV 4
#define CRFD_PUSH_DELETED 8
#define CRFD_PUSH_CLOEXEC 16
#define CRFD_PUSH_PORT 32
#define CRFD_PUSH_INO 64

/*
 * All of these conditions must hold; a backend that can tests them where the descriptors are. It may leave out of the batches
 * what surely fails, and need not: the caller tests the rest, and all that comes, by itself. A task of another user comes
 * without descriptors, and no task has a second look (TASK_QUIET).
 */
typedef struct {
	uint32_t has; /* CRFD_PUSH_*; 0: no condition */
	uint32_t uid; /* of the task, the real one */
	uint64_t kinds; /* 1 << enum crfd_kind of each that is meant */
	uint64_t dev, ino; /* of the file, as stat(2) has them */
	uint16_t port; /* of a socket, its own or its peer's */
	uint8_t deleted, close_on_exec; /* 0 or 1 */
	uint32_t pad;
} crfd_filter_push;

/* Options of a scan. threads >= 1 bounds how many read at a time; push may be NULL, and is read only at the start. */
typedef struct {
	int32_t backend; /* CRFD_BACKEND_PROC or CRFD_BACKEND_BPF */
	int32_t threads;
	int32_t flags; /* CRFD_SCAN_* */
	int32_t pad;
	const crfd_filter_push *push;
} crfd_scan_options;

crfd_batch *crfd_batch_new(void);
void crfd_batch_free(crfd_batch *b);
