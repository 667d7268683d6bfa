/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "columns/column.h"

#define DEVICE(name, text, type, unit, rec, struct_, member) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, RECORD, rec, struct_, member, CRFD_ALWAYS, 0)

static const uint8_t *record(const struct crfd_row *r, int rec)
{
	return crfd_row_record(r->ext, rec, sizeof(crfd_tty), CRFD_ALWAYS, 0, NULL);
}

static int tty_is_told(const struct crfd_row *r)
{
	return record(r, CRFD_REC_TTY) || record(r, CRFD_REC_TERMIOS);
}

static int tty_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	const uint8_t *master = record(r, CRFD_REC_TTY);
	crfd_tty t;

	(void)s;
	if (!master)
		return 0;
	memcpy(&t, master, sizeof(t));
	return crfd_text_printf(out, " master of /dev/pts/%u", t.index);
}

/* The control characters as two digits in base 16 each, those at the end left out that are 0. */
static int get_cc(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const uint8_t *p = crfd_row_record(r->ext, CRFD_REC_TERMIOS, sizeof(crfd_termios), CRFD_ALWAYS, 0, NULL);
	size_t n = p ? sizeof(((crfd_termios *)0)->cc) : 0;
	int rc = 0;

	(void)c;
	p = p ? p + offsetof(crfd_termios, cc) : NULL;
	while (n && !p[n - 1])
		n--;
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = crfd_text_printf(&s->text, "%02x", p[i]);
	v->known = p != NULL;
	v->text = (struct crfd_bytes){s->text.v, s->text.nr};
	return rc;
}

#define TERMINAL(name, text, unit, member) DEVICE("tty." name, text, INT, unit, CRFD_REC_TERMIOS, crfd_termios, member)

static const struct crfd_column tty_columns[] = {
	TERMINAL("rows", "lines of a terminal's window", NONE, rows),
	TERMINAL("columns", "characters of a line of it", NONE, columns),
	TERMINAL("iflag", "input modes of termios(3)", OCTAL, iflag), TERMINAL("oflag", "output modes", OCTAL, oflag),
	TERMINAL("cflag", "control modes", OCTAL, cflag), TERMINAL("lflag", "local modes", OCTAL, lflag),
	TERMINAL("ispeed", "bits per second of input", NONE, ispeed), TERMINAL("ospeed", "bits per second of output", NONE, ospeed),
	TERMINAL("line", "line discipline, N_* of linux/tty.h", NONE, line),
	CRFD_CALL("tty.cc", "control characters from VINTR on, in base 16", KIND, TEXT, NONE, 0, get_cc),
	DEVICE("tty.index", "number in /dev/pts of the slave of this master", INT, ID, CRFD_REC_TTY, crfd_tty, index),
};

const struct crfd_family crfd_family_tty = {"tty", {CRFD_KIND_CHR}, tty_columns, CRFD_LEN(tty_columns), tty_is_told, tty_say};

static int tun_is_told(const struct crfd_row *r)
{
	return record(r, CRFD_REC_TUN) != NULL;
}

static int tun_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	const uint8_t *name = record(r, CRFD_REC_TUN);
	int rc = crfd_text_put(out, " interface ");

	(void)s;
	return rc < 0 ? rc : crfd_text_escape(out, name, strnlen((const char *)name, sizeof(crfd_tun)));
}

static const struct crfd_column tun_columns[] = {
	DEVICE("tun.net_ns", "inode of the network namespace that this interface is in", INT, ID, CRFD_REC_TUN_NS, crfd_tun_ns, net_ns),
	DEVICE("tun.interface", "network interface of a tun or tap device", TEXT, NONE, CRFD_REC_TUN, crfd_tun, name),
};

const struct crfd_family crfd_family_tun = {"tun", {CRFD_KIND_CHR}, tun_columns, CRFD_LEN(tun_columns), tun_is_told, tun_say};

static int fuse_is_told(const struct crfd_row *r)
{
	return record(r, CRFD_REC_FUSE) != NULL;
}

static int fuse_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_fuse f;

	(void)s;
	memcpy(&f, record(r, CRFD_REC_FUSE), sizeof(f));
	return crfd_text_printf(out, " connection %u", f.connection);
}

static const struct crfd_column fuse_columns[] = {
	DEVICE("fuse.connection", "number in /sys/fs/fuse/connections of a FUSE server's end", INT, ID, CRFD_REC_FUSE, crfd_fuse,
	       connection),
};

const struct crfd_family crfd_family_fuse = {"fuse", {CRFD_KIND_CHR}, fuse_columns, CRFD_LEN(fuse_columns), fuse_is_told, fuse_say};
