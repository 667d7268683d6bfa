/* SPDX-License-Identifier: MIT */
/* Every parser of a text from /proc, on the same bytes; what they find must lie inside the text. */
#include "fuzz.h"

#include "base/buf.h"
#include "kinds/fdinfo.h"
#include "kinds/kind.h"
#include "procfs/locks.h"
#include "procfs/poll_call.h"
#include "procfs/maps.h"
#include "procfs/mountinfo.h"
#include "procfs/stat.h"
#include "scan_proc/proc.h"

static void look_at_fdinfo(const char *text, size_t n)
{
	struct crfd_fdinfo info;

	if (crfd_fdinfo_parse(text, n, &info) == 0)
		REQUIRE(info.rest <= n && info.has & CRFD_FDINFO_POS && info.has & CRFD_FDINFO_FLAGS);
}

static void look_at_task(const char *text, size_t n)
{
	crfd_task_info info = {0};
	struct crfd_procstat stat;

	if (crfd_procstat_parse(text, n, &stat) == 0)
		REQUIRE(!stat.comm[sizeof(stat.comm) - 1] && stat.rec.comm_len == CRFD_COMM_LEN);
	(void)crfd_procstatus_parse(text, n, &info);
	for (int mnt = 0; mnt < 64; mnt++)
		(void)crfd_mountinfo_local(text, n, mnt);
}

static void look_at_maps(const char *text, size_t n)
{
	const char *p = text, *end = text + n, *before = p;
	struct crfd_mapping m;

	for (; crfd_maps_next(&p, end, &m) > 0; before = p) {
		REQUIRE(p > before && p <= end && m.name >= before && m.name + m.len <= p);
		REQUIRE(m.dev && m.start < m.end && m.prot < 16 && !memchr(m.name, '\n', m.len));
	}
}

static void look_at_locks(const char *text, size_t n)
{
	crfd_buf out = {0};

	REQUIRE(crfd_locks_waits(text, n, &out) == 0 && out.nr % sizeof(crfd_lock_wait) == 0);
	for (size_t i = 0; i < out.nr; i += sizeof(crfd_lock_wait)) {
		crfd_lock_wait r;

		memcpy(&r, out.v + i, sizeof(r));
		REQUIRE(r.pid >= -1 && r.holder >= -1 && r.lock && r.holder_lock && r.type <= CRFD_LOCK_UNLOCK);
	}
	crfd_buf_release(&out);
}

static void look_at_call(const char *text, size_t n)
{
	struct crfd_poll_call call = crfd_poll_call_parse(text, n);

	REQUIRE(call.how <= CRFD_POLL_EPOLL && call.nr <= (call.how == CRFD_POLL_SETS ? INT32_MAX : UINT32_MAX));
	REQUIRE(call.how == CRFD_POLL_ARRAY || !call.again);
}

static void look_at_name(const char *text, size_t n)
{
	struct crfd_fd_name name;

	crfd_fd_name_parse(text, n, &name);
	REQUIRE(name.stem <= n && name.stem + (name.marked ? 10 : 0) == n && !(name.path && name.numbered));
	for (uint32_t fmt = 0; fmt < 16; fmt++)
		for (int deleted = 0; deleted < 2; deleted++)
			REQUIRE(crfd_kind_name(crfd_kind_of(text, name.stem, fmt << 12, deleted)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = exact(data, size);

	look_at_fdinfo(text, size);
	look_at_task(text, size);
	look_at_maps(text, size);
	look_at_locks(text, size);
	look_at_call(text, size);
	look_at_name(text, size);
	free(text);
	return 0;
}
