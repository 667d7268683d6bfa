/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* qsort_r, getrandom */
#include "tally/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "columns/column.h"
#include "columns/reader.h"

/* An index numbers, from 1, what has been seen before, by hash: open addressing, half of the slots empty at least. */
struct index {
	uint32_t *slot;
	size_t size, used;
};

/* An inode without a name that a group has. */
struct inode {
	uint64_t dev, ino;
	uint32_t group, pad;
};

struct crfd_tally {
	const struct crfd_column **column;
	size_t ncolumns;
	int of_task; /* all columns are about the task */
	const crfd_filter *filter;
	const struct crfd_column *deleted_bytes;
	struct crfd_scratch scratch;
	uint64_t seed; /* names are chosen by strangers: they must not know where they collide */
	crfd_buf text; /* of all keys, and behind them of the one being made */
	crfd_tally_group *group;
	size_t ngroups, group_alloc;
	uint32_t (*kind)[CRFD_KINDS]; /* of each group, NULL: not counted */
	size_t kind_alloc;
	int with_kinds;
	struct inode *inode;
	size_t ninodes, inode_alloc;
	struct index groups, inodes;
	crfd_task_info last; /* the task of the group `last_group` */
	uint32_t last_group;
};

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static uint64_t hash(uint64_t seed, const void *p, size_t n)
{
	const uint8_t *at = p;
	uint64_t h = seed ^ n, word;

	for (; n; at += n < 8 ? n : 8, n -= n < 8 ? n : 8) {
		word = 0;
		memcpy(&word, at, n < 8 ? n : 8);
		h = mix(h ^ word) + seed;
	}
	return h;
}

static uint64_t hash_group(const crfd_tally *t, size_t i)
{
	return hash(t->seed, t->text.v + t->group[i].key, t->group[i].key_len);
}

static uint64_t hash_inode(const crfd_tally *t, size_t i)
{
	return hash(t->seed, &t->inode[i], sizeof(t->inode[i]));
}

/* Makes room for one more. 0 or -ENOMEM. */
static int widen(crfd_tally *t, struct index *x, uint64_t (*hash_of)(const crfd_tally *t, size_t i))
{
	size_t size = x->size ? 2 * x->size : 64;
	uint32_t *slot;

	if (2 * (x->used + 1) <= x->size)
		return 0;
	slot = calloc(size, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < x->used; i++) {
		size_t at = hash_of(t, i) & (size - 1);

		while (slot[at])
			at = (at + 1) & (size - 1);
		slot[at] = (uint32_t)i + 1;
	}
	free(x->slot);
	x->slot = slot;
	x->size = size;
	return 0;
}

/* Puts a value as text, and nothing where it is not known. */
static int put_value(crfd_tally *t, const struct crfd_column *c, const struct crfd_row *row)
{
	struct crfd_value v;
	int rc = crfd_column_value(c, &t->scratch, row, &v);

	if (rc >= 0 && v.known) {
		if (c->info.type == CRFD_COLUMN_TEXT)
			rc = crfd_buf_put(&t->text, v.text.p, v.text.n);
		else if (c->info.type == CRFD_COLUMN_INT)
			rc = crfd_text_signed(&t->text, (int64_t)v.number);
		else
			rc = crfd_text_number(&t->text, v.number);
	}
	return rc < 0 ? rc : crfd_buf_put(&t->text, "", 1);
}

static int find_group(crfd_tally *t, const struct crfd_row *row, uint32_t *out)
{
	size_t key = t->text.nr, n, at;
	int rc = widen(t, &t->groups, hash_group);

	for (size_t i = 0; i < t->ncolumns && rc >= 0; i++)
		rc = put_value(t, t->column[i], row);
	if (rc < 0)
		return rc;
	n = t->text.nr - key;
	at = hash(t->seed, t->text.v + key, n) & (t->groups.size - 1);
	for (; t->groups.slot[at]; at = (at + 1) & (t->groups.size - 1)) {
		const crfd_tally_group *g = &t->group[t->groups.slot[at] - 1];

		if (g->key_len == n && !memcmp(t->text.v + g->key, t->text.v + key, n)) {
			t->text.nr = key;
			*out = t->groups.slot[at] - 1;
			return 0;
		}
	}
	rc = crfd_grow(&t->group, &t->group_alloc, t->ngroups + 1, sizeof(*t->group));
	if (rc >= 0 && t->with_kinds)
		rc = crfd_grow(&t->kind, &t->kind_alloc, t->ngroups + 1, sizeof(*t->kind));
	if (rc < 0)
		return rc;
	t->group[t->ngroups] = (crfd_tally_group){.key = key, .key_len = (uint32_t)n, .number = (uint32_t)t->ngroups};
	if (t->with_kinds)
		memset(t->kind[t->ngroups], 0, sizeof(*t->kind));
	t->groups.slot[at] = (uint32_t)++t->ngroups;
	t->groups.used++;
	*out = (uint32_t)t->ngroups - 1;
	return 0;
}

static int is_of_last(const crfd_tally *t, const struct crfd_row *row)
{
	return t->of_task && t->ngroups && !memcmp(&t->last, &row->task->info, sizeof(t->last));
}

/* Adds an inode to the group: 1 where it is new there, 0, or -ENOMEM. */
static int add_inode(crfd_tally *t, uint32_t group, const struct crfd_row *row)
{
	struct inode one = {row->st.dev, row->st.ino, group, 0};
	int rc = widen(t, &t->inodes, hash_inode);
	size_t at;

	if (rc < 0)
		return rc;
	at = hash(t->seed, &one, sizeof(one)) & (t->inodes.size - 1);
	for (; t->inodes.slot[at]; at = (at + 1) & (t->inodes.size - 1))
		if (!memcmp(&t->inode[t->inodes.slot[at] - 1], &one, sizeof(one)))
			return 0;
	rc = crfd_grow(&t->inode, &t->inode_alloc, t->ninodes + 1, sizeof(*t->inode));
	if (rc < 0)
		return rc;
	t->inode[t->ninodes] = one;
	t->inodes.slot[at] = (uint32_t)++t->ninodes;
	t->inodes.used++;
	return 1;
}

static int count(crfd_tally *t, const struct crfd_row *row)
{
	struct crfd_value bytes;
	crfd_tally_group *g;
	int rc = is_of_last(t, row) ? 0 : find_group(t, row, &t->last_group);

	if (rc < 0)
		return rc;
	t->last = row->task->info;
	g = &t->group[t->last_group];
	g->fds++;
	g->shared += row->uses > 1;
	if (!row->is_read) {
		g->unread++;
		return 0;
	}
	if (t->with_kinds)
		t->kind[t->last_group][row->data.fd_type < CRFD_KINDS ? row->data.fd_type : CRFD_KIND_UNKNOWN]++;
	rc = crfd_column_value(t->deleted_bytes, &t->scratch, row, &bytes);
	if (rc < 0 || !bytes.known || !bytes.number)
		return rc;
	rc = add_inode(t, t->last_group, row);
	if (rc > 0)
		t->group[t->last_group].deleted_bytes += bytes.number;
	return rc;
}

int crfd_tally_new(const uint16_t *column, size_t ncolumns, const crfd_filter *filter, int kinds, crfd_tally **out)
{
	crfd_tally *t = calloc(1, sizeof(*t));
	int rc = -EINVAL;

	if (!t)
		return -ENOMEM;
	t->column = calloc(ncolumns + 1, sizeof(*t->column));
	if (!t->column)
		rc = -ENOMEM;
	t->of_task = 1;
	for (; t->column && t->ncolumns < ncolumns; t->ncolumns++) {
		const struct crfd_column *c = crfd_column_at(column[t->ncolumns]);

		if (!c || c->info.type == CRFD_COLUMN_LIST)
			break;
		t->column[t->ncolumns] = c;
		t->of_task &= c->info.about == CRFD_ABOUT_TASK;
	}
	if (!t->column || t->ncolumns < ncolumns || !ncolumns) {
		crfd_tally_free(t);
		return rc;
	}
	t->filter = filter;
	t->with_kinds = kinds;
	t->deleted_bytes = crfd_column_at((size_t)crfd_column_find("deleted_bytes", 13));
	if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) < 0)
		t->seed = (uint64_t)(uintptr_t)t; /* early in boot, before strangers have files */
	*out = t;
	return 0;
}

int crfd_tally_rows(crfd_tally *t, crfd_reader *r, size_t want)
{
	struct crfd_row row;
	int rc = 0;

	for (; want; want--) {
		rc = crfd_reader_next(r, &row);
		if (rc == 0)
			return 0;
		if (rc > 0 && t->filter)
			rc = crfd_filter_eval(t->filter, &t->scratch, &row);
		if (rc > 0 && !row.held)
			rc = count(t, &row);
		if (rc < 0)
			return rc;
	}
	return 1;
}

/* Orders the larger first, and those alike by their text. */
static int compare(const void *a, const void *b, void *text)
{
	const crfd_tally_group *one = a, *two = b;
	size_t n = one->key_len < two->key_len ? one->key_len : two->key_len;

	if (one->fds != two->fds)
		return one->fds > two->fds ? -1 : 1;
	return memcmp((const uint8_t *)text + one->key, (const uint8_t *)text + two->key, n);
}

const crfd_tally_group *crfd_tally_groups(crfd_tally *t, size_t *n, const uint8_t **text)
{
	if (t->ngroups)
		qsort_r(t->group, t->ngroups, sizeof(*t->group), compare, t->text.v);
	*n = t->ngroups;
	*text = t->text.v;
	return t->group;
}

const uint32_t *crfd_tally_kinds(const crfd_tally *t, uint32_t number)
{
	return t->with_kinds && number < t->ngroups ? t->kind[number] : NULL;
}

void crfd_tally_free(crfd_tally *t)
{
	if (!t)
		return;
	free(t->column);
	free(t->group);
	free(t->kind);
	free(t->inode);
	free(t->groups.slot);
	free(t->inodes.slot);
	crfd_buf_release(&t->text);
	crfd_scratch_release(&t->scratch);
	free(t);
}
