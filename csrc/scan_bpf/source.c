/* SPDX-License-Identifier: MIT */
#include "scan_bpf/source.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
	s->iter = crfd_bpf_iter(bpf, CRFD_BPF_FDS, (struct crfd_bpf_target){.tid = tid});
	return s->iter < 0 ? s->iter : 0;
}

/* Whether all of a record is there, and of a sibling the directory that it means. */
static int is_whole(const struct crfd_bpf_source *s, const struct walk_fd *r)
{
	size_t left = s->end - s->at, back = (size_t)r->dir * 8;

	if (left < sizeof(*r) || r->len > left || r->len % 8 || r->len < sizeof(*r) + (r->path > 0 ? (size_t)r->path : 0))
		return 0;
	if (r->bits & WALK_SIBLING)
		return back && back <= s->at && r->path > 1 && crfd_bpf_dir_of(r)->dir && !(crfd_bpf_dir_of(r)->bits & WALK_SIBLING);
	return !r->dir || r->dir < r->path;
}

int crfd_bpf_source_peek(struct crfd_bpf_source *s, crfd_bpf *bpf, const struct walk_fd **out)
{
	const struct walk_fd *r;

	if (s->at == s->end) {
		ssize_t got = crfd_bpf_read(bpf, s->iter, s->piece, crfd_bpf_piece());

		s->at = s->end = 0;
		if (got <= 0)
			return (int)got;
		s->end = (size_t)got;
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
	free(s->piece);
	s->piece = NULL;
}
