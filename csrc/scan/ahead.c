/* SPDX-License-Identifier: MIT */
#include "scan/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "batch/batch.h"

struct slot {
	crfd_batch *batch;
	int ready, rc;
};

struct worker {
	struct crfd_ahead *ahead;
	int lane;
	pthread_t thread;
};

struct crfd_ahead {
	const struct crfd_scan_ops *ops;
	void *state;
	pid_t pid; /* of whoever has the threads: a child after fork() has none */
	struct worker worker[CRFD_LANES];
	int nworkers;
	pthread_mutex_t lock; /* of all below, and of ops->claim() */
	pthread_cond_t changed;
	struct slot slot[CRFD_LANES + 2];
	uint64_t nslots; /* one for each lane, one to be taken, one more for when the lanes are uneven */
	uint64_t claimed, finished, taken;
	int ended; /* nothing more is claimed */
};

static struct slot *slot_of(struct crfd_ahead *a, uint64_t number)
{
	return &a->slot[number % a->nslots];
}

/* Under the lock: the number of the next piece of work, or -1 when there is none. */
static int64_t claim(struct crfd_ahead *a, struct crfd_scan_job *job)
{
	int rc = -EAGAIN;

	while (!a->ended) {
		if (a->claimed - a->taken < a->nslots)
			rc = a->ops->claim(a->state, job);
		if (rc != -EAGAIN)
			break;
		pthread_cond_wait(&a->changed, &a->lock);
	}
	if (!a->ended && rc > 0)
		return (int64_t)a->claimed++;
	a->ended = 1;
	pthread_cond_broadcast(&a->changed);
	return -1;
}

/* Under the lock, which is not held meanwhile. Each batch is finished after those before it, whoever has filled them. */
static int fill(struct worker *w, uint64_t number, const struct crfd_scan_job *job)
{
	struct crfd_ahead *a = w->ahead;
	crfd_batch *b = slot_of(a, number)->batch;
	int rc;

	pthread_mutex_unlock(&a->lock);
	rc = a->ops->fill(a->state, w->lane, job, b);
	pthread_mutex_lock(&a->lock);
	while (a->finished != number)
		pthread_cond_wait(&a->changed, &a->lock);
	if (rc == 0 && a->ops->finish) {
		pthread_mutex_unlock(&a->lock);
		rc = a->ops->finish(a->state, b);
		pthread_mutex_lock(&a->lock);
	}
	a->finished++;
	return rc;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct crfd_ahead *a = w->ahead;
	struct crfd_scan_job job;
	int64_t number;

	/* The first lane is ready as the state comes; without another one the work goes on. */
	if (w->lane && a->ops->join(a->state, w->lane) < 0)
		return NULL;
	pthread_mutex_lock(&a->lock);
	while ((number = claim(a, &job)) >= 0) {
		int rc = fill(w, (uint64_t)number, &job);

		slot_of(a, (uint64_t)number)->rc = rc;
		slot_of(a, (uint64_t)number)->ready = 1;
		a->ended |= rc < 0;
		pthread_cond_broadcast(&a->changed);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static void start_workers(struct crfd_ahead *a, int lanes)
{
	for (; a->nworkers < lanes; a->nworkers++) {
		struct worker *w = &a->worker[a->nworkers];

		*w = (struct worker){.ahead = a, .lane = a->nworkers};
		if (crfd_thread_start(&w->thread, work, w))
			break;
	}
}

int crfd_ahead_start(const struct crfd_scan_ops *ops, void *state, int lanes, struct crfd_ahead **out)
{
	struct crfd_ahead *a = calloc(1, sizeof(*a));
	int rc = 0;

	if (!a)
		return -ENOMEM;
	a->ops = ops;
	a->state = state;
	a->pid = getpid();
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	lanes = lanes < CRFD_LANES ? lanes : CRFD_LANES;
	a->nslots = (uint64_t)lanes + 2;
	for (uint64_t i = 0; i < a->nslots; i++) {
		a->slot[i].batch = crfd_batch_new();
		if (!a->slot[i].batch)
			rc = -ENOMEM;
	}
	if (rc == 0)
		start_workers(a, lanes);
	if (rc == 0 && !a->nworkers)
		rc = -EAGAIN;
	if (rc < 0) {
		crfd_ahead_stop(a);
		return rc;
	}
	*out = a;
	return 0;
}

static int take(struct crfd_ahead *a, crfd_batch *b)
{
	struct slot *slot = slot_of(a, a->taken);
	crfd_batch other = *b;

	*b = *slot->batch;
	*slot->batch = other;
	slot->ready = 0;
	a->taken++;
	pthread_cond_broadcast(&a->changed);
	return slot->rc < 0 ? slot->rc : b->ntasks > 0;
}

int crfd_ahead_next(struct crfd_ahead *a, crfd_batch *b)
{
	int rc = 0;

	pthread_mutex_lock(&a->lock);
	while (rc == 0 && (a->taken < a->claimed || !a->ended)) {
		if (a->taken < a->claimed && slot_of(a, a->taken)->ready)
			rc = take(a, b);
		else
			pthread_cond_wait(&a->changed, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	if (rc <= 0)
		crfd_batch_clear(b);
	return rc;
}

int crfd_ahead_stop(struct crfd_ahead *a)
{
	if (a->pid != getpid())
		return 0;
	pthread_mutex_lock(&a->lock);
	a->ended = 1;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	for (int i = 0; i < a->nworkers; i++)
		pthread_join(a->worker[i].thread, NULL);
	for (uint64_t i = 0; i < a->nslots; i++)
		crfd_batch_free(a->slot[i].batch);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return 1;
}
