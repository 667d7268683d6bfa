/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_GET_SEALS */
#include <fcntl.h>

#include "getfd/getfd.h"

void crfd_getfd_memory(int copy, struct crfd_detail *d)
{
	int seals = fcntl(copy, F_GET_SEALS);

	if (seals < 0)
		return;
	d->rec.memfd.seals = (uint32_t)seals;
	d->known |= CRFD_MEMFD_HAS_SEALS;
}
