/* SPDX-License-Identifier: MIT */
/* These kinds are memory that has a descriptor: files without a name, shared buffers, page faults. */
#include <string.h>
#include <sys/stat.h>

#include "kinds/detail.h"

enum { PENDING = 1, TOTAL = 2, API = 4, FAULTS_ALL = 7 };

static const struct crfd_line_number userfaultfd_numbers[] = {
	NUMBER("pending", 10, crfd_userfaultfd, pending, PENDING),
	NUMBER("total", 10, crfd_userfaultfd, total, TOTAL),
};

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
	if (!crfd_line_is(l, "API") || !api(l, &d->rec.userfaultfd))
		return 0;
	d->known |= API;
	return 1;
}

enum { SIZE = 1, COUNT = 2, EXPORTER = 4, NAME = 8 };

static const struct crfd_line_number dmabuf_numbers[] = {
	NUMBER("size", 10, crfd_dmabuf, size, SIZE),
	NUMBER("count", 10, crfd_dmabuf, count, COUNT),
};

static int text(struct crfd_detail *d, const struct crfd_line *l, char *field, size_t size, uint32_t bit)
{
	size_t len = (size_t)(l->end - l->p);

	if (d->known & bit || len >= size || memchr(l->p, 0, len)) {
		d->broken = 1;
		return 0;
	}
	if (len)
		memcpy(field, l->p, len);
	d->known |= bit;
	return 1;
}

/* drivers/dma-buf/dma-buf.c, since 5.3. A name may hold anything, a line end too: then some lines mean nothing. */
static int dmabuf_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_dmabuf *r = &d->rec.dmabuf;

	if (crfd_line_is(l, "exp_name"))
		return text(d, l, r->exporter, sizeof(r->exporter), EXPORTER);
	if (crfd_line_is(l, "name"))
		return text(d, l, r->name, sizeof(r->name), NAME);
	d->broken = 1;
	return 0;
}

static int memfd_end(struct crfd_detail *d)
{
	d->rec.memfd.known = d->known;
	return 1;
}

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(MEMFD, "memfd", CRFD_MATCHES({CRFD_MATCH_UNLINKED_PREFIX, "/memfd:", S_IFREG})),
	 CRFD_RECORD(CRFD_REC_MEMFD, crfd_memfd), .end = memfd_end, .asks = CRFD_ASKS_MEMORY,
	 .wants = CRFD_MEMFD_HAS_SEALS},
	{CRFD_ROW(SECRETMEM, "secretmem", CRFD_MATCHES({CRFD_MATCH_UNLINKED, "/secretmem", S_IFREG}))},
	{CRFD_ROW(DMABUF, "dmabuf", CRFD_MATCHES({CRFD_MATCH_PREFIX, "/dmabuf:", 0})),
	 CRFD_TOLD(CRFD_REC_DMABUF, crfd_dmabuf), CRFD_NUMBERS(dmabuf_numbers), .line = dmabuf_line,
	 .needs = SIZE | COUNT | EXPORTER},
	{CRFD_ROW(USERFAULTFD, "userfaultfd", CRFD_ANON("[userfaultfd]")),
	 CRFD_TOLD(CRFD_REC_USERFAULTFD, crfd_userfaultfd), CRFD_NUMBERS(userfaultfd_numbers), .line = userfaultfd_line,
	 .needs = FAULTS_ALL},
};

const struct crfd_kind_family crfd_kinds_memory = CRFD_FAMILY(rows);
