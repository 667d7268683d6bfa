/* SPDX-License-Identifier: MIT */
/* An allocator that fails on demand, put in front of the real one by the linker (--wrap). */
#ifndef OOM_H
#define OOM_H

/* Lets the n-th allocation from here on fail, and with `after` every later one too; n counts from 1. */
void oom_arm(long n, int after);
/* Back to normal; how many allocations were refused. */
long oom_disarm(void);

#endif
