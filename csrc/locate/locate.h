/* SPDX-License-Identifier: MIT */
#ifndef CRFD_LOCATE_H
#define CRFD_LOCATE_H

#include "base/base.h"

#include "locate/locate.cdef.h"

#endif
