/* SPDX-License-Identifier: MIT */
/* Descriptions of any kind may have locks, leases and an owner of signals. */
#ifndef CRFD_COLUMNS_LOCK_H
#define CRFD_COLUMNS_LOCK_H

#include "columns/column.h"

/* The locks of a row are no column of type LIST: `locks` says them in words. */
extern const struct crfd_list crfd_lock_list;
crfd_column_get crfd_lock_get, crfd_owner_get;
crfd_column_json crfd_lock_json, crfd_owner_json;
/* Appends what the NAME column says of both, each word with a blank before it. 0 or -ENOMEM. */
int crfd_lock_say(const struct crfd_row *r, crfd_buf *out);

#endif
