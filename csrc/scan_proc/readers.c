/* SPDX-License-Identifier: MIT */
#include "scan_proc/readers.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/ours.h"
#include "base/thread.h"
#include "kinds/kind.h"

#define ITEM_FDS 512
#define ALONE_FDS 1024 /* not worth a thread */
#define MAX_READERS 64

struct crfd_readers_item {
	const struct crfd_proc_task *task;
	uint64_t first;
	uint32_t nr;
	uint32_t reader; /* who read it */
};

/* The threads of one run share this. */
struct run {
	struct crfd_readers *r;
	crfd_batch *b;
	atomic_size_t next;
	atomic_int rc;
};

struct helper {
	struct run *run;
	uint32_t reader;
	pthread_t thread;
};

int crfd_readers_init(struct crfd_readers *r, int threads, int inferred, int flags, const crfd_filter_push *push)
{
	uint32_t nr = threads < MAX_READERS ? (uint32_t)threads : MAX_READERS;
	int granted = crfd_probe_pidfd_getfd(), rc;
	struct crfd_proc_mounts mounts;
	struct crfd_proc_reader *v;

	if (crfd_is_ours(granted))
		return granted;
	rc = crfd_proc_mounts_find(&mounts);
	if (rc < 0)
		return rc;
	v = calloc(nr, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++) {
		v[i].deleted.mnt_id = v[i].mqueue_mnt = -1;
		v[i].inferred = inferred;
		v[i].mounts = mounts;
		v[i].push = *push;
		v[i].types = crfd_kind_types(push->kinds);
		crfd_getfd_init(&v[i].getfd, granted == 0, 1, flags);
	}
	*r = (struct crfd_readers){.v = v, .nr = nr};
	return 0;
}

void crfd_readers_release(struct crfd_readers *r)
{
	for (uint32_t i = 0; i < r->nr; i++) {
		crfd_buf_release(&r->v[i].own);
		crfd_buf_release(&r->v[i].info);
		crfd_detail_release(&r->v[i].detail);
		crfd_getfd_release(&r->v[i].getfd);
		crfd_names_release(&r->v[i].names);
		crfd_proc_long_forget(&r->v[i].longs);
	}
	free(r->v);
	free(r->items);
	*r = (struct crfd_readers){0};
}

int crfd_readers_add(struct crfd_readers *r, const struct crfd_proc_task *p, uint64_t first, uint64_t nr)
{
	int rc = crfd_grow(&r->items, &r->item_alloc, r->nitems + nr / ITEM_FDS + 1, sizeof(*r->items));

	if (rc < 0)
		return rc;
	for (uint64_t at = 0; at < nr; at += ITEM_FDS)
		r->items[r->nitems++] = (struct crfd_readers_item){
			.task = p, .first = first + at, .nr = (uint32_t)(nr - at < ITEM_FDS ? nr - at : ITEM_FDS)};
	return 0;
}

static int read_item(struct run *run, struct crfd_readers_item *item, uint32_t reader)
{
	item->reader = reader;
	for (uint64_t i = item->first; i < item->first + item->nr; i++) {
		int rc = crfd_proc_fd_read(&run->r->v[reader], item->task, run->b, i);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void read_items(struct run *run, uint32_t reader)
{
	while (!atomic_load_explicit(&run->rc, memory_order_relaxed)) {
		size_t at = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
		int rc;

		if (at >= run->r->nitems)
			return;
		rc = read_item(run, &run->r->items[at], reader);
		if (rc < 0)
			atomic_store_explicit(&run->rc, rc, memory_order_relaxed);
	}
}

static void *run_helper(void *arg)
{
	struct helper *h = arg;

	read_items(h->run, h->reader);
	return NULL;
}

/* Starts helpers until there are `want` readers with the caller, or no more threads to be had; how many there are. */
static uint32_t start_helpers(struct run *run, struct helper *helpers, uint32_t want)
{
	uint32_t nr;

	for (nr = 1; nr < want; nr++) {
		struct crfd_proc_reader *reader = &run->r->v[nr];

		crfd_buf_clear(&reader->own);
		reader->text = &reader->own;
		helpers[nr] = (struct helper){.run = run, .reader = nr};
		if (crfd_thread_start(&helpers[nr].thread, run_helper, &helpers[nr]))
			break;
	}
	return nr;
}

/* Puts the helpers' texts behind the caller's and moves the spans that lie in them. */
static int join_texts(struct crfd_readers *r, crfd_batch *b, uint32_t nr)
{
	uint64_t base[MAX_READERS] = {0};

	for (uint32_t i = 1; i < nr; i++) {
		int rc = crfd_buf_put(&b->text, r->v[i].own.v, r->v[i].own.nr);

		if (rc < 0)
			return rc;
		base[i] = b->text.nr - r->v[i].own.nr;
	}
	for (size_t i = 0; i < r->nitems; i++) {
		const struct crfd_readers_item *item = &r->items[i];

		for (uint64_t f = item->first; f < item->first + item->nr; f++) {
			b->fd[f].name.off += base[item->reader];
			b->fd[f].ext.off += base[item->reader];
		}
	}
	return 0;
}

int crfd_readers_run(struct crfd_readers *r, crfd_batch *b)
{
	struct run run = {.r = r, .b = b};
	struct helper helpers[MAX_READERS];
	uint32_t nr = 1;
	int rc;

	for (uint32_t i = 0; i < r->nr; i++)
		crfd_proc_long_forget(&r->v[i].longs);
	r->v[0].text = &b->text;
	if (b->nfds > ALONE_FDS)
		nr = start_helpers(&run, helpers, r->nr < r->nitems ? r->nr : (uint32_t)r->nitems);
	read_items(&run, 0);
	for (uint32_t i = 1; i < nr; i++)
		pthread_join(helpers[i].thread, NULL);
	rc = atomic_load(&run.rc);
	if (rc == 0 && nr > 1)
		rc = join_texts(r, b, nr);
	r->nitems = 0;
	return rc;
}
