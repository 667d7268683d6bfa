/* SPDX-License-Identifier: MIT */
/* The columns of a task that are no member of a struct. */
#ifndef CRFD_COLUMNS_TASK_H
#define CRFD_COLUMNS_TASK_H

#include "columns/column.h"

crfd_column_get crfd_task_user, crfd_task_cmdline, crfd_task_cgroup, crfd_task_container, crfd_task_started;

#endif
