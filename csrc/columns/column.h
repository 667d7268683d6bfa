/* SPDX-License-Identifier: MIT */
/*
 * How a column is read from a row. Most are a member of a struct, which a const row describes; the rest have a function.
 *
 *   value.c          a value of a row, a record of a row
 *   event.c …        what a family of kinds has: its columns, and what the NAME column says of it
 *   family.c         the list of families
 *   task.c, file.c   what a task and an open file description have
 *   common.c         the table of what every descriptor has
 *   phrase.c         values in a few words
 *   column.c         all of it by number and name
 */
#ifndef CRFD_COLUMN_H
#define CRFD_COLUMN_H

#include "base/base.h"
#include "columns/columns.h"
#include "columns/row.h"
#include "columns/text.h"

/* A column is read from one of these. */
enum crfd_column_from {
	CRFD_FROM_TASK, /* struct crfd_row_task */
	CRFD_FROM_ROW, /* struct crfd_row */
	CRFD_FROM_FILE, /* the same, where the description could be read */
	CRFD_FROM_RECORD, /* the description's record of a type */
	CRFD_FROM_TASK_RECORD, /* the task's */
	CRFD_FROM_ENTRY, /* crfd_row.entry */
	CRFD_FROM_HELD, /* crfd_row.holding */
	CRFD_FROM_CALL
};

struct crfd_column;
struct crfd_scratch;

typedef int crfd_column_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			    struct crfd_value *v);
typedef int crfd_column_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out);

/* A list has the entries of the records of a type. */
struct crfd_list {
	int rec; /* 0: it has those of `own` alone */
	uint16_t size; /* bytes of an entry */
	const struct crfd_column *member;
	size_t nmembers;
	const char *phrase; /* of an entry (columns/phrase.h) */
	/* A task's records of a type that begin with the fd that they are of have entries too. rec 0: none has. */
	struct {
		uint16_t rec, size, entry; /* bytes of an element of such a record, and where in it the entry is */
		uint16_t at; /* of the crfd_records in a row, from the first of its fd on */
	} own;
};

/* A member may have to be read in its own way. */
struct crfd_reading {
	uint32_t mask; /* the bits that are the value, 0: all */
	uint16_t none; /* CRFD_NONE_* */
	uint16_t nnames;
	const char *const *names; /* the member is a number, the value its name */
	const struct crfd_family *family; /* known of its descriptors alone; NULL: what it is read from says so by itself */
};

struct crfd_column {
	crfd_column_info info;
	uint8_t from; /* enum crfd_column_from */
	uint8_t size; /* bytes of the member: 1, 2, 4, 8; else of text that zeros pad; 0: text up to the end of the record */
	uint8_t is_signed;
	uint16_t rec; /* record type */
	uint16_t at; /* offset of the member */
	uint16_t known_at; /* offset of the word of known bits, 0xffff: always known */
	uint32_t known; /* the bits that must be set; 0: any, of an entry or a task */
	const struct crfd_reading *reading; /* NULL: the member is the value */
	crfd_column_get *get; /* CALL */
	crfd_column_json *json; /* what a JSON object has in place of the value, NULL: the value */
	const struct crfd_list *list; /* LIST */
};

#define CRFD_ALWAYS 0xffff

/* Some numbers, and a text that is empty, stand for what is not known. */
#define CRFD_NONE_ZERO 1
#define CRFD_NONE_NEGATIVE 2
#define CRFD_NONE_ONES 4 /* every bit is set, of a number without a sign */

#define CRFD_LEN(array) (sizeof(array) / sizeof(*(array)))
#define CRFD_SIGNED(member) _Generic(member, int8_t: 1, int16_t: 1, int32_t: 1, int64_t: 1, default: 0)

/* Makes a column of a member of a struct: where from, of which record type, the struct and its member. */
#define CRFD_MEMBER(name_, text_, about_, type_, unit_, flags_, from_, rec_, struct_, member_, known_at_, known_, ...)  \
	{                                                                                                         \
		.info = {name_, text_, CRFD_COLUMN_##type_, CRFD_UNIT_##unit_, CRFD_ABOUT_##about_, flags_},       \
		.from = CRFD_FROM_##from_, .rec = rec_, .size = sizeof(((struct_ *)0)->member_),                   \
		.is_signed = CRFD_SIGNED(((struct_ *)0)->member_), .at = offsetof(struct_, member_),             \
		.known_at = known_at_, .known = known_, __VA_ARGS__                                               \
	}

#define CRFD_READING(...) .reading = &(const struct crfd_reading){__VA_ARGS__}
#define CRFD_NAMES(names_) .names = names_, .nnames = CRFD_LEN(names_)

/* Makes a column that a function reads. */
#define CRFD_CALL(name_, text_, about_, type_, unit_, flags_, get_, ...)                                                \
	{                                                                                                         \
		.info = {name_, text_, CRFD_COLUMN_##type_, CRFD_UNIT_##unit_, CRFD_ABOUT_##about_, flags_},       \
		.from = CRFD_FROM_CALL, .get = get_, __VA_ARGS__                                                  \
	}

/* The kinds of a family have columns of their own. */
struct crfd_family {
	const char *name; /* of its columns before the dot */
	uint16_t kind[5];
	uint16_t rec[2]; /* a row has a value of any of them where it has a record of one of these types; 0: is_told says it */
	const struct crfd_column *column;
	size_t ncolumns;
	/* Appends to out what the NAME column says, each word with a blank before it. 0 or -ENOMEM. NULL: `phrase` says it all. */
	int (*say)(const struct crfd_row *r, crfd_buf *out);
	const char *phrase; /* what comes behind that (columns/phrase.h), NULL: nothing */
	int (*is_told)(const struct crfd_row *r); /* NULL: always */
};

extern const struct crfd_family crfd_family_eventfd, crfd_family_timerfd, crfd_family_signalfd;
extern const struct crfd_family crfd_family_epoll, crfd_family_inotify, crfd_family_fanotify;
extern const struct crfd_family crfd_family_socket, crfd_family_pipe, crfd_family_memfd, crfd_family_dmabuf;
extern const struct crfd_family crfd_family_userfaultfd, crfd_family_pidfd, crfd_family_io_uring, crfd_family_bpf;
extern const struct crfd_family crfd_family_namespace, crfd_family_tty, crfd_family_tun, crfd_family_fuse;
extern const struct crfd_family crfd_family_mqueue;

extern const struct crfd_family *const crfd_families[];
extern const size_t crfd_families_len;

/* Each thread reads values with one of these. */
struct crfd_scratch {
	crfd_buf text; /* a derived text: of the last value only */
	crfd_buf user; /* the name of uid */
	uint32_t uid;
	int has_uid;
	int brief; /* JSON has but the first entries of long lists: 1, those of the description have been told; 2, the task's own too */
};

void crfd_scratch_release(struct crfd_scratch *s);

const struct crfd_column *crfd_column_at(size_t number);
/* Finds the number of a column; negative for a name that is none. */
int crfd_column_find(const char *name, size_t len);
/* Reads the value of a column; a text lives until the next one is asked for. 0 or -ENOMEM. */
int crfd_column_value(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
		      struct crfd_value *v);
/* Returns the family of the row's kind where the row has a value of it, or NULL. */
const struct crfd_family *crfd_family_of(const struct crfd_row *r);
/* Returns 1 where the row is of the family and has a value of it. */
int crfd_family_has(const struct crfd_family *f, const struct crfd_row *r);

/* Finds the payload of the first record of the type in ext whose word at known_at has a bit of `known`, or NULL. */
const uint8_t *crfd_row_record(struct crfd_records ext, int rec, size_t size, uint16_t known_at, uint32_t known,
			       size_t *len);
/* Fills out from the description's first record of the type, and returns 1; with zeros, and returns 0, where there is none. */
int crfd_row_read(const struct crfd_row *r, int rec, void *out, size_t size);
/* Calls each(arg, entry) for every entry of a list; stops where it gives not 0, and returns that. */
int crfd_list_each(const struct crfd_list *l, const struct crfd_row *r,
		   int (*each)(void *arg, const struct crfd_row *entry), void *arg);

/* The same for the entries that the task itself says alone. */
int crfd_list_each_own(const struct crfd_list *l, const struct crfd_row *r,
		       int (*each)(void *arg, const struct crfd_row *entry), void *arg);
/*
 * The same as crfd_list_each() where each() stops at *most entries; those of the task's own come all unless they have been told. 1 where some were
 * left out.
 */
int crfd_list_each_most(const struct crfd_list *l, const struct crfd_scratch *s, const struct crfd_row *r,
			int (*each)(void *arg, const struct crfd_row *entry), void *arg, size_t *most);
/* Counts the entries of a list. */
size_t crfd_list_count(const struct crfd_list *l, const struct crfd_row *r);
#define CRFD_LIST_FEW 8 /* entries that a text has of a long list, and a brief JSON */
/* Appends a list as a JSON array of objects; of a brief one that is long, how many were left out is the last. 0 or -ENOMEM. */
int crfd_list_json(const struct crfd_list *l, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out);

/* Returns the name of a family's column behind the dot. */
const char *crfd_member_name(const struct crfd_column *c);
/* Appends the n-th of the names, or its number. 0 or -ENOMEM. */
int crfd_text_name(crfd_buf *out, const char *const *names, size_t n, uint64_t number);
/* Appends the value as JSON: null where it is not known. 0 or -ENOMEM. */
int crfd_value_json(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out);
/* Appends an object of what the row's family has, null where it has nothing. */
int crfd_detail_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out);

/* Each gives a known value: a text, that of s where rc, of putting it there, is 0; a number; a number's name. 0, rc or -ENOMEM. */
int crfd_value_text(struct crfd_value *v, const uint8_t *p, size_t n);
int crfd_value_scratch(struct crfd_scratch *s, int rc, struct crfd_value *v);
int crfd_value_number(struct crfd_value *v, uint64_t number);
int crfd_value_name(struct crfd_scratch *s, const char *const *names, size_t n, uint64_t number, struct crfd_value *v);

#endif
