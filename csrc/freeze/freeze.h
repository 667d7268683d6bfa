/* SPDX-License-Identifier: MIT */
#ifndef CRFD_FREEZE_H
#define CRFD_FREEZE_H

#include "format/format.h"

#include "freeze/freeze.cdef.h"

#endif
