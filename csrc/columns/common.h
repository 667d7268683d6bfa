/* SPDX-License-Identifier: MIT */
/* The columns that every descriptor has. */
#ifndef CRFD_COMMON_H
#define CRFD_COMMON_H

#include "columns/column.h"

extern const struct crfd_column crfd_common[];
extern const size_t crfd_common_len;

#endif
