/* SPDX-License-Identifier: MIT */
#ifndef CRFD_FORMAT_H
#define CRFD_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "format/format.cdef.h"

#endif
