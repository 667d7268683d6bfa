/* SPDX-License-Identifier: MIT */
/* The columns of an open file description that are no member of a struct. */
#ifndef CRFD_COLUMNS_FILE_H
#define CRFD_COLUMNS_FILE_H

#include "columns/column.h"

crfd_column_get crfd_file_kind, crfd_file_f_mode, crfd_file_flags, crfd_file_path, crfd_file_bytes, crfd_file_deleted_bytes;
crfd_column_get crfd_file_mount;

#endif
