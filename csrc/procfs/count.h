/* SPDX-License-Identifier: MIT */
#ifndef CRFD_COUNT_H
#define CRFD_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "procfs/count.cdef.h"

#endif
