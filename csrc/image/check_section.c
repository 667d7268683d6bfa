/* SPDX-License-Identifier: MIT */
/* Checks the payloads of a section, one function a record type; the last one chooses among them and those of check_image.c. */
#include "image/check_section.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "image/check_image.h"
#include "image/tasks.h"

#define HAS_ALL (CRFD_HAS_SIGNALS * 2 - 1)
#define MAP_ALL (CRFD_MAP_READ | CRFD_MAP_WRITE | CRFD_MAP_EXEC | CRFD_MAP_SHARED)
#define TASK_HAS_ALL (CRFD_TASK_HAS_STAT | CRFD_TASK_HAS_STATUS | CRFD_TASK_HAS_LIMITS)

/* Says what may come after the entries so far. */
static int next_ent(crfd_parser *p)
{
	p->state = p->due ? CRFD_AT_ENT : p->extended ? CRFD_AT_SUM : CRFD_AT_RFC;
	return 0;
}

static int take_task(crfd_parser *p, const uint8_t *v)
{
	crfd_task_rec r;

	memcpy(&r, v, sizeof(r));
	if (r.comm_len != CRFD_COMM_LEN)
		return REFUSE(p, CRFD_E_COMM_LEN, crfd_task_rec, comm_len, CRFD_COMM_LEN, r.comm_len);
	p->here = (crfd_index_entry){.offset = p->offset, .first_objref = (uint32_t)p->next_objref};
	p->section_crc = 0;
	p->nfailed = p->failed_seen = 0;
	p->polled = 0;
	p->state = CRFD_AT_COMM;
	return 0;
}

static int take_comm(crfd_parser *p, const uint8_t *v)
{
	int rc = crfd_parser_zeros(p, (const char *)v, CRFD_COMM_LEN, 0);

	p->state = p->extended ? CRFD_AT_TASK_INFO : CRFD_AT_FILES;
	return rc;
}

static int take_task_info(crfd_parser *p, uint32_t parent, const uint8_t *v)
{
	crfd_task_info r;

	memcpy(&r, v, sizeof(r));
	if (r.pid != parent)
		return REFUSE(p, CRFD_E_PARENT, crfd_task_info, pid, parent, r.pid);
	if (r.identity > CRFD_IDENTITY_INFERRED)
		return REFUSE(p, CRFD_E_FIELD, crfd_task_info, identity, CRFD_IDENTITY_INFERRED, r.identity);
	if (r.known & ~TASK_HAS_ALL)
		return REFUSE(p, CRFD_E_FIELD, crfd_task_info, known, r.known & TASK_HAS_ALL, r.known);
	p->here.pid = parent;
	p->state = CRFD_AT_TASK;
	return 0;
}

static int take_fd_error(crfd_parser *p, const uint8_t *v)
{
	int64_t least = p->nfailed ? (int64_t)p->failed[p->nfailed - 1] + 1 : 0;
	crfd_fd_error r;
	int rc;

	memcpy(&r, v, sizeof(r));
	if (r.fd < least)
		return REFUSE(p, CRFD_E_FD_ORDER, crfd_fd_error, fd, least, r.fd);
	if (r.err <= 0)
		return REFUSE(p, CRFD_E_FIELD, crfd_fd_error, err, 1, r.err);
	if (r.step > CRFD_STEP_CLOEXEC)
		return REFUSE(p, CRFD_E_FIELD, crfd_fd_error, step, CRFD_STEP_CLOEXEC, r.step);
	rc = crfd_grow(&p->failed, &p->failed_alloc, p->nfailed + 1, sizeof(*p->failed));
	if (rc < 0)
		return crfd_parser_refuse(p, rc, 0, 0, 0);
	p->failed[p->nfailed++] = r.fd;
	return 0;
}

static int check_stat_at(crfd_parser *p, const crfd_fd_stat *st, size_t at)
{
	if (st->known & ~HAS_ALL)
		return crfd_parser_refuse(p, CRFD_E_FIELD, sizeof(crfd_rec) + at + offsetof(crfd_fd_stat, known),
					  st->known & HAS_ALL, st->known);
	if (st->flags & ~CRFD_STAT_DELETED)
		return crfd_parser_refuse(p, CRFD_E_FIELD, sizeof(crfd_rec) + at + offsetof(crfd_fd_stat, flags),
					  st->flags & CRFD_STAT_DELETED, st->flags);
	return 0;
}

/* A text that ends with its record, and not before. */
static int take_text(crfd_parser *p, const uint8_t *v, size_t len, size_t at)
{
	const uint8_t *nul = memchr(v + at, 0, len - at);

	return nul ? crfd_parser_refuse(p, CRFD_E_FIELD, sizeof(crfd_rec) + (size_t)(nul - v), 1, 0) : 0;
}

static int take_held(crfd_parser *p, const uint8_t *v, size_t len)
{
	crfd_held r;
	int told, rc;

	memcpy(&r, v, sizeof(r));
	told = (r.st.known & CRFD_HAS_PATH) != 0;
	if (r.held < CRFD_HELD_CWD || r.held > CRFD_HELD_RING)
		return REFUSE(p, CRFD_E_FIELD, crfd_held, held, r.held ? CRFD_HELD_RING : CRFD_HELD_CWD, r.held);
	if (r.err < 0)
		return REFUSE(p, CRFD_E_FIELD, crfd_held, err, 0, r.err);
	if (r.prot & ~MAP_ALL)
		return REFUSE(p, CRFD_E_FIELD, crfd_held, prot, r.prot & MAP_ALL, r.prot);
	if (r.fd < -1)
		return REFUSE(p, CRFD_E_FIELD, crfd_held, fd, -1, r.fd);
	if (told != (len > sizeof(r)))
		return crfd_parser_refuse(p, CRFD_E_LEN, 2, sizeof(r) + (size_t)told, len);
	rc = take_text(p, v, len, sizeof(r));
	return rc < 0 ? rc : check_stat_at(p, &r.st, offsetof(crfd_held, st));
}

static int take_task_polls(crfd_parser *p, const uint8_t *v)
{
	crfd_task_polls r;

	memcpy(&r, v, sizeof(r));
	if (r.unread > r.threads)
		return REFUSE(p, CRFD_E_FIELD, crfd_task_polls, unread, r.threads, r.unread);
	if (r.err < 0 || !r.err != !r.unread)
		return REFUSE(p, CRFD_E_FIELD, crfd_task_polls, err, r.unread != 0, r.err);
	return 0;
}

static int take_polled(crfd_parser *p, const uint8_t *v)
{
	crfd_polled r;

	memcpy(&r, v, sizeof(r));
	if (r.fd < p->polled)
		return REFUSE(p, CRFD_E_FD_ORDER, crfd_polled, fd, p->polled, r.fd);
	if (r.tid <= 0)
		return REFUSE(p, CRFD_E_FIELD, crfd_polled, tid, 1, r.tid);
	p->polled = r.fd;
	return 0;
}

static int take_files(crfd_parser *p, uint32_t parent, const uint8_t *v)
{
	crfd_files r;
	int rc;

	memcpy(&r, v, sizeof(r));
	p->here.pid = parent;
	p->here.nfds = p->due = r.nfds;
	p->here.files_objref = r.objref;
	p->fd = -1;
	rc = crfd_parser_count(p);
	return rc < 0 ? rc : next_ent(p);
}

static int is_failed(crfd_parser *p, int32_t fd)
{
	while (p->failed_seen < p->nfailed && p->failed[p->failed_seen] < fd)
		p->failed_seen++;
	return p->failed_seen < p->nfailed && p->failed[p->failed_seen] == fd;
}

static int take_fd_ent(crfd_parser *p, const uint8_t *v)
{
	crfd_fd_ent r;

	memcpy(&r, v, sizeof(r));
	if (r.objref > p->next_objref || (!r.objref && !is_failed(p, r.fd)))
		return REFUSE(p, CRFD_E_OBJREF, crfd_fd_ent, objref, p->next_objref, r.objref);
	if (r.fd <= p->fd)
		return REFUSE(p, CRFD_E_FD_ORDER, crfd_fd_ent, fd, (int64_t)p->fd + 1, r.fd);
	if (r.close_on_exec > 1)
		return REFUSE(p, CRFD_E_FIELD, crfd_fd_ent, close_on_exec, 1, r.close_on_exec);
	p->fd = r.fd;
	p->objref = r.objref;
	p->due--;
	if (r.objref != p->next_objref)
		return next_ent(p);
	p->next_objref++;
	p->state = CRFD_AT_DATA;
	return 0;
}

static int take_fd_data(crfd_parser *p, const uint8_t *v)
{
	crfd_fd_data r;
	int fixed;

	memcpy(&r, v, sizeof(r));
	fixed = r.fd_type >= CRFD_KIND_FILE && r.fd_type <= CRFD_KIND_SYMLINK;
	if (!fixed && (!p->extended || r.fd_type < CRFD_KIND_UNKNOWN))
		return REFUSE(p, CRFD_E_FD_TYPE, crfd_fd_data, fd_type, CRFD_KIND_FILE, r.fd_type);
	p->f_mode = r.f_mode;
	p->state = CRFD_AT_NAME;
	return 0;
}

static int take_fname(crfd_parser *p, const uint8_t *v, size_t len)
{
	size_t end = strnlen((const char *)v, len);

	if (end != len - 1)
		return crfd_parser_refuse(p, CRFD_E_NAME, sizeof(crfd_rec) + (end < len ? end : len - 1), len - 1, end);
	p->state = CRFD_AT_STAT;
	return p->extended ? 0 : next_ent(p);
}

static int take_fd_stat(crfd_parser *p, const uint8_t *v)
{
	crfd_fd_stat r;
	int rc;

	memcpy(&r, v, sizeof(r));
	if ((uint16_t)r.f_mode != p->f_mode)
		return REFUSE(p, CRFD_E_FIELD, crfd_fd_stat, f_mode, (r.f_mode & ~0xffffu) | p->f_mode, r.f_mode);
	rc = check_stat_at(p, &r, 0);
	if (rc < 0)
		return rc;
	p->state = p->due ? CRFD_AT_MORE : CRFD_AT_MORE_LAST;
	return 0;
}

/* A section read by its index entry must be what the entry says. */
static int check_single(crfd_parser *p)
{
	uint64_t want[sizeof(p->want) / 8], here[sizeof(p->here) / 8];

	if (p->guessed) {
		p->state = CRFD_AT_END;
		return 0;
	}
	memcpy(want, &p->want, sizeof(want));
	memcpy(here, &p->here, sizeof(here));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		if (want[i] != here[i])
			return crfd_parser_refuse(p, CRFD_E_INDEX, 0, want[i], here[i]);
	p->state = CRFD_AT_END;
	return 0;
}

static int take_section_sum(crfd_parser *p, const uint8_t *v)
{
	uint64_t length = p->offset - p->here.offset;
	crfd_section_sum r;

	memcpy(&r, v, sizeof(r));
	if (r.length != length)
		return REFUSE(p, CRFD_E_SECTION_SUM, crfd_section_sum, length, length, r.length);
	if (r.nfds != p->here.nfds)
		return REFUSE(p, CRFD_E_SECTION_SUM, crfd_section_sum, nfds, p->here.nfds, r.nfds);
	if (!p->unsummed && r.crc != p->section_crc)
		return REFUSE(p, CRFD_E_SECTION_SUM, crfd_section_sum, crc, p->section_crc, r.crc);
	p->here.length = length + sizeof(crfd_rec) + sizeof(r);
	p->here.new_objrefs = (uint32_t)(p->next_objref - p->here.first_objref);
	p->here.crc = r.crc;
	if (p->single)
		return check_single(p);
	if (!p->unsummed)
		p->crc = crfd_crc32c_combine(p->crc, p->section_crc, length);
	p->expected_index_crc = crfd_crc32c(p->expected_index_crc, (const uint8_t *)&p->here, sizeof(p->here));
	p->state = CRFD_AT_SECTION;
	return 0;
}

int crfd_parser_payload(crfd_parser *p, const crfd_rec *h, const uint8_t *v)
{
	switch (h->type) {
	case CRFD_REC_FD_ENT:
		return take_fd_ent(p, v);
	case CRFD_REC_FD_DATA:
		return take_fd_data(p, v);
	case CRFD_REC_FNAME:
		return take_fname(p, v, (size_t)h->len);
	case CRFD_REC_FD_STAT:
		return take_fd_stat(p, v);
	case CRFD_REC_TASK:
		return take_task(p, v);
	case CRFD_REC_STRING:
		return take_comm(p, v);
	case CRFD_REC_TASK_INFO:
		return take_task_info(p, h->parent, v);
	case CRFD_REC_FD_ERROR:
		return take_fd_error(p, v);
	case CRFD_REC_TASK_EXE:
	case CRFD_REC_TASK_CGROUP:
		return take_text(p, v, (size_t)h->len, 0);
	case CRFD_REC_HELD:
		return take_held(p, v, (size_t)h->len);
	case CRFD_REC_TASK_POLLS:
		return take_task_polls(p, v);
	case CRFD_REC_POLLED:
		return take_polled(p, v);
	case CRFD_REC_FILES:
		return take_files(p, h->parent, v);
	case CRFD_REC_SECTION_SUM:
		return take_section_sum(p, v);
	case CRFD_REC_HEAD:
		return crfd_parser_head(p, v);
	case CRFD_REC_IMAGE_INFO:
		return crfd_parser_image_info(p, v);
	case CRFD_REC_STILL:
		return crfd_parser_still(p, v, (size_t)h->len);
	case CRFD_REC_LOCK_WAIT:
		return crfd_parser_lock_wait(p, v, (size_t)h->len);
	case CRFD_REC_HELD_OBJREF:
		return crfd_parser_held_objref(p, v, (size_t)h->len);
	case CRFD_REC_INDEX:
		return crfd_parser_index(p, v, (size_t)h->len);
	case CRFD_REC_IMAGE_SUM:
		return crfd_parser_image_sum(p, v);
	case CRFD_REC_TAIL:
		return crfd_parser_tail(p, v);
	default: /* a later version's record about the image closes the sections like those we know */
		if (p->state == CRFD_AT_SECTION)
			p->state = CRFD_AT_CLOSE;
		return 0;
	}
}
