/* SPDX-License-Identifier: MIT */
/* Names of device numbers in /proc/devices and /proc/misc, and texts that are neither. */
#include "procfs/devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"

int main(void)
{
	static const char text[] = "Character devices:\n  1 mem\n  4 /dev/vc/0\n  4 tty\n136 pts\n  7 \nx y\n\n"
				   "Block devices:\n  7 loop\n  1 ramdisk\n254 virt blk\n  9 cut";
	static const struct {
		const char *name;
		size_t n; /* bytes of the text */
		int block;
		unsigned int major;
		const char *found;
	} rows[] = {
		{"a character device", sizeof(text) - 1, 0, 1, "mem"},
		{"a block device of the same number", sizeof(text) - 1, 1, 1, "ramdisk"},
		{"of several names", sizeof(text) - 1, 0, 4, "/dev/vc/0,tty"},
		{"a name with a blank", sizeof(text) - 1, 1, 254, "virt blk"},
		{"a character device that has no name", sizeof(text) - 1, 0, 7, ""},
		{"a number that begins as another", sizeof(text) - 1, 0, 13, ""},
		{"a line without an end", sizeof(text) - 1, 1, 9, ""},
		{"empty", 0, 0, 1, ""},
	};
	static const char misc[] = "258 vsock\n  1 psaux\n";
	crfd_buf out = {0};

	FOR_ROWS(row, rows) {
		out.nr = 0;
		CHECK_EQ(crfd_devices_find(text, row->n, row->block, row->major, &out), 0);
		CHECK_TEXT((const char *)out.v, out.nr, row->found);
	}
	out.nr = 0;
	CHECK_EQ(crfd_misc_find(misc, sizeof(misc) - 1, 258, &out), 0);
	CHECK_TEXT((const char *)out.v, out.nr, "vsock");
	crfd_buf_release(&out);
	return check_status();
}
