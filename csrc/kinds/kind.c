/* SPDX-License-Identifier: MIT */
#include "kinds/kind.h"

#include <string.h>
#include <sys/stat.h>

#include "base/number.h"

#define DELETED " (deleted)" /* fs/d_path.c */

struct kind_row {
	uint16_t kind;
	uint8_t how;
	const char *name;
	const char *text;
	uint32_t fmt; /* S_IFMT bits that it must have; 0: any */
};

enum { BY_MODE, EXACT, PREFIX, UNLINKED_EXACT, UNLINKED_PREFIX, NUMBERED };

/* The first row that matches is the kind, so a text goes before its prefix. A name may stand in several rows. */
static const struct kind_row rows[] = {
	{CRFD_KIND_PIPE, NUMBERED, "pipe", "pipe", 0},
	{CRFD_KIND_SOCKET, NUMBERED, "socket", "socket", 0},
	{CRFD_KIND_EVENTFD, EXACT, "eventfd", "anon_inode:[eventfd]", 0},
	{CRFD_KIND_EPOLL, EXACT, "epoll", "anon_inode:[eventpoll]", 0},
	{CRFD_KIND_TIMERFD, EXACT, "timerfd", "anon_inode:[timerfd]", 0},
	{CRFD_KIND_SIGNALFD, EXACT, "signalfd", "anon_inode:[signalfd]", 0},
	{CRFD_KIND_INOTIFY, EXACT, "inotify", "anon_inode:inotify", 0},
	{CRFD_KIND_FANOTIFY, EXACT, "fanotify", "anon_inode:[fanotify]", 0},
	{CRFD_KIND_PIDFD, EXACT, "pidfd", "anon_inode:[pidfd]", 0},
	{CRFD_KIND_PIDFD, NUMBERED, "pidfd", "pidfd", 0}, /* fs/pidfs.c, where it has no anon_inode name */
	{CRFD_KIND_IO_URING, EXACT, "io_uring", "anon_inode:[io_uring]", 0},
	{CRFD_KIND_USERFAULTFD, EXACT, "userfaultfd", "anon_inode:[userfaultfd]", 0},
	{CRFD_KIND_PERF_EVENT, EXACT, "perf_event", "anon_inode:[perf_event]", 0},
	{CRFD_KIND_BPF_MAP, EXACT, "bpf_map", "anon_inode:bpf-map", 0},
	{CRFD_KIND_BPF_PROG, EXACT, "bpf_prog", "anon_inode:bpf-prog", 0},
	{CRFD_KIND_BPF_LINK, EXACT, "bpf_link", "anon_inode:bpf_link", 0},
	{CRFD_KIND_BTF, EXACT, "btf", "anon_inode:btf", 0},
	{CRFD_KIND_FSCONTEXT, EXACT, "fscontext", "anon_inode:[fscontext]", 0},
	{CRFD_KIND_LANDLOCK, EXACT, "landlock", "anon_inode:[landlock-ruleset]", 0},
	{CRFD_KIND_SECCOMP_NOTIFY, EXACT, "seccomp_notify", "anon_inode:seccomp notify", 0},
	{CRFD_KIND_KVM, PREFIX, "kvm", "anon_inode:kvm-", 0},
	{CRFD_KIND_KVM, PREFIX, "kvm", "anon_inode:[kvm-", 0},
	{CRFD_KIND_VFIO, PREFIX, "vfio", "anon_inode:[vfio", 0},
	{CRFD_KIND_ANON, PREFIX, "anon", "anon_inode:", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "net", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "mnt", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "pid", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "user", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "uts", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "ipc", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "cgroup", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "time", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "pid_for_children", 0},
	{CRFD_KIND_NAMESPACE, NUMBERED, "namespace", "time_for_children", 0},
	{CRFD_KIND_MEMFD, UNLINKED_PREFIX, "memfd", "/memfd:", S_IFREG},
	{CRFD_KIND_SECRETMEM, UNLINKED_EXACT, "secretmem", "/secretmem", S_IFREG},
	{CRFD_KIND_DMABUF, PREFIX, "dmabuf", "/dmabuf:", 0},
	{CRFD_KIND_FILE, BY_MODE, "file", NULL, S_IFREG},
	{CRFD_KIND_DIR, BY_MODE, "dir", NULL, S_IFDIR},
	{CRFD_KIND_SYMLINK, BY_MODE, "symlink", NULL, S_IFLNK},
	{CRFD_KIND_CHR, BY_MODE, "chr", NULL, S_IFCHR},
	{CRFD_KIND_BLK, BY_MODE, "blk", NULL, S_IFBLK},
	{CRFD_KIND_FIFO, BY_MODE, "fifo", NULL, S_IFIFO},
	{CRFD_KIND_SOCKET, BY_MODE, "socket", NULL, S_IFSOCK}, /* O_PATH of a name that was bound */
	{CRFD_KIND_UNKNOWN, BY_MODE, "unknown", NULL, 0},
	/* told by the file system, which neither text nor mode name */
	{CRFD_KIND_MQUEUE, EXACT, "mqueue", "", 0},
};

#define NROWS (sizeof(rows) / sizeof(*rows))

static int numbered(const char *text, size_t len, size_t name, uint64_t *number)
{
	return len > name + 3 && text[name] == ':' && text[name + 1] == '[' && text[len - 1] == ']' &&
	       crfd_number(text + name + 2, len - name - 3, 10, UINT64_MAX, number) == 0;
}

void crfd_link_parse(const char *text, size_t len, struct crfd_link *out)
{
	size_t mark = sizeof(DELETED) - 1;
	const char *colon = memchr(text, ':', len);

	*out = (struct crfd_link){.stem = len, .path = len && *text == '/'};
	if (!out->path) {
		out->numbered = colon && numbered(text, len, (size_t)(colon - text), &out->number);
	} else if (len > mark && !memcmp(text + len - mark, DELETED, mark)) {
		out->marked = 1;
		out->stem = len - mark;
	}
}

static int matches(const struct kind_row *r, const char *text, size_t len, uint32_t st_mode, int deleted)
{
	uint64_t number;
	size_t n;

	if (r->fmt && (st_mode & S_IFMT) != r->fmt)
		return 0;
	if (r->how == BY_MODE)
		return !len || *text == '/' || r->kind == CRFD_KIND_UNKNOWN;
	if (!len || *text != *r->text)
		return 0;
	n = strlen(r->text);
	if ((r->how == UNLINKED_EXACT || r->how == UNLINKED_PREFIX) && !deleted)
		return 0;
	if (len < n || memcmp(text, r->text, n))
		return 0;
	if (r->how == NUMBERED)
		return numbered(text, len, n, &number);
	return r->how == PREFIX || r->how == UNLINKED_PREFIX || len == n;
}

int crfd_kind_of(const char *text, size_t len, uint32_t st_mode, int deleted)
{
	for (size_t i = 0; i < NROWS; i++)
		if (matches(&rows[i], text, len, st_mode, deleted))
			return rows[i].kind;
	return CRFD_KIND_UNKNOWN;
}

const char *crfd_kind_name(int kind)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].kind == kind)
			return rows[i].name;
	return NULL;
}
