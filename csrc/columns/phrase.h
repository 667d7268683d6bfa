/* SPDX-License-Identifier: MIT */
/*
 * A phrase says something in a few words, with values of columns in it:
 *
 *   {NAME}   the value as a table has it, of a time in seconds, of a list its entries or how many they are
 *   {NAME?}  nothing; not told where the value is 0 or empty
 *   <A|B>    A where all of it is told, else B where that is, else nothing
 */
#ifndef CRFD_COLUMNS_PHRASE_H
#define CRFD_COLUMNS_PHRASE_H

#include "columns/column.h"

/* Appends the phrase with the values of n columns. 0 or -ENOMEM, as all here. */
int crfd_phrase_put(const char *phrase, const struct crfd_column *member, size_t n, const struct crfd_row *r, crfd_buf *out);
/* Appends what the NAME column says of a row of the family, each word with a blank before it. */
int crfd_family_say(const struct crfd_family *f, const struct crfd_row *r, crfd_buf *out);
/* Appends the first entries of a list by say(), which is told how many came before, and how many more NOUN there are. */
int crfd_list_say(const struct crfd_list *l, const struct crfd_row *r, const char *noun,
		  int (*say)(const struct crfd_row *entry, size_t before, crfd_buf *out), crfd_buf *out);
/* Appends a number as a table has it. */
int crfd_number_say(const struct crfd_column *c, uint64_t number, crfd_buf *out);

#endif
