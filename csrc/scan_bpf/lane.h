/* SPDX-License-Identifier: MIT */
/* Each thread reads with one of these. */
#ifndef CRFD_BPF_LANE_H
#define CRFD_BPF_LANE_H

#include "bpf/load.h"
#include "scan_bpf/fd.h"
#include "scan_bpf/source.h"
#include "scan_bpf/task_records.h"
#include "scan_bpf/words.h"

/* The mapped files of the task that is being read. */
struct crfd_bpf_maps {
	struct crfd_bpf_mapped *v;
	size_t nr, alloc;
	crfd_buf names;
	uint32_t tid; /* whose they are, 0: nobody's */
	int lacks; /* something of the task that /proc has to be asked for */
};

struct crfd_bpf_lane {
	crfd_bpf *bpf;
	struct crfd_bpf_source one; /* over the files of one task */
	struct crfd_bpf_source all; /* over the files of all */
	struct crfd_bpf_source one_table, all_tables; /* the same, over tables */
	struct crfd_bpf_source all_inside, all_held; /* what lies in the sockets and rings of all, and what they hold */
	struct crfd_bpf_maps maps;
	struct crfd_bpf_asker asker;
	struct crfd_bpf_looker looker;
	struct crfd_bpf_words words;
	crfd_buf begin; /* the walk_begin of the task that is being read, with its path */
	struct walk_push push; /* of the scan */
	int passed_holders; /* of this batch: some that fail its conditions may have files inside */
	long clk_tck;
};

/* Returns 1 where the command lines of all tasks are wanted, and not only of the few that have what is asked for. */
static inline int crfd_bpf_words_are_ahead(const struct crfd_bpf_lane *lane)
{
	return !lane->push.has || lane->looker.flags & CRFD_SCAN_HOLDS;
}

#endif
