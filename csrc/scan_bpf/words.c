/* SPDX-License-Identifier: MIT */
#include "scan_bpf/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "procfs/read.h"
#include "procfs/stat.h"

/*
 * Appends a task's command line: fs/proc/base.c, get_mm_cmdline(), gives all that there is to a read with room for it. (A BPF
 * program could read it too, with bpf_copy_from_user_task(); but that waits for whatever is mapped there, a file of
 * a FUSE server that does not answer included, which /proc takes care not to: CVE-2018-1120.)
 */
static int put_cmdline(uint32_t tid, crfd_buf *out)
{
	int fd = open(crfd_proc_path((int32_t)tid, "cmdline", -1).v, O_RDONLY | O_CLOEXEC), rc;
	size_t room;
	ssize_t n;

	if (fd < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	do {
		rc = crfd_buf_reserve(out, 4096);
		if (rc < 0)
			break;
		room = out->alloc - out->nr;
		n = read(fd, out->v + out->nr, room);
		out->nr += n > 0 ? (size_t)n : 0;
		rc = n < 0 && crfd_is_ours(-errno) ? -errno : 0;
	} while (n > 0 && (size_t)n == room);
	close(fd);
	return rc;
}

int crfd_bpf_words_read(struct crfd_bpf_words *w, const struct crfd_bpf_unit *units, size_t n)
{
	int rc = crfd_grow(&w->end, &w->alloc, n, sizeof(*w->end));

	crfd_buf_clear(&w->text);
	w->nr = 0;
	for (size_t i = 0; i < n && rc >= 0; i++) {
		const struct walk_task *r = &units[i].rec;

		if (!units[i].err && !crfd_task_is_kernel(r->flags) && !r->exit_state)
			rc = put_cmdline(r->tid, &w->text);
		w->end[w->nr++] = w->text.nr;
	}
	return rc;
}

const uint8_t *crfd_bpf_words_get(const struct crfd_bpf_words *w, size_t i, size_t *n)
{
	size_t from = i ? w->end[i - 1] : 0;

	*n = w->end[i] - from;
	return w->text.v + from;
}

struct crfd_bpf_group *crfd_bpf_words_group(struct crfd_bpf_words *w, uint64_t cgroups)
{
	return &w->group[cgroups * 0x9e3779b97f4a7c15u >> 58];
}

void crfd_bpf_words_release(struct crfd_bpf_words *w)
{
	crfd_buf_release(&w->text);
	free(w->end);
	for (size_t i = 0; i < CRFD_BPF_GROUPS; i++)
		crfd_buf_release(&w->group[i].text);
}
