/* SPDX-License-Identifier: MIT */
#include "scan_bpf/push.h"

#include <arpa/inet.h>
#include <sys/sysmacros.h>

#include "kinds/kind.h"

_Static_assert(CRFD_PUSH_UID == WALK_PUSH_UID && CRFD_PUSH_KINDS == WALK_PUSH_CLASSES && CRFD_PUSH_DEV == WALK_PUSH_DEV &&
		       CRFD_PUSH_INO == WALK_PUSH_INO && CRFD_PUSH_DELETED == WALK_PUSH_DELETED &&
		       CRFD_PUSH_CLOEXEC == WALK_PUSH_CLOEXEC && CRFD_PUSH_PORT == WALK_PUSH_PORT,
	       "both sides name them alike");

struct walk_push crfd_bpf_push(const crfd_filter_push *push)
{
	struct walk_push p = {0};

	if (!push)
		return p;
	p = (struct walk_push){.has = push->has, .uid = push->uid, .ino = push->ino, .port = htons(push->port),
			       .deleted = push->deleted != 0, .cloexec = push->close_on_exec != 0,
			       .classes = crfd_kind_types(push->kinds)};
	p.dev = (uint32_t)(major(push->dev) << 20 | minor(push->dev));
	return p;
}
