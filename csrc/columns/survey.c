/* SPDX-License-Identifier: MIT */
#include "columns/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define PIECE 512 /* records judged at a time: few, so that their bytes are still cached when noted */

static int note_task(struct crfd_survey *s, const crfd_record *rec)
{
	int rc = crfd_grow(&s->task, &s->task_alloc, s->ntasks + 1, sizeof(*s->task));

	if (rc >= 0)
		s->task[s->ntasks++] = (crfd_surveyed_task){.offset = rec->offset};
	return rc;
}

static void note_quiet(crfd_surveyed_task *task, const uint8_t *payload)
{
	crfd_task_quiet quiet;

	memcpy(&quiet, payload, sizeof(quiet));
	task->is_quiet_known = quiet.known;
	task->changed = quiet.changed;
}

static int note_files(struct crfd_survey *s, const crfd_record *rec, const uint8_t *payload)
{
	crfd_surveyed_task *task = &s->task[s->ntasks - 1];
	crfd_files files;
	int rc;

	memcpy(&files, payload, sizeof(files));
	task->pid = rec->parent;
	task->files = rec->offset;
	task->nfds = files.nfds;
	task->table = files.objref;
	task->carrier = (uint32_t)(s->ntasks - 1);
	if (!files.objref)
		return 0;
	if (files.objref <= s->ntables) {
		task->carrier = s->carrier[files.objref - 1];
		task->nfds = s->task[task->carrier].nfds;
		return 0;
	}
	rc = crfd_grow(&s->carrier, &s->carrier_alloc, s->ntables + 1, sizeof(*s->carrier));
	if (rc >= 0)
		s->carrier[s->ntables++] = task->carrier;
	return rc;
}

static int note_description(struct crfd_survey *s, const crfd_record *rec, const uint8_t *payload)
{
	int rc = crfd_grow(&s->description, &s->description_alloc, s->ndescriptions + 1, sizeof(*s->description));
	crfd_fd_data data;

	if (rc < 0)
		return rc;
	memcpy(&data, payload, sizeof(data));
	if (data.fd_type < CRFD_KINDS)
		s->totals.kind[data.fd_type]++;
	s->description[s->ndescriptions++] = rec->offset;
	return 0;
}

static int note_entry(struct crfd_survey *s, const uint8_t *payload)
{
	crfd_fd_ent ent;
	size_t had = s->uses_alloc;
	int rc;

	memcpy(&ent, payload, sizeof(ent));
	s->totals.nfds++;
	s->totals.unread += !ent.objref;
	if (!ent.objref)
		return 0;
	rc = crfd_grow(&s->uses, &s->uses_alloc, ent.objref, sizeof(*s->uses));
	if (rc < 0)
		return rc;
	if (s->uses_alloc > had)
		memset(s->uses + had, 0, (s->uses_alloc - had) * sizeof(*s->uses));
	s->totals.shared += ++s->uses[ent.objref - 1] == 2;
	return 0;
}

static void note_stat(struct crfd_survey *s, const uint8_t *payload)
{
	crfd_fd_stat st;

	memcpy(&st, payload, sizeof(st));
	s->totals.deleted += (st.flags & CRFD_STAT_DELETED) != 0;
}

static void note_info(struct crfd_survey *s, const uint8_t *payload)
{
	crfd_image_info info;

	memcpy(&info, payload, sizeof(info));
	s->origin = crfd_origin_of(&info);
}

static int note_held(struct crfd_survey *s, const crfd_record *rec, const uint8_t *payload)
{
	size_t n = (size_t)rec->len / sizeof(*s->held);
	int rc = crfd_grow(&s->held, &s->held_alloc, s->nheld + n, sizeof(*s->held));

	if (rc < 0)
		return rc;
	memcpy(s->held + s->nheld, payload, n * sizeof(*s->held));
	s->nheld += n;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const crfd_held_objref *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

uint32_t crfd_survey_held(const struct crfd_survey *s, uint32_t pid, int32_t fd, uint32_t slot)
{
	crfd_held_objref key = {.pid = pid, .fd = fd, .slot = slot};
	const crfd_held_objref *found = s->nheld ? bsearch(&key, s->held, s->nheld, sizeof(key), by_place) : NULL;

	return found ? found->objref : 0;
}

static int note(struct crfd_survey *s, const crfd_record *rec, const uint8_t *payload)
{
	switch (rec->type) {
	case CRFD_REC_FD_ENT:
		return note_entry(s, payload);
	case CRFD_REC_FD_DATA:
		return note_description(s, rec, payload);
	case CRFD_REC_FD_STAT:
		note_stat(s, payload);
		return 0;
	case CRFD_REC_TASK:
		return note_task(s, rec);
	case CRFD_REC_TASK_INFO:
		memcpy(&s->task[s->ntasks - 1].tgid, payload + offsetof(crfd_task_info, tgid), sizeof(uint32_t));
		return 0;
	case CRFD_REC_TASK_QUIET:
		note_quiet(&s->task[s->ntasks - 1], payload);
		return 0;
	case CRFD_REC_FILES:
		return note_files(s, rec, payload);
	case CRFD_REC_IMAGE_INFO:
		note_info(s, payload);
		return 0;
	case CRFD_REC_HELD_OBJREF:
		return note_held(s, rec, payload);
	case CRFD_REC_IMAGE_SUM: /* behind all of them */
		if (s->nheld)
			qsort(s->held, s->nheld, sizeof(*s->held), by_place);
		return 0;
	default:
		return 0;
	}
}

int crfd_survey_look(struct crfd_survey *s, const uint8_t *buf, size_t n, int last, size_t want, size_t *used, crfd_fault *fault)
{
	crfd_record rec[PIECE];
	size_t at = 0, step;
	int64_t nr;
	int rc = 0;

	do {
		uint64_t start = s->parser.offset;

		nr = crfd_parser_feed(&s->parser, buf + at, n - at, last, rec, PIECE, &step, fault);
		for (int64_t i = 0; i < nr && rc >= 0; i++)
			rc = note(s, &rec[i], buf + at + (rec[i].offset - start) + sizeof(crfd_rec));
		at += nr < 0 ? 0 : step;
	} while (nr == PIECE && rc >= 0 && at < want);
	if (nr < 0 || rc < 0)
		return nr < 0 ? (int)nr : rc;
	s->totals.nfiles = s->ndescriptions;
	s->totals.ntasks = s->ntasks;
	*used = at;
	return nr == PIECE;
}

void crfd_survey_init(struct crfd_survey *s)
{
	crfd_parser_init(&s->parser, NULL);
}

void crfd_survey_release(struct crfd_survey *s)
{
	crfd_parser_release(&s->parser);
	free(s->task);
	free(s->carrier);
	free(s->description);
	free(s->uses);
	free(s->held);
}

/* ---- for Python ---- */

crfd_survey *crfd_survey_new(void)
{
	crfd_survey *s = calloc(1, sizeof(*s));

	if (s)
		crfd_survey_init(s);
	return s;
}

void crfd_survey_free(crfd_survey *s)
{
	if (s)
		crfd_survey_release(s);
	free(s);
}

int crfd_survey_feed(crfd_survey *s, const uint8_t *buf, size_t n, int last, size_t *used, crfd_fault *fault)
{
	int rc = crfd_survey_look(s, buf, n, last, SIZE_MAX, used, fault);

	return rc < 0 ? rc : 0;
}

const crfd_image_totals *crfd_survey_totals(const crfd_survey *s)
{
	return &s->totals;
}

const crfd_surveyed_task *crfd_survey_task(const crfd_survey *s, size_t number)
{
	return number < s->ntasks ? &s->task[number] : NULL;
}
