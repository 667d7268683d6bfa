/* SPDX-License-Identifier: MIT */
#ifndef CRFD_CRC32C_H
#define CRFD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The sum of a followed by b, from the sums of each: crc32c(crc32c(0, a), b) without reading b again. */
uint32_t crfd_crc32c_combine(uint32_t a, uint32_t b, uint64_t len_b);

#endif
