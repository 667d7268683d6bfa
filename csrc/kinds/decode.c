/* SPDX-License-Identifier: MIT */
#include "kinds/decode.h"

#include <string.h>

#include "base/buf.h"
#include "format/record.h"
#include "kinds/line.h"

/* A kind whose text has nothing of its own. */
static const struct crfd_detail_ops plain;

/* The kinds that are decoded. The text of any other is kept as it is. */
static const struct crfd_detail_ops *const decoders[] = {
	[CRFD_KIND_FILE] = &plain,
	[CRFD_KIND_DIR] = &plain,
	[CRFD_KIND_SYMLINK] = &plain,
	[CRFD_KIND_CHR] = &crfd_detail_chr,
	[CRFD_KIND_BLK] = &plain,
	[CRFD_KIND_FIFO] = &plain,
	[CRFD_KIND_PIPE] = &plain,
	[CRFD_KIND_SOCKET] = &crfd_detail_socket,
	[CRFD_KIND_EVENTFD] = &crfd_detail_eventfd,
	[CRFD_KIND_EPOLL] = &crfd_detail_epoll,
	[CRFD_KIND_TIMERFD] = &crfd_detail_timerfd,
	[CRFD_KIND_SIGNALFD] = &crfd_detail_signalfd,
	[CRFD_KIND_INOTIFY] = &crfd_detail_inotify,
	[CRFD_KIND_FANOTIFY] = &crfd_detail_fanotify,
	[CRFD_KIND_MEMFD] = &plain,
	[CRFD_KIND_PIDFD] = &crfd_detail_pidfd,
	[CRFD_KIND_IO_URING] = &crfd_detail_io_uring,
	[CRFD_KIND_USERFAULTFD] = &crfd_detail_userfaultfd,
	[CRFD_KIND_BPF_MAP] = &crfd_detail_bpf_map,
	[CRFD_KIND_BPF_PROG] = &crfd_detail_bpf_prog,
	[CRFD_KIND_BPF_LINK] = &crfd_detail_bpf_link,
	[CRFD_KIND_BTF] = &crfd_detail_btf,
	[CRFD_KIND_DMABUF] = &crfd_detail_dmabuf,
	[CRFD_KIND_NAMESPACE] = &plain,
	[CRFD_KIND_MQUEUE] = &plain,
	[CRFD_KIND_SECRETMEM] = &plain,
};

static const struct crfd_detail_ops *find(int kind)
{
	return kind >= 0 && (size_t)kind < sizeof(decoders) / sizeof(*decoders) ? decoders[kind] : NULL;
}

int crfd_detail_keeps(int kind)
{
	return !find(kind);
}

/* What every description has, and FD_DATA and FD_STAT with it. */
static int is_common(const struct crfd_line *l)
{
	return crfd_line_is(l, "pos") || crfd_line_is(l, "flags") || crfd_line_is(l, "mnt_id") || crfd_line_is(l, "ino");
}

static int take(struct crfd_detail *d, const struct crfd_detail_ops *ops, const struct crfd_line *l)
{
	if (is_common(l))
		return 1;
	if (crfd_line_is(l, "lock"))
		return crfd_detail_lock(d, l);
	return ops && ops->line ? ops->line(d, l) : 0;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct crfd_line split(const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line)), *stop = colon ? colon : end;
	struct crfd_line l = {.key = line, .len = (size_t)(stop - line), .p = colon ? colon + 1 : end, .end = end};

	while (l.p < l.end && is_blank(*l.p))
		l.p++;
	while (l.end > l.p && is_blank(l.end[-1]))
		l.end--;
	return l;
}

int crfd_detail_fdinfo(int kind, const char *text, size_t n, crfd_buf *out)
{
	const struct crfd_detail_ops *ops = find(kind);
	const char *p = text, *end = text + n;
	struct crfd_detail d = {.out = out};
	int whole = ops != NULL, rc;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *stop = eol ? eol : end;
		struct crfd_line l = split(p, stop);

		rc = take(&d, ops, &l);
		if (rc < 0)
			return rc;
		whole &= rc;
		p = eol ? eol + 1 : end;
	}
	if (ops && ops->end) {
		rc = ops->end(&d);
		if (rc < 0)
			return rc;
		whole &= rc;
	}
	return whole ? 0 : crfd_buf_recs(out, CRFD_REC_FDINFO, 0, text, n);
}

