/* SPDX-License-Identifier: MIT */
/* Files that a task holds without a descriptor. */
#ifndef CRFD_COLUMNS_HELD_H
#define CRFD_COLUMNS_HELD_H

#include "columns/column.h"

crfd_column_get crfd_held_map, crfd_held_slot;
crfd_column_json crfd_held_map_json;

/* Makes the row of the first HELD record of *rest, which moves behind it: 1, or 0 where there is none. */
int crfd_held_next(struct crfd_records *rest, const struct crfd_row_task *task, struct crfd_row *row);

#endif
