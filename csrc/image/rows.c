/* SPDX-License-Identifier: MIT */
/* Turns records into rows. The parser judges each record before it comes here, so what is copied needs no second look. */
#include "format/format.h"
#include "image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/oflags.h"
#include "image/parse_state.h"

/* Readers in Python take rows by the bytes. */
_Static_assert(sizeof(crfd_fd_row) == 16, "crfd_fd_row");
_Static_assert(sizeof(crfd_file_row) == 120, "crfd_file_row");

#define PIECE 512 /* records judged at a time; few, so that they and their bytes are still cached when copied */

struct decoding {
	crfd_rows *r;
	const uint8_t *buf;
	const struct crfd_oflags *there; /* NULL: an image of a machine with our numbers */
	uint64_t end; /* of what is decoded */
	enum { IMAGE, TASK, DESCRIPTION } about; /* whose an extension record is that comes now */
};

void crfd_rows_release(crfd_rows *r)
{
	free(r->task);
	free(r->fd);
	free(r->file);
	*r = (crfd_rows){0};
}

static void end_section(crfd_rows *r, uint64_t end)
{
	crfd_task_row *t;

	if (!r->ntasks)
		return;
	t = &r->task[r->ntasks - 1];
	if (t->length)
		return;
	t->length = end - t->offset;
	t->new_objrefs = (uint32_t)(r->file_base + r->nfiles - t->first_objref);
}

static int add_task(struct decoding *d, const crfd_record *rec, const uint8_t *v)
{
	crfd_rows *r = d->r;
	crfd_task_row *t;
	int rc;

	end_section(r, rec->offset);
	rc = crfd_grow(&r->task, &r->task_alloc, r->ntasks + 1, sizeof(*r->task));
	if (rc < 0)
		return rc;
	t = &r->task[r->ntasks++];
	*t = (crfd_task_row){.offset = rec->offset, .first_fd = r->nfds,
			     .first_objref = (uint32_t)(r->file_base + r->nfiles)};
	memcpy(&t->rec, v, sizeof(t->rec));
	d->about = TASK;
	return 0;
}

static int set_files(struct decoding *d, const crfd_record *rec, const uint8_t *v)
{
	crfd_rows *r = d->r;
	crfd_task_row *t = &r->task[r->ntasks - 1];
	uint64_t fit = (d->end - rec->offset) / (sizeof(crfd_rec) + sizeof(crfd_fd_ent));
	crfd_files files;

	memcpy(&files, v, sizeof(files));
	t->info.pid = rec->parent;
	t->nfds = files.nfds;
	t->files_objref = files.objref;
	return crfd_grow(&r->fd, &r->fd_alloc, r->nfds + (files.nfds < fit ? files.nfds : fit), sizeof(*r->fd));
}

static void add_fd(crfd_rows *r, const uint8_t *v)
{
	crfd_fd_ent ent;

	memcpy(&ent, v, sizeof(ent));
	r->fd[r->nfds++] = (crfd_fd_row){.pid = r->task[r->ntasks - 1].info.pid, .fd = ent.fd, .objref = ent.objref,
					 .close_on_exec = ent.close_on_exec};
}

/* Takes FD_DATA, whose few known bits stand where no FD_STAT follows and says more. */
static int add_file(struct decoding *d, const uint8_t *v)
{
	crfd_rows *r = d->r;
	crfd_file_row *f;
	crfd_fd_data data;
	int rc = crfd_grow(&r->file, &r->file_alloc, r->nfiles + 1, sizeof(*r->file));

	if (rc < 0)
		return rc;
	memcpy(&data, v, sizeof(data));
	if (d->there)
		data.f_flags = crfd_oflags_translate(d->there, data.f_flags);
	f = &r->file[r->nfiles++];
	*f = (crfd_file_row){.kind = data.fd_type, .f_mode = data.f_mode, .f_flags = data.f_flags,
			     .f_uid = data.f_uid, .f_gid = data.f_gid, .f_pos = data.f_pos,
			     .f_version = data.f_version, .known = CRFD_HAS_FLAGS | CRFD_HAS_ACCESS | CRFD_HAS_PATH};
	if (data.f_uid != UINT32_MAX)
		f->known |= CRFD_HAS_OWNER;
	return 0;
}

static void set_stat(crfd_file_row *f, const uint8_t *v)
{
	crfd_fd_stat st;

	memcpy(&st, v, sizeof(st));
	f->known = st.known;
	f->f_mode = st.f_mode;
	f->st_mode = st.st_mode;
	f->mnt_id = st.mnt_id;
	f->dev = st.dev;
	f->rdev = st.rdev;
	f->ino = st.ino;
	f->size = st.size;
	f->blocks = st.blocks;
	f->nlink = st.nlink;
	f->deleted = (st.flags & CRFD_STAT_DELETED) != 0;
}

/* Extension records of one task or description follow one another, so a span holds them all. */
static int extend(uint64_t *off, uint32_t *len, const crfd_record *rec)
{
	uint32_t size = (uint32_t)(sizeof(crfd_rec) + (size_t)rec->len);

	if (!*len)
		*off = rec->offset;
	if (size > UINT32_MAX - *len)
		return -EOVERFLOW;
	*len += size;
	return 0;
}

static int add_extension(struct decoding *d, const crfd_record *rec, const uint8_t *v)
{
	crfd_rows *r = d->r;
	crfd_task_row *t;
	crfd_file_row *f;

	if (rec->type == CRFD_REC_SECTION_SUM) {
		end_section(r, rec->offset + sizeof(crfd_rec) + sizeof(crfd_section_sum));
		d->about = IMAGE;
	}
	switch (d->about) {
	case TASK:
		t = &r->task[r->ntasks - 1];
		if (rec->type == CRFD_REC_TASK_INFO)
			memcpy(&t->info, v, sizeof(t->info));
		return extend(&t->ext_off, &t->ext_len, rec);
	case DESCRIPTION:
		f = &r->file[r->nfiles - 1];
		if (rec->type == CRFD_REC_FD_STAT)
			set_stat(f, v);
		return extend(&f->ext_off, &f->ext_len, rec);
	default:
		return 0;
	}
}

static void set_name(struct decoding *d, const crfd_record *rec)
{
	crfd_file_row *f = &d->r->file[d->r->nfiles - 1];

	f->name_off = rec->offset + sizeof(crfd_rec);
	f->name_len = (uint32_t)rec->len - 1;
	d->about = DESCRIPTION;
}

static int add_record(struct decoding *d, const crfd_record *rec)
{
	const uint8_t *v = d->buf + rec->offset + sizeof(crfd_rec);
	crfd_rows *r = d->r;

	switch (rec->type) {
	case CRFD_REC_FD_ENT:
		add_fd(r, v);
		return 0;
	case CRFD_REC_FD_DATA:
		return add_file(d, v);
	case CRFD_REC_FNAME:
		set_name(d, rec);
		return 0;
	case CRFD_REC_TASK:
		return add_task(d, rec, v);
	case CRFD_REC_STRING:
		memcpy(r->task[r->ntasks - 1].comm, v, CRFD_COMM_LEN);
		return 0;
	case CRFD_REC_FILES:
		return set_files(d, rec, v);
	case CRFD_REC_TAIL:
		end_section(r, rec->offset);
		return 0;
	default:
		return rec->type < CRFD_REC_EXT_FIRST ? 0 : add_extension(d, rec, v);
	}
}

static int decode(struct decoding *d, crfd_parser *p, uint64_t start, crfd_fault *fault)
{
	crfd_record rec[PIECE];
	int64_t n;

	do {
		size_t used;

		n = crfd_parser_feed(p, d->buf + start, d->end - start, 1, rec, PIECE, &used, fault);
		if (n < 0)
			return (int)n;
		start += used;
		for (int64_t i = 0; i < n; i++) {
			int rc = add_record(d, &rec[i]);

			if (rc < 0)
				return rc;
		}
	} while (n == PIECE);
	return 0;
}

int crfd_rows_decode(crfd_rows *r, const uint8_t *buf, size_t n, const crfd_index_entry *at, crfd_fault *fault)
{
	struct decoding d = {.r = r, .buf = buf, .there = crfd_oflags_of_image(buf, n), .end = n};
	uint64_t start = at ? at->offset : 0;
	crfd_parser p;
	int rc;

	if (at && (at->offset > n || at->length > n - at->offset)) {
		*fault = (crfd_fault){.code = CRFD_E_INDEX, .offset = n, .expected = at->offset + at->length, .found = n};
		return CRFD_E_INDEX;
	}
	if (at) {
		d.end = at->offset + at->length;
		r->file_base = at->first_objref - 1;
	}
	crfd_parser_init(&p, at);
	p.unsummed = !at;
	*fault = (crfd_fault){0};
	rc = crfd_grow(&r->file, &r->file_alloc, 1, sizeof(*r->file));
	if (rc >= 0) {
		r->file[r->nfiles++] = (crfd_file_row){0};
		rc = decode(&d, &p, start, fault);
	}
	if (rc < 0)
		crfd_rows_release(r);
	crfd_parser_release(&p);
	return rc;
}
