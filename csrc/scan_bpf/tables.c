/* SPDX-License-Identifier: MIT */
#include "scan_bpf/tables.h"

#include <errno.h>

#include "base/buf.h"
#include "batch/batch.h"
#include "scan_bpf/files.h"
#include "scan_bpf/told.h"

static int is_of(const struct walk_fd *r, const struct crfd_bpf_unit *unit)
{
	return r->tid == unit->rec.tid && r->start == unit->rec.start;
}

/* Takes back what was appended to b since the mark. */
struct mark {
	size_t nfds, text;
};

static void take_back(crfd_batch *b, struct mark mark)
{
	b->task[b->ntasks - 1].nfds = b->task[b->ntasks - 1].nerrors = 0;
	b->nfds = mark.nfds;
	b->text.nr = mark.text;
}

/*
 * The records of a task up to its end, which *end becomes. A task that ends between two runs of the walk has none: what was read
 * of it is then taken for nothing, and who reads it alone is told that it is gone.
 */
static int take_all(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, crfd_batch *b, struct walk_end *end)
{
	const struct walk_fd *r;
	int rc;

	while ((rc = crfd_bpf_source_peek(s, lane->bpf, &r)) > 0 && r->fd >= 0) {
		rc = crfd_bpf_files_take_run(lane, s, r->tid, r->start, b);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	if (rc == 0 || r->fd != WALK_END) {
		*end = (struct walk_end){.unable = 1};
		return 0;
	}
	*end = *(const struct walk_end *)r;
	lane->looker.numbers.nr = 0;
	if (end->told)
		rc = crfd_bpf_numbers_put((const struct walk_end *)r + 1, end->fd_size, &lane->looker.numbers);
	s->at += r->len;
	return rc < 0 ? rc : (int)end->told;
}

/* 1, or 0 where the task is gone, be it that another one has its number. */
static int find_begin(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *unit,
		      const struct walk_fd **out)
{
	int rc;

	while ((rc = crfd_bpf_source_peek(s, lane->bpf, out)) > 0 && (*out)->tid <= unit->rec.tid) {
		if (is_of(*out, unit))
			return (*out)->fd == WALK_BEGIN ? 1 : -EPROTO;
		s->at += (*out)->len;
	}
	return rc < 0 ? rc : 0;
}

static int keep_begin(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct walk_fd *r)
{
	crfd_buf_clear(&lane->begin);
	s->at += r->len;
	return crfd_buf_put(&lane->begin, r, r->len);
}

/* Returns the task as it is now, in place of what it was when the tasks were listed. */
static struct crfd_bpf_unit renewed(const struct crfd_bpf_unit *unit, const struct walk_begin *begin)
{
	struct crfd_bpf_unit now = *unit;

	now.rec = begin->task;
	now.rec.files = unit->rec.files;
	return now;
}

static void set_net_ns(struct crfd_bpf_asker *asker, const struct walk_begin *begin)
{
	asker->tid = begin->tid;
	asker->start = begin->start;
	asker->net_ns = begin->net_ns;
}

static int read_unit(struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *unit, size_t i,
		     crfd_batch *b)
{
	struct mark mark = {.nfds = b->nfds, .text = b->text.nr};
	crfd_task *t = crfd_batch_task(b);
	const struct walk_begin *begin;
	struct crfd_bpf_unit now;
	const struct walk_fd *r;
	struct walk_end end;
	int told, rc;

	if (!t)
		return -ENOMEM;
	crfd_bpf_unit_task(unit, lane->clk_tck, t);
	if (unit->err)
		return 0;
	rc = find_begin(lane, s, unit, &r);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		t->err = ESRCH;
		t->step = CRFD_STEP_TASK;
		return 0;
	}
	rc = keep_begin(lane, s, r);
	if (rc < 0)
		return rc;
	begin = (const struct walk_begin *)lane->begin.v;
	now = renewed(unit, begin);
	crfd_bpf_unit_task(&now, lane->clk_tck, t);
	set_net_ns(&lane->asker, begin);
	told = take_all(lane, s, b, &end);
	if (told >= 0 && end.unable) {
		take_back(b, mark);
		crfd_bpf_asked_forget(&lane->asker.asked);
		rc = crfd_bpf_files_read(lane, &now, b);
		told = rc < 0 ? rc : 0;
	}
	if (told < 0)
		return told;
	t->info.identity = t->nfds ? CRFD_IDENTITY_EXACT : CRFD_IDENTITY_NONE;
	return crfd_bpf_told(lane, &now, i, told, b);
}

/* Returns 1 where a unit can be walked with others: threads that have tables of their own do not come by number. */
static int is_one_of_many(const struct crfd_bpf_unit *unit)
{
	return unit->err || unit->rec.tid == unit->rec.tgid;
}

/* Asks for the first units, as many as go together; how many these are. */
static size_t ask(const struct crfd_bpf_lane *lane, struct crfd_bpf_source *s, const struct crfd_bpf_unit *units, size_t n)
{
	uint32_t tid[WALK_ASK_MAX];
	uint8_t bare[WALK_ASK_MAX];
	size_t nr = 0, asked = 0;

	for (; nr < n && asked < WALK_ASK_MAX - 1 && (n == 1 || is_one_of_many(&units[nr])); nr++) {
		if (units[nr].err)
			continue;
		tid[asked] = units[nr].rec.tid;
		bare[asked++] = units[nr].empty != 0;
	}
	crfd_bpf_source_ask(s, tid, bare, asked, &lane->push);
	return nr;
}

ssize_t crfd_bpf_tables_begin(struct crfd_bpf_lane *lane, enum crfd_bpf_walk walk, const struct crfd_bpf_unit *units, size_t n,
			      int together, struct crfd_bpf_source **out)
{
	struct crfd_bpf_source *all = walk == CRFD_BPF_INSIDE ? &lane->all_inside :
				      walk == CRFD_BPF_HELD ? &lane->all_held : &lane->all_tables, *s;
	int rc = 0;

	together &= is_one_of_many(units);
	s = together ? all : &lane->one_table;
	if (s->iter < 0)
		rc = crfd_bpf_source_start_tables(s, lane->bpf, walk, together ? 0 : (int32_t)units->rec.tid);
	if (rc < 0)
		return rc;
	*out = s;
	return (ssize_t)ask(lane, s, units, together ? n : 1);
}

/* Reads the units from the i-th on, as many as go together; how many these were, or -errno. */
static ssize_t read_some(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t i, size_t n, int together,
			 crfd_batch *b)
{
	struct crfd_bpf_source *s;
	ssize_t nr = crfd_bpf_tables_begin(lane, CRFD_BPF_TABLES, units + i, n - i, together, &s);
	int rc = nr < 0 ? (int)nr : 0;

	for (size_t j = i; j < i + (size_t)nr && rc >= 0; j++)
		rc = read_unit(lane, s, &units[j], j, b);
	if (nr >= 0)
		lane->passed_holders |= s->ask->passed_holders != 0;
	if (nr >= 0 && s == &lane->one_table)
		crfd_bpf_source_stop(s);
	return rc < 0 ? rc : nr;
}

int crfd_bpf_tables_read(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b)
{
	ssize_t nr = crfd_bpf_words_are_ahead(lane) ? crfd_bpf_words_read(&lane->words, units, n) : 0;

	if (nr < 0)
		return (int)nr;
	lane->passed_holders = 0;
	crfd_bpf_hold(lane->bpf);
	for (size_t i = 0; i < n && nr >= 0; i += (size_t)nr)
		nr = read_some(lane, units, i, n, together, b);
	crfd_bpf_let_go(lane->bpf);
	return nr < 0 ? (int)nr : 0;
}
