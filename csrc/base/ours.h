/* SPDX-License-Identifier: MIT */
#ifndef CRFD_OURS_H
#define CRFD_OURS_H

#include <errno.h>

/*
 * Tells an error, negative, of our own memory or descriptors that ran out: then the scan fails. Nothing that could not be read
 * for want of them may look like something that is not there, or that another refuses.
 */
static inline int crfd_is_ours(int rc)
{
	return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE;
}

#endif
