/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns/finds.h"
#include "columns/held.h"
#include "columns/reader.h"

struct batch_reader {
	crfd_reader reader;
	const crfd_batch *b;
	const uint32_t *objref;
	struct crfd_origin origin;
	size_t at, end; /* tasks: the one being read, and behind the last */
	uint64_t fd; /* of that task: the next one */
	struct crfd_row_task task;
	struct crfd_finds finds;
	struct crfd_records held; /* records of the task from which those of what it holds are still to come */
	struct crfd_fd_records own;
	int begun;
};

static struct crfd_bytes bytes(const crfd_batch *b, crfd_span s)
{
	return (struct crfd_bytes){b->text.v ? b->text.v + s.off : NULL, s.len}; /* NULL + 0 is not defined in C */
}

static struct crfd_records records(struct batch_reader *r, crfd_span s)
{
	struct crfd_bytes b = bytes(r->b, s);

	return (struct crfd_records){b.p, b.n, &r->finds};
}

static int head(crfd_reader *reader, size_t number, struct crfd_row_task *out)
{
	struct batch_reader *r = (struct batch_reader *)reader;
	const crfd_batch *b = r->b;
	const crfd_task *t;

	if (number >= b->ntasks)
		return -ERANGE;
	t = &b->task[number];
	*out = (struct crfd_row_task){.number = number + 1, .rec = t->rec, .info = t->info, .table = t->table != 0, .nfds = (uint32_t)t->nfds,
				      .ext = records(r, t->ext), .mounts = records(r, t->ext)};
	memcpy(out->comm, t->comm, sizeof(t->comm));
	crfd_origin_tell(&r->origin, out);
	return 0;
}

static void fill(struct batch_reader *r, uint64_t i, struct crfd_row *row)
{
	const crfd_fd *f = &r->b->fd[i];

	*row = (struct crfd_row){.task = &r->task, .fd = f->fd, .close_on_exec = f->close_on_exec,
				 .err = f->err, .step = f->step};
	crfd_fd_records_take(&r->own, row);
	row->objref = r->objref ? r->objref[i] : r->b->ident[i] != 0;
	row->is_read = row->objref != 0;
	if (!row->objref)
		return;
	row->data = (crfd_fd_data){.fd_type = f->kind, .f_mode = (uint16_t)f->st.f_mode, .f_flags = f->f_flags,
				   .f_uid = f->f_uid, .f_gid = f->f_gid, .f_pos = f->f_pos, .f_version = f->f_version};
	row->st = f->st;
	row->owned = f->owned;
	row->st_uid = f->st_uid;
	row->st_gid = f->st_gid;
	row->name = bytes(r->b, f->name);
	row->ext = records(r, f->ext);
	if (f->kind == CRFD_KIND_SOCKET)
		row->socket = r->b->socket[i];
}

static int next(crfd_reader *reader, struct crfd_row *row)
{
	struct batch_reader *r = (struct batch_reader *)reader;

	for (; r->at < r->end; r->at++, r->begun = 0) {
		const crfd_task *t = &r->b->task[r->at];

		if (t->err)
			continue;
		if (!r->begun) {
			head(&r->reader, r->at, &r->task);
			r->held = r->task.ext;
			crfd_fd_records_init(&r->own, &r->task);
			r->fd = 0;
			r->begun = 1;
		}
		if (crfd_held_next(&r->held, &r->task, row))
			return 1;
		r->held.n = 0;
		if (r->fd >= t->nfds)
			continue;
		fill(r, t->first + r->fd++, row);
		return 1;
	}
	return 0;
}

static int task(crfd_reader *reader, size_t number)
{
	struct batch_reader *r = (struct batch_reader *)reader;

	if (number >= r->b->ntasks)
		return -ERANGE;
	r->at = number;
	r->end = number + 1;
	r->begun = 0;
	return 0;
}

static size_t ntasks(const crfd_reader *reader)
{
	return ((const struct batch_reader *)reader)->b->ntasks;
}

static void release(crfd_reader *reader)
{
	crfd_finds_release(&((struct batch_reader *)reader)->finds);
	free(reader);
}

crfd_reader *crfd_reader_new_batch(const crfd_batch *b, const uint32_t *objref)
{
	struct batch_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = (crfd_reader){.next = next, .task = task, .ntasks = ntasks, .head = head, .free = release};
	r->b = b;
	r->origin = crfd_origin_here();
	r->objref = objref;
	r->end = b->ntasks;
	return &r->reader;
}
