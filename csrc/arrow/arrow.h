/* SPDX-License-Identifier: MIT */
#ifndef CRFD_ARROW_H
#define CRFD_ARROW_H

#include "columns/columns.h"
#include "filter/filter.h"

#include "arrow/arrow.cdef.h"

#endif
