/* SPDX-License-Identifier: MIT */
/* Some mounts of /proc/PID/mountinfo can be asked without waiting for somebody else. */
#include "procfs/mountinfo.h"

#include <string.h>

#include "base/buf.h"

#include "check.h"

int main(void)
{
	static const char text[] = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
				   "41 27 0:36 / /a\\040-\\040b rw - fuse.bindfs x rw\n42 27 0:37 / /b rw - ext4x y rw\nbad\n";
	static const struct {
		const char *name;
		size_t n; /* bytes of the text */
		int32_t mnt_id;
		const char *type;
		int local;
	} rows[] = {
		{"ext4", sizeof(text) - 1, 27, "ext4", 1},
		{"fuse, a dash in its path", sizeof(text) - 1, 41, "fuse.bindfs", 0},
		{"a type that begins as a local one", sizeof(text) - 1, 42, "ext4x", 0},
		{"no such mount", sizeof(text) - 1, 7, "", 0},
		{"cut before its type", 20, 27, "", 0},
		{"empty", 0, 27, "", 0},
	};

	FOR_ROWS(row, rows) {
		const char *type = "";
		size_t len = crfd_mountinfo_type(text, row->n, row->mnt_id, &type);

		CHECK_TEXT(type, len, row->type);
		CHECK_EQ(crfd_mountinfo_local(text, row->n, row->mnt_id), row->local);
	}
	{
		static const char line[] = "9 1 8:17 / /x rw shared:2 master:1 - nfs4 host:/a\\040b\\134\\04 rw\n";
		struct crfd_mount m;
		crfd_buf out = {0};

		CHECK_EQ(crfd_mountinfo_find(line, sizeof(line) - 1, 9, &m), 1);
		CHECK_EQ(m.id, 9);
		CHECK_EQ(m.dev, 8 << 8 | 17);
		CHECK_TEXT(m.type, m.type_len, "nfs4");
		CHECK_EQ(crfd_mountinfo_unescape(m.source, m.source_len, &out), 0);
		CHECK_TEXT((const char *)out.v, out.nr, "host:/a b\\\\04");
		crfd_buf_release(&out);
	}
	return check_status();
}
