/* SPDX-License-Identifier: MIT */
#include "ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch.h"
#include "thread.h"

#define SLOTS (CRFD_LANES + 2) /* one for each lane, one to be taken, one more for when the lanes are uneven */

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
	struct slot slot[SLOTS];
	uint64_t claimed, taken;
	int ended; /* nothing more is claimed */
};

/* Under the lock: the slot for the next piece of work, NULL when there is none. */
static struct slot *claim(struct crfd_ahead *a, struct crfd_scan_job *job)
{
	while (!a->ended && a->claimed - a->taken >= SLOTS)
		pthread_cond_wait(&a->changed, &a->lock);
	if (!a->ended && !a->ops->claim(a->state, job)) {
		a->ended = 1;
		pthread_cond_broadcast(&a->changed);
	}
	return a->ended ? NULL : &a->slot[a->claimed++ % SLOTS];
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct crfd_ahead *a = w->ahead;
	struct crfd_scan_job job;
	struct slot *slot;

	/* The first lane is ready as the state comes; without another one the work goes on. */
	if (w->lane && a->ops->join(a->state, w->lane) < 0)
		return NULL;
	pthread_mutex_lock(&a->lock);
	while ((slot = claim(a, &job))) {
		int rc;

		pthread_mutex_unlock(&a->lock);
		rc = a->ops->fill(a->state, w->lane, &job, slot->batch);
		pthread_mutex_lock(&a->lock);
		slot->rc = rc;
		slot->ready = 1;
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
	for (int i = 0; i < SLOTS; i++) {
		a->slot[i].batch = crfd_batch_new();
		if (!a->slot[i].batch)
			rc = -ENOMEM;
	}
	if (rc == 0)
		start_workers(a, lanes < CRFD_LANES ? lanes : CRFD_LANES);
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
	struct slot *slot = &a->slot[a->taken % SLOTS];
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
		if (a->taken < a->claimed && a->slot[a->taken % SLOTS].ready)
			rc = take(a, b);
		else
			pthread_cond_wait(&a->changed, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	if (rc <= 0)
		crfd_batch_clear(b);
	return rc;
}

void crfd_ahead_stop(struct crfd_ahead *a)
{
	if (a->pid != getpid())
		return; /* what the threads held is as they left it */
	pthread_mutex_lock(&a->lock);
	a->ended = 1;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	for (int i = 0; i < a->nworkers; i++)
		pthread_join(a->worker[i].thread, NULL);
	for (int i = 0; i < SLOTS; i++)
		crfd_batch_free(a->slot[i].batch);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
