/* SPDX-License-Identifier: MIT */
#include "kinds/fdinfo.h"

#include <errno.h>

#include "base/number.h"
#include "kinds/detail.h"

/* Reads one of the lines that every description has: 1, 0 for another line, or negative. */
static int take_line(const struct crfd_line *l, struct crfd_fdinfo *out)
{
	size_t n = (size_t)(l->end - l->p);
	uint64_t v = 0;
	int rc;

	if (crfd_line_is(l, "pos")) {
		rc = crfd_number_signed(l->p, n, (int64_t *)&out->pos);
		out->has |= CRFD_FDINFO_POS;
	} else if (crfd_line_is(l, "flags")) {
		rc = crfd_number(l->p, n, 8, UINT32_MAX, &v);
		out->flags = (uint32_t)v;
		out->has |= CRFD_FDINFO_FLAGS;
	} else if (crfd_line_is(l, "mnt_id")) {
		rc = crfd_number(l->p, n, 10, INT32_MAX, &v);
		out->mnt_id = (int32_t)v;
		out->has |= CRFD_FDINFO_MNT_ID;
	} else if (crfd_line_is(l, "ino")) {
		rc = crfd_number(l->p, n, 10, UINT64_MAX, &out->ino);
		out->has |= CRFD_FDINFO_INO;
	} else {
		return 0;
	}
	return rc < 0 ? rc : 1;
}

int crfd_fdinfo_parse(const char *text, size_t n, struct crfd_fdinfo *out)
{
	struct crfd_fdinfo info = {0};
	const char *p = text;
	struct crfd_line l;

	while (crfd_line_next(&p, text + n, &l)) {
		int rc = take_line(&l, &info);

		if (rc < 0)
			return -EINVAL;
		if (!rc)
			break;
		info.rest = (size_t)(p - text);
	}
	if (!(info.has & CRFD_FDINFO_POS) || !(info.has & CRFD_FDINFO_FLAGS))
		return -EINVAL;
	*out = info;
	return 0;
}
