/* SPDX-License-Identifier: MIT */
/*
 * Checks say file and line, the row of the table, what was expected and what was found. One that compares is counted and
 * the test goes on, so that a run shows every row that is broken; main() returns check_status(). CHECK() stops the test:
 * it is for what all the rest stands on.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

struct check_at {
	const char *file;
	int line;
	const char *what; /* is compared */
};

/* Names the row that the checks from here on belong to; NULL: none. The text must live as long as they do. */
void check_row(const char *name);
/* Gives main() what it returns: 0, or 1 where a check has failed. */
int check_status(void);

void check_int(struct check_at at, __int128 found, __int128 expected);
void check_range(struct check_at at, __int128 found, __int128 least, __int128 most);
void check_str(struct check_at at, const char *found, const char *expected);
void check_bytes(struct check_at at, const void *found, size_t n, const void *expected, size_t expected_n);
void check_stop(struct check_at at) __attribute__((noreturn));

/* A copy of just that size, for the caller to free: a read past its end is seen. */
void *check_copy(const void *p, size_t n) __attribute__((malloc));

#define CHECK_AT(what) ((struct check_at){__FILE__, __LINE__, what})

#define CHECK(what) ((what) ? (void)0 : check_stop(CHECK_AT(#what)))
/* Integers of any type, by their values. */
#define CHECK_EQ(found, expected) check_int(CHECK_AT(#found), found, expected)
#define CHECK_RANGE(found, least, most) check_range(CHECK_AT(#found), found, least, most)
#define CHECK_STR(found, expected) check_str(CHECK_AT(#found), found, expected)
#define CHECK_BYTES(found, n, expected, expected_n) check_bytes(CHECK_AT(#found), found, n, expected, expected_n)
/* n bytes of text that no NUL ends, and a string. */
#define CHECK_TEXT(found, n, expected) CHECK_BYTES(found, n, expected, strlen(expected))

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))
/* A loop over the rows of a table, each of which has a name. */
#define FOR_ROWS(row, table) \
	for (typeof(&(table)[0]) row = (table); check_row(row < (table) + COUNT_OF(table) ? row->name : NULL), \
	     row < (table) + COUNT_OF(table); row++)

#endif
