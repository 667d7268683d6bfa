/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pipe2, statx */
#include "scan_proc/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/ours.h"
#include "format/format.h"

static int look(int fd, uint32_t kind, const char *prefix, struct crfd_proc_mount *out)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_MNT_ID, &st) < 0 || !(st.stx_mask & STATX_MNT_ID))
		return 0;
	*out = (struct crfd_proc_mount){.mnt_id = (int32_t)st.stx_mnt_id, .kind = kind, .st_mode = st.stx_mode,
					.dev = makedev(st.stx_dev_major, st.stx_dev_minor), .prefix = prefix};
	return 1;
}

static void close_both(const int *fd)
{
	close(fd[0]);
	close(fd[1]);
}

int crfd_proc_mounts_find(struct crfd_proc_mounts *m)
{
	int pipe[2], sock[2], n = 0;

	*m = (struct crfd_proc_mounts){0};
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	n += look(pipe[0], CRFD_KIND_PIPE, "pipe", &m->v[n]);
	close_both(pipe);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sock) < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	n += look(sock[0], CRFD_KIND_SOCKET, "socket", &m->v[n]);
	close_both(sock);
	if (n == CRFD_PROC_MOUNTS && m->v[0].mnt_id != m->v[1].mnt_id)
		m->nr = (uint32_t)n;
	return 0;
}

const struct crfd_proc_mount *crfd_proc_mount_of(const struct crfd_proc_mounts *m, int32_t mnt_id)
{
	for (uint32_t i = 0; i < m->nr; i++)
		if (m->v[i].mnt_id == mnt_id)
			return &m->v[i];
	return NULL;
}

size_t crfd_proc_mount_name(const struct crfd_proc_mount *m, uint64_t ino, char *out, size_t room)
{
	return (size_t)snprintf(out, room, "%s:[%llu]", m->prefix, (unsigned long long)ino);
}
