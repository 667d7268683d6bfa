/* SPDX-License-Identifier: MIT */
/* These kinds watch other files, and fdinfo has a line for each. */
#include "kinds/detail.h"

enum { SEEN = 1 };

/* fs/eventpoll.c: number, events and data since 3.8, the file behind them since 4.13. */
static int epoll_line(struct crfd_detail *d, const struct crfd_line *l)
{
	uint64_t fd, events;
	crfd_epoll_target t = {0};
	const char *p = l->p;
	int64_t pos;
	int rc;

	if (!crfd_line_is(l, "tfd"))
		return 0;
	d->known |= SEEN;
	if (crfd_line_field(&p, l->end, "", 10, INT32_MAX, &fd) < 0 ||
	    crfd_line_field(&p, l->end, "events:", 16, UINT32_MAX, &events) < 0 ||
	    crfd_line_field(&p, l->end, "data:", 16, UINT64_MAX, &t.data) < 0)
		return 0;
	t.fd = (int32_t)fd;
	t.events = (uint32_t)events;
	if (crfd_line_signed(&p, l->end, "pos:", &pos) >= 0)
		t.pos = (uint64_t)pos;
	if (crfd_line_field(&p, l->end, "ino:", 16, UINT64_MAX, &t.ino) < 0 || crfd_line_dev(&p, l->end, "sdev:", &t.dev) < 0)
		t.ino = t.dev = 0;
	rc = crfd_detail_entry(d, &t);
	return rc < 0 ? rc : p == l->end;
}

/*
 * fs/notify/fdinfo.c, since 3.8. The watch descriptor is hexadecimal, whatever proc_pid_fdinfo(5) says. Ignored masks
 * are fanotify's; the file handle, where the file system has one, stays in the text.
 */
static int inotify_line(struct crfd_detail *d, const struct crfd_line *l)
{
	uint64_t wd, mask, ignored = 0;
	crfd_inotify_mark m = {0};
	const char *p = l->p;
	int rc;

	if (!crfd_line_is(l, "inotify wd"))
		return 0;
	d->known |= SEEN;
	if (crfd_line_field(&p, l->end, "", 16, INT32_MAX, &wd) < 0 ||
	    crfd_line_field(&p, l->end, "ino:", 16, UINT64_MAX, &m.ino) < 0 ||
	    crfd_line_dev(&p, l->end, "sdev:", &m.dev) < 0 ||
	    crfd_line_field(&p, l->end, "mask:", 16, UINT32_MAX, &mask) < 0)
		return 0;
	m.wd = (int32_t)wd;
	m.mask = (uint32_t)mask;
	crfd_line_field(&p, l->end, "ignored_mask:", 16, UINT32_MAX, &ignored);
	rc = crfd_detail_entry(d, &m);
	return rc < 0 ? rc : p == l->end && !ignored;
}

static int fanotify_group(struct crfd_detail *d, const struct crfd_line *l)
{
	const char *p = l->p;
	uint64_t flags, event_flags;

	if (crfd_line_field(&p, l->end, "", 16, UINT32_MAX, &flags) < 0 ||
	    crfd_line_field(&p, l->end, "event-flags:", 16, UINT32_MAX, &event_flags) < 0)
		return 0;
	d->rec.fanotify = (crfd_fanotify){.flags = (uint32_t)flags, .event_flags = (uint32_t)event_flags};
	d->known |= SEEN;
	return p == l->end;
}

/* Reads on which object the mark is. The mount's id is hexadecimal, the namespace's inode is not. */
static int fanotify_object(const struct crfd_line *l, const char **p, crfd_fanotify_mark *m)
{
	uint64_t id;

	if (crfd_line_is(l, "fanotify ino")) {
		m->type = CRFD_FANOTIFY_INODE;
		return crfd_line_field(p, l->end, "", 16, UINT64_MAX, &m->ino) >= 0 &&
		       crfd_line_dev(p, l->end, "sdev:", &m->dev) >= 0;
	}
	if (crfd_line_is(l, "fanotify sdev")) { /* 4.20 */
		m->type = CRFD_FANOTIFY_SB;
		return crfd_line_dev(p, l->end, "", &m->dev) >= 0;
	}
	if (crfd_line_is(l, "fanotify mnt_ns")) { /* 6.15 */
		m->type = CRFD_FANOTIFY_MNTNS;
		return crfd_line_field(p, l->end, "", 10, UINT64_MAX, &m->ino) >= 0;
	}
	if (!crfd_line_is(l, "fanotify mnt_id") || crfd_line_field(p, l->end, "", 16, INT32_MAX, &id) < 0)
		return 0;
	m->type = CRFD_FANOTIFY_MOUNT;
	m->mnt_id = (int32_t)id;
	return 1;
}

/* fs/notify/fdinfo.c, since 3.8. */
static int fanotify_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_fanotify_mark m = {0};
	const char *p = l->p;
	uint64_t flags;
	int rc;

	if (crfd_line_is(l, "fanotify flags"))
		return fanotify_group(d, l);
	if (!fanotify_object(l, &p, &m) || crfd_line_field(&p, l->end, "mflags:", 16, UINT32_MAX, &flags) < 0 ||
	    crfd_line_field(&p, l->end, "mask:", 16, UINT64_MAX, &m.mask) < 0 ||
	    crfd_line_field(&p, l->end, "ignored_mask:", 16, UINT64_MAX, &m.ignored_mask) < 0)
		return 0;
	m.flags = (uint32_t)flags;
	rc = crfd_detail_entry(d, &m);
	return rc < 0 ? rc : p == l->end;
}

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(EPOLL, "epoll", CRFD_ANON("[eventpoll]")), CRFD_ENTRIES(CRFD_REC_EPOLL, crfd_epoll_target),
	 .line = epoll_line},
	{CRFD_ROW(INOTIFY, "inotify", CRFD_ANON("inotify")), CRFD_ENTRIES(CRFD_REC_INOTIFY, crfd_inotify_mark),
	 .line = inotify_line, .asks = CRFD_ASKS_OWNER},
	{CRFD_ROW(FANOTIFY, "fanotify", CRFD_ANON("[fanotify]")), CRFD_RECORD(CRFD_REC_FANOTIFY, crfd_fanotify),
	 CRFD_ENTRIES(CRFD_REC_FANOTIFY_MARK, crfd_fanotify_mark), .line = fanotify_line},
};

const struct crfd_kind_family crfd_kinds_watch = CRFD_FAMILY(rows);
