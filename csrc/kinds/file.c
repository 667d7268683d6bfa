/* SPDX-License-Identifier: MIT */
/* Files and directories stand here, and every kind that has no family of its own. */
#include <sys/stat.h>

#include "kinds/kind.h"

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(FILE, "file", CRFD_MODE(S_IFREG))},
	{CRFD_ROW(DIR, "dir", CRFD_MODE(S_IFDIR))},
	{CRFD_ROW(SYMLINK, "symlink", CRFD_MODE(S_IFLNK))},
	{CRFD_ROW(ANON, "anon", CRFD_MATCHES({CRFD_MATCH_PREFIX, "anon_inode:", 0})), .text = CRFD_TEXT_KEPT},
	{CRFD_ROW(UNKNOWN, "unknown", NULL), .text = CRFD_TEXT_KEPT},
};

const struct crfd_kind_family crfd_kinds_file = CRFD_FAMILY(rows);
