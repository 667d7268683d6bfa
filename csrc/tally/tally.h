/* SPDX-License-Identifier: MIT */
#ifndef CRFD_TALLY_H
#define CRFD_TALLY_H

#include "filter/filter.h"

#include "tally/tally.cdef.h"

#endif
