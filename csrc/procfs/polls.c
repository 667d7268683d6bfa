/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/syscall (fs/proc/base.c, proc_pid_syscall()) has the arguments of the call that a thread stands in, and its memory
 * the array or the sets. The thread has stood in that one call all the while where it is in the same call before and after
 * its memory is read, and has not been off a processor once more in between: its context switches are counted, and who
 * stands still was switched out.
 */
#define _GNU_SOURCE /* process_vm_readv */
#include "procfs/polls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ours.h"
#include "format/record.h"
#include "procfs/held.h"
#include "procfs/poll_call.h"
#include "procfs/task_records.h"

#define LOOKS 3 /* at a thread that does not stand still */
#define MEMORY (8u << 20) /* bytes of a task: a million of struct pollfd */
#define FOUND (MEMORY / sizeof(struct pollfd)) /* of a task */

/* One thread of a task. */
struct thread {
	int dir; /* /proc/PID of the task */
	int32_t tid;
	uint32_t fd_size; /* slots of its table, 0: not known */
};

static int read_file(const struct thread *t, const char *name, crfd_buf *out)
{
	char path[48];

	snprintf(path, sizeof(path), "task/%d/%s", t->tid, name);
	return crfd_proc_read(t->dir, path, 0, out);
}

/* Appends how often the thread has been switched out, both ways, as its status has it. */
static int put_switches(const struct thread *t, crfd_buf *scratch, crfd_buf *out)
{
	static const char key[] = "voluntary_ctxt_switches:";
	const uint8_t *from;
	int rc = read_file(t, "status", scratch);

	if (rc < 0)
		return rc;
	from = scratch->nr ? memmem(scratch->v, scratch->nr, key, sizeof(key) - 1) : NULL;
	return from ? crfd_buf_put(out, from, (size_t)(scratch->v + scratch->nr - from)) : -EINVAL;
}

/*
 * Whether the call that goes on after a signal is poll(2): nothing else that does waits in a function of that name. -EAGAIN where
 * the kernel does not say, as 5.15 never does (proc_pid_wchan()).
 */
static int is_poll(const struct thread *t, crfd_buf *scratch)
{
	int rc = read_file(t, "wchan", scratch);

	if (rc < 0)
		return rc;
	return !scratch->nr || *scratch->v == '0' ? -EAGAIN : memmem(scratch->v, scratch->nr, "poll", 4) != NULL;
}

/* Reads memory of the thread. */
static int copy(struct crfd_polls *p, int32_t tid, uint64_t at, size_t n)
{
	struct iovec to = {.iov_len = n}, from = {.iov_base = (void *)(uintptr_t)at, .iov_len = n};
	ssize_t got;

	if (n > p->left)
		return -E2BIG;
	p->left -= n;
	crfd_buf_clear(&p->memory);
	if (crfd_buf_reserve(&p->memory, n) < 0)
		return -ENOMEM;
	to.iov_base = p->memory.v;
	got = n ? process_vm_readv(tid, &to, 1, &from, 1, 0) : 0;
	return got < 0 ? -errno : (size_t)got < n ? -EFAULT : 0;
}

static int take_array(struct crfd_polls *p, const struct thread *t, const struct crfd_poll_call *call)
{
	int rc = copy(p, t->tid, call->at[0], call->nr * sizeof(struct pollfd));

	return rc < 0 ? rc : crfd_polled_array(p->memory.v, call->nr, t->tid, &p->found);
}

/* fs/select.c, core_sys_select(): the kernel looks at no more bits than the table has slots. */
static int take_sets(struct crfd_polls *p, const struct thread *t, const struct crfd_poll_call *call)
{
	static const uint32_t events[] = {POLLIN, POLLOUT, POLLPRI};
	uint32_t bits = t->fd_size && call->nr > t->fd_size ? t->fd_size : call->nr;
	int rc = 0;

	for (size_t i = 0; i < 3 && rc >= 0; i++) {
		if (!call->at[i])
			continue;
		rc = copy(p, t->tid, call->at[i], (bits + 7) / 8);
		if (rc >= 0)
			rc = crfd_polled_set(p->memory.v, bits, events[i], t->tid, &p->found);
	}
	return rc;
}

static int take(struct crfd_polls *p, const struct thread *t, const struct crfd_poll_call *call)
{
	crfd_polled epoll = {.fd = call->epoll, .tid = t->tid, .events = POLLIN};

	if (call->how == CRFD_POLL_ARRAY)
		return take_array(p, t, call);
	return call->how == CRFD_POLL_SETS ? take_sets(p, t, call) : crfd_buf_put(&p->found, &epoll, sizeof(epoll));
}

/* Looks at a thread once: 1 where it waits, 0 where it does not, -EAGAIN where it has moved meanwhile, or -errno. */
static int look(struct crfd_polls *p, const struct thread *t, crfd_buf *scratch)
{
	int rc = read_file(t, "syscall", &p->seen);
	struct crfd_poll_call call;

	if (rc < 0)
		return rc;
	call = crfd_poll_call_parse((const char *)p->seen.v, p->seen.nr);
	rc = call.again ? is_poll(t, scratch) : call.how != CRFD_POLL_NOT;
	if (rc <= 0)
		return rc;
	rc = put_switches(t, scratch, &p->seen);
	if (rc >= 0)
		rc = take(p, t, &call);
	if (rc >= 0)
		rc = read_file(t, "syscall", &p->then);
	if (rc >= 0)
		rc = put_switches(t, scratch, &p->then);
	if (rc < 0)
		return rc;
	return p->seen.nr == p->then.nr && !memcmp(p->seen.v, p->then.v, p->seen.nr) ? 1 : -EAGAIN;
}

/* Looks at a thread until it stands still for as long as that takes; of one that is not read nothing is found. */
static int look_again(struct crfd_polls *p, const struct thread *t, crfd_buf *scratch)
{
	size_t before = p->found.nr;
	int rc = -EAGAIN;

	for (int i = 0; i < LOOKS && rc == -EAGAIN; i++) {
		p->found.nr = before;
		rc = look(p, t, scratch);
	}
	if (rc > 0 && p->found.nr / sizeof(crfd_polled) > FOUND)
		rc = -E2BIG;
	if (rc <= 0)
		p->found.nr = before;
	return rc;
}

/* Whether a thread of the process waits with the table of its own that has a section of its own. */
static int is_elsewhere(const crfd_task *t, int32_t tid)
{
	return tid != (int32_t)t->info.pid && syscall(SYS_kcmp, t->info.pid, tid, KCMP_FILES, 0, 0) > 0;
}

/* Counts a thread that was asked; what could not be read of one that is there is said. */
static void count(const crfd_task *t, int32_t tid, int rc, crfd_task_polls *r)
{
	if (rc == -ESRCH || (rc == -ENOENT && tid != (int32_t)t->info.pid))
		return; /* it has ended */
	r->threads++;
	if (rc >= 0)
		return;
	r->unread++;
	r->err = r->err ? r->err : -rc;
}

static int ask_threads(struct crfd_polls *p, int dir, crfd_buf *scratch, const crfd_task *t, crfd_task_polls *r)
{
	int is_thread = t->info.tgid && t->info.tgid != t->info.pid;
	struct thread one = {.dir = dir, .fd_size = t->info.fd_size};

	p->left = MEMORY;
	crfd_buf_clear(&p->found);
	for (size_t i = 0; i < p->tids.nr; i++) {
		size_t before = p->found.nr;
		int rc;

		one.tid = p->tids.v[i];
		if (is_thread && one.tid != (int32_t)t->info.pid)
			continue;
		rc = look_again(p, &one, scratch);
		if (crfd_is_ours(rc))
			return rc;
		if (rc > 0 && is_elsewhere(t, one.tid))
			p->found.nr = before;
		else
			count(t, one.tid, rc, r);
	}
	crfd_polled_sort(&p->found);
	return 0;
}

static int list_threads(struct crfd_polls *p, int dir, crfd_buf *scratch)
{
	int tasks = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (tasks < 0)
		return -errno;
	rc = crfd_proc_list(tasks, scratch, &p->tids);
	close(tasks);
	return rc;
}

static int put(const struct crfd_polls *p, const crfd_task_polls *r, crfd_batch *b, crfd_task *t)
{
	int rc = crfd_task_reopen(b, t);

	if (rc >= 0)
		rc = crfd_buf_rec(&b->text, CRFD_REC_TASK_POLLS, 0, r, sizeof(*r));
	for (size_t i = 0; i < p->found.nr && rc >= 0; i += sizeof(crfd_polled))
		rc = crfd_buf_rec(&b->text, CRFD_REC_POLLED, 0, p->found.v + i, sizeof(crfd_polled));
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}

int crfd_task_polled(struct crfd_polls *p, int dir, const struct crfd_procstat *stat, crfd_buf *scratch, crfd_batch *b, crfd_task *t)
{
	crfd_task_polls r = {0};
	int rc;

	if (!crfd_task_has_files(&stat->rec, stat->flags))
		return 0;
	rc = list_threads(p, dir, scratch);
	if (rc >= 0)
		rc = ask_threads(p, dir, scratch, t, &r);
	else
		count(t, (int32_t)t->info.pid, rc, &r);
	if (crfd_is_ours(rc) || !r.threads)
		return crfd_is_ours(rc) ? rc : 0;
	t->polls_err = r.err == EAGAIN ? 0 : r.err;
	return put(p, &r, b, t);
}

void crfd_polls_release(struct crfd_polls *p)
{
	free(p->tids.v);
	crfd_buf_release(&p->memory);
	crfd_buf_release(&p->seen);
	crfd_buf_release(&p->then);
	crfd_buf_release(&p->found);
}
