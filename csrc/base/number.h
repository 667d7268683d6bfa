/* SPDX-License-Identifier: MIT */
/* The one parser of numbers in the kernel's texts, and the writer of one where printf() would be what takes longest. */
#ifndef CRFD_NUMBER_H
#define CRFD_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Reads n bytes, all of them digits of the base (8, 10 or 16, no prefix). -EINVAL, or -ERANGE above max. */
int crfd_number(const char *p, size_t n, unsigned int base, uint64_t max, uint64_t *out);
/* Reads a number in base 10 that fits 32 bits. */
int crfd_number_u32(const char *p, size_t n, uint32_t *out);
/* Reads a number in base 10 with an optional minus, as two's complement. */
int crfd_number_signed(const char *p, size_t n, int64_t *out);
/* Writes v in base 10, at most 20 digits, so that they end before `end`, and returns where they begin. */
char *crfd_number_text(uint64_t v, char *end);
/* Turns a device number of the kernel (include/linux/kdev_t.h: 12 bits of major, 20 of minor) into st_dev of stat(2). */
uint64_t crfd_kernel_dev(uint32_t dev);
/* Orders two int32_t, for qsort(3) and bsearch(3). */
int crfd_int32_compare(const void *a, const void *b);

#endif
