/* SPDX-License-Identifier: MIT */
/*
 * Each kind of description is one const row. The rows stand in the files of their families (event.c, watch.c, …), which have
 * their like in other rooms; kind.c lists the families. Pure.
 */
#ifndef CRFD_KIND_H
#define CRFD_KIND_H

#include "format/format.h"

#include "kinds/kind.cdef.h"

#define CRFD_MQUEUE_MAGIC 0x19800202 /* ipc/mqueue.c: of the file system of POSIX message queues */

struct crfd_line;
struct crfd_line_number;
struct crfd_detail;

/* A name of /proc/PID/fd/N (its " (deleted)" cut off) and a file type make a kind in one of these ways. */
enum crfd_match_how {
	CRFD_MATCH_END, /* of the matches of a row */
	CRFD_MATCH_MODE, /* any path, or none: the type alone */
	CRFD_MATCH_EXACT,
	CRFD_MATCH_PREFIX,
	CRFD_MATCH_UNLINKED, /* exact, and the name is gone */
	CRFD_MATCH_UNLINKED_PREFIX,
	CRFD_MATCH_NUMBERED /* text:[N] */
};

struct crfd_match {
	enum crfd_match_how how;
	const char *text;
	uint32_t fmt; /* S_IFMT bits that it must have; 0: any */
};
#define CRFD_MATCHES(...) ((const struct crfd_match[]){__VA_ARGS__, {0}})
#define CRFD_MODE(fmt) CRFD_MATCHES({CRFD_MATCH_MODE, NULL, fmt})
#define CRFD_ANON(name) CRFD_MATCHES({CRFD_MATCH_EXACT, "anon_inode:" name, 0})

/* A copy of the descriptor is asked for one of these: getfd/ has the code, in files of the families' names. */
enum crfd_asks {
	CRFD_ASKS_NOTHING,
	CRFD_ASKS_OWNER, /* who is told by a signal, where one may be sent; all that follow are asked for it too */
	CRFD_ASKS_DEVICE, /* of terminals without a line, which are asked for their settings too, and of tun devices */
	CRFD_ASKS_SOCKET,
	CRFD_ASKS_PIPE,
	CRFD_ASKS_MEMORY,
	CRFD_ASKS_OBJECT
};

/* The text of fdinfo becomes one of these where the records have all that it says. */
enum crfd_text {
	CRFD_TEXT_DROPPED,
	CRFD_TEXT_TELLS, /* dropped, but kept where it made no record */
	CRFD_TEXT_KEPT /* the kind has no decoder */
};

struct crfd_kind_ops {
	uint16_t kind; /* enum crfd_kind */
	const char *name;
	const struct crfd_match *match; /* ends with CRFD_MATCH_END; NULL: neither name nor type tells */
	const char *id_key; /* of the line of fdinfo that tells one description from others of its inode for its life */

	enum crfd_text text;
	int16_t type; /* of the one record that is made of crfd_detail.rec; 0: it is the batch's, or there is none */
	uint16_t size; /* of that record */
	int16_t entries; /* type of the record that is an array of crfd_detail.entries; 0: none */
	uint16_t entry; /* size of one */
	const struct crfd_line_number *numbers; /* lines with one number of the record, nnumbers of them */
	size_t nnumbers;
	/* Takes another line: 1 where the record has all of it, 0 where the text must be kept as well, or -ENOMEM. */
	int (*line)(struct crfd_detail *d, const struct crfd_line *l);
	uint32_t needs; /* bits of crfd_detail.known without which there is no record */
	/* Completes the record when everything is known that will be: 1, 0 where there is none, or -ENOMEM. */
	int (*end)(struct crfd_detail *d);

	enum crfd_asks asks;
	uint32_t wants; /* bits of crfd_detail.known that are asked for; 0: some that it has no bits for */
};
#define CRFD_ROW(kind_, name_, match_) .kind = CRFD_KIND_##kind_, .name = (name_), .match = (match_)
#define CRFD_RECORD(number, struct_type) .type = (number), .size = sizeof(struct_type)
#define CRFD_TOLD(number, struct_type) .text = CRFD_TEXT_TELLS, CRFD_RECORD(number, struct_type)
#define CRFD_ENTRIES(number, struct_type) .entries = (number), .entry = sizeof(struct_type)
#define CRFD_NUMBERS(table) .numbers = (table), .nnumbers = sizeof(table) / sizeof(*(table))

struct crfd_kind_family {
	const struct crfd_kind_ops *v;
	size_t nr;
};
#define CRFD_FAMILY(rows) {(rows), sizeof(rows) / sizeof(*(rows))}

extern const struct crfd_kind_family crfd_kinds_event, crfd_kinds_watch, crfd_kinds_socket, crfd_kinds_pipe,
	crfd_kinds_memory, crfd_kinds_object, crfd_kinds_device, crfd_kinds_file;

/* Finds the row of an enum crfd_kind; NULL for another number. */
const struct crfd_kind_ops *crfd_kind_find(int kind);

/*
 * Finds the kind of a description: text is its name without the " (deleted)" of an unlinked one (len 0: not known), st_mode as
 * stat(2) gives it (0: not known).
 */
int crfd_kind_of(const char *text, size_t len, uint32_t st_mode, int deleted);

/*
 * The types of inode, 1 << their number in st_mode, that kinds (1 << enum crfd_kind of each) may have: all, where that is not
 * certain for every kernel.
 */
uint32_t crfd_kind_types(uint64_t kinds);

/* The text of /proc/PID/fd/N says this much by its form. */
struct crfd_fd_name {
	size_t stem; /* length without the kernel's " (deleted)" */
	uint64_t number; /* N of "pipe:[N]" and its like */
	uint8_t path; /* begins with '/': may be a name in a file system */
	uint8_t marked; /* ends in " (deleted)", which a name may as well */
	uint8_t numbered;
};

void crfd_fd_name_parse(const char *text, size_t len, struct crfd_fd_name *out);

#endif
