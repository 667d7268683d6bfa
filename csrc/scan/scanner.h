/* SPDX-License-Identifier: MIT */
#ifndef CRFD_SCANNER_H
#define CRFD_SCANNER_H

#include "batch/batch.h"

#include "scan/scanner.cdef.h"

#endif
