/* SPDX-License-Identifier: MIT */
/*
 * A custom mutator for images: a change to records, then lengths, objrefs, counts, the index and the sums are mended, so that the
 * next thing that refuses the image is a rule. What is no row of records is left to the changes of libFuzzer itself.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include "base/base.h"
#include "format/format.h"
#include "fuzz.h"

#define MUTATE_RECORDS 512 /* that are told apart; the rest stays as it is */
#define MUTATE_SECTIONS 64

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

struct mutate_span {
	const uint8_t *p;
	size_t n; /* header included */
};

struct mutate {
	struct mutate_span rec[MUTATE_RECORDS];
	size_t nr;
	uint32_t random;
	uint8_t *out; /* what the records become */
	size_t n, room;
};

static inline uint32_t mutate_below(struct mutate *m, size_t n)
{
	m->random = m->random * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(m->random >> 8) * n >> 24);
}

static inline int mutate_type(struct mutate_span s)
{
	int16_t type;

	memcpy(&type, s.p, sizeof(type));
	return type;
}

static inline void mutate_split(struct mutate *m, const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (m->nr < MUTATE_RECORDS && size - at >= sizeof(crfd_rec)) {
		crfd_rec h;
		size_t n;

		memcpy(&h, data + at, sizeof(h));
		n = sizeof(h) + (h.len < 0 ? 0 : (size_t)h.len);
		n = n > size - at ? size - at : n;
		m->rec[m->nr++] = (struct mutate_span){data + at, n};
		at += n;
	}
}

/* Drops a record, puts it in twice, lets two change places, or puts one elsewhere. */
static inline void mutate_order(struct mutate *m)
{
	size_t i = mutate_below(m, m->nr), k = mutate_below(m, m->nr);
	struct mutate_span one = m->rec[i];

	switch (mutate_below(m, 3)) {
	case 0:
		memmove(&m->rec[i], &m->rec[i + 1], (m->nr - i - 1) * sizeof(one));
		m->nr--;
		return;
	case 1:
		if (m->nr == MUTATE_RECORDS)
			return;
		memmove(&m->rec[k + 1], &m->rec[k], (m->nr - k) * sizeof(one));
		m->rec[k] = one;
		m->nr++;
		return;
	default:
		m->rec[i] = m->rec[k];
		m->rec[k] = one;
	}
}

/* Appends a record; `change`: after libFuzzer has changed its payload, whose length the header then has. */
static inline void mutate_put(struct mutate *m, struct mutate_span s, int change)
{
	size_t room = m->room - m->n;
	crfd_rec h;

	if (s.n > room || s.n < sizeof(h))
		return;
	memcpy(m->out + m->n, s.p, s.n);
	memcpy(&h, s.p, sizeof(h));
	if (change && s.n > sizeof(h)) {
		size_t most = room - sizeof(h) < CRFD_REC_MAX ? room - sizeof(h) : CRFD_REC_MAX, len = s.n - sizeof(h);

		/* A payload of a fixed size keeps it mostly. */
		len = LLVMFuzzerMutate(m->out + m->n + sizeof(h), len, mutate_below(m, 4) || len > most ? len : most);
		if (mutate_below(m, 4) && len < s.n - sizeof(h)) {
			memset(m->out + m->n + sizeof(h) + len, 0, s.n - sizeof(h) - len);
			len = s.n - sizeof(h);
		}
		h.len = (int16_t)len;
		s.n = sizeof(h) + len;
	}
	if (change && !mutate_below(m, 16))
		h.type = (int16_t)mutate_type(m->rec[mutate_below(m, m->nr)]);
	memcpy(m->out + m->n, &h, sizeof(h));
	m->n += s.n;
}

/* ---- mends: of the records in m->out, whose headers are right ---- */

struct mutate_mend {
	uint64_t start; /* of the section */
	uint8_t *files; /* FILES of the section */
	uint8_t *ent; /* the last FD_ENT */
	uint32_t pid, nfds, table, first, objrefs, total;
	uint32_t was[MUTATE_RECORDS]; /* by objref less 1: what it was called */
	crfd_index_entry entry[MUTATE_SECTIONS];
	size_t nentries;
	uint64_t index;
};

static inline void mutate_entry(struct mutate_mend *f, uint8_t *v)
{
	crfd_fd_ent ent;

	memcpy(&ent, v, sizeof(ent));
	f->ent = v;
	f->nfds++;
	f->total++;
	for (uint32_t i = 0; i < f->objrefs; i++)
		if (f->was[i] == ent.objref) {
			ent.objref = i + 1;
			break;
		}
	memcpy(v, &ent, sizeof(ent));
}

/* The description of the last entry: it gets the next objref. */
static inline void mutate_description(struct mutate_mend *f)
{
	uint32_t was;

	if (!f->ent || f->objrefs == MUTATE_RECORDS)
		return;
	memcpy(&was, f->ent, sizeof(was));
	f->was[f->objrefs++] = was;
	memcpy(f->ent, &f->objrefs, sizeof(f->objrefs));
}

static inline void mutate_section_sum(struct mutate_mend *f, struct mutate *m, size_t at)
{
	crfd_section_sum sum = {.length = at - f->start, .nfds = f->nfds};
	crfd_index_entry *e = &f->entry[f->nentries];

	if (f->files)
		memcpy(f->files + offsetof(crfd_files, nfds), &f->nfds, sizeof(f->nfds));
	sum.crc = crfd_crc32c(0, m->out + f->start, sum.length);
	memcpy(m->out + at + sizeof(crfd_rec), &sum, sizeof(sum));
	if (f->nentries == MUTATE_SECTIONS)
		return;
	*e = (crfd_index_entry){.offset = f->start, .length = sum.length + sizeof(crfd_rec) + sizeof(sum), .pid = f->pid,
				.nfds = f->nfds, .first_objref = f->first, .new_objrefs = f->objrefs + 1 - f->first,
				.files_objref = f->table, .crc = sum.crc};
	f->nentries++;
}

static inline void mutate_parent(const struct mutate_mend *f, crfd_rec *h)
{
	if (h->type >= CRFD_REC_TASK_INFO && h->type < CRFD_REC_FD_STAT)
		h->parent = f->pid;
	else if (h->type == CRFD_REC_FILES)
		h->parent = f->pid;
	else if (h->type == CRFD_REC_FD_DATA || (h->type >= CRFD_REC_FD_STAT && h->type < CRFD_REC_CRITICAL_FIRST))
		h->parent = f->objrefs;
	else
		h->parent = 0;
}

static inline void mutate_mend_record(struct mutate_mend *f, struct mutate *m, size_t at, crfd_rec *h)
{
	uint8_t *v = m->out + at + sizeof(*h);

	switch (h->type) {
	case CRFD_REC_TASK:
		f->start = at;
		f->first = f->objrefs + 1;
		f->nfds = f->table = 0;
		f->files = f->ent = NULL;
		break;
	case CRFD_REC_TASK_INFO:
		if (h->len >= 4)
			memcpy(&f->pid, v, sizeof(f->pid));
		break;
	case CRFD_REC_FILES:
		if ((size_t)h->len == sizeof(crfd_files)) {
			f->files = v;
			memcpy(&f->table, v, sizeof(f->table));
		}
		break;
	case CRFD_REC_FD_ENT:
		if ((size_t)h->len == sizeof(crfd_fd_ent))
			mutate_entry(f, v);
		break;
	case CRFD_REC_FD_DATA:
		mutate_description(f);
		break;
	case CRFD_REC_SECTION_SUM:
		if ((size_t)h->len == sizeof(crfd_section_sum))
			mutate_section_sum(f, m, at);
		break;
	}
	mutate_parent(f, h);
	memcpy(m->out + at, h, sizeof(*h));
}

/* The records that all sections decide: the index, the sum, the end. */
static inline size_t mutate_end(const struct mutate_mend *f, struct mutate *m, size_t at)
{
	size_t n = f->nentries * sizeof(crfd_index_entry);
	crfd_rec h = {.type = CRFD_REC_INDEX, .len = (int16_t)n};
	crfd_image_sum sum = {.index_offset = at, .nfds = f->total, .ntasks = (uint32_t)f->nentries, .nobjrefs = f->objrefs};
	crfd_tail tail = {CRFD_TAIL_MAGIC};

	if (m->room - at < 4 * sizeof(h) + n + sizeof(sum) + sizeof(tail))
		return at;
	if (n) {
		memcpy(m->out + at, &h, sizeof(h));
		memcpy(m->out + at + sizeof(h), f->entry, n);
		at += sizeof(h) + n;
	}
	sum.index_crc = crfd_crc32c(0, (const uint8_t *)f->entry, n);
	h = (crfd_rec){.type = CRFD_REC_IMAGE_SUM, .len = sizeof(sum)};
	memcpy(m->out + at, &h, sizeof(h));
	memcpy(m->out + at + sizeof(h), &sum, sizeof(sum));
	sum.crc = crfd_crc32c(0, m->out, at + sizeof(h) + offsetof(crfd_image_sum, crc));
	memcpy(m->out + at + sizeof(h), &sum, sizeof(sum));
	at += sizeof(h) + sizeof(sum);
	h = (crfd_rec){.type = CRFD_REC_TAIL, .len = sizeof(tail)};
	memcpy(m->out + at, &h, sizeof(h));
	memcpy(m->out + at + sizeof(h), &tail, sizeof(tail));
	return at + sizeof(h) + sizeof(tail);
}

static inline void mutate_mend_all(struct mutate *m)
{
	struct mutate_mend f = {.first = 1};
	size_t at = 0, end = m->n;
	crfd_rec h;

	for (; at < end; at += sizeof(h) + (size_t)h.len) {
		memcpy(&h, m->out + at, sizeof(h));
		if (h.type == CRFD_REC_INDEX || h.type == CRFD_REC_IMAGE_SUM || h.type == CRFD_REC_TAIL)
			break;
		mutate_mend_record(&f, m, at, &h);
	}
	m->n = mutate_end(&f, m, at);
}

/* Whether every header fits its record, as it does unless the input was none of records. */
static inline int mutate_is_sound(const struct mutate *m)
{
	crfd_rec h;

	for (size_t at = 0; at < m->n; at += sizeof(h) + (size_t)h.len) {
		if (m->n - at < sizeof(h))
			return 0;
		memcpy(&h, m->out + at, sizeof(h));
		if (h.len < 0 || (size_t)h.len > m->n - at - sizeof(h))
			return 0;
	}
	return 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static struct mutate m;
	uint8_t *out = malloc(max_size);
	size_t changed;

	m = (struct mutate){.random = seed, .out = out, .room = max_size};
	mutate_split(&m, data, size);
	if (!out || m.nr < 4 || !mutate_below(&m, 16)) {
		free(out);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	for (uint32_t n = mutate_below(&m, 3) ? 0 : 1 + mutate_below(&m, 2); n && m.nr > 1; n--)
		mutate_order(&m);
	changed = mutate_below(&m, m.nr);
	for (size_t i = 0; i < m.nr; i++)
		mutate_put(&m, m.rec[i], i == changed);
	if (mutate_is_sound(&m) && mutate_below(&m, 16))
		mutate_mend_all(&m);
	memcpy(data, out, m.n);
	free(out);
	return m.n ? m.n : LLVMFuzzerMutate(data, size, max_size);
}

#endif
