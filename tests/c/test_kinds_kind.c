/* SPDX-License-Identifier: MIT */
/* The link /proc/PID/fd/N says something, and makes a kind with the file type. */
#include "kinds/kind.h"

#include <string.h>
#include <sys/stat.h>

#include "check.h"

static void test_links(void)
{
	static const struct {
		const char *name; /* and the text */
		struct crfd_fd_name parts;
	} rows[] = {
		{"/a", {.path = 1, .stem = 2}},
		{"/a (deleted)", {.path = 1, .stem = 2, .marked = 1}},
		{"/a (deleted) (deleted)", {.path = 1, .stem = 12, .marked = 1}},
		{"/a (deleted) ", {.path = 1, .stem = 13}},
		{" (deleted)", {.stem = 10}},
		{"/socket:[1]", {.path = 1, .stem = 11}},
		{"pipe:[49716]", {.stem = 12, .numbered = 1, .number = 49716}},
		{"pipe:[49716", {.stem = 11}},
		{"pipe:[]", {.stem = 7}},
		{"pipe:[-1]", {.stem = 9}},
		{"anon_inode:[eventfd]", {.stem = 20}},
		{"", {.stem = 0}},
	};

	FOR_ROWS(row, rows) {
		struct crfd_fd_name found;

		crfd_fd_name_parse(row->name, strlen(row->name), &found);
		CHECK_EQ(found.path, row->parts.path);
		CHECK_EQ(found.stem, row->parts.stem);
		CHECK_EQ(found.marked, row->parts.marked);
		CHECK_EQ(found.numbered, row->parts.numbered);
		CHECK_EQ(found.number, row->parts.number);
	}
}

static void test_kinds(void)
{
	static const struct {
		const char *name, *text;
		uint32_t mode;
		int deleted, kind;
	} rows[] = {
		{"regular file", "/a", S_IFREG | 0644, 0, CRFD_KIND_FILE},
		{"directory, removed", "/a", S_IFDIR | 0755, 1, CRFD_KIND_DIR},
		{"symbolic link", "/a", S_IFLNK | 0777, 0, CRFD_KIND_SYMLINK},
		{"socket's file, opened by O_PATH", "/a", S_IFSOCK | 0755, 0, CRFD_KIND_SOCKET},
		{"named pipe", "/a", S_IFIFO | 0644, 0, CRFD_KIND_FIFO},
		{"character device", "/a", S_IFCHR | 0644, 0, CRFD_KIND_CHR},
		{"block device", "/a", S_IFBLK | 0644, 0, CRFD_KIND_BLK},
		{"type not known", "/a", 0, 0, CRFD_KIND_UNKNOWN},
		{"link not known", "", S_IFDIR, 0, CRFD_KIND_DIR},
		{"pipe", "pipe:[12]", S_IFIFO | 0600, 0, CRFD_KIND_PIPE},
		{"socket, type not known", "socket:[12]", 0, 0, CRFD_KIND_SOCKET},
		{"socket of no number", "socket:[x]", 0, 0, CRFD_KIND_UNKNOWN},
		{"epoll", "anon_inode:[eventpoll]", 0, 0, CRFD_KIND_EPOLL},
		{"epoll and more", "anon_inode:[eventpoll]x", 0, 0, CRFD_KIND_ANON},
		{"inotify, whose name has no brackets", "anon_inode:inotify", 0, 0, CRFD_KIND_INOTIFY},
		{"kvm, a number behind", "anon_inode:kvm-vcpu:3", 0, 0, CRFD_KIND_KVM},
		{"kvm, type of a file", "anon_inode:[kvm-gmem]", S_IFREG, 0, CRFD_KIND_KVM},
		{"an anonymous inode that has no row", "anon_inode:bpf_iter", 0, 0, CRFD_KIND_ANON},
		{"namespace", "pid:[4026531836]", 0, 0, CRFD_KIND_NAMESPACE},
		{"namespace of the future", "new:[4026531836]", 0, 0, CRFD_KIND_UNKNOWN},
		{"memfd", "/memfd:x", S_IFREG, 1, CRFD_KIND_MEMFD},
		{"a file named like a memfd", "/memfd:x", S_IFREG, 0, CRFD_KIND_FILE},
		{"a directory named like a memfd", "/memfd:x", S_IFDIR, 1, CRFD_KIND_DIR},
		{"secretmem", "/secretmem", S_IFREG, 1, CRFD_KIND_SECRETMEM},
		{"a file named like secretmem and more", "/secretmem2", S_IFREG, 1, CRFD_KIND_FILE},
		{"dmabuf", "/dmabuf:x", 0, 0, CRFD_KIND_DMABUF},
	};

	FOR_ROWS(row, rows)
		CHECK_EQ(crfd_kind_of(row->text, strlen(row->text), row->mode, row->deleted), row->kind);
	CHECK_STR(crfd_kind_name(CRFD_KIND_EPOLL), "epoll");
	CHECK_STR(crfd_kind_name(0), NULL);
}

int main(void)
{
	test_links();
	test_kinds();
	return check_status();
}
