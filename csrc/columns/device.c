/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "columns/column.h"

#define DEVICE(name, text, type, unit, rec, struct_, member) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, RECORD, rec, struct_, member, CRFD_ALWAYS, 0)

/* The control characters as two digits in base 16 each, those at the end left out that are 0. */
static int get_cc(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_termios t;
	size_t n = sizeof(t.cc);

	(void)c;
	if (!crfd_row_read(r, CRFD_REC_TERMIOS, &t, sizeof(t)))
		return 0;
	while (n && !t.cc[n - 1])
		n--;
	return crfd_value_scratch(s, crfd_text_hex(&s->text, t.cc, n), v);
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

const struct crfd_family crfd_family_tty = {
	"tty", {CRFD_KIND_CHR}, {CRFD_REC_TTY, CRFD_REC_TERMIOS}, tty_columns, CRFD_LEN(tty_columns),
	.phrase = "< master of /dev/pts/{index}>",
};

static const struct crfd_column tun_columns[] = {
	DEVICE("tun.net_ns", "inode of the network namespace that this interface is in", INT, ID, CRFD_REC_TUN_NS, crfd_tun_ns, net_ns),
	DEVICE("tun.interface", "network interface of a tun or tap device", TEXT, NONE, CRFD_REC_TUN, crfd_tun, name),
};

const struct crfd_family crfd_family_tun = {
	"tun", {CRFD_KIND_CHR}, {CRFD_REC_TUN}, tun_columns, CRFD_LEN(tun_columns), .phrase = " interface {interface}",
};

static const struct crfd_column fuse_columns[] = {
	DEVICE("fuse.connection", "number in /sys/fs/fuse/connections of a FUSE server's end", INT, ID, CRFD_REC_FUSE, crfd_fuse,
	       connection),
};

const struct crfd_family crfd_family_fuse = {
	"fuse", {CRFD_KIND_CHR}, {CRFD_REC_FUSE}, fuse_columns, CRFD_LEN(fuse_columns), .phrase = " connection {connection}",
};
