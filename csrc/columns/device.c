/* SPDX-License-Identifier: MIT */
/* Character devices that stand for something else: the master of a terminal, tun, FUSE. */
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
	return record(r, CRFD_REC_TTY) != NULL;
}

static int tty_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_tty t;

	(void)s;
	memcpy(&t, record(r, CRFD_REC_TTY), sizeof(t));
	return crfd_text_printf(out, " master of /dev/pts/%u", t.index);
}

static const struct crfd_column tty_columns[] = {
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
