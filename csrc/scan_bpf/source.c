/* SPDX-License-Identifier: MIT */
#include "scan_bpf/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/format.h"

void crfd_bpf_source_stop(struct crfd_bpf_source *s)
{
	if (s->iter >= 0)
		close(s->iter);
	s->iter = -1;
	s->at = s->end = 0;
}

int crfd_bpf_source_start(struct crfd_bpf_source *s, crfd_bpf *bpf, int32_t tid)
{
	if (!s->piece)
		s->piece = malloc(crfd_bpf_piece());
	if (!s->piece)
		return -ENOMEM;
	s->iter = crfd_bpf_iter(bpf, CRFD_BPF_FDS, (struct crfd_bpf_scope){.tid = tid});
	return s->iter < 0 ? s->iter : 0;
}

int crfd_bpf_source_start_tables(struct crfd_bpf_source *s, crfd_bpf *bpf, enum crfd_bpf_walk walk, int32_t tid)
{
	s->ask = crfd_bpf_ask(bpf);
	s->piece = crfd_bpf_room(bpf);
	s->over = 0;
	s->iter = crfd_bpf_iter(bpf, walk, (struct crfd_bpf_scope){.tid = tid});
	return s->iter < 0 ? s->iter : 0;
}

void crfd_bpf_source_ask(struct crfd_bpf_source *s, const uint32_t *tid, const uint8_t *bare, size_t n,
			 const struct walk_push *push)
{
	struct walk_ask *ask = s->ask;

	memset(ask, 0, sizeof(*ask));
	memset(ask->tid, 0xff, sizeof(ask->tid));
	memcpy(ask->tid, tid, n * sizeof(*tid));
	for (size_t i = 0; i < n; i++)
		ask->bare[i / 64] |= (uint64_t)bare[i] << i % 64;
	ask->nr = (uint32_t)n;
	ask->push = *push;
	s->at = s->end = 0;
}

/* Returns 1 where a path is within a record that has nothing else behind the n bytes of its header. */
static int is_whole_path(const struct crfd_bpf_source *s, const struct walk_fd *r, size_t n)
{
	size_t back = (size_t)r->dir * 8;

	if (r->len < n + (r->path > 0 ? (size_t)r->path : 0))
		return 0;
	if (r->bits & WALK_SIBLING)
		return back && back <= s->at && r->path > 1 && crfd_bpf_dir_of(r)->dir && !(crfd_bpf_dir_of(r)->bits & WALK_SIBLING);
	return !r->dir || r->dir < r->path;
}

static int is_whole_map(const struct crfd_bpf_source *s, const struct walk_map *m)
{
	size_t back = (size_t)m->file * 8;

	return m->len == sizeof(*m) && back && back <= s->at && crfd_bpf_file_of(m)->fd == WALK_HELD - CRFD_HELD_MAP;
}

/* Returns 1 where all of a record is there, and of a sibling the directory that it means. */
static int is_whole(const struct crfd_bpf_source *s, const struct walk_fd *r)
{
	const struct walk_end *end = (const struct walk_end *)r;
	size_t left = s->end - s->at;

	if (left < sizeof(*end) || r->len > left || r->len % 8)
		return 0;
	if (r->fd == WALK_MAP)
		return is_whole_map(s, (const struct walk_map *)r);
	if (r->fd == WALK_BEGIN)
		return is_whole_path(s, r, sizeof(struct walk_begin));
	if (r->fd == WALK_END)
		return r->len == sizeof(*end) + (end->told ? ((uint64_t)end->fd_size + 63) / 64 * 8 : 0);
	return is_whole_path(s, r, sizeof(*r));
}

static int read_more(struct crfd_bpf_source *s, crfd_bpf *bpf)
{
	ssize_t got = crfd_bpf_read(bpf, s->iter, s->piece, crfd_bpf_piece());

	s->at = s->end = 0;
	if (got > 0)
		s->end = (size_t)got;
	return (int)got;
}

/* A run may end with nothing, in the middle of a large table that has no open slots. */
static int run_on(struct crfd_bpf_source *s, crfd_bpf *bpf)
{
	int rc = 1;

	s->at = s->end = s->ask->used = 0;
	while (rc > 0 && !s->ask->done && !s->over && !s->ask->used) {
		rc = crfd_bpf_run(bpf, s->iter);
		s->over = rc == 0;
	}
	s->end = s->ask->used;
	if (s->end > WALK_ROOM + WALK_RECORD_MAX)
		return -EPROTO;
	return rc < 0 ? rc : s->end > 0;
}

int crfd_bpf_source_peek(struct crfd_bpf_source *s, crfd_bpf *bpf, const struct walk_fd **out)
{
	const struct walk_fd *r;
	int rc;

	if (s->at == s->end) {
		rc = s->ask ? run_on(s, bpf) : read_more(s, bpf);
		if (rc <= 0)
			return rc;
	}
	r = (const struct walk_fd *)(s->piece + s->at);
	if (!is_whole(s, r))
		return -EPROTO;
	*out = r;
	return 1;
}

void crfd_bpf_source_release(struct crfd_bpf_source *s)
{
	crfd_bpf_source_stop(s);
	if (!s->ask)
		free(s->piece);
	s->piece = NULL;
}
