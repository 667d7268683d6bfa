/* SPDX-License-Identifier: MIT */
#ifndef CRFD_BASE_H
#define CRFD_BASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.cdef.h"

#endif
