/* SPDX-License-Identifier: MIT */
/* The index is found from the end of a whole image: TAIL and IMAGE_SUM have fixed sizes, INDEX lies right before them. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/buf.h"
#include "format/format.h"
#include "image/image.h"
#include "image/parse_state.h"
#include "image/tasks.h"

#define TAIL_SIZE (sizeof(crfd_rec) + sizeof(crfd_tail))
#define SUM_SIZE (sizeof(crfd_rec) + sizeof(crfd_image_sum))
#define END_SIZE (TAIL_SIZE + SUM_SIZE)
#define ENTRY sizeof(crfd_index_entry)
#define PIECE 128 /* records judged at a time */

static int refuse(crfd_fault *fault, int code, int type, uint64_t offset, uint64_t expected, uint64_t found)
{
	*fault = (crfd_fault){.code = code, .type = type, .offset = offset, .expected = expected, .found = found};
	return code;
}

/* Checks HEAD, and returns 1 where it says that the image has extensions. */
static int is_extended(const uint8_t *buf, size_t n, crfd_fault *fault)
{
	size_t head = sizeof(crfd_rec) + sizeof(crfd_head), used;
	crfd_parser p;
	int64_t rc;

	crfd_parser_init(&p, NULL);
	rc = crfd_parser_feed(&p, buf, n < head ? n : head, n < head, NULL, 0, &used, fault);
	crfd_parser_release(&p);
	return rc < 0 ? (int)rc : p.extended;
}

/* The fixed-size record at `offset` must be there whole, its parent 0. */
static int check_record(const uint8_t *buf, uint64_t offset, int type, size_t len, crfd_fault *fault)
{
	crfd_rec h;

	memcpy(&h, buf + offset, sizeof(h));
	if (h.type != type)
		return refuse(fault, CRFD_E_TYPE, h.type, offset, (uint64_t)type, (uint64_t)h.type);
	if (h.len < 0 || (size_t)h.len != len)
		return refuse(fault, CRFD_E_LEN, type, offset + offsetof(crfd_rec, len), len, (uint64_t)h.len);
	if (h.parent)
		return refuse(fault, CRFD_E_PARENT, type, offset + offsetof(crfd_rec, parent), 0, h.parent);
	return 0;
}

/* Reads the last two records, and finds where they say that the index begins. */
static int find_end(const uint8_t *buf, size_t n, crfd_image_sum *sum, crfd_fault *fault)
{
	const uint64_t least = sizeof(crfd_rec) + sizeof(crfd_head) + END_SIZE;
	uint64_t at = n - END_SIZE;
	int rc;

	if (n < least)
		return refuse(fault, CRFD_E_TRUNCATED, 0, n, least, n);
	rc = check_record(buf, n - TAIL_SIZE, CRFD_REC_TAIL, sizeof(crfd_tail), fault);
	if (rc >= 0)
		rc = check_record(buf, at, CRFD_REC_IMAGE_SUM, sizeof(*sum), fault);
	if (rc < 0)
		return rc;
	memcpy(sum, buf + at + sizeof(crfd_rec), sizeof(*sum));
	if (sum->index_offset > at || sum->ntasks > (at - sum->index_offset) / ENTRY)
		return refuse(fault, CRFD_E_INDEX, CRFD_REC_IMAGE_SUM, at + sizeof(crfd_rec), at, sum->index_offset);
	return 0;
}

/* Copies the entries of the INDEX records from `from` to `to`. */
static int copy_entries(crfd_index *x, const uint8_t *buf, uint64_t from, uint64_t to, crfd_fault *fault)
{
	while (to - from > sizeof(crfd_rec)) {
		uint64_t len;
		crfd_rec h;
		int rc;

		memcpy(&h, buf + from, sizeof(h));
		len = h.len < 0 ? 0 : (uint64_t)h.len;
		rc = check_record(buf, from, CRFD_REC_INDEX, len, fault);
		if (rc < 0)
			return rc;
		from += sizeof(h);
		if (!len || len % ENTRY || len > to - from)
			return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, from, to - from, len);
		rc = crfd_grow(&x->entry, &x->entry_alloc, x->nentries + len / ENTRY, ENTRY);
		if (rc < 0)
			return refuse(fault, rc, 0, 0, 0, 0);
		memcpy(x->entry + x->nentries, buf + from, len);
		x->nentries += len / ENTRY;
		from += len;
	}
	return from == to ? 0 : refuse(fault, CRFD_E_LEN, 0, from, sizeof(crfd_rec), to - from);
}

static int is_closing(int type)
{
	return type >= CRFD_REC_EXT_FIRST && type != CRFD_REC_IMAGE_INFO && type != CRFD_REC_INDEX &&
	       type != CRFD_REC_IMAGE_SUM;
}

/* Judges the records from p->offset to end, which is that of the image where last. */
static int judge(crfd_index *x, crfd_parser *p, const uint8_t *buf, uint64_t end, int last, crfd_fault *fault)
{
	crfd_record rec[PIECE];
	int64_t n;

	do {
		uint64_t start = p->offset;
		size_t used;

		n = crfd_parser_feed(p, buf + start, end - start, last, rec, PIECE, &used, fault);
		for (int64_t i = 0; i < n; i++) {
			size_t size = sizeof(crfd_rec) + (size_t)rec[i].len;
			int rc = is_closing(rec[i].type) ? crfd_buf_put(&x->closing, buf + rec[i].offset, size) : 0;

			if (rc < 0)
				return refuse(fault, rc, 0, 0, 0, 0);
		}
	} while (n == PIECE);
	return n < 0 ? (int)n : 0;
}

/* Judges the records before the sections, the entries, and the records after the sections, by the one parser that there is. */
static int judge_all(crfd_index *x, crfd_parser *p, const uint8_t *buf, size_t n, uint64_t start, crfd_fault *fault)
{
	int rc = start <= n ? judge(x, p, buf, start, 0, fault) : 0;

	for (size_t i = 0; i < x->nentries && rc >= 0; i++) {
		const crfd_index_entry *at = &x->entry[i];

		if (at->offset > n || at->length > n - at->offset)
			return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, n, at->offset, at->length);
		rc = crfd_parser_pass(p, at);
		if (rc < 0)
			*fault = p->fault;
	}
	return rc < 0 ? rc : judge(x, p, buf, n, 1, fault);
}

void crfd_index_release(crfd_index *x)
{
	free(x->entry);
	crfd_buf_release(&x->closing);
	*x = (crfd_index){0};
}

int crfd_index_read(crfd_index *x, const uint8_t *buf, size_t n, crfd_fault *fault)
{
	int rc = is_extended(buf, n, fault);
	crfd_image_sum sum;
	crfd_parser p;

	if (rc <= 0)
		return rc;
	rc = find_end(buf, n, &sum, fault);
	if (rc >= 0)
		rc = copy_entries(x, buf, sum.index_offset, n - END_SIZE, fault);
	if (rc >= 0) {
		crfd_parser_init(&p, NULL);
		p.unsummed = 1; /* each section's sum is compared when it is read */
		rc = judge_all(x, &p, buf, n, x->nentries ? x->entry->offset : sum.index_offset, fault);
		crfd_parser_release(&p);
	}
	if (rc < 0)
		crfd_index_release(x);
	return rc < 0 ? rc : 1;
}
