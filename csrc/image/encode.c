/* SPDX-License-Identifier: MIT */
/*
 * Batches to bytes. The encoder stops inside a batch whenever `want` bytes are out and goes on from there, so an image
 * of any size passes through one small buffer. Each byte is summed once: a section's CRC while it is written, the
 * image's by combining the sections'.
 */
#include "base/base.h"
#include "batch/batch.h"
#include "format/format.h"
#include "format/record.h"
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32c.h"

struct crfd_encoder {
	int rfc;
	uint64_t offset; /* bytes of the image summed so far */
	uint32_t crc; /* of those */
	crfd_encode_stats stats;
	crfd_objrefs *tables; /* crfd_task.table → FILES.objref */
	crfd_buf index; /* crfd_index_entry, one a task */
	size_t task; /* of the batch: the one being written */
	uint64_t fd; /* of that task: the next one */
	int open; /* its header is out */
	uint64_t start, mark; /* of the section; up to where it is summed */
	uint32_t section_crc;
};

crfd_encoder *crfd_encoder_new(int rfc)
{
	crfd_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->rfc = rfc;
	e->tables = crfd_objrefs_new();
	if (!e->tables) {
		free(e);
		return NULL;
	}
	return e;
}

void crfd_encoder_free(crfd_encoder *e)
{
	if (!e)
		return;
	crfd_objrefs_free(e->tables);
	crfd_buf_release(&e->index);
	free(e);
}

void crfd_encoder_stats(const crfd_encoder *e, crfd_encode_stats *out)
{
	*out = e->stats;
}

/* Counts what was appended since nr into the image's own sum. */
static void sum_image(crfd_encoder *e, const crfd_buf *out, size_t nr)
{
	e->crc = crfd_crc32c(e->crc, out->v + nr, out->nr - nr);
	e->offset += out->nr - nr;
	e->stats.bytes = e->offset;
}

static void sum_section(crfd_encoder *e, const crfd_buf *out, size_t nr)
{
	e->section_crc = crfd_crc32c(e->section_crc, out->v + nr, out->nr - nr);
	e->mark += out->nr - nr;
}

int crfd_encode_head(crfd_encoder *e, int backend, int image_flags, crfd_buf *out)
{
	crfd_head head = {.magic = CRFD_HEAD_MAGIC, .rev = CRFD_REV, .flags = CRFD_HEAD_CHECKPOINT};
	crfd_image_info info = {.revision = 1, .backend = (uint16_t)backend, .flags = (uint16_t)image_flags};
	unsigned int major = 0, minor = 0, patch = 0;
	size_t nr = out->nr;
	struct utsname u;
	int rc;

	if (uname(&u) < 0)
		return -errno;
	(void)sscanf(u.release, "%u.%u.%u", &major, &minor, &patch);
	head.major = (uint16_t)major;
	head.minor = (uint16_t)minor;
	head.patch = (uint16_t)patch;
	head.time = (uint64_t)time(NULL);
	memcpy(head.release, u.release, strnlen(u.release, sizeof(head.release) - 1));
	memcpy(head.version, u.version, strnlen(u.version, sizeof(head.version) - 1));
	memcpy(head.machine, u.machine, strnlen(u.machine, sizeof(head.machine) - 1));
	if (!e->rfc)
		head.flags |= CRFD_HEAD_EXTENDED;
	rc = crfd_buf_rec(out, CRFD_REC_HEAD, 0, &head, sizeof(head));
	if (rc < 0)
		return rc;
	if (!e->rfc) {
		info.clk_tck = (uint32_t)sysconf(_SC_CLK_TCK);
		rc = crfd_buf_rec(out, CRFD_REC_IMAGE_INFO, 0, &info, sizeof(info));
		if (rc < 0)
			return rc;
	}
	sum_image(e, out, nr);
	return 0;
}

/* Copies whole extension records that were made without knowing their parent. */
static int put_extensions(crfd_buf *out, const crfd_batch *b, crfd_span ext, uint32_t parent)
{
	uint8_t *p, *end;
	int rc = crfd_buf_put(out, b->text.v + ext.off, ext.len);

	if (rc < 0)
		return rc;
	end = out->v + out->nr;
	for (p = end - ext.len; p < end;) {
		crfd_rec h;

		memcpy(&h, p, sizeof(h));
		h.parent = parent;
		memcpy(p, &h, sizeof(h));
		p += sizeof(h) + (size_t)h.len;
	}
	return 0;
}

static int put_fd_errors(crfd_buf *out, const crfd_batch *b, const crfd_task *t)
{
	for (uint64_t i = t->first; t->nerrors && i < t->first + t->nfds; i++) {
		crfd_fd_error err = {.fd = b->fd[i].fd, .err = b->fd[i].err, .step = b->fd[i].step};
		int rc = err.err ? crfd_buf_rec(out, CRFD_REC_FD_ERROR, t->info.pid, &err, sizeof(err)) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The POSIX locks among the extension records of one descriptor. */
static int put_locks_of(crfd_buf *out, const crfd_batch *b, const crfd_task *t, const crfd_fd *f)
{
	uint64_t at = f->ext.off, end = f->ext.off + f->ext.len;
	crfd_fd_lock r = {.fd = f->fd};
	int rc = 0;

	while (at < end && rc >= 0) {
		crfd_rec h;

		memcpy(&h, b->text.v + at, sizeof(h));
		at += sizeof(h);
		for (size_t i = 0; h.type == CRFD_REC_LOCK && i < (size_t)h.len && rc >= 0; i += sizeof(crfd_lock)) {
			memcpy(&r.lock, b->text.v + at + i, sizeof(crfd_lock));
			if (r.lock == CRFD_LOCK_POSIX)
				rc = crfd_buf_rec(out, CRFD_REC_FD_LOCK, t->info.pid, &r, sizeof(r));
		}
		at += (size_t)h.len;
	}
	return rc;
}

/* What the task has locked through descriptions that were written with another one, and which so cannot say it. */
static int put_fd_locks(crfd_buf *out, const crfd_batch *b, const crfd_task *t, const uint32_t *objref, uint32_t first)
{
	int rc = 0;

	for (uint64_t i = t->first; i < t->first + t->nfds && rc >= 0; i++)
		if (objref[i] && objref[i] < first && b->fd[i].ext.len)
			rc = put_locks_of(out, b, t, &b->fd[i]);
	return rc;
}

static int put_task(crfd_encoder *e, const crfd_batch *b, const crfd_task *t, const uint32_t *objref, crfd_buf *out)
{
	crfd_files files = {.nfds = (uint32_t)t->nfds};
	uint8_t fresh;
	int rc = crfd_objrefs_add(e->tables, &t->table, 1, &files.objref, &fresh);
	crfd_index_entry at = {.offset = e->offset, .pid = t->info.pid, .nfds = files.nfds,
			       .first_objref = e->stats.nobjrefs + 1, .files_objref = files.objref};

	if (rc < 0)
		return rc;
	if (t->nfds > UINT32_MAX || e->stats.ntasks == UINT32_MAX)
		return -EOVERFLOW;
	rc = crfd_buf_put(&e->index, &at, sizeof(at));
	if (rc >= 0)
		rc = crfd_buf_rec(out, CRFD_REC_TASK, 0, &t->rec, sizeof(t->rec));
	if (rc >= 0)
		rc = crfd_buf_rec(out, CRFD_REC_STRING, 0, t->comm, sizeof(t->comm));
	if (rc >= 0 && !e->rfc)
		rc = crfd_buf_rec(out, CRFD_REC_TASK_INFO, t->info.pid, &t->info, sizeof(t->info));
	if (rc >= 0 && !e->rfc)
		rc = put_fd_errors(out, b, t);
	if (rc >= 0 && !e->rfc)
		rc = put_extensions(out, b, t->ext, t->info.pid);
	if (rc >= 0 && !e->rfc)
		rc = put_fd_locks(out, b, t, objref, at.first_objref);
	if (rc >= 0)
		rc = crfd_buf_rec(out, CRFD_REC_FILES, t->info.pid, &files, sizeof(files));
	return rc;
}

/* FD_ENT, FD_DATA, FNAME without the name, and FD_STAT. */
#define FD_BYTES (4 * sizeof(crfd_rec) + sizeof(crfd_fd_ent) + sizeof(crfd_fd_data) + 1 + sizeof(crfd_fd_stat))

/* A record to where there is room for it; behind it. Inline, since there are four for each descriptor. */
static inline uint8_t *lay(uint8_t *to, int type, uint32_t parent, const void *payload, size_t len)
{
	crfd_rec h = {.type = (int16_t)type, .len = (int16_t)len, .parent = parent};

	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), payload, len);
	return to + sizeof(h) + len;
}

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

	to = lay(to, CRFD_REC_FD_DATA, objref, &data, sizeof(data));
	to = lay_name(to, b->text.v + f->name.off, len);
	return e->rfc ? to : lay(to, CRFD_REC_FD_STAT, objref, &f->st, sizeof(f->st));
}

static int put_fd(crfd_encoder *e, const crfd_batch *b, const crfd_fd *f, uint32_t objref, int fresh, crfd_buf *out)
{
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
	return fresh && !e->rfc && f->ext.len ? put_extensions(out, b, f->ext, objref) : 0;
}

/* Everything of the section but SECTION_SUM is out and summed. */
static int end_section(crfd_encoder *e, const crfd_task *t, crfd_buf *out)
{
	crfd_section_sum sum = {.length = e->mark, .nfds = (uint32_t)t->nfds, .crc = e->section_crc};
	size_t nr = out->nr;
	crfd_index_entry at;
	uint8_t *last = e->index.v + e->index.nr - sizeof(at);

	e->crc = crfd_crc32c_combine(e->crc, e->section_crc, e->mark);
	e->offset += e->mark;
	if (!e->rfc) {
		int rc = crfd_buf_rec(out, CRFD_REC_SECTION_SUM, 0, &sum, sizeof(sum));

		if (rc < 0)
			return rc;
	}
	sum_image(e, out, nr);
	memcpy(&at, last, sizeof(at));
	at.length = e->offset - at.offset;
	at.new_objrefs = e->stats.nobjrefs + 1 - at.first_objref;
	at.crc = e->section_crc;
	memcpy(last, &at, sizeof(at));
	e->stats.ntasks++;
	e->open = 0;
	return 0;
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

		rc = put_fd(e, b, &b->fd[i], objref[i], fresh[i], out);
	}
	if (rc < 0)
		return rc;
	sum_section(e, out, nr);
	return e->fd < t->nfds ? 1 : end_section(e, t, out);
}

int crfd_encode_batch(crfd_encoder *e, const crfd_batch *b, const uint32_t *objref, const uint8_t *fresh,
		      size_t want, crfd_buf *out)
{
	size_t full = want > SIZE_MAX - out->nr ? SIZE_MAX : out->nr + want;

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

/* An array of fixed entries, as many to a record as fit whole. */
static int put_array(crfd_buf *out, int type, const void *v, size_t n, size_t entry)
{
	size_t piece = CRFD_REC_MAX / entry;

	for (size_t i = 0; i < n; i += piece) {
		size_t here = n - i < piece ? n - i : piece;
		int rc = crfd_buf_rec(out, type, 0, (const uint8_t *)v + i * entry, here * entry);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int put_about_image(crfd_encoder *e, int type, const void *v, size_t n, size_t entry, crfd_buf *out)
{
	size_t nr = out->nr;
	int rc = e->rfc ? 0 : put_array(out, type, v, n, entry);

	if (rc >= 0)
		sum_image(e, out, nr);
	return rc;
}

int crfd_encode_still(crfd_encoder *e, const crfd_still *still, size_t n, crfd_buf *out)
{
	return put_about_image(e, CRFD_REC_STILL, still, n, sizeof(*still), out);
}

int crfd_encode_lock_waits(crfd_encoder *e, const crfd_lock_wait *waits, size_t n, crfd_buf *out)
{
	return put_about_image(e, CRFD_REC_LOCK_WAIT, waits, n, sizeof(*waits), out);
}

static int put_sums(crfd_encoder *e, crfd_buf *out)
{
	crfd_image_sum sum = {.index_offset = e->offset, .nfds = e->stats.nfds, .ntasks = e->stats.ntasks,
			      .nobjrefs = e->stats.nobjrefs, .index_crc = crfd_crc32c(0, e->index.v, e->index.nr)};
	size_t nr = out->nr;
	int rc = put_array(out, CRFD_REC_INDEX, e->index.v, e->stats.ntasks, sizeof(crfd_index_entry));

	if (rc < 0)
		return rc;
	rc = crfd_buf_rec(out, CRFD_REC_IMAGE_SUM, 0, &sum, sizeof(sum));
	if (rc < 0)
		return rc;
	out->nr -= sizeof(sum.crc);
	sum_image(e, out, nr);
	memcpy(out->v + out->nr, &e->crc, sizeof(e->crc));
	out->nr += sizeof(e->crc);
	e->offset += sizeof(e->crc);
	return 0;
}

int crfd_encode_tail(crfd_encoder *e, crfd_buf *out)
{
	crfd_tail tail = {.magic = CRFD_TAIL_MAGIC};
	int rc = e->rfc ? 0 : put_sums(e, out);

	if (rc >= 0)
		rc = crfd_buf_rec(out, CRFD_REC_TAIL, 0, &tail, sizeof(tail));
	if (rc >= 0)
		e->stats.bytes = e->offset + sizeof(crfd_rec) + sizeof(tail);
	return rc;
}
