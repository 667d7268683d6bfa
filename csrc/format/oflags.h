/* SPDX-License-Identifier: MIT */
/* The O_ flags whose numbers differ between the machines that crfd runs on. */
#ifndef CRFD_OFLAGS_H
#define CRFD_OFLAGS_H

#include <stddef.h>
#include <stdint.h>

struct crfd_oflags {
	uint32_t direct, largefile, directory, nofollow;
};

/* Those of this machine; libc's O_LARGEFILE is 0 where all files may be large. */
extern const struct crfd_oflags *const crfd_oflags_here;

/* Those of the machine that an image of n bytes was made on; NULL where they are the same as here, or where it has no head. */
const struct crfd_oflags *crfd_oflags_of_image(const uint8_t *image, size_t n);

/* The flags of a file there as this machine has them. */
uint32_t crfd_oflags_translate(const struct crfd_oflags *there, uint32_t f_flags);

#endif
