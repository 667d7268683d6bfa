/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "kinds/fdinfo.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "format/format.h"

/* Ids that a description keeps for its life: a pidfd's Pid turns -1, a bpf link's prog_id can be replaced. */
static const struct {
	int kind;
	const char *key;
} ids[] = {
	{CRFD_KIND_EVENTFD, "\neventfd-id:"}, {CRFD_KIND_BPF_MAP, "\nmap_id:"}, {CRFD_KIND_BPF_PROG, "\nprog_id:"},
	{CRFD_KIND_BPF_LINK, "\nlink_id:"}, {CRFD_KIND_BTF, "\nbtf_id:"}, {CRFD_KIND_TIMERFD, "\nclockid:"},
};

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Reads one of the lines that every description has: 1, 0 for another line, or negative. */
static int parse_line(const char *key, size_t len, const char *p, const char *end, struct crfd_fdinfo *out)
{
	uint64_t v;
	int64_t pos;
	int rc;

	p = skip_blanks(p, end);
	if (len == 3 && !memcmp(key, "pos", 3)) {
		rc = crfd_number_signed(p, (size_t)(end - p), &pos);
		out->pos = rc < 0 ? 0 : (uint64_t)pos;
		out->has |= CRFD_FDINFO_POS;
	} else if (len == 5 && !memcmp(key, "flags", 5)) {
		rc = crfd_number(p, (size_t)(end - p), 8, UINT32_MAX, &v);
		out->flags = rc < 0 ? 0 : (uint32_t)v;
		out->has |= CRFD_FDINFO_FLAGS;
	} else if (len == 6 && !memcmp(key, "mnt_id", 6)) {
		rc = crfd_number(p, (size_t)(end - p), 10, INT32_MAX, &v);
		out->mnt_id = rc < 0 ? 0 : (int32_t)v;
		out->has |= CRFD_FDINFO_MNT_ID;
	} else if (len == 3 && !memcmp(key, "ino", 3)) {
		rc = crfd_number(p, (size_t)(end - p), 10, UINT64_MAX, &v);
		out->ino = rc < 0 ? 0 : v;
		out->has |= CRFD_FDINFO_INO;
	} else {
		return 0;
	}
	return rc < 0 ? -EINVAL : 1;
}

int crfd_fdinfo_parse(const char *text, size_t n, struct crfd_fdinfo *out)
{
	struct crfd_fdinfo info = {0};

	while (info.rest < n) {
		const char *line = text + info.rest, *eol = memchr(line, '\n', n - info.rest);
		const char *end = eol ? eol : text + n, *colon = memchr(line, ':', (size_t)(end - line));
		int rc = colon ? parse_line(line, (size_t)(colon - line), colon + 1, end, &info) : 0;

		if (rc < 0)
			return rc;
		if (!rc)
			break;
		info.rest = (size_t)(end - text) + (eol != NULL);
	}
	if (!(info.has & CRFD_FDINFO_POS) || !(info.has & CRFD_FDINFO_FLAGS))
		return -EINVAL;
	*out = info;
	return 0;
}

void crfd_fdinfo_id(const char *text, size_t n, int kind, const char **id, size_t *len)
{
	const char *p = NULL, *eol;

	*id = text;
	*len = 0;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		if (ids[i].kind != kind)
			continue;
		p = memmem(text, n, ids[i].key, strlen(ids[i].key));
		if (!p)
			return;
		p = skip_blanks(p + strlen(ids[i].key), text + n);
		eol = memchr(p, '\n', (size_t)(text + n - p));
		*id = p;
		*len = (size_t)((eol ? eol : text + n) - p);
		return;
	}
}
