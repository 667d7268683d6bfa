/* SPDX-License-Identifier: MIT */
#include "kinds/kind.h"

#include <string.h>
#include <sys/stat.h>

#include "base/number.h"

#define DELETED " (deleted)" /* fs/d_path.c */

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
