/* SPDX-License-Identifier: MIT */
/* Brings the two declaration files into C. */
#ifndef CRFD_H
#define CRFD_H

#include <stddef.h>
#include <stdint.h>

#include "format.cdef.h"
#include "crfd.cdef.h"

#endif
