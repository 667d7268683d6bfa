/* SPDX-License-Identifier: MIT */
#include "scan_bpf/push.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

_Static_assert(CRFD_PUSH_UID == WALK_PUSH_UID && CRFD_PUSH_KINDS == WALK_PUSH_CLASSES && CRFD_PUSH_FILE == WALK_PUSH_FILE &&
		       CRFD_PUSH_DELETED == WALK_PUSH_DELETED && CRFD_PUSH_CLOEXEC == WALK_PUSH_CLOEXEC &&
		       CRFD_PUSH_PORT == WALK_PUSH_PORT,
	       "both sides name them alike");

#define CLASS(type) (1u << ((type) >> 12))
#define ANY 0xffffu

/* The types of inode that a kind may have; all, where that is not certain for every kernel. */
static uint32_t classes_of(int kind)
{
	switch (kind) {
	case CRFD_KIND_FILE:
		return CLASS(S_IFREG);
	case CRFD_KIND_DIR:
		return CLASS(S_IFDIR);
	case CRFD_KIND_SYMLINK:
		return CLASS(S_IFLNK);
	case CRFD_KIND_CHR:
		return CLASS(S_IFCHR);
	case CRFD_KIND_BLK:
		return CLASS(S_IFBLK);
	case CRFD_KIND_FIFO:
	case CRFD_KIND_PIPE:
		return CLASS(S_IFIFO);
	case CRFD_KIND_SOCKET:
		return CLASS(S_IFSOCK);
	case CRFD_KIND_EVENTFD:
	case CRFD_KIND_EPOLL:
	case CRFD_KIND_TIMERFD:
	case CRFD_KIND_SIGNALFD:
		return 1;
	default:
		return ANY;
	}
}

struct walk_push crfd_bpf_push(const crfd_filter_push *push)
{
	struct walk_push p = {0};

	if (!push)
		return p;
	p = (struct walk_push){.has = push->has, .uid = push->uid, .ino = push->ino, .port = htons(push->port),
			       .deleted = push->deleted != 0, .cloexec = push->close_on_exec != 0};
	p.dev = (uint32_t)(major(push->dev) << 20 | minor(push->dev));
	for (int kind = 0; kind < 64; kind++)
		if (push->kinds >> kind & 1)
			p.classes |= classes_of(kind);
	return p;
}
