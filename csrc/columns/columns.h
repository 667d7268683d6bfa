/* SPDX-License-Identifier: MIT */
#ifndef CRFD_COLUMNS_H
#define CRFD_COLUMNS_H

#include "image/image.h"

#include "columns/columns.cdef.h"

#endif
