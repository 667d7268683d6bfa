/* SPDX-License-Identifier: MIT */
#ifndef CRFD_MOUNT_H
#define CRFD_MOUNT_H

#include "columns/row.h"

/* Finds the payload of the first TASK_MOUNT of that number; p NULL where there is none. */
struct crfd_bytes crfd_mount_find(struct crfd_records mounts, int32_t mnt_id);

#endif
