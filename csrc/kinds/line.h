/* SPDX-License-Identifier: MIT */
/* What the decoders of fdinfo share: a line, the fields of a line, and the records they fill. */
#ifndef CRFD_DETAIL_LINE_H
#define CRFD_DETAIL_LINE_H

#include "base/base.h"
#include "format/format.h"

/* "key: value", the blanks around the value left out. */
struct crfd_line {
	const char *key;
	size_t len; /* of the key */
	const char *p, *end; /* the value */
};

struct crfd_detail {
	crfd_buf *out;
	size_t entries; /* where the record of entries begins that grows at the end of out */
	int entries_type; /* its type, 0: none does */
	int broken; /* a value that is none, or a key twice: no record is made of the lines */
	uint32_t seen; /* bits of what the lines have said */
	union {
		crfd_eventfd eventfd;
		crfd_timerfd timerfd;
		crfd_signalfd signalfd;
		crfd_pidfd pidfd;
		crfd_io_uring io_uring;
		crfd_bpf_object bpf;
		crfd_userfaultfd userfaultfd;
		crfd_dmabuf dmabuf;
	} rec;
};

/*
 * How the text of a kind is decoded. line() and end() return 1 where the records have all of it, 0 where the text must
 * be kept as well, or -ENOMEM. Either may be NULL: no line is known; nothing is left to be done.
 */
struct crfd_detail_ops {
	int (*line)(struct crfd_detail *d, const struct crfd_line *l);
	int (*end)(struct crfd_detail *d);
};

extern const struct crfd_detail_ops crfd_detail_eventfd, crfd_detail_timerfd, crfd_detail_signalfd;
extern const struct crfd_detail_ops crfd_detail_epoll, crfd_detail_inotify, crfd_detail_fanotify;
extern const struct crfd_detail_ops crfd_detail_pidfd, crfd_detail_io_uring, crfd_detail_userfaultfd;
extern const struct crfd_detail_ops crfd_detail_bpf_map, crfd_detail_bpf_prog, crfd_detail_bpf_link, crfd_detail_btf;
extern const struct crfd_detail_ops crfd_detail_chr, crfd_detail_socket, crfd_detail_dmabuf;

/* The "lock" lines, of any kind. */
int crfd_detail_lock(struct crfd_detail *d, const struct crfd_line *l);

int crfd_line_is(const struct crfd_line *l, const char *key);

/* A run of what is not blank at *p, which moves behind it; empty at the end. */
size_t crfd_line_token(const char **p, const char *end, const char **token);
/* The literal name, then a number up to the next blank; *p moves behind it. 0 or negative, with *p as it was. */
int crfd_line_field(const char **p, const char *end, const char *name, unsigned int base, uint64_t max, uint64_t *out);
int crfd_line_signed(const char **p, const char *end, const char *name, int64_t *out);
/* The device number as the kernel keeps it (include/linux/kdev_t.h: 20 bits of minor), as st_dev of stat(2). */
int crfd_line_dev(const char **p, const char *end, const char *name, uint64_t *out);

/* A key whose value is one number of the record. */
struct crfd_line_number {
	const char *key;
	uint8_t base;
	uint8_t size; /* of the field: 4 or 8 */
	uint16_t offset;
	uint32_t bit; /* of seen */
};
#define NUMBER(key, base, type, member, bit) {key, base, sizeof(((type *)0)->member), offsetof(type, member), bit}

/* Takes the line if its key is one of the n: 1, or 0. */
int crfd_line_number(struct crfd_detail *d, const struct crfd_line *l, const struct crfd_line_number *table, size_t n);

/* Appends the one record of a type. 1 or -ENOMEM. */
int crfd_detail_put(struct crfd_detail *d, int type, const void *payload, size_t len);
/* Appends one more entry of an array, to the last record of the type while it has room. 1 or -ENOMEM. */
int crfd_detail_entry(struct crfd_detail *d, int type, const void *entry, size_t size);

#endif
