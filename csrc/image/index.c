/* SPDX-License-Identifier: MIT */
/* The index of a whole image, found from its end: TAIL and IMAGE_SUM have fixed sizes, INDEX lies right before them. */
#include <string.h>

#include "base/base.h"
#include "base/crc32c.h"
#include "format/format.h"
#include "image/image.h"
#include "image/parse.h"

#define TAIL_SIZE (sizeof(crfd_rec) + sizeof(crfd_tail))
#define SUM_SIZE (sizeof(crfd_rec) + sizeof(crfd_image_sum))
#define END_SIZE (TAIL_SIZE + SUM_SIZE)
#define ENTRY sizeof(crfd_index_entry)

static int refuse(crfd_fault *fault, int code, int type, uint64_t offset, uint64_t expected, uint64_t found)
{
	*fault = (crfd_fault){.code = code, .type = type, .offset = offset, .expected = expected, .found = found};
	return code;
}

/* Whether the image says that it has extensions; its HEAD is checked. */
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

int crfd_index_find(const uint8_t *buf, size_t n, crfd_image_sum *sum, crfd_fault *fault)
{
	int rc = is_extended(buf, n, fault);
	uint64_t tail, at;
	crfd_image_sum r;
	crfd_tail t;

	if (rc <= 0)
		return rc;
	if (n < sizeof(crfd_rec) + sizeof(crfd_head) + END_SIZE)
		return refuse(fault, CRFD_E_TRUNCATED, 0, n, sizeof(crfd_rec) + sizeof(crfd_head) + END_SIZE, n);
	tail = n - TAIL_SIZE;
	at = n - END_SIZE;
	rc = check_record(buf, tail, CRFD_REC_TAIL, sizeof(t), fault);
	if (rc >= 0)
		rc = check_record(buf, at, CRFD_REC_IMAGE_SUM, sizeof(r), fault);
	if (rc < 0)
		return rc;
	memcpy(&t, buf + tail + sizeof(crfd_rec), sizeof(t));
	if (t.magic != CRFD_TAIL_MAGIC)
		return refuse(fault, CRFD_E_MAGIC, CRFD_REC_TAIL, tail + sizeof(crfd_rec), CRFD_TAIL_MAGIC, t.magic);
	memcpy(&r, buf + at + sizeof(crfd_rec), sizeof(r));
	if (r.index_offset > at || r.ntasks > (at - r.index_offset) / ENTRY)
		return refuse(fault, CRFD_E_INDEX, CRFD_REC_IMAGE_SUM, at + sizeof(crfd_rec), at, r.index_offset);
	*sum = r;
	return 1;
}

/* Counts the entries of the INDEX records from `from` to `to`; to `out` go the first `most`. */
static int64_t copy_entries(const uint8_t *buf, uint64_t from, uint64_t to, crfd_index_entry *out, uint64_t most,
			    crfd_fault *fault)
{
	uint64_t nr = 0;

	while (from < to) {
		crfd_rec h;
		int rc;

		if (to - from < sizeof(h))
			return refuse(fault, CRFD_E_LEN, 0, from, sizeof(h), to - from);
		memcpy(&h, buf + from, sizeof(h));
		rc = check_record(buf, from, CRFD_REC_INDEX, (size_t)(h.len < 0 ? 0 : h.len), fault);
		if (rc < 0)
			return rc;
		from += sizeof(h);
		if (!h.len || (size_t)h.len % ENTRY || (uint64_t)h.len > to - from || (uint64_t)h.len / ENTRY > most - nr)
			return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, from, (most - nr) * ENTRY, (uint64_t)h.len);
		memcpy(out + nr, buf + from, (size_t)h.len);
		nr += (uint64_t)h.len / ENTRY;
		from += (uint64_t)h.len;
	}
	return (int64_t)nr;
}

/* Sections lie one after another before the index, and so do the objrefs that they define. */
static int check_entries(const crfd_index_entry *v, const crfd_image_sum *sum, crfd_fault *fault)
{
	uint64_t objref = 1;

	for (uint32_t i = 0; i < sum->ntasks; i++) {
		uint64_t end = i + 1 < sum->ntasks ? v[i + 1].offset : sum->index_offset;
		int abut = i + 1 < sum->ntasks;

		if (v[i].first_objref != objref || v[i].offset > end || v[i].length > end - v[i].offset ||
		    (abut && v[i].length != end - v[i].offset))
			return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, sum->index_offset, objref, v[i].first_objref);
		objref += v[i].new_objrefs;
	}
	if (objref - 1 != sum->nobjrefs)
		return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, sum->index_offset, sum->nobjrefs, objref - 1);
	return 0;
}

int crfd_index_read(const uint8_t *buf, size_t n, const crfd_image_sum *sum, crfd_index_entry *out, crfd_fault *fault)
{
	int64_t nr = copy_entries(buf, sum->index_offset, n - END_SIZE, out, sum->ntasks, fault);
	uint32_t crc;

	if (nr < 0)
		return (int)nr;
	if ((uint64_t)nr != sum->ntasks)
		return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, sum->index_offset, sum->ntasks, (uint64_t)nr);
	crc = crfd_crc32c(0, (const uint8_t *)out, sum->ntasks * ENTRY);
	if (crc != sum->index_crc)
		return refuse(fault, CRFD_E_INDEX, CRFD_REC_INDEX, sum->index_offset, sum->index_crc, crc);
	return check_entries(out, sum, fault);
}
