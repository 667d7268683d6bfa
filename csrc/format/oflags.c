/* SPDX-License-Identifier: MIT */
#include "format/oflags.h"

#include <string.h>

#include "format/format.h"

/* include/uapi/asm-generic/fcntl.h, arch/arm64/include/uapi/asm/fcntl.h (arm's is alike), arch/powerpc/include/uapi/asm/fcntl.h */
static const struct crfd_oflags generic = {.direct = 040000, .largefile = 0100000, .directory = 0200000, .nofollow = 0400000};
static const struct crfd_oflags arm = {.direct = 0200000, .largefile = 0400000, .directory = 040000, .nofollow = 0100000};
static const struct crfd_oflags powerpc = {.direct = 0400000, .largefile = 0200000, .directory = 040000, .nofollow = 0100000};

#if defined(__aarch64__) || defined(__arm__)
const struct crfd_oflags *const crfd_oflags_here = &arm;
#elif defined(__powerpc__)
const struct crfd_oflags *const crfd_oflags_here = &powerpc;
#else
const struct crfd_oflags *const crfd_oflags_here = &generic;
#endif

static int begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

const struct crfd_oflags *crfd_oflags_of_image(const uint8_t *image, size_t n)
{
	const struct crfd_oflags *there = &generic;
	char machine[sizeof(((crfd_head *)NULL)->machine)] = "";

	if (n < sizeof(crfd_rec) + sizeof(crfd_head))
		return NULL;
	memcpy(machine, image + sizeof(crfd_rec) + offsetof(crfd_head, machine), sizeof(machine) - 1);
	if (begins(machine, "aarch64") || begins(machine, "arm"))
		there = &arm;
	else if (begins(machine, "ppc"))
		there = &powerpc;
	return there == crfd_oflags_here ? NULL : there;
}

uint32_t crfd_oflags_translate(const struct crfd_oflags *there, uint32_t f_flags)
{
	const struct crfd_oflags *here = crfd_oflags_here;
	uint32_t out = f_flags & ~(there->direct | there->largefile | there->directory | there->nofollow);

	out |= f_flags & there->direct ? here->direct : 0;
	out |= f_flags & there->largefile ? here->largefile : 0;
	out |= f_flags & there->directory ? here->directory : 0;
	out |= f_flags & there->nofollow ? here->nofollow : 0;
	return out;
}
