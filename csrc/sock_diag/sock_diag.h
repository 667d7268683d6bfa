/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SOCK_DIAG_H
#define CRFD_SOCK_DIAG_H

#include "batch/batch.h"

#include "sock_diag/sock_diag.cdef.h"

#endif
