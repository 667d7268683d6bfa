/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Where the record of a descriptor is put together. One reader at a time: the loader sees to it. */
#ifndef CRFD_OUT_H
#define CRFD_OUT_H

#include "walk.h"

struct {
	struct walk_fd fd;
	char path[WALK_PATH_MAX];
} out;

#endif
