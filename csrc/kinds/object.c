/* SPDX-License-Identifier: MIT */
/* These kinds are handles of the kernel's own objects: processes, namespaces, rings, BPF. */
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "kinds/detail.h"

enum { PID = 1, NS_PID = 2 };

/* Takes the first and the last number of the line, and where there are several keeps them all: 1, 0, or -ENOMEM. */
static int pids(struct crfd_detail *d, const struct crfd_line *l, int32_t *first, int32_t *last)
{
	const char *p = l->p;
	int64_t v = 0;
	int n = 0, rc = 1;

	for (; (p < l->end || !n) && rc > 0; n++) {
		crfd_pidfd_ns r = {0};

		if (crfd_line_signed(&p, l->end, "", &v) < 0 || v < -1 || v > INT32_MAX)
			return 0;
		*last = r.pid = (int32_t)v;
		if (!n)
			*first = *last;
		rc = crfd_detail_entry(d, &r);
	}
	if (n < 2)
		crfd_buf_clear(&d->entries);
	return rc;
}

/*
 * kernel/fork.c (fs/pidfs.c from 6.9), since 5.2. NSpid, which came later, goes from the namespace of /proc down to the
 * process's own.
 */
static int pidfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_pidfd *r = &d->rec.pidfd;
	int32_t first, last;
	int ns = crfd_line_is(l, "NSpid"), rc;

	if (!ns && !crfd_line_is(l, "Pid"))
		return 0;
	if (d->known & (ns ? NS_PID : PID))
		rc = 0;
	else
		rc = pids(d, l, &first, &last);
	if (rc < 0)
		return rc;
	if (!rc || (!ns && first != last)) {
		d->broken = 1;
		crfd_buf_clear(&d->entries);
		return 0;
	}
	if (ns)
		r->ns_pid = last;
	else
		r->pid = first;
	d->known |= ns ? NS_PID : PID;
	return 1;
}

static int pidfd_end(struct crfd_detail *d)
{
	crfd_pidfd *r = &d->rec.pidfd;

	if (!(d->known & NS_PID)) /* the kernel has no pid namespaces, or does not say: only a reaped one is sure */
		r->ns_pid = r->pid < 0 ? r->pid : 0;
	return 1;
}

enum {
	SQ = 4, CQ = 8, FILES = 16, BUFFERS = 32, SQ_HEAD = 64, SQ_TAIL = 128, CQ_HEAD = 256, CQ_TAIL = 512, THREAD = 1024,
	CPU = 2048,
};

#define MOVED (SQ_HEAD | SQ_TAIL | CQ_HEAD | CQ_TAIL)

/* io_uring/fdinfo.c: what is registered since 5.7, the rings since 5.19. Any may be missing while the ring is busy. */
static const struct crfd_line_number io_uring_numbers[] = {
	NUMBER("SqMask", 16, struct crfd_rings, io_uring.sq_entries, SQ),
	NUMBER("CqMask", 16, struct crfd_rings, io_uring.cq_entries, CQ),
	NUMBER("UserFiles", 10, struct crfd_rings, io_uring.files, FILES),
	NUMBER("UserBufs", 10, struct crfd_rings, io_uring.buffers, BUFFERS),
	NUMBER("SqHead", 10, struct crfd_rings, queue.sq_head, SQ_HEAD),
	NUMBER("SqTail", 10, struct crfd_rings, queue.sq_tail, SQ_TAIL),
	NUMBER("CqHead", 10, struct crfd_rings, queue.cq_head, CQ_HEAD),
	NUMBER("CqTail", 10, struct crfd_rings, queue.cq_tail, CQ_TAIL),
};

/* Reads who polls: -1 where there is no such thread. */
static int io_uring_line(struct crfd_detail *d, const struct crfd_line *l)
{
	int thread = crfd_line_is(l, "SqThread");
	const char *p = l->p;
	int64_t v;

	if (!thread && !crfd_line_is(l, "SqThreadCpu"))
		return 0;
	if (crfd_line_signed(&p, l->end, "", &v) < 0 || v < -1 || v > INT32_MAX || p != l->end)
		return 0;
	*(thread ? &d->rec.rings.queue.sq_thread : &d->rec.rings.queue.sq_cpu) = (int32_t)v;
	d->known |= thread ? THREAD : CPU;
	return 1;
}

static int put_queue(struct crfd_detail *d)
{
	crfd_io_uring_queue q = d->rec.rings.queue;

	if ((d->known & MOVED) == MOVED)
		q.known |= CRFD_IO_URING_HAS_QUEUES;
	else
		q.sq_head = q.sq_tail = q.cq_head = q.cq_tail = 0;
	if ((d->known & (THREAD | CPU)) == (THREAD | CPU))
		q.known |= CRFD_IO_URING_HAS_THREAD;
	else
		q.sq_thread = q.sq_cpu = 0;
	return q.known ? crfd_detail_more(d, CRFD_REC_IO_URING_QUEUE, &q, sizeof(q)) : 0;
}

static int io_uring_end(struct crfd_detail *d)
{
	crfd_io_uring *r = &d->rec.rings.io_uring;
	int rc = put_queue(d);

	if ((d->known & (SQ | CQ)) == (SQ | CQ) && r->sq_entries < UINT32_MAX && r->cq_entries < UINT32_MAX) {
		r->sq_entries++;
		r->cq_entries++;
		r->known |= CRFD_IO_URING_HAS_ENTRIES;
	} else {
		r->sq_entries = r->cq_entries = 0;
	}
	if ((d->known & (FILES | BUFFERS)) == (FILES | BUFFERS))
		r->known |= CRFD_IO_URING_HAS_REGISTERED;
	else
		r->files = r->buffers = 0;
	return rc < 0 ? rc : r->known != 0;
}

enum { ID = 1, TYPE = 2, KEY_SIZE = 4, VALUE_SIZE = 8, MAX_ENTRIES = 16, MAP_FLAGS = 32, PROG_ID = 64 };

static int bpf_end(struct crfd_detail *d)
{
	if (!(d->known & TYPE))
		d->rec.bpf.type = UINT32_MAX;
	return 1;
}

/* kernel/bpf/syscall.c: since 4.5; the id came later. */
static const struct crfd_line_number bpf_map_numbers[] = {
	NUMBER("map_type", 10, crfd_bpf_object, type, TYPE),
	NUMBER("key_size", 10, crfd_bpf_object, key_size, KEY_SIZE),
	NUMBER("value_size", 10, crfd_bpf_object, value_size, VALUE_SIZE),
	NUMBER("max_entries", 10, crfd_bpf_object, max_entries, MAX_ENTRIES),
	NUMBER("map_flags", 16, crfd_bpf_object, map_flags, MAP_FLAGS),
	NUMBER("map_id", 10, crfd_bpf_object, id, ID),
};

/* "prog_tag", of programs since 4.11 and of links: each byte as two digits in base 16. */
static int bpf_tag_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_bpf_tag tag;
	uint64_t byte;

	if (!crfd_line_is(l, "prog_tag") || l->end - l->p != 2 * sizeof(tag.tag))
		return 0;
	for (size_t i = 0; i < sizeof(tag.tag); i++) {
		if (crfd_number(l->p + 2 * i, 2, 16, UINT8_MAX, &byte) < 0)
			return 0;
		tag.tag[i] = (char)byte;
	}
	return crfd_detail_more(d, CRFD_REC_BPF_TAG, &tag, sizeof(tag));
}

/* kernel/bpf/syscall.c: since 4.11; the id came later. */
static const struct crfd_line_number bpf_prog_numbers[] = {
	NUMBER("prog_type", 10, crfd_bpf_object, type, TYPE),
	NUMBER("prog_id", 10, crfd_bpf_object, id, ID),
};

/* enum bpf_link_type of linux/bpf.h by the names that kernel/bpf/syscall.c prints. */
static const struct {
	const char *name;
	uint32_t type;
} link_types[] = {
	{"raw_tracepoint", 1}, {"tracing", 2}, {"cgroup", 3}, {"iter", 4}, {"netns", 5}, {"xdp", 6}, {"perf", 7},
	{"perf_event", 7}, {"kprobe_multi", 8}, {"kretprobe_multi", 8}, {"struct_ops", 9}, {"netfilter", 10}, {"tcx", 11},
	{"uprobe_multi", 12}, {"uretprobe_multi", 12}, {"netkit", 13}, {"sockmap", 14},
};

/* Reads the type's name, or its number where the kernel has no name for it: "<15>". An unknown name stays in the text alone. */
static int bpf_link_line(struct crfd_detail *d, const struct crfd_line *l)
{
	const char *p = l->p;
	size_t len = (size_t)(l->end - l->p);
	uint64_t type;

	if (!crfd_line_is(l, "link_type"))
		return bpf_tag_line(d, l);
	for (size_t i = 0; i < sizeof(link_types) / sizeof(*link_types); i++) {
		if (len == strlen(link_types[i].name) && !memcmp(l->p, link_types[i].name, len)) {
			d->rec.bpf.type = link_types[i].type;
			d->known |= TYPE;
			return 1;
		}
	}
	if (len < 3 || l->end[-1] != '>' || crfd_line_field(&p, l->end - 1, "<", 10, UINT32_MAX, &type) < 0)
		return 0;
	d->rec.bpf.type = (uint32_t)type;
	d->known |= TYPE;
	return 1;
}

/* kernel/bpf/syscall.c: since 5.7. */
static const struct crfd_line_number bpf_link_numbers[] = {
	NUMBER("link_id", 10, crfd_bpf_object, id, ID),
	NUMBER("prog_id", 10, crfd_bpf_object, prog_id, PROG_ID),
};

/* kernel/bpf/btf.c: since 4.18. */
static const struct crfd_line_number btf_numbers[] = {NUMBER("btf_id", 10, crfd_bpf_object, id, ID)};

static const struct crfd_match pidfds[] = {
	{CRFD_MATCH_EXACT, "anon_inode:[pidfd]", 0},
	{CRFD_MATCH_NUMBERED, "pidfd", 0}, /* fs/pidfs.c, where it has no anon_inode name */
	{0},
};

static const struct crfd_match namespaces[] = {
	{CRFD_MATCH_NUMBERED, "net", 0}, {CRFD_MATCH_NUMBERED, "mnt", 0}, {CRFD_MATCH_NUMBERED, "pid", 0},
	{CRFD_MATCH_NUMBERED, "user", 0}, {CRFD_MATCH_NUMBERED, "uts", 0}, {CRFD_MATCH_NUMBERED, "ipc", 0},
	{CRFD_MATCH_NUMBERED, "cgroup", 0}, {CRFD_MATCH_NUMBERED, "time", 0},
	{CRFD_MATCH_NUMBERED, "pid_for_children", 0}, {CRFD_MATCH_NUMBERED, "time_for_children", 0}, {0},
};

static const struct crfd_match kvms[] = {
	{CRFD_MATCH_PREFIX, "anon_inode:kvm-", 0}, {CRFD_MATCH_PREFIX, "anon_inode:[kvm-", 0}, {0},
};

/* A pidfd's Pid turns -1 and a link's prog_id can be replaced, so they are no ids. */
static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(PIDFD, "pidfd", pidfds), CRFD_TOLD(CRFD_REC_PIDFD, crfd_pidfd),
	 CRFD_ENTRIES(CRFD_REC_PIDFD_NS, crfd_pidfd_ns), .line = pidfd_line, .needs = PID,
	 .end = pidfd_end},
	{CRFD_ROW(IO_URING, "io_uring", CRFD_ANON("[io_uring]")), CRFD_TOLD(CRFD_REC_IO_URING, crfd_io_uring),
	 CRFD_NUMBERS(io_uring_numbers), .line = io_uring_line, .end = io_uring_end},
	{CRFD_ROW(BPF_MAP, "bpf_map", CRFD_ANON("bpf-map")), .id_key = "map_id",
	 CRFD_TOLD(CRFD_REC_BPF, crfd_bpf_object), CRFD_NUMBERS(bpf_map_numbers), .end = bpf_end,
	 .asks = CRFD_ASKS_OBJECT},
	{CRFD_ROW(BPF_PROG, "bpf_prog", CRFD_ANON("bpf-prog")), .id_key = "prog_id",
	 CRFD_TOLD(CRFD_REC_BPF, crfd_bpf_object), CRFD_NUMBERS(bpf_prog_numbers), .line = bpf_tag_line,
	 .end = bpf_end, .asks = CRFD_ASKS_OBJECT},
	{CRFD_ROW(BPF_LINK, "bpf_link", CRFD_ANON("bpf_link")), .id_key = "link_id",
	 CRFD_TOLD(CRFD_REC_BPF, crfd_bpf_object), CRFD_NUMBERS(bpf_link_numbers), .line = bpf_link_line,
	 .end = bpf_end},
	{CRFD_ROW(BTF, "btf", CRFD_ANON("btf")), .id_key = "btf_id", CRFD_TOLD(CRFD_REC_BPF, crfd_bpf_object),
	 CRFD_NUMBERS(btf_numbers), .end = bpf_end, .asks = CRFD_ASKS_OBJECT},
	{CRFD_ROW(NAMESPACE, "namespace", namespaces)},
	{CRFD_ROW(PERF_EVENT, "perf_event", CRFD_ANON("[perf_event]")), .text = CRFD_TEXT_KEPT,
	 .asks = CRFD_ASKS_OWNER},
	{CRFD_ROW(FSCONTEXT, "fscontext", CRFD_ANON("[fscontext]")), .text = CRFD_TEXT_KEPT},
	{CRFD_ROW(LANDLOCK, "landlock", CRFD_ANON("[landlock-ruleset]")), .text = CRFD_TEXT_KEPT},
	{CRFD_ROW(SECCOMP_NOTIFY, "seccomp_notify", CRFD_ANON("seccomp notify")), .text = CRFD_TEXT_KEPT},
	{CRFD_ROW(KVM, "kvm", kvms), .text = CRFD_TEXT_KEPT},
	{CRFD_ROW(VFIO, "vfio", CRFD_MATCHES({CRFD_MATCH_PREFIX, "anon_inode:[vfio", 0})), .text = CRFD_TEXT_KEPT},
};

const struct crfd_kind_family crfd_kinds_object = CRFD_FAMILY(rows);
