/* SPDX-License-Identifier: MIT */
/* Threads may wait for a descriptor in poll(2) and its like; that is told where a scan was asked for it. */
#ifndef CRFD_COLUMNS_POLLED_H
#define CRFD_COLUMNS_POLLED_H

#include "columns/column.h"

/* Those of a row are no column of type LIST: `pollers` says them in words. */
extern const struct crfd_list crfd_polled_list;
crfd_column_get crfd_polled_get, crfd_pollers_get;
crfd_column_json crfd_pollers_json;
/* Appends what the NAME column says, each word with a blank before it. 0 or -ENOMEM. */
int crfd_polled_say(const struct crfd_row *r, crfd_buf *out);

#endif
