/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "procfs/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"

#define LIST_BYTES 65536
#define READ_BYTES 4096

struct crfd_proc_path crfd_proc_path(int32_t pid, const char *name, int32_t fd)
{
	struct crfd_proc_path path;
	int n = snprintf(path.v, sizeof(path.v), "/proc/%d%s%s", pid, name ? "/" : "", name ? name : "");

	if (fd >= 0)
		snprintf(path.v + n, sizeof(path.v) - (size_t)n, "/%d", fd);
	return path;
}

int crfd_proc_open(int32_t pid)
{
	int dir = open(crfd_proc_path(pid, NULL, -1).v, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

int crfd_proc_read(int dir, const char *name, int records, crfd_buf *buf)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;
	ssize_t n;

	if (fd < 0)
		return -errno;
	crfd_buf_clear(buf);
	do {
		size_t room;

		rc = crfd_buf_reserve(buf, READ_BYTES);
		if (rc < 0)
			break;
		room = buf->alloc - buf->nr;
		n = read(fd, buf->v + buf->nr, room);
		if (n < 0) {
			rc = -errno;
			break;
		}
		buf->nr += (size_t)n;
		if (!records && n && (size_t)n < room && buf->v[buf->nr - 1] == '\n')
			break; /* fs/seq_file.c: short only at the end of a record, and this file has one */
	} while (n > 0);
	close(fd);
	return rc;
}

ssize_t crfd_proc_link(int dir, const char *name, char *out, size_t size)
{
	ssize_t n = readlinkat(dir, name, out, size);

	return n >= 0 ? n : crfd_is_ours(-errno) ? -errno : 0;
}

int crfd_proc_stat(int dir, int32_t pid, crfd_buf *scratch, struct crfd_procstat *out)
{
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "task/%d/stat", pid);
	rc = crfd_proc_read(dir, name, 0, scratch);
	return rc < 0 ? rc : crfd_procstat_parse((const char *)scratch->v, scratch->nr, out);
}

static int put_names(const uint8_t *p, const uint8_t *end, struct crfd_numbers *out)
{
	while (p < end) {
		const char *name = (const char *)p + offsetof(struct dirent64, d_name);
		uint16_t reclen;
		uint64_t v;
		int rc;

		memcpy(&reclen, p + offsetof(struct dirent64, d_reclen), sizeof(reclen));
		p += reclen;
		if (crfd_number(name, strlen(name), 10, INT32_MAX, &v) < 0)
			continue;
		rc = crfd_grow(&out->v, &out->alloc, out->nr + 1, sizeof(*out->v));
		if (rc < 0)
			return rc;
		out->v[out->nr++] = (int32_t)v;
	}
	return 0;
}

int crfd_proc_list(int dir, crfd_buf *scratch, struct crfd_numbers *out)
{
	int rc = crfd_grow(&scratch->v, &scratch->alloc, LIST_BYTES, 1);
	long n;

	out->nr = 0;
	if (rc < 0)
		return rc;
	while ((n = syscall(SYS_getdents64, dir, scratch->v, LIST_BYTES)) > 0) {
		rc = put_names(scratch->v, scratch->v + n, out);
		if (rc < 0)
			return rc;
	}
	if (n < 0)
		return -errno;
	for (size_t i = 1; i < out->nr; i++) {
		if (out->v[i - 1] > out->v[i]) {
			qsort(out->v, out->nr, sizeof(*out->v), crfd_int32_compare);
			break;
		}
	}
	return 0;
}
