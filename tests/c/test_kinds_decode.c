/* SPDX-License-Identifier: MIT */
/* fdinfo as kernels old and new write it (proc_pid_fdinfo(5), Documentation/filesystems/proc.rst), and as none does. */
#include "format/format.h"
#include "format/record.h"
#include "kinds/detail.h"
#include "kinds/fdinfo.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "oom.h"

#define COMMON "pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t1057\n"
#define NRECS 4

struct rec {
	int type; /* 0: there is none */
	size_t len;
	const void *payload;
};

/* A text and the records that are made of it. */
struct row {
	const char *name;
	int kind;
	const char *text;
	int raw; /* the text is kept as well, as FDINFO */
	struct rec rec[NRECS];
};

#define ONE(type, layout, ...) {CRFD_REC_##type, sizeof(layout), &(const layout){__VA_ARGS__}}
#define MANY(type, layout, ...) \
	{CRFD_REC_##type, sizeof((const layout[]){__VA_ARGS__}), (const layout[]){__VA_ARGS__}}
/* As st_dev of stat(2), glibc's gnu_dev_makedev() in a constant. */
#define DEV(major, minor) ((uint64_t)(major) << 8 | ((minor) & 0xffu) | (uint64_t)((minor) & ~0xffu) << 12)
#define WHOLE .raw = 0 /* the records say it all */
#define KEPT .raw = 1 /* alone it says that the text is refused: no record, all of it kept */

/* The records of a text. That of a socket, which is the batch's, stands before the others here. */
static int decode(int kind, const char *text, size_t n, crfd_buf *out)
{
	struct crfd_fdinfo common = {0};
	struct crfd_detail d = {0};
	crfd_buf others = {0};
	int rc;

	(void)crfd_fdinfo_parse(text, n, &common);
	crfd_detail_begin(&d, kind);
	rc = crfd_detail_fdinfo(&d, text, n, common.rest);
	if (rc == 0)
		rc = crfd_detail_put(&d, &others);
	if (rc == 0 && kind == CRFD_KIND_SOCKET && d.rec.socket.known)
		rc = crfd_buf_rec(out, CRFD_REC_SOCKET, 0, &d.rec.socket, sizeof(d.rec.socket));
	if (rc == 0)
		rc = crfd_buf_put(out, others.v, others.nr);
	crfd_buf_release(&others);
	crfd_detail_release(&d);
	return rc;
}

static void check_record(const struct rec *expected, const crfd_rec *h, const uint8_t *payload)
{
	CHECK_EQ(h->type, expected->type);
	if (h->type == expected->type)
		CHECK_BYTES(payload, (size_t)h->len, expected->payload, expected->len);
}

/* The records before FDINFO against the row's, and the text of FDINFO against the row's. */
static void check_row_of(const struct row *row)
{
	size_t n = strlen(row->text), nrecs = 0, expected = 0;
	char *text = check_copy(row->text, n);
	crfd_buf found = {0}, raw = {0};

	CHECK_EQ(decode(row->kind, text, n, &found), 0);
	free(text);
	while (expected < NRECS && row->rec[expected].type)
		expected++;
	for (size_t at = 0; at < found.nr;) {
		const uint8_t *payload = found.v + at + sizeof(crfd_rec);
		crfd_rec h;

		memcpy(&h, found.v + at, sizeof(h));
		CHECK(h.len >= 0);
		at += sizeof(h) + (size_t)h.len;
		CHECK(at <= found.nr);
		CHECK_EQ(h.parent, 0);
		if (h.type == CRFD_REC_FDINFO) {
			CHECK(crfd_buf_put(&raw, payload, (size_t)h.len) == 0);
			continue;
		}
		CHECK_EQ(raw.nr, 0); /* FDINFO is the last */
		if (nrecs < expected)
			check_record(&row->rec[nrecs], &h, payload);
		nrecs++;
	}
	CHECK_EQ(nrecs, expected);
	CHECK_BYTES(raw.v, raw.nr, row->text, row->raw ? n : 0);
	crfd_buf_release(&found);
	crfd_buf_release(&raw);
}

#define EVENTFD(...) ONE(EVENTFD, crfd_eventfd, __VA_ARGS__)

static const struct row eventfds[] = {
	{"eventfd: every line", CRFD_KIND_EVENTFD,
	 COMMON "eventfd-count: fffffffffffffffe\neventfd-id: 7\neventfd-semaphore: 1\n",
	 .rec = {EVENTFD(.count = UINT64_MAX - 1, .id = 7, .semaphore = 1,
			 .known = CRFD_EVENTFD_HAS_ID | CRFD_EVENTFD_HAS_SEMAPHORE)}},
	{"eventfd: Linux 3.8", CRFD_KIND_EVENTFD, "pos:\t0\nflags:\t02\nmnt_id:\t10\neventfd-count:               40\n",
	 .rec = {EVENTFD(.count = 0x40)}},
	{"eventfd: a line of the future", CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-colour: red\n", KEPT,
	 .rec = {EVENTFD(.count = 1)}},
	{"eventfd: no count", CRFD_KIND_EVENTFD, COMMON, KEPT},
	{"eventfd: count empty", CRFD_KIND_EVENTFD, COMMON "eventfd-count: \n", KEPT},
	{"eventfd: count negative", CRFD_KIND_EVENTFD, COMMON "eventfd-count: -1\n", KEPT},
	{"eventfd: count of 65 bits", CRFD_KIND_EVENTFD, COMMON "eventfd-count: 10000000000000000\n", KEPT},
	{"eventfd: count twice", CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-count: 2\n", KEPT},
	{"eventfd: no id was to be had", CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-id: -12\n", KEPT},
};

#define TIMER COMMON "clockid: 0\nticks: 0\nsettime flags: 00\n"

static const struct row timerfds[] = {
	{"timerfd: every line, largest numbers", CRFD_KIND_TIMERFD,
	 "pos:    0\nflags:  02004002\nmnt_id: 13\nclockid: 9\nticks: 18446744073709551615\nsettime flags: 03\n"
	 "it_value: (7695568592, 640020877)\nit_interval: (0, 999999999)\n",
	 .rec = {ONE(TIMERFD, crfd_timerfd, .clock = 9, .flags = 3, .ticks = UINT64_MAX, .value = 7695568592640020877u,
		     .interval = 999999999)}},
	{"timerfd: flags are octal", CRFD_KIND_TIMERFD,
	 COMMON "clockid: 0\nticks: 0\nsettime flags: 08\nit_value: (0, 0)\nit_interval: (0, 0)\n", KEPT},
	{"timerfd: a whole second of nanoseconds", CRFD_KIND_TIMERFD,
	 TIMER "it_value: (0, 1000000000)\nit_interval: (0, 0)\n", KEPT},
	{"timerfd: nanoseconds of 65 bits", CRFD_KIND_TIMERFD,
	 TIMER "it_value: (18446744073, 999999999)\nit_interval: (0, 0)\n", KEPT},
	{"timerfd: no comma", CRFD_KIND_TIMERFD, TIMER "it_value: (1 0)\nit_interval: (0, 0)\n", KEPT},
	{"timerfd: no closing bracket", CRFD_KIND_TIMERFD, TIMER "it_value: (1, 0\nit_interval: )\n", KEPT},
	{"timerfd: no value", CRFD_KIND_TIMERFD, TIMER, KEPT},
};

static const struct row signalfds[] = {
	{"signalfd: a mask", CRFD_KIND_SIGNALFD, COMMON "sigmask:\t8000000000000006\n",
	 .rec = {ONE(SIGNALFD, crfd_signalfd, .mask = 0x8000000000000006)}},
	{"signalfd: mask not hexadecimal", CRFD_KIND_SIGNALFD, COMMON "sigmask:\t000000000000000g\n", KEPT},
};

#define EPOLL(...) MANY(EPOLL, crfd_epoll_target, __VA_ARGS__)

static const struct row epolls[] = {
	{"epoll: two targets", CRFD_KIND_EPOLL,
	 COMMON "tfd:        5 events: 80000019 data: ffffffffffffffff  pos:-1 ino:61af sdev:fe00007\n"
		"tfd:        9 events:       1c data:                0  pos:123 ino:40f sdev:10\n",
	 .rec = {EPOLL({.fd = 5, .events = 0x80000019, .data = UINT64_MAX, .ino = 0x61af, .dev = DEV(0xfe, 7),
			.pos = UINT64_MAX},
		       {.fd = 9, .events = 0x1c, .ino = 0x40f, .dev = DEV(0, 16), .pos = 123})}},
	{"epoll: Linux 3.8", CRFD_KIND_EPOLL, COMMON "tfd:        9 events:       19 data: 74253d2500000009\n",
	 .rec = {EPOLL({.fd = 9, .events = 0x19, .data = 0x74253d2500000009})}},
	{"epoll: a field of the future", CRFD_KIND_EPOLL, COMMON "tfd: 9 events: 19 data: 1  pos:0 ino:2 sdev:3 napi:4\n",
	 KEPT, .rec = {EPOLL({.fd = 9, .events = 0x19, .data = 1, .ino = 2, .dev = DEV(0, 3)})}},
	{"epoll: nothing is watched", CRFD_KIND_EPOLL, COMMON, .rec = {{CRFD_REC_EPOLL, 0, ""}}},
	{"epoll: fd negative", CRFD_KIND_EPOLL, COMMON "tfd: -1 events: 19 data: 1\n", KEPT},
	{"epoll: events of 33 bits", CRFD_KIND_EPOLL, COMMON "tfd: 1 events: 100000000 data: 1\n", KEPT},
	{"epoll: no events", CRFD_KIND_EPOLL, COMMON "tfd: 1 data: 1\n", KEPT},
};

#define INOTIFY(...) MANY(INOTIFY, crfd_inotify_mark, __VA_ARGS__)

static const struct row inotifies[] = {
	{"inotify: a file handle, which the text alone has", CRFD_KIND_INOTIFY,
	 COMMON "inotify wd:1f ino:7ef82a sdev:800001 mask:800afff ignored_mask:0 fhandle-bytes:8 fhandle-type:1 "
		"f_handle:2af87e00220ffd73\n"
		"inotify wd:1 ino:192627 sdev:10 mask:2 ignored_mask:0 \n",
	 KEPT,
	 .rec = {INOTIFY({.wd = 0x1f, .mask = 0x800afff, .ino = 0x7ef82a, .dev = DEV(8, 1)},
			 {.wd = 1, .mask = 2, .ino = 0x192627, .dev = DEV(0, 16)})}},
	{"inotify: no file handle", CRFD_KIND_INOTIFY, COMMON "inotify wd:1 ino:2 sdev:3 mask:4 ignored_mask:0 \n",
	 .rec = {INOTIFY({.wd = 1, .mask = 4, .ino = 2, .dev = DEV(0, 3)})}},
	{"inotify: nothing is watched", CRFD_KIND_INOTIFY, COMMON, .rec = {{CRFD_REC_INOTIFY, 0, ""}}},
	{"inotify: no mask", CRFD_KIND_INOTIFY, COMMON "inotify wd:1 ino:2 sdev:3\n", KEPT},
	{"inotify: device of 33 bits", CRFD_KIND_INOTIFY,
	 COMMON "inotify wd:1 ino:2 sdev:100000000 mask:4 ignored_mask:0\n", KEPT},
};

static const struct row fanotifies[] = {
	{"fanotify: a mark of every type", CRFD_KIND_FANOTIFY,
	 COMMON "fanotify flags:10 event-flags:88002\n"
		"fanotify sdev:16 mflags:0 mask:8 ignored_mask:0\n"
		"fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40000003\n"
		"fanotify mnt_ns:4026531832 mflags:0 mask:3000000 ignored_mask:0\n"
		"fanotify ino:4f969 sdev:800013 mflags:1 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 "
		"f_handle:69f90400c275b5b4\n",
	 KEPT,
	 .rec = {ONE(FANOTIFY, crfd_fanotify, .flags = 0x10, .event_flags = 0x88002),
		 MANY(FANOTIFY_MARK, crfd_fanotify_mark,
		      {.type = CRFD_FANOTIFY_SB, .mask = 8, .dev = DEV(0, 0x16)},
		      {.type = CRFD_FANOTIFY_MOUNT, .flags = 0x40, .mask = 0x38, .ignored_mask = 0x40000003, .mnt_id = 0x12},
		      {.type = CRFD_FANOTIFY_MNTNS, .mask = 0x3000000, .ino = 4026531832u},
		      {.type = CRFD_FANOTIFY_INODE, .flags = 1, .mask = 0x3b, .ignored_mask = 0x40000000, .ino = 0x4f969,
		       .dev = DEV(8, 19)})}},
	{"fanotify: no mark", CRFD_KIND_FANOTIFY, COMMON "fanotify flags:200 event-flags:8000\n",
	 .rec = {ONE(FANOTIFY, crfd_fanotify, .flags = 0x200, .event_flags = 0x8000)}},
	{"fanotify: flags not hexadecimal", CRFD_KIND_FANOTIFY, COMMON "fanotify flags:x event-flags:8000\n", KEPT},
	{"fanotify: mnt_id of 32 bits", CRFD_KIND_FANOTIFY,
	 COMMON "fanotify mnt_id:80000000 mflags:0 mask:0 ignored_mask:0\n", KEPT},
};

#define LOCK(...) MANY(LOCK, crfd_lock, {__VA_ARGS__})

static const struct row locks[] = {
	{"lock: POSIX", CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  ADVISORY  WRITE 1234 08:02:5678 0 EOF\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_POSIX, .type = CRFD_LOCK_WRITE, .pid = 1234, .end = UINT64_MAX)}},
	{"lock: OFD, a range", CRFD_KIND_FILE,
	 COMMON "lock:\t2: OFDLCK ADVISORY  READ -1 fe:00:4243585 100 9223372036854775806\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_OFD, .type = CRFD_LOCK_READ, .pid = -1, .start = 100, .end = INT64_MAX - 1)}},
	{"lock: flock", CRFD_KIND_FILE, COMMON "lock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_FLOCK, .type = CRFD_LOCK_WRITE, .pid = 359, .end = UINT64_MAX)}},
	{"lock: a lease", CRFD_KIND_FILE, COMMON "lock:\t1: LEASE  ACTIVE    READ 5 08:02:5678 0 EOF\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_LEASE, .type = CRFD_LOCK_READ, .pid = 5, .end = UINT64_MAX)}},
	{"lock: a lease that is being broken", CRFD_KIND_FILE,
	 COMMON "lock:\t1: LEASE  BREAKING  UNLCK 5 08:02:5678 0 EOF\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_LEASE, .type = CRFD_LOCK_UNLOCK, .pid = 5, .flags = CRFD_LOCK_BREAKING,
		      .end = UINT64_MAX)}},
	{"lock: a delegation", CRFD_KIND_FILE, COMMON "lock:\t1: DELEG  ACTIVE    READ 0 08:02:5678 0 EOF\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_DELEG, .type = CRFD_LOCK_READ, .end = UINT64_MAX)}},
	{"lock: mandatory, of one byte", CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  MANDATORY READ 7 08:02:5678 5 5\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_POSIX, .type = CRFD_LOCK_READ, .pid = 7, .flags = CRFD_LOCK_MANDATORY, .start = 5,
		      .end = 5)}},
	{"lock: of a kind that has lines of its own", CRFD_KIND_EVENTFD,
	 COMMON "lock:\t1: FLOCK  ADVISORY  READ 3 00:10:1039 0 EOF\neventfd-count: 1\n",
	 .rec = {LOCK(.lock = CRFD_LOCK_FLOCK, .type = CRFD_LOCK_READ, .pid = 3, .end = UINT64_MAX), EVENTFD(.count = 1)}},
	{"lock: none", CRFD_KIND_FILE, COMMON, WHOLE},
	{"lock: MSNFS, until Linux 5.17", CRFD_KIND_FILE, COMMON "lock:\t1: FLOCK  MSNFS     RW    3 00:10:1039 0 EOF\n",
	 KEPT},
	{"lock: no inode", CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  *NOINODE* READ 3 <none>:0 0 EOF\n", KEPT},
	{"lock: start negative", CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  ADVISORY  READ 3 00:10:1039 -1 EOF\n", KEPT},
	{"lock: no end", CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  ADVISORY  READ 3 00:10:1039 0\n", KEPT},
	{"lock: empty", CRFD_KIND_FILE, COMMON "lock:\n", KEPT},
};

#define PIDFD(...) ONE(PIDFD, crfd_pidfd, __VA_ARGS__)

static const struct row pidfds[] = {
	{"pidfd: in nested namespaces", CRFD_KIND_PIDFD, COMMON "Pid:\t1234\nNSpid:\t1234\t56\t7\n",
	 .rec = {PIDFD(.pid = 1234, .ns_pid = 7), MANY(PIDFD_NS, crfd_pidfd_ns, {1234, 0}, {56, 0}, {7, 0})}},
	{"pidfd: NSpid twice", CRFD_KIND_PIDFD, COMMON "Pid:\t1234\nNSpid:\t1234\t56\nNSpid:\t1\n", KEPT},
	{"pidfd: NSpid with a word", CRFD_KIND_PIDFD, COMMON "Pid:\t1234\nNSpid:\t1234\t56\tx\n", KEPT},
	{"pidfd: reaped", CRFD_KIND_PIDFD, COMMON "Pid:\t-1\nNSpid:\t-1\n", .rec = {PIDFD(.pid = -1, .ns_pid = -1)}},
	{"pidfd: no namespaces", CRFD_KIND_PIDFD, COMMON "Pid:\t9\n", .rec = {PIDFD(.pid = 9)}},
	{"pidfd: Pid empty", CRFD_KIND_PIDFD, COMMON "Pid:\t\nNSpid:\t1\n", KEPT},
	{"pidfd: Pid and more", CRFD_KIND_PIDFD, COMMON "Pid:\t1 x\n", KEPT},
	{"pidfd: Pid -2", CRFD_KIND_PIDFD, COMMON "Pid:\t-2\n", KEPT},
};

static const struct row io_urings[] = {
	{"io_uring: names and addresses behind", CRFD_KIND_IO_URING,
	 COMMON "SqMask:\t0x7\nSqHead:\t0\nCqMask:\t0xff\nUserFiles:\t1\n    0: /tmp/a:b\nUserBufs:\t2\n"
		"    0: 0x55cee2b64790/4096\nPollList:\n",
	 KEPT, /* SqHead without the others is no record */
	 .rec = {ONE(IO_URING, crfd_io_uring, .sq_entries = 8, .cq_entries = 256, .files = 1, .buffers = 2,
		     .known = CRFD_IO_URING_HAS_ENTRIES | CRFD_IO_URING_HAS_REGISTERED)}},
	{"io_uring: heads, tails and thread", CRFD_KIND_IO_URING,
	 COMMON "SqMask:\t0x3\nSqHead:\t4294967295\nSqTail:\t1\nCqMask:\t0x7\nCqHead:\t2\nCqTail:\t3\nSqThread:\t77\n"
		"SqThreadCpu:\t-1\n",
	 .rec = {ONE(IO_URING, crfd_io_uring, .sq_entries = 4, .cq_entries = 8, .known = CRFD_IO_URING_HAS_ENTRIES),
		 ONE(IO_URING_QUEUE, crfd_io_uring_queue, .sq_head = UINT32_MAX, .sq_tail = 1, .cq_head = 2, .cq_tail = 3,
		     .sq_thread = 77, .sq_cpu = -1, .known = CRFD_IO_URING_HAS_QUEUES | CRFD_IO_URING_HAS_THREAD)}},
	{"io_uring: a thread of -2", CRFD_KIND_IO_URING, COMMON "SqThread:\t-2\nSqThreadCpu:\t0\nUserFiles:\t1\nUserBufs:\t0\n", KEPT,
	 .rec = {ONE(IO_URING, crfd_io_uring, .files = 1, .known = CRFD_IO_URING_HAS_REGISTERED)}},
	{"io_uring: Linux 5.10", CRFD_KIND_IO_URING, COMMON "UserFiles:\t3\nUserBufs:\t0\nPollList:\n", KEPT,
	 .rec = {ONE(IO_URING, crfd_io_uring, .files = 3, .known = CRFD_IO_URING_HAS_REGISTERED)}},
	{"io_uring: neither rings nor files", CRFD_KIND_IO_URING, COMMON "PollList:\n", KEPT},
	{"io_uring: a name with a line end", CRFD_KIND_IO_URING,
	 COMMON "UserFiles:\t1\n    0: a\nUserBufs:\t9\nUserBufs:\t0\n", KEPT},
	{"io_uring: 2^32 entries", CRFD_KIND_IO_URING, COMMON "SqMask:\t0xffffffff\nCqMask:\t0x1\n", KEPT},
};

#define BPF(...) ONE(BPF, crfd_bpf_object, __VA_ARGS__)
#define TAG(bytes) {CRFD_REC_BPF_TAG, 8, bytes}

static const struct row bpf_objects[] = {
	{"bpf map: every line", CRFD_KIND_BPF_MAP,
	 COMMON "map_type:\t27\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t4096\nmap_flags:\t0x80\nmap_extra:\t0x0\n"
		"memlock:\t16728\nmap_id:\t1919\nfrozen:\t0\n",
	 KEPT,
	 .rec = {BPF(.id = 1919, .type = 27, .key_size = 4, .value_size = 8, .max_entries = 4096, .map_flags = 0x80)}},
	{"bpf map: Linux 4.5", CRFD_KIND_BPF_MAP, COMMON "map_type:\t1\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t5\n",
	 .rec = {BPF(.type = 1, .key_size = 4, .value_size = 8, .max_entries = 5)}},
	{"bpf program", CRFD_KIND_BPF_PROG,
	 COMMON "prog_type:\t1\nprog_jited:\t1\nprog_tag:\t59f4a931744dcdc6\nprog_id:\t4294967295\n", KEPT,
	 .rec = {BPF(.id = UINT32_MAX, .type = 1), TAG("\x59\xf4\xa9\x31\x74\x4d\xcd\xc6")}},
	{"bpf program: tag of digits in base 16 alone", CRFD_KIND_BPF_PROG, COMMON "prog_type:\t1\nprog_tag:\t59f4a931744dcdcx\n",
	 KEPT, .rec = {BPF(.type = 1)}},
	{"bpf program: whose text is refused", CRFD_KIND_BPF_PROG, COMMON "prog_tag:\t59f4a931744dcdc6\nprog_type:\tx\n", KEPT},
	{"bpf link: type by its name", CRFD_KIND_BPF_LINK,
	 COMMON "link_type:\tnetns\nlink_id:\t2456\nprog_tag:\tb1\nprog_id:\t2847\nattach_type:\t36\n", KEPT,
	 .rec = {BPF(.id = 2456, .type = 5, .prog_id = 2847)}},
	{"bpf link: type by its number", CRFD_KIND_BPF_LINK, COMMON "link_type:\t<77>\nlink_id:\t3\nprog_id:\t4\n",
	 .rec = {BPF(.id = 3, .type = 77, .prog_id = 4)}},
	{"bpf link: type of the future", CRFD_KIND_BPF_LINK, COMMON "link_type:\tquantum\nlink_id:\t3\nprog_id:\t4\n", KEPT,
	 .rec = {BPF(.id = 3, .type = UINT32_MAX, .prog_id = 4)}},
	{"btf", CRFD_KIND_BTF, COMMON "btf_id:\t971\n", .rec = {BPF(.id = 971, .type = UINT32_MAX)}},
	{"bpf map: type of 33 bits", CRFD_KIND_BPF_MAP, COMMON "map_type:\t4294967296\n", KEPT},
	{"btf: id empty", CRFD_KIND_BTF, COMMON "btf_id:\t\n", KEPT},
};

static const struct row devices[] = {
	{"tap: an interface", CRFD_KIND_CHR, COMMON "iff:\ttap0\n", .rec = {ONE(TUN, crfd_tun, .name = "tap0")}},
	{"tap: no interface yet", CRFD_KIND_CHR, COMMON "iff:\t\n", WHOLE},
	{"tap: a name of 16 letters", CRFD_KIND_CHR, COMMON "iff:\t0123456789abcdef\n", KEPT},
	{"tty", CRFD_KIND_CHR, COMMON "tty-index:\t12\n", .rec = {ONE(TTY, crfd_tty, .index = 12)}},
	{"fuse", CRFD_KIND_CHR, COMMON "fuse_connection:\t42\n", .rec = {ONE(FUSE, crfd_fuse, .connection = 42)}},
	{"drm, which has no decoder", CRFD_KIND_CHR, COMMON "drm-driver:\ti915\n", KEPT},
	{"socket: descriptors on their way", CRFD_KIND_SOCKET, COMMON "scm_fds: 3\n",
	 .rec = {ONE(SOCKET, crfd_socket, .known = CRFD_SOCK_HAS_IN_FLIGHT, .in_flight = 3)}},
};

static const struct row memory[] = {
	{"userfaultfd: every line", CRFD_KIND_USERFAULTFD,
	 COMMON "pending:\t1\ntotal:\t2\nAPI:\taa:80000100:80000000000001ff\n",
	 .rec = {ONE(USERFAULTFD, crfd_userfaultfd, .pending = 1, .total = 2, .offered = 0x80000000000001ff,
		     .features = 0x80000100, .api = 0xaa)}},
	{"userfaultfd: API with two numbers", CRFD_KIND_USERFAULTFD, COMMON "pending:\t1\ntotal:\t2\nAPI:\taa:1\n", KEPT},
	{"userfaultfd: no API", CRFD_KIND_USERFAULTFD, COMMON "pending:\t1\ntotal:\t2\n", KEPT},
	{"dmabuf: every line", CRFD_KIND_DMABUF, COMMON "size:\t8192\ncount:\t2\nexp_name:\tudmabuf\nname:\tmy buffer\n",
	 .rec = {ONE(DMABUF, crfd_dmabuf, .size = 8192, .count = 2, .exporter = "udmabuf", .name = "my buffer")}},
	{"dmabuf: no name", CRFD_KIND_DMABUF, COMMON "size:\t8192\ncount:\t2\nexp_name:\tsystem\n",
	 .rec = {ONE(DMABUF, crfd_dmabuf, .size = 8192, .count = 2, .exporter = "system")}},
	{"dmabuf: a name with a line end", CRFD_KIND_DMABUF,
	 COMMON "size:\t8192\ncount:\t2\nexp_name:\tsystem\nname:\ttwo\nlines\n", KEPT},
};

/* Text that no decoder takes stays as it is, and so does what is no text at all. */
static const struct row others[] = {
	{"landlock, which has no decoder, without a line of its own", CRFD_KIND_LANDLOCK, COMMON, KEPT},
	{"an anonymous inode with a line", CRFD_KIND_ANON, COMMON "colour:\tred\n", KEPT},
	{"pipe: a line of the future", CRFD_KIND_PIPE, COMMON "waiting:\t3\n", KEPT},
	{"pipe", CRFD_KIND_PIPE, COMMON, WHOLE},
	{"largest kind", INT_MAX, COMMON, KEPT},
	{"negative kind", -1, COMMON, KEPT},
	{"no line end", CRFD_KIND_FILE, "no line end", KEPT},
	{"empty", CRFD_KIND_FILE, "", WHOLE},
};

#define CHECK_TABLE(table) FOR_ROWS(one, table) check_row_of(one)

/* More targets than a record holds are split over as many as it takes. */
static void test_records_overflow(void)
{
	size_t per = CRFD_REC_MAX / sizeof(crfd_epoll_target), many = per * 2 + 1, n = 0, size = many * 80 + 1, i = 0;
	const size_t expected[] = {per, per, 1};
	char *text = malloc(size);
	crfd_buf found = {0};
	size_t at = 0;

	CHECK(text);
	for (size_t fd = 0; fd < many; fd++)
		n += (size_t)snprintf(text + n, size - n, "tfd: %8zu events: 1 data: %zx  pos:0 ino:1 sdev:1\n", fd, fd);
	CHECK_EQ(decode(CRFD_KIND_EPOLL, text, n, &found), 0);
	for (size_t rec = 0; rec < COUNT_OF(expected); rec++) {
		crfd_rec h;

		CHECK(at + sizeof(h) + expected[rec] * sizeof(crfd_epoll_target) <= found.nr);
		memcpy(&h, found.v + at, sizeof(h));
		CHECK_EQ(h.type, CRFD_REC_EPOLL);
		CHECK_EQ(h.len, expected[rec] * sizeof(crfd_epoll_target));
		at += sizeof(h);
		for (size_t entry = 0; entry < expected[rec]; entry++, i++, at += sizeof(crfd_epoll_target)) {
			crfd_epoll_target t;

			memcpy(&t, found.v + at, sizeof(t));
			CHECK_EQ(t.fd, i);
			CHECK_EQ(t.data, i);
		}
	}
	CHECK_EQ(found.nr, at);
	crfd_buf_release(&found);
	free(text);
}

/* Each allocation in turn fails, then none does. */
static void test_no_memory(void)
{
	static const char text[] = COMMON "lock:\t1: FLOCK  ADVISORY  READ 3 00:10:1039 0 EOF\n"
					  "tfd: 5 events: 19 data: 1  pos:0 ino:1 sdev:1\ncolour: red\n";
	long refused;
	int n = 0;

	do {
		crfd_buf out = {0};
		int rc;

		oom_arm(++n, 1);
		rc = decode(CRFD_KIND_EPOLL, text, sizeof(text) - 1, &out);
		refused = oom_disarm();
		CHECK_EQ(rc, refused ? -ENOMEM : 0);
		crfd_buf_release(&out);
	} while (refused);
	CHECK_RANGE(n, 3, INT_MAX);
}

int main(void)
{
	CHECK_TABLE(eventfds);
	CHECK_TABLE(timerfds);
	CHECK_TABLE(signalfds);
	CHECK_TABLE(epolls);
	CHECK_TABLE(inotifies);
	CHECK_TABLE(fanotifies);
	CHECK_TABLE(locks);
	CHECK_TABLE(pidfds);
	CHECK_TABLE(io_urings);
	CHECK_TABLE(bpf_objects);
	CHECK_TABLE(devices);
	CHECK_TABLE(memory);
	CHECK_TABLE(others);
	test_records_overflow();
	test_no_memory();
	return check_status();
}
