/* SPDX-License-Identifier: MIT */
#include "columns/column.h"

const struct crfd_family *const crfd_families[] = {
	&crfd_family_socket, &crfd_family_pipe, &crfd_family_eventfd, &crfd_family_epoll, &crfd_family_timerfd,
	&crfd_family_signalfd, &crfd_family_inotify, &crfd_family_fanotify, &crfd_family_memfd, &crfd_family_pidfd,
	&crfd_family_io_uring, &crfd_family_bpf, &crfd_family_userfaultfd, &crfd_family_dmabuf, &crfd_family_namespace,
	&crfd_family_tty, &crfd_family_tun, &crfd_family_fuse, &crfd_family_mqueue,
};

const size_t crfd_families_len = CRFD_LEN(crfd_families);

static int is_told(const struct crfd_family *f, const struct crfd_row *r)
{
	if (!f->rec[0])
		return !f->is_told || f->is_told(r);
	for (size_t i = 0; i < CRFD_LEN(f->rec) && f->rec[i]; i++)
		if (crfd_row_record(r->ext, f->rec[i], 0, CRFD_ALWAYS, 0, NULL))
			return 1;
	return 0;
}

const struct crfd_family *crfd_family_of(const struct crfd_row *r)
{
	if (!r->is_read)
		return NULL;
	for (size_t i = 0; i < crfd_families_len; i++)
		for (size_t k = 0; k < CRFD_LEN(crfd_families[i]->kind) && crfd_families[i]->kind[k]; k++)
			if (crfd_families[i]->kind[k] == r->data.fd_type && is_told(crfd_families[i], r))
				return crfd_families[i];
	return NULL;
}
