/* SPDX-License-Identifier: MIT */
#include "image/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32c.h"

static int note_pid(crfd_parser *p)
{
	int rc = crfd_grow(&p->pids, &p->pids_alloc, p->npids + 1, sizeof(*p->pids));

	if (rc < 0)
		return crfd_parser_refuse(p, rc, 0, 0, 0);
	if (p->npids && p->here.pid <= p->pids[p->npids - 1].pid)
		p->unordered = 1;
	p->pids[p->npids++] = (struct crfd_pid_at){.offset = p->here.offset, .pid = p->here.pid};
	return 0;
}

int crfd_parser_count(crfd_parser *p)
{
	uint32_t table = p->here.files_objref, nfds = p->here.nfds;

	p->sum.ntasks++;
	p->sum.nfds += nfds;
	if (p->single)
		return 0;
	if (table > p->next_table)
		return REFUSE(p, CRFD_E_TABLE, crfd_files, objref, p->next_table, table);
	if (table && table < p->next_table && nfds)
		return REFUSE(p, CRFD_E_TABLE, crfd_files, nfds, 0, nfds);
	if (table && table == p->next_table)
		p->next_table++;
	return note_pid(p);
}

int crfd_parser_pass(crfd_parser *p, const crfd_index_entry *at)
{
	uint64_t next = p->next_objref + at->new_objrefs;
	int rc;

	p->fault.type = CRFD_REC_INDEX;
	if (p->state != CRFD_AT_IMAGE && p->state != CRFD_AT_SECTION)
		return crfd_parser_refuse(p, CRFD_E_INDEX, 0, p->offset, at->offset);
	if (at->offset != p->offset || at->first_objref != p->next_objref || next > UINT32_MAX)
		return crfd_parser_refuse(p, CRFD_E_INDEX, 0, p->next_objref, at->first_objref);
	if (!at->pid || at->pid > INT32_MAX)
		return crfd_parser_refuse(p, CRFD_E_INDEX, 0, 1, at->pid);
	p->here = *at;
	rc = crfd_parser_count(p);
	if (rc < 0)
		return rc;
	p->next_objref = next;
	p->expected_index_crc = crfd_crc32c(p->expected_index_crc, (const uint8_t *)at, sizeof(*at));
	p->offset += at->length;
	p->state = CRFD_AT_SECTION;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct crfd_pid_at *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int crfd_parser_pids(crfd_parser *p)
{
	if (!p->unordered)
		return 0;
	qsort(p->pids, p->npids, sizeof(*p->pids), by_pid);
	for (size_t i = 1; i < p->npids; i++) {
		if (p->pids[i].pid != p->pids[i - 1].pid)
			continue;
		p->fault.type = CRFD_REC_TASK;
		p->offset = p->pids[i].offset;
		return crfd_parser_refuse(p, CRFD_E_PID, 0, 1, p->pids[i].pid);
	}
	return 0;
}
