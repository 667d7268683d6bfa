/* SPDX-License-Identifier: MIT */
/* The cells of an aligned table are measured in characters; a cell that is wider than its column pushes what follows. */
#define _GNU_SOURCE /* memrchr */
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "columns/phrase.h"
#include "render/render.h"

enum { NO_COLOUR = ' ', DELETED = 'd', LISTENS = 'l', UNREAD = 'u' };

static const char *colour_of(uint8_t mark)
{
	return mark == DELETED ? "\033[31m" : mark == LISTENS ? "\033[32m" : mark == UNREAD ? "\033[33m" : NULL;
}

uint8_t crfd_render_mark(struct crfd_render *v, const struct crfd_row *r)
{
	static const char listen[] = "LISTEN";
	struct crfd_value state;
	int number;

	if (!v->o.color)
		return NO_COLOUR;
	if (r->err || !r->is_read)
		return UNREAD;
	if (r->st.known & CRFD_HAS_DELETED && r->st.flags & CRFD_STAT_DELETED && S_ISREG(r->st.st_mode))
		return DELETED;
	if (r->data.fd_type != CRFD_KIND_SOCKET)
		return NO_COLOUR;
	number = crfd_column_find("state", 5);
	if (number >= 0 && crfd_column_value(crfd_column_at((size_t)number), &v->scratch, r, &state) >= 0 && state.known &&
	    state.text.n == sizeof(listen) - 1 && !memcmp(state.text.p, listen, state.text.n))
		return LISTENS;
	return NO_COLOUR;
}

/* A blank within a cell would be taken for the end of it, except in the last one. */
static int put_text(const struct crfd_column *c, struct crfd_bytes text, int last, crfd_buf *out)
{
	if (!text.n)
		return last ? 0 : crfd_text_put(out, "-");
	if (last)
		return c->info.flags & CRFD_COLUMN_SHOWN ? crfd_buf_put(out, text.p, text.n) : crfd_text_escape(out, text.p, text.n);
	for (const uint8_t *p = text.p, *end = p + text.n, *blank; p < end; p = blank + 1) {
		blank = memchr(p, ' ', (size_t)(end - p));
		crfd_text_escape(out, p, (size_t)((blank ? blank : end) - p));
		if (!blank)
			break;
		crfd_text_put(out, "\\x20");
	}
	return out->failed;
}

static int put_cell(struct crfd_render *v, const struct crfd_column *c, const struct crfd_row *r, int last, crfd_buf *out)
{
	struct crfd_value value = {0};
	int rc = 0;

	if (c->list)
		return crfd_text_number(out, crfd_list_count(c->list, r));
	rc = crfd_column_value(c, &v->scratch, r, &value);
	if (rc < 0)
		return rc;
	if (!value.known)
		return crfd_text_put(out, c->info.about == CRFD_ABOUT_FILE && r->is_read && !(c->info.flags & CRFD_COLUMN_SPARSE) ? "?" : "-");
	return c->info.type == CRFD_COLUMN_TEXT ? put_text(c, value.text, last, out) : crfd_number_say(c, value.number, out);
}

int crfd_render_table(struct crfd_render *v, size_t i, const struct crfd_row *r, crfd_buf *out)
{
	int rc = put_cell(v, v->column[i].c, r, i + 1 == v->o.ncolumns, out);

	return rc < 0 ? rc : crfd_buf_put(out, "", 1);
}

void crfd_render_measure(struct crfd_render *v, const uint8_t *cells)
{
	const char *p = (const char *)cells + 1;

	for (size_t i = 0; i < v->o.ncolumns; i++) {
		size_t n = strlen(p), width = crfd_text_width((const uint8_t *)p, n);

		if (width > v->column[i].width)
			v->column[i].width = (uint32_t)width;
		p += n + 1;
	}
}

static int is_right(const struct crfd_column *c)
{
	return c->info.type != CRFD_COLUMN_TEXT || c->info.flags & CRFD_COLUMN_RIGHT;
}

static void pad(crfd_buf *out, size_t n)
{
	static const char blanks[] = "                                ";

	for (; n; n -= n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1)
		crfd_buf_put(out, blanks, n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1);
}

/* Returns where the character begins that is `width` characters behind p. */
static const uint8_t *skip(const uint8_t *p, size_t width)
{
	while (*p && width--)
		do
			p++;
		while ((*p & 0xc0) == 0x80);
	return p;
}

/* Returns how many bytes the name has that sockfs makes of an inode number (net/socket.c), with the blank behind it. */
static size_t socket_name(const uint8_t *p, size_t n)
{
	static const char name[] = "socket:[";
	const uint8_t *blank = n > sizeof(name) && !memcmp(p, name, sizeof(name) - 1) ? memchr(p, ' ', n) : NULL;

	return blank ? (size_t)(blank + 1 - p) : 0;
}

/* Returns how many bytes are left when the last word is gone, if that is a number with a name, waiting=3. */
static size_t less_a_count(const uint8_t *p, size_t n)
{
	const uint8_t *blank = memrchr(p, ' ', n);

	return blank && memchr(blank, '=', (size_t)(p + n - blank)) ? (size_t)(blank - p) : n;
}

/* Leaves out the middle of a text with a path in it, else its end. */
static void put_part(crfd_buf *out, const uint8_t *p, size_t n, size_t room)
{
	size_t head = memchr(p, '/', n) ? (room - 1) / 3 : room - 1;
	const uint8_t *tail = skip(p, crfd_text_width(p, n) - (room - 1 - head));

	crfd_buf_put(out, p, (size_t)(skip(p, head) - p));
	crfd_text_put(out, "…");
	crfd_buf_put(out, tail, (size_t)(p + n - tail));
}

/*
 * Puts the last cell, of which at least 16 characters stay where the line would be too long. Of what is no path counts go first,
 * and before them a name that says less than the address behind it.
 */
static void put_cut(crfd_buf *out, const uint8_t *p, size_t n, size_t room)
{
	size_t named = socket_name(p, n), full = n - named, left = full, less;

	room = room < 16 ? 16 : room;
	if (crfd_text_width(p, n) <= room) {
		crfd_buf_put(out, p, n);
		return;
	}
	p += named;
	while (*p != '/' && crfd_text_width(p, left) + (left < full) > room && (less = less_a_count(p, left)) < left)
		left = less;
	if (crfd_text_width(p, left) + (left < full) > room) {
		put_part(out, p, left, room);
		return;
	}
	crfd_buf_put(out, p, left);
	crfd_text_put(out, left < full ? "…" : "");
}

static void put_last(const struct crfd_render *v, const uint8_t *p, size_t n, size_t used, const char *colour, crfd_buf *out)
{
	crfd_text_put(out, colour ? colour : "");
	if (v->o.width)
		put_cut(out, p, n, v->o.width > used ? v->o.width - used : 0);
	else
		crfd_buf_put(out, p, n);
	crfd_text_put(out, colour ? "\033[m" : "");
}

int crfd_render_line(const struct crfd_render *v, const uint8_t *cells, crfd_buf *out)
{
	const char *colour = colour_of(*cells);
	const uint8_t *p = cells + 1;
	size_t used = 0, n;

	for (size_t i = 0; i < v->o.ncolumns; i++, p += n + 1) {
		size_t width = crfd_text_width(p, n = strlen((const char *)p));
		size_t gap = v->column[i].width > width ? v->column[i].width - width : 0;
		int last = i + 1 == v->o.ncolumns, right = is_right(v->column[i].c);

		if (right)
			pad(out, gap);
		if (last) {
			put_last(v, p, n, used + (right ? gap : 0), colour, out);
		} else {
			crfd_buf_put(out, p, n);
			pad(out, (right ? 0 : gap) + 2);
		}
		used += width + gap + 2;
	}
	return crfd_text_put(out, "\n");
}

int crfd_render_header(const struct crfd_render *v, crfd_buf *out)
{
	crfd_buf cells = {0};
	int rc = crfd_text_put(&cells, " ");

	if (v->o.format == CRFD_RENDER_NUL || v->o.format == CRFD_RENDER_JSON)
		goto done;
	for (size_t i = 0; i < v->o.ncolumns && rc >= 0; i++) {
		size_t width = crfd_text_width((const uint8_t *)v->o.label[i], strlen(v->o.label[i]));

		if (v->o.format == CRFD_RENDER_CSV) {
			rc = crfd_text_printf(out, "%s%s", i ? "," : "", v->o.label[i]);
			continue;
		}
		if (width > v->column[i].width)
			v->column[i].width = (uint32_t)width;
		rc = crfd_buf_put(&cells, v->o.label[i], strlen(v->o.label[i]) + 1);
	}
	if (rc >= 0)
		rc = v->o.format == CRFD_RENDER_CSV ? crfd_text_put(out, "\r\n") : crfd_render_line(v, cells.v, out);
done:
	crfd_buf_release(&cells);
	return rc;
}
