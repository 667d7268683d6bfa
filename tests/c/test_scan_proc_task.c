/* SPDX-License-Identifier: MIT */
/* Who shares a table with whom, by kcmp(2), which finds equal what has ended: neither has a table. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/buf.h"
#include "child.h"
#include "identity/identity.h"
#include "scan_proc/proc.h"

static int share(pid_t a, pid_t b)
{
	crfd_buf scratch = {0};
	crfd_task task = {0};
	struct crfd_proc_task p;
	int dir = crfd_proc_open(a), rc;

	CHECK(dir >= 0 && crfd_proc_task_open(&p, b, &scratch, &task) == 0 && !task.err);
	rc = crfd_proc_task_shares(&p, a, dir, &scratch);
	crfd_proc_task_close(&p);
	close(dir);
	crfd_buf_release(&scratch);
	return rc;
}

int main(void)
{
	static const struct {
		const char *name;
		int flags[2], ends[2], share;
	} rows[] = {
		{"two of one table", {CLONE_FILES, CLONE_FILES}, {0, 0}, 1},
		{"two of two tables", {CLONE_FILES, 0}, {0, 0}, 0},
		{"two that have ended", {0, 0}, {1, 1}, 0},
		{"two that had one table", {CLONE_FILES, CLONE_FILES}, {1, 1}, 0},
		{"one that has ended", {CLONE_FILES, CLONE_FILES}, {0, 1}, 0},
	};

	if (crfd_probe_kcmp() < 0)
		return 0;
	FOR_ROWS(row, rows) {
		pid_t a = child(row->flags[0], row->ends[0]), b = child(row->flags[1], row->ends[1]);

		if (a && b)
			CHECK_EQ(share(a, b), row->share);
		if (a)
			end(a);
		if (b)
			end(b);
	}
	return check_status();
}
