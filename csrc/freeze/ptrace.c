/* SPDX-License-Identifier: MIT */
/*
 * Holds processes still: every thread is seized and interrupted (ptrace(2), PTRACE_SEIZE). The kernel lets the tracees go when
 * the tracing thread ends, however it ends, so nobody stays stopped. A thread that was stopped before is in a group-stop; the
 * kernel puts it back there when it is detached.
 */
#define _GNU_SOURCE /* O_PATH */
#include "format/format.h"
#include "freeze/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "procfs/read.h"

/* A thread in an uninterruptible sleep may never stop: ns to wait for one process, for all, and then for each. */
#define PATIENCE 200000000
#define PATIENCE_ALL 1000000000
#define PATIENCE_LAST 2000000
#define PAUSE_MIN 5000 /* ns between looks, doubled up to the other */
#define PAUSE_MAX 1000000

/* An exec by another thread moves that one to the leader's number; then it stops there by itself. */
#define OPTIONS PTRACE_O_TRACEEXEC

struct thread {
	int32_t tid;
	int32_t stopped;
};

struct crfd_freeze {
	struct thread *v;
	size_t nr, alloc;
	crfd_still *process;
	size_t nprocesses, process_alloc;
	uint64_t waited; /* ns, in vain */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/*
 * The threads of one process: those that were found when all were told to stand still, and those that have been found since,
 * from `late` on.
 */
struct threads {
	size_t first, end, late;
	int refused; /* -errno of the first look */
};

static size_t number(const struct threads *p, size_t i)
{
	return i < p->end - p->first ? p->first + i : p->late + i - (p->end - p->first);
}

/* Returns 1 where one of the first nr threads of a process has that number. *hint says where to look first: they come in order. */
static int known(const crfd_freeze *f, const struct threads *p, size_t nr, size_t *hint, int32_t tid)
{
	for (size_t i = 0; i < nr; i++) {
		size_t at = (*hint + i) % nr;

		if (f->v[number(p, at)].tid == tid) {
			*hint = at + 1;
			return 1;
		}
	}
	return 0;
}

/* Returns 1 for a zombie or a kernel thread: it has no table, and cannot be traced. */
static int has_none(int32_t pid, int32_t tid)
{
	struct crfd_procstat s;
	crfd_buf scratch = {0};
	int dir = crfd_proc_open(pid);
	int rc = dir < 0 ? dir : crfd_proc_stat(dir, tid, &scratch, &s);

	if (dir >= 0)
		close(dir);
	crfd_buf_release(&scratch);
	return rc < 0 ? rc == -ENOENT || rc == -ESRCH : !crfd_task_has_files(&s.rec, s.flags);
}

/* Seizes one thread: 1, 0 when there is nothing to hold, or -errno. */
static int seize(crfd_freeze *f, int32_t pid, int32_t tid)
{
	int rc = crfd_grow(&f->v, &f->alloc, f->nr + 1, sizeof(*f->v));

	if (rc < 0)
		return rc;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (long)OPTIONS) < 0) {
		rc = -errno;
		return rc == -ESRCH || has_none(pid, tid) ? 0 : rc;
	}
	f->v[f->nr++] = (struct thread){.tid = tid};
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL); /* fails when it has just died: the wait tells */
	return 1;
}

/* Seizes the threads of a process that are not seized yet. Returns how many, or -errno of the first refusal. */
static int seize_threads(crfd_freeze *f, const struct threads *p, int32_t pid)
{
	size_t hint = 0, nr = p->end - p->first + f->nr - p->late;
	DIR *dir = opendir(crfd_proc_path(pid, "task", -1).v);
	struct dirent *d;
	int n = 0, refused = 0;

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((d = readdir(dir))) {
		uint64_t tid;
		int rc;

		if (crfd_number(d->d_name, strlen(d->d_name), 10, INT32_MAX, &tid) < 0 ||
		    known(f, p, nr, &hint, (int32_t)tid))
			continue;
		rc = seize(f, pid, (int32_t)tid);
		n += rc > 0;
		if (rc < 0 && !refused)
			refused = rc;
	}
	closedir(dir);
	return refused ? refused : n;
}

/*
 * Returns 1 where a thread stands or is gone. Where a signal stopped it before the interruption did, it is sent on with that
 * signal: it stops again before it runs any of its own. The report of such a stop is not taken, for the signal would go with it
 * (kernel/exit.c, wait_task_stopped()): if we ended before we had handed it on, nobody would get it.
 */
static int look(struct thread *t)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_PID, (id_t)t->tid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
		if (errno == ECHILD)
			t->tid = 0; /* another that exec'd ended it */
	} else if (!info.si_pid) {
		return 0;
	} else if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
		(void)waitpid(t->tid, NULL, __WALL | WNOHANG);
		t->tid = 0; /* it exited */
	} else if (info.si_status >> 8) { /* above the signal: the number of a ptrace event, ours among them */
		t->stopped = waitpid(t->tid, NULL, __WALL | WNOHANG) > 0;
	} else {
		(void)ptrace(PTRACE_CONT, t->tid, NULL, (long)info.si_status);
	}
	return t->stopped || !t->tid;
}

/* Waits until a thread stands or is gone; -EBUSY past the deadline, also where a filter refuses us to wait. */
static int settle(struct thread *t, uint64_t deadline)
{
	struct timespec pause = {.tv_nsec = PAUSE_MIN};

	while (!t->stopped && t->tid && !look(t)) {
		if (now() > deadline)
			return -EBUSY;
		nanosleep(&pause, NULL);
		pause.tv_nsec = pause.tv_nsec * 2 < PAUSE_MAX ? pause.tv_nsec * 2 : PAUSE_MAX;
	}
	return 0;
}

crfd_freeze *crfd_freeze_new(void)
{
	return calloc(1, sizeof(crfd_freeze));
}

static int settle_threads(crfd_freeze *f, size_t from, size_t end)
{
	uint64_t start = now(), left = f->waited < PATIENCE_ALL ? PATIENCE_ALL - f->waited : PATIENCE_LAST;
	uint64_t deadline = start + (left < PATIENCE ? left : PATIENCE);
	int rc = 0;

	for (size_t i = from; i < end; i++) {
		int one = settle(&f->v[i], deadline);

		rc = rc ? rc : one;
	}
	if (rc == -EBUSY)
		f->waited += now() - start;
	return rc;
}

/* A running thread may start another until all stand: looks again until none is new. */
static int hold(crfd_freeze *f, struct threads *p, int32_t pid)
{
	size_t from = p->late = f->nr;
	int n = p->refused, rc = n == -ESRCH ? n : settle_threads(f, p->first, p->end);

	while (rc == 0) {
		n = seize_threads(f, p, pid);
		rc = settle_threads(f, from, f->nr);
		if (f->nr == from)
			break;
		from = f->nr;
	}
	return rc ? rc : n < 0 ? n : 0;
}

/* All are told before any is waited for: they come to a stop together, and who was told first does not stand for the rest. */
static void order(crfd_freeze *f, const int32_t *pids, size_t n, struct threads *p)
{
	for (size_t i = 0; i < n; i++) {
		f->process[f->nprocesses + i] = (crfd_still){.pid = (uint32_t)pids[i], .how = CRFD_STILL_PTRACE, .ns = now()};
		p[i] = (struct threads){.first = f->nr, .end = f->nr, .late = f->nr};
		p[i].refused = seize_threads(f, &p[i], pids[i]);
		p[i].end = f->nr;
	}
}

int crfd_freeze_add(crfd_freeze *f, const int32_t *pids, size_t n, int32_t *rc)
{
	struct threads *p = calloc(n ? n : 1, sizeof(*p));
	crfd_still *still;

	if (!p || crfd_grow(&f->process, &f->process_alloc, f->nprocesses + n, sizeof(*f->process)) < 0) {
		free(p);
		return -ENOMEM;
	}
	order(f, pids, n, p);
	still = &f->process[f->nprocesses];
	for (size_t i = 0; i < n; i++) {
		crfd_still *one = &f->process[f->nprocesses];

		rc[i] = hold(f, &p[i], pids[i]);
		*one = still[i];
		if (rc[i] < 0)
			one->how = CRFD_STILL_NOT;
		if (rc[i] != -ESRCH && (rc[i] < 0 || p[i].end > p[i].first || f->nr > p[i].late))
			f->nprocesses++; /* else it is gone, or nothing of it moves */
	}
	free(p);
	return 0;
}

static void release(struct thread *t)
{
	if (t->tid && t->stopped)
		ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
	t->tid = 0;
}

size_t crfd_freeze_thaw(crfd_freeze *f, const crfd_still **still)
{
	for (size_t i = 0; i < f->nr; i++) {
		(void)settle(&f->v[i], 0);
		release(&f->v[i]);
	}
	f->nr = 0;
	for (size_t i = 0; i < f->nprocesses; i++)
		f->process[i].ns = now() - f->process[i].ns;
	*still = f->process;
	return f->nprocesses;
}

void crfd_freeze_free(crfd_freeze *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nr; i++)
		release(&f->v[i]);
	free(f->v);
	free(f->process);
	free(f);
}
