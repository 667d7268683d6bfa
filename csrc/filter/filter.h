/* SPDX-License-Identifier: MIT */
#ifndef CRFD_FILTER_H
#define CRFD_FILTER_H

#include "columns/columns.h"
#include "columns/row.h"

#include "filter/filter.cdef.h"

struct crfd_scratch;

/* Returns 1 where the row matches, 0 or -ENOMEM. s is of one thread, and a text in it is gone afterwards. */
int crfd_filter_eval(const crfd_filter *f, struct crfd_scratch *s, const struct crfd_row *row);

#endif
