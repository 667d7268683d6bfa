/* SPDX-License-Identifier: MIT */
/* Whose mapped files are another's too, by kcmp(2), which finds equal what has ended: neither has any memory. */
#include "procfs/held.c"

#include "child.h"
#include "identity/identity.h"

/* Threads of one process by their numbers, which these are by what the kernel says only where they are the same. */
static crfd_task thread(pid_t pid, crfd_buf *scratch)
{
	struct crfd_procstat stat;
	int dir = crfd_proc_open(pid);

	CHECK(dir >= 0 && crfd_proc_stat(dir, pid, scratch, &stat) == 0);
	close(dir);
	return (crfd_task){.info = {.pid = (uint32_t)pid, .tgid = 1, .start_time = stat.start_time}};
}

int main(void)
{
	static const struct {
		const char *name;
		int ends, same, later, has;
	} rows[] = {
		{"the same", 0, 1, 0, 1},
		{"another process", 0, 0, 0, 0},
		{"two that have ended", 1, 0, 0, 0},
		{"one whose number another has by now", 0, 1, 1, 0},
	};
	crfd_buf scratch = {0};

	if (crfd_probe_kcmp() < 0)
		return 0;
	FOR_ROWS(row, rows) {
		pid_t a = child(0, row->ends), b = child(0, row->ends), pid = row->same ? a : b;
		crfd_task kept = thread(a, &scratch), t = thread(pid, &scratch);
		int dir = crfd_proc_open(pid);

		kept.info.start_time -= (uint64_t)row->later;
		CHECK_EQ(has_memory_of(&kept, &t, dir, &scratch), row->has);
		close(dir);
		end(a);
		end(b);
	}
	crfd_buf_release(&scratch);
	return check_status();
}
