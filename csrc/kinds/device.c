/* SPDX-License-Identifier: MIT */
/* What stands behind a device or memory: terminals, interfaces, FUSE, buffers, page faults; sockets' own lines. */
#include <string.h>

#include "kinds/line.h"

#define LEN(table) (sizeof(table) / sizeof(*(table)))

/* drivers/net/tun.c, since 3.17: empty where the descriptor has no interface yet. */
static int tun(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_tun r = {0};
	size_t len = (size_t)(l->end - l->p);

	if (!len)
		return 1;
	if (len >= sizeof(r.name) || memchr(l->p, 0, len))
		return 0;
	memcpy(r.name, l->p, len);
	return crfd_detail_put(d, CRFD_REC_TUN, &r, sizeof(r));
}

static int one_number(const struct crfd_line *l, uint32_t *out)
{
	const char *p = l->p;
	uint64_t v;

	if (crfd_line_field(&p, l->end, "", 10, UINT32_MAX, &v) < 0 || p != l->end)
		return 0;
	*out = (uint32_t)v;
	return 1;
}

/* drivers/tty/pty.c; fs/fuse/dev.c: later kernels alone. */
static int chr_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_tty tty = {0};
	crfd_fuse fuse = {0};

	if (crfd_line_is(l, "iff"))
		return tun(d, l);
	if (crfd_line_is(l, "tty-index"))
		return one_number(l, &tty.index) ? crfd_detail_put(d, CRFD_REC_TTY, &tty, sizeof(tty)) : 0;
	if (crfd_line_is(l, "fuse_connection"))
		return one_number(l, &fuse.connection) ? crfd_detail_put(d, CRFD_REC_FUSE, &fuse, sizeof(fuse)) : 0;
	return 0;
}

const struct crfd_detail_ops crfd_detail_chr = {.line = chr_line};

/* net/unix/af_unix.c, since 5.6. */
static int socket_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_socket r = {.known = CRFD_SOCK_HAS_IN_FLIGHT};

	if (!crfd_line_is(l, "scm_fds") || !one_number(l, &r.in_flight))
		return 0;
	return crfd_detail_put(d, CRFD_REC_SOCKET, &r, sizeof(r));
}

const struct crfd_detail_ops crfd_detail_socket = {.line = socket_line};

enum { PENDING = 1, TOTAL = 2, API = 4, FAULTS_ALL = 7 };

/* "aa:80000100:80000000000001ff": the version, what was asked for, what the kernel offers. */
static int api(const struct crfd_line *l, crfd_userfaultfd *r)
{
	const char *p = l->p, *colon[2], *end = l->end;
	uint64_t version, features;

	colon[0] = memchr(p, ':', (size_t)(end - p));
	colon[1] = colon[0] ? memchr(colon[0] + 1, ':', (size_t)(end - colon[0] - 1)) : NULL;
	if (!colon[1] || crfd_line_field(&p, colon[0], "", 16, UINT32_MAX, &version) < 0)
		return 0;
	p = colon[0] + 1;
	if (crfd_line_field(&p, colon[1], "", 16, UINT32_MAX, &features) < 0)
		return 0;
	p = colon[1] + 1;
	if (crfd_line_field(&p, end, "", 16, UINT64_MAX, &r->offered) < 0 || p != end)
		return 0;
	r->api = (uint32_t)version;
	r->features = (uint32_t)features;
	return 1;
}

/* fs/userfaultfd.c, since 4.3. */
static int userfaultfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("pending", 10, crfd_userfaultfd, pending, PENDING),
		NUMBER("total", 10, crfd_userfaultfd, total, TOTAL),
	};

	if (!crfd_line_is(l, "API"))
		return crfd_line_number(d, l, table, LEN(table));
	if (!api(l, &d->rec.userfaultfd))
		return 0;
	d->seen |= API;
	return 1;
}

static int userfaultfd_end(struct crfd_detail *d)
{
	if (d->broken || d->seen != FAULTS_ALL)
		return 0;
	return crfd_detail_put(d, CRFD_REC_USERFAULTFD, &d->rec.userfaultfd, sizeof(d->rec.userfaultfd));
}

const struct crfd_detail_ops crfd_detail_userfaultfd = {.line = userfaultfd_line, .end = userfaultfd_end};

enum { SIZE = 1, COUNT = 2, EXPORTER = 4, NAME = 8, OTHER = 16 };

static int text(struct crfd_detail *d, const struct crfd_line *l, char *field, size_t size, uint32_t bit)
{
	size_t len = (size_t)(l->end - l->p);

	if (d->seen & bit || len >= size || memchr(l->p, 0, len)) {
		d->broken = 1;
		return 0;
	}
	if (len)
		memcpy(field, l->p, len);
	d->seen |= bit;
	return 1;
}

/* drivers/dma-buf/dma-buf.c, since 5.3. A name may hold anything, a line end too: then some lines mean nothing. */
static int dmabuf_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("size", 10, crfd_dmabuf, size, SIZE),
		NUMBER("count", 10, crfd_dmabuf, count, COUNT),
	};
	crfd_dmabuf *r = &d->rec.dmabuf;

	if (crfd_line_is(l, "exp_name"))
		return text(d, l, r->exporter, sizeof(r->exporter), EXPORTER);
	if (crfd_line_is(l, "name"))
		return text(d, l, r->name, sizeof(r->name), NAME);
	if (crfd_line_number(d, l, table, LEN(table)))
		return 1;
	d->broken = 1;
	return 0;
}

static int dmabuf_end(struct crfd_detail *d)
{
	if (d->broken || (d->seen & (SIZE | COUNT | EXPORTER)) != (SIZE | COUNT | EXPORTER))
		return 0;
	return crfd_detail_put(d, CRFD_REC_DMABUF, &d->rec.dmabuf, sizeof(d->rec.dmabuf));
}

const struct crfd_detail_ops crfd_detail_dmabuf = {.line = dmabuf_line, .end = dmabuf_end};
