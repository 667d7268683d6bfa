/* SPDX-License-Identifier: MIT */
/* Reading /proc/PID: what the files of the proc backend share. */
#ifndef CRFD_PROC_H
#define CRFD_PROC_H

#include <limits.h>

#include "base/base.h"
#include "batch/batch.h"
#include "format/format.h"
#include "getfd/getfd.h"
#include "identity/kcmptree.h"
#include "kinds/detail.h"
#include "kinds/fdinfo.h"
#include "procfs/deleted.h"
#include "procfs/names.h"
#include "procfs/read.h"
#include "procfs/stat.h"
#include "scan_proc/mounts.h"

#define CRFD_PROC_MEMOS 32
#define CRFD_PROC_GONE (-1) /* the number of a descriptor that is no longer there */
#define CRFD_PROC_PASSED (-2) /* of one that surely fails the conditions of the scan */

/*
 * A task that is held while it is read. The directory is bound to that very task: once it is gone every look-up in it
 * fails, also when another task has got its number (fs/proc/base.c, pid_revalidate).
 */
struct crfd_proc_task {
	int32_t pid;
	int dir; /* /proc/PID */
	int fds; /* its fd, or -1 */
	int fdinfos; /* its fdinfo, or -1 */
	struct crfd_procstat stat;
};

/* An inode of an internal mount has this in common with the others of its kind and name there. */
struct crfd_proc_memo {
	int32_t mnt_id;
	uint32_t kind;
	uint32_t st_mode;
	uint32_t pad;
	uint64_t dev;
	char text[32]; /* of the name, if it is not numbered */
};

/*
 * Descriptions of a task whose fdinfo is long: the kernel writes all of their locks for each of their descriptors. Once
 * many such texts have been read, what another descriptor told is taken for the rest; all but close-on-exec.
 */
struct crfd_proc_long {
	const struct crfd_proc_task *task;
	uint64_t told; /* bytes of such texts so far */
	struct crfd_kcmptree tree;
	uint32_t root;
	uint64_t *at; /* by member of the tree: which descriptor of the batch it is and one more; 0: its fdinfo is short */
	size_t nr, alloc;
};

/* Each thread reads descriptors with one of these. */
struct crfd_proc_reader {
	crfd_buf *text; /* where names and extension records go */
	crfd_buf own; /* text of a helper thread */
	crfd_buf info; /* text of fdinfo */
	struct crfd_detail detail;
	crfd_filter_push push;
	uint32_t types; /* of inode, that the kinds of push may have */
	int inferred; /* kcmp is refused: see crfd_identity_key */
	struct crfd_deleted_memo deleted;
	int32_t mqueue_mnt; /* the same for crfd_proc_mqueue */
	int mqueue;
	struct crfd_getfd getfd;
	struct crfd_proc_mounts mounts;
	struct crfd_names names;
	struct crfd_proc_long longs;
	unsigned int nmemo;
	struct crfd_proc_memo memo[CRFD_PROC_MEMOS];
	char name[PATH_MAX];
};

/*
 * Opens the task and fills rec, comm and info of t. 0, with t->err and t->step where it cannot be read, or -errno of ours
 * (base/ours.h).
 */
int crfd_proc_task_open(struct crfd_proc_task *p, int32_t pid, crfd_buf *scratch, crfd_task *t);
/* Lists the descriptors of an open task; as above. None for a task that exited and for a kernel thread. */
int crfd_proc_task_list(struct crfd_proc_task *p, crfd_buf *scratch, struct crfd_numbers *out, crfd_task *t);
/* Returns 1 where the task has exited since it was opened, 0, or -errno of ours. */
int crfd_proc_task_exited(const struct crfd_proc_task *p, crfd_buf *scratch);
/* Returns 1 where the task has the same table as another now, whose /proc/PID is dir, 0, or -errno of ours. */
int crfd_proc_task_shares(const struct crfd_proc_task *p, int32_t pid, int dir, crfd_buf *scratch);
void crfd_proc_task_close(struct crfd_proc_task *p);

/*
 * Reads descriptor b->fd[at].fd into fd[at], ident[at] (see crfd_identity_key) and socket[at]. Its fd turns CRFD_PROC_GONE or
 * CRFD_PROC_PASSED. 0 or -errno of ours.
 */
int crfd_proc_fd_read(struct crfd_proc_reader *r, const struct crfd_proc_task *p, crfd_batch *b, uint64_t at);

/* Notes that b's descriptor `at` was read, where its fdinfo was long. */
void crfd_proc_long_note(struct crfd_proc_reader *r, const struct crfd_proc_task *p, uint64_t at, const crfd_fd *f);
/* Returns 1 where b's descriptor `at` is of a description that has told much already, and was taken from it; else 0. */
int crfd_proc_long_recall(struct crfd_proc_reader *r, const struct crfd_proc_task *p, crfd_batch *b, uint64_t at);
/* Forgets what was long: the next descriptors are those of another run. */
void crfd_proc_long_forget(struct crfd_proc_long *l);

/*
 * Whether a regular file, whose link is text[0..len), is a POSIX message queue: 1 or 0, or -errno of ours. The type of its
 * mount says it, or for the kernel's own mount, which nobody lists, the file system.
 */
int crfd_proc_mqueue(struct crfd_proc_reader *r, const struct crfd_proc_task *p, int32_t fd, int32_t mnt_id,
		     const char *text, size_t len);

#endif
