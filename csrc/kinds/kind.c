/* SPDX-License-Identifier: MIT */
#include "kinds/kind.h"

#include <string.h>
#include <sys/stat.h>

#include "base/number.h"

#define DELETED " (deleted)" /* fs/d_path.c */

#define TYPE(fmt) (1u << ((fmt) >> 12))
#define ANY_TYPE 0xffffu

/* The first row that matches is the kind; the last family takes every path and "anon_inode:" that none before it has taken. */
static const struct crfd_kind_family *const families[] = {
	&crfd_kinds_event, &crfd_kinds_watch, &crfd_kinds_memory, &crfd_kinds_object,
	&crfd_kinds_socket, &crfd_kinds_pipe, &crfd_kinds_device, &crfd_kinds_file,
};

#define NFAMILIES (sizeof(families) / sizeof(*families))

const struct crfd_kind_ops *crfd_kind_find(int kind)
{
	for (size_t f = NFAMILIES; f--;) /* plain files are the most */
		for (size_t i = 0; i < families[f]->nr; i++)
			if (families[f]->v[i].kind == kind)
				return &families[f]->v[i];
	return NULL;
}

const char *crfd_kind_name(int kind)
{
	const struct crfd_kind_ops *ops = crfd_kind_find(kind);

	return ops ? ops->name : NULL;
}

static int numbered(const char *text, size_t len, size_t name, uint64_t *number)
{
	return len > name + 3 && text[name] == ':' && text[name + 1] == '[' && text[len - 1] == ']' &&
	       crfd_number(text + name + 2, len - name - 3, 10, UINT64_MAX, number) == 0;
}

void crfd_fd_name_parse(const char *text, size_t len, struct crfd_fd_name *out)
{
	size_t mark = sizeof(DELETED) - 1;
	const char *colon = memchr(text, ':', len);

	*out = (struct crfd_fd_name){.stem = len, .path = len && *text == '/'};
	if (!out->path) {
		out->numbered = colon && numbered(text, len, (size_t)(colon - text), &out->number);
	} else if (len > mark && !memcmp(text + len - mark, DELETED, mark)) {
		out->marked = 1;
		out->stem = len - mark;
	}
}

static int matches(const struct crfd_match *m, const char *text, size_t len, uint32_t st_mode, int deleted)
{
	uint64_t number;
	size_t n;

	if (m->fmt && (st_mode & S_IFMT) != m->fmt)
		return 0;
	if (m->how == CRFD_MATCH_MODE)
		return !len || *text == '/';
	if (!len || *text != *m->text)
		return 0;
	n = strlen(m->text);
	if ((m->how == CRFD_MATCH_UNLINKED || m->how == CRFD_MATCH_UNLINKED_PREFIX) && !deleted)
		return 0;
	if (len < n || memcmp(text, m->text, n))
		return 0;
	if (m->how == CRFD_MATCH_NUMBERED)
		return numbered(text, len, n, &number);
	return m->how == CRFD_MATCH_PREFIX || m->how == CRFD_MATCH_UNLINKED_PREFIX || len == n;
}

static int row_matches(const struct crfd_kind_ops *ops, const char *text, size_t len, uint32_t st_mode, int deleted)
{
	for (const struct crfd_match *m = ops->match; m && m->how != CRFD_MATCH_END; m++)
		if (matches(m, text, len, st_mode, deleted))
			return 1;
	return 0;
}

int crfd_kind_of(const char *text, size_t len, uint32_t st_mode, int deleted)
{
	for (size_t f = 0; f < NFAMILIES; f++)
		for (size_t i = 0; i < families[f]->nr; i++)
			if (row_matches(&families[f]->v[i], text, len, st_mode, deleted))
				return families[f]->v[i].kind;
	return CRFD_KIND_UNKNOWN;
}

static uint32_t types_of(int kind)
{
	switch (kind) {
	case CRFD_KIND_FILE:
		return TYPE(S_IFREG);
	case CRFD_KIND_DIR:
		return TYPE(S_IFDIR);
	case CRFD_KIND_SYMLINK:
		return TYPE(S_IFLNK);
	case CRFD_KIND_CHR:
		return TYPE(S_IFCHR);
	case CRFD_KIND_BLK:
		return TYPE(S_IFBLK);
	case CRFD_KIND_FIFO:
	case CRFD_KIND_PIPE:
		return TYPE(S_IFIFO);
	case CRFD_KIND_SOCKET:
		return TYPE(S_IFSOCK);
	case CRFD_KIND_EVENTFD:
	case CRFD_KIND_EPOLL:
	case CRFD_KIND_TIMERFD:
	case CRFD_KIND_SIGNALFD:
		return TYPE(0);
	default:
		return ANY_TYPE;
	}
}

uint32_t crfd_kind_types(uint64_t kinds)
{
	uint32_t types = 0;

	for (int kind = 0; kind < 64; kind++)
		if (kinds >> kind & 1)
			types |= types_of(kind);
	return types;
}
