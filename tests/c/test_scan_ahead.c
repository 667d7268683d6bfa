/* SPDX-License-Identifier: MIT */
/* Batches that several threads fill: in order all the same, whatever goes wrong. */
#include "scan/ahead.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch/batch.h"
#include "check.h"
#include "oom.h"

#define NONE SIZE_MAX

/* A scan of `jobs` jobs; each fills a batch with one task whose pid is its number plus 1. */
struct scan {
	size_t jobs, next;
	size_t fails, empty; /* jobs that do */
	size_t waits; /* a job that is not to be claimed before the one before it is finished */
	int lame; /* lanes but the first do not start */
	atomic_size_t filled, finished;
	atomic_int finishing;
};

static int join(void *state, int lane)
{
	CHECK(lane > 0);
	return ((struct scan *)state)->lame ? -EMFILE : 0;
}

static int claim(void *state, struct crfd_scan_job *job)
{
	struct scan *s = state;

	if (s->next == s->jobs)
		return 0;
	if (s->next == s->waits && s->finished < s->next)
		return -EAGAIN;
	job->from = s->next++;
	job->to = s->next;
	return 1;
}

static int fill(void *state, int lane, const struct crfd_scan_job *job, crfd_batch *b)
{
	struct scan *s = state;
	crfd_task *t;

	CHECK(lane >= 0 && lane < 3 && job->to == job->from + 1);
	crfd_batch_clear(b);
	usleep(job->from % 3 ? 50 : 500);
	atomic_fetch_add(&s->filled, 1);
	if (job->from == s->fails)
		return -EIO;
	if (job->from == s->empty)
		return 0;
	t = crfd_batch_task(b);
	if (!t)
		return -ENOMEM;
	t->info.pid = (uint32_t)job->from + 1;
	return 0;
}

static int finish(void *state, crfd_batch *b)
{
	struct scan *s = state;

	CHECK(atomic_fetch_add(&s->finishing, 1) == 0);
	CHECK(!b->ntasks || s->fails != NONE || b->task[0].info.pid == s->finished + 1);
	usleep(20);
	atomic_fetch_add(&s->finished, 1);
	atomic_fetch_sub(&s->finishing, 1);
	return 0;
}

static const struct crfd_scan_ops ops = {.join = join, .claim = claim, .fill = fill, .finish = finish};

/* Takes up to n batches; how many there were, and in *rc what came then. */
static size_t take(struct scan *s, int lanes, size_t n, int *rc)
{
	crfd_batch *b = crfd_batch_new();
	struct crfd_ahead *a = NULL;
	size_t taken = 0, number = 0;

	CHECK(b && crfd_ahead_start(&ops, s, lanes, &a) == 0);
	for (*rc = 1; taken < n && (*rc = crfd_ahead_next(a, b)) > 0; taken++) {
		number += 1 + (number == s->empty);
		CHECK(b->ntasks == 1);
		CHECK_EQ(b->task[0].info.pid, number);
	}
	if (*rc <= 0)
		CHECK_EQ(b->ntasks, 0);
	if (*rc == 0)
		CHECK_EQ(crfd_ahead_next(a, b), 0);
	crfd_ahead_stop(a);
	crfd_batch_free(b);
	return taken;
}

static void test_scans(void)
{
	static const struct {
		const char *name;
		int lanes;
		size_t jobs, fails, empty, waits;
		int lame;
		size_t want, taken;
		int rc;
		size_t ahead; /* jobs that may have been begun and were not taken */
	} rows[] = {
		{"all, one lane", 1, 60, NONE, 7, 13, 0, NONE, 59, 0, 1},
		{"all, two lanes", 2, 60, NONE, 7, 13, 0, NONE, 59, 0, 1},
		{"all, three lanes", 3, 60, NONE, 7, 13, 0, NONE, 59, 0, 1},
		{"a failure, one lane", 1, 60, 10, NONE, NONE, 0, NONE, 10, -EIO, 3},
		{"a failure, two lanes", 2, 60, 10, NONE, NONE, 0, NONE, 10, -EIO, 4},
		{"a failure, three lanes", 3, 60, 10, NONE, NONE, 0, NONE, 10, -EIO, 5},
		{"one who has enough", 3, 1000, NONE, NONE, NONE, 0, 4, 4, 1, 5}, /* as many as there are slots */
		{"lanes that do not start", 3, 20, NONE, NONE, NONE, 1, NONE, 20, 0, 0},
	};

	FOR_ROWS(row, rows) {
		struct scan s = {.jobs = row->jobs, .fails = row->fails, .empty = row->empty, .waits = row->waits, .lame = row->lame};
		int rc;

		CHECK_EQ(take(&s, row->lanes, row->want, &rc), row->taken);
		CHECK_EQ(rc, row->rc);
		CHECK_RANGE(s.next, row->taken, row->taken + row->ahead);
		CHECK_EQ(s.filled, s.next);
		if (rc == 0)
			CHECK_EQ(s.finished, s.jobs);
		if (row->fails != NONE && row->lanes == 1)
			CHECK_EQ(s.finished, row->fails); /* more, where some are in work */
	}
}

/* A child has none of the threads, and must not wait for them. */
static void test_fork(void)
{
	struct scan s = {.jobs = 1000, .fails = NONE, .empty = NONE, .waits = NONE};
	crfd_batch *b = crfd_batch_new();
	struct crfd_ahead *a = NULL;
	int status = -1;
	pid_t pid;

	CHECK(b && crfd_ahead_start(&ops, &s, 3, &a) == 0 && crfd_ahead_next(a, b) == 1);
	pid = fork();
	if (!pid) {
		alarm(10);
		_exit(crfd_ahead_stop(a) != 0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(crfd_ahead_stop(a), 1);
	crfd_batch_free(b);
}

static void test_no_memory(void)
{
	for (long n = 1;; n++) {
		struct scan s = {.jobs = 3, .fails = NONE, .empty = NONE, .waits = NONE};
		struct crfd_ahead *a = NULL;
		int rc;

		oom_arm(n, 1);
		rc = crfd_ahead_start(&ops, &s, 2, &a);
		if (!oom_disarm()) {
			CHECK_EQ(rc, 0);
			crfd_ahead_stop(a);
			return;
		}
		if (rc == 0)
			crfd_ahead_stop(a);
		else
			CHECK((rc == -ENOMEM || rc == -EAGAIN) && !a);
	}
}

int main(void)
{
	test_scans();
	test_fork();
	test_no_memory();
	return check_status();
}
