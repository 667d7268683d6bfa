/* SPDX-License-Identifier: MIT */
/*
 * Reads the rows of an image in two passes. The first makes its map; the second takes the descriptors in order and fetches each
 * description from where it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "columns/held.h"
#include "columns/image_map.h"
#include "columns/peers.h"
#include "format/oflags.h"

struct image_reader {
	crfd_reader reader;
	struct crfd_image_map map;
	const struct crfd_oflags *there; /* NULL: an image of a machine with our numbers */
	struct crfd_peers peers;

	size_t at, end; /* sections: the one being read, and behind the last */
	uint32_t left; /* FD_ENTs of it still to come; UINT32_MAX: it has not begun */
	uint64_t offset; /* of the record that comes next */
	struct crfd_row_task task;
	struct crfd_bytes held; /* records of the task from which those of what it holds are still to come */
	struct crfd_fd_records own;
};

int crfd_reader_check(crfd_reader *reader, size_t want, crfd_fault *fault)
{
	struct image_reader *r = (struct image_reader *)reader;
	int rc = crfd_image_map_more(&r->map, want, fault);

	if (rc == 0)
		r->end = r->map.nsections;
	return rc;
}

void crfd_reader_totals(const crfd_reader *reader, crfd_image_totals *out)
{
	const struct image_reader *r = (const struct image_reader *)reader;

	*out = r->map.totals;
	out->nfiles = r->map.ndescriptions;
	out->ntasks = r->map.nsections;
}

/* Takes the extension records of one parent, from offset on; *offset moves behind them. */
static struct crfd_bytes extensions(const struct crfd_image_map *m, uint64_t *offset, uint32_t parent)
{
	uint64_t from = *offset;

	for (crfd_rec h; *offset + sizeof(h) <= m->n; *offset = crfd_image_behind(m, *offset)) {
		h = crfd_image_header(m, *offset);
		if (h.type < CRFD_REC_EXT_FIRST || h.parent != parent)
			break;
	}
	return (struct crfd_bytes){m->buf + from, *offset - from};
}

/* Copies the payload of a record, whose size is known; *offset moves behind it. */
static void take(const struct crfd_image_map *m, uint64_t *offset, void *out, size_t size)
{
	memcpy(out, crfd_image_payload(m, *offset), size);
	*offset = crfd_image_behind(m, *offset);
}

static void begin(struct image_reader *r)
{
	const struct crfd_image_map *m = &r->map;
	const struct crfd_image_section *s = &m->section[r->at], *carrier = &m->section[s->carrier];
	uint64_t offset = s->offset, theirs = crfd_image_behind(m, crfd_image_behind(m, carrier->offset));
	uint32_t pid = crfd_image_header(m, s->files).parent;

	r->task = (struct crfd_row_task){.number = r->at + 1, .table = s->table, .nfds = s->nfds, .info.pid = pid};
	take(m, &offset, &r->task.rec, sizeof(r->task.rec));
	take(m, &offset, r->task.comm, sizeof(r->task.comm));
	r->task.ext = r->held = extensions(m, &offset, pid);
	if (r->task.ext.n && crfd_image_header(m, (uint64_t)(r->task.ext.p - m->buf)).type == CRFD_REC_TASK_INFO)
		memcpy(&r->task.info, r->task.ext.p + sizeof(crfd_rec), sizeof(r->task.info));
	crfd_origin_tell(&m->origin, &r->task);
	r->task.mounts = extensions(m, &theirs, crfd_image_header(m, carrier->files).parent);
	crfd_fd_records_init(&r->own, r->task.mounts);
	r->offset = crfd_image_behind(m, carrier->files);
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
	row->ext = (struct crfd_bytes){row->ext.p + size, row->ext.n - size};
}

/* Fills the row from its description; *offset, at FD_DATA, moves behind it. */
static void describe(const struct image_reader *r, uint64_t *offset, struct crfd_row *row)
{
	const struct crfd_image_map *m = &r->map;
	crfd_rec h;

	take(m, offset, &row->data, sizeof(row->data));
	if (r->there)
		row->data.f_flags = crfd_oflags_translate(r->there, row->data.f_flags);
	row->name = (struct crfd_bytes){crfd_image_payload(m, *offset), (size_t)crfd_image_header(m, *offset).len - 1};
	*offset = crfd_image_behind(m, *offset);
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
		row->ext = (struct crfd_bytes){row->ext.p + size, row->ext.n - size};
		take_inode(row);
	}
	if (row->data.fd_type == CRFD_KIND_SOCKET)
		crfd_row_read_socket(row);
}

static void read_entry(struct image_reader *r, struct crfd_row *row)
{
	uint64_t elsewhere, *from = &elsewhere;
	crfd_fd_ent ent;

	take(&r->map, &r->offset, &ent, sizeof(ent));
	*row = (struct crfd_row){.task = &r->task, .fd = ent.fd, .objref = ent.objref, .close_on_exec = ent.close_on_exec,
				 .peers = &r->peers};
	crfd_fd_records_take(&r->own, row);
	if (!ent.objref)
		return;
	row->is_read = 1;
	row->uses = r->map.uses[ent.objref - 1];
	elsewhere = r->map.description[ent.objref - 1];
	if (elsewhere == r->offset)
		from = &r->offset;
	describe(r, from, row);
}

static int next(crfd_reader *reader, struct crfd_row *row)
{
	struct image_reader *r = (struct image_reader *)reader;

	for (; r->at < r->end; r->at++, r->left = UINT32_MAX) {
		if (r->left == UINT32_MAX)
			begin(r);
		if (crfd_held_next(&r->held, &r->task, row))
			return 1;
		r->held.n = 0;
		if (!r->left)
			continue;
		r->left--;
		read_entry(r, row);
		return 1;
	}
	return 0;
}

/* Goes through all rows once more, leaving the reader where it is. */
static int fill_peers(struct crfd_peers *p)
{
	struct image_reader other = *(struct image_reader *)((char *)p - offsetof(struct image_reader, peers));
	struct crfd_row row;
	int rc = 0;

	other.at = 0;
	other.end = other.map.nsections;
	other.left = UINT32_MAX;
	while (rc >= 0 && next(&other.reader, &row))
		rc = crfd_peers_note(p, &row);
	return rc;
}

static int task(crfd_reader *reader, size_t number)
{
	struct image_reader *r = (struct image_reader *)reader;

	if (number >= r->map.nsections)
		return -ERANGE;
	r->at = number;
	r->end = number + 1;
	r->left = UINT32_MAX;
	return r->map.section[number].carrier != number;
}

/* Reads what begin() does, of any task, and leaves the rows where they are. */
static int head(crfd_reader *reader, size_t number, struct crfd_row_task *out)
{
	struct image_reader other = *(struct image_reader *)reader;

	if (number >= other.map.nsections)
		return -ERANGE;
	other.at = number;
	begin(&other);
	*out = other.task;
	return 0;
}

static size_t ntasks(const crfd_reader *reader)
{
	return ((const struct image_reader *)reader)->map.nsections;
}

static void release(crfd_reader *reader)
{
	struct image_reader *r = (struct image_reader *)reader;

	crfd_image_map_release(&r->map);
	crfd_peers_release(&r->peers);
	free(r);
}

crfd_reader *crfd_reader_new_image(const uint8_t *buf, size_t n)
{
	struct image_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = (crfd_reader){.next = next, .task = task, .ntasks = ntasks, .head = head, .free = release};
	r->map = (struct crfd_image_map){.buf = buf, .n = n};
	r->there = crfd_oflags_of_image(buf, n);
	r->left = UINT32_MAX;
	r->peers.fill = fill_peers;
	crfd_parser_init(&r->map.parser, NULL);
	return &r->reader;
}
