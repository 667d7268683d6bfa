/* SPDX-License-Identifier: MIT */
/*
 * The state machine of the record stream. It takes bytes in pieces of any size, looks at each record once and keeps
 * nothing of it but what later records are checked against. A header is judged before its payload has to be there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "image/check_section.h"
#include "image/parse_state.h"

#define AT(state) (1u << CRFD_AT_##state)
/* The size of a struct, which the wire format states: a compiler to whom it is another one refuses to go on. */
#define SIZE(type, size) ((size) + 0 * sizeof(struct { _Static_assert(sizeof(type) == (size), #type); char c; }))
#define PAYLOAD(type, size) SIZE(type, size), size, size, 0
#define PADDED(type, size) SIZE(type, size), size, size, offsetof(type, pad)
#define ARRAY(type, size) SIZE(type, size), size, CRFD_REC_MAX, 0
#define ARRAY0(type, size) SIZE(type, size), 0, CRFD_REC_MAX, 0
#define PADDED_ARRAY(type, size) SIZE(type, size), size, CRFD_REC_MAX, offsetof(type, pad)
#define TEXT 1, 1, CRFD_REC_MAX, 0
#define DESCRIPTION OBJREF, AT(MORE) | AT(MORE_LAST)

enum parent { ZERO, PID, OBJREF };

/* A rule says where a type may stand, who its parent is, and its payload's length. */
struct rule {
	int16_t type;
	uint8_t parent;
	uint32_t places;
	uint16_t entry, min, max; /* bytes: the payload is whole entries, from min to max */
	uint16_t pad; /* where in every entry a u32 must be 0; 0: nowhere */
};

/* Found by linear search: the frequent ones first. */
static const struct rule rules[] = {
	{CRFD_REC_FD_ENT, ZERO, AT(ENT) | AT(MORE), PADDED(crfd_fd_ent, 16)},
	{CRFD_REC_FD_DATA, OBJREF, AT(DATA), PAYLOAD(crfd_fd_data, 32)},
	{CRFD_REC_FNAME, ZERO, AT(NAME), 1, 2, CRFD_NAME_MAX, 0},
	{CRFD_REC_FD_STAT, OBJREF, AT(STAT), PAYLOAD(crfd_fd_stat, 64)},
	{CRFD_REC_INODE, DESCRIPTION, PAYLOAD(crfd_inode, 8)},
	{CRFD_REC_FDINFO, DESCRIPTION, TEXT},
	{CRFD_REC_TASK, ZERO, AT(IMAGE) | AT(SECTION) | AT(RFC) | AT(SINGLE), PADDED(crfd_task_rec, 24)},
	{CRFD_REC_STRING, ZERO, AT(COMM), 1, CRFD_COMM_LEN, CRFD_COMM_LEN, 0},
	{CRFD_REC_TASK_INFO, PID, AT(TASK_INFO), PAYLOAD(crfd_task_info, 80)},
	{CRFD_REC_FD_ERROR, PID, AT(TASK), PADDED(crfd_fd_error, 16)},
	{CRFD_REC_TASK_EXE, PID, AT(TASK), TEXT},
	{CRFD_REC_TASK_CMDLINE, PID, AT(TASK), TEXT},
	{CRFD_REC_TASK_CGROUP, PID, AT(TASK), TEXT},
	{CRFD_REC_TASK_NS, PID, AT(TASK), PAYLOAD(crfd_task_ns, 64)},
	{CRFD_REC_TASK_QUIET, PID, AT(TASK), PAYLOAD(crfd_task_quiet, 8)},
	{CRFD_REC_FD_LOCK, PID, AT(TASK), PADDED_ARRAY(crfd_fd_lock, 40)},
	{CRFD_REC_HELD, PID, AT(TASK), 1, sizeof(crfd_held), sizeof(crfd_held) + CRFD_NAME_MAX - 1, 0},
	{CRFD_REC_TASK_MOUNT, PID, AT(TASK), 1, SIZE(crfd_task_mount, 16) + 2, CRFD_REC_MAX, 0},
	{CRFD_REC_TASK_KTHREAD, PID, AT(TASK), PADDED(crfd_task_kthread, 8)},
	{CRFD_REC_TASK_POLLS, PID, AT(TASK), PADDED(crfd_task_polls, 16)},
	{CRFD_REC_POLLED, PID, AT(TASK), PADDED(crfd_polled, 16)},
	{CRFD_REC_FILES, PID, AT(TASK) | AT(FILES), PAYLOAD(crfd_files, 8)},
	{CRFD_REC_SECTION_SUM, ZERO, AT(SUM) | AT(MORE_LAST), PAYLOAD(crfd_section_sum, 16)},
	{CRFD_REC_HEAD, ZERO, AT(HEAD), PAYLOAD(crfd_head, 224)},
	{CRFD_REC_IMAGE_INFO, ZERO, AT(INFO), PAYLOAD(crfd_image_info, 16)},
	{CRFD_REC_STILL, ZERO, AT(IMAGE) | AT(SECTION) | AT(CLOSE), ARRAY(crfd_still, 16)},
	{CRFD_REC_LOCK_WAIT, ZERO, AT(IMAGE) | AT(SECTION) | AT(CLOSE), ARRAY(crfd_lock_wait, 80)},
	{CRFD_REC_HELD_OBJREF, ZERO, AT(IMAGE) | AT(SECTION) | AT(CLOSE), ARRAY(crfd_held_objref, 16)},
	{CRFD_REC_INDEX, ZERO, AT(SECTION) | AT(CLOSE) | AT(INDEX), ARRAY(crfd_index_entry, 40)},
	{CRFD_REC_IMAGE_SUM, ZERO, AT(IMAGE) | AT(SECTION) | AT(CLOSE) | AT(INDEX), PAYLOAD(crfd_image_sum, 32)},
	{CRFD_REC_TAIL, ZERO, AT(TAIL) | AT(RFC), PAYLOAD(crfd_tail, 8)},
	{CRFD_REC_OWNER, DESCRIPTION, PADDED(crfd_owner, 24)},
	{CRFD_REC_LOCK, DESCRIPTION, ARRAY(crfd_lock, 32)},
	{CRFD_REC_PIPE, DESCRIPTION, PAYLOAD(crfd_pipe, 24)},
	{CRFD_REC_SOCKET, DESCRIPTION, PAYLOAD(crfd_socket, 48)},
	{CRFD_REC_SOCK_NAME, DESCRIPTION, TEXT},
	{CRFD_REC_SOCK_PEER, DESCRIPTION, TEXT},
	{CRFD_REC_EVENTFD, DESCRIPTION, PADDED(crfd_eventfd, 24)},
	{CRFD_REC_EPOLL, DESCRIPTION, ARRAY0(crfd_epoll_target, 40)},
	{CRFD_REC_TIMERFD, DESCRIPTION, PAYLOAD(crfd_timerfd, 32)},
	{CRFD_REC_SIGNALFD, DESCRIPTION, PAYLOAD(crfd_signalfd, 8)},
	{CRFD_REC_INOTIFY, DESCRIPTION, ARRAY0(crfd_inotify_mark, 24)},
	{CRFD_REC_FANOTIFY, DESCRIPTION, PAYLOAD(crfd_fanotify, 8)},
	{CRFD_REC_FANOTIFY_MARK, DESCRIPTION, PADDED_ARRAY(crfd_fanotify_mark, 48)},
	{CRFD_REC_MEMFD, DESCRIPTION, PAYLOAD(crfd_memfd, 8)},
	{CRFD_REC_PIDFD, DESCRIPTION, PAYLOAD(crfd_pidfd, 8)},
	{CRFD_REC_IO_URING, DESCRIPTION, PADDED(crfd_io_uring, 24)},
	{CRFD_REC_BPF, DESCRIPTION, PADDED(crfd_bpf_object, 48)},
	{CRFD_REC_USERFAULTFD, DESCRIPTION, PAYLOAD(crfd_userfaultfd, 32)},
	{CRFD_REC_DMABUF, DESCRIPTION, PAYLOAD(crfd_dmabuf, 80)},
	{CRFD_REC_TTY, DESCRIPTION, PADDED(crfd_tty, 8)},
	{CRFD_REC_TUN, DESCRIPTION, PAYLOAD(crfd_tun, 16)},
	{CRFD_REC_FUSE, DESCRIPTION, PADDED(crfd_fuse, 8)},
	{CRFD_REC_MQUEUE, DESCRIPTION, PAYLOAD(crfd_mqueue, 24)},
	{CRFD_REC_PIDFD_NS, DESCRIPTION, PADDED_ARRAY(crfd_pidfd_ns, 8)},
	{CRFD_REC_BPF_TAG, DESCRIPTION, PAYLOAD(crfd_bpf_tag, 8)},
	{CRFD_REC_IO_URING_QUEUE, DESCRIPTION, PADDED(crfd_io_uring_queue, 32)},
	{CRFD_REC_PIDFD_COMM, DESCRIPTION, PAYLOAD(crfd_pidfd_comm, 16)},
	{CRFD_REC_DRIVER, DESCRIPTION, TEXT},
	{CRFD_REC_MISC_DEVICE, DESCRIPTION, TEXT},
	{CRFD_REC_SOCK_FILE, DESCRIPTION, PAYLOAD(crfd_sock_file, 32)},
	{CRFD_REC_SOCK_INTERFACE, DESCRIPTION, PAYLOAD(crfd_sock_interface, 16)},
	{CRFD_REC_TERMIOS, DESCRIPTION, PAYLOAD(crfd_termios, 56)},
	{CRFD_REC_SOCK_OPTIONS, DESCRIPTION, PAYLOAD(crfd_sock_options, 96)},
	{CRFD_REC_TUN_NS, DESCRIPTION, PAYLOAD(crfd_tun_ns, 8)},
};

/* An ancillary type of a later version; the parent depends on the place. */
static const struct rule later = {
	0, ZERO, AT(IMAGE) | AT(SECTION) | AT(CLOSE) | AT(TASK) | AT(MORE) | AT(MORE_LAST), 1, 0, CRFD_REC_MAX, 0,
};

/* Each state expects this type when no optional record comes. */
static const int16_t usual[] = {
	[CRFD_AT_HEAD] = CRFD_REC_HEAD, [CRFD_AT_INFO] = CRFD_REC_IMAGE_INFO, [CRFD_AT_IMAGE] = CRFD_REC_TASK,
	[CRFD_AT_SECTION] = CRFD_REC_TASK, [CRFD_AT_RFC] = CRFD_REC_TASK, [CRFD_AT_SINGLE] = CRFD_REC_TASK,
	[CRFD_AT_COMM] = CRFD_REC_STRING, [CRFD_AT_TASK_INFO] = CRFD_REC_TASK_INFO, [CRFD_AT_TASK] = CRFD_REC_FILES,
	[CRFD_AT_FILES] = CRFD_REC_FILES, [CRFD_AT_ENT] = CRFD_REC_FD_ENT, [CRFD_AT_DATA] = CRFD_REC_FD_DATA,
	[CRFD_AT_NAME] = CRFD_REC_FNAME, [CRFD_AT_STAT] = CRFD_REC_FD_STAT, [CRFD_AT_MORE] = CRFD_REC_FD_ENT,
	[CRFD_AT_MORE_LAST] = CRFD_REC_SECTION_SUM, [CRFD_AT_SUM] = CRFD_REC_SECTION_SUM,
	[CRFD_AT_CLOSE] = CRFD_REC_INDEX, [CRFD_AT_INDEX] = CRFD_REC_IMAGE_SUM, [CRFD_AT_TAIL] = CRFD_REC_TAIL,
	[CRFD_AT_END] = 0,
};

crfd_parser *crfd_parser_new(void)
{
	crfd_parser *p = malloc(sizeof(*p));

	if (p)
		crfd_parser_init(p, NULL);
	return p;
}

void crfd_parser_free(crfd_parser *p)
{
	if (p)
		crfd_parser_release(p);
	free(p);
}

void crfd_parser_stats(const crfd_parser *p, crfd_image_stats *out)
{
	*out = (crfd_image_stats){.bytes = p->offset, .nfds = p->sum.nfds, .ntasks = p->sum.ntasks,
				   .nobjrefs = (uint32_t)(p->next_objref - 1)};
}

static const struct rule *find_rule(int type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].type == type)
			return &rules[i];
	return type >= CRFD_REC_EXT_FIRST && type < CRFD_REC_CRITICAL_FIRST ? &later : NULL;
}

/* A byte-swapped HEAD has type 0x0100. */
static int refuse_start(crfd_parser *p, int type)
{
	int code = type == CRFD_REC_HEAD << 8 ? CRFD_E_BYTE_ORDER : CRFD_E_TYPE;

	return crfd_parser_refuse(p, code, 0, CRFD_REC_HEAD, (uint64_t)type);
}

static int refuse_type(crfd_parser *p, int type)
{
	unsigned int place = 1u << p->state;

	if (place & AT(HEAD))
		return refuse_start(p, type);
	if (type >= CRFD_REC_CRITICAL_FIRST)
		return crfd_parser_refuse(p, CRFD_E_CRITICAL, 0, 0, (uint64_t)type);
	if (type >= CRFD_REC_EXT_FIRST && !p->extended)
		return crfd_parser_refuse(p, CRFD_E_FLAGS, 0, CRFD_HEAD_CHECKPOINT | CRFD_HEAD_EXTENDED,
					  CRFD_HEAD_CHECKPOINT);
	if (type == CRFD_REC_FD_ENT && place & (AT(SUM) | AT(MORE_LAST) | AT(RFC)) && p->here.pid)
		return crfd_parser_refuse(p, CRFD_E_NFDS, 0, p->here.nfds, (uint64_t)p->here.nfds + 1);
	if (place & (AT(ENT) | AT(MORE)) &&
	    (type == CRFD_REC_SECTION_SUM || type == CRFD_REC_TASK || type == CRFD_REC_TAIL))
		return crfd_parser_refuse(p, CRFD_E_NFDS, 0, p->here.nfds, p->here.nfds - p->due);
	return crfd_parser_refuse(p, CRFD_E_TYPE, 0, (uint64_t)usual[p->state], (uint64_t)type);
}

static int check_parent(crfd_parser *p, const struct rule *rule, uint32_t parent)
{
	unsigned int place = 1u << p->state;
	int whose = rule->parent;
	uint32_t expected;

	if (rule == &later)
		whose = place & AT(TASK) ? PID : place & (AT(MORE) | AT(MORE_LAST)) ? OBJREF : ZERO;
	if (place & (AT(TASK_INFO) | AT(FILES))) { /* the first record that says the pid */
		if (parent > 0 && parent <= INT32_MAX)
			return 0;
		return crfd_parser_refuse(p, CRFD_E_PARENT, 4, 1, parent);
	}
	expected = whose == PID ? p->here.pid : whose == OBJREF ? p->objref : 0;
	return parent == expected ? 0 : crfd_parser_refuse(p, CRFD_E_PARENT, 4, expected, parent);
}

static int check_header(crfd_parser *p, const struct rule *rule, const crfd_rec *h)
{
	int len = h->len;

	p->fault.type = h->type;
	if (!rule || !(rule->places >> p->state & 1))
		return refuse_type(p, h->type);
	if (len < rule->min)
		return crfd_parser_refuse(p, CRFD_E_LEN, 2, rule->min, (uint64_t)len);
	if (len > rule->max)
		return crfd_parser_refuse(p, CRFD_E_LEN, 2, rule->max, (uint64_t)len);
	if (rule->entry > 1 && len % rule->entry)
		return crfd_parser_refuse(p, CRFD_E_LEN, 2, (uint64_t)(len - len % rule->entry), (uint64_t)len);
	return check_parent(p, rule, h->parent);
}

static int check_padding(crfd_parser *p, const struct rule *rule, const uint8_t *v, size_t len)
{
	for (size_t at = rule->pad; rule->pad && at < len; at += rule->entry) {
		uint32_t found;

		memcpy(&found, v + at, sizeof(found));
		if (found)
			return crfd_parser_refuse(p, CRFD_E_PADDING, sizeof(crfd_rec) + at, 0, found);
	}
	return 0;
}

/* Brings the sum up to `end`; the bytes belong to the section while one is open, else to the image. */
static void sum_to(crfd_parser *p, const uint8_t *end)
{
	uint32_t *crc = p->state >= CRFD_AT_COMM && p->state <= CRFD_AT_SUM ? &p->section_crc : &p->crc;

	if (!p->unsummed)
		*crc = crfd_crc32c(*crc, p->summing, (size_t)(end - p->summing));
	p->summing = end;
}

/* Parses one record of the n bytes at v. Returns its size, 0 when it is not all there, or the code of the fault. */
static int64_t parse_record(crfd_parser *p, const uint8_t *v, size_t n, crfd_rec *h)
{
	const struct rule *rule;
	size_t size;
	int rc;

	p->fault.type = 0;
	if (p->state == CRFD_AT_END)
		return crfd_parser_refuse(p, CRFD_E_TRAILING, 0, 0, *v);
	if (n < sizeof(*h))
		return 0;
	memcpy(h, v, sizeof(*h));
	rule = find_rule(h->type);
	rc = check_header(p, rule, h);
	if (rc < 0)
		return rc;
	size = sizeof(*h) + (size_t)h->len;
	if (n < size)
		return 0;
	if (h->type == CRFD_REC_TASK || h->type == CRFD_REC_SECTION_SUM)
		sum_to(p, v);
	else if (h->type == CRFD_REC_IMAGE_SUM)
		sum_to(p, v + sizeof(*h) + offsetof(crfd_image_sum, crc));
	rc = check_padding(p, rule, v + sizeof(*h), (size_t)h->len);
	if (rc >= 0)
		rc = crfd_parser_payload(p, h, v + sizeof(*h));
	return rc < 0 ? rc : (int64_t)size;
}

static int refuse_truncated(crfd_parser *p, const uint8_t *v, size_t n)
{
	uint64_t size = sizeof(crfd_rec);
	crfd_rec h;

	if (n >= sizeof(h)) {
		memcpy(&h, v, sizeof(h));
		size += (uint64_t)h.len;
	} else {
		p->fault.type = 0;
	}
	return crfd_parser_refuse(p, CRFD_E_TRUNCATED, n, size, n);
}

int64_t crfd_parser_feed(crfd_parser *p, const uint8_t *buf, size_t n, int last, crfd_record *out, size_t cap,
			 size_t *used, crfd_fault *fault)
{
	int64_t rc = p->fault.code, nr = 0;
	size_t pos = 0;
	crfd_rec h;

	if (!out)
		cap = SIZE_MAX;
	p->summing = buf;
	while (rc >= 0 && pos < n && (size_t)nr < cap) {
		rc = parse_record(p, buf + pos, n - pos, &h);
		if (rc <= 0)
			break;
		if (out)
			out[nr] = (crfd_record){.offset = p->offset, .type = h.type, .len = h.len, .parent = h.parent};
		nr++;
		pos += (size_t)rc;
		p->offset += (uint64_t)rc;
	}
	if (rc >= 0 && last && (size_t)nr < cap && p->state != CRFD_AT_END)
		rc = refuse_truncated(p, buf + pos, n - pos);
	if (rc < 0) {
		*fault = p->fault;
		return rc;
	}
	sum_to(p, buf + pos);
	*used = pos;
	return nr;
}
