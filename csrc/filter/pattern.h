/* SPDX-License-Identifier: MIT */
#ifndef CRFD_FILTER_PATTERN_H
#define CRFD_FILTER_PATTERN_H

#include <regex.h>

#include "columns/column.h"

/* Compiles an expression that a NUL ends, to be freed by crfd_regex_free. 0, -EINVAL with why[size] filled, -ENOMEM. */
int crfd_regex_new(const char *text, size_t n, regex_t **out, char *why, size_t size);
void crfd_regex_free(regex_t *r);
/* Returns 1 where it fits a part of the text, which may be in s, 0 or -ENOMEM. */
int crfd_regex_fits(const regex_t *r, struct crfd_scratch *s, struct crfd_bytes text);

/* Returns 1 where a pattern that a NUL ends fits all of the text, which may be in s, 0 or -ENOMEM. */
int crfd_glob_fits(const char *pattern, struct crfd_scratch *s, struct crfd_bytes text);

int crfd_path_is_under(struct crfd_bytes dir, struct crfd_bytes path);

#endif
