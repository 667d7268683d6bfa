/* SPDX-License-Identifier: MIT */
/* The texts of /proc/devices and /proc/misc, by which a device number has a name. Pure. */
#ifndef CRFD_DEVICES_H
#define CRFD_DEVICES_H

#include "base/base.h"

/*
 * Appends to out the names that drivers have given a major number, with commas between: most have one. Of a block device, or
 * of a character device. 0 or -ENOMEM.
 */
int crfd_devices_find(const char *text, size_t n, int block, unsigned int major, crfd_buf *out);
/* The same of a miscellaneous device's minor number. */
int crfd_misc_find(const char *text, size_t n, unsigned int minor, crfd_buf *out);

#endif
