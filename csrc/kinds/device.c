/* SPDX-License-Identifier: MIT */
/* The drivers of these devices say what stands behind them: terminals, interfaces, FUSE. */
#include <string.h>
#include <sys/stat.h>

#include "kinds/detail.h"

/* A character device has one record at most, of its driver's type. */
static int say(struct crfd_detail *d, int type, size_t size)
{
	d->type = (int16_t)type;
	d->size = (uint16_t)size;
	d->known = 1;
	return 1;
}

/* drivers/net/tun.c, since 3.17: empty where the descriptor has no interface yet. */
static int tun(struct crfd_detail *d, const struct crfd_line *l)
{
	size_t len = (size_t)(l->end - l->p);

	if (!len)
		return 1;
	if (len >= sizeof(d->rec.tun.name) || memchr(l->p, 0, len))
		return 0;
	memcpy(d->rec.tun.name, l->p, len);
	return say(d, CRFD_REC_TUN, sizeof(d->rec.tun));
}

/* drivers/tty/pty.c; fs/fuse/dev.c: later kernels alone. */
static int chr_line(struct crfd_detail *d, const struct crfd_line *l)
{
	if (d->known) /* the records lie in one union: a second would have bytes of the first */
		return 0;
	if (crfd_line_is(l, "iff"))
		return tun(d, l);
	if (crfd_line_is(l, "tty-index") && crfd_line_u32(l, &d->rec.tty.index))
		return say(d, CRFD_REC_TTY, sizeof(d->rec.tty));
	if (crfd_line_is(l, "fuse_connection") && crfd_line_u32(l, &d->rec.fuse.connection))
		return say(d, CRFD_REC_FUSE, sizeof(d->rec.fuse));
	return 0;
}

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(CHR, "chr", CRFD_MODE(S_IFCHR)), .line = chr_line, .asks = CRFD_ASKS_DEVICE},
	{CRFD_ROW(BLK, "blk", CRFD_MODE(S_IFBLK))},
};

const struct crfd_kind_family crfd_kinds_device = CRFD_FAMILY(rows);
