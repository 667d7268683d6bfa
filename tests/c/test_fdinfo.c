/* SPDX-License-Identifier: MIT */
/* The texts of /proc about one descriptor: fdinfo, the link, and the mount table. */
#include "kinds/fdinfo.h"
#include "procfs/mountinfo.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/number.h"
#include "check.h"
#include "kinds/kind.h"
#include "scan_proc/proc.h"

static int parse(const char *text, struct crfd_fdinfo *out)
{
	return crfd_fdinfo_parse(text, strlen(text), out);
}

static void test_numbers(void)
{
	uint64_t v = 7;
	int64_t s = 7;

	CHECK(crfd_number("", 0, 10, 9, &v) == -EINVAL);
	CHECK(crfd_number("1 ", 2, 10, 9, &v) == -EINVAL);
	CHECK(crfd_number("+1", 2, 10, 9, &v) == -EINVAL);
	CHECK(crfd_number("8", 1, 8, 99, &v) == -EINVAL);
	CHECK(crfd_number("fF", 2, 16, 999, &v) == -EINVAL);
	CHECK(crfd_number("10", 2, 10, 9, &v) == -ERANGE);
	CHECK(crfd_number("9", 1, 10, 5, &v) == -ERANGE);
	CHECK(crfd_number("18446744073709551616", 20, 10, UINT64_MAX, &v) == -ERANGE);
	CHECK(v == 7);
	CHECK(crfd_number("18446744073709551615", 20, 10, UINT64_MAX, &v) == 0 && v == UINT64_MAX);
	CHECK(crfd_number("ff", 2, 16, 255, &v) == 0 && v == 255);
	CHECK(crfd_number_signed("-", 1, &s) == -EINVAL);
	CHECK(crfd_number_signed("9223372036854775808", 19, &s) == -ERANGE && s == 7);
	CHECK(crfd_number_signed("-9223372036854775808", 20, &s) == 0 && s == INT64_MIN);
	CHECK(crfd_number_signed("9223372036854775807", 19, &s) == 0 && s == INT64_MAX);
}

static void test_common_lines(void)
{
	const char *text = "pos:\t4294967296\nflags:\t02100002\nmnt_id:\t27\nino:\t18446744073709551615\n";
	struct crfd_fdinfo info;

	CHECK(parse(text, &info) == 0);
	CHECK(info.pos == 4294967296u && info.flags == 02100002 && info.mnt_id == 27 && info.ino == UINT64_MAX);
	CHECK(info.has == (CRFD_FDINFO_POS | CRFD_FDINFO_FLAGS | CRFD_FDINFO_MNT_ID | CRFD_FDINFO_INO));
	CHECK(info.rest == strlen(text));
	CHECK(parse("pos:\t-4096\nflags:\t00\n", &info) == 0 && (int64_t)info.pos == -4096);
	CHECK(info.has == (CRFD_FDINFO_POS | CRFD_FDINFO_FLAGS) && !info.ino && !info.mnt_id);
}

static void test_rest(void)
{
	const char *text = "pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t1039\neventfd-count:  7\neventfd-id: 12\npos:\t9\n";
	struct crfd_fdinfo info;
	const char *id;
	size_t len;

	CHECK(parse(text, &info) == 0 && info.pos == 0);
	CHECK(!strncmp(text + info.rest, "eventfd-count", 13));
	crfd_fdinfo_id(text, strlen(text), CRFD_KIND_EVENTFD, &id, &len);
	CHECK(len == 2 && !memcmp(id, "12", 2));
	crfd_fdinfo_id(text, strlen(text), CRFD_KIND_BPF_MAP, &id, &len);
	CHECK(len == 0);
	crfd_fdinfo_id(text, strlen(text), CRFD_KIND_FILE, &id, &len);
	CHECK(len == 0);
	text = "link_id:\t1\n";
	crfd_fdinfo_id(text, strlen(text), CRFD_KIND_BPF_LINK, &id, &len);
	CHECK(len == 0); /* not a line of its own: pos comes first */
	text = "pos:\t0\nflags:\t0\nlink_id:\t31";
	crfd_fdinfo_id(text, strlen(text), CRFD_KIND_BPF_LINK, &id, &len);
	CHECK(len == 2 && !memcmp(id, "31", 2));
}

static void test_bad_fdinfo(void)
{
	static const char *const bad[] = {"", "pos:\t0\n", "flags:\t0\n", "pos:\t0x10\nflags:\t0\n", "pos:\t1\nflags:\t8\n",
					  "pos:\t\nflags:\t0\n", "pos:\t1\nflags:\t777777777777\n",
					  "pos:\t0\nflags:\t0\nmnt_id:\t99999999999\n", "pos:\t0\nflags:\t0\nino:\t-1\n",
					  "x\npos:\t0\nflags:\t0\n", "pos:\t0\nflags:\t02 \n"};
	struct crfd_fdinfo info = {.pos = 42};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(parse(bad[i], &info) == -EINVAL && info.pos == 42);
}

static void check_link(const char *text, int path, size_t stem, int numbered, uint64_t number)
{
	struct crfd_link link;

	crfd_link_parse(text, strlen(text), &link);
	CHECK(link.path == path && link.stem == stem && link.marked == (stem != strlen(text)));
	CHECK(link.numbered == numbered && link.number == number);
}

static void test_links(void)
{
	check_link("/a", 1, 2, 0, 0);
	check_link("/a (deleted)", 1, 2, 0, 0);
	check_link("/a (deleted) (deleted)", 1, 12, 0, 0);
	check_link("/a (deleted) ", 1, 13, 0, 0);
	check_link(" (deleted)", 0, 10, 0, 0);
	check_link("/socket:[1]", 1, 11, 0, 0);
	check_link("pipe:[49716]", 0, 12, 1, 49716);
	check_link("pipe:[49716", 0, 11, 0, 0);
	check_link("pipe:[]", 0, 7, 0, 0);
	check_link("pipe:[-1]", 0, 9, 0, 0);
	check_link("anon_inode:[eventfd]", 0, 20, 0, 0);
	check_link("", 0, 0, 0, 0);
}

static int kind(const char *text, uint32_t mode, int deleted)
{
	return crfd_kind_of(text, strlen(text), mode, deleted);
}

static void test_kinds(void)
{
	CHECK(kind("/a", S_IFREG | 0644, 0) == CRFD_KIND_FILE);
	CHECK(kind("/a", S_IFDIR | 0755, 1) == CRFD_KIND_DIR);
	CHECK(kind("/a", S_IFLNK | 0777, 0) == CRFD_KIND_SYMLINK);
	CHECK(kind("/a", S_IFSOCK | 0755, 0) == CRFD_KIND_SOCKET);
	CHECK(kind("/a", S_IFIFO | 0644, 0) == CRFD_KIND_FIFO);
	CHECK(kind("/a", 0, 0) == CRFD_KIND_UNKNOWN);
	CHECK(kind("", S_IFDIR, 0) == CRFD_KIND_DIR); /* the link could not be read */
	CHECK(kind("pipe:[12]", S_IFIFO | 0600, 0) == CRFD_KIND_PIPE);
	CHECK(kind("socket:[12]", 0, 0) == CRFD_KIND_SOCKET);
	CHECK(kind("socket:[x]", 0, 0) == CRFD_KIND_UNKNOWN);
	CHECK(kind("anon_inode:[eventpoll]", 0, 0) == CRFD_KIND_EPOLL);
	CHECK(kind("anon_inode:[eventpoll]x", 0, 0) == CRFD_KIND_ANON);
	CHECK(kind("anon_inode:inotify", 0, 0) == CRFD_KIND_INOTIFY);
	CHECK(kind("anon_inode:kvm-vcpu:3", 0, 0) == CRFD_KIND_KVM);
	CHECK(kind("anon_inode:[kvm-gmem]", S_IFREG, 0) == CRFD_KIND_KVM);
	CHECK(kind("anon_inode:bpf_iter", 0, 0) == CRFD_KIND_ANON);
	CHECK(kind("pid:[4026531836]", 0, 0) == CRFD_KIND_NAMESPACE);
	CHECK(kind("new:[4026531836]", 0, 0) == CRFD_KIND_UNKNOWN);
	CHECK(kind("/memfd:x", S_IFREG, 1) == CRFD_KIND_MEMFD);
	CHECK(kind("/memfd:x", S_IFREG, 0) == CRFD_KIND_FILE);
	CHECK(kind("/memfd:x", S_IFDIR, 1) == CRFD_KIND_DIR);
	CHECK(kind("/secretmem", S_IFREG, 1) == CRFD_KIND_SECRETMEM);
	CHECK(kind("/secretmem2", S_IFREG, 1) == CRFD_KIND_FILE);
	CHECK(kind("/dmabuf:x", 0, 0) == CRFD_KIND_DMABUF);
	CHECK(!strcmp(crfd_kind_name(CRFD_KIND_EPOLL), "epoll") && !crfd_kind_name(0));
}

static void test_mounts(void)
{
	const char *text = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
			   "41 27 0:36 / /a\\040-\\040b rw - fuse.bindfs x rw\n42 27 0:37 / /b rw - ext4x y rw\nbad\n";
	size_t n = strlen(text);

	CHECK(crfd_mountinfo_local(text, n, 27) == 1);
	CHECK(crfd_mountinfo_local(text, n, 41) == 0);
	CHECK(crfd_mountinfo_local(text, n, 42) == 0);
	CHECK(crfd_mountinfo_local(text, n, 7) == 0);
	CHECK(crfd_mountinfo_local(text, 20, 27) == 0);
	CHECK(crfd_mountinfo_local(text, 0, 27) == 0);
}

int main(void)
{
	test_numbers();
	test_common_lines();
	test_rest();
	test_bad_fdinfo();
	test_links();
	test_kinds();
	test_mounts();
	return 0;
}
