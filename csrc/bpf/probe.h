/* SPDX-License-Identifier: MIT */
#ifndef CRFD_BPF_PROBE_H
#define CRFD_BPF_PROBE_H

#include <stddef.h>
#include <stdint.h>


#include "bpf/probe.cdef.h"

#endif
