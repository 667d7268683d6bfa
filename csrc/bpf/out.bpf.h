/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where records are put together: one after the other in the room that the reader has mapped, or, for the iterator over files,
 * which copies each to its reader, all at one place behind that. One reader at a time: the loader sees to it.
 */
#ifndef CRFD_OUT_H
#define CRFD_OUT_H

#include "walk.h"

#define OUT_AT (WALK_ROOM + WALK_RECORD_MAX)
#define OUT_LAST (OUT_AT + 8192) /* where something may begin at most: what follows the longest path */

struct {
	char v[OUT_LAST + WALK_RECORD_MAX];
} walk_room;

struct walk_ask walk_ask;

/* The memory from byte at on, WALK_RECORD_MAX bytes of it at least; NULL where it cannot be. */
static __always_inline void *out_at(__u64 at)
{
	if (at > OUT_LAST)
		return 0;
	asm volatile("" : "+r"(at)); /* the verifier must see the test before the sum */
	return walk_room.v + at;
}

#endif
