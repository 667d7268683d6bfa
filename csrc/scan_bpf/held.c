/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* qsort_r */
#include "scan_bpf/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ours.h"
#include "scan_bpf/late.h"

#define KNOWN (CRFD_HAS_TYPE | CRFD_HAS_DEV | CRFD_HAS_INO | CRFD_HAS_MNT_ID | CRFD_HAS_PATH | CRFD_HAS_DELETED)
#define KNOWN_OF_NAMED (CRFD_HAS_NLINK | CRFD_HAS_SIZE) /* as crfd_held_look() has it */
#define MARK 10 /* " (deleted)" */

/* One mapped file, or some mappings of it. */
struct crfd_bpf_mapped {
	crfd_fd_stat st;
	uint16_t kind;
	uint32_t prot, len; /* of the name, in the names from `name` on */
	uint64_t name, nr, bytes;
};

static void tell(const crfd_fd *f, char first, crfd_fd_stat *st)
{
	*st = f->st;
	st->known &= first == '/' ? KNOWN | KNOWN_OF_NAMED : KNOWN;
	st->f_mode = 0;
	st->blocks = 0;
	if (first != '/') {
		st->nlink = 0;
		st->size = 0;
	}
}

/*
 * Takes what the walk says of a file, and its name, which stays behind the batch's text: 1, or 0 where stat(2) may say otherwise.
 */
static int take_file(const struct walk_fd *r, crfd_batch *b, crfd_fd *f)
{
	uint64_t ident;
	size_t text = b->text.nr;
	int rc = crfd_bpf_file(r, b, f, &ident);

	b->text.nr = text;
	if (rc < 0)
		return rc;
	return f->st.known & CRFD_HAS_INO && f->st.known & CRFD_HAS_PATH && f->kind != CRFD_KIND_ANON && f->kind != CRFD_KIND_KVM &&
	       f->name.len < PATH_MAX;
}

static int put_link(struct crfd_bpf_lane *lane, const struct walk_fd *r, crfd_batch *b)
{
	struct crfd_held_one one; /* its path would take longer to be zeroed than all else */
	crfd_fd f;
	int rc = take_file(r, b, &f);

	if (rc <= 0) {
		lane->maps.lacks |= rc == 0;
		return rc;
	}
	one.r = (crfd_held){.held = (uint16_t)(WALK_HELD - r->fd), .kind = f.kind, .fd = -1};
	one.len = f.name.len;
	memcpy(one.path, b->text.v + f.name.off, one.len);
	tell(&f, *one.path, &one.r.st);
	return crfd_held_fails(&lane->looker.holds.push, &one) ? 0 : crfd_held_put(&one, &b->text);
}

static int note_map(struct crfd_bpf_maps *maps, const struct walk_map *m, crfd_batch *b)
{
	struct crfd_bpf_mapped *v;
	crfd_fd f;
	int rc = take_file(crfd_bpf_file_of(m), b, &f);

	if (rc <= 0) {
		maps->lacks |= rc == 0;
		return rc;
	}
	if (crfd_grow(&maps->v, &maps->alloc, maps->nr + 1, sizeof(*maps->v)) < 0)
		return -ENOMEM;
	v = &maps->v[maps->nr++];
	*v = (struct crfd_bpf_mapped){.kind = f.kind, .prot = m->prot, .len = f.name.len, .name = maps->names.nr, .nr = m->nr,
				      .bytes = m->bytes};
	tell(&f, (char)b->text.v[f.name.off], &v->st);
	return crfd_buf_put(&maps->names, b->text.v + f.name.off, f.name.len);
}

/* Forgets those of the task before, of which the end may not have come. */
static void own(struct crfd_bpf_maps *maps, uint32_t tid)
{
	if (maps->tid == tid)
		return;
	maps->tid = tid;
	maps->nr = maps->names.nr = 0;
	maps->lacks = 0;
}

static int put(struct crfd_bpf_lane *lane, const struct walk_fd *r, crfd_batch *b, crfd_task *t)
{
	(void)t;
	own(&lane->maps, r->tid);
	if (r->fd == WALK_MAP)
		return note_map(&lane->maps, (const struct walk_map *)r, b);
	return r->fd == WALK_HELD - CRFD_HELD_MAP ? 0 : put_link(lane, r, b);
}

/* By what /proc/PID/maps says of it, as procfs/mapped.c has it. */
static int by_file(const void *a, const void *b, void *names)
{
	const struct crfd_bpf_mapped *x = a, *y = b;
	uint32_t x_len = x->len + (x->st.flags & CRFD_STAT_DELETED ? MARK : 0);
	uint32_t y_len = y->len + (y->st.flags & CRFD_STAT_DELETED ? MARK : 0);

	if (x->st.dev != y->st.dev)
		return x->st.dev < y->st.dev ? -1 : 1;
	if (x->st.ino != y->st.ino)
		return x->st.ino < y->st.ino ? -1 : 1;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return memcmp((uint8_t *)names + x->name, (uint8_t *)names + y->name, x->len < y->len ? x->len : y->len);
}

/* Puts the first of the files, of which the mappings stand together: how many those are, or -errno. */
static int put_mapped(struct crfd_bpf_lane *lane, const struct crfd_bpf_mapped *v, size_t n, crfd_buf *out)
{
	struct crfd_held_one one; /* as in put_link() */
	size_t i = 0;
	int rc = 0;

	one.r = (crfd_held){.held = CRFD_HELD_MAP, .fd = -1, .kind = v->kind, .st = v->st};
	one.len = v->len;
	do {
		one.r.prot |= v[i].prot;
		one.r.mappings += (uint32_t)v[i].nr;
		one.r.bytes += v[i].bytes;
	} while (++i < n && !by_file(v, v + i, lane->maps.names.v));
	memcpy(one.path, lane->maps.names.v + v->name, v->len);
	if (!crfd_held_fails(&lane->looker.holds.push, &one))
		rc = crfd_held_put(&one, out);
	return rc < 0 ? rc : (int)i;
}

static int end(struct crfd_bpf_lane *lane, const struct walk_end *r, crfd_batch *b, crfd_task *t)
{
	struct crfd_bpf_maps *maps = &lane->maps;
	size_t from = b->text.nr;
	int rc = 0, lacks;

	own(maps, r->tid);
	lacks = maps->lacks;
	if (!lacks && maps->nr)
		qsort_r(maps->v, maps->nr, sizeof(*maps->v), by_file, maps->names.v);
	for (size_t i = 0; i < maps->nr && rc >= 0 && !lacks; i += (size_t)rc)
		rc = put_mapped(lane, maps->v + i, maps->nr - i, &b->text);
	if (rc >= 0 && !lacks)
		rc = crfd_holds_keep(&lane->looker.holds, t, &b->text, from);
	if (rc >= 0 && !lacks && r->tty)
		rc = crfd_put_tty(&lane->looker.holds.push, r->tty >> 20, r->tty & 0xfffff, &b->text);
	own(maps, 0);
	return rc < 0 ? rc : !lacks;
}

static int ask(struct crfd_bpf_looker *l, const struct crfd_procstat *stat, int dir, crfd_batch *b, crfd_task *t)
{
	return crfd_task_held(&l->holds, dir, stat, b, t);
}

void crfd_bpf_maps_release(struct crfd_bpf_maps *maps)
{
	free(maps->v);
	crfd_buf_release(&maps->names);
}

int crfd_bpf_held(struct crfd_bpf_lane *lane, const struct crfd_bpf_unit *units, size_t n, int together, crfd_batch *b)
{
	static const struct crfd_bpf_late late = {.walk = CRFD_BPF_HELD, .once = 1, .put = put, .end = end, .ask = ask};

	own(&lane->maps, 0);
	return crfd_bpf_late(lane, &late, units, n, together, b);
}
