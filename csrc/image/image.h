/* SPDX-License-Identifier: MIT */
#ifndef CRFD_IMAGE_H
#define CRFD_IMAGE_H

#include "batch/batch.h"

#include "image/image.cdef.h"

#endif
