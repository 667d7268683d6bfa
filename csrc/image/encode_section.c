/* SPDX-License-Identifier: MIT */
/*
 * One task's section. The encoder stops inside a batch whenever `want` bytes are out and goes on from there, so an image
 * of any size passes through one small buffer.
 */
#include "image/encode.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "format/record.h"

/* Lays a record where there is room for it, and returns the byte behind it. Inline: each descriptor has four and more. */
static inline uint8_t *lay(uint8_t *to, int type, uint32_t parent, const void *payload, size_t len)
{
	crfd_rec h = {.type = (int16_t)type, .len = (int16_t)len, .parent = parent};

	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), payload, len);
	return to + sizeof(h) + len;
}

/* Copies whole extension records that were made without knowing their parent. */
static int put_extensions(crfd_buf *out, const crfd_batch *b, crfd_span ext, uint32_t parent)
{
	struct crfd_cursor c = {.p = b->text.v + ext.off, .end = b->text.v + ext.off + ext.len};
	int rc = crfd_buf_reserve(out, ext.len);
	uint8_t *to = out->v + out->nr;

	if (rc < 0)
		return rc;
	while (crfd_cursor_next(&c))
		to = lay(to, c.h.type, parent, c.payload, (size_t)c.h.len);
	out->nr = (size_t)(to - out->v);
	return 0;
}

static void put_fd_errors(crfd_buf *out, const crfd_batch *b, const crfd_task *t)
{
	for (uint64_t i = t->first; t->nerrors && i < t->first + t->nfds; i++) {
		crfd_fd_error err = {.fd = b->fd[i].fd, .err = b->fd[i].err, .step = b->fd[i].step};

		if (err.err)
			crfd_buf_rec(out, CRFD_REC_FD_ERROR, t->info.pid, &err, sizeof(err));
	}
}

/* Returns 1 where a descriptor has a LOCK record. */
static int has_locks(const crfd_batch *b, const crfd_fd *f)
{
	struct crfd_cursor c = {.p = b->text.v + f->ext.off, .end = b->text.v + f->ext.off + f->ext.len};

	while (f->ext.len && crfd_cursor_next(&c))
		if (c.h.type == CRFD_REC_LOCK)
			return 1;
	return 0;
}

/* Puts the POSIX locks among the extension records of one descriptor. */
static int put_locks_of(crfd_buf *out, const crfd_batch *b, const crfd_task *t, const crfd_fd *f)
{
	struct crfd_cursor c = {.p = b->text.v + f->ext.off, .end = b->text.v + f->ext.off + f->ext.len};
	crfd_fd_lock r = {.fd = f->fd};

	while (crfd_cursor_next(&c)) {
		for (size_t i = 0; c.h.type == CRFD_REC_LOCK && i < (size_t)c.h.len; i += sizeof(crfd_lock)) {
			memcpy(&r.lock, c.payload + i, sizeof(crfd_lock));
			if (r.lock == CRFD_LOCK_POSIX)
				crfd_buf_rec(out, CRFD_REC_FD_LOCK, t->info.pid, &r, sizeof(r));
		}
	}
	return out->failed;
}

/*
 * Puts what the task has locked through descriptions that were written with another one, and which so cannot say it: once, however
 * many descriptors of it the task has.
 */
static int put_fd_locks(crfd_buf *out, const crfd_batch *b, const crfd_task *t, const uint32_t *objref, uint32_t first)
{
	crfd_objrefs *told = NULL;
	int rc = 0;

	for (uint64_t i = t->first; i < t->first + t->nfds && rc >= 0; i++) {
		uint64_t key = objref[i];
		uint8_t fresh;
		uint32_t n;

		if (!key || key >= first || !has_locks(b, &b->fd[i]))
			continue;
		told = told ? told : crfd_objrefs_new();
		rc = told ? crfd_objrefs_add(told, &key, 1, &n, &fresh) : -ENOMEM;
		if (rc >= 0 && fresh)
			rc = put_locks_of(out, b, t, &b->fd[i]);
	}
	crfd_objrefs_free(told);
	return rc;
}

static int put_task(crfd_encoder *e, const crfd_batch *b, const crfd_task *t, const uint32_t *objref, crfd_buf *out)
{
	crfd_files files = {.nfds = (uint32_t)t->nfds};
	uint8_t fresh;
	int rc = crfd_objrefs_add(e->tables, &t->table, 1, &files.objref, &fresh);

	if (rc < 0)
		return rc;
	if (t->nfds > UINT32_MAX || e->stats.ntasks == UINT32_MAX)
		return -EOVERFLOW;
	e->here = (crfd_index_entry){.offset = e->offset, .pid = t->info.pid, .nfds = files.nfds,
				     .first_objref = e->stats.nobjrefs + 1, .files_objref = files.objref};
	crfd_buf_rec(out, CRFD_REC_TASK, 0, &t->rec, sizeof(t->rec));
	crfd_buf_rec(out, CRFD_REC_STRING, 0, t->comm, sizeof(t->comm));
	if (!e->rfc) {
		crfd_buf_rec(out, CRFD_REC_TASK_INFO, t->info.pid, &t->info, sizeof(t->info));
		put_fd_errors(out, b, t);
		put_extensions(out, b, t->ext, t->info.pid);
		rc = put_fd_locks(out, b, t, objref, e->here.first_objref);
	}
	return rc < 0 ? rc : crfd_buf_rec(out, CRFD_REC_FILES, t->info.pid, &files, sizeof(files));
}

/* FD_ENT, FD_DATA, FNAME without the name, FD_STAT and INODE. */
#define FD_BYTES (5 * sizeof(crfd_rec) + sizeof(crfd_fd_ent) + sizeof(crfd_fd_data) + 1 + sizeof(crfd_fd_stat) + sizeof(crfd_inode))

static uint8_t *lay_name(uint8_t *to, const uint8_t *name, size_t len)
{
	crfd_rec h = {.type = CRFD_REC_FNAME, .len = (int16_t)(len + 1)};

	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), name, len);
	to[sizeof(h) + len] = 0;
	return to + sizeof(h) + len + 1;
}

static uint8_t *lay_description(const crfd_encoder *e, const crfd_batch *b, const crfd_fd *f, uint32_t objref, uint8_t *to)
{
	crfd_fd_data data = {.fd_type = f->kind, .f_mode = (uint16_t)f->st.f_mode, .f_flags = f->f_flags,
			     .f_uid = f->f_uid, .f_gid = f->f_gid, .f_pos = f->f_pos, .f_version = f->f_version};
	size_t len = f->name.len < CRFD_NAME_MAX ? f->name.len : CRFD_NAME_MAX - 1;
	crfd_inode inode = {.uid = f->st_uid, .gid = f->st_gid};

	to = lay(to, CRFD_REC_FD_DATA, objref, &data, sizeof(data));
	to = lay_name(to, b->text.v + f->name.off, len);
	if (e->rfc)
		return to;
	to = lay(to, CRFD_REC_FD_STAT, objref, &f->st, sizeof(f->st));
	return f->owned ? lay(to, CRFD_REC_INODE, objref, &inode, sizeof(inode)) : to;
}

/* Puts the records of a description behind FD_STAT. */
static int put_detail(const crfd_batch *b, uint64_t at, uint32_t objref, crfd_buf *out)
{
	const crfd_socket *socket = b->fd[at].kind == CRFD_KIND_SOCKET ? &b->socket[at] : NULL;
	int rc = socket && socket->known ? crfd_buf_rec(out, CRFD_REC_SOCKET, objref, socket, sizeof(*socket)) : 0;

	return rc < 0 || !b->fd[at].ext.len ? rc : put_extensions(out, b, b->fd[at].ext, objref);
}

static int put_fd(crfd_encoder *e, const crfd_batch *b, uint64_t at, uint32_t objref, int fresh, crfd_buf *out)
{
	const crfd_fd *f = &b->fd[at];
	crfd_fd_ent ent = {.objref = objref, .fd = f->fd, .close_on_exec = f->close_on_exec};
	int rc = crfd_buf_reserve(out, FD_BYTES + f->name.len);
	uint8_t *to = out->v + out->nr;

	if (rc < 0)
		return rc;
	to = lay(to, CRFD_REC_FD_ENT, 0, &ent, sizeof(ent));
	e->stats.nfds++;
	if (fresh) {
		if (objref != e->stats.nobjrefs + 1)
			return -EINVAL;
		e->stats.nobjrefs++;
		to = lay_description(e, b, f, objref, to);
	}
	out->nr = (size_t)(to - out->v);
	return fresh && !e->rfc ? put_detail(b, at, objref, out) : 0;
}

/* Appends SECTION_SUM when everything before it is out and summed. */
static int end_section(crfd_encoder *e, const crfd_task *t, crfd_buf *out)
{
	crfd_section_sum sum = {.length = e->mark, .nfds = (uint32_t)t->nfds, .crc = e->section_crc};
	size_t nr = out->nr;
	int rc = e->rfc ? 0 : crfd_buf_rec(out, CRFD_REC_SECTION_SUM, 0, &sum, sizeof(sum));

	if (rc < 0)
		return rc;
	e->crc = crfd_crc32c_combine(e->crc, e->section_crc, e->mark);
	e->offset += e->mark;
	crfd_encoder_sum(e, out, nr);
	e->here.length = e->offset - e->here.offset;
	e->here.new_objrefs = e->stats.nobjrefs + 1 - e->here.first_objref;
	e->here.crc = e->section_crc;
	e->stats.ntasks++;
	e->open = 0;
	return crfd_buf_put(&e->index, &e->here, sizeof(e->here));
}

/* Appends what it can of one task; 1 when it was left unfinished at `full` bytes. */
static int encode_task(crfd_encoder *e, const crfd_batch *b, const uint32_t *objref, const uint8_t *fresh, size_t full,
		       crfd_buf *out)
{
	const crfd_task *t = &b->task[e->task];
	size_t nr = out->nr;
	int rc = 0;

	if (!e->open) {
		e->fd = e->mark = e->section_crc = 0;
		e->open = 1;
		rc = put_task(e, b, t, objref, out);
	}
	for (; rc >= 0 && e->fd < t->nfds && out->nr < full; e->fd++) {
		uint64_t i = t->first + e->fd;

		rc = put_fd(e, b, i, objref[i], fresh[i], out);
	}
	if (rc < 0)
		return rc;
	e->section_crc = crfd_crc32c(e->section_crc, out->v + nr, out->nr - nr);
	e->mark += out->nr - nr;
	return e->fd < t->nfds ? 1 : end_section(e, t, out);
}

int crfd_encode_batch(crfd_encoder *e, const crfd_batch *b, const uint32_t *objref, const uint8_t *fresh,
		      size_t want, crfd_buf *out)
{
	size_t full = want > SIZE_MAX - out->nr ? SIZE_MAX : out->nr + want;
	int begins = !e->task && !e->open && b->nheld && !e->rfc;

	if (begins && crfd_buf_put(&e->held, b->held, b->nheld * sizeof(*b->held)) < 0)
		return -ENOMEM;
	while (e->task < b->ntasks) {
		int rc = b->task[e->task].err ? 0 : encode_task(e, b, objref, fresh, full, out);

		if (rc)
			return rc;
		e->task++;
		if (out->nr >= full && e->task < b->ntasks)
			return 1;
	}
	e->task = 0;
	return 0;
}
