/* SPDX-License-Identifier: MIT */
/* Handles of the kernel's own objects: processes, rings, BPF, page faults, shared buffers. */
#include <string.h>

#include "kinds/line.h"

#define LEN(table) (sizeof(table) / sizeof(*(table)))

enum { PID = 1, NS_PID = 2 };

/* Takes the first and the last number of the line. */
static int pids(const struct crfd_line *l, int32_t *first, int32_t *last)
{
	const char *p = l->p;
	int64_t v = 0;

	for (int n = 0; p < l->end || !n; n++) {
		if (crfd_line_signed(&p, l->end, "", &v) < 0 || v < -1 || v > INT32_MAX)
			return 0;
		if (!n)
			*first = (int32_t)v;
		*last = (int32_t)v;
	}
	return 1;
}

/*
 * kernel/fork.c (fs/pidfs.c from 6.9), since 5.2. NSpid, which came later, goes from the namespace of /proc down to the
 * process's own.
 */
static int pidfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	crfd_pidfd *r = &d->rec.pidfd;
	int32_t first, last;
	int ns = crfd_line_is(l, "NSpid");

	if (!ns && !crfd_line_is(l, "Pid"))
		return 0;
	if (!pids(l, &first, &last) || (!ns && first != last)) {
		d->broken = 1;
		return 0;
	}
	if (ns)
		r->ns_pid = last;
	else
		r->pid = first;
	d->seen |= ns ? NS_PID : PID;
	return 1;
}

static int pidfd_end(struct crfd_detail *d)
{
	crfd_pidfd *r = &d->rec.pidfd;

	if (d->broken || !(d->seen & PID))
		return 0;
	if (!(d->seen & NS_PID)) /* the kernel has no pid namespaces, or does not say: only a reaped one is sure */
		r->ns_pid = r->pid < 0 ? r->pid : 0;
	return crfd_detail_put(d, CRFD_REC_PIDFD, r, sizeof(*r));
}

const struct crfd_detail_ops crfd_detail_pidfd = {.line = pidfd_line, .end = pidfd_end};

enum { SQ = 4, CQ = 8, FILES = 16, BUFFERS = 32 };

/* io_uring/fdinfo.c: what is registered since 5.7, the masks since 5.19. Any may be missing while the ring is busy. */
static int io_uring_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("SqMask", 16, crfd_io_uring, sq_entries, SQ),
		NUMBER("CqMask", 16, crfd_io_uring, cq_entries, CQ),
		NUMBER("UserFiles", 10, crfd_io_uring, files, FILES),
		NUMBER("UserBufs", 10, crfd_io_uring, buffers, BUFFERS),
	};

	return crfd_line_number(d, l, table, LEN(table));
}

static int io_uring_end(struct crfd_detail *d)
{
	crfd_io_uring *r = &d->rec.io_uring;

	if (d->broken)
		return 0;
	if ((d->seen & (SQ | CQ)) == (SQ | CQ) && r->sq_entries < UINT32_MAX && r->cq_entries < UINT32_MAX) {
		r->sq_entries++;
		r->cq_entries++;
		r->known |= CRFD_IO_URING_HAS_ENTRIES;
	} else {
		r->sq_entries = r->cq_entries = 0;
	}
	if ((d->seen & (FILES | BUFFERS)) == (FILES | BUFFERS))
		r->known |= CRFD_IO_URING_HAS_REGISTERED;
	else
		r->files = r->buffers = 0;
	return r->known ? crfd_detail_put(d, CRFD_REC_IO_URING, r, sizeof(*r)) : 0;
}

const struct crfd_detail_ops crfd_detail_io_uring = {.line = io_uring_line, .end = io_uring_end};

enum { ID = 1, TYPE = 2, KEY_SIZE = 4, VALUE_SIZE = 8, MAX_ENTRIES = 16, MAP_FLAGS = 32, PROG_ID = 64 };

static int bpf_end(struct crfd_detail *d)
{
	if (d->broken || !d->seen)
		return 0;
	if (!(d->seen & TYPE))
		d->rec.bpf.type = UINT32_MAX;
	return crfd_detail_put(d, CRFD_REC_BPF, &d->rec.bpf, sizeof(d->rec.bpf));
}

/* kernel/bpf/syscall.c: since 4.5; the id came later. */
static int bpf_map_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("map_type", 10, crfd_bpf_object, type, TYPE),
		NUMBER("key_size", 10, crfd_bpf_object, key_size, KEY_SIZE),
		NUMBER("value_size", 10, crfd_bpf_object, value_size, VALUE_SIZE),
		NUMBER("max_entries", 10, crfd_bpf_object, max_entries, MAX_ENTRIES),
		NUMBER("map_flags", 16, crfd_bpf_object, map_flags, MAP_FLAGS),
		NUMBER("map_id", 10, crfd_bpf_object, id, ID),
	};

	return crfd_line_number(d, l, table, LEN(table));
}

const struct crfd_detail_ops crfd_detail_bpf_map = {.line = bpf_map_line, .end = bpf_end};

/* kernel/bpf/syscall.c: since 4.11; the id came later. */
static int bpf_prog_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("prog_type", 10, crfd_bpf_object, type, TYPE),
		NUMBER("prog_id", 10, crfd_bpf_object, id, ID),
	};

	return crfd_line_number(d, l, table, LEN(table));
}

const struct crfd_detail_ops crfd_detail_bpf_prog = {.line = bpf_prog_line, .end = bpf_end};

/* enum bpf_link_type of linux/bpf.h by the names that kernel/bpf/syscall.c prints. */
static const struct {
	const char *name;
	uint32_t type;
} links[] = {
	{"raw_tracepoint", 1}, {"tracing", 2}, {"cgroup", 3}, {"iter", 4}, {"netns", 5}, {"xdp", 6}, {"perf", 7},
	{"perf_event", 7}, {"kprobe_multi", 8}, {"kretprobe_multi", 8}, {"struct_ops", 9}, {"netfilter", 10}, {"tcx", 11},
	{"uprobe_multi", 12}, {"uretprobe_multi", 12}, {"netkit", 13}, {"sockmap", 14},
};

/* A name, or for a type that the kernel has no name for its number: "<15>". An unknown name stays in the text alone. */
static int bpf_link_type(struct crfd_detail *d, const struct crfd_line *l)
{
	const char *p = l->p;
	size_t len = (size_t)(l->end - l->p);
	uint64_t type;

	for (size_t i = 0; i < LEN(links); i++) {
		if (len == strlen(links[i].name) && !memcmp(l->p, links[i].name, len)) {
			d->rec.bpf.type = links[i].type;
			d->seen |= TYPE;
			return 1;
		}
	}
	if (len < 3 || l->end[-1] != '>' || crfd_line_field(&p, l->end - 1, "<", 10, UINT32_MAX, &type) < 0)
		return 0;
	d->rec.bpf.type = (uint32_t)type;
	d->seen |= TYPE;
	return 1;
}

/* kernel/bpf/syscall.c: since 5.7. */
static int bpf_link_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("link_id", 10, crfd_bpf_object, id, ID),
		NUMBER("prog_id", 10, crfd_bpf_object, prog_id, PROG_ID),
	};

	return crfd_line_is(l, "link_type") ? bpf_link_type(d, l) : crfd_line_number(d, l, table, LEN(table));
}

const struct crfd_detail_ops crfd_detail_bpf_link = {.line = bpf_link_line, .end = bpf_end};

/* kernel/bpf/btf.c: since 4.18. */
static int btf_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number id = NUMBER("btf_id", 10, crfd_bpf_object, id, ID);

	return crfd_line_number(d, l, &id, 1);
}

const struct crfd_detail_ops crfd_detail_btf = {.line = btf_line, .end = bpf_end};
