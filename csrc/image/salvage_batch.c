/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "format/record.h"
#include "image/salvage.h"

static int copy_records(crfd_batch *b, const uint8_t *p, size_t n, int left_out, int also, crfd_span *out)
{
	struct crfd_cursor c = {.p = p, .end = p + n};
	uint64_t from = b->text.nr;
	int rc = 0;

	while (rc >= 0 && crfd_cursor_next(&c))
		if (c.h.type != left_out && c.h.type != also)
			rc = crfd_buf_put(&b->text, c.payload - sizeof(c.h), sizeof(c.h) + (size_t)c.h.len);
	*out = (crfd_span){.off = from, .len = (uint32_t)(b->text.nr - from)};
	return rc;
}

static int put_file(const struct crfd_salvager *s, const crfd_file_row *r, crfd_fd *f)
{
	int rc = crfd_batch_text(s->b, s->buf + r->name_off, r->name_len, &f->name);

	f->kind = r->kind;
	f->f_flags = r->f_flags;
	f->f_uid = r->f_uid;
	f->f_gid = r->f_gid;
	f->f_pos = r->f_pos;
	f->f_version = r->f_version;
	f->st = (crfd_fd_stat){.known = r->known, .f_mode = r->f_mode, .st_mode = r->st_mode, .mnt_id = r->mnt_id, .dev = r->dev,
			       .rdev = r->rdev, .ino = r->ino, .size = r->size, .blocks = r->blocks, .nlink = r->nlink,
			       .flags = r->deleted ? CRFD_STAT_DELETED : 0};
	if (rc < 0 || !r->ext_len)
		return rc;
	return copy_records(s->b, s->buf + r->ext_off, r->ext_len, CRFD_REC_FD_STAT, CRFD_REC_FD_STAT, &f->ext);
}

/* A descriptor of which nothing is known any more but its number, unless its description is in this section or was in another. */
static int put_fd(struct crfd_salvager *s, const crfd_rows *rows, const crfd_fd_row *r, uint64_t at, uint32_t *described)
{
	crfd_fd *f = &s->b->fd[at];
	uint32_t file = r->objref - rows->file_base;

	*f = (crfd_fd){.fd = r->fd, .close_on_exec = (uint8_t)r->close_on_exec};
	s->b->ident[at] = r->objref;
	if (r->objref > rows->file_base && file < rows->nfiles) {
		if (file <= *described)
			return 0;
		*described = file;
		return put_file(s, &rows->file[file], f);
	}
	if (!r->objref || crfd_objrefs_get(s->objrefs, r->objref))
		return 0;
	s->b->ident[at] = 0;
	f->err = EIO;
	s->out->nfds++;
	return 0;
}

/* Puts what FD_ERRORs say, which ascend as the descriptors do. */
static void put_errors(const struct crfd_salvager *s, const crfd_task_row *r, crfd_task *t)
{
	struct crfd_cursor c = {.p = s->buf + r->ext_off, .end = s->buf + r->ext_off + r->ext_len};
	uint64_t i = 0;

	while (crfd_cursor_next(&c)) {
		crfd_fd_error error;

		if (c.h.type != CRFD_REC_FD_ERROR)
			continue;
		memcpy(&error, c.payload, sizeof(error));
		while (i < t->nfds && s->b->fd[t->first + i].fd < error.fd)
			i++;
		if (i == t->nfds || s->b->fd[t->first + i].fd != error.fd)
			continue;
		s->b->fd[t->first + i].err = error.err;
		s->b->fd[t->first + i].step = error.step;
	}
	for (i = t->first; i < t->first + t->nfds; i++)
		t->nerrors += s->b->fd[i].err != 0;
}

int crfd_salvage_batch(struct crfd_salvager *s, const crfd_rows *rows)
{
	const crfd_task_row *r = &rows->task[0];
	uint32_t described = 0;
	crfd_task *t;
	int rc = 0;

	crfd_batch_clear(s->b);
	t = crfd_batch_task(s->b);
	if (!t || (rows->nfds && !crfd_batch_fds(s->b, rows->nfds)))
		return -ENOMEM;
	t->rec = r->rec;
	t->info = r->info;
	memcpy(t->comm, r->comm, sizeof(t->comm));
	t->table = r->files_objref;
	if (t->table && t->nfds && crfd_objrefs_get(s->e->tables, t->table))
		t->table = 0; /* another has brought the entries of a table of that number: these are of another one */
	for (size_t i = 0; i < rows->nfds && rc >= 0; i++) {
		s->b->socket[i] = (crfd_socket){0};
		rc = put_fd(s, rows, &rows->fd[i], i, &described);
	}
	if (rc < 0)
		return rc;
	put_errors(s, r, t);
	return copy_records(s->b, s->buf + r->ext_off, r->ext_len, CRFD_REC_TASK_INFO, CRFD_REC_FD_ERROR, &t->ext);
}
