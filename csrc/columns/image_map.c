/* SPDX-License-Identifier: MIT */
#include "columns/image_map.h"

#include <stdlib.h>

#include "base/buf.h"

#define PIECE 512 /* records judged at a time: few, so that their bytes are still cached when noted */

static int note_files(struct crfd_image_map *m, const crfd_record *rec)
{
	struct crfd_image_section *s = &m->section[m->nsections - 1];
	crfd_files files;
	int rc;

	memcpy(&files, crfd_image_payload(m, rec->offset), sizeof(files));
	s->files = rec->offset;
	s->nfds = files.nfds;
	s->table = files.objref;
	s->carrier = (uint32_t)(m->nsections - 1);
	if (!files.objref)
		return 0;
	if (files.objref <= m->ntables) {
		s->carrier = m->carrier[files.objref - 1];
		s->nfds = m->section[s->carrier].nfds;
		return 0;
	}
	rc = crfd_grow(&m->carrier, &m->carrier_alloc, m->ntables + 1, sizeof(*m->carrier));
	if (rc >= 0)
		m->carrier[m->ntables++] = s->carrier;
	return rc;
}

static int note_description(struct crfd_image_map *m, uint64_t offset)
{
	int rc = crfd_grow(&m->description, &m->description_alloc, m->ndescriptions + 1, sizeof(*m->description));
	crfd_fd_data data;

	if (rc < 0)
		return rc;
	memcpy(&data, crfd_image_payload(m, offset), sizeof(data));
	if (data.fd_type < CRFD_KINDS)
		m->totals.kind[data.fd_type]++;
	m->description[m->ndescriptions++] = offset;
	return 0;
}

static int note_entry(struct crfd_image_map *m, uint64_t offset)
{
	crfd_fd_ent ent;
	size_t had = m->uses_alloc;
	int rc;

	memcpy(&ent, crfd_image_payload(m, offset), sizeof(ent));
	m->totals.nfds++;
	m->totals.unread += !ent.objref;
	if (!ent.objref)
		return 0;
	rc = crfd_grow(&m->uses, &m->uses_alloc, ent.objref, sizeof(*m->uses));
	if (rc < 0)
		return rc;
	memset(m->uses + had, 0, (m->uses_alloc - had) * sizeof(*m->uses));
	m->totals.shared += ++m->uses[ent.objref - 1] == 2;
	return 0;
}

static void note_stat(struct crfd_image_map *m, uint64_t offset)
{
	crfd_fd_stat st;

	memcpy(&st, crfd_image_payload(m, offset), sizeof(st));
	m->totals.deleted += (st.flags & CRFD_STAT_DELETED) != 0;
}

static void note_info(struct crfd_image_map *m, uint64_t offset)
{
	crfd_image_info info;

	memcpy(&info, crfd_image_payload(m, offset), sizeof(info));
	m->origin = crfd_origin_of(&info);
}

static int note(struct crfd_image_map *m, const crfd_record *rec)
{
	int rc;

	switch (rec->type) {
	case CRFD_REC_FD_ENT:
		return note_entry(m, rec->offset);
	case CRFD_REC_FD_DATA:
		return note_description(m, rec->offset);
	case CRFD_REC_TASK:
		rc = crfd_grow(&m->section, &m->section_alloc, m->nsections + 1, sizeof(*m->section));
		if (rc >= 0)
			m->section[m->nsections++] = (struct crfd_image_section){.offset = rec->offset};
		return rc;
	case CRFD_REC_FILES:
		return note_files(m, rec);
	case CRFD_REC_FD_STAT:
		note_stat(m, rec->offset);
		return 0;
	case CRFD_REC_IMAGE_INFO:
		note_info(m, rec->offset);
		return 0;
	default:
		return 0;
	}
}

int crfd_image_map_more(struct crfd_image_map *m, size_t want, crfd_fault *fault)
{
	size_t full = want > m->n - m->checked ? m->n : m->checked + want, used;
	crfd_record rec[PIECE];
	int64_t n;
	int rc = 0;

	do {
		n = crfd_parser_feed(&m->parser, m->buf + m->checked, m->n - m->checked, 1, rec, PIECE, &used, fault);
		m->checked += used;
		for (int64_t i = 0; i < n && rc >= 0; i++)
			rc = note(m, &rec[i]);
	} while (n == PIECE && rc >= 0 && m->checked < full);
	return n < 0 ? (int)n : rc < 0 ? rc : n == PIECE;
}

void crfd_image_map_release(struct crfd_image_map *m)
{
	crfd_parser_release(&m->parser);
	free(m->section);
	free(m->carrier);
	free(m->description);
	free(m->uses);
}
