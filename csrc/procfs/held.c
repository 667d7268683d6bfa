/* SPDX-License-Identifier: MIT */
#include "procfs/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"
#include "format/record.h"
#include "kinds/detail.h"
#include "procfs/mountinfo.h"
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
int crfd_put_tty(const crfd_filter_push *push, unsigned int maj, unsigned int min, crfd_buf *out)
{
	struct crfd_held_one one = {.r = {.held = CRFD_HELD_TTY, .kind = CRFD_KIND_CHR, .fd = -1,
				.st = {.known = CRFD_HAS_TYPE, .st_mode = S_IFCHR, .rdev = makedev(maj, min)}}};
	int n = 0;

	if ((!maj && !min) || crfd_held_fails(push, &one))
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

/* Before Linux 6.14 the text has the last part of a path alone, which is "/" of any mount's root and may have colons in it. */
static int is_whole(const uint8_t *p, size_t len)
{
	const uint8_t *colon = memchr(p, ':', len);

	if (*p == '/' || !colon)
		return *p == '/' && len > 1;
	return (p[len - 1] == ']' && colon[1] == '[') || (colon - p == 10 && !memcmp(p, "anon_inode", 10));
}

/* io_uring/fdinfo.c: "    3: /path", with \\040 and its like in it, or <none>. */
static int put_ring_file(struct crfd_holds *h, int dir, int32_t fd, const struct crfd_line *l, crfd_buf *out)
{
	struct crfd_held_one one = {.r = {.held = CRFD_HELD_RING, .kind = CRFD_KIND_UNKNOWN, .fd = fd}};
	uint64_t slot;
	int rc;

	if (crfd_number(l->key, l->len, 10, UINT32_MAX, &slot) < 0 || (l->end - l->p == 6 && !memcmp(l->p, "<none>", 6)))
		return 0;
	one.r.slot = (uint32_t)slot;
	crfd_buf_clear(&h->name);
	rc = crfd_mountinfo_unescape(l->p, (size_t)(l->end - l->p), &h->name);
	if (rc < 0)
		return rc;
	one.len = h->name.nr;
	if (one.len > 1 && one.len < sizeof(one.path) && is_whole(h->name.v, one.len)) {
		memcpy(one.path, h->name.v, one.len);
		one.r.st.known = CRFD_HAS_PATH;
		rc = crfd_held_judge(&h->deleted, dir, &one);
	}
	return rc < 0 || crfd_held_fails(&h->push, &one) ? rc : crfd_held_put(&one, out);
}

static int put_ring(struct crfd_holds *h, int dir, int32_t fd, crfd_buf *out)
{
	const char *p = (const char *)h->ring.v, *end = p + h->ring.nr;
	struct crfd_line l;
	int rc = 0, within = 0;

	while (rc >= 0 && crfd_line_next(&p, end, &l)) {
		while (l.len && *l.key == ' ') {
			l.key++;
			l.len--;
		}
		if (crfd_line_is(&l, "UserFiles"))
			within = 1;
		else if (crfd_line_is(&l, "UserBufs"))
			within = 0;
		else if (within)
			rc = put_ring_file(h, dir, fd, &l, out);
	}
	return rc;
}

/* The text of a descriptor's fdinfo: the batch's, which a record that is put may move. */
static int copy_fdinfo(struct crfd_holds *h, const crfd_batch *b, const crfd_fd *f)
{
	struct crfd_cursor c = {.p = b->text.v + f->ext.off, .end = b->text.v + f->ext.off + f->ext.len};
	int rc = 0;

	crfd_buf_clear(&h->ring);
	while (rc >= 0 && crfd_cursor_next(&c))
		if (c.h.type == CRFD_REC_FDINFO)
			rc = crfd_buf_put(&h->ring, c.payload, (size_t)c.h.len);
	return rc;
}

int crfd_task_reopen(crfd_batch *b, crfd_task *t)
{
	int rc = 0;

	if (t->ext.len && t->ext.off + t->ext.len < b->text.nr) {
		rc = crfd_buf_reserve(&b->text, t->ext.len);
		if (rc < 0)
			return rc;
		memcpy(b->text.v + b->text.nr, b->text.v + t->ext.off, t->ext.len);
		t->ext.off = b->text.nr;
		b->text.nr += t->ext.len;
	} else if (!t->ext.len) {
		t->ext.off = b->text.nr;
	}
	return rc;
}

int crfd_task_rings(struct crfd_holds *h, int dir, crfd_batch *b, crfd_task *t)
{
	int rc = crfd_task_reopen(b, t);

	for (uint64_t i = t->first; i < t->first + t->nfds && rc >= 0; i++) {
		if (b->fd[i].kind != CRFD_KIND_IO_URING || b->fd[i].failed || !b->fd[i].ext.len)
			continue;
		rc = copy_fdinfo(h, b, &b->fd[i]);
		if (rc >= 0 && h->ring.nr)
			rc = put_ring(h, dir, b->fd[i].fd, &b->text);
	}
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}

int crfd_put_inside(const crfd_filter_push *push, enum crfd_held_by held, int32_t fd, crfd_buf *out)
{
	struct crfd_held_one one = {.r = {.held = (uint16_t)held, .kind = CRFD_KIND_UNKNOWN, .fd = fd, .slot = CRFD_HELD_ALL}};

	return crfd_held_fails(push, &one) ? 0 : crfd_held_put(&one, out);
}

int crfd_task_flights(struct crfd_holds *h, crfd_batch *b, crfd_task *t)
{
	int rc = crfd_task_reopen(b, t);

	for (uint64_t i = t->first; i < t->first + t->nfds && rc >= 0; i++) {
		const crfd_socket *s = &b->socket[i];

		if (b->fd[i].kind == CRFD_KIND_SOCKET && s->known & CRFD_SOCK_HAS_IN_FLIGHT && s->in_flight)
			rc = crfd_put_inside(&h->push, CRFD_HELD_FLIGHT, b->fd[i].fd, &b->text);
	}
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}

/*
 * Returns 1 where the task, whose /proc/PID is dir, has the memory of the one that was kept, as threads of a process do: kcmp(2) says
 * so of two numbers, which both were theirs still. Two zombies have none in common, though theirs is equal.
 */
static int has_memory_of(const crfd_task *kept, const crfd_task *t, int dir, crfd_buf *scratch)
{
	struct crfd_procstat stat;
	int was;

	if (t->info.pid == t->info.tgid || kept->info.tgid != t->info.tgid ||
	    syscall(SYS_kcmp, kept->info.pid, t->info.pid, KCMP_VM, 0, 0))
		return 0;
	was = crfd_task_open(kept, scratch, &stat);
	if (was < 0)
		return crfd_is_ours(was) ? was : 0;
	close(was);
	was = crfd_proc_stat(dir, (int32_t)t->info.pid, scratch, &stat);
	if (was < 0)
		return crfd_is_ours(was) ? was : 0;
	return crfd_task_has_files(&stat.rec, stat.flags);
}

int crfd_holds_keep(struct crfd_holds *h, const crfd_task *t, const crfd_buf *out, size_t from)
{
	if (t->info.threads < 2)
		return 0;
	h->kept = *t;
	crfd_buf_clear(&h->maps);
	return crfd_buf_put(&h->maps, out->v + from, out->nr - from);
}

static int put_mapped(struct crfd_holds *h, int dir, crfd_batch *b, const crfd_task *t)
{
	size_t from = b->text.nr;
	int rc = has_memory_of(&h->kept, t, dir, &h->mapped.text);

	if (rc)
		return rc < 0 ? rc : crfd_buf_put(&b->text, h->maps.v, h->maps.nr);
	rc = crfd_mapped_put(&h->mapped, dir, crfd_task_mnt_ns(b, t), &h->deleted, &h->push, &b->text);
	return rc < 0 ? rc : crfd_holds_keep(h, t, &b->text, from);
}

int crfd_task_held(struct crfd_holds *h, int dir, const struct crfd_procstat *stat, crfd_batch *b, crfd_task *t)
{
	crfd_buf *out = &b->text;
	int rc;

	rc = crfd_task_reopen(b, t);
	if (rc >= 0)
		rc = put_link(h, dir, "cwd", CRFD_HELD_CWD, out);
	if (rc >= 0)
		rc = put_link(h, dir, "root", CRFD_HELD_ROOT, out);
	if (rc >= 0)
		rc = put_link(h, dir, "exe", CRFD_HELD_EXE, out);
	if (rc >= 0)
		rc = put_mapped(h, dir, b, t);
	if (rc >= 0)
		rc = crfd_put_tty(&h->push, stat->tty >> 8 & 0xfff, (stat->tty & 0xff) | (stat->tty >> 12 & 0xfff00), out);
	return rc < 0 ? rc : crfd_task_extend(out, &t->ext);
}

void crfd_holds_release(struct crfd_holds *h)
{
	crfd_mapped_release(&h->mapped);
	crfd_buf_release(&h->maps);
	crfd_buf_release(&h->name);
	crfd_buf_release(&h->ring);
}
