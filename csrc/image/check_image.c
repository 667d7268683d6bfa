/* SPDX-License-Identifier: MIT */
#include "image/check_image.h"

#include <string.h>

#include "base/crc32c.h"
#include "image/tasks.h"

static int check_name(crfd_parser *p, const char *text, size_t at)
{
	if (text[63])
		return crfd_parser_refuse(p, CRFD_E_PADDING, sizeof(crfd_rec) + at + 63, 0, (uint8_t)text[63]);
	return crfd_parser_zeros(p, text, 64, at);
}

int crfd_parser_head(crfd_parser *p, const uint8_t *v)
{
	const uint64_t known = CRFD_HEAD_CHECKPOINT | CRFD_HEAD_EXTENDED;
	crfd_head r;
	int rc;

	memcpy(&r, v, sizeof(r));
	if (r.magic != CRFD_HEAD_MAGIC)
		return REFUSE(p, CRFD_E_MAGIC, crfd_head, magic, CRFD_HEAD_MAGIC, r.magic);
	if (r.rev != CRFD_REV)
		return REFUSE(p, CRFD_E_REV, crfd_head, rev, CRFD_REV, r.rev);
	if (r.flags & ~known || !(r.flags & CRFD_HEAD_CHECKPOINT))
		return REFUSE(p, CRFD_E_FLAGS, crfd_head, flags, (r.flags & known) | CRFD_HEAD_CHECKPOINT, r.flags);
	if (r.time >= CRFD_TIME_END)
		return REFUSE(p, CRFD_E_FIELD, crfd_head, time, CRFD_TIME_END - 1, r.time);
	rc = check_name(p, r.release, offsetof(crfd_head, release));
	if (rc >= 0)
		rc = check_name(p, r.version, offsetof(crfd_head, version));
	if (rc >= 0)
		rc = check_name(p, r.machine, offsetof(crfd_head, machine));
	if (rc < 0)
		return rc;
	p->extended = (r.flags & CRFD_HEAD_EXTENDED) != 0;
	if (!p->extended)
		p->unsummed = 1; /* nothing in it to compare with */
	p->state = p->extended ? CRFD_AT_INFO : CRFD_AT_RFC;
	return 0;
}

int crfd_parser_image_info(crfd_parser *p, const uint8_t *v)
{
	crfd_image_info r;

	memcpy(&r, v, sizeof(r));
	if (r.revision != 1)
		return REFUSE(p, CRFD_E_FIELD, crfd_image_info, revision, 1, r.revision);
	if (r.backend > CRFD_BACKEND_BPF)
		return REFUSE(p, CRFD_E_FIELD, crfd_image_info, backend, CRFD_BACKEND_BPF, r.backend);
	if (r.flags & ~CRFD_IMAGE_FROZEN)
		return REFUSE(p, CRFD_E_FIELD, crfd_image_info, flags, r.flags & CRFD_IMAGE_FROZEN, r.flags);
	p->state = CRFD_AT_IMAGE;
	return 0;
}

int crfd_parser_still(crfd_parser *p, const uint8_t *v, size_t len)
{
	crfd_still r;

	for (size_t i = 0; i < len; i += sizeof(r)) {
		memcpy(&r, v + i, sizeof(r));
		if (r.how > CRFD_STILL_CGROUP)
			return crfd_parser_refuse(p, CRFD_E_FIELD, sizeof(crfd_rec) + i + offsetof(crfd_still, how),
						  CRFD_STILL_CGROUP, r.how);
	}
	p->state = CRFD_AT_CLOSE;
	return 0;
}

static int refuse_entry(crfd_parser *p, size_t at, size_t member, int64_t expected, int64_t found)
{
	return crfd_parser_refuse(p, CRFD_E_FIELD, sizeof(crfd_rec) + at + member, (uint64_t)expected, (uint64_t)found);
}

int crfd_parser_lock_wait(crfd_parser *p, const uint8_t *v, size_t len)
{
	crfd_lock_wait r;

	for (size_t i = 0; i < len; i += sizeof(r)) {
		memcpy(&r, v + i, sizeof(r));
		if (r.pid < -1)
			return refuse_entry(p, i, offsetof(crfd_lock_wait, pid), -1, r.pid);
		if (r.holder < -1)
			return refuse_entry(p, i, offsetof(crfd_lock_wait, holder), -1, r.holder);
	}
	p->state = CRFD_AT_CLOSE;
	return 0;
}

int crfd_parser_held_objref(crfd_parser *p, const uint8_t *v, size_t len)
{
	crfd_held_objref r;

	for (size_t i = 0; i < len; i += sizeof(r)) {
		memcpy(&r, v + i, sizeof(r));
		if (!r.objref || r.objref >= p->next_objref)
			return refuse_entry(p, i, offsetof(crfd_held_objref, objref), r.objref ? (int64_t)p->next_objref - 1 : 1,
					    r.objref);
	}
	p->state = CRFD_AT_CLOSE;
	return 0;
}

int crfd_parser_index(crfd_parser *p, const uint8_t *v, size_t len)
{
	if (p->state != CRFD_AT_INDEX)
		p->sum.index_offset = p->offset;
	p->sum.index_crc = crfd_crc32c(p->sum.index_crc, v, len);
	p->index_entries += len / sizeof(crfd_index_entry);
	p->state = CRFD_AT_INDEX;
	return 0;
}

int crfd_parser_image_sum(crfd_parser *p, const uint8_t *v)
{
	uint32_t nobjrefs = (uint32_t)(p->next_objref - 1);
	crfd_image_sum r, *sum = &p->sum;

	memcpy(&r, v, sizeof(r));
	if (!p->index_entries)
		sum->index_offset = p->offset;
	if (p->index_entries != sum->ntasks || sum->index_crc != p->expected_index_crc) {
		int counted = p->index_entries != sum->ntasks;

		p->fault.type = CRFD_REC_INDEX;
		p->offset = sum->index_offset;
		return crfd_parser_refuse(p, CRFD_E_INDEX, 0, counted ? sum->ntasks : p->expected_index_crc,
					  counted ? p->index_entries : sum->index_crc);
	}
	if (r.index_offset != sum->index_offset)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, index_offset, sum->index_offset, r.index_offset);
	if (r.nfds != sum->nfds)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, nfds, sum->nfds, r.nfds);
	if (r.ntasks != sum->ntasks)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, ntasks, sum->ntasks, r.ntasks);
	if (r.nobjrefs != nobjrefs)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, nobjrefs, nobjrefs, r.nobjrefs);
	if (r.index_crc != sum->index_crc)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, index_crc, sum->index_crc, r.index_crc);
	if (!p->unsummed && r.crc != p->crc)
		return REFUSE(p, CRFD_E_IMAGE_SUM, crfd_image_sum, crc, p->crc, r.crc);
	p->state = CRFD_AT_TAIL;
	return 0;
}

int crfd_parser_tail(crfd_parser *p, const uint8_t *v)
{
	crfd_tail r;

	memcpy(&r, v, sizeof(r));
	if (r.magic != CRFD_TAIL_MAGIC)
		return REFUSE(p, CRFD_E_MAGIC, crfd_tail, magic, CRFD_TAIL_MAGIC, r.magic);
	p->state = CRFD_AT_END;
	return crfd_parser_pids(p);
}
