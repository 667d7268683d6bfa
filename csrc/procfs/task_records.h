/* SPDX-License-Identifier: MIT */
/* Both backends read here what an image says of a task beside its descriptors. */
#ifndef CRFD_TASK_RECORDS_H
#define CRFD_TASK_RECORDS_H

#include "base/base.h"
#include "batch/batch.h"
#include "procfs/read.h"

/* Opens /proc/PID of that task, not of one that has its number by now, and reads its stat. Its descriptor, or -errno. */
int crfd_task_open(const crfd_task *t, crfd_buf *scratch, struct crfd_procstat *stat);
/* Sets the length of ext to what the text has gained since it began. 0 or -EOVERFLOW. */
int crfd_task_extend(const crfd_buf *text, crfd_span *ext);
/* The inode of the task's mount namespace, 0 unknown: from the record that its extension has by now. */
uint64_t crfd_task_mnt_ns(const crfd_batch *b, const crfd_task *t);
/* Appends TASK_KTHREAD to t->ext, which must still end the text. flags: PF_*. 0 or -ENOMEM, -EOVERFLOW. */
int crfd_task_kind(uint32_t flags, crfd_batch *b, crfd_task *t);
/*
 * Begins t->ext, at the end of the batch's text, with TASK_EXE, TASK_CMDLINE, TASK_CGROUP and TASK_NS of the task whose
 * /proc/PID is dir, and fills in its limits. What is refused has no record. 0 or -errno of ours, -EOVERFLOW.
 */
int crfd_task_records(int dir, crfd_buf *scratch, crfd_batch *b, crfd_task *t);
/*
 * Appends TASK_QUIET to t->ext, which must still end the text: now is a second list of the numbers of its table, ascending,
 * to be held against its descriptors in the batch; NULL where there was no second look.
 */
int crfd_task_look(const struct crfd_numbers *now, crfd_batch *b, crfd_task *t);

#endif
