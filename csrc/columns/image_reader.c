/* SPDX-License-Identifier: MIT */
/*
 * Reads the rows of an image in two passes. The first is a survey; the second takes the descriptors in order and fetches each
 * description from where it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns/finds.h"
#include "columns/held.h"
#include "columns/peers.h"
#include "columns/survey.h"
#include "format/oflags.h"

struct image {
	const uint8_t *buf;
	size_t n, checked;
	struct crfd_survey found;
	struct crfd_finds *finds; /* those of the reader of which this may be a copy */
};

struct image_reader {
	crfd_reader reader;
	struct image image;
	struct crfd_finds finds;
	const struct crfd_oflags *there; /* NULL: an image of a machine with our numbers */
	struct crfd_peers peers;

	size_t at, end; /* sections: the one being read, and behind the last */
	uint32_t left; /* FD_ENTs of it still to come; UINT32_MAX: it has not begun */
	uint64_t offset; /* of the record that comes next */
	struct crfd_row_task task;
	struct crfd_records held; /* records of the task from which those of what it holds are still to come */
	struct crfd_fd_records own;
};

static crfd_rec header(const struct image *m, uint64_t offset)
{
	crfd_rec h;

	memcpy(&h, m->buf + offset, sizeof(h));
	return h;
}

static const uint8_t *payload(const struct image *m, uint64_t offset)
{
	return m->buf + offset + sizeof(crfd_rec);
}

/* Returns the offset of the record behind the one at offset. */
static uint64_t behind(const struct image *m, uint64_t offset)
{
	return offset + sizeof(crfd_rec) + (size_t)header(m, offset).len;
}

int crfd_reader_check(crfd_reader *reader, size_t want, crfd_fault *fault)
{
	struct image_reader *r = (struct image_reader *)reader;
	struct image *m = &r->image;
	size_t used = 0;
	int rc = crfd_survey_look(&m->found, m->buf + m->checked, m->n - m->checked, 1, want, &used, fault);

	m->checked += used;
	if (rc == 0)
		r->end = m->found.ntasks;
	return rc;
}

const crfd_image_totals *crfd_reader_totals(const crfd_reader *reader)
{
	return &((const struct image_reader *)reader)->image.found.totals;
}

/* Moves *offset over extension records of the description, `most` of them: 1 where it is behind the last. */
static int pass(const struct image *m, uint64_t *offset, uint32_t objref, size_t most)
{
	for (; most && *offset + sizeof(crfd_rec) <= m->n; most--) {
		crfd_rec h = header(m, *offset);

		if (h.type < CRFD_REC_EXT_FIRST || h.parent != objref)
			return 1;
		*offset = behind(m, *offset);
	}
	return most != 0;
}

/* Takes the extension records of a description, from offset on; *offset moves behind them. */
static struct crfd_records extensions(const struct image *m, uint64_t *offset, uint32_t objref)
{
	struct crfd_find end = {.from = m->buf + *offset, .what = CRFD_FIND_END};

	if (!pass(m, offset, objref, CRFD_FINDS_NEAR)) {
		const struct crfd_find *before = crfd_finds_get(m->finds, &end);

		if (before)
			*offset = (uint64_t)(before->p - m->buf);
		pass(m, offset, objref, SIZE_MAX);
		end.p = m->buf + *offset;
		crfd_finds_put(m->finds, &end); /* without memory it is searched for again */
	}
	return (struct crfd_records){end.from, (size_t)(m->buf + *offset - end.from), m->finds};
}

/* Copies the payload of a record, whose size is known; *offset moves behind it. */
static void take(const struct image *m, uint64_t *offset, void *out, size_t size)
{
	memcpy(out, payload(m, *offset), size);
	*offset = behind(m, *offset);
}

/* A task's records lie between its name and FILES. */
static struct crfd_records task_records(const struct image *m, const crfd_surveyed_task *s)
{
	uint64_t from = behind(m, behind(m, s->offset));

	return (struct crfd_records){m->buf + from, s->files - from, m->finds};
}

static void begin(struct image_reader *r)
{
	const struct image *m = &r->image;
	const crfd_surveyed_task *s = &m->found.task[r->at], *carrier = &m->found.task[s->carrier];
	uint64_t offset = s->offset;

	r->task = (struct crfd_row_task){.number = r->at + 1, .table = s->table, .nfds = s->nfds, .info.pid = s->pid};
	take(m, &offset, &r->task.rec, sizeof(r->task.rec));
	take(m, &offset, r->task.comm, sizeof(r->task.comm));
	r->task.ext = r->held = task_records(m, s);
	if (r->task.ext.n && header(m, (uint64_t)(r->task.ext.p - m->buf)).type == CRFD_REC_TASK_INFO)
		memcpy(&r->task.info, r->task.ext.p + sizeof(crfd_rec), sizeof(r->task.info));
	crfd_origin_tell(&m->found.origin, &r->task);
	r->task.mounts = task_records(m, carrier);
	crfd_fd_records_init(&r->own, &r->task);
	r->offset = behind(m, carrier->files);
	r->left = s->nfds;
}

/* The owner stands next, where it is known; then the rest of most files is empty. */
static void take_inode(struct crfd_row *row)
{
	const size_t size = sizeof(crfd_rec) + sizeof(crfd_inode);
	crfd_inode inode;
	crfd_rec h;

	if (row->ext.n < size)
		return;
	memcpy(&h, row->ext.p, sizeof(h));
	if (h.type != CRFD_REC_INODE)
		return;
	memcpy(&inode, row->ext.p + sizeof(h), sizeof(inode));
	row->owned = 1;
	row->st_uid = inode.uid;
	row->st_gid = inode.gid;
	row->ext = crfd_records_after(row->ext, row->ext.p, size);
}

/* Fills the row from its description; *offset, at FD_DATA, moves behind it. */
static void describe(const struct image_reader *r, uint64_t *offset, struct crfd_row *row)
{
	const struct image *m = &r->image;
	crfd_rec h;

	take(m, offset, &row->data, sizeof(row->data));
	if (r->there)
		row->data.f_flags = crfd_oflags_translate(r->there, row->data.f_flags);
	row->name = (struct crfd_bytes){payload(m, *offset), (size_t)header(m, *offset).len - 1};
	*offset = behind(m, *offset);
	row->ext = extensions(m, offset, row->objref);
	row->st = (crfd_fd_stat){.known = CRFD_HAS_FLAGS | CRFD_HAS_ACCESS | CRFD_HAS_PATH, .f_mode = row->data.f_mode};
	if (row->data.f_uid != UINT32_MAX)
		row->st.known |= CRFD_HAS_OWNER;
	if (!row->ext.n)
		return;
	memcpy(&h, row->ext.p, sizeof(h));
	if (h.type == CRFD_REC_FD_STAT) {
		size_t size = sizeof(h) + sizeof(row->st);

		memcpy(&row->st, row->ext.p + sizeof(h), sizeof(row->st));
		row->ext = crfd_records_after(row->ext, row->ext.p, size);
		take_inode(row);
	}
	if (row->data.fd_type == CRFD_KIND_SOCKET)
		crfd_row_read_socket(row);
}

static void read_entry(struct image_reader *r, struct crfd_row *row)
{
	uint64_t elsewhere, *from = &elsewhere;
	crfd_fd_ent ent;

	take(&r->image, &r->offset, &ent, sizeof(ent));
	*row = (struct crfd_row){.task = &r->task, .fd = ent.fd, .objref = ent.objref, .close_on_exec = ent.close_on_exec,
				 .peers = &r->peers};
	crfd_fd_records_take(&r->own, row);
	if (!ent.objref)
		return;
	row->is_read = 1;
	row->uses = r->image.found.uses[ent.objref - 1];
	elsewhere = r->image.found.description[ent.objref - 1];
	if (elsewhere == r->offset)
		from = &r->offset;
	describe(r, from, row);
}

/* Gives what is held the description that it shares with descriptors. */
static void link_held(const struct image_reader *r, struct crfd_row *row)
{
	crfd_held h;

	memcpy(&h, row->holding, sizeof(h));
	row->objref = crfd_survey_held(&r->image.found, r->task.info.pid, h.fd, h.slot);
	row->uses = row->objref ? r->image.found.uses[row->objref - 1] : 0;
}

static int next(crfd_reader *reader, struct crfd_row *row)
{
	struct image_reader *r = (struct image_reader *)reader;

	for (; r->at < r->end; r->at++, r->left = UINT32_MAX) {
		if (r->left == UINT32_MAX)
			begin(r);
		if (crfd_held_next(&r->held, &r->task, row)) {
			link_held(r, row);
			return 1;
		}
		r->held.n = 0;
		if (!r->left)
			continue;
		r->left--;
		read_entry(r, row);
		return 1;
	}
	return 0;
}

static int task(crfd_reader *reader, size_t number)
{
	struct image_reader *r = (struct image_reader *)reader;

	if (number >= r->image.found.ntasks)
		return -ERANGE;
	r->at = number;
	r->end = number + 1;
	r->left = UINT32_MAX;
	return r->image.found.task[number].carrier != number;
}

/*
 * Goes through the rows once more, leaving the reader where it is. Of the tasks that share a table two are enough: nobody has
 * more to tell his peer.
 */
static int fill_peers(struct crfd_peers *p)
{
	struct image_reader other = *(struct image_reader *)((char *)p - offsetof(struct image_reader, peers));
	size_t ntasks = other.image.found.ntasks;
	uint8_t *repeated = calloc(ntasks + 1, 1); /* by carrier */
	struct crfd_row row;
	int rc = repeated ? 0 : -ENOMEM;

	for (size_t i = 0; i < ntasks && rc >= 0; i++) {
		uint32_t carrier = other.image.found.task[i].carrier;

		if (carrier != i && repeated[carrier])
			continue;
		repeated[carrier] = carrier != i;
		task(&other.reader, i);
		while (rc >= 0 && next(&other.reader, &row))
			rc = crfd_peers_note(p, &row);
	}
	free(repeated);
	return rc;
}

/* Reads what begin() does, of any task, and leaves the rows where they are. */
static int head(crfd_reader *reader, size_t number, struct crfd_row_task *out)
{
	struct image_reader other = *(struct image_reader *)reader;

	if (number >= other.image.found.ntasks)
		return -ERANGE;
	other.at = number;
	begin(&other);
	*out = other.task;
	return 0;
}

static size_t ntasks(const crfd_reader *reader)
{
	return ((const struct image_reader *)reader)->image.found.ntasks;
}

static void release(crfd_reader *reader)
{
	struct image_reader *r = (struct image_reader *)reader;

	crfd_survey_release(&r->image.found);
	crfd_peers_release(&r->peers);
	crfd_finds_release(&r->finds);
	free(r);
}

crfd_reader *crfd_reader_new_image(const uint8_t *buf, size_t n)
{
	struct image_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = (crfd_reader){.next = next, .task = task, .ntasks = ntasks, .head = head, .free = release};
	r->image = (struct image){.buf = buf, .n = n, .finds = &r->finds};
	r->there = crfd_oflags_of_image(buf, n);
	r->left = UINT32_MAX;
	r->peers.fill = fill_peers;
	crfd_survey_init(&r->image.found);
	return &r->reader;
}
