/* SPDX-License-Identifier: MIT */
/* fdinfo as kernels old and new write it (proc_pid_fdinfo(5), Documentation/filesystems/proc.rst), and as none does. */
#include "format/format.h"
#include "kinds/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "check.h"
#include "oom.h"

#define COMMON "pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t1057\n"
#define NRECS 8

struct rec {
	int type, len;
	const uint8_t *v;
};

/* What a text yields. */
struct found {
	crfd_buf buf;
	struct rec rec[NRECS];
	int n;
	int raw; /* FDINFO is there, and holds the text */
};

static void decode(struct found *f, int kind, const char *text)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1); /* a read past its end is seen */
	size_t raw = 0;

	memcpy(exact, text, n);
	*f = (struct found){0};
	CHECK(crfd_detail_fdinfo(kind, exact, n, &f->buf) == 0);
	free(exact);
	for (size_t at = 0; at < f->buf.nr;) {
		const uint8_t *v = f->buf.v + at + sizeof(crfd_rec);
		crfd_rec h;

		memcpy(&h, f->buf.v + at, sizeof(h));
		CHECK(h.parent == 0 && h.len >= 0);
		at += sizeof(h) + (size_t)h.len;
		CHECK(at <= f->buf.nr);
		if (h.type == CRFD_REC_FDINFO) {
			CHECK(raw + (size_t)h.len <= n && !memcmp(text + raw, v, (size_t)h.len));
			raw += (size_t)h.len;
			continue;
		}
		CHECK(f->n < NRECS && !raw);
		f->rec[f->n++] = (struct rec){.type = h.type, .len = h.len, .v = v};
	}
	CHECK(raw == 0 || raw == n);
	f->raw = raw != 0;
}

static void done(struct found *f)
{
	crfd_buf_release(&f->buf);
}

/* The i-th record, of that type and size, copied to out. */
static void get(const struct found *f, int i, int type, size_t size, void *out)
{
	CHECK(i < f->n && f->rec[i].type == type && (size_t)f->rec[i].len == size);
	memcpy(out, f->rec[i].v, size);
}

/* Entry i of the array in the first record. */
static void entry(const struct found *f, int rec, int type, size_t size, size_t i, void *out)
{
	CHECK(rec < f->n && f->rec[rec].type == type && (size_t)f->rec[rec].len >= (i + 1) * size);
	CHECK((size_t)f->rec[rec].len % size == 0);
	memcpy(out, f->rec[rec].v + i * size, size);
}

/* No record, but the text. */
static void refused(int kind, const char *text)
{
	struct found f;

	decode(&f, kind, text);
	CHECK(f.n == 0 && f.raw);
	done(&f);
}

static void test_eventfd(void)
{
	struct found f;
	crfd_eventfd e;

	decode(&f, CRFD_KIND_EVENTFD, COMMON "eventfd-count: fffffffffffffffe\neventfd-id: 7\neventfd-semaphore: 1\n");
	get(&f, 0, CRFD_REC_EVENTFD, sizeof(e), &e);
	CHECK(f.n == 1 && !f.raw);
	CHECK(e.count == UINT64_MAX - 1 && e.id == 7 && e.semaphore == 1);
	CHECK(e.known == (CRFD_EVENTFD_HAS_ID | CRFD_EVENTFD_HAS_SEMAPHORE));
	done(&f);

	decode(&f, CRFD_KIND_EVENTFD, "pos:\t0\nflags:\t02\nmnt_id:\t10\neventfd-count:               40\n"); /* 3.8 */
	get(&f, 0, CRFD_REC_EVENTFD, sizeof(e), &e);
	CHECK(!f.raw && e.count == 0x40 && e.known == 0 && e.id == 0);
	done(&f);

	decode(&f, CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-colour: red\n");
	get(&f, 0, CRFD_REC_EVENTFD, sizeof(e), &e);
	CHECK(f.raw && e.count == 1);
	done(&f);

	refused(CRFD_KIND_EVENTFD, COMMON);
	refused(CRFD_KIND_EVENTFD, COMMON "eventfd-count: \n");
	refused(CRFD_KIND_EVENTFD, COMMON "eventfd-count: -1\n");
	refused(CRFD_KIND_EVENTFD, COMMON "eventfd-count: 10000000000000000\n");
	refused(CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-count: 2\n");
	refused(CRFD_KIND_EVENTFD, COMMON "eventfd-count: 1\neventfd-id: -12\n"); /* no id was to be had */
}

#define TIMER COMMON "clockid: 0\nticks: 0\nsettime flags: 00\n"

static void test_timerfd(void)
{
	struct found f;
	crfd_timerfd t;

	decode(&f, CRFD_KIND_TIMERFD,
	       "pos:    0\nflags:  02004002\nmnt_id: 13\nclockid: 9\nticks: 18446744073709551615\nsettime flags: 03\n"
	       "it_value: (7695568592, 640020877)\nit_interval: (0, 999999999)\n");
	get(&f, 0, CRFD_REC_TIMERFD, sizeof(t), &t);
	CHECK(f.n == 1 && !f.raw);
	CHECK(t.clock == 9 && t.ticks == UINT64_MAX && t.flags == 3);
	CHECK(t.value == 7695568592640020877u && t.interval == 999999999);
	done(&f);
	refused(CRFD_KIND_TIMERFD, COMMON "clockid: 0\nticks: 0\nsettime flags: 08\nit_value: (0, 0)\nit_interval: (0, 0)\n");
	refused(CRFD_KIND_TIMERFD, TIMER "it_value: (0, 1000000000)\nit_interval: (0, 0)\n");
	refused(CRFD_KIND_TIMERFD, TIMER "it_value: (18446744073, 999999999)\nit_interval: (0, 0)\n");
	refused(CRFD_KIND_TIMERFD, TIMER "it_value: (1 0)\nit_interval: (0, 0)\n");
	refused(CRFD_KIND_TIMERFD, TIMER "it_value: (1, 0\nit_interval: )\n");
	refused(CRFD_KIND_TIMERFD, COMMON "clockid: 0\nticks: 0\nsettime flags: 00\n");
}

static void test_signalfd(void)
{
	struct found f;
	crfd_signalfd s;

	decode(&f, CRFD_KIND_SIGNALFD, COMMON "sigmask:\t8000000000000006\n");
	get(&f, 0, CRFD_REC_SIGNALFD, sizeof(s), &s);
	CHECK(f.n == 1 && !f.raw && s.mask == 0x8000000000000006);
	done(&f);
	refused(CRFD_KIND_SIGNALFD, COMMON "sigmask:\t000000000000000g\n");
}

static void test_epoll(void)
{
	struct found f;
	crfd_epoll_target t;

	decode(&f, CRFD_KIND_EPOLL,
	       COMMON "tfd:        5 events: 80000019 data: ffffffffffffffff  pos:-1 ino:61af sdev:fe00007\n"
		      "tfd:        9 events:       1c data:                0  pos:123 ino:40f sdev:10\n");
	CHECK(f.n == 1 && !f.raw && f.rec[0].len == 2 * sizeof(t));
	entry(&f, 0, CRFD_REC_EPOLL, sizeof(t), 0, &t);
	CHECK(t.fd == 5 && t.events == 0x80000019 && t.data == UINT64_MAX && t.pos == UINT64_MAX && t.ino == 0x61af);
	CHECK(t.dev == makedev(0xfe, 7));
	entry(&f, 0, CRFD_REC_EPOLL, sizeof(t), 1, &t);
	CHECK(t.fd == 9 && t.events == 0x1c && t.data == 0 && t.pos == 123 && t.ino == 0x40f && t.dev == makedev(0, 16));
	done(&f);

	decode(&f, CRFD_KIND_EPOLL, COMMON "tfd:        9 events:       19 data: 74253d2500000009\n"); /* 3.8 */
	entry(&f, 0, CRFD_REC_EPOLL, sizeof(t), 0, &t);
	CHECK(!f.raw && t.fd == 9 && t.data == 0x74253d2500000009 && !t.ino && !t.dev);
	done(&f);

	decode(&f, CRFD_KIND_EPOLL, COMMON "tfd: 9 events: 19 data: 1  pos:0 ino:2 sdev:3 napi:4\n");
	entry(&f, 0, CRFD_REC_EPOLL, sizeof(t), 0, &t);
	CHECK(f.raw && t.ino == 2);
	done(&f);

	decode(&f, CRFD_KIND_EPOLL, COMMON);
	CHECK(f.n == 1 && !f.raw && f.rec[0].type == CRFD_REC_EPOLL && f.rec[0].len == 0);
	done(&f);
	refused(CRFD_KIND_EPOLL, COMMON "tfd: -1 events: 19 data: 1\n");
	refused(CRFD_KIND_EPOLL, COMMON "tfd: 1 events: 100000000 data: 1\n");
	refused(CRFD_KIND_EPOLL, COMMON "tfd: 1 data: 1\n");
}

/* More than one record holds. */
static void test_epoll_many(void)
{
	size_t per = CRFD_REC_MAX / sizeof(crfd_epoll_target), many = per * 2 + 1, n = 0, size = many * 80 + 1;
	char *text = malloc(size);
	struct found f;
	crfd_epoll_target t;

	for (size_t i = 0; i < many; i++)
		n += (size_t)snprintf(text + n, size - n, "tfd: %8zu events: 1 data: %zx  pos:0 ino:1 sdev:1\n", i, i);
	decode(&f, CRFD_KIND_EPOLL, text);
	CHECK(f.n == 3 && !f.raw);
	entry(&f, 1, CRFD_REC_EPOLL, sizeof(t), per - 1, &t);
	CHECK((size_t)t.fd == per * 2 - 1);
	entry(&f, 2, CRFD_REC_EPOLL, sizeof(t), 0, &t);
	CHECK((size_t)t.fd == per * 2 && t.data == per * 2);
	done(&f);
	free(text);
}

static void test_inotify(void)
{
	struct found f;
	crfd_inotify_mark m;

	decode(&f, CRFD_KIND_INOTIFY,
	       COMMON "inotify wd:1f ino:7ef82a sdev:800001 mask:800afff ignored_mask:0 fhandle-bytes:8 fhandle-type:1 "
		      "f_handle:2af87e00220ffd73\n"
		      "inotify wd:1 ino:192627 sdev:10 mask:2 ignored_mask:0 \n");
	CHECK(f.n == 1 && f.raw); /* the handle is in the text alone */
	entry(&f, 0, CRFD_REC_INOTIFY, sizeof(m), 0, &m);
	CHECK(m.wd == 0x1f && m.ino == 0x7ef82a && m.dev == makedev(8, 1) && m.mask == 0x800afff);
	entry(&f, 0, CRFD_REC_INOTIFY, sizeof(m), 1, &m);
	CHECK(m.wd == 1 && m.ino == 0x192627 && m.dev == makedev(0, 16) && m.mask == 2);
	done(&f);
	decode(&f, CRFD_KIND_INOTIFY, COMMON "inotify wd:1 ino:2 sdev:3 mask:4 ignored_mask:0 \n");
	CHECK(f.n == 1 && !f.raw);
	done(&f);
	decode(&f, CRFD_KIND_INOTIFY, COMMON);
	CHECK(f.n == 1 && !f.raw && f.rec[0].len == 0);
	done(&f);
	refused(CRFD_KIND_INOTIFY, COMMON "inotify wd:1 ino:2 sdev:3\n");
	refused(CRFD_KIND_INOTIFY, COMMON "inotify wd:1 ino:2 sdev:100000000 mask:4 ignored_mask:0\n");
}

static void test_fanotify(void)
{
	struct found f;
	crfd_fanotify g;
	crfd_fanotify_mark m;

	decode(&f, CRFD_KIND_FANOTIFY,
	       COMMON "fanotify flags:10 event-flags:88002\n"
		      "fanotify sdev:16 mflags:0 mask:8 ignored_mask:0\n"
		      "fanotify mnt_id:12 mflags:40 mask:38 ignored_mask:40000003\n"
		      "fanotify mnt_ns:4026531832 mflags:0 mask:3000000 ignored_mask:0\n"
		      "fanotify ino:4f969 sdev:800013 mflags:1 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 "
		      "f_handle:69f90400c275b5b4\n");
	CHECK(f.n == 2 && f.raw && f.rec[1].len == 4 * sizeof(m));
	get(&f, 0, CRFD_REC_FANOTIFY, sizeof(g), &g);
	CHECK(g.flags == 0x10 && g.event_flags == 0x88002);
	entry(&f, 1, CRFD_REC_FANOTIFY_MARK, sizeof(m), 0, &m);
	CHECK(m.type == CRFD_FANOTIFY_SB && m.dev == makedev(0, 0x16) && m.mask == 8 && !m.ino && !m.mnt_id);
	entry(&f, 1, CRFD_REC_FANOTIFY_MARK, sizeof(m), 1, &m);
	CHECK(m.type == CRFD_FANOTIFY_MOUNT && m.mnt_id == 0x12 && m.flags == 0x40 && m.mask == 0x38);
	CHECK(m.ignored_mask == 0x40000003 && !m.dev);
	entry(&f, 1, CRFD_REC_FANOTIFY_MARK, sizeof(m), 2, &m);
	CHECK(m.type == CRFD_FANOTIFY_MNTNS && m.ino == 4026531832u);
	entry(&f, 1, CRFD_REC_FANOTIFY_MARK, sizeof(m), 3, &m);
	CHECK(m.type == CRFD_FANOTIFY_INODE && m.ino == 0x4f969 && m.dev == makedev(8, 19) && m.flags == 1);
	CHECK(m.mask == 0x3b && m.ignored_mask == 0x40000000);
	done(&f);
	decode(&f, CRFD_KIND_FANOTIFY, COMMON "fanotify flags:200 event-flags:8000\n");
	CHECK(f.n == 1 && !f.raw);
	done(&f);
	refused(CRFD_KIND_FANOTIFY, COMMON "fanotify flags:x event-flags:8000\n");
	refused(CRFD_KIND_FANOTIFY, COMMON "fanotify mnt_id:80000000 mflags:0 mask:0 ignored_mask:0\n");
}

static crfd_lock one_lock(const char *line)
{
	char text[256];
	struct found f;
	crfd_lock l;

	snprintf(text, sizeof(text), COMMON "lock:\t%s\n", line);
	decode(&f, CRFD_KIND_FILE, text);
	CHECK(f.n == 1 && !f.raw);
	get(&f, 0, CRFD_REC_LOCK, sizeof(l), &l);
	done(&f);
	return l;
}

static void test_locks(void)
{
	struct found f;
	crfd_lock l = one_lock("1: POSIX  ADVISORY  WRITE 1234 08:02:5678 0 EOF");

	CHECK(l.lock == CRFD_LOCK_POSIX && l.type == CRFD_LOCK_WRITE && l.pid == 1234 && !l.flags && !l.start && !~l.end);
	l = one_lock("2: OFDLCK ADVISORY  READ -1 fe:00:4243585 100 9223372036854775806");
	CHECK(l.lock == CRFD_LOCK_OFD && l.type == CRFD_LOCK_READ && l.pid == -1 && l.start == 100 && l.end == INT64_MAX - 1);
	l = one_lock("1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF");
	CHECK(l.lock == CRFD_LOCK_FLOCK && l.pid == 359);
	l = one_lock("1: LEASE  ACTIVE    READ 5 08:02:5678 0 EOF");
	CHECK(l.lock == CRFD_LOCK_LEASE && l.type == CRFD_LOCK_READ && !l.flags);
	l = one_lock("1: LEASE  BREAKING  UNLCK 5 08:02:5678 0 EOF");
	CHECK(l.type == CRFD_LOCK_UNLOCK && l.flags == CRFD_LOCK_BREAKING);
	l = one_lock("1: DELEG  ACTIVE    READ 0 08:02:5678 0 EOF");
	CHECK(l.lock == CRFD_LOCK_DELEG && l.pid == 0);
	l = one_lock("1: POSIX  MANDATORY READ 7 08:02:5678 5 5");
	CHECK(l.flags == CRFD_LOCK_MANDATORY && l.start == 5 && l.end == 5);

	decode(&f, CRFD_KIND_EVENTFD, COMMON "lock:\t1: FLOCK  ADVISORY  READ 3 00:10:1039 0 EOF\neventfd-count: 1\n");
	CHECK(f.n == 2 && !f.raw && f.rec[0].type == CRFD_REC_LOCK && f.rec[1].type == CRFD_REC_EVENTFD);
	done(&f);
	decode(&f, CRFD_KIND_FILE, COMMON);
	CHECK(f.n == 0 && !f.raw);
	done(&f);
	refused(CRFD_KIND_FILE, COMMON "lock:\t1: FLOCK  MSNFS     RW    3 00:10:1039 0 EOF\n"); /* until 5.17 */
	refused(CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  *NOINODE* READ 3 <none>:0 0 EOF\n");
	refused(CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  ADVISORY  READ 3 00:10:1039 -1 EOF\n");
	refused(CRFD_KIND_FILE, COMMON "lock:\t1: POSIX  ADVISORY  READ 3 00:10:1039 0\n");
	refused(CRFD_KIND_FILE, COMMON "lock:\n");
}

static void test_pidfd(void)
{
	struct found f;
	crfd_pidfd p;

	decode(&f, CRFD_KIND_PIDFD, COMMON "Pid:\t1234\nNSpid:\t1234\t56\t7\n");
	get(&f, 0, CRFD_REC_PIDFD, sizeof(p), &p);
	CHECK(f.n == 1 && !f.raw && p.pid == 1234 && p.ns_pid == 7);
	done(&f);
	decode(&f, CRFD_KIND_PIDFD, COMMON "Pid:\t-1\nNSpid:\t-1\n");
	get(&f, 0, CRFD_REC_PIDFD, sizeof(p), &p);
	CHECK(!f.raw && p.pid == -1 && p.ns_pid == -1);
	done(&f);
	decode(&f, CRFD_KIND_PIDFD, COMMON "Pid:\t9\n");
	get(&f, 0, CRFD_REC_PIDFD, sizeof(p), &p);
	CHECK(!f.raw && p.pid == 9 && p.ns_pid == 0);
	done(&f);
	refused(CRFD_KIND_PIDFD, COMMON "Pid:\t\nNSpid:\t1\n");
	refused(CRFD_KIND_PIDFD, COMMON "Pid:\t1 x\n");
	refused(CRFD_KIND_PIDFD, COMMON "Pid:\t-2\n");
}

static void test_io_uring(void)
{
	struct found f;
	crfd_io_uring r;

	decode(&f, CRFD_KIND_IO_URING,
	       COMMON "SqMask:\t0x7\nSqHead:\t0\nCqMask:\t0xff\nUserFiles:\t1\n    0: /tmp/a:b\nUserBufs:\t2\n"
		      "    0: 0x55cee2b64790/4096\nPollList:\n");
	get(&f, 0, CRFD_REC_IO_URING, sizeof(r), &r);
	CHECK(f.n == 1 && f.raw && r.sq_entries == 8 && r.cq_entries == 256 && r.files == 1 && r.buffers == 2);
	CHECK(r.known == (CRFD_IO_URING_HAS_ENTRIES | CRFD_IO_URING_HAS_REGISTERED));
	done(&f);
	decode(&f, CRFD_KIND_IO_URING, COMMON "UserFiles:\t3\nUserBufs:\t0\nPollList:\n"); /* 5.10 */
	get(&f, 0, CRFD_REC_IO_URING, sizeof(r), &r);
	CHECK(r.known == CRFD_IO_URING_HAS_REGISTERED && r.files == 3 && !r.sq_entries);
	done(&f);
	refused(CRFD_KIND_IO_URING, COMMON "PollList:\n");
	/* a name with a line end */
	refused(CRFD_KIND_IO_URING, COMMON "UserFiles:\t1\n    0: a\nUserBufs:\t9\nUserBufs:\t0\n");
	refused(CRFD_KIND_IO_URING, COMMON "SqMask:\t0xffffffff\nCqMask:\t0x1\n");
}

static void test_bpf(void)
{
	struct found f;
	crfd_bpf_object o;

	decode(&f, CRFD_KIND_BPF_MAP,
	       COMMON "map_type:\t27\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t4096\nmap_flags:\t0x80\nmap_extra:\t0x0\n"
		      "memlock:\t16728\nmap_id:\t1919\nfrozen:\t0\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(f.n == 1 && f.raw && o.type == 27 && o.key_size == 4 && o.value_size == 8 && o.max_entries == 4096);
	CHECK(o.map_flags == 0x80 && o.id == 1919 && o.prog_id == 0 && o.name[0] == 0);
	done(&f);
	decode(&f, CRFD_KIND_BPF_MAP, COMMON "map_type:\t1\nkey_size:\t4\nvalue_size:\t8\nmax_entries:\t5\n"); /* 4.5 */
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(!f.raw && o.type == 1 && o.id == 0);
	done(&f);
	decode(&f, CRFD_KIND_BPF_PROG,
	       COMMON "prog_type:\t1\nprog_jited:\t1\nprog_tag:\t59f4a931744dcdc6\nprog_id:\t4294967295\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(o.type == 1 && o.id == UINT32_MAX);
	done(&f);
	decode(&f, CRFD_KIND_BPF_LINK,
	       COMMON "link_type:\tnetns\nlink_id:\t2456\nprog_tag:\tb1\nprog_id:\t2847\nattach_type:\t36\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(f.raw && o.type == 5 && o.id == 2456 && o.prog_id == 2847);
	done(&f);
	decode(&f, CRFD_KIND_BPF_LINK, COMMON "link_type:\t<77>\nlink_id:\t3\nprog_id:\t4\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(!f.raw && o.type == 77);
	done(&f);
	decode(&f, CRFD_KIND_BPF_LINK, COMMON "link_type:\tquantum\nlink_id:\t3\nprog_id:\t4\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(f.raw && o.type == UINT32_MAX && o.id == 3);
	done(&f);
	decode(&f, CRFD_KIND_BTF, COMMON "btf_id:\t971\n");
	get(&f, 0, CRFD_REC_BPF, sizeof(o), &o);
	CHECK(!f.raw && o.id == 971 && o.type == UINT32_MAX);
	done(&f);
	refused(CRFD_KIND_BPF_MAP, COMMON "map_type:\t4294967296\n");
	refused(CRFD_KIND_BTF, COMMON "btf_id:\t\n");
}

static void test_devices(void)
{
	struct found f;
	crfd_tun tun;
	crfd_tty tty;
	crfd_fuse fuse;
	crfd_socket s;

	decode(&f, CRFD_KIND_CHR, COMMON "iff:\ttap0\n");
	get(&f, 0, CRFD_REC_TUN, sizeof(tun), &tun);
	CHECK(!f.raw && !strcmp(tun.name, "tap0"));
	done(&f);
	decode(&f, CRFD_KIND_CHR, COMMON "iff:\t\n");
	CHECK(f.n == 0 && !f.raw);
	done(&f);
	refused(CRFD_KIND_CHR, COMMON "iff:\t0123456789abcdef\n");
	decode(&f, CRFD_KIND_CHR, COMMON "tty-index:\t12\n");
	get(&f, 0, CRFD_REC_TTY, sizeof(tty), &tty);
	CHECK(!f.raw && tty.index == 12);
	done(&f);
	decode(&f, CRFD_KIND_CHR, COMMON "fuse_connection:\t42\n");
	get(&f, 0, CRFD_REC_FUSE, sizeof(fuse), &fuse);
	CHECK(!f.raw && fuse.connection == 42);
	done(&f);
	refused(CRFD_KIND_CHR, COMMON "drm-driver:\ti915\n");
	decode(&f, CRFD_KIND_SOCKET, COMMON "scm_fds: 3\n");
	get(&f, 0, CRFD_REC_SOCKET, sizeof(s), &s);
	CHECK(!f.raw && s.known == CRFD_SOCK_HAS_IN_FLIGHT && s.in_flight == 3);
	done(&f);
}

static void test_memory(void)
{
	struct found f;
	crfd_userfaultfd u;
	crfd_dmabuf b;

	decode(&f, CRFD_KIND_USERFAULTFD, COMMON "pending:\t1\ntotal:\t2\nAPI:\taa:80000100:80000000000001ff\n");
	get(&f, 0, CRFD_REC_USERFAULTFD, sizeof(u), &u);
	CHECK(!f.raw && u.pending == 1 && u.total == 2 && u.api == 0xaa && u.features == 0x80000100);
	CHECK(u.offered == 0x80000000000001ff);
	done(&f);
	refused(CRFD_KIND_USERFAULTFD, COMMON "pending:\t1\ntotal:\t2\nAPI:\taa:1\n");
	refused(CRFD_KIND_USERFAULTFD, COMMON "pending:\t1\ntotal:\t2\n");
	decode(&f, CRFD_KIND_DMABUF, COMMON "size:\t8192\ncount:\t2\nexp_name:\tudmabuf\nname:\tmy buffer\n");
	get(&f, 0, CRFD_REC_DMABUF, sizeof(b), &b);
	CHECK(!f.raw && b.size == 8192 && b.count == 2 && !strcmp(b.exporter, "udmabuf") && !strcmp(b.name, "my buffer"));
	done(&f);
	decode(&f, CRFD_KIND_DMABUF, COMMON "size:\t8192\ncount:\t2\nexp_name:\tsystem\n");
	get(&f, 0, CRFD_REC_DMABUF, sizeof(b), &b);
	CHECK(!f.raw && !b.name[0]);
	done(&f);
	refused(CRFD_KIND_DMABUF, COMMON "size:\t8192\ncount:\t2\nexp_name:\tsystem\nname:\ttwo\nlines\n");
}

/* What we do not decode stays as it is, and so does what is no text at all. */
static void test_raw(void)
{
	struct found f;

	refused(CRFD_KIND_LANDLOCK, COMMON);
	refused(CRFD_KIND_ANON, COMMON "colour:\tred\n");
	refused(CRFD_KIND_PIPE, COMMON "waiting:\t3\n");
	refused(INT_MAX, COMMON);
	refused(-1, COMMON);
	refused(CRFD_KIND_FILE, "no line end");
	decode(&f, CRFD_KIND_PIPE, COMMON);
	CHECK(f.n == 0 && !f.raw);
	done(&f);
	decode(&f, CRFD_KIND_FILE, "");
	CHECK(f.n == 0 && !f.raw);
	done(&f);
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
		rc = crfd_detail_fdinfo(CRFD_KIND_EPOLL, text, sizeof(text) - 1, &out);
		refused = oom_disarm();
		CHECK(rc == (refused ? -ENOMEM : 0));
		crfd_buf_release(&out);
	} while (refused);
	CHECK(n > 2);
}

int main(void)
{
	test_eventfd();
	test_timerfd();
	test_signalfd();
	test_epoll();
	test_epoll_many();
	test_inotify();
	test_fanotify();
	test_locks();
	test_pidfd();
	test_io_uring();
	test_bpf();
	test_devices();
	test_memory();
	test_raw();
	test_no_memory();
	return 0;
}
