/* SPDX-License-Identifier: MIT */
#ifndef CRFD_OURS_H
#define CRFD_OURS_H

#include <errno.h>

/*
 * Whether an error, negative, says that we are out of memory or descriptors: then the scan fails. What could not be read
 * for want of them must not look like what is not there, or like what another refuses.
 */
static inline int crfd_is_ours(int rc)
{
	return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE;
}

#endif
