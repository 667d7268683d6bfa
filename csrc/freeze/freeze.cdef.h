/* SPDX-License-Identifier: MIT */
typedef struct crfd_freeze crfd_freeze;

crfd_freeze *crfd_freeze_new(void);
/*
 * Stops every thread of n processes with ptrace. The thread that adds is the tracer: it must live until the thaw, do it,
 * and end then: a thread that did not stop in time is let go only by that. rc[i] becomes 0, also for what has no table (a
 * zombie, a kernel thread), or -ESRCH, -EPERM (refused, or traced already), -EBUSY (a thread does not stop). 0 or -ENOMEM.
 */
int crfd_freeze_add(crfd_freeze *f, const int32_t *pids, size_t n, int32_t *rc);
/* Lets all of them go. Returns how many processes were added, *still theirs in that order, valid until the free. */
size_t crfd_freeze_thaw(crfd_freeze *f, const crfd_still **still);
void crfd_freeze_free(crfd_freeze *f);
