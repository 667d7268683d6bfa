/* SPDX-License-Identifier: MIT */
#ifndef CRFD_ARROW_SCHEMA_H
#define CRFD_ARROW_SCHEMA_H

#include "arrow/table.h"

/* Makes the schema of a table's columns; out is written on success only. 0 or -ENOMEM. */
int crfd_schema_make(const struct crfd_table *t, const struct crfd_field *f, size_t n, struct ArrowSchema *out);

#endif
