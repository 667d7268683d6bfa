/* SPDX-License-Identifier: MIT */
/*
 * The scan through the kernel's own walk. First the tasks, so that shared tables are known; then the descriptors, with
 * one iterator a task, or, when most of the machine was asked for, one for all, which passes by what was not. Where the
 * kernel cannot be told a task (before 6.1) it is always the one for all, and the tasks are taken in its order.
 *
 * Large tables are read two at a time, by programs that were loaded twice, for they put a record together in memory of
 * their own, one set for each lane.
 */
#include "batch/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "batch/batch.h"
#include "scan_bpf/files.h"
#include "scan_bpf/held.h"
#include "scan_bpf/inside.h"
#include "scan_bpf/lane.h"
#include "scan_bpf/push.h"
#include "scan_bpf/tables.h"

#define MANY 64 /* processes from which on the tasks are listed at once */
#define BATCH_FDS 16384
#define BATCH_TASKS 64
_Static_assert(CRFD_BPF_LANES <= CRFD_LANES, "a thread for each set of programs");
#define LARGE_SLOTS 256 /* of a table in the mean: an iterator of its own costs as much as twenty descriptors */

struct state {
	struct crfd_bpf_lane lane[CRFD_BPF_LANES];
	struct crfd_bpf_units units;
	size_t next; /* unit */
	int lanes;
	int tables; /* by the walk over tables */
	int together; /* many tasks at a time */
};

static int read_unit(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *unit, crfd_batch *b)
{
	crfd_task *t = crfd_batch_task(b);
	int rc = 0;

	if (!t)
		return -ENOMEM;
	crfd_bpf_unit_task(unit, lane->clk_tck, t);
	if (!unit->empty)
		rc = crfd_bpf_files_read(lane, unit, b);
	return rc < 0 ? rc : crfd_bpf_task_records(&lane->looker, unit, b, t);
}

static int bpf_fill(void *state, int number, const struct crfd_scan_job *units, crfd_batch *b)
{
	struct state *st = state;
	struct crfd_bpf_lane *lane = &st->lane[number];
	size_t n = units->to - units->from;
	int rc = 0;

	crfd_batch_clear(b);
	crfd_bpf_asked_forget(&lane->asker.asked);
	if (st->tables)
		rc = crfd_bpf_tables_read(lane, &st->units.v[units->from], n, st->together, b);
	for (size_t i = units->from; i < units->to && rc >= 0 && !st->tables; i++)
		rc = read_unit(lane, &st->units.v[i], b);
	if (rc >= 0 && lane->looker.flags & CRFD_SCAN_HOLDS)
		rc = crfd_bpf_held(lane, &st->units.v[units->from], n, st->together, b);
	if (rc >= 0 && lane->looker.flags & CRFD_SCAN_HOLDS)
		rc = crfd_bpf_inside(lane, &st->units.v[units->from], n, st->together, b);
	if (rc >= 0 && lane->looker.flags & CRFD_SCAN_POLLS)
		rc = crfd_bpf_polled(&lane->looker, b);
	return rc < 0 ? rc : 0;
}

/* The next units, as many as have about a batch of descriptors if their tables are full. */
static int bpf_claim(void *state, struct crfd_scan_job *units)
{
	struct state *st = state;
	uint64_t slots = 0;

	units->from = st->next;
	while (st->next < st->units.nr && slots < BATCH_FDS && st->next - units->from < BATCH_TASKS) {
		const struct crfd_bpf_unit *unit = &st->units.v[st->next++];

		slots += unit->empty ? 0 : unit->rec.fd_size;
	}
	units->to = st->next;
	return units->from < units->to;
}

static int bpf_join(void *state, int number)
{
	struct state *st = state;
	struct crfd_bpf_lane *lane = &st->lane[number];
	enum crfd_bpf_step step;
	int rc = crfd_bpf_get(number, lane->looker.flags & CRFD_SCAN_HOLDS, &lane->bpf, &step);

	lane->looker.bpf = lane->bpf;
	/* One that cannot walk as the others do leaves the work to them. */
	return rc >= 0 && st->tables && !crfd_bpf_ask(lane->bpf) ? -EOPNOTSUPP : rc;
}

static void lane_init(struct crfd_bpf_lane *lane, const crfd_scan_options *options, int granted)
{
	lane->one.iter = lane->all.iter = lane->one_table.iter = lane->all_tables.iter = lane->all_inside.iter = lane->all_held.iter = -1;
	lane->looker = (struct crfd_bpf_looker){.scratch = &lane->asker.scratch, .flags = crfd_scan_flags(options)};
	lane->looker.holds.deleted.mnt_id = -1;
	if (options->push)
		lane->looker.holds.push = *options->push;
	lane->push = crfd_bpf_push(options->push);
	lane->clk_tck = sysconf(_SC_CLK_TCK);
	crfd_getfd_init(&lane->asker.getfd, granted, 0, lane->looker.flags); /* the walk tells owners */
}

static void lane_release(struct crfd_bpf_lane *lane)
{
	crfd_bpf_source_release(&lane->one);
	crfd_bpf_source_release(&lane->all);
	crfd_bpf_source_release(&lane->one_table);
	crfd_bpf_source_release(&lane->all_tables);
	crfd_bpf_source_release(&lane->all_inside);
	crfd_bpf_source_release(&lane->all_held);
	crfd_bpf_maps_release(&lane->maps);
	free(lane->looker.numbers.v);
	crfd_holds_release(&lane->looker.holds);
	crfd_polls_release(&lane->looker.polls);
	crfd_mount_table_release(&lane->looker.mounts);
	crfd_buf_release(&lane->asker.scratch);
	crfd_detail_release(&lane->asker.detail);
	crfd_bpf_asked_release(&lane->asker.asked);
	crfd_buf_release(&lane->begin);
	crfd_bpf_words_release(&lane->words);
	crfd_getfd_release(&lane->asker.getfd);
	crfd_names_release(&lane->asker.names);
	if (lane->bpf)
		crfd_bpf_put(lane->bpf);
}

static void bpf_close(void *state)
{
	struct state *st = state;

	crfd_bpf_units_release(&st->units);
	for (int i = 0; i < CRFD_BPF_LANES; i++)
		lane_release(&st->lane[i]);
	free(st);
}

/* Returns as many lanes as the tables are worth: small ones that each need an iterator of their own are not. */
static int lanes_for(const struct crfd_bpf_units *u, int selects, int together)
{
	uint64_t slots = 0;

	for (size_t i = 0; i < u->nr; i++)
		slots += u->v[i].empty ? 0 : u->v[i].rec.fd_size;
	if (u->nr < 2 || slots <= BATCH_FDS)
		return 0;
	return selects && slots > 2 * BATCH_FDS && (together || slots / u->nr >= LARGE_SLOTS) ? CRFD_BPF_LANES : 1;
}

static int start(struct state *st, const int32_t *pids, size_t n, int threads)
{
	crfd_bpf *bpf = st->lane[0].bpf;
	int selects = crfd_bpf_selects(bpf);
	int rc = crfd_bpf_units_find(&st->units, bpf, pids, n, n > MANY || !selects);

	if (rc < 0)
		return rc;
	st->tables = selects && crfd_bpf_ask(bpf);
	st->together = st->units.ascending && n > MANY;
	st->lanes = lanes_for(&st->units, selects, st->tables && st->together);
	if (st->tables)
		return 0;
	if (!selects || (st->units.most && st->units.ascending && (st->lanes < 2 || threads < 2)))
		return crfd_bpf_source_start(&st->lane[0].all, bpf, 0);
	return 0;
}

static int bpf_lanes(const void *state)
{
	return ((const struct state *)state)->lanes;
}

static int bpf_open(const int32_t *pids, size_t n, const crfd_scan_options *options, void **state)
{
	int granted = crfd_probe_pidfd_getfd(), rc;
	struct state *st;

	if (crfd_is_ours(granted))
		return granted;
	st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	for (int i = 0; i < CRFD_BPF_LANES; i++)
		lane_init(&st->lane[i], options, granted == 0);
	rc = bpf_join(st, 0);
	if (rc >= 0)
		rc = start(st, pids, n, options->threads);
	if (rc < 0) {
		bpf_close(st);
		return rc;
	}
	*state = st;
	return 0;
}

const struct crfd_scan_ops crfd_scan_bpf = {.open = bpf_open, .lanes = bpf_lanes, .join = bpf_join,
					    .claim = bpf_claim, .fill = bpf_fill, .close = bpf_close};
