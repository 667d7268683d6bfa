/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "columns/column.h"

static const char *const mark_types[] = {NULL, "inode", "mount", "sb", "mntns"}; /* enum crfd_fanotify_type */

#define ENTRY(name, text, type, unit, struct_, member) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, ENTRY, 0, struct_, member, CRFD_ALWAYS, 0)
#define TARGET(name, text, type, unit, member) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, ENTRY, 0, crfd_epoll_target, member, offsetof(crfd_epoll_target, dev), 0)

/* ---- epoll ---- */

static const struct crfd_column target_members[] = {
	ENTRY("fd", "number it was added by", INT, ID, crfd_epoll_target, fd),
	ENTRY("events", "EPOLL* events", INT, BITS, crfd_epoll_target, events),
	ENTRY("data", "what epoll_wait(2) gives back", UINT, NONE, crfd_epoll_target, data),
	/* The file is known since Linux 4.13: before, dev is 0. */
	TARGET("dev", "device of the file", UINT, DEVICE, dev),
	TARGET("ino", "inode of the file", UINT, ID, ino),
	TARGET("pos", "position of the file", INT, BYTES, pos),
};
static const struct crfd_list targets = {CRFD_REC_EPOLL, sizeof(crfd_epoll_target), target_members, CRFD_LEN(target_members),
					 .phrase = "fd {fd}"};

static const struct crfd_column epoll_columns[] = {
	CRFD_CALL("epoll.targets", "files that it watches", KIND, LIST, NONE, 0, NULL, .list = &targets),
};

const struct crfd_family crfd_family_epoll = {
	"epoll", {CRFD_KIND_EPOLL}, {CRFD_REC_EPOLL}, epoll_columns, CRFD_LEN(epoll_columns), .phrase = " [{targets}]",
};

/* ---- inotify ---- */

static const struct crfd_column inotify_members[] = {
	ENTRY("wd", "watch descriptor", INT, ID, crfd_inotify_mark, wd),
	ENTRY("mask", "IN_* events", INT, BITS, crfd_inotify_mark, mask),
	ENTRY("dev", "device of the file system", UINT, DEVICE, crfd_inotify_mark, dev),
	ENTRY("ino", "inode", UINT, ID, crfd_inotify_mark, ino),
};
static const struct crfd_list marks = {CRFD_REC_INOTIFY, sizeof(crfd_inotify_mark), inotify_members, CRFD_LEN(inotify_members),
				       .phrase = "inode {ino}"};

static const struct crfd_column inotify_columns[] = {
	CRFD_CALL("inotify.marks", "what it watches", KIND, LIST, NONE, 0, NULL, .list = &marks),
};

const struct crfd_family crfd_family_inotify = {
	"inotify", {CRFD_KIND_INOTIFY}, {CRFD_REC_INOTIFY}, inotify_columns, CRFD_LEN(inotify_columns),
	.phrase = " [{marks}]",
};

/* ---- fanotify ---- */

/* A mark has a device, an inode or a mount by its type. */
static int get_marked(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_fanotify_mark m;

	(void)s;
	memcpy(&m, r->entry, sizeof(m));
	if (c->at == 0)
		return m.type == CRFD_FANOTIFY_INODE || m.type == CRFD_FANOTIFY_SB ? crfd_value_number(v, m.dev) : 0;
	if (c->at == 1)
		return m.type == CRFD_FANOTIFY_INODE || m.type == CRFD_FANOTIFY_MNTNS ? crfd_value_number(v, m.ino) : 0;
	return m.type == CRFD_FANOTIFY_MOUNT ? crfd_value_number(v, (uint64_t)(int64_t)m.mnt_id) : 0;
}

static const struct crfd_column fanotify_members[] = {
	CRFD_MEMBER("type", "inode, mount, sb or mntns", KIND, TEXT, NONE, CRFD_COLUMN_FEW, ENTRY, 0, crfd_fanotify_mark, type, CRFD_ALWAYS,
		    0, CRFD_READING(CRFD_NAMES(mark_types))),
	ENTRY("flags", "flags of the mark", INT, BITS, crfd_fanotify_mark, flags),
	ENTRY("mask", "FAN_* events", UINT, BITS, crfd_fanotify_mark, mask),
	ENTRY("ignored_mask", "FAN_* events that are ignored", UINT, BITS, crfd_fanotify_mark, ignored_mask),
	CRFD_CALL("dev", "device of an inode or file system mark", KIND, UINT, DEVICE, 0, get_marked, .at = 0),
	CRFD_CALL("ino", "inode of an inode or namespace mark", KIND, UINT, ID, 0, get_marked, .at = 1),
	CRFD_CALL("mnt_id", "mount of a mount mark", KIND, INT, ID, 0, get_marked, .at = 2),
};
static const struct crfd_list fanotify_marks = {CRFD_REC_FANOTIFY_MARK, sizeof(crfd_fanotify_mark), fanotify_members,
						CRFD_LEN(fanotify_members), .phrase = "<{type} {ino}|{type} {mnt_id}|device {dev}>"};

#define FANOTIFY(name, text, member) \
	CRFD_MEMBER("fanotify." name, text, KIND, INT, BITS, 0, RECORD, CRFD_REC_FANOTIFY, crfd_fanotify, member, CRFD_ALWAYS, 0)

static const struct crfd_column fanotify_columns[] = {
	FANOTIFY("flags", "flags of fanotify_init(2)", flags),
	FANOTIFY("event_flags", "flags of the descriptors that it gives", event_flags),
	CRFD_CALL("fanotify.marks", "what it watches", KIND, LIST, NONE, 0, NULL, .list = &fanotify_marks),
};

const struct crfd_family crfd_family_fanotify = {
	"fanotify", {CRFD_KIND_FANOTIFY}, {CRFD_REC_FANOTIFY}, fanotify_columns, CRFD_LEN(fanotify_columns),
	.phrase = " [{marks}]",
};
