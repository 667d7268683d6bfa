/* SPDX-License-Identifier: MIT */
/* The walk over tasks gives a record of each. */
#ifndef CRFD_BPF_RECORDS_H
#define CRFD_BPF_RECORDS_H

#include "scan_bpf/tasks.h"

struct crfd_bpf_records {
	struct walk_task *v;
	size_t nr, alloc;
};

/* Appends the records of the tasks in the scope, as they come. 0 or -errno; v is the caller's in any case. */
int crfd_bpf_records_read(crfd_bpf *bpf, struct crfd_bpf_scope scope, struct crfd_bpf_records *out);

#endif
