/* SPDX-License-Identifier: MIT */
#include "procfs/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/record.h"
#include "procfs/task_records.h"

#define PTS_MAJOR 136 /* Documentation/admin-guide/devices.txt */
#define TTY_MAJOR 4
#define TTY_SERIAL 64 /* the first minor number of /dev/ttyS */

/* Puts a link of /proc/PID with the file that it leads to. */
static int put_link(struct crfd_holds *h, int dir, const char *link, uint16_t held, crfd_buf *out)
{
	struct crfd_held_one one = {.r = {.held = held, .fd = -1}};
	ssize_t n = readlinkat(dir, link, one.path, sizeof(one.path));
	int rc;

	if (n == 0 || (n < 0 && (errno == ENOENT || errno == ESRCH)))
		return 0;
	if (n > 0) {
		one.len = (size_t)n;
		one.r.st.known = CRFD_HAS_PATH;
	} else {
		one.r.err = errno;
	}
	rc = crfd_held_look(dir, link, n < 0 || *one.path == '/', &one.r.st);
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	if (rc < 0)
		one.r.err = -rc;
	rc = crfd_held_judge(&h->deleted, dir, &one);
	return rc < 0 || crfd_held_fails(&h->push, &one) ? rc : crfd_held_put(&one, out);
}

/* The controlling terminal is known by its number alone; what has it in /dev is called by that. */
static int put_tty(const crfd_filter_push *push, uint32_t packed, crfd_buf *out)
{
	unsigned int maj = packed >> 8 & 0xfff, min = (packed & 0xff) | (packed >> 12 & 0xfff00); /* linux/kdev_t.h */
	struct crfd_held_one one = {.r = {.held = CRFD_HELD_TTY, .kind = CRFD_KIND_CHR, .fd = -1,
				.st = {.known = CRFD_HAS_TYPE, .st_mode = S_IFCHR, .rdev = makedev(maj, min)}}};
	int n = 0;

	if (!packed || crfd_held_fails(push, &one))
		return 0;
	if (maj == PTS_MAJOR)
		n = snprintf(one.path, sizeof(one.path), "/dev/pts/%u", min);
	else if (maj == TTY_MAJOR && min < TTY_SERIAL)
		n = snprintf(one.path, sizeof(one.path), "/dev/tty%u", min);
	else if (maj == TTY_MAJOR)
		n = snprintf(one.path, sizeof(one.path), "/dev/ttyS%u", min - TTY_SERIAL);
	one.len = (size_t)n;
	if (n)
		one.r.st.known |= CRFD_HAS_PATH;
	return crfd_held_put(&one, out);
}

int crfd_task_held(struct crfd_holds *h, int dir, const struct crfd_procstat *stat, crfd_batch *b, crfd_task *t)
{
	crfd_buf *out = &b->text;
	int rc;

	if (!t->ext.len)
		t->ext.off = out->nr;
	rc = put_link(h, dir, "cwd", CRFD_HELD_CWD, out);
	if (rc >= 0)
		rc = put_link(h, dir, "root", CRFD_HELD_ROOT, out);
	if (rc >= 0)
		rc = put_link(h, dir, "exe", CRFD_HELD_EXE, out);
	if (rc >= 0)
		rc = crfd_mapped_put(&h->mapped, dir, crfd_task_mnt_ns(b, t), &h->deleted, &h->push, out);
	if (rc >= 0)
		rc = put_tty(&h->push, stat->tty, out);
	return rc < 0 ? rc : crfd_task_extend(out, &t->ext);
}

void crfd_holds_release(struct crfd_holds *h)
{
	crfd_mapped_release(&h->mapped);
}
