/* SPDX-License-Identifier: MIT */
/*
 * A damaged image is made a correct one of what is left. Sections are found by their first records and judged, each alone, by
 * the one parser that there is; those that it takes go as batches through the encoder, which numbers objrefs and tables anew. A
 * descriptor whose description was in a section that is lost becomes one that could not be read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/record.h"
#include "image/parse_state.h"
#include "image/salvage.h"

#define FRAME (2 * sizeof(crfd_rec) + sizeof(crfd_head) + sizeof(crfd_image_info))
#define TO_STRING (sizeof(crfd_rec) + sizeof(crfd_task_rec))
#define TO_INFO (TO_STRING + sizeof(crfd_rec) + CRFD_COMM_LEN)

static int is_header(const struct crfd_salvager *s, uint64_t at, int type, size_t len)
{
	crfd_rec h;

	memcpy(&h, s->buf + at, sizeof(h));
	return h.type == type && h.len == (int)len;
}

/* Finds where the next section seems to begin; n: nowhere. */
static uint64_t find_section(const struct crfd_salvager *s, uint64_t at)
{
	for (; at + TO_INFO + sizeof(crfd_rec) <= s->n; at++) {
		const uint8_t *next = memchr(s->buf + at, CRFD_REC_TASK, s->n - TO_INFO - sizeof(crfd_rec) - at + 1);

		if (!next)
			return s->n;
		at = (uint64_t)(next - s->buf);
		if (is_header(s, at, CRFD_REC_TASK, sizeof(crfd_task_rec)) &&
		    is_header(s, at + TO_STRING, CRFD_REC_STRING, CRFD_COMM_LEN) &&
		    is_header(s, at + TO_INFO, CRFD_REC_TASK_INFO, sizeof(crfd_task_info)))
			return at;
	}
	return s->n;
}

/* The objref from which on a section defines: that of its first description. */
static uint32_t first_objref(struct crfd_salvager *s, uint64_t at)
{
	struct crfd_cursor c = {.p = s->buf + at, .end = s->buf + s->n};

	for (; s->steps && crfd_cursor_next(&c); s->steps--) {
		if (c.h.type == CRFD_REC_FD_DATA)
			return c.h.parent;
		if (c.h.type == CRFD_REC_SECTION_SUM)
			break;
	}
	return UINT32_MAX;
}

/* Judges the section at p->offset: 0, or the code of *fault; *last is where the last record began that was looked at. */
static int judge(const struct crfd_salvager *s, crfd_parser *p, uint64_t *last, crfd_fault *fault)
{
	crfd_record rec;
	size_t used;

	while (p->state != CRFD_AT_END) {
		uint64_t at = p->offset;
		int64_t rc = crfd_parser_feed(p, s->buf + at, s->n - at, 1, &rec, 1, &used, fault);

		if (rc < 0)
			return (int)rc;
		*last = at;
	}
	return 0;
}

static int encode(struct crfd_salvager *s)
{
	size_t n = s->b->nfds;
	uint32_t *objref = calloc(n + 1, sizeof(*objref));
	uint8_t *fresh = calloc(n + 1, sizeof(*fresh));
	int rc = objref && fresh ? crfd_objrefs_add(s->objrefs, s->b->ident, n, objref, fresh) : -ENOMEM;

	if (rc >= 0)
		rc = crfd_encode_batch(s->e, s->b, objref, fresh, SIZE_MAX, &s->out->image);
	free(objref);
	free(fresh);
	return rc;
}

static int keep_section(struct crfd_salvager *s, const crfd_index_entry *here)
{
	crfd_rows rows = {0};
	crfd_fault fault;
	int rc = crfd_rows_decode(&rows, s->buf, s->n, here, &fault);

	if (rc >= 0)
		rc = crfd_salvage_batch(s, &rows);
	if (rc >= 0)
		rc = encode(s);
	crfd_rows_release(&rows);
	return rc;
}

/* Notes that the bytes up to `end` are in no section; what comes then is of that pid. */
static int note_lost(struct crfd_salvager *s, uint64_t end, uint32_t pid)
{
	crfd_salvage *out = s->out;
	int rc = 0;

	if (s->lost_from < end)
		rc = crfd_grow(&out->lost, &out->lost_alloc, out->nlost + 1, sizeof(*out->lost));
	if (rc >= 0 && s->lost_from < end)
		out->lost[out->nlost++] = (crfd_lost){.offset = s->lost_from, .end = end, .pid = s->lost_pid};
	s->lost_from = end;
	s->lost_pid = pid;
	return rc;
}

/* Keeps the section at `at` where it is whole and its pid is new; *at becomes where to look for the next one. */
static int try_section(struct crfd_salvager *s, uint64_t *at)
{
	uint64_t start = *at, last = start, pid;
	crfd_index_entry guess = {.offset = start, .first_objref = first_objref(s, start)};
	uint32_t number;
	uint8_t fresh;
	crfd_fault fault;
	crfd_parser p;
	int rc;

	crfd_parser_init(&p, &guess);
	p.guessed = 1;
	rc = judge(s, &p, &last, &fault);
	guess = p.here;
	pid = guess.pid;
	crfd_parser_release(&p);
	if (rc == -ENOMEM)
		return rc;
	if (rc >= 0)
		rc = crfd_objrefs_add(s->pids, &pid, 1, &number, &fresh) < 0 ? -ENOMEM : fresh ? 0 : CRFD_E_PID;
	*at = rc == 0 ? start + guess.length : last + sizeof(crfd_rec);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	s->lost_from = *at;
	s->lost_pid = 0;
	return keep_section(s, &guess);
}

/* Keeps what the image says of itself, which has to be whole: 0 or the code of *fault. */
static int keep_frame(struct crfd_salvager *s, crfd_fault *fault)
{
	size_t nr = s->out->image.nr, used;
	crfd_parser p;
	int64_t rc;

	crfd_parser_init(&p, NULL);
	rc = crfd_parser_feed(&p, s->buf, s->n < FRAME ? s->n : FRAME, s->n < FRAME, NULL, 0, &used, fault);
	if (rc >= 0 && !p.extended) {
		rc = CRFD_E_FLAGS;
		*fault = (crfd_fault){.code = CRFD_E_FLAGS, .type = CRFD_REC_HEAD, .offset = sizeof(crfd_rec) + offsetof(crfd_head, flags),
				      .expected = CRFD_HEAD_CHECKPOINT | CRFD_HEAD_EXTENDED, .found = CRFD_HEAD_CHECKPOINT};
	}
	crfd_parser_release(&p);
	if (rc < 0)
		return (int)rc;
	if (crfd_buf_put(&s->out->image, s->buf, FRAME) < 0)
		return -ENOMEM;
	crfd_encoder_sum(s->e, &s->out->image, nr);
	return 0;
}

/* Returns 1 where the records about the whole image begin, which are made anew and so not lost. */
static int is_end(const struct crfd_salvager *s, uint64_t at)
{
	crfd_rec h;

	if (at + sizeof(h) > s->n)
		return 0;
	memcpy(&h, s->buf + at, sizeof(h));
	return h.type == CRFD_REC_INDEX || h.type == CRFD_REC_IMAGE_SUM;
}

static int keep_sections(struct crfd_salvager *s)
{
	uint64_t at = s->lost_from = FRAME;
	int rc = 0;

	while (rc >= 0 && (at = find_section(s, at)) < s->n) {
		uint32_t pid;

		memcpy(&pid, s->buf + at + TO_INFO + offsetof(crfd_rec, parent), sizeof(pid));
		rc = note_lost(s, at, pid);
		if (rc >= 0)
			rc = try_section(s, &at);
	}
	if (rc >= 0 && !is_end(s, s->lost_from))
		rc = note_lost(s, s->n, 0);
	return rc < 0 ? rc : crfd_encode_tail(s->e, &s->out->image);
}

int crfd_salvage_read(crfd_salvage *out, const uint8_t *buf, size_t n, crfd_fault *fault)
{
	struct crfd_salvager s = {.out = out, .buf = buf, .n = n, .e = crfd_encoder_new(0), .objrefs = crfd_objrefs_new(),
			    .pids = crfd_objrefs_new(), .b = crfd_batch_new(), .steps = n / sizeof(crfd_rec)};
	int rc = s.e && s.objrefs && s.pids && s.b ? keep_frame(&s, fault) : -ENOMEM;

	if (rc >= 0)
		rc = keep_sections(&s);
	crfd_encoder_free(s.e);
	crfd_objrefs_free(s.objrefs);
	crfd_objrefs_free(s.pids);
	crfd_batch_free(s.b);
	if (rc < 0)
		crfd_salvage_release(out);
	return rc;
}

void crfd_salvage_release(crfd_salvage *s)
{
	crfd_buf_release(&s->image);
	free(s->lost);
	*s = (crfd_salvage){0};
}
