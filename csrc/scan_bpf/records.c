/* SPDX-License-Identifier: MIT */
#include "scan_bpf/records.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

static int take_record(void *to, const struct walk_task *r)
{
	struct crfd_bpf_records *out = to;

	if (crfd_grow(&out->v, &out->alloc, out->nr + 1, sizeof(*out->v)) < 0)
		return -ENOMEM;
	out->v[out->nr++] = *r;
	return 0;
}

/* Gives each record of one read to take(). */
static int take_all(const uint8_t *at, size_t left, int (*take)(void *, const struct walk_task *), void *to)
{
	int rc = 0;

	while (left && rc >= 0) {
		const struct walk_task *r = (const struct walk_task *)at;

		if (left < sizeof(*r) || r->len > left ||
		    r->len != sizeof(*r) + (r->told ? ((uint64_t)r->fd_size + 63) / 64 * 8 : 0))
			return -EPROTO;
		at += r->len;
		left -= r->len;
		rc = take(to, r);
	}
	return rc;
}

static int walk(crfd_bpf *bpf, struct crfd_bpf_scope scope, int (*take)(void *, const struct walk_task *), void *to)
{
	size_t piece = crfd_bpf_piece();
	uint8_t *buf = malloc(piece);
	int iter = buf ? crfd_bpf_iter(bpf, CRFD_BPF_TASKS, scope) : -ENOMEM;
	ssize_t got = iter;

	while (got >= 0) {
		got = crfd_bpf_read(bpf, iter, buf, piece);
		if (got <= 0)
			break;
		got = take_all(buf, (size_t)got, take, to);
	}
	if (iter >= 0)
		close(iter);
	free(buf);
	return (int)got;
}

int crfd_bpf_records_read(crfd_bpf *bpf, struct crfd_bpf_scope scope, struct crfd_bpf_records *out)
{
	return walk(bpf, scope, take_record, out);
}

int crfd_bpf_unit_lives(const struct crfd_bpf_unit *unit, crfd_bpf *bpf)
{
	struct crfd_bpf_records r = {0};
	int lives = 0, rc = crfd_bpf_records_read(bpf, (struct crfd_bpf_scope){.tid = (int32_t)unit->rec.tid}, &r);

	for (size_t i = 0; i < r.nr; i++)
		lives |= r.v[i].tid == unit->rec.tid && r.v[i].start == unit->rec.start && !r.v[i].exit_state;
	free(r.v);
	return rc < 0 ? rc : lives;
}

int crfd_bpf_numbers_put(const void *open, uint32_t slots, struct crfd_numbers *out)
{
	for (uint32_t i = 0; i < slots; i += 64) {
		if (crfd_grow(&out->v, &out->alloc, out->nr + 64, sizeof(*out->v)) < 0)
			return -ENOMEM;
		for (uint64_t bits = ((const uint64_t *)open)[i / 64]; bits; bits &= bits - 1)
			out->v[out->nr++] = (int32_t)i + __builtin_ctzll(bits);
	}
	return 0;
}

/* A second look at a unit's table. */
struct look {
	const struct walk_task *of;
	struct crfd_numbers *out;
	int found;
};

static int take_numbers(void *to, const struct walk_task *r)
{
	struct look *look = to;

	if (r->tid != look->of->tid || r->start != look->of->start || !r->told)
		return 0;
	look->found = 1;
	return crfd_bpf_numbers_put(r + 1, r->fd_size, look->out);
}

int crfd_bpf_unit_numbers(const struct crfd_bpf_unit *unit, crfd_bpf *bpf, struct crfd_numbers *out)
{
	struct look look = {.of = &unit->rec, .out = out};
	int rc = walk(bpf, (struct crfd_bpf_scope){.tid = (int32_t)unit->rec.tid}, take_numbers, &look);

	return rc < 0 ? rc : look.found ? 0 : -ENOENT;
}
