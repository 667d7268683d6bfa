/* SPDX-License-Identifier: MIT */
#include "columns/column.h"

const struct crfd_family *const crfd_families[] = {
	&crfd_family_socket, &crfd_family_pipe, &crfd_family_eventfd, &crfd_family_epoll, &crfd_family_timerfd,
	&crfd_family_signalfd, &crfd_family_inotify, &crfd_family_fanotify, &crfd_family_memfd, &crfd_family_pidfd,
	&crfd_family_io_uring, &crfd_family_bpf, &crfd_family_userfaultfd, &crfd_family_dmabuf, &crfd_family_namespace,
	&crfd_family_tty, &crfd_family_tun, &crfd_family_fuse, &crfd_family_mqueue,
};

const size_t crfd_families_len = CRFD_LEN(crfd_families);

const struct crfd_family *crfd_family_of(const struct crfd_row *r)
{
	for (size_t i = 0; r->is_read && i < crfd_families_len; i++)
		if (crfd_family_has(crfd_families[i], r))
			return crfd_families[i];
	return NULL;
}
