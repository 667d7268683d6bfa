/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_DIRECT */
#include "columns/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "columns/mount.h"
#include "format/oflags.h"
#include "kinds/kind.h"

int crfd_file_kind(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const char *name = crfd_kind_name(r->data.fd_type);

	(void)c;
	if (!r->is_read)
		return 0;
	if (name)
		return crfd_value_text(v, (const uint8_t *)name, strlen(name));
	return crfd_value_scratch(s, crfd_text_printf(&s->text, "kind-%d", r->data.fd_type), v);
}

/* Gives the 16 bits of FD_DATA alone where an image has no FD_STAT. */
int crfd_file_f_mode(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return r->is_read && (!r->held || r->st.known & CRFD_HAS_ACCESS) ? crfd_value_number(v, r->st.f_mode) : 0;
}

/* Names each flag, the longer name before those of its parts. A kernel of 64 bits says O_LARGEFILE of every file. */
int crfd_file_flags(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	static const struct {
		uint32_t bits;
		const char *name;
	} names[] = {
		{O_APPEND, "O_APPEND"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_SYNC, "O_SYNC"}, {O_DSYNC, "O_DSYNC"},
		{O_ASYNC, "O_ASYNC"}, {O_DIRECT, "O_DIRECT"}, {O_TMPFILE, "O_TMPFILE"}, {O_DIRECTORY, "O_DIRECTORY"},
		{O_NOFOLLOW, "O_NOFOLLOW"}, {O_NOATIME, "O_NOATIME"}, {O_PATH, "O_PATH"},
	};
	static const char *const access[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
	uint32_t large = crfd_oflags_here->largefile, rest = r->data.f_flags & ~(O_ACCMODE | large);

	if (!r->is_read || !(r->st.known & CRFD_HAS_FLAGS))
		return 0;
	if (!(r->data.f_flags & O_PATH))
		crfd_text_put(&s->text, access[r->data.f_flags & O_ACCMODE]);
	for (size_t i = 0; i < CRFD_LEN(names); i++) {
		if ((rest & names[i].bits) != names[i].bits)
			continue;
		rest &= ~names[i].bits;
		crfd_text_put(&s->text, s->text.nr ? "|" : "");
		crfd_text_put(&s->text, names[i].name);
	}
	if (c->at && r->data.f_flags & large)
		crfd_text_printf(&s->text, "%sO_LARGEFILE", s->text.nr ? "|" : "");
	if (rest)
		crfd_text_printf(&s->text, "%s0%o", s->text.nr ? "|" : "", rest);
	return crfd_value_scratch(s, s->text.failed, v);
}

int crfd_file_path(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return r->is_read && r->st.known & CRFD_HAS_PATH ? crfd_value_text(v, r->name.p, r->name.n) : 0;
}

/* stat(2): st_blocks counts 512 bytes. */
int crfd_file_bytes(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return r->is_read && r->st.known & CRFD_HAS_BLOCKS ? crfd_value_number(v, r->st.blocks * 512) : 0;
}

/* Counts the bytes that the last close of a file without a name gives back. */
int crfd_file_deleted_bytes(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			     struct crfd_value *v)
{
	uint32_t want = CRFD_HAS_BLOCKS | CRFD_HAS_NLINK | CRFD_HAS_DELETED;

	(void)c, (void)s;
	if (!r->is_read || (r->st.known & want) != want || !S_ISREG(r->st.st_mode))
		return 0;
	return crfd_value_number(v, r->st.flags & CRFD_STAT_DELETED && !r->st.nlink ? r->st.blocks * 512 : 0);
}

/* Names the mount that the file was opened through: c->at 0 its type, 1 its source, each with a NUL behind it. */
int crfd_file_mount(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const uint8_t *text, *end, *nul;
	struct crfd_bytes mount = {0};

	(void)s;
	if (r->is_read && !r->held && r->st.known & CRFD_HAS_MNT_ID)
		mount = crfd_mount_find(r->task->mounts, r->st.mnt_id);
	if (!mount.p)
		return 0;
	text = mount.p + sizeof(crfd_task_mount);
	end = mount.p + mount.n;
	nul = memchr(text, 0, (size_t)(end - text));
	if (c->at && nul) {
		text = nul + 1;
		nul = memchr(text, 0, (size_t)(end - text));
	}
	return nul ? crfd_value_text(v, text, (size_t)(nul - text)) : 0;
}
