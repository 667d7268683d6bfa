/* SPDX-License-Identifier: MIT */
/*
 * Reads the rows of an image in two passes. The first judges every byte and notes where each description is and how often it is
 * used; the second takes the descriptors in order and fetches each description from where it is. A description costs twelve
 * bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "columns/held.h"
#include "columns/peers.h"
#include "columns/reader.h"
#include "format/oflags.h"
#include "image/parse_state.h"

#define PIECE 512 /* records judged at a time: few, so that their bytes are still cached when noted */

struct section {
	uint64_t offset; /* of TASK */
	uint64_t files; /* of FILES */
	uint32_t carrier; /* number of the section that has the entries of its table */
	uint32_t nfds, table;
};

struct image_reader {
	crfd_reader reader;
	const uint8_t *buf;
	size_t n;
	const struct crfd_oflags *there; /* NULL: an image of a machine with our numbers */
	struct section *section;
	size_t nsections, section_alloc;
	uint32_t *carrier; /* of each shared table, by FILES.objref less 1 */
	size_t ntables, carrier_alloc;
	uint64_t *description; /* offset of FD_DATA, by objref less 1 */
	size_t ndescriptions, description_alloc;
	uint32_t *uses; /* by objref less 1 */
	size_t uses_alloc;

	crfd_parser parser;
	size_t checked; /* bytes */
	crfd_image_totals totals;
	struct crfd_origin origin;
	struct crfd_peers peers;

	size_t at, end; /* sections: the one being read, and behind the last */
	uint32_t left; /* FD_ENTs of it still to come; UINT32_MAX: it has not begun */
	uint64_t offset; /* of the record that comes next */
	struct crfd_row_task task;
	struct crfd_bytes held; /* records of the task from which those of what it holds are still to come */
	struct crfd_fd_records own;
};

static crfd_rec header(const struct image_reader *r, uint64_t offset)
{
	crfd_rec h;

	memcpy(&h, r->buf + offset, sizeof(h));
	return h;
}

static const uint8_t *payload(const struct image_reader *r, uint64_t offset)
{
	return r->buf + offset + sizeof(crfd_rec);
}

static uint64_t behind(const struct image_reader *r, uint64_t offset)
{
	return offset + sizeof(crfd_rec) + (size_t)header(r, offset).len;
}

/* ---- the first pass ---- */

static int note_files(struct image_reader *r, const crfd_record *rec)
{
	struct section *s = &r->section[r->nsections - 1];
	crfd_files files;
	int rc;

	memcpy(&files, payload(r, rec->offset), sizeof(files));
	s->files = rec->offset;
	s->nfds = files.nfds;
	s->table = files.objref;
	s->carrier = (uint32_t)(r->nsections - 1);
	if (!files.objref)
		return 0;
	if (files.objref <= r->ntables) {
		s->carrier = r->carrier[files.objref - 1];
		s->nfds = r->section[s->carrier].nfds;
		return 0;
	}
	rc = crfd_grow(&r->carrier, &r->carrier_alloc, r->ntables + 1, sizeof(*r->carrier));
	if (rc >= 0)
		r->carrier[r->ntables++] = s->carrier;
	return rc;
}

static int note_description(struct image_reader *r, uint64_t offset)
{
	int rc = crfd_grow(&r->description, &r->description_alloc, r->ndescriptions + 1, sizeof(*r->description));
	crfd_fd_data data;

	if (rc < 0)
		return rc;
	memcpy(&data, payload(r, offset), sizeof(data));
	if (data.fd_type < CRFD_KINDS)
		r->totals.kind[data.fd_type]++;
	r->description[r->ndescriptions++] = offset;
	return 0;
}

static int note_entry(struct image_reader *r, uint64_t offset)
{
	crfd_fd_ent ent;
	size_t had = r->uses_alloc;
	int rc;

	memcpy(&ent, payload(r, offset), sizeof(ent));
	r->totals.nfds++;
	r->totals.unread += !ent.objref;
	if (!ent.objref)
		return 0;
	rc = crfd_grow(&r->uses, &r->uses_alloc, ent.objref, sizeof(*r->uses));
	if (rc < 0)
		return rc;
	memset(r->uses + had, 0, (r->uses_alloc - had) * sizeof(*r->uses));
	r->totals.shared += ++r->uses[ent.objref - 1] == 2;
	return 0;
}

static void note_stat(struct image_reader *r, uint64_t offset)
{
	crfd_fd_stat st;

	memcpy(&st, payload(r, offset), sizeof(st));
	r->totals.deleted += (st.flags & CRFD_STAT_DELETED) != 0;
}

static void note_info(struct image_reader *r, uint64_t offset)
{
	crfd_image_info info;

	memcpy(&info, payload(r, offset), sizeof(info));
	r->origin = crfd_origin_of(&info);
}

static int note(struct image_reader *r, const crfd_record *rec)
{
	int rc;

	switch (rec->type) {
	case CRFD_REC_FD_ENT:
		return note_entry(r, rec->offset);
	case CRFD_REC_FD_DATA:
		return note_description(r, rec->offset);
	case CRFD_REC_TASK:
		rc = crfd_grow(&r->section, &r->section_alloc, r->nsections + 1, sizeof(*r->section));
		if (rc >= 0)
			r->section[r->nsections++] = (struct section){.offset = rec->offset};
		return rc;
	case CRFD_REC_FILES:
		return note_files(r, rec);
	case CRFD_REC_FD_STAT:
		note_stat(r, rec->offset);
		return 0;
	case CRFD_REC_IMAGE_INFO:
		note_info(r, rec->offset);
		return 0;
	default:
		return 0;
	}
}

int crfd_reader_check(crfd_reader *reader, size_t want, crfd_fault *fault)
{
	struct image_reader *r = (struct image_reader *)reader;
	size_t full = want > r->n - r->checked ? r->n : r->checked + want, used;
	crfd_record rec[PIECE];
	int64_t n;
	int rc = 0;

	do {
		n = crfd_parser_feed(&r->parser, r->buf + r->checked, r->n - r->checked, 1, rec, PIECE, &used, fault);
		r->checked += used;
		for (int64_t i = 0; i < n && rc >= 0; i++)
			rc = note(r, &rec[i]);
	} while (n == PIECE && rc >= 0 && r->checked < full);
	if (n < 0 || rc < 0)
		return n < 0 ? (int)n : rc;
	if (n == PIECE)
		return 1;
	r->end = r->nsections;
	return 0;
}

void crfd_reader_totals(const crfd_reader *reader, crfd_image_totals *out)
{
	const struct image_reader *r = (const struct image_reader *)reader;

	*out = r->totals;
	out->nfiles = r->ndescriptions;
	out->ntasks = r->nsections;
}

/* ---- the second pass ---- */

/* Takes the extension records of one parent, from offset on; *offset moves behind them. */
static struct crfd_bytes extensions(const struct image_reader *r, uint64_t *offset, uint32_t parent)
{
	uint64_t from = *offset;

	for (crfd_rec h; *offset + sizeof(h) <= r->n; *offset = behind(r, *offset)) {
		h = header(r, *offset);
		if (h.type < CRFD_REC_EXT_FIRST || h.parent != parent)
			break;
	}
	return (struct crfd_bytes){r->buf + from, *offset - from};
}

static void begin(struct image_reader *r)
{
	const struct section *s = &r->section[r->at], *carrier = &r->section[s->carrier];
	uint64_t offset = s->offset, theirs;
	uint32_t pid = header(r, s->files).parent;

	r->task = (struct crfd_row_task){.table = s->table, .nfds = s->nfds, .info.pid = pid};
	memcpy(&r->task.rec, payload(r, offset), sizeof(r->task.rec));
	offset = behind(r, offset);
	memcpy(r->task.comm, payload(r, offset), sizeof(r->task.comm));
	offset = behind(r, offset);
	r->task.ext = extensions(r, &offset, pid);
	r->held = r->task.ext;
	if (r->task.ext.n && header(r, (uint64_t)(r->task.ext.p - r->buf)).type == CRFD_REC_TASK_INFO)
		memcpy(&r->task.info, r->task.ext.p + sizeof(crfd_rec), sizeof(r->task.info));
	crfd_origin_tell(&r->origin, &r->task);
	theirs = behind(r, behind(r, carrier->offset));
	r->task.mounts = extensions(r, &theirs, header(r, carrier->files).parent);
	crfd_fd_records_init(&r->own, r->task.mounts);
	r->offset = behind(r, carrier->files);
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
	crfd_rec h;

	memcpy(&row->data, payload(r, *offset), sizeof(row->data));
	if (r->there)
		row->data.f_flags = crfd_oflags_translate(r->there, row->data.f_flags);
	*offset = behind(r, *offset);
	row->name = (struct crfd_bytes){payload(r, *offset), (size_t)header(r, *offset).len - 1};
	*offset = behind(r, *offset);
	row->ext = extensions(r, offset, row->objref);
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

	memcpy(&ent, payload(r, r->offset), sizeof(ent));
	r->offset = behind(r, r->offset);
	*row = (struct crfd_row){.task = &r->task, .fd = ent.fd, .objref = ent.objref, .close_on_exec = ent.close_on_exec,
				 .peers = &r->peers};
	crfd_fd_records_take(&r->own, row);
	if (!ent.objref)
		return;
	row->is_read = 1;
	row->uses = r->uses[ent.objref - 1];
	elsewhere = r->description[ent.objref - 1];
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
	other.end = other.nsections;
	other.left = UINT32_MAX;
	while (rc >= 0 && next(&other.reader, &row))
		rc = crfd_peers_note(p, &row);
	return rc;
}

static int task(crfd_reader *reader, size_t number)
{
	struct image_reader *r = (struct image_reader *)reader;

	if (number >= r->nsections)
		return -ERANGE;
	r->at = number;
	r->end = number + 1;
	r->left = UINT32_MAX;
	return 0;
}

/* Reads what begin() does, of any task, and leaves the rows where they are. */
static int head(crfd_reader *reader, size_t number, struct crfd_row_task *out)
{
	struct image_reader other = *(struct image_reader *)reader;

	if (number >= other.nsections)
		return -ERANGE;
	other.at = number;
	begin(&other);
	*out = other.task;
	return 0;
}

static size_t ntasks(const crfd_reader *reader)
{
	return ((const struct image_reader *)reader)->nsections;
}

static void release(crfd_reader *reader)
{
	struct image_reader *r = (struct image_reader *)reader;

	crfd_parser_release(&r->parser);
	free(r->section);
	free(r->carrier);
	free(r->description);
	free(r->uses);
	crfd_peers_release(&r->peers);
	free(r);
}

crfd_reader *crfd_reader_new_image(const uint8_t *buf, size_t n)
{
	struct image_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = (crfd_reader){.next = next, .task = task, .ntasks = ntasks, .head = head, .free = release};
	r->buf = buf;
	r->n = n;
	r->there = crfd_oflags_of_image(buf, n);
	r->left = UINT32_MAX;
	r->peers.fill = fill_peers;
	crfd_parser_init(&r->parser, NULL);
	return &r->reader;
}
