/* SPDX-License-Identifier: MIT */
/*
 * A detail is all that one open file description has of its own beside FD_DATA and FD_STAT: gathered from every source, then put.
 *
 *   /proc/PID/fdinfo/N ─┐
 *   the walk            ├─> struct crfd_detail ─> records, each once
 *   a copy (getfd/)    ─┘
 *
 * A source says what it knows by bits of `known`, and leaves alone what another one has said. Pure: bytes to bytes.
 */
#ifndef CRFD_DETAIL_H
#define CRFD_DETAIL_H

#include "base/base.h"
#include "format/format.h"
#include "kinds/kind.h"

#define CRFD_EVENTFD_COUNT 0x100 /* bit of known: the count, without which an eventfd has no record */
#define CRFD_ADDRESS_MAX 128 /* a sockaddr_storage */

struct crfd_address {
	uint16_t len; /* 0: none */
	uint8_t v[CRFD_ADDRESS_MAX];
};

struct crfd_detail {
	const struct crfd_kind_ops *ops; /* of its kind, NULL: of none that we know */
	uint32_t known; /* CRFD_*_HAS_* of the kind, and bits of the file that reads its lines */
	int16_t type; /* of the record that rec makes */
	uint16_t size;
	uint8_t broken; /* a value that is none, or a key twice: no record is made */
	uint8_t told; /* all entries have been said */
	uint8_t part; /* the text says more than the records do */
	uint8_t owned; /* owner is set */
	uint8_t owner_told; /* whether it is or not is known */
	const char *text, *id; /* of fdinfo, and of its line with the id: NULL for none */
	size_t text_len, id_len;
	crfd_owner owner;
	union {
		crfd_eventfd eventfd;
		crfd_timerfd timerfd;
		crfd_signalfd signalfd;
		crfd_fanotify fanotify;
		crfd_socket socket;
		crfd_pipe pipe;
		crfd_mqueue mqueue;
		crfd_memfd memfd;
		crfd_pidfd pidfd;
		struct crfd_rings {
			crfd_io_uring io_uring;
			crfd_io_uring_queue queue;
		} rings;
		crfd_bpf_object bpf;
		crfd_userfaultfd userfaultfd;
		crfd_dmabuf dmabuf;
		crfd_tty tty;
		crfd_tun tun;
		crfd_fuse fuse;
	} rec;
	/* members up to here are zeroed for each description */
	crfd_buf locks, entries; /* crfd_lock; what ops->entries says */
	crfd_buf more; /* records beside that of rec, whole, parent 0: crfd_detail_more() */
	struct crfd_address name, peer; /* of a socket */
};

/* Forgets the last description; the memory is kept. d is zeroed before the first. */
void crfd_detail_begin(struct crfd_detail *d, int kind);
/*
 * Takes what a text of fdinfo says from byte `rest` on, behind the lines that every description has. The text must last
 * until crfd_detail_put(). A value that cannot be read is never an error. 0 or -ENOMEM.
 */
int crfd_detail_fdinfo(struct crfd_detail *d, const char *text, size_t n, size_t rest);
/*
 * Completes rec and appends all records, parent 0, but for that of a socket, which is the batch's: rec.socket, nothing
 * known where there is none. The text follows as FDINFO where it says more than they do. 0 or -ENOMEM.
 */
int crfd_detail_put(struct crfd_detail *d, crfd_buf *out);
void crfd_detail_release(struct crfd_detail *d);

/* A line of fdinfo, "key: value", the blanks around the value left out. */
struct crfd_line {
	const char *key;
	size_t len; /* of the key */
	const char *p, *end; /* the value */
};

/* Takes the line at *text, which moves behind it: 1, or 0 at the end. */
int crfd_line_next(const char **text, const char *end, struct crfd_line *out);
int crfd_line_is(const struct crfd_line *l, const char *key);

/* Takes the bytes at *p up to a blank, and moves *p behind them; none at the end. Returns their number. */
size_t crfd_line_token(const char **p, const char *end, const char **token);
/* Takes the literal name, then a number up to the next blank, and moves *p behind it. 0 or negative, with *p as it was. */
int crfd_line_field(const char **p, const char *end, const char *name, unsigned int base, uint64_t max, uint64_t *out);
int crfd_line_signed(const char **p, const char *end, const char *name, int64_t *out);
/* Takes the same of a device number, and turns it into st_dev of stat(2) (crfd_kernel_dev). */
int crfd_line_dev(const char **p, const char *end, const char *name, uint64_t *out);
/* Reads the whole value as one number in base 10: 1, or 0. */
int crfd_line_u32(const struct crfd_line *l, uint32_t *out);

/* A key whose value is one number of the record. */
struct crfd_line_number {
	const char *key;
	uint8_t base;
	uint8_t size; /* of the field: 4 or 8 */
	uint16_t offset;
	uint32_t bit; /* of known */
};
#define NUMBER(key, base, type, member, bit) {key, base, sizeof(((type *)0)->member), offsetof(type, member), bit}

/* Takes the line if its key is one of the kind's numbers: 1 where the record has all of it, or 0. */
int crfd_line_number(struct crfd_detail *d, const struct crfd_line *l);

/* Takes a "lock" line, of any kind: 1, 0, or -ENOMEM. */
int crfd_detail_lock(struct crfd_detail *d, const struct crfd_line *l);
/* Returns 1 where one of its locks is a lease. */
int crfd_detail_has_lease(const struct crfd_detail *d);
/* Appends one entry: 1 or -ENOMEM. */
int crfd_detail_entry(struct crfd_detail *d, const void *entry);
/* Says a record of a type that the kind has beside its own, unless one of that type was said: 1 or -ENOMEM. */
int crfd_detail_more(struct crfd_detail *d, int type, const void *payload, size_t len);

#endif
