/* SPDX-License-Identifier: MIT */
#ifndef CRFD_CLOCK_H
#define CRFD_CLOCK_H

#include <stdint.h>

/* When the kernel booted, in seconds since 1970: btime of proc_stat(5), without that file, which lists every interrupt. */
uint32_t crfd_boot_time(void);

#endif
