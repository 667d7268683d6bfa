/* SPDX-License-Identifier: MIT */
#ifndef CRFD_FORMAT_H
#define CRFD_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "format/format.cdef.h"

/* Bits of f_mode: include/linux/fs.h */
#define FMODE_READ 1u
#define FMODE_WRITE 2u
#define FMODE_PATH 0x4000u

#endif
