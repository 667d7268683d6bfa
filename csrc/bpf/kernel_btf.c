/* SPDX-License-Identifier: MIT */
#include "bpf/kernel_btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, uint8_t *at, size_t left)
{
	while (left) {
		ssize_t got = read(fd, at, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		at += got;
		left -= (size_t)got;
	}
	return 0;
}

static void drop_bytes(struct crfd_kernel_btf *k)
{
	if (k->mapped)
		munmap(k->bytes, k->n);
	else
		free(k->bytes);
}

/* The kernel lets its own be mapped since 6.16 (kernel/bpf/sysfs_btf.c); five megabytes take a millisecond to read. */
static int take_bytes(struct crfd_kernel_btf *k, int fd)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	k->n = (size_t)st.st_size;
	k->bytes = mmap(NULL, k->n, PROT_READ, MAP_PRIVATE, fd, 0);
	k->mapped = k->bytes != MAP_FAILED;
	if (k->mapped)
		return 0;
	k->bytes = malloc(k->n ? k->n : 1);
	if (!k->bytes)
		return -ENOMEM;
	rc = read_all(fd, k->bytes, k->n);
	if (rc < 0)
		drop_bytes(k);
	return rc;
}

int crfd_kernel_btf_open(struct crfd_kernel_btf *k, const char *module, const crfd_btf *base, struct crfd_btf_name *names,
			 size_t nr)
{
	char path[128];
	int fd, rc;

	snprintf(path, sizeof(path), CRFD_KERNEL_BTF "%s", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = take_bytes(k, fd);
	close(fd);
	if (rc < 0)
		return rc;
	rc = crfd_btf_init(&k->btf, k->bytes, k->n, base, names, nr);
	if (rc < 0)
		drop_bytes(k);
	return rc;
}

void crfd_kernel_btf_close(struct crfd_kernel_btf *k)
{
	crfd_btf_release(&k->btf);
	drop_bytes(k);
}
